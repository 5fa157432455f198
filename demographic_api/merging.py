"""Merging two registrations of one person, and taking that back.

The merged person keeps its id and history; its newest version is inactive and leads to the
survivor (FHIR `Patient.link`, replaced-by).  Nothing of it is copied: a registrar does that by an
update.  Taking it back adds a version that is the one from before, octet by octet.

Each leaves a row for the vault, which is told of it afterwards (`telling.py`).
"""

from uuid import UUID

import msgspec
import sqlalchemy as sa

from demographic_api import persons
from demographic_api.fhir import Patient, PatientLink, PatientReference
from demographic_api.persons import Version
from demographic_api.tables import merge_due, person, person_merge
from moiety.kit.errors import Conflict, NotFound, Unprocessable

_QUEUE = 0x6D6F_6965_6D64  # the advisory lock under which a merge finds its place in the queue


def merge(connection: sa.Connection, merged: UUID, survivor: UUID) -> Version:
    """Lets a person live on in another; the merged person's new version.

    Raises NotFound, Unprocessable for a person and itself, and Conflict when either was merged
    already: so there is no circle, and every merged person leads to a living one.
    """
    if merged == survivor:
        findings = [{"path": "Parameters.parameter[0].valueReference", "rule": "another person"}]
        raise Unprocessable("A person cannot be merged into itself.", findings=findings)
    documents = _lock(connection, merged, survivor)
    _demand_living(connection, merged, survivor)
    current = persons.read(connection, merged)
    link = PatientLink(PatientReference(f"Patient/{survivor}"), "replaced-by")
    inactive = msgspec.structs.replace(current.patient, active=False, link=[link])
    row = {"person_id": merged, "survivor_id": survivor, "snapshot": documents[merged]}
    connection.execute(person_merge.insert().values(row))
    _leave_for_vault(connection, merged, survivor, is_undone=False)
    return persons.put_document(connection, merged, current.number + 1, persons.compress(inactive))


def unmerge(connection: sa.Connection, merged: UUID, survivor: UUID) -> Version:
    """Takes a merge back; the new version, whose document is the one from before.

    Raises NotFound when the one was not merged into the other.
    """
    _lock(connection, merged, survivor)
    this = (person_merge.c.person_id == merged) & (person_merge.c.survivor_id == survivor)
    gone = person_merge.delete().where(this).returning(person_merge.c.snapshot)
    snapshot = connection.scalar(gone)
    if snapshot is None:
        raise NotFound
    _leave_for_vault(connection, merged, survivor, is_undone=True)
    number = persons.read(connection, merged).number + 1
    return persons.put_document(connection, merged, number, bytes(snapshot))


def read_family(connection: sa.Connection, person_id: UUID) -> list[Patient]:
    """A person, and everybody who lives on in it, directly or through others; none without it."""
    family = sa.select(sa.literal(person_id, sa.Uuid).label("person_id")).cte(recursive=True)
    into = sa.select(person_merge.c.person_id).join(
        family, person_merge.c.survivor_id == family.c.person_id
    )
    family = family.union(into)
    query = sa.select(person.c.document).join(family, person.c.person_id == family.c.person_id)
    first = person.c.person_id != person_id  # False sorts first: the person itself
    return [persons.expand(one) for one in connection.scalars(query.order_by(first)).all()]


def _living(connection: sa.Connection, person_id: UUID) -> UUID:
    """In whom a person lives on."""
    query = sa.select(person_merge.c.survivor_id)
    while found := connection.scalar(query.where(person_merge.c.person_id == person_id)):
        person_id = found
    return person_id


def _leave_for_vault(
    connection: sa.Connection, merged: UUID, survivor: UUID, *, is_undone: bool
) -> None:
    """Behind all that wait; until the commit nobody else finds a place, so places are in order.

    Whoever lives is found by the words of the whole family, so those are told anew as well.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_QUEUE)))
    persons.leave_words_due(connection, _living(connection, survivor))
    last = sa.select(sa.func.coalesce(sa.func.max(merge_due.c.place), 0) + 1).scalar_subquery()
    row = {"person_id": merged, "survivor_id": survivor, "is_undone": is_undone}
    connection.execute(merge_due.insert().values(place=last, **row))


def _lock(connection: sa.Connection, *person_ids: UUID) -> dict[UUID, bytes]:
    """The documents of persons, whose rows nobody else changes meanwhile.  Raises NotFound."""
    query = sa.select(person.c.person_id, person.c.document).order_by(person.c.person_id)
    rows = connection.execute(
        query.where(person.c.person_id.in_(person_ids)).with_for_update()
    ).all()
    if len(rows) < len(person_ids):
        raise NotFound
    return {row.person_id: row.document for row in rows}


def _demand_living(connection: sa.Connection, *person_ids: UUID) -> None:
    query = sa.select(person_merge.c.person_id).where(person_merge.c.person_id.in_(person_ids))
    if connection.execute(query).first() is not None:
        raise Conflict("One of the two was merged already: take that back first.")
