"""Statements that are sent together and answered together, on an event loop or in a thread.

psycopg's cursors send each statement of a pipeline at once and look for answers in between: a
system call, a turn of the event loop and a wake-up of the server for every one.  Here a whole batch
is written to libpq first, which sends it in one go; then the answers are read as they come.

Every statement is prepared when it is first met.  Parameters are adapted, and rows loaded, by
psycopg's own adapters.
"""

import asyncio
import select
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec
import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.json import set_json_dumps

from moiety.kit.engines import CONNECT, is_alive

Rows = list[tuple[Any, ...]]
Statement = tuple[bytes, Sequence[Any]]
"""A text whose parameters are written $1, $2, …, and the parameters."""
_Key: TypeAlias = tuple[bytes, tuple[int, ...]]
_BINARY = 1
_OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
_LOST = "the connection to the server is lost"
_AUTO = [PyFormat.AUTO] * 1000


class _Line:
    """A connection in libpq's pipeline mode, for one caller at a time.

    A caller that gives up half way must close it: what it would answer next is not known.
    """

    def __init__(self, connection: psycopg.BaseConnection[Any], *, prepared: int) -> None:
        self._libpq = connection.pgconn
        self._adapter = Transformer(connection)
        self._names: OrderedDict[_Key, bytes] = OrderedDict()
        self._most = prepared
        self._made = 0

    @property
    def broken(self) -> bool:
        """Whether it is closed, or the server is gone."""
        return bool(self._libpq.status != ConnStatus.OK)

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is open."""
        return bool(self._libpq.transaction_status == TransactionStatus.IDLE)

    @property
    def is_open(self) -> bool:
        """Whether a transaction is open, and nothing else under way."""
        return self._libpq.transaction_status in _OPEN

    def _write(self, statements: Sequence[Statement]) -> tuple[int, list[_Key | None]]:
        """Hand everything to libpq: how many answers come before the first statement's, and what
        was prepared just now.
        """
        if self.broken:
            raise psycopg.OperationalError(_LOST)
        forgotten = self._forget()
        new = [self._send(*statement) for statement in statements]
        self._libpq.pipeline_sync()
        return forgotten, new

    def _read(self, found: list[PGresult]) -> bool:
        """Take the answers that have come; whether they are all."""
        libpq = self._libpq
        libpq.consume_input()
        while not libpq.is_busy():
            result = libpq.get_result()
            if result is None:
                if libpq.status != ConnStatus.OK:
                    raise psycopg.OperationalError(_LOST)
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return True
            else:
                found.append(result)
        return False

    def _forget(self) -> int:
        """Have the server forget what was prepared and is over the limit; how many that are."""
        over = max(0, len(self._names) - self._most)
        for _ in range(over):
            _, name = self._names.popitem(last=False)
            self._libpq.send_query_params(b"DEALLOCATE %s" % name, None)
        return over

    def _send(self, text: bytes, parameters: Sequence[Any]) -> _Key | None:
        """Write a statement to libpq; the key under which it was prepared just now, if it was."""
        adapter, libpq, new = self._adapter, self._libpq, None
        values = adapter.dump_sequence(parameters, _AUTO[: len(parameters)]) if parameters else ()
        types = (adapter.types or ()) if parameters else ()
        name = self._names.get((text, types))
        if name is None:
            new = (text, types)
            name = self._prepare(*new)
        else:
            self._names.move_to_end((text, types))
        formats = adapter.formats if parameters else None
        libpq.send_query_prepared(name, values, formats, result_format=_BINARY)
        return new

    def _prepare(self, text: bytes, types: tuple[int, ...]) -> bytes:
        self._made += 1
        name = b"p%d" % self._made
        self._libpq.send_prepare(name, text, types)
        self._names[text, types] = name
        return name

    def _rows(self, answers: Sequence[PGresult], new: Sequence[_Key | None]) -> list[Rows]:
        """The rows of each statement.  Raises the first error."""
        failed = next((a for a in answers if a.status == ExecStatus.FATAL_ERROR), None)
        left = iter(answers)
        if failed is not None:
            for key in new:
                if key is not None and next(left, failed).status != ExecStatus.COMMAND_OK:
                    self._names.pop(key, None)
                next(left, None)
            raise error_from_result(failed)
        found = []
        for key in new:
            if key is not None:
                next(left)
            found.append(self._loaded(next(left)))
        return found

    def _loaded(self, answer: PGresult) -> Rows:
        if answer.status != ExecStatus.TUPLES_OK:
            return []
        self._adapter.set_pgresult(answer)
        return self._adapter.load_rows(0, answer.ntuples, tuple)


class Pipeline(_Line):
    """A connection for one event loop."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], *, prepared: int) -> None:
        super().__init__(connection, prepared=prepared)
        self._connection = connection

    async def run(self, statements: Sequence[Statement]) -> list[Rows]:
        """The rows of each statement; none for one that answers no rows.

        They are one transaction, unless they say otherwise.  The first error is raised, and what
        came after it was not run; raises psycopg.OperationalError if the connection broke.
        """
        forgotten, new = self._write(statements)
        answers = await self._answers()
        return self._rows(answers[forgotten:], new)

    async def rollback(self) -> None:
        """End a transaction that is still open."""
        if not self.is_idle:
            await self.run([(b"ROLLBACK", ())])

    async def close(self) -> None:
        """Give back the connection."""
        await self._connection.close()

    async def _answers(self) -> list[PGresult]:
        """Everything the server answers, up to the end of the pipeline."""
        libpq, found = self._libpq, list[PGresult]()
        unsent = libpq.flush()
        while True:
            await _ready(libpq.socket, writing=bool(unsent))
            if self._read(found):
                return found
            if unsent:
                unsent = libpq.flush()


class ThreadPipeline(_Line):
    """The same for a thread, which waits."""

    def __init__(self, connection: psycopg.Connection[Any], *, prepared: int) -> None:
        super().__init__(connection, prepared=prepared)
        self._connection = connection
        self._poll = select.poll()

    def run(self, statements: Sequence[Statement]) -> list[Rows]:
        """As `Pipeline.run`."""
        forgotten, new = self._write(statements)
        return self._rows(self._answers()[forgotten:], new)

    def is_alive(self) -> bool:
        """Whether nothing has come from the server unasked."""
        return is_alive(self._connection)

    def close(self) -> None:
        """Give back the connection."""
        self._connection.close()

    def _answers(self) -> list[PGresult]:
        libpq, found = self._libpq, list[PGresult]()
        unsent = libpq.flush()
        while True:
            self._poll.register(libpq.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
            self._poll.poll()
            if self._read(found):
                return found
            if unsent:
                unsent = libpq.flush()


async def open_pipeline(url: str, *, prepared: int, options: str = "") -> Pipeline:
    """Connect.  Statements over `prepared` make the server forget the one used longest ago."""
    connection = await psycopg.AsyncConnection.connect(
        url, autocommit=True, options=options, **CONNECT
    )
    set_json_dumps(msgspec.json.encode, connection)
    connection.pgconn.enter_pipeline_mode()
    return Pipeline(connection, prepared=prepared)


def open_thread_pipeline(url: str, *, prepared: int, options: str = "") -> ThreadPipeline:
    """As `open_pipeline`, for a thread."""
    connection = psycopg.connect(url, autocommit=True, options=options, **CONNECT)
    set_json_dumps(msgspec.json.encode, connection)
    connection.pgconn.enter_pipeline_mode()
    return ThreadPipeline(connection, prepared=prepared)


async def _ready(socket: int, *, writing: bool) -> None:
    """Wait until the socket can be read, or written to if there is something to write."""
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    loop.add_reader(socket, _wake, woken)
    if writing:
        loop.add_writer(socket, _wake, woken)
    try:
        await woken
    finally:
        loop.remove_reader(socket)
        if writing:
            loop.remove_writer(socket)


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)
