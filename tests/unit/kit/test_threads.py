"""Work in threads for as long as a context lasts."""

import threading
import time

from moiety.kit.threads import at_intervals, threads


def test_loops_run_side_by_side_and_end_with_the_context():
    """Each sees the event; none is left behind."""
    together = threading.Barrier(3, timeout=20)
    ended = []

    def loop(stop):
        together.wait()
        stop.wait()
        ended.append(1)

    with threads(loop, loop, name="two"):
        together.wait()
        assert [] == ended
    assert [1, 1] == ended


def test_a_step_is_taken_again_and_again_until_the_end():
    """Not once more after it."""
    taken = threading.Semaphore(0)
    with threads(at_intervals(0.001, taken.release), name="steps"):
        assert all(taken.acquire(timeout=20) for _ in range(3))
    while taken.acquire(blocking=False):
        pass
    time.sleep(0.02)
    assert not taken.acquire(blocking=False)


def test_one_that_does_not_end_is_left_after_the_patience():
    """The stop of a service does not hang on it."""
    free = threading.Event()
    begun = time.monotonic()
    with threads(lambda _: free.wait(30), name="stuck", patience=0.05):
        pass
    assert time.monotonic() - begun < 20
    free.set()
