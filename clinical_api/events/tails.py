"""The live stream of events (server-sent events, WHATWG HTML, 9.2).

A listener reads pages at the pace at which its client takes them, so a slow one costs no memory.
One question a moment, asked for all listeners together, tells when there is something new.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import Context
from types import FrameType
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from clinical_api.events import reading
from clinical_api.events.places import Place
from clinical_api.events.reading import Event
from moiety.kit.errors import ServiceError
from moiety.kit.reads import Reads

HEARTBEAT = 15.0
"""Seconds of silence after which a comment shows that the stream lives."""
_INTERVAL = 0.25
_PAGE = 100


class Pulse:
    """Tells the listeners of one organisation that something is new; for one event loop."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._listeners = 0
        self._asking: asyncio.Task[None] | None = None
        self._beat = asyncio.Event()
        self.stopped = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """As long as anybody listens, the question is asked."""
        self._listeners += 1
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask(), context=Context())
        try:
            yield
        finally:
            self._listeners -= 1
            if not self._listeners:
                self._asking.cancel()
                self._asking = None

    def next(self) -> "asyncio.Event":
        """What is set by the next news; to be had before reading, so that none is missed."""
        return self._beat

    def stop(self) -> None:
        """End every stream."""
        self.stopped = True
        self._ring()

    def _ring(self) -> None:
        self._beat.set()
        self._beat = asyncio.Event()

    async def _ask(self) -> None:
        seen: list[tuple[Any, ...]] | None = None
        while True:
            # A database that is away is found out by the listeners themselves.
            with contextlib.suppress(psycopg.Error, ServiceError):
                newest = await self._reads.ask(_NEWEST, ())
                if seen is not None and newest != seen:
                    self._ring()
                seen = newest
            await asyncio.sleep(_INTERVAL)


async def stream(
    reads: Reads,
    pulse: Pulse,
    place: Place,
    system_id: str,
    *,
    ehr_id: UUID | None,
    still_allowed: Callable[[], Awaitable[bool]],
) -> AsyncIterator[bytes]:
    """Events after `place` for ever: until the client leaves, may not listen any more, the service
    stops or its database is away.  The client comes back with the last id.
    """
    with pulse.listening():
        yield b"retry: 2000\n\n"
        while not pulse.stopped:
            news = pulse.next()
            try:
                page = await reading.page(reads, place, _PAGE, system_id, ehr_id=ehr_id)
            except (psycopg.OperationalError, ServiceError):
                return
            place = page.after
            if page.events:
                yield b"".join(_told(event) for event in page.events)
            if not page.more and not await _within(news, HEARTBEAT):
                if not await still_allowed():
                    return
                yield b":\n\n"


def _told(event: Event) -> bytes:
    head = f"id: {event.cursor}\nevent: {event.type}\ndata: ".encode()
    return head + msgspec.json.encode(event) + b"\n\n"


async def _within(news: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return False
    return True


@contextlib.contextmanager
def ending_at_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop`, on this event loop, as soon as the process is told to end.

    A server waits for its answers to finish before it tells the application that it stops; a stream
    that never finishes would have it wait for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are somebody else's
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def told(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        usual = before[signal.Signals(number)]
        if callable(usual):
            usual(number, frame)

    for number, usual in before.items():
        if callable(usual):
            signal.signal(number, told)
    try:
        yield
    finally:
        for number, usual in before.items():
            if signal.getsignal(number) is told:
                signal.signal(number, usual)


_NEWEST = b" UNION ALL ".join(
    b"(SELECT c.era, c.xact::text, c." + key + b" FROM " + table + b" c WHERE c.era < h.era"
    b" OR c.xact < h.xmin ORDER BY c.era DESC, c.xact DESC, c.time_committed DESC, c."
    + key
    + b" DESC"
    b" LIMIT 1)"
    for table, key in ((b"contribution", b"contribution_id"), (b"erasure", b"erasure_id"))
)
_NEWEST = (
    b"WITH h AS MATERIALIZED (SELECT max(era) AS era, pg_snapshot_xmin(pg_current_snapshot()) AS"
    b" xmin FROM event_era) SELECT e.* FROM h CROSS JOIN LATERAL (" + _NEWEST + b") e"
)
