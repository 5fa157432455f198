"""One SQL statement for each change of one version.

A statement that finds nothing to change changes nothing: "no such EHR", "exists already" and
"stale version" are zero rows, never errors, so that commits can share a transaction.  The text
depends only on the names of tables and columns, never on a value; it is built once and prepared.

Every statement answers one row: (owners, changeable, written) — how many owners there are, how
many may be changed, how many versions (or contributions) were written (0 or 1).

A version committed alone brings its contribution and its line of the commit log in the same
statement.  A contribution of several is `contribute`, then one statement a version, told that it is
not alone, all inside one transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from moiety.change_control.codes import Lifecycle
from moiety.change_control.tables import Versioned

SQL_TYPES: Mapping[str, str] = {
    "real": "float8",
    "integer": "int8",
    "text": "text",
    "boolean": "bool",
    "instant": "float8",
    "small": "int4",
}
"""SQL types of the kinds of a leaf column, and of the small numbers that place a row."""


@dataclass(frozen=True, slots=True)
class Children:
    """Rows that a version brings into another table: a leaf group, or the screen's findings.

    `table` is qualified; `version_key` names its column for the head's `row_key`;
    `columns` are (name, kind), filled from one JSON array of objects with the columns as keys.
    """

    table: str
    version_key: str
    columns: tuple[tuple[str, str], ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hash once: the statements of every commit are looked up by these."""
        object.__setattr__(self, "_hash", hash((self.table, self.version_key, self.columns)))

    def __hash__(self) -> int:
        """By the names of table and columns."""
        return self._hash


@dataclass(frozen=True, slots=True)
class Owner:
    """What owns versions: its table (`ehr`), its key, and the condition under which it may change.

    `pooled` names a boolean column that the first write sets to false.  `follows` are columns that
    every version of this kind sets anew, from the parameters of their names.
    """

    table: str
    key: str
    condition: str
    pooled: str
    follows: tuple[tuple[str, str], ...] = ()


@lru_cache(maxsize=4096)
def create(
    kind: Versioned,
    owner: Owner,
    rows: tuple[Children, ...],
    *,
    client_id: bool,
    alone: bool = True,
) -> str:
    """The first version of a new object.

    With `client_id` the object id came from outside, so the history is asked too.
    """
    unused = (
        f" AND NOT EXISTS (SELECT FROM {kind.history.name} WHERE object_id = %(object_id)s)"
        if client_id
        else ""
    )
    return _statement(
        [*_owners(owner), _insert(kind, unused), *_after(kind, owner, rows, alone=alone)]
    )


@lru_cache(maxsize=4096)
def restore(
    kind: Versioned, owner: Owner, rows: tuple[Children, ...], *, alone: bool = True
) -> str:
    """The version after a deletion, which must be the latest: the object has a head again."""
    of = f"{owner.key} = %({owner.key})s AND object_id = %(object_id)s"
    last = (
        f" AND (SELECT lifecycle_state = {int(Lifecycle.DELETED)} AND version = %(expected)s"
        f" FROM {kind.history.name} WHERE {of} ORDER BY version DESC LIMIT 1)"
    )
    return _statement(
        [*_owners(owner), _insert(kind, last), *_after(kind, owner, rows, alone=alone)]
    )


@lru_cache(maxsize=4096)
def update(
    kind: Versioned,
    owner: Owner,
    rows: tuple[Children, ...],
    gone: tuple[str, ...],
    *,
    alone: bool = True,
) -> str:
    """The next version: the old one goes to the history, its rows in `gone` leaf tables go."""
    key = owner.key
    changed = [c for c in kind.head.columns if c.name not in {key, "object_id"}]
    assignments = ", ".join(f"{c.name} = {_values([c])}" for c in changed)
    parts = [
        *_owners(owner),
        *_keep_old(kind, owner, gone),
        (
            f"written AS (UPDATE {kind.head.name} h SET {assignments} FROM old"
            f" WHERE h.{key} = old.{key} AND h.object_id = old.object_id"
            f" RETURNING {_told(kind, 'h.')})"
        ),
        *_after(kind, owner, rows, alone=alone),
    ]
    return _statement(parts)


@lru_cache(maxsize=4096)
def delete(kind: Versioned, owner: Owner, gone: tuple[str, ...], *, alone: bool = True) -> str:
    """A logical deletion: a version without content in the history, and no head."""
    names = _names(kind.head)
    key = owner.key
    parts = [
        *_owners(owner),
        *_keep_old(kind, owner, gone),
        (
            f"ended AS (DELETE FROM {kind.head.name} h USING old"
            f" WHERE h.{key} = old.{key} AND h.object_id = old.object_id)"
        ),
        (
            f"written AS (INSERT INTO {kind.history.name} ({', '.join(names)})"
            f" SELECT {_values(kind.head.columns)} FROM old RETURNING {_told(kind)})"
        ),
        *_after(kind, owner, (), alone=alone),
    ]
    return _statement(parts)


@lru_cache(maxsize=64)
def begin(kind: Versioned, owner: sa.Table, rows: tuple[Children, ...]) -> str:
    """A new owner and the first version of what it begins with (an EHR, and its status).

    Written is 0 where the owner's id, or anything else that must be its alone, is taken.
    """
    key = next(iter(owner.primary_key.columns)).name
    marks = Owner(table=owner.name, key=key, condition="true", pooled="")
    parts = [
        (
            f"owners AS (INSERT INTO {owner.name} ({', '.join(_names(owner))})"
            f" SELECT {_values(owner.columns)} ON CONFLICT DO NOTHING RETURNING {key})"
        ),
        f"target AS (SELECT {key} FROM owners)",
        _insert(kind, ""),
        _contributed(kind),
        _logged(kind, marks, owner.name),
        *(_rows(number, group, key) for number, group in enumerate(rows)),
    ]
    return _statement(parts)


@lru_cache(maxsize=64)
def contribute(kind: Versioned, owner: Owner) -> str:
    """The contribution itself, ahead of its versions; `kind` names its tables."""
    parts = [
        *_owners(owner),
        (
            f"written AS (INSERT INTO {kind.contribution.name}"
            f" ({', '.join(_names(kind.contribution))})"
            f" SELECT {_values(kind.contribution.columns)} FROM target"
            f" ON CONFLICT DO NOTHING RETURNING {', '.join(_names(kind.contribution))})"
        ),
        _logged(kind, owner, "contribution"),
        _shown(owner),
    ]
    return _statement(parts)


BY_DEFAULT: dict[Any, Any] = {"by default": True}
"""The `info` of a column that the database fills itself: no statement here names it."""


def _named(columns: Iterable[sa.Column[Any]]) -> list[sa.Column[Any]]:
    return [column for column in columns if column.info != BY_DEFAULT]


def _names(table: sa.Table) -> list[str]:
    return [column.name for column in _named(table.columns)]


def _values(columns: Iterable[sa.Column[Any]]) -> str:
    """A cast for each: a bare null parameter would be taken for text."""
    return ", ".join(f"%({c.name})s::{_cast(c)}" for c in _named(columns))


def _cast(column: sa.Column[Any]) -> str:
    long = column.type.compile(_DIALECT)
    return _SHORT.get(long, long)


_DIALECT: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
_SHORT = {
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "SMALLINT": "int2",
    "INTEGER": "int4",
    "BIGINT": "int8",
}


def _told(kind: Versioned, prefix: str = "") -> str:
    """What the other parts of the statement want to know of the version written."""
    return ", ".join(f"{prefix}{name}" for name in (*_names(kind.contribution), "row_key"))


def _owners(owner: Owner) -> list[str]:
    return [
        (
            f"owners AS (SELECT {owner.key}, {owner.condition} AS changeable FROM {owner.table}"
            f" WHERE {owner.key} = %({owner.key})s)"
        ),
        f"target AS (SELECT {owner.key} FROM owners WHERE changeable)",
    ]


def _insert(kind: Versioned, condition: str) -> str:
    return (
        f"written AS (INSERT INTO {kind.head.name} ({', '.join(_names(kind.head))})"
        f" SELECT {_values(kind.head.columns)} FROM target WHERE true{condition}"
        f" ON CONFLICT DO NOTHING RETURNING {_told(kind)})"
    )


def _keep_old(kind: Versioned, owner: Owner, gone: Sequence[str]) -> list[str]:
    names = ", ".join(_names(kind.head))
    key = owner.key
    return [
        (
            f"old AS (SELECT h.* FROM {kind.head.name} h JOIN target USING ({key})"
            f" WHERE h.object_id = %(object_id)s AND h.version = %(expected)s FOR UPDATE OF h)"
        ),
        f"kept AS (INSERT INTO {kind.history.name} ({names}) SELECT {names} FROM old)",
        *(
            f"gone_{i} AS (DELETE FROM leaf.{table} l USING old"
            f" WHERE l.{key} = old.{key} AND l.row_key = old.row_key)"
            for i, table in enumerate(gone)
        ),
    ]


def _after(
    kind: Versioned, owner: Owner, rows: Sequence[Children], *, alone: bool
) -> Iterable[str]:
    """The contribution, the log, the owner's marks, the typed rows and the screen's findings."""
    if alone:
        yield _contributed(kind)
        yield _logged(kind, owner, kind.head.name)
    for number, group in enumerate(rows):
        yield _rows(number, group, owner.key)
    if alone or owner.follows:
        yield _shown(owner)


def _contributed(kind: Versioned) -> str:
    names = ", ".join(_names(kind.contribution))
    return (
        f"contributed AS (INSERT INTO {kind.contribution.name} ({names})"
        f" SELECT {names} FROM written)"
    )


def _logged(kind: Versioned, owner: Owner, name: str) -> str:
    return (
        f"logged AS (INSERT INTO {kind.log.name} ({', '.join(_names(kind.log))})"
        f" SELECT {owner.key}, contribution_id, time_committed, %(key_id)s, %(door)s, '{name}',"
        " 'accepted', %(findings)s::text[] FROM written)"
    )


def _shown(owner: Owner) -> str:
    """By the key itself: a join with `written` was planned as a scan of every owner."""
    key = owner.key
    follows = "".join(f", {name} = %({name})s::{cast}" for name, cast in owner.follows)
    changed = f" AND {owner.pooled}" if not owner.follows else ""
    return (
        f"shown AS (UPDATE {owner.table} SET {owner.pooled} = false{follows}"
        f" WHERE {key} = %({key})s{changed} AND EXISTS (SELECT FROM written))"
    )


def _rows(number: int, children: Children, key: str) -> str:
    targets = ", ".join(name for name, _ in children.columns)
    sources = ", ".join(f"r.{name}" for name, _ in children.columns)
    shape = ", ".join(f"{name} {SQL_TYPES[kind]}" for name, kind in children.columns)
    return (
        f"rows_{number} AS (INSERT INTO {children.table} ({key}, {children.version_key}, {targets})"
        f" SELECT w.{key}, w.row_key, {sources}"
        f" FROM written w, json_to_recordset(%(rows_{number})s::json) AS r({shape}))"
    )


def _statement(parts: Sequence[str]) -> str:
    return (
        f"WITH {', '.join(parts)} SELECT (SELECT count(*) FROM owners),"
        " (SELECT count(*) FROM target), (SELECT count(*) FROM written)"
    )
