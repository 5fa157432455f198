"""Where people live that is no house in a street: homes and hostels, parks, boats, Welsh names.

`Laurel Bank Nursing Home`, `Riverside Caravan Park`, `narrowboat Lady Jane`, `3 Maes y Dderwen`.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.before_postcode import HOUSE_NUMBER
from moiety.deid.text.cues import Places, at
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import HOUSES, LANDSCAPE, STREETS
from moiety.deid.text.roles import KIN, NEVER, ROLES
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL, FORENAME, NAME, PLACE, WORD
from moiety.deid.text.widening import tailed
from moiety.deid.text.words import LOWER, NUMBER, TITLE, Words

_KINDS = {
    "home": frozenset({"nursing", "care", "residential", "rest", "retirement", "childrens", "res"}),
    "hostel": frozenset(),
    "foyer": frozenset(),
    "refuge": frozenset(),
    "hotel": frozenset(),
    "marina": frozenset(),
    "park": frozenset({"caravan", "holiday", "trailer", "homes", "leisure"}),
    "site": frozenset({"caravan", "traveller", "travellers", "gypsy", "camp"}),
    "shelter": frozenset({"night"}),
    "barracks": frozenset(),
    "moorings": frozenset(),
    "almshouses": frozenset(),
    "village": frozenset({"retirement", "holiday", "care"}),
    "housing": frozenset({"sheltered"}),
}  # fmt: skip
_BOATS = frozenset({"boat", "narrowboat", "houseboat", "barge"})
_BOAT = re.compile(
    r"(?<![a-z])((?:narrow ?boat|houseboat|house boat|barge|canal boat|n\.?b\.?|yacht|boat(?= [\"']))"
    r"(?: (?:called|named|moored at|at|on))?,? [\"']?(?:the )?[a-z][\w'-]+(?: [a-z][\w'-]+)?[\"']?)"
    r"(?=[,.;)\n|]|$| (?:moored|at|on|in|and|with|since|for)\b)",
    re.IGNORECASE,
)
_PRISONS = frozenset({"hmp", "hmyoi", "yoi", "irc"})
_PRISON = re.compile(
    r"(?<!\w)(?:HMP|HMYOI|YOI)(?:/YOI|/HMYOI)? (?:(?!(?i:and|has|is|was|wing|staff|healthcare|nurse|for|on|to)\b)[A-Za-z][\w'-]+)"
    r"(?: [A-Z][\w'-]+)?|(?<!\w)IRC (?-i:[A-Z])[\w'-]+(?: [A-Z][\w'-]+)?"
)
_PRISON_ANY = re.compile(
    r"(?<!\w)(?:hmp|hmyoi)(?:/(?:hm)?yoi)? (?!(?:and|has|is|was|wing|staff|healthcare|nurse|for|on|to|in|at|with|since)\b)[a-z][\w'-]+",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"(?<!\w)(?:the )?(?:flat|rooms?|bedsit)s? (?:above|over|behind|next to) (?:the |a )?"
    r"(?:(?i:the )?[A-Z][\w'&-]+(?: (?:[A-Z&][\w'-]*|of|and|the))*(?<! of)(?<! and)(?<! the))"
)
_OVER_ANY = re.compile(
    r"(?<!\w)(?:the )?(?:flat|rooms?|bedsit)s? (?:above|over|behind|next to) (?:the |a )?([a-z][\w'&-]+(?: [a-z][\w'-]+){0,2})(?=[ ]?(?:[,;.)\n]|\Z))",
    re.IGNORECASE,
)
_OVER_SHOP = re.compile(
    r"(?<!\w)(?:the )?(?:(?:top|upper|middle) )?(?:flat|rooms?|bedsit)s?(?: (?:no\.? ?)?\d{1,3}[a-z]?| [A-Z](?!\w))?,? \(?(?:above|over|behind|at the back of|next to)"
    r" (?:the |a |an )?(?:[a-z][\w'&-]+ ){0,2}(?:shop|chippy|pub|take-?away|bank|bakery|bakers|butcher'?s|salon|bookies|launderette"
    r"|laundrette|garage|post office|restaurant|caf[eé]|stores?|newsagents?|barbers?|pharmacy|chemist|club|inn|arms)(?!\w)\)?",
    re.IGNORECASE,
)
_FLATS = frozenset({"flat", "flats", "room", "rooms", "bedsit"})
_POST_BOX = re.compile(r"(?<!\w)p\.?o\.? ?box (?:no\.? ?)?\d{1,6}(?!\w)", re.IGNORECASE)
_NUMBER_OF = re.compile(
    r"(?<![a-z])(?:at|from|opposite|to|behind) ((?:no\.?|number) ?\d{1,4}[a-z]?)(?![\w/%]|\.\d| (?:of|on the))",
    re.IGNORECASE,
)
_BEFORE_NUMBER = ("at", "from", "opposite", "to", "behind")
_WELSH = vocabulary.group("dwellings_welsh")
_WELSH_SURE = vocabulary.group("dwellings_welsh_sure")
_HEADS = _KINDS.keys() | _WELSH
_WELSH_SMALL = vocabulary.group("dwellings_welsh_small")
_SMALL = frozenset({"y", "yr", "ar", "na", "nam", "nan", "an", "a'"})
_CUES = vocabulary.group("addresses_place_cues")
_MOST = 4


def find(words: Words, places: Places) -> Iterator[Span]:
    """Every home, park, boat and house with a Welsh name; some may overlap what other rules find."""
    for i in words.each(_HEADS):
        word = words.low[i]
        if word in _KINDS:
            yield from _institution(words, i, _KINDS[word])
        elif (last := _welsh(words, i)) > i:
            yield _span(words, _numbered(words, i), last, "Welsh name of a house")
    if words.has(_BOATS):
        for match in _BOAT.finditer(words.text):
            if match[1].split()[-1].lower() not in NEVER:
                yield Span(*match.span(1), Label.ADDRESS_LINE, 0.6, "boat")
    if "box" in words.low:
        for match in _POST_BOX.finditer(words.text):
            yield Span(*match.span(), Label.ADDRESS_LINE, 0.7, "post office box")
    if words.has(_PRISONS):
        for match in (_PRISON if words.case == TITLE else _PRISON_ANY).finditer(words.text):
            yield Span(*match.span(), Label.ADDRESS_LINE, 0.7, "prison")
    if words.has(_FLATS):
        for match in (_OVER if words.case == TITLE else _OVER_ANY).finditer(words.text):
            if words.case != TITLE and not _is_own(match[1]):
                continue
            yield Span(*match.span(), Label.ADDRESS_LINE, 0.6, "flat over something")
        for match in _OVER_SHOP.finditer(words.text):
            yield Span(*match.span(), Label.ADDRESS_LINE, 0.7, "flat over something")
    for match in at(_NUMBER_OF, words.text, places.of(_BEFORE_NUMBER)):
        yield Span(*match.span(1), Label.ADDRESS_LINE, 0.55, "number of a house")
    for first, last in tailed(words, _CUES):
        yield _span(words, first, last, "place of a house")


def _span(words: Words, first: int, last: int, why: str) -> Span:
    return Span(words.starts[first], words.ends[last], Label.ADDRESS_LINE, 0.58, why)


def _is_own(phrase: str) -> bool:
    """Whether any word of it is more than a word: `the robin hood`, not `the weekend`."""
    known = [vocabulary.flags(word) for word in phrase.lower().split()]
    return any(flags & (NAME | PLACE) or not flags for flags in known)


def _institution(words: Words, i: int, kinds: frozenset[str]) -> Iterator[Span]:
    """The name before `Nursing Home` or `Hostel`, with the kind; nothing where all is generic."""
    if words.case == TITLE and words.shapes[i] == LOWER:
        return
    head = i
    while (
        head
        and words.low[head - 1] in kinds | {"and", "&"}
        and words.gaps[head - 1] in (" ", " & ")
    ):
        head -= 1
    if kinds and head == i:
        return
    first, own = head, False
    while first and head - first < _MOST and words.gaps[first - 1] in (" ", "'s "):
        if not _part(words, first - 1):
            break
        first -= 1
        own = own or words.low[first] not in ("the", "old", "house", "court")
    while (
        first < head and words.low[first] in ("the", "of", "a", "in", "at") and words.case != TITLE
    ):
        first += 1
    if own and first < head:
        yield _span(words, first, i, "home with a name")


def _part(words: Words, i: int) -> bool:
    word, known = words.low[i], words.flags[i]
    if word == "st" or (i and words.low[i - 1] == "st"):
        return words.case != TITLE or words.shapes[i] != LOWER
    if word in HOUSES or word in LANDSCAPE or word in STREETS or word in ("army", "salvation"):
        return words.case != TITLE or words.shapes[i] != LOWER
    if word == "the":
        return words.case == TITLE and words.shapes[i] == TITLE
    if word in NEVER or word in KIN or word in ROLES or words.shapes[i] == NUMBER:
        return False
    if words.case == TITLE:
        return words.shapes[i] != LOWER and not known & CLINICAL
    return bool(known & (NAME | PLACE)) or not known & WORD


def _welsh(words: Words, i: int) -> int:
    """The last word of `Maes y Dderwen` or `Tan-y-Bryn` that begins with word `i`; `i` where none does."""
    low, last, j = words.low, i, i + 1
    if words.case == TITLE and words.shapes[i] == LOWER:
        return i
    sure = low[i] in _WELSH_SURE or (i > 0 and _is_number(words, i - 1))
    sure = sure or (i > 0 and low[i - 1] in _CUES and words.gaps[i - 1] == " ")
    while j < len(low) and j - i < _MOST and words.gaps[j - 1] in (" ", "-"):
        if low[j] in _SMALL and j + 1 < len(low) and words.gaps[j] in (" ", "-"):
            j, sure = j + 1, True
            continue
        known = words.flags[j]
        if low[j] in NEVER or low[j] in KIN or words.shapes[j] == NUMBER or len(low[j]) < 3:
            break
        if words.case == TITLE and words.shapes[j] == LOWER:
            break
        if known & WORD and low[j] not in LANDSCAPE and low[j] not in _WELSH_SMALL:
            break
        if known & NAME and words.flags[i] & FORENAME and low[j] not in _WELSH:
            break
        last, j = j, j + 1
        if last > i and low[last - 1] not in _SMALL and words.gaps[last] != "-":
            break
    return last if sure else i


def _is_number(words: Words, i: int) -> bool:
    return words.gaps[i] in (" ", ", ") and HOUSE_NUMBER.match(words.low[i]) is not None


def _numbered(words: Words, i: int) -> int:
    return i - 1 if i and _is_number(words, i - 1) else i
