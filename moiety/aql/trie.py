"""Paths of a query as one tree: two paths that share a beginning share its elements.

A row of the result takes one element at every place of the tree. A place that meets several
elements multiplies rows, one that meets none is null, and places side by side form the product.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from moiety.aql import ast
from moiety.aql.errors import AqlTooLarge
from moiety.aql.predicates import Take, fitting, taker

MOST: Final = 1_000_000
"""Ways through the paths of one binding; each is held while the others are made."""

Elements = dict[int, Any]
"""Place → the object or value that a row takes there; a place without an element is absent."""


@dataclass(frozen=True, slots=True)
class Place:
    """One node of the tree. `parent` is -1 for a variable, whose step holds the path's own
    predicate and no attribute.
    """

    number: int
    parent: int
    variable: str
    step: ast.Step
    children: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trie:
    """Places in pre-order, the roots of each variable, and where each path ends."""

    places: tuple[Place, ...]
    roots: Mapping[str, tuple[int, ...]]
    ends: Mapping[ast.Path, int]

    @property
    def read(self) -> frozenset[int]:
        """The places whose elements are read: where paths end, and what these stand in."""
        ends = self.ends.values()
        return frozenset({*ends, *(self.places[end].parent for end in ends)})

    def reach(self, path: ast.Path) -> tuple[int, tuple[ast.Step, ...]]:
        """How far a path that takes no part in expansion is shared: the place and the
        steps that remain.
        """
        place, steps = -1, _steps(path)
        below = self.roots.get(path.variable.lower(), ())
        for count, step in enumerate(steps):
            found = [n for n in below if self.places[n].step == step]
            if not found:
                return place, steps[count:]
            place, below = found[0], self.places[found[0]].children
        return place, ()


def _steps(path: ast.Path) -> tuple[ast.Step, ...]:
    return (ast.Step("", path.predicate), *path.steps)


def build(paths: Iterable[ast.Path]) -> Trie:
    """The tree of some paths."""
    parents: list[tuple[int, str, ast.Step]] = []
    numbers: dict[tuple[int, str, ast.Step], int] = {}
    ends: dict[ast.Path, int] = {}
    for path in paths:
        place = -1
        for step in _steps(path):
            key = (place, path.variable.lower(), step)
            if key not in numbers:
                numbers[key] = len(parents)
                parents.append(key)
            place = numbers[key]
        ends[path] = place
    children: list[list[int]] = [[] for _ in parents]
    roots: dict[str, list[int]] = {}
    for number, (parent, variable, _) in enumerate(parents):
        (children[parent] if parent >= 0 else roots.setdefault(variable, [])).append(number)
    places = tuple(Place(n, *parents[n], tuple(children[n])) for n in range(len(parents)))
    return Trie(places, {name: tuple(found) for name, found in roots.items()}, ends)


Expand = Callable[[Any], list[Elements]]


def expander(trie: Trie, *, whole: bool) -> Callable[[Mapping[str, Any]], list[Elements]]:
    """What finds every way to take one element at each place, for a binding of the variables.

    The elements on the way to those that are read are told with `whole` alone.
    """
    read = frozenset(range(len(trie.places))) if whole else trie.read
    starts = [
        (variable, fitting(trie.places[root].step.predicate), _below(trie.places, root, read))
        for variable, roots in trie.roots.items()
        for root in roots
    ]

    def expand(objects: Mapping[str, Any]) -> list[Elements]:
        rows: list[Elements] = [{}]
        for variable, fits, below in starts:
            bound = objects.get(variable)
            if bound is not None and (fits is None or fits(bound)):
                rows = _product(rows, below(bound))
        return rows

    return expand


def _below(places: tuple[Place, ...], place: int, read: frozenset[int]) -> Expand:
    """What finds the ways to take an element and what lies below it."""
    children = [
        (taker(places[child].step), _below(places, child, read)) for child in places[place].children
    ]
    if not children:
        return lambda element: [{place: element}]
    if len(children) == 1:
        return _onward(place, *children[0]) if place in read else _through(*children[0])

    def beside(element: Any) -> list[Elements]:
        rows: list[Elements] = [{place: element}]
        for take, below in children:
            options = [row for each in take(element) for row in below(each)]
            if options:
                rows = _product(rows, options)
        return rows

    return beside


def _onward(place: int, take: Take, below: Expand) -> Expand:
    """The ways below a place with one child: nothing is multiplied."""

    def onward(element: Any) -> list[Elements]:
        found = take(element)
        rows = below(found[0]) if len(found) == 1 else [r for each in found for r in below(each)]
        if not rows:
            return [{place: element}]
        for row in rows:
            row[place] = element
        return rows

    return onward


def _through(take: Take, below: Expand) -> Expand:
    """As `_onward`, from an element that nobody reads."""

    def through(element: Any) -> list[Elements]:
        found = take(element)
        if len(found) == 1:
            return below(found[0])
        return [row for each in found for row in below(each)] or [{}]

    return through


def _product(left: list[Elements], right: list[Elements]) -> list[Elements]:
    """Each with each; dicts that nobody else holds, so one with one is filled up."""
    if len(left) == len(right) == 1:
        left[0].update(right[0])
        return left
    if len(left) * len(right) > MOST:
        raise AqlTooLarge(MOST)
    return [{**a, **b} for a in left for b in right]
