"""`moiety shuffle`: rows in no order, so that the heap does not tell when each was written.

A row's place in its table, and the number of the transaction that wrote it, are as good as its
time: whoever has two databases joins them by order.  So each night every row of the demographic
database, the vault and the shred store is written anew, in random order, by transactions that each
hold a slice of random keys.  Readers go on; writers of a table wait for a slice, not for the table.

The trail is a chain: its order is its own, and its entries are sealed.
"""

import itertools
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

DATABASES = ("demographic", "vault", "shred")
ORDERED = frozenset({"trail_leaf", "trail_head", "trail_node", "trail_personal", "alembic_version"})
SLICE = 20_000  # rows that one transaction moves, about
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, NULL)
FROM pg_attribute a
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum
"""
_FIRST_OF_KEY = """
SELECT a.attname FROM pg_index i JOIN pg_attribute a
  ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = %s::regclass AND i.indisprimary
"""


@dataclass(frozen=True, slots=True)
class Shuffled:
    """What was done: tables and rows."""

    tables: int
    rows: int


def run(
    url: str, *, size: int = SLICE, told: Callable[[str, int], None] = lambda _table, _rows: None
) -> Shuffled:
    """Shuffles the database at `url`, as the owner of its tables."""
    rows = 0
    with psycopg.connect(url, autocommit=True) as connection:
        tables = _tables(connection)
        for table in tables:
            moved = _shuffle_table(connection, table, size)
            # What was deleted leaves its pages: dead rows keep the order.
            connection.execute(sql.SQL("VACUUM {}").format(sql.Identifier(table)))
            told(table, moved)
            rows += moved
    return Shuffled(len(tables), rows)


def _tables(connection: psycopg.Connection) -> list[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    return [name for (name,) in connection.execute(query) if name not in ORDERED]


def _shuffle_table(connection: psycopg.Connection, table: str, size: int) -> int:
    name = sql.Identifier(table)
    (count,) = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone() or (
        0,
    )
    columns: dict[str, str] = dict(connection.execute(_COLUMNS, (table,)).fetchall())
    (key,) = connection.execute(_FIRST_OF_KEY, (table,)).fetchone() or (None,)
    bounds = _bounds(columns.get(key, ""), max(1, -(-count // size)))
    secrets.SystemRandom().shuffle(bounds)
    listed = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    moved = 0
    for low, high in bounds:
        which = _between(key, low, high)
        with connection.transaction():
            # Against writers alone: a row must not seem to be gone to who wants to change it.
            connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(name))
            done = connection.execute(
                sql.SQL(
                    "WITH gone AS (DELETE FROM {} WHERE {} RETURNING *)"
                    " INSERT INTO {} ({}) SELECT {} FROM gone ORDER BY random()"
                ).format(name, which, name, listed, listed)
            )
            moved += done.rowcount
    return moved


def _between(key: str | None, low: object, high: object) -> sql.Composable:
    if key is None or (low is None and high is None):
        return sql.SQL("true")
    column = sql.Identifier(key)
    parts: Sequence[sql.Composable] = [
        *([] if low is None else [sql.SQL("{} >= {}").format(column, low)]),
        *([] if high is None else [sql.SQL("{} < {}").format(column, high)]),
    ]
    return sql.SQL(" AND ").join(parts)


def _bounds(kind: str, slices: int) -> list[tuple[object, object]]:
    """Ranges of a random key, of about equal shares; any other key is one range."""
    if kind not in {"uuid", "bytea"} or slices == 1:
        return [(None, None)]
    edges = [_edge(kind, number * 65_536 // slices) for number in range(1, min(slices, 65_536))]
    return list(itertools.pairwise([None, *edges, None]))


def _edge(kind: str, prefix: int) -> object:
    from uuid import UUID

    if kind == "uuid":
        return UUID(int=prefix << 112)
    return prefix.to_bytes(2, "big")
