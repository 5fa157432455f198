"""Rows → result: DISTINCT, aggregates, ORDER BY, LIMIT and OFFSET.

Runs after rows of SQL and rows of documents are put together; SQL does the same by itself where
it has all rows. Nulls come last in ascending order and first in descending, as in PostgreSQL.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from moiety.aql.evaluate import Row
from moiety.aql.request import Output, Request
from moiety.aql.values import NOTHING, NUMBER, Value


def finish(request: Request, rows: Iterable[Row]) -> list[list[Any]]:
    """The rows of the result as JSON values, one for each column of SELECT."""
    if request.aggregated:
        gathered = list(rows)
        made = [[_aggregate(output, gathered) for output in request.outputs]]
    else:
        made = _plain(
            request, rows if request.keys or request.query.distinct else _first(request, rows)
        )
    stop = None if request.limit is None else request.offset + request.limit
    return made[request.offset : stop]


def _first(request: Request, rows: Iterable[Row]) -> Iterable[Row]:
    """As many rows as can be shown; the others are not even asked for."""
    return rows if request.limit is None else islice(rows, request.offset + request.limit)


def _plain(request: Request, rows: Iterable[Row]) -> list[list[Any]]:
    places = [output.cell or 0 for output in request.outputs]
    if not request.keys and not request.query.distinct:
        # Nothing is compared any more: the cells of a row go as soon as its values are taken.
        return [[row[place].raw for place in places] for row in rows]
    ordered = list(rows)
    for cell, descending in reversed(request.keys):
        ordered.sort(key=_key(cell), reverse=descending)
    shown = [[row[place] for place in places] for row in ordered]
    if request.query.distinct:
        unique: dict[Any, list[Value]] = {}
        for row in shown:
            unique.setdefault(tuple(identity(cell) for cell in row), row)
        shown = list(unique.values())
    return [[cell.raw for cell in row] for row in shown]


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


def _aggregate(output: Output, rows: Sequence[Row]) -> Any:
    if output.cell is None:
        return len(rows)
    cells = [row[output.cell] for row in rows if row[output.cell].raw is not None]
    match output.aggregate.name if output.aggregate else "":
        case "COUNT" if output.aggregate and output.aggregate.distinct:
            return len({identity(cell) for cell in cells})
        case "COUNT":
            return len(cells)
        case "SUM" | "AVG" as name:
            return _arithmetic(name, [cell.key for cell in cells if cell.rank == NUMBER])
        case name:
            compared = [cell for cell in cells if cell.rank != NOTHING]
            choose = min if name == "MIN" else max
            return choose(compared, key=_extreme).raw if compared else None


def _extreme(cell: Value) -> tuple[int, Any, str]:
    return (cell.rank, cell.key, cell.raw if isinstance(cell.raw, str) else "")


def _arithmetic(name: str, numbers: list[float]) -> float | None:
    if not numbers:
        return None
    return sum(numbers) if name == "SUM" else sum(numbers) / len(numbers)
