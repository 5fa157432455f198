"""EHRs as lines, streamed: one EHR after another by id, each as it is at one moment.

Documents are written as they are stored, unread.  What is held at once is a few contributions,
whatever the size of the repository.  EHRs that wait in the pool are nobody's, and not among them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg
import sqlalchemy as sa

from clinical_api import documents, tables
from clinical_api.bulk import apart
from moiety.change_control.codes import ChangeType, Lifecycle
from moiety.kit.errors import NotFound

_AT_ONCE = 50
_EHRS_AT_ONCE = 500
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Stored:
    """A version as it stands in the tables."""

    kind: str
    object_id: UUID
    version: int
    change: ChangeType
    lifecycle: Lifecycle
    time: Any
    audit: Mapping[str, Any]
    document: bytes | None = field(repr=False)
    detail: Mapping[str, Any]
    template_id: str | None = None


@dataclass(slots=True)
class Contribution:
    """A contribution with its versions, and the attestations that it brought."""

    contribution_id: UUID
    time: Any
    change: ChangeType
    audit: Mapping[str, Any]
    versions: list[Stored] = field(default_factory=list)
    attestations: list[tuple[str, UUID, int, int, bytes]] = field(default_factory=list)


def every_line(
    snapshots: sa.Engine, system_id: str, *, after: UUID | None, templates: bool
) -> Iterator[bytes]:
    """The lines of the whole repository, or of what comes `after` an EHR."""
    yield _line({"moiety": 1, "system_id": system_id})
    ehrs = lines = 0
    if templates:
        with snapshots.connect() as connection:
            yield from map(_line, apart.definition_lines(driver_of(connection)))
    last = after or UUID(int=0)
    while page := _ask_once(snapshots, _EHRS, last, _EHRS_AT_ONCE):
        for (ehr_id,) in page:
            before = lines
            for line in ehr_lines(snapshots, ehr_id, system_id):
                lines += 1
                yield line
            ehrs += lines > before
        last = page[-1][0]
    with snapshots.connect() as connection:
        yield from map(_line, apart.closing_lines(driver_of(connection)))
    yield _line({"end": {"ehrs": ehrs, "lines": lines}})


def demand(snapshots: sa.Engine, ehr_id: UUID) -> None:
    """Raise NotFound for an EHR that is not here, or nobody's yet."""
    if not _ask_once(snapshots, _EHR, ehr_id):
        raise NotFound("There is no EHR of this id.")


def ehr_lines(snapshots: sa.Engine, ehr_id: UUID, system_id: str) -> Iterator[bytes]:
    """The lines of one EHR as it is at one moment; none, if it has gone meanwhile."""
    with snapshots.connect() as connection:
        driver = driver_of(connection)
        found = _ask(driver, _EHR, ehr_id)
        if not found:
            return
        own, created = found[0]
        opening = {"ehr": {"system_id": own, "time_created": _time(created)}}
        for one in contributions_of(driver, ehr_id):
            line = {"ehr_id": str(ehr_id), **opening, "contribution": _shown(one, system_id)}
            yield _line(line)
            opening = {}
        yield from map(_line, apart.tag_lines(driver, ehr_id))


def contributions_of(driver: "psycopg.Connection[Any]", ehr_id: UUID) -> Iterator[Contribution]:
    """The contributions of an EHR, as they were committed one after another."""
    keys = _ask(driver, _ORDER, ehr_id)
    for start in range(0, len(keys), _AT_ONCE):
        some = [row[0] for row in keys[start : start + _AT_ONCE]]
        made = {
            row[0]: Contribution(row[0], row[1], ChangeType(row[2]), row[3])
            for row in _ask(driver, _CONTRIBUTIONS, ehr_id, some)
        }
        for contribution_id, kind, number, *rest in _ask(driver, _VERSIONS, ehr_id, some):
            object_id, change, lifecycle, time, audit, document, detail, template_id = rest
            stored = Stored(
                kind, object_id, number, ChangeType(change), Lifecycle(lifecycle), time, audit,
                document, detail or {}, template_id,
            )  # fmt: skip
            made[contribution_id].versions.append(stored)
        for contribution_id, *rest in _ask(driver, _ATTESTATIONS, ehr_id, some):
            made[contribution_id].attestations.append(tuple(rest))
        for key in some:
            yield made[key]


# --- one contribution ----------------------------------------------------------------------------


def _shown(one: Contribution, system_id: str) -> dict[str, Any]:
    versions = [_version(version, one, system_id) for version in one.versions]
    brought = {(version.object_id, version.version) for version in one.versions}
    attested: dict[tuple[UUID, int], list[msgspec.Raw]] = {}
    for _, object_id, number, _, packed in one.attestations:
        if (object_id, number) not in brought:
            raw = msgspec.Raw(documents.unpack(packed))
            attested.setdefault((object_id, number), []).append(raw)
    for (object_id, number), some in attested.items():
        audit = _audit(one.audit, ChangeType.ATTESTATION, one.time)
        uid = _uid(object_id, system_id, number)
        versions.append({"uid": uid, "commit_audit": audit, "attestations": some})
    return {
        "_type": "X_CONTRIBUTION",
        "uid": {"_type": "HIER_OBJECT_ID", "value": str(one.contribution_id)},
        "audit": _audit(one.audit, one.change, one.time),
        "versions": versions,
    }


def _version(stored: Stored, one: Contribution, system_id: str) -> dict[str, Any]:
    attestations = [
        msgspec.Raw(documents.unpack(packed))
        for _, object_id, number, _, packed in one.attestations
        if (object_id, number) == (stored.object_id, stored.version)
    ]
    audit = _audit(stored.audit, stored.change, stored.time)
    content: dict[str, Any] = {}
    if stored.document is not None:
        content["data"] = msgspec.Raw(documents.unpack(stored.document))
    if attestations:
        content["attestations"] = attestations
    if "original" in stored.detail:
        item = {**stored.detail["original"], **content}
        item["lifecycle_state"] = _coded(stored.lifecycle)
        imported = {"_type": "IMPORTED_VERSION", "number": stored.version, "commit_audit": audit}
        return imported | {"item": item}
    shown: dict[str, Any] = {
        "_type": "ORIGINAL_VERSION",
        "uid": _uid(stored.object_id, system_id, stored.version),
        "commit_audit": audit,
        "lifecycle_state": _coded(stored.lifecycle),
    }
    if "signature" in stored.detail:
        shown["signature"] = stored.detail["signature"]
    if "other_inputs" in stored.detail:
        shown["other_input_version_uids"] = [
            {"_type": "OBJECT_VERSION_ID", "value": uid} for uid in stored.detail["other_inputs"]
        ]
    return shown | content


def _audit(audit: Mapping[str, Any], change: ChangeType, time: Any) -> dict[str, Any]:
    moment = {"_type": "DV_DATE_TIME", "value": _time(time)}
    said = {"_type": "AUDIT_DETAILS", **audit}
    return said | {"time_committed": moment, "change_type": _coded(change)}


def _coded(term: ChangeType | Lifecycle) -> dict[str, Any]:
    terminology = {"_type": "TERMINOLOGY_ID", "value": "openehr"}
    code = {"_type": "CODE_PHRASE", "terminology_id": terminology, "code_string": str(int(term))}
    return {"_type": "DV_CODED_TEXT", "value": term.rubric, "defining_code": code}


def _uid(object_id: UUID, system_id: str, number: int) -> dict[str, str]:
    return {"_type": "OBJECT_VERSION_ID", "value": f"{object_id}::{system_id}::{number}"}


def _time(moment: Any) -> str:
    return str(moment.isoformat(timespec="microseconds"))


def _line(tree: Mapping[str, Any]) -> bytes:
    return _encode(tree) + b"\n"


# --- questions -----------------------------------------------------------------------------------


def _ask_once(engine: sa.Engine, statement: bytes, *parameters: Any) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return _ask(driver_of(connection), statement, *parameters)


def _ask(
    driver: "psycopg.Connection[Any]", statement: bytes, *parameters: Any
) -> list[tuple[Any, ...]]:
    return psycopg.RawCursor(driver).execute(statement, parameters, binary=True).fetchall()


def driver_of(connection: sa.Connection) -> "psycopg.Connection[Any]":
    """The driver's own connection."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


_EHRS = b"SELECT ehr_id FROM ehr WHERE ehr_id > $1 AND NOT pooled ORDER BY ehr_id LIMIT $2"
_EHR = b"SELECT system_id, time_created FROM ehr WHERE ehr_id = $1 AND NOT pooled"
_CONTRIBUTIONS = (
    b"SELECT contribution_id, time_committed, change_type, audit FROM contribution"
    b" WHERE ehr_id = $1 AND contribution_id = ANY($2)"
)
_ATTESTATIONS = (
    b"SELECT contribution_id, attestation_id::text, object_id, version, number, attestation"
    b" FROM attestation WHERE ehr_id = $1 AND contribution_id = ANY($2)"
    b" ORDER BY time_committed, number"
)


def _order() -> bytes:
    """As they became visible; of one transaction and moment, by the numbers of their versions."""
    parts = " UNION ALL ".join(
        f"SELECT contribution_id, version FROM {table.name} WHERE ehr_id = $1"
        for kind in tables.KINDS.values()
        for table in (kind.head, kind.history)
    )
    return (
        f"WITH v AS (SELECT contribution_id, max(version) AS top FROM ({parts}) v GROUP BY 1)"
        " SELECT contribution_id FROM contribution c LEFT JOIN v USING (contribution_id)"
        " WHERE ehr_id = $1 ORDER BY era, xact, time_committed, top, contribution_id"
    ).encode()


def _versions() -> bytes:
    parts: list[str] = []
    for name, kind in tables.KINDS.items():
        is_composition = name == "COMPOSITION"
        template = "coalesce(t.template_id, s.template_id)" if is_composition else "NULL::text"
        join = (
            " LEFT JOIN template t ON t.template_key = v.template_key"
            " LEFT JOIN template_superseded s ON s.template_key = v.template_key"
        )
        parts.extend(
            f"SELECT v.contribution_id, '{name}' AS kind, v.version, v.object_id,"
            f" v.change_type::int, v.lifecycle_state::int, v.time_committed, v.audit, v.document,"
            f" d.detail, {template} FROM {table.name} v LEFT JOIN version_detail d"
            f" USING (ehr_id, object_id, version){join if is_composition else ''}"
            f" WHERE v.ehr_id = $1 AND v.contribution_id = ANY($2)"
            for table in (kind.head, kind.history)
        )
    return (" UNION ALL ".join(parts) + " ORDER BY kind DESC, object_id").encode()


_ORDER = _order()
_VERSIONS = _versions()
