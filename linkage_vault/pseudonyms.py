"""From a record to its pseudonym in a project, and back: two actions with two permissions.

Both take up to a thousand ids and answer in their order; what is unknown and what the registers
removed look alike.  Entries of the trail are about the record, in both directions, so that the
person's access report finds them.
"""

from uuid import UUID

import sqlalchemy as sa

from linkage_vault import decisions, link_pairs, opt_outs, project_keys, projects
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.projects import Project
from linkage_vault.users import Role
from linkage_vault.vault import Vault
from moiety.deid.pseudonyms import Kind, Pseudonyms
from moiety.kit.errors import Conflict, Forbidden
from moiety.wire.projects import EhrsAnswer, Pseudonymise, PseudonymsAnswer, Reidentify

_DESTROYED = "The key of the project was destroyed."


def pseudonymise(vault: Vault, requester: Requester, message: Pseudonymise) -> PseudonymsAnswer:
    """Pseudonyms of records.  In this order:

    1. The project runs and what allows it stands; its purpose and legal basis are those asked for.
       One that is unknown is refused as one in which nothing is allowed.
    2. It is decided, and what the decision rests on is used up.
    3. Registers of opt-outs, objections and consents remove whom they must.
    4. Every id's decision is committed to the trail; then the key is opened.

    Raises Forbidden, and for who may read projects Conflict: not running, or a register too old.
    """
    ids = message.ehr_ids
    found = _in_force(vault, requester, Action.EHR_TO_PSEUDONYM, message.project_id)  # (1)
    ask = Ask(
        Action.EHR_TO_PSEUDONYM, None, found.purpose, message.reason, found.basis,
        message.approval_id, found.project_id,
    )  # fmt: skip
    asks = [ask._replace(subject=one) for one in ids]
    verdict = decisions.demand_all(vault, requester, asks)  # (2)
    cleaned = opt_outs.clean(vault, found, ids)  # (3)
    outcomes = [_outcome(one, cleaned) for one in ids]
    decisions.write_down_all(vault, requester, asks, outcomes, verdict=verdict)  # (4)
    with vault.engine.connect() as connection:
        opened = _opened(
            connection, vault, found, project_keys.newest(connection, found.project_id)
        )
    made = dict(zip(ids, opened.pseudonymise(Kind.EHR, ids), strict=True))
    shown = [made[one] if one in cleaned.kept else None for one in ids]
    return PseudonymsAnswer(shown, cleaned.removed, cleaned.as_of)


def reidentify(vault: Vault, requester: Requester, message: Reidentify) -> EhrsAnswer:
    """Records behind pseudonyms, of a project that runs or ran and has its key.

    A reversal always yields some id; only one that is a record's is answered.  Raises Forbidden,
    and Conflict for who may and finds the key destroyed: no answer but that one says whether there
    is such a project.
    """
    ask = Ask(
        Action.PSEUDONYM_TO_EHR, None, decisions.read_purpose(message.purpose_of_use),
        message.reason, decisions.read_basis(message.legal_basis), message.approval_id,
        message.project_id,
    )  # fmt: skip
    asks = [ask._replace(subject=one) for one in message.pseudonyms]
    opened = _find_opened(vault, message.project_id, message.key_version)
    if opened is None:
        verdict = decisions.demand_all(vault, requester, asks)
        decisions.write_down(vault, requester, ask, outcome="refused", verdict=verdict)
        raise Conflict(_DESTROYED)
    ehr_ids = opened.reverse(Kind.EHR, message.pseudonyms)
    verdict = decisions.demand_all(vault, requester, asks, behind=ehr_ids)
    with vault.engine.connect() as connection:
        known = link_pairs.find_pairs(connection, vault.keys, "ehr", ehr_ids)
    about = [
        one._replace(subject=ehr_id if ehr_id in known else one.subject)
        for one, ehr_id in zip(asks, ehr_ids, strict=True)
    ]
    outcomes = ["allowed" if ehr_id in known else "unknown" for ehr_id in ehr_ids]
    decisions.write_down_all(vault, requester, about, outcomes, verdict=verdict)
    return EhrsAnswer([ehr_id if ehr_id in known else None for ehr_id in ehr_ids])


def _in_force(vault: Vault, requester: Requester, action: Action, project_id: UUID) -> Project:
    """A project that runs.  Why one does not is told to who may read projects, and nobody else."""
    with vault.engine.connect() as connection:
        found = projects.find(connection, project_id)
    obstacle = found.obstacle(projects.today()) if found else None
    if found is not None and obstacle is None:
        return found
    may_read = decisions.weigh(vault, requester, [Ask(Action.READ_PROJECTS)]).allowed
    ask = Ask(action, project_id=project_id)
    decisions.write_down(vault, requester, ask, outcome="refused")
    officer = may_read and Role.LINKAGE_OFFICER in requester.roles
    raise Conflict(obstacle) if obstacle and officer else Forbidden(decisions.REFUSED)


def _find_opened(vault: Vault, project_id: UUID, version: int | None) -> Pseudonyms | None:
    """The way back of a project in one version of its key, the newest if none is named."""
    with vault.engine.connect() as connection:
        found = projects.find(connection, project_id)
        version = version or project_keys.newest(connection, project_id)
        return _open(connection, vault, found, version) if found else None


def _opened(
    connection: sa.Connection, vault: Vault, found: Project, version: int | None
) -> Pseudonyms:
    opened = _open(connection, vault, found, version)
    if opened is None:
        raise Conflict(_DESTROYED)
    return opened


def _open(
    connection: sa.Connection, vault: Vault, found: Project, version: int | None
) -> Pseudonyms | None:
    if version is None:
        return None
    key = project_keys.open_key(connection, vault.keys, found.project_id, version)
    return None if key is None else Pseudonyms(key, projects.domain_of(connection, found))


def _outcome(ehr_id: UUID, cleaned: "opt_outs.Cleaned") -> str:
    if ehr_id in cleaned.kept:
        return "allowed"
    return "removed" if ehr_id in cleaned.known else "unknown"
