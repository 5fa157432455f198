"""Changes of a link after it was made: closed, restricted, moved, adopted; and the tasks."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from linkage_vault import decisions, fences, link_rows, link_tasks, pool, shared_care
from linkage_vault.blind_index import blind_indexes
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.key_ring import KeyRing
from linkage_vault.link_rows import LinkRow, Pair
from linkage_vault.link_tasks import AnyRequest, EhrMerge, Move
from linkage_vault.purposes import PurposeOfUse
from linkage_vault.vault import Vault
from moiety.kit.errors import Conflict, NotFound, Unprocessable

_PURPOSE = PurposeOfUse.RECORDMGT


def close(
    vault: Vault, requester: Requester, ehr_id: UUID, *, is_closed: bool, reason: str
) -> None:
    """Closes a link, or opens it again: a closed one is not found by its person.

    Its EHR still leads to the person, for who may ask that.  Raises NotFound.
    """
    _flag(vault, requester, Ask(Action.CLOSE, ehr_id, _PURPOSE, reason), is_closed=is_closed)


def restrict(
    vault: Vault, requester: Requester, ehr_id: UUID, *, is_restricted: bool, reason: str
) -> None:
    """Forbids secondary use of a record (GDPR Article 18), or allows it again.

    Care goes on.  `link_pairs.find_restricted` is what projects ask.  Raises NotFound.
    """
    ask = Ask(Action.RESTRICT, ehr_id, _PURPOSE, reason)
    _flag(vault, requester, ask, is_restricted=is_restricted)


def ask_move(
    vault: Vault, requester: Requester, ehr_id: UUID, *, to_person: UUID, reason: str
) -> UUID:
    """Asks for an EHR to be another person's; the task that a second person consents to.

    Raises NotFound without a link, and Conflict when it is that person's already.
    """
    _enter(
        vault, requester, [Ask(Action.MOVE, one, _PURPOSE, reason) for one in (ehr_id, to_person)]
    )
    with vault.engine.begin() as connection:
        fences.enter(connection, vault.keys)
        _, pair = _open_one(connection, vault.keys, ehr_id)
        if pair.person_id == to_person:
            raise Conflict("The EHR is this person's already.")
        task = Move(
            **link_tasks.begun(requester, reason),
            ehr_id=ehr_id, from_person=pair.person_id, to_person=to_person,
        )  # fmt: skip
        return link_tasks.add(connection, vault.keys, task)


def consent_to_move(vault: Vault, requester: Requester, task_id: UUID) -> None:
    """Moves the EHR that a task names, with the consent of another person than who asked.

    Raises NotFound for a task that is gone or expired, Forbidden for who asked, and Conflict when
    the EHR is meanwhile somebody else's.
    """
    with vault.engine.connect() as connection:
        request = link_tasks.read(connection, vault.keys, task_id)
    subject = request.ehr_id if isinstance(request, Move) else None
    ask = Ask(Action.CONSENT_TO_MOVE, subject, _PURPOSE)
    decisions.demand(vault, requester, ask)
    if not isinstance(request, Move):
        raise NotFound
    link_tasks.demand_other(vault, requester, ask, request)
    decisions.write_down(vault, requester, ask, outcome="allowed")
    with vault.engine.begin() as connection:
        keys = vault.keys
        persons = (request.from_person, request.to_person)
        fences.enter(connection, keys, [blind_indexes(keys, "person", one)[0] for one in persons])
        move = link_tasks.take(connection, keys, task_id, Move)
        row, pair = _open_one(connection, keys, move.ehr_id)
        if pair.person_id != move.from_person:
            raise Conflict("The EHR is not any more whose it was when the move was asked for.")
        has_one = bool(link_rows.find(connection, keys, "person", [move.to_person]))
        link_rows.remove(connection, [row.link_id])
        moved = Pair(move.to_person, move.ehr_id)
        link_rows.add(connection, keys, [moved], is_further=has_one)
        shared_care.forget_record(connection, vault, move.ehr_id)


def adopt(vault: Vault, requester: Requester, pairs: Sequence[Pair], *, reason: str) -> list[str]:
    """Links EHRs that exist to the persons whose they are, when a system is taken over.

    For each pair, in order: `linked` now, `present` already, or `conflict`: the person or the EHR
    has another link, or stands twice in the list.  An EHR that waited in the pool leaves it.
    """
    asks = [
        Ask(Action.ADOPT, one, _PURPOSE, reason)
        for pair in pairs
        for one in (pair.person_id, pair.ehr_id)
    ]
    decisions.demand_all(vault, requester, asks)
    decisions.write_down_all(vault, requester, asks, ["allowed"] * len(asks))
    keys = vault.keys
    with vault.engine.begin() as connection:
        indexes = [blind_indexes(keys, "person", pair.person_id)[0] for pair in pairs]
        fences.enter(connection, keys, indexes)
        outcomes = _judge(connection, keys, pairs)
        new = [pair for pair, said in zip(pairs, outcomes, strict=True) if said == "linked"]
        if new:
            link_rows.add(connection, keys, new)
            pool.discard(connection, keys, [pair.ehr_id for pair in new])
    return outcomes


def read_tasks(vault: Vault, requester: Requester) -> list[tuple[UUID, AnyRequest]]:
    """What waits for a second person or a decision."""
    _enter(vault, requester, [Ask(Action.READ_TASKS)])
    with vault.engine.connect() as connection:
        return link_tasks.pending(connection, vault.keys)


def settle(vault: Vault, requester: Requester, task_id: UUID, *, reason: str) -> None:
    """Ends the task that two EHRs of one person left, once they were seen.  Raises NotFound."""
    _enter(vault, requester, [Ask(Action.SETTLE_TASK, None, _PURPOSE, reason)])
    with vault.engine.begin() as connection:
        link_tasks.take(connection, vault.keys, task_id, EhrMerge)


def _judge(connection: sa.Connection, keys: KeyRing, pairs: Sequence[Pair]) -> list[str]:
    by_person = link_rows.find(connection, keys, "person", {pair.person_id for pair in pairs})
    by_ehr = link_rows.find(connection, keys, "ehr", {pair.ehr_id for pair in pairs})
    opened = link_rows.open_rows(keys, [rows[0] for rows in by_ehr.values()])
    owners = dict(zip(by_ehr, opened, strict=True))
    seen: set[UUID] = set()
    outcomes = []
    for pair in pairs:
        if owners.get(pair.ehr_id) == pair:
            outcomes.append("present")
        elif pair.person_id in by_person or pair.ehr_id in by_ehr or seen & {*_both(pair)}:
            outcomes.append("conflict")
        else:
            outcomes.append("linked")
        seen |= {*_both(pair)}
    return outcomes


def _both(pair: Pair) -> tuple[UUID, UUID]:
    return pair.person_id, pair.ehr_id


def _flag(vault: Vault, requester: Requester, ask: Ask, **flags: bool) -> None:
    _enter(vault, requester, [ask])
    if ask.subject is None:
        raise Unprocessable("An EHR is named.")
    with vault.engine.begin() as connection:
        row, _ = _open_one(connection, vault.keys, ask.subject)
        link_rows.flag(connection, [row.link_id], **flags)


def _open_one(connection: sa.Connection, keys: KeyRing, ehr_id: UUID) -> tuple[LinkRow, Pair]:
    rows = link_rows.find(connection, keys, "ehr", [ehr_id]).get(ehr_id, [])
    pairs = link_rows.open_rows(keys, rows)
    for row, pair in zip(rows, pairs, strict=True):
        if pair is not None:
            return row, pair
    raise NotFound


def _enter(vault: Vault, requester: Requester, asks: Sequence[Ask]) -> None:
    decisions.demand_all(vault, requester, asks)
    decisions.write_down_all(vault, requester, asks, ["allowed"] * len(asks))
