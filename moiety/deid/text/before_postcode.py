"""The parts before a postcode that can be an address: town, street, house."""

import re
from collections.abc import Iterator
from functools import cache

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import OF_ADDRESSES, STREETS
from moiety.deid.text.roles import NEVER
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL, NAME, ORDINARY, PLACE
from moiety.deid.text.words import LOWER, NUMBER, TITLE, Words

FAR = 150


HOUSE_NUMBER = re.compile(r"\d{1,4}[a-z]?(?:[-/]\d{1,4}[a-z]?)?$")


SMALL = vocabulary.group("addresses_small")


@cache
def towns() -> frozenset[str]:
    return vocabulary.phrases_of("places")


_MOST = 6
_BREAK = re.compile(r"[,\n;|\t]+|  +|: ?| [-–] ")


_STOP = frozenset(":|;-–")  # no part of an address stands before one of these


def before_postcode(words: Words, postcode: Span) -> Span | None:
    """The parts before a postcode that can be an address: town, street, house."""
    text = words.text
    floor = max(0, postcode.start - FAR)
    head = text[floor : postcode.start].rstrip(" ,\n\t-.")
    if ":" in text[floor + len(head) : postcode.start]:
        return None
    start, end = floor + len(head), floor + len(head)
    for _ in range(_MOST):
        cuts = list(_BREAK.finditer(text, floor, start))
        cut = cuts[-1] if cuts else None
        part_start = cut.end() if cut else floor
        if cut is None and floor > 0:
            break
        if text[part_start:start].strip() and not _may_be_part(words, part_start, start):
            tail = _tail_part(words, text, part_start, start)
            start = tail if tail is not None else start
            break
        start = part_start
        if cut is None or _STOP & set(cut[0]):
            break
        start = cut.start()
    while start < end and not text[start].isalnum():
        start += 1
    if start >= end:
        return None
    return Span(start, end, Label.ADDRESS_LINE, 0.6, "before a postcode")


def _tail_part(words: Words, text: str, start: int, end: int) -> int | None:
    """Where the last town of a sentence begins, or the house: `He moved from Leeds LS1 2AB`,
    `home 14 Upper Coll`.
    """
    part = text[start:end]
    house = _LAST_HOUSE.search(part)
    if house:
        within = words.within(start + house.start(), end)
        if len(within) <= _MOST and not any(_never_stands(words, i) for i in within):
            return start + house.start()
    lowered = part.lower()
    for phrase in sorted(_ending_phrases(lowered), key=len, reverse=True):
        if phrase in towns():
            return end - len(phrase)
    return None


_LAST_HOUSE = re.compile(r"(?<![\w/.-])\d{1,4}[a-z]? (?:[^\W\d_][\w'’-]* ?){1,4}\Z", re.IGNORECASE)


def _ending_phrases(text: str) -> list[str]:
    parts = text.split(" ")
    return [" ".join(parts[-n:]) for n in range(1, min(4, len(parts)) + 1)]


_NO_PART = vocabulary.group("addresses_no_part")


def whole_line(words: Words, postcode: Span) -> Span | None:
    """A line that is nothing but an address, whatever its words mean: a comma in it, at its end the
    postcode, and no word of speech or medicine.
    """
    text = words.text
    begins = text.rfind("\n", 0, postcode.start) + 1
    line = text[begins : postcode.start].rstrip(" ,")
    ends = _LINE_ENDS.match(text, postcode.end) is not None
    if not ends or not line.count(",") or len(line) > FAR or _NO_ADDRESS.search(line):
        return None
    within = words.within(begins, postcode.start)
    if not within or not all(
        is_numbered_street(words, part) or not any(_never_stands(words, i) for i in part)
        for part in _parted(words, within)
    ):
        return None
    start = words.starts[within.start]
    return Span(start, begins + len(line), Label.ADDRESS_LINE, 0.6, "line before a postcode")


_LINE_ENDS = re.compile(r"[ .,;)]{0,3}(?:\n|\Z)")
_NO_ADDRESS = re.compile(r"[.?!;:] |\d{5}|  ")


def _may_be_part(words: Words, start: int, end: int) -> bool:
    """Whether the words of start:end, six at most, can be one part of an address."""
    within = words.within(start, end)
    if not 0 < len(within) <= _MOST:
        return False
    if is_numbered_street(words, within):
        return True
    return all(_may_stand(words, i, first=i == within.start) for i in within)


def _parted(words: Words, within: range) -> Iterator[range]:
    """The words between commas."""
    first = within.start
    for i in within:
        if "," in words.gaps[i] or i + 1 == within.stop:
            yield range(first, i + 1)
            first = i + 1


_FEWEST_OF_STREET = 3


def is_numbered_street(words: Words, within: range) -> bool:
    """`7 Sextant Way`: a house number, then a street, whatever the word between means."""
    if len(within) < _FEWEST_OF_STREET or words.shapes[within[0]] != NUMBER:
        return False
    numbered = HOUSE_NUMBER.match(words.low[within[0]]) is not None
    between = (words.low[i] not in _NO_PART and words.shapes[i] != NUMBER for i in within[1:-1])
    return numbered and words.low[within[-1]] in STREETS and all(between)


def _never_stands(words: Words, i: int) -> bool:
    word, own = words.low[i], words.flags[i] & (NAME | PLACE)
    if words.shapes[i] == NUMBER:
        return HOUSE_NUMBER.match(word) is None
    if word in OF_ADDRESSES:
        return False
    return (
        word in _NO_PART
        or (word in NEVER and word not in SMALL)
        or bool(words.flags[i] & CLINICAL and not own)
    )


def _may_stand(words: Words, i: int, *, first: bool) -> bool:
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if word in _NO_PART:
        return False
    if shape == NUMBER:
        return HOUSE_NUMBER.match(word) is not None
    if word in SMALL or word in OF_ADDRESSES:
        return True
    if len(word) == 1:
        return not first
    if words.case == TITLE and shape == LOWER:
        return False
    own = known & (NAME | PLACE)
    return bool(own) or not known & (CLINICAL if words.case == TITLE else CLINICAL | ORDINARY)
