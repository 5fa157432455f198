"""Work in threads, for as long as a service runs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 10.0
"""Seconds that threads are waited for at the end."""

Loop = Callable[[threading.Event], None]
"""Works until the event is set; looks at it at least once in each pause."""


@contextmanager
def threads(*loops: Loop, name: str, patience: float = PATIENCE) -> Iterator[None]:
    """Runs each loop in a thread while the context lasts.

    At the end all are told to stop; one that has not after `patience` seconds together is left.
    """
    stop = threading.Event()
    running = [
        threading.Thread(target=loop, args=(stop,), name=name, daemon=True) for loop in loops
    ]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        until = time.monotonic() + patience
        for thread in running:
            thread.join(timeout=max(0.0, until - time.monotonic()))


def at_intervals(seconds: float, step: Callable[[], object]) -> Loop:
    """A step again and again, `seconds` before each; what it raises ends the loop."""

    def loop(stop: threading.Event) -> None:
        while not stop.wait(seconds):
            step()

    return loop
