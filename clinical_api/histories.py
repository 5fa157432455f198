"""Versions and their histories, read whole: content, signatures, attestations, contributions."""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from clinical_api import documents, tables
from clinical_api.own_words import Sealed
from clinical_api.settings import Settings
from moiety.change_control import records, versions
from moiety.change_control.codes import ChangeType
from moiety.change_control.records import Beside
from moiety.change_control.tables import Versioned
from moiety.change_control.versions import Version
from moiety.kit.errors import NotFound
from moiety.kit.reads import Reads
from moiety.openehr import rm
from moiety.openehr.canonical import decode

Whole = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
CLASSES: dict[str, type[rm.Composition | rm.EhrStatus | rm.Folder]] = {
    "composition": rm.Composition,
    "ehr_status": rm.EhrStatus,
    "folder": rm.Folder,
}
"""What stands in the documents of a kind, by its head table."""


async def find(
    reads: Reads,
    kind: Versioned,
    ehr_id: UUID,
    object_id: UUID | None = None,
    *,
    at: datetime | None = None,
) -> Version:
    """The version that was the latest `at` a time (now, without); it may be a deletion.

    Raises NotFound before the first.
    """
    if at is None:
        found = await versions.latest(reads, kind, ehr_id, object_id)
    else:
        found = await versions.at_time(reads, kind, ehr_id, at, object_id)
    if found is None:
        raise NotFound(f"There is no {kind.head.name} of this id or at this time in this EHR.")
    return found


async def get(
    reads: Reads, kind: Versioned, ehr_id: UUID, object_id: UUID, version: int
) -> Version:
    """The version of a number.  Raises NotFound."""
    found = await versions.numbered(reads, kind, ehr_id, object_id, version)
    if found is None:
        raise NotFound(f"There is no version of this number of this {kind.head.name}.")
    return found


async def record(
    reads: Reads, kind: Versioned, ehr_id: UUID, version: Version, settings: Settings
) -> rm.OriginalVersion | rm.ImportedVersion:
    """VERSION with its content, or without where it records a deletion."""
    data = None
    if version.document is not None:
        data = decode(documents.unpack(version.document), CLASSES[kind.head.name])
    beside = await _beside(reads, ehr_id, version)
    return records.version_of(version, data, system_id=settings.system_id, beside=beside)


async def revision_history(
    reads: Reads, kind: Versioned, ehr_id: UUID, object_id: UUID, settings: Settings
) -> rm.RevisionHistory:
    """REVISION_HISTORY of an object.  Raises NotFound."""
    found = await _history(reads, kind, ehr_id, object_id)
    attested: dict[int, list[rm.Attestation]] = {}
    for number, attestation in await _attestations(reads, ehr_id, object_id):
        attested.setdefault(number, []).append(attestation)
    return records.revision_history(found, system_id=settings.system_id, attestations=attested)


async def versioned_object(
    reads: Reads,
    kind: Versioned,
    ehr_id: UUID,
    object_id: UUID,
    rm_class: type[rm.VersionedObject],
) -> rm.VersionedObject:
    """VERSIONED_OBJECT of the class `rm_class`.  Raises NotFound."""
    found = await _history(reads, kind, ehr_id, object_id)
    return records.versioned_object(rm_class, object_id, ehr_id, found[0].time_committed)


async def contribution(
    reads: Reads, ehr_id: UUID, contribution_id: UUID, settings: Settings, *, whole: Whole
) -> rm.Contribution:
    """CONTRIBUTION with references to its versions; `whole` is what its audit is shown through.

    Raises NotFound.
    """
    rows = await reads.ask(_CONTRIBUTION, (ehr_id, contribution_id))
    if not rows:
        raise NotFound("There is no contribution of this id in this EHR.")
    time, change, kept = rows[0]
    audit = await whole(kept)
    found = await reads.ask(_CONTRIBUTED, (ehr_id, contribution_id))
    uids = [
        (f"{object_id}::{settings.system_id}::{number}", name) for name, object_id, number in found
    ]
    details = records.audit_details(audit, ChangeType(change), time)
    return records.contribution(contribution_id, details, uids)


async def sealed_of(
    reads: Reads, kind: Versioned, ehr_id: UUID, object_id: UUID, version: int
) -> list[Sealed]:
    """What was sealed out of one version."""
    rows = await reads.ask(_SEALED[kind.head.name], (ehr_id, object_id, version))
    return [Sealed(UUID(seal_id), base64.b64decode(box)) for seal_id, box in rows]


_SEALED = {
    kind.head.name: f"""
SELECT s.seal_id, s.box FROM sealed_words s JOIN (
  SELECT ehr_id, row_key FROM {kind.head.name}
    WHERE ehr_id = $1 AND object_id = $2 AND version = $3
  UNION ALL SELECT ehr_id, row_key FROM {kind.history.name}
    WHERE ehr_id = $1 AND object_id = $2 AND version = $3
) v USING (ehr_id, row_key) ORDER BY s.number
""".encode()
    for kind in tables.KINDS.values()
}


async def _history(
    reads: Reads, kind: Versioned, ehr_id: UUID, object_id: UUID
) -> Sequence[Version]:
    found = await versions.history(reads, kind, ehr_id, object_id)
    if not found:
        raise NotFound(f"There is no {kind.head.name} of this id in this EHR.")
    return found


async def _beside(reads: Reads, ehr_id: UUID, version: Version) -> Beside:
    rows = await reads.ask(_DETAIL, (ehr_id, version.object_id, version.version))
    attested = [
        attestation
        for number, attestation in await _attestations(reads, ehr_id, version.object_id)
        if number == version.version
    ]
    detail = rows[0][0] if rows else {}
    return Beside(
        signature=detail.get("signature"),
        other_inputs=detail.get("other_inputs", ()),
        original=detail.get("original"),
        attestations=attested,
    )


async def _attestations(
    reads: Reads, ehr_id: UUID, object_id: UUID
) -> list[tuple[int, rm.Attestation]]:
    rows = await reads.ask(_ATTESTATIONS, (ehr_id, object_id))
    return [(number, decode(documents.unpack(packed), rm.Attestation)) for number, packed in rows]


_DETAIL = b"SELECT detail FROM version_detail WHERE ehr_id = $1 AND object_id = $2 AND version = $3"
_ATTESTATIONS = (
    b"SELECT version, attestation FROM attestation WHERE ehr_id = $1 AND object_id = $2"
    b" ORDER BY time_committed, number"
)
_CONTRIBUTION = (
    b"SELECT time_committed, change_type, audit FROM contribution"
    b" WHERE ehr_id = $1 AND contribution_id = $2"
)
_OF = " WHERE ehr_id = $1 AND contribution_id = $2"
_CONTRIBUTED = " UNION ".join(
    [
        f"SELECT '{name}', object_id, version FROM {table.name}{_OF}"
        for name, kind in tables.KINDS.items()
        for table in (kind.head, kind.history)
    ]
    # An attestation contributes to a version that another contribution brought.
    + [
        f"SELECT '{name}', a.object_id, a.version FROM attestation a JOIN {table.name} v"
        f" USING (ehr_id, object_id, version)"
        f" WHERE a.ehr_id = $1 AND a.contribution_id = $2"
        for name, kind in tables.KINDS.items()
        for table in (kind.head, kind.history)
    ]
).encode()
