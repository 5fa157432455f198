"""From an id to the pair that it belongs to: looked for, then opened; no decision is made here.

A person who was merged into another is that other one; an EHR leads to the person who lives.
Looking and opening are two steps, since a decision is written down between them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from linkage_vault import link_rows, merges
from linkage_vault.key_ring import KeyRing
from linkage_vault.link_rows import LinkRow, Pair

Side = Literal["person", "ehr"]
Asked: TypeAlias = tuple[Side, UUID]
Found: TypeAlias = Mapping[Asked, Sequence[tuple[UUID, LinkRow]]]
"""By what was asked with: rows, the first one first, with the id that each must hold."""


@dataclass(frozen=True, slots=True)
class Records:
    """The EHR that stands for a person, and others of the same person.

    `others` are by policy, or of persons who were merged into this one and wait to be looked at.
    """

    person_id: UUID
    ehr_id: UUID
    others: tuple[UUID, ...] = ()


def find_pair(connection: sa.Connection, keys: KeyRing, side: Side, value: UUID) -> Pair | None:
    """The pair of a person's or an EHR's id, for the vault's own use: no decision is made here."""
    return find_pairs(connection, keys, side, [value]).get(value)


def find_pairs(
    connection: sa.Connection, keys: KeyRing, side: Side, values: Collection[UUID]
) -> dict[UUID, Pair]:
    """The pairs of many ids, by id, with the person who lives; ids without a link are missing."""
    found = look(connection, keys, [(side, value) for value in values])
    revealed = open_found(connection, keys, found)
    return {value: Pair(one.person_id, one.ehr_id) for (_, value), one in revealed.items()}


def find_restricted(
    connection: sa.Connection, keys: KeyRing, ehr_ids: Collection[UUID]
) -> set[UUID]:
    """Which of some EHRs may have no secondary use, since their persons restricted it."""
    found = link_rows.find(connection, keys, "ehr", ehr_ids)
    return {ehr_id for ehr_id, rows in found.items() if any(row.is_restricted for row in rows)}


def look(connection: sa.Connection, keys: KeyRing, asked: Collection[Asked]) -> Found:
    """The rows of some ids, their seals closed; what has no link is missing."""
    persons = [value for side, value in asked if side == "person"]
    ehr_ids = [value for side, value in asked if side == "ehr"]
    found: dict[Asked, list[tuple[UUID, LinkRow]]] = {}
    if persons:
        found |= _look_for_persons(connection, keys, persons)
    if ehr_ids:
        rows = link_rows.find(connection, keys, "ehr", ehr_ids)
        # Two rows of one record are of a rotation under way: either opens.
        found |= {("ehr", one): [(one, of_it[0])] for one, of_it in rows.items()}
    return found


def open_found(
    connection: sa.Connection, keys: KeyRing, found: Found, *, decoys: int = 0
) -> dict[Asked, Records]:
    """What the rows hold; one whose secret was destroyed is missing.  Raises Tampered.

    `decoys` sealed pairs of nobody are opened with them, for who gets no answer.
    """
    flat = [(asked, member, row) for asked, rows in found.items() for member, row in rows]
    pairs = link_rows.open_rows(keys, [row for _, _, row in flat], decoys=decoys)
    own: dict[Asked, list[Pair]] = {}
    for (asked, member, _), pair in zip(flat, pairs, strict=True):
        if pair is not None:
            _demand_same(member, pair.person_id if asked[0] == "person" else pair.ehr_id)
            own.setdefault(asked, []).append(pair)
    of_ehrs = {pairs[0].person_id for (side, _), pairs in own.items() if side == "ehr"}
    living = merges.living(connection, keys, of_ehrs)
    return {asked: _records(asked, pairs, living) for asked, pairs in own.items()}


def families(
    connection: sa.Connection, keys: KeyRing, person_ids: Collection[UUID]
) -> tuple[dict[UUID, UUID], dict[UUID, list[UUID]]]:
    """In whom each person lives on, and of those each with everybody who lives on in it."""
    if not merges.are_any(connection):
        alone = {person: person for person in person_ids}
        return alone, {person: [person] for person in alone}
    living = merges.living(connection, keys, person_ids)
    return living, {
        person: [person, *sorted(merges.absorbed(connection, keys, person))]
        for person in set(living.values())
    }


def _look_for_persons(
    connection: sa.Connection, keys: KeyRing, person_ids: Collection[UUID]
) -> dict[Asked, list[tuple[UUID, LinkRow]]]:
    living, members = families(connection, keys, person_ids)
    everybody = {person for family in members.values() for person in family}
    rows = link_rows.find(connection, keys, "person", everybody)
    found: dict[Asked, list[tuple[UUID, LinkRow]]] = {}
    for person_id, survivor in living.items():
        open_rows = [
            (member, row)
            for member in members[survivor]
            for row in rows.get(member, ())
            if not row.is_closed
        ]
        if open_rows:
            found["person", person_id] = open_rows
    return found


def _records(asked: Asked, pairs: Sequence[Pair], living: Mapping[UUID, UUID]) -> Records:
    side, value = asked
    if side == "ehr":
        return Records(living[pairs[0].person_id], value)
    return Records(value, pairs[0].ehr_id, tuple(pair.ehr_id for pair in pairs[1:]))


def _demand_same(asked: UUID, held: UUID) -> None:
    if asked != held:
        raise RuntimeError("a link was found under an index that is not its own")
