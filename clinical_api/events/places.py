"""A place in the order of events, and the cursor that names it.

The order is (era, transaction, time, id).  Whoever reads only what stands below every transaction
still under way misses nothing that commits late, and what one EHR's writers did one after another
comes in that order.  An era is one life of the database in one cluster: a restore begins the next,
so transaction numbers that start again do no harm.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from moiety.kit.errors import Malformed, NotFound
from moiety.kit.reads import Reads

_SHAPE = struct.Struct(">16sQq16s")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Place:
    """After one event, or before all of a transaction.

    `lineage` is the era's random name: eras of two restores bear the same number.
    """

    era: int
    lineage: UUID
    xact: int
    time: datetime
    event_id: UUID

    def __str__(self) -> str:
        """The cursor: 64 characters that mean nothing outside."""
        microseconds = (self.time - _EPOCH) // timedelta(microseconds=1)
        packed = _SHAPE.pack(self.lineage.bytes, self.xact, microseconds, self.event_id.bytes)
        return base64.urlsafe_b64encode(packed).decode()

    @property
    def key(self) -> tuple[int, int, datetime, UUID]:
        """What places are compared by."""
        return (self.era, self.xact, self.time, self.event_id)

    @property
    def parameters(self) -> tuple[int, str, datetime, UUID]:
        """As statements take it: the transaction as text."""
        return (self.era, str(self.xact), self.time, self.event_id)


START = Place(0, _NOBODY, 0, _EPOCH, _NOBODY)
"""Before every event."""


def before(era: int, lineage: UUID, xact: int) -> Place:
    """The place below a transaction."""
    return Place(era, lineage, xact, _EPOCH, _NOBODY)


async def find(reads: Reads, cursor: str | None) -> Place:
    """The place of a cursor: the start without one, the present for "latest".

    Raises Malformed for what is no cursor, and NotFound for one of an era that this database never
    had: it was restored to a state before that.
    """
    if cursor is None or cursor == "":
        return START
    if cursor == "latest":
        era, lineage, xact = (await reads.ask(_HORIZON, ()))[0]
        return before(era, lineage, int(xact))
    lineage, xact, time, event_id = _unpacked(cursor)
    if lineage == _NOBODY:
        return START
    rows = await reads.ask(b"SELECT era FROM event_era WHERE lineage = $1", (lineage,))
    if not rows:
        raise NotFound(
            "This cursor is of events that a restore has undone: start again, without a cursor for"
            " all events or after=latest for new ones."
        )
    return Place(rows[0][0], lineage, xact, time, event_id)


def _unpacked(cursor: str) -> tuple[UUID, int, datetime, UUID]:
    wrong = Malformed("`after` and Last-Event-ID take a cursor that came from here, or latest.")
    try:
        packed = base64.b64decode(cursor, altchars=b"-_", validate=True)
        lineage, xact, microseconds, event_id = _SHAPE.unpack(packed)
        time = _EPOCH + timedelta(microseconds=microseconds)
    except (binascii.Error, ValueError, struct.error, OverflowError):
        raise wrong from None
    return UUID(bytes=lineage), xact, time, UUID(bytes=event_id)


_HORIZON = (
    b"SELECT era, lineage, pg_snapshot_xmin(pg_current_snapshot())::text"
    b" FROM event_era ORDER BY era DESC LIMIT 1"
)
