"""The queue of decisions: each gets the place of its own entries, and only after the commit."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from linkage_vault import appending
from linkage_vault.appending import Appends


class Store:
    """A place that entries are committed to, one batch at a time."""

    def __init__(self, *, pause=0.0):
        self.kept, self.batches, self.pause = [], [], pause
        self._one = threading.Lock()

    def append(self, batch):
        assert self._one.acquire(blocking=False), "two batches at once"
        time.sleep(self.pause)
        first = len(self.kept)
        self.kept += batch
        self.batches.append(len(batch))
        self._one.release()
        return first


def test_every_request_gets_the_place_of_its_own_entries():
    """Many threads, one to three entries each; all are kept, in the order told."""
    store, queue = Store(pause=0.002), Appends()

    def ask(number):
        entries = [(number, part) for part in range(1 + number % 3)]
        first = queue.run(entries, store.append)
        return store.kept[first : first + len(entries)] == entries

    with ThreadPoolExecutor(24) as threads:
        assert all(threads.map(ask, range(200)))
    assert 400 - 1 <= len(store.kept) <= 400
    assert len(store.batches) < 200, "nothing shared a transaction"


def test_a_failure_reaches_everybody_of_its_batch_and_nobody_else():
    """The next batch is appended as if nothing had been."""
    queue, store = Appends(), Store()
    started, release = threading.Event(), threading.Event()

    def broken(batch):
        started.set()
        release.wait(5)
        raise OSError(f"{len(batch)} lost")

    with ThreadPoolExecutor(4) as threads:
        lost = threads.submit(queue.run, ["a"], broken)
        started.wait(5)
        kept = [threads.submit(queue.run, [letter], store.append) for letter in "bcd"]
        release.set()
        with pytest.raises(OSError, match="1 lost"):
            lost.result(5)
        assert {0, 1, 2} == {one.result(5) for one in kept}
    assert {"b", "c", "d"} == set(store.kept)


def test_more_than_the_most_is_cut_into_transactions(monkeypatch):
    """One request is never cut; the others are put into later batches."""
    monkeypatch.setattr(appending, "MOST", 5)
    store, queue = Store(pause=0.02), Appends()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: queue.run(range(n), store.append), [9, 3, 3, 3, 1, 1]))
    assert 20 == len(store.kept)
    assert all(size <= 5 or size == 9 for size in store.batches)
