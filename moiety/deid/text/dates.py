"""Dates, and what looks like one: durations, scores, ratios and vertebrae stay.

The forms are put together from parts: days, months as numbers, words and abbreviations, years of
two and four digits, every separator.  A day and month without a year is a date after a cue, or
where both are written with two digits; after `GCS` or before `mg` it never is.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span

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
    rf"{_DAYS}{_GAP}(?:of{_GAP})?{_MONTH}(?![a-z])(?:\.?{_GAP}(?:in )?{_YEAR}(?![\w/%]|[.,:]\d))?"
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
    r"(?<![\w./-])(0?[1-9]|[12]\d|3[01])( ?[/] ?|[.-])(0?[1-9]|1[0-2])(?![\w%/:]|[.-]\d)"
)
_WEEKDAY = r"(?:mon|tue|tues|wed|weds|thu|thur|thurs|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_THE_DAY = re.compile(
    rf"(?<![a-z])(?:on|until|till|from|since|by|before|after|of|to|w/?c|w/?b|week commencing|wc|{_WEEKDAY})(?: the)? ((?:[12]?\d|3[01])(?:st|nd|rd|th))"
    r"(?=[ ]?(?:[.,;:)?!\n/–-]|$|and |at |with |for |in |to |he |she |they |we |i |but |as ))",
    re.IGNORECASE,
)
_SHORT_MONTH_YEAR = re.compile(
    r"(?<![a-z])(?:due|since|dated|expir(?:es|y)|exp|diagnosed|dx(?:'d)?|next [a-z]{3,12}|last [a-z]{3,12}|until|reviewed|back in)"
    r"[ :(]{1,3}((?:0?[1-9]|1[0-2])/(?:1[3-9]|[23]\d))(?![\w%/]|[.-]\d)",
    re.IGNORECASE,
)
_NAMED_DAY = re.compile(
    rf"(?<![a-z])(?:{_WEEKDAY},?|tomorrow|tmrw|today|(?:morning|afternoon|evening|night|early hours) of(?: the)?) "
    r"(?:the )?((?:[12]?\d|3[01])(?:st|nd|rd|th))(?![a-z])",
    re.IGNORECASE,
)
_MONTHS_OF_YEAR = re.compile(
    rf"(?<![\w./]){_MONTH} ?(?:-|–|/|to|and|&) ?{_MONTH},? (?:19|20)\d\d(?!\d)", re.IGNORECASE
)
_FEAST = re.compile(
    r"(?<![a-z])(?:christmas (?:day|eve)|boxing day|new year'?s (?:day|eve)|good friday|easter "
    r"(?:sunday|monday|saturday)|(?:late )?(?:may|august|spring) bank holiday|st patrick's day|halloween|bonfire night)"
    r"(?:,? (?:19|20)\d\d)?",
    re.IGNORECASE,
)
_BIRTH = re.compile(
    r"(?:d\.? ?o\.? ?b\.?|d ?of ?b|d/o/b|dob|date of birth|birth ?date|born(?: on)?|birth|b\.|née|nee"
    r"|birthday|bday|db|d\.b\.?)[ .:=()|\t*-]{0,8}(?:is|was|on|the|\(dd/mm/yyyy\)|\(age\))?[ :.|\t]{0,4}$",
    re.IGNORECASE,
)
_SURE_CUE = re.compile(
    rf"(?<![a-z])(?:on|since|from|today|tomorrow|yesterday|tonight|dated?|seen|seen on|lmp|lnmp|edd|due|w/?c|w/?b|wc|commencing|ending|dob|born|{_WEEKDAY}"
    r"|handover|ward round|wr|visited|attended|died|admitted|discharged|held|inserted|removed|delivered|rang|phoned|called|falls|fell|checked|check:? [a-z]{2,3}|before|after|review date|date of [a-z]{3,12}|planned for|booked for|for the|next [a-z]{3,12}|visit|appt|tci|\d[/.]\d{1,2} (?:to|and|&|-))[ .:,=-]{0,3}(?:the )?$",
    re.IGNORECASE,
)
_CUE = re.compile(
    rf"(?<![a-z])(?:on|since|until|till|til|by|before|after|from|to|see|seen|rv|r/v|(?:can|could|to) do|free|night|review(?:ed)?|appt|"
    rf"appointment|clinic|clin|opa|opd|date|dated|due|w/?c|wc|admitted|admission|adm|d/c|discharged|"
    rf"discharge|started|stopped|start|stop|repeat(?:ed)?|bloods?|ct|mri|xr|cxr|axr|uss|us|scan|echo|"
    rf"ecg|eeg|endoscopy|ogd|colonoscopy|biopsy|histology|mdt|lmp|lnmp|edd|last|next|op|"
    rf"surgery|procedure|theatre|delivered|born|died|rip|attended|attendance|dna'?d|dna|{_WEEKDAY}|cc|excised|performed|done|taken|placed|sited|fitted|biopsied|resected|scanned|x-?rayed|swabbed|sent|received|collected|typed|dictated|reported|authorised|auth|issued|prescribed|commenced|completed|finished|switched|transferred|moved|referred|reviewed|assessed|examined|operated|extubated|intubated|excision|lletz|section|egg collection|transfer|scan|bx|"
    rf"letter|report|results?|dose|jab|vaccine|given|inserted|removed|changed|signed|fu|f/u|"
    rf"follow-?up|booked|planned|listed|tci|pre-?op|cancelled|rang|called|phoned|emailed|visited|visit|"
    rf"meeting|mtg|held|home|check(?:ed)?:? [a-z]{2, 3}|ward round|wr|night of|morning of|eve of|week of|ending|and|&|-|–)[ .:,=(-]{{0,3}}(?:the )?$",
    re.IGNORECASE,
)
_SCORE = re.compile(
    r"(?<![a-z/&])(?:gcs|score|scored|scores|power|mrc|pain|vas|nrs|apgars?|bishop'?s?|grade|bp|va|vision|iop|"
    r"acuity|snellen|amts?|mmse|moca|mts|4at|barthel|waterlow|braden|must|news2?|pews|mews|meows|"
    r"visual|near|unaided|r|l|re|le|od|os|ph|pinhole|c|t|l|s|v|stage|nodes?|\+|ratio|series|"
    r"image|slice|im|block|cores?|murmur|sem|psm|esm|edm|strength|reflexes|flex(?:ion)?|ext(?:ension)?|"
    r"abd|add|rotation|phq-?9|gad-?7|hads|epds|auditc?|audit-c|ishihara|fev1|schirmer|oxford|mood|"
    r"anxiety|sleep|energy|rated|rating|tumours?|lymph nodes|positive in|cups|units|smokes|drinks|"
    r"tab(?:let)?s?|puffs?|x|times|dose|level|levels|disc|discs|vertebra[el]?|gestation|fundus|sfh|fh|"
    r"ve|os|station|palpable|fifths|ceph(?:alic)?|head|peak flow|scale|severity|loc|bo|pu|type|for|in|every|"
    r"last|past|over|within|about|approx|nearly|lasting|previous|after)[ .:=~<>(]{0,3}$",
    re.IGNORECASE,
)
_MEASURE = re.compile(
    r" {0,2}(?:mg|mcg|g\b|ml|mm|cm|m\b|l\b|%|units?|strength|weeks?|days?|months?|hours?|hrs?|years?|yrs?|"
    r"mmhg|pain|palpable|nodes?|cores?|positive|x\b|x ?\d|wks?|ago|history|hx|gestation|old|of the|"
    r"murmur|systolic|power|/ ?\d|\+\d|bd\b|od\b|tds\b|qds\b|prn\b|puffs?|tabs?|supply|course|duration|post|"
    r"fu\b|f/u|follow|lbp|pregnant|headache|cough)",
    re.IGNORECASE,
)
_UNITS = re.compile(r" {0,2}(?:mg|mcg|mls?|mm|cm|%|mmhg|l/min)(?![a-z])", re.IGNORECASE)
_PERIODS = frozenset({7, 52, 12, 24, 40})
_REACH = 26
_TIME = re.compile(
    r"[ ,]{0,2}(?:at )?(?:[01]?\d|2[0-3])[:.]?[0-5]\d(?!\d)|[ ]{0,2}[-:–] ?[A-Za-z]|[ ]?@"
)
_CLOCK = re.compile(r"[ ,]{1,2}(?:at |@ ?)?(?:[01]\d|2[0-3])[:.]?[0-5]\d(?![\d/])")
_DASH_WORD = re.compile(r"(?:^|\n)[ \t*•>-]{0,4}$")


def find(text: str) -> Iterator[Span]:
    """Every date of a normalised text; dates of birth where the text says so."""
    for match in _WORDED.finditer(text):
        if _is_worded_date(text, match):
            yield _span(text, *match.span(), 0.95, "date in words")
    for match in _MONTH_FIRST.finditer(text):
        yield _span(text, *match.span(), 0.94, "month, day and year")
    for match in _MISSPELT.finditer(text):
        if _nearly_month((match[1] or match[2]).lower()):
            yield _span(text, *match.span(), 0.8, "date in misspelt words")
    for match in _NUMERIC.finditer(text):
        if _is_numeric_date(text, match):
            yield _span(text, *match.span(), 0.95, "date in numbers")
    for pattern in (_MONTH_YEAR, _YEAR_MONTH):
        for match in pattern.finditer(text):
            if not _SCORE_SHORT.search(text, max(0, match.start() - _REACH), match.start()):
                yield _span(text, *match.span(), 0.85, "month and year")
    for match in (*_RUN_ON.finditer(text), *_TIMED.finditer(text)):
        if _run_on_date(match[0]):
            yield _span(text, *match.span(), 0.9, "date in a run of digits")
    for match in _SIX.finditer(text):
        if _BIRTH.search(text, max(0, match.start() - _REACH), match.start()) or _DATE_WORD.search(
            text, max(0, match.start() - _REACH), match.start()
        ):
            yield _span(text, *match.span(), 0.8, "six digits after a date's name")
    for match in _PARTIAL.finditer(text):
        if _is_partial_date(text, match):
            yield _span(text, *match.span(), 0.8, "day and month")
    for match in _THE_DAY.finditer(text):
        yield Span(*match.span(1), Label.DATE, 0.6, "day of the month")
    for match in _NAMED_DAY.finditer(text):
        yield Span(*match.span(1), Label.DATE, 0.7, "day of the month")
    for match in _MONTHS_OF_YEAR.finditer(text):
        yield _span(text, *match.span(), 0.85, "months and year")
    for match in _SHORT_MONTH_YEAR.finditer(text):
        yield Span(*match.span(1), Label.DATE, 0.6, "month and short year")
    for match in _FEAST.finditer(text):
        yield Span(*match.span(), Label.DATE, 0.6, "feast")


_DATE_WORD = re.compile(r"(?:date|dated|seen|on)[ :.]{1,3}$", re.IGNORECASE)
_SCORE_SHORT = re.compile(r"(?:va|bp|gcs|score|image|series)[ :.]{0,2}$", re.IGNORECASE)


def _span(text: str, start: int, end: int, score: float, why: str) -> Span:
    birth = _BIRTH.search(text, max(0, start - _REACH), start)
    return Span(start, end, Label.DATE_OF_BIRTH if birth else Label.DATE, score, why)


def _is_worded_date(text: str, match: re.Match[str]) -> bool:
    """Not `may 20 mg`, not `mar 5 units`, not `she may 2 days later`."""
    if match["first"] is None:
        return not _STOPPED.match(match[0])
    if match["first"].islower() and match["first"] in ("may", "mar", "march", "dec"):
        return (
            len(match[0].split()) > 2
            or text[match.end() : match.end() + 1] in ("", ".", ",", ";", ")", "\n")
            or bool(_CUE.search(text, max(0, match.start() - _REACH), match.start()))
        )
    return not _MEASURE.match(text, match.end())


_STOPPED = re.compile(r"[\d ,&a-z/-]{1,12}\.[ ]{1,2}[A-Za-z]+$")


def _nearly_month(word: str) -> bool:
    return any(vocabulary.one_slip(word, month) for month in _MONTHS if len(month) > 3)


def _is_numeric_date(text: str, match: re.Match[str]) -> bool:
    raw = match[0].translate(_DIGITS)
    if sum(c.isdigit() for c in match[0]) < 3:
        return False
    parts = [int(p) for p in re.findall(r"\d+", raw)]
    if len(parts) != 3 or _SCORE_TRIPLE.search(text, max(0, match.start() - _REACH), match.start()):
        return False
    widths = [len(p) for p in re.findall(r"\d+", raw)]
    if widths[2] == 4 or widths[0] == 4:
        return max(parts) < 2100
    if _UNITS.match(text, match.end()):
        return False
    first, second = parts[0], parts[1]
    return 1 <= min(first, second) <= 12 and 1 <= max(first, second) <= 31 and widths[2] == 2


_DIGITS = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1"})
_SCORE_TRIPLE = re.compile(
    r"(?<![a-z/.])(?:apgars?|peak flows?|pef|pefr|urine output|version|v|grbas|score|gtpal|ratio|ip|"
    r"toxicity|chapter|section|para|g\dp\d)[ :.=of]{0,5}$",
    re.IGNORECASE,
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
    start = max(0, match.start() - _REACH)
    if _SURE_CUE.search(text, start, match.start()):
        return not _MEASURE.match(text, match.end()) or len(day) == len(month) == 2
    line = _DASH_WORD.search(text, start, match.start())
    if separator != "/":
        return False
    if line and _TIME.match(text, match.end()):
        return True
    if _MEASURE.match(text, match.end()) or _SCORE.search(text, start, match.start()):
        return False
    if _CLOCK.match(text, match.end()):
        return True
    if int(day) == int(month) and day[0] != "0":
        return False
    if int(month) in _PERIODS and not (len(day) == len(month) == 2 and int(month) == 12):
        return len(month) == 2 and month[0] == "0"
    if len(day) == len(month) == 2 and (day[0] == "0" or month[0] == "0"):
        return True
    return int(day) > 12 or _CUE.search(text, start, match.start()) is not None


def births(text: str, spans: list[Span]) -> Iterator[Span]:
    """Dates that stand in brackets or after a comma right behind a name: birth dates."""
    ordered = sorted(spans, key=lambda s: s.start)
    for name, date in pairwise(ordered):
        between = text[name.end : date.start]
        if (
            name.label == Label.NAME
            and date.label == Label.DATE
            and between.strip() in ("(", "(d.", ",", "|")
        ):
            yield Span(
                date.start, date.end, Label.DATE_OF_BIRTH, date.score + 0.001, "date behind a name"
            )
