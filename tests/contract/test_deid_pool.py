"""Workers that read texts: in order, whatever becomes of any of them."""

import os
import signal
import time

import pytest

from moiety.commands.deid.items import Document
from moiety.commands.deid.pool import Pool, PoolError
from tests.fixtures.deid_detectors import Blind, MakeFrail


@pytest.fixture
def pool():
    """Two workers with a frail detector, and little patience."""
    made = Pool(MakeFrail(), 2, grace=2.0)
    yield made
    made.close()


def read(pool, batches):
    """(what was carried, the code of failure or "" of each text) of each batch."""
    asked = ((i, tuple((Document(t),) for t in texts)) for i, texts in enumerate(batches))
    return [(carried, [o.failed for o in outcomes]) for carried, outcomes in pool.ordered(asked)]


def test_answers_come_in_the_order_of_the_questions(pool):
    """Though a later one is ready first."""
    batches = [["SLOW", "a"], ["b"], ["c"], ["d"]] * 2
    answers = read(pool, batches)
    assert list(range(8)) == [carried for carried, _ in answers]
    assert ["took_too_long", ""] == answers[0][1]


def test_a_text_that_kills_is_withheld_and_its_neighbours_are_read(pool):
    """The process dies, is replaced, and only the text that killed it again is lost."""
    answers = read(pool, [["a", "DIE", "b"], ["c"], ["DIE"], ["d"]])
    assert [["", "worker_died", ""], [""], ["worker_died"], [""]] == [f for _, f in answers]


def test_a_text_that_hangs_beyond_the_alarm_is_withheld(pool):
    """The detector blocks the alarm, so that the process has to be ended from outside."""
    answers = read(pool, [["a", "HANG"], ["b"]])
    assert [["", "took_too_long"], [""]] == [f for _, f in answers]


def test_a_detector_that_breaks_withholds_the_text(pool):
    """And nothing else."""
    assert [(0, ["", "backend_failed", ""])] == read(pool, [["a", "BREAK", "b"]])


def test_a_worker_killed_from_outside_loses_nothing(pool):
    """As when the machine runs out of memory: kill -9 in mid work."""
    answers = []
    for carried, outcomes in pool.ordered((i, ((Document("a"),),) * 50) for i in range(60)):
        answers.append((carried, [o.failed for o in outcomes]))
        if carried in {10, 30}:
            os.kill(pool._workers[0].process.pid, signal.SIGKILL)
    assert [(i, [""] * 50) for i in range(60)] == answers


def test_a_detector_that_leaves_the_canary_stops_the_run():
    """Nothing is read by one that finds nothing."""
    blind = Pool(MakeFrail(detector=Blind), 1)
    with pytest.raises(PoolError, match="leaves everything"):
        read(blind, [["a"]])
    blind.close()


def test_workers_end_with_their_pool(pool):
    """And take no more batches than they have use for."""
    taken = []

    def source():
        for i in range(1000):
            taken.append(i)
            yield i, ((Document("a"),),)

    answers = pool.ordered(source())
    next(answers)
    assert len(taken) <= 8
    processes = [worker.process for worker in pool._workers]
    pool.close()
    begun = time.monotonic()
    assert all(process.exitcode is not None for process in processes)
    assert time.monotonic() - begun < 1
