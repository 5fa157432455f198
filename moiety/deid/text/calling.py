"""Extensions, bleeps and pagers: behind their name, by their form, or behind who is to be called."""

import re
from collections.abc import Iterator

from moiety.deid.text.cues import Cues, Places, announced, at, opened
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span

_EXTENSION = Cues([announced(
    Label.EXTENSION,
    "ext extn exts exten extension extensions xtn bleep bleeps blp bl bleeped bleeping pager pagers paged page"
    " pgr dect vocera baton aircall air_call radiopage internal int short_code speed_dial on_call_phone"
    " oncall_phone via_switch via_switchboard voip cisco spectralink voicemail voice_mail desk xt",
    r"[ .:#*()=-]{0,4}(?:no|number|num|is|on|via|phone)?[ .:#*()=-]{0,4}"
    r"((?:(?-i:[A-Z]{1,3})[ -]?)?\d(?:[ -]?\d){1,6})(?!\d)((?: ?(?:/|or|and|&|,) ?\d{3,6}(?![\d/]))*)(?![/\d]|[.,]\d)",
)])  # fmt: skip
_SHORT_X = re.compile(
    r"(?<![\w.])(?<!\D\d )(?<!\D\d\d )(?<!batch )(?<!lot )[xX][ .:]{0,2}(\d[ -]\d{4}|\d{3,6}|\d(?: \d){2,4}(?! ?[a-z%]))(?![\w/%]|[.,]\d| \d)"
)
_BLEEP = re.compile(
    r"(?<![\w/])bp[ .:]{1,2}([3-9]\d{2})(?![\w/%-]|[.,]\d| ?(?:mm|on |over))", re.IGNORECASE
)
_INSIDE = re.compile(r"(?<![\w.,:/+-])(\d-\d{4})(?![\w/%-]|[.,:]\d)")
_AGAIN = re.compile(
    r"(?: ?\((?:or|was|now|and|then) | (?:or|then|now) |\)? ?(?:/|,) ?(?:[A-Z][a-z]{1,8} ){0,2}(?:[A-Z]{2,3} )?)(\d[\d -]{1,5}\d)(?![\w%/-]|[.,:]\d)"
)
_HASH = re.compile(r"(?<![\w#])[#*](\d{3,6})(?![\w/%]|[.,]\d)")
_EXTENSION_LATER = re.compile(
    r"(?<![\d.,/])(\d{3,6})[ ]{0,2}\(?(?:bleep|ext|extn|pager|dect)\)?(?![A-Za-z])", re.IGNORECASE
)

_CALLED = re.compile(
    r"(?<![A-Za-z])(?:ring|rang|call|phone|contact|get|catch|reach|bleep|page|dial|available|contactable|am|me|him|her|us|them)"
    r"(?: (?:me|us|him|her|them|back|the ward|ward|sec|secretary)){0,2} on $",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"(?:ring|phone|call|dial|contact|bleep|page|fast ?bleep|rang|phoned|telephone|tel|via|speak to|calls? to|text|catch|get|ask for|(?:put|transferred|transfer) (?:me |us |you |him |her )?(?:through )?to)"
    r"(?: (?!(?:at|after|before|by|from|until|since|for|in|about|on) \d|on (?:the )?ward)[A-Za-z'&/.-]{1,16}){0,5}[ ,:-]{1,3}"
    r"(\d{4,5}|\d{2}[ -]\d{3,4})(?![\w%/-]|[.,:]\d| ?(?:mg|ml|mls|units?|hrs?|g|steps|years?|and \d))",
    re.IGNORECASE,
)
_DEPARTMENT = Cues([announced(
    Label.EXTENSION,
    "haem haematology micro microbiology pharmacy theatre theatres rota sec secs secretary secretaries switch"
    " switchboard reception clerk coordinator outreach lab labs xray registrar reg sho cons consultant answering"
    " bed_manager site_manager bookings booking interpreters interpreter interp mortuary porters security estates admissions"
    " day_unit day_case endoscopy radiology pathology histology bereavement chaplain chaplaincy pals blood_bank ward_clerk"
    " medical_records records discharge_lounge transport outpatients opd preop pre-op dietetics physio audiology ecg echo"
    " red_phone phone office desk nurse_in_charge nic hub",
    r"(?: is)?[ ,:(-]{1,3}(\d{4,5})(?=[ ]?(?:[,;)\n?]|\.(?!\d)|$)| (?:or|if|for|pls|please) )",
)])  # fmt: skip
_LAST_MINUTE = 2359
_CALLS = ("ring", "phone", "call", "dial", "contact", "bleep", "page", "fast", "fastbleep", "rang", "phoned", "telephone",
          "tel", "via", "speak", "calls", "text", "catch", "get", "ask", "put",
          "transferred", "transfer")  # fmt: skip
_CALL_REACH = 48
_YEAR = re.compile(r"(?:19|20)\d\d$")
_TELEPHONE_ENDS = re.compile(r"(?:\(0\d{2,4}\)|(?<!\w)0\d{2,4}) ?\d{3,4}[ -]?\d{3,4}$")
_FOUR_OR_FIVE = re.compile(r"(\d{4,5}|\d-\d{4})(?![\w%/-]|[.,]\d)")
_ON = re.compile(
    r"(?<=[a-z] on )\d{4,5}(?=[ ]?(?:[.,;)\n?\"']|$)| (?:if|for|with|by|please|pls|and|or|to|re|after|when|before|any) )",
    re.IGNORECASE,
)
_AFTER_TELEPHONE = re.compile(r"(?<=\d{3})(?:,? x ?|, )(\d{2,5})(?=[ ]?(?:[.,;)\n]|$))")
_FIVE = re.compile(r"(?<=[A-Za-z] )\((\d{5})\)")
UNIT = re.compile(
    r" {0,2}(?:x ?10|×|mg|mcg|µg|ug|ng|pg|g|kg|ml|mls|mL|l|L|mm|cm|m|iu|IU|units?|u|U|mmol|"
    r"nmol|pmol|umol|µmol|%|/ ?(?:ml|L|l|hpf|mm|kg|min)|copies|cells|bpm|mmHg|mmhg|kPa|kpa|kcal|cal|ms\b|hz|"
    r"hours?|hrs?|mins?|secs?|days?|weeks?|months?|years?|yrs?|million|thousand|MBq|mSv|mGy|Gy\b|"
    r"tabs?|caps?|puffs?|drops?|pounds|steps|metres|platelets|Fr|fr|Ch)(?![A-Za-z])",
)


def find(text: str, places: Places) -> Iterator[Span]:
    """Every number inside a hospital; some may overlap."""
    for _, match in _EXTENSION.find(text, places):
        if UNIT.match(text, match.end(1)) and not match[2]:
            continue
        yield Span(match.start(1), match.end(2), Label.EXTENSION, 0.92, "number after extension")
        if (again := _AGAIN.match(text, match.end())) and _alike(match[1], again[1]):
            yield Span(*again.span(1), Label.EXTENSION, 0.7, "another number beside an extension")
    for pattern, begin in (
        (_SHORT_X, [place for place in places.spelt if text[place] in "xX"]),
        (_BLEEP, [place for place in places.spelt if text[place] in "bB"]),
        (_HASH, opened(text, places.long, "#*")),
        (_EXTENSION_LATER, places.long),
        (_FIVE, opened(text, places.long, "(")),
    ):
        for match in at(pattern, text, begin):
            yield Span(*match.span(1), Label.EXTENSION, 0.8, "form of an extension")
    for match in at(_INSIDE, text, places.short):
        if not UNIT.match(text, match.end()):
            yield Span(*match.span(1), Label.EXTENSION, 0.6, "digit and four: a line inside")
    for match in at(_ON, text, places.long):
        if not _YEAR.match(match[0]):
            yield Span(*match.span(), Label.EXTENSION, 0.6, "digits behind on")
    for match in _AFTER_TELEPHONE.finditer(text) if "x" in text or ", " in text else ():
        if _TELEPHONE_ENDS.search(text, max(0, match.start() - 16), match.start()):
            yield Span(*match.span(1), Label.EXTENSION, 0.7, "digits behind a telephone")
    for match in at(_CALL, text, places.of(_CALLS)):
        if not (match[1][:2] in ("19", "20") and len(match[1]) == 4):
            yield Span(*match.span(1), Label.EXTENSION, 0.7, "number to call")
    for _, match in _DEPARTMENT.find(text, places):
        if int(match[1]) > _LAST_MINUTE:  # else it may be a time, or a year
            yield Span(*match.span(1), Label.EXTENSION, 0.6, "number of a department")
    for match in at(_FOUR_OR_FIVE, text, places.runs):
        if _CALLED.search(text, max(0, match.start() - _CALL_REACH), match.start()):
            yield Span(*match.span(1), Label.EXTENSION, 0.8, "number to call somebody on")


def _alike(first: str, second: str) -> bool:
    """Whether two numbers have one form, so that what is said of the one holds of the other."""
    return len(first) > 2 and re.sub(r"\d", "0", first) == re.sub(r"\d", "0", second)


_BEHIND_NAME = re.compile(
    r"(?:[ ,:-]{1,3}|: {2,40})(\d{5}(?![\w/.:-])|\d{4}(?=[ \t]*(?:\n|$|[,;|)(.]|  | pls| please)))"
)


def behind_names(text: str, spans: list[Span]) -> Iterator[Span]:
    """`Site manager: Uzo Virk 10221`, `Raigmore, 5588`: digits right behind a name, at the end."""
    for span in spans:
        if span.label not in (Label.NAME, Label.HOSPITAL_NAME):
            continue
        match = _BEHIND_NAME.match(text, span.end)
        if match is None or (len(match[1]) == 4 and match[1][:2] in ("19", "20")):
            continue
        if span.label == Label.NAME or int(match[1]) > _LAST_MINUTE:
            yield Span(*match.span(1), Label.EXTENSION, 0.6, "digits behind a name")
