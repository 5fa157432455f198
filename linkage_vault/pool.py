"""EHRs of nobody, minted beforehand: so no record is as old as its person's registration.

A slot is handed out at random, not in the order of minting; the blind index of a slot is of another
kind than a link's, so a dump before and a dump after do not show which slot became which link.
"""

from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault.blind_index import blind_index
from linkage_vault.keys import KeyRing
from linkage_vault.seal import Place, open_sealed, seal
from linkage_vault.tables import pool_slot

SLOT_SIZE = 64  # octets inside the seal; an id takes 16


def put(connection: sa.Connection, keys: KeyRing, ehr_id: UUID) -> bool:
    """Adds an EHR to the pool; False when it is in there already."""
    slot_id = uuid4()
    sealed = seal(keys.links.current, ehr_id.bytes, _place(slot_id), size=SLOT_SIZE)
    index = blind_index(keys, "slot", ehr_id)
    row = {"slot_id": slot_id, "slot_index": index, "sealed": sealed}
    statement = insert(pool_slot).values(row).on_conflict_do_nothing()
    return connection.scalar(statement.returning(pool_slot.c.slot_id)) is not None


def take(connection: sa.Connection, keys: KeyRing) -> UUID | None:
    """Removes a random EHR from the pool and returns it; None when the pool is empty.

    Slots that another transaction takes are passed over: nobody waits, none is given twice.
    """
    chosen = sa.select(pool_slot.c.slot_id).order_by(sa.func.random()).limit(1)
    chosen = chosen.with_for_update(skip_locked=True)
    statement = pool_slot.delete().where(pool_slot.c.slot_id.in_(chosen.scalar_subquery()))
    row = connection.execute(statement.returning(pool_slot)).one_or_none()
    if row is None:
        return None
    return UUID(bytes=open_sealed(keys.links.by_version, row.sealed, _place(row.slot_id)))


def count(connection: sa.Connection) -> int:
    """How many EHRs wait."""
    return connection.scalar(sa.select(sa.func.count()).select_from(pool_slot)) or 0


def _place(slot_id: UUID) -> Place:
    return Place("pool_slot", str(slot_id), "sealed", 1)
