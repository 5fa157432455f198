"""The queue in which concurrent commits share a transaction.

A durable COMMIT waits for the disk, so one transaction for up to 32 commits costs hardly more than
one.  The route holds no connection while it waits.  Nothing is answered before COMMIT:

1. A writer thread takes what is waiting, sorted by `order`, so that two transactions lock alike.
2. Each commit runs its statement.  "Not found", "conflict" and "stale version" are zero-row
   results: that commit's caller gets the error, the others go on.
3. COMMIT; only then every caller gets its result.
4. A database error rolls back all; the members are run again singly, deadlocks up to three times.
5. If the outcome of COMMIT is unknown (the connection broke), the ids given beforehand are looked
   up before anybody is answered.
"""

import contextlib
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc as sa_exc
import structlog

from moiety.kit.errors import ServiceError, Unavailable

Connection = psycopg.Connection[Any]
_LARGEST = 32
_TRIES = 3
_PATIENCE = 10.0
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Commit:
    """Work for one transaction.

    `run` executes and returns the result, or raises a ServiceError having changed nothing.
    `landed` answers whether this commit is in the database, by an id that was given beforehand.
    """

    order: UUID
    run: Callable[[Connection], Any]
    landed: Callable[[Connection], Any | None]
    several_statements: bool = False
    result: "Future[Any]" = field(default_factory=Future)


class CommitQueue:
    """The writers of one organisation's database."""

    def __init__(self, engine: sa.Engine, *, writers: int = 2) -> None:
        self._engine = engine
        self._waiting: queue.SimpleQueue[Commit | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._write, name=f"commits-{n}", daemon=True)
            for n in range(writers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, commit: Commit) -> "Future[Any]":
        """The result of `commit`, once it is durable; or its error."""
        self._waiting.put(commit)
        return commit.result

    def close(self) -> None:
        """Finish what waits, then stop."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(timeout=_PATIENCE)

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, stop = self._gather(first)
            try:
                _run_together(self._engine, batch)
            except Exception as error:  # noqa: BLE001  a writer thread must outlive any defect
                structlog.get_logger().error("commit failed", error_kind=type(error).__name__)
                _fail(batch, error)
            if stop:
                return

    def _gather(self, first: Commit) -> tuple[list[Commit], bool]:
        batch = [first]
        with contextlib.suppress(queue.Empty):
            while len(batch) < _LARGEST:
                one = self._waiting.get_nowait()
                if one is None:
                    return batch, True
                batch.append(one)
        return batch, False


def _run_together(engine: sa.Engine, batch: Sequence[Commit]) -> None:
    batch = sorted(batch, key=lambda commit: commit.order)
    try:
        _transact(engine, batch)
    except (psycopg.Error, sa_exc.DBAPIError) as error:
        if len(batch) == 1 and not _worth_retrying(error):
            _fail(batch, error)
            return
    else:
        return
    for commit in batch:
        _run_alone(engine, commit)


def _run_alone(engine: sa.Engine, commit: Commit) -> None:
    for attempt in range(_TRIES):
        # At once, a retry takes its lock again before the one it deadlocked with has woken up.
        time.sleep(_PAUSE * (attempt + random.random()))  # noqa: S311  a pause is no secret
        try:
            _transact(engine, [commit])
        except (psycopg.Error, sa_exc.DBAPIError) as error:
            if attempt + 1 < _TRIES and _worth_retrying(error):
                continue
            _fail([commit], error)
        return


def _transact(engine: sa.Engine, batch: Sequence[Commit]) -> None:
    with _borrowed(engine) as connection:
        results = [_run_one(connection, commit) for commit in batch]
        try:
            connection.commit()
        except psycopg.OperationalError:
            results = []
    if results:
        _answer(batch, results)
    else:
        _look_up(engine, batch)


def _run_one(connection: Connection, commit: Commit) -> Any:
    try:
        if commit.several_statements:
            with connection.transaction():
                return commit.run(connection)
        return commit.run(connection)
    except ServiceError as error:
        return error


def _answer(batch: Sequence[Commit], results: Sequence[Any]) -> None:
    for commit, result in zip(batch, results, strict=True):
        if isinstance(result, ServiceError):
            commit.result.set_exception(result)
        else:
            commit.result.set_result(result)


def _look_up(engine: sa.Engine, batch: Sequence[Commit]) -> None:
    """Step 5: ask the database what became of each, for as long as a restart takes."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with _borrowed(engine) as connection:
                found = [commit.landed(connection) for commit in batch]
            break
        except (psycopg.OperationalError, sa_exc.OperationalError):
            if time.monotonic() > until:
                _fail(
                    batch,
                    Unavailable("It is not known whether this was stored: read before you repeat."),
                )
                return
            time.sleep(0.1)
    for commit, result in zip(batch, found, strict=True):
        if result is None:
            commit.result.set_exception(Unavailable("This was not stored: send it again."))
        else:
            commit.result.set_result(result)


@contextlib.contextmanager
def _borrowed(engine: sa.Engine) -> Iterator[Connection]:
    borrowed = engine.raw_connection()
    connection = cast("Connection", borrowed.driver_connection)
    try:
        yield connection
    except BaseException:
        with contextlib.suppress(psycopg.Error):
            connection.rollback()
        raise
    finally:
        if connection.broken or connection.closed:
            borrowed.invalidate()
        borrowed.close()


def _worth_retrying(error: Exception) -> bool:
    cause = getattr(error, "orig", error)
    return isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)


def _fail(batch: Sequence[Commit], error: Exception) -> None:
    for commit in batch:
        if not commit.result.done():
            commit.result.set_exception(error)
