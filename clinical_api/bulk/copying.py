"""Ready lines written by COPY, in one transaction.

Nothing is locked beforehand.  What another writer changed in between is noticed, by a unique key or
by a head that is not the expected version any more, and nothing of the batch stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from clinical_api import tables
from clinical_api.audits import Audit
from clinical_api.bulk.looking import Latest
from clinical_api.bulk.preparing import Ready, Whole
from clinical_api.own_words import UNSCREENED
from clinical_api.refusals import Refusal
from moiety.change_control.statements import BY_DEFAULT, SQL_TYPES

Connection = psycopg.Connection[Any]
Moves = Sequence[tuple[UUID, Latest]]
_TYPES: Mapping[type[sa.types.TypeEngine[Any]], str] = {
    sa.Uuid: "uuid", sa.Integer: "int4", sa.BigInteger: "int8", sa.SmallInteger: "int2",
    sa.DateTime: "timestamptz", sa.Text: "text", sa.Boolean: "bool", JSONB: "jsonb",
    BYTEA: "bytea", ARRAY: "text[]",
}  # fmt: skip


class Raced(Exception):
    """Another writer changed what the batch builds on: look again, and prepare anew."""


def write(connection: Connection, wholes: Sequence[Whole], moves: Moves, audit: Audit) -> None:
    """Write whole lines; the transaction is the caller's.  Raises Raced."""
    try:
        # First, so that a deletion of an EHR under way is waited for and then seen.
        _copy(connection, tables.contribution, (one.contribution for one in wholes))
        _demand_owners(connection, wholes)
        _make_way(connection, moves)
        _owners(connection, wholes)
        _versions(connection, wholes)
        _beside(connection, wholes)
    except psycopg.errors.UniqueViolation:
        raise Raced from None
    log(connection, [(_accepted(one), audit) for one in wholes])


def log(connection: Connection, lines: Iterable[tuple[Refusal, Audit]]) -> None:
    """Lines of the commit log."""
    now = datetime.now(UTC)
    rows = (
        {
            "ehr_id": one.ehr_id, "attempt_id": uuid4(), "time_tried": now, "key_id": audit.key_id,
            "door": audit.door, "kind": one.kind, "outcome": one.outcome,
            "findings": list(one.findings),
        }
        for one, audit in lines
    )  # fmt: skip
    _copy(connection, tables.commit_log, rows)


def _accepted(whole: Whole) -> Refusal:
    return Refusal(whole.owner, "", "", "contribution", "accepted", sorted(whole.findings))


def _demand_owners(connection: Connection, wholes: Sequence[Whole]) -> None:
    new = {one.owner for one in wholes if one.opening is not None}
    old = list({one.owner for one in wholes} - new)
    found = _run(connection, b"SELECT count(*) FROM ehr WHERE ehr_id = ANY($1)", old).fetchone()
    if found is None or found[0] != len(old):
        raise Raced


def _make_way(connection: Connection, moves: Moves) -> None:
    """Heads that get a successor go to the history, and their typed rows go."""
    for name, kind in tables.KINDS.items():
        mine = [(object_id, latest) for object_id, latest in moves if latest.kind == name]
        if not mine:
            continue
        names = ", ".join(_names(kind.head))
        which = (
            "unnest($1::uuid[], $2::uuid[], $3::int[]) AS w(ehr_id, object_id, version)"
            " WHERE h.ehr_id = w.ehr_id AND h.object_id = w.object_id AND h.version = w.version"
        )
        columns = ", ".join(f"h.{column}" for column in _names(kind.head))
        given = (
            [one.owner for _, one in mine], [key for key, _ in mine],
            [one.version for _, one in mine],
        )  # fmt: skip
        source = f"SELECT {columns} FROM {kind.head.name} h, {which}"
        keep = f"INSERT INTO {kind.history.name} ({names}) {source}"
        _run(connection, keep.encode(), *given)
        end = f"DELETE FROM {kind.head.name} h USING {which}"
        if _run(connection, end.encode(), *given).rowcount != len(mine):
            raise Raced
    by_table: dict[str, list[tuple[UUID, int]]] = {}
    for _, latest in moves:
        for table in latest.groups:
            by_table.setdefault(table, []).append((latest.owner, latest.row_key))
    for table, keys in by_table.items():
        statement = (
            f"DELETE FROM leaf.{table} l USING unnest($1::uuid[], $2::int8[]) AS w(ehr_id, row_key)"
            " WHERE l.ehr_id = w.ehr_id AND l.row_key = w.row_key"
        )
        _run(connection, statement.encode(), [key[0] for key in keys], [key[1] for key in keys])


def _owners(connection: Connection, wholes: Sequence[Whole]) -> None:
    """New EHRs; of others, what their latest status says, and that they are seen."""
    said: dict[UUID, Mapping[str, Any]] = {}
    new: dict[UUID, dict[str, Any]] = {}
    for one in wholes:
        if one.opening is not None:
            new[one.owner] = one.opening
        for ready in one.versions:
            if ready.follows is not None:
                said[one.owner] = ready.follows
    _copy(connection, tables.ehr, ({**opening, **said[key]} for key, opening in new.items()))
    old = {one.owner for one in wholes} - set(new)
    for owner in old & set(said):
        _run(connection, _FOLLOW, owner, *(said[owner][name] for name, _ in _FOLLOWS))
    shown = b"UPDATE ehr SET pooled = false WHERE ehr_id = ANY($1) AND pooled"
    _run(connection, shown, list(old))


def _versions(connection: Connection, wholes: Sequence[Whole]) -> None:
    last = {one.columns["object_id"]: one for whole in wholes for one in whole.versions}
    heads: dict[str, list[Ready]] = {name: [] for name in tables.KINDS}
    histories: dict[str, list[Ready]] = {name: [] for name in tables.KINDS}
    for whole in wholes:
        for one in whole.versions:
            stands = last[one.columns["object_id"]] is one and one.columns["document"] is not None
            (heads if stands else histories)[one.kind].append(one)
    for name, kind in tables.KINDS.items():
        _copy(connection, kind.history, (one.columns for one in histories[name]))
        _copy(connection, kind.head, (one.columns for one in heads[name]))
    _rows(connection, heads["COMPOSITION"])


def _rows(connection: Connection, heads: Iterable[Ready]) -> None:
    """Typed rows, by table and the columns that a document fills."""
    groups: dict[tuple[str, tuple[str, ...]], tuple[list[str], list[tuple[Any, ...]]]] = {}
    for one in heads:
        key = (one.columns["ehr_id"], one.columns["row_key"])
        for rows in one.rows:
            group = groups.get((rows.table, rows.columns))
            if group is None:
                types = ["uuid", "int8", *(SQL_TYPES[one.kinds[name]] for name in rows.columns)]
                group = groups[rows.table, rows.columns] = (types, [])
            group[1].extend((*key, *values) for values in rows.values)
    for (table, columns), (types, values) in groups.items():
        _copy_rows(connection, f"leaf.{table}", ("ehr_id", "row_key", *columns), types, values)


def _beside(connection: Connection, wholes: Sequence[Whole]) -> None:
    """Findings of the screen, attestations, and what few versions have."""
    every = [one for whole in wholes for one in whole.versions]
    _copy(
        connection, tables.screen_finding,
        (
            {"ehr_id": one.columns["ehr_id"], "row_key": one.columns["row_key"], "number": number}
            | found.place()
            for one in every
            for number, found in enumerate(one.found)
        ),
    )  # fmt: skip
    _copy(
        connection, tables.screen_later,
        (
            {"ehr_id": one.columns["ehr_id"], "row_key": one.columns["row_key"], "number": 0}
            for one in every
            if any(found.finding.kind == UNSCREENED for found in one.found)
        ),
    )  # fmt: skip
    _copy(connection, tables.attestation, (row for one in wholes for row in one.attestations))
    names = ("ehr_id", "object_id", "version", "contribution_id")
    _copy(
        connection, tables.version_detail,
        (
            {**{name: one.columns[name] for name in names}, "detail": one.detail}
            for one in every
            if one.detail
        ),
    )  # fmt: skip


def _copy(connection: Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    columns = [column for column in table.columns if column.info != BY_DEFAULT]
    types = [_TYPES[type(column.type)] for column in columns]
    names = [column.name for column in columns]
    json = {column.name for column in columns if isinstance(column.type, JSONB)}
    values = [
        tuple(Jsonb(row[name]) if name in json else row[name] for name in names) for row in rows
    ]
    _copy_rows(connection, table.name, names, types, values)


def _copy_rows(
    connection: Connection, table: str, names: Sequence[str], types: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:  # fmt: skip
    if not rows:
        return
    text = f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(text.encode()) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _run(connection: Connection, statement: bytes, *parameters: Any) -> psycopg.Cursor[Any]:
    return psycopg.RawCursor(connection).execute(statement, parameters)


def _names(table: sa.Table) -> list[str]:
    return [column.name for column in table.columns if column.info != BY_DEFAULT]


_FOLLOWS = tables.STATUS_OWNER.follows
_FOLLOW = (
    "UPDATE ehr SET "
    + ", ".join(f"{name} = ${n}::{kind}" for n, (name, kind) in enumerate(_FOLLOWS, 2))
    + " WHERE ehr_id = $1"
).encode()
