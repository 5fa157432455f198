"""Short questions, asked on the event loop itself.

What every request asks (whose key is this, where is that document) is one statement that reads a
few rows.  Handing it to a thread costs more than the answer: two wake-ups, and the interpreter lock
in between.  So a few connections of their own are read here without any thread.
"""

import asyncio
from collections.abc import Hashable, Sequence
from contextvars import Context
from typing import Any, TypeAlias

import psycopg

from moiety.kit.errors import Unavailable
from moiety.kit.pipelines import Pipeline, Rows, open_pipeline

CONNECTIONS = 8
"""The most connections that one Reads opens."""
_PATIENCE = 5
_PREPARED = 500


Row: TypeAlias = tuple[Any, ...]


class Reads:
    """The reading connections of one organisation's database; for one event loop.

    Every statement is its own transaction and so its own snapshot.  Connections are opened when
    they are first needed, and the one used last is taken first.
    """

    def __init__(self, url: str, *, connections: int = CONNECTIONS) -> None:
        self._url = url
        self._free: list[Pipeline] = []
        self._places = asyncio.Semaphore(connections)

    async def ask(self, statement: bytes, parameters: Sequence[Any]) -> Rows:
        """The rows of a statement whose parameters are written $1, $2, …

        A connection that a restarted server has left behind is dropped with its like, and the
        question asked once more.  Raises Unavailable when every connection stays busy, and
        psycopg.OperationalError without a server.
        """
        await self._enter()
        try:
            if self._free:
                try:
                    return await self._run(self._free.pop(), statement, parameters)
                except psycopg.OperationalError as error:
                    if isinstance(error, psycopg.errors.QueryCanceled):
                        raise
                    await self._drop_free()
            return await self._run(await self._open(), statement, parameters)
        finally:
            self._places.release()

    async def close(self) -> None:
        """Close what is free; a question under way closes its own."""
        await self._drop_free()

    async def _enter(self) -> None:
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable from None

    async def _run(self, connection: Pipeline, statement: bytes, parameters: Sequence[Any]) -> Rows:
        try:
            (rows,) = await connection.run([(statement, parameters)])
        except psycopg.Error:
            await self._give_back(connection)
            raise
        except BaseException:
            # Given up half way: what the connection would answer next is not known.
            await connection.close()
            raise
        self._free.append(connection)
        return rows

    async def _give_back(self, connection: Pipeline) -> None:
        if connection.broken:
            await connection.close()
        else:
            self._free.append(connection)

    async def _open(self) -> Pipeline:
        return await open_pipeline(self._url, prepared=_PREPARED)

    async def _drop_free(self) -> None:
        while self._free:
            await self._free.pop().close()


class Together:
    """One statement about many things of a kind, such as keys, as the event loop asks about each.

    Requests that come while one is asked wait for the next, which is asked for all of them
    together: each is answered by a question asked after it came, and many share its cost.

    The statement takes an array for each part of a question, and answers at most one row a
    question: first its number, from 1, then what `find` returns.
    """

    def __init__(self, reads: Reads, statement: bytes) -> None:
        self._reads = reads
        self._statement = statement
        self._waiting: dict[tuple[Hashable, ...], list[asyncio.Future[Row | None]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def find(self, *question: Hashable) -> Row | None:
        """The row of one question, or None; errors as `Reads.ask`."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(question, []).append(answer)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), context=Context())
        found: Row | None = await answer
        return found

    async def _ask(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            found: dict[int, Row] = {}
            failure: Exception | None = None
            columns = [list(column) for column in zip(*asked, strict=True)]
            try:
                rows = await self._reads.ask(self._statement, columns)
                found = {number: tuple(row) for number, *row in rows}
            except Exception as error:  # noqa: BLE001  whoever waits must be told, whatever it is
                failure = error
            for number, answers in enumerate(asked.values(), 1):
                for answer in answers:
                    _settle(answer, found.get(number), failure)
        self._asking = None


def _settle(
    answer: "asyncio.Future[Row | None]", row: Row | None, failure: Exception | None
) -> None:
    if answer.done():
        return  # its request has gone away
    if failure is None:
        answer.set_result(row)
    else:
        answer.set_exception(failure)
