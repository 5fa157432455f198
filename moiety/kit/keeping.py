"""Answers kept for a while."""

import threading
import time
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Keeping(Generic[V]):
    """At most `most` answers, each for `seconds`; the oldest go first.  Safe between threads."""

    def __init__(self, *, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._kept: dict[Hashable, tuple[float, V]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, default: V) -> V:
        """The answer, unless it is too old."""
        until, value = self._kept.get(key, (0.0, default))
        return value if time.monotonic() < until else default

    def put(self, key: Hashable, value: V) -> None:
        """Keep an answer from now on."""
        with self._lock:
            self._kept.pop(key, None)
            while len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = (time.monotonic() + self._seconds, value)
