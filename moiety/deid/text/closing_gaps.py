"""What is left between two findings and belongs to them: a word of an address, the end of a number.

⟦Tarnton⟧ Toll flats no 3, ⟦YO8 4QQ⟧      FAM-30551/II⟦:3⟧      ⟦020 7946 0852⟧ ext ⟦221⟧
"""

import re
from collections.abc import Iterable
from itertools import pairwise

from moiety.deid.text.before_postcode import SMALL
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import OF_ADDRESSES
from moiety.deid.text.roles import NEVER
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL, NAME, PLACE, WORD
from moiety.deid.text.words import LOWER, NUMBER, TITLE, Words

_BETWEEN = re.compile(r"[\w'’., -]*\n?[\w'’., -]*")
_FURTHEST, _MOST = 48, 5
_LONGEST_NUMBER = 4
_GOES_ON = re.compile(r"(?:[:/-][A-Za-z0-9]{1,6})+(?![\w:/@%.-])")
_EXTENDED = re.compile(r",? ?\(?(?:ext(?:n|ension)?|x)\.?:? ?\d{2,6}(?!\w)", re.IGNORECASE)
_PLACES = frozenset({Label.ADDRESS_LINE, Label.HOSPITAL_NAME, Label.GP_IDENTIFIER})
_OWNERS = _PLACES | {Label.NAME}
_OWN, _IN = frozenset({"'s ", "’s ", "' "}), frozenset({" in ", " at ", " of "})
"""`⟦Rook⟧'s ⟦Nest⟧`; `⟦the Royal⟧ in ⟦Edinburgh⟧`."""
_GOING_ON: dict[str, re.Pattern[str]] = {
    Label.HOSPITAL_NUMBER: _GOES_ON,
    Label.ACCESSION_NUMBER: _GOES_ON,
    Label.TELEPHONE: _EXTENDED,
}
_LITTLE = SMALL | {"no", "nr", "near", "by", "at", "off", "rear", "back", "opp", "above", "behind"}


def closed(words: Words, spans: Iterable[Span]) -> list[Span]:
    """The spans in order; one of an address reaches to the next of its line, one of a number to
    the end of the number.
    """
    out = sorted(spans, key=lambda span: (span.start, -span.end))
    for n, (one, after) in enumerate(pairwise(out)):
        address = one.label == Label.ADDRESS_LINE
        if address and after.label in (Label.ADDRESS_LINE, Label.POSTCODE):
            if _between(words, one.end, after.start):
                out[n] = one.at(one.start, after.start)
        gap = words.text[one.end : after.start].lower()
        own = {one.label, after.label} & _PLACES and {one.label, after.label} <= _OWNERS
        if (gap in _OWN and own) or (
            one.label == Label.HOSPITAL_NAME and gap in _IN and after.label in _PLACES
        ):
            out[n] = one.at(one.start, after.start)
    return [_ended(words.text, span) if span.label in _GOING_ON else span for span in out]


def _between(words: Words, start: int, end: int) -> bool:
    """Whether the words of a gap can stand in an address."""
    if not 1 < end - start <= _FURTHEST or not _BETWEEN.fullmatch(words.text, start, end):
        return False
    within = words.within(start, end)
    return 0 < len(within) <= _MOST and all(_of_address(words, i) for i in within)


def _of_address(words: Words, i: int) -> bool:
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if shape == NUMBER:
        return len(word) <= _LONGEST_NUMBER
    if word in OF_ADDRESSES or word in _LITTLE:
        return True
    if word in NEVER or len(word) == 1:
        return False
    if words.case == TITLE:
        return shape != LOWER and not (known & CLINICAL and shape != TITLE)
    return bool(known & (NAME | PLACE)) or not known & WORD


def _ended(text: str, span: Span) -> Span:
    more = _GOING_ON[span.label].match(text, span.end)
    return span.at(span.start, more.end()) if more else span
