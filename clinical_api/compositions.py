"""Commit and read compositions.

A commit is prepared without a connection (decode, validate, screen, typed rows, document) and then
handed to the commit queue; what it became is known only after COMMIT.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from psycopg.types.json import Jsonb

from clinical_api import documents, tables
from clinical_api.registry import Known
from clinical_api.screen import Found, screen
from clinical_api.settings import Settings
from moiety.change_control import statements
from moiety.change_control.codes import ChangeType, Lifecycle
from moiety.change_control.statements import Children
from moiety.kit.commits import Commit, Row, Step
from moiety.kit.errors import Conflict, Malformed, NotFound, Unprocessable, VersionConflict
from moiety.kit.reads import Reads
from moiety.openehr import rm
from moiety.openehr.canonical import decode_composition, encode
from moiety.openehr.errors import RmError
from moiety.openehr.leaves import ROWS_VERSION
from moiety.openehr.validate import Checked

_FINDINGS = Children(
    "screen_finding",
    "row_key",
    (
        ("number", "small"),
        ("path", "text"),
        ("kind", "text"),
        ("start", "small"),
        ("length", "small"),
    ),
)


class UnknownTemplate(Unprocessable):
    """The composition's template is not known here: upload it first."""


@dataclass(frozen=True, slots=True)
class Written:
    """A version that is durable."""

    uid: str
    object_id: UUID
    version: int
    document: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """The latest version of a composition, as an update needs to know it."""

    object_id: UUID
    version: int
    template_key: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A valid document and the rows it brings."""

    composition: rm.Composition
    known: Known
    checked: Checked
    found: tuple[Found, ...]


def prepare(body: bytes, settings: Settings, find: Callable[[str], Known | None]) -> Prepared:
    """Decode, validate and screen a composition.

    Raises Malformed for broken structure, Unprocessable for an unknown template, a broken
    constraint or an identifier that may not be stored.
    """
    try:
        composition = decode_composition(body)
    except RmError as error:
        raise Malformed(
            "The composition is not well-formed: see `validationErrors`.",
            findings=[{"path": error.path, "rule": "structure", "expected": error.reason}],
        ) from None
    known = _template_of(composition, find)
    checked = known.compiled.check(composition, known.template_key)
    _refuse(checked)
    # What is stored is screened, not what was sent: the two are written by different hands.
    found = tuple(screen(encode(composition), settings))
    return Prepared(composition, known, checked, found)


def create(
    ehr_id: UUID, prepared: Prepared, settings: Settings, *, audit: Mapping[str, Any]
) -> Commit:
    """The commit of a first version.  Its result is a Written.

    It raises NotFound without the EHR, and Conflict when the EHR may not be modified or the
    composition's own uid is taken.
    """
    given = _given_object_id(prepared.composition)
    object_id = given or uuid4()
    children, values = _children(prepared)
    text, parameters = _version(
        prepared, ehr_id, object_id, 1, settings, change=ChangeType.CREATION, audit=audit
    )
    parameters |= values
    statement = statements.create(
        tables.composition, tables.OWNER, children, client_id=given is not None
    )
    written = Written(f"{object_id}::{settings.system_id}::1", object_id, 1, text)

    return _commit(ehr_id, Step(statement, parameters), written, _demand_new)


def update(
    ehr_id: UUID,
    head: Head,
    prepared: Prepared,
    settings: Settings,
    *,
    audit: Mapping[str, Any],
    change: ChangeType = ChangeType.MODIFICATION,
) -> Commit:
    """The commit of the version after `head`.  It raises VersionConflict if another was faster."""
    if prepared.known.template_key != head.template_key:
        raise Malformed("A new version must use the template of the one before it.")
    version = head.version + 1
    children, values = _children(prepared)
    text, parameters = _version(
        prepared, ehr_id, head.object_id, version, settings, change=change, audit=audit
    )
    parameters |= values | {"expected": head.version}
    statement = statements.update(tables.composition, tables.OWNER, children, head.groups)
    uid = f"{head.object_id}::{settings.system_id}::{version}"
    written = Written(uid, head.object_id, version, text)

    return _commit(ehr_id, Step(statement, parameters), written, _demand_fresh)


def delete(ehr_id: UUID, head: Head, settings: Settings, *, audit: Mapping[str, Any]) -> Commit:
    """The commit of a logical deletion: a version without content."""
    version = head.version + 1
    parameters = {
        **_change(ehr_id, ChangeType.DELETED, audit),
        "object_id": head.object_id,
        "version": version,
        "expected": head.version,
        "row_key": secrets.randbits(63),
        "lifecycle_state": int(Lifecycle.DELETED),
        "document": None,
        "template_key": head.template_key,
        "rows_version": ROWS_VERSION,
        "residue": 0,
        "groups": [],
    }
    statement = statements.delete(tables.composition, tables.OWNER, head.groups)
    uid = f"{head.object_id}::{settings.system_id}::{version}"
    written = Written(uid, head.object_id, version, None)

    return _commit(ehr_id, Step(statement, parameters), written, _demand_fresh)


async def get_head(reads: Reads, ehr_id: UUID, object_id: UUID) -> Head:
    """The latest version that stands.  Raises NotFound, also after a deletion."""
    rows = await reads.ask(_HEAD, (ehr_id, object_id))
    if not rows:
        raise NotFound("There is no composition of this id in this EHR.")
    version, template_key, groups = rows[0]
    return Head(object_id, version, template_key, tuple(groups))


async def read(
    reads: Reads, ehr_id: UUID, object_id: UUID, *, version: int | None, system_id: str
) -> Written:
    """One version, the latest without `version`; its document is None where it was deleted.

    Raises NotFound.
    """
    key = (ehr_id, object_id)
    if version is None:
        rows = await reads.ask(_LATEST, key) or await reads.ask(_LATEST_GONE, key)
    else:
        named = (*key, version)
        rows = await reads.ask(_NAMED, named) or await reads.ask(_NAMED_OLD, named)
    if not rows:
        raise NotFound("There is no composition of this id in this EHR.")
    number, packed = rows[0]
    text = None if packed is None else documents.unpack(packed)
    return Written(f"{object_id}::{system_id}::{number}", object_id, number, text)


_OF = b" WHERE ehr_id = $1 AND object_id = $2"
_HEAD = b"SELECT version, template_key, groups FROM composition" + _OF
_LATEST = b"SELECT version, document FROM composition" + _OF
_LATEST_GONE = (
    b"SELECT version, document FROM composition_history" + _OF + b" ORDER BY version DESC LIMIT 1"
)
_NAMED = _LATEST + b" AND version = $3"
_NAMED_OLD = b"SELECT version, document FROM composition_history" + _OF + b" AND version = $3"


# --- parts -----------------------------------------------------------------------------------


def _template_of(composition: rm.Composition, find: Callable[[str], Known | None]) -> Known:
    details = composition.archetype_details
    template_id = details.template_id.value if details and details.template_id else None
    path = "/archetype_details/template_id/value"
    if template_id is None:
        raise Malformed(
            "A composition names its template.",
            findings=[{"path": path, "rule": "existence", "expected": "1..1"}],
        )
    known = find(template_id)
    if known is None:
        raise UnknownTemplate(
            findings=[{"path": path, "rule": "known template", "expected": "a stored template"}]
        )
    return known


def _refuse(checked: Checked) -> None:
    if not checked.findings:
        return
    findings = [
        {"path": f.path, "rule": f.rule, "expected": f.expected, "found": f.found}
        for f in checked.findings
    ]
    if any(f.structural for f in checked.findings):
        raise Malformed("The composition's structure is broken.", findings=findings)
    raise Unprocessable("The composition breaks its template.", findings=findings)


def _given_object_id(composition: rm.Composition) -> UUID | None:
    """The object id that the client chose, if it chose one.  Raises Malformed if it is no UUID."""
    if composition.uid is None:
        return None
    text = str(composition.uid.value).split("::", maxsplit=1)[0]
    try:
        return UUID(text)
    except ValueError:
        raise Malformed(
            "A composition's own uid must be a UUID.",
            findings=[{"path": "/uid/value", "rule": "format", "expected": "a UUID"}],
        ) from None


def _change(ehr_id: UUID, change: ChangeType, audit: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ehr_id": ehr_id,
        "contribution_id": uuid4(),
        "time_committed": datetime.now(UTC),
        "change_type": int(change),
        "audit": Jsonb(audit),
    }


def _version(
    prepared: Prepared,
    ehr_id: UUID,
    object_id: UUID,
    version: int,
    settings: Settings,
    *,
    change: ChangeType,
    audit: Mapping[str, Any],
) -> tuple[bytes, dict[str, Any]]:
    """The document with its uid set, and the statement's parameters."""
    uid = f"{object_id}::{settings.system_id}::{version}"
    prepared.composition.uid = rm.ObjectVersionId(value=uid)
    text = encode(prepared.composition)
    return text, {
        **_change(ehr_id, change, audit),
        "object_id": object_id,
        "version": version,
        "row_key": secrets.randbits(63),
        "lifecycle_state": int(Lifecycle.COMPLETE),
        "document": documents.pack(text),
        "template_key": prepared.known.template_key,
        "rows_version": ROWS_VERSION,
        "residue": int(prepared.checked.residue),
        "groups": [rows.table for rows in prepared.checked.rows],
    }


def _children(prepared: Prepared) -> tuple[tuple[Children, ...], dict[str, str]]:
    """The tables that the version's rows go to, and one JSON array for each."""
    kinds = prepared.known.kinds
    children: list[Children] = []
    arrays: list[list[dict[str, Any]]] = []
    for rows in prepared.checked.rows:
        columns = tuple((name, kinds[name]) for name in rows.columns)
        children.append(Children(f"leaf.{rows.table}", "row_key", columns))
        arrays.append([_short(values) for values in rows.values])
    if prepared.found:
        children.append(_FINDINGS)
        arrays.append(
            [_short((number, *one.place().values())) for number, one in enumerate(prepared.found)]
        )
    values = {f"rows_{n}": msgspec.json.encode(a).decode() for n, a in enumerate(arrays)}
    return tuple(children), values


def _short(values: tuple[object, ...]) -> dict[str, object]:
    return {f"v{n}": value for n, value in enumerate(values) if value is not None}


def _commit(
    ehr_id: UUID, step: Step, written: Written, demand: Callable[[int, int, int], None]
) -> Commit:
    landed = Step(_LANDED, {name: step.parameters[name] for name in ("ehr_id", "contribution_id")})

    def judge(rows: Sequence[Row]) -> None:
        demand(*(rows[0] or (0, 0, 0)))

    return Commit(ehr_id, (step,), judge, landed, written)


_LANDED = (
    "SELECT 1 FROM contribution WHERE ehr_id = %(ehr_id)s AND contribution_id = %(contribution_id)s"
)


def _demand_owner(owners: int, changeable: int) -> None:
    if not owners:
        raise NotFound("There is no EHR of this id.")
    if not changeable:
        raise Conflict("The EHR's status does not allow modification.")


def _demand_new(owners: int, changeable: int, done: int) -> None:
    _demand_owner(owners, changeable)
    if not done:
        raise Conflict("A composition with this uid exists already.")


def _demand_fresh(owners: int, changeable: int, done: int) -> None:
    """What a change that came too late is told; which version it should have followed is asked
    afterwards, since the statement saw the time before.
    """
    _demand_owner(owners, changeable)
    if not done:
        raise VersionConflict
