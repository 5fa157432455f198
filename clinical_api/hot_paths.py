"""Paths that an operator has declared to be asked often, and their indexes on the leaf tables.

A declared path means columns of whatever leaf tables hold it.  Its indexes are built by the
migrator, one by one, without a lock that writers wait for; what a new template adds to them comes
with the template, as long as its tables are empty.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from clinical_api import tables
from clinical_api.queries import malformed
from clinical_api.registry import Registry
from moiety import aql
from moiety.aql import AqlError, AqlNotSupported, HotColumn
from moiety.kit.errors import NotFound, Unprocessable
from moiety.openehr.template import Template

_NEW = -1


@dataclass(frozen=True, slots=True)
class Index:
    """A column of a declared path.  `size`: octets; `scans`: how often it has served.

    `state`: "ready", "missing", or "broken" by a build that was interrupted.
    """

    path: str
    column: HotColumn
    state: str
    size: int
    scans: int


def declare(connection: sa.Connection, path: str) -> frozenset[HotColumn]:
    """Declare a path; every process uses its indexes from the next query on.

    Raises Malformed for what is no path, and NotFound for one that no template gives a column.
    """
    templates = Registry().current(connection).templates
    columns = _columns(path, templates)
    if not columns:
        raise NotFound(
            "No template has this path as a column: a path ends in a value, as …/value/magnitude."
        )
    rows = [_row(path, column) for column in columns]
    connection.execute(insert(tables.hot_index).on_conflict_do_nothing(), rows)
    _changed(connection)
    return columns


def withdraw(connection: sa.Connection, path: str) -> frozenset[HotColumn]:
    """Take a declaration back: the columns that no other path means.  Raises NotFound."""
    h = tables.hot_index
    columns = (h.c.table_name, h.c.column_name, h.c.kind)
    gone = {
        HotColumn(*row)
        for row in connection.execute(h.delete().where(h.c.path == path).returning(*columns))
    }
    if not gone:
        raise NotFound("This path is not declared: see `moiety clinical index list`.")
    _changed(connection)
    return frozenset(gone - {HotColumn(*row) for row in connection.execute(sa.select(*columns))})


def build(url: str, column: HotColumn) -> None:
    """Build the index of a column where it is missing or broken, as the migrator.

    Writers go on meanwhile.  Raises Unprocessable where a long transaction kept it from the table.
    """
    name = _name(column)
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        if _state(connection, column) == "ready":
            return
        try:
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS leaf.{name}".encode())
            made = connection.execute(
                "SELECT leaf.index_text(%s, %s, %s, 'CONCURRENTLY')",
                (column.table, column.column, column.kind),
            ).fetchone()
            connection.execute(made[0] if made else "")
            connection.execute(f"ANALYZE leaf.{column.table}".encode())
        except psycopg.errors.LockNotAvailable:
            raise Unprocessable("The table is in use by a long transaction: try again.") from None


def drop(url: str, column: HotColumn) -> None:
    """Drop the index of a column, as the migrator, without a lock that anybody waits for."""
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS leaf.{_name(column)}".encode())


def listed(connection: sa.Connection) -> Iterator[Index]:
    """Every column of every declared path, and how its index does."""
    for row in connection.execute(sa.text(_LISTED)):
        column = HotColumn(row.table_name, row.column_name, row.kind)
        state = {True: "ready", False: "broken", None: "missing"}[row.valid]
        yield Index(row.path, column, state, row.size or 0, row.scans or 0)


def follow(connection: sa.Connection, template: Template) -> None:
    """Give what a new template adds to declared paths its indexes, where that takes no time.

    A table that has rows keeps without: `listed` says so, and `build` makes up for it.
    """
    h = tables.hot_index
    for path in connection.scalars(sa.select(h.c.path).distinct()).all():
        for column in sorted(_columns(path, {_NEW: template})):
            kept = sa.func.leaf.keep_index(path, column.table, column.column, column.kind)
            connection.execute(sa.select(kept))


# --- parts ---------------------------------------------------------------------------------------

_LISTED = """
SELECT h.path, h.table_name, h.column_name, h.kind, i.indisvalid AS valid,
  pg_relation_size(c.oid) AS size, s.idx_scan AS scans
FROM hot_index h
LEFT JOIN pg_class c ON c.relnamespace = 'leaf'::regnamespace
  AND c.relname = 'hot_' || substr(h.table_name, 3) || '_' || substr(h.column_name, 3)
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = c.oid
ORDER BY h.path, h.table_name, h.column_name
"""
_STATE = """
SELECT i.indisvalid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relnamespace = 'leaf'::regnamespace AND c.relname = %s
"""


def _columns(path: str, templates: Mapping[int, Template]) -> frozenset[HotColumn]:
    try:
        return aql.hot_columns(path, templates)
    except AqlError as error:
        raise malformed(error) from None
    except AqlNotSupported:
        raise NotFound("A path of this kind has no column.") from None


def _row(path: str, column: HotColumn) -> dict[str, str]:
    names = {"table_name": column.table, "column_name": column.column, "kind": column.kind}
    return {"path": path, **names}


def _changed(connection: sa.Connection) -> None:
    """Plans know which columns are hot, and depend on the registry's version."""
    connection.execute(tables.registry.update().values(version=uuid4()))


def _name(column: HotColumn) -> str:
    """As `leaf.index_text` names it."""
    return f"hot_{column.table[2:]}_{column.column[2:]}"


def _state(connection: psycopg.Connection[tuple[bool]], column: HotColumn) -> str:
    row = connection.execute(_STATE, (_name(column),)).fetchone()
    return "missing" if row is None else "ready" if row[0] else "broken"


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
