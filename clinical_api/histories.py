"""Versions and their histories, read whole: content, signatures, attestations, contributions."""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from clinical_api import documents, tables
from clinical_api.own_words import Sealed, attestation_place, original_place, version_place
from clinical_api.settings import Settings
from moiety.change_control import records, versions
from moiety.change_control.codes import ChangeType
from moiety.change_control.records import Beside
from moiety.change_control.tables import Versioned
from moiety.change_control.versions import Version
from moiety.kit.errors import NotFound
from moiety.kit.reads import Reads
from moiety.openehr import rm
from moiety.openehr.canonical import convert, decode

Trees = Mapping[str, dict[str, Any]]
"""What is said beside documents, by its place (`audit_words`), as objects that may be changed."""
Whole = Callable[[Trees], Awaitable[None]]
"""Puts sealed words back into trees, for a reader of care."""
CLASSES: dict[str, type[rm.Composition | rm.EhrStatus | rm.Folder]] = {
    "composition": rm.Composition,
    "ehr_status": rm.EhrStatus,
    "folder": rm.Folder,
}
"""What stands in the documents of a kind, by its head table."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands beside a version besides its audit: its detail, original and attestations."""

    detail: Mapping[str, Any] = field(repr=False)
    original: Trees = field(repr=False)
    attestations: Trees = field(repr=False)

    @property
    def trees(self) -> Trees:
        """What of it words may be put back into."""
        return {**self.original, **self.attestations}


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


def record(
    kind: Versioned, version: Version, kept: Kept, settings: Settings
) -> rm.OriginalVersion | rm.ImportedVersion:
    """VERSION with its content, or without where it records a deletion."""
    data = None
    if version.document is not None:
        data = decode(documents.unpack(version.document), CLASSES[kind.head.name])
    beside = Beside(
        signature=kept.detail.get("signature"),
        other_inputs=kept.detail.get("other_inputs", ()),
        original=next(iter(kept.original.values()), None),
        attestations=_as_attestations(kept.attestations),
    )
    return records.version_of(version, data, system_id=settings.system_id, beside=beside)


async def revision_history(
    reads: Reads,
    kind: Versioned,
    ehr_id: UUID,
    object_id: UUID,
    settings: Settings,
    *,
    whole: Whole,
) -> rm.RevisionHistory:
    """REVISION_HISTORY of an object; `whole` is what its audits are shown through.

    Raises NotFound.
    """
    found = await _history(reads, kind, ehr_id, object_id)
    audits = {version_place(object_id, one.version): thawed(one.audit) for one in found}
    attested: dict[int, dict[str, dict[str, Any]]] = {}
    for number, place, tree in await _attestations(reads, ehr_id, object_id):
        attested.setdefault(number, {})[place] = tree
    await whole(
        audits | {place: tree for some in attested.values() for place, tree in some.items()}
    )
    return records.revision_history(
        [replace(one, audit=audits[version_place(object_id, one.version)]) for one in found],
        system_id=settings.system_id,
        attestations={number: _as_attestations(some) for number, some in attested.items()},
    )


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
    audit = thawed(kept)
    await whole({str(contribution_id): audit})
    found = await reads.ask(_CONTRIBUTED, (ehr_id, contribution_id))
    uids = [
        (f"{object_id}::{settings.system_id}::{number}", name) for name, object_id, number in found
    ]
    details = records.audit_details(audit, ChangeType(change), time)
    return records.contribution(contribution_id, details, uids)


async def beside(reads: Reads, ehr_id: UUID, version: Version) -> Kept:
    """What stands beside a version."""
    key = (ehr_id, version.object_id, version.version)
    rows = await reads.ask(_DETAIL, key)
    detail = rows[0][0] if rows else {}
    original = detail.get("original")
    place = original_place(version.object_id, version.version)
    attested = await _attestations(reads, ehr_id, version.object_id)
    return Kept(
        detail,
        {} if original is None else {place: thawed(original)},
        {place: tree for number, place, tree in attested if number == version.version},
    )


def thawed(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that words may be put back into."""
    copied: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(tree))
    return copied


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


async def _attestations(
    reads: Reads, ehr_id: UUID, object_id: UUID
) -> list[tuple[int, str, dict[str, Any]]]:
    """Of each attestation the number of its version, its place, and what it says."""
    rows = await reads.ask(_ATTESTATIONS, (ehr_id, object_id))
    return [
        (
            number,
            attestation_place(object_id, number, own_id),
            msgspec.json.decode(documents.unpack(packed)),
        )
        for number, own_id, packed in rows
    ]


def _as_attestations(trees: Trees) -> list[rm.Attestation]:
    return [convert(tree, rm.Attestation) for tree in trees.values()]


_DETAIL = b"SELECT detail FROM version_detail WHERE ehr_id = $1 AND object_id = $2 AND version = $3"
_ATTESTATIONS = (
    b"SELECT version, attestation_id, attestation FROM attestation"
    b" WHERE ehr_id = $1 AND object_id = $2 ORDER BY time_committed, number"
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
