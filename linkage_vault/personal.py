"""What of an entry is personal: committed to in the tree, kept outside it, and able to go.

The tree holds SHA-256 over a random salt, the subject and the reason.  The values stand beside it
in two envelopes: the subject under the trail's key, by which the vault finds the entries about a
person; and everything, with the salt, in a box that only the auditor's private key opens
(`moiety.kit.boxes`), one octet of format in front.

When the row goes, the commitment stays: every proof holds, and nobody can learn or guess what was
committed to, for the salt of 256 random bits went with it.  Without an auditor's key the second
envelope is sealed under the trail's key too.  How entries about many lie in rows: `packets`.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from functools import lru_cache
from uuid import UUID

import msgspec

from linkage_vault.blind_index import heap_of, heaping
from linkage_vault.keys import Keks, KeyRing
from linkage_vault.seal import Batch, Column, Tampered, encode_lengths, open_sealed
from moiety.kit.boxes import Boxes, BoxKey, NotOpened, boxes_for, new_key

BOX_FORMAT = 0x41
SALT_SIZE = 32
COMMITMENT_SIZE = 32
SUBJECT_SIZE = 32  # octets inside the seal: an id takes 16
SHORT, LONG = 192, 1472  # octets inside a box: without a reason, and with the longest
BUCKETS = 64
_LABEL = b"moiety/vault/auditor/1"
_SUBJECT = Column("trail_personal", "subject", 1)
_DISCLOSED = Column("trail_personal", "disclosed", 1)


class Disclosed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The personal values of one entry with the salt of their commitment."""

    salt: bytes
    subject: UUID | None
    reason: str | None


def disclose(subject: UUID | None, reason: str | None) -> Disclosed:
    """The values with a fresh salt."""
    return Disclosed(secrets.token_bytes(SALT_SIZE), subject, reason)


def disclose_each(subjects: Sequence[UUID | None], reason: str | None) -> list[Disclosed]:
    """The same for many with one reason, each with a salt of its own."""
    salts = secrets.token_bytes(SALT_SIZE * len(subjects))
    return [
        Disclosed(salts[at : at + SALT_SIZE], subject, reason)
        for at, subject in zip(range(0, len(salts), SALT_SIZE), subjects, strict=True)
    ]


def commit(values: Disclosed) -> bytes:
    """The commitment, 32 octets, that the tree holds."""
    subject = b"" if values.subject is None else values.subject.bytes
    # As `encode_lengths` of label, salt, subject and reason.
    parts = (_SALTED, values.salt, len(subject).to_bytes(8, "little"), subject,
             _written(values.reason))  # fmt: skip
    return hashlib.sha256(b"".join(parts)).digest()


_SALTED = (4).to_bytes(8, "little") + encode_lengths(b"moiety/vault/personal/1", bytes(SALT_SIZE))[
    8:-SALT_SIZE
]


@lru_cache(maxsize=64)
def _written(reason: str | None) -> bytes:
    """A reason as it is committed to, with its length in front."""
    return encode_lengths(b"" if reason is None else b"\x01" + reason.encode())[8:]


def new_boxes(auditor: bytes) -> Boxes:
    """Boxes for one batch of entries."""
    return boxes_for(auditor, label=_LABEL)


def seal_subject(batch: Batch, position: int, subject: UUID | None) -> bytes:
    """The subject under the trail's key; of an entry about nobody, as many octets."""
    octets = b"" if subject is None else subject.bytes
    return batch.seal_at(_SUBJECT, position, octets, size=SUBJECT_SIZE)


def open_subject(keys: KeyRing, position: int, sealed: bytes) -> UUID | None:
    """Whom an entry is about.  Raises Tampered."""
    octets = open_sealed(keys.trail.by_version, sealed, _SUBJECT.place(position))
    return UUID(bytes=octets) if octets else None


def seal_disclosed(batch: Batch, boxes: Boxes | None, position: int, values: Disclosed) -> bytes:
    """All values, for the auditor where there is a box, else under the trail's key."""
    octets = msgspec.msgpack.encode(values)
    size = SHORT if values.reason is None else LONG
    if boxes is None:
        return batch.seal_at(_DISCLOSED, position, octets, size=size)
    return bytes([BOX_FORMAT]) + boxes.seal(octets, _bound(position), size=size)


def open_disclosed(keks: Keks, position: int, sealed: bytes) -> Disclosed | None:
    """The values that were sealed under the trail's key; None of those in an auditor's box."""
    if sealed[:1] == bytes([BOX_FORMAT]):
        return None
    octets = open_sealed(keks.by_version, sealed, _DISCLOSED.place(position))
    return msgspec.msgpack.decode(octets, type=Disclosed)


class AuditorKey:
    """The auditor's private key, written as 64 hexadecimal digits.  Raises ValueError."""

    def __init__(self, text: str) -> None:
        self._key = BoxKey(bytes.fromhex(text))

    def __repr__(self) -> str:
        """No key."""
        return "<auditor's key>"

    @property
    def public_text(self) -> str:
        """The public half, as the vault's setting takes it."""
        return self._key.public.hex()

    def open_box(self, position: int, box: bytes) -> Disclosed:
        """The values of a box.  Raises Tampered, also for a box of another auditor or place."""
        try:
            octets = self._key.open_box(box[1:], _bound(position), label=_LABEL)
            return msgspec.msgpack.decode(octets, type=Disclosed)
        except (NotOpened, msgspec.DecodeError):
            raise Tampered("the personal values of an entry do not open with this key") from None


def new_auditor_key() -> str:
    """A fresh private key as 64 hexadecimal digits."""
    return new_key().hex()


def buckets_of(keys: KeyRing, subject: UUID) -> list[int]:
    """The heap that entries about an id lie in, under each version of the trail's key."""
    return [heap_of(kek.secret, subject, heaps=BUCKETS) for kek in keys.trail.by_version.values()]


def bucket_of(keys: KeyRing, subject: UUID | None) -> int:
    """The heap of a new entry: of one about nobody, any."""
    if subject is None:
        return secrets.randbelow(BUCKETS)
    return heap_of(keys.trail.current.secret, subject, heaps=BUCKETS)


def bucketing(keys: KeyRing) -> Callable[[bytes], int]:
    """`bucket_of` for many subjects, given as their 16 octets."""
    return heaping(keys.trail.current.secret, heaps=BUCKETS)


def auditor_key_of(text: str) -> bytes:
    """The public key that 64 hexadecimal digits write.  Raises ValueError."""
    octets = bytes.fromhex(text)
    boxes_for(octets, label=_LABEL)
    return octets


def _bound(position: int) -> bytes:
    return encode_lengths(b"moiety/vault/disclosed/1", position.to_bytes(8, "big"))
