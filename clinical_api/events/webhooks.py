"""Webhooks: register, list, pause, end; what could not be delivered, and once more.

The secret is shown once, when a webhook is registered or its secret rotated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa

from clinical_api import tables
from clinical_api.events import destinations
from clinical_api.events.places import Place
from clinical_api.settings import Settings
from moiety.kit.errors import Malformed, NotFound, TooMany

MOST = 100
"""Webhooks of one organisation."""
ACTIVE, PAUSED = "active", "paused"
WAITING, DEAD = "waiting", "dead"


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """A webhook as it is registered.  `after`: latest, oldest or a cursor."""

    url: str
    ehr_id: UUID | None = None
    after: str = "latest"


class Redeliver(msgspec.Struct, forbid_unknown_fields=True):
    """Which dead letters to send again: all, without a list."""

    events: list[UUID] | None = None


class Webhook(msgspec.Struct, frozen=True, omit_defaults=True):
    """A webhook as it is shown."""

    id: UUID
    url: str
    state: str
    waiting: int
    dead: int
    ehr_id: UUID | None = None
    secret: str | None = None


class DeadLetter(msgspec.Struct, frozen=True):
    """An event that could not be delivered.  `outcome`: the last status, or kind of failure."""

    event_id: UUID
    ehr_id: UUID
    attempts: int
    outcome: str | None
    first_try: datetime | None


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: the organisation, and this service's key."""

    organisation: str
    key: str | None

    def secrets(self, webhook_id: UUID, generation: int, *, both: bool) -> Sequence[bytes]:
        """The secret in force, and while a rotation is fresh the one before."""
        generations = (generation, generation - 1) if both and generation > 1 else (generation,)
        return [
            destinations.secret(self.key, self.organisation, webhook_id, n) for n in generations
        ]


def read(body: bytes) -> Wanted:
    """A registration as it was sent.  Raises Malformed."""
    wanted: Wanted = _decoded(body, Wanted)
    return wanted


def read_redelivery(body: bytes) -> Redeliver:
    """Which dead letters to send again.  Raises Malformed."""
    return _decoded(body, Redeliver) if body.strip() else Redeliver()


def register(
    connection: sa.Connection, wanted: Wanted, after: Place, signer: Signer, settings: Settings,
    *, key_id: str,
) -> Webhook:  # fmt: skip
    """A new webhook, with its secret.  Raises Malformed for the URL, Conflict without a key,
    TooMany.
    """
    destinations.check(wanted.url, settings.webhook_targets)
    webhook_id = uuid4()
    secret = signer.secrets(webhook_id, 1, both=False)[0]
    count = connection.scalar(sa.select(sa.func.count()).select_from(tables.webhook))
    if (count or 0) >= MOST:
        raise TooMany(f"An organisation has at most {MOST} webhooks.")
    connection.execute(
        tables.webhook.insert().values(
            webhook_id=webhook_id, url=wanted.url, key_id=key_id, ehr_id=wanted.ehr_id,
            state=ACTIVE, generation=1, passed_era=after.era,
            passed_xact=sa.cast(str(after.xact), tables.Xid8), passed_time=after.time,
            passed_id=after.event_id,
        )
    )  # fmt: skip
    return Webhook(
        webhook_id, wanted.url, ACTIVE, 0, 0, ehr_id=wanted.ehr_id,
        secret=destinations.shown(secret),
    )  # fmt: skip


def all_of(connection: sa.Connection) -> list[Webhook]:
    """Every webhook, by id."""
    return [_webhook(row) for row in connection.execute(_webhooks())]


def get(connection: sa.Connection, webhook_id: UUID) -> Webhook:
    """One webhook.  Raises NotFound."""
    row = connection.execute(_webhooks().where(tables.webhook.c.webhook_id == webhook_id)).first()
    if row is None:
        raise _unknown()
    return _webhook(row)


def delete(connection: sa.Connection, webhook_id: UUID) -> None:
    """End a webhook, and forget what waits for it.  Raises NotFound."""
    deliveries = tables.webhook_delivery
    gone = connection.execute(
        tables.webhook.delete().where(tables.webhook.c.webhook_id == webhook_id)
    )
    if not gone.rowcount:
        raise _unknown()
    connection.execute(deliveries.delete().where(deliveries.c.webhook_id == webhook_id))


def set_state(connection: sa.Connection, webhook_id: UUID, state: str) -> Webhook:
    """Pause or resume; while it is paused nothing is lost.  Raises NotFound."""
    _change(connection, webhook_id, {"state": state})
    if state == ACTIVE:
        deliveries = tables.webhook_delivery
        mine = (deliveries.c.webhook_id == webhook_id) & (deliveries.c.state == WAITING)
        connection.execute(deliveries.update().where(mine).values(next_try=sa.func.now()))
    return get(connection, webhook_id)


def rotate(connection: sa.Connection, webhook_id: UUID, signer: Signer) -> Webhook:
    """A new secret; for a day messages bear signatures of both.  Raises NotFound, Conflict."""
    table = tables.webhook
    _change(
        connection, webhook_id, {"generation": table.c.generation + 1, "rotated": sa.func.now()}
    )
    generation = connection.execute(
        sa.select(table.c.generation).where(table.c.webhook_id == webhook_id)
    ).scalar_one()
    secret = signer.secrets(webhook_id, generation, both=False)[0]
    found = get(connection, webhook_id)
    return msgspec.structs.replace(found, secret=destinations.shown(secret))


def dead(connection: sa.Connection, webhook_id: UUID, limit: int) -> list[DeadLetter]:
    """The oldest dead letters.  Raises NotFound."""
    get(connection, webhook_id)
    table = tables.webhook_delivery
    columns = (table.c.event_id, table.c.ehr_id, table.c.attempts, table.c.outcome)
    rows = connection.execute(
        sa.select(*columns, table.c.first_try)
        .where(table.c.webhook_id == webhook_id, table.c.state == DEAD)
        .order_by(table.c.number)
        .limit(limit)
    )
    return [DeadLetter(*row) for row in rows]


def redeliver(connection: sa.Connection, webhook_id: UUID, wanted: Redeliver) -> int:
    """Send dead letters again, with all their tries before them; how many.  Raises NotFound."""
    get(connection, webhook_id)
    table = tables.webhook_delivery
    which = (table.c.webhook_id == webhook_id) & (table.c.state == DEAD)
    if wanted.events is not None:
        which &= table.c.event_id.in_(wanted.events)
    done = connection.execute(
        table.update()
        .where(which)
        .values(state=WAITING, attempts=0, first_try=None, next_try=sa.func.now())
    )
    return done.rowcount


def _change(connection: sa.Connection, webhook_id: UUID, values: Mapping[str, Any]) -> None:
    table = tables.webhook
    done = connection.execute(table.update().where(table.c.webhook_id == webhook_id).values(values))
    if not done.rowcount:
        raise _unknown()


def _webhooks() -> sa.Select[Any]:
    table, deliveries = tables.webhook, tables.webhook_delivery

    def count(state: str) -> sa.ScalarSelect[int]:
        return (
            sa.select(sa.func.count())
            .where(deliveries.c.webhook_id == table.c.webhook_id, deliveries.c.state == state)
            .scalar_subquery()
        )

    columns = (table.c.webhook_id, table.c.url, table.c.state)
    return sa.select(*columns, count(WAITING), count(DEAD), table.c.ehr_id).order_by(
        table.c.webhook_id
    )


def _webhook(row: Sequence[Any]) -> Webhook:
    return Webhook(*row)


def _decoded(body: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        # msgspec names the place and the types, never what stood there.
        finding = {"path": "/", "rule": "structure", "expected": str(error)}
        raise Malformed("The body is not what this takes.", findings=[finding]) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed("The body is not JSON.") from None


def _unknown() -> NotFound:
    return NotFound("There is no webhook of this id.")
