"""Engines: connections to one database, each looked at before it is used.

A connection that a restarted server has left behind has the server's farewell, or the end of the
stream, waiting in its socket.  Looking there costs microseconds; asking the server (a ping) costs a
round trip each time a connection is taken, and of a short question that is most of the way.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import InvalidatePoolError

_WAIT = 5  # seconds for a free connection
CONNECT: Mapping[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""What libpq is told: seconds for a new connection, and how soon a silent network is noticed (the
last in milliseconds)."""


def open_engine(url: str | sa.URL, *, connections: int) -> sa.Engine:
    """An engine of psycopg 3 that keeps as many connections; whoever finds none free waits.

    A connection left behind by a restarted server is replaced before use, with all its like.
    """
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_WAIT,
        connect_args=dict(CONNECT),
    )
    sa.event.listen(engine, "checkout", _demand_alive)
    return engine


class Asks(Protocol):
    """What is asked with plain statements: `singles.Singles` and `singles.Transaction`."""

    def all(self, statement: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows that a statement answers."""


Source: TypeAlias = sa.Connection | Asks


def rows_of(source: Source, statement: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a plain statement in a connection's transaction; none where it answers none.

    Prepared, and past SQLAlchemy's compiler and result, which cost a short question as much again.
    Raises psycopg's errors.
    """
    if not isinstance(source, sa.Connection):
        return source.all(statement, given)
    driver: Any = source.connection.driver_connection
    cursor = driver.execute(statement, given, prepare=True, binary=True)
    answer = cursor.pgresult
    return cursor.fetchall() if answer is not None and answer.nfields else []


def is_alive(connection: psycopg.Connection[Any]) -> bool:
    """Whether nothing has come from the server unasked: its farewell is all that it would say."""
    try:
        connection.pgconn.consume_input()
    except psycopg.Error:
        return False
    return not connection.broken


def _demand_alive(connection: Any, _record: object, _fairy: object) -> None:
    if not is_alive(connection):
        raise InvalidatePoolError
