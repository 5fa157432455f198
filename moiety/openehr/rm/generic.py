"""Parties, participations and audits (RM 1.1.0, common.generic; common.archetyped's leaves)."""

from typing import ClassVar, TypeAlias

from moiety.openehr.rm.base import Any
from moiety.openehr.rm.data_types import (
    DvCodedText,
    DvDateTime,
    DvEhrUri,
    DvIdentifier,
    DvInterval,
    DvMultimedia,
    Text,
)
from moiety.openehr.rm.support import ArchetypeId, ObjectVersionId, PartyRef, TemplateId


class PartyProxy(Any):
    """PARTY_PROXY (abstract)."""

    external_ref: PartyRef | None = None


class PartySelf(PartyProxy): ...


class PartyIdentified(PartyProxy):
    name: str | None = None
    identifiers: list[DvIdentifier] | None = None


class PartyRelated(PartyIdentified):
    required: ClassVar[tuple[str, ...]] = ("relationship",)
    relationship: DvCodedText | None = None


AnyParty: TypeAlias = PartySelf | PartyIdentified | PartyRelated
IdentifiedParty: TypeAlias = PartyIdentified | PartyRelated


class Participation(Any):
    required: ClassVar[tuple[str, ...]] = ("function", "performer")
    function: Text | None = None
    time: DvInterval | None = None
    mode: DvCodedText | None = None
    performer: AnyParty | None = None


class AuditDetails(Any):
    required: ClassVar[tuple[str, ...]] = (
        "system_id",
        "time_committed",
        "change_type",
        "committer",
    )
    system_id: str | None = None
    time_committed: DvDateTime | None = None
    change_type: DvCodedText | None = None
    description: Text | None = None
    committer: AnyParty | None = None


class Attestation(AuditDetails):
    required: ClassVar[tuple[str, ...]] = ("reason", "is_pending")
    attested_view: DvMultimedia | None = None
    proof: str | None = None
    items: list[DvEhrUri] | None = None
    reason: Text | None = None
    is_pending: bool | None = None


AnyAudit: TypeAlias = AuditDetails | Attestation


class RevisionHistoryItem(Any):
    required: ClassVar[tuple[str, ...]] = ("version_id", "audits")
    version_id: ObjectVersionId | None = None
    audits: list[AnyAudit] | None = None


class RevisionHistory(Any):
    required: ClassVar[tuple[str, ...]] = ("items",)
    items: list[RevisionHistoryItem] | None = None


class Archetyped(Any):
    required: ClassVar[tuple[str, ...]] = ("archetype_id", "rm_version")
    archetype_id: ArchetypeId | None = None
    template_id: TemplateId | None = None
    rm_version: str | None = None


class Link(Any):
    required: ClassVar[tuple[str, ...]] = ("meaning", "type", "target")
    meaning: Text | None = None
    type: Text | None = None
    target: DvEhrUri | None = None
