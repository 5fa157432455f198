"""The columns of rows, by the cells and kinds that they hold, and how they are put in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from moiety.aql.plan import Plan
from moiety.aql.sql import Layout
from moiety.aql.values import BOOLEAN, CALENDAR, DURATION, NUMBER, TEXT

_NUMBERS = ("integer", "real")


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of rows by cell and kind, the temporal rank of each cell, which are objects, and
    which are a date or time in one template and a text in another.
    """

    rows: sa.FromClause
    by_cell: Mapping[int, Mapping[str, sa.ColumnElement[Any]]]
    rank: Mapping[int, int]
    whole: frozenset[int]
    mixed: frozenset[int]

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


def columns(plan: Plan, rows: sa.FromClause, found: Layout) -> Columns:
    """The columns of a statement whose rows have a layout."""
    by_cell: dict[int, dict[str, sa.ColumnElement[Any]]] = {}
    for place, (cell, kind) in enumerate(found):
        by_cell.setdefault(cell, {})[kind] = rows.c[f"c{place}"]
    told = {cell: [branch.cells[cell] for branch in plan.branches] for cell in by_cell}
    rank = {
        cell: max((abs(each.rank) for each in cells), default=0) for cell, cells in told.items()
    }
    whole = frozenset(cell for cell, cells in told.items() if any(each.whole for each in cells))
    mixed = frozenset(
        cell for cell, cells in told.items()
        if any(
            each.rank <= 0 and any(choice.kind == "text" for choice in each.alternatives)
            for each in cells
        )
    )  # fmt: skip
    return Columns(rows, by_cell, rank, whole, mixed)


def order(table: Columns, cell: int, descending: bool) -> list[sa.ColumnElement[Any]]:
    """Keys of ORDER BY: the rank where several may meet, then what compares in each."""
    found, timed = table.of(cell), table.timed(cell)
    compared: list[tuple[int, sa.ColumnElement[Any]]] = []
    if timed:
        compared.append((table.rank[cell], found["instant"]))
        if cell in table.mixed and "text" in found and cell not in table.whole:
            alone = sa.case((found["instant"].is_(None), found["text"]))
            compared.append((TEXT, alone))
    elif "text" in found and cell not in table.whole:
        compared.append((TEXT, found["text"]))
    if "timestamp" in found:
        compared.append((CALENDAR, found["timestamp"]))
    number = table.number(cell)
    if number is not None:
        compared.append((NUMBER, number))
    if "boolean" in found:
        compared.append((BOOLEAN, found["boolean"]))
    keys = [column for _, column in compared]
    if len(compared) > 1:
        keys.insert(0, sa.case(*((c.is_not(None), sa.literal(rank)) for rank, c in compared)))
    return [directed(key, descending=descending) for key in keys]


def directed(key: sa.ColumnElement[Any], *, descending: bool) -> sa.ColumnElement[Any]:
    """A key of ORDER BY; nulls are last in ascending order."""
    return key.desc().nulls_first() if descending else key.asc().nulls_last()
