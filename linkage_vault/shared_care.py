"""Care of persons who were merged: who cares for one of them cares for all, while they are one.

What was said of a person stays as it is.  Beside it each carer gets a row for every other person of
the family, marked as shared; when a merge is taken back those rows go, and what is left is what
was there before, with what was said meanwhile.  Care that begins meanwhile is of whoever lives.

Marks are of one carer's list alone, so all accounts are gone through: a merge is rare, and a
hundred thousand marks are made in a second.
"""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, insert

from linkage_vault import link_rows, merges, standing
from linkage_vault.merges import Merge
from linkage_vault.people_tables import app_user, care
from linkage_vault.vault import Vault

_BY_MARK = sa.select(care).where(
    care.c.mark == sa.any_(sa.bindparam("marks", type_=ARRAY(BYTEA())))
)


def share(
    connection: sa.Connection,
    vault: Vault,
    person_id: UUID,
    *,
    carers: Collection[UUID] | None = None,
) -> None:
    """Evens out who cares for a living person and for all who live on in it."""
    family = merges.family(connection, vault.keys, person_id)
    if carers is None:
        carers = connection.scalars(sa.select(app_user.c.user_id)).all()
    _even_out(connection, vault, carers, family)


def part(connection: sa.Connection, vault: Vault, merge: Merge) -> None:
    """After a merge was taken away: what its two families shared goes, and what only each shares
    stays.  No carer is known to a person of one by a record of the other.
    """
    carers = connection.scalars(sa.select(app_user.c.user_id)).all()
    sides = [merges.family(connection, vault.keys, one) for one in (merge.merged, merge.survivor)]
    records = [link_rows.ehrs_of(connection, vault.keys, side) for side in sides]
    for side, others in zip(sides, reversed(records), strict=True):
        _even_out(connection, vault, carers, side)
        _forget_records(connection, vault, carers, side, others)


def forget_record(connection: sa.Connection, vault: Vault, ehr_id: UUID) -> None:
    """Nobody's carer is known by this record any more, since it is another person's now."""
    carers = connection.scalars(sa.select(app_user.c.user_id)).all()
    marks = [standing.care_record_mark(vault.people_keys, user, ehr_id) for user in carers]
    gone = care.update().where(care.c.record_mark.in_(marks)).values(record_mark=None)
    connection.execute(gone)


def _even_out(
    connection: sa.Connection, vault: Vault, carers: Iterable[UUID], family: Collection[UUID]
) -> None:
    marks = _marks(vault, carers, family)
    rows = connection.execute(_BY_MARK, {"marks": list(marks)}).all()
    said: dict[UUID, list[date | None]] = {}
    for row in rows:
        if not row.is_shared:
            said.setdefault(row.user_id, []).append(row.until)
    own = {bytes(row.mark) for row in rows if not row.is_shared}
    wanted = [
        {"mark": mark, "user_id": user_id, "until": _longest(said[user_id]), "is_shared": True}
        for mark, (user_id, _) in marks.items()
        if mark not in own and user_id in said
    ]
    kept = {row["mark"] for row in wanted}
    gone = [bytes(row.mark) for row in rows if row.is_shared and bytes(row.mark) not in kept]
    connection.execute(care.delete().where(care.c.mark.in_(gone)))
    if wanted:
        statement = insert(care)
        changed = {"until": statement.excluded.until}
        connection.execute(
            statement.on_conflict_do_update(index_elements=["mark"], set_=changed), wanted
        )


def _forget_records(
    connection: sa.Connection,
    vault: Vault,
    carers: Collection[UUID],
    persons: Collection[UUID],
    ehr_ids: Collection[UUID],
) -> None:
    keys = vault.people_keys
    marks = _marks(vault, carers, persons)
    records = [standing.care_record_mark(keys, user, one) for user in carers for one in ehr_ids]
    rows = connection.execute(_BY_MARK, {"marks": list(marks)}).all()
    wrong = {bytes(row.record_mark) for row in rows if row.record_mark} & set(records)
    statement = care.update().where(care.c.record_mark.in_(wrong)).values(record_mark=None)
    connection.execute(statement.where(care.c.mark.in_([bytes(row.mark) for row in rows])))


def _marks(
    vault: Vault, carers: Iterable[UUID], persons: Collection[UUID]
) -> dict[bytes, tuple[UUID, UUID]]:
    keys = vault.people_keys
    return {
        standing.care_mark(keys, user_id, person): (user_id, person)
        for user_id in carers
        for person in persons
    }


def _longest(days: Collection[Any]) -> date | None:
    """The last of some days; one without an end is longer than any."""
    return None if None in days else max(days)
