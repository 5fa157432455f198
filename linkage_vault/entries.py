"""Entries of the trail, and how they lie in a row: sealed, of one length, without personal values.

`Entry` is what a decision says.  What is kept under the trail's key (`_Kept`) names no person but
the member of staff, by a random id; the subject and the reason go to `personal`.  Entries of
version 0.1.0 hold everything in one seal; they are still read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import structs

from linkage_vault import packets, personal
from linkage_vault.keys import KeyRing
from linkage_vault.packets import TOGETHER, Packet
from linkage_vault.personal import Disclosed
from linkage_vault.seal import LENGTH_SIZE, Batch, Column, Tampered, open_sealed

ENTRY_SIZE = 576  # octets inside the seal
_COLUMN = Column("trail_leaf", "entry", 1)


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One decision.  `subject` is the id that was asked with, never the id that was answered.

    Of a decision about many it is None; `open_subjects` has them.
    """

    at: datetime
    action: str
    outcome: str
    user_id: UUID | None
    user_name: str | None  # not kept: who reads an entry finds the name by the id
    key_id: str
    purpose_of_use: str | None
    reason: str | None
    subject: UUID | None
    role: str | None = None
    legal_basis: str | None = None
    grant_id: UUID | None = None
    approval_id: UUID | None = None
    project_id: UUID | None = None
    service: str | None = None  # the program through which a person asked, by its key's id
    request_hash: bytes | None = None  # SHA-256 of the exact request that was approved
    kind: str | None = None  # "break_glass", "bulk" and other words of the decisions
    count: int | None = None  # of the ids that one request asked about


class _Kept(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    at: datetime
    action: str
    outcome: str
    user_id: UUID | None
    key_id: str
    purpose_of_use: str | None
    role: str | None
    legal_basis: str | None
    grant_id: UUID | None
    approval_id: UUID | None
    project_id: UUID | None
    service: str | None
    request_hash: bytes | None
    kind: str | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A row of the trail as it is stored, with those of its personal values that were asked for.

    `position`, `month`, `entry` and `commitment` make the leaf hash.  `personal` is empty where the
    values are gone.
    """

    position: int
    month: date
    entry: bytes
    leaf_hash: bytes
    commitment: bytes | None = None
    personal: tuple[Packet, ...] = ()


class Encoded(NamedTuple):
    """An entry made ready to be appended: it fits, and its personal values have their salts."""

    kept: bytes
    values: Sequence[Disclosed]


def encode(entry: Entry) -> Encoded:
    """An entry as it will be sealed.  Raises ValueError for one that is too long."""
    kept = msgspec.msgpack.encode(
        _Kept(
            entry.at,
            entry.action,
            entry.outcome,
            entry.user_id,
            entry.key_id,
            entry.purpose_of_use,
            entry.role,
            entry.legal_basis,
            entry.grant_id,
            entry.approval_id,
            entry.project_id,
            entry.service,
            entry.request_hash,
            entry.kind,
            entry.count,
        )
    )
    if len(kept) + LENGTH_SIZE > ENTRY_SIZE:
        raise ValueError(f"an entry of the trail exceeds {ENTRY_SIZE} octets")
    return Encoded(kept, [personal.disclose(entry.subject, entry.reason)])


def encode_alike(entry: Entry, told: Sequence[tuple[str, UUID | None]]) -> list[Encoded]:
    """A decision about many, as few entries as can be: those of one outcome are one entry.

    `told`: outcome and subject of each; what is about nobody is an entry by itself.
    """
    subjects: dict[str, list[UUID]] = {}
    nobody = [structs.replace(entry, outcome=outcome) for outcome, one in told if one is None]
    for outcome, subject in told:
        if subject is not None:
            subjects.setdefault(outcome, []).append(subject)
    together = [
        Encoded(kept, personal.disclose_each(about[at : at + TOGETHER], entry.reason))
        for outcome, about in subjects.items()
        for kept in [encode(structs.replace(entry, outcome=outcome)).kept]
        for at in range(0, len(about), TOGETHER)
    ]
    return [*together, *(encode(structs.replace(one, subject=None)) for one in nobody)]


def seal_entry(batch: Batch, position: int, kept: bytes) -> bytes:
    """The sealed octets of an entry at its position."""
    return batch.seal_at(_COLUMN, position, kept, size=ENTRY_SIZE)


def open_leaf(keys: KeyRing, leaf: Leaf) -> Entry:
    """The entry of a row, as far as the vault can read it.  Raises Tampered.

    The subject is None when it was shredded, and of an entry about many; the reason too when it was
    shredded, and when only the auditor may read it.
    """
    octets = open_sealed(keys.trail.by_version, leaf.entry, _COLUMN.place(leaf.position))
    try:
        if leaf.commitment is None:
            return msgspec.json.decode(octets, type=Entry)
        kept = msgspec.msgpack.decode(octets, type=_Kept)
    except msgspec.DecodeError:
        raise Tampered("an entry of the trail is not of a form that was ever written") from None
    reason, subject, many = None, None, packets.is_many(leaf.commitment)
    for packet in leaf.personal[:1]:
        reason = packets.open_reason(keys, leaf.position, packet, many=many)
        if not many:
            subject = next(iter(open_subjects(keys, leaf)), None)
    return _whole(kept, subject, reason)


def open_subjects(keys: KeyRing, leaf: Leaf) -> list[UUID]:
    """Whom a row is about, as far as its personal values were asked for.  Raises Tampered."""
    if leaf.commitment is None:
        subject = open_leaf(keys, leaf).subject
        return [] if subject is None else [subject]
    many = packets.is_many(leaf.commitment)
    return [
        subject
        for packet in leaf.personal
        for subject in packets.open_subjects(keys, leaf.position, packet, many=many)
    ]


def _whole(kept: _Kept, subject: UUID | None, reason: str | None) -> Entry:
    return Entry(
        at=kept.at,
        action=kept.action,
        outcome=kept.outcome,
        user_id=kept.user_id,
        user_name=None,
        key_id=kept.key_id,
        purpose_of_use=kept.purpose_of_use,
        reason=reason,
        subject=subject,
        role=kept.role,
        legal_basis=kept.legal_basis,
        grant_id=kept.grant_id,
        approval_id=kept.approval_id,
        project_id=kept.project_id,
        service=kept.service,
        request_hash=kept.request_hash,
        kind=kept.kind,
        count=kept.count,
    )
