"""Columns of SQL → outputs of a result.

Where rows answer alone, SQL has done everything; most columns are outputs as they come.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec

_AS_IS = frozenset({"text", "real", "integer", "boolean"})


def shown(
    rows: Iterable[Any], outputs: tuple[tuple[str, ...], ...], unpack: Callable[[bytes], bytes]
) -> list[Any]:
    """Rows of outputs; each output comes in columns of some kinds, one of them not null.

    A document is its JSON as it is (`msgspec.Raw`).
    """
    if all(len(kinds) == 1 and kinds[0] in _AS_IS for kinds in outputs):
        return list(map(tuple, rows))
    readers = {
        "timestamp": stamp,
        "document": lambda document: msgspec.Raw(unpack(document)),
        "aggregate": _number,
    }
    told = [
        [(place, readers.get(kind)) for place, kind in zip(range(*span), kinds, strict=True)]
        for kinds, span in zip(outputs, pairwise(_starts(outputs)), strict=True)
    ]
    return [[_first(row, columns) for columns in told] for row in rows]


def _starts(outputs: tuple[tuple[str, ...], ...]) -> list[int]:
    starts = [0]
    for kinds in outputs:
        starts.append(starts[-1] + len(kinds))
    return starts


def _first(row: Any, columns: list[tuple[int, Callable[[Any], Any] | None]]) -> Any:
    for place, read in columns:
        if row[place] is not None:
            return row[place] if read is None else read(row[place])
    return None


def stamp(moment: datetime) -> str:
    """A time of the database as openEHR writes it, whatever zone the session has."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _number(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return stamp(cell)
    if isinstance(cell, Decimal):
        return int(cell) if cell == cell.to_integral_value() else float(cell)
    return cell
