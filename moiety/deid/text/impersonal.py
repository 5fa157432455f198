"""Numbers that count, measure or name a thing: a dose, a batch, a trial, platelets."""

import re

from moiety.deid.text import vocabulary
from moiety.deid.text.calling import UNIT
from moiety.deid.text.cues import before, ends_with

_NOT_PERSONAL = vocabulary.group("numbers_impersonal")
_FILLERS = vocabulary.group("numbers_fillers")
_IMPERSONAL = re.compile(
    r"(?:nct|iras|isrctn|eudract|snomed|chembl|icd|hgnc|rs|nm_|lot|ref|kit|iso)[ -]?\d",
    re.IGNORECASE,
)


def is_code(text: str, place: int) -> bool:
    """Whether a code that begins with its kind stands there: `NCT01234567`, `ICD 10`."""
    return _IMPERSONAL.match(text, place) is not None


def is_measured(text: str, place: int) -> bool:
    """Whether a unit follows: `4411 ml`."""
    return UNIT.match(text, place) is not None


def lasts(text: str, place: int, count: int, unit: int) -> bool:
    """`for 14/7`, `within 28/7`, `every 3/12`: whole weeks in days, or any count, behind a word of span."""
    if unit not in _UNITS or (unit == _WEEK and count % _WEEK and count > _WEEK):
        return False
    return not _SPANS.isdisjoint(before(text, place, " .")[-1:])


_WEEK, _UNITS = 7, frozenset({7, 12, 52})
_SPANS = frozenset(
    {
        "for",
        "within",
        "every",
        "over",
        "another",
        "further",
        "x",
        "after",
        "in",
        "approx",
        "lasting",
    }
)


def spared(text: str, start: int, end: int) -> bool:
    """Whether a unit follows or a name of something impersonal stands before."""
    if is_measured(text, end) or is_code(text, start):
        return True
    return impersonal_before(text, start)


def impersonal_before(text: str, place: int) -> bool:
    """Whether what stands before names a count, a code, a batch: `lot no 123456`, `WBC 123456`."""
    last = before(text, place)
    if last and last[-1] in _FILLERS:
        last.pop()
    return ends_with(last, _NOT_PERSONAL) or last[-2:-1] == ["snomed"]
