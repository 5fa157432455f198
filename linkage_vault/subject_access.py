"""What a person may be told of everything: the vault's part, released by a second person.

The officer who gathers it has asked for an approval of this very question and somebody else has
given it; the answer then names the person's ids, who looked, and the projects.  Identity and record
are read by the officer with the rights of an officer at the other two services: the vault itself
can read neither, and never holds the whole.  Source: UK GDPR, article 15.
"""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from linkage_vault import access_report, decisions, opt_outs, projects, trail
from linkage_vault.access_report import Family, Sources
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.opt_outs import Stale
from linkage_vault.project_tables import project
from linkage_vault.projects import Project
from linkage_vault.purposes import PurposeOfUse
from linkage_vault.vault import Vault
from moiety.wire.subject import GatherSubjectAccess, SubjectAccess, SubjectProject


def gather(
    vault: Vault, requester: Requester, sources: Sources, message: GatherSubjectAccess
) -> SubjectAccess:
    """The vault's part.  In this order:

    1. It is decided: an officer, for the person's own request, with an approval of exactly this.
    2. The decision is committed to the trail.
    3. The person's ids are found, the logs asked for, the projects looked through.

    Raises Forbidden, and Unavailable when a service is away; the approval is then used up.
    """
    basis = decisions.read_basis(message.legal_basis)
    ask = Ask(
        Action.GATHER_SUBJECT_ACCESS, message.person_id, PurposeOfUse.PATRQT, message.reason,
        basis, message.approval_id,
    )  # fmt: skip
    verdict = decisions.demand(vault, requester, ask)  # (1)
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=verdict)  # (2)
    with vault.engine.connect() as connection:  # (3)
        family = access_report.find_family(
            connection, vault.keys, person_id=message.person_id, ehr_id=None
        )
        head = trail.latest_head(connection, vault.keys)
        used = _used_in(connection, vault, family)
        found = [projects.of_row(row) for row in connection.execute(sa.select(project))]
    report = access_report.gather(vault, sources, family)
    shown = [_show(one, _use(vault, one, family.ehrs, used)) for one in found]
    return SubjectAccess(
        person_ids=list(family.persons),
        ehr_ids=list(family.ehrs),
        report=report,
        projects=[one for one in shown if one.use],
        trail_size=head.size,
        trail_root=head.root.hex(),
    )


def _used_in(connection: sa.Connection, vault: Vault, family: Family) -> set[UUID]:
    """The projects in which a pseudonym was made of a record."""
    entries = access_report.entries_about(connection, vault, family.subjects)
    return {
        entry.project_id
        for entry in entries
        if entry.project_id
        and entry.action == Action.EHR_TO_PSEUDONYM
        and entry.outcome == "allowed"
    }


def _use(vault: Vault, one: Project, ehr_ids: Collection[UUID], used: set[UUID]) -> str:
    if one.project_id in used:
        return "pseudonym"
    if one.obstacle(projects.today()) or not ehr_ids:
        return ""
    try:
        cleaned = opt_outs.clean(vault, one, list(ehr_ids))
    except Stale:
        return "unknown"
    return "allowed" if cleaned.kept else "removed"


def _show(one: Project, use: str) -> SubjectProject:
    plan = one.definition
    return SubjectProject(plan.title, plan.purpose, one.basis, plan.recipient, one.state, use)
