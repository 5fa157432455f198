"""Which person a merged person lives on in: the vault's own copy of the demographic merges.

Both EHRs are kept, each with its own link: a merge is a row that can be taken away again, and
nothing else changes.  So taking it away gives back exactly what was before.
"""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa

from linkage_vault import link_seals
from linkage_vault.blind_index import blind_index, blind_indexes
from linkage_vault.key_ring import KeyRing
from linkage_vault.seal import Place, Tampered
from linkage_vault.tables import person_merge
from moiety.kit.arrays import Octets
from moiety.kit.engines import Source, rows_of

_SIZE = 256  # octets inside the seal


class _Row(NamedTuple):
    merge_id: UUID
    sealed: bytes
    wrapped: bytes
    kek_version: int


class Merge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who was merged into whom."""

    merged: UUID
    survivor: UUID


ANY = "SELECT EXISTS (SELECT FROM person_merge)"
"""Whether anybody was ever merged."""
_FIND = "SELECT {columns} FROM person_merge WHERE {found_by} = ANY(%(indexes)b::bytea[])"


def are_any(source: Source) -> bool:
    """Whether anybody was ever merged: where nobody was, nobody need be looked for."""
    ((found,),) = rows_of(source, ANY, {})
    return bool(found)


def living(source: Source, keys: KeyRing, person_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The person in whom each one lives on: itself, if it was not merged."""
    found = {person: person for person in person_ids}
    if not found or not are_any(source):
        return found
    open_ends = set(found)
    while open_ends:
        merges = _find(source, keys, "merged_index", open_ends)
        into = {merge.merged: merge.survivor for merge in merges}
        found = {person: into.get(end, end) for person, end in found.items()}
        open_ends = set(into.values())
    return found


def absorbed(source: Source, keys: KeyRing, person_id: UUID) -> set[UUID]:
    """Everybody who lives on in a person, directly or through others."""
    everybody: set[UUID] = set()
    ends = {person_id}
    while ends:
        merges = _find(source, keys, "survivor_index", ends)
        ends = {merge.merged for merge in merges} - everybody
        everybody |= ends
    return everybody


def family(connection: sa.Connection, keys: KeyRing, person_id: UUID) -> set[UUID]:
    """A person and everybody who lives on in it."""
    return {person_id, *absorbed(connection, keys, person_id)}


def find(connection: sa.Connection, keys: KeyRing, merged: UUID) -> Merge | None:
    """The merge of one person into another, if it was merged."""
    found = _find(connection, keys, "merged_index", {merged})
    return found[0] if found else None


def add(connection: sa.Connection, keys: KeyRing, merge: Merge) -> None:
    """Adds a merge; the caller has made sure that both live and that no other merge goes on."""
    merge_id = uuid4()
    place = place_of(merge_id)
    sealed = link_seals.seal_all(keys, [(place, msgspec.json.encode(merge))], size=_SIZE)[0]
    connection.execute(
        person_merge.insert().values(
            merge_id=merge_id,
            index_version=keys.index_version,
            merged_index=blind_index(keys, "person", merge.merged),
            survivor_index=blind_index(keys, "person", merge.survivor),
            kek_version=sealed.kek_version,
            wrapped=sealed.wrapped,
            sealed=sealed.sealed,
        )
    )


def remove(connection: sa.Connection, keys: KeyRing, merge: Merge) -> None:
    """Takes a merge away."""
    indexes = blind_indexes(keys, "person", merge.merged)
    connection.execute(person_merge.delete().where(person_merge.c.merged_index.in_(indexes)))


def open_rows(keys: KeyRing, rows: Collection[Any]) -> list[Merge]:
    """The merges of rows.  Raises Tampered."""
    values = link_seals.open_all(keys, [(place_of(row.merge_id), row) for row in rows])
    if None in values:
        raise Tampered("a merge has lost its key")
    return [msgspec.json.decode(value, type=Merge) for value in values if value is not None]


def _find(source: Source, keys: KeyRing, found_by: str, persons: Collection[UUID]) -> list[Merge]:
    indexes = Octets(index for one in persons for index in blind_indexes(keys, "person", one))
    statement = _FIND.format(columns=", ".join(_Row._fields), found_by=found_by)
    return open_rows(keys, [_Row(*row) for row in rows_of(source, statement, {"indexes": indexes})])


def place_of(merge_id: UUID) -> Place:
    """Where a merge is sealed."""
    return Place("person_merge", str(merge_id), "sealed", 1)
