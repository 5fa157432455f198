"""One finding in a text, and how findings that overlap become a list without overlap."""

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """An identifier in a text.

    `start` and `end` count code points of the input, `end` is exclusive.  `score` is between 0 and
    1.  `why` names the rule that found it and never holds a word of the text.
    """

    start: int
    end: int
    label: str
    score: float = 1.0
    why: str = ""

    def at(self, start: int, end: int) -> "Span":
        """The same finding at other offsets."""
        if start == self.start and end == self.end:
            return self
        return Span(start, end, self.label, self.score, self.why)


GUESSES = frozenset({"judged", "learned"})
"""What the model says without a rule."""


def resolve(spans: Iterable[Span]) -> list[Span]:
    """The spans in order of place, none overlapping, covering every character that any covers.

    Where two overlap, the surer (then the longer) keeps its whole stretch and the other keeps what
    sticks out: nothing that a rule found is given back.
    """
    ranked = sorted(spans, key=lambda s: (-s.score, s.start - s.end, s.start, s.label))
    kept: list[Span] = []
    taken = bytearray(max((s.end for s in ranked), default=0))
    for span in ranked:
        for start, end in _free(taken, span.start, span.end):
            kept.append(span.at(start, end))
        taken[span.start : span.end] = b"\1" * (span.end - span.start)
    return sorted(kept, key=lambda s: s.start)


def worded(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans that hold a letter or digit, without white space at their ends.

    Where one is cut by another, a space may be left between the two, which identifies nobody.
    """
    kept = []
    for span in spans:
        words = text[span.start : span.end]
        start = span.end - len(words.lstrip())
        end = span.start + len(words.rstrip())
        if any(map(str.isalnum, words)):
            kept.append(span.at(start, end))
    return kept


def _free(taken: bytearray, start: int, end: int) -> list[tuple[int, int]]:
    """The stretches of start:end that nothing has taken."""
    free: list[tuple[int, int]] = []
    while start < end:
        first = taken.find(0, start, end)
        if first < 0:
            break
        after = taken.find(1, first, end)
        start = end if after < 0 else after
        free.append((first, start))
    return free
