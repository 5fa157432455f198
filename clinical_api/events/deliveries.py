"""The one process that delivers: at least once, and in order for each EHR.

1. A session's advisory lock makes one process of all the deliverer; when it dies, the server gives
   the lock to another.
2. For each active webhook, the events after its place are made out as deliveries, and the place
   moves on, in one statement.  At most a thousand wait; the rest stays in the outbox.
3. Deliveries of different EHRs are sent side by side, those of one EHR one after another: an event
   that fails holds back what follows in its EHR, and nothing else.
4. A delivery is forgotten only after the receiver has answered 2xx.  A process killed in between
   sends it again: receivers know it by `webhook-id`.
5. A failure is tried again after a pause that doubles, with jitter; after the last try, or a day,
   it is a dead letter, and what follows goes on.

What this needs of the database runs on the connection that holds the lock, so whoever loses the
lock can record nothing any more.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from psycopg import AsyncRawCursor

from clinical_api.events import destinations, reading
from clinical_api.events.destinations import Outcome
from clinical_api.events.places import Place
from clinical_api.events.reading import Event
from clinical_api.events.tails import Pulse
from clinical_api.events.webhooks import ACTIVE, DEAD, PAUSED, WAITING, Signer
from clinical_api.settings import Settings
from moiety.kit.errors import ServiceError
from moiety.kit.reads import Reads
from moiety.kit.tasks import ended

_LARGEST_WAITING = 1000
_AT_ONCE = 16
_DUE = 200
_LOOK = 1.0
_AGAIN = 2.0
_SELDOM = 10.0
_LONGEST_PAUSE = 3600.0


class Metrics:
    """What the deliverer counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.tries = Counter(
            "moiety_webhook_tries", "Messages sent to webhooks", ("organisation", "outcome"),
            registry=registry,
        )  # fmt: skip
        self.backlog = Gauge(
            "moiety_webhook_backlog", "Deliveries that wait", ("organisation",), registry=registry
        )
        self.dead = Gauge(
            "moiety_webhook_dead", "Dead letters", ("organisation",), registry=registry
        )


@dataclass(slots=True)
class _Hook:
    """A webhook that is being served."""

    webhook_id: UUID
    url: str
    ehr_id: UUID | None
    generation: int
    fresh: bool
    place: Place
    noted: Place
    bodies: dict[UUID, Event] = field(default_factory=dict)

    @property
    def same(self) -> tuple[Any, ...]:
        """What a running worker was started with."""
        return (self.url, self.ehr_id, self.generation, self.fresh)


@dataclass(frozen=True, slots=True)
class _Due:
    event_id: UUID
    ehr_id: UUID
    attempts: int


class Deliverer:
    """The deliverer of one organisation; for one event loop."""

    def __init__(
        self, url: str, reads: Reads, pulse: Pulse, signer: Signer, settings: Settings,
        metrics: Metrics,
    ) -> None:  # fmt: skip
        self._url, self._reads, self._pulse = url, reads, pulse
        self._signer, self._settings, self._metrics = signer, settings, metrics
        self._workers: dict[UUID, tuple[_Hook, asyncio.Task[None]]] = {}
        self._client = destinations.client()

    async def run(self) -> None:
        """Deliver for ever, or wait to be the one who does."""
        async with self._client:
            while True:
                try:
                    connection = await psycopg.AsyncConnection.connect(
                        self._url, autocommit=True, connect_timeout=3
                    )
                    async with connection:
                        try:
                            await self._stand_by(connection)
                        finally:  # they use this connection
                            await self._end_workers()
                except (psycopg.Error, ServiceError, _Moved) as error:
                    structlog.get_logger().warning(
                        "deliveries interrupted", error_kind=type(error).__name__
                    )
                await asyncio.sleep(_AGAIN)

    async def _stand_by(self, connection: psycopg.AsyncConnection[Any]) -> None:
        while True:
            if (await _ask(connection, _LEAD, ()))[0][0]:
                break
            await asyncio.sleep(_AGAIN)
        seldom = 0.0
        while True:
            if time.monotonic() > seldom:
                await _ask(connection, b"SELECT begin_event_era()", ())
                await self._measure(connection)
                seldom = time.monotonic() + _SELDOM
            await self._look(connection)
            await asyncio.sleep(_LOOK)

    async def _measure(self, connection: psycopg.AsyncConnection[Any]) -> None:
        counts = dict(await _ask(connection, _COUNTS, ()))
        name = self._signer.organisation
        self._metrics.backlog.labels(name).set(counts.get(WAITING, 0))
        self._metrics.dead.labels(name).set(counts.get(DEAD, 0))

    async def _look(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Start, replace and end workers as the webhooks say."""
        hooks = {row[0]: _hook(row) for row in await _ask(connection, _HOOKS, (ACTIVE,))}
        for webhook_id, (hook, task) in list(self._workers.items()):
            wanted = hooks.get(webhook_id)
            if task.done() or wanted is None or wanted.same != hook.same:
                del self._workers[webhook_id]
                await ended([task])
        if self._settings.webhook_key is None:
            return
        for webhook_id, hook in hooks.items():
            if webhook_id not in self._workers:
                task = asyncio.create_task(self._serve(connection, hook))
                self._workers[webhook_id] = (hook, task)

    async def _end_workers(self) -> None:
        tasks = [task for _, task in self._workers.values()]
        self._workers.clear()
        await ended(tasks)

    # --- one webhook -----------------------------------------------------------------------------

    async def _serve(self, connection: psycopg.AsyncConnection[Any], hook: _Hook) -> None:
        with self._pulse.listening():
            while True:
                news = self._pulse.next()
                more = await self._make_out(connection, hook)
                due = await _ask(connection, _NEXT, (hook.webhook_id, WAITING, _DUE))
                if due:
                    await self._deliver(connection, hook, [_Due(*row) for row in due])
                elif not more:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK):
                            await news.wait()

    async def _make_out(self, connection: psycopg.AsyncConnection[Any], hook: _Hook) -> bool:
        """Step 2.  True: there is more, and room for it."""
        mine = (hook.webhook_id, WAITING)
        waiting, top = (await _ask(connection, _WAITING, mine))[0]
        room = min(_LARGEST_WAITING - waiting, reading.LARGEST_PAGE)
        if room <= 0:
            return False
        page = await reading.page(
            self._reads, hook.place, room, self._settings.system_id, ehr_id=hook.ehr_id
        )
        if page.events or page.after.xact > hook.noted.xact + 1000:
            ids = [event.id for event in page.events]
            owners = [event.ehr_id for event in page.events]
            moved = (hook.webhook_id, *hook.noted.parameters, *page.after.parameters)
            if not await _ask(connection, _MAKE_OUT, (*moved, ids, owners, top, WAITING)):
                raise _Moved
            hook.noted = page.after
            hook.bodies.update({event.id: event for event in page.events})
        hook.place = page.after
        return page.more

    async def _deliver(
        self, connection: psycopg.AsyncConnection[Any], hook: _Hook, due: Sequence[_Due]
    ) -> None:
        """Step 3."""
        events = await self._events(hook, due)
        chains: dict[UUID, list[_Due]] = {}
        for one in due:
            chains.setdefault(one.ehr_id, []).append(one)
        places = asyncio.Semaphore(_AT_ONCE)

        async def follow(chain: Sequence[_Due]) -> None:
            async with places:
                for one in chain:
                    if not await self._send(connection, hook, one, events.get(one.event_id)):
                        return

        async with asyncio.TaskGroup() as group:
            for chain in chains.values():
                group.create_task(follow(chain))

    async def _events(self, hook: _Hook, due: Sequence[_Due]) -> Mapping[UUID, Event]:
        """What is due, from memory, or read again after a restart."""
        absent = [one for one in due if one.event_id not in hook.bodies]
        if absent:
            pairs = [(one.ehr_id, one.event_id) for one in absent]
            found = await _read_again(self._reads, pairs, self._settings.system_id)
            hook.bodies.update(found)
        return {
            one.event_id: hook.bodies[one.event_id] for one in due if one.event_id in hook.bodies
        }

    async def _send(
        self, connection: psycopg.AsyncConnection[Any], hook: _Hook, one: _Due, event: Event | None
    ) -> bool:
        """Steps 4 and 5.  False: what follows in this EHR has to wait."""
        mine = (hook.webhook_id, one.event_id)
        if event is None:  # erased since: that is an event of its own
            await _ask(connection, _DONE, mine)
            return True
        body = msgspec.json.encode(event)
        secrets = self._signer.secrets(hook.webhook_id, hook.generation, both=hook.fresh)
        signed = destinations.headers(secrets, event.id, datetime.now(UTC), body)
        outcome = await destinations.send(
            self._client, hook.url, body, signed, self._settings.webhook_targets
        )
        if outcome.delivered:
            await _ask(connection, _DONE, mine)
            hook.bodies.pop(one.event_id, None)
            self._count("delivered")
            return True
        return await self._failed(connection, hook, one, outcome)

    async def _failed(
        self, connection: psycopg.AsyncConnection[Any], hook: _Hook, one: _Due, outcome: Outcome
    ) -> bool:
        settings = self._settings
        pause = min(settings.webhook_pause * 2.0**one.attempts, _LONGEST_PAUSE)
        pause *= random.uniform(0.5, 1.5)  # noqa: S311  jitter is no secret
        found = await _ask(
            connection, _FAILED,
            (hook.webhook_id, one.event_id, pause, outcome.word, settings.webhook_tries),
        )  # fmt: skip
        self._count("failed")
        if outcome.gone:  # the receiver says that it is there no more
            await _ask(connection, _SET_STATE, (hook.webhook_id, PAUSED))
        if not found or found[0][0] != DEAD:
            return False
        self._count("dead")
        hook.bodies.pop(one.event_id, None)
        return True

    def _count(self, outcome: str) -> None:
        self._metrics.tries.labels(self._signer.organisation, outcome).inc()


class _Moved(Exception):
    """Another process has moved this webhook's place: it leads now."""


async def _ask(
    connection: psycopg.AsyncConnection[Any], statement: bytes, parameters: Sequence[Any]
) -> list[tuple[Any, ...]]:
    cursor = AsyncRawCursor(connection)
    await cursor.execute(statement, parameters)
    return await cursor.fetchall() if cursor.description else []


async def _read_again(
    reads: Reads, pairs: Sequence[tuple[UUID, UUID]], system_id: str
) -> dict[UUID, Event]:
    owners, ids = ([one[n] for one in pairs] for n in (0, 1))
    versions = await reading.versions_of(reads, pairs, system_id)
    found = {}
    for row in await reads.ask(_AGAIN_READ, (owners, ids)):
        event_id, ehr_id, change, kind, object_id, era, lineage, xact, moment = row
        cursor = str(Place(era, lineage, int(xact), moment, event_id))
        if change is None:
            event = reading.event_of_erasure(
                event_id, ehr_id, cursor=cursor, kind=kind, object_id=object_id
            )
        else:
            event = reading.event_of_contribution(
                event_id, ehr_id, change=change, cursor=cursor, versions=versions.get(event_id, ())
            )
        found[event_id] = event
    return found


def _hook(row: Sequence[Any]) -> _Hook:
    webhook_id, url, ehr_id, generation, fresh, era, lineage, xact, moment, passed = row
    place = Place(era, lineage or UUID(int=0), int(xact), moment, passed)
    return _Hook(webhook_id, url, ehr_id, generation, fresh, place, place)


_LEAD = (
    b"SELECT NOT pg_is_in_recovery()"
    b" AND pg_try_advisory_lock(hashtextextended('moiety webhook deliveries', 0))"
)
_COUNTS = b"SELECT state, count(*) FROM webhook_delivery GROUP BY state"
_HOOKS = (
    b"SELECT w.webhook_id, w.url, w.ehr_id, w.generation,"
    b" coalesce(w.rotated > now() - interval '1 day', false), w.passed_era, x.lineage,"
    b" w.passed_xact::text, w.passed_time, w.passed_id"
    b" FROM webhook w LEFT JOIN event_era x ON x.era = w.passed_era WHERE w.state = $1"
)
_WAITING = (
    b"SELECT count(*) FILTER (WHERE state = $2), coalesce(max(number), 0)"
    b" FROM webhook_delivery WHERE webhook_id = $1"
)
_MAKE_OUT = (
    b"WITH moved AS (UPDATE webhook SET passed_era = $6::int, passed_xact = $7::text::xid8,"
    b" passed_time = $8::timestamptz, passed_id = $9::uuid WHERE webhook_id = $1::uuid"
    b" AND (passed_era, passed_xact, passed_time, passed_id)"
    b" = ($2::int, $3::text::xid8, $4::timestamptz, $5::uuid) RETURNING webhook_id),"
    b" made AS (INSERT INTO webhook_delivery"
    b" (webhook_id, event_id, ehr_id, number, state, attempts, next_try)"
    b" SELECT webhook_id, e.event_id, e.ehr_id, $12::bigint + e.number, $13::text, 0, now()"
    b" FROM moved, unnest($10::uuid[], $11::uuid[]) WITH ORDINALITY AS e(event_id, ehr_id, number)"
    b" ON CONFLICT DO NOTHING)"
    b" SELECT webhook_id FROM moved"
)
_NEXT = (
    b"SELECT event_id, ehr_id, attempts FROM webhook_delivery d"
    b" WHERE webhook_id = $1 AND state = $2 AND NOT EXISTS (SELECT FROM webhook_delivery b"
    b" WHERE b.webhook_id = $1 AND b.state = $2 AND b.ehr_id = d.ehr_id AND b.next_try > now())"
    b" ORDER BY number LIMIT $3"
)
_DONE = b"DELETE FROM webhook_delivery WHERE webhook_id = $1 AND event_id = $2"
_FAILED = (
    b"UPDATE webhook_delivery SET attempts = attempts + 1, outcome = $4::text,"
    b" first_try = coalesce(first_try, now()),"
    b" next_try = now() + make_interval(secs => $3::float8),"
    b" state = CASE WHEN attempts + 1 >= $5::int OR first_try < now() - interval '1 day'"
    b" THEN 'dead' ELSE state END WHERE webhook_id = $1::uuid AND event_id = $2::uuid"
    b" RETURNING state"
)
_SET_STATE = b"UPDATE webhook SET state = $2 WHERE webhook_id = $1"
_AGAIN_READ = (
    b"WITH w AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS w(ehr_id, id))"
    b" SELECT c.contribution_id, c.ehr_id, c.change_type::int, NULL, NULL::uuid, c.era, x.lineage,"
    b" c.xact::text, c.time_committed FROM w JOIN contribution c"
    b" ON c.ehr_id = w.ehr_id AND c.contribution_id = w.id JOIN event_era x USING (era)"
    b" UNION ALL SELECT c.erasure_id, c.ehr_id, NULL::int, c.kind, c.object_id, c.era, x.lineage,"
    b" c.xact::text, c.time_committed FROM w JOIN erasure c"
    b" ON c.ehr_id = w.ehr_id AND c.erasure_id = w.id JOIN event_era x USING (era)"
)
