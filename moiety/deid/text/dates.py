"""Dates, and what looks like one: durations, scores, ratios and vertebrae stay.

The forms are put together from parts: days, months as numbers, words and abbreviations, years of
two and four digits, every separator.  A day and month without a year is a date after a cue, or
where both are written with two digits; after `GCS` or before `mg` it never is.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from moiety.deid.text import ordinals, rare_dates, said_dates, vocabulary
from moiety.deid.text.cues import Places, at, before, ends_with
from moiety.deid.text.dotted_dates import is_dotted
from moiety.deid.text.impersonal import is_share, lasts
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
_PARTIAL = re.compile(
    r"(?<![\w./-])(0?[1-9]|[12]\d|3[01])( ?[/] ?|[.-])(0?[1-9]|1[0-2])(?![\w%/]|[.:-]\d)"
)
_MONTHS_OF_YEAR = re.compile(
    rf"(?<![\w./]){_MONTH} ?(?:-|–|/|to|and|&) ?{_MONTH},? (?:19|20)\d\d(?!\d)", re.IGNORECASE
)
_BIRTH = re.compile(
    r"(?:d\.? ?o\.? ?b\.?|d ?of ?b|d/o/b|dob|date of birth|birth ?date|born(?: on)?|birth|b\.|née|nee"
    r"|birthday|bday|db|d\.b\.?)[ .:=()|\t*-]{0,8}(?:is|was|on|the|\(dd/mm/yyyy\)|\(age\))?[ :.|\t]{0,4}$",
    re.IGNORECASE,
)
_MEASURE = re.compile(
    r" {0,2}(?:mg|mcg|g\b|ml|mm|cm|m\b|l\b|%|units?|strength|weeks?|days?|months?|hours?|hrs?|years?|yrs?|"
    r"mmhg|pain|palpable|nodes?|cores?|positive|x\b|x ?\d|wks?|ago|history|hx|gestation|old|of the|"
    r"murmur|systolic|power|/ ?\d|\+\d|bd\b|od\b|tds\b|qds\b|prn\b|puffs?|tabs?|supply|course|duration|post|"
    r"ratio|fu\b|f/u|follow|lbp|pregnant|headache|cough)",
    re.IGNORECASE,
)
_UNITS = re.compile(r" {0,2}(?:mg|mcg|mls?|mm|cm|%|mmhg|l/min)(?![a-z])", re.IGNORECASE)
_PERIODS = frozenset({7, 52, 12, 24, 40})
_REACH = 26
_TIME = re.compile(
    r"[ ,]{0,2}(?:at )?(?:[01]?\d|2[0-3])[:.]?[0-5]\d(?!\d)|[ ]{0,2}[-:–] ?[A-Za-z]|[ ]?@"
    r"|[ ,]{1,2}(?:[ap]\.?m\b|nocte|noct\b|mane\b|eve\b|night|early|late\b)",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"[ ,]{1,2}(?:at |@ ?)?(?:[01]\d|2[0-3])[:.]?[0-5]\d(?![\d/])")
_DASH_WORD = re.compile(r"(?:^|\n)[ \t*•>-]{0,4}$")


_MONTH_NAMES = vocabulary.group("dates_months")
_SURE_CUES = vocabulary.group("dates_sure_cues")
_CUES = vocabulary.group("dates_cues")
_SCORES = vocabulary.group("dates_scores")
_SCORE_TRIPLES = vocabulary.group("dates_score_triples")
_SHORT_SCORES = vocabulary.group("dates_short_scores")
_DATE_WORDS = vocabulary.group("dates_words")
_BEFORE_SHORT_YEARS = vocabulary.group("dates_before_short_years")
_SHORT_YEAR = re.compile(r"(?:0?[1-9]|1[0-2])/(?:1[3-9]|[23]\d)(?![\w%/]|[.-]\d)")
_MARKS = " .:,=(-"
_WEEKDAYS = ("mon(?:day)?", "tue(?:s(?:day)?)?", "wed(?:s|nesday)?", "thu(?:r(?:s(?:day)?)?)?", "fri(?:day)?",
             "sat(?:urday)?", "sun(?:day)?")  # fmt: skip


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
    partial = list(at(_PARTIAL, text, places.short))
    entries = _entries(text, partial)
    for match in partial:
        if match.start() in entries or _is_partial_date(text, match):
            yield _span(text, *match.span(), 0.8, "day and month")
    for match in at(_SHORT_YEAR, text, places.short):
        last = before(text, match.start(), " :(")
        if last[-1:] == ["exp"]:
            continue  # a batch's, and nobody's
        scored = ends_with(before(text, match.start(), " .:=~<>("), _SCORES)
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
            or _cued(text, match.start())
        )
    return not _MEASURE.match(text, match.end())


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
    if _UNITS.match(text, match.end()):
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


def _is_partial_date(text: str, match: re.Match[str]) -> bool:
    day, separator, month = match[1], match[2].strip(), match[3]
    start = match.start()
    lasting = separator == "/" and day[0] != "0" and lasts(text, start, int(day), int(month))
    if lasting and not _TIME.match(text, match.end()):
        return False
    if (day == "6" and _other_acuity(text, start)) or is_share(text, match.end()):
        return False  # `6/18 right and 6/5 left`, `on 3/5 trials`
    if _surely_cued(text, start):
        return not _MEASURE.match(text, match.end()) or len(day) == len(month) == 2
    line = _DASH_WORD.search(text, max(0, start - _REACH), start)
    if separator != "/":
        if _MEASURE.match(text, match.end()):
            return False
        late = separator == "-" and int(day) > _DECEMBER and _ENDS_OR_GOES.match(text, match.end())
        return is_dotted(text, match) or bool(late and _cued(text, start))
    if _READING.match(text, match.end()) or match.start() in _arrowed(text, match):
        return True
    if line and _TIME.match(text, match.end()):
        return True
    if int(month) == _NOVEMBER and int(day) != _NOVEMBER and not _UNITS.match(text, match.end()):
        return True
    if _MEASURE.match(text, match.end()) or ends_with(before(text, start, " .:=~<>("), _SCORES):
        return False
    if _CLOCK.match(text, match.end()):
        return True
    if int(day) == int(month) and day[0] != "0":
        return ends_with(_words_before(text, start), _REVIEWS)
    if int(month) in _PERIODS and not (len(day) == len(month) == 2 and int(month) == 12):
        return (len(month) == 2 and month[0] == "0") or _by(text, match)
    if len(day) == len(month) == 2 and (day[0] == "0" or month[0] == "0"):
        return True
    if int(day) > int(month) and int(month) not in _OFTEN_BELOW and _rests(text, match):
        return True
    return int(day) > 12 or _cued(text, start)


_ENDS_OR_GOES = re.compile(r"[ ]?(?:[.,;)\n]|\Z| ?[ap]m\b)", re.IGNORECASE)
_READING = re.compile(r" [12]?\d{2}/[1-9]\d(?![\d/])")
"""A blood pressure: `at GP 1/8 138/70`."""
_ARROWED = re.compile(r"(\d{1,2})/(\d{1,2}) ?(?:->|→|>) ?(\d{1,2})/(\d{1,2})(?![\w/])")


def _arrowed(text: str, match: re.Match[str]) -> tuple[int, ...]:
    """Where both of two days stand, the second the day after the first: `2/2->3/2`."""
    pair = _ARROWED.match(text, match.start()) or _ARROWED.search(
        text, max(0, match.start() - len("31/12 -> ")), match.end()
    )
    if pair is None or pair[2] != pair[4] or int(pair[3]) != int(pair[1]) + 1:
        return ()
    return (pair.start(), pair.start(3))


def _other_acuity(text: str, start: int) -> bool:
    """Whether what the other eye sees stands near."""
    near = _ACUITY.finditer(text, max(0, start - _REACH), start + _REACH)
    return any(match.start() != start for match in near)


_ACUITY = re.compile(r"(?<![\d/])6/(?:9|12|18|24|36|60)(?!\d)")
_REVIEWS = frozenset(
    {"rv", "r/v", "review", "next", "nxt", "appt", "tci", "due", "back", "seen", "fu", "f/u", "rpt"}
)
_OFTEN_BELOW = frozenset({7, 8, 12})
"""Below these even a greater number is a duration or a score; below 11 nothing is but a day."""
_NOVEMBER = 11
_FRACTION = re.compile(r"\d/\d{1,2}$")
_RESTS = re.compile(r"[ ]?(?:[.,;:)?!\n-]|$|[a-z])", re.IGNORECASE)


def _rests(text: str, match: re.Match[str]) -> bool:
    """Whether a word or a stop follows, and no number or sign stands before, as in a count."""
    before_it = text[max(0, match.start() - 5) : match.start()].strip()
    counted = before_it.endswith(("+", "x", "=", "<", ">", "~")) or _FRACTION.search(before_it)
    return not counted and (_RESTS.match(text, match.end()) is not None)


def _by(text: str, match: re.Match[str]) -> bool:
    """`Action AB by 1/12.`: a day until which something is done."""
    last = before(text, match.start(), " ")
    stops = _STOPS.match(text, match.end()) or _WHO.match(text, match.end())
    return last[-1:] == ["by"] and match[3] == "12" and stops is not None


_STOPS = re.compile(r"[ ]?(?:[.,;)\n]|$)")
_WHO = re.compile(r" (?:you|we|he|she|they|please|or|then|and|at)(?![\w])", re.IGNORECASE)
_DIARY = re.compile(
    rf"(?:^|\n)[ \t*•>-]{{0,4}}(?:{'|'.join(_WEEKDAYS)})?[ ,]{{0,2}}$", re.IGNORECASE
)
_GOES_ON = re.compile(r"[ :,-]{1,3}[A-Za-z]{2}")
_OUT_OF = frozenset({5, 7, 10, 12})


def _entries(text: str, partial: list[re.Match[str]]) -> set[int]:
    """Where the entries of a diary begin: lines that open with a day and month, one after the other.

    `4/5`, `3/10`, `5/7` and `2/12` under each other may be powers, pains and durations, and
    `6/6`, `6/9` is what an eye sees.
    """
    heads = [
        match for match in partial
        if match[2].strip() == "/" and _GOES_ON.match(text, match.end())
        and not _MEASURE.match(text, match.end())
        and _DIARY.search(text, max(0, match.start() - 16), match.start())
    ]  # fmt: skip
    days = [(int(match[3]), int(match[1])) for match in heads]
    in_order = days in (sorted(set(days)), sorted(set(days), reverse=True))
    months = {month for month, _ in days}
    scored = len(months) == 1 and months < _OUT_OF
    if not in_order or scored or len({day for _, day in days}) < 2:
        return set()
    return {match.start() for match in heads}


_AS_DATE = re.compile(r"\d[/.]\d{1,2}")
_DASHED = re.compile(r"(?:^|[^a-z])[-–][ .:,=(-]{0,3}(?:the )?$", re.IGNORECASE)


def _words_before(text: str, start: int) -> list[str]:
    last = before(text, start, _MARKS)
    return last[:-1] if last[-1:] == ["the"] else last


def _surely_cued(text: str, start: int) -> bool:
    """`on`, `LMP`, `date of scan`, `next review`, `check AB`, `3/4 to` right before."""
    last = _words_before(text, start)
    if ends_with(last, _SURE_CUES):
        return True
    if len(last) > 1 and (
        last[-2] == "next"
        or (last[-2] in ("check", "checked") and 2 <= len(last[-1]) <= 3)
        or (last[-1] in ("to", "and", "&") and _AS_DATE.search(last[-2][-4:]))
    ):
        return True
    if last and _AS_DATE.search(last[-1][-4:]) and _DASHED.search(text, max(0, start - 4), start):
        return True
    return last[-3:-1] == ["date", "of"]


def _cued(text: str, start: int) -> bool:
    """A word that dates follow, or a dash, right before."""
    return ends_with(_words_before(text, start), _CUES) or (
        _DASHED.search(text, max(0, start - 8), start) is not None
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
