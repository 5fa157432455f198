"""Records that the clinical service shall screen again, since whose they are has other words now.

Only records that were screened once are named: the clinical service is never told that a record was
handed out.
"""

from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault import link_rows, merges
from linkage_vault.blind_index import blind_index
from linkage_vault.key_ring import KeyRing
from linkage_vault.screen_tables import rescreen, screened
from linkage_vault.seal import Place, seal

_SIZE = 64  # octets inside the seal


def mark(connection: sa.Connection, keys: KeyRing, person_id: UUID) -> None:
    """The records of a person, and of all who were merged into it, wait to be screened again."""
    ehr_ids = link_rows.ehrs_of(connection, keys, merges.family(connection, keys, person_id))
    by_index = {blind_index(keys, "screen", ehr_id): ehr_id for ehr_id in ehr_ids}
    column = screened.c.screened_index
    known = connection.scalars(sa.select(column).where(column.in_(list(by_index)))).all()
    for index in sorted(map(bytes, known)):
        slot_id = uuid4()
        octets = by_index[index].bytes
        sealed = seal(keys.links.current, octets, place_of(slot_id), size=_SIZE)
        row = {"slot_id": slot_id, "screened_index": index, "sealed": sealed}
        connection.execute(insert(rescreen).values(row).on_conflict_do_nothing())


def place_of(slot_id: UUID) -> Place:
    """Where the id of such a record is sealed."""
    return Place("rescreen", str(slot_id), "sealed", 1)
