"""Where a text says in so many words that somebody lives, was born, or was sent a letter.

House names and villages stand in no list: `lives at Bryn Awel, Llanfairfechan`.  Behind such
words a stretch with capitals is a place; without capitals, what stands up to the next stop.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.before_postcode import towns
from moiety.deid.text.cues import Places, at
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import HOUSES, LANDSCAPE, STREETS
from moiety.deid.text.roles import KIN, NEVER, ROLES, TITLES
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import ABBREVIATION, CLINICAL, NAME, PLACE, WORD
from moiety.deid.text.words import TITLE, Words

_SURE = re.compile(
    r"(?<![a-z])(?:(?:liv(?:es?|ing|ed)|resid(?:es?|ing|ed)|resident|stay(?:s|ing|ed)|lodg(?:es|ing)|bungalow|"
    r"neighbours?|tenant|property|accommodation|(?:new |home |current |previous |postal )?address(?: is)?)"
    r"(?: (?:alone|independently|by (?:him|her)self|(?:in )?with [^.,;:\n]{2,30}?))? at |"
    r"(?:home |current |previous |postal |new )?address(?:es)? ?[:-] ?|addr ?[:-] ?|"
    r"(?:inc(?:ident)?|pick ?up|scene) ?(?:loc(?:ation)?)? ?: ?|loc(?:ation)?(?: of (?:call|incident))? ?: ?|"
    r"(?:letter|script|post|forms?|results?|notes?|appointment) (?:was |were )?(?:re)?(?:sent|posted|delivered|addressed) to |"
    r"(?:home|visit|visited|h/v|seen|found|collapsed) at (?:home,? ?)?\(?(?=(?:no\.?|number|flat|plot|\d)[ \d])|"
    r"(?:at|from) (?:his |her |their |the family )?home,? \(?|address (?=[A-Z\d])|visited [^.,;:\n]{2,30} at (?=[Tt]he )|moved (?:back )?(?:in )?to |can go (?:back )?to |c/o |care of |discharged (?:back )?to |lives )",
    re.IGNORECASE,
)
_BORN = re.compile(
    r"(?<![a-z])(?:liv(?:es?|ing|ed)(?: [a-z]+)? (?:in|near|outside)|born(?: and (?:raised|bred|brought up|lived))? in|raised in|"
    r"brought up in|gr[eo]w(?:ing)? up in|originally from|(?:comes?|came|family|is|was|travell?ed|moved|emigrated|back|home|just) (?:here )?from|"
    r"(?:return|returned|moved|moving|relocated|trip|travel|travelled|travelling|flew|emigrated|claim|goes?|going) (?:back )?to|"
    r"(?:works?|working|holiday|uni|university|college|studying|flat|room|hostel|bedsit|sister|brother|family|house) (?:in|at) )[ ]?",
    re.IGNORECASE,
)
_SURE_FIRSTS = frozenset(
    {"live", "lives", "living", "lived", "reside", "resides", "residing", "resided", "resident",
     "stays", "staying", "stayed", "lodges", "lodging", "bungalow", "neighbour", "neighbours",
     "tenant", "property", "accommodation", "new", "home", "current", "previous", "postal",
     "address", "addresses", "addr", "inc", "incident", "pick", "pickup", "scene", "loc", "location",
     "letter", "script", "post", "form", "forms", "result", "results", "note", "notes",
     "appointment", "visit", "visited", "h", "seen", "found", "collapsed", "at", "from", "moved",
     "can", "c", "care", "discharged"}
)  # fmt: skip
_BORN_FIRSTS = frozenset(
    {"live", "lives", "living", "lived", "born", "raised", "brought", "grow", "grew", "growing",
     "originally", "comes", "come", "came", "family", "is", "was", "traveled", "travelled", "moved",
     "emigrated", "back", "home", "just", "return", "returned", "moving", "relocated", "trip",
     "travel", "travelling", "flew", "claim", "go", "goes", "going", "work", "works", "working",
     "holiday", "uni", "university", "college", "studying", "flat", "room", "hostel", "bedsit",
     "sister", "brother", "house"}
)  # fmt: skip
"""The words that these begin with: they are tried there alone."""
_CAP = r"(?:St\. )?[A-ZÀ-ÖØ-ÞŴŶŁŚ][\w'’-]*"
_SMALL = r"(?i:of|on|upon|the|y|yr|le|la|in|by|under|next|with|cum|o'th'|off|nr|near|over|de)"
_START = r"(?i:(?:the |no\.? ?|number |flat |plot |room |apartment |unit )?\d{1,4}[a-zA-Z]?,? (?:the )?)?(?i:the )?"
_RUN = rf"{_CAP}(?:[ -](?:{_SMALL}[ -])?{_CAP}){{0,4}}"
_STRETCH = re.compile(rf"{_START}{_RUN}(?:, ?(?:off |nr\.? |near |{_START})?{_RUN}){{0,4}}")
_RUN_ALONE = re.compile(rf"(?:the )?({_RUN}(?:, ?{_RUN}){{0,2}})")
_NUMBER_ALONE = re.compile(r"(?:no\.? ?|number )\d{1,4}[a-z]?(?![\w/])", re.IGNORECASE)
_ANY_CASE = re.compile(
    r"((?:no\.? |number |flat |plot |room )?(?:\d{1,4}[a-z]?,? )?[a-z'’-]{2,}(?: [a-z'’-]+){0,5})"
    r"((?:, ?(?:(?:off|nr|near) )?[a-z'’-]+(?: [a-z'’-]+){0,2}){0,3})",
    re.IGNORECASE,
)
_STOPS = frozenset(
    {"with", "and", "alone", "but", "who", "since", "for", "his", "her", "their", "where", "which", "as", "until",
     "because", "when", "then", "home", "least", "night", "present", "next", "after", "before", "if", "provided"}
)  # fmt: skip


def find(words: Words, places: Places) -> Iterator[Span]:
    """Every stretch behind such words; some may overlap what other rules find."""
    text, capitals = words.text, words.case == TITLE
    for cue in at(_SURE, text, places.of(_SURE_FIRSTS)):
        if match := _NUMBER_ALONE.match(text, cue.end()):
            yield _span(match.start(), match.end())
        if capitals:
            match = _STRETCH.match(text, cue.end())
            if match and _good(match[0], sure=_sure(cue[0]) or match[0][0].isdigit()):
                yield _span(match.start(), _end(text, match))
        elif _sure(cue[0]) or text[cue.end() : cue.end() + 1].isdigit():
            yield from _without_capitals(text, cue.end())
    if capitals:
        for cue in at(_BORN, text, places.of(_BORN_FIRSTS)):
            match = _RUN_ALONE.match(text, cue.end())
            if match and _good(match[1], sure=False):
                yield _span(match.start(1), match.end(1) - match[1].endswith((".", "'", "-")))


def _sure(cue: str) -> bool:
    return cue.rstrip().lower().endswith((" at", ":", "sent to", "posted to"))


def _span(start: int, end: int) -> Span:
    return Span(start, end, Label.ADDRESS_LINE, 0.58, "where somebody lives")


def _end(text: str, match: re.Match[str]) -> int:
    return match.end() - text[match.end() - 1 : match.end()].count(".")


def _good(stretch: str, *, sure: bool) -> bool:
    """Whether a stretch with capitals can be a place and nothing of medicine."""
    parts = [p for p in re.split(r"[ ,.]+", stretch.lower()) if p and not p[0].isdigit()]
    parts = [p for p in parts if p not in ("the", "no", "number", "flat", "plot", "room", "unit")]
    if not parts or parts[0] in NEVER or parts[0] in TITLES or parts[0] in KIN:
        return False
    known = [vocabulary.flags(part.removesuffix("'s")) for part in parts]
    if parts[0] in ROLES or any(
        k & (CLINICAL | ABBREVIATION)
        and not k & (NAME | PLACE)
        and p not in LANDSCAPE
        and p not in STREETS
        for p, k in zip(parts[:2], known, strict=False)
        if p not in _OF_VILLAGES
    ):
        return False
    if any(_of_place(p, k) for p, k in zip(parts, known, strict=True)):
        return True
    return sure and len(parts) > 1


_OF_VILLAGES = frozenset({"upper", "lower", "great", "little", "nether", "over", "pk", "nr", "off"})


def _of_place(part: str, known: int) -> bool:
    if part in LANDSCAPE or part in HOUSES or part in STREETS or known & PLACE:
        return True
    return not known & WORD and len(part) > 2


def _without_capitals(text: str, start: int) -> Iterator[Span]:
    match = _ANY_CASE.match(text, start)
    if match is None:
        return
    first = _cut(match[1])
    if not first or first.lower().split()[0] in NEVER - {"no"} or not _good(first, sure=True):
        return
    end = match.start(1) + len(first)
    if len(first) == len(match[1]) and match[2]:
        for part in re.finditer(r", ?([^,]+)", match[2]):
            inner = re.sub(r"^(?:off|nr|near) ", "", _cut(part[1]), flags=re.IGNORECASE)
            known = [vocabulary.flags(word.lower()) for word in inner.split()]
            if not inner or (
                inner.lower() not in towns()
                and inner.split()[-1].lower() not in STREETS
                and any(k & WORD and not k & PLACE for k in known)
            ):
                break
            end = match.start(2) + part.start(1) + part[1].find(inner) + len(inner)
            if not part[1].endswith(inner):
                break
    yield _span(match.start(1), end)


def _cut(stretch: str) -> str:
    """The words before one that goes on with the sentence."""
    kept: list[str] = []
    for word in stretch.split(" "):
        if word.lower() in _STOPS or word.lower() in KIN:
            break
        kept.append(word)
    return " ".join(kept)
