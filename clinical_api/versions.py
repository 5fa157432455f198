"""What every commit of a version shares, whatever its kind.

A Change is one version ready to be written: a statement with its parameters, and what to say if it
writes nothing.  Alone it is one statement in the commit queue; in a contribution it is one of
several inside one transaction.
"""

import base64
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from psycopg.types.json import Jsonb

from clinical_api import documents
from clinical_api.audits import Audit
from clinical_api.own_words import UNSCREENED, Sealed, kept, version_place
from clinical_api.screen import Found
from clinical_api.settings import Settings
from moiety.change_control.codes import ChangeType, Lifecycle
from moiety.change_control.statements import Children
from moiety.kit.commits import Commit, Row, Step
from moiety.kit.errors import (
    Conflict,
    Malformed,
    NotFound,
    ServiceError,
    Unprocessable,
    VersionConflict,
)
from moiety.openehr import rm
from moiety.openehr.canonical import encode
from moiety.openehr.validate import Finding

FINDINGS = Children(
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
SEALED = Children(
    "sealed_words", "row_key", (("number", "small"), ("seal_id", "text"), ("box", "text"))
)
LATER = Children("screen_later", "row_key", (("number", "small"),))


@dataclass(frozen=True, slots=True)
class Written:
    """A version that is durable."""

    uid: str
    object_id: UUID
    version: int
    document: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Before:
    """The version that a new one follows."""

    object_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Act:
    """One act of committing: what its versions have in common."""

    ehr_id: UUID
    alone: bool = True
    contribution_id: UUID = field(default_factory=uuid4)
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Change:
    """A version ready to be written, and the error that says why nothing was written."""

    step: Step
    written: Written
    refusal: Callable[[], ServiceError]

    def judge(self, row: Row) -> None:
        """Raise what the answer of the statement means."""
        judge(row, self.refusal)


def parameters(
    act: Act,
    audit: Audit,
    *,
    object_id: UUID,
    version: int,
    change: ChangeType,
    document: bytes | None,
    found: Iterable[Found] = (),
) -> dict[str, Any]:
    """The parameters of every statement that writes a version.

    `change` is of the operation; the caller's own change type, checked before, goes before it.
    """
    state = Lifecycle.DELETED if document is None else audit.lifecycle or Lifecycle.COMPLETE
    return {
        **act_parameters(act, audit, audit.change or change, found),
        "object_id": object_id,
        "version": version,
        "row_key": secrets.randbits(63),
        "lifecycle_state": int(state),
        "document": document,
    }


def act_parameters(
    act: Act, audit: Audit, change: ChangeType, found: Iterable[Found] = ()
) -> dict[str, Any]:
    """The parameters of a contribution and of its line in the commit log."""
    return {
        "ehr_id": act.ehr_id,
        "contribution_id": act.contribution_id,
        "time_committed": act.time,
        "change_type": int(change),
        "audit": Jsonb(audit.details),
        "key_id": audit.key_id,
        "door": audit.door,
        "findings": sorted({one.finding.kind for one in (*found, *audit.found)}),
    }


def untyped(
    act: Act,
    content: rm.Folder | rm.EhrStatus,
    before: Before,
    found: Sequence[Found],
    settings: Settings,
    *,
    change: ChangeType,
    audit: Audit,
    sealed: Sealed | None = None,
) -> tuple[Written, dict[str, Any], tuple[Children, ...]]:
    """The version after `before` of what has no typed rows; `before` is of number 0 for a first.

    What comes to be, the parameters that write it, and the tables its findings go to.
    """
    version = before.version + 1
    uid = version_uid(before.object_id, settings, version)
    content.uid = rm.ObjectVersionId(value=uid)
    text = encode(content)
    values = parameters(
        act, audit, object_id=before.object_id, version=version, change=change,
        document=documents.pack(text), found=found,
    )  # fmt: skip
    children, rows = finding_children(found, sealed)
    return Written(uid, before.object_id, version, text), values | rows, children


def finding_rows(found: Iterable[Found]) -> list[dict[str, object]]:
    """The rows of FINDINGS."""
    return [{"number": number, **one.place()} for number, one in enumerate(found)]


def finding_children(
    found: Sequence[Found], sealed: Sealed | None = None
) -> tuple[tuple[Children, ...], dict[str, str]]:
    """Where the findings of a version without typed rows go, and their parameters."""
    children, rows = screen_children(found, sealed)
    return tuple(children), arrays(rows)


def screen_children(
    found: Sequence[Found], sealed: Sealed | None
) -> tuple[list[Children], list[list[dict[str, object]]]]:
    """What the screen leaves beside a version: findings, a box, and a mark to come back to it."""
    children: list[Children] = []
    rows: list[list[dict[str, object]]] = []
    if found:
        children.append(FINDINGS)
        rows.append(finding_rows(found))
    if any(one.finding.kind == UNSCREENED for one in found):
        children.append(LATER)
        rows.append([{"number": 0}])
    if sealed is not None:
        box = base64.b64encode(sealed.box).decode()
        children.append(SEALED)
        rows.append([{"number": 0, "seal_id": str(sealed.seal_id), "box": box}])
    return children, rows


def arrays(rows: Iterable[list[dict[str, Any]]]) -> dict[str, str]:
    """The JSON arrays that Children are filled from, by parameter."""
    return {f"rows_{n}": msgspec.json.encode(one).decode() for n, one in enumerate(rows)}


def commit(act: Act, change: Change, audit: Audit) -> Commit:
    """The commit of one version alone; its result is a Written."""
    made = change.written
    places = (str(act.contribution_id), version_place(made.object_id, made.version))
    beside = kept(act.ehr_id, audit.sealed, *places)

    def judge_all(rows: Sequence[Row]) -> None:
        change.judge(rows[0])

    return Commit(act.ehr_id, (change.step, *beside), judge_all, landed(act), made)


def judge(row: Row, refusal: Callable[[], ServiceError]) -> None:
    """Raise what the answer of a statement of `moiety.change_control.statements` means."""
    owners, changeable, done = row or (0, 0, 0)
    if not owners:
        raise NotFound("There is no EHR of this id.")
    if not changeable:
        raise Conflict("The EHR's status does not allow modification.")
    if not done:
        raise refusal()


def landed(act: Act) -> Step:
    """Whether an act is in the database, for a COMMIT whose outcome was not heard."""
    return Step(_LANDED, {"ehr_id": act.ehr_id, "contribution_id": act.contribution_id})


_LANDED = (
    "SELECT 1 FROM contribution WHERE ehr_id = %(ehr_id)s AND contribution_id = %(contribution_id)s"
)


def given_object_id(uid: rm.UidBasedId | None) -> UUID | None:
    """The object id that the client chose, if it chose one.  Raises Malformed if it is no UUID."""
    if uid is None:
        return None
    try:
        return UUID(str(uid.value).split("::", maxsplit=1)[0])
    except ValueError:
        raise Malformed(
            "What is committed bears a uid that is no UUID.",
            findings=[{"path": "/uid/value", "rule": "format", "expected": "a UUID"}],
        ) from None


def demand_own_uid(uid: rm.UidBasedId | None, latest: UUID, version: int, system_id: str) -> None:
    """A new version bears the uid of its own object, or none.  Raises VersionConflict."""
    if given_object_id(uid) not in (None, latest):
        raise VersionConflict(
            "What is committed bears the uid of something else.",
            headers={"ETag": f'"{latest}::{system_id}::{version}"'},
        )


def refuse(name: str, findings: Sequence[Finding]) -> None:
    """Raise Malformed for what the model demands and is missing, Unprocessable for the rest."""
    if not findings:
        return
    told = [
        {"path": f.path, "rule": f.rule, "expected": f.expected, "found": f.found} for f in findings
    ]
    if any(f.structural or f.rule == "required" for f in findings):
        raise Malformed(f"The {name} is not complete: see `validationErrors`.", findings=told)
    raise Unprocessable(f"The {name} breaks the model's rules.", findings=told)


def version_uid(object_id: UUID, settings: Settings, version: int) -> str:
    """OBJECT_VERSION_ID of a version of this system."""
    return f"{object_id}::{settings.system_id}::{version}"
