"""A day and month without a year, `3/4`: a date behind a cue, before a time or a reading, as an entry of
a diary; else a duration, a score, an acuity, a share.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.cues import Places, at, before, ends_with
from moiety.deid.text.dotted_dates import is_dotted
from moiety.deid.text.impersonal import is_share, lasts

_PARTIAL = re.compile(
    r"(?<![\w./-])(0?[1-9]|[12]\d|3[01])( ?[/] ?|[.-])(0?[1-9]|1[0-2])(?![\w%/]|[.:-]\d)"
)
MEASURE = re.compile(
    r" {0,2}(?:mg|mcg|g\b|ml|mm|cm|m\b|l\b|%|units?|strength|weeks?|days?|months?|hours?|hrs?|years?|yrs?|"
    r"mmhg|pain|palpable|nodes?|cores?|positive|x\b|x ?\d|wks?|ago|history|hx|gestation|old|of the|"
    r"murmur|systolic|power|/ ?\d|\+\d|bd\b|od\b|tds\b|qds\b|prn\b|puffs?|tabs?|supply|course|duration|post|"
    r"ratio|fu\b|f/u|follow|lbp|pregnant|headache|cough)",
    re.IGNORECASE,
)
UNITS = re.compile(r" {0,2}(?:mg|mcg|mls?|mm|cm|%|mmhg|l/min)(?![a-z])", re.IGNORECASE)
_PERIODS = frozenset({7, 52, 12, 24, 40})
_REACH = 26
_TIME = re.compile(
    r"[ ,]{0,2}(?:at )?(?:[01]?\d|2[0-3])[:.]?[0-5]\d(?!\d)|[ ]{0,2}[-:–] ?[A-Za-z]|[ ]?@"
    r"|[ ,]{1,2}(?:[ap]\.?m\b|nocte|noct\b|mane\b|eve\b|night|early|late\b)",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"[ ,]{1,2}(?:at |@ ?)?(?:[01]\d|2[0-3])[:.]?[0-5]\d(?![\d/])")
_DASH_WORD = re.compile(r"(?:^|\n)[ \t*•>-]{0,4}$")
_SURE_CUES = vocabulary.group("dates_sure_cues")
_CUES = vocabulary.group("dates_cues")
SCORES = vocabulary.group("dates_scores")
_MARKS = " .:,=(-"
_WEEKDAYS = ("mon(?:day)?", "tue(?:s(?:day)?)?", "wed(?:s|nesday)?", "thu(?:r(?:s(?:day)?)?)?", "fri(?:day)?",
             "sat(?:urday)?", "sun(?:day)?")  # fmt: skip
_NOVEMBER, _DECEMBER = 11, 12


def find(text: str, places: Places) -> Iterator[re.Match[str]]:
    """Every day and month that is a date."""
    partial = list(at(_PARTIAL, text, places.short))
    entries = _entries(text, partial)
    for match in partial:
        if match.start() in entries or _is_date(text, match):
            yield match


def _is_date(text: str, match: re.Match[str]) -> bool:
    day, separator, month = match[1], match[2].strip(), match[3]
    start = match.start()
    lasting = separator == "/" and day[0] != "0" and lasts(text, start, int(day), int(month))
    if lasting and not _TIME.match(text, match.end()):
        return False
    if (day == "6" and _other_acuity(text, start)) or is_share(text, match.end()):
        return False  # `6/18 right and 6/5 left`, `on 3/5 trials`
    if _surely_cued(text, start):
        return not MEASURE.match(text, match.end()) or len(day) == len(month) == 2
    line = _DASH_WORD.search(text, max(0, start - _REACH), start)
    if separator != "/":
        if MEASURE.match(text, match.end()):
            return False
        late = separator == "-" and int(day) > _DECEMBER and _ENDS_OR_GOES.match(text, match.end())
        return is_dotted(text, match) or bool(late and cued(text, start))
    if _READING.match(text, match.end()) or match.start() in _arrowed(text, match):
        return True
    if line and _TIME.match(text, match.end()):
        return True
    if int(month) == _NOVEMBER and int(day) != _NOVEMBER and not UNITS.match(text, match.end()):
        return True
    if MEASURE.match(text, match.end()) or ends_with(before(text, start, " .:=~<>("), SCORES):
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
    return int(day) > 12 or cued(text, start)


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
        and not MEASURE.match(text, match.end())
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


def cued(text: str, start: int) -> bool:
    """A word that dates follow, or a dash, right before."""
    return ends_with(_words_before(text, start), _CUES) or (
        _DASHED.search(text, max(0, start - 8), start) is not None
    )
