"""Groups of rows in SQL: aggregates, GROUP BY, HAVING and their order.

What `results` does with groups in Python; None for what only Python does.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from moiety.aql import ast
from moiety.aql.columns import Columns, directed, order
from moiety.aql.plan import Plan
from moiety.aql.request import Output, Request
from moiety.aql.sql import Layout
from moiety.aql.tables import TYPES
from moiety.aql.values import OPERATORS

_NOTHING: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text())
"""What is aggregated where no template has the path: the result is one row even so."""
_COUNTED = frozenset({"COUNT", "SUM", "AVG"})
"""Aggregates that give numbers."""


def grouped(request: Request, _plan: Plan, table: Columns, _found: Layout) -> sa.Select[Any] | None:
    """The outputs of each group, or None where Python has to make them."""
    if request.query.distinct or not all(_told_apart(table, cell) for cell in request.groups):
        return None
    folds = [_fold(request, table, output) for output in request.folds]
    if any(fold is None for fold in folds):
        return None
    told = [column for fold in folds[: len(request.outputs)] for column in fold or ()]
    chosen = sa.select(*(c.label(f"o{n}") for n, c in enumerate(told))).select_from(table.rows)
    for cell in request.groups:
        # A time stands beside its text, and is the same wherever that is.
        chosen = chosen.group_by(*table.of(cell).values())
    if request.groups and not any(table.of(cell) for cell in request.groups):
        chosen = chosen.having(sa.func.count() > sa.literal_column("0"))
    if request.having is not None:
        condition = _having(request, table, request.having)
        if condition is None:
            return None
        chosen = chosen.having(condition)
    keys = [_key(request, table, place, descending) for place, descending in request.keys]
    if any(key is None for key in keys):
        return None
    return chosen.order_by(*(each for key in keys for each in key or ()))


def _told_apart(table: Columns, cell: int) -> bool:
    """Whether SQL finds the same groups: 1 and 1.0 are one, and objects are not compared."""
    kinds = table.of(cell).keys()
    return "document" not in kinds and not {"integer", "real"} <= kinds


def _fold(request: Request, table: Columns, output: Output) -> list[sa.ColumnElement[Any]] | None:
    """The columns of what is told of a group."""
    if output.aggregate is not None:
        made = _aggregate(table, output)
        return None if made is None else [made]
    if output.cell in request.groups:
        return [c for kind, c in table.of(output.cell or 0).items() if kind != "instant"]
    literal = request.cells[output.cell or 0]
    return [_constant(literal)] if isinstance(literal, ast.Literal) else None


def _constant(literal: ast.Literal) -> sa.ColumnElement[Any]:
    kinds = {str: "text", bool: "boolean", int: "integer", float: "real"}
    kind = kinds.get(type(literal.value))
    return _NOTHING if kind is None else sa.literal(literal.value, TYPES[kind])


def _having(request: Request, table: Columns, node: ast.Condition) -> sa.ColumnElement[bool] | None:
    """Conditions on numbers that aggregates give; None for others."""
    match node:
        case ast.And() | ast.Or():
            parts = [_having(request, table, part) for part in node.operands]
            known = [part for part in parts if part is not None]
            if len(known) < len(parts):
                return None
            return sa.and_(*known) if isinstance(node, ast.And) else sa.or_(*known)
        case ast.Not():
            part = _having(request, table, node.condition)
            return None if part is None else sa.not_(part)
        case ast.Compare(left=ast.Told(place=place), right=ast.Literal(value=wanted)):
            fold = request.folds[place]
            if isinstance(wanted, bool) or not isinstance(wanted, int | float):
                return None
            if fold.aggregate is None or fold.aggregate.name not in _COUNTED:
                return None
            made = _aggregate(table, fold)
            if made is None:
                return None
            number = sa.literal(float(wanted), TYPES["real"])
            compared: sa.ColumnElement[bool] = OPERATORS[node.operator](
                sa.cast(made, sa.Double()), number
            )
            return compared
        case _:
            return None


def _key(
    request: Request, table: Columns, place: int, descending: bool
) -> list[sa.ColumnElement[Any]] | None:
    fold = request.folds[place]
    if fold.aggregate is None:
        return order(table, fold.cell or 0, descending) if fold.cell in request.groups else []
    if fold.aggregate.name not in _COUNTED:
        return None
    made = _aggregate(table, fold)
    return None if made is None else [directed(made, descending=descending)]


def _aggregate(table: Columns, output: Output) -> sa.ColumnElement[Any] | None:
    """One aggregate; None where its kinds are too many for SQL."""
    if output.aggregate is None:
        return None
    if output.cell is None:
        return sa.func.count()
    columns = {k: c for k, c in table.of(output.cell).items() if k != "instant"}
    match output.aggregate.name:
        case "COUNT" if output.aggregate.distinct:
            if len(columns) > 1 or "document" in columns:
                return None
            return sa.func.count(sa.distinct(*(columns.values() or [_NOTHING])))
        case "COUNT" if len(columns) == 1:
            return sa.func.count(*columns.values())
        case "COUNT":
            there = sa.or_(sa.false(), *(column.is_not(None) for column in columns.values()))
            return sa.func.count().filter(there)
        case "SUM":
            number = table.number(output.cell)
            return sa.func.sum(sa.cast(_NOTHING, sa.Double()) if number is None else number)
        case "AVG":
            number = table.number(output.cell)
            return sa.func.avg(sa.cast(_NOTHING if number is None else number, sa.Double()))
        case name:
            return _extreme(table, output.cell, columns, largest=name == "MAX")


def _extreme(
    table: Columns, cell: int, columns: dict[str, sa.ColumnElement[Any]], *, largest: bool
) -> sa.ColumnElement[Any] | None:
    if len(columns) > 1 or cell in table.whole or "time_created" in columns:
        return None
    if not columns:
        return sa.func.max(_NOTHING)
    ((kind, column),) = columns.items()
    if kind == "boolean":
        return sa.func.bool_or(column) if largest else sa.func.bool_and(column)
    if not table.timed(cell):
        return sa.func.max(column) if largest else sa.func.min(column)
    keys = [table.of(cell)["instant"], column]
    order = aggregate_order_by(column, *(key.desc() if largest else key.asc() for key in keys))
    gathered = sa.func.array_agg(order, type_=sa.ARRAY(sa.Text())).filter(column.is_not(None))
    return sa.type_coerce(gathered, sa.ARRAY(sa.Text()))[1]
