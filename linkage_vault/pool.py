"""EHRs of nobody, minted beforehand: so no record is as old as its person's registration.

A slot is handed out at random, not in the order of minting; the blind index of a slot is of another
kind than a link's, so a dump before and a dump after do not show which slot became which link.
"""

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault import fences, link_seals
from linkage_vault.blind_index import blind_index, blind_indexes
from linkage_vault.key_ring import KeyRing
from linkage_vault.seal import Place, Tampered
from linkage_vault.tables import pool_slot
from moiety.kit.engines import Source, rows_of

SLOT_SIZE = 64  # octets inside the seal; an id takes 16
# As an array, which is looked up slot by slot: of a list of unknown length the planner expects a
# tenth of the pool, and reads it whole.
_TAKE = """
DELETE FROM pool_slot WHERE slot_id = ANY(ARRAY(
  SELECT slot_id FROM pool_slot WHERE {which} ORDER BY slot_id LIMIT %(number)s FOR UPDATE {how}
)) RETURNING slot_id, sealed, wrapped, kek_version
"""
_TAKE_AFTER = _TAKE.format(which="slot_id >= %(start)s", how="SKIP LOCKED")
_TAKE_BEFORE = _TAKE.format(which="slot_id < %(start)s", how="SKIP LOCKED")
_TAKE_ANY = _TAKE.format(which="true", how="")


class _Slot(NamedTuple):
    slot_id: UUID
    sealed: bytes
    wrapped: bytes | None
    kek_version: int | None


def put(connection: sa.Connection, keys: KeyRing, ehr_ids: Sequence[UUID]) -> int:
    """Adds EHRs to the pool; how many were not in there already."""
    fences.enter(connection, keys)
    new = _without_known(connection, keys, ehr_ids)
    slots = [(uuid4(), ehr_id) for ehr_id in new]
    values = [(place_of(slot_id), ehr_id.bytes) for slot_id, ehr_id in slots]
    sealed = link_seals.seal_all(keys, values, size=SLOT_SIZE)
    rows = [
        {
            "slot_id": slot_id,
            "slot_index": blind_index(keys, "slot", ehr_id),
            "index_version": keys.index_version,
            "sealed": one.sealed,
            "wrapped": one.wrapped,
            "kek_version": one.kek_version,
        }
        for (slot_id, ehr_id), one in zip(slots, sealed, strict=True)
    ]
    if not rows:
        return 0
    statement = insert(pool_slot).values(rows).on_conflict_do_nothing()
    return len(connection.execute(statement.returning(pool_slot.c.slot_id)).all())


def take(source: Source, keys: KeyRing, number: int = 1) -> list[UUID]:
    """Removes up to `number` EHRs from the pool and returns them.

    They are the next after a random point among random slot ids.  Slots that another transaction
    takes are passed over, and none is given twice.  Only when all that is left is held, as a
    rotation holds a small pool for a moment, is it waited for.
    """
    given: dict[str, object] = {"start": UUID(bytes=secrets.token_bytes(16))}
    taken = list[UUID]()
    for statement in (_TAKE_AFTER, _TAKE_BEFORE, _TAKE_ANY):
        if len(taken) < number:
            given["number"] = number - len(taken)
            taken += _open(keys, rows_of(source, statement, given))
    return taken


def count(connection: sa.Connection) -> int:
    """How many EHRs wait."""
    return connection.scalar(sa.select(sa.func.count()).select_from(pool_slot)) or 0


def discard(connection: sa.Connection, keys: KeyRing, ehr_ids: Sequence[UUID]) -> None:
    """Takes EHRs out of the pool that became somebody's otherwise."""
    indexes = [index for one in ehr_ids for index in blind_indexes(keys, "slot", one)]
    connection.execute(pool_slot.delete().where(pool_slot.c.slot_index.in_(indexes)))


def place_of(slot_id: UUID) -> Place:
    """Where a slot is sealed."""
    return Place("pool_slot", str(slot_id), "sealed", 1)


def _open(keys: KeyRing, rows: Sequence[tuple[Any, ...]]) -> list[UUID]:
    slots = [_Slot(*row) for row in rows]
    values = link_seals.open_all(keys, [(place_of(slot.slot_id), slot) for slot in slots])
    if None in values:
        raise Tampered("a slot of the pool has lost its key")
    return [UUID(bytes=value) for value in values if value is not None]


def _without_known(connection: sa.Connection, keys: KeyRing, ehr_ids: Sequence[UUID]) -> list[UUID]:
    """Those that are in no slot of any version of the index."""
    by_index = {index: one for one in ehr_ids for index in blind_indexes(keys, "slot", one)}
    query = sa.select(pool_slot.c.slot_index).where(pool_slot.c.slot_index.in_(list(by_index)))
    known = {by_index[bytes(index)] for index in connection.scalars(query)}
    return [one for one in ehr_ids if one not in known]
