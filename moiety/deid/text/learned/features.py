"""A word in its place → numbered features.

A feature is a short text, numbered by its CRC: no dictionary has to be shipped.  What the word
itself gives is worked out once for each word; what its place gives, for each occurrence.
"""

from functools import lru_cache
from zlib import crc32

from moiety.deid.text.landscape import HOUSES, STREETS
from moiety.deid.text.roles import AFTER, BEFORE, KIN, ROLES, TERM_HEADS, TITLES
from moiety.deid.text.words import NUMBER, Words

BUCKETS = 1 << 17
"""How many numbers features share."""

_EDGE, _LONGEST = "<>", 32
_CLASSES = (
    ("t", TITLES), ("k", KIN), ("r", ROLES), ("b", BEFORE), ("a", AFTER), ("h", TERM_HEADS),
    ("s", STREETS), ("u", HOUSES),
)  # fmt: skip


def number(feature: str) -> int:
    """The number of a feature."""
    return crc32(feature.encode("utf-8", "surrogatepass")) % BUCKETS


def own(word: str, shape: int, flags: int, case: int) -> tuple[int, ...]:
    """Features of a word without its neighbours: letters, endings, shape, what is known of it."""
    edged = f"<{word[:_LONGEST]}>"
    names = [f"w{masked(word)}", f"f{flags}|{shape}|{case}", f"s{shape}|{case}|{min(len(word), 9)}"]
    if shape == NUMBER:
        names += [f"p{masked(word)[:3]}", f"e{masked(word)[-2:]}"]
    else:
        names += [f"p{edged[:n]}" for n in (3, 4, 5)]
        names += [f"e{edged[-n:]}" for n in (3, 4, 5)]
        names += [f"g{edged[i : i + 3]}" for i in range(len(edged) - 2)]
        names += [f"q{edged[i : i + 4]}" for i in range(len(edged) - 3)]
    return tuple(number(name) for name in names)


def masked(word: str) -> str:
    """A word whose digits are all the same: numbers are known by their form."""
    return word.translate(_DIGITS)


_DIGITS = str.maketrans("123456789", "0" * 9)


def kind(word: str, flags: int) -> str:
    """What class of cue a neighbour is: kin, role, title, verb, or what the lists say."""
    return _kind(word if len(word) <= _LONGEST else "", flags)


def cue(word: str) -> int:
    """The number of the class of cue that a word is, 0 for none."""
    return next((n for n, (_letter, words) in enumerate(_CLASSES, 1) if word in words), 0)


@lru_cache(maxsize=60_000)
def _kind(word: str, flags: int) -> str:
    classes = "".join(letter for letter, words in _CLASSES if word in words)
    return f"{classes}{flags}" if classes else f"-{flags}"


class Placed:
    """What features ask of the place of each word of one text, worked out once for all of them.

    `flags` may differ from those of the words: training hides some.
    """

    __slots__ = ("flags", "gaps", "kinds", "masked", "words")

    def __init__(self, words: Words, flags: list[int]) -> None:
        self.words, self.flags = words, flags
        low = [masked(word) for word in words.low]
        # Two places before and behind, so that no word asks whether it has neighbours.
        self.masked = [_EDGE, _EDGE, *low, _EDGE, _EDGE]
        self.kinds = [_EDGE, _EDGE, *map(kind, low, flags), _EDGE]
        self.gaps = ["^", *(gap[:3] for gap in words.gaps)]

    def apart(self, i: int) -> tuple[str, ...]:
        """Features of word `i` from where it stands, whatever its neighbours are."""
        words, low, kinds = self.words, self.masked, self.kinds
        shapes = words.shapes
        shape = shapes[i]
        before2, before, me, after, after2 = low[i : i + 5]
        kind_before2, kind_before, _, kind_after = kinds[i : i + 4]
        gap_before, gap_after = self.gaps[i : i + 2]
        mine = f"{shape}|{self.flags[i]}"
        shape_before = shapes[i - 1] if i else 9
        shape_after = shapes[i + 1] if i + 1 < len(shapes) else 9
        return (
            f"a{before}|{gap_before}",
            f"b{after}|{gap_after}",
            f"c{kind_before}|{gap_before}|{mine}",
            f"d{kind_after}|{gap_after}|{mine}",
            f"k{kind_before2}|{kind_before}|{gap_before}",
            f"l{before2}|{before}",
            f"m{gap_before}|{gap_after}|{mine}",
            f"n{shape_before}|{gap_before}|{shape_after}|{gap_after}|{mine}|{words.case}",
            f"h{_head(words, i)}|{shape}",
            f"o{after}|{after2}|{shape}",
            # Of a number its form with what it hangs together with; of a word the ends.
            f"z{before[:6]}{gap_before}{me}{gap_after}{after[:6]}"
            if shape == NUMBER
            else f"x{words.low[i][-3:]}|{after[-3:]}|{gap_after}",
        )

    def between(self, i: int, before: int, after: int) -> tuple[str, str]:
        """Features of word `i` from the labels of the words beside it; 0 where none is known."""
        gap_before, gap_after = self.gaps[i : i + 2]
        return (
            f"y{before}|{gap_before[:2]}",
            f"j{before}|{gap_before}|{after}|{gap_after}|{self.words.shapes[i]}",
        )


def _head(words: Words, i: int) -> str:
    """The word before the colon that word `i` follows in its line, or where in the line it stands."""
    for back in range(1, 7):
        if i < back:
            return f"^{back}"
        gap = words.gaps[i - back]
        if "\n" in gap:
            return f"^{back}"
        if ":" in gap:
            return f"{words.low[i - back]}:{min(back, 3)}"
    return ""
