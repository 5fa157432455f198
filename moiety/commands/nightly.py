"""What a desk does once a day by itself: its rows in no order (`moiety shuffle`).

A desk is not always on at night, so it is done when a day has passed since it was done last, at a
moment of the hour after that which nobody can tell beforehand.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import psycopg
import structlog

from moiety.commands import shuffle
from moiety.kit.threads import threads

DAY = 86_400.0  # seconds
_LOOK = 60.0
_MARK = "shuffled"  # its time is when it was done last


class HasDatabases(Protocol):
    """A desk: where its state is, and its databases."""

    home: Path

    def database(self, name: str, role: str = "app") -> str:
        """The URL of a database for a role."""


@contextmanager
def kept(desk: HasDatabases, *, look: float = _LOOK) -> Iterator[None]:
    """Shuffles once a day while the context lasts."""
    with threads(partial(_work, desk, look), name="nightly"):
        yield


def shuffle_if_due(desk: HasDatabases, now: float) -> bool:
    """Shuffles every database that is shuffled, if a day has passed; whether it did.

    A new desk has nothing that could have been in order: its day begins.
    """
    mark = desk.home / _MARK
    if not mark.exists():
        mark.touch()
        return False
    if now < mark.stat().st_mtime + DAY:
        return False
    for name in shuffle.DATABASES:
        shuffle.run(desk.database(name, "migrator"))
    mark.touch()
    return True


def _work(desk: HasDatabases, look: float, stop: threading.Event) -> None:
    delay = secrets.randbelow(3600)
    while not stop.wait(look):
        try:
            done = shuffle_if_due(desk, time.time() - delay)
        except psycopg.Error as error:
            log = structlog.get_logger()
            log.warning("rows not shuffled", error_kind=type(error).__name__)
        else:
            delay = secrets.randbelow(3600) if done else delay
