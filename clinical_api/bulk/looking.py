"""What the database knows of what a batch of lines names.

It is asked before anything is prepared, outside the transaction that writes; `copying` notices
whatever changes in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from clinical_api import tables
from clinical_api.bulk.lines import Line, tagged

Connection = psycopg.Connection[Any]


@dataclass(slots=True)
class Latest:
    """The latest version of an object.  `stands`: it is in the database, as a head or deleted."""

    owner: UUID
    kind: str
    version: int
    deleted: bool
    row_key: int = 0
    groups: tuple[str, ...] = ()
    template_key: int = 0
    stands: bool = True


@dataclass(slots=True)
class Known:
    """EHRs (whether they may be modified), contributions, objects and subjects that are here."""

    ehrs: dict[UUID, bool] = field(default_factory=dict)
    contributions: set[tuple[UUID, UUID]] = field(default_factory=set)
    objects: dict[UUID, Latest] = field(default_factory=dict)
    statuses: dict[UUID, UUID] = field(default_factory=dict)
    folders: dict[UUID, UUID] = field(default_factory=dict)
    subjects: set[tuple[str, str]] = field(default_factory=set)


def named(lines: Iterable[Line]) -> tuple[set[UUID], set[UUID], set[UUID]]:
    """The EHRs, contributions and objects that some lines name; what is no UUID is told later."""
    owners: set[UUID] = set()
    contributions: set[UUID] = set()
    objects: set[UUID] = set()
    for line in lines:
        owners |= _uuid(line.ehr_id)
        sent = line.contribution
        if sent is None:
            continue
        contributions |= _uuid(sent.uid.value if sent.uid else None)
        for version in sent.versions:
            content = version.item or version
            uid = content.uid
            if uid is None and content.data:
                uid = tagged(content.data).uid
            objects |= _uuid(uid.value.partition("::")[0] if uid else None)
    return owners, contributions, objects


def _uuid(text: str | None) -> set[UUID]:
    try:
        return {UUID(text or "")}
    except ValueError:
        return set()


def look(
    connection: Connection, owners: Iterable[UUID], contributions: Iterable[UUID],
    objects: Iterable[UUID],
) -> Known:  # fmt: skip
    """What is known of some EHRs, contributions and objects, each by id."""
    known = Known()
    named = list(owners)

    def ask(statement: bytes, *parameters: Any) -> list[tuple[Any, ...]]:
        return psycopg.RawCursor(connection).execute(statement, parameters, binary=True).fetchall()

    known.ehrs = dict(ask(b"SELECT ehr_id, modifiable FROM ehr WHERE ehr_id = ANY($1)", named))
    known.contributions = set(ask(_CONTRIBUTIONS, named, list(contributions)))
    for row in ask(_OBJECTS, list(objects), named):
        object_id, owner, kind, version, deleted, row_key, groups, template_key = row
        latest = Latest(owner, kind, version, deleted, row_key, tuple(groups), template_key)
        if object_id not in known.objects or known.objects[object_id].version < version:
            known.objects[object_id] = latest
        if kind == "EHR_STATUS":
            known.statuses[owner] = object_id
        if kind == "FOLDER" and not deleted:
            known.folders[owner] = object_id
    return known


def taken_subjects(
    connection: Connection, subjects: Iterable[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Which (namespace, id) are of an EHR that is here."""
    named = list(subjects)
    if not named:
        return set()
    columns = ([one[n] for one in named] for n in (0, 1))
    return set(psycopg.RawCursor(connection).execute(_SUBJECTS, tuple(columns)).fetchall())


_CONTRIBUTIONS = (
    b"SELECT ehr_id, contribution_id FROM contribution"
    b" WHERE ehr_id = ANY($1) AND contribution_id = ANY($2)"
)
_SUBJECTS = (
    b"SELECT subject_namespace, coalesce(subject_id::text, opaque_subject) FROM ehr"
    b" JOIN unnest($1::text[], $2::text[]) AS w(namespace, id) ON subject_namespace = w.namespace"
    b" AND (subject_id::text = lower(w.id) OR opaque_subject = w.id)"
)


def _objects() -> bytes:
    """Heads of the objects named, statuses and folders of the EHRs named, deletions of either."""
    parts = []
    for name, kind in tables.KINDS.items():
        groups = "groups, template_key" if name == "COMPOSITION" else "'{}'::text[], 0"
        columns = f"object_id, ehr_id, '{name}', version, document IS NULL, row_key, {groups}"
        of_owner = "" if name == "COMPOSITION" else " OR ehr_id = ANY($2)"
        parts.append(f"SELECT {columns} FROM {kind.head.name} WHERE object_id = ANY($1){of_owner}")
        parts.append(
            f"(SELECT DISTINCT ON (object_id) {columns} FROM {kind.history.name}"
            " WHERE object_id = ANY($1) ORDER BY object_id, version DESC)"
        )
    return " UNION ALL ".join(parts).encode()


_OBJECTS = _objects()
