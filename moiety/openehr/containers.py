"""Attributes that hold archetyped objects: each child finds its template node, all are counted
(AOM 1.4, C_MULTIPLE_ATTRIBUTE, CARDINALITY; RM 1.1.0, common: archetyped, for node ids).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from moiety.openehr import rm
from moiety.openehr.canonical import encode
from moiety.openehr.constraints import Slot
from moiety.openehr.findings import Row, Trail, Walk
from moiety.openehr.ids import find_archetype_name
from moiety.openehr.rm_types import conforming
from moiety.openehr.template import Attribute, TemplateNode

NodeCheck: TypeAlias = Callable[[Any, Row, Trail, Walk], None]


class Child(NamedTuple):
    """`name_codes`: the codes of its archetype that the template lets its name have, if it does."""

    node: TemplateNode
    check: NodeCheck
    name_codes: frozenset[str] = frozenset()


class _Place(NamedTuple):
    """Where a child stands among the template's alternatives."""

    position: int
    node: TemplateNode
    check: NodeCheck
    name_codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Finder:
    """The template nodes of an attribute: by node id, without one, and slots."""

    by_id: dict[str, list[_Place]]
    anonymous: list[_Place]
    slots: list[_Place]

    def find(self, thing: Any) -> _Place | None:
        """The template node of an object; None where the template has none for it."""
        rivals = self.by_id.get(thing.archetype_node_id)
        if rivals is not None:
            return rivals[0] if len(rivals) == 1 else _by_name(thing, rivals)
        for place in self.anonymous:
            if thing.__class__ in conforming(place.node.rm_type):
                return place
        return self._slot(thing)

    def _slot(self, thing: Any) -> _Place | None:
        """The first slot that admits the object, else one that would take its class."""
        if find_archetype_name(thing.archetype_node_id or "") is None:
            return None
        fitting = [p for p in self.slots if thing.__class__ in conforming(p.node.rm_type)]
        for place in fitting:
            slot = place.node.constraint
            if isinstance(slot, Slot) and slot.admits(thing.archetype_node_id or ""):
                return place
        return fitting[0] if fitting else None


def _by_name(thing: Any, rivals: list[_Place]) -> _Place:
    """Of siblings with one node id, the one whose name has this code, or this text; else the first
    without a name. A code is the same in every language, so it decides before the text.
    """
    name = thing.name
    if name.__class__ is rm.DvCodedText and name.defining_code is not None:
        code = name.defining_code.code_string
        for place in rivals:
            if code in place.name_codes:
                return place
    text = name.value if name is not None else None
    for place in rivals:
        if place.node.name is not None and place.node.name == text:
            return place
    return next((place for place in rivals if place.node.name is None), rivals[0])


def compile_container(attribute: Attribute, children: list[Child]) -> NodeCheck:
    """The check of what stands at an attribute: one object, or a list of them."""
    finder = _finder(children)
    alone = {node_id: one[0] for node_id, one in finder.by_id.items() if len(one) == 1}
    bounds = [(child.node.minimum, child.node.maximum) for child in children]
    nothing = [0] * len(children)
    name, cardinality, unique = attribute.name, attribute.cardinality, attribute.unique
    expected = " or ".join(dict.fromkeys(_label(child.node) for child in children))

    def check(value: Any, row: Row, trail: Trail, walk: Walk) -> None:
        several = value.__class__ is list
        owner: Trail = trail if several else _parent(trail)
        counts = nothing.copy()
        for thing in value if several else (value,):
            here = (owner, name, thing)
            place = alone.get(thing.archetype_node_id) or finder.find(thing)
            if place is None:
                found = f"{rm.type_name(thing)} not in template"
                walk.add(here, "", "template", expected=expected, found=found)
            else:
                counts[place.position] += 1
                place.check(thing, row, here, walk)
        for index, (least, most) in enumerate(bounds):
            count = counts[index]
            if (several and count < least) or (most is not None and count > most):
                _note_count(children[index].node, count, owner, walk)
        if unique and several and _has_twins(value):
            walk.add(owner, name, "cardinality", expected="no two alike", found="twins")
        if several and cardinality is not None and not cardinality.holds(len(value)):
            found = f"{len(value)} nodes"
            walk.add(owner, name, "cardinality", expected=str(cardinality), found=found)

    return check


def _has_twins(things: list[Any]) -> bool:
    """Whether two members are equal (is_unique). is_ordered asks nothing of a document: lists
    keep the order they came in, and which order is meant, no template can say.
    """
    written = {encode(thing) for thing in things}
    return len(written) < len(things)


def _finder(children: list[Child]) -> _Finder:
    finder = _Finder({}, [], [])
    for index, (node, check, name_codes) in enumerate(children):
        place = _Place(index, node, check, name_codes)
        if node.is_slot:
            finder.slots.append(place)
        elif node.node_id:
            finder.by_id.setdefault(node.node_id, []).append(place)
        else:
            finder.anonymous.append(place)
    return finder


def _parent(trail: Trail) -> Trail:
    return trail[0] if trail[0] is not None else trail


def _label(node: TemplateNode) -> str:
    return f"{node.rm_type}[{node.node_id}]" if node.node_id else node.rm_type


def _note_count(node: TemplateNode, count: int, trail: Trail, walk: Walk) -> None:
    most = "*" if node.maximum is None else str(node.maximum)
    expected = f"{_label(node)} {node.minimum}..{most}"
    found = "missing" if count == 0 else f"{count} nodes"
    walk.add(trail, node.attribute, "occurrences", expected=expected, found=found)
