"""What tells whether a condition is true, whatever its values are read from; None is unknown.

The rows of a query read theirs from the elements that they have taken (evaluate.py), the groups
of a result from what is told of them already (results.py).
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from moiety.aql import ast
from moiety.aql.functions import FUNCTIONS
from moiety.aql.functions import call as called
from moiety.aql.values import Value, compare, conjunction, disjunction, like, value

_From = TypeVar("_From")
Read = Callable[[_From], Value]
Test = Callable[[_From], bool | None]


def call(expression: ast.Call, read: Callable[[Any], Read[_From]]) -> Read[_From]:
    """What reads the value of a function; `read` makes what reads its arguments."""
    function = FUNCTIONS[expression.name]
    arguments = [read(argument) for argument in expression.arguments]
    return lambda given: value(called(function, [argument(given).raw for argument in arguments]))


def constant(literal: ast.Literal) -> Read[Any]:
    """What reads a value of the query."""
    told = value(literal.value)
    return lambda _: told


def truth(
    condition: ast.Condition,
    read: Callable[[Any], Read[_From]],
    exists: Callable[[Any], Test[_From]],
) -> Test[_From]:
    """What tells whether a condition is true; `read` and `exists` make what its sides ask."""

    def told(part: ast.Condition) -> Test[_From]:
        return truth(part, read, exists)

    match condition:
        case ast.And():
            parts = [told(each) for each in condition.operands]
            return lambda given: conjunction(part(given) for part in parts)
        case ast.Or():
            parts = [told(each) for each in condition.operands]
            return lambda given: disjunction(part(given) for part in parts)
        case ast.Not():
            return _negation(told(condition.condition))
        case ast.Exists():
            return exists(condition.path)
        case ast.Compare():
            left, right = read(condition.left), read(condition.right)
            operator = condition.operator
            return lambda given: compare(operator, left(given), right(given))
        case ast.Like():
            left, pattern = read(condition.path), read(condition.pattern)
            return lambda given: like(left(given), str(pattern(given).raw))
        case ast.Matches():
            left = read(condition.path)
            items = [read(item) for item in condition.values]
            return lambda given: among(left(given), (item(given) for item in items))


def _negation(test: Test[_From]) -> Test[_From]:
    def negated(given: _From) -> bool | None:
        found = test(given)
        return None if found is None else not found

    return negated


def among(found: Value, items: Iterable[Value]) -> bool | None:
    """Whether a value equals one of some; None is unknown."""
    return disjunction(compare("=", found, item) for item in items)
