"""Composition → fields (Simplified Formats, "RM Mappings"): what the template knows under its ids,
the rest as raw JSON.

Reading gives the object back alike. What deviates from what reading would fill in is said:
names, archetype details, absent attributes (`|raw: null`), levels left out (`_data/_name`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from moiety.openehr import rm
from moiety.openehr.errors import RmError
from moiety.openehr.rm_types import conforming, plain
from moiety.openehr.simplified.context import Context
from moiety.openehr.simplified.fields import Fields
from moiety.openehr.simplified.levels import RM_VERSION, class_of, details_of
from moiety.openehr.simplified.own import Own, others_of, own_of, structure_of
from moiety.openehr.simplified.parties import NO_REFERENCES
from moiety.openehr.simplified.reading import earliest, read_node
from moiety.openehr.simplified.tree import WebNode, choice_id, name_of, value_classes
from moiety.openehr.simplified.values import Hint, read_value
from moiety.openehr.simplified.writing_values import raw, write_value
from moiety.openehr.template import Template, TemplateNode


@dataclass(frozen=True, slots=True)
class _Writer:
    """`careful`: read back every node and value, and write raw what is not alike."""

    template: Template
    context: Context
    careful: bool

    def value(self, value: Any, fields: Fields, read: Callable[[Fields], Any]) -> Fields:
        """The fields of a value, or raw JSON where reading would give another."""
        if self.careful and _differs(value, fields, read):
            return raw(value) if isinstance(value, rm.Any) else _raw_json(value)
        return fields


def _differs(thing: Any, fields: Fields, read: Callable[[Fields], Any]) -> bool:
    fields.number()
    try:
        return bool(read(fields) != thing)
    except RmError:
        return True


def write_composition(
    composition: rm.Composition, web: WebNode, template: Template, *, careful: bool
) -> Fields:
    """The fields of a composition, below the id of the web tree's root."""
    context = Context(template, NO_REFERENCES, "")
    details, language = composition.archetype_details, composition.language
    version = details.rm_version if details is not None else None
    context.rm_version = version or RM_VERSION
    context.language = language.code_string if language is not None else None
    fields = _node(composition, web, _Writer(template, context, careful))
    if context.rm_version != RM_VERSION and not fields.has("raw"):
        fields.put("_rm_version", _plain(context.rm_version))
    root = Fields()
    root.put(web.id, fields)
    return root


def _plain(value: Any) -> Fields:
    fields = Fields()
    fields.values[""] = value
    return fields


def _raw_json(value: Any) -> Fields:
    fields = Fields()
    fields.values["raw"] = msgspec.to_builtins(value)
    return fields


# --- one node


@dataclass(slots=True)
class _Spot:
    """Where a level stands: its web node, the levels left out above it, its own fields
    (`fields`) and those of the web node (`at`).
    """

    web: WebNode
    chain: tuple[TemplateNode, ...]
    fields: Fields
    at: Fields


def _node(thing: Any, web: WebNode, writer: _Writer) -> Fields:
    """The fields of an object at its web node; raw JSON if the template has no words for it."""
    if web.node is not None and thing.__class__ not in conforming(web.node.rm_type):
        return raw(thing)
    fields = Fields()
    spot = _Spot(web, (), fields, fields)
    if isinstance(thing, rm.Element):
        _element(thing, spot, writer)
    else:
        _level(thing, web.node, spot, writer)
    if not fields:
        return raw(thing)
    return writer.value(thing, fields, lambda found: read_node(web, found, writer.context))


def _level(thing: Any, node: TemplateNode | None, spot: _Spot, writer: _Writer) -> None:
    """One object: the node's own, or one of a level left out."""
    if node is not None:
        _skeleton(thing, node, spot.fields, writer)
    _own(thing, node, spot, writer)
    if isinstance(thing, rm.History):
        _times(thing, spot.at)
    for name, many in structure_of(thing.__class__):
        value = getattr(thing, name)
        if value is None:
            continue
        if value == []:
            spot.fields.put(f"_{name}", raw(None))
        webs = [_web_child(item, name, node, spot, writer) for item in (value if many else [value])]
        for item, web in zip(value if many else [value], webs, strict=True):
            _child(item, name, web, spot, writer)
        ranks = [_rank(web, spot) for web in webs]
        if ranks != sorted(ranks) and "_in_order" not in spot.at.below:
            spot.at.put("_in_order", _plain(value=True))


def _rank(web: WebNode | TemplateNode | None, spot: _Spot) -> int:
    """The place of a child among the web node's, as reading counts them; strays come last."""
    for rank, each in enumerate(spot.web.children):
        if each is web or (each.chain[len(spot.chain) : len(spot.chain) + 1] == (web,)):
            return rank
    return len(spot.web.children)


def _child(
    item: Any, name: str, web: WebNode | TemplateNode | None, spot: _Spot, writer: _Writer
) -> None:
    """An object below: a web node of its own, a level left out, or a stray."""
    if isinstance(web, WebNode):
        found = _node(item, web, writer)
        spot.at.put(web.id, found, repeated=web.maximum != 1)
        return
    if web is not None and item.__class__ in conforming(web.rm_type):
        sub = Fields()
        before = len(spot.at.order)
        _level(item, web, _Spot(spot.web, (*spot.chain, web), sub, spot.at), writer)
        if sub:
            spot.fields.put(f"_{name}", sub)
        if sub or len(spot.at.order) > before:
            return
    spot.fields.put(f"_{name}", raw(item), repeated=name in _LISTS)


_LISTS = frozenset({"content", "items", "rows", "events", "activities"})


def _web_child(
    item: Any, name: str, owner: TemplateNode | None, spot: _Spot, writer: _Writer
) -> WebNode | TemplateNode | None:
    """The web node of an object, or the template node of a level left out."""
    if isinstance(item, rm.EventContext):
        return next((each for each in spot.web.children if each.rm_type == "EVENT_CONTEXT"), None)
    if owner is None:
        return None
    node = _match(item, name, owner, writer.template)
    if node is None:
        return None
    chain = (*spot.chain, node)
    for each in spot.web.children:
        if not each.attribute and each.chain == chain:
            return each
        if each.chain[: len(chain)] == chain:
            return node
    return None


def _match(item: Any, name: str, owner: TemplateNode, template: Template) -> TemplateNode | None:
    """The template node of an object: by node id, of several by name."""
    numbers = next((each.children for each in owner.attributes if each.name == name), ())
    nodes = [template.nodes[number] for number in numbers]
    fitting = [
        each for each in nodes if each.node_id == item.archetype_node_id and not each.is_slot
    ]
    text = item.name.value if item.name is not None else None
    named = [each for each in fitting if each.name is not None and each.name == text]
    free = [each for each in fitting if each.name is None]
    return next(iter(named or free or fitting), None)


def _skeleton(thing: Any, node: TemplateNode, fields: Fields, writer: _Writer) -> None:
    """Class, name and archetype details, where they are not what reading would fill in."""
    if isinstance(thing, rm.EventContext):
        return
    told = isinstance(thing, rm.IntervalEvent) and (thing.width or thing.math_function)
    if thing.__class__ is not class_of(node) and not told:
        fields.values["_type"] = rm.type_name(thing)
    if thing.name != rm.DvText(value=name_of(writer.template, node)):
        fields.put("_name", write_value(thing.name) if thing.name is not None else raw(None))
    if thing.archetype_details != details_of(node, writer.context):
        fields.put("_archetype_details", raw(thing.archetype_details))


def _own(thing: Any, node: TemplateNode | None, spot: _Spot, writer: _Writer) -> None:
    ids = {each.attribute: each.id for each in spot.web.children if each.chain == spot.chain}
    hint = Hint(writer.template, node)
    for own in own_of(thing.__class__):
        value = getattr(thing, own.attribute)
        if own.suffix:
            if value is not None:
                spot.at.values[own.ids[0]] = value
            continue
        name = ids.get(own.attribute) or own.ids[0]
        place = spot.fields if name.startswith("_") else spot.at
        default = own.default(writer.context, node) if own.default is not None else None
        if value is None or value == []:
            if value == [] or default is not None:
                place.put(name, raw(None))
        elif value != default or own.attribute not in {"subject", "action_archetype_id"}:
            _write_own(own, value, name, place, hint, writer)
    for name in others_of(thing.__class__):
        value = getattr(thing, name)
        if value is not None:
            spot.fields.put(f"_{name}", _raw_json(value))


def _write_own(own: Own, value: Any, name: str, place: Fields, hint: Hint, writer: _Writer) -> None:
    below = hint.below(own.attribute)

    def read(found: Fields) -> Any:
        return own.read(found, below, writer.context)

    for item in value if own.many else [value]:
        written = own.write(item) or _raw_json(item)  # nothing to say is still something there
        place.put(name, writer.value(item, written, read), repeated=own.many)


def _times(history: rm.History, at: Fields) -> None:
    """The origin, where it is not the time of the earliest event."""
    times = [event.time for event in history.events or () if event.time is not None]
    expected = rm.DvDateTime(value=earliest(times)) if times else None
    if history.origin is None:
        at.put("history_origin", raw(None))
    elif history.origin != expected:
        at.put("history_origin", write_value(history.origin))


# --- elements


def _element(thing: rm.Element, spot: _Spot, writer: _Writer) -> None:
    web, fields = spot.web, spot.fields
    if web.node is None:
        return
    _skeleton(thing, web.node, fields, writer)
    _own(thing, web.node, spot, writer)
    if thing.value is None:
        return
    if web.choice:
        name = _choice(thing.value, web)
        found = write_value(thing.value) if name else raw(thing.value)
        fields.put(name, found) if name else fields.values.update(found.values)
        return
    node = web.values[0]
    found = raw(thing.value)
    if thing.value.__class__ in conforming(node.rm_type):
        rm_class, hint = rm.CLASSES[plain(node.rm_type)], Hint(writer.template, node)
        written = write_value(thing.value)
        found = writer.value(thing.value, written, lambda f: read_value(f, rm_class, hint))
    fields.values.update(found.values)
    for name, _, below in found.order:
        fields.put(name, below, repeated=name in found.repeated)


def _choice(value: Any, web: WebNode) -> str | None:
    """The id of a value's type among those that the element may hold."""
    of_type = rm.type_name(value)
    bound = getattr(value, "lower", None) or getattr(value, "upper", None)
    inner = f"{of_type}<{rm.type_name(bound)}>" if isinstance(bound, rm.Any) else of_type
    known = value_classes(web)
    return next((choice_id(name) for name in (inner, of_type) if name in known), None)
