"""Who looked at a person: the vault's trail and the other services' logs, joined here alone.

The clinical service is asked about records and the demographic service about persons, each with
its own ids: neither learns of the other's.  A person who was merged, or who has several records,
also closed ones, is one person here.  What a service cannot tell is a gap, said in a sentence; a
service that does not answer stops the report, which would else look whole.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import httpx
import msgspec
import sqlalchemy as sa

from linkage_vault import decisions, link_rows, merges, trail, users
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.key_ring import KeyRing
from linkage_vault.project_tables import project
from linkage_vault.trail import Entry
from linkage_vault.vault import Vault
from moiety.kit.errors import Malformed, ServiceError, Unavailable
from moiety.wire import access as wire
from moiety.wire.projects import Definition
from moiety.wire.subject import AskReport, Report, ReportEntry


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the logs of the other services are asked for; None where the settings name none."""

    clinical: httpx.Client | None = None
    demographic: httpx.Client | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """All ids of one person."""

    persons: tuple[UUID, ...]
    ehrs: tuple[UUID, ...]

    @property
    def subjects(self) -> frozenset[UUID]:
        """What entries may be about."""
        return frozenset({*self.persons, *self.ehrs})


def read_report(vault: Vault, requester: Requester, sources: Sources, message: AskReport) -> Report:
    """The report for an auditor, written down first.

    Raises Malformed without exactly one id, Forbidden, and Unavailable when a service is away.
    """
    if (message.person_id is None) == (message.ehr_id is None):
        raise Malformed("A report is about either a person_id or an ehr_id.")
    subject = message.person_id or message.ehr_id
    ask = Ask(Action.READ_ACCESS, subject, reason=message.reason)
    decisions.demand(vault, requester, ask)
    decisions.write_down(vault, requester, ask, outcome="allowed")
    with vault.engine.connect() as connection:
        family = find_family(
            connection, vault.keys, person_id=message.person_id, ehr_id=message.ehr_id
        )
    return gather(vault, sources, family)


def find_family(
    connection: sa.Connection, keys: KeyRing, *, person_id: UUID | None, ehr_id: UUID | None
) -> Family:
    """Everybody who is this person and all of the person's records, by one id."""
    if person_id is None and ehr_id is not None:
        rows = link_rows.find(connection, keys, "ehr", [ehr_id]).get(ehr_id, [])
        owners = [pair.person_id for pair in link_rows.open_rows(keys, rows) if pair is not None]
        if not owners:
            return Family((), (ehr_id,))
        person_id = owners[0]
    if person_id is None:
        raise Malformed
    living = merges.living(connection, keys, [person_id])[person_id]
    persons = {living, person_id, *merges.absorbed(connection, keys, living)}
    found = link_rows.find(connection, keys, "person", persons)
    pairs = link_rows.open_rows(keys, [row for rows in found.values() for row in rows])
    ehrs = {pair.ehr_id for pair in pairs if pair is not None} | ({ehr_id} if ehr_id else set())
    return Family(tuple(sorted(persons)), tuple(sorted(ehrs)))


def gather(vault: Vault, sources: Sources, family: Family) -> Report:
    """The three logs as one.  Raises Unavailable when a service is away."""
    gaps: list[str] = []
    asked = (
        ("clinical", sources.clinical, family.ehrs),
        ("demographic", sources.demographic, family.persons),
    )
    elsewhere = [
        (service, one)
        for service, client, ids in asked
        for one in _asked(service, client, ids, gaps)
    ]
    with vault.engine.connect() as connection:
        here = list(entries_about(connection, vault, family.subjects))
        named = {entry.user_id for entry in here} | {one.user_id for _, one in elsewhere}
        names = users.names(connection, [one for one in named if one])
        titles = _titles(connection, {entry.project_id for entry in here if entry.project_id})
    rows = [_of_trail(entry, names, titles) for entry in here]
    rows += [_of_service(service, one, names) for service, one in elsewhere]
    return Report(sorted(rows, key=lambda row: row.at), gaps)


def _asked(
    service: str, client: httpx.Client | None, ids: Collection[UUID], gaps: list[str]
) -> list[wire.AccessShown]:
    if client is None:
        gaps.append(f"The {service} service is not asked: the vault's settings name no key for it.")
        return []
    try:
        told = [wire.ask_accesses(client, one) for one in ids]
    except ServiceError:
        raise Unavailable(
            f"The {service} service does not tell its log, so the report would not be whole."
        ) from None
    if not all(one.is_kept for one in told):
        gaps.append(f"The {service} service keeps no log of reads.")
    unique = {(one.at, one.key_id, one.door): one for answer in told for one in answer.entries}
    return list(unique.values())


def entries_about(
    connection: sa.Connection, vault: Vault, subjects: frozenset[UUID]
) -> Iterable[Entry]:
    """The entries of the trail about some ids, newest first; no decision is made here."""
    return (entry for _, entry in trail.about(connection, vault.keys, subjects))


def _titles(connection: sa.Connection, project_ids: Collection[UUID]) -> dict[UUID, str]:
    query = sa.select(project.c.project_id, project.c.definition)
    rows = connection.execute(query.where(project.c.project_id.in_(project_ids)))
    return {
        row.project_id: msgspec.json.decode(row.definition, type=Definition).title for row in rows
    }


def _of_trail(entry: Entry, names: Mapping[UUID, str], titles: Mapping[UUID, str]) -> ReportEntry:
    return ReportEntry(
        at=entry.at,
        service="vault",
        what=entry.action,
        outcome=entry.outcome,
        who=names.get(entry.user_id, entry.user_name) if entry.user_id else None,
        user_id=entry.user_id,
        key_id=entry.key_id,
        role=entry.role,
        purpose_of_use=entry.purpose_of_use,
        legal_basis=entry.legal_basis,
        reason=entry.reason,
        kind=entry.kind,
        project=titles.get(entry.project_id) if entry.project_id else None,
    )


def _of_service(service: str, one: wire.AccessShown, names: Mapping[UUID, str]) -> ReportEntry:
    who = names.get(one.user_id) if one.user_id else None
    return ReportEntry(
        at=one.at,
        service=service,
        what=one.door,
        outcome="answered",
        who=who or one.label,
        user_id=one.user_id,
        key_id=one.key_id,
        every=one.every,
    )
