"""Statements from threads, each round trip worth it.

An engine's connection begins, runs and commits: three round trips, and for each as much of the
interpreter again.  These connections are written to libpq directly (`pipelines.py`): a statement
that says all it has to say in one commits by itself, several go together, and a transaction that
must look before it goes on begins with its first statements and commits with its last.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa

from moiety.kit.errors import Unavailable
from moiety.kit.pipelines import Rows, Statement, ThreadPipeline, open_thread_pipeline

CONNECTIONS = 8
_PATIENCE = 5.0
_PREPARED = 500
# The parameters never decide how these statements are best run; planning for each would cost more
# than running.  A plan is kept while its tables grow, so it must not be one for small tables.
_OPTIONS = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off"

Asked: TypeAlias = tuple[str, Mapping[str, Any]]
"""A statement with `%(name)s` or `%(name)b` parameters, and the parameters."""


class Transaction:
    """One transaction of `Singles.transaction`."""

    def __init__(self, line: ThreadPipeline) -> None:
        self._line = line
        self._has_begun = False

    def all(self, statement: str, given: Mapping[str, Any]) -> Rows:
        """The rows that a statement answers."""
        return self.each([(statement, given)])[0]

    def each(self, asked: Sequence[Asked], *, is_last: bool = False) -> list[Rows]:
        """The rows of each statement, in one round trip; `is_last`: committed when this returns."""
        before = [] if self._has_begun else [_BEGIN]
        self._has_begun = True
        answers = self._line.run([*before, *map(_written, asked), *([_COMMIT] if is_last else [])])
        return answers[len(before) : len(before) + len(asked)]


class Singles:
    """A few connections to one database, shared by threads; they end with the engine's."""

    def __init__(self, engine: sa.Engine, *, connections: int = CONNECTIONS) -> None:
        url = engine.url.set(drivername="postgresql")
        self._url = url.render_as_string(hide_password=False)
        self._free: list[ThreadPipeline] = []
        self._places = threading.BoundedSemaphore(connections)
        sa.event.listen(engine, "engine_disposed", lambda _engine: self.close())

    def one(self, statement: str, given: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The row that a statement answers, or None; errors as `all`."""
        rows = self.all(statement, given)
        return rows[0] if rows else None

    def all(self, statement: str, given: Mapping[str, Any]) -> Rows:
        """The rows that a statement answers; committed when this returns.

        A connection that a restarted server has left behind is dropped, and the statement asked
        where it can't have been run.  Raises psycopg's errors, and Unavailable when every
        connection stays busy.
        """
        return self.each([(statement, given)])[0]

    def each(self, asked: Sequence[Asked]) -> list[Rows]:
        """The rows of each statement: one transaction, in one round trip; errors as `all`."""
        with self._line() as line:
            return line.run([_written(one) for one in asked])

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction, committed at the end, rolled back on an error; errors as `all`."""
        with self._line() as line:
            try:
                yield Transaction(line)
            except BaseException:
                if line.is_open:
                    line.run([_ROLLBACK])
                raise
            if line.is_open:
                line.run([_COMMIT])

    def close(self) -> None:
        """Close what is free."""
        while self._free:
            self._free.pop().close()

    @contextmanager
    def _line(self) -> Iterator[ThreadPipeline]:
        if not self._places.acquire(timeout=_PATIENCE):
            raise Unavailable
        try:
            line = self._taken()
            try:
                yield line
            finally:
                self._give_back(line)
        finally:
            self._places.release()

    def _taken(self) -> ThreadPipeline:
        """A free connection that still answers, or a new one."""
        while self._free:
            try:
                line = self._free.pop()
            except IndexError:  # another thread was faster
                break
            if line.is_alive():
                return line
            line.close()
        return open_thread_pipeline(self._url, prepared=_PREPARED, options=_OPTIONS)

    def _give_back(self, line: ThreadPipeline) -> None:
        """Keep a connection that waits for nothing; one that was given up half way is closed."""
        if line.broken or not line.is_idle:
            line.close()
        else:
            self._free.append(line)


def _written(asked: Asked) -> Statement:
    statement, given = asked
    text, names = _positional(statement)
    return text, [given[name] for name in names]


@lru_cache(maxsize=1024)
def _positional(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """A statement with $1, $2, … in place of its named parameters, and their names in order."""
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        return f"${numbers.setdefault(found[1], len(numbers) + 1)}"

    return re.sub(r"%\((\w+)\)[sb]", numbered, statement).encode(), tuple(numbers)


_BEGIN: Statement = (b"BEGIN", ())
_COMMIT: Statement = (b"COMMIT", ())
_ROLLBACK: Statement = (b"ROLLBACK", ())
