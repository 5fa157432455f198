"""The document evaluator: a query answered from the documents themselves, in plain Python.

It answers for what has no typed rows, and it is the oracle of the compiler: every query that SQL
answers must give the same rows here. A row is a binding of the FROM variables, times the elements
that its paths take (trie.py), where WHERE is true.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moiety.aql import ast
from moiety.aql.classes import concrete
from moiety.aql.predicates import asks_archetype, asks_code, elements, holds, is_archetype
from moiety.aql.request import Request
from moiety.aql.trie import Elements, Trie, build, expand
from moiety.aql.values import (
    Value,
    compare,
    conjunction,
    disjunction,
    like,
    value,
)

Row = tuple[Value, ...]
"""The cells of a request, for one row that WHERE lets through."""

Binding = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """An EHR as a query sees it, with some or all of its compositions.

    `ehr` is a JSON object of class EHR (ehr_id, system_id, time_created); each composition is its
    canonical JSON with the uid of its version.
    """

    ehr: Mapping[str, Any]
    compositions: Sequence[Mapping[str, Any]] = ()


def evaluate(request: Request, records: Iterable[Record]) -> Iterator[Row]:
    """The rows of a request over some records, before DISTINCT, aggregates, order and limit.

    A composition may come in a record of its own, unless the query binds several of an EHR
    (`spans_compositions`). Raises AqlNotSupported for a construct that is not evaluated yet.
    """
    trie = build(request.paths)
    for record in records:
        tree = _Tree(record)
        for binding in _bindings(request.query.source, tree, _Scope(0, len(tree.objects))):
            for taken in expand(trie, binding):
                if request.query.where is None or _truth(request.query.where, trie, taken):
                    yield tuple(_cell(cell, trie, taken) for cell in request.cells)


def spans_compositions(source: ast.Source) -> bool:
    """Whether one row may need several compositions of an EHR, or the lack of any."""
    match source:
        case ast.Contains(parent=ast.Class(rm_type="EHR")):
            return source.negated or isinstance(source.child, ast.Both | ast.Either)
        case _:
            return isinstance(source, ast.Both | ast.Either)


# --- FROM ------------------------------------------------------------------------------


class _Tree:
    """Objects of a record in pre-order: number n contains those from n + 1 up to last[n] - 1.

    `root` is the number of the nearest archetype root, the object itself where it is one.
    """

    def __init__(self, record: Record) -> None:
        self.objects: list[Any] = [record.ehr]
        self.last: list[int] = [0]
        self.root: list[int] = [0]
        for composition in record.compositions:
            self._add(composition, 0)
        self.last[0] = len(self.objects)

    def _add(self, part: Any, root: int) -> None:
        if isinstance(part, list):
            for member in part:
                self._add(member, root)
        elif isinstance(part, Mapping):
            number = len(self.objects)
            inner = number if is_archetype(part.get("archetype_node_id", "")) else root
            self.objects.append(part)
            self.last.append(number)
            self.root.append(inner)
            for member in part.values():
                self._add(member, inner)
            self.last[number] = len(self.objects)


@dataclass(frozen=True, slots=True)
class _Scope:
    """Objects numbered from start to stop - 1. `root`: at-codes are those of this object's
    archetype, which FROM names; None where any may be meant.
    """

    start: int
    stop: int
    root: int | None = None


def _bindings(source: ast.Source, tree: _Tree, scope: _Scope) -> list[Binding]:
    """Every binding of the variables of a source to objects in scope."""
    match source:
        case ast.Class():
            return [_named(source, tree, n) for n in _candidates(source, tree, scope)]
        case ast.Contains(parent=ast.Class() as parent):
            found = _candidates(parent, tree, scope)
            return [b for n in found for b in _containing(source, parent, tree, n)]
        case ast.Both():
            rows: list[Binding] = [{}]
            for operand in source.operands:
                rows = _product(rows, _bindings(operand, tree, scope))
            return rows
        case ast.Either():
            return _either(source, tree, scope)
        case _:
            return []


def _candidates(item: ast.Class, tree: _Tree, scope: _Scope) -> list[int]:
    wanted = concrete(item.rm_type)
    local = scope.root is not None and asks_code(item)
    return [
        number
        for number in range(scope.start, scope.stop)
        if tree.objects[number].get("_type", "") in wanted
        and (not local or tree.root[number] == scope.root)
        and holds(item.predicate, tree.objects[number])
    ]


def _named(item: ast.Class, tree: _Tree, number: int) -> Binding:
    return {item.variable.lower(): tree.objects[number]} if item.variable is not None else {}


def _containing(source: ast.Contains, parent: ast.Class, tree: _Tree, number: int) -> list[Binding]:
    root = number if asks_archetype(parent) else None
    below = _bindings(source.child, tree, _Scope(number + 1, tree.last[number], root))
    if source.negated:
        below = [] if below else [{}]
    return _product([_named(parent, tree, number)], below)


def _either(source: ast.Either, tree: _Tree, scope: _Scope) -> list[Binding]:
    """Each operand that is met, beside those that are not: null there. None met: no row."""
    rows: list[Binding] = [{}]
    met = False
    for operand in source.operands:
        found = _bindings(operand, tree, scope)
        met = met or bool(found)
        rows = _product(rows, found or [{}])
    return rows if met else []


def _product(left: list[Binding], right: list[Binding]) -> list[Binding]:
    return [{**a, **b} for a in left for b in right]


# --- WHERE and the cells of a row --------------------------------------------------------


def _cell(expression: Any, trie: Trie, taken: Elements) -> Value:
    if isinstance(expression, ast.Literal):
        return value(expression.value)
    place = trie.ends[expression]
    holder = taken.get(trie.places[place].parent)
    return value(taken.get(place), holder, trie.places[place].step.attribute)


def _truth(condition: ast.Condition, trie: Trie, taken: Elements) -> bool | None:
    match condition:
        case ast.And():
            return conjunction(_truth(each, trie, taken) for each in condition.operands)
        case ast.Or():
            return disjunction(_truth(each, trie, taken) for each in condition.operands)
        case ast.Not():
            truth = _truth(condition.condition, trie, taken)
            return None if truth is None else not truth
        case ast.Exists():
            return _exists(condition.path, trie, taken)
        case ast.Compare():
            left = _cell(condition.left, trie, taken)
            return compare(condition.operator, left, _cell(condition.right, trie, taken))
        case ast.Like():
            pattern = _cell(condition.pattern, trie, taken)
            return like(_cell(condition.path, trie, taken), str(pattern.raw))
        case ast.Matches():
            found = _cell(condition.path, trie, taken)
            items = (_cell(item, trie, taken) for item in condition.values)
            return disjunction(compare("=", found, item) for item in items)


def _exists(path: ast.Path, trie: Trie, taken: Elements) -> bool:
    """Whether the path leads anywhere from the elements that the row has taken already."""
    place, steps = trie.reach(path)
    return _leads(taken.get(place), steps)


def _leads(element: Any, steps: tuple[ast.Step, ...]) -> bool:
    if element is None or not steps:
        return element is not None
    return any(_leads(found, steps[1:]) for found in elements(element, steps[0]))
