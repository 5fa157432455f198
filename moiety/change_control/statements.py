"""One SQL statement for each change of one version.

A statement that finds nothing to change changes nothing: "no such EHR", "exists already" and
"stale version" are zero rows, never errors, so that commits can share a transaction.  The text
depends only on the names of tables and columns, never on a value; it is built once and prepared.

Every statement answers one row: (owners, changeable, written) — how many owners there are, how
many may be changed, how many versions were written (0 or 1).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

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
    `columns` are (name, kind), filled from one JSON array of objects with the keys v0, v1, ….
    """

    table: str
    version_key: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Owner:
    """What owns versions: its table (`ehr`), its key, and the condition under which it may change.

    `pooled` names a boolean column that the first write sets to false.
    """

    table: str
    key: str
    condition: str
    pooled: str


@lru_cache(maxsize=4096)
def create(kind: Versioned, owner: Owner, rows: tuple[Children, ...], *, client_id: bool) -> str:
    """The first version of a new object.

    With `client_id` the object id came from outside, so the history is asked too.
    """
    names = _names(kind)
    unused = (
        f" AND NOT EXISTS (SELECT FROM {kind.history.name} WHERE object_id = %(object_id)s)"
        if client_id
        else ""
    )
    parts = [
        *_owners(owner),
        (
            f"written AS (INSERT INTO {kind.head.name} ({', '.join(names)})"
            f" SELECT {_values(kind.head.columns)} FROM target WHERE true{unused}"
            f" ON CONFLICT DO NOTHING RETURNING {owner.key}, row_key)"
        ),
        *_after(kind, owner, rows),
    ]
    return _statement(parts)


@lru_cache(maxsize=4096)
def update(kind: Versioned, owner: Owner, rows: tuple[Children, ...], gone: tuple[str, ...]) -> str:
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
            f" RETURNING h.{key}, h.row_key)"
        ),
        *_after(kind, owner, rows),
    ]
    return _statement(parts)


@lru_cache(maxsize=4096)
def delete(kind: Versioned, owner: Owner, gone: tuple[str, ...]) -> str:
    """A logical deletion: a version without content in the history, and no head."""
    names = _names(kind)
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
            f" SELECT {_values(kind.head.columns)} FROM old RETURNING {key}, row_key)"
        ),
        *_after(kind, owner, ()),
    ]
    return _statement(parts)


def _names(kind: Versioned) -> list[str]:
    return [column.name for column in kind.head.columns]


def _values(columns: Iterable[sa.Column[Any]]) -> str:
    """A cast for each: a bare null parameter would be taken for text."""
    return ", ".join(f"%({c.name})s::{c.type.compile(_DIALECT)}" for c in columns)


_DIALECT: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


def _owners(owner: Owner) -> list[str]:
    return [
        (
            f"owners AS (SELECT {owner.key}, {owner.condition} AS changeable FROM {owner.table}"
            f" WHERE {owner.key} = %({owner.key})s)"
        ),
        f"target AS (SELECT {owner.key} FROM owners WHERE changeable)",
    ]


def _keep_old(kind: Versioned, owner: Owner, gone: Sequence[str]) -> list[str]:
    names = ", ".join(_names(kind))
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


def _after(kind: Versioned, owner: Owner, rows: Sequence[Children]) -> list[str]:
    """The contribution, the owner's first-write mark, the typed rows and the screen's findings."""
    key = owner.key
    contribution = [column.name for column in kind.contribution.columns]
    values = _values(kind.contribution.columns)
    parts = [
        (
            f"contributed AS (INSERT INTO {kind.contribution.name} ({', '.join(contribution)})"
            f" SELECT {values} FROM written)"
        ),
        *(_rows(n, group, key) for n, group in enumerate(rows)),
    ]
    parts.append(
        # By the key itself: a join with `written` was planned as a scan of every owner.
        f"shown AS (UPDATE {owner.table} SET {owner.pooled} = false"
        f" WHERE {key} = %({key})s AND {owner.pooled} AND EXISTS (SELECT FROM written))"
    )
    return parts


def _rows(number: int, children: Children, key: str) -> str:
    targets = ", ".join(name for name, _ in children.columns)
    sources = ", ".join(f"v{i}" for i in range(len(children.columns)))
    shape = ", ".join(f"v{i} {SQL_TYPES[kind]}" for i, (_, kind) in enumerate(children.columns))
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
