"""Projects: proposed by one person, approved by another, run while what allows them stands.

Every step is decided and written down before it takes effect, and names the version that it was
read at: what is approved is exactly what was proposed.  A change of a definition makes a draft of
it again.  The clinical service gets the policy of a running project, with its key, and nobody else.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault import decisions, project_keys, project_states
from linkage_vault.decisions import Action, Ask, Requester, Verdict
from linkage_vault.people_tables import app_user
from linkage_vault.project_tables import project, project_history, recipient
from linkage_vault.purposes import LegalBasis
from linkage_vault.purposes import PurposeOfUse as P
from linkage_vault.trail import current_month
from linkage_vault.users import Role
from linkage_vault.vault import Vault
from moiety.deid.pseudonyms import date_shift_seed
from moiety.kit.errors import Conflict, Forbidden, NotFound, Unprocessable
from moiety.wire.projects import (
    Amend,
    Definition,
    Move,
    Policy,
    PolicyAnswer,
    Projects,
    ProjectShown,
    State,
)

REFRESH_SECONDS = 60
PURPOSES: Mapping[str, P] = MappingProxyType(
    {
        "research": P.HRESCH,
        "education": P.TRAIN,
        "decision_support": P.HDM,
        "management": P.HOPERAT,
        "policy": P.GOV,
        "statistics": P.HPRGRP,
    }
)
BASES: Mapping[str, LegalBasis] = MappingProxyType(
    {
        "consent": LegalBasis.CONSENT,
        "section_251": LegalBasis.SECTION_251,
        "other": LegalBasis.PUBLIC_INTEREST,
    }
)
_OWN = "A project is approved by somebody else than who proposed it or works in it."
_SAME = "The keys of a project are destroyed by somebody else than who closed it."


@dataclass(frozen=True, slots=True)
class Project:
    """A project as it is stored."""

    project_id: UUID
    version: int
    policy_id: UUID
    state: State
    definition: Definition
    proposed_by: UUID
    approved_by: UUID | None
    closed_by: UUID | None

    @property
    def purpose(self) -> P:
        """The purpose of use of what is done for the project."""
        return PURPOSES[self.definition.purpose]

    @property
    def basis(self) -> LegalBasis:
        """What allows it in law."""
        return BASES[self.definition.basis.kind]

    def obstacle(self, today: date) -> str | None:
        """Why the project may not be worked in on a day, or None: looked at for every use."""
        if self.state != "running":
            return f"The project is not running but {self.state}."
        if today > self.definition.until:
            return "The project has ended."
        last = self.definition.basis.until
        if last is not None and today > last:
            return "The legal basis of the project has ended."
        return None


def propose(vault: Vault, requester: Requester, definition: Definition) -> ProjectShown:
    """A new draft.  Raises Forbidden, written down, and Unprocessable for what cannot be."""
    project_id = uuid4()
    ask = Ask(Action.PROPOSE_PROJECT, project_id=project_id)
    decisions.demand(vault, requester, ask)
    _check(vault, definition)
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=_kind("propose"))
    made = Project(
        project_id, 1, uuid4(), "draft", definition, _person(requester), None, None
    )  # fmt: skip
    with vault.engine.begin() as connection:
        connection.execute(project.insert().values(_row(made)))
        _remember(connection, made, requester)
    return _shown(made, [])


def amend(vault: Vault, requester: Requester, message: Amend) -> ProjectShown:
    """A draft with another definition, by who proposed it.  Raises Conflict for no draft."""
    ask = Ask(Action.PROPOSE_PROJECT, project_id=message.project_id)
    decisions.demand(vault, requester, ask)
    found = _get(vault, requester, ask)
    if found.state != "draft":
        raise Conflict(f"Only a draft is changed; the project is {found.state}: amend it first.")
    if found.proposed_by != requester.user_id:
        _refuse(vault, requester, ask, "A draft is changed by who proposed it.")
    _check(vault, message.definition)
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=_kind("change"))
    return _store(vault, requester, found, message.version, {"definition": message.definition})


def move(vault: Vault, requester: Requester, message: Move) -> ProjectShown:
    """The project after a step.  In this order:

    1. The requester's roles allow the step at all, and a researcher works in the project;
       otherwise, as for one that does not exist, the refusal is committed, then 403.
    2. The step begins in the state that the project is in; otherwise Conflict.
    3. The hands differ: nobody approves what is theirs, nor destroys the keys of what they closed.
    4. What is started has a legal basis that stands today.
    5. The step is committed to the trail, and then takes effect on the version that was read.
    """
    rule = project_states.STEPS[message.step]
    ask = Ask(rule.action, reason=message.reason, project_id=message.project_id)
    decisions.demand(vault, requester, ask)  # (1)
    found = _get(vault, requester, ask)
    values: dict[str, Any] = {"state": project_states.after(found.state, message.step)}  # (2)
    if message.step == "approve":
        others = {found.proposed_by, *found.definition.members}
        if _is_one_of(vault, requester, others):  # (3)
            _refuse(vault, requester, ask, _OWN)
        values["approved_by"] = requester.user_id
    if message.step == "destroy_key" and _is_one_of(vault, requester, {found.closed_by}):
        _refuse(vault, requester, ask, _SAME)
    if message.step == "close":
        values["closed_by"] = requester.user_id
    if message.step == "amend":
        values["approved_by"] = None
    if message.step == "start":
        _demand_basis(found)  # (4)
    decisions.write_down(  # (5)
        vault, requester, ask, outcome="allowed", verdict=_kind(message.step)
    )
    return _store(vault, requester, found, message.version, values, step=message.step)


def read_projects(vault: Vault, requester: Requester) -> Projects:
    """The projects that the requester may see: a researcher sees those of their own."""
    decisions.demand(vault, requester, Ask(Action.READ_PROJECTS))
    with vault.engine.connect() as connection:
        rows = connection.execute(sa.select(project).order_by(project.c.project_id)).all()
        found = [of_row(row) for row in rows]
        if _is_researcher(requester):
            found = [one for one in found if _works_in(requester, one)]
        return Projects(
            [_shown(one, project_keys.versions(connection, one.project_id)) for one in found]
        )


def policy(
    vault: Vault, requester: Requester, project_id: UUID, *, version: int | None
) -> PolicyAnswer:
    """The policy of a running project for a service; None where `version` is still in force.

    The key is given out by this alone, each time with an entry of the trail; that what a service
    has is still in force is confirmed without one.  Raises NotFound and Conflict.
    """
    ask = Ask(Action.USE_PROJECT, project_id=project_id)
    with vault.engine.connect() as connection:
        found = find(connection, project_id)
        newest = project_keys.newest(connection, project_id)
    obstacle = found.obstacle(today()) if found else "There is no such project."
    if found is None or obstacle or newest is None:
        decisions.write_down(vault, requester, ask, outcome="refused")
        raise Conflict(obstacle) if found else NotFound(obstacle)
    if version == found.version + _KEY_STEP * newest:
        return PolicyAnswer(None)
    decisions.write_down(vault, requester, ask, outcome="allowed")
    with vault.engine.connect() as connection:
        key = project_keys.open_key(connection, vault.keys, project_id, newest)
        if key is None:
            raise Conflict("The key of the project was destroyed.")
        return PolicyAnswer(_policy(connection, found, key, newest))


def find(connection: sa.Connection, project_id: UUID) -> Project | None:
    """A project, for the vault's own use: no decision is made here."""
    query = sa.select(project).where(project.c.project_id == project_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else of_row(row)


def domain_of(connection: sa.Connection, found: Project) -> UUID:
    """The domain of the organisation that gets the project's pseudonyms."""
    query = sa.select(recipient.c.domain).where(recipient.c.name == found.definition.recipient)
    domain: UUID = connection.execute(query).scalar_one()
    return domain


def today() -> date:
    """The day on which what allows a project must stand, UTC."""
    return datetime.now(UTC).date()


def of_row(row: Any) -> Project:
    """A row of the table as a project."""
    return Project(
        row.project_id, row.version, row.policy_id, row.state,
        msgspec.json.decode(row.definition, type=Definition),
        row.proposed_by, row.approved_by, row.closed_by,
    )  # fmt: skip


# --- parts ---------------------------------------------------------------------------------------

_KEY_STEP = 1 << 20
"""What a service names as its version tells the version of the key too."""


def _policy(connection: sa.Connection, found: Project, key: bytes, newest: int) -> Policy:
    plan = found.definition
    return Policy(
        project_id=found.project_id,
        policy_id=found.policy_id,
        version=found.version + _KEY_STEP * newest,
        purpose_of_use=found.purpose,
        domain=domain_of(connection, found),
        key=key,
        key_version=newest,
        date_shift_seed=date_shift_seed(key),
        date_shift_days=plan.date_shift_days,
        templates=plan.templates,
        disclosure=plan.disclosure,
        members=plan.members,
        until=min(plan.until, plan.basis.until or plan.until),
        refresh_seconds=REFRESH_SECONDS,
    )


def _check(vault: Vault, plan: Definition) -> None:
    """Raises Unprocessable with every finding."""
    findings = []
    if plan.until <= today():
        findings.append(("$.definition.until", "a day to come"))
    if plan.basis.kind == "section_251" and plan.basis.until is None:
        findings.append(("$.definition.basis.until", "required for section_251"))
    if plan.basis.until is not None and plan.basis.until < today():
        findings.append(("$.definition.basis.until", "not past"))
    names = [one.template_id for one in plan.templates]
    if len(set(names)) < len(names):
        findings.append(("$.definition.templates", "each once"))
    wanted = sa.select(app_user.c.user_id).where(
        app_user.c.user_id.in_(plan.members), app_user.c.active
    )
    with vault.engine.connect() as connection:
        known = set(connection.scalars(wanted))
    findings += [
        (f"$.definition.members[{number}]", "an active user, once")
        for number, member in enumerate(plan.members)
        if member not in known or member in plan.members[:number]
    ]
    if findings:
        raise Unprocessable(findings=[{"path": path, "rule": rule} for path, rule in findings])


def _demand_basis(found: Project) -> None:
    last = found.definition.basis.until
    if today() > found.definition.until or (last is not None and today() > last):
        raise Conflict("The project, or what allows it in law, has ended.")


def _store(
    vault: Vault,
    requester: Requester,
    found: Project,
    version: int,
    values: Mapping[str, Any],
    *,
    step: str = "",
) -> ProjectShown:
    with vault.engine.begin() as connection:
        made = _changed(found, values)
        this = (project.c.project_id == found.project_id) & (project.c.version == version)
        now = project.c.state == found.state
        done = connection.execute(project.update().where(this & now).values(_row(made)))
        if done.rowcount != 1:
            raise Conflict("The project was changed since it was read: read it again.")
        _remember(connection, made, requester)
        if step == "start":
            project_keys.create(connection, vault.keys, made.project_id)
            fresh = {"name": made.definition.recipient, "domain": uuid4()}
            connection.execute(insert(recipient).values(fresh).on_conflict_do_nothing())
        if step == "destroy_key":
            project_keys.destroy(connection, made.project_id)
        return _shown(made, project_keys.versions(connection, made.project_id))


def _changed(found: Project, values: Mapping[str, Any]) -> Project:
    kept = {name: getattr(found, name) for name in Project.__slots__}
    return Project(**{**kept, **values, "version": found.version + 1, "policy_id": uuid4()})


def _row(one: Project) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in Project.__slots__}
    return {**row, "definition": msgspec.json.encode(one.definition)}


def _remember(connection: sa.Connection, one: Project, requester: Requester) -> None:
    connection.execute(
        project_history.insert().values(
            project_id=one.project_id,
            version=one.version,
            policy_id=one.policy_id,
            state=one.state,
            definition=msgspec.json.encode(one.definition),
            changed_by=requester.user_id,
            month=current_month(),
        )
    )


def _get(vault: Vault, requester: Requester, ask: Ask) -> Project:
    """A project for who may know of it: a researcher of those of their own alone."""
    with vault.engine.connect() as connection:
        found = find(connection, ask.project_id) if ask.project_id else None
    knows = found is not None and (not _is_researcher(requester) or _works_in(requester, found))
    if found is None and not _is_researcher(requester):
        raise NotFound("There is no such project.")
    if found is None or not knows:
        decisions.write_down(vault, requester, ask, outcome="refused")
        raise Forbidden(decisions.REFUSED)
    return found


def _is_researcher(requester: Requester) -> bool:
    """Whether somebody is that and nothing else, and so sees only projects of their own."""
    return requester.roles <= {Role.RESEARCHER}


def _is_one_of(vault: Vault, requester: Requester, users: Collection[UUID | None]) -> bool:
    """Whether the requester is the human behind one of these accounts, by any account."""
    query = sa.select(app_user.c.staff_id).where(app_user.c.user_id.in_([u for u in users if u]))
    with vault.engine.connect() as connection:
        staff = set(connection.scalars(query))
    return requester.user_id in users or requester.staff_id in staff


def _works_in(requester: Requester, one: Project) -> bool:
    return requester.user_id in {one.proposed_by, *one.definition.members}


def _refuse(vault: Vault, requester: Requester, ask: Ask, message: str) -> None:
    decisions.write_down(vault, requester, ask, outcome="refused")
    raise Forbidden(message)


def _person(requester: Requester) -> UUID:
    if requester.user_id is None:
        raise Forbidden
    return requester.user_id


def _kind(word: str) -> Verdict:
    return Verdict(allowed=True, kind=word)


def _shown(one: Project, versions: list[int]) -> ProjectShown:
    return ProjectShown(
        one.project_id, one.version, one.state, one.definition,
        one.proposed_by, one.approved_by, versions,
    )  # fmt: skip
