"""Postcodes: whole in any case and spacing, with a slip, spelled, outward alone; Irish ones, and the forces'."""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.cues import Cues, Places, announced, at, before
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import OF_ADDRESSES
from moiety.deid.text.spans import Span

_AREAS = (
    "AB|AL|BA|BB|BD|BF|BH|BL|BN|BR|BS|BT|BX|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT"
    "|DY|EC|EH|EN|EX|FK|FY|GL|GU|GY|HA|HD|HG|HP|HR|HS|HU|HX|IG|IM|IP|IV|JE|KA|KT|KW|KY|LA|LD|LE"
    "|LL|LN|LS|LU|ME|MK|ML|NE|NG|NN|NP|NR|NW|OL|OX|PA|PE|PH|PL|PO|PR|RG|RH|RM|SA|SE|SG|SK|SL|SM"
    "|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|UB|WA|WC|WD|WF|WN|WR|WS|WV|YO|ZE|B|E|G|L|M"
    "|N|S|W"
)
_POSTCODE = re.compile(
    rf"(?<![\w.])(?=[A-Z])(?:GIR ?0AA|(?:{_AREAS})[\dOIl][\dA-HJKPSTUWO]?[ \t\n]{{0,3}}[\dOI][ABD-HJLNP-UW-Z]{{2}})"
    r"(?!\w)",
    re.IGNORECASE,
)
_POWER = re.compile(r" [+-]\d")
"""A lens and its power: `SA60AT +21.5`."""
_LONG = re.compile(r"[a-z]{2}\d\d ")
_NO_INWARD = re.compile(r"1st|2nd|3rd|[04-9o]th|\d(?:hr|pt|dr)")
_POSTCODE_TYPO = re.compile(r"(?<![\w.])[A-Z]{1,2}\d[\dA-Z]?[ ]{1,2}\d[A-Z]{2}(?!\w)")
_SMALL = re.compile(r"(?<![\w.])[a-z]{2}\d[\da-z]? \d[abd-hjlnp-uw-z]{2}(?!\w)")
"""The same in small letters ends a part of an address: `, zy12 4ab` and no `fh12 4th`."""
_ENDS = re.compile(r"[ ]{0,3}(?:[.,;)\n|]|\Z|[ ]{2})")
_NO_ENDS = frozenset({"st", "nd", "rd", "th", "hr", "pt", "dr", "ug", "xs", "gs", "yr", "wd"})
_OUTWARD_AT_END = re.compile(
    rf"(?<=[a-z], )(?:(?:{_AREAS[: _AREAS.index('|B|')]})\d{{1,2}}|[BEGLMNSW]\d\d)(?=[ ]{{0,3}}(?:[.,;)\n]|$)|[ ]{{2}})",
    re.IGNORECASE,
)
_OUTWARD = Cues([announced(
    Label.POSTCODE, "post_code post_code_area outcode", rf"[ :.-]{{0,4}}((?:{_AREAS})\d[\dA-Z]?)(?!\w)"
)])  # fmt: skip
_FORCES = re.compile(r"bfpo ?\d{1,4}(?![\w/])", re.IGNORECASE)
_IRISH = re.compile(
    r"(?<!\w)(?:[AC-FHKNPRTV-Y]\d\d|D6W) (?=[A-Z\d]*\d)(?=\d*[A-Z])[AC-FHKNPRTV-Y\d]{4}(?!\w)"
)
_SPELLED = re.compile(
    r"(?<![\w.])[A-Z](?: [A-Z])?(?: \d){1,2}(?: [A-Z])?[ ]{1,3}\d(?: [A-Z]){2}(?!\w)", re.IGNORECASE
)


def find(text: str, places: Places) -> Iterator[Span]:
    """Every postcode of a text; some may overlap."""
    for match in at(_POSTCODE, text, places.spelt):
        inward = match[0][-3:]
        if not any(c.isdigit() for c in match[0]) or _POWER.match(text, match.end()):
            continue
        if inward.islower() and _NO_INWARD.fullmatch(inward):
            if not (_LONG.match(match[0]) or _placed(text, match.start())):
                continue  # `l1 2nd toe`
        yield Span(*match.span(), Label.POSTCODE, 0.97, "postcode")
    for match in at(_POSTCODE_TYPO, text, places.spelt):
        yield Span(*match.span(), Label.POSTCODE, 0.7, "form of a postcode")
    for match in at(_SMALL, text, places.spelt):
        ends = _ENDS.match(text, match.end())
        begins = text[match.start() - 2 : match.start()] == ", " or text[match.start() - 1] == "\n"
        if match[0][-2:] not in _NO_ENDS and ends and (begins or "\n" in ends[0]):
            yield Span(*match.span(), Label.POSTCODE, 0.7, "form of a postcode")
    for match in at(_OUTWARD_AT_END, text, places.spelt):
        plain = match[0][:2].isupper() and text[match.start() - 3].islower()
        if _placed(text, match.start()) or (plain and match[0][:2].isalpha()):
            yield Span(*match.span(), Label.POSTCODE, 0.6, "outward postcode behind a place")
    for _, match in _OUTWARD.find(text, places):
        yield Span(*match.span(1), Label.POSTCODE, 0.8, "outward postcode after its name")
    for match in at(_FORCES, text, places.of(("bfpo",))):
        yield Span(*match.span(), Label.POSTCODE, 0.9, "post office of the forces")
    for match in at(_IRISH, text, places.spelt):
        yield Span(*match.span(), Label.POSTCODE, 0.75, "Irish postcode")
    for match in _SPELLED.finditer(text):
        yield Span(*match.span(), Label.POSTCODE, 0.75, "postcode letter by letter")


def _placed(text: str, start: int) -> bool:
    """Whether a place or a word of an address stands right before, and a comma or line between."""
    if text[start - 2 : start] != ", " and text[start - 1 : start] != "\n":
        return False
    last = before(text, start, ", \n")[-1:]
    return bool(last) and bool(
        last[0] in OF_ADDRESSES or vocabulary.flags(last[0]) & vocabulary.PLACE
    )
