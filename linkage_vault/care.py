"""Who cares for whom: what opens the way from a person to the record, and back, without a grant.

A row says that one user cares for the person of a mark.  Marks are of one user's list alone, so the
table shows how many people each cares for, and neither whom nor that two care for the same.
"""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault import fences, merges, shared_care, standing
from linkage_vault.decisions import Requester, Verdict
from linkage_vault.people_tables import care
from linkage_vault.vault import Vault


def note(
    vault: Vault, requester: Requester, verdict: Verdict, person_id: UUID, ehr_id: UUID
) -> None:
    """After a resolve in care: keep that it is so, and by which record the person is known.

    From then on the carer may also be told whose record it is.
    """
    if verdict.care_record is None or requester.user_id is None:
        return
    if verdict.care_record != standing.care_record_mark(
        vault.people_keys, requester.user_id, ehr_id
    ):
        record(vault, requester.user_id, person_id, ehr_id=ehr_id)


def record(
    vault: Vault,
    user_id: UUID,
    person_id: UUID,
    *,
    ehr_id: UUID | None = None,
    until: date | None = None,
) -> None:
    """Keep that a user cares for a person, until a day if given.  Committed on return.

    Of a person who was merged it is kept for whoever lives, and shared with all of the family.
    """
    with vault.engine.begin() as connection:
        fences.enter(connection, vault.keys)  # no merge begins or ends meanwhile
        living = merges.living(connection, vault.keys, [person_id])[person_id]
        if ehr_id is not None and _has_known(connection, vault, user_id, living, ehr_id):
            return
        _put(connection, vault, user_id, living, ehr_id=ehr_id, until=until)
        shared_care.share(connection, vault, living, carers=[user_id])


def end(vault: Vault, user_id: UUID, person_id: UUID) -> bool:
    """Keep no longer that a user cares for a person; False when it was not so.

    Of a person who was merged it ends for all of the family: they are one.
    """
    keys = vault.people_keys
    with vault.engine.begin() as connection:
        fences.enter(connection, vault.keys)
        living = merges.living(connection, vault.keys, [person_id])[person_id]
        family = merges.family(connection, vault.keys, living)
        marks = [standing.care_mark(keys, user_id, one) for one in family]
        gone = connection.execute(sa.delete(care).where(care.c.mark.in_(marks)))
        return gone.rowcount > 0


def _has_known(
    connection: sa.Connection, vault: Vault, user_id: UUID, person_id: UUID, ehr_id: UUID
) -> bool:
    """Whether the carer knows the record by a person of this family; by nobody else from now on."""
    keys = vault.people_keys
    family = merges.family(connection, vault.keys, person_id)
    marks = {standing.care_mark(keys, user_id, one) for one in family}
    known = care.c.record_mark == standing.care_record_mark(keys, user_id, ehr_id)
    found = connection.scalar(sa.select(care.c.mark).where(known))
    if found is None or bytes(found) in marks:
        return found is not None
    connection.execute(sa.update(care).where(known).values(record_mark=None))
    return False


def _put(
    connection: sa.Connection,
    vault: Vault,
    user_id: UUID,
    person_id: UUID,
    *,
    ehr_id: UUID | None,
    until: date | None,
) -> None:
    keys = vault.people_keys
    row = {
        "mark": standing.care_mark(keys, user_id, person_id),
        "user_id": user_id,
        "record_mark": ehr_id and standing.care_record_mark(keys, user_id, ehr_id),
        "until": until,
        "is_shared": False,
    }
    statement = insert(care).values(row)
    if ehr_id:  # known by its record from now on; what was said of it stays as it is
        changed = {"record_mark": statement.excluded.record_mark}
    else:
        changed = {"until": statement.excluded.until, "is_shared": statement.excluded.is_shared}
    connection.execute(statement.on_conflict_do_update(index_elements=["mark"], set_=changed))
