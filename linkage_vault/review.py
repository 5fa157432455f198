"""Reading the trail: entries for auditors, heads and proofs for anybody who verifies.

An auditor learns who asked what and why; entries never show the id of a person or record.  A search
is made with an id and finds the entries about the same person from either side.  Entries carry no
index of their subject, since equal ones would tell how often each record is used, so a search opens
the trail from its newest end.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from uuid import UUID

from linkage_vault import decisions, links, merkle, pool, trail
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.keys import public_octets
from linkage_vault.trail import Entry, Leaf
from linkage_vault.vault import Vault
from moiety.kit.errors import Malformed, NotFound
from moiety.wire.vault import (
    HeadAnswer,
    PoolAnswer,
    ProofAnswer,
    TrailAnswer,
    TrailEntry,
    TrailSearch,
)


def read_trail(
    vault: Vault, requester: Requester, *, limit: int, before: int | None
) -> TrailAnswer:
    """The newest entries below position `before`; the reading is itself written down first."""
    _enter(vault, requester, Ask(Action.READ_TRAIL))
    with vault.engine.connect() as connection:
        rows = islice(trail.newest(connection, before=before), limit)
        return TrailAnswer([_show(leaf, entry) for leaf, entry in _opened(vault, rows)])


def search_trail(vault: Vault, requester: Requester, search: TrailSearch) -> TrailAnswer:
    """The newest entries about one person, asked for by either id.  Raises Malformed without it."""
    if (search.person_id is None) == (search.ehr_id is None):
        raise Malformed("A search names either a person_id or an ehr_id.")
    _enter(vault, requester, Ask(Action.READ_TRAIL, search.person_id or search.ehr_id))
    subjects = _both_sides(vault, search)
    with vault.engine.connect() as connection:
        found = (
            _show(leaf, entry)
            for leaf, entry in _opened(vault, trail.newest(connection))
            if entry.subject in subjects
        )
        return TrailAnswer(list(islice(found, search.limit)))


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
        hashes = trail.hashes(connection, size=size)
    if len(hashes) < size:
        raise NotFound
    try:
        if position is None:
            path, leaf_hash = merkle.prove_consistency(hashes, first or 0), None
        else:
            path, leaf_hash = merkle.prove_inclusion(hashes, position), hashes[position].hex()
    except ValueError:
        raise NotFound from None
    return ProofAnswer(size, leaf_hash, [node.hex() for node in path])


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


def _both_sides(vault: Vault, search: TrailSearch) -> frozenset[UUID | None]:
    with vault.engine.connect() as connection:
        if search.person_id is not None:
            pair = links.find_pair(connection, vault.keys, "person", search.person_id)
        else:
            pair = links.find_pair(connection, vault.keys, "ehr", _named(search.ehr_id))
    asked = search.person_id or search.ehr_id
    return frozenset({asked} if pair is None else {pair.person_id, pair.ehr_id})


def _named(value: UUID | None) -> UUID:
    if value is None:
        raise Malformed
    return value


def _show(leaf: Leaf, entry: Entry) -> TrailEntry:
    return TrailEntry(
        position=leaf.position,
        at=entry.at,
        action=entry.action,
        outcome=entry.outcome,
        user_id=entry.user_id,
        user_name=entry.user_name,
        key_id=entry.key_id,
        purpose_of_use=entry.purpose_of_use,
        reason=entry.reason,
    )
