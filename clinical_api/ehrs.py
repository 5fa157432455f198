"""Open and read EHRs.

An EHR says nothing of its subject: EHR_STATUS.subject is a PARTY_SELF, which may carry a random
UUID in the one namespace that the deployment declares, and nothing else.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa
from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError

from clinical_api import documents, tables
from clinical_api.screen import is_random_uuid, screen
from clinical_api.settings import Settings
from moiety.change_control.codes import ChangeType, Lifecycle
from moiety.kit.errors import Conflict, Malformed, NotFound, Unprocessable
from moiety.openehr import rm
from moiety.openehr.canonical import decode, encode
from moiety.openehr.errors import RmError

MANDATORY = ("archetype_node_id", "name", "subject", "is_queryable", "is_modifiable")
STATUS_ARCHETYPE = "openEHR-EHR-EHR_STATUS.generic.v1"


@dataclass(frozen=True, slots=True)
class Ehr:
    """An EHR as the REST API shows it."""

    ehr_id: UUID
    system_id: str
    time_created: datetime
    status_uid: str

    def canonical(self) -> dict[str, Any]:
        """EHR in canonical JSON."""
        status = {"_type": "OBJECT_VERSION_ID", "value": self.status_uid}
        return {
            "_type": "EHR",
            "system_id": {"_type": "HIER_OBJECT_ID", "value": self.system_id},
            "ehr_id": {"_type": "HIER_OBJECT_ID", "value": str(self.ehr_id)},
            "ehr_status": {
                "_type": "OBJECT_REF",
                "id": status,
                "namespace": "local",
                "type": "EHR_STATUS",
            },
            "time_created": {"_type": "DV_DATE_TIME", "value": self.time_created.isoformat()},
        }


def open_ehr(
    connection: sa.Connection,
    settings: Settings,
    body: bytes,
    *,
    ehr_id: UUID,
    audit: dict[str, Any],
) -> Ehr:
    """Open an EHR with the EHR_STATUS of `body`, or a default one.

    Raises Malformed or Unprocessable for a status that may not be, Conflict for an id or a subject
    that has an EHR already.
    """
    status = _status(body)
    subject = _subject(status, settings.subject_namespace)
    found = screen(encode(status), settings)
    now = datetime.now(UTC)
    object_id, row_key = uuid4(), secrets.randbits(63)
    ehr = Ehr(ehr_id, settings.system_id, now, f"{object_id}::{settings.system_id}::1")
    status.uid = rm.ObjectVersionId(value=ehr.status_uid)
    _insert_ehr(
        connection, ehr, subject, pooled=settings.new_ehrs == "pooled",
        modifiable=status.is_modifiable is True,
    )  # fmt: skip
    change = {
        "ehr_id": ehr_id,
        "contribution_id": uuid4(),
        "time_committed": now,
        "change_type": ChangeType.CREATION,
        "audit": audit,
    }
    version = {
        "object_id": object_id,
        "version": 1,
        "row_key": row_key,
        "lifecycle_state": Lifecycle.COMPLETE,
        "document": documents.pack(encode(status)),
    }
    connection.execute(tables.contribution.insert().values(change))
    connection.execute(tables.ehr_status.head.insert().values(change | version))
    for number, one in enumerate(found):
        row = {"ehr_id": ehr_id, "row_key": row_key, "number": number, **one.place()}
        connection.execute(tables.screen_finding.insert().values(row))
    return ehr


def _insert_ehr(
    connection: sa.Connection,
    ehr: Ehr,
    subject: tuple[str | None, UUID | None],
    *,
    pooled: bool,
    modifiable: bool,
) -> None:
    row = {
        "ehr_id": ehr.ehr_id,
        "system_id": ehr.system_id,
        "time_created": ehr.time_created,
        "pooled": pooled,
        "modifiable": modifiable,
        "subject_namespace": subject[0],
        "subject_id": subject[1],
    }
    try:
        connection.execute(tables.ehr.insert().values(row))
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise Conflict("An EHR with this id or subject exists already.") from None
        raise


def check_chosen_id(text: str) -> UUID:
    """An EHR id that the caller made.  Raises Malformed unless it is a random UUID."""
    if not is_random_uuid(text):
        raise Malformed("An EHR id is a random UUID (version 4): any other might say whose it is.")
    return UUID(text)


def get_ehr(connection: sa.Connection, ehr_id: UUID) -> Ehr:
    """The EHR.  Raises NotFound."""
    e, s = tables.ehr, tables.ehr_status.head
    row = connection.execute(
        sa.select(e.c.system_id, e.c.time_created, s.c.object_id, s.c.version)
        .join_from(e, s, e.c.ehr_id == s.c.ehr_id)
        .where(e.c.ehr_id == ehr_id)
    ).one_or_none()
    if row is None:
        raise NotFound("There is no EHR of this id.")
    uid = f"{row.object_id}::{row.system_id}::{row.version}"
    return Ehr(ehr_id, row.system_id, row.time_created, uid)


def _status(body: bytes) -> rm.EhrStatus:
    if not body.strip():
        return rm.EhrStatus(
            archetype_node_id=STATUS_ARCHETYPE,
            name=rm.DvText(value="EHR Status"),
            subject=rm.PartySelf(),
            is_queryable=True,
            is_modifiable=True,
        )
    try:
        status = decode(body, rm.EhrStatus)
    except RmError as error:
        raise Malformed(
            "The EHR_STATUS is not well-formed.",
            findings=[{"path": error.path, "rule": "structure", "expected": error.reason}],
        ) from None
    given = msgspec.json.decode(body)
    missing = [
        {"path": f"/{name}", "rule": "existence", "expected": "1..1"}
        for name in ("_type", *MANDATORY)
        if given.get(name) is None
    ]
    if missing:
        raise Malformed("The EHR_STATUS is not complete.", findings=missing)
    return status


def _subject(status: rm.EhrStatus, namespace: str) -> tuple[str | None, UUID | None]:
    """The declared namespace and a random UUID, or nothing at all."""
    reference = status.subject.external_ref if status.subject else None
    if reference is None:
        return None, None
    path = "/subject/external_ref"
    if reference.namespace != namespace:
        raise _not_allowed(f"{path}/namespace", "the namespace that this deployment declares")
    text = getattr(reference.id, "value", None)
    if not is_random_uuid(text):
        raise _not_allowed(f"{path}/id/value", "a random UUID (version 4)")
    return reference.namespace, UUID(text)


def _not_allowed(path: str, expected: str) -> Unprocessable:
    return Unprocessable(
        "The subject of a record may not be identified here.",
        findings=[{"path": path, "rule": "subject identity", "expected": expected}],
    )
