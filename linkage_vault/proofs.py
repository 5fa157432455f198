"""Proofs from the stored tree: audit paths and consistency paths, of a few rows however long it is.

The roots of complete subtrees of eight leaves and more are stored; smaller ones are hashed again.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from linkage_vault import merkle
from linkage_vault.trail_tables import trail_leaf, trail_node

LOWEST = 3
"""The level from which roots of subtrees are stored: below, eight leaves are soon hashed."""


def prove_inclusion(connection: sa.Connection, position: int, *, size: int) -> list[bytes]:
    """The audit path of an entry in the tree of `size`: RFC 9162 §2.1.3.1.  Raises ValueError."""
    return roots(connection, merkle.inclusion_ranges(position, size))


def prove_consistency(connection: sa.Connection, first: int, *, size: int) -> list[bytes]:
    """That the tree of `first` entries begins that of `size`: RFC 9162 §2.1.4.1.

    Raises ValueError for an empty or longer tree.
    """
    return roots(connection, merkle.consistency_ranges(first, size))


def roots(connection: sa.Connection, ranges: Sequence[merkle.Range]) -> list[bytes]:
    """The roots of ranges of leaves, from their stored subtrees, in one query."""
    parts = [merkle.subtrees(one) for one in ranges]
    wanted = [subtree for part in parts for subtree in part]
    stored = _stored(connection, wanted)
    if len(stored) < len(set(wanted)):
        raise ValueError("the trail has not that many entries")
    return [merkle.root_of_peaks(tuple(stored[one] for one in part)) for part in parts]


def _stored(
    connection: sa.Connection, wanted: Sequence[merkle.Subtree]
) -> dict[merkle.Subtree, bytes]:
    low = [subtree for subtree in wanted if subtree[0] < LOWEST]
    found = _low_roots(connection, low)
    key = sa.tuple_(trail_node.c.level, trail_node.c.place)
    inner = [subtree for subtree in wanted if subtree[0] >= LOWEST]
    for row in connection.execute(sa.select(trail_node).where(key.in_(inner))):
        found[row.level, row.place] = row.hash
    for subtree in set(inner) - set(found):
        found[subtree] = _root_of(connection, *subtree)
    return found


def _low_roots(
    connection: sa.Connection, low: Sequence[merkle.Subtree]
) -> dict[merkle.Subtree, bytes]:
    """The roots of subtrees of a few leaves each; one that the trail does not reach is missing."""
    leaves_of = {
        (level, place): range(place << level, (place + 1) << level) for level, place in low
    }
    positions = {position for of_it in leaves_of.values() for position in of_it}
    query = sa.select(trail_leaf.c.position, trail_leaf.c.leaf_hash)
    answered = connection.execute(query.where(trail_leaf.c.position.in_(positions)))
    hashes = {row.position: row.leaf_hash for row in answered}
    return {
        subtree: merkle.root_of_leaves([hashes[position] for position in of_it])
        for subtree, of_it in leaves_of.items()
        if all(position in hashes for position in of_it)
    }


def _root_of(connection: sa.Connection, level: int, place: int) -> bytes:
    """The root of a subtree that version 0.1.0 completed, which stored none.

    Raises ValueError where the trail does not reach.
    """
    column = trail_leaf.c.position
    first, size = place << level, 1 << level
    query = sa.select(trail_leaf.c.leaf_hash).where(column.between(first, first + size - 1))
    hashes = connection.scalars(query.order_by(column)).all()
    if len(hashes) < size:
        raise ValueError("the trail has not that many entries")
    return merkle.root_of_leaves(hashes)
