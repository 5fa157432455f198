"""Template nodes → closures that check an object and write its row, in one descent
(AOM 1.4, § "Constraint model": C_OBJECT, C_ATTRIBUTE and what derives from them).

node        an archetyped object: its class, row, leaves, then its attributes
attribute   existence, then either
  container   archetyped children, found by node id (or slot), counted
  options     data values and other plain objects: the alternatives of a template
  tests       primitive values

Every closure notes all that is wrong and goes on; only an object of the wrong class is not
descended into.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from moiety.openehr import rm
from moiety.openehr.constraints import (
    BooleanConstraint,
    CodePhraseConstraint,
    DurationConstraint,
    Slot,
)
from moiety.openehr.containers import Child, compile_container
from moiety.openehr.emission import node_emitter, value_emitters
from moiety.openehr.findings import Row, Trail, Walk
from moiety.openehr.leaves import VALUES, Residue, table_name
from moiety.openehr.model_checks import Check, check_model, model_check
from moiety.openehr.plain_content import PlainValue, plain_value
from moiety.openehr.quick_elements import quick_element
from moiety.openehr.rm_types import COMPUTED, PRIMITIVES, conforming, is_locatable, parameter
from moiety.openehr.template import Attribute, TemplateNode
from moiety.openehr.value_checks import LABEL, Fault, Test, compile_constraint

Nodes: TypeAlias = tuple[TemplateNode, ...]
NodeCheck: TypeAlias = Callable[[Any, Row, Trail, Walk], None]
AttributeCheck: TypeAlias = Callable[[Any, Row, Trail, Walk], None]
"""Takes the owner of the attribute, its row and its trail."""


_TOLERATED = {"DV_URI": rm.DvText}
"""Classes that deployed repositories take where a template demands another."""


def compile_node(node: TemplateNode, nodes: Nodes, *, quick: bool = True) -> NodeCheck:
    """The check of a template node and all below it; an ELEMENT's begins with a quick look."""
    if isinstance(node.constraint, Slot):
        return _compile_slot(node, node.constraint)
    rests = _rests(node, element=node.rm_type == "ELEMENT")
    attributes = _compile_attributes(node, nodes)
    test = compile_constraint(node.constraint) if node.constraint is not None else None
    of_parameter = _parameter_check(node.rm_type)
    expected = node.rm_type

    def descend(thing: Any, row: Row, trail: Trail, walk: Walk) -> None:
        rest = rests.get(thing.__class__)
        if rest is None:
            walk.add(trail, "", "type", expected=expected, found=rm.type_name(thing))
            return
        rest(thing, trail, walk)
        if test is not None:
            _note_fault(test(thing), "", trail, walk)
        if of_parameter is not None:
            of_parameter(thing, trail, walk)
        for attribute in attributes:
            attribute(thing, row, trail, walk)

    if not is_locatable(node.rm_type):
        return descend
    emit = node_emitter(node)

    def write(thing: Any, row: Row, trail: Trail, walk: Walk) -> None:
        emit(thing, row, walk)
        descend(thing, row, trail, walk)

    if quick and node.rm_type == "ELEMENT":
        plain, emitters = _plain_values(node, nodes), value_emitters(node, nodes)
        return _with_row(node, quick_element(node, plain, emitters, write))
    return _with_row(node, write)


def _with_row(node: TemplateNode, write: NodeCheck) -> NodeCheck:
    if node.group is None:
        return write
    table, number = table_name(node.group), node.number

    def open_row(thing: Any, row: Row, trail: Trail, walk: Walk) -> None:
        mine = walk.open_row(table, row, number)
        write(thing, mine, trail, walk)
        mine["cap"] = len(walk.rows) - 1

    return open_row


def _rests(node: TemplateNode, *, element: bool) -> dict[type[rm.Any], Check]:
    """For each class that may stand here: the model's check of what the template leaves."""
    handled = {attribute.name for attribute in node.attributes} | {"archetype_node_id"}
    if element:
        handled.add("value")
    return {
        found: model_check(found, frozenset(handled & set(found.__struct_fields__)))
        for found in conforming(node.rm_type)
    }


def _parameter_check(rm_type: str) -> Check | None:
    """DV_INTERVAL<T>: the bounds are of class T."""
    inner = parameter(rm_type)
    if inner is None or not rm_type.startswith("DV_INTERVAL"):
        return None
    classes = conforming(inner)

    def check(interval: Any, trail: Trail, walk: Walk) -> None:
        for side in ("lower", "upper"):
            bound = getattr(interval, side)
            if bound is not None and bound.__class__ not in classes:
                walk.add(trail, side, "type", expected=inner, found=rm.type_name(bound))

    return check


def _compile_slot(node: TemplateNode, slot: Slot) -> NodeCheck:
    """What fills an open slot is checked by the model alone, and told by no row."""
    classes = conforming(node.rm_type)

    def check(thing: Any, _: Row, trail: Trail, walk: Walk) -> None:
        if thing.__class__ not in classes:
            walk.add(trail, "", "type", expected=node.rm_type, found=rm.type_name(thing))
        if not slot.admits(thing.archetype_node_id or ""):
            expected = f"an archetype that the slot {node.node_id} admits"
            walk.add(trail, "", "slot", expected=expected, found="another archetype")
        with walk.in_open_slot():
            check_model(thing, trail, walk)

    return check


# --- attributes


def _compile_attributes(node: TemplateNode, nodes: Nodes) -> tuple[AttributeCheck, ...]:
    found: list[AttributeCheck] = []
    for attribute in node.attributes:
        if (node.rm_type, attribute.name) in COMPUTED:
            found.append(_computed(attribute, nodes))
        else:
            found.append(_compile_attribute(node, attribute, nodes))
    if node.rm_type == "ELEMENT" and all(each.name != "value" for each in node.attributes):
        found.append(_emitting(_read("value", _check_freely), node, nodes))
    return tuple(found)


def _compile_attribute(node: TemplateNode, attribute: Attribute, nodes: Nodes) -> AttributeCheck:
    children = [nodes[number] for number in attribute.children]
    name = attribute.name
    if not children:
        present: NodeCheck = _check_freely
    elif children[0].rm_type in PRIMITIVES:
        present = _compile_tests(children, name)
        if name == "action_archetype_id":
            present = _of_archetype_pattern(present)
    elif any(is_locatable(child.rm_type) for child in children):
        places = [
            Child(child, compile_node(child, nodes), _name_codes(child, nodes))
            for child in children
        ]
        present = compile_container(attribute, places)
    else:
        present = _compile_options(children, nodes)
    absent = _compile_absent(node, attribute, children)
    if node.rm_type == "ELEMENT" and name == "value":
        return _emitting(_read(name, present, absent), node, nodes)
    if attribute.maximum == 0:
        return _read(name, _compile_prohibited(node, name))
    return _read(name, present, absent)


def _name_codes(node: TemplateNode, nodes: Nodes) -> frozenset[str]:
    """The codes that a template lets the name of a node have (DV_CODED_TEXT, local codes)."""
    found: set[str] = set()
    for attribute in node.attributes:
        for child in attribute.children if attribute.name == "name" else ():
            for inner in nodes[child : nodes[child].last + 1]:
                if isinstance(inner.constraint, CodePhraseConstraint):
                    found.update(inner.constraint.codes)
    return frozenset(found)


_PLAIN = frozenset({list, str, float, int, bool})


def _read(name: str, present: NodeCheck, absent: AttributeCheck | None = None) -> AttributeCheck:
    """Hands what stands at an attribute to `present`, the owner to `absent` if nothing does."""

    def check(owner: Any, row: Row, trail: Trail, walk: Walk) -> None:
        value = getattr(owner, name, None)
        if value is None or (value.__class__ is list and not value):
            if absent is not None:
                absent(owner, row, trail, walk)
        elif value.__class__ in _PLAIN:
            present(value, row, trail, walk)
        else:
            present(value, row, (trail, name, value), walk)

    return check


def _check_freely(value: Any, _: Row, trail: Trail, walk: Walk) -> None:
    """An attribute that the template names without children: the model alone decides."""
    if isinstance(value, rm.Any):
        check_model(value, trail, walk)


def _compile_prohibited(node: TemplateNode, name: str) -> NodeCheck:
    expected = f"no {node.rm_type}.{name}"

    def check(_: Any, __: Row, trail: Trail, walk: Walk) -> None:
        walk.add(trail, "", "existence", expected=expected, found="present")

    return check


def _compile_absent(
    node: TemplateNode, attribute: Attribute, children: list[TemplateNode]
) -> AttributeCheck | None:
    name = attribute.name
    demanded = attribute.minimum > 0 or any(
        name in rm.required_of(found) for found in conforming(node.rm_type)
    )
    inner = [child for child in children if child.minimum > 0 and attribute.multiple]
    if not demanded and not inner:
        return None
    expected = f"{node.rm_type}.{name} 1..1"
    may_be_null = node.rm_type == "ELEMENT" and name == "value"

    def check(owner: Any, _: Row, trail: Trail, walk: Walk) -> None:
        if may_be_null and owner.null_flavour is not None:
            return
        for child in inner:
            demand = f"{child.rm_type}[{child.node_id}] at least {child.minimum}"
            walk.add(trail, name, "occurrences", expected=demand, found="missing")
        if demanded and not inner:
            walk.add(trail, name, "existence", expected=expected, found="missing")

    return check


def _emitting(check: AttributeCheck, element: TemplateNode, nodes: Nodes) -> AttributeCheck:
    """An ELEMENT's value: checked unless it is plainly content, then written into the row."""
    emitters = value_emitters(element, nodes)
    plain = _plain_values(element, nodes)
    foreign = {rm.CLASSES[name] for name in VALUES} - emitters.keys()

    def both(owner: Any, row: Row, trail: Trail, walk: Walk) -> None:
        value = owner.value
        is_plain = plain.get(value.__class__)
        if is_plain is None or not is_plain(value, walk):
            check(owner, row, trail, walk)
        emit = emitters.get(value.__class__)
        if emit is not None:
            emit(value, row, walk)
        elif value.__class__ in foreign:
            walk.residue |= Residue.UNMATCHED

    return both


def _plain_values(element: TemplateNode, nodes: Nodes) -> dict[type[rm.Any], PlainValue]:
    """For each class that an ELEMENT's value may be of: the quick look of its first alternative."""
    found: dict[type[rm.Any], PlainValue] = {}
    for attribute in element.attributes:
        if attribute.name == "value" and attribute.maximum != 0:
            for child in (nodes[number] for number in attribute.children):
                plain = plain_value(child, nodes)
                if plain is not None:
                    found.setdefault(rm.CLASSES[child.rm_type], plain)
    return found


# --- alternatives and primitives


def _compile_options(children: list[TemplateNode], nodes: Nodes) -> NodeCheck:
    """Objects without node ids: one of the template's alternatives must be content."""
    fitting: dict[type[rm.Any], list[NodeCheck]] = {}
    for child in children:
        check_child = compile_node(child, nodes)
        for rm_class in conforming(child.rm_type):
            fitting.setdefault(rm_class, []).append(check_child)
    expected = " or ".join(dict.fromkeys(child.rm_type for child in children))
    tolerated = _TOLERATED.get(expected)

    def check(value: Any, row: Row, trail: Trail, walk: Walk) -> None:
        for item in value if value.__class__ is list else (value,):
            checks = fitting.get(item.__class__)
            if checks is None:
                found, remark = rm.type_name(item), item.__class__ is tolerated
                walk.add(trail, "", "type", expected=expected, found=found, remark=remark)
            elif len(checks) == 1:
                checks[0](item, row, trail, walk)
            else:
                walk.least_of(checks, item, row=row, trail=trail)

    return check


def _compile_tests(children: Iterable[TemplateNode], name: str) -> NodeCheck:
    """Primitive values: one of the template's tests must be content."""
    constraints = [child.constraint for child in children]
    if None in constraints:  # any value of the type
        return lambda *_: None
    tests: list[Test] = [compile_constraint(found) for found in constraints if found is not None]

    def check(value: Any, _: Row, trail: Trail, walk: Walk) -> None:
        faults = [fault for test in tests if (fault := test(value)) is not None]
        if len(faults) == len(tests):
            _note_fault(faults[0], name, trail, walk)

    return check


def _of_archetype_pattern(present: NodeCheck) -> NodeCheck:
    """ACTIVITY.action_archetype_id is a regular expression over archetype ids, often between
    slashes: what it names is compared with the template's own, and any (.*) is let through.
    """

    def check(value: str, row: Row, trail: Trail, walk: Walk) -> None:
        named = value.strip("/").replace("\\.", ".")
        if named != ".*":
            present(named, row, trail, walk)

    return check


def _note_fault(fault: Fault | None, name: str, trail: Trail, walk: Walk) -> None:
    if fault is not None and (walk.same_language or fault.rule != LABEL):
        below = "/".join(part for part in (name, fault.below) if part)
        walk.add(
            trail,
            below,
            fault.rule,
            expected=fault.expected,
            found=fault.found,
            remark=fault.remark,
        )


# --- functions of the model that archetypes constrain


def _computed(attribute: Attribute, nodes: Nodes) -> AttributeCheck:
    constraints = [nodes[number].constraint for number in _below(attribute, nodes)]
    if attribute.name == "is_integral":
        booleans = [found for found in constraints if isinstance(found, BooleanConstraint)]
        return _integral(booleans)
    ranges = [found.range for found in constraints if isinstance(found, DurationConstraint)]

    def check(event: Any, _: Row, trail: Trail, walk: Walk) -> None:
        origin = getattr(trail[0][2] if trail[0] else None, "origin", None)
        if not isinstance(origin, rm.DvDateTime) or event.time is None:
            return
        first, last = walk.seconds(origin), walk.seconds(event.time)
        if first is None or last is None:
            return
        if any(bounds is not None and not bounds.holds(last - first) for bounds in ranges):
            expected = " and ".join(f"{bounds} seconds" for bounds in ranges if bounds)
            walk.add(trail, "offset", "range", expected=expected, found="a value outside")

    return check


def _below(attribute: Attribute, nodes: Nodes) -> list[int]:
    return [n for child in attribute.children for n in range(child, nodes[child].last + 1)]


def _integral(constraints: list[BooleanConstraint]) -> AttributeCheck:
    def check(proportion: Any, _: Row, trail: Trail, walk: Walk) -> None:
        parts = (proportion.numerator, proportion.denominator)
        whole = all(part is None or float(part).is_integer() for part in parts)
        for constraint in constraints:
            if not (constraint.true_valid if whole else constraint.false_valid):
                expected = "whole numbers" if constraint.true_valid else "no whole numbers"
                walk.add(trail, "is_integral", "value", expected=expected, found="the other")

    return check
