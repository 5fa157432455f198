"""Decision trees that add up to log-odds, their file, and how they are asked.

A row is not led down tree by tree.  Each figure rules out leaves, of all trees at once: one bit for
each leaf, and for each figure a table of what is left of them at its value.  What all figures leave
has, of each tree, the leaf that it ends in as its lowest bit (Lucchese et al. 2015,
doi:10.1145/2766462.2767733).
"""

import json
import math
import struct
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from operator import getitem
from typing import Union

from moiety.deid.text.learned.model import BadModel

_FORMAT = 1
_LANE = 16
"""Bits of one tree, so leaves that it can have."""

Node = Union[float, tuple[int, float, "Node", "Node"]]  # noqa: UP007 - it holds itself
"""A leaf's weight, or a question: the number of a figure, the most it may be to go left."""


@dataclass(frozen=True, slots=True)
class _Tables:
    """The trees turned round.

    `left`: of each figure that is asked for its number, the bounds in order, and what a value above
    none, one, two of them leaves; `weights`: of each tree those of its leaves, by bit.
    """

    every: int
    left: tuple[tuple[int, list[float], list[int]], ...]
    weights: tuple[dict[int, float], ...]
    lowest: int
    lanes: Callable[[bytes], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Judge:
    """Trees whose weights add up to log-odds.  `about` says how they were grown.

    Raises BadModel for a tree of more than sixteen leaves.
    """

    base: float
    trees: tuple[Node, ...]
    about: dict[str, object]
    _tables: _Tables = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tables", _turned(self.trees))

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
        tables = self._tables
        left = tables.every
        for figure, bounds, leaves in tables.left:
            left &= leaves[bisect_left(bounds, row[figure])]
        ends = left & ~(left - tables.lowest)
        lanes = tables.lanes(ends.to_bytes(_LANE // 8 * len(tables.weights), "little"))
        return 1 / (1 + math.exp(-sum(map(getitem, tables.weights, lanes), self.base)))


def _node(told: object) -> Node:
    if isinstance(told, list):
        figure, most, left, right = told
        return int(figure), float(most), _node(left), _node(right)
    return float(told)  # type: ignore[arg-type]


def _turned(trees: Sequence[Node]) -> _Tables:
    weights: list[dict[int, float]] = []
    asked: list[tuple[int, float, int]] = []
    for n, tree in enumerate(trees):
        leaves: list[float] = []
        asked += _asked(tree, leaves, n * _LANE)
        if len(leaves) > _LANE:
            raise BadModel(f"A tree has {len(leaves)} leaves, {_LANE} at most are read: grow fewer")
        weights.append({1 << bit: weight for bit, weight in enumerate(leaves)})
    every = (1 << _LANE * len(trees)) - 1
    left = tuple(_left(figure, asked, every) for figure in sorted({one[0] for one in asked}))
    lowest = sum(1 << n * _LANE for n in range(len(trees)))
    return _Tables(every, left, tuple(weights), lowest, struct.Struct(f"<{len(trees)}H").unpack)


def _asked(node: Node, leaves: list[float], lane: int) -> Iterator[tuple[int, float, int]]:
    """Of each question its figure, its bound, and the leaves that a higher value rules out."""
    if not isinstance(node, tuple):
        leaves.append(node)
        return
    figure, most, left, right = node
    first = len(leaves)
    yield from _asked(left, leaves, lane)
    yield figure, most, ((1 << len(leaves) - first) - 1) << lane + first
    yield from _asked(right, leaves, lane)


def _left(
    figure: int, asked: Sequence[tuple[int, float, int]], every: int
) -> tuple[int, list[float], list[int]]:
    mine = sorted((most, out) for other, most, out in asked if other == figure)
    bounds, leaves = sorted({most for most, _out in mine}), [every]
    for bound in bounds:
        out = 0
        for most, ruled in mine:
            out |= ruled if most == bound else 0
        leaves.append(leaves[-1] & ~out)
    return figure, bounds, leaves


@cache
def shipped_judge() -> Judge:
    """The trees of the package."""
    return Judge.unpacked((resources.files("moiety.deid.text") / "data/judge.bin").read_bytes())
