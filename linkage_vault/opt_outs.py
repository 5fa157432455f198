"""Who may not be used beyond their own care: opt-outs, objections and consents, applied to cohorts.

The national list comes by NHS number, and only the demographic service knows whose that is.  It
reads the list, keeps nothing of it, and tells the vault of every person that it has a record of:
opted out, or free.  So no number reaches the vault, and none that belongs to nobody here leaves the
demographic service.  A person who was registered since is in no snapshot and therefore removed:
somebody is used only when the list was asked about them.

Registers hold marks, keyed hashes of the person's id for one snapshot, project or register: two of
them have nothing in common, and a dump tells how many and not whom.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault import decisions, link_pairs, projects
from linkage_vault.decisions import Action, Ask, Requester, Verdict
from linkage_vault.people_keys import PeopleKeys
from linkage_vault.project_tables import consent, objection, opt_out, opt_out_snapshot
from linkage_vault.projects import Project
from linkage_vault.seal import Place, open_sealed, seal
from linkage_vault.vault import Vault
from moiety.kit.errors import Conflict, NotFound, Unprocessable
from moiety.wire import opt_outs as wire

_CONSENT_SIZE = 96  # octets inside the seal


class Stale(Conflict):
    """The list of national data opt-outs is missing or too old."""


class _Days(msgspec.Struct, frozen=True):
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cohort as it may be used; the reasons count the records that were removed."""

    kept: frozenset[UUID]
    known: frozenset[UUID]
    reasons: Mapping[str, int]
    as_of: date | None

    @property
    def removed(self) -> int:
        """How many of the known records a register removed."""
        return len(self.known) - len(self.kept)


def clean(vault: Vault, found: Project, ehr_ids: Sequence[UUID]) -> Cleaned:
    """Who of a cohort may be used for a project today.

    The national opt-out applies unless the project has an exemption, which its approver approved,
    or rests on the explicit consent of each person; then a consent that is live today is needed.
    An objection, or a restriction of the record, applies always.
    Raises Stale without a snapshot young enough.
    """
    with vault.engine.connect() as connection:
        pairs = link_pairs.find_pairs(connection, vault.keys, "ehr", list(dict.fromkeys(ehr_ids)))
        person_of = {ehr_id: pair.person_id for ehr_id, pair in pairs.items()}
        causes, as_of = _causes(connection, vault, found, set(person_of.values()))
        restricted = link_pairs.find_restricted(connection, vault.keys, list(person_of))
        for ehr_id in restricted:
            causes.setdefault(person_of[ehr_id], "objected")
    kept = frozenset(ehr_id for ehr_id, person in person_of.items() if person not in causes)
    reasons = dict.fromkeys(("opted_out", "unchecked", "objected", "without_consent"), 0)
    for person in person_of.values():
        if person in causes:
            reasons[causes[person]] += 1
    return Cleaned(kept, frozenset(person_of), reasons, as_of)


def clean_cohort(vault: Vault, requester: Requester, message: wire.Clean) -> wire.Cleaned:
    """`clean` for a service, in a project that is in force; written down with the counts alone."""
    with vault.engine.connect() as connection:
        found = projects.find(connection, message.project_id)
    ask = Ask(Action.CLEAN_COHORT, project_id=message.project_id)
    counted = Verdict(allowed=True, count=len(message.ehr_ids))
    obstacle = found.obstacle(projects.today()) if found else "There is no such project."
    if found is None or obstacle:
        decisions.write_down(vault, requester, ask, outcome="refused", verdict=counted)
        raise Conflict(obstacle) if found else NotFound(obstacle)
    try:
        cleaned = clean(vault, found, message.ehr_ids)
    except Stale:
        decisions.write_down(vault, requester, ask, outcome="stale", verdict=counted)
        raise
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=counted)
    unknown = len(set(message.ehr_ids)) - len(cleaned.known)
    return wire.Cleaned(
        kept=[one for one in message.ehr_ids if one in cleaned.kept],
        removed=cleaned.removed,
        unknown=unknown,
        as_of=cleaned.as_of,
        **cleaned.reasons,
    )


def begin(vault: Vault, requester: Requester, as_of: date) -> UUID:
    """A snapshot to be filled.  Raises Unprocessable for a day to come or before the current's."""
    ask = Ask(Action.LOAD_OPT_OUTS)
    with vault.engine.connect() as connection:
        current = _current(connection)
    if as_of > projects.today() or (current and as_of < current.as_of):
        finding = {
            "path": "$.as_of",
            "rule": "not to come, and not before that of the present list",
        }
        raise Unprocessable("The list cannot be of that day.", findings=[finding])
    decisions.write_down(
        vault, requester, ask, outcome="allowed", verdict=Verdict(allowed=True, kind="begin")
    )
    snapshot_id = uuid4()
    row = {"snapshot_id": snapshot_id, "as_of": as_of, "persons": 0, "is_current": False}
    with vault.engine.begin() as connection:
        connection.execute(opt_out_snapshot.insert().values(row))
    return snapshot_id


def add(vault: Vault, message: wire.Add) -> None:
    """More persons of a snapshot; who comes again as opted out stays so.  Raises NotFound."""
    keys = vault.people_keys
    said = dict.fromkeys(message.free, False) | dict.fromkeys(message.opted_out, True)
    marked = {
        _mark_of_list(keys, message.snapshot_id, person_id): opted_out
        for person_id, opted_out in said.items()
    }
    rows = [  # in the order of their marks: two messages at once do not wait for each other in turn
        {"snapshot_id": message.snapshot_id, "mark": mark, "opted_out": opted_out}
        for mark, opted_out in sorted(marked.items())
    ]
    with vault.engine.begin() as connection:
        _loading(connection, message.snapshot_id)
        if rows:
            statement = insert(opt_out)
            either = opt_out.c.opted_out | statement.excluded.opted_out
            again = statement.on_conflict_do_update(
                index_elements=["snapshot_id", "mark"], set_={"opted_out": either}
            )
            connection.execute(again, rows)


def finish(vault: Vault, requester: Requester, snapshot_id: UUID) -> wire.Snapshot:
    """The snapshot is in force, and the one before it gone.  Raises NotFound."""
    total, opted_out = sa.func.count(), sa.func.count().filter(opt_out.c.opted_out)
    with vault.engine.connect() as connection:
        as_of = _loading(connection, snapshot_id)
        counts = sa.select(total, opted_out).where(opt_out.c.snapshot_id == snapshot_id)
        persons, out = connection.execute(counts).one()
    verdict = Verdict(allowed=True, kind="finish", count=persons)
    decisions.write_down(
        vault, requester, Ask(Action.LOAD_OPT_OUTS), outcome="allowed", verdict=verdict
    )
    this = opt_out_snapshot.c.snapshot_id == snapshot_id
    with vault.engine.begin() as connection:
        connection.execute(opt_out_snapshot.delete().where(~this))
        connection.execute(opt_out.delete().where(opt_out.c.snapshot_id != snapshot_id))
        values = {"is_current": True, "persons": persons}
        connection.execute(opt_out_snapshot.update().where(this).values(values))
    return wire.Snapshot(as_of, persons, out)


def record_objection(vault: Vault, requester: Requester, message: wire.Object) -> None:
    """Records or withdraws an objection; from the next cleaning on.  Raises Forbidden."""
    kind = "objection_withdrawn" if message.withdrawn else "objection"
    _demand(vault, requester, message.person_id, message.project_id, message.reason, kind)
    mark = _mark(vault.people_keys, "objection", message.project_id, message.person_id)
    with vault.engine.begin() as connection:
        if message.withdrawn:
            connection.execute(objection.delete().where(objection.c.mark == mark))
        else:
            connection.execute(insert(objection).values(mark=mark).on_conflict_do_nothing())


def record_consent(vault: Vault, requester: Requester, message: wire.Consent) -> None:
    """Records or withdraws a consent; from the next cleaning on.  Raises Forbidden."""
    if message.until is not None and message.until < message.since:
        finding = {"path": "$.until", "rule": "not before since"}
        raise Unprocessable("The consent ends before it begins.", findings=[finding])
    kind = "consent_withdrawn" if message.withdrawn else "consent"
    _demand(vault, requester, message.person_id, message.project_id, message.reason, kind)
    keys = vault.people_keys
    mark = _mark(keys, "consent", message.project_id, message.person_id)
    with vault.engine.begin() as connection:
        if message.withdrawn:
            connection.execute(consent.delete().where(consent.c.mark == mark))
            return
        plaintext = msgspec.json.encode(_Days(message.since, message.until))
        sealed = seal(keys.sealing, plaintext, _place(mark), size=_CONSENT_SIZE)
        statement = insert(consent).values(mark=mark, sealed=sealed)
        again = statement.on_conflict_do_update(index_elements=["mark"], set_={"sealed": sealed})
        connection.execute(again)


# --- parts ---------------------------------------------------------------------------------------


def _causes(
    connection: sa.Connection, vault: Vault, found: Project, persons: set[UUID]
) -> tuple[dict[UUID, str], date | None]:
    """Why persons are removed, each by the first cause; and the day of the list that was asked."""
    keys = vault.people_keys
    causes: dict[UUID, str] = {}
    as_of = None
    by_consent = found.definition.basis.kind == "consent"
    if not by_consent and found.definition.exemption is None:
        snapshot_id, as_of = _demand_current(connection, vault)
        marks = {_mark_of_list(keys, snapshot_id, one): one for one in persons}
        listed = sa.select(opt_out.c.mark, opt_out.c.opted_out).where(
            opt_out.c.snapshot_id == snapshot_id, opt_out.c.mark.in_(list(marks))
        )
        said = {marks[row.mark]: row.opted_out for row in connection.execute(listed)}
        causes |= dict.fromkeys(persons - said.keys(), "unchecked")
        causes |= {one: "opted_out" for one, opted_out in said.items() if opted_out}
    causes = dict.fromkeys(_objecting(connection, keys, found, persons), "objected") | causes
    if by_consent:
        left = persons - causes.keys()
        consenting = _consenting(connection, keys, found, left)
        causes |= dict.fromkeys(left - consenting, "without_consent")
    return causes, as_of


def _objecting(
    connection: sa.Connection, keys: PeopleKeys, found: Project, persons: Iterable[UUID]
) -> set[UUID]:
    marks = {
        _mark(keys, "objection", scope, one): one
        for one in persons
        for scope in (None, found.project_id)
    }
    query = sa.select(objection.c.mark).where(objection.c.mark.in_(list(marks)))
    return {marks[mark] for mark in connection.scalars(query)}


def _consenting(
    connection: sa.Connection, keys: PeopleKeys, found: Project, persons: Iterable[UUID]
) -> set[UUID]:
    marks = {_mark(keys, "consent", found.project_id, one): one for one in persons}
    query = sa.select(consent).where(consent.c.mark.in_(list(marks)))
    today = projects.today()
    live = set()
    for row in connection.execute(query):
        octets = open_sealed(keys.opening, row.sealed, _place(row.mark))
        days = msgspec.json.decode(octets, type=_Days)
        if days.since <= today and (days.until is None or today <= days.until):
            live.add(marks[row.mark])
    return live


def _demand_current(connection: sa.Connection, vault: Vault) -> tuple[UUID, date]:
    row = _current(connection)
    if row is None:
        raise Stale("No list of national data opt-outs is loaded.")
    age, most = (projects.today() - row.as_of).days, vault.rules.opt_out_days
    if age > most:
        raise Stale(
            f"The list of national data opt-outs is {age} days old, and at most {most} are"
            " allowed: load a newer one."
        )
    return row.snapshot_id, row.as_of


def _current(connection: sa.Connection) -> sa.Row[tuple[object, ...]] | None:
    query = sa.select(opt_out_snapshot).where(opt_out_snapshot.c.is_current)
    return connection.execute(query).one_or_none()


def _loading(connection: sa.Connection, snapshot_id: UUID) -> date:
    column = opt_out_snapshot.c.as_of
    query = sa.select(column).where(
        opt_out_snapshot.c.snapshot_id == snapshot_id, ~opt_out_snapshot.c.is_current
    )
    as_of: date | None = connection.scalar(query)
    if as_of is None:
        raise NotFound("No snapshot of this id is being loaded.")
    return as_of


def _demand(
    vault: Vault,
    requester: Requester,
    person_id: UUID,
    project_id: UUID | None,
    reason: str,
    kind: str,
) -> None:
    ask = Ask(Action.RECORD_OBJECTION, person_id, reason=reason, project_id=project_id)
    decisions.demand(vault, requester, ask)
    verdict = Verdict(allowed=True, kind=kind)
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=verdict)


def _mark_of_list(keys: PeopleKeys, snapshot_id: UUID, person_id: UUID) -> bytes:
    return keys.mark("opt_out", snapshot_id.bytes, person_id.bytes)


def _mark(keys: PeopleKeys, register: str, project_id: UUID | None, person_id: UUID) -> bytes:
    return keys.mark(register, project_id.bytes if project_id else b"", person_id.bytes)


def _place(mark: bytes) -> Place:
    return Place("consent", mark.hex(), "sealed", 1)
