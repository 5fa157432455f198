"""The learned model: what a word may be, from its letters, its neighbours and what is known of it.

    features    a word in its place → numbered features
    model       weights, their file, and reading a text with them   Model, shipped()
    doubting    what the model takes back of theirs                 believed(words, spans)
    reading     what the model adds to the rules                    find(words, taken, spans)
    evidence    what speaks for and against each open word          rows(words, spans, model)
    judging     all of it weighed: what is added, what taken back   judged(words, spans)
    training    texts with spans → weights                          train(examples)
    written     notes written by hand, with marks                   data/notes.txt
    generating  texts with spans, made from notes, lists and sentences  examples(seed)
    sentences   the sentences                                       data/sentences.txt

`python benches/deid_train.py` makes data/model.bin from the repository alone, the same each time;
`benches/deid_judge.py` then grows the trees in data/judge.bin.
"""

from moiety.deid.text.learned.doubting import believed
from moiety.deid.text.learned.judging import Judge, judged
from moiety.deid.text.learned.model import BadModel, Model, opened, shipped
from moiety.deid.text.learned.reading import find

__all__ = ["BadModel", "Judge", "Model", "believed", "find", "judged", "opened", "shipped"]
