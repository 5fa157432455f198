"""Following the demographic service when it merges two persons, and when it takes that back.

Nothing is joined: both EHRs keep their links, and where both persons have one, a task waits for
somebody to look at them.  Who cares for one of them cares for the other meanwhile.  Taking the
merge back is exact, since only that row, that task and those cares were added.

The demographic service tells by itself (`follow`); a person may do the same by hand (`merge`,
`unmerge`), where it does not.
"""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from linkage_vault import (
    decisions,
    fences,
    link_rows,
    link_tasks,
    merges,
    rescreens,
    shared_care,
)
from linkage_vault.decisions import Action, Ask, Requester, Verdict
from linkage_vault.key_ring import KeyRing
from linkage_vault.link_tasks import EhrMerge
from linkage_vault.merges import Merge
from linkage_vault.purposes import PurposeOfUse
from linkage_vault.vault import Vault
from moiety.kit.errors import Conflict, NotFound, Unprocessable

_TOLD = "Merged in the demographic service"
_UNDONE = "Merge taken back in the demographic service"


def merge(vault: Vault, requester: Requester, merge: Merge, *, reason: str) -> UUID | None:
    """Lets a person live on in another; the task that waits when both have EHRs.

    Asked again for the same two it does nothing.  Raises Conflict when either was merged into
    somebody else, and Unprocessable for a person and itself.
    """
    _demand_two(merge)
    asks = _asks(Action.MERGE, merge, reason)
    decisions.demand_all(vault, requester, asks)
    decisions.write_down_all(vault, requester, asks, ["allowed"] * 2)
    return _join(vault, merge, link_tasks.begun(requester, reason))


def unmerge(vault: Vault, requester: Requester, merge: Merge, *, reason: str) -> None:
    """Takes a merge back: every id resolves as before it.

    Raises NotFound when the one was not merged into the other.
    """
    asks = _asks(Action.UNMERGE, merge, reason)
    decisions.demand_all(vault, requester, asks)
    decisions.write_down_all(vault, requester, asks, ["allowed"] * 2)
    if _part(vault, merge) != merge:
        raise NotFound


def follow(vault: Vault, requester: Requester, merge: Merge, *, is_undone: bool) -> None:
    """What the demographic service tells, as itself: written down and not decided.

    It tells each at least once and in their order, so what is so already is no error.
    Raises Conflict when the merged person lives on in somebody else: a person merged by hand what
    the demographic service knows otherwise, and takes that back.
    """
    _demand_two(merge)
    action, reason = (Action.UNMERGE, _UNDONE) if is_undone else (Action.MERGE, _TOLD)
    verdict = Verdict(allowed=True, kind="told")
    asks = _asks(action, merge, reason)
    decisions.write_down_all(vault, requester, asks, ["allowed"] * 2, verdict=verdict)
    if not is_undone:
        _join(vault, merge, link_tasks.begun_by_service(reason))
    elif _part(vault, merge) not in {merge, None}:
        raise Conflict("The merged person lives on in somebody else here.")


def _join(vault: Vault, merge: Merge, begun: dict[str, Any]) -> UUID | None:
    with vault.engine.begin() as connection:
        fences.enter_alone(connection)
        fences.enter(connection, vault.keys)
        if merges.find(connection, vault.keys, merge.merged) == merge:
            return None
        living = merges.living(connection, vault.keys, [merge.merged, merge.survivor])
        if any(person != end for person, end in living.items()):
            raise Conflict("One of the two was merged already: take that back first.")
        ehr_ids = _ehrs_of_both(connection, vault.keys, merge)
        merges.add(connection, vault.keys, merge)
        shared_care.share(connection, vault, merge.survivor)
        rescreens.mark(connection, vault.keys, merge.survivor)
        if ehr_ids is None:
            return None
        task = EhrMerge(
            **begun, survivor=merge.survivor, merged=merge.merged, ehr_ids=tuple(ehr_ids)
        )
        return link_tasks.add(connection, vault.keys, task)


def _part(vault: Vault, merge: Merge) -> Merge | None:
    """Takes a merge back if there is this one; the merge of the person that was there."""
    with vault.engine.begin() as connection:
        fences.enter_alone(connection)
        found = merges.find(connection, vault.keys, merge.merged)
        if found == merge:
            rescreens.mark(connection, vault.keys, merge.survivor)
            merges.remove(connection, vault.keys, merge)
            link_tasks.drop_ehr_merges(connection, vault.keys, merge.merged)
            shared_care.part(connection, vault, merge)
        return found


def _ehrs_of_both(connection: sa.Connection, keys: KeyRing, merge: Merge) -> list[UUID] | None:
    """All EHRs of the two, or None when not both have one."""
    found = []
    for person in (merge.survivor, merge.merged):
        ehrs = link_rows.ehrs_of(connection, keys, merges.family(connection, keys, person))
        if not ehrs:
            return None
        found += ehrs
    return found


def _demand_two(merge: Merge) -> None:
    if merge.merged == merge.survivor:
        findings = [{"path": "$.survivor", "rule": "another person than $.merged"}]
        raise Unprocessable("A person cannot be merged into itself.", findings=findings)


def _asks(action: Action, merge: Merge, reason: str) -> list[Ask]:
    purpose = PurposeOfUse.PATADMIN
    return [Ask(action, person, purpose, reason) for person in (merge.merged, merge.survivor)]
