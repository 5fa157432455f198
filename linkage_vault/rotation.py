"""Rotating keys while the vault answers: every row moves to the new key, then the old key goes.

    1. a new version in the key file or key service; a version that a run before left is taken up
    2. the fence is raised: after its commit nothing is written with an older version
    3. rows move, a batch a transaction; a reader finds a row under its old key or its new one
    4. when nothing is left, and every process has had time to read the key file, and again nothing
       is left: the old versions are destroyed

A run that is killed anywhere is simply run again.  Whoever runs it owns the tables: the service's
own role can't change a seal.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from linkage_vault import fences, link_seals, merges, pool, project_keys
from linkage_vault.blind_index import blind_index
from linkage_vault.kek_file import FileKek
from linkage_vault.key_ring import KeyRing
from linkage_vault.link_rows import LINK_SIZE, LinkRow, open_rows, row_of
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

BATCH = 2000
SETTLE = 2.0  # seconds: four times as long as a process takes to see a changed key file
Told = Callable[[int, int], None]
"""Called with the rows that are done and all rows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The version that is in force now, and how many rows were moved to it."""

    version: int
    moved: int


@dataclass(frozen=True, slots=True)
class _Step:
    """Rows of one table: how many wait, and moving up to so many of them."""

    waiting: Callable[[sa.Connection], int]
    move: Callable[[sa.Connection, int], int]


def rotate_kek(
    engine: sa.Engine,
    keys: KeyRing,
    file_kek: FileKek,
    *,
    told: Told = lambda _done, _all: None,
    batch: int = BATCH,
    settle: float = SETTLE,
) -> Outcome:
    """Rotates the key-encryption key: wrapped data keys are wrapped anew, seals stay as they are.

    Links of version 0.1.0, whose data key lies in the seal, and links without a secret in the shred
    store, are sealed anew.  With a key service the key file's own `kek` rotates too, which seals
    what is no link.  Raises Unavailable, and Tampered for a row that does not open.
    """
    in_file = file_kek.rotate()
    version = in_file if keys.provider is file_kek else keys.provider.rotate()
    fence = version if keys.provider is file_kek else 0
    steps = [
        *(_wrapped(keys, one, version) for one in _WRAPPED),
        _old_links(keys),
        _old_slots(keys),
        _envelopes(keys, own_words, own_words.c.words_id, _words_place),
        _envelopes(keys, rescreen, rescreen.c.slot_id, _rescreen_place),
        _project_keys(keys),
    ]
    time.sleep(settle)  # before rows move that only a process with the new file can open
    moved = _run(engine, "kek", fence, steps, told=told, batch=batch, settle=settle)
    keys.provider.destroy(below=version)
    if keys.provider is not file_kek:
        file_kek.destroy(below=in_file)
    return Outcome(version, moved)


def rotate_index(
    engine: sa.Engine,
    keys: KeyRing,
    add: Callable[[], int],
    drop: Callable[[int], object],
    *,
    told: Told = lambda _done, _all: None,
    batch: int = BATCH,
    settle: float = SETTLE,
) -> Outcome:
    """Rotates the blind-index keys: links are opened, and indexed anew.

    `add` makes a version in the key file, `drop` destroys all below one.  A link whose secret was
    destroyed can't be indexed, and goes: it is one that a restored backup brought back.
    """
    version = add()
    keys.refresh()
    steps = [_links_index(keys), _merges_index(keys), _slots_index(keys)]
    moved = _run(engine, "index", version, steps, told=told, batch=batch, settle=settle)
    drop(version)
    keys.refresh()
    return Outcome(version, moved)


def _run(
    engine: sa.Engine,
    purpose: str,
    fence: int,
    steps: Sequence[_Step],
    *,
    told: Told,
    batch: int,
    settle: float,
) -> int:
    with engine.begin() as connection:
        fences.raise_to(connection, purpose, fence)
    moved = 0
    with engine.connect() as connection:
        total = sum(step.waiting(connection) for step in steps)
    told(0, total)
    while left := _move_all(engine, steps, batch, partial(_tell, told, moved, total)):
        moved += left
        time.sleep(settle)
    return moved


def _tell(told: Told, before: int, total: int, done: int) -> None:
    told(before + done, total)


def _move_all(
    engine: sa.Engine, steps: Sequence[_Step], batch: int, told: Callable[[int], None]
) -> int:
    """Moves what waits; rows that another transaction holds are waited for.  How many moved."""
    moved = 0
    for step in steps:
        while True:
            with engine.begin() as connection:
                done = step.move(connection, batch)
            moved += done
            told(moved)
            if not done:
                with engine.connect() as connection:
                    if not step.waiting(connection):
                        break
                time.sleep(0.05)
    return moved


# --- the key-encryption key ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Table:
    """A table with `wrapped` and `kek_version`, its key, and where a row is sealed."""

    table: sa.Table
    key: str
    place: Callable[[Any], Place]


_WRAPPED = (
    _Table(link_key, "link_id", lambda row: Place("link", str(row.link_id), "sealed", row.version)),
    _Table(pool_slot, "slot_id", lambda row: pool.place_of(row.slot_id)),
    _Table(person_merge, "merge_id", lambda row: merges.place_of(row.merge_id)),
    _Table(link_task, "task_id", lambda row: task_place(row.task_id)),
)


def _wrapped(keys: KeyRing, one: _Table, version: int) -> _Step:
    table = one.table
    stale = table.c.kek_version < version
    query = sa.select(table).where(stale).with_for_update(skip_locked=True, of=table)
    if table is link_key:
        joined = link_key.join(link, link.c.link_id == link_key.c.link_id)
        query = sa.select(link_key, link.c.version, link.c.sealed).select_from(joined).where(stale)
        query = query.with_for_update(skip_locked=True)
    update = _update(table, one.key, kek_version=sa.Integer(), wrapped=BYTEA())

    def move(connection: sa.Connection, most: int) -> int:
        rows = connection.execute(query.limit(most)).all()
        if not rows:
            return 0
        rewrapped = link_seals.rewrap_all(keys, [(one.place(row), row) for row in rows])
        connection.execute(
            update,
            {
                "key": [getattr(row, one.key) for row in rows],
                "kek_version": [each.version for each in rewrapped],
                "wrapped": [each.octets for each in rewrapped],
            },
        )
        if table is link_key and keys.shreds is not None:
            _give_secrets(connection, keys, rows)
        return len(rows)

    return _Step(_count(table, stale), move)


def _give_secrets(connection: sa.Connection, keys: KeyRing, rows: Sequence[Any]) -> None:
    """Seals those links anew that have no secret in the shred store."""
    places = [(Place("link", str(row.link_id), "sealed", row.version), row) for row in rows]
    bare = link_seals.without_handle(keys, places)
    if bare:
        query = _joined_links().where(link.c.link_id.in_([row.link_id for row in bare]))
        _seal_links(connection, keys, [row_of(row) for row in connection.execute(query)])


def _old_links(keys: KeyRing) -> _Step:
    """Links of version 0.1.0: the data key lies in the seal, so they are sealed anew."""
    stale = ~sa.select(link_key.c.link_id).where(link_key.c.link_id == link.c.link_id).exists()
    query = sa.select(link, sa.null().label("kek_version"), sa.null().label("wrapped"))

    def move(connection: sa.Connection, most: int) -> int:
        locked = query.where(stale).limit(most).with_for_update(skip_locked=True, of=link)
        rows = [row_of(row) for row in connection.execute(locked)]
        _seal_links(connection, keys, rows)
        return len(rows)

    return _Step(_count(link, stale), move)


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


def _old_slots(keys: KeyRing) -> _Step:
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

    return _Step(_count(pool_slot, stale), move)


def _envelopes(
    keys: KeyRing, table: sa.Table, key: sa.Column[UUID], place: Callable[[Any], Place]
) -> _Step:
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

    return _Step(_count(table, stale), move)


def _project_keys(keys: KeyRing) -> _Step:
    def waiting(connection: sa.Connection) -> int:
        current = keys.links.current.version.to_bytes(4, "big")
        stale = sa.func.substring(project_key.c.sealed, 2, 4) != current
        return _count(project_key, stale)(connection)

    return _Step(waiting, lambda connection, most: project_keys.rewrap(connection, keys, most=most))


def _words_place(row: Any) -> Place:
    return Place("own_words", str(row.words_id), "sealed", row.version)


def _rescreen_place(row: Any) -> Place:
    return Place("rescreen", str(row.slot_id), "sealed", 1)


# --- blind indexes -------------------------------------------------------------------------------


def _links_index(keys: KeyRing) -> _Step:
    stale = link.c.index_version < keys.index_version
    update = _update(
        link, "link_id", person_index=BYTEA(), ehr_index=BYTEA(), index_version=sa.Integer()
    )

    def move(connection: sa.Connection, most: int) -> int:
        query = _joined_links().where(stale).limit(most)
        locked = query.with_for_update(skip_locked=True, of=link)
        rows = [row_of(row) for row in connection.execute(locked)]
        pairs = open_rows(keys, rows)
        found = [(row, pair) for row, pair in zip(rows, pairs, strict=True) if pair is not None]
        connection.execute(
            update,
            {
                "key": [row.link_id for row, _ in found],
                "person_index": [blind_index(keys, "person", pair.person_id) for _, pair in found],
                "ehr_index": [blind_index(keys, "ehr", pair.ehr_id) for _, pair in found],
                "index_version": [keys.index_version] * len(found),
            },
        )
        gone = [row.link_id for row, pair in zip(rows, pairs, strict=True) if pair is None]
        connection.execute(link_key.delete().where(link_key.c.link_id.in_(gone)))
        connection.execute(link.delete().where(link.c.link_id.in_(gone)))
        return len(rows)

    return _Step(_count(link, stale), move)


def _merges_index(keys: KeyRing) -> _Step:
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

    return _Step(_count(person_merge, stale), move)


def _slots_index(keys: KeyRing) -> _Step:
    stale = sa.func.coalesce(pool_slot.c.index_version, 0) < keys.index_version
    update = _update(pool_slot, "slot_id", slot_index=BYTEA(), index_version=sa.Integer())

    def move(connection: sa.Connection, most: int) -> int:
        query = sa.select(pool_slot).where(stale).limit(most).with_for_update(skip_locked=True)
        rows = connection.execute(query).all()
        ehr_ids = [UUID(bytes=value) for value in _open_slots(keys, rows)]
        connection.execute(
            update,
            {"key": [row.slot_id for row in rows],
             "slot_index": [blind_index(keys, "slot", one) for one in ehr_ids],
             "index_version": [keys.index_version] * len(rows)},
        )  # fmt: skip
        return len(rows)

    return _Step(_count(pool_slot, stale), move)


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
