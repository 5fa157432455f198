"""Extracts of records, requests for them, and messages (RM 1.1.0, ehr_extract)."""

from typing import ClassVar, TypeAlias

from moiety.openehr.rm.base import Any, Integer
from moiety.openehr.rm.composition import Composition, ContentItem
from moiety.openehr.rm.data_types import (
    CodePhrase,
    DvCodedText,
    DvDateTime,
    DvDuration,
    DvInterval,
    DvParsable,
    Text,
)
from moiety.openehr.rm.demographic import PartyRecord
from moiety.openehr.rm.ehr import EhrAccess, EhrStatus, Folder, ImportedVersion, OriginalVersion
from moiety.openehr.rm.generic import AnyAudit, AnyParty, RevisionHistory
from moiety.openehr.rm.structures import Item, ItemStructure, Locatable
from moiety.openehr.rm.support import AnyObjectRef, HierObjectId

AnyVersion: TypeAlias = OriginalVersion | ImportedVersion

# --- what is asked for


class ExtractEntityManifest(Any):
    required: ClassVar[tuple[str, ...]] = ("extract_id_key",)
    extract_id_key: str | None = None
    ehr_id: str | None = None
    subject_id: str | None = None
    other_ids: list[str] | None = None
    item_list: list[AnyObjectRef] | None = None


class ExtractManifest(Any):
    entities: list[ExtractEntityManifest] | None = None


class ExtractVersionSpec(Any):
    required: ClassVar[tuple[str, ...]] = (
        "include_all_versions",
        "include_revision_history",
        "include_data",
    )
    include_all_versions: bool | None = None
    commit_time_interval: DvInterval | None = None
    include_revision_history: bool | None = None
    include_data: bool | None = None


class ExtractSpec(Any):
    required: ClassVar[tuple[str, ...]] = (
        "extract_type",
        "include_multimedia",
        "priority",
        "link_depth",
        "manifest",
    )
    extract_type: DvCodedText | None = None
    include_multimedia: bool | None = None
    priority: Integer | None = None
    link_depth: Integer | None = None
    criteria: list[DvParsable] | None = None
    manifest: ExtractManifest | None = None
    version_spec: ExtractVersionSpec | None = None
    other_details: ItemStructure | None = None


class ExtractUpdateSpec(Any):
    required: ClassVar[tuple[str, ...]] = ("persist_in_server", "update_method")
    persist_in_server: bool | None = None
    trigger_events: list[DvCodedText] | None = None
    repeat_period: DvDuration | None = None
    update_method: CodePhrase | None = None


class ExtractRequest(Locatable):
    required: ClassVar[tuple[str, ...]] = ("uid", "extract_spec")
    extract_spec: ExtractSpec | None = None
    update_spec: ExtractUpdateSpec | None = None


class ExtractActionRequest(Locatable):
    required: ClassVar[tuple[str, ...]] = ("uid", "request_id", "action")
    request_id: AnyObjectRef | None = None
    action: DvCodedText | None = None


class ExtractParticipation(Any):
    required: ClassVar[tuple[str, ...]] = ("performer", "function")
    performer: str | None = None
    function: Text | None = None
    mode: DvCodedText | None = None
    time: DvInterval | None = None


# --- what is sent


class XVersionedObject(Any):
    """X_VERSIONED_OBJECT<T>: a versioned object with the versions that the extract holds."""

    required: ClassVar[tuple[str, ...]] = (
        "uid",
        "owner_id",
        "time_created",
        "total_version_count",
        "extract_version_count",
    )
    uid: HierObjectId | None = None
    owner_id: AnyObjectRef | None = None
    time_created: DvDateTime | None = None
    total_version_count: Integer | None = None
    extract_version_count: Integer | None = None
    revision_history: RevisionHistory | None = None
    versions: list[OriginalVersion] | None = None


class XVersionedEhrAccess(XVersionedObject): ...


class XVersionedEhrStatus(XVersionedObject): ...


class XVersionedComposition(XVersionedObject): ...


class XVersionedFolder(XVersionedObject): ...


class XVersionedParty(XVersionedObject): ...


AnyXVersioned: TypeAlias = (
    XVersionedObject
    | XVersionedEhrAccess
    | XVersionedEhrStatus
    | XVersionedComposition
    | XVersionedFolder
    | XVersionedParty
)


class ExtractContentItem(Locatable):
    """EXTRACT_CONTENT_ITEM (abstract)."""

    required: ClassVar[tuple[str, ...]] = ("is_primary",)
    is_primary: bool | None = None
    is_changed: bool | None = None
    is_masked: bool | None = None


class OpenehrContentItem(ExtractContentItem):
    item: AnyXVersioned | None = None


class GenericContentItem(ExtractContentItem):
    """Content by another standard's model. `item` may be any archetyped object."""

    item_type: DvCodedText | None = None
    item_type_version: str | None = None
    author: str | None = None
    creation_time: str | None = None
    authoriser: str | None = None
    authorisation_time: str | None = None
    item_status: DvCodedText | None = None
    version_id: str | None = None
    version_set_id: str | None = None
    system_id: str | None = None
    other_details: dict[str, str] | None = None
    item: (
        Composition
        | ContentItem
        | EhrStatus
        | EhrAccess
        | Folder
        | PartyRecord
        | ItemStructure
        | Item
        | None
    ) = None


class ExtractFolder(Locatable):
    items: "list[ExtractItem] | None" = None


ExtractItem: TypeAlias = ExtractFolder | OpenehrContentItem | GenericContentItem


class ExtractChapter(Locatable):
    items: list[ExtractItem] | None = None


class ExtractEntityChapter(ExtractChapter):
    required: ClassVar[tuple[str, ...]] = ("extract_id_key",)
    extract_id_key: str | None = None


class Extract(Locatable):
    required: ClassVar[tuple[str, ...]] = ("time_created", "system_id", "sequence_nr")
    request_id: HierObjectId | None = None
    time_created: DvDateTime | None = None
    system_id: HierObjectId | None = None
    sequence_nr: Integer | None = None
    specification: ExtractSpec | None = None
    chapters: list[ExtractChapter | ExtractEntityChapter] | None = None
    participations: list[ExtractParticipation] | None = None


# --- synchronising two systems, and the messages around it


class SyncExtractSpec(Any):
    required: ClassVar[tuple[str, ...]] = ("includes_versions",)
    includes_versions: bool | None = None
    contribution_list: list[HierObjectId] | None = None
    contributions_since: DvDateTime | None = None
    all_contributions: bool | None = None


class XContribution(Any):
    required: ClassVar[tuple[str, ...]] = ("uid", "audit")
    uid: HierObjectId | None = None
    audit: AnyAudit | None = None
    versions: list[AnyVersion] | None = None


class MessageContent(Locatable):
    """MESSAGE_CONTENT (abstract)."""


class SyncExtractRequest(MessageContent):
    required: ClassVar[tuple[str, ...]] = ("specification",)
    specification: SyncExtractSpec | None = None


class SyncExtract(MessageContent):
    required: ClassVar[tuple[str, ...]] = ("specification",)
    specification: SyncExtractSpec | None = None
    items: list[XContribution] | None = None


class Message(Any):
    required: ClassVar[tuple[str, ...]] = ("author", "audit", "content")
    author: AnyParty | None = None
    audit: AnyAudit | None = None
    content: SyncExtractRequest | SyncExtract | None = None
    signature: str | None = None


class AddressedMessage(Any):
    required: ClassVar[tuple[str, ...]] = ("sender", "sender_reference")
    sender: str | None = None
    sender_reference: str | None = None
    addressees: list[str] | None = None
    urgency: Integer | None = None
    message: Message | None = None
