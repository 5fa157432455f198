"""The queue in which concurrent commits share a transaction.

A durable COMMIT waits for the disk, so one transaction for up to 32 commits costs hardly more than
one.  A commit is told as statements and what their answers mean, so a route holds no connection and
the queue sends a whole batch, COMMIT and all, in one pipeline: one round trip, no thread.
Nothing is answered before COMMIT:

1. A writer takes what is waiting, sorted by `order`, so that two transactions lock alike.
2. Commits of one statement go together.  "Not found", "conflict" and "stale version" are zero-row
   results that change nothing: that commit's caller gets the error, the others go on.  A commit of
   several statements has a transaction of its own, and all or nothing of it stays.
3. COMMIT; only then every caller gets its result.
4. A database error rolls back all; the members are run again singly, deadlocks up to three times.
5. If the outcome of COMMIT is unknown (the connection broke), the ids given beforehand are looked
   up before anybody is answered.
"""

import asyncio
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
import structlog

from moiety.kit.errors import ServiceError, Unavailable
from moiety.kit.pipelines import Pipeline, Rows, Statement, open_pipeline
from moiety.kit.traces import span

Row = tuple[Any, ...] | None
_LARGEST = 32
_TRIES = 3
_PATIENCE = 10.0
_PAUSE = 0.05
_IDLE = 1.0
_PREPARED = 1000
# The parameters never decide how these statements are best run; planning for each would cost more
# than running.
_OPTIONS = "-c plan_cache_mode=force_generic_plan"
_BEGIN: Statement = (b"BEGIN", ())
_COMMIT: Statement = (b"COMMIT", ())


@dataclass(frozen=True, slots=True)
class Step:
    """A statement with `%(name)s` parameters, and the parameters."""

    statement: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Commit:
    """Work for one transaction.

    `judge` makes the result of the first row of each step, or raises a ServiceError; a commit of
    one step must then have changed nothing.  `landed` answers a row if this commit is in the
    database, by an id that was given beforehand, and `result` is what its caller gets then.
    """

    order: UUID
    steps: tuple[Step, ...]
    judge: Callable[[Sequence[Row]], None]
    landed: Step
    result: Any


class CommitQueue:
    """The writers of one organisation's database; for one event loop."""

    def __init__(self, url: str, *, writers: int = 2) -> None:
        self._url = url
        self._waiting: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._number = writers
        self._writers: list[asyncio.Task[None]] = []

    async def run(self, commit: Commit) -> Any:
        """The result of `commit`, once it is durable.  Raises its error."""
        if not self._writers:
            # A context of their own: theirs is not that of the request which came first.
            self._writers = [
                asyncio.create_task(self._write(), context=Context()) for _ in range(self._number)
            ]
        answer = asyncio.get_running_loop().create_future()
        with span("commit"):
            self._waiting.put_nowait(_Waiting(commit, answer))
            return await answer

    async def close(self) -> None:
        """Finish what waits, then stop."""
        for _ in self._writers:
            self._waiting.put_nowait(None)
        if self._writers:
            await asyncio.wait(self._writers, timeout=_PATIENCE)

    async def _write(self) -> None:
        writer = _Writer(self._url)
        stop = False
        while not stop and (first := await self._waiting.get()) is not None:
            batch, stop = self._gather(first)
            try:
                await writer.write(batch)
            except Exception as error:  # noqa: BLE001  a writer must outlive any defect
                structlog.get_logger().error("commit failed", error_kind=type(error).__name__)
                _fail(batch, error)
        await writer.close()

    def _gather(self, first: "_Waiting") -> tuple[list["_Waiting"], bool]:
        batch = [first]
        while len(batch) < _LARGEST and not self._waiting.empty():
            one = self._waiting.get_nowait()
            if one is None:
                return batch, True
            batch.append(one)
        return batch, False


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A commit and the caller that waits for it."""

    commit: Commit
    answer: "asyncio.Future[Any]"


class _Writer:
    """One connection, and the transactions on it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Pipeline | None = None
        self._used = 0.0

    async def write(self, batch: Sequence[_Waiting]) -> None:
        """Bring a batch to its end: every caller is answered."""
        together = [one for one in batch if len(one.commit.steps) == 1]
        together.sort(key=lambda one: one.commit.order)
        if together and await self._try(together, last=len(together) == 1):
            for one in together:
                await self._alone(one)
        for one in batch:
            if len(one.commit.steps) > 1:
                await self._alone(one)

    async def close(self) -> None:
        """Give back the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _alone(self, one: _Waiting) -> None:
        for attempt in range(_TRIES):
            if not await self._try([one], last=attempt + 1 == _TRIES):
                return
            # At once, a retry takes its lock again before the one it deadlocked with has woken up.
            await asyncio.sleep(_PAUSE * (attempt + random.random()))  # noqa: S311  a pause is no secret

    async def _try(self, batch: Sequence[_Waiting], *, last: bool) -> bool:
        """Run a batch in one transaction.  True: nothing of it stayed, and it is worth repeating.

        `last`: only an error that another transaction caused is worth it.
        """
        try:
            connection = await self._connected()
        except psycopg.OperationalError as error:
            _fail(batch, error)
            return False
        try:
            rows = await _transact(connection, [one.commit for one in batch])
        except ServiceError as error:
            await connection.rollback()
            _fail(batch, error)
            return False
        except psycopg.Error as error:
            if connection.broken:
                await self.close()
                await self._look_up(batch)
                return False
            await connection.rollback()
            if last and not (len(batch) == 1 and _worth_repeating(error)):
                _fail(batch, error)
                return False
            return True
        except BaseException:
            await self.close()  # stopped half way: what it would answer next is not known
            raise
        _answer(batch, rows)
        return False

    async def _connected(self) -> Pipeline:
        if self._connection is not None and time.monotonic() - self._used > _IDLE:
            await self._ping(self._connection)
        if self._connection is None or self._connection.broken:
            self._connection = await open_pipeline(self._url, prepared=_PREPARED, options=_OPTIONS)
        self._used = time.monotonic()
        return self._connection

    async def _ping(self, connection: Pipeline) -> None:
        """Drop a connection that a restarted server has left behind."""
        try:
            await connection.run([(b"SELECT", ())])
        except psycopg.OperationalError:
            await self.close()

    async def _look_up(self, batch: Sequence[_Waiting]) -> None:
        """Step 5: ask the database what became of each, for as long as a restart takes."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                connection = await self._connected()
                found = await connection.run([_sent(one.commit.landed) for one in batch])
                break
            except psycopg.OperationalError:
                await self.close()
                if time.monotonic() > until:
                    unknown = "It is not known whether this was stored: read before you repeat."
                    _fail(batch, Unavailable(unknown))
                    return
                await asyncio.sleep(0.1)
        for one, rows in zip(batch, found, strict=True):
            if not rows:
                _fail([one], Unavailable("This was not stored: send it again."))
            else:
                _settle(one, one.commit.result)


async def _transact(connection: Pipeline, commits: Sequence[Commit]) -> list[list[Row]]:
    """The first rows of every step, committed.  Raises what `judge` of a lone commit raises."""
    alone = len(commits) == 1 and len(commits[0].steps) > 1
    steps = [_sent(step) for commit in commits for step in commit.steps]
    if not alone:
        answers = await connection.run([_BEGIN, *steps, _COMMIT])
        return [[_first(rows)] for rows in answers[1:-1]]
    answers = await connection.run([_BEGIN, *steps])
    first = [_first(rows) for rows in answers[1:]]
    commits[0].judge(first)
    await connection.run([_COMMIT])
    return [first]


def _sent(step: Step) -> Statement:
    statement, names = positional(step.statement)
    return statement, [step.parameters[name] for name in names]


def _first(rows: Rows) -> Row:
    """The first row, or None; also of a statement that answers no rows."""
    return rows[0] if rows else None


@lru_cache(maxsize=8192)
def positional(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """A statement with `%(name)s` parameters as one with $1, $2, …, and their names in order.

    The driver does the same, at each execution and for long texts without remembering.
    """
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        return f"${numbers.setdefault(found[1], len(numbers) + 1)}"

    return re.sub(r"%\((\w+)\)s", numbered, statement).encode(), tuple(numbers)


def _answer(batch: Sequence[_Waiting], rows: Sequence[Sequence[Row]]) -> None:
    for one, answers in zip(batch, rows, strict=True):
        try:
            one.commit.judge(answers)
        except ServiceError as error:
            _fail([one], error)
        else:
            _settle(one, one.commit.result)


def _worth_repeating(error: Exception) -> bool:
    return isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)


def _settle(one: _Waiting, result: Any) -> None:
    if not one.answer.done():  # its request may have gone away
        one.answer.set_result(result)


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for one in batch:
        if not one.answer.done():
            one.answer.set_exception(error)
