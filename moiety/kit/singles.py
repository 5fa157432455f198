"""Single statements from threads, each its own transaction, in one round trip.

An engine's connection is pinged, begins, runs and commits: four round trips and as much of the
interpreter again.  A statement that says all it has to say in one needs one: these connections
commit by themselves and keep their statements prepared.
"""

import threading
from collections.abc import Mapping
from typing import Any

import psycopg
import sqlalchemy as sa

from moiety.kit.engines import CONNECT, fetched, is_alive
from moiety.kit.errors import Unavailable

CONNECTIONS = 8
_PATIENCE = 5.0


class Singles:
    """A few connections to one database, shared by threads; they end with the engine's."""

    def __init__(self, engine: sa.Engine, *, connections: int = CONNECTIONS) -> None:
        url = engine.url.set(drivername="postgresql")
        self._url = url.render_as_string(hide_password=False)
        self._free: list[psycopg.Connection[Any]] = []
        self._places = threading.BoundedSemaphore(connections)
        sa.event.listen(engine, "engine_disposed", lambda _engine: self.close())

    def one(self, statement: str, given: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The row that a statement answers, or None; errors as `all`."""
        rows = self.all(statement, given)
        return rows[0] if rows else None

    def all(self, statement: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows that a statement answers; committed when this returns.

        A connection that a restarted server has left behind is dropped, and the statement asked
        once more where it can't have been run.  Raises psycopg's errors, and Unavailable when every
        connection stays busy.
        """
        if not self._places.acquire(timeout=_PATIENCE):
            raise Unavailable
        try:
            connection = self._taken()
            try:
                rows = fetched(connection.execute(statement, given, prepare=True, binary=True))
            except psycopg.Error:
                self._give_back(connection)
                raise
            except BaseException:
                connection.close()
                raise
            self._give_back(connection)
            return rows
        finally:
            self._places.release()

    def close(self) -> None:
        """Close what is free."""
        while self._free:
            self._free.pop().close()

    def _taken(self) -> psycopg.Connection[Any]:
        """A free connection that still answers, or a new one."""
        while self._free:
            try:
                connection = self._free.pop()
            except IndexError:  # another thread was faster
                break
            if is_alive(connection):
                return connection
            connection.close()
        return psycopg.connect(self._url, autocommit=True, **CONNECT)

    def _give_back(self, connection: psycopg.Connection[Any]) -> None:
        if connection.closed or connection.broken:
            connection.close()
        else:
            self._free.append(connection)
