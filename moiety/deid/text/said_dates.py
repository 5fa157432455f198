"""Dates said in words, and what belongs to a date before it.

`the ninth of June nineteen sixty-three`, `May the fourth`, `early Jan 2025`, `mid-February`,
`since Sept`, `13.xi.2024`, `stopped at Christmas`; the weekday, the `the` and the `early` that
stand right before a date go with it.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import feasts, vocabulary
from moiety.deid.text.cues import Places, at, before, ends_with
from moiety.deid.text.words import LOWER, TITLE, Words

_FIRST_DAYS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "twenty", "thirtieth", "thirty",
)  # fmt: skip
_ONES = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
_ORDINAL = (
    rf"(?:twenty[ -](?:{_ONES})|thirty[ -]first|twentieth|thirtieth|{_ONES}|tenth|eleventh|twelfth|thirteenth"
    r"|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth)"
)
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_DIGITS = "one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_SMALL = rf"(?:(?:{_TENS})(?:[ -](?:{_DIGITS}))?|{_TEENS}|(?:oh|o|nought)[ -](?:{_DIGITS}))"
_YEAR_SAID = (
    rf"(?:two thousand(?:(?: and)? (?:{_TEENS}|{_DIGITS}|(?:{_TENS})(?:[ -](?:{_DIGITS}))?))?"
    rf"|(?:eighteen|nineteen|twenty)(?: hundred(?: and)?)?[ -]{_SMALL})"
)
_YEAR = rf"(?:,? (?:in )?(?:(?:18|19|20)\d\d|'\d\d|{_YEAR_SAID})(?!\d))?"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary|uary|rary|y)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t|tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])"
)
_SAID = re.compile(
    rf"(?<![\w-])(?:{_ORDINAL},?(?: day)?(?: of)? {_MONTH}{_YEAR})(?![\w-])", re.IGNORECASE
)
_SAID_MONTH_FIRST = re.compile(
    rf"(?<![\w-]){_MONTH}(?: the)? (?:{_ORDINAL}(?! of)){_YEAR}(?![\w-])", re.IGNORECASE
)
_DAY_SAID = re.compile(rf"(?<![\w-]){_ORDINAL}(?![\w-])", re.IGNORECASE)
_DAY_AND_YEAR_SAID = re.compile(
    rf"(?<![\w-])(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?)?{_MONTH},? (?:in )?{_YEAR_SAID}(?![\w-])",
    re.IGNORECASE,
)
_DAY_OF_MONTH_SAID = re.compile(
    rf"(?<![\w-]){_ORDINAL} (?:of|day of) (?:the )?{_ORDINAL}(?:,? (?:of )?(?:the )?(?:{_YEAR_SAID}|{_SMALL}|(?:19|20)\d\d|'?\d\d))?(?![\w-])",
    re.IGNORECASE,
)
_FIGURES_SAID = re.compile(
    rf"(?:date of birth|d o b|dob|born)[ ,:]{{1,2}}(?:is |was |on )?((?:{_TENS}(?:[ -](?:{_DIGITS}))?|{_TEENS}|{_DIGITS}|oh (?:{_DIGITS}))"
    rf"[ ,]{{1,2}}(?:{_TEENS}|{_DIGITS}|oh (?:{_DIGITS}))[ ,]{{1,2}}(?:{_YEAR_SAID}|{_SMALL}|(?:19|20)?\d\d))(?![\w-])",
    re.IGNORECASE,
)
_CELTIC = (
    r"(?:ionawr|chwefror|[mf]awrth|ebrill|[mf]ai|[mf]ehefin|g?orffennaf|awst|[mf]edi|hydref|[td]achwedd|rh?agfyr"
    r"|eanair|feabhra|marta|aibrean|bealtaine|meitheamh|iuil|lunasa|mean fomhair|deireadh fomhair|samhain|nollaig)"
)
_CELTIC_DATE = re.compile(
    rf"(?<![\w./-])(?:\d{{1,2}}(?:eg|af|ain|il|ydd|fed|ed|u|adh)? (?:o )?{_CELTIC}(?: (?:19|20)\d\d)?|\d{{1,2}}(?:eg|fed|ydd|ain)|{_CELTIC} (?:19|20)\d\d)(?![\w-])",
    re.IGNORECASE,
)
_CELTIC_DAY = re.compile(r"(?<![\w./-])\d{1,2}(?:eg|fed|ydd|ain)(?![\w-])", re.IGNORECASE)
_CELTIC_MONTHS = frozenset(
    {"ionawr", "chwefror", "mawrth", "fawrth", "ebrill", "mai", "fai", "mehefin", "fehefin", "gorffennaf", "orffennaf",
     "awst", "medi", "fedi", "hydref", "tachwedd", "dachwedd", "rhagfyr", "ragfyr", "eanair", "feabhra", "marta",
     "aibrean", "bealtaine", "meitheamh", "iuil", "lunasa", "mean", "deireadh", "samhain", "nollaig"}
)  # fmt: skip
_PART_OF_MONTH = re.compile(
    rf"(?<![\w-])(?:early|mid|middle|late|end|beginning|start|first half"
    rf"|second half|first week|last week|second week|third week|turn)"
    rf"(?:[ -]?/?to[ -/]late|[ -]?/?mid)?[ -](?:of |in )?{_MONTH}(?:,? ?(?:20\d\d|19\d\d|'\d\d)(?!\d))?(?![\w-])",
    re.IGNORECASE,
)
_PARTS = ("early", "mid", "middle", "late", "end", "beginning", "start", "first", "last", "second",
          "third", "turn")  # fmt: skip
_WEEKDAY_OF_MONTH = re.compile(
    rf"(?<![\w-])(?:the )?(?:first|second|third|fourth|last|1st|2nd|3rd|4th) "
    rf"(?:mon|tues?|wed(?:s|nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)? (?:in|of) {_MONTH}(?![\w])(?: (?:19|20)\d\d(?!\d))?",
    re.IGNORECASE,
)
_FIRST_OF = ("the", "first", "second", "third", "fourth", "last")
_MONTH_ALONE = re.compile(rf"(?<![\w./-]){_MONTH}(?!\.?[ -]?\d)", re.IGNORECASE)
_BEFORE_MONTHS = vocabulary.group("said_dates_before_months")
_FULL_MONTHS = frozenset(
    {"january", "february", "april", "june", "july", "august", "september", "october", "november", "december",
     "sept", "feb"}
)  # fmt: skip
_OTHER_MEANINGS = frozenset({"may", "march", "mar"})
_ROMAN = re.compile(
    r"(?<![\w./-])(?:0?[1-9]|[12]\d|3[01])([./ -])(?:i{1,3}|iv|vi{0,3}|ix|xi{0,2})\1(?:(?:19|20)\d\d|\d\d)(?![\w/-]|\.\d)",
    re.IGNORECASE,
)
# From 13 on: below, `3.iv` is a paragraph.
_ROMAN_SHORT = re.compile(
    r"(?<![\w./-])(?:1[3-9]|2\d|3[01])[./-](?:i{1,3}|iv|vi{0,3}|ix|xi{1,2})(?![\w/]|\.\w|-[a-z])"
)
_SPACED = re.compile(
    r"(?<![\w./-])(?:0?[1-9]|[12]\d|3[01])( [./-] )(?:0?[1-9]|1[0-2])\1(?:(?:19|20)\d\d|\d\d)(?![\w%/]| ?[./-] ?\d)"
)
_BARE = re.compile(
    r"(?:(?<=[(])|(?<=[,:.b] ))(0?[1-9]|[12]\d|3[01]) (0?[1-9]|1[0-2]) (?:(?:19|20)\d\d|\d\d)(?=[),.;\n]|$)"
)
_BARRED = re.compile(
    r"(?<![\w|])(?:0[1-9]|[12]\d|3[01])\|(?:0[1-9]|1[0-2])\|(?:(?:19|20)\d\d|\d\d)(?![\w|])"
)
_MISSPELT = re.compile(
    r"(?<![\w./-])(?:0?[1-9]|[12]\d|3[01])(st|nd|rd|th)?(?: of)?[ -]([a-z]{5,10})(?![\w-])(?:,? (?:(?:19|20)\d\d|'\d\d)(?!\d))?",
    re.IGNORECASE,
)
_MONTHS = ("january", "february", "march", "april", "june", "july", "august", "september", "october", "november",
           "december")  # fmt: skip
_LED = re.compile(
    r"(?:(?<![\w])(?:mon(?:day)?|tu(?:e(?:s(?:day)?)?)?|wed(?:s|nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?"
    r"|sat(?:urday)?|sun(?:day)?"
    r"|(?:(?:dydd|nos|bore|pnawn|p'nawn) )?(?:ll?un|[mf]awrth|[mf]ercher|iau|g?wener|sadwrn|sul))"
    r"(?: (?:am|pm|week|wk|eve|evening|morning|afternoon|night|nite))?\.?,?[ ]{1,2})?"
    r"(?:(?<![\w])(?:early|mid|late)[ -])?(?:(?<![\w])the )?\Z",
    re.IGNORECASE,
)
_REACH = 36


def led(text: str, start: int, end: int) -> int:
    """Where a date begins with its weekday, `early`, and the `the` before an ordinal or a word."""
    match = _LED.search(text, max(0, start - _REACH), start)
    if match is None or match.start() == start:
        return start
    head = match[0].lower()
    numeric = not any(c.isalpha() for c in text[start:end])
    if numeric and head.endswith("the "):
        return start
    return match.start()


def find(words: Words, places: Places, months: list[int]) -> Iterator[tuple[int, int, float, str]]:
    """Start, end, score and rule of each; `months` is where months stand by their names."""
    text = words.text
    ordinals = places.of(_FIRST_DAYS)
    for match in (*at(_SAID, text, ordinals), *at(_SAID_MONTH_FIRST, text, months)):
        if not _ordinary_may(match[0]):
            yield *match.span(), 0.965, "date said in words"
    days = sorted({*months, *places.short}) if months else ()
    for match in at(_DAY_AND_YEAR_SAID, text, days):
        yield *match.span(), 0.96, "year said in words"
    for match in at(_DAY_SAID, text, ordinals):
        if _day_alone(text, match):
            yield *match.span(), 0.55, "day of the month in a word"
    for match in at(_DAY_OF_MONTH_SAID, text, ordinals):
        yield *match.span(), 0.9, "date said in ordinals"
    for match in at(_FIGURES_SAID, text, places.of(("date", "d", "dob", "born"))):
        yield *match.span(1), 0.9, "birth date said in figures"
    celtic = (
        (_CELTIC_DATE, places.leads) if words.has(_CELTIC_MONTHS) else (_CELTIC_DAY, places.short)
    )
    for match in at(celtic[0], text, celtic[1]):
        yield *match.span(), 0.9, "date in Welsh or Irish"
    for match in at(_PART_OF_MONTH, text, places.of(_PARTS)):
        if match[0].split()[-1].lower() not in ("mar", "may") or _capital(words, match[0]):
            yield *match.span(), 0.955, "part of a month"
    weekdays = sorted({*places.of(_FIRST_OF), *places.short}) if months else ()
    for match in at(_WEEKDAY_OF_MONTH, text, weekdays):
        yield *match.span(), 0.955, "weekday of a month"
    for match in at(_MONTH_ALONE, text, months):
        if _cued_month(words, match):
            yield *match.span(), 0.5, "month after a cue"
    yield from _odd(text, places)
    yield from feasts.find(text, places)


def _odd(text: str, places: Places) -> Iterator[tuple[int, int, float, str]]:
    """Roman months, spaces on both sides of the stops, misspelt months."""
    for pattern, why in ((_ROMAN, "Roman month"), (_SPACED, "date in spaced numbers")):  # fmt: skip
        for match in at(pattern, text, places.short):
            if match[1] != " " or match[0].split(" ")[1].lower() not in ("i", "x", "v"):
                yield *match.span(), 0.85, why
    for match in at(_ROMAN_SHORT, text, places.short):
        yield *match.span(), 0.7, "day and Roman month"
    for pattern in (_BARE, _BARRED):
        for match in at(pattern, text, places.short):
            yield *match.span(), 0.8, "date in numbers apart"
    for match in at(_MISSPELT, text, places.short):
        word = match[2].lower()
        if word not in _MONTHS and _nearly_month(word, sure=bool(match[1])):
            yield *match.span(), 0.75, "date with a misspelt month"


def _nearly_month(word: str, *, sure: bool) -> bool:
    if not sure and vocabulary.flags(word) & vocabulary.WORD:
        return False
    return any(vocabulary.one_slip(word, month) for month in _MONTHS)


def _ordinary_may(phrase: str) -> bool:
    """`third may`: no `of` and nothing behind makes a month of it."""
    low = phrase.lower()
    return low.endswith((" may", " mar", " march")) and " of " not in low


def _capital(words: Words, phrase: str) -> bool:
    return words.case != TITLE or phrase.rsplit(maxsplit=1)[-1][0].isupper()


_DAY_ENDS = re.compile(
    r"[ ]?(?:[.,;:)?!\n]|$|- |(?:and|at|with|for|to|he|she|they|we|i|but|as|then|when|because|until|till|full stop"
    r"|comma|or|after|before|which|so|if|due|via|by) )",
    re.IGNORECASE,
)
_BEFORE_DAYS = frozenset({"on", "until", "till", "since", "from", "before", "after", "by"})


def _day_alone(text: str, match: re.Match[str]) -> bool:
    """`on the fifth and the…`, not `on the second attempt` or `from the first`."""
    last = before(text, match.start(), " ")
    if last[-1:] != ["the"] or not ends_with(last[:-1], _BEFORE_DAYS):
        return False
    if last[-2] != "on" and match[0].lower() in ("first", "second", "third"):
        return False
    return _DAY_ENDS.match(text, match.end()) is not None


_SURE_BEFORE = frozenset(
    {"since", "until", "till", "in", "repeat", "rpt", "early", "mid", "late", "during"}
)
_CLOSED = re.compile(r" ?(?:[.,;:)\n]|\Z)")


def _closed(text: str, end: int) -> bool:
    return _CLOSED.match(text, end) is not None


def _cued_month(words: Words, match: re.Match[str]) -> bool:
    """`since Sept`, `eeg was dec`; `may`, and `march` in small letters, only as in `since may.`"""
    word, text = match[0].lower(), words.text
    if word in _OTHER_MEANINGS and (word == "may" or words.case != TITLE):
        last = before(text, match.start(), " (")[-1:]
        written = words.case != TITLE or match[0][0].isupper()
        return written and not _SURE_BEFORE.isdisjoint(last) and _closed(text, match.end())
    if words.case == TITLE and match[0][0].islower() and word not in _FULL_MONTHS:
        return False
    return ends_with(before(text, match.start(), " (:~"), _BEFORE_MONTHS) or (
        words.case == LOWER and ends_with(before(text, match.start(), " "), frozenset({"was"}))
    )
