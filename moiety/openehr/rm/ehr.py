"""The status and directory of an EHR, and what change control keeps
(RM 1.1.0, ehr; common.directory; common.change_control).
"""

from typing import ClassVar, TypeAlias

from moiety.openehr.rm.base import Any
from moiety.openehr.rm.composition import Composition
from moiety.openehr.rm.data_types import DvCodedText, DvDateTime
from moiety.openehr.rm.generic import AnyAudit, Attestation, PartySelf
from moiety.openehr.rm.structures import ItemStructure, Locatable
from moiety.openehr.rm.support import AnyObjectRef, HierObjectId, ObjectVersionId


class EhrStatus(Locatable):
    required: ClassVar[tuple[str, ...]] = ("subject", "is_queryable", "is_modifiable")
    subject: PartySelf | None = None
    is_queryable: bool | None = None
    is_modifiable: bool | None = None
    other_details: ItemStructure | None = None


class Folder(Locatable):
    items: list[AnyObjectRef] | None = None
    folders: "list[Folder] | None" = None
    details: ItemStructure | None = None


Versioned: TypeAlias = Composition | EhrStatus | Folder


class OriginalVersion(Any):
    """ORIGINAL_VERSION<T> of what an EHR keeps under change control."""

    required: ClassVar[tuple[str, ...]] = (
        "uid",
        "contribution",
        "commit_audit",
        "lifecycle_state",
    )
    contribution: AnyObjectRef | None = None
    signature: str | None = None
    commit_audit: AnyAudit | None = None
    uid: ObjectVersionId | None = None
    preceding_version_uid: ObjectVersionId | None = None
    other_input_version_uids: list[ObjectVersionId] | None = None
    attestations: list[Attestation] | None = None
    lifecycle_state: DvCodedText | None = None
    data: Versioned | None = None


class ImportedVersion(Any):
    required: ClassVar[tuple[str, ...]] = ("contribution", "commit_audit", "item")
    contribution: AnyObjectRef | None = None
    signature: str | None = None
    commit_audit: AnyAudit | None = None
    item: OriginalVersion | None = None


class Contribution(Any):
    required: ClassVar[tuple[str, ...]] = ("uid", "audit", "versions")
    uid: HierObjectId | None = None
    audit: AnyAudit | None = None
    versions: list[AnyObjectRef] | None = None


class VersionedObject(Any):
    """VERSIONED_OBJECT<T>, as the REST interface shows it."""

    required: ClassVar[tuple[str, ...]] = ("uid", "owner_id", "time_created")
    uid: HierObjectId | None = None
    owner_id: AnyObjectRef | None = None
    time_created: DvDateTime | None = None


class VersionedComposition(VersionedObject): ...


class VersionedEhrStatus(VersionedObject): ...


class VersionedFolder(VersionedObject): ...
