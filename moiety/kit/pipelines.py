"""Statements that are sent together and answered together, without a thread.

psycopg's cursors send each statement of a pipeline at once and look for answers in between: a
system call, a turn of the event loop and a wake-up of the server for every one.  Here a whole batch
is written to libpq first, which sends it in one go; then the answers are read as they come.

Every statement is prepared when it is first met.  Parameters are adapted, and rows loaded, by
psycopg's own adapters.
"""

import asyncio
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

from moiety.kit.engines import CONNECT

Rows = list[tuple[Any, ...]]
Statement = tuple[bytes, Sequence[Any]]
"""A text whose parameters are written $1, $2, …, and the parameters."""
_Key: TypeAlias = tuple[bytes, tuple[int, ...]]
_BINARY = 1
_LOST = "the connection to the server is lost"
_AUTO = [PyFormat.AUTO] * 1000


class Pipeline:
    """A connection for one event loop, and one caller at a time.

    A caller that gives up half way must close it: what it would answer next is not known.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any], *, prepared: int) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._adapter = Transformer(connection)
        self._names: OrderedDict[_Key, bytes] = OrderedDict()
        self._most = prepared
        self._made = 0

    @property
    def broken(self) -> bool:
        """Whether it is closed, or the server is gone."""
        return bool(self._libpq.status != ConnStatus.OK)

    async def run(self, statements: Sequence[Statement]) -> list[Rows]:
        """The rows of each statement; none for one that answers no rows.

        They are one transaction, unless they say otherwise.  The first error is raised, and what
        came after it was not run; raises psycopg.OperationalError if the connection broke.
        """
        if self.broken:
            raise psycopg.OperationalError(_LOST)
        forgotten = self._forget()
        new = [self._send(*statement) for statement in statements]
        self._libpq.pipeline_sync()
        answers = await self._answers()
        return self._rows(answers[forgotten:], new)

    async def rollback(self) -> None:
        """End a transaction that is still open."""
        if self._libpq.transaction_status != TransactionStatus.IDLE:
            await self.run([(b"ROLLBACK", ())])

    async def close(self) -> None:
        """Give back the connection."""
        await self._connection.close()

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

    async def _answers(self) -> list[PGresult]:
        """Everything the server answers, up to the end of the pipeline."""
        libpq, found = self._libpq, list[PGresult]()
        unsent = libpq.flush()
        while True:
            await _ready(libpq.socket, writing=bool(unsent))
            libpq.consume_input()
            if unsent:
                unsent = libpq.flush()
            while not libpq.is_busy():
                result = libpq.get_result()
                if result is None:
                    if libpq.status != ConnStatus.OK:
                        raise psycopg.OperationalError(_LOST)
                elif result.status == ExecStatus.PIPELINE_SYNC:
                    return found
                else:
                    found.append(result)

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


async def open_pipeline(url: str, *, prepared: int, options: str = "") -> Pipeline:
    """Connect.  Statements over `prepared` make the server forget the one used longest ago."""
    connection = await psycopg.AsyncConnection.connect(
        url, autocommit=True, options=options, **CONNECT
    )
    set_json_dumps(msgspec.json.encode, connection)
    connection.pgconn.enter_pipeline_mode()
    return Pipeline(connection, prepared=prepared)


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
