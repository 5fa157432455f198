"""Hospitals, trusts and general practices: known by name, or by the word that ends their name."""

import re
from collections.abc import Iterator
from functools import lru_cache

from moiety.deid.text import by_context, short_hospitals, units, vocabulary
from moiety.deid.text.articles import articled
from moiety.deid.text.belonging import (
    GENERIC,
    MOST_WORDS,
    NO_PART,
    belongs,
    joined,
)
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import CONNECTORS, LANDSCAPE, STREETS
from moiety.deid.text.listed_hospitals import CUES, HOSPITAL_HEADS, abbreviated, known, with_trust
from moiety.deid.text.practices import PRACTICE_ENDS, named_practices, practice, saints
from moiety.deid.text.roles import NEVER
from moiety.deid.text.spans import Span
from moiety.deid.text.units import BEFORE_TOWNS, UNIT_HEADS, UNITS, is_unit
from moiety.deid.text.vocabulary import CLINICAL, NAME, PLACE, WORD
from moiety.deid.text.words import LOWER, NUMBER, TITLE, UPPER, Words

_TRUST_HEAD = re.compile(
    r"(?<![\w])(?:nhs (?:foundation )?trust|nhsft|nhs ft|foundation trust|hsc trust|health board|nhs trust|social care trust"
    r"|(?:partnership|care|healthcare|hospitals?|ambulance(?: service)?) (?:nhs )?(?:foundation )?trust)(?![a-z])",
    re.IGNORECASE,
)
_WELL_KNOWN_NHS = re.compile(
    r"(?<![\w])NHS (?:greater glasgow(?: and clyde|(?: ?& ?)clyde)?|lothian|grampian|tayside|fife|"
    r"lanarkshire|highland|borders|forth valley|ayrshire(?: and arran| & arran)?|dumfries(?: and galloway| & galloway)?|"
    r"orkney|shetland|western isles)(?![a-z])",
    re.IGNORECASE,
)
_TOGETHER = frozenset({"partners", "ptnrs", "ptners", "ptrs", "prtnrs", "partnrs"})
_PARTNERS = re.compile(
    r"(?<!\w)(?:drs?\.? )?[A-Za-z][\w'-]{2,20}(?:,? [A-Za-z][\w'-]{2,20})?,? (?:&|and) (?:partners|ptnrs|ptners|ptrs|prtnrs|partnrs)(?: (?:surgery|practice|medical practice|medical centre))?(?!\w)",
    re.IGNORECASE,
)


_TAIL = re.compile(
    r"(?:,? (?:nhs|hsc)(?: foundation)? ?(?:trust|ft)| (?:&|and) (?:the )?(?:(?:medical|dental) )?school|,? (?:main )?campus|,? school of medicine"
    r"|,? (?:at|@) st\.? [a-z]{3,12}(?:'s|s'?)?)(?!\w)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r" (?:practice |unit )?[1-9](?= ?(?:[,.;)\n]|\Z))", re.IGNORECASE)
"""`Practice 3` of a health centre that has several."""


def find(words: Words) -> Iterator[Span]:
    """Every hospital, trust and practice, with its article; some may overlap."""
    for span in _found(words):
        pattern = _NUMBERED if span.label == Label.GP_IDENTIFIER else _TAIL
        tail = pattern.match(words.text, span.end)
        yield articled(words.text, span.at(span.start, tail.end() if tail else span.end))


def _found(words: Words) -> Iterator[Span]:
    yield from known(words)
    yield from _by_head(words)
    yield from abbreviated(words)
    yield from by_context.find(words)
    yield from short_hospitals.find(words)
    yield from units.find(words)
    for match in _PARTNERS.finditer(words.text) if words.has(_TOGETHER) else ():
        yield Span(*match.span(), Label.GP_IDENTIFIER, 0.9, "partners of a practice")
    yield from named_practices(words)
    yield from saints(words)
    for match in _WELL_KNOWN_NHS.finditer(words.text) if "nhs" in words.once else ():
        yield Span(*match.span(), Label.HOSPITAL_NAME, 0.85, "health board")


@lru_cache(maxsize=20_000)
def _is_head(word: str) -> bool:
    """`hospital` and its like, one slip of the pen allowed."""
    if word in ("hospitable", "hospitalised", "hospitalise", "orthopaedic", "maternity"):
        return False
    return word in HOSPITAL_HEADS or (
        7 <= len(word) <= 10
        and any(vocabulary.one_slip(word, head) for head in ("hospital", "infirmary", "hospitals"))
    )


def _by_head(words: Words) -> Iterator[Span]:
    low, last = words.low, len(words.low)
    for i, word in enumerate(low):
        if word not in _HEADS and not (len(word) > 5 and _is_head(word)):
            continue
        if (
            word in ("general", "regional", "royal", "eye", "community")
            and (span := _general(words, i))
        ) or (word == "royal" and (span := _royal(words, i))):
            yield span
        of_unit = i > 1 and is_unit(low[i - 1], word)
        if word in PRACTICE_ENDS and not of_unit:
            span = practice(words, i)
            if span:
                yield span
        elif word in {"trust", "board", "ft"}:
            if _TRUST_HEAD.match(words.text, words.starts[max(0, i - 2)]) or _TRUST_HEAD.match(
                words.text, words.starts[max(0, i - 1)]
            ):
                first = _back(words, i, loose=True)
                if first is not None:
                    yield Span(
                        words.starts[first], words.ends[i], Label.HOSPITAL_NAME, 0.9, "trust"
                    )
        elif of_unit or (word == "hosp" and i and words.gaps[i - 1] in (" ", ". ", "'s ")):
            first = _back(words, i - of_unit)
            if first is not None and _named(words, first, i):
                yield Span(words.starts[first], words.ends[i], Label.HOSPITAL_NAME, 0.9, "unit")
            elif word == "hosp" and (first := _hosp_in_haste(words, i)) is not None:
                yield Span(words.starts[first], words.ends[i], Label.HOSPITAL_NAME, 0.6, "hosp")
        elif word in _WHOSE and words.gaps[i].startswith("'s") and (span := _of_whom(words, i)):
            yield span
        elif word in _BRANDS and (last := _branch(words, i)) > i:
            yield Span(
                words.starts[i], words.ends[last], Label.HOSPITAL_NAME, 0.9, "private hospital"
            )
        elif len(word) > 5 and _is_head(word):
            first = _back(words, i)
            end = _forward(words, i, last)
            if first is not None:
                yield with_trust(words, first, end, "word that ends a hospital's name")
            elif end > i:
                yield with_trust(words, i, end, "hospital of a place")


_BRANDS = vocabulary.group("organisations_brands")


def _named(words: Words, first: int, head: int) -> bool:
    """Whether a name or a place stands among the words: `Princess Anne Maternity Unit`."""
    return any(
        words.flags[i] & (NAME | PLACE) or not words.flags[i] or words.gaps[i] == "'s "
        for i in range(first, head)
        if words.low[i] not in UNITS
    )  # fmt: skip


_WHOSE = frozenset({"children", "women"})
_HEADS = (
    {"general", "regional", "royal", "eye", "community", "trust", "board", "ft", "hosp"} | PRACTICE_ENDS | UNIT_HEADS
    | _BRANDS | _WHOSE
)  # fmt: skip
"""Words that one of these may end with, beside `hospital` and its like."""
_NO_HOSPITAL_OF = frozenset(
    {"services", "service", "social", "home", "homes", "act", "ward", "team", "society", "panel", "guardian", "centre",
     "rights", "health", "refuge", "aid", "group", "nurse", "safeguarding", "names", "clothes"}
)  # fmt: skip


def _of_whom(words: Words, i: int) -> Span | None:
    """`Alder Vale Children's`: the hospital is not said."""
    if words.low[i + 1 : i + 2] and words.gaps[i] == "'s " and words.low[i + 1] in _NO_HOSPITAL_OF:
        return None
    first = _back(words, i)
    if first is None or first == i or not _named(words, first, i):
        return None
    end = words.ends[i] + len("'s")
    return Span(
        words.starts[first], end, Label.HOSPITAL_NAME, 0.6, "children's or women's of a place"
    )


def _hosp_in_haste(words: Words, i: int) -> int | None:
    """Where `bodmin hosp` and `fairmile cottage hosp` begin in a text that has capitals elsewhere."""
    first = i - 1
    while first > 0 and words.low[first] in ("cottage", "community", "district", "county", "gen"):
        first -= 1
    if first < 0 or any(gap != " " for gap in words.gaps[first:i]):
        return None
    known = words.flags[first]
    strange = not known and words.low[first] not in NEVER and len(words.low[first]) > 3
    return first if (known & PLACE or strange) and not known & WORD else None


def _branch(words: Words, i: int) -> int:
    """The last word of `Spire Fylde Coast`; `i` where no place follows."""
    last = i
    while last + 1 < len(words.low) and last - i < 3 and words.gaps[last] == " ":
        word, known = words.low[last + 1], words.flags[last + 1]
        if words.shapes[last + 1] == NUMBER:
            break
        if words.case == TITLE and words.shapes[last + 1] == LOWER:
            break
        if word in NEVER or (known & WORD and not known & (NAME | PLACE) and word not in LANDSCAPE):
            if word not in ("health", "healthcare", "hospital", "clinic", "house"):
                break
        last += 1
    named = any(
        words.flags[j] & PLACE or not words.flags[j] or words.low[j] in ("hospital", "clinic")
        for j in range(i + 1, last + 1)
    )
    return last if named and (words.case != TITLE or words.shapes[i] != LOWER) else i


def _general(words: Words, i: int) -> Span | None:
    """`Barnsley District General`, `Watford General`: the hospital is not said."""
    after = words.low[i + 1] if i + 1 < len(words.low) else ""
    if i == 0 or after in _NOT_GENERAL or not joined(words.gaps[i - 1]):
        return None
    if words.case == TITLE and words.shapes[i] == LOWER:
        return None
    if words.low[i] == "community" and not _ended(words, i):
        return None
    first = i - 1
    if words.low[first] in ("district", "royal", "county", "area", "city") and first > 0:
        first -= 1
    if _of_town(words, first):
        before = words.low[first - 1] if first and words.gaps[first - 1] in (" ", "-") else ""
        if before in BEFORE_TOWNS and (words.case != TITLE or words.shapes[first - 1] != LOWER):
            first -= 1
        return Span(
            words.starts[first], words.ends[i], Label.HOSPITAL_NAME, 0.8, "general of a town"
        )
    return None


def _ended(words: Words, i: int) -> bool:
    """Whether nothing goes on behind `Frome Community`, as `nurses` would."""
    gap = words.gaps[i]
    return (
        gap.lstrip(" ")[:1] in (".", ",", ";", ")", "\n")
        if gap.strip(" ")
        else i + 1 == len(words.low)
    )


def _of_town(words: Words, i: int) -> bool:
    """Whether a word can be a town's: listed, or a word with a capital that nothing is known of."""
    if words.case == TITLE and words.shapes[i] == LOWER:
        return False
    return bool(words.flags[i] & PLACE) or (
        words.low[i] not in NEVER
        and not words.flags[i]
        and words.low[i + 1] in ("district", "general", "regional")
    )


_NOT_GENERAL = frozenset(
    {
        "practice",
        "practitioner",
        "practitioners",
        "anaesthetic",
        "surgery",
        "medicine",
        "hospital",
        "infirmary",
        "election",
        "clinic",
        "unit",
        "casualty",
        "test",
        "drops",
        "college",
        "mail",
        "service",
        "screening",
    }
)


def _royal(words: Words, i: int) -> Span | None:
    """`the Royal Sussex`: royal and a place."""
    j = i + 1
    if i and _before_royal(words, i - 1):
        return Span(words.starts[i - 1], words.ends[i], Label.HOSPITAL_NAME, 0.7, "a place's royal")
    if j >= len(words.low) or words.gaps[i] != " " or not words.flags[j] & PLACE:
        return None
    if words.case == TITLE and (words.shapes[i] == LOWER or words.shapes[j] == LOWER):
        return None
    if j + 1 < len(words.low) and words.gaps[j] == " " and words.low[j + 1] in STREETS:
        return None
    return Span(words.starts[i], words.ends[j], Label.HOSPITAL_NAME, 0.75, "royal and a place")


def _before_royal(words: Words, i: int) -> bool:
    """`Worcs Royal`: a place or a county's abbreviation right before, and nothing of a name behind."""
    if words.gaps[i] != " " or (
        words.case == TITLE and LOWER in (words.shapes[i], words.shapes[i + 1])
    ):
        return False
    after = words.flags[i + 2] if i + 2 < len(words.low) and words.gaps[i + 1] == " " else 0
    known = words.flags[i]
    return words.low[i] in _COUNTIES or bool(
        known & PLACE and not known & WORD and not after & PLACE
    )


_COUNTIES = vocabulary.group("organisations_counties")


def _back(words: Words, head: int, *, loose: bool = False) -> int | None:
    """The first word of the name that ends with `head`; None where all is generic."""
    first, own = head, False
    while first > 0 and head - first < MOST_WORDS and joined(words.gaps[first - 1]):
        word = words.low[first - 1]
        if words.gaps[first - 1] == ". " and len(word) > _ABBREVIATED and word not in _SHORTENED:
            break
        if not belongs(words, first - 1) and not (loose and _no_cue(words, first - 1)):
            break
        own = own or not (word in GENERIC or word in CONNECTORS)
        first -= 1
    if words.case != TITLE:
        whole = _to_border(words, first, head)
        first, own = min(first, whole), own or whole < first
    while first < head and (words.low[first] in CONNECTORS or words.low[first] in _LEADING):
        first += 1
    return first if own and first < head else None


def _to_border(words: Words, first: int, head: int) -> int:
    """Where capitals tell nothing: the place behind a comma, a cue or the line's start from which all
    words may be the name's, `axe valley community`; `first` where there is none so near.
    """
    i = first
    while i > 0 and first - i < _FEW and head - i < MOST_WORDS and words.gaps[i - 1] == " ":
        word = words.low[i - 1]
        if word in CUES:
            break
        if word not in CONNECTORS and (word in NO_PART or word in NEVER):
            return first
        if (
            words.shapes[i - 1] == NUMBER
            or words.flags[i - 1] & CLINICAL
            or word in _LEADING
            or word in GENERIC
        ):
            return first
        i -= 1
    bordered = i == 0 or words.gaps[i - 1] != " " or words.low[i - 1] in CUES
    return i if bordered else first


_FEW = 3
_ABBREVIATED, _SHORTENED = 3, frozenset({"univ", "gen", "hosp", "meml", "comm", "dist"})
_LEADING = vocabulary.group("organisations_leading")


_AND = frozenset({"and", "&"})


def _no_cue(words: Words, i: int) -> bool:
    """Whether a word is nothing that stands before a name: before `NHS Trust` all else is name."""
    word = words.low[i]
    if word in _AND and i and words.gaps[i - 1] == words.gaps[i] == " ":
        return True
    plain = words.case != TITLE or words.shapes[i] != LOWER
    return (
        plain
        and words.shapes[i] != NUMBER
        and not (word in CUES or word in NO_PART or word in NEVER or words.flags[i] & CLINICAL)
    )


def _forward(words: Words, head: int, last: int) -> int:
    """Whether the name goes on behind: `of Wales`, `Birmingham`, `for Children`."""
    i = head + 1
    if i < last and joined(words.gaps[head]):
        if words.low[i] in ("of", "for", "at") and i + 1 < last:
            j = (
                i
                + 1
                + (words.low[i + 1] in ("the", "north", "south", "st", "sick") and i + 2 < last)
            )
            capital = words.case != TITLE or words.shapes[j] in (TITLE, UPPER)
            if capital and (
                words.flags[j] & PLACE
                or words.low[j]
                in (
                    "wales",
                    "children",
                    "sick",
                    "wight",
                    "tees",
                    "durham",
                    "neurology",
                    "midlands",
                    "england",
                    "scotland",
                )
            ):
                return j
        if words.flags[i] & PLACE and (words.case != TITLE or words.shapes[i] != LOWER):
            return i
    return head
