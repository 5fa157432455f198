"""From an id to the pair that it belongs to: looked for, then opened; no decision is made here.

A person who was merged into another is that other one; an EHR leads to the person who lives.
Looking and opening are two steps, since a decision is written down between them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from linkage_vault import link_rows, merges
from linkage_vault.key_ring import KeyRing
from linkage_vault.link_rows import LinkRow, Pair
from moiety.kit.engines import Source, rows_of
from moiety.kit.pipelines import Rows
from moiety.kit.singles import Asked as Plain

Side: TypeAlias = link_rows.Kind
Asked: TypeAlias = tuple[Side, UUID]
Found: TypeAlias = Mapping[Asked, Sequence[tuple[UUID, LinkRow]]]
"""By what was asked with: rows, the first one first, with the id that each must hold."""


class Records(NamedTuple):
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
    source: Source, keys: KeyRing, side: Side, values: Collection[UUID]
) -> dict[UUID, Pair]:
    """The pairs of many ids, by id, with the person who lives; ids without a link are missing."""
    found = look(source, keys, [(side, value) for value in values])
    revealed = open_found(source, keys, found)
    return {value: Pair(one.person_id, one.ehr_id) for (_, value), one in revealed.items()}


def find_restricted(
    connection: sa.Connection, keys: KeyRing, ehr_ids: Collection[UUID]
) -> set[UUID]:
    """Which of some EHRs may have no secondary use, since their persons restricted it."""
    found = link_rows.find(connection, keys, "ehr", ehr_ids)
    return {ehr_id for ehr_id, rows in found.items() if any(row.is_restricted for row in rows)}


class Looking:
    """A search for the rows of some ids: what is asked, and what the answers mean."""

    def __init__(self, keys: KeyRing, asked: Collection[Asked]) -> None:
        self._keys = keys
        persons = [value for side, value in asked if side == "person"]
        ehr_ids = [value for side, value in asked if side == "ehr"]
        self._persons = link_rows.Finding(keys, "person", persons) if persons else None
        self._ehrs = link_rows.Finding(keys, "ehr", ehr_ids) if ehr_ids else None

    @property
    def asked(self) -> list[Plain]:
        """The statements."""
        persons = [(merges.ANY, {}), self._persons.asked] if self._persons else []
        return [*persons, *([self._ehrs.asked] if self._ehrs else [])]

    def found(self, answers: Sequence[Rows], source: Source) -> Found:
        """The rows, their seals closed; what has no link is missing.

        `source` is asked where somebody was merged, or the key file was changed meanwhile.
        """
        left = iter(answers)
        found: dict[Asked, list[tuple[UUID, LinkRow]]] = {}
        if self._persons:
            ((is_any_merged,),) = next(left)
            rows = self._persons.found(next(left), source)
            found |= _of_persons(source, self._keys, self._persons.values, rows, is_any_merged)
        if self._ehrs:
            by_ehr = self._ehrs.found(next(left), source)
            # Two rows of one record are of a rotation under way: either opens.
            found |= {("ehr", one): [(one, rows[0])] for one, rows in by_ehr.items()}
        return found


def look(source: Source, keys: KeyRing, asked: Collection[Asked]) -> Found:
    """The rows of some ids, their seals closed; what has no link is missing."""
    looking = Looking(keys, asked)
    return looking.found([rows_of(source, *one) for one in looking.asked], source)


def open_found(
    source: Source, keys: KeyRing, found: Found, *, decoys: int = 0
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
    living = merges.living(source, keys, of_ehrs)
    return {asked: _records(asked, pairs, living) for asked, pairs in own.items()}


def families(
    source: Source, keys: KeyRing, person_ids: Collection[UUID]
) -> tuple[dict[UUID, UUID], dict[UUID, list[UUID]]]:
    """In whom each person lives on, and of those each with everybody who lives on in it."""
    living = merges.living(source, keys, person_ids)
    return living, {
        person: [person, *sorted(merges.absorbed(source, keys, person))]
        for person in set(living.values())
    }


def _of_persons(
    source: Source,
    keys: KeyRing,
    person_ids: Collection[UUID],
    rows: Mapping[UUID, Sequence[LinkRow]],
    is_any_merged: bool,
) -> dict[Asked, list[tuple[UUID, LinkRow]]]:
    """The rows that are open, of each person and of who lives on in it.

    `rows`: those of the persons themselves.
    """
    if not is_any_merged:
        open_of = {
            person: [(person, row) for row in own if not row.is_closed]
            for person, own in rows.items()
        }
        return {("person", person): own for person, own in open_of.items() if own}
    living, members = families(source, keys, person_ids)
    everybody = {person for family in members.values() for person in family}
    if everybody - set(person_ids):
        rows = link_rows.find(source, keys, "person", everybody)
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
