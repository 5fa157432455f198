"""Tokens → tree: `parse(text)` (QUERY/AQL, parser grammar of release 1.1).

One function a rule, each reading from a cursor and stepping it on. CONTAINS takes all that
follows it: `A CONTAINS B AND C` is `A CONTAINS (B AND C)`, as the specification's examples mean it.
"""

from collections.abc import Callable
from typing import Literal as Choice
from typing import TypeVar, cast

from moiety.aql.ast import (
    Aggregate,
    And,
    Both,
    Call,
    Class,
    Column,
    Compare,
    Condition,
    Contains,
    Either,
    Exists,
    Expression,
    Like,
    Literal,
    Matches,
    Not,
    Or,
    Order,
    Parameter,
    Path,
    Pattern,
    Position,
    Query,
    Source,
    Terminology,
    Test,
    Top,
    Uri,
    Version,
)
from moiety.aql.cursor import Cursor
from moiety.aql.paths import bracketed, is_literal, literal, operator, parameter, path, string, test

_AGGREGATES = ("COUNT", "MIN", "MAX", "SUM", "AVG")
_Operand = TypeVar("_Operand")


def parse(text: str) -> Query:
    """The tree of a query. Raises AqlError with line and column where the text stops being AQL."""
    c = Cursor(text)
    c.expect("SELECT")
    distinct = bool(c.accept("DISTINCT"))
    top = _top(c)
    columns = _list(c, _column)
    c.expect("FROM")
    source = _source(c)
    where = _condition(c) if c.accept("WHERE") else None
    group = _group(c)
    having = _having(c)
    order = _order(c)
    limit = _whole(c, "LIMIT")
    offset = _whole(c, "OFFSET") if limit is not None else None
    if c.token.kind != "end":
        c.fail("the end of the query")
    return Query(
        columns, source, where, order, limit, offset, distinct, top, group, having, c.extended
    )


def _list(c: Cursor, read: Callable[[Cursor], _Operand]) -> tuple[_Operand, ...]:
    items = [read(c)]
    while c.accept(","):
        items.append(read(c))
    return tuple(items)


def _whole(c: Cursor, keyword: str) -> int | None:
    return _count(c) if c.accept(keyword) else None


def _count(c: Cursor) -> int:
    if len(c.token.text) > 9:
        c.fail("an integer of at most nine digits")
    return int(c.kind("an integer"))


def _group(c: Cursor) -> tuple[Path, ...]:
    if not _begins_group(c):
        return ()
    c.extend()
    c.step()
    c.expect("BY")
    return _list(c, path)


def _begins_group(c: Cursor) -> bool:
    return c.word() == "GROUP" and c.after().text.upper() == "BY"


def _having(c: Cursor) -> Condition | None:
    if c.word() != "HAVING":
        return None
    c.extend()
    c.step()
    c.of_groups = True
    condition = _condition(c)
    c.of_groups = False
    return condition


# --- SELECT and ORDER BY ---------------------------------------------------------------------


def _top(c: Cursor) -> Top | None:
    at = c.at
    if c.word() != "TOP" or c.after().kind != "an integer":
        return None
    c.take()
    return Top(_count(c), c.accept("FORWARD", "BACKWARD") == "BACKWARD", at)


def _column(c: Cursor) -> Column:
    at = c.at
    expression = _aggregate(c) if _begins_aggregate(c) else _expression(c)
    alias = c.kind("an identifier", "an alias") if c.accept("AS") else None
    return Column(expression, alias, at)


def _begins_aggregate(c: Cursor) -> bool:
    return c.word() in _AGGREGATES and c.after().text == "("


def _aggregate(c: Cursor) -> Aggregate:
    at = c.at
    name = cast("Choice['COUNT', 'MIN', 'MAX', 'SUM', 'AVG']", c.take().upper())
    c.expect("(")
    if name == "COUNT" and c.accept("*"):
        c.expect(")")
        return Aggregate(name, None, at=at)
    distinct = name == "COUNT" and bool(c.accept("DISTINCT"))
    argument = path(c)
    c.expect(")")
    return Aggregate(name, argument, distinct, at)


def _order(c: Cursor) -> tuple[Order, ...]:
    if not c.accept("ORDER"):
        return ()
    c.expect("BY")
    return _list(c, _key)


def _key(c: Cursor) -> Order:
    at = c.at
    key = path(c)
    return Order(key, c.accept("DESCENDING", "DESC", "ASCENDING", "ASC").startswith("DESC"), at)


# --- expressions -------------------------------------------------------------------------------


def _expression(c: Cursor) -> Expression:
    if is_literal(c):
        return literal(c)
    if c.token.kind == "a parameter":
        return parameter(c)
    if c.after().text == "(":
        return _call(c)
    if c.token.kind != "an identifier":
        c.fail("a path, a value or a function")
    return path(c)


def _call(c: Cursor) -> Call | Terminology:
    at = c.at
    name = c.kind("an identifier", "a function").upper()
    c.expect("(")
    c.deeper()
    if name == "TERMINOLOGY":
        called: Call | Terminology = _terminology(c, at)
    else:
        arguments = () if c.token.text == ")" else _list(c, _expression)
        called = Call(name, arguments, at)
    c.expect(")")
    c.back()
    return called


def _terminology(c: Cursor, at: Position) -> Terminology:
    operation = string(c)
    c.expect(",")
    service = string(c)
    c.expect(",")
    return Terminology(operation, service, string(c), at)


# --- FROM --------------------------------------------------------------------------------------


def _source(c: Cursor) -> Source:
    at = c.at
    operands = [_both(c)]
    while c.accept("OR"):
        operands.append(_both(c))
    return operands[0] if len(operands) == 1 else Either(_flat(operands, Either), at)


def _both(c: Cursor) -> Source:
    at = c.at
    operands = [_contained(c)]
    while c.accept("AND"):
        operands.append(_contained(c))
    return operands[0] if len(operands) == 1 else Both(_flat(operands, Both), at)


def _flat(operands: list[Source], kind: type[Both] | type[Either]) -> tuple[Source, ...]:
    nested = (o.operands if isinstance(o, kind) else (o,) for o in operands)
    return tuple(operand for group in nested for operand in group)


def _contained(c: Cursor) -> Source:
    at = c.at
    if c.accept("("):
        c.deeper()
        inner = _source(c)
        c.expect(")")
        c.back()
        return inner
    parent = _version(c) if c.word() == "VERSION" else _class(c)
    negated = bool(c.accept("NOT"))
    if not (c.expect("CONTAINS") if negated else c.accept("CONTAINS")):
        return parent
    c.deeper()
    child = _source(c)
    c.back()
    return Contains(parent, child, negated, at)


def _class(c: Cursor) -> Class:
    at = c.at
    rm_type = c.name("a class").upper()
    return Class(rm_type, _variable(c), bracketed(c), at)


def _variable(c: Cursor) -> str | None:
    clause = {"WHERE", "ORDER", "LIMIT", "CONTAINS", "AND", "OR", "NOT"}
    return c.take() if c.word() and c.word() not in clause and not _begins_group(c) else None


def _version(c: Cursor) -> Version:
    at = c.at
    c.expect("VERSION")
    variable = _variable(c)
    if not c.accept("["):
        return Version(variable, None, at)
    keyword = c.accept("LATEST_VERSION", "ALL_VERSIONS")
    scope = cast("Choice['LATEST_VERSION', 'ALL_VERSIONS']", keyword) if keyword else _single(c)
    c.expect("]")
    return Version(variable, scope, at)


def _single(c: Cursor) -> Test:
    condition = test(c)
    if isinstance(condition, Pattern):
        c.fail("a comparison")
    return condition


# --- WHERE -------------------------------------------------------------------------------------


def _condition(c: Cursor) -> Condition:
    at = c.at
    operands = [_conjunction(c)]
    while c.accept("OR"):
        operands.append(_conjunction(c))
    if len(operands) == 1:
        return operands[0]
    nested = (o.operands if isinstance(o, Or) else (o,) for o in operands)
    return Or(tuple(operand for group in nested for operand in group), at)


def _conjunction(c: Cursor) -> Condition:
    at = c.at
    operands = [_negation(c)]
    while c.accept("AND"):
        operands.append(_negation(c))
    if len(operands) == 1:
        return operands[0]
    nested = (o.operands if isinstance(o, And) else (o,) for o in operands)
    return And(tuple(operand for group in nested for operand in group), at)


def _negation(c: Cursor) -> Condition:
    at = c.at
    c.deeper()
    if c.accept("NOT"):
        condition: Condition = Not(_negation(c), at)
    elif c.accept("("):
        condition = _condition(c)
        c.expect(")")
    elif c.accept("EXISTS"):
        condition = Exists(path(c), at)
    else:
        condition = _comparison(c)
    c.back()
    return condition


def _comparison(c: Cursor) -> Condition:
    at = c.at
    left = _side(c)
    if isinstance(left, Path) and c.accept("LIKE"):
        return Like(left, _pattern(c), at)
    if isinstance(left, Path) and c.accept("MATCHES"):
        return Matches(left, _values(c), at)
    if isinstance(left, Literal | Parameter):
        c.fail("a path or a function on the left of a comparison")
    if c.word() == "BETWEEN":
        return _between(c, left)
    return Compare(left, operator(c), _side(c), at)


def _side(c: Cursor) -> Expression | Aggregate:
    """One side of a comparison; of groups, it may be an aggregate."""
    return _aggregate(c) if c.of_groups and _begins_aggregate(c) else _expression(c)


def _between(c: Cursor, left: Expression | Aggregate) -> Condition:
    """`left BETWEEN low AND high`: both ends belong to it. No AQL, but what many write."""
    at = c.at
    c.step()
    low = _side(c)
    c.expect("AND")
    return And((Compare(left, ">=", low, at), Compare(left, "<=", _side(c), at)), at)


def _pattern(c: Cursor) -> Literal | Parameter:
    at = c.at
    return parameter(c) if c.token.kind == "a parameter" else Literal(string(c), at)


def _values(c: Cursor) -> tuple[Literal | Parameter | Terminology | Uri, ...]:
    if c.token.kind == "a parameter":
        return (parameter(c),)
    if c.word() == "TERMINOLOGY":
        return (_value(c),)
    c.expect("{")
    values = _list(c, _value)
    c.expect("}")
    return values


def _value(c: Cursor) -> Literal | Parameter | Terminology | Uri:
    at = c.at
    if c.token.kind == "a URI":
        return Uri(c.take(), at)
    if c.token.kind == "a parameter":
        return parameter(c)
    if c.word() == "TERMINOLOGY":
        called = _call(c)
        if isinstance(called, Terminology):
            return called
    return literal(c, "a value, a parameter or a terminology")
