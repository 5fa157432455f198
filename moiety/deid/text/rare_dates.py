"""Dates in forms that few write: `3:9:24`, `4/iv`, `9 Hyd`, `8th of the 8th 51`, `??/08/58`."""

import re
from collections.abc import Iterator

from moiety.deid.text.cues import Places, at

_COLONED = re.compile(r"(?<![\w:./-])(\d{1,2}):(\d{1,2}):((?:19|20)?\d\d)(?![\w:]|[.]\d)")
_ROMAN = re.compile(
    r"(?<![\w./-])(?:0?[1-9]|[12]\d|3[01])/(?:viii|vii|iii|xii|vi|iv|ix|xi|ii|i|v|x)(?![\w/.-]*\w)",
    re.IGNORECASE,
)
_GRADES = re.compile(
    r"(?:grade|gr|stage|class|type|murmur|nyha|asa|power|mrc|level|band|ecog|who|fig|part|cn|degree)[ .:]{0,2}$",
    re.IGNORECASE,
)
_WELSH = re.compile(
    r"(?<![\w./-])(?:0?[1-9]|[12]\d|3[01])(?:fed|ain|ydd|eg|af|ed)?[ ./-]"
    r"(?:ion|chwef?|maw|ebr|mai|meh|gorff|gor|awst?|hyd|tach|rhag)(?:[ ./-](?:20)?\d\d(?!\d))?(?![\w/%])",
    re.IGNORECASE,
)
_OF_THE = re.compile(
    r"(?<!\w)(?:[12]?\d|3[01])(?:st|nd|rd|th) of (?:the )?(?:1[0-2]|[1-9])(?:st|nd|rd|th)"
    r"(?:(?:,? |/)(?:(?:19|20)\d\d|\d\d)(?![\d/:%]|[.]\d))?(?!\w)",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"(?<![\w?./-])(?:(?:\?{1,2}|x{1,2}|_{1,2}|--?)([/.-])(?:\d{1,2}|\?{1,2}|x{1,2}|_{1,2})|\d{1,2}([/.-])(?:\?{1,2}|x{1,2}|_{1,2}))"
    r"(?:\1|\2|[/.-])(?:(?:19|20)?\d\d|(?:19|20)\?{2})(?![\w%])",
    re.IGNORECASE,
)
"""A day or month that nobody knows: `??/08/58`, `xx/xx/1938`."""
_MASKS = (
    "?/",
    "/?",
    "?.",
    ".?",
    "x/",
    "/x",
    "X/",
    "/X",
    "x.",
    "X.",
    "_/",
    "/_",
    "-/",
    "?-",
    "x-",
    "X-",
)
_BORN = re.compile(
    r"(?:\bd\.? ?o\.? ?b\.?|\bborn(?: in)?|\bbirth|\bb\.?(?=[ :]))[ :.]{0,3}(?:0?[1-9]|1[0-2])[/-](?:(?:19|20)?\d\d)(?![\w/%.-]\d|[\w%])",
    re.IGNORECASE,
)
"""A month and year behind a word of birth: `d.o.b. 6/82`, `b 4-88`."""
_SEASON = re.compile(
    r"(?<!\w)(?:(?:early|mid|late)[ -])?(?:spring|summer|autumn|winter)(?: of)?,? (?:19|20)\d\d(?!\d)",
    re.IGNORECASE,
)
_BIRTH_WORDS = ("dob", "d", "born", "birth", "b")
_SEASONS = ("early", "mid", "late", "spring", "summer", "autumn", "winter")
_MOST_MINUTES, _DAYS, _MONTHS = 59, 31, 12


def find(text: str, places: Places) -> Iterator[tuple[int, int, float, str]]:
    """Start, end, how sure, and why."""
    for match in at(_COLONED, text, places.short):
        if _is_no_clock(match[1], match[2], match[3]):
            yield *match.span(), 0.7, "date with colons"
    for match in at(_ROMAN, text, places.short):
        if not _GRADES.search(text, max(0, match.start() - 10), match.start()):
            yield *match.span(), 0.6, "day and month in Roman numerals"
    for match in _UNSURE.finditer(text) if any(mask in text for mask in _MASKS) else ():
        yield *match.span(), 0.85, "date in part unknown"
    for match in at(_BORN, text, places.of(_BIRTH_WORDS)):
        start = next(n for n in range(match.start(), match.end()) if text[n].isdigit())
        yield start, match.end(), 0.8, "month and year of birth"
    for match in at(_WELSH, text, places.short):
        yield *match.span(), 0.75, "day and month in Welsh"
    for match in at(_SEASON, text, places.of(_SEASONS)):
        yield *match.span(), 0.7, "season and year"
    for match in at(_OF_THE, text, places.short):
        yield *match.span(), 0.8, "day of a numbered month"


def _is_no_clock(first: str, second: str, third: str) -> bool:
    """Whether `3:9:24` is a day, a month and a year: minutes and seconds have two digits each."""
    if not (1 <= int(first) <= _DAYS and 1 <= int(second) <= _MONTHS):
        return False
    return len(second) == 1 or len(third) > 2 or int(third) > _MOST_MINUTES
