"""Rows of links: found by blind index under every live version, opened, added and removed.

No decision is made here.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa

from linkage_vault import link_seals
from linkage_vault.blind_index import index_of, values_by_index
from linkage_vault.key_ring import KeyRing
from linkage_vault.seal import Place, Tampered
from linkage_vault.tables import link, link_key
from linkage_vault.trail import current_month
from moiety.kit.arrays import Numbers, Octets, Uuids
from moiety.kit.engines import Source, rows_of
from moiety.kit.pipelines import Rows
from moiety.kit.singles import Asked

LINK_SIZE = 256  # octets inside the seal
Kind = Literal["person", "ehr"]
"""Which of a link's two ids it is looked for by."""


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a link holds inside its seal."""

    person_id: UUID
    ehr_id: UUID


class LinkRow(NamedTuple):
    """A link that was found, its seal still closed."""

    link_id: UUID
    version: int
    sealed: bytes
    kek_version: int | None
    wrapped: bytes | None
    is_further: bool
    is_closed: bool
    is_restricted: bool

    @property
    def place(self) -> Place:
        """Where it is sealed."""
        return place_of(self.link_id, self.version)


# Each index is looked up by itself: what the planner thinks of the tables' sizes does not matter.
_FIND = """
SELECT asked, l.link_id, version, sealed, kek_version, wrapped,
  is_further, is_closed, is_restricted
FROM unnest(%(indexes)b::bytea[]) AS asked,
  LATERAL (SELECT * FROM link WHERE {column} = asked OFFSET 0) AS l
  LEFT JOIN LATERAL (
    SELECT kek_version, wrapped FROM link_key WHERE link_key.link_id = l.link_id OFFSET 0
  ) AS k ON true
"""
_COLUMNS = {"person": "person_index", "ehr": "ehr_index"}
_STATEMENTS = {kind: _FIND.format(column=column) for kind, column in _COLUMNS.items()}


class Finding:
    """A search for rows of persons' or EHRs' ids: what is asked, and what the answer means."""

    def __init__(self, keys: KeyRing, kind: Kind, values: Collection[UUID]) -> None:
        self._keys, self._kind, self.values = keys, kind, values
        self._by_index = values_by_index(keys, kind, values)

    @property
    def asked(self) -> Asked:
        """The statement."""
        return _STATEMENTS[self._kind], {"indexes": Octets(self._by_index)}

    def found(self, answered: Rows, source: Source) -> dict[UUID, list[LinkRow]]:
        """The rows by id; an id without a link has none.

        What is not found is looked for once more, in `source`, when the key file was changed
        meanwhile: a rotation may have moved the row to an index that was not known here.
        """
        found = self._sorted(answered)
        missing = [value for value in self.values if value not in found]
        if missing and self._keys.refresh():
            again = Finding(self._keys, self._kind, missing)
            found |= again._sorted(rows_of(source, *again.asked))
        return found

    def _sorted(self, answered: Rows) -> dict[UUID, list[LinkRow]]:
        found: dict[UUID, list[LinkRow]] = {}
        for index, *row in answered:
            found.setdefault(self._by_index[index], []).append(LinkRow(*row))
        for rows in found.values():
            if len(rows) > 1:
                rows.sort(key=lambda row: (row.is_further, row.link_id))
        return found


def find(
    source: Source, keys: KeyRing, kind: Kind, values: Collection[UUID]
) -> dict[UUID, list[LinkRow]]:
    """The rows of persons' or EHRs' ids, as `Finding.found`."""
    finding = Finding(keys, kind, values)
    return finding.found(rows_of(source, *finding.asked), source)


def ehrs_of(connection: sa.Connection, keys: KeyRing, person_ids: Collection[UUID]) -> list[UUID]:
    """The EHRs of some persons, those of closed links too."""
    rows = [row for own in find(connection, keys, "person", person_ids).values() for row in own]
    return [pair.ehr_id for pair in open_rows(keys, rows) if pair is not None]


def open_rows(keys: KeyRing, rows: Sequence[LinkRow], *, decoys: int = 0) -> list[Pair | None]:
    """The pairs of rows; None for one whose secret was destroyed.  Raises Tampered.

    `decoys`: how many sealed pairs of nobody are opened too, the same work for who gets no answer.
    """
    try:
        values = _open(keys, rows, decoys)
    except Tampered:
        if not decoys:
            raise
        keys.decoy = None  # it may be of a key that a rotation has destroyed
        values = _open(keys, rows, decoys)
    return [None if one is None else _PAIRS.decode(one) for one in values][: len(rows)]


def add(source: Source, keys: KeyRing, pairs: Sequence[Pair], *, is_further: bool = False) -> None:
    """Adds links, a row and a wrapped key for each, in one statement."""
    rows_of(source, *adding(keys, pairs, is_further=is_further))


def adding(keys: KeyRing, pairs: Sequence[Pair], *, is_further: bool = False) -> Asked:
    """The statement of `add`; the links' secrets are in the shred store when this returns."""
    link_ids = [uuid4() for _ in pairs]
    values = [
        (place_of(link_id, 1), msgspec.json.encode(pair))
        for link_id, pair in zip(link_ids, pairs, strict=True)
    ]
    sealed = link_seals.seal_all(keys, values, size=LINK_SIZE, is_shreddable=True)
    persons, ehrs = index_of(keys, "person"), index_of(keys, "ehr")
    given = {
        "link_id": Uuids(link_ids),
        "person_index": Octets(persons(one.person_id.bytes) for one in pairs),
        "ehr_index": Octets(ehrs(one.ehr_id.bytes) for one in pairs),
        "sealed": Octets(one.sealed for one in sealed),
        "index_version": keys.index_version,
        "month": current_month(),
        "is_further": is_further,
        "kek_version": Numbers(one.kek_version for one in sealed),
        "wrapped": Octets(one.wrapped for one in sealed),
    }
    return _ADD, given


def remove(connection: sa.Connection, link_ids: Collection[UUID]) -> int:
    """Removes links with their wrapped keys; how many there were."""
    ids = list(link_ids)
    connection.execute(link_key.delete().where(link_key.c.link_id.in_(ids)))
    return connection.execute(link.delete().where(link.c.link_id.in_(ids))).rowcount


def flag(connection: sa.Connection, link_ids: Iterable[UUID], **flags: bool) -> None:
    """Sets `is_closed`, `is_restricted` or `is_further` of links."""
    connection.execute(link.update().where(link.c.link_id.in_(list(link_ids))).values(flags))


def _open(keys: KeyRing, rows: Sequence[LinkRow], decoys: int) -> list[bytes | None]:
    nobody = [_decoy_of(keys)] * decoys if decoys else []
    return link_seals.open_all(keys, [(row.place, row) for row in (*rows, *nobody)])


def _decoy_of(keys: KeyRing) -> LinkRow:
    decoy: LinkRow | None = keys.decoy
    if decoy is None:
        link_id = uuid4()
        value = msgspec.json.encode(Pair(link_id, link_id))
        place = place_of(link_id, 1)
        one = link_seals.seal_all(keys, [(place, value)], size=LINK_SIZE, is_shreddable=True)[0]
        decoy = keys.decoy = LinkRow(
            link_id, 1, one.sealed, one.kek_version, one.wrapped,
            is_further=False, is_closed=False, is_restricted=False,
        )  # fmt: skip
    return decoy


def row_of(row: Any) -> LinkRow:
    """A link from a row of the joined tables."""
    return LinkRow(
        row.link_id, row.version, row.sealed, row.kek_version, row.wrapped,
        row.is_further, row.is_closed, row.is_restricted,
    )  # fmt: skip


def place_of(link_id: UUID, version: int) -> Place:
    """Where a link is sealed."""
    # As `str(link_id)`, written in a tenth of the time.
    return Place("link", _IDS.encode(link_id)[1:-1].decode(), "sealed", version)


_IDS = msgspec.json.Encoder()
_PAIRS = msgspec.json.Decoder(Pair)


_ADD = """
WITH keyed AS (
  INSERT INTO link_key (link_id, kek_version, wrapped)
  SELECT * FROM unnest(%(link_id)b::uuid[], %(kek_version)b::int[], %(wrapped)b::bytea[])
)
INSERT INTO link (link_id, version, index_version, person_index, ehr_index, month, sealed,
  is_further)
SELECT id, 1, %(index_version)s, person, ehr, %(month)s, octets, %(is_further)s
FROM unnest(%(link_id)b::uuid[], %(person_index)b::bytea[], %(ehr_index)b::bytea[],
  %(sealed)b::bytea[]) AS new (id, person, ehr, octets)
"""
