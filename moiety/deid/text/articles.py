"""What leads and ends a name and belongs to it: `The Grange`, `Queen's`, `Upper Slade`, `the 3rd`."""

import re

from moiety.deid.text import said_dates
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import GUESSES, Span

_ARTICLE = re.compile(r"(?<!\w)the \Z", re.IGNORECASE)
_OWN = re.compile(r"'s?(?!\w)")
_SIDE = re.compile(
    r"(?<![\w'-])(?:the )?(?:upper|lower|great|little|much|nether|higher|middle|north|south|east|west) \Z",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[ ]?(?:[,;:.)\n|]|\Z)")
_REACH = 12
_AT_THE = re.compile(
    r"(?<![\w'-])(?:at|in|to|into|from|under|via|of|leave|left) (the (?:old |new )?)\Z",
    re.IGNORECASE,
)
_AT_REACH = 20
_AFTER_A_PLACE = re.compile(
    r"(?:'s)?(?:[ ]?(?:[,;:.)(\n|–-]|\Z)| (?:with|for|on|in|and|by|after|before|last|until|till|since|where|who|when"
    r"|today|tomorrow|yesterday|as|but|had|were|was|is|re|via|from|to|\d{4}|(?:jan|feb|mar|apr|jun|jul|aug|sep|oct|nov"
    r"|dec)[a-z]*)(?!\w))",
    re.IGNORECASE,
)
_AT = re.compile(r"(?<![\w'-])(?:at|to|from|into|under|via|of|@|location:?) \Z", re.IGNORECASE)
_OWN_PLACE = re.compile(
    r"['’]s(?=[ ]?(?:[.,;:)\n|]|\Z)|[ ]{2}| (?:with|for|on|in|and|by|after|last|since|where|who|when|came|was|is)\b)"
)
_DATES = frozenset({Label.DATE, Label.DATE_OF_BIRTH})
_PLACED = frozenset({Label.NAME, Label.ADDRESS_LINE, Label.DATE})


def articled(text: str, span: Span) -> Span:
    """A hospital or practice with its article and the `'s` of its saint; of an address `Upper` and
    its like, and the article where nothing goes on: `The Cottage,`, but not `the London team`.
    What stands as a person or town behind `at the` and goes on with no noun is a place of care, and
    a date has its weekday and article.
    """
    if span.label in _PLACED:
        place = _of_care(text, span)
        if place is not span:
            return place
    if span.label in _DATES:
        if span.why in GUESSES:  # what the rules find is led already
            return span.at(said_dates.led(text, span.start, span.end), span.end)
        return span
    if span.label == Label.ADDRESS_LINE:
        side = _SIDE.search(text, max(0, span.start - _REACH), span.start)
        if side is None and _ENDS.match(text, span.end):
            side = _ARTICLE.search(text, max(0, span.start - _REACH), span.start)
        return span.at(side.start(), span.end) if side else span
    if span.label not in (Label.HOSPITAL_NAME, Label.GP_IDENTIFIER):
        return span
    article = _ARTICLE.search(text, max(0, span.start - _REACH), span.start)
    own = _OWN.match(text, span.end) if span.label == Label.HOSPITAL_NAME else None
    return span.at(article.start() if article else span.start, own.end() if own else span.end)


def _of_care(text: str, span: Span) -> Span:
    """`was born at the old Withington`, `admitted to King Edgar's`."""
    if text[span.start - 4 : span.start].lower() in _LEADS:
        behind = _AT_THE.search(text, max(0, span.start - _AT_REACH), span.start)
        plain = text[span.start : span.end].replace(" ", "").replace("'", "").isalpha()
        if behind and plain and _AFTER_A_PLACE.match(text, span.end):
            return span.at(behind.start(1), span.end)
    if text[span.end : span.end + 1] in _APOSTROPHES and (own := _OWN_PLACE.match(text, span.end)):
        if _AT.search(text, max(0, span.start - _REACH), span.start):
            return span.at(span.start, own.end())
    return span


_LEADS, _APOSTROPHES = frozenset({"the ", "old ", "new "}), frozenset({"'", "’"})
