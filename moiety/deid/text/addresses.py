"""Where somebody lives: house, street, town and county, up to the postcode."""

import re
from collections.abc import Iterator

from moiety.deid.text import house_rows, named_towns, streets, vocabulary
from moiety.deid.text.before_postcode import (
    FAR,
    HOUSE_NUMBER,
    before_postcode,
    towns,
    whole_line,
)
from moiety.deid.text.cues import Places, at
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import (
    HOUSES,
    LANDSCAPE,
    UNITS,
    VILLAGES,
)
from moiety.deid.text.roles import KIN, NEVER
from moiety.deid.text.spans import Span
from moiety.deid.text.streets import (
    NEXT_PART,
    PLACE_CUES,
    after_cue,
    longest_first,
    own_word,
    part_ends,
)
from moiety.deid.text.villages import hyphened, part_begins, villages
from moiety.deid.text.vocabulary import CLINICAL, EPONYM, NAME, PLACE, SURNAME, WORD
from moiety.deid.text.words import LOWER, NUMBER, TITLE, Words, split

_PLAIN = re.compile(r"[A-Za-z0-9 ,.\n\t'/&-]*$")


def find(words: Words, places: Places, postcodes: list[Span]) -> Iterator[Span]:
    """Every line of an address and every town; some may overlap."""
    for street in streets.find(words):
        yield _to_postcode(words, street, postcodes)
    for postcode in postcodes:
        if span := before_postcode(words, postcode):
            yield span
        if span := whole_line(words, postcode):
            yield span
    for house in (*_flats(words), *_houses(words)):
        yield _to_postcode(words, house, postcodes)
    at_home = places.of(_AT_HOME)
    for match in at(_AT_NUMBER, words.text, at_home) if words.case == TITLE else ():
        yield Span(*match.span(1), Label.ADDRESS_LINE, 0.6, "house number after a cue")
    for match in at(_AT_THE, words.text, at_home):
        yield _to_postcode(
            words,
            Span(*match.span(1), Label.ADDRESS_LINE, 0.6, "house number after a cue"),
            postcodes,
        )
    for row in house_rows.find(words):
        yield _to_postcode(words, row, postcodes)
    yield from named_towns.find(words)
    yield from villages(words)
    yield from hyphened(words)


def _to_postcode(words: Words, street: Span, postcodes: list[Span]) -> Span:
    """The street with all that stands between it and the postcode, or with the towns behind."""
    text = words.text
    for postcode in postcodes:
        if 0 < postcode.start - street.end <= FAR:
            between = text[street.end : postcode.start]
            if _PLAIN.match(between) and len(between.split()) <= 10 and between.count("\n") <= 5:
                return _cut(text, Span(street.start, postcode.start, street.label, 0.87, "address"))
            break
    end = street.end
    while match := NEXT_PART.match(text, end):
        phrase = match[1].lower()
        longest = next((p for p in longest_first(phrase) if p in towns()), None)
        if longest is None and _unknown_town(match[1], words.case):
            longest = match[1].rstrip(" .")
        if longest is None:
            break
        end = match.start(1) + len(longest)
    return Span(street.start, end, street.label, street.score, street.why)


def _unknown_town(phrase: str, case: int) -> bool:
    """Whether one or two words behind a street can be a town that no list has."""
    inner = split(phrase)
    if not 1 <= len(inner.low) <= 2 or phrase.endswith(" "):
        return False
    if (
        len(inner.low) == 2
        and inner.low[0] in VILLAGES
        and (case != TITLE or LOWER not in inner.shapes)
    ):
        return inner.low[1] not in NEVER and inner.low[1] not in KIN
    return all(
        (case != TITLE or shape != LOWER)
        and word not in NEVER and word not in KIN
        and (word in LANDSCAPE or known & (PLACE | SURNAME) or not known)
        for word, shape, known in zip(inner.low, inner.shapes, inner.flags, strict=True)
    )  # fmt: skip


def _cut(text: str, span: Span) -> Span:
    stretch = text[span.start : span.end].rstrip(" \n\t,.-/")
    return Span(span.start, span.start + len(stretch), span.label, span.score, span.why)


_AT_HOME = ("at", "address", "home", "lives", "addr", "resides", "live")
_AT_NUMBER = re.compile(
    r"(?:\b(?:at|address:?|home|lives|addr:?|resides at|live at),? )(\d{1,4}[a-z]? (?:The )?[A-Z][\w'-]+(?: [A-Z][\w'-]+){0,3}(?:, [A-Z][\w'-]+(?: [A-Z][\w'-]+)?)?)"
)
_AT_THE = re.compile(
    r"\b(?:at|address:?|home|lives|addr:?|resides at|live at|home,),? (\d{1,4}[a-z]? the [a-z]{4,}(?: [a-z]{4,})?)(?=[,.;)\n]|$)",
    re.IGNORECASE,
)


def _flats(words: Words) -> Iterator[Span]:
    """`Flat 3`, `Plot 9, Otterburn Park`."""
    low = words.low
    for i, word in enumerate(low[:-1]):
        if word not in UNITS or words.gaps[i] != " ":
            continue
        lettered = len(low[i + 1]) == 1 and words.gaps[i + 1][:1] == ","
        if not lettered and not any(c.isdigit() for c in low[i + 1]):
            continue
        last = _site_behind(words, i + 1)
        if word in _FLATS or _site(words, i + 2, last):
            yield Span(words.starts[i], words.ends[last], Label.ADDRESS_LINE, 0.6, "flat")


_FLATS = frozenset({"flat", "apartment", "apt", "flt", "caravan"})
_ANY_HOUSE = frozenset(
    {"house", "hall", "farm", "barn", "cottage", "home", "court", "chapel", "shed", "mill"}
)
_NO_HOUSE = frozenset({"old", "new", "main", "little", "high", "the", "st"})


def _houses(words: Words) -> Iterator[Span]:
    """`Rose Cottage`, `The Old Rectory`."""
    low = words.low
    for i, word in enumerate(low):
        if word not in HOUSES or i == 0 or words.gaps[i - 1] != " ":
            continue
        if words.case == TITLE and LOWER in (words.shapes[i], words.shapes[i - 1]):
            continue
        first = i - 1
        alone = low[first] == "the" and (_at_home(words, first, i) or _moved_into(words, first))
        if alone and words.case != TITLE and word in _ANY_HOUSE:
            continue  # `i drove to the house, nobody in`
        if not alone and not _names_house(words, first):
            continue
        if words.flags[first] & EPONYM and not words.flags[first] & NAME:
            continue
        first = _whole_name(words, first, i)
        if first > 0 and words.gaps[first - 1] == " " and HOUSE_NUMBER.match(low[first - 1]):
            yield Span(words.starts[first - 1], words.ends[i], Label.ADDRESS_LINE, 0.6, "house")
            continue
        loose = words.case != TITLE and not after_cue(words, first) and not part_ends(words, i)
        if not alone and (loose or (low[first] == "the" and i - first == 1)):
            continue
        yield Span(
            words.starts[first], words.ends[i], Label.ADDRESS_LINE, 0.55, "house with a name"
        )


def _names_house(words: Words, first: int) -> bool:
    """Whether a word before `house` is a name: `old` is one behind `the` alone."""
    if not own_word(words, first):
        return False
    return words.low[first] not in _NO_HOUSE or (first > 0 and words.low[first - 1] == "the")


def _whole_name(words: Words, first: int, last: int) -> int:
    """Where a house's name begins, at most three words before its kind."""
    while first > 0 and words.gaps[first - 1] == " " and last - first < 3:
        named = own_word(words, first - 1) and words.shapes[first - 1] != LOWER
        if words.low[first - 1] != "the" and not named:
            break
        first -= 1
    return first


def _site(words: Words, first: int, last: int) -> bool:
    """Whether words behind `Plot 4,` are a place and no list of findings."""
    return last >= first and all(
        words.low[i] in LANDSCAPE or words.low[i] in HOUSES or not words.flags[i] & WORD
        for i in range(first, last + 1)
    )


def _site_behind(words: Words, i: int) -> int:
    """`Caravan 12 Sandy Bay, Pwllheli`: words of an address right behind the number of a unit."""
    last = i
    while i + 1 < len(words.low) and words.gaps[i] in (" ", ", ") and i - last < 4:
        i += 1
        word, known = words.low[i], words.flags[i]
        named = (
            word in LANDSCAPE or word in HOUSES or (known & (PLACE | SURNAME) and not known & WORD)
        )
        capital = (
            words.case == TITLE
            and words.shapes[i] == TITLE
            and word not in NEVER
            and not known & CLINICAL
        )
        if words.shapes[i] == NUMBER or (words.case == TITLE and words.shapes[i] == LOWER):
            break
        if named or capital:
            last = i
        elif known & CLINICAL or word in NEVER or word in KIN:
            break
        elif words.gaps[i - 1] == ", " and not known and not vocabulary.near_word(word):
            last = i
    return last


def _moved_into(words: Words, first: int) -> bool:
    """`moved into The Willows`: a capital on `The` in the midst of a sentence."""
    if words.case != TITLE or words.shapes[first] != TITLE or not first:
        return False
    cued = words.low[first - 1] in PLACE_CUES or words.low[first - 1] in ("into", "called")
    return cued and words.gaps[first - 1] == " "


def _at_home(words: Words, first: int, last: int) -> bool:
    """`The Maltings` behind a comma or a cue, with another part behind."""
    ends = (
        words.gaps[last].lstrip(" ")[:1] in ("", ",", "\n", ".", ";", ")")
        and words.gaps[last] != " "
    )
    return ends and (after_cue(words, first) or part_begins(words, first))
