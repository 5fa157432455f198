"""What can be named and archetyped, and the shapes of clinical data
(RM 1.1.0, common.archetyped and data_structures).
"""

from typing import ClassVar, TypeAlias

from moiety.openehr.rm.base import Any, Integer
from moiety.openehr.rm.data_types import (
    AnyDataValue,
    DvCodedText,
    DvDateTime,
    DvDuration,
    DvIdentifier,
    Encapsulated,
    Text,
)
from moiety.openehr.rm.generic import AnyParty, Archetyped, IdentifiedParty, Link
from moiety.openehr.rm.support import UidBasedId


class FeederAuditDetails(Any):
    required: ClassVar[tuple[str, ...]] = ("system_id",)
    system_id: str | None = None
    location: IdentifiedParty | None = None
    provider: IdentifiedParty | None = None
    subject: AnyParty | None = None
    time: DvDateTime | None = None
    version_id: str | None = None
    other_details: "ItemStructure | None" = None


class FeederAudit(Any):
    required: ClassVar[tuple[str, ...]] = ("originating_system_audit",)
    originating_system_item_ids: list[DvIdentifier] | None = None
    feeder_system_item_ids: list[DvIdentifier] | None = None
    original_content: Encapsulated | None = None
    originating_system_audit: FeederAuditDetails | None = None
    feeder_system_audit: FeederAuditDetails | None = None


class Locatable(Any):
    """LOCATABLE (abstract)."""

    required: ClassVar[tuple[str, ...]] = ("name", "archetype_node_id")
    name: Text | None = None
    archetype_node_id: str | None = None
    uid: UidBasedId | None = None
    links: list[Link] | None = None
    archetype_details: Archetyped | None = None
    feeder_audit: FeederAudit | None = None


class Element(Locatable):
    null_flavour: DvCodedText | None = None
    value: AnyDataValue | None = None
    null_reason: Text | None = None


class Cluster(Locatable):
    required: ClassVar[tuple[str, ...]] = ("items",)
    items: "list[Item] | None" = None


Item: TypeAlias = Cluster | Element


class ItemSingle(Locatable):
    required: ClassVar[tuple[str, ...]] = ("item",)
    item: Element | None = None


class ItemList(Locatable):
    items: list[Element] | None = None


class ItemTable(Locatable):
    rows: list[Cluster] | None = None


class ItemTree(Locatable):
    items: list[Item] | None = None


ItemStructure: TypeAlias = ItemTree | ItemList | ItemSingle | ItemTable


class Event(Locatable):
    """EVENT (abstract)."""

    required: ClassVar[tuple[str, ...]] = ("time", "data")
    time: DvDateTime | None = None
    state: ItemStructure | None = None
    data: ItemStructure | None = None


class PointEvent(Event): ...


class IntervalEvent(Event):
    required: ClassVar[tuple[str, ...]] = ("width", "math_function")
    width: DvDuration | None = None
    sample_count: Integer | None = None
    math_function: DvCodedText | None = None


class History(Locatable):
    required: ClassVar[tuple[str, ...]] = ("origin",)
    origin: DvDateTime | None = None
    period: DvDuration | None = None
    duration: DvDuration | None = None
    summary: ItemStructure | None = None
    events: list[PointEvent | IntervalEvent] | None = None
