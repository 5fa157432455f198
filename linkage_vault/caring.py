"""Saying who cares for whom: clinicians for themselves, registrars for anybody."""

from uuid import UUID

import sqlalchemy as sa

from linkage_vault import care, decisions
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.people_tables import app_user
from linkage_vault.users import Role
from linkage_vault.vault import Vault
from moiety.kit.errors import Forbidden, NotFound
from moiety.wire.crossing import Care, CareEnds


def record(vault: Vault, requester: Requester, message: Care) -> None:
    """Keeps that somebody cares for a person.

    Where care must be recorded before it is used, nobody records their own.
    Raises Forbidden, written down, and NotFound for a user who is no active clinician.
    """
    user_id = _enter(vault, requester, message.person_id, message.user_id, "begin")
    query = sa.select(app_user.c.roles).where(app_user.c.user_id == user_id, app_user.c.active)
    with vault.engine.connect() as connection:
        roles = connection.scalar(query) or []
    if Role.CLINICIAN.value not in roles:
        raise NotFound("There is no such clinician.")
    care.record(vault, user_id, message.person_id, until=message.until)


def end(vault: Vault, requester: Requester, message: CareEnds) -> None:
    """Keeps no longer that somebody cares for a person; nothing happens where it was not so."""
    user_id = _enter(vault, requester, message.person_id, message.user_id, "end")
    care.end(vault, user_id, message.person_id)


def _enter(
    vault: Vault, requester: Requester, person_id: UUID, user_id: UUID | None, kind: str
) -> UUID:
    """Whose care it is about, when the requester may say so."""
    ask = Ask(Action.RECORD_CARE, person_id)
    decisions.demand(vault, requester, ask)
    carer = user_id or requester.user_id
    own = carer == requester.user_id
    required = vault.rules.care == "required" and kind == "begin"
    if carer is None or (own and required) or (not own and Role.REGISTRAR not in requester.roles):
        decisions.write_down(vault, requester, ask, outcome="refused")
        raise Forbidden(decisions.REFUSED)
    verdict = decisions.Verdict(allowed=True, kind=kind)
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=verdict)
    return carer
