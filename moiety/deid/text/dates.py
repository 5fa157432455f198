"""Dates, and what looks like one: durations, scores, ratios and vertebrae stay.

The forms are put together from parts: days, months as numbers, words and abbreviations, years of
two and four digits, every separator.  A day and month without a year is a date after a cue, or
where both are written with two digits; after `GCS` or before `mg` it never is.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from moiety.deid.text import ordinals, partial_dates, rare_dates, said_dates, vocabulary
from moiety.deid.text.cues import Places, at, before, ends_with
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.words import Words

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary|uary|y)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t|tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?: ?(?:st|nd|rd|th)(?![a-z]))?"
_YEAR = r"(?:(?:18|19|20)\d\d|'\d\d|\d\d)(?!\d)"
_GAP = r"[ \t]{0,2}[-/.,]?[ \t]{0,2}"
_DAYS = rf"(?:{_DAY}[ ]?(?:-|/|to|and|&|,|until|till|or)[ ]?){{0,3}}{_DAY}"
_WORDED = re.compile(
    rf"(?<![\w./])(?:"
    rf"{_DAYS}{_GAP}(?:(?:day )?of{_GAP})?{_MONTH}(?![a-z])(?:\.?{_GAP}(?:in )?{_YEAR}(?![\w/%]|[.,:]\d))?"
    rf"|(?P<first>{_MONTH})(?![a-z])\.?{_GAP}(?:the )?{_DAYS}(?![\d/:%]|[.]\d|,\d{{3}}|-[a-z]{{3}}-)(?:(?:,?{_GAP}|, ?){_YEAR}(?![\w/%]|[.,:]\d))?"
    rf"|{_MONTH}(?![a-z])\.?{_GAP}(?:of )?(?:(?:18|19|20)\d\d|'\d\d)(?!\d)"
    rf"|(?:(?:19|20)\d\d)[-/ .]{_MONTH}(?:[-/ .]{_DAY})?(?![\w])"
    rf")",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(rf"(?<![\w./]){_MONTH} {_DAY},? (?:19|20)\d\d(?!\d)", re.IGNORECASE)
_MISSPELT = re.compile(
    rf"(?<![\w.])(?:{_DAY} (?:of )?([A-Za-z]{{3,10}}),? (?:19|20)\d\d|([A-Za-z]{{4,10}}) {_DAY},? (?:19|20)\d\d)(?!\d)",
    re.IGNORECASE,
)
_D = r"[\dOolI]"
_NUMERIC = re.compile(
    rf"(?<![\w./-])(?:"
    rf"{_D}{{1,2}}(?: ?[/.\\-]{{1,2}} ?){_D}{{1,2}}(?:(?: ?[/.\\-]{{1,2}} ?)(?<!\. )|\. (?=\d))(?:[12]{_D}{{3}}|'?{_D}{{2}})"
    rf"|[12][089]\d\d[/.\\-]\d{{1,2}}[/.\\-]\d{{1,2}}"
    rf"|\d{{1,2}} \d{{1,2}} (?:19|20)\d\d"
    rf")(?![\d%]|[/.\\-]\d)(?=[^A-Za-z]|T\d|$|[A-Z])",
)
_MONTH_YEAR = re.compile(r"(?<![\w./-])(?:0?[1-9]|1[0-2])[/.-](?:19|20)\d\d(?![\w%/]|[.-]\d)")
_YEAR_MONTH = re.compile(r"(?<![\w./-])(?:19|20)\d\d[/-](?:0[1-9]|1[0-2])(?![\w%/]|[.-]\d)")
_RUN_ON = re.compile(r"(?<![\w./+-])\d{8}(?:T?\d{4,6}(?:Z|[+-]\d{4})?)?(?![\w/]|[.,]\d)")
_TIMED = re.compile(
    r"(?<!\w)(?:19|20)\d\d-?\d\d-?\d\dT?\d\d:?\d\d(?::?\d\d)?(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?(?!\w)"
)
_SIX = re.compile(r"(?<![\w./+-])\d{6}(?![\w/]|[.,-]\d)")
_MONTHS_OF_YEAR = re.compile(
    rf"(?<![\w./]){_MONTH} ?(?:-|–|/|to|and|&) ?{_MONTH},? (?:19|20)\d\d(?!\d)", re.IGNORECASE
)
_BIRTH = re.compile(
    r"(?:d\.? ?o\.? ?b\.?|d ?of ?b|d/o/b|dob|date of birth|birth ?date|born(?: on)?|birth|b\.|née|nee"
    r"|birthday|bday|db|d\.b\.?)[ .:=()|\t*-]{0,8}(?:is|was|on|the|\(dd/mm/yyyy\)|\(age\))?[ :.|\t]{0,4}$",
    re.IGNORECASE,
)
_REACH = 26


_MONTH_NAMES = vocabulary.group("dates_months")
_SCORE_TRIPLES = vocabulary.group("dates_score_triples")
_SHORT_SCORES = vocabulary.group("dates_short_scores")
_DATE_WORDS = vocabulary.group("dates_words")
_BEFORE_SHORT_YEARS = vocabulary.group("dates_before_short_years")
_SHORT_YEAR = re.compile(r"(?:0?[1-9]|1[0-2])/(?:1[3-9]|[23]\d)(?![\w%/]|[.-]\d)")


def find(words: Words, places: Places) -> Iterator[Span]:
    """Every date of a text, with the weekday before; dates of birth where the text says so."""
    for span in _all(words, places):
        start = said_dates.led(words.text, span.start, span.end)
        if start == span.start:
            yield span
        else:
            label = Label.DATE_OF_BIRTH if _is_birth(words.text, start) else span.label
            yield Span(start, span.end, label, span.score, span.why)


def _all(words: Words, places: Places) -> Iterator[Span]:
    text = words.text
    months = places.of(_MONTH_NAMES)
    yield from _worded(text, months, places)
    yield from _in_numbers(text, places)
    yield from ordinals.find(text, places)
    for match in at(_MONTHS_OF_YEAR, text, months):
        yield _span(text, *match.span(), 0.85, "months and year")
    for start, end, score, why in said_dates.find(words, places, months):
        yield _span(text, start, end, score, why)
    for start, end, score, why in rare_dates.find(text, places):
        yield _span(text, start, end, score, why)


def _worded(text: str, months: list[int], places: Places) -> Iterator[Span]:
    """Months by their names, misspelt ones too."""
    years = [place for place in places.long if text[place] in "12"]
    for match in at(_WORDED, text, sorted({*months, *places.short, *years})):
        if _is_worded_date(text, match):
            yield _span(text, *match.span(), 0.95, "date in words")
    for match in at(_MONTH_FIRST, text, months):
        yield _span(text, *match.span(), 0.94, "month, day and year")
    for match in at(_MISSPELT, text, places.leads):
        if _nearly_month((match[1] or match[2]).lower()):
            yield _span(text, *match.span(), 0.8, "date in misspelt words")


def _in_numbers(text: str, places: Places) -> Iterator[Span]:
    """Months as numbers."""
    for match in at(_NUMERIC, text, places.leads):
        if _is_numeric_date(text, match):
            yield _span(text, *match.span(), 0.95, "date in numbers")
    for pattern, begin in ((_MONTH_YEAR, places.short), (_YEAR_MONTH, places.long)):
        for match in at(pattern, text, begin):
            if not ends_with(before(text, match.start(), " .:"), _SHORT_SCORES):
                yield _span(text, *match.span(), 0.85, "month and year")
    for match in (*at(_RUN_ON, text, places.long), *at(_TIMED, text, places.long)):
        if _run_on_date(match[0]):
            yield _span(text, *match.span(), 0.9, "date in a run of digits")
    for match in at(_SIX, text, places.long):
        if _is_birth(text, match.start()) or ends_with(
            before(text, match.start(), " .:"), _DATE_WORDS
        ):
            yield _span(text, *match.span(), 0.8, "six digits after a date's name")
    for match in partial_dates.find(text, places):
        yield _span(text, *match.span(), 0.8, "day and month")
    for match in at(_SHORT_YEAR, text, places.short):
        last = before(text, match.start(), " :(")
        if last[-1:] == ["exp"]:
            continue  # a batch's, and nobody's
        scored = ends_with(before(text, match.start(), " .:=~<>("), partial_dates.SCORES)
        if (
            (match[0][0] == "0" and not scored)
            or ends_with(last, _BEFORE_SHORT_YEARS)
            or (last[-2:-1] in (["next"], ["last"]))
        ):
            yield Span(*match.span(), Label.DATE, 0.6, "month and short year")


def _span(text: str, start: int, end: int, score: float, why: str) -> Span:
    label = Label.DATE_OF_BIRTH if _is_birth(text, start) else Label.DATE
    return Span(start, end, label, score, why)


def _is_birth(text: str, start: int) -> bool:
    """Whether the words right before say `born`."""
    head = text[max(0, start - _REACH) : start].lower()
    return ("b" in head or "nee" in head) and _BIRTH.search(head) is not None


def _is_worded_date(text: str, match: re.Match[str]) -> bool:
    """Not `may 20 mg`, not `mar 5 units`, not `she may 2 days later`."""
    if match["first"] is None:
        return not _STOPPED.match(match[0]) and not _LASTING.match(match[0])
    if match["first"].islower() and match["first"] in ("may", "mar", "march", "dec"):
        return (
            len(match[0].split()) > 2
            or text[match.end() : match.end() + 1] in ("", ".", ",", ";", ")", "\n")
            or partial_dates.cued(text, match.start())
        )
    return not partial_dates.MEASURE.match(text, match.end())


_STOPPED = re.compile(r"[\d ,&a-z/-]{1,12}\.[ ]{1,2}[A-Za-z]+$")


_LASTING = re.compile(r"\d{1,2}/(?:7|52|12) ?[-–]")
"""`Recall 3/12 - August`"""


def _nearly_month(word: str) -> bool:
    return any(vocabulary.one_slip(word, month) for month in _MONTHS if len(month) > 3)


def _is_numeric_date(text: str, match: re.Match[str]) -> bool:
    raw = match[0].translate(_DIGITS)
    if sum(c.isdigit() for c in match[0]) < 3:
        return False
    parts = [int(p) for p in re.findall(r"\d+", raw)]
    if len(parts) != 3 or _scored_thrice(text, match.start()):
        return False
    widths = [len(p) for p in re.findall(r"\d+", raw)]
    if _OUT_OF_RANGE.fullmatch(raw) and parts[2] > _DECEMBER:
        return False
    if widths[2] == 4 or widths[0] == 4:
        return max(parts) < 2100
    if partial_dates.UNITS.match(text, match.end()):
        return False
    first, second = parts[0], parts[1]
    return 1 <= min(first, second) <= 12 and 1 <= max(first, second) <= 31 and widths[2] == 2


_OUT_OF_RANGE = re.compile(r"\d{1,2}-\d{1,2}/\d\d")
"""`bleeds 4-5/30`: some days of so many."""
_DECEMBER = 12
_DIGITS = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1"})
_PREGNANCIES = re.compile(r"g\dp\d")


def _scored_thrice(text: str, start: int) -> bool:
    """`Apgars 9/10/10`, `G3P2 1.0.1`: three numbers that are no date."""
    last = before(text, start, " :.=")
    if last[-1:] == ["of"]:
        last.pop()
    return ends_with(last, _SCORE_TRIPLES) or (
        bool(last) and _PREGNANCIES.fullmatch(last[-1]) is not None
    )


def _run_on_date(digits: str) -> bool:
    """DDMMYYYY or YYYYMMDD, perhaps with a time behind."""
    bare = digits.replace("-", "").replace(":", "").replace("T", "")[:8]
    if len(bare) != 8 or not bare.isdigit():
        return False
    forms = ((bare[:2], bare[2:4], bare[4:]), (bare[6:], bare[4:6], bare[:4]))
    return any(
        1 <= int(day) <= 31 and 1 <= int(month) <= 12 and 1880 <= int(year) <= 2059
        for day, month, year in forms
    )


def births(text: str, spans: list[Span]) -> Iterator[Span]:
    """Dates that stand in brackets or after a comma right behind a name: birth dates."""
    ordered = sorted(
        (span for span in spans if span.label in (Label.NAME, Label.DATE)), key=lambda s: s.start
    )
    for name, date in pairwise(ordered):
        if (name.label, date.label) != (Label.NAME, Label.DATE):
            continue
        if text[name.end : date.start].strip() in ("(", "(d.", ",", "|"):
            yield Span(
                date.start, date.end, Label.DATE_OF_BIRTH, date.score + 0.001, "date behind a name"
            )
