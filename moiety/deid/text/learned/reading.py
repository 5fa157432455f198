"""What the model adds to the rules: words that nothing has taken and that nothing speaks against."""

from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.learned.model import Model
from moiety.deid.text.roles import KIN, NEVER, ROLES, TITLES
from moiety.deid.text.spans import Span
from moiety.deid.text.terms import is_ethnic, is_term
from moiety.deid.text.vocabulary import ABBREVIATION, CLINICAL, EPONYM, NAME, PLACE, WORD
from moiety.deid.text.words import NUMBER, TITLE, UPPER, Words

_ABBREVIATIONS = vocabulary.group("learned_abbreviations")
_NO_INITIALS = vocabulary.group("initials_roles") | _ABBREVIATIONS
_LIKELY, _EPONYM, _DOUBTFUL, _SURE = 0.5, 0.75, 0.9, 0.98
"""What words that have another meaning must reach, whatever the threshold."""
_UNKNOWN = 0.2
"""Share of the threshold that a word nothing is known of needs, where capitals tell nothing."""


def find(words: Words, taken: bytearray, model: Model, threshold: float) -> Iterator[Span]:
    """Words that are likelier than the threshold to identify."""
    before = 0
    for i, word in enumerate(words.low):
        if _is_hopeless(words, i):
            before = 0
            continue
        label, probability, before = model.probability(words, i, words.flags, before)
        if taken[words.starts[i]]:
            continue
        unknown = words.case != TITLE and not words.flags[i] and len(word) > 2
        if probability < threshold * (_UNKNOWN if unknown else 1):
            continue
        kind = model.labels[label]
        if _may_be(words, i, kind, probability):
            score = min(0.6, probability)
            yield Span(words.starts[i], words.ends[i], kind, score, "learned")


def _is_hopeless(words: Words, i: int) -> bool:
    """Whether the model would not be heeded whatever it says: two words of three, not worth a look."""
    known, shape = words.flags[i], words.shapes[i]
    if known & WORD and not known & NAME:
        return bool(known & CLINICAL) or (words.case == TITLE and shape not in (TITLE, UPPER))
    return shape == NUMBER


def _may_be(words: Words, i: int, kind: str, probability: float) -> bool:
    """Whether nothing that is known of the word speaks against what the model says."""
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if len(word) < 2 or word in NEVER or word in TITLES or word in KIN or word in ROLES:
        return False
    if known & EPONYM and (is_term(words, i) or probability < (_EPONYM if known & NAME else _SURE)):
        return False
    if kind == Label.INITIALS:
        return len(word) <= 4 and word not in _NO_INITIALS and not known & (WORD | ABBREVIATION)
    if kind != Label.NAME:
        capital = words.case != TITLE or shape in (TITLE, UPPER)
        return (
            capital
            and not (known & CLINICAL)
            and (not known & WORD or bool(known & NAME) or probability > _LIKELY)
        )
    if known & WORD and not known & NAME:
        return (
            words.case == TITLE and shape == TITLE and not known & CLINICAL and probability > _SURE
        )
    if word in _ABBREVIATIONS:
        return False
    if shape == UPPER and words.case == TITLE and len(word) < 5 and not known & NAME:
        return False
    if is_term(words, i) or is_ethnic(words, i):
        return False
    if known & (WORD | EPONYM | CLINICAL):
        capital = words.case != TITLE or shape in (TITLE, UPPER)
        return capital and probability > _LIKELY
    return not (known & PLACE and kind == Label.NAME and probability < _DOUBTFUL)
