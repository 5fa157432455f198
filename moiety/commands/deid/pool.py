"""Workers that read batches of records, in order, whatever becomes of any of them.

A worker that dies, or hangs beyond every deadline, is replaced; what it was reading is read again
one record at a time, and the record that kills again is withheld.  Workers start as work comes, so
a short file starts one.  They end when this process does, however it does: their pipe closes.
"""

import contextlib
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from moiety.commands.deid.items import Document, Outcome
from moiety.commands.deid.reading import Reader, allowed
from moiety.deid.text.backends.protocol import BackendMissing, CanaryDied

Record = tuple[Document, ...]
Batch = tuple[Record, ...]
MakeReader = Callable[[], Reader]

_START = 300.0
_AHEAD = 3


class PoolError(RuntimeError):
    """The workers can't work; the sentence says why."""


@dataclass
class _Job:
    """A batch on its way: its place in the order, what it carries, and its answer."""

    place: int
    carried: Any
    records: Batch
    single: bool = False
    answer: list[Outcome] | None = None


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    job: _Job | None = None
    until: float = 0.0
    ready: bool = False


@dataclass
class Pool:
    """Use `ordered`, then `close`."""

    make_reader: MakeReader
    size: int
    grace: float = 10.0
    _workers: list[_Worker] = field(default_factory=list)
    _waiting: deque[_Job] = field(default_factory=deque)

    def ordered(self, batches: Iterable[tuple[Any, Batch]]) -> Iterator[tuple[Any, list[Outcome]]]:
        """What each batch carried, and the outcomes of its documents, in the order given.

        Takes no more batches than the workers have use for.  Raises PoolError where a worker
        can't start.
        """
        source = iter(batches)
        order: deque[_Job] = deque()
        place, more = 0, True
        while more or order:
            while more and len(order) < self.size * _AHEAD:
                taken = next(source, None)
                if taken is None:
                    more = False
                    break
                job = _Job(place, *taken)
                order.append(job)
                self._waiting.append(job)
                place += 1
                self._give()
            if order and order[0].answer is None:
                self._turn()
            while order and (answer := order[0].answer) is not None:
                yield order.popleft().carried, answer

    def close(self) -> None:
        """Tell the workers to end, and end those that do not."""
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join(2)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def _give(self) -> None:
        """Hand waiting batches to workers that are free, starting one where all are busy."""
        while self._waiting:
            free = next((w for w in self._workers if w.job is None), None)
            if free is None:
                if len(self._workers) == self.size:
                    return
                free = self._start()
            free.job = self._waiting.popleft()
            free.until = time.monotonic() + self._patience(free)
            try:
                free.pipe.send(free.job.records)
            except OSError:
                self._lost(free, "worker_died")

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there, self.make_reader), daemon=True)
        process.start()
        there.close()
        worker = _Worker(process, here)
        self._workers.append(worker)
        return worker

    def _patience(self, worker: _Worker) -> float:
        """Seconds after which a worker that says nothing is taken for hung."""
        records = worker.job.records if worker.job else ()
        documents = [d for record in records for d in record]
        deadline = getattr(self.make_reader, "deadline", 30.0)
        work = sum(3 * allowed(deadline, d) for d in documents)
        return work + self.grace + (0 if worker.ready else _START)

    def _turn(self) -> None:
        """Wait for one answer or death, and deal with all that came."""
        busy = [w for w in self._workers if w.job is not None]
        least = min(w.until for w in busy) - time.monotonic()
        heard = set(wait([w.pipe for w in busy], timeout=max(0.0, least)))
        for worker in busy:
            if worker.pipe in heard:
                self._hear(worker)
            elif time.monotonic() > worker.until:
                self._lost(worker, "took_too_long")
        self._give()

    def _hear(self, worker: _Worker) -> None:
        try:
            word, said = worker.pipe.recv()
        except (EOFError, OSError):
            self._lost(worker, "worker_died")
            return
        if word == "refused":
            raise PoolError(said)
        if word == "ready":
            worker.ready = True
            worker.until = time.monotonic() + self._patience(worker)
            return
        job = worker.job
        worker.job = None
        if job is not None:
            job.answer = said

    def _lost(self, worker: _Worker, why: str) -> None:
        """Put a worker away, and have its batch read again record by record, in this very turn."""
        job = worker.job
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        if not worker.ready:
            raise PoolError("A worker died before it could read anything: is there memory enough?")
        if job is None:
            return
        if len(job.records) == 1:
            job.answer = [Outcome(failed=why) for _ in job.records[0]]
            return
        single = Pool(self.make_reader, 1, self.grace)
        try:
            parts = [(None, (record,)) for record in job.records]
            job.answer = [o for _, some in single.ordered(parts) for o in some]
        finally:
            single.close()


def _work(pipe: Connection, make_reader: MakeReader) -> None:
    """The life of a worker: make a reader, try it, read until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):  # nobody hears any more: the work is over
        try:
            reader = make_reader()
            reader.detector.check()
        except (BackendMissing, CanaryDied) as error:
            pipe.send(("refused", str(error)))
            return
        pipe.send(("ready", None))
        while True:
            batch: Batch = pipe.recv()
            pipe.send(("read", [outcome for record in batch for outcome in reader.read(record)]))
