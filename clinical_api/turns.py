"""Who may run a population query now, and for how long.

A population query may cost as much as a thousand commits.  So a client runs a few at a time, all
clients together no more than there are connections set aside for them, and each has a deadline.
Who comes too many waits a moment, for most queries are short, and is told to come back then.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from anyio import CapacityLimiter

from moiety.kit.errors import QueryTimeout, TooMany

T = TypeVar("T")
_PAUSE = "2"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock after which nobody waits for an answer any more."""

    moment: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds that are left; not less than none."""
        return max(0.0, self.moment - time.monotonic())

    def check(self) -> None:
        """Raise QueryTimeout where it has passed."""
        if time.monotonic() >= self.moment:
            raise QueryTimeout

    def over(self, things: Iterable[T]) -> Generator[T, None, None]:
        """The same things; the deadline is looked at before each.  Raises QueryTimeout."""
        for thing in things:
            self.check()
            yield thing


class Turns:
    """The turns of one organisation's clients; for one event loop.

    `each`: how many a client may have at once; `together`: how many there are; `patience`: seconds
    that one waits for another to end.
    """

    def __init__(self, *, each: int, together: int, patience: float) -> None:
        self._each, self._patience = each, patience
        self._running: Counter[str] = Counter()
        self._together = together
        self._ended = asyncio.Event()
        self.threads = CapacityLimiter(together)

    @asynccontextmanager
    async def of(self, client: str) -> AsyncIterator[None]:
        """A turn of a client, for as long as it is held.  Raises TooMany."""
        await self.take(client)
        try:
            yield
        finally:
            self.give_back(client)

    async def take(self, client: str) -> None:
        """Begin a turn that `give_back` ends.  Raises TooMany."""
        until = Deadline.after(self._patience)
        while not self._may(client):
            left = until.left
            if not left:
                raise TooMany(
                    f"This key has {self._running[client]} population queries running, of"
                    f" {self._each} at a time: wait until one has ended."
                    if self._running[client] >= self._each
                    else "Every connection for population queries is busy: try again shortly.",
                    headers={"Retry-After": _PAUSE},
                )
            ended = self._ended
            try:
                async with asyncio.timeout(left):
                    await ended.wait()
            except TimeoutError:
                continue
        self._running[client] += 1

    def give_back(self, client: str) -> None:
        """End a turn; whoever waits is woken."""
        self._running[client] -= 1
        if not self._running[client]:
            del self._running[client]
        self._ended.set()
        self._ended = asyncio.Event()

    def _may(self, client: str) -> bool:
        return self._running[client] < self._each and self._running.total() < self._together
