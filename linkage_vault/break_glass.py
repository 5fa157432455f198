"""Breaking the glass: one person's record for an hour, at once, and answered for afterwards.

Two roles are told as it happens.  Another human reviews it within seven days; whoever has one that
waits longer breaks no glass until it is reviewed, under any account.
"""

from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa

from linkage_vault import alerts, decisions, standing
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.people_tables import app_user, break_glass
from linkage_vault.seal import Place, open_sealed, seal
from linkage_vault.vault import Vault
from moiety.kit.errors import Conflict, Forbidden
from moiety.wire.crossing import BreakGlass, BreakGlasses, BreakGlassShown, GlassBroken, Review

_SIZE = 2048


def open_way(vault: Vault, requester: Requester, message: BreakGlass) -> GlassBroken:
    """Opens the way to one person's record for the requester, and tells two roles.

    Raises Forbidden, written down, without the role or while an earlier one is overdue, and
    Unavailable while the trail cannot be written: no emergency goes unrecorded.
    """
    purpose = decisions.read_purpose(message.purpose_of_use)
    ask = Ask(Action.BREAK_GLASS, message.person_id, purpose, message.reason)
    decisions.demand(vault, requester, ask)
    if requester.user_id is None or _is_overdue(vault, requester):
        decisions.write_down(vault, requester, ask, outcome="refused")
        raise Forbidden("An earlier break-glass was not reviewed in time: it comes first.")
    verdict = decisions.Verdict(allowed=True, kind="break_glass")
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=verdict)
    break_glass_id = uuid4()
    plaintext = msgspec.json.encode(message)
    keys = vault.people_keys
    statement = (
        break_glass.insert()
        .values(
            break_glass_id=break_glass_id,
            user_id=requester.user_id,
            mark=standing.broken_mark(keys, requester.user_id, message.person_id),
            sealed=seal(keys.sealing, plaintext, _place(break_glass_id), size=_SIZE),
            until=sa.func.now() + vault.rules.break_glass_life,
            review_due=sa.func.now() + vault.rules.review_within,
        )
        .returning(break_glass.c.until, break_glass.c.review_due)
    )
    with vault.engine.begin() as connection:
        row = connection.execute(statement).one()
        facts = {"user_id": str(requester.user_id), "break_glass_id": str(break_glass_id)}
        alerts.put(connection, vault, "break_glass", facts | {"purpose_of_use": purpose.value})
    return GlassBroken(break_glass_id, row.until, row.review_due)


def review(vault: Vault, requester: Requester, message: Review) -> None:
    """Says whether one was justified.  Raises Forbidden for one's own, and Conflict."""
    ask = Ask(Action.REVIEW_BREAK_GLASS)
    decisions.demand(vault, requester, ask)
    finding = "justified" if message.justified else "unjustified"
    query = (
        sa.select(app_user.c.staff_id)
        .join_from(break_glass, app_user, break_glass.c.user_id == app_user.c.user_id)
        .where(break_glass.c.break_glass_id == message.break_glass_id)
    )
    with vault.engine.connect() as connection:
        staff_id = connection.scalar(query)
    if staff_id == requester.staff_id:
        decisions.write_down(vault, requester, ask, outcome="refused")
        raise Forbidden("Nobody reviews what they did themselves, under any account.")
    verdict = decisions.Verdict(allowed=True, kind=finding)
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=verdict)
    statement = break_glass.update().where(
        break_glass.c.break_glass_id == message.break_glass_id, break_glass.c.finding.is_(None)
    )
    with vault.engine.begin() as connection:
        done = connection.execute(statement.values(finding=finding, reviewed_by=requester.user_id))
    if done.rowcount != 1:
        raise Conflict("There is no such break-glass that waits for a review.")
    if not message.justified:
        alerts.sound(
            vault, "break_glass_unjustified", {"break_glass_id": str(message.break_glass_id)}
        )


def waiting(vault: Vault, requester: Requester) -> BreakGlasses:
    """What waits for a review, the oldest first."""
    decisions.demand(vault, requester, Ask(Action.REVIEW_BREAK_GLASS))
    overdue = (break_glass.c.review_due < sa.func.now()).label("overdue")
    query = (
        sa.select(break_glass, app_user.c.name, overdue)
        .join_from(break_glass, app_user, break_glass.c.user_id == app_user.c.user_id)
        .where(break_glass.c.finding.is_(None))
        .order_by(break_glass.c.review_due)
        .limit(200)
    )
    with vault.engine.connect() as connection:
        return BreakGlasses([_show(vault, row) for row in connection.execute(query)])


def _is_overdue(vault: Vault, requester: Requester) -> bool:
    """Whether this human, under any account, has one whose review is late."""
    query = sa.select(
        sa.exists()
        .where(break_glass.c.finding.is_(None), break_glass.c.review_due < sa.func.now())
        .where(app_user.c.user_id == break_glass.c.user_id)
        .where(app_user.c.staff_id == requester.staff_id)
    )
    with vault.engine.connect() as connection:
        return bool(connection.scalar(query))


def _show(vault: Vault, row: sa.Row[tuple[object, ...]]) -> BreakGlassShown:
    keys = vault.people_keys
    plaintext = open_sealed(keys.opening, row.sealed, _place(row.break_glass_id))
    said = msgspec.json.decode(plaintext, type=BreakGlass)
    return BreakGlassShown(
        break_glass_id=row.break_glass_id,
        user_name=row.name,
        purpose_of_use=said.purpose_of_use,
        reason=said.reason,
        handle=keys.handle(said.person_id),
        until=row.until,
        review_due=row.review_due,
        overdue=row.overdue,
    )


def _place(break_glass_id: UUID) -> Place:
    return Place("break_glass", str(break_glass_id), "sealed", 1)
