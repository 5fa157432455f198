"""The status and directory of an EHR, and what change control keeps
(RM 1.1.0, ehr; common.directory; common.change_control).
"""

from typing import ClassVar, TypeAlias

from moiety.openehr.rm.base import Any
from moiety.openehr.rm.composition import Composition
from moiety.openehr.rm.data_types import DvCodedText, DvDateTime
from moiety.openehr.rm.demographic import PartyRecord
from moiety.openehr.rm.generic import AnyAudit, Attestation, PartySelf
from moiety.openehr.rm.structures import ItemStructure, Locatable
from moiety.openehr.rm.support import AnyObjectRef, HierObjectId, ObjectVersionId


class EhrStatus(Locatable):
    required: ClassVar[tuple[str, ...]] = ("subject", "is_queryable", "is_modifiable")
    subject: PartySelf | None = None
    is_queryable: bool | None = None
    is_modifiable: bool | None = None
    other_details: ItemStructure | None = None


class AccessControlSettings(Any):
    """ACCESS_CONTROL_SETTINGS: the model leaves its content to implementations; it has none."""


class EhrAccess(Locatable):
    settings: AccessControlSettings | None = None


class Folder(Locatable):
    items: list[AnyObjectRef] | None = None
    folders: "list[Folder] | None" = None
    details: ItemStructure | None = None


Versioned: TypeAlias = Composition | EhrStatus | EhrAccess | Folder | PartyRecord


class OriginalVersion(Any):
    """ORIGINAL_VERSION<T> of what is kept under change control."""

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


class VersionedEhrAccess(VersionedObject): ...


class VersionedParty(VersionedObject): ...


class Ehr(Any):
    """EHR: the root of one record, by references to what it holds."""

    required: ClassVar[tuple[str, ...]] = (
        "system_id",
        "ehr_id",
        "contributions",
        "ehr_status",
        "ehr_access",
        "time_created",
    )
    system_id: HierObjectId | None = None
    ehr_id: HierObjectId | None = None
    contributions: list[AnyObjectRef] | None = None
    ehr_status: AnyObjectRef | None = None
    ehr_access: AnyObjectRef | None = None
    compositions: list[AnyObjectRef] | None = None
    directory: AnyObjectRef | None = None
    time_created: DvDateTime | None = None
    folders: list[AnyObjectRef] | None = None
