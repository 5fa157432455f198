"""The last word on what rules and model only guess: all evidence of a word weighed together.

Rules and model each look at a place on its own.  Here small decision trees, grown on notes that the
model had not read, weigh what `evidence` gathers: they add words that several signs speak for, and
take back findings that nothing else bears out (gradient boosting: Friedman 2001,
doi:10.1214/aos/1013203451).  What a rule is sure of is not asked again.
"""

import json
import math
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Union

from moiety.deid.text.labels import Label
from moiety.deid.text.learned import evidence
from moiety.deid.text.learned.model import BadModel, Model
from moiety.deid.text.spans import Span
from moiety.deid.text.words import Words

_FORMAT = 1
_MOST = 0.6
_TAKEN_BACK, _SHARE = 0.15, 0.6
"""Below this, or this share of a lower threshold, a finding of a rule is taken back: it has a reason,
after all.
"""
_TIES = frozenset({"-", "/", ".", ". ", " ", ""})

Node = Union[float, tuple[int, float, "Node", "Node"]]  # noqa: UP007 - it holds itself
"""A leaf's weight, or a question: the number of a figure, the most it may be to go left."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Trees whose weights add up to log-odds.  `about` says how they were grown."""

    base: float
    trees: tuple[Node, ...]
    about: dict[str, object]

    def packed(self) -> bytes:
        """The file: JSON, compressed."""
        held = {"format": _FORMAT, "base": self.base, "trees": self.trees, **self.about}
        return zlib.compress(json.dumps(held, sort_keys=True).encode(), 9)

    @classmethod
    def unpacked(cls, content: bytes) -> "Judge":
        """From a file.  Raises BadModel where it is none, or of another version."""
        try:
            held = json.loads(zlib.decompress(content))
            if held.pop("format") != _FORMAT:
                raise BadModel("The trees are of another version: grow them again")
            base, trees = float(held.pop("base")), tuple(map(_node, held.pop("trees")))
        except (ValueError, KeyError, TypeError, AttributeError, zlib.error):
            raise BadModel("The file holds no trees: it can't be read") from None
        return cls(base, trees, held)

    def probability(self, row: Sequence[float]) -> float:
        """That the word with this row identifies somebody."""
        total = self.base
        for tree in self.trees:
            node = tree
            while isinstance(node, tuple):
                node = node[2] if row[node[0]] <= node[1] else node[3]
            total += node
        return 1 / (1 + math.exp(-total))


def _node(told: object) -> Node:
    if isinstance(told, list):
        figure, most, left, right = told
        return int(figure), float(most), _node(left), _node(right)
    return float(told)  # type: ignore[arg-type]


@cache
def shipped_judge() -> Judge:
    """The trees of the package."""
    return Judge.unpacked((resources.files("moiety.deid.text") / "data/judge.bin").read_bytes())


def judged(
    words: Words, spans: Sequence[Span], model: Model, threshold: float, judge: Judge | None = None
) -> list[Span]:
    """The findings that stand, and the words that all evidence together speaks for.

    A word is added from the threshold on; what a rule found needs less.
    """
    judge = judge or shipped_judge()
    least = min(_TAKEN_BACK, threshold * _SHARE)
    added: list[Span] = []
    doubted: set[int] = set()
    covered = {i for span in spans for i in _within(words, span)}
    for i, label, row in evidence.rows(words, spans, model):
        probability = judge.probability(row)
        if i in covered:
            if probability < least:
                doubted.add(i)
        elif probability >= threshold and _may_stand(words, i, covered):
            score = min(_MOST, probability)
            added.append(Span(words.starts[i], words.ends[i], model.labels[label], score, "judged"))
    kept = [left for span in spans for left in _left_of(words, span, doubted)] if doubted else spans
    return [*kept, *_joined(words, added)]


def _may_stand(words: Words, i: int, covered: set[int]) -> bool:
    """A letter or digit alone is part of a finding beside it, or nothing: `A. Farrow`, `3/4`."""
    if len(words.low[i]) > 1:
        return True
    before = i - 1 in covered and words.gaps[i - 1] in _TIES
    return before or (i + 1 in covered and words.gaps[i] in _TIES)


def _within(words: Words, span: Span) -> range:
    return range(bisect_left(words.starts, span.start), bisect_left(words.starts, span.end))


def _left_of(words: Words, span: Span, doubted: set[int]) -> Iterator[Span]:
    """A finding without doubted words at its ends; nothing where all are."""
    if span.score >= evidence.SURE:
        yield span
        return
    stands = [i for i in _within(words, span) if i not in doubted]
    if len(stands) == len(_within(words, span)):
        yield span
    elif stands:
        yield span.at(
            max(span.start, words.starts[stands[0]]), min(span.end, words.ends[stands[-1]])
        )


def _joined(words: Words, spans: Iterable[Span]) -> Iterator[Span]:
    """Words of one kind beside each other as one finding: `RD-24/0071`."""
    last: Span | None = None
    for span in spans:
        if (
            last
            and last.label == span.label
            and words.text[last.end : span.start] in _TIES
            and (span.label != Label.INITIALS)
        ):
            last = Span(last.start, span.end, span.label, min(last.score, span.score), span.why)
            continue
        if last:
            yield last
        last = span
    if last:
        yield last
