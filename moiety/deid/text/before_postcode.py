"""The parts before a postcode that can be an address: town, street, house."""

import re
from functools import cache

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import HOUSES, LANDSCAPE, STREETS, UNITS
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL, NAME, ORDINARY, PLACE
from moiety.deid.text.words import LOWER, NUMBER, TITLE, Words, split

FAR = 150


HOUSE_NUMBER = re.compile(r"\d{1,4}[a-z]?(?:[-/]\d{1,4}[a-z]?)?$")


SMALL = vocabulary.group("addresses_small")


@cache
def towns() -> frozenset[str]:
    return vocabulary.phrases_of("places")


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
    for _ in range(6):
        cuts = list(_BREAK.finditer(text, floor, start))
        cut = cuts[-1] if cuts else None
        part_start = cut.end() if cut else floor
        if cut is None and floor > 0:
            break
        part = text[part_start:start].strip()
        if part and not _may_be_part(part, words.case):
            tail = _tail_part(text, part_start, start, words.case)
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


def _tail_part(text: str, start: int, end: int, case: int) -> int | None:
    """Where the last town of a sentence begins: `He moved from Leeds LS1 2AB`."""
    part = text[start:end]
    lowered = part.lower()
    for phrase in sorted(_ending_phrases(lowered), key=len, reverse=True):
        if phrase in towns():
            return end - len(phrase)
    del case
    return None


def _ending_phrases(text: str) -> list[str]:
    parts = text.split(" ")
    return [" ".join(parts[-n:]) for n in range(1, min(4, len(parts)) + 1)]


_NO_PART = vocabulary.group("addresses_no_part")


def _may_be_part(part: str, case: int) -> bool:
    inner = split(part)
    if not inner.low or len(inner.low) > 6:
        return False
    for i, word in enumerate(inner.low):
        if word in _NO_PART:
            return False
        if inner.shapes[i] == NUMBER or word.isdigit():
            if not HOUSE_NUMBER.match(word):
                return False
        elif (
            word in SMALL or word in LANDSCAPE or word in STREETS or word in UNITS or word in HOUSES
        ):
            continue
        elif len(word) == 1:
            if not i:
                return False
        elif (
            (inner.flags[i] & CLINICAL and not inner.flags[i] & (NAME | PLACE))
            or (case == TITLE and inner.shapes[i] == LOWER)
            or (case != TITLE and inner.flags[i] & ORDINARY and not inner.flags[i] & (NAME | PLACE))
        ):
            return False
    return True
