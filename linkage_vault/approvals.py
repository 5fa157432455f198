"""Four eyes: one person asks, another approves, and the approval fits that one question once.

An approval is bound to a keyed hash of the exact request: who asks, what, for which purpose and
legal basis, with which words, of which ids, until when.  At its use the same is hashed again from
the question itself; a changed question does not fit.  The approver sees how many and why, and a
handle in place of each id; never an id, and never the answer.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa

from linkage_vault import decisions, second_person
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.people_keys import PeopleKeys
from linkage_vault.people_tables import app_user, approval
from linkage_vault.policy import Facts
from linkage_vault.seal import Place, open_sealed, seal
from linkage_vault.vault import Vault
from moiety.kit.errors import Conflict, Forbidden, Malformed
from moiety.wire.crossing import ApprovalAsked, Approvals, ApprovalShown, AskApproval, Decide

_SIZES = (2048, 49_152)  # octets inside the seal: a single question, and any list
_HANDLES = 20
_OWN = "Nobody decides on a request of their own, under any account."
_APPROVABLE = frozenset({*decisions.CROSSINGS} - {Action.LIST})


def ask_approval(vault: Vault, requester: Requester, message: AskApproval) -> ApprovalAsked:
    """Keeps a request for a second person.

    Raises Forbidden, written down, where even an approval would not allow it.
    """
    asks = _asks(message)
    demand = Ask(Action.REQUEST, purpose=asks[0].purpose, reason=message.reason)
    decisions.demand(vault, requester, demand)
    if requester.user_id is None or not _would_help(vault, requester, asks):
        decisions.write_down(vault, requester, demand, outcome="refused")
        raise Forbidden(decisions.REFUSED)
    until = (_now(vault) + vault.rules.approval_life).replace(microsecond=0)
    approval_id = uuid4()
    bound = decisions.request_hash(vault, requester.user_id, asks, until)
    verdict = decisions.Verdict(
        allowed=True, approval_id=approval_id, request_hash=bound, count=len(asks)
    )
    decisions.write_down(vault, requester, demand, outcome="allowed", verdict=verdict)
    sealed = _seal(vault.people_keys, approval_id, message)
    with vault.engine.begin() as connection:
        connection.execute(
            approval.insert().values(
                approval_id=approval_id,
                user_id=requester.user_id,
                action=message.action,
                request_hash=bound,
                sealed=sealed,
                until=until,
            )
        )
    return ApprovalAsked(approval_id, bound.hex(), until)


def decide(vault: Vault, requester: Requester, message: Decide) -> None:
    """Approves or rejects, written down before it takes effect.

    Raises Forbidden for a request of one's own, or of one's own other account, and Conflict for one
    that is decided, expired, unknown or not as it was read.
    """
    verdict = decisions.Verdict(
        allowed=True,
        kind="approve" if message.approve else "reject",
        approval_id=message.approval_id,
        request_hash=bytes.fromhex(message.request_hash),
    )
    demand = Ask(Action.APPROVE)
    decisions.demand(vault, requester, demand)
    if _is_own(vault, requester, message.approval_id):
        decisions.write_down(vault, requester, demand, outcome="refused", verdict=verdict)
        raise Forbidden(_OWN)
    decisions.write_down(vault, requester, demand, outcome="allowed", verdict=verdict)
    statement = (
        sa.update(approval)
        .where(
            approval.c.approval_id == message.approval_id,
            approval.c.request_hash == bytes.fromhex(message.request_hash),
            approval.c.state == "open",
            approval.c.until > sa.func.now(),
        )
        .values(state="approved" if message.approve else "rejected", decided_by=requester.user_id)
    )
    with vault.engine.begin() as connection:
        if connection.execute(statement).rowcount != 1:
            raise Conflict("There is no such request that waits for a decision.")


def read_approvals(vault: Vault, requester: Requester) -> Approvals:
    """Open requests for whoever decides or reviews; one's own, in any state, for whoever asks."""
    decisions.demand(vault, requester, Ask(Action.READ_REQUESTS))
    decides = {"approver", "auditor"} & requester.roles
    query = sa.select(approval, app_user.c.name).join_from(
        approval, app_user, approval.c.user_id == app_user.c.user_id
    )
    waiting = (approval.c.state == "open") & (approval.c.until > sa.func.now())
    own = approval.c.user_id == requester.user_id
    query = query.where(waiting | own if decides else own).order_by(approval.c.until).limit(200)
    with vault.engine.connect() as connection:
        return Approvals([_show(vault.people_keys, row) for row in connection.execute(query)])


def _asks(message: AskApproval) -> Sequence[Ask]:
    try:
        action = Action(message.action)
    except ValueError:
        action = Action.REQUEST
    if action not in _APPROVABLE:
        known = ", ".join(sorted(_APPROVABLE))
        raise Malformed(
            f"What can be approved is one of {known}.",
            findings=[{"path": "$.action", "rule": "action"}],
        )
    purpose = decisions.read_purpose(message.purpose_of_use)
    basis = decisions.read_basis(message.legal_basis)
    return [
        Ask(action, id_, purpose, message.reason, basis, project_id=message.project_id)
        for id_ in sorted(set(message.ids))
    ]


def _would_help(vault: Vault, requester: Requester, asks: Sequence[Ask]) -> bool:
    ask = asks[0]
    facts = Facts(
        purpose=ask.purpose.value if ask.purpose else "",
        basis=ask.basis.value if ask.basis else "",
        person=True,
        approved=True,
        care=True,
        bulk=len(asks) > vault.rules.bulk,
        project=ask.project_id is not None,
    )
    return decisions.is_allowed(requester, ask, facts)


def _is_own(vault: Vault, requester: Requester, approval_id: UUID) -> bool:
    """Whether the request is of the same human, or (where configured) of the same line."""
    query = sa.select(approval.c.user_id).where(approval.c.approval_id == approval_id)
    with vault.engine.connect() as connection:
        asked_by = connection.scalar(query)
        return asked_by is not None and not second_person.is_second(
            connection, requester, asked_by, other_line=vault.rules.approver_other_line
        )


def _show(keys: PeopleKeys, row: sa.Row[tuple[object, ...]]) -> ApprovalShown:
    plaintext = open_sealed(keys.opening, row.sealed, _place(row.approval_id))
    asked = msgspec.json.decode(plaintext, type=AskApproval)
    ids = sorted(set(asked.ids))
    return ApprovalShown(
        approval_id=row.approval_id,
        action=asked.action,
        count=len(ids),
        handles=[keys.handle(id_) for id_ in ids[:_HANDLES]],
        purpose_of_use=asked.purpose_of_use,
        legal_basis=asked.legal_basis,
        reason=asked.reason,
        asked_by=row.name,
        until=row.until,
        state=row.state,
        request_hash=row.request_hash.hex(),
    )


def _seal(keys: PeopleKeys, approval_id: UUID, message: AskApproval) -> bytes:
    plaintext = msgspec.json.encode(message)
    size = next(size for size in _SIZES if len(plaintext) + 2 <= size)
    return seal(keys.sealing, plaintext, _place(approval_id), size=size)


def _now(vault: Vault) -> datetime:
    """The database's clock, by which everything ends."""
    with vault.engine.connect() as connection:
        now: datetime = connection.execute(sa.select(sa.func.now())).scalar_one()
    return now.astimezone(UTC)


def _place(approval_id: UUID) -> Place:
    return Place("approval", str(approval_id), "sealed", 1)
