"""The personal values of an entry as they lie in rows: one row, or for many subjects one a heap.

An entry about one subject has one row, whose envelopes are those of `personal`.  An entry about
many (one decision, as of a bulk request) has a commitment for each, one behind the other in the
leaf, and a row for each heap that some of its subjects lie in:

    subject     the ids of the heap, 16 octets each, in one seal under the trail's key
    disclosed   with an auditor: "B", the size of a box, and a box for each id, in the same order
                without: the reason and the salts in the same order, in one seal

Seals are padded to full dozens of ids; boxes show how many a row has, as the leaf shows how many
there were.  To forget one of them, its row is written anew without it; the commitments stay in the
leaf.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import msgspec

from linkage_vault import personal
from linkage_vault.keys import Keks, KeyRing
from linkage_vault.personal import BOX_FORMAT, SALT_SIZE, Disclosed
from linkage_vault.seal import LENGTH_SIZE, Batch, Place, Tampered, open_sealed
from moiety.kit.boxes import Boxes

TOGETHER = 1000  # subjects that one entry is about at most: what two octets of length can seal
BOXES_FORMAT = 0x42
_HEAD = 3  # octets before the boxes of a row: format, and the size of each
_ID = 16
_FULL = 12  # ids that a row is padded to full dozens of


class Packet(NamedTuple):
    """A row of `trail_personal`; `bucket` is its heap."""

    bucket: int
    subject: bytes
    disclosed: bytes


@dataclass(frozen=True, slots=True)
class Packing:
    """What one append seals personal values with; `boxes` where there is an auditor."""

    keys: KeyRing
    batch: Batch
    boxes: Boxes | None

    def pack(self, position: int, values: Sequence[Disclosed]) -> list[Packet]:
        """The rows of an entry, by heap."""
        if len(values) == 1:
            return [self._one(position, values[0])]
        heaps: dict[int, list[tuple[bytes, Disclosed]]] = {}
        bucket = personal.bucketing(self.keys)
        for one in values:
            octets = _octets_of(one.subject)
            heaps.setdefault(bucket(octets), []).append((octets, one))
        return [self._many(position, heap, held) for heap, held in sorted(heaps.items())]

    def _one(self, position: int, values: Disclosed) -> Packet:
        return Packet(
            personal.bucket_of(self.keys, values.subject),
            personal.seal_subject(self.batch, position, values.subject),
            personal.seal_disclosed(self.batch, self.boxes, position, values),
        )

    def _many(self, position: int, heap: int, held: Sequence[tuple[bytes, Disclosed]]) -> Packet:
        ids = b"".join([octets for octets, _ in held])
        values = [one for _, one in held]
        subject = _seal_ids(self.batch, position, heap, ids)
        if self.boxes is None:
            salts = b"".join([one.salt for one in values])
            sealed = _seal_salts(self.batch, position, heap, values[0].reason, salts)
            return Packet(heap, subject, sealed)
        boxes = [personal.seal_disclosed(self.batch, self.boxes, position, one) for one in values]
        return Packet(heap, subject, _joined(boxes))


def is_many(commitment: bytes) -> bool:
    """Whether a leaf is about many: it has a commitment for each."""
    return len(commitment) > personal.COMMITMENT_SIZE


def commitments_of(leaf_commitment: bytes) -> list[bytes]:
    """The commitments of a leaf, one a subject."""
    size = personal.COMMITMENT_SIZE
    return [leaf_commitment[at : at + size] for at in range(0, len(leaf_commitment), size)]


def open_subjects(keys: KeyRing, position: int, packet: Packet, *, many: bool) -> list[UUID]:
    """The ids of a row; none for an entry about nobody.  Raises Tampered."""
    if not many:
        subject = personal.open_subject(keys, position, packet.subject)
        return [] if subject is None else [subject]
    octets = _open_ids(keys.trail, position, packet)
    return [UUID(bytes=octets[at : at + _ID]) for at in range(0, len(octets), _ID)]


def open_reason(keys: KeyRing, position: int, packet: Packet, *, many: bool) -> str | None:
    """The reason, where the vault may read it.  Raises Tampered."""
    if not many:
        values = personal.open_disclosed(keys.trail, position, packet.disclosed)
        return values.reason if values else None
    if packet.disclosed[0] == BOXES_FORMAT:
        return None
    return _open_salts(keys.trail, position, packet)[0]


def boxes_in(packet: Packet) -> list[bytes]:
    """The auditor's boxes of a row; none where there was no auditor."""
    octets = packet.disclosed
    if octets[0] == BOX_FORMAT:
        return [octets]
    if octets[0] != BOXES_FORMAT:
        return []
    size = int.from_bytes(octets[1:_HEAD], "big")
    return [octets[at : at + size] for at in range(_HEAD, len(octets), size)]


def without(
    keys: KeyRing, position: int, packet: Packet, gone: Collection[UUID], *, many: bool
) -> Packet | None:
    """A row that no longer holds some ids; None where nothing is left in it.  Raises Tampered."""
    held = open_subjects(keys, position, packet, many=many)
    staying = [number for number, one in enumerate(held) if one not in gone]
    if len(staying) == len(held):
        return packet
    if not staying:
        return None
    batch = Batch(keys.trail.current)
    ids = b"".join(held[number].bytes for number in staying)
    subject = _seal_ids(batch, position, packet.bucket, ids)
    if boxes := boxes_in(packet):
        return Packet(packet.bucket, subject, _joined([boxes[number] for number in staying]))
    reason, salts = _open_salts(keys.trail, position, packet)
    left = b"".join(salts[number * SALT_SIZE :][:SALT_SIZE] for number in staying)
    return Packet(packet.bucket, subject, _seal_salts(batch, position, packet.bucket, reason, left))


def _octets_of(subject: UUID | None) -> bytes:
    if subject is None:
        raise ValueError("an entry about many names each of them")
    return subject.bytes


def _seal_ids(batch: Batch, position: int, heap: int, ids: bytes) -> bytes:
    size = LENGTH_SIZE + _padded(len(ids) // _ID) * _ID
    return batch.seal(ids, _place(position, heap, "subject"), size=size)


def _open_ids(keks: Keks, position: int, packet: Packet) -> bytes:
    place = _place(position, packet.bucket, "subject")
    return open_sealed(keks.by_version, packet.subject, place)


def _seal_salts(batch: Batch, position: int, heap: int, reason: str | None, salts: bytes) -> bytes:
    octets = msgspec.msgpack.encode((reason, salts))
    rest = personal.SHORT if reason is None else personal.LONG
    size = LENGTH_SIZE + rest + _padded(len(salts) // SALT_SIZE) * SALT_SIZE
    return batch.seal(octets, _place(position, heap, "disclosed"), size=size)


def _open_salts(keks: Keks, position: int, packet: Packet) -> tuple[str | None, bytes]:
    place = _place(position, packet.bucket, "disclosed")
    octets = open_sealed(keks.by_version, packet.disclosed, place)
    try:
        return msgspec.msgpack.decode(octets, type=tuple[str | None, bytes])
    except msgspec.DecodeError:
        raise Tampered("personal values are not of a form that was ever written") from None


def _joined(boxes: Sequence[bytes]) -> bytes:
    """Boxes of one size, behind each other."""
    return bytes([BOXES_FORMAT]) + len(boxes[0]).to_bytes(_HEAD - 1, "big") + b"".join(boxes)


def _padded(count: int) -> int:
    return -(-count // _FULL) * _FULL


def _place(position: int, heap: int, column: str) -> Place:
    """A row of an entry about many: another version than that of an entry about one."""
    return Place("trail_personal", f"{position}/{heap}", column, 2)
