"""Grants: somebody may cross in one direction for a while, because another person said so.

A grant is bounded four ways: from when and until when by the database's clock, in uses and in
distinct persons.  It never stands in for an approval of an exact question, and a revoked one is
felt by the next call.
"""

from datetime import UTC, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa

from linkage_vault import decisions, users
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.people_tables import access_grant, app_user
from linkage_vault.policy import Facts
from linkage_vault.vault import Vault
from moiety.kit.errors import Forbidden, Malformed, NotFound
from moiety.wire.crossing import GiveGrant, Grants, GrantShown

LONGEST = timedelta(days=90)


def give(vault: Vault, requester: Requester, message: GiveGrant) -> UUID:
    """Gives a grant to another human who could use it.

    Raises Forbidden (written down) for one's own account, or one whose roles it would not help, and
    Malformed for times that are over, unordered or more than 90 days.
    """
    ask = Ask(Action.GIVE_GRANT, reason=message.reason)
    decisions.demand(vault, requester, ask)
    grant_id = uuid4()
    verdict = decisions.Verdict(allowed=True, grant_id=grant_id, kind=message.action[:40])
    if not _is_for_another(vault, requester, message.user_id) or not _would_help(vault, message):
        decisions.write_down(vault, requester, ask, outcome="refused")
        raise Forbidden("A grant is for somebody else, whose roles can use it.")
    _demand_times(vault, message)
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=verdict)
    with vault.engine.begin() as connection:
        connection.execute(
            access_grant.insert().values(
                grant_id=grant_id,
                user_id=message.user_id,
                action=message.action,
                purpose=message.purpose_of_use,
                basis=message.legal_basis,
                ticket=message.reason,
                project_id=message.project_id,
                given_by=requester.user_id,
                not_before=message.not_before or sa.func.now(),
                not_after=message.not_after,
                uses_left=message.uses,
                subjects_left=message.subjects,
            )
        )
    return grant_id


def revoke(vault: Vault, requester: Requester, grant_id: UUID) -> None:
    """Ends a grant at once.  Raises NotFound."""
    ask = Ask(Action.REVOKE_GRANT)
    decisions.demand(vault, requester, ask)
    verdict = decisions.Verdict(allowed=True, grant_id=grant_id)
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=verdict)
    statement = access_grant.update().where(access_grant.c.grant_id == grant_id)
    with vault.engine.begin() as connection:
        if connection.execute(statement.values(revoked=True)).rowcount != 1:
            raise NotFound


def show(vault: Vault, requester: Requester) -> Grants:
    """Grants that are not over, the first to end first."""
    decisions.demand(vault, requester, Ask(Action.READ_GRANTS))
    holder, giver = app_user.alias(), app_user.alias()
    query = (
        sa.select(access_grant, holder.c.name, giver.c.name.label("giver"))
        .join(holder, holder.c.user_id == access_grant.c.user_id)
        .join(giver, giver.c.user_id == access_grant.c.given_by)
        .where(access_grant.c.not_after > sa.func.now())
        .order_by(access_grant.c.not_after)
        .limit(1000)
    )
    with vault.engine.connect() as connection:
        rows = connection.execute(query).all()
    return Grants(
        [
            GrantShown(
                row.grant_id, row.name, row.giver, row.action, row.purpose, row.basis, row.ticket,
                row.not_before, row.not_after, row.uses_left, row.subjects_left, row.revoked,
            )
            for row in rows
        ]
    )  # fmt: skip


def _is_for_another(vault: Vault, requester: Requester, user_id: UUID) -> bool:
    query = sa.select(app_user.c.staff_id).where(app_user.c.user_id == user_id, app_user.c.active)
    with vault.engine.connect() as connection:
        staff_id = connection.scalar(query)
    return staff_id is not None and staff_id != requester.staff_id


def _would_help(vault: Vault, message: GiveGrant) -> bool:
    """Whether the policy asks for a grant here: what it never permits is not granted either."""
    try:
        action = Action(message.action)
    except ValueError:
        return False
    ask = Ask(
        action,
        purpose=decisions.read_purpose(message.purpose_of_use),
        basis=decisions.read_basis(message.legal_basis),
    )
    with vault.engine.connect() as connection:
        names = connection.scalar(
            sa.select(app_user.c.roles).where(app_user.c.user_id == message.user_id)
        )
    roles = frozenset(users.Role(name) for name in names or ())
    holder = Requester("", message.user_id, None, roles)
    facts = Facts(
        purpose=message.purpose_of_use,
        basis=message.legal_basis,
        person=True,
        grant=True,
        project=message.project_id is not None,
    )
    return action in decisions.CROSSINGS and decisions.is_allowed(holder, ask, facts)


def _demand_times(vault: Vault, message: GiveGrant) -> None:
    with vault.engine.connect() as connection:
        now = connection.execute(sa.select(sa.func.now())).scalar_one()
    begins = message.not_before or now
    if begins.tzinfo is None or message.not_after.tzinfo is None:
        raise Malformed("A time says its zone.", findings=[{"path": "$.not_after"}])
    ends = message.not_after.astimezone(UTC)
    if not (begins < ends and now < ends <= begins + LONGEST):
        raise Malformed(
            f"A grant ends after it begins, and within {LONGEST.days} days.",
            findings=[{"path": "$.not_after", "rule": "time box"}],
        )
