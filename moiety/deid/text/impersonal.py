"""Numbers that count, measure or name a thing: a dose, a batch, a trial, platelets."""

import re

from moiety.deid.text import vocabulary
from moiety.deid.text.calling import UNIT
from moiety.deid.text.cues import before, ends_with

_NOT_PERSONAL = vocabulary.group("numbers_impersonal")
_FILLERS = vocabulary.group("numbers_fillers")
_IMPERSONAL = re.compile(
    r"(?:nct|iras|isrctn|eudract|snomed|chembl|icd|hgnc|rs|nm_|lrg_|lot|ref|kit|iso|plgb|plni|cpms|chr|grch|pmc|sctid)[ -]?\d",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"pl ?\d{5}/\d{4}|eu/\d/\d\d/\d|(?:chg|ritm|prb)\d{7}|m-?\d{4}/\d(?![\w/])|m-[89]\d{3}[0-369](?![\w/])|[tm]-?\d{5} [tmp]-?\d{4}"
    r"|(?:natpsa|mda|dsi|fsn|efa|sda)/\d{4}/\d|(?:ng|ta|cg|qs|ipg|dg|hst|mtg|gtg|sign) ?\d{1,3}(?!\w)|4[5-8],x",
    re.IGNORECASE,
)
"""Licences of drugs, alerts, guidelines, tickets, codes of tissue and place, karyotypes: by their form."""


def is_code(text: str, place: int) -> bool:
    """Whether a code that begins with its kind stands there: `NCT01234567`, `ICD 10`."""
    return _IMPERSONAL.match(text, place) is not None or is_listed(text, place)


def is_listed(text: str, place: int) -> bool:
    """Whether a number stands there whose form tells what list it is of: `PL 00427/0218`, `NG28`."""
    return _LISTED.match(text, place) is not None


def is_kind(word: str) -> bool:
    """Whether a word before a number says that a thing has it: `kit`, `batch`."""
    return word in _NOT_PERSONAL


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
    return impersonal_before(text, start) or _is_dose(text, start)


_DOSE = re.compile(r"\d{2,3}(?: (?:[01]\d|2[0-3])[0-5]\d)?(?![\w/]|[.-]\d| \d)")
_CLOCK = re.compile(r"(?:[01]\d|2[0-3])[0-5]\d(?![\w/]|[.-]\d)")


def _is_dose(text: str, start: int) -> bool:
    """`Madopar 125 0700`: how much and when, behind a drug."""
    last = before(text, start, " ")
    if _CLOCK.match(text, start) and last and last[-1].isdecimal() and len(last[-1]) < len("1000"):
        last.pop()
    elif not _DOSE.match(text, start):
        return False
    return bool(last) and bool(vocabulary.flags(last[-1]) & vocabulary.CLINICAL)


def is_share(text: str, end: int) -> bool:
    """Whether what follows is counted: `3/5 trials`."""
    return _SHARED.match(text, end) is not None


_SHARED = re.compile(
    r" (?:trials?|attempts?|occasions|reps|nodes?|cores?|tests?|items?|teeth|joints?|criteria|features|questions|words"
    r"|objects|sessions|swabs|blocks|fragments|samples?)(?![a-z])",
    re.IGNORECASE,
)


def impersonal_before(text: str, place: int) -> bool:
    """Whether what stands before names a count, a code, a batch: `lot no 123456`, `WBC 123456`."""
    last = before(text, place)
    if last and last[-1] in _FILLERS:
        last.pop()
    return ends_with(last, _NOT_PERSONAL) or last[-2:-1] == ["snomed"]
