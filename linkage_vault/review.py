"""Reading the trail: entries for auditors, heads and proofs for anybody who verifies.

An auditor learns who asked what and why; entries never show the id of a person or record.  A search
is made with an id and finds the entries about the same person from either side.  Entries carry no
index of their subject, since equal ones would tell how often each record is used, but lie in one of
64 heaps, and a search opens one or two of them from the newest end.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from uuid import UUID

import sqlalchemy as sa

from linkage_vault import decisions, link_pairs, pool, proofs, trail, users
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.keys import public_octets
from linkage_vault.trail import Entry, Leaf
from linkage_vault.vault import Vault
from moiety.kit.errors import Malformed, NotFound
from moiety.wire.trail import (
    HeadAnswer,
    ProofAnswer,
    TrailAnswer,
    TrailEntry,
    TrailSearch,
)
from moiety.wire.vault import PoolAnswer


def read_trail(
    vault: Vault, requester: Requester, *, limit: int, before: int | None
) -> TrailAnswer:
    """The newest entries below position `before`; the reading is itself written down first."""
    _enter(vault, requester, Ask(Action.READ_TRAIL))
    with vault.engine.connect() as connection:
        rows = islice(trail.newest(connection, before=before), limit)
        return _shown(connection, list(_opened(vault, rows)))


def search_trail(vault: Vault, requester: Requester, search: TrailSearch) -> TrailAnswer:
    """The newest entries about one person, asked for by either id.  Raises Malformed without it."""
    if (search.person_id is None) == (search.ehr_id is None):
        raise Malformed("A search names either a person_id or an ehr_id.")
    _enter(vault, requester, Ask(Action.READ_TRAIL, search.person_id or search.ehr_id))
    subjects = _both_sides(vault, search)
    with vault.engine.connect() as connection:
        found = trail.about(connection, vault.keys, subjects)
        return _shown(connection, list(islice(found, search.limit)))


def read_head(vault: Vault, requester: Requester) -> HeadAnswer:
    """The newest signed head, for a witness to keep."""
    decisions.demand(vault, requester, Ask(Action.READ_HEAD))
    with vault.engine.connect() as connection:
        head = trail.latest_head(connection, vault.keys)
    public = public_octets(vault.keys.tree_head_public)
    return HeadAnswer(head.size, head.root.hex(), head.signature.hex(), public.hex())


def prove(
    vault: Vault, requester: Requester, *, size: int, position: int | None, first: int | None
) -> ProofAnswer:
    """That entry `position`, or the tree of `first` entries, is in the tree of `size` entries.

    Raises Malformed unless exactly one of the two is asked for, and NotFound beyond the trail.
    """
    decisions.demand(vault, requester, Ask(Action.READ_HEAD))
    if (position is None) == (first is None):
        raise Malformed("A proof is asked for with either `position` or `first`.")
    with vault.engine.connect() as connection:
        try:
            if position is None:
                path = proofs.prove_consistency(connection, first or 0, size=size)
            else:
                path = proofs.prove_inclusion(connection, position, size=size)
        except ValueError:
            raise NotFound from None
        hashed = None if position is None else trail.leaf_hash(connection, position)
        if trail.latest_head(connection, vault.keys).size < size:
            raise NotFound
    return ProofAnswer(size, hashed.hex() if hashed else None, [node.hex() for node in path])


def read_pool(vault: Vault, requester: Requester, *, target: int) -> PoolAnswer:
    """How many EHRs wait for a person."""
    decisions.demand(vault, requester, Ask(Action.READ_POOL))
    with vault.engine.connect() as connection:
        return PoolAnswer(pool.count(connection), target)


def _enter(vault: Vault, requester: Requester, ask: Ask) -> None:
    decisions.demand(vault, requester, ask)
    decisions.write_down(vault, requester, ask, outcome="allowed")


def _opened(vault: Vault, rows: Iterable[Leaf]) -> Iterator[tuple[Leaf, Entry]]:
    return ((leaf, trail.open_leaf(vault.keys, leaf)) for leaf in rows)


def _both_sides(vault: Vault, search: TrailSearch) -> tuple[UUID, ...]:
    with vault.engine.connect() as connection:
        if search.person_id is not None:
            pair = link_pairs.find_pair(connection, vault.keys, "person", search.person_id)
        else:
            pair = link_pairs.find_pair(connection, vault.keys, "ehr", _named(search.ehr_id))
    if pair is None:
        return (_named(search.person_id or search.ehr_id),)
    return (pair.person_id, pair.ehr_id)


def _named(value: UUID | None) -> UUID:
    if value is None:
        raise Malformed
    return value


def _shown(connection: sa.Connection, found: Sequence[tuple[Leaf, Entry]]) -> TrailAnswer:
    """Entries with the names that users have today; those of 0.1.0 hold a name of their own."""
    names = users.names(connection, {entry.user_id for _, entry in found if entry.user_id})
    return TrailAnswer([_show(leaf, entry, names) for leaf, entry in found])


def _show(leaf: Leaf, entry: Entry, names: Mapping[UUID, str]) -> TrailEntry:
    return TrailEntry(
        position=leaf.position,
        at=entry.at,
        action=entry.action,
        outcome=entry.outcome,
        user_id=entry.user_id,
        user_name=names.get(entry.user_id, entry.user_name) if entry.user_id else None,
        key_id=entry.key_id,
        purpose_of_use=entry.purpose_of_use,
        reason=entry.reason,
        role=entry.role,
        legal_basis=entry.legal_basis,
        grant_id=entry.grant_id,
        approval_id=entry.approval_id,
        project_id=entry.project_id,
        service=entry.service,
        kind=entry.kind,
        count=entry.count,
    )
