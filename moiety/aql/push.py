"""What happens to rows, in SQL: DISTINCT, aggregates, ORDER BY, LIMIT and OFFSET.

The same as `results.finish` does in Python; `pushed` answers None for what only Python does.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from moiety.aql import groups
from moiety.aql.blanks import Blanks
from moiety.aql.columns import Columns, columns, order
from moiety.aql.plan import Cell, Expression, Head, Plan
from moiety.aql.request import Request
from moiety.aql.sql import Layout
from moiety.aql.tables import TYPES
from moiety.aql.values import DURATION, Value


def layout(request: Request, plan: Plan) -> Layout:
    """The columns that a row needs: for each cell the kinds that it has in some branch."""
    return tuple(
        (number, kind)
        for number in range(len(request.cells))
        for kind in _kinds(request, plan, number)
    )


def _kinds(request: Request, plan: Plan, number: int) -> list[str]:
    used = [output.aggregate for output in request.folds if output.cell == number]
    ordered = not request.aggregated and any(key == number for key, _ in request.keys)
    compared = ordered or number in request.groups
    counted = not compared and all(a is not None and a.name == "COUNT" for a in used)
    if counted and not any(a is not None and a.distinct for a in used):
        return ["presence"]
    found = {choice for branch in plan.branches for choice in branch.cells[number].alternatives}
    if counted and (kind := _IDS.get(frozenset(choice.expression for choice in found))):
        return [kind]
    kinds = {choice.kind for choice in found}
    return [kind for kind in TYPES if kind in kinds]


_IDS: Mapping[frozenset[Expression], str] = {
    frozenset({Head("ehr_id")}): "ehr",
    frozenset({Head("uid")}): "version",
}
"""What is only counted, each once, need not be written out: ids tell as much as their texts."""


Shown = tuple[tuple[str, ...], ...]
"""For each output of a result, the kinds of the columns of `pushed` that it comes in."""


def shown(request: Request, found: Layout) -> Shown:
    """How the columns of `pushed` make the outputs; an aggregate is one column, and so is a value
    that stands in the query beside one.
    """
    return tuple(
        ("aggregate",)
        if output.aggregate or (request.aggregated and output.cell not in request.groups)
        else tuple(kind for cell, kind in found if cell == output.cell and kind != "instant")
        for output in request.outputs
    )


def pushed(
    request: Request, plan: Plan, rows: sa.Subquery, found: Layout, blanks: Blanks
) -> sa.Select[Any] | None:
    """The statement that gives the result, or None where Python has to finish."""
    table = columns(plan, rows, found)
    make = groups.grouped if request.aggregated else _plain
    chosen = None if request.backward else make(request, plan, table, found)
    if chosen is None:
        return None
    if request.paged >= 0:
        limit = blanks.number(request.paged, request.limit or 0)
        return chosen.limit(limit).offset(blanks.number(request.paged + 1, request.offset))
    # Part of the plan, and written out: the planner chooses by it.
    if request.limit is not None:
        chosen = chosen.limit(sa.literal_column(str(int(request.limit))))
    return chosen.offset(sa.literal_column(str(int(request.offset)))) if request.offset else chosen


def _plain(request: Request, plan: Plan, table: Columns, found: Layout) -> sa.Select[Any] | None:
    outputs = {output.cell for output in request.outputs}
    keys = [key for key in request.keys if table.of(key[0])]
    if not request.query.distinct:
        chosen = sa.select(*_outputs(request, table.rows, found)).select_from(table.rows)
        return chosen.order_by(*(each for key in keys for each in order(table, *key)))
    mixed = any({"integer", "real"} <= table.of(cell).keys() for cell, _ in found)
    documents = any("document" in table.of(cell) for cell, _ in found)
    if mixed or documents or any(cell not in outputs for cell, _ in request.keys):
        return None
    unique = sa.select(*table.rows.c).distinct().subquery("u")
    again = columns(plan, unique, found)
    chosen = sa.select(*_outputs(request, unique, found)).select_from(unique)
    return chosen.order_by(*(o for key in keys for o in order(again, *key)))


def _outputs(request: Request, rows: sa.FromClause, found: Layout) -> list[sa.ColumnElement[Any]]:
    places = [
        place
        for output in request.outputs
        for place, (cell, kind) in enumerate(found)
        if cell == output.cell and kind != "instant"
    ]
    told: list[sa.ColumnElement[Any]] = [
        rows.c[f"c{place}"].label(f"o{n}") for n, place in enumerate(places)
    ]
    return told or [sa.literal_column("1").label("o0")]


def timed(cell: Cell, told: Value, instant: float) -> Value:
    """A text with the instant beside it; a duration's text compares as text."""
    if cell.rank == DURATION and not cell.whole:
        return told
    return Value(told.raw, cell.rank, instant)
