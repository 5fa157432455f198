"""Streets: a word that ends one, the words of its name, the house's number and its flat before it."""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.before_postcode import HOUSE_NUMBER, SMALL, towns
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import HOUSES, LANDSCAPE, STREETS, SURE_STREETS, UNITS
from moiety.deid.text.roles import NEVER
from moiety.deid.text.spans import Span
from moiety.deid.text.villages import part_begins
from moiety.deid.text.vocabulary import CLINICAL, NAME, PLACE, WORD
from moiety.deid.text.words import LOWER, NUMBER, TITLE, UPPER, Words

_UNIT_NUMBER = re.compile(r"(?:\d{1,4}[a-z]?|[a-z]\d{0,3})$")
_NO_STREET = vocabulary.group("addresses_no_street")
_TOO = frozenset({"back", "old", "right", "under", "over", "out"})
PLACE_CUES = vocabulary.group("addresses_place_cues")
"""Words that a place follows."""
NEXT_PART = re.compile(r"[ ]?(?:,|\n|, ?\n)[ \t]{0,12}([A-Za-z'.-]+(?: [A-Za-z'.-]+){0,3})")
"""What an address may go on with behind a comma or a line break: group 1."""


def longest_first(phrase: str) -> Iterator[str]:
    """A phrase, and what is left of it as one word after the other is cut off its end."""
    parts = phrase.rstrip(".").split(" ")
    for n in range(len(parts), 0, -1):
        yield " ".join(parts[:n]).rstrip(".,")


def find(words: Words) -> Iterator[Span]:
    """Every street that has a house number, a name of its own or a cue."""
    low = words.low
    for i, word in enumerate(low):
        if word not in STREETS or i == 0:
            continue
        if words.case == TITLE and words.shapes[i] == LOWER and word not in SURE_STREETS:
            continue
        if word == "rd" and (
            low[i - 1] == "ward" or (words.case == TITLE and words.shapes[i] == UPPER)
        ):
            continue
        first, own = i, False
        while first > 0 and i - first < 4 and _street_word(words, first - 1, i):
            first -= 1
            own = own or own_word(words, first) or _numbered_row(words, first, i)
        while first < i and words.low[first] in ("of", "and", "on", "in", "by", "a", "upon"):
            first += 1
        if first == i:
            continue
        if (
            word == "dr"
            and i + 1 < len(low)
            and words.gaps[i] == " "
            and words.shapes[i + 1] != LOWER
        ):
            continue
        numbered = (
            first > 0
            and words.gaps[first - 1] in (" ", ", ", "  ", ",")
            and (
                words.shapes[first - 1] in (NUMBER, LOWER, UPPER, TITLE)
                and HOUSE_NUMBER.match(low[first - 1]) is not None
            )
        )
        if numbered:
            if not own and word not in SURE_STREETS and not _stands_out(words, first, i):
                continue
            first = _unit_before(words, first - 1)
        elif not _street_alone(words, first, i, own=own):
            continue
        yield Span(words.starts[first], words.ends[i], Label.ADDRESS_LINE, 0.85, "street")


def _stands_out(words: Words, first: int, head: int) -> bool:
    """`14 Marigold Court`: two capitals behind a number, in a text that has small letters."""
    own = words.case == TITLE and words.shapes[first] == words.shapes[head] == TITLE
    return own and first + 1 == head and not words.flags[first] & CLINICAL


def _street_word(words: Words, i: int, head: int) -> bool:
    """Whether word `i` may stand in a street's name before the word that ends it."""
    word = words.low[i]
    if (
        words.gaps[i] not in (" ", "-", ". ", "' ", "'s ")
        or words.shapes[i] == NUMBER
        or (word in _NO_STREET and not (word in _TOO and part_begins(words, i)))
    ):
        return False
    if words.case == TITLE and words.shapes[head] != LOWER and words.shapes[i] == LOWER:
        return word in SMALL
    if _numbered_row(words, i, head):
        return True
    if words.case == TITLE and words.shapes[i] == LOWER and words.shapes[head] == LOWER:
        return _small_street(words, i, head)
    known = words.flags[i]
    return (
        word in LANDSCAPE
        or word in SMALL
        or not known & WORD
        or bool(known & (NAME | PLACE))
        or (words.case == TITLE and not known & CLINICAL)
    )


def _small_street(words: Words, i: int, head: int) -> bool:
    """`14 raploch rd`: small letters in a text that has capitals, behind a house number."""
    if words.low[head] not in _PLAIN_STREETS or words.low[i] in NEVER:
        return False
    known = words.flags[i]
    if known & CLINICAL or (known & WORD and not (known & PLACE or words.low[i] in LANDSCAPE)):
        return False
    first = i - 1 if i and words.shapes[i - 1] != NUMBER else i
    return first > 0 and HOUSE_NUMBER.match(words.low[first - 1]) is not None


_PLAIN_STREETS = frozenset(
    {"road", "street", "avenue", "lane", "crescent", "terrace", "gardens", "grove", "mews", "rd",
     "ave", "gdns", "cres", "cresc", "terr", "clse"}
)  # fmt: skip


def _numbered_row(words: Words, i: int, head: int) -> bool:
    """`5 Pump Cottages,`: one word of any meaning between a house number and a row of houses."""
    if i + 1 != head or not i or words.gaps[i - 1] != " ":
        return False
    if words.low[head] in _PLAIN_STREETS and words.case != TITLE:
        return HOUSE_NUMBER.match(words.low[i - 1]) is not None and words.low[i] not in NEVER
    if not part_ends(words, head):
        return False
    capital = words.case == TITLE and TITLE in (words.shapes[i], words.shapes[head])
    plain = words.low[head] in ("cottages", "villas", "terrace", "almshouses", "mews", "buildings")
    return (capital or plain) and HOUSE_NUMBER.match(words.low[i - 1]) is not None


def part_ends(words: Words, i: int) -> bool:
    """Whether a comma or the line's end follows word `i`."""
    return words.gaps[i].lstrip(" ")[:1] in (",", "\n")


def own_word(words: Words, i: int) -> bool:
    """Whether word `i` can be what a street or house is called, and is not only grammar or medicine."""
    known, word = words.flags[i], words.low[i]
    if word in NEVER and not known & NAME:
        return False
    return word in LANDSCAPE or word in _TOO or bool(known & (NAME | PLACE)) or not known & WORD


def _street_alone(words: Words, first: int, head: int, *, own: bool) -> bool:
    """A street without a house number."""
    if not own or (words.low[first] in ("the", "of", "and", "in", "on", "a") and head - first == 1):
        return False
    if words.low[head] in SURE_STREETS:
        if words.low[head] in ("close", "drive") and words.case == TITLE:
            return words.shapes[head] != LOWER
        return (
            words.case == TITLE
            or words.low[head] not in ("close", "drive", "ln")
            or after_cue(words, first)
        )
    if words.low[head] in ("dr", "ct"):
        return False
    if words.low[head] in ("st", "cl", "pl", "way", "court", "place", "walk", "rise", "gate"):
        if words.low[first] in ("st", "saint"):
            return after_cue(words, first)
        return words.case == TITLE or after_cue(words, first) or _town_behind(words, head)
    part = part_begins(words, first) and part_ends(words, head)
    capital = words.case == TITLE and words.shapes[first] != LOWER and words.shapes[head] != LOWER
    if part and (capital or words.low[first] in LANDSCAPE):
        return True
    return after_cue(words, first) or _town_behind(words, head)


def _town_behind(words: Words, head: int) -> bool:
    """Whether a comma and a town follow."""
    match = NEXT_PART.match(words.text, words.ends[head])
    return match is not None and any(p in towns() for p in longest_first(match[1].lower()))


def after_cue(words: Words, first: int) -> bool:
    """Whether a word that a place or a street follows stands before."""
    return first > 0 and words.low[first - 1] in _STREET_CUES


_STREET_CUES = PLACE_CUES | {"on", "the", "off", "down", "along", "by"}


def _unit_before(words: Words, first: int) -> int:
    """`Flat 7, Priory Court,` before a house number belongs to it."""
    for back in range(2, 7):
        i = first - back
        if i < 0 or "\n" in "".join(words.gaps[i:first]):
            break
        if words.low[i] in UNITS and _UNIT_NUMBER.match(words.low[i + 1]):
            return i
    i = first - 1
    if (
        i > 0
        and words.gaps[i] == ", "
        and words.low[i] in HOUSES | STREETS
        and own_word(words, i - 1)
    ):
        return i - 1 - (i > 1 and words.low[i - 2] == "the")
    return first
