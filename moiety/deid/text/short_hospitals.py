"""Hospitals and practices as they are called in haste: `the Women's`, `Wishaw Gen`, `Rose Hill Surg`.

A town before `Eye`, `Dental` or `Inf`; a nickname behind `the`; `NHS` and a region; a practice by the
abbreviation that ends its name, or by whatever stands behind `GP:` with capitals.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.belonging import CALLED_AFTER
from moiety.deid.text.labels import Label
from moiety.deid.text.listed_hospitals import CUES
from moiety.deid.text.practices import PRACTICE_CUES
from moiety.deid.text.roles import NEVER
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL, NAME, ORDINARY, PLACE, WORD
from moiety.deid.text.words import LOWER, NUMBER, TITLE, Words

_ENDS = vocabulary.group("short_hospitals_ends")
_SURE_ENDS = frozenset({"inf", "infirm", "gen", "genl", "hosps", "memorial"})
_NICKNAMES = vocabulary.group("short_hospitals_nicknames")
_COUNTRY = vocabulary.group("short_hospitals_no_region")
_MIDDLE = frozenset(
    {"district", "royal", "county", "area", "city", "university", "general", "community", "and", "eye"}
)  # fmt: skip
_STOPS = re.compile(
    r"[ ]?(?:[.,;:)?!\n/|-]|$|(?:and|for|with|on|in|by|this|last|yesterday|today|tomorrow|ward|a&e|ed|icu|who|where|has|have"
    r"|not|to|from|or|but|as|is|was|will|eye|eyes|until|since|again|then|under|re|w|at|he|she|they|\d|n[eo]w) ?)",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(
    r" ?(?:[.,;:)?!\n/|(-]|$|(?:on|in|for|with|by|and|to|ward|a&e|ed|re|w|who|has|is|was|since|till|until|last|this"
    r"|again|today|yesterday|next|from|after|before|then|under|as|\d))",
    re.IGNORECASE,
)
_WOMENS = re.compile(
    r"(?<![\w'’])(?:[A-Z][\w-]+ ){1,2}(?:Women|Children)(?:['’]?s)? (?:&|and) (?:Women|Children|Maternity|Infants)(?:['’]?s)?(?!\w)"
)
_WHOSE = frozenset({"women", "womens", "children", "childrens"})
_CLOSES = re.compile(
    r"[ ]?(?:[.,;)\n]|$)| (?:re|since|till|until|last week|yesterday|today)\b", re.IGNORECASE
)
_REGION = re.compile(
    r"(?<!\w)NHS ((?:[A-Z][a-z]+ (?:& |and )?){0,2}[A-Z][a-z]+)(?=[ ]?(?:[.,;:)\n|/]|$| [a-z]))"
)
_PRACTICE_TAIL = (
    r"(?:surg|surgery|mp|mc|(?<!\d )mg|hc|h/c|m/c|docs|med(?:ical)?\.? (?:ctr|ctre|cntr|centre|center|cen|gp|grp|group|prac|practice|pract|practise|partnership|hall"
    r"|services)|primary care(?: (?:ctr|centre|center|hub))?|pcc|pchc|practise|health (?:ctr|ctre|cntr|centre|cen)|family (?:prac|practice|doctors)|group (?:prac|practice)|gp (?:hub|surg|practice)|drs|doctors"
    r"|healthcare|health care|health|(?:med|medical))"
)
_PRACTICE_ENDS = frozenset(
    {"surg", "surgery", "mp", "mc", "mg", "docs", "hc", "c", "ctr", "ctre", "cntr", "centre", "center", "cen", "gp", "grp",
     "group", "prac", "practice", "pract", "practise", "partnership", "hall", "services", "care",
     "hub", "pcc", "pchc", "doctors", "drs", "med", "medical", "health", "healthcare"}
)  # fmt: skip
"""The last words of that, one of which must stand in the text."""
_PRACTICE = re.compile(
    rf"(?<![\w'])((?P<own>(?:[Tt]he )?[A-Z][\w'-]+(?: (?:[A-Z][\w'-]+|of|the|on|&|\d)){{0,3}}) (?i:{_PRACTICE_TAIL})\.?(?: \d)?)"
    r"(?=[ ]?(?:[.,;:)\n|(-]|$| [A-Z]?\d| [a-z]| (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Dr|Tel)[a-z]*\b))"
)
_PRACTICE_ANY = re.compile(
    rf"(?<![\w'])(?:gp|gps|surgery|practice|reg(?:d|istered)? (?:at|with)|with|w|doctor|to|at|from|by|via|rang|phoned"
    rf"|called|copy|copies|cc|told|comma|new line|under)"
    rf"(?::| -| is| at| in)? ((?P<own>(?:the )?[a-z][\w'-]+(?: [a-z][\w'-]+){{0,2}}?) {_PRACTICE_TAIL}\.?)(?=[ ]?(?:[.,;:)\n|(-]|$| (?:and|told|has|is|will|to|for|re|new line|comma|full stop) ))",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"(?:gp|gps|ask|see|copy|copies|rang|ring|phoned|from|to|at|practice|surgery|under|dear|via)[ :]+",
    re.IGNORECASE,
)
_BEHIND_GP = re.compile(
    r"(?<![\w])(?:GP|GP surgery|GP practice|Surgery|Practice|Registered)(?: outside)? ?[:=] ?((?:The )?[A-Z][\w'-]+"
    r"(?: (?:on |of |the )?[A-Z][\w'-]+){1,4}(?: \d)?)(?=[ ]?(?:[.,;)\n|(]|$))"
)
_REGISTERED = re.compile(
    r"(?<![\w/])(?:(?:gp|gp surgery|surgery|practice) ?[:=]|registered (?:at|with)|reg'?d? (?:at|with|w[./]?))"
    r" ?((?:the |y )?[^\W\d_][\w'’-]+(?: [^\W\d_][\w'’&-]*){0,2})(?=[ ]?(?:[,;)\n(/|]|\.(?!\w)|$))",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?<!\w)[A-HJ-NPV-Z]\d{2}[x*]{2,3}\d?(?!\w)", re.IGNORECASE)
_MASKS = ("xx", "XX", "**")


def find(words: Words) -> Iterator[Span]:
    """Every one; some may overlap what other rules find."""
    for i, word in enumerate(words.low):
        if (word in _ENDS and i and (span := _of_town(words, i))) or (
            word in _NICKNAMES and i and (span := _nicknamed(words, i))
        ):
            yield span
    for match in _WOMENS.finditer(words.text) if words.has(_WHOSE) else ():
        yield Span(*match.span(), Label.HOSPITAL_NAME, 0.7, "women's and children's")
    if words.case == TITLE and "NHS " in words.text:
        for match in _REGION.finditer(words.text):
            if match[1].split(" ")[0].lower() not in _COUNTRY:
                yield Span(*match.span(), Label.HOSPITAL_NAME, 0.6, "NHS of a region")
    yield from _practices(words)


def _of_town(words: Words, i: int) -> Span | None:
    """`Newcastle Dental`, `Hartlepool & Seaton General`, `Cumberland Inf`."""
    if words.case == TITLE and words.shapes[i] == LOWER:
        return None
    if words.gaps[i - 1] != " " or not _STOPS.match(
        words.text, words.ends[i] + 2 * _owned(words, i)
    ):
        return None
    first = i - 1
    while first and words.low[first] in _MIDDLE and words.gaps[first - 1] == " ":
        first -= 1
    if not _town(words, first, sure=words.low[i] in _SURE_ENDS):
        return None
    while (
        first
        and words.gaps[first - 1] in (" & ", " ", "-")
        and first > i - 4
        and _town(words, first - 1, sure=False)
    ):
        first -= 1
    end = words.ends[i] + 2 * _owned(words, i)
    return Span(words.starts[first], end, Label.HOSPITAL_NAME, 0.72, "town and its hospital")


def _owned(words: Words, i: int) -> bool:
    return words.gaps[i][:2] == "'s"


def _town(words: Words, i: int, *, sure: bool) -> bool:
    known, word = words.flags[i], words.low[i]
    if word in NEVER or words.shapes[i] == NUMBER or len(word) < 3:
        return False
    if words.case == TITLE and words.shapes[i] == LOWER:
        return False
    if known & PLACE and not known & (ORDINARY | CLINICAL):
        return True
    return sure and not known & WORD and (not known or bool(known & NAME) or bool(known & PLACE))


def _nicknamed(words: Words, i: int) -> Span | None:
    """`at the Heath`, `ex the Alex`: a nickname with a capital behind `the`, or between a cue and a stop."""
    if words.low[i - 1] != "the" or words.gaps[i - 1] != " ":
        return None
    end = words.ends[i] + 2 * _owned(words, i)
    before = words.low[i - 2] if i > 1 else ""
    if words.case == TITLE:
        if words.shapes[i] == LOWER or not _FOLLOWS.match(words.text, end):
            return None
    elif before not in CUES or not _CLOSES.match(words.text, end):
        return None
    return Span(words.starts[i - 1], end, Label.HOSPITAL_NAME, 0.62, "nickname of a hospital")


def _practices(words: Words) -> Iterator[Span]:
    text = words.text
    pattern, cued = _PRACTICE if words.case == TITLE else _PRACTICE_ANY, words.has(PRACTICE_CUES)
    for match in pattern.finditer(text) if words.has(_PRACTICE_ENDS) else ():
        start, own = match.start("own"), match["own"]
        while (lead := _LEADING.match(own)) and len(own) > lead.end():
            start, own = start + lead.end(), own[lead.end() :]
        bare = own.lower().removeprefix("the ")
        if _practice_named(bare) and (not _OF_HEALTH.search(match[1]) or _own_health(bare)):
            yield Span(
                start, match.end(1), Label.GP_IDENTIFIER, 0.62, "practice by what ends its name"
            )
    for match in _BEHIND_GP.finditer(text) if words.case == TITLE and cued else ():
        parts = match[1].lower().removeprefix("the ").split()
        named = vocabulary.flags(parts[0]) & vocabulary.FORENAME and len(parts) == 2
        if parts[0] not in NEVER and parts[0] not in ("dr", "drs") and not named:
            yield Span(*match.span(1), Label.GP_IDENTIFIER, 0.58, "behind GP")
    for match in _REGISTERED.finditer(text) if cued else ():
        if _registered(match[1].lower()):
            yield Span(*match.span(1), Label.GP_IDENTIFIER, 0.58, "behind GP")
    for match in _CODE.finditer(text) if any(mask in text for mask in _MASKS) else ():
        yield Span(*match.span(), Label.GP_IDENTIFIER, 0.7, "masked code of a practice")


def _practice_named(own: str) -> bool:
    """Whether the words before `Surgery` and its like can be a name: `Falls Rd`, not `Hip`."""
    first, *rest = re.findall(r"[^\W\d_][\w'-]*", own) or [""]
    if not first or first in NEVER or first in _NO_PRACTICE:
        return False
    last = rest[-1] if rest else first
    if not rest and first in _NO_MED:
        return False
    return not vocabulary.flags(last) & CLINICAL or bool(vocabulary.flags(last) & (NAME | PLACE))


_NO_MED = frozenset(
    {"given", "con", "start", "issued", "new", "all", "other", "stop", "see", "take", "needs"}
)
_OF_HEALTH = re.compile(r"health(?: ?care)?\.?(?: \d)?\Z", re.IGNORECASE)


def _own_health(own: str) -> bool:
    """Whether the words before `Health` or `Healthcare` name it: `Compass`, not `Public`."""
    parts = own.split()
    return _NO_HEALTH.isdisjoint(parts) and not vocabulary.flags(parts[-1]) & CLINICAL


_NO_HEALTH = frozenset(
    {"public", "initial", "occupational", "mental", "sexual", "women's", "womens", "men's", "mens", "child", "children's", "bone",
     "oral", "primary", "community", "global", "digital", "school", "student", "prison", "offender", "environmental",
     "population", "reproductive", "pelvic", "maternal", "family", "general", "physical", "emotional", "good", "poor", "ill",
     "private", "nhs", "home", "secondary", "dental", "eye", "heart", "brain", "hearing", "adult", "social", "care", "staff",
     "spiritual", "animal", "world", "rural", "gut", "liver", "joint", "breast", "perinatal", "justice", "travel", "allied",
     "adolescent", "your", "his", "her", "my", "their", "our", "own", "better", "overall", "excellent", "foot", "skin"}
)  # fmt: skip
"""What health is of: `Bone Health clinic` is nobody's practice."""


def _registered(own: str) -> bool:
    """Whether words behind `gp:` can be a practice's name: one of them is no word, and none is medicine."""
    parts = own.removeprefix("the ").split()
    if any(part in NEVER or part in _NO_PRACTICE for part in parts):
        return False
    known = [vocabulary.flags(part) for part in parts if part != "&"]
    own_kind = NAME | PLACE
    if any(flags & CLINICAL and not flags & own_kind for flags in known):
        return False
    return any(not flags or (flags & own_kind and not flags & (WORD | ORDINARY)) for flags in known)


_NO_PRACTICE = vocabulary.group("short_hospitals_no_practice") | CALLED_AFTER
