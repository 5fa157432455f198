"""Numbers that their own form tells: groups of letters and digits with a sign between.

`RMH-CT-2308-55190`, `25-H-20918`, `CUH.VL.24.08172`, `0417-EEAS-1182`, a prisoner's `A1234BC`, a
unit of blood: what a dose, a time, a range or a standard has in the same form is left.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.cues import Places, at, before, ends_with
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.words import Words

_GROUPS = re.compile(
    r"[A-Za-z]{0,6}\d[A-Za-z0-9]{0,13}(?:(?:[-/.]|--)[A-Za-z0-9]{1,12}){0,4}(?![\w@%]|[-/.][\w@])"
)
_HEAD = re.compile(r"(?<![\w@./-])(?:[A-Za-z]{1,6}[-/.]){1,3}$")
_HEAD_SPACED = re.compile(r"(?<![\w@./-])[A-Z]{2,4} $")
_REACH = 24
_MEASURED = re.compile(
    r"(?:\d(?:mg|mcg|ug|g|mls?|l|kg|cm|mm|m|iu|u|units?|mmol|kpa|hz|am|pm|hrs?|h|x|st|nd|rd|th|mmhg|w|wks?|mths?|yrs?|y|d|f|fr|ch"
    r"|nm|ms|min|mins|s|k|lb|oz|ft)|x\d+|(?:mg|mcg|ml|kg)(?:/\w+)?|\d+(?:mg|ml)/\d+(?:mg|ml))$",
    re.IGNORECASE,
)
_IMPERSONAL = vocabulary.group("numbers_impersonal")
_NO_CODE = vocabulary.group("coded_numbers_no_code")
_NUMBER_CUES = vocabulary.group("coded_numbers_cues")
_SAMPLES = vocabulary.group("coded_numbers_samples")
_YEAR = re.compile(r"(?:19|20)\d\d$")
_PRISONER = re.compile(r"(?<![\w./-])[A-Z]\d{4}[A-HJ-NP-Z][A-Z](?![\w-])", re.IGNORECASE)
_DONATION = re.compile(
    r"(?<![\w./-])G\d{3}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}(?:[ ]?\d{2})?(?:[ ]?[A-Z0-9](?![\w]))?(?!\w)",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"(?<=[(])([A-Z]{2,4}) ?(\d{4})(?=[),;])")
_FEWEST, _FEWEST_CUED = 5, 3


def find(words: Words, places: Places) -> Iterator[Span]:
    """Every such number."""
    text = words.text
    done = 0
    for place in places.runs:
        if place < done or not (match := _GROUPS.match(text, place)):
            continue
        head = _HEAD.search(text, max(0, place - _REACH), place)
        start = head.start() if head else place
        if label := _label(text, start, match.end()):
            done = match.end()
            yield Span(start, match.end(), label, 0.64, "number in coded groups")
    for match in at(_PRISONER, text, places.runs):
        if match[0].isupper() or ends_with(before(text, match.start()), _NUMBER_CUES):
            yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.7, "form of a prisoner's number")
    for match in at(_DONATION, text, places.runs):
        yield Span(*match.span(), Label.ACCESSION_NUMBER, 0.7, "form of a unit of blood")
    for match in at(_BRACKETED, text, places.leads):
        if not vocabulary.flags(match[1].lower()) and not _YEAR.match(match[2]):
            yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.6, "number in brackets")


def _label(text: str, start: int, end: int) -> Label | None:
    """What kind of number a stretch is; None where it is none."""
    whole = text[start:end]
    parts = re.split(r"[-/.]+", whole)
    digits = sum(c.isdigit() for c in whole)
    letters = sum(c.isalpha() for c in whole)
    last = before(text, start, " .:#=(-")
    cued = ends_with(last, _NUMBER_CUES)
    if digits < (_FEWEST_CUED if cued else _FEWEST - (len(parts) > 1 and _capitals(whole))):
        return None
    if not letters or letters > digits + 6 or (len(parts) < 2 and not cued):
        return None
    if any(_MEASURED.search(part) for part in parts) or parts[0].lower() in _NO_CODE:
        return None
    figures = [part for part in parts if part.isdigit()]
    if len(figures) == 1 and _YEAR.match(figures[0]) and not cued:
        return None
    if ends_with(last, _IMPERSONAL) or (last and last[-1] in _NO_CODE):
        return None
    sample = any(p.lower() in _SAMPLES for p in parts) or (last and last[-1] in _SAMPLES)
    return Label.ACCESSION_NUMBER if sample else Label.HOSPITAL_NUMBER


def _capitals(whole: str) -> bool:
    """Two capitals and more, all letters capitals, four digits in a row: `CT-7714`, not `CoV-2019`."""
    letters = [c for c in whole if c.isalpha()]
    return (
        len(letters) > 1 and "".join(letters).isupper() and re.search(r"\d{4}", whole) is not None
    )
