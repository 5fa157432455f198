"""Objects while they are read: made with class, name and details, then given what is their own
(Simplified Formats, "RM Mappings").
"""

from dataclasses import dataclass
from typing import Any

from moiety.openehr import rm
from moiety.openehr.errors import RmError
from moiety.openehr.rm_types import conforming, plain
from moiety.openehr.simplified.context import Context
from moiety.openehr.simplified.fields import Fields
from moiety.openehr.simplified.own import Own, others_of, own_of
from moiety.openehr.simplified.tree import name_of
from moiety.openehr.simplified.values import Hint, plain_value, read_raw, read_value, text_of
from moiety.openehr.template import TemplateNode

RM_VERSION = "1.0.4"
"""What archetype_details says where a document says nothing."""


@dataclass(slots=True)
class Level:
    """An object under construction, its template node, and the fields that speak of it."""

    thing: Any
    node: TemplateNode | None
    fields: Fields


def reading(step: str, read: Any) -> Any:
    """Put a step before the path of what fails below."""
    try:
        return read()
    except RmError as error:
        raise RmError(f"/{step}{error.path}", error.reason) from None


def class_of(node: TemplateNode) -> type[rm.Any]:
    """The class of a template node's object, where a document does not say."""
    found = rm.CLASSES.get(plain(node.rm_type))
    if found is not None:
        return found
    return _USUAL.get(node.rm_type) or next(iter(conforming(node.rm_type)))


_USUAL: dict[str, type[rm.Any]] = {
    "EVENT": rm.PointEvent,
    "ITEM_STRUCTURE": rm.ItemTree,
    "ITEM": rm.Element,
}
"""Abstract class → the one that stands for it where nobody says another."""


def skeleton(
    node: TemplateNode,
    fields: Fields,
    context: Context,
    *,
    taken: frozenset[str] = frozenset(),
) -> Any:
    """A new object with class, name, node id and archetype details. `taken`: ids of content."""
    rm_class = class_of(node)
    said = fields.get("_type")
    if said is not None:
        named = rm.CLASSES.get(text_of(said))
        if named is None or named not in conforming(node.rm_type):
            raise RmError("", "`_type` names no class that may stand here")
        rm_class = named
    elif rm_class is rm.PointEvent and node.rm_type == "EVENT" and is_interval(fields, taken):
        rm_class = rm.IntervalEvent
    if rm_class is rm.EventContext:
        return rm.EventContext()
    name = fields.one("_name")
    hint = Hint(context.template)
    return rm_class(
        name=rm.DvText(value=name_of(context.template, node))
        if name is None
        else read_value(name, rm.DvText, hint),
        archetype_node_id=_node_id(node, fields),
        archetype_details=_details(node, fields, context),
    )


def is_interval(fields: Fields, taken: frozenset[str]) -> bool:
    """Whether the fields tell an INTERVAL_EVENT: width, math function or sample count."""
    told = ({"width", "math_function"} - taken) & fields.below.keys()
    return fields.has("sample_count") or bool(told)


def _node_id(node: TemplateNode, fields: Fields) -> str | None:
    said = fields.one("_archetype_node_id")
    return node.node_id if said is None else said.get("raw")


def _details(node: TemplateNode, fields: Fields, context: Context) -> Any:
    said = fields.one("_archetype_details")
    if said is not None:
        return read_raw(said.get("raw"))
    return details_of(node, context)


def details_of(node: TemplateNode, context: Context) -> rm.Archetyped | None:
    """The archetype details that stand where a document says nothing of them."""
    if not node.is_root:
        return None
    template_id = context.template.template_id if node.parent < 0 else None
    return rm.Archetyped(
        archetype_id=rm.ArchetypeId(node.node_id),
        template_id=rm.TemplateId(template_id) if template_id else None,
        rm_version=context.rm_version or RM_VERSION,
    )


# --- own attributes


def read_own(
    level: Level, ids: dict[str, tuple[str, ...]], context: Context, *, at: Fields
) -> None:
    """`at`: the fields of the web node, where attributes with an id of the tree stand."""
    thing, hint = level.thing, Hint(context.template, level.node)
    for own in own_of(thing.__class__):
        names = ids.get(own.attribute, own.ids)
        if own.suffix:
            value = at.get(own.ids[0])
            if value is not None:
                setattr(thing, own.attribute, plain_value(value, thing.__class__, own.attribute))
            continue
        place = level.fields if not names or names[0].startswith("_") else at
        below = place.below
        nodes = [found for name in names if name in below for found in place.many(name)]
        if nodes:
            values = [_read_one(own, each, hint, context) for each in nodes]
            several = [] if values == [None] else values
            setattr(thing, own.attribute, several if own.many else values[0])
        elif own.default is not None:
            setattr(thing, own.attribute, own.default(context, level.node))


def _read_one(own: Own, fields: Fields, hint: Hint, context: Context) -> Any:
    below = hint.below(own.attribute)
    return reading(own.ids[0], lambda: own.read(fields, below, context))


def read_others(level: Level) -> None:
    """Give an object the attributes of its own that nobody has read yet."""
    thing = level.thing
    for name in others_of(thing.__class__):
        node = level.fields.one(f"_{name}")
        if node is not None:
            setattr(thing, name, _read_other(thing, name, node))


def _read_other(thing: Any, name: str, node: Fields) -> Any:
    value = node.get("raw")
    if isinstance(value, list):
        return [read_raw(each) for each in value]
    if isinstance(value, dict):
        return read_raw(value)
    return None if value is None else plain_value(value, thing.__class__, name)
