"""Rows → result: DISTINCT, aggregates, ORDER BY, LIMIT and OFFSET.

Runs after rows of SQL and rows of documents are put together; SQL does the same by itself where
it has all rows. Nulls come last in ascending order and first in descending, as in PostgreSQL.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from moiety.aql import ast
from moiety.aql.evaluate import Row
from moiety.aql.request import Output, Request
from moiety.aql.truths import Read, Test, call, constant, truth
from moiety.aql.values import NOTHING, NULL, NUMBER, Value, value


def finish(request: Request, rows: Iterable[Row]) -> list[list[Any]]:
    """The rows of the result as JSON values, one for each column of SELECT."""
    if request.aggregated:
        made = _of_groups(request, rows)
    else:
        made = _plain(
            request, rows if request.keys or request.query.distinct else _first(request, rows)
        )
    if request.limit is None:
        return made[request.offset :]
    if request.backward:
        return made[max(len(made) - request.limit, 0) :]
    return made[request.offset : request.offset + request.limit]


def _first(request: Request, rows: Iterable[Row]) -> Iterable[Row]:
    """As many rows as can be shown; the others are not even asked for."""
    if request.limit is None or request.backward:
        return rows
    return islice(rows, request.offset + request.limit)


def _plain(request: Request, rows: Iterable[Row]) -> list[list[Any]]:
    places = [output.cell or 0 for output in request.outputs]
    if not request.keys and not request.query.distinct:
        # Nothing is compared any more: the cells of a row go as soon as its values are taken.
        return [[row[place].raw for place in places] for row in rows]
    ordered = _ordered(rows, request.keys)
    return _shown(request, [[row[place] for place in places] for row in ordered])


def _ordered(rows: Iterable[Row], keys: Sequence[tuple[int, bool]]) -> list[Row]:
    ordered = list(rows)
    for place, descending in reversed(keys):
        ordered.sort(key=_key(place), reverse=descending)
    return ordered


def _shown(request: Request, rows: list[list[Value]]) -> list[list[Any]]:
    """Rows as JSON, of equal ones the first where DISTINCT is asked."""
    if request.query.distinct:
        unique: dict[Any, list[Value]] = {}
        for row in rows:
            unique.setdefault(tuple(identity(cell) for cell in row), row)
        rows = list(unique.values())
    return [[cell.raw for cell in row] for row in rows]


def _key(cell: int) -> Callable[[Row], tuple[bool, int, Any]]:
    return lambda row: order_key(row[cell])


def order_key(cell: Value) -> tuple[bool, int, Any]:
    """What rows are sorted by; a value that does not compare stands with the nulls."""
    missing = cell.rank == NOTHING
    return (missing, cell.rank, "" if missing else cell.key)


def identity(cell: Value) -> Any:
    """What makes two cells the same to DISTINCT: the value, not the instant it means."""
    if cell.whole:
        return json.dumps(cell.raw, sort_keys=True)
    return (isinstance(cell.raw, bool), cell.raw)


# --- groups --------------------------------------------------------------------------------------


def _of_groups(request: Request, rows: Iterable[Row]) -> list[list[Any]]:
    """A row for each group, of all rows where they are not grouped: there is one then, even of
    nothing.
    """
    gathered: dict[Any, list[Row]] = {} if request.groups else {(): []}
    for row in rows:
        key = tuple([identity(row[cell]) for cell in request.groups])
        gathered.setdefault(key, []).append(row)
    folded = [
        tuple([_fold(request, output, members) for output in request.folds])
        for members in gathered.values()
    ]
    if request.having is not None:
        holds = truth(request.having, _of_group, _told_at_all)
        folded = [row for row in folded if holds(row) is True]
    count = len(request.outputs)
    return _shown(request, [list(row[:count]) for row in _ordered(folded, request.keys)])


def _of_group(expression: Any) -> Read[Row]:
    match expression:
        case ast.Literal():
            return constant(expression)
        case ast.Call():
            return call(expression, _of_group)
        case _:
            place: int = expression.place
            return lambda folds: folds[place]


def _told_at_all(path: Any) -> Test[Row]:
    place: int = path.place
    return lambda folds: folds[place].raw is not None


def _fold(request: Request, output: Output, rows: Sequence[Row]) -> Value:
    if output.aggregate is not None:
        return _aggregate(output, rows)
    constants = request.cells[output.cell or 0]
    if isinstance(constants, ast.Literal):
        return value(constants.value)
    return rows[0][output.cell or 0]


def _aggregate(output: Output, rows: Sequence[Row]) -> Value:
    if output.cell is None:
        return value(len(rows))
    cells = [row[output.cell] for row in rows if row[output.cell].raw is not None]
    match output.aggregate.name if output.aggregate else "":
        case "COUNT" if output.aggregate and output.aggregate.distinct:
            return value(len({identity(cell) for cell in cells}))
        case "COUNT":
            return value(len(cells))
        case "SUM" | "AVG" as name:
            return value(_arithmetic(name, [cell.key for cell in cells if cell.rank == NUMBER]))
        case name:
            compared = [cell for cell in cells if cell.rank != NOTHING]
            choose = min if name == "MIN" else max
            return choose(compared, key=_extreme) if compared else NULL


def _extreme(cell: Value) -> tuple[int, Any, str]:
    return (cell.rank, cell.key, cell.raw if isinstance(cell.raw, str) else "")


def _arithmetic(name: str, numbers: list[float]) -> float | None:
    if not numbers:
        return None
    return sum(numbers) if name == "SUM" else sum(numbers) / len(numbers)
