"""The trail: every decision, committed before its answer, in a Merkle tree with signed heads.

An entry is sealed under the trail's own key; the leaf is a hash of the sealed octets and of a
commitment to the personal values, so anybody with the public key can verify the whole trail and
read none of it.  Exact times are inside the seal; outside stands the month.  Appending is serial
over all processes: one advisory lock orders the batches, and each first makes sure that it extends
a tree whose head this vault signed.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from uuid import UUID

import psycopg
import sqlalchemy as sa
from msgspec import structs
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.exc import SQLAlchemyError

from linkage_vault import entries, merkle, packets, personal
from linkage_vault.entries import Encoded, Entry, Leaf, open_leaf, open_subjects
from linkage_vault.keys import KeyRing
from linkage_vault.packets import Packet, Packing
from linkage_vault.proofs import LOWEST
from linkage_vault.seal import Batch, Tampered, encode_lengths
from linkage_vault.trail_tables import trail_head, trail_leaf, trail_personal
from linkage_vault.tree_heads import TreeHead, is_genuine, sign_head
from linkage_vault.vault import Vault
from moiety.kit.arrays import Numbers, Octets
from moiety.kit.errors import Unavailable

__all__ = ["Entry", "Leaf", "open_leaf", "open_subjects"]
_PAGE = 1000
_ORDER = 0x6D6F_6965_7479  # the advisory lock under which entries are appended
_FORGETTING = _ORDER + 1  # the one under which personal values go


def record(vault: Vault, entry: Entry) -> int:
    """Commits an entry and returns its position.

    Raises Unavailable when it cannot be committed: then the caller must reveal nothing.
    Raises Tampered when the stored tree is not the one that the last signed head describes.
    """
    return record_all(vault, [entry])


def record_all(vault: Vault, decisions: Sequence[Entry]) -> int:
    """Commits entries together, in their order; returns the position of the first.

    Errors as `record`: all of them are in the trail, or none.
    """
    return _record(vault, [entries.encode(entry) for entry in decisions])


def record_alike(vault: Vault, entry: Entry, told: Sequence[tuple[str, UUID | None]]) -> int:
    """As `record_all`, for one decision about many, with the outcome and subject of each."""
    return _record(vault, entries.encode_alike(entry, told))


def _record(vault: Vault, encoded: Sequence[Encoded]) -> int:
    try:
        return vault.appends.run(encoded, lambda batch: _append(vault, batch))
    except (SQLAlchemyError, psycopg.Error):
        raise Unavailable("The trail cannot be written, so nothing is answered.") from None


def shred(connection: sa.Connection, keys: KeyRing, subjects: Sequence[UUID]) -> int:
    """Removes what is personal about some ids from every entry; the number of entries.

    Others whom an entry is about stay in it.  The tree keeps its commitments, so every proof and
    head holds as before.  Who calls this writes a decision of its own down first.  Entries of
    version 0.1.0 cannot be shredded.
    """
    connection.exec_driver_sql(_LOCK, {"order": _FORGETTING})
    found = [
        leaf
        for leaf in newest_about(connection, keys, subjects)
        if leaf.commitment is not None and set(subjects).intersection(open_subjects(keys, leaf))
    ]
    for leaf in found:
        _forget(connection, keys, leaf, subjects)
    return len(found)


def _forget(connection: sa.Connection, keys: KeyRing, leaf: Leaf, subjects: Sequence[UUID]) -> None:
    """Writes the rows of an entry anew, without some ids."""
    table, many = trail_personal.c, packets.is_many(leaf.commitment or b"")
    for packet in leaf.personal:
        left = packets.without(keys, leaf.position, packet, subjects, many=many)
        if left is packet:
            continue
        own = (table.position == leaf.position) & (table.bucket == packet.bucket)
        connection.execute(trail_personal.delete().where(own))
        if left is not None:
            row = {"position": leaf.position, **left._asdict()}
            connection.execute(trail_personal.insert().values(row))


def hash_entry(position: int, month: date, sealed: bytes, commitment: bytes | None) -> bytes:
    """The leaf hash of a row: over its position, month, sealed octets and commitment.

    Rows of version 0.1.0 have no commitment, and another label.
    """
    digest = hashlib.sha256(sealed).digest()
    if commitment is None:
        month_octets = month.isoformat().encode()
        octets = (position.to_bytes(8, "big"), month_octets, digest)
        return merkle.hash_leaf(encode_lengths(b"moiety/vault/trail/1", *octets))
    # As `encode_lengths` of label, position, month, digest and commitment, which is all the same
    # from entry to entry but for three of them.
    parts = (_LEAF, position.to_bytes(8, "big"), _written(month), _DIGEST, digest,
             len(commitment).to_bytes(8, "little"), commitment)  # fmt: skip
    return merkle.hash_leaf(b"".join(parts))


_DIGEST = (32).to_bytes(8, "little")
_LEAF = (5).to_bytes(8, "little") + encode_lengths(b"moiety/vault/trail/2", bytes(8))[8:-8]


@lru_cache(maxsize=256)
def _written(month: date) -> bytes:
    """A month as it is hashed, with its length in front."""
    return encode_lengths(month.isoformat().encode())[8:]


def leaves(connection: sa.Connection, *, first: int = 0) -> Iterator[Leaf]:
    """The rows from position `first`, in order."""
    column = trail_leaf.c.position
    rows = _rows().where(column >= first)
    yield from map(_leaf, _paged(connection, rows, column))


BARE = """
SELECT position, month, entry, leaf_hash, commitment FROM trail_leaf
WHERE position >= %(first)s AND position < %(end)s ORDER BY position
"""
"""What verifying reads: some rows in order, without their personal values."""


def newest(connection: sa.Connection, *, before: int | None = None) -> Iterator[Leaf]:
    """The rows below position `before`, newest first; of an entry about many, one heap of it."""
    column = trail_leaf.c.position
    query = _rows(_first_heap())
    if before is not None:
        query = query.where(column < before)
    yield from map(_leaf, _paged(connection, query, column, descending=True))


def newest_about(
    connection: sa.Connection, keys: KeyRing, subjects: Sequence[UUID]
) -> Iterator[Leaf]:
    """The rows in the heaps of some ids, newest first: more than those about the ids, and all.

    Of an entry about many, those heaps of it.
    """
    heaps = sorted({heap for one in subjects for heap in personal.buckets_of(keys, one)})
    column, in_heaps = trail_leaf.c.position, trail_personal.c.bucket.in_(heaps)
    query = _rows(in_heaps, is_demanded=True)
    yield from map(_leaf, _paged(connection, query, column, descending=True))


def about(
    connection: sa.Connection, keys: KeyRing, subjects: Collection[UUID]
) -> Iterator[tuple[Leaf, Entry]]:
    """The entries about some ids, newest first, each with the id that it is about."""
    for leaf in newest_about(connection, keys, sorted(subjects)):
        for subject in open_subjects(keys, leaf):
            if subject in subjects:
                yield leaf, structs.replace(open_leaf(keys, leaf), subject=subject)
                break


def leaf_hash(connection: sa.Connection, position: int) -> bytes | None:
    """The hash of one leaf, or None beyond the trail."""
    query = sa.select(trail_leaf.c.leaf_hash).where(trail_leaf.c.position == position)
    return connection.scalar(query)


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


def _append(vault: Vault, batch: Sequence[Encoded]) -> int:
    """Commits a batch; the position of its first.

    Where this process signed the last head, one statement does it; it changes nothing where that
    head is no longer the last one, and then the tree is looked at first.
    """
    signed = vault.appends.signed
    if signed is not None:
        size, _, packed, _ = signed
        grown = _grow(vault, size, _unpack(packed), batch)
        try:
            last = dict(zip(("was", "was_root", "was_peaks", "was_signed"), signed, strict=True))
            if vault.singles.one(_APPEND_TO_OURS, {**grown.given, **last}):
                return _remember(vault, size, grown)
        except psycopg.errors.UniqueViolation:
            pass  # another process has grown it meanwhile
    with vault.engine.begin() as connection:
        connection.exec_driver_sql(_LOCK, {"order": _ORDER})
        first, peaks = _extendable(connection, vault)
        grown = _grow(vault, first, peaks, batch)
        connection.exec_driver_sql(_APPEND, grown.given)
    return _remember(vault, first, grown)


@dataclass(frozen=True, slots=True)
class _Grown:
    """What a batch adds to the tree: the head that it leads to, and the statement's parameters."""

    signed: tuple[int, bytes, bytes, bytes]
    given: Mapping[str, object]


def _remember(vault: Vault, first: int, grown: _Grown) -> int:
    vault.appends.signed = grown.signed
    return first


def _grow(vault: Vault, first: int, peaks: merkle.Peaks, batch: Sequence[Encoded]) -> _Grown:
    keys, month = vault.keys, current_month()
    boxes = personal.new_boxes(vault.auditor) if vault.auditor else None
    sealing = Batch(keys.trail.current)
    packing = Packing(keys, sealing, boxes)
    rows, inner = [], []
    packed_rows: list[tuple[int, Packet]] = []
    for position, (kept, values) in enumerate(batch, first):
        commitment = b"".join([personal.commit(one) for one in values])
        sealed = entries.seal_entry(sealing, position, kept)
        hashed = hash_entry(position, month, sealed, commitment)
        peaks, done = merkle.complete(peaks, position, hashed)
        inner += [one for one in done if one[0][0] >= LOWEST]
        rows.append((sealed, commitment, hashed))
        packed_rows += [(position - first, one) for one in packing.pack(position, values)]
    head = sign_head(keys.tree_head, first + len(batch), merkle.root_of_peaks(peaks))
    packed = b"".join(peaks)
    boxed, commitments, hashes = zip(*rows, strict=True)
    given = {
        "order": _ORDER, "first": first, "month": month,
        "entry": Octets(boxed), "commitment": Octets(commitments), "leaf_hash": Octets(hashes),
        "after": Numbers(after for after, _ in packed_rows),
        "buckets": bytes(one.bucket for _, one in packed_rows),
        "subject": Octets(one.subject for _, one in packed_rows),
        "disclosed": Octets(one.disclosed for _, one in packed_rows),
        "level": [level for (level, _), _ in inner],
        "place": [place for (_, place), _ in inner],
        "hash": [node for _, node in inner],
        "size": head.size, "root": head.root, "peaks": packed, "signature": head.signature,
    }  # fmt: skip
    return _Grown((head.size, head.root, packed, head.signature), given)


_LOCK = "SELECT pg_advisory_xact_lock(%(order)s)"
_LATEST = "SELECT size, root, peaks, signature FROM trail_head ORDER BY size DESC LIMIT 1"
# One statement for all tables, however many rows: arrays, unnested by the database.
_ROWS = """
leaves AS (
  INSERT INTO trail_leaf (position, month, entry, commitment, leaf_hash)
  SELECT %(first)b::int8 + n - 1, %(month)s, e, c, h
  FROM last, unnest(%(entry)b::bytea[], %(commitment)b::bytea[], %(leaf_hash)b::bytea[])
    WITH ORDINALITY AS new (e, c, h, n)
), personal AS (
  INSERT INTO trail_personal (position, bucket, subject, disclosed)
  SELECT %(first)b::int8 + a, get_byte(%(buckets)b::bytea, n::int - 1), s, d
  FROM last, unnest(%(after)b::int4[], %(subject)b::bytea[], %(disclosed)b::bytea[])
    WITH ORDINALITY AS new (a, s, d, n)
), nodes AS (
  INSERT INTO trail_node (level, place, hash)
  SELECT l, p, h FROM last, unnest(%(level)b::int2[], %(place)b::int8[], %(hash)b::bytea[])
    AS new (l, p, h)
)
INSERT INTO trail_head (size, root, peaks, signature)
SELECT %(size)b::int8, %(root)b::bytea, %(peaks)b::bytea, %(signature)b::bytea FROM last
RETURNING size
"""
_APPEND = f"WITH last AS (SELECT), {_ROWS}"
# The lock is had before the first row goes in; who had it before may have grown the tree since this
# statement began, which it then meets as a row at the same position.
_APPEND_TO_OURS = f"""
WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock(%(order)s)),
last AS MATERIALIZED (
  SELECT FROM held, (SELECT * FROM trail_head ORDER BY size DESC LIMIT 1) AS head
  WHERE size = %(was)b::int8 AND root = %(was_root)b AND peaks = %(was_peaks)b
    AND signature = %(was_signed)b
), {_ROWS}"""


def _extendable(connection: sa.Connection, vault: Vault) -> tuple[int, merkle.Peaks]:
    """Size and peaks of the tree, checked against the signature of its head.

    A head that is, octet by octet, the one that this process signed last is not checked again.
    """
    row = connection.exec_driver_sql(_LATEST).one_or_none()
    if row is None:
        return 0, ()
    size, root, packed, signature = row
    peaks = _unpack(packed)
    if (size, root, packed, signature) == vault.appends.signed:
        return size, peaks
    head = TreeHead(size, root, signature)
    if merkle.root_of_peaks(peaks) != root or not is_genuine(head, vault.keys.tree_head_public):
        raise Tampered("the newest tree head of the trail is not one that this vault signed")
    return size, peaks


def _unpack(packed: bytes) -> merkle.Peaks:
    width = merkle.HASH_SIZE
    return tuple(packed[at : at + width] for at in range(0, len(packed), width))


def _rows(
    which: sa.ColumnElement[bool] | None = None, *, is_demanded: bool = False
) -> sa.Select[tuple[object, ...]]:
    """Leaves, each with its personal values as arrays, or those of `which` heaps alone.

    `is_demanded`: only leaves that have such.
    """
    values = trail_personal.c
    columns = [values.bucket, values.subject, values.disclosed]
    arrays = [
        sa.func.array_agg(aggregate_order_by(one, values.bucket)).label(f"{one.name}s")
        for one in columns
    ]
    own = sa.select(*arrays).where(values.position == trail_leaf.c.position)
    held = (own if which is None else own.where(which)).lateral()
    query = sa.select(trail_leaf, held).select_from(trail_leaf.outerjoin(held, sa.true()))
    if is_demanded:
        query = query.where(held.c.buckets.is_not(None) | trail_leaf.c.commitment.is_(None))
    return query


def _first_heap() -> sa.ColumnElement[bool]:
    """The lowest heap of a leaf."""
    other = trail_personal.alias()
    own = other.c.position == trail_leaf.c.position
    lowest = sa.select(sa.func.min(other.c.bucket)).where(own).correlate(trail_leaf)
    return trail_personal.c.bucket == lowest.scalar_subquery()


def _leaf(row: sa.Row[tuple[object, ...]]) -> Leaf:
    heaps = zip(row.buckets or (), row.subjects or (), row.discloseds or (), strict=True)
    return Leaf(
        row.position, row.month, row.entry, row.leaf_hash, row.commitment,
        tuple(Packet(*each) for each in heaps),
    )  # fmt: skip


def _latest() -> sa.Select[tuple[int, bytes, bytes, bytes]]:
    return sa.select(trail_head).order_by(trail_head.c.size.desc()).limit(1)


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
