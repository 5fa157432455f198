"""What happens to rows, in SQL: DISTINCT, aggregates, ORDER BY, LIMIT and OFFSET.

The same as `results.finish` does in Python; `pushed` answers None for what only Python does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from moiety.aql.blanks import Blanks
from moiety.aql.plan import Cell, Expression, Head, Plan
from moiety.aql.request import Output, Request
from moiety.aql.sql import Layout
from moiety.aql.tables import TYPES
from moiety.aql.values import BOOLEAN, DURATION, NUMBER, TEXT, Value

_NUMBERS = ("integer", "real")
_NOTHING: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text())
"""What is aggregated where no template has the path: the result is one row even so."""


def layout(request: Request, plan: Plan) -> Layout:
    """The columns that a row needs: for each cell the kinds that it has in some branch."""
    return tuple(
        (number, kind)
        for number in range(len(request.cells))
        for kind in _kinds(request, plan, number)
    )


def _kinds(request: Request, plan: Plan, number: int) -> list[str]:
    used = [output.aggregate for output in request.outputs if output.cell == number]
    ordered = any(key == number for key, _ in request.keys)
    counted = not ordered and all(a is not None and a.name == "COUNT" for a in used)
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
    """How the columns of `pushed` make the outputs; an aggregate is one column."""
    if request.aggregated:
        return tuple(("aggregate",) for _ in request.outputs)
    return tuple(
        tuple(kind for cell, kind in found if cell == output.cell and kind != "instant")
        for output in request.outputs
    )


def pushed(
    request: Request, plan: Plan, rows: sa.Subquery, found: Layout, blanks: Blanks
) -> sa.Select[Any] | None:
    """The statement that gives the result, or None where Python has to finish."""
    table = _columns(plan, rows, found)
    if request.aggregated:
        made = [_aggregate(table, output) for output in request.outputs]
        if any(column is None for column in made):
            return None
        told = (c.label(f"o{n}") for n, c in enumerate(made) if c is not None)
        chosen = sa.select(*told).select_from(rows)
    else:
        plain = _plain(request, plan, table, found)
        if plain is None:
            return None
        chosen = plain
    if request.paged >= 0:
        limit = blanks.number(request.paged, request.limit or 0)
        return chosen.limit(limit).offset(blanks.number(request.paged + 1, request.offset))
    # Part of the plan, and written out: the planner chooses by it.
    if request.limit is not None:
        chosen = chosen.limit(sa.literal_column(str(int(request.limit))))
    return chosen.offset(sa.literal_column(str(int(request.offset)))) if request.offset else chosen


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns of rows by cell and kind, the temporal rank of each cell, and which are objects."""

    rows: sa.FromClause
    by_cell: Mapping[int, Mapping[str, sa.ColumnElement[Any]]]
    rank: Mapping[int, int]
    whole: frozenset[int]

    def of(self, cell: int) -> Mapping[str, sa.ColumnElement[Any]]:
        """The columns of a cell by kind."""
        return self.by_cell.get(cell, {})

    def timed(self, cell: int) -> bool:
        """Whether a cell compares by its instants."""
        rank = self.rank.get(cell, 0)
        return "instant" in self.of(cell) and (rank != DURATION or cell in self.whole)

    def number(self, cell: int) -> sa.ColumnElement[Any] | None:
        """The numbers of a cell, as one column."""
        found = [self.of(cell)[kind] for kind in _NUMBERS if kind in self.of(cell)]
        if len(found) == 2:
            return sa.func.coalesce(sa.cast(found[0], sa.Double()), found[1])
        return found[0] if found else None


def _columns(plan: Plan, rows: sa.FromClause, found: Layout) -> _Columns:
    by_cell: dict[int, dict[str, sa.ColumnElement[Any]]] = {}
    for place, (cell, kind) in enumerate(found):
        by_cell.setdefault(cell, {})[kind] = rows.c[f"c{place}"]
    told = {cell: [branch.cells[cell] for branch in plan.branches] for cell in by_cell}
    rank = {
        cell: max((abs(each.rank) for each in cells), default=0) for cell, cells in told.items()
    }
    whole = frozenset(cell for cell, cells in told.items() if any(each.whole for each in cells))
    return _Columns(rows, by_cell, rank, whole)


def _plain(request: Request, plan: Plan, table: _Columns, found: Layout) -> sa.Select[Any] | None:
    outputs = {output.cell for output in request.outputs}
    keys = [key for key in request.keys if table.of(key[0])]
    if not request.query.distinct:
        chosen = sa.select(*_outputs(request, table.rows, found)).select_from(table.rows)
        return chosen.order_by(*(each for key in keys for each in _order(table, *key)))
    mixed = any({"integer", "real"} <= table.of(cell).keys() for cell, _ in found)
    documents = any("document" in table.of(cell) for cell, _ in found)
    if mixed or documents or any(cell not in outputs for cell, _ in request.keys):
        return None
    unique = sa.select(*table.rows.c).distinct().subquery("u")
    again = _columns(plan, unique, found)
    chosen = sa.select(*_outputs(request, unique, found)).select_from(unique)
    return chosen.order_by(*(o for key in keys for o in _order(again, *key)))


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


def _order(table: _Columns, cell: int, descending: bool) -> list[sa.ColumnElement[Any]]:
    """Keys of ORDER BY: the rank where several may meet, then what compares in each."""
    columns, timed = table.of(cell), table.timed(cell)
    compared: list[tuple[int, sa.ColumnElement[Any]]] = []
    if timed:
        compared.append((table.rank[cell], columns["instant"]))
    elif "text" in columns and cell not in table.whole:
        compared.append((TEXT, columns["text"]))
    number = table.number(cell)
    if number is not None:
        compared.append((NUMBER, number))
    if "boolean" in columns:
        compared.append((BOOLEAN, columns["boolean"]))
    keys = [column for _, column in compared]
    if len(compared) > 1:
        keys.insert(0, sa.case(*((c.is_not(None), sa.literal(rank)) for rank, c in compared)))
    return [key.desc().nulls_first() if descending else key.asc().nulls_last() for key in keys]


def _aggregate(table: _Columns, output: Output) -> sa.ColumnElement[Any] | None:
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
    table: _Columns, cell: int, columns: dict[str, sa.ColumnElement[Any]], *, largest: bool
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


def timed(cell: Cell, told: Value, instant: float) -> Value:
    """A text with the instant beside it; a duration's text compares as text."""
    if cell.rank == DURATION and not cell.whole:
        return told
    return Value(told.raw, cell.rank, instant)
