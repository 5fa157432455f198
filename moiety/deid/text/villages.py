"""Villages that no list has, by their first word; where a part of an address can begin."""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.before_postcode import HOUSE_NUMBER
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import STREETS, VILLAGES
from moiety.deid.text.naming import opens
from moiety.deid.text.roles import NEVER
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import NAME, PLACE, WORD
from moiety.deid.text.words import LOWER, TITLE, Words

_PLACE_CUES = vocabulary.group("addresses_place_cues")


def part_begins(words: Words, i: int) -> bool:
    """Whether a part of an address can begin: behind a comma, a number, or at the line's head."""
    gap = words.gaps[i - 1] if i else "\n"
    numbered = bool(i) and gap == " " and HOUSE_NUMBER.match(words.low[i - 1]) is not None
    return numbered or gap in (", ", ",", ": ") or "\n" in gap


_HYPHENED = re.compile(
    r"(?<![\w-])([a-z]{3,})-(?:on|upon|le|in|under|by|en-le|cum|juxta|next|super|y|yr|ar|a|na|an|de|la)(?:-the)?-([a-z]{3,})(?![\w-])",
    re.IGNORECASE,
)
_SMALL = re.compile(
    "-(?:on|upon|le|in|under|by|en-le|cum|juxta|next|super|y|yr|ar|a|na|an|de|la)-", re.IGNORECASE
)
_WATERS = vocabulary.group("villages_waters")


def hyphened(words: Words) -> Iterator[Span]:
    """`Leigh-on-Sea`, `Chapel-en-le-Frith`."""
    for match in _HYPHENED.finditer(words.text) if _SMALL.search(words.text) else ():
        first, last = match[1].lower(), match[2].lower()
        capital = words.case == TITLE and match[1][0].isupper() and match[2][0].isupper()
        if capital or last in _WATERS or vocabulary.flags(first) & PLACE:
            yield Span(*match.span(), Label.ADDRESS_LINE, 0.6, "town with hyphens")


def villages(words: Words) -> Iterator[Span]:
    """`Much Wenlock`, `Little Snoring`: a village that no list has, by its first word."""
    for i, word in enumerate(words.low[:-1]):
        if word not in VILLAGES or words.gaps[i] != " " or len(words.low[i + 1]) < 4:
            continue
        after, cued = words.flags[i + 1], _after_place_cue(words, i) or part_begins(words, i)
        if words.case == TITLE and LOWER in (words.shapes[i], words.shapes[i + 1]):
            continue
        if words.low[i + 1] in NEVER or words.low[i + 1] in STREETS or after & WORD:
            continue
        if cued or (words.case == TITLE and not after & NAME and not opens(words, i)):
            yield Span(words.starts[i], words.ends[i + 1], Label.ADDRESS_LINE, 0.55, "village")


def _after_place_cue(words: Words, i: int) -> bool:
    return i > 0 and words.low[i - 1] in _PLACE_CUES and words.gaps[i - 1] in (" ", ": ")
