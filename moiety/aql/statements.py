"""Statements as the driver takes them: text with $1, $2, … and how parameters are filled in.

SQLAlchemy writes each once, when a query is compiled; a run needs its values alone. `guarded`
makes of a statement one that says by itself whether its answer is the whole truth, so that
nothing has to be asked before it, in the same snapshot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from moiety.aql.blanks import Blanks, Fill, Given

_DIALECT = postgresql.psycopg.dialect(  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here
    paramstyle="numeric_dollar"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` is UTF-8, its parameters are $1, $2, … in the order of `parameters`."""

    text: bytes
    fills: tuple[Fill, ...]

    def parameters(self, given: Given) -> list[Any]:
        """The parameters of a run."""
        return [fill(given) for fill in self.fills]


def statement(select: sa.SelectBase, blanks: Blanks) -> Statement:
    """A SELECT written out."""
    written = select.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    names: Sequence[str] = written.positiontup or ()
    fills = tuple(_fill(name, written.params, blanks) for name in names)
    return Statement(str(written).encode(), fills)


def _fill(name: str, constants: Mapping[str, Any], blanks: Blanks) -> Fill:
    """One parameter; a whole number goes as text, for its type would change with its size."""
    fill = blanks.fills.get(name)
    if fill is None:
        told = _wire(constants[name])
        return lambda _: told
    return lambda given: _wire(fill(given))


def _wire(value: Any) -> Any:
    return str(value) if type(value) is int else value


def guarded(chosen: sa.Select[Any], gate: sa.ColumnElement[bool], *, paged: bool) -> sa.Select[Any]:
    """`chosen`, asked only where `gate` is true: the columns `alone`, `there`, and its own.

    A row always comes. In the first, `alone` is false where the gate is not true, and `there` is
    null where `chosen` has no row. Its order is kept: the join with one row has one way to go. The
    OFFSETs keep PostgreSQL from asking the gate for each row, and from taking `chosen` apart, and
    so from reading it in vain.
    """
    nothing: sa.ColumnElement[int] = sa.literal_column("0")
    alone = sa.func.coalesce(gate, sa.false()).label("alone")
    guard = sa.select(alone).offset(nothing).subquery("g")
    there: sa.Label[Any] = sa.literal_column("true").label("there")
    whole = (chosen if paged else chosen.offset(nothing)).subquery("w")
    # Around all that is done to rows: the fewest pass it.
    closed = sa.select(*whole.c, there).where(guard.c.alone).offset(nothing)
    rows = closed.lateral("a")
    told = [column for column in rows.c if column.key != "there"]
    return sa.select(guard.c.alone, rows.c.there, *told).select_from(
        guard.outerjoin(rows, sa.true())
    )
