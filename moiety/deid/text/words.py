"""A normalised text as words, with what is known of each."""

import re
from bisect import bisect_left
from collections.abc import Container
from dataclasses import dataclass

from moiety.deid.text import vocabulary

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*'?", re.ASCII)
_ANY = re.compile(r"[^\W_]+(?:'[^\W_]+)*'?")
_MOSTLY = 0.6
_HARDLY = 0.02
_STROKES = frozenset({"/", " / ", " /", "/ "})

LOWER, TITLE, UPPER, INITIAL, NUMBER = range(5)
"""Shapes of words: `smith`, `Smith` or `McKay`, `SMITH`, `S`, and whatever has a digit."""


@dataclass(slots=True)
class Words:
    """The words of one text side by side: five lists of the same length.

    `gaps[i]` is what stands between word i and the next, the end of the text for the last.
    `case` is LOWER or UPPER where capitals tell nothing, TITLE elsewhere.
    `once` has each word once; `paired` tells whether letters stand on both sides of a stroke.
    """

    text: str
    low: list[str]
    starts: list[int]
    ends: list[int]
    shapes: list[int]
    flags: list[int]
    gaps: list[str]
    case: int
    once: frozenset[str]
    paired: bool

    def within(self, start: int, end: int) -> range:
        """The words that begin in a stretch of the text."""
        return range(bisect_left(self.starts, start), bisect_left(self.starts, end))

    def each(self, some: Container[str]) -> list[int]:
        """Where any of some words stands."""
        return [i for i, word in enumerate(self.low) if word in some]

    def has(self, some: frozenset[str]) -> bool:
        """Whether any of some words stands in the text: a pattern that needs one is else not tried."""
        return not self.once.isdisjoint(some)


def split(text: str) -> Words:
    """The words of a normalised text.  `'s` belongs to no word: it is cut off."""
    low: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    shapes: list[int] = []
    known: list[int] = []
    pattern = _WORD if text.isascii() else _ANY
    for match in pattern.finditer(text):
        word = match[0]
        lower, shape, flags, cut = _seen.get(word) or _looked_at(word)
        start, end = match.span()
        low.append(lower)
        shapes.append(shape)
        known.append(flags)
        starts.append(start)
        ends.append(end - cut)
    lowered = text.lower() if text.isascii() else ""
    source = lowered or text
    gaps = [source[a:b] for a, b in zip(ends, [*starts[1:], len(text)], strict=False)]
    gaps = gaps if lowered else [gap.lower() for gap in gaps]
    case, paired = _case(shapes, low), "/" in text and _has_pair(gaps, shapes)
    return Words(text, low, starts, ends, shapes, known, gaps, case, frozenset(low), paired)


def _has_pair(gaps: list[str], shapes: list[int]) -> bool:
    beside = zip(gaps, shapes, shapes[1:], strict=False)
    return any(gap in _STROKES and NUMBER not in (left, right) for gap, left, right in beside)


_seen: dict[str, tuple[str, int, int, int]] = {}


def _looked_at(word: str) -> tuple[str, int, int, int]:
    """In lower case, its shape, what is known of it, how much is cut off; kept for the next time."""
    lower = word.lower()
    cut = _possessive(lower)
    bare = len(lower) - cut
    found = lower[:bare], _shape(word[: len(word) - cut]), vocabulary.flags(lower), cut
    if len(_seen) > vocabulary.MOST_CACHED:
        _seen.clear()
    if len(word) <= vocabulary.LONGEST_CACHED:
        _seen[word] = found
    return found


def _possessive(word: str) -> int:
    if word[-2:] == "'s":
        return 2
    return 1 if word[-1] == "'" else 0


def _shape(word: str) -> int:
    if word.islower():
        return NUMBER if _has_digit(word) else LOWER
    if len(word) == 1:
        return INITIAL if word.isalpha() else NUMBER
    if _has_digit(word):
        return NUMBER
    if word.isupper():
        return UPPER
    return TITLE if word[0].isupper() else LOWER


def _has_digit(word: str) -> bool:
    return not word.isalpha() and any(c.isdigit() for c in word)


def _case(shapes: list[int], low: list[str]) -> int:
    """LOWER or UPPER where hardly a word is written otherwise; abbreviations do not count."""
    long = [shape for shape, word in zip(shapes, low, strict=True) if len(word) > 2]
    titles, lowers, uppers = (long.count(shape) for shape in (TITLE, LOWER, UPPER))
    if uppers > _MOSTLY * (titles + lowers + uppers):
        return UPPER
    return LOWER if titles <= _HARDLY * (titles + lowers) else TITLE
