"""What stands behind `Address` in a form: the whole of the cell, up to the postcode.

    Address    Above Happy Cod, Tide Row   YO8 4QQ     Tel …

A house may have any words for its name, so that behind such a head all of them are taken.
"""

import re
from collections.abc import Iterator

from moiety.deid.text.cues import Places, at
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import OF_ADDRESSES
from moiety.deid.text.roles import NEVER
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import NAME, PLACE, WORD
from moiety.deid.text.words import NUMBER, Words

_HEAD = re.compile(
    r"(?:(?:home|postal|current|pt|patient|nok|discharge|contact|full|permanent|perm|temporary|temp|usual|pick ?up) )?"
    r"(?:address|addr|adr)(?: of [a-z]{3,12})?(?: ?[.:=>|/]{1,20} {0,20}|\t| {2,20})",
    re.IGNORECASE,
)
_FIRSTS = ("home", "postal", "current", "pt", "patient", "nok", "discharge", "contact", "full", "permanent", "perm",
           "temporary", "temp", "usual", "pick", "pickup", "address", "addr", "adr")  # fmt: skip
_HOME = re.compile(
    r"(?:(?:at )?home|staying|residence|resides|lives|living|location|currently at|discharge to)(?: at)?(?: ?[:=] {0,20}|\t| {2,20})",
    re.IGNORECASE,
)
_HOMES = ("at", "home", "staying", "residence", "resides", "lives", "living", "location", "currently",
          "discharge")  # fmt: skip
"""Heads behind which much else stands: there a postcode has to end the cell."""
_CELL = re.compile(
    r"[^\n\t|;]{3,120}?(?= *(?:[\n\t|;]|\Z)| {3}|[ ,.]+(?:tel|telephone|phone|mob|mobile|dob|d\.o\.b|nhs|post ?code|pc"
    r"|gp|nok|e-?mail|sex|age|hosp)(?![a-z]))",
    re.IGNORECASE,
)
_MOST, _NEAR = 16, 4
_NONE = frozenset(
    {"not", "unknown", "as", "same", "see", "confirmed", "checked", "correct", "nfa", "none", "no", "nil", "tbc",
     "withheld", "above", "and", "is", "was", "verified", "updated", "changed", "given", "known", "line", "details"}
)  # fmt: skip


def find(words: Words, places: Places, postcodes: list[Span]) -> Iterator[Span]:
    """The cell behind each such head, without its postcode."""
    text = words.text
    ends = {code.start for code in postcodes}
    for head in (*at(_HEAD, text, places.of(_FIRSTS)), *at(_HOME, text, places.of(_HOMES))):
        cell = _CELL.match(text, head.end())
        if cell is None:
            continue
        start, end = cell.span()
        code = min((place for place in ends if start < place <= end + _NEAR), default=None)
        if code is None and head.re is _HOME:
            continue
        end = end if code is None else code
        end = start + len(text[start:end].rstrip(" ,.-("))
        within = words.within(start, end)
        if 0 < len(within) <= _MOST and words.low[within.start] not in _NONE:
            if any(_of_place(words, i) for i in within):
                first = words.starts[within.start]
                yield Span(first, end, Label.ADDRESS_LINE, 0.86, "behind Address")


def _of_place(words: Words, i: int) -> bool:
    word, known = words.low[i], words.flags[i]
    if words.shapes[i] == NUMBER or word in OF_ADDRESSES:
        return True
    return (
        word not in NEVER and len(word) > 2 and (bool(known & (NAME | PLACE)) or not known & WORD)
    )
