"""Whether the tables agree with one another: heads, histories, contributions, typed rows.

Each check counts what breaks one sentence that every commit keeps true; nothing is repaired.  All
of them read one snapshot, so the service may go on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from clinical_api import documents, tables
from moiety.change_control.codes import Lifecycle
from moiety.change_control.tables import Versioned


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence, and how many rows break it."""

    sentence: str
    broken: int


def check(connection: sa.Connection, *, with_documents: bool) -> Iterator[Checked]:
    """Every sentence in turn.  `with_documents`: every document is unpacked too, which takes long.

    `connection` is in a transaction that sees one snapshot.
    """
    for sentence, query in _queries():
        yield Checked(sentence, connection.scalar(sa.text(query)) or 0)
    for table in _leaf_tables(connection):
        for sentence, query in _leaf(table):
            yield Checked(sentence, connection.scalar(sa.text(query)) or 0)
    if with_documents:
        for name, kind in tables.KINDS.items():
            sentence = f"{name}: the document of a version bears its uid"
            yield Checked(sentence, _foreign_documents(connection, kind))


def _queries() -> Iterator[tuple[str, str]]:
    for name, kind in tables.KINDS.items():
        for sentence, query in _of_kind(kind):
            yield f"{name}: {sentence}", query
    nowhere = " AND ".join(
        f"NOT EXISTS (SELECT FROM {table.name} v"
        " WHERE v.ehr_id = c.ehr_id AND v.contribution_id = c.contribution_id)"
        for table in (*_version_tables(), tables.attestation)
    )
    yield (
        "a contribution has a version or an attestation",
        f"SELECT count(*) FROM contribution c WHERE {nowhere}",
    )
    yield (
        "an EHR has one status",
        (
            "SELECT count(*) FROM ehr e WHERE"
            " (SELECT count(*) FROM ehr_status s WHERE s.ehr_id = e.ehr_id) <> 1"
        ),
    )
    rows = " UNION ALL ".join(f"SELECT ehr_id, row_key FROM {t.name}" for t in _version_tables())
    yield (
        "a finding of the screen has its version",
        (
            f"SELECT count(*) FROM screen_finding f WHERE NOT EXISTS (SELECT FROM ({rows}) v"
            " WHERE v.ehr_id = f.ehr_id AND v.row_key = f.row_key)"
        ),
    )


def _of_kind(kind: Versioned) -> Iterator[tuple[str, str]]:
    head, history = kind.head.name, kind.history.name
    columns = "ehr_id, object_id, version, contribution_id, time_committed"
    every = f"(SELECT {columns} FROM {head} UNION ALL SELECT {columns} FROM {history})"
    gone = int(Lifecycle.DELETED)
    yield (
        "versions are numbered from 1 without a gap, each once",
        (
            f"SELECT count(*) FROM (SELECT FROM {every} v GROUP BY ehr_id, object_id HAVING"
            " min(version) <> 1 OR max(version) <> count(*)"
            " OR count(DISTINCT version) <> count(*)) broken"
        ),
    )
    yield (
        "the head is the latest version",
        (
            f"SELECT count(*) FROM {head} h JOIN {history} o USING (ehr_id, object_id)"
            " WHERE o.version >= h.version"
        ),
    )
    yield (
        "what has no head ends in a deletion",
        (
            f"SELECT count(*) FROM (SELECT DISTINCT ON (ehr_id, object_id) * FROM {history}"
            f" ORDER BY ehr_id, object_id, version DESC) o WHERE lifecycle_state <> {gone}"
            f" AND NOT EXISTS (SELECT FROM {head} h WHERE h.ehr_id = o.ehr_id"
            " AND h.object_id = o.object_id)"
        ),
    )
    yield from _of_versions(kind, every)


def _of_versions(kind: Versioned, every: str) -> Iterator[tuple[str, str]]:
    head, history, gone = kind.head.name, kind.history.name, int(Lifecycle.DELETED)
    yield (
        "a version has content unless it is a deletion",
        (
            f"SELECT (SELECT count(*) FROM {head} WHERE document IS NULL) + (SELECT count(*)"
            f" FROM {history} WHERE (document IS NULL) <> (lifecycle_state = {gone}))"
        ),
    )
    yield (
        "a version has its contribution, of the same time",
        (
            f"SELECT count(*) FROM {every} v WHERE NOT EXISTS (SELECT FROM contribution c"
            " WHERE c.ehr_id = v.ehr_id AND c.contribution_id = v.contribution_id"
            " AND c.time_committed = v.time_committed)"
        ),
    )
    yield (
        "a version has its EHR",
        (
            f"SELECT count(*) FROM {every} v WHERE NOT EXISTS"
            " (SELECT FROM ehr e WHERE e.ehr_id = v.ehr_id)"
        ),
    )


def _leaf(table: str) -> Iterator[tuple[str, str]]:
    of = f"c.ehr_id = l.ehr_id AND c.row_key = l.row_key AND '{table}' = ANY(c.groups)"
    yield (
        f"{table}: a typed row has its head",
        (
            f"SELECT count(*) FROM leaf.{table} l WHERE NOT EXISTS (SELECT FROM composition c"
            f" WHERE {of})"
        ),
    )
    yield (
        f"{table}: a head that names the table has rows there",
        (
            f"SELECT count(*) FROM composition c WHERE '{table}' = ANY(c.groups)"
            f" AND NOT EXISTS (SELECT FROM leaf.{table} l WHERE {of})"
        ),
    )


def _leaf_tables(connection: sa.Connection) -> list[str]:
    found = connection.scalars(
        sa.text(
            "SELECT relname FROM pg_class WHERE relnamespace = 'leaf'::regnamespace"
            " AND relkind IN ('r', 'p') ORDER BY relname"
        )
    )
    return [str(name) for name in found]


def _version_tables() -> Iterator[sa.Table]:
    for kind in tables.KINDS.values():
        yield kind.head
        yield kind.history


def _foreign_documents(connection: sa.Connection, kind: Versioned) -> int:
    """Documents whose own uid names another object or version."""
    broken = 0
    for table in (kind.head, kind.history):
        query = sa.select(table.c.object_id, table.c.version, table.c.document).where(
            table.c.document.is_not(None)
        )
        for object_id, version, packed in connection.execute(
            query, execution_options={"yield_per": 500}
        ):
            uid = msgspec.json.decode(documents.unpack(packed))["uid"]["value"].split("::")
            broken += (uid[0], uid[-1]) != (str(object_id), str(version))
    return broken
