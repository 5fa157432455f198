"""What the model adds to the rules: words that nothing has taken and that nothing speaks against."""

import re
from collections.abc import Iterator, Sequence

from moiety.deid.text import impersonal, vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.learned.model import LIKE, Said
from moiety.deid.text.naming import may_be_name
from moiety.deid.text.roles import KIN, NEVER, ROLES, TITLES
from moiety.deid.text.spans import Span
from moiety.deid.text.terms import is_ethnic, is_term
from moiety.deid.text.vocabulary import ABBREVIATION, CLINICAL, EPONYM, NAME, PLACE, WORD
from moiety.deid.text.words import NUMBER, TITLE, UPPER, Words

_ABBREVIATIONS = vocabulary.group("learned_abbreviations")
_NO_INITIALS = vocabulary.group("initials_roles")
MEASURES = vocabulary.group("closing_no_ends") | vocabulary.group("initials_no_ends")
"""Units and times of day, which close a line as initials do."""
_SAID = vocabulary.group("learned_said_numbers")
COUNTED = frozenset(
    {Label.DATE, Label.HOSPITAL_NUMBER, Label.ACCESSION_NUMBER, Label.TELEPHONE, Label.EXTENSION}
)
_INSIDE = frozenset({Label.EXTENSION, Label.TELEPHONE})
_FEW = 4
_LIKELY, _RATHER, _EPONYM, _DOUBTFUL, _SURE = 0.35, 0.55, 0.65, 0.75, 0.98
"""What words that have another meaning must reach, whatever the threshold."""
_UNKNOWN = 0.2
"""Share of the threshold that a word nothing is known of needs, where capitals tell nothing."""
_TIES = frozenset({"-", "/", "."})
_MOST_TIED = 8
"""Parts of a number on each side of one: what is longer is no number, and must not cost more."""
_REGISTERS = vocabulary.group("learned_registers")
_DAYS, _MONTHS = 31, 12
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_NO_DAY = (3, 4, 5)
"""Digits of a number that alone is no day and no run-on date: a time, a dose, a year."""
_PERIODS = {
    7: re.compile(r"(?<![a-z])july?(?![a-z])|\d[-/.]0?7[-/.]\d", re.IGNORECASE),
    12: re.compile(r"(?<![a-z])dec(?:ember)?(?![a-z])|\d[-/.]12[-/.]\d", re.IGNORECASE),
}
"""What stands behind the stroke of a span of days or months as well as of a date; such a date is one
of a month that the text tells in another way too.
"""
_SCALES = frozenset({5, 6, 10})
"""What many scores are out of."""


def find(said: Said, taken: bytearray, spans: Sequence[Span], threshold: float) -> Iterator[Span]:
    """Words that are likelier than the threshold to identify; `spans`: what rules have found."""
    words, labels, before = said.words, said.model.labels, 0
    known = [*labelled(said, spans), 0]
    for i, word in enumerate(words.low):
        if taken[words.starts[i]] or (word[0] == "x" and taken[words.ends[i] - 1]):
            before = known[i]
            continue
        if is_hopeless(words, i):
            before = 0
            continue
        label, probability, before = said.probability(i, before, known[i + 1])
        unknown = words.case != TITLE and not words.flags[i] and len(word) > 2
        if probability < threshold * (_UNKNOWN if unknown else 1):
            continue
        kind = labels[label]
        if _may_be(words, i, kind, probability):
            first, last = whole(words, i, taken) if kind in COUNTED else (i, i)
            if kind in COUNTED and not may_count(words, first, last, kind, probability):
                continue
            score = min(0.6, probability)
            yield Span(words.starts[first], words.ends[last], kind, score, "learned")


def labelled(said: Said, spans: Sequence[Span]) -> list[int]:
    """The number of the label of each word in a span; 0 elsewhere."""
    found = [0] * len(said.words.low)
    for span in spans:
        first, last, label = numbered(said, span)
        found[first:last] = [label] * (last - first)
    return found


def numbered(said: Said, span: Span) -> tuple[int, int, int]:
    """The first word of a span, the one behind its last, and the number of its label; 0 for one
    that the model does not know.
    """
    within, labels = said.words.within(span.start, span.end), said.model.labels
    like = LIKE.get(span.label, span.label)
    return within.start, within.stop, labels.index(like) if like in labels else 0


def whole(words: Words, i: int, taken: bytearray) -> tuple[int, int]:
    """The first and the last word of all that word `i` hangs together with: `RD-24/0071.2`."""
    first, last, end = i, i, len(words.low) - 1
    floor, ceiling = max(0, i - _MOST_TIED), min(end, i + _MOST_TIED)
    while first > floor and words.gaps[first - 1] in _TIES and not taken[words.starts[first - 1]]:
        first -= 1
    while last < ceiling and words.gaps[last] in _TIES and not taken[words.starts[last + 1]]:
        last += 1
    return first, last


def is_hopeless(words: Words, i: int) -> bool:
    """Whether the model would not be heeded whatever it says: most words are not worth a look."""
    known, shape = words.flags[i], words.shapes[i]
    if shape == NUMBER or words.low[i] in _SAID:
        return False
    if known & WORD and not known & NAME and not may_be_name(words, i):
        return bool(known & CLINICAL) or (words.case == TITLE and shape not in (TITLE, UPPER))
    return False


def _may_be(words: Words, i: int, kind: str, probability: float) -> bool:
    """Whether nothing that is known of the word speaks against what the model says."""
    word, known = words.low[i], words.flags[i]
    if kind in COUNTED:
        return _may_count(words, i, probability)
    if words.shapes[i] == NUMBER:
        if impersonal.is_measured(words.text, words.ends[i]):
            return False
        return kind == Label.ADDRESS_LINE and probability > _LIKELY and not is_bare(words, i)
    if len(word) < 2 or word in NEVER or word in TITLES or word in KIN or word in ROLES:
        return False
    if known & EPONYM and (is_term(words, i) or probability < (_EPONYM if known & NAME else _SURE)):
        return False
    if kind == Label.INITIALS:
        if word in MEASURES and words.shapes[i] != UPPER:
            return False
        return _may_be_initials(word, known, probability)
    if kind == Label.NAME:
        return _may_name(words, i, probability)
    if probability > _RATHER:
        return not known & CLINICAL or probability > _DOUBTFUL
    capital = words.case != TITLE or words.shapes[i] in (TITLE, UPPER)
    other = known & WORD and not known & NAME
    return capital and not known & CLINICAL and (not other or probability > _LIKELY)


def _may_count(words: Words, i: int, probability: float) -> bool:
    """A number, a number in words, or the letters of one."""
    word, shape = words.low[i], words.shapes[i]
    if shape == NUMBER:
        return probability > _LIKELY and word.rstrip("0123456789") not in _REGISTERS
    letters = (shape == UPPER or words.case != TITLE) and not words.flags[i] & WORD
    return probability > _RATHER and (word in _SAID or letters)


def is_bare(words: Words, i: int) -> bool:
    """Whether a number of few digits has no word beside it: what it counts can't be told."""
    beside = words.shapes[max(0, i - 1) : i] + words.shapes[i + 1 : i + 2]
    few = len(words.low[i]) <= _FEW and words.shapes[i] == NUMBER
    return few and all(shape == NUMBER for shape in beside)


def may_count(words: Words, first: int, last: int, kind: str, probability: float) -> bool:
    """Whether a whole number may be what the model says: no dose, no batch, no span of time."""
    if kind == Label.DATE:
        return _may_be_date(words, first, last, probability)
    start, end = words.starts[first], words.ends[last]
    if first == last and is_bare(words, first):
        return False
    if kind in _INSIDE:  # `micro 4411`: a laboratory's telephone, no count
        if not words.low[last].removeprefix("x").isdecimal():
            return False
        return not impersonal.is_measured(words.text, end)
    return not impersonal.spared(words.text, start, end)


def _may_be_date(words: Words, first: int, last: int, probability: float) -> bool:
    """Whether two or three numbers with strokes can be a day and a month, and rather than a span."""
    told = words.low[first : last + 1]
    if "+" in (words.gaps[first - 1] if first else "") + words.gaps[last]:
        return False  # `28+3`: weeks and days
    if len(told) == 1 and (counted := _ORDINAL.fullmatch(told[0])):
        return len(counted[1]) < _NO_DAY[0] and 1 <= int(counted[1]) <= _DAYS
    if len(told) == 1 and told[0].isdecimal():
        return len(told[0]) not in _NO_DAY and (
            len(told[0]) > _NO_DAY[-1] or (int(told[0]) <= _DAYS and probability > _RATHER)
        )
    if len(told) not in (2, 3) or not all(word.isdecimal() for word in told):
        return True
    if max(map(len, told)) > len("2024"):
        return False
    day, month = int(told[0]), int(told[1])
    if len(told) == 2 and (
        impersonal.lasts(words.text, words.starts[first], day, month)
        or impersonal.is_share(words.text, words.ends[last])
    ):
        return False
    if not (1 <= day <= _DAYS and 1 <= month <= _MONTHS):
        return len(told) == 3 and 1 <= month <= _DAYS and 1 <= min(day, int(told[2])) <= _MONTHS
    if len(told) == 3:
        return True
    if month in _PERIODS:
        return probability > _SURE and _PERIODS[month].search(words.text) is not None
    return day > month or month not in _SCALES or probability > _DOUBTFUL


def _may_be_initials(word: str, known: int, probability: float) -> bool:
    if len(word) > 4:
        return False
    if word in _NO_INITIALS or known & WORD:
        return probability > _DOUBTFUL
    return probability > _LIKELY or not (known & ABBREVIATION or word in _ABBREVIATIONS)


def _may_name(words: Words, i: int, probability: float) -> bool:
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    capital = words.case != TITLE or shape in (TITLE, UPPER)
    if known & WORD and not known & NAME:
        if may_be_name(words, i):
            return probability > _LIKELY
        return capital and probability > (_SURE if known & CLINICAL else _DOUBTFUL)
    if is_term(words, i) or is_ethnic(words, i):
        return False
    short = shape == UPPER and words.case == TITLE and len(word) < 5 and not known & NAME
    if short or word in _ABBREVIATIONS:
        return probability > _DOUBTFUL
    if known & (WORD | EPONYM | CLINICAL):
        return capital and probability > _LIKELY
    return not known & PLACE or probability > _RATHER
