"""The document evaluator: a query answered from the documents themselves, in plain Python.

It answers for what has no typed rows, and it is the oracle of the compiler: every query that SQL
answers must give the same rows here. A row is a binding of the FROM variables, times the elements
that its paths take (trie.py), where WHERE is true.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from moiety.aql import ast
from moiety.aql.classes import concrete
from moiety.aql.predicates import asks_archetype, asks_code, elements, holds, is_archetype
from moiety.aql.request import Request
from moiety.aql.trie import Elements, Trie, build, expand
from moiety.aql.values import (
    NULL,
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

    What the request says is looked at once, and made into functions that each record goes through.
    """
    trie = build(request.paths)
    bind = _binder(request.query.source)
    where = _truth(request.query.where, trie) if request.query.where is not None else None
    cells = [_cell(cell, trie) for cell in request.cells]
    attributes = walked(request.query.source)
    for record in records:
        tree = _Tree(record, attributes)
        for binding in bind(tree, _Scope(0, len(tree.objects))):
            for taken in expand(trie, binding):
                if where is None or where(taken):
                    yield tuple([cell(taken) for cell in cells])


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

    def __init__(self, record: Record, walked: tuple[str, ...] | None) -> None:
        self.objects: list[Any] = [record.ehr]
        self.last: list[int] = [0]
        self.root: list[int] = [0]
        self.walked = walked
        self._add_all(record.compositions, 0)
        self.last[0] = len(self.objects)

    def _add_all(self, parts: Iterable[Any], root: int) -> None:
        """Objects among some values; JSON has no others than these two types of parts."""
        for part in parts:
            if type(part) is dict:
                number = len(self.objects)
                inner = number if is_archetype(part.get("archetype_node_id", "")) else root
                self.objects.append(part)
                self.last.append(number)
                self.root.append(inner)
                if self.walked is None:
                    self._add_all(part.values(), inner)
                else:
                    self._add_all([part[name] for name in self.walked if name in part], inner)
                self.last[number] = len(self.objects)
            elif type(part) is list:
                self._add_all(part, root)


_SHALLOW = concrete("CONTENT_ITEM") | {"EHR", "COMPOSITION"}


def walked(source: ast.Source) -> tuple[str, ...] | None:
    """The attributes where objects that FROM names can stand; None for any attribute.

    Entries and sections stand in compositions and sections alone.
    """
    items = [part for part in ast.walk(source) if isinstance(part, ast.Class | ast.Version)]
    shallow = all(isinstance(i, ast.Class) and concrete(i.rm_type) <= _SHALLOW for i in items)
    return ("content", "items") if shallow else None


@dataclass(frozen=True, slots=True)
class _Scope:
    """Objects numbered from start to stop - 1. `root`: at-codes are those of this object's
    archetype, which FROM names; None where any may be meant.
    """

    start: int
    stop: int
    root: int | None = None


_Bind = Callable[[_Tree, _Scope], list[Binding]]


def _binder(source: ast.Source) -> _Bind:
    """What finds every binding of the variables of a source to objects in scope."""
    match source:
        case ast.Class():
            name, candidates = _name(source), _candidates(source)
            return lambda tree, scope: [_named(name, tree, n) for n in candidates(tree, scope)]
        case ast.Contains(parent=ast.Class() as parent):
            return _containing(source, parent)
        case ast.Both():
            return _both([_binder(operand) for operand in source.operands])
        case ast.Either():
            return _either([_binder(operand) for operand in source.operands])
        case _:
            return lambda _tree, _scope: []


def _name(item: ast.Class) -> str | None:
    return item.variable.lower() if item.variable is not None else None


def _named(name: str | None, tree: _Tree, number: int) -> Binding:
    return {name: tree.objects[number]} if name is not None else {}


def _candidates(item: ast.Class) -> Callable[[_Tree, _Scope], list[int]]:
    wanted, by_code, fits = concrete(item.rm_type), asks_code(item), _fits(item.predicate)
    if wanted == {"EHR"} and fits is None:  # the first object of a record, and no other
        return lambda _tree, scope: [0] if scope.start == 0 < scope.stop else []

    def candidates(tree: _Tree, scope: _Scope) -> list[int]:
        objects = tree.objects
        found = [
            number
            for number in range(scope.start, scope.stop)
            if objects[number].get("_type") in wanted and (fits is None or fits(objects[number]))
        ]
        if by_code and scope.root is not None:
            return [number for number in found if tree.root[number] == scope.root]
        return found

    return candidates


def _fits(predicate: ast.Predicate | None) -> Callable[[Any], bool] | None:
    """What tells whether an object satisfies a predicate; None for one that all do."""
    match predicate:
        case None:
            return None
        case ast.Node(code=ast.NodeCode(code=code), name=None):
            return lambda element: bool(element.get("archetype_node_id") == code)
        case _:
            return partial(holds, predicate)


def _containing(source: ast.Contains, parent: ast.Class) -> _Bind:
    name, candidates, inside = _name(parent), _candidates(parent), _binder(source.child)
    by_archetype, negated = asks_archetype(parent), source.negated

    def bind(tree: _Tree, scope: _Scope) -> list[Binding]:
        found: list[Binding] = []
        for number in candidates(tree, scope):
            root = number if by_archetype else None
            below = inside(tree, _Scope(number + 1, tree.last[number], root))
            if negated:
                below = [] if below else [{}]
            found += _product([_named(name, tree, number)], below)
        return found

    return bind


def _both(operands: Sequence[_Bind]) -> _Bind:
    def bind(tree: _Tree, scope: _Scope) -> list[Binding]:
        rows: list[Binding] = [{}]
        for operand in operands:
            rows = _product(rows, operand(tree, scope))
        return rows

    return bind


def _either(operands: Sequence[_Bind]) -> _Bind:
    """Each operand that is met, beside those that are not: null there. None met: no row."""

    def bind(tree: _Tree, scope: _Scope) -> list[Binding]:
        rows: list[Binding] = [{}]
        met = False
        for operand in operands:
            found = operand(tree, scope)
            met = met or bool(found)
            rows = _product(rows, found or [{}])
        return rows if met else []

    return bind


def _product(left: list[Binding], right: list[Binding]) -> list[Binding]:
    return [{**a, **b} for a in left for b in right]


# --- WHERE and the cells of a row --------------------------------------------------------

_Read = Callable[[Elements], Value]
_Test = Callable[[Elements], bool | None]


def _cell(expression: Any, trie: Trie) -> _Read:
    """What reads the value of an expression in what a row takes."""
    if isinstance(expression, ast.Literal):
        told = value(expression.value)
        return lambda _: told
    place = trie.ends[expression]
    parent, attribute = trie.places[place].parent, trie.places[place].step.attribute

    def read(taken: Elements) -> Value:
        found = taken.get(place)
        return NULL if found is None else value(found, taken.get(parent), attribute)

    return read


def _truth(condition: ast.Condition, trie: Trie) -> _Test:
    """What tells whether a condition is true of what a row takes; None is unknown."""
    match condition:
        case ast.And():
            parts = [_truth(each, trie) for each in condition.operands]
            return lambda taken: conjunction(part(taken) for part in parts)
        case ast.Or():
            parts = [_truth(each, trie) for each in condition.operands]
            return lambda taken: disjunction(part(taken) for part in parts)
        case ast.Not():
            return _negation(_truth(condition.condition, trie))
        case ast.Exists():
            place, steps = trie.reach(condition.path)
            return lambda taken: _leads(taken.get(place), steps)
        case ast.Compare():
            left, right = _cell(condition.left, trie), _cell(condition.right, trie)
            operator = condition.operator
            return lambda taken: compare(operator, left(taken), right(taken))
        case ast.Like():
            left, pattern = _cell(condition.path, trie), _cell(condition.pattern, trie)
            return lambda taken: like(left(taken), str(pattern(taken).raw))
        case ast.Matches():
            left = _cell(condition.path, trie)
            items = [_cell(item, trie) for item in condition.values]
            return lambda taken: _among(left(taken), (item(taken) for item in items))


def _negation(test: _Test) -> _Test:
    def negated(taken: Elements) -> bool | None:
        truth = test(taken)
        return None if truth is None else not truth

    return negated


def _among(found: Value, items: Iterable[Value]) -> bool | None:
    return disjunction(compare("=", found, item) for item in items)


def _leads(element: Any, steps: tuple[ast.Step, ...]) -> bool:
    """Whether steps lead anywhere from an element that the row has taken already."""
    if element is None or not steps:
        return element is not None
    return any(_leads(found, steps[1:]) for found in elements(element, steps[0]))
