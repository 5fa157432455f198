"""The document evaluator: a query answered from the documents themselves, in plain Python.

It answers for what has no typed rows, and it is the oracle of the compiler: every query that SQL
answers must give the same rows here. A row is a binding of the FROM variables, times the elements
that its paths take (trie.py), where WHERE is true.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from moiety.aql import ast
from moiety.aql.bindings import Record, binder, walked
from moiety.aql.predicates import elements
from moiety.aql.request import Request
from moiety.aql.trees import Scope, Tree, whole_ehr
from moiety.aql.trie import Elements, Trie, build, expander
from moiety.aql.truths import Read, Test, call, constant, truth
from moiety.aql.values import NULL, Value, value

_SOME: Final = 512
Row = tuple[Value, ...]
"""The cells of a request, for one row that WHERE lets through."""


def evaluate(
    request: Request, records: Iterable[Record], *, check: Callable[[], object] = bool
) -> Iterator[Row]:
    """The rows of a request over some records, before DISTINCT, aggregates, order and limit.

    A content may come in a record of its own, unless the query binds several of an EHR
    (`needs.whole`). What the request says is looked at once, and made into functions that each
    record goes through. One record may have very many bindings: `check` is asked between some.
    """
    trie = build(request.paths)
    asked = any(isinstance(part, ast.Exists) for part in ast.walk(request.query.where))
    expand = expander(trie, whole=asked)
    bind = binder(request.query.source)
    where = _where(request, trie)
    cells = [_cell(cell, trie) for cell in request.cells]
    attributes = walked(request.query.source)
    for record in records:
        tree = Tree(record.ehr, record.contents, record.former, attributes)
        for count, binding in enumerate(bind(tree, Scope.of_all(tree)), 1):
            if not count % _SOME:
                check()
            for taken in expand(binding):
                if where is None or where(taken):
                    yield tuple([cell(taken) for cell in cells])


def _where(request: Request, trie: Trie) -> Test[Elements] | None:
    condition = request.query.where
    if condition is None:
        return None
    return truth(condition, lambda each: _cell(each, trie), lambda path: _exists(path, trie))


# --- WHERE and the cells of a row --------------------------------------------------------


def _cell(expression: Any, trie: Trie) -> Read[Elements]:
    """What reads the value of an expression in what a row takes."""
    match expression:
        case ast.Literal():
            return constant(expression)
        case ast.Call():
            return call(expression, lambda argument: _cell(argument, trie))
    place = trie.ends[expression]
    if not expression.steps:
        return lambda taken: value(whole_ehr(taken.get(place)))
    parent, attribute = trie.places[place].parent, trie.places[place].step.attribute

    def read(taken: Elements) -> Value:
        found = taken.get(place)
        return NULL if found is None else value(found, taken.get(parent), attribute)

    return read


def _exists(path: ast.Path, trie: Trie) -> Test[Elements]:
    place, steps = trie.reach(path)
    return lambda taken: _leads(taken.get(place), steps)


def _leads(element: Any, steps: tuple[ast.Step, ...]) -> bool:
    """Whether steps lead anywhere from an element that the row has taken already."""
    if element is None or not steps:
        return element is not None
    return any(_leads(found, steps[1:]) for found in elements(element, steps[0]))
