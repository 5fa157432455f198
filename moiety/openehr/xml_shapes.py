"""How the XML schemas write each class (ITS-XML, RM 1.1.0): order, names and kinds of elements.

Derived from the structs, but for what the schemas write otherwise: the order of some
elements, a few names, and the node id, which is an XML attribute.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from moiety.openehr import rm
from moiety.openehr.rm_types import attribute_classes

Kind: TypeAlias = Literal["object", "text", "integer", "real", "boolean", "entries"]

NODE_ID = "archetype_node_id"

_ORDER: dict[type[rm.Any], str] = {
    rm.AuditDetails: "system_id committer time_committed change_type description",
    rm.Contribution: "uid versions audit",
    rm.DvOrdered: "normal_range other_reference_ranges normal_status",
    rm.DvMultimedia: "alternate_text uri data media_type compression_algorithm integrity_check"
    " integrity_check_algorithm size thumbnail",
    rm.Element: "value null_flavour null_reason",
    rm.EventContext: "start_time end_time location setting other_context health_care_facility"
    " participations",
    rm.Folder: "folders items details",
    rm.History: "origin period duration events summary",
    rm.Event: "time data state",
    rm.ImportedVersion: "contribution commit_audit signature item",
    rm.OriginalVersion: "contribution commit_audit signature uid data preceding_version_uid"
    " other_input_version_uids attestations lifecycle_state",
    rm.ObjectRef: "id namespace type",
    rm.Participation: "function performer time mode",
    rm.Party: "identities contacts relationships reverse_relationships details",
    rm.Actor: "roles languages",
    rm.Role: "capabilities time_validity performer",
    rm.PartyRelationship: "details time_validity source target",
    rm.Ehr: "system_id ehr_id time_created contributions ehr_access ehr_status directory folders"
    " compositions",
    rm.Extract: "request_id time_created system_id participations sequence_nr chapters"
    " specification",
    rm.ExtractSpec: "extract_type include_multimedia link_depth criteria other_details"
    " version_spec manifest priority",
    rm.ExtractUpdateSpec: "persist_in_server repeat_period trigger_events update_method",
    rm.ExtractParticipation: "time function mode performer",
}
"""A class's own attributes in the order of the schema, where the struct has another."""

_RENAMED = {
    (rm.ExtractSpec, "include_multimedia"): "includes_multimedia",
    (rm.ExtractVersionSpec, "include_revision_history"): "includes_revision_history",
    (rm.ExtractVersionSpec, "include_data"): "includes_data",
}

_DECLARED = (
    rm.DvText,
    rm.DvUri,
    rm.PartyIdentified,
    rm.AuditDetails,
    rm.ExtractChapter,
    rm.XVersionedObject,
)
"""Concrete classes with subclasses: where one is declared, an element without xsi:type is it."""


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute as XML has it. `classes` may stand there; `declared` needs no xsi:type."""

    name: str
    tag: str
    kind: Kind
    many: bool
    classes: tuple[type[rm.Any], ...]
    declared: type[rm.Any] | None


@cache
def fields_of(rm_class: type[rm.Any]) -> tuple[Field, ...]:
    """The elements of a class in the order of the schema; the node id is not among them."""
    hints = get_type_hints(rm_class)
    return tuple(_field(rm_class, name, hints[name]) for name in _names(rm_class))


@cache
def fields_by_tag(rm_class: type[rm.Any]) -> dict[str, Field]:
    """The attributes of a class by the names of their elements."""
    return {field.tag: field for field in fields_of(rm_class)}


def _names(rm_class: type[rm.Any]) -> list[str]:
    known = rm_class.__struct_fields__
    found: dict[str, None] = {}
    for ancestor in reversed(rm_class.__mro__):
        own = _ORDER.get(ancestor, "").split() or vars(ancestor).get("__annotations__", {})
        found.update(dict.fromkeys(name for name in own if name in known))
    found.pop(NODE_ID, None)
    return list(found)


def _field(rm_class: type[rm.Any], name: str, hint: Any) -> Field:
    classes = attribute_classes(rm_class, name)
    parts = [part for part in get_args(hint) if part is not type(None)] or [hint]
    many = get_origin(parts[0]) is list
    inner = get_args(parts[0])[0] if many else parts[0]
    return Field(
        name=name,
        tag=_RENAMED.get((rm_class, name), name),
        kind="object" if classes else _plain_kind(inner),
        many=many,
        classes=classes,
        declared=_declared(classes),
    )


def _plain_kind(hint: Any) -> Kind:
    if get_origin(hint) is dict:
        return "entries"
    kinds: dict[Any, Kind] = {str: "text", bool: "boolean", int: "integer", float: "real"}
    return kinds[hint]


def _declared(classes: tuple[type[rm.Any], ...]) -> type[rm.Any] | None:
    if len(classes) == 1:
        return classes[0]
    if rm.DvQuantity in classes or rm.PartySelf in classes:  # declared abstract
        return None
    return next((found for found in _DECLARED if found in classes), None)
