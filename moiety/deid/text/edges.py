"""What stands at the edges of a finding and belongs to it, whoever found it.

The initials before and behind a surname (`P M ⟦Nettleship⟧`, `⟦van der Berg⟧, A  M54`), the room,
pitch or mooring before an address and the site behind it, the wing before a hospital.
"""

import re

from moiety.deid.text.articles import articled
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import HOUSES, UNITS
from moiety.deid.text.roles import TITLES
from moiety.deid.text.spans import Span
from moiety.deid.text.words import TITLE, Words

_REACH = 36
_DOTTED = re.compile(r"(?<![\w.&/])(?:[A-Za-z]\.[ -]?){1,3}\Z")
_SPACED = re.compile(
    r"(?<![\w.'’])(?:[B-HJ-Z] |[A-Z](?= [A-Z] )(?: [A-Z]){1,2} )\Z|(?:(?<=\n)|(?<![\s\S]))A \Z"
)
_LETTERS_BEFORE = re.compile(
    r"(?:(?<![\s\S])|\n|(?<![a-z])(?:dr|mr|mrs|ms|miss|prof|signed) )"
    r"(?P<letters>[b-hj-z] |[a-z](?= [a-z] )(?: [a-z]){1,2} )\Z",
    re.IGNORECASE,
)
"""The same where capitals tell nothing: at the head of a line, behind a title."""
_TURNED = re.compile(
    r",? ([A-Z])(?=\.(?!\w)|(?<![MF])[ ]{2}|[ ]?(?:\n|\||\Z)|[ ,]{1,2}[MF]\d|(?<![MF]) \d{1,3}[MF]?\b)(?![A-Za-z])",
    re.IGNORECASE,
)
_UNITS = "|".join(
    sorted(
        UNITS | {"room", "mooring", "van", "hut", "chalet", "cabin", "bungalow"},
        key=len,
        reverse=True,
    )
)
_HOUSES = "|".join(sorted(HOUSES, key=len, reverse=True))
_UNIT = re.compile(
    rf"(?<![\w-])(?:(?:{_UNITS})"
    r" ?(?:no\.? ?)?\d{1,4}[a-z]?,? |(?:\d{1,2}(?:st|nd|rd|th)|top|ground|first|second|third) floor(?: flat)?,? )\Z",
    re.IGNORECASE,
)
_LINE_ABOVE = re.compile(
    rf"(?:(?<=\n)|(?<![\s\S]))[ \t]*(?:(?:{_UNITS}) ?(?:no\.? ?)?\d{{1,4}}[a-z]?(?:,? [^\W\d_][\w'’-]+){{0,4}}|(?:[^\W\d_][\w'’-]+ ){{1,3}}(?:{_HOUSES}))"
    r"(?: \([^()\n]{3,24}\))?,?[ ]*\n[ \t]*\Z",
    re.IGNORECASE,
)
"""A line of an address that stands right over the street: `Room 6, Wessex Hall`."""
_SITE = re.compile(
    r" (?:(?:travellers?'?|caravan|gypsy|camp|holiday) )?(?:site|estate|flats|hostel|layby|lay-by|car park|roundabout|junction|allotments"
    r"|underpass|bus stop|taxi rank|railway station|playing fields?)(?!\w)",
    re.IGNORECASE,
)
_STREET_END = re.compile(
    r"(?:road|rd|street|st|lane|ln|avenue|ave|way|close|drive|hill|row|green|park|quay|end|gate|wharf)\Z",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"(?<![\w/.-])(?:(?:the )?\d{1,2}(?:st|nd|rd|th) (?:to|until|till|through to|and|or|-|–) (?:the )?|\d{1,2} ?→ ?)\Z",
    re.IGNORECASE,
)
"""The first day of two: `the 9th to ⟦the 10th of June⟧`, `14→⟦15 Aug⟧`."""
_WING = re.compile(
    r"(?<!\w)(?:[Tt]he )?(?:[A-Z][\w'’-]+ ){1,2}(?:Wing|Building|Block|Pavilion|Centre|Unit|House|Annexe),? (?:at )?\Z"
)
_WING_REACH = 60


def edged(words: Words, span: Span) -> Span:
    """The span with what belongs to it on either side, and its article."""
    text, label = words.text, span.label
    if label in _PLACES and text[span.end : span.end + 1] in _APOSTROPHES:
        span = _with_genitive(text, span)
    if label == Label.NAME:
        return articled(text, _with_initials(words, _without(text, span)))
    if label == Label.DATE:
        span = articled(text, span)
        if text[span.start - 1 : span.start] in _BEFORE_SECOND:
            first = _FROM.search(text, max(0, span.start - _REACH), span.start)
            return span.at(first.start(), span.end) if first else span
        return span
    if label == Label.ADDRESS_LINE:
        return _with_unit(words, articled(text, span))
    if label == Label.HOSPITAL_NAME and words.case == TITLE:
        span = articled(text, span)
        wing = _WING.search(text, max(0, span.start - _WING_REACH), span.start)
        return span.at(wing.start(), span.end) if wing else span
    if label in _NUMBERED and text[span.start - 1 : span.start] in _LETTERED:
        letters = _LETTERS.search(text, max(0, span.start - _REACH), span.start)
        return span.at(letters.start(1), span.end) if letters else span
    return articled(text, span)


_NUMBERED = frozenset({Label.HOSPITAL_NUMBER, Label.ACCESSION_NUMBER})
_LETTERS = re.compile(
    r"(?<![a-z])(?:notes|nos?|number|ref|mrn|urn|crn|id|unit|hosp|hospital|record|case|file|index|sample|specimen|lab|acc(?:ession)?)"
    r"[.: #]{1,3}((?!is|at|of|for|on|to|was|in|nhs|dob|no|nos|nr|ref|id|num)[a-z]{1,4})[ .-]\Z",
    re.IGNORECASE,
)
"""Letters between the name of a number and its digits: `notes ⟦QA 61.20.44⟧`."""
_BEFORE_SECOND = frozenset({" ", "→"})
_PLACES = frozenset({Label.HOSPITAL_NAME, Label.ADDRESS_LINE})
_APOSTROPHES = frozenset({"'", "’"})
_GENITIVE = re.compile(r"['’]s(?!\w)", re.IGNORECASE)
_ROYAL = re.compile(
    r"(?:the )?(?:queen|king|princess|prince|lady|st\.?|saint)(?:['’]s)? ", re.IGNORECASE
)


def _with_genitive(text: str, span: Span) -> Span:
    """`⟦Queen Adelaide⟧'s`, `⟦Winefride⟧'s`: the word for the house is left out, the ending stays its name's."""
    if span.label == Label.ADDRESS_LINE and not _ROYAL.match(text, span.start, span.end):
        return span
    ending = _GENITIVE.match(text, span.end)
    return span.at(span.start, ending.end()) if ending else span


def _with_unit(words: Words, span: Span) -> Span:
    """An address with the room, pitch or floor before it, the line above, and the site behind it."""
    text, start = words.text, span.start
    before = text[max(0, start - _REACH) : start]
    if before[-1:] == " " and (
        before[-5:-1].strip(" ,abcdABCD")[-1:].isdigit() or "loor" in before[-12:].lower()
    ):
        unit = _UNIT.search(text, max(0, start - _REACH), start)
        start = unit.start() if unit else start
    elif "\n" in before[-3:]:
        above = _LINE_ABOVE.search(text, max(0, start - _WING_REACH), start)
        if above and _is_written_so(words, above[0]):
            start = above.start() + len(above[0]) - len(above[0].lstrip())
    site = _SITE.match(text, span.end) if text[span.end : span.end + 1] == " " else None
    if site and not _STREET_END.search(text, span.start, span.end):
        site = None
    return span.at(start, site.end() if site else span.end)


def _is_written_so(words: Words, line: str) -> bool:
    """Whether a line has its capitals, where the text has any: no sentence that ends in `house`."""
    parts = re.findall(r"[^\W\d_][\w'’-]*", line)
    return words.case != TITLE or all(part[0].isupper() or part in _SMALL for part in parts)


_SMALL = frozenset(
    {"of", "the", "and", "on", "over", "above", "chip", "shop", "flat", "room", "at", "no"}
)


def _with_initials(words: Words, span: Span) -> Span:
    """A surname with its initials: dotted ones before it in any text, bare ones where capitals tell."""
    text, start, end = words.text, span.start, span.end
    floor, found = max(0, start - _REACH), text[start:end].lower()
    before = None
    spaced = text[start - 1 : start] in _LETTERED
    if spaced and (text[start - 2 : start - 1] == "." or not text[start - 3 : start - 2].isalpha()):
        before = _DOTTED.search(text, floor, start)
        if before is None and words.case != TITLE:
            before = _LETTERS_BEFORE.search(text, floor, start)
        elif before is None and text[start].isupper():
            before = _SPACED.search(text, floor, start)
    particle = found.startswith(_PARTICLES)
    if before:
        start = before.start(before.lastindex or 0)
    elif text[end : end + 1] in _TURNS and (particle or " " not in found):
        behind = _TURNED.match(text, end)
        if behind and (words.case != TITLE or behind[1].isupper()):
            titled = text[floor:start].rstrip(" .").rpartition(" ")[2].lower() in TITLES
            end = end if titled else behind.end(1)
    if particle and (match := _VAN.search(text, floor, start)):
        start = match.start()
    return span.at(start, end)


_LETTERED, _TURNS = frozenset({" ", ".", "-"}), frozenset({" ", ","})
_TAIL = re.compile(
    r"\w(?P<tail>[ ,]{1,3}(?:[MF](?=[ ]{0,2}(?:\d{1,3}\b|dob\b|\Z|\n|[ ]))|d(?=\.? ?o\.? ?b)|rm(?= ?\d)|bed(?= ?\d)|bay(?= ?\d)|ward(?= \d)"
    r"|full(?= stop)|new(?= (?:line|para))|comma|c(?= diff)|senior(?= (?:partner|registrar|lecturer|sister|nurse|house|clinical|fellow))))(?!\w)",
    re.IGNORECASE,
)
_TAIL_REACH = 10
_TAILS = frozenset(
    {"m", "f", "d", "rm", "bed", "bay", "ward", "full", "new", "comma", "c", "senior"}
)


def _without(text: str, span: Span) -> Span:
    """A name without the sex, bed or word of dictation that follows it in the same breath."""
    last = text[max(span.start, span.end - _TAIL_REACH) : span.end].lower().rpartition(" ")[2]
    if last not in _TAILS:
        return span
    for match in _TAIL.finditer(
        text, max(span.start, span.end - _TAIL_REACH), span.end + _TAIL_REACH
    ):
        if match.end("tail") == span.end and match.start("tail") > span.start:
            return span.at(span.start, match.start("tail"))
    return span


_VAN = re.compile(r"(?<!\w)(?:van|von|de|mac|nic|bin|ibn|abu) \Z", re.IGNORECASE)
_PARTICLES = ("der ", "den ", "het ", "la ", "los ", "giolla ", "van ", "de ", "von ", "le ", "di ", "al ", "el ", "mac ",
              "mc ", "o ", "st ")  # fmt: skip
