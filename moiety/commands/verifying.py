"""The whole trail of a database, checked by several processes.

Each has a connection of its own in one snapshot, reads a piece, checks it and forgets it; here the
pieces are held against the heads in their order.  So the memory that it takes does not grow with
the trail, but for the heads.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from linkage_vault import trail
from linkage_vault.keys import public_key_of
from linkage_vault.trail_tables import trail_leaf
from linkage_vault.tree_heads import TreeHead
from linkage_vault.verification import PIECE, Joined, Piece, Report, check_piece
from moiety.commands import issue

_SMALL = 16 * PIECE  # entries: of fewer, starting processes takes longer than checking
_LEAST = -(1 << 63)  # a position that nobody gave may be anywhere
_MOST = 8  # processes: PostgreSQL, which reads for them, has as much to do as two

Told = Callable[[int, int], None]
"""Called with the entries that are checked, and how many the newest head covers."""
_Check = Callable[[int, list[int]], Piece]


def verify(database_url: str, public_key: str, kept: Iterable[TreeHead], *, told: Told) -> Report:
    """Every row and head of a vault's database, and the heads that a witness `kept`.

    `public_key`: 64 hexadecimal digits.  Raises ValueError for another form.
    """
    key = public_key_of(public_key)
    with issue.engine(database_url).connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        joined = Joined([*trail.heads(connection), *kept], key)
        snapshot = connection.scalar(sa.text("SELECT pg_export_snapshot()"))
        processes = min(_MOST, len(os.sched_getaffinity(0))) if joined.newest > _SMALL else 0
        with _checking(database_url, snapshot, processes) as submit:
            _join(joined, submit, ahead=2 * processes + 1, told=told)
        _look_beyond(connection, joined)
        return joined.report()


def _join(
    joined: Joined,
    submit: Callable[[int, list[int]], "Future[Piece]"],
    *,
    ahead: int,
    told: Told,
) -> None:
    """Add piece after piece, with some more under way, until one is not full or has a fault."""
    under_way: deque[Future[Piece]] = deque()
    first, may_follow = 0, True
    while may_follow:
        while len(under_way) < ahead:
            under_way.append(submit(first, joined.sizes_in(first)))
            first += PIECE
        may_follow = joined.add(under_way.popleft().result())
        told(joined.size, joined.newest)
    for one in under_way:
        one.cancel()


def _look_beyond(connection: sa.Connection, joined: Joined) -> None:
    """An entry that stands alone beyond a gap as long as a piece."""
    column = trail_leaf.c.position
    query = sa.select(sa.func.min(column)).where(column >= joined.size)
    found = connection.scalar(query)
    if found is not None:
        joined.missing_before(found)


@contextmanager
def _checking(
    url: str, snapshot: str, processes: int
) -> Iterator[Callable[[int, list[int]], "Future[Piece]"]]:
    """How a piece is given to be checked: to a process, or none at all."""
    if not processes:
        with _open(url, snapshot) as connection:
            yield partial(_at_once, partial(_check, connection))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin, (url, snapshot)) as pool:
        yield lambda first, sizes: pool.submit(_check_here, first, sizes)


def _at_once(check: _Check, first: int, sizes: list[int]) -> "Future[Piece]":
    done: Future[Piece] = Future()
    done.set_result(check(first, sizes))
    return done


def _check(connection: psycopg.Connection[Any], first: int, sizes: list[int]) -> Piece:
    given = {"first": first or _LEAST, "end": first + PIECE}
    rows = connection.execute(trail.BARE, given, binary=True, prepare=True).fetchall()
    return check_piece(first, rows, sizes)


def _open(url: str, snapshot: str) -> psycopg.Connection[Any]:
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(plain)
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
    return connection


# --- in a process of its own ---------------------------------------------------------------------

_here: dict[str, psycopg.Connection[Any]] = {}


def _begin(url: str, snapshot: str) -> None:
    """Connect, for the life of the process."""
    _here["connection"] = _open(url, snapshot)


def _check_here(first: int, sizes: list[int]) -> Piece:
    return _check(_here["connection"], first, sizes)
