"""The learned model: what a word may be, from its letters, its neighbours and what is known of it.

    features    a word in its place → numbered features
    model       weights, their file, and what they say of a text  Model.on(words) -> Said
    doubting    what the model takes back of theirs                 believed(said, spans)
    reading     what the model adds to the rules                    find(said, taken, spans)
    evidence    what speaks for and against each open word          rows(said, spans)
    trees       decision trees, their file, how they are asked      Judge, shipped_judge()
    judging     all of it weighed: what is added, what taken back   judged(said, spans)
    training    texts with spans → weights                          train(examples)
    written     notes written by hand, with marks                   data/notes.txt
    generating  texts with spans, made from notes, lists and sentences  examples(seed)
    sentences   the sentences                                       data/sentences.txt

`python benches/deid_train.py` makes data/model.bin from the repository alone, the same each time;
`benches/deid_judge.py` then grows the trees in data/judge.bin.
"""

from moiety.deid.text.learned.doubting import believed
from moiety.deid.text.learned.judging import judged
from moiety.deid.text.learned.model import BadModel, Model, Said, opened, shipped
from moiety.deid.text.learned.reading import find
from moiety.deid.text.learned.trees import Judge

__all__ = ["BadModel", "Judge", "Model", "Said", "believed", "find", "judged", "opened", "shipped"]
