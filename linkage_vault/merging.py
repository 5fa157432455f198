"""Following the demographic service when it merges two persons, and when it takes that back.

Nothing is joined: both EHRs keep their links, and where both persons have one, a task waits for
somebody to look at them.  Taking the merge back is exact, since only that row and that task were
added.
"""

from uuid import UUID

import sqlalchemy as sa

from linkage_vault import decisions, fences, link_rows, link_tasks, merges
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.key_ring import KeyRing
from linkage_vault.link_tasks import EhrMerge
from linkage_vault.merges import Merge
from linkage_vault.purposes import PurposeOfUse
from linkage_vault.vault import Vault
from moiety.kit.errors import Conflict, NotFound, Unprocessable


def merge(vault: Vault, requester: Requester, merge: Merge, *, reason: str) -> UUID | None:
    """Lets a person live on in another; the task that waits when both have EHRs.

    Asked again for the same two it does nothing.  Raises Conflict when either was merged into
    somebody else, and Unprocessable for a person and itself.
    """
    if merge.merged == merge.survivor:
        findings = [{"path": "$.survivor", "rule": "another person than $.merged"}]
        raise Unprocessable("A person cannot be merged into itself.", findings=findings)
    _enter(vault, requester, Action.MERGE, merge, reason)
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
        if ehr_ids is None:
            return None
        begun = link_tasks.begun(requester, reason)
        task = EhrMerge(
            **begun, survivor=merge.survivor, merged=merge.merged, ehr_ids=tuple(ehr_ids)
        )
        return link_tasks.add(connection, vault.keys, task)


def unmerge(vault: Vault, requester: Requester, merge: Merge, *, reason: str) -> None:
    """Takes a merge back: every id resolves as before it.

    Raises NotFound when the one was not merged into the other.
    """
    _enter(vault, requester, Action.UNMERGE, merge, reason)
    with vault.engine.begin() as connection:
        fences.enter_alone(connection)
        if merges.find(connection, vault.keys, merge.merged) != merge:
            raise NotFound
        merges.remove(connection, vault.keys, merge)
        link_tasks.drop_ehr_merges(connection, vault.keys, merge.merged)


def _ehrs_of_both(connection: sa.Connection, keys: KeyRing, merge: Merge) -> list[UUID] | None:
    """All EHRs of the two, or None when not both have one."""
    found = []
    for person in (merge.survivor, merge.merged):
        family = {person, *merges.absorbed(connection, keys, person)}
        rows = link_rows.find(connection, keys, "person", family).values()
        pairs = link_rows.open_rows(keys, [row for own in rows for row in own])
        ehrs = [pair.ehr_id for pair in pairs if pair is not None]
        if not ehrs:
            return None
        found += ehrs
    return found


def _enter(vault: Vault, requester: Requester, action: Action, merge: Merge, reason: str) -> None:
    purpose = PurposeOfUse.PATADMIN
    asks = [Ask(action, person, purpose, reason) for person in (merge.merged, merge.survivor)]
    decisions.demand_all(vault, requester, asks)
    decisions.write_down_all(vault, requester, asks, ["allowed"] * len(asks))
