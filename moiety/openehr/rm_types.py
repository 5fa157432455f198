"""The reference model as templates speak of it: names of classes, abstract ones included, what
conforms to what, and which attributes there are (RM 1.1.0; AOM 1.4, C_OBJECT.rm_type_name).
"""

from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from moiety.openehr import rm

ABSTRACT: dict[str, tuple[type[rm.Any], ...]] = {
    "ANY": (rm.Any,),
    "PATHABLE": (rm.Locatable, rm.EventContext, rm.IsmTransition, rm.InstructionDetails),
    "LOCATABLE": (rm.Locatable,),
    "CONTENT_ITEM": (rm.Section, rm.Entry, rm.GenericEntry),
    "ENTRY": (rm.Entry,),
    "CARE_ENTRY": (rm.CareEntry,),
    "DATA_STRUCTURE": (rm.ItemTree, rm.ItemList, rm.ItemSingle, rm.ItemTable, rm.History),
    "ITEM_STRUCTURE": (rm.ItemTree, rm.ItemList, rm.ItemSingle, rm.ItemTable),
    "ITEM": (rm.Cluster, rm.Element),
    "EVENT": (rm.Event,),
    "DATA_VALUE": (rm.DataValue,),
    "DV_ORDERED": (rm.DvOrdered,),
    "DV_QUANTIFIED": (rm.DvQuantified,),
    "DV_AMOUNT": (rm.DvAmount,),
    "DV_ABSOLUTE_QUANTITY": (rm.DvTemporal,),
    "DV_TEMPORAL": (rm.DvTemporal,),
    "DV_ENCAPSULATED": (rm.DvEncapsulated,),
    "DV_TIME_SPECIFICATION": (rm.DvTimeSpecification,),
    "PARTY_PROXY": (rm.PartyProxy,),
    "OBJECT_ID": (rm.ObjectId,),
    "UID_BASED_ID": (rm.HierObjectId, rm.ObjectVersionId),
    "PARTY": (rm.Party,),
    "ACTOR": (rm.Actor,),
    "VERSION": (rm.OriginalVersion, rm.ImportedVersion),
    "EXTRACT_ITEM": (rm.ExtractFolder, rm.ExtractContentItem),
    "EXTRACT_CONTENT_ITEM": (rm.ExtractContentItem,),
    "MESSAGE_CONTENT": (rm.MessageContent,),
}
"""Abstract class → the structs whose descendants conform to it."""

PRIMITIVES = frozenset(
    {
        "STRING",
        "INTEGER",
        "INTEGER64",
        "REAL",
        "DOUBLE",
        "BOOLEAN",
        "DATE",
        "TIME",
        "DATE_TIME",
        "DURATION",
        "ISO8601_DATE",
        "ISO8601_TIME",
        "ISO8601_DATE_TIME",
        "ISO8601_DURATION",
        "CHARACTER",
        "URI",
        "OCTET",
    }
)

COMPUTED = frozenset(
    {
        ("EVENT", "offset"),
        ("POINT_EVENT", "offset"),
        ("INTERVAL_EVENT", "offset"),
        ("DV_PROPORTION", "is_integral"),
    }
)
"""Functions of the model that archetypes constrain as if they were attributes."""


def plain(rm_type: str) -> str:
    """A class name without its parameters: DV_INTERVAL<DV_COUNT> → DV_INTERVAL."""
    return rm_type.partition("<")[0]


def parameter(rm_type: str) -> str | None:
    """The first parameter of a generic class: DV_INTERVAL<DV_COUNT> → DV_COUNT."""
    inner = rm_type.partition("<")[2].rstrip(">")
    return inner or None


def is_class(rm_type: str) -> bool:
    """Whether the reference model has a class of this name, parameters included."""
    inner = parameter(rm_type)
    name = plain(rm_type)
    return (name in rm.CLASSES or name in ABSTRACT) and (inner is None or is_class(inner))


@cache
def conforming(rm_type: str) -> frozenset[type[rm.Any]]:
    """The concrete structs that may stand where a class is declared."""
    name = plain(rm_type)
    roots = ABSTRACT.get(name) or (rm.CLASSES[name],)
    concrete = rm.CLASSES.values()
    return frozenset(found for found in concrete if issubclass(found, roots))


@cache
def attribute_names(rm_type: str) -> frozenset[str]:
    """Every attribute that the class, or one that conforms to it, has."""
    if plain(rm_type) in PRIMITIVES:
        return frozenset()
    return frozenset(name for found in conforming(rm_type) for name in found.__struct_fields__)


@cache
def attribute_classes(rm_class: type[rm.Any], name: str) -> tuple[type[rm.Any], ...]:
    """The structs that may stand at an attribute; empty for plain values."""
    return _classes(get_type_hints(rm_class).get(name))


@cache
def is_many(rm_class: type[rm.Any], name: str) -> bool:
    """Whether an attribute holds a list."""
    hint = get_type_hints(rm_class)[name]
    return any(get_origin(part) is list for part in get_args(hint))


def _classes(hint: Any) -> tuple[type[rm.Any], ...]:
    if isinstance(hint, type) and issubclass(hint, rm.Any):
        return (hint,)
    return tuple(found for part in get_args(hint) for found in _classes(part))


def is_locatable(rm_type: str) -> bool:
    """Whether nodes of this class carry a name and an archetype node id."""
    name = plain(rm_type)
    if name in {"LOCATABLE", "CONTENT_ITEM", "ENTRY", "CARE_ENTRY", "EVENT", "ITEM"}:
        return True
    if name in {"DATA_STRUCTURE", "ITEM_STRUCTURE"}:
        return True
    found = rm.CLASSES.get(name)
    return found is not None and issubclass(found, rm.Locatable)
