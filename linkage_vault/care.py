"""Who cares for whom: what opens the way from a person to the record, and back, without a grant.

A row says that one user cares for the person of a mark.  Marks are of one user's list alone, so the
table shows how many people each cares for, and neither whom nor that two care for the same.
"""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault import standing
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
    """Keep that a user cares for a person, until a day if given.  Committed on return."""
    keys = vault.people_keys
    row = {
        "mark": standing.care_mark(keys, user_id, person_id),
        "user_id": user_id,
        "record_mark": ehr_id and standing.care_record_mark(keys, user_id, ehr_id),
        "until": until,
    }
    statement = insert(care).values(row)
    kept = {"record_mark": sa.func.coalesce(statement.excluded.record_mark, care.c.record_mark)}
    changed = kept if ehr_id else {**kept, "until": statement.excluded.until}
    new = sa.or_(
        care.c.record_mark.is_distinct_from(kept["record_mark"]),
        care.c.until.is_distinct_from(changed.get("until", care.c.until)),
    )
    with vault.engine.begin() as connection:
        connection.execute(
            statement.on_conflict_do_update(index_elements=["mark"], set_=changed, where=new)
        )


def end(vault: Vault, user_id: UUID, person_id: UUID) -> bool:
    """Keep no longer that a user cares for a person; False when it was not so."""
    mark = standing.care_mark(vault.people_keys, user_id, person_id)
    with vault.engine.begin() as connection:
        return connection.execute(sa.delete(care).where(care.c.mark == mark)).rowcount == 1
