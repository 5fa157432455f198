"""What the vault asks of the other services: who read one record, for its person.

Each service is asked with its own id of the person and learns of no other.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import httpx
import msgspec

from moiety.kit.accesses import EVERY, Access
from moiety.wire.exchange import call

PATH = "/access/v1/entries"


class AskAccesses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who read this record: `POST /access/v1/entries`."""

    record: UUID


class AccessShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One read: when, by whom, through which route.  `label`: what the key is for.

    `every`: of all records at once, by a query or an export that this record may have been in.
    """

    at: datetime
    key_id: str
    label: str | None
    user_id: UUID | None
    door: str
    every: bool


class Accesses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reads of a record in the order of time; whether the service keeps a log at all."""

    is_kept: bool
    entries: list[AccessShown]


def answer(found: Sequence[Access], labels: Mapping[str, str], *, is_kept: bool) -> Accesses:
    """Entries of the log as they are told."""
    shown = [
        AccessShown(
            one.at, one.key_id, labels.get(one.key_id), one.user_id, one.door, one.record == EVERY
        )
        for one in found
    ]
    return Accesses(is_kept, shown)


def ask_accesses(client: httpx.Client, record: UUID) -> Accesses:
    """Who read a record.  Raises Forbidden without the scope `access:read`, and Unavailable."""
    message = msgspec.to_builtins(AskAccesses(record))
    return msgspec.json.decode(call(client, "POST", PATH, json=message).content, type=Accesses)
