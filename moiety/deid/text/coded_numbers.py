"""Numbers that their own form tells: groups of letters and digits with a sign between.

`RMH-CT-2308-55190`, `25-H-20918`, `CUH.VL.24.08172`, `0417-EEAS-1182`, a prisoner's `A1234BC`, a
unit of blood: what a dose, a time, a range or a standard has in the same form is left.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.calling import UNIT
from moiety.deid.text.cues import Cues, Places, announced, at, before, ends_with
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import ORDINARY
from moiety.deid.text.words import LOWER, TITLE, Words

_GROUPS = re.compile(
    r"[A-Za-z]{0,6}\d[A-Za-z0-9]{0,13}(?:(?:[-/.*]|--|//)[A-Za-z0-9]{1,12}){0,4}(?![\w@%]|[-/.][\w@])"
)
_HEAD = re.compile(r"(?<![\w@./-])(?:[A-Za-z]{1,6}(?:[-/.*]|//)){1,3}\Z")
_REACH = 24
_JOINS = frozenset("-/.*")
_MEASURED = re.compile(
    r"(?:[\d.]+(?:mg|mcg|ug|g|mls?|l|kg|cm|mm|m|iu|u|units?|mmol|kpa|hz|am|pm|hrs?|h|x|st|nd|rd|th|mmhg|w|wks?|mths?|yrs?|y|d|f|fr|ch"
    r"|nm|ms|min|mins|s|k|lb|oz|ft)|x\d+|(?:mg|mcg|ml|kg)(?:/\w+)?)$",
    re.IGNORECASE,
)
_LONG_UNIT = re.compile(r"\d(?:mg|mcg|ml|kg|mm|cm|units?|mmol|kpa|mmhg|am|pm|hrs?)$", re.IGNORECASE)
_MIXED = re.compile(
    r"[A-Za-z]*\d+[A-Za-z]+\d{3,}[A-Za-z]?$|[A-Za-z]{1,5}\d{6,}[A-Za-z]?$|\d{5,}[A-Za-z]{1,2}$"
)
_ROW = re.compile(r"^[ \t]*([A-Za-z]{1,4}|\d{0,2}[A-Z])\d{4,8}[A-Z]?(?=[ \t|;,]|$)", re.MULTILINE)
_SPACED = re.compile(
    r"(?<![\w./+-])([A-Za-z]{1,5}) (\d{2,8}(?:[ -]\d{1,4}){0,3}(?:-?[A-Z](?!\w))?)(?![\w%/]|[.,:-]\d| \d)"
)
_FIGURES = re.compile(r"(?<![\w./+-])\d{2,4}(?: \d{2,4}){2,3}(?![\w%/]|[.,:-]\d| \d)")
_CLOCK = re.compile(r"(?:[01]\d|2[0-3])[0-5]\d$")
_MOST_CAPITALS = 4
_IMPERSONAL = vocabulary.group("numbers_impersonal")
_NO_CODE = vocabulary.group("coded_numbers_no_code")
_NUMBER_CUES = vocabulary.group("coded_numbers_cues")
_SAMPLES = vocabulary.group("coded_numbers_samples")
_YEAR = re.compile(r"(?:19|20)\d\d$")
_PRISONER = re.compile(r"(?<![\w./-])[A-Z]\d{4}[A-HJ-NP-Z][A-Z](?![\w-])", re.IGNORECASE)
_DONATION = re.compile(
    r"(?<![\w./-])G(?:\d{3}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}(?:[ ]?\d{2})?|\d{4}[ ]\d{2}[ ]\d{6})(?:[ ]?[A-Z0-9](?![\w]))?(?!\w)",
    re.IGNORECASE,
)
_REFRACTION = re.compile(r"(?:\d{1,2}\.)?\d{1,2}x\d{1,3}", re.IGNORECASE)
"""The second half of `-2.25/-0.75x175`."""
_BRACKETED = re.compile(r"(?<=[(])([A-Z]{2,4}) ?(\d{4})(?=[),;])")
_CALLS = frozenset(
    {"phone", "tel", "rang", "ring", "call", "mob", "mobile", "fax", "text", "nhs", "nhsn", "hcn", "chi", "blp", "bleep",
     "pager", "page", "paged", "dect", "ext", "extn", "xtn", "on", "told"}
)  # fmt: skip
_WORDS = vocabulary.WORD | vocabulary.EPONYM
_FEWEST, _FEWEST_CUED, _LONG_GROUPS = 5, 3, 7
_TOLD = Cues([
    announced(
        Label.HOSPITAL_NUMBER,
        "unit case record notes number index id chart file folder member booking inc rec",
        r"[ .:#-]{1,3}((?:(?!is|to|at|on|of|was)(?-i:[A-Z]{2,5})[ -]?)?\d{3,8}(?:[ -]\d{2,5}){0,2}(?: ?[A-Za-z](?!\w))?)(?![\w%/]|[.,:]\d)",
    ),
    announced(
        Label.HOSPITAL_NUMBER,
        "unit case record notes number hosp hospital mrn no",
        r"(?: no| number)?[ .:#-]{1,3}((?:(?!is|at|of|on|to|was|in|no)[A-Za-z]{1,4}[ -]?)?\d{2,3}(?:\.\d{2,3}){2})(?![\w%/.]\w)",
    ),
    announced(
        Label.HOSPITAL_NUMBER,
        "emis vision systm1 systmone rio mosaic epic cerner pas ndtms iapt iaptus liquidlogic carenotes paris adastra"
        " passport ehic visa licence lac scas ubrn mash marac pds evolve meditech trak trakcare clinisys badgernet lorenzo",
        r"(?:[ -]|: ?)((?:[A-Za-z]{1,3}-?)?\d{4,9}(?:-\d{1,4})?[A-Za-z]{0,2}|\d{1,4}(?: \d{2,4}){1,3})(?![\w%/]|[.,:]\d| \d)",
    ),
    announced(
        Label.ACCESSION_NUMBER,
        "histology histo histopath path pathology cytology cyto micro specimen sample biopsy barcode lab film acc",
        r"[ .:#-]{1,3}((?-i:[A-Z]{1,4})[ /.-]?\d{2,6}(?:[ /.-]\d{3,7})?(?: (?-i:[A-Z])(?!\w))?)(?![\w%]|[.,:/]\d)",
    ),
    announced(
        Label.HOSPITAL_NUMBER,
        "no number",
        r"(?:\.:?|:) ?((?!is|to|at|on|of|was)(?-i:[A-Z]{2,4})[ -]?\d{3,8})(?![\w%/]|[.,:]\d)",
    ),
    announced(
        Label.HOSPITAL_NUMBER,
        "participant subject subj volunteer ppt enrollee donor recipient claimant",
        r"(?: id| no\.?| number)?[ .:#]{1,3}(\d{2,4}[-/]\d{3,5}|(?!is|to|at|on|of|was)(?-i:[A-Z]{1,4})[ -]?\d{3,8})(?![\w%/-]|[.,:]\d)",
    ),
    announced(
        Label.TELEPHONE, "mil milnet dfts", r"(?: no\.?| tel)?[ .:]{1,3}(\d{5}[ -]?\d{3,5})(?![\w%/-]|[.,:]\d)"
    ),
])  # fmt: skip
"""What numbers people or samples, and the number behind it: letters before it, digits apart."""
_MONTH_AND_YEAR = re.compile(r"(?:0\d|1[0-2])[-/](?:19|20)\d\d$")
_SAMPLE_OF_YEAR = re.compile(
    r"(?<![\w./+-])([A-Za-z]{2,5}) ((?:0\d|1\d|2\d|3[0-5])[-/]\d{4,7}|\d\.\d{3}\.\d{3})(?![\w/%-]|[.,]\d)"
)
"""`BS 24/00671`, `imm 24-00913`: a laboratory's letters, the year and a running number."""
_COLONED = re.compile(
    r"(?<![\w:])(?:[A-Z]{1,5}\d{0,2}|\d\d)(?::[A-Z]{0,2}\d{2,9}(?:-\d{4,8})?){1,2}(?![\w:])"
)
_LETTERED_GROUPS = re.compile(r"(?<![\w./-])[A-Z]\d{2} \d{2} \d{2,3} [A-Z](?!\w)")
_SERIES = re.compile(r"(?<![\w./-])([A-Z]{2,4}) \d{2,5}[/-]\d{2,4}(?![\w%/-]|[.,:]\d)")
"""`HX 118/22` and `HX 447/11`: letters that mean nothing, before numbers of one form."""
_NUMBERS_TOLD = re.compile(
    r"nos?\.? (\d{4,8}) (?:and|&|/) (\d{4,8})(?![\w/%]|[.,]\d)", re.IGNORECASE
)


_SNOMED = re.compile(r"snomed[^\n.]*\Z", re.IGNORECASE)


def find(words: Words, places: Places) -> Iterator[Span]:
    """Every such number."""
    text = words.text
    done = 0
    for place in places.runs:
        if place < done or not (match := _GROUPS.match(text, place)):
            continue
        start = place
        if text[place - 1 : place] in _JOINS:
            head = _HEAD.search(text, max(0, place - _REACH), place)
            start = head.start() if head else place
        if start == place and (
            match[0].isdigit() or sum(map(str.isdigit, match[0])) < _FEWEST_CUED
        ):
            continue
        if _SNOMED.search(text, max(0, start - _REACH), start):
            continue
        if label := _label(text, start, match.end()):
            done = match.end()
            yield Span(start, match.end(), label, 0.76, "number in coded groups")
    rows = list(_ROW.finditer(text))
    if len(rows) > 1 and len({match[1] for match in rows}) == 1:
        for match in rows:
            yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.6, "number that opens a row")
    yield from _spaced(words, places)
    yield from _told(text, places)
    for match in at(_PRISONER, text, places.spelt):
        if (
            match[0].isupper()
            or words.case == LOWER
            or ends_with(before(text, match.start()), _NUMBER_CUES)
        ):
            yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.7, "form of a prisoner's number")
    for match in at(_DONATION, text, places.spelt):
        yield Span(*match.span(), Label.ACCESSION_NUMBER, 0.7, "form of a unit of blood")
    for match in at(_BRACKETED, text, places.spelt):
        if not vocabulary.before_digits(match[1].lower()) and not _YEAR.match(match[2]):
            yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.6, "number in brackets")


def _told(text: str, places: Places) -> Iterator[Span]:
    """Behind the name of what numbers people or samples, with letters before and digits apart."""
    for label, match in _TOLD.find(text, places):
        digits = sum(c.isdigit() for c in match[1])
        if digits < _FEWEST - 1 or (match[1].isdigit() and _YEAR.match(match[1])):
            continue
        if not UNIT.match(text, match.end()):
            bracketed = (
                text[match.start() - 1 : match.start()] == "(" and text[match.end() :][:1] == ")"
            )
            # In brackets the two are one: `(Paris 1180472)`.
            yield Span(
                *match.span(0 if bracketed else 1), label, 0.7, "number behind what it numbers"
            )
    for match in at(_LETTERED_GROUPS, text, places.spelt):
        yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.7, "letters and digits apart")
    for match in at(_SAMPLE_OF_YEAR, text, places.spelt):
        low = match[1].lower()
        word = low in _NO_CODE or (vocabulary.before_digits(low) & ORDINARY and low not in _SAMPLES)
        if not (word or _MONTH_AND_YEAR.match(match[2])) and not ends_with(
            before(text, match.start()), _IMPERSONAL
        ):
            yield Span(*match.span(), Label.ACCESSION_NUMBER, 0.72, "letters, year and number")
    for match in at(_COLONED, text, places.spelt):
        if sum(c.isdigit() for c in match[0]) >= _LONG_GROUPS - match[0].count(":") + 1:
            yield Span(*match.span(), Label.ACCESSION_NUMBER, 0.7, "number in coded groups")
    series = [match for match in at(_SERIES, text, places.spelt) if _is_lettered(match[1])]
    for letters in {match[1] for match in series}:
        alike = [match for match in series if match[1] == letters]
        for match in alike if len({match[0] for match in alike}) > 1 else ():
            yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.66, "numbers of one series")
    for match in at(_NUMBERS_TOLD, text, places.of(("no", "nos"))):
        for group in (1, 2):
            yield Span(*match.span(group), Label.HOSPITAL_NUMBER, 0.6, "two numbers")


def _spaced(words: Words, places: Places) -> Iterator[Span]:
    """`RF 60 31 177`, `MC 04471`, `700 4418 29`: letters that mean nothing, digits in groups."""
    text = words.text
    for match in at(_SPACED, text, places.spelt):
        word, digits = match[1], sum(c.isdigit() for c in match[2])
        low = word.lower()
        # In a text of capitals they tell nothing of a word.
        code = words.case == TITLE or (
            len(word) <= 3 and not vocabulary.before_digits(low) & ORDINARY
        )
        alone = word.isupper() and code
        grouped = digits >= _LONG_GROUPS and not match[2].isdigit() and alone
        written = word.isupper() or words.case == LOWER or (word.islower() and digits >= _FEWEST)
        if (
            not written
            or digits < 4
            or (
                vocabulary.before_digits(low) & (_WORDS if digits >= _FEWEST else ~0)
                and not grouped
            )
            or low in _NO_CODE
            or low in _CALLS
            or low in _SAMPLES
            or low in _NUMBER_CUES
        ):
            continue
        if match[2].isdigit() and (
            _YEAR.match(match[2]) or (_CLOCK.match(match[2]) and len(word) < _MOST_CAPITALS)
        ):
            continue
        if len(word) < 2 or (words.case == LOWER and digits < 5):
            continue
        if (low in _ABBREVIATED and not grouped) or UNIT.match(text, match.end()):
            continue
        if ends_with(before(text, match.start()), _IMPERSONAL) or low in _IMPERSONAL:
            continue
        yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.6, "letters and digits apart")
    for match in at(_FIGURES, text, places.runs):
        groups = match[0].split(" ")
        digits = sum(map(len, groups))
        long = any(len(group) == 4 or group[0] == "0" for group in groups)
        if digits in (8, 9) and long and not ends_with(before(text, match.start()), _IMPERSONAL):
            yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.6, "digits in groups")


_ABBREVIATED = vocabulary.group("learned_abbreviations")


def _label(text: str, start: int, end: int) -> Label | None:
    """What kind of number a stretch is; None where it is none."""
    whole = text[start:end]
    parts = re.split(r"[-/.*]+", whole)
    digits = sum(c.isdigit() for c in whole)
    letters = sum(c.isalpha() for c in whole)
    last = before(text, start, " .:#=(-")
    cued = ends_with(last, _NUMBER_CUES)
    if digits < (_FEWEST_CUED if cued else _FEWEST - (len(parts) > 1 and _capitals(whole))):
        return None
    if (
        not letters
        or letters > digits + 6
        or (len(parts) < 2 and not cued and not _MIXED.match(whole))
    ):
        return None
    unit = _LONG_UNIT.search if parts[0][0].isalpha() else _MEASURED.match
    if (
        any(unit(part) for part in parts)
        or parts[0].lower() in _NO_CODE
        or ">" in text[end : end + 1]
        or _REFRACTION.fullmatch(whole)
    ):
        return None
    lead = parts[0].rstrip("0123456789").lower()
    if lead in _NO_CODE or lead in _IMPERSONAL:
        return None
    figures = [part for part in parts if part.isdigit()]
    if len(figures) == 1 and _YEAR.match(figures[0]) and not cued:
        return None
    told = [] if text[start - 1 : start] == "(" else last
    if ends_with(told, _IMPERSONAL) or (last and last[-1] in _NO_CODE):
        return None
    sample = any(p.lower() in _SAMPLES for p in parts) or (last and last[-1] in _SAMPLES)
    return Label.ACCESSION_NUMBER if sample else Label.HOSPITAL_NUMBER


def _is_lettered(letters: str) -> bool:
    return (
        not vocabulary.before_digits(letters.lower())
        and letters.lower() not in _NO_CODE | _IMPERSONAL
    )


def _capitals(whole: str) -> bool:
    """Two capitals and more, all letters capitals, four digits in a row: `CT-7714`, not `CoV-2019`."""
    letters = [c for c in whole if c.isalpha()]
    return (
        len(letters) > 1 and "".join(letters).isupper() and re.search(r"\d{4}", whole) is not None
    )
