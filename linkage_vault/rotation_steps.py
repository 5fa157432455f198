"""What a rotation moves, table by table: rows under an older key, a batch at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from linkage_vault import link_seals, merges, pool, project_keys
from linkage_vault.blind_index import blind_index, index_of
from linkage_vault.key_ring import KeyRing
from linkage_vault.link_rows import LINK_SIZE, LinkRow, open_rows, place_of, row_of
from linkage_vault.link_tasks import place_of as task_place
from linkage_vault.seal import Place, reseal
from linkage_vault.tables import (
    link,
    link_key,
    link_task,
    own_words,
    person_merge,
    pool_slot,
    project_key,
    rescreen,
)
from moiety.kit.arrays import Numbers, Octets, Uuids
from moiety.kit.engines import rows_of


@dataclass(frozen=True, slots=True)
class Step:
    """Rows of one table: how many wait, and moving up to so many of them."""

    waiting: Callable[[sa.Connection], int]
    move: Callable[[sa.Connection, int], int]


_AFTER = sa.bindparam("after", type_=sa.Uuid())


class _Walk:
    """A way through the rows of a table by their keys, a batch at a time, and then again.

    Without it each batch would look for rows that wait behind all those that were moved before: of
    a million that is a hundred times the table.  Rows that another transaction holds are met on the
    next way.
    """

    def __init__(self, key: sa.Column[UUID]) -> None:
        self._key = key
        self._after = UUID(int=0)

    def next(self, connection: sa.Connection, query: sa.Select[Any], most: int) -> Sequence[Any]:
        """The next rows of `query`, which begins after `_AFTER`; none at the end of the way."""
        ordered = query.order_by(self._key).limit(most)
        rows = connection.execute(ordered, {"after": self._after}).all()
        self._after = getattr(rows[-1], self._key.key) if rows else UUID(int=0)
        return rows


def kek_steps(keys: KeyRing, version: int) -> list[Step]:
    """Everything that is sealed or wrapped under an older key-encryption key than `version`."""
    return [
        *(_wrapped(keys, one, version) for one in _WRAPPED),
        _old_links(keys),
        _old_slots(keys),
        _envelopes(keys, own_words, own_words.c.words_id, _words_place),
        _envelopes(keys, rescreen, rescreen.c.slot_id, _rescreen_place),
        _project_keys(keys),
    ]


def index_steps(keys: KeyRing) -> list[Step]:
    """Everything that is found by an older blind index than the present one."""
    return [_links_index(keys), _merges_index(keys), _slots_index(keys)]


# --- the key-encryption key ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Table:
    """A table with `wrapped` and `kek_version`, its key, and where a row is sealed."""

    table: sa.Table
    key: str
    place: Callable[[Any], Place]


_WRAPPED = (
    _Table(link_key, "link_id", lambda row: place_of(row.link_id, row.version)),
    _Table(pool_slot, "slot_id", lambda row: pool.place_of(row.slot_id)),
    _Table(person_merge, "merge_id", lambda row: merges.place_of(row.merge_id)),
    _Table(link_task, "task_id", lambda row: task_place(row.task_id)),
)


_MOVE = """
UPDATE {table} AS t SET kek_version = new.version, wrapped = new.wrapped
FROM unnest(%(ids)b::uuid[], %(versions)b::int[], %(wrapped)b::bytea[]) AS new(id, version, wrapped)
WHERE t.{key} = new.id
"""


def _wrapped(keys: KeyRing, one: _Table, version: int) -> Step:
    table = one.table
    stale = table.c.kek_version < version
    waits = stale & (table.c[one.key] > _AFTER)
    query = sa.select(table).where(waits).with_for_update(skip_locked=True, of=table)
    if table is link_key:
        waits &= link.c.link_id > _AFTER  # said of both, so that neither is read from its start
        joined = link_key.join(link, link.c.link_id == link_key.c.link_id)
        query = sa.select(link_key, link.c.version).select_from(joined).where(waits)
        query = query.with_for_update(skip_locked=True)
    update = _MOVE.format(table=table.name, key=one.key)
    walk = _Walk(table.c[one.key])

    def move(connection: sa.Connection, most: int) -> int:
        rows = walk.next(connection, query, most)
        if not rows:
            return 0
        moved = link_seals.rewrap_all(keys, [(one.place(row), row) for row in rows])
        rows_of(
            connection,
            update,
            {
                "ids": Uuids(getattr(row, one.key) for row in rows),
                "versions": Numbers(each.wrapped.version for each in moved),
                "wrapped": Octets(each.wrapped.octets for each in moved),
            },
        )
        if table is link_key and keys.shreds is not None:
            bare = [row.link_id for row, each in zip(rows, moved, strict=True) if each.is_bare]
            _give_secrets(connection, keys, bare)
        return len(rows)

    return Step(_count(table, stale), move)


def _give_secrets(connection: sa.Connection, keys: KeyRing, link_ids: Sequence[UUID]) -> None:
    """Seals those links anew that have no secret in the shred store."""
    if link_ids:
        query = _joined_links().where(link.c.link_id.in_(link_ids))
        _seal_links(connection, keys, [row_of(row) for row in connection.execute(query)])


def _old_links(keys: KeyRing) -> Step:
    """Links of version 0.1.0: the data key lies in the seal, so they are sealed anew."""
    stale = ~sa.select(link_key.c.link_id).where(link_key.c.link_id == link.c.link_id).exists()
    query = sa.select(link, sa.null().label("kek_version"), sa.null().label("wrapped"))

    def move(connection: sa.Connection, most: int) -> int:
        locked = query.where(stale).limit(most).with_for_update(skip_locked=True, of=link)
        rows = [row_of(row) for row in connection.execute(locked)]
        _seal_links(connection, keys, rows)
        return len(rows)

    return Step(_count(link, stale), move)


def _seal_links(connection: sa.Connection, keys: KeyRing, rows: Sequence[LinkRow]) -> None:
    values = link_seals.open_all(keys, [(row.place, row) for row in rows])
    living = [(row, value) for row, value in zip(rows, values, strict=True) if value is not None]
    if not living:
        return
    places = [
        (Place("link", str(row.link_id), "sealed", row.version + 1), value) for row, value in living
    ]
    sealed = link_seals.seal_all(keys, places, size=LINK_SIZE, is_shreddable=True)
    ids = [row.link_id for row, _ in living]
    connection.execute(
        _update(link, "link_id", version=sa.Integer(), sealed=BYTEA()),
        {"key": ids, "version": [row.version + 1 for row, _ in living],
         "sealed": [one.sealed for one in sealed]},
    )  # fmt: skip
    connection.execute(link_key.delete().where(link_key.c.link_id.in_(ids)))
    connection.execute(
        link_key.insert(),
        [
            {"link_id": link_id, "kek_version": one.kek_version, "wrapped": one.wrapped}
            for link_id, one in zip(ids, sealed, strict=True)
        ],
    )


def _old_slots(keys: KeyRing) -> Step:
    stale = pool_slot.c.wrapped.is_(None)

    def move(connection: sa.Connection, most: int) -> int:
        query = sa.select(pool_slot).where(stale).limit(most).with_for_update(skip_locked=True)
        rows = connection.execute(query).all()
        ehr_ids = [UUID(bytes=value) for value in _open_slots(keys, rows)]
        connection.execute(
            pool_slot.delete().where(pool_slot.c.slot_id.in_([row.slot_id for row in rows]))
        )
        pool.put(connection, keys, ehr_ids)
        return len(rows)

    return Step(_count(pool_slot, stale), move)


def _envelopes(
    keys: KeyRing, table: sa.Table, key: sa.Column[UUID], place: Callable[[Any], Place]
) -> Step:
    """Values whose wrapped data key lies in the seal, under the key file's own key."""
    current = keys.links.current.version.to_bytes(4, "big")
    stale = sa.func.substring(table.c.sealed, 2, 4) != current

    def move(connection: sa.Connection, most: int) -> int:
        query = sa.select(table).where(stale).limit(most).with_for_update(skip_locked=True)
        rows = connection.execute(query).all()
        kek, keks = keys.links.current, keys.links.by_version
        for row in rows:
            sealed = reseal(keks, kek, bytes(row.sealed), place(row))
            this = table.update().where(key == getattr(row, key.key))
            connection.execute(this.values(sealed=sealed))
        return len(rows)

    return Step(_count(table, stale), move)


def _project_keys(keys: KeyRing) -> Step:
    def waiting(connection: sa.Connection) -> int:
        current = keys.links.current.version.to_bytes(4, "big")
        stale = sa.func.substring(project_key.c.sealed, 2, 4) != current
        return _count(project_key, stale)(connection)

    return Step(waiting, lambda connection, most: project_keys.rewrap(connection, keys, most=most))


def _words_place(row: Any) -> Place:
    return Place("own_words", str(row.words_id), "sealed", row.version)


def _rescreen_place(row: Any) -> Place:
    return Place("rescreen", str(row.slot_id), "sealed", 1)


# --- blind indexes -------------------------------------------------------------------------------


_INDEX = """
UPDATE link SET person_index = new.person, ehr_index = new.ehr, index_version = %(version)s
FROM unnest(%(ids)b::uuid[], %(persons)b::bytea[], %(ehrs)b::bytea[]) AS new(id, person, ehr)
WHERE link_id = new.id
"""


def _links_index(keys: KeyRing) -> Step:
    stale = link.c.index_version < keys.index_version
    joined = link.outerjoin(
        link_key, (link_key.c.link_id == link.c.link_id) & (link_key.c.link_id > _AFTER)
    )
    waits = sa.select(link, link_key.c.kek_version, link_key.c.wrapped).select_from(joined)
    waits = waits.where(stale, link.c.link_id > _AFTER)
    locked = waits.with_for_update(skip_locked=True, of=link)
    walk = _Walk(link.c.link_id)

    def move(connection: sa.Connection, most: int) -> int:
        rows = [row_of(row) for row in walk.next(connection, locked, most)]
        persons, ehrs = index_of(keys, "person"), index_of(keys, "ehr")
        pairs = open_rows(keys, rows)
        found = [(row, pair) for row, pair in zip(rows, pairs, strict=True) if pair is not None]
        rows_of(
            connection,
            _INDEX,
            {
                "ids": Uuids(row.link_id for row, _ in found),
                "persons": Octets(persons(pair.person_id.bytes) for _, pair in found),
                "ehrs": Octets(ehrs(pair.ehr_id.bytes) for _, pair in found),
                "version": keys.index_version,
            },
        )
        gone = [row.link_id for row, pair in zip(rows, pairs, strict=True) if pair is None]
        if gone:
            connection.execute(link_key.delete().where(link_key.c.link_id.in_(gone)))
            connection.execute(link.delete().where(link.c.link_id.in_(gone)))
        return len(rows)

    return Step(_count(link, stale), move)


def _merges_index(keys: KeyRing) -> Step:
    stale = person_merge.c.index_version < keys.index_version

    def move(connection: sa.Connection, most: int) -> int:
        query = sa.select(person_merge).where(stale).limit(most).with_for_update()
        rows = connection.execute(query).all()
        for row, merge in zip(rows, merges.open_rows(keys, rows), strict=True):
            this = person_merge.update().where(person_merge.c.merge_id == row.merge_id)
            connection.execute(
                this.values(
                    index_version=keys.index_version,
                    merged_index=blind_index(keys, "person", merge.merged),
                    survivor_index=blind_index(keys, "person", merge.survivor),
                )
            )
        return len(rows)

    return Step(_count(person_merge, stale), move)


def _slots_index(keys: KeyRing) -> Step:
    stale = sa.func.coalesce(pool_slot.c.index_version, 0) < keys.index_version
    update = _update(pool_slot, "slot_id", slot_index=BYTEA(), index_version=sa.Integer())
    query = sa.select(pool_slot).where(stale, pool_slot.c.slot_id > _AFTER)
    query = query.with_for_update(skip_locked=True)
    walk = _Walk(pool_slot.c.slot_id)

    def move(connection: sa.Connection, most: int) -> int:
        rows = walk.next(connection, query, most)
        ehr_ids = [UUID(bytes=value) for value in _open_slots(keys, rows)]
        connection.execute(
            update,
            {"key": [row.slot_id for row in rows],
             "slot_index": [blind_index(keys, "slot", one) for one in ehr_ids],
             "index_version": [keys.index_version] * len(rows)},
        )  # fmt: skip
        return len(rows)

    return Step(_count(pool_slot, stale), move)


# --- statements ----------------------------------------------------------------------------------


def _open_slots(keys: KeyRing, rows: Sequence[Any]) -> list[bytes]:
    values = link_seals.open_all(keys, [(pool.place_of(row.slot_id), row) for row in rows])
    return [value for value in values if value is not None]


def _joined_links() -> sa.Select[Any]:
    joined = link.outerjoin(link_key, link_key.c.link_id == link.c.link_id)
    return sa.select(link, link_key.c.kek_version, link_key.c.wrapped).select_from(joined)


def _count(table: sa.Table, which: sa.ColumnElement[bool]) -> Callable[[sa.Connection], int]:
    query = sa.select(sa.func.count()).select_from(table).where(which)
    return lambda connection: connection.scalar(query) or 0


def _update(table: sa.Table, key: str, **columns: Any) -> sa.Update:
    """One statement for many rows: arrays of keys and values, unnested by the database."""
    named = [
        sa.func.unnest(sa.bindparam(name, type_=ARRAY(kind))).label(f"new_{name}")
        for name, kind in {"key": sa.Uuid(), **columns}.items()
    ]
    new = sa.select(*named).subquery("new")
    values = {name: new.c[f"new_{name}"] for name in columns}
    return table.update().where(table.c[key] == new.c.new_key).values(values)
