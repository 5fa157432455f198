"""An ELEMENT and its value, which share their fields; of several data types, one is chosen
(Simplified Formats, "ELEMENT").
"""

from dataclasses import replace
from typing import Any

from moiety.openehr import rm
from moiety.openehr.rm_types import plain
from moiety.openehr.simplified.context import Context
from moiety.openehr.simplified.fields import Fields
from moiety.openehr.simplified.levels import Level, read_own, reading, skeleton
from moiety.openehr.simplified.tree import WebNode, choice_id, value_classes
from moiety.openehr.simplified.values import Hint, read_value
from moiety.openehr.template import TemplateNode

_BESIDE_VALUE = frozenset(
    {"_name", "_uid", "_link", "_links", "_feeder_audit", "_null_flavour", "null_flavour"}
    | {"_null_reason", "null_reason", "_archetype_details", "_archetype_node_id"}
)


def read_element(web: WebNode, fields: Fields, context: Context, value: Any) -> Any:
    """The ELEMENT of a web node; `value` where it is known already."""
    node = web.node
    if node is None:
        raise TypeError(web.id)
    thing = skeleton(node, fields, context)
    read_own(Level(thing, node, fields), {}, context, at=fields)
    thing.value = value if value is not None else _element_value(web, fields, context)
    return thing


def _element_value(web: WebNode, fields: Fields, context: Context) -> Any:
    if web.choice:
        return _chosen(web, fields, context)
    if not fields.values and not fields.below.keys() - _BESIDE_VALUE:
        return None
    node = web.values[0]
    return read_value(fields, rm.CLASSES[plain(node.rm_type)], Hint(context.template, node))


def _chosen(web: WebNode, fields: Fields, context: Context) -> Any:
    by_type = {node.rm_type: node for node in web.values}
    for rm_type in value_classes(web):
        below = fields.one(choice_id(rm_type))
        if below is not None:
            hint = Hint(context.template, by_type.get(rm_type) or _as_if(web, rm_type))
            return reading(
                choice_id(rm_type),
                lambda t=rm_type, b=below, h=hint: read_value(b, rm.CLASSES[plain(t)], h),
            )
    inferred = _inferred(fields)
    if inferred not in value_classes(web):
        return None
    return read_value(fields, rm.CLASSES[inferred], Hint(context.template, by_type.get(inferred)))


_MARKS = {
    "ordinal": "DV_ORDINAL",
    "code": "DV_CODED_TEXT",
    "unit": "DV_QUANTITY",
    "numerator": "DV_PROPORTION",
    "mediatype": "DV_MULTIMEDIA",
    "formalism": "DV_PARSABLE",
}
_PLAIN = {str: "DV_TEXT", bool: "DV_BOOLEAN", int: "DV_COUNT"}


def _inferred(fields: Fields) -> str:
    """The type of a value that stands at the element itself, by its suffixes."""
    marked = (name for suffix, name in _MARKS.items() if fields.has(suffix))
    return next(marked, _PLAIN.get(fields.values.get("").__class__, ""))


def _as_if(web: WebNode, rm_type: str) -> TemplateNode | None:
    """A template node for a type that the template leaves open: only its name counts."""
    if "<" not in rm_type or web.node is None:
        return None
    node = web.node
    return replace(node, rm_type=rm_type, last=node.number, attributes=(), constraint=None)
