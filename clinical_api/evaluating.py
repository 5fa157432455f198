"""Documents evaluated in processes of their own, so that the service goes on serving meanwhile.

A worker gets the query and batches of documents as they are stored, and answers rows.  It compiles
the query once, without templates: what a document says needs none.  Few documents are not worth the
way to another process, and are evaluated where they were read.

A worker that dies takes nothing along: its batches are still here, and are evaluated here.  So are
those that come while the workers start.
"""

import marshal
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, islice
from multiprocessing import connection, get_context, parent_process
from types import FrameType
from typing import Any

import msgspec
import structlog

from clinical_api import queried
from clinical_api.turns import Deadline
from moiety import aql
from moiety.aql import Compiled
from moiety.aql.evaluate import Row
from moiety.aql.streamed import passes_through
from moiety.aql.values import NOTHING, Value
from moiety.kit.errors import QueryTimeout

_BATCH = 128
"""Documents that go to a worker together; as few as that are evaluated where they are."""
_GRACE = 5.0
_LOOK = 0.5
"""Seconds between two looks at whether all workers live."""


@dataclass(frozen=True, slots=True)
class Task:
    """A query as a worker needs it; `parameters` are the JSON that the client sent."""

    text: str
    system_id: str
    parameters: bytes
    page: tuple[int, int] | None
    extensions: bool

    @classmethod
    def of(cls, query: aql.Query, system_id: str, *, extensions: bool) -> "Task":
        """A query's task."""
        given = msgspec.json.encode(dict(query.parameters))
        return cls(query.text, system_id, given, query.page, extensions)


class Evaluators:
    """The worker processes of a service; started when first needed, and again after a death."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._pool: ProcessPoolExecutor | None = None
        self._starts = self._closed = False
        self._starter: threading.Thread | None = None
        self._lock = threading.Lock()

    def rows(
        self, plan: Compiled, task: Task, found: Iterable[Any], deadline: Deadline
    ) -> Generator[Row, None, None]:
        """The rows of some documents, in the order of the documents.

        Raises QueryTimeout after the deadline.
        """
        found = deadline.over(found)
        here = queried.reading(plan.system_id, deadline.check)
        if not self._number or plan.bounded:
            return deadline.over(plan.evaluated(found, here))
        batches = _batches(found, whole=plan.plan.needs.whole)
        first, second = next(batches, []), next(batches, None)
        if second is None:
            return deadline.over(plan.evaluated(first, here))
        return deadline.over(self._away(plan, task, chain((first, second), batches), deadline))

    def close(self) -> None:
        """End the workers, for good."""
        with self._lock:
            pool, self._pool, self._closed, self._starts = self._pool, None, True, True
        if pool is not None:
            _end(pool)
        if self._starter is not None:
            self._starter.join(_GRACE)  # it ends what it has begun

    def _away(
        self, plan: Compiled, task: Task, batches: Iterator[list[Any]], deadline: Deadline
    ) -> Iterator[Row]:
        """As many batches are on their way as keep every worker busy, and no more."""
        waiting: deque[tuple[list[Any], Future[bytes] | None]] = deque()
        try:
            while True:
                for batch in islice(batches, 2 * self._number - len(waiting)):
                    waiting.append((batch, self._sent(task, batch, deadline)))
                if not waiting:
                    return
                batch, sent = waiting.popleft()
                rows = self._result(sent, deadline)
                here = queried.reading(plan.system_id, deadline.check)
                yield from plan.evaluated(batch, here) if rows is None else rows
        finally:
            for _, sent in waiting:
                if sent is not None:
                    sent.cancel()

    def _sent(self, task: Task, batch: list[Any], deadline: Deadline) -> Future[bytes] | None:
        pool = self._ready()
        if pool is None:
            return None
        try:
            return pool.submit(evaluate, task, batch, deadline.left)
        except RuntimeError as error:  # dead (BrokenProcessPool is one), or closed meanwhile
            self._give_up(pool, error)
            return None

    def _ready(self) -> ProcessPoolExecutor | None:
        """The pool; None while its first worker starts, which takes seconds on a busy machine."""
        with self._lock:
            if self._pool is None and not self._starts:
                self._starts = True
                self._starter = threading.Thread(target=self._start, daemon=True)
                self._starter.start()
            return self._pool

    def _start(self) -> None:
        pool = _pool(self._number)
        try:
            pool.submit(_nothing).result()
        except (RuntimeError, OSError) as error:
            _say(error)
            _end(pool)
            return  # no other is tried: what forbids one forbids the next
        with self._lock:
            if not self._closed:
                self._pool, self._starts = pool, False
                return
        _end(pool)

    def _result(self, sent: "Future[bytes] | None", deadline: Deadline) -> list[Row] | None:
        """The rows of a batch; None where no worker has told them."""
        if sent is None:
            return None
        pool = self._pool
        try:
            return _received(_awaited(sent, pool, deadline.left + _GRACE))
        except Late:
            raise QueryTimeout from None
        except TimeoutError as error:
            # The workers look at the clock themselves: if nothing comes, nothing will.
            self._give_up(pool, error)
            if deadline.left <= 0:
                raise QueryTimeout from None
        except BrokenProcessPool as error:
            self._give_up(pool, error)
        except Exception as error:  # noqa: BLE001  whatever it was, the batch is still here
            _say(error)
        return None

    def _give_up(self, pool: ProcessPoolExecutor | None, error: BaseException) -> None:
        """Never send to a pool again: the next batch starts another."""
        with self._lock:
            if self._pool is pool:
                self._pool = None
        if pool is not None:
            _end(pool)
        _say(error)


def _awaited(sent: "Future[bytes]", pool: ProcessPoolExecutor | None, seconds: float) -> bytes:
    """What a worker answers.  Raises TimeoutError where it does not, or one has died meanwhile:
    half an answer of that one may keep all others from being heard.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            return sent.result(min(_LOOK, max(until - time.monotonic(), 0.001)))
        except TimeoutError:
            if sent.done():
                raise
            if time.monotonic() >= until or pool is None or not all(map(_lives, _workers(pool))):
                raise


def _lives(worker: Any) -> bool:
    return bool(worker.is_alive())


def _workers(pool: ProcessPoolExecutor) -> list[Any]:
    inside: Any = pool  # the standard library has no public way to its workers
    return list((inside._processes or {}).values())  # noqa: SLF001  see above


def _end(pool: ProcessPoolExecutor) -> None:
    """End a pool and its workers, whatever they are at; they hold nothing that is needed.

    A worker that is killed while it writes leaves half an answer in the pipe that all of them
    share, and who reads there would wait for the rest for ever: where the pool does not end by
    itself, the ends that this process holds are closed, so that it learns that none will come.
    """
    inside: Any = pool  # nor has it one to their pipes and to who reads them
    reader = inside._executor_manager_thread  # noqa: SLF001  see above
    queues = (inside._result_queue._writer, inside._call_queue._reader)  # noqa: SLF001  see above
    workers = _workers(pool)
    for worker in workers:
        worker.kill()
    pool.shutdown(wait=False, cancel_futures=True)
    if reader is not None:
        reader.join(_LOOK)
    if reader is not None and reader.is_alive():
        for end in queues:
            with suppress(OSError):
                end.close()
        reader.join(_GRACE)
    for worker in workers:
        worker.join(_GRACE)


def _say(error: BaseException) -> None:
    structlog.get_logger().warning("evaluation in a worker failed", error_kind=type(error).__name__)


def _batches(found: Iterable[Any], *, whole: bool) -> Iterator[list[Any]]:
    """Documents by some; with `whole`, those of one EHR are never parted."""
    rows = iter(found)
    if not whole:
        while batch := list(islice(rows, _BATCH)):
            yield batch
        return
    batch = []
    for _, group in groupby(rows, key=lambda row: row[0]):
        batch += group
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _pool(number: int) -> ProcessPoolExecutor:
    # Never a fork of a process with threads and connections: a fresh interpreter makes the workers.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(number, mp_context=context, initializer=_begin)


# --- on the way back: values, not objects ---------------------------------------------------------


def _told(row: Row) -> tuple[Any, ...]:
    """A row of which only the values are asked; an object is JSON already, as it will be told."""
    return tuple([_json(cell.raw) if cell.whole else cell.raw for cell in row])


def _whole(row: Row) -> list[tuple[Any, ...]]:
    """A row that is compared with others."""
    return list(map(tuple, row))


def _received(told: bytes) -> list[Row]:
    """The rows that a worker has told."""
    return [
        tuple(map(Value._make, row)) if type(row) is list else tuple(map(_value, row))
        for row in marshal.loads(told)  # noqa: S302  from a process of our own
    ]


def _value(raw: Any) -> Value:
    return Value(msgspec.Raw(raw) if type(raw) is bytes else raw, NOTHING, None)


_json = msgspec.json.Encoder().encode


# --- in a worker ---------------------------------------------------------------------------------


class Late(Exception):
    """The deadline has passed in the middle of a batch."""


def _begin() -> None:
    """What ends the service ends its workers: a signal to it, or its death."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _late)
    service = parent_process()
    if service is not None:
        threading.Thread(target=_follow, args=(service.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def _nothing() -> None:
    """What a worker does to show that it is there."""


def _late(_signal: int, _frame: FrameType | None) -> None:
    raise Late


def evaluate(task: Task, batch: list[Any], seconds: float) -> bytes:
    """The rows of a batch, for `_received`.  Raises Late where they take longer."""
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        plan = _compiled(task)
        as_json = passes_through(plan.request)
        rows = plan.evaluated(batch, queried.reading(task.system_id))
        return marshal.dumps(list(map(_told if as_json else _whole, rows)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@lru_cache(16)
def _compiled(task: Task) -> Compiled:
    given = msgspec.json.decode(task.parameters)
    heads = queried.heads(task.system_id)
    return aql.compile(task.text, given, {}, heads, page=task.page, extensions=task.extensions)
