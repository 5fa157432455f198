"""The trail: every decision, committed before its answer, in a Merkle tree with signed heads.

An entry is sealed under the trail's own key; the leaf is a hash of the sealed octets, so anybody
with the public key can verify the whole trail and read none of it.  Exact times are inside the
seal; outside stands the month.  Appending is serial: one advisory lock orders the entries, and each
append first makes sure that it extends a tree whose head this vault signed.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from linkage_vault import merkle
from linkage_vault.keys import KeyRing
from linkage_vault.seal import Place, Tampered, encode_lengths, open_sealed, seal
from linkage_vault.tables import trail_head, trail_leaf
from linkage_vault.tree_heads import TreeHead, is_genuine, sign_head
from linkage_vault.vault import Vault
from moiety.kit.errors import Unavailable

# Octets inside the seal: the longest reason and name fit, and the row stays in one page's tuple
# (PostgreSQL moves values out of rows over about 2,030 octets).
ENTRY_SIZE = 1872
_PAGE = 1000
_ORDER = 0x6D6F_6965_7479  # the advisory lock under which entries are appended


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One decision.  `subject` is the id that was asked with, never the id that was answered."""

    at: datetime
    action: str
    outcome: str
    user_id: UUID | None
    user_name: str | None
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


@dataclass(frozen=True, slots=True)
class Leaf:
    """A row of the trail as it is stored: the sealed entry and its hash in the tree."""

    position: int
    month: date
    entry: bytes
    leaf_hash: bytes


def record(vault: Vault, entry: Entry) -> int:
    """Commits an entry in a transaction of its own and returns its position.

    Raises Unavailable when it cannot be committed: then the caller must reveal nothing.
    Raises Tampered when the stored tree is not the one that the last signed head describes.
    """
    return record_all(vault, [entry])


def record_all(vault: Vault, entries: Sequence[Entry]) -> int:
    """Commits entries together, in their order; returns the position of the first.

    Errors as `record`: all of them are in the trail, or none.
    """
    try:
        with vault.engine.begin() as connection:
            return [
                _append(connection, vault.keys, msgspec.json.encode(entry)) for entry in entries
            ][0]
    except SQLAlchemyError:
        raise Unavailable("The trail cannot be written, so nothing is answered.") from None


def hash_entry(position: int, month: date, sealed: bytes) -> bytes:
    """The leaf hash of a row: over its position, its month and the hash of the sealed octets."""
    return merkle.hash_leaf(
        encode_lengths(
            b"moiety/vault/trail/1",
            position.to_bytes(8, "big"),
            month.isoformat().encode(),
            hashlib.sha256(sealed).digest(),
        )
    )


def open_leaf(keys: KeyRing, leaf: Leaf) -> Entry:
    """The entry of a row.  Raises Tampered."""
    plaintext = open_sealed(keys.trail.by_version, leaf.entry, _place(leaf.position))
    return msgspec.json.decode(plaintext, type=Entry)


def leaves(connection: sa.Connection, *, first: int = 0) -> Iterator[Leaf]:
    """The rows from position `first`, in order."""
    column = trail_leaf.c.position
    for row in _paged(connection, sa.select(trail_leaf).where(column >= first), column):
        yield Leaf(row.position, row.month, row.entry, row.leaf_hash)


def newest(connection: sa.Connection, *, before: int | None = None) -> Iterator[Leaf]:
    """The rows below position `before`, newest first."""
    column = trail_leaf.c.position
    query = sa.select(trail_leaf)
    if before is not None:
        query = query.where(column < before)
    for row in _paged(connection, query, column, descending=True):
        yield Leaf(row.position, row.month, row.entry, row.leaf_hash)


def hashes(connection: sa.Connection, *, size: int) -> list[bytes]:
    """The leaf hashes of the first `size` entries, or of all if there are fewer."""
    column = trail_leaf.c.position
    query = sa.select(trail_leaf.c.leaf_hash).where(column < size).order_by(column)
    return list(connection.scalars(query))


def heads(connection: sa.Connection) -> Iterator[TreeHead]:
    """Every signed head, by size.  Read them before the rows, which may grow meanwhile."""
    for row in _paged(connection, sa.select(trail_head), trail_head.c.size):
        yield TreeHead(row.size, row.root, row.signature)


def latest_head(connection: sa.Connection, keys: KeyRing) -> TreeHead:
    """The newest signed head; of an empty trail, a head of size 0 signed now."""
    row = connection.execute(_latest()).one_or_none()
    if row is None:
        return sign_head(keys.tree_head, 0, merkle.EMPTY_ROOT)
    return TreeHead(row.size, row.root, row.signature)


def current_month() -> date:
    """The first day of this month, UTC: the finest time that stands outside a seal."""
    return datetime.now(UTC).date().replace(day=1)


def _append(connection: sa.Connection, keys: KeyRing, plaintext: bytes) -> int:
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ORDER)))
    size, peaks = _extendable(connection, keys)
    month = current_month()
    sealed = seal(keys.trail.current, plaintext, _place(size), size=ENTRY_SIZE)
    leaf_hash = hash_entry(size, month, sealed)
    peaks = merkle.append(peaks, size, leaf_hash)
    head = sign_head(keys.tree_head, size + 1, merkle.root_of_peaks(peaks))
    connection.execute(
        trail_leaf.insert().values(position=size, month=month, entry=sealed, leaf_hash=leaf_hash)
    )
    connection.execute(
        trail_head.insert().values(
            size=head.size, root=head.root, peaks=b"".join(peaks), signature=head.signature
        )
    )
    return size


def _extendable(connection: sa.Connection, keys: KeyRing) -> tuple[int, merkle.Peaks]:
    """Size and peaks of the tree, checked against the signature of its head."""
    row = connection.execute(_latest()).one_or_none()
    if row is None:
        return 0, ()
    width = merkle.HASH_SIZE
    peaks = tuple(row.peaks[at : at + width] for at in range(0, len(row.peaks), width))
    head = TreeHead(row.size, row.root, row.signature)
    if merkle.root_of_peaks(peaks) != row.root or not is_genuine(head, keys.tree_head_public):
        raise Tampered("the newest tree head of the trail is not one that this vault signed")
    return row.size, peaks


def _latest() -> sa.Select[tuple[int, bytes, bytes, bytes]]:
    return sa.select(trail_head).order_by(trail_head.c.size.desc()).limit(1)


def _place(position: int) -> Place:
    return Place("trail_leaf", str(position), "entry", 1)


def _paged(
    connection: sa.Connection,
    query: sa.Select[tuple[object, ...]],
    column: sa.Column[int],
    *,
    descending: bool = False,
) -> Iterator[sa.Row[tuple[object, ...]]]:
    """All rows in the order of `column`, a page at a time, so that no answer is held whole."""
    order = column.desc() if descending else column.asc()
    page_query = query.order_by(order).limit(_PAGE)
    page = connection.execute(page_query).all()
    while page:
        yield from page
        last = getattr(page[-1], column.key)
        beyond = column < last if descending else column > last
        page = connection.execute(page_query.where(beyond)).all()
