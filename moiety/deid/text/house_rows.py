"""Number and street of an address that goes on: `6 Grey Friars Walk, Maldon`, in any letters.

The words of such a street may mean anything, since the number before and the town behind say what
they are.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.roles import NEVER
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL, NAME, PLACE
from moiety.deid.text.words import Words

_STREETS = frozenset(
    {"street", "road", "walk", "lane", "close", "avenue", "drive", "cottages", "cotages", "terrace",
     "gardens", "court", "place", "square", "crescent", "grove", "mews", "parade", "rise", "brae",
     "villas", "buildings", "row", "yard", "fold", "croft", "quay", "wharf", "loan", "wynd", "gate"}
)  # fmt: skip
_ROW = re.compile(
    r"(?<![\w/.,:-])(?P<flat>\d[A-Z]?\d/?\d?, )?\d{1,3}[a-z]? (?P<own>[^\W\d_][\w'’-]*(?: [^\W\d_][\w'’-]*){0,2}) "
    rf"(?:{'|'.join(sorted(_STREETS))})"
    r"(?=(?:, ?|\n)[^\W\d_]{3,}|\)|[ ,]{1,2}[A-Z]{1,2}\d{1,2}[A-Z]?(?: ?\d[A-Z]{2})?(?!\w))",
    re.IGNORECASE,
)
_MEASURED = frozenset(
    {"minute", "minutes", "min", "mins", "mile", "miles", "day", "days", "week", "hour", "hours", "hr", "bed", "beds", "way",
     "metre", "metres", "yards", "step", "point", "times", "x", "of", "in", "to", "for", "per", "a", "an", "and", "with"}
)  # fmt: skip


def find(words: Words) -> Iterator[Span]:
    """`6 Grey Friars Walk, Maldon`: number, words of any meaning and a street, with the address going on."""
    for match in _ROW.finditer(words.text) if words.has(_STREETS) else ():
        parts = match["own"].lower().replace("’", "'").split()
        known = [vocabulary.flags(part) for part in parts]
        if any(part in _MEASURED or part in NEVER for part in parts):
            continue
        if any(flags & CLINICAL and not flags & (NAME | PLACE) for flags in known):
            continue
        yield Span(*match.span(), Label.ADDRESS_LINE, 0.6, "number and street of an address")
