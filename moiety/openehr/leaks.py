"""Where a template lets identity into a record: places whose content nothing but care keeps clean.

A template says what may be recorded, and so what may go wrong: a name typed into a free text, a
letter attached as it came, a relative named in full. `find_leaks` lists those places before the
first document is committed. It looks at the template alone, and decides nothing: what a document
really holds is the work of the screen. Classes and attributes are those of RM 1.1.0, slots those
of AOM 1.4.

Two origins are told apart. `template`: the author of the template put the node there, or left a
slot open. `model`: the reference model gives every such node the attribute (a composer, the
participations of an entry, a feeder audit), and the template does not close it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from moiety.openehr.constraints import Slot, StringConstraint
from moiety.openehr.ids import find_archetype_name
from moiety.openehr.leaks_told import (
    ADVICE,
    DEMOGRAPHIC_CONCEPTS,
    IDENTITY_WORDS,
    IMPLIED,
    LIKELY,
    LeakKind,
)
from moiety.openehr.rm_types import ABSTRACT, conforming, is_locatable, parameter, plain
from moiety.openehr.simplified.tree import name_of
from moiety.openehr.template import Attribute, Template, TemplateNode

Origin: TypeAlias = Literal["template", "model"]
Risk: TypeAlias = Literal["likely", "possible"]


@dataclass(frozen=True, slots=True)
class Leak:
    """A place where identity could stand.

    `path` is an AQL path from the composition, `name` what the template calls the node there
    ("" where it has no name), `risk` whether such places are known to hold identities or merely
    can. `advice` is a sentence for the author of the template.
    """

    path: str
    rm_type: str
    kind: LeakKind
    origin: Origin
    risk: Risk
    name: str
    advice: str


def find_leaks(template: Template) -> list[Leak]:
    """Every place of a template where identity could stand, in the order of its nodes.

    The classes and attributes are those of RM 1.1.0 (Common: generic, archetyped; Data Types:
    basic, text, uri, encapsulated; EHR: composition) and the slots of AOM 1.4 (§ "Constraint
    model"). Nodes that the template prohibits, and all below them, are left out.
    """
    found: dict[tuple[str, str], Leak] = {}
    prohibited = -1  # the last node below the prohibited one at hand
    for node in template.nodes:
        if node.number <= prohibited:
            continue
        if node.maximum == 0 or _is_closed(template, node):
            prohibited = node.last
            continue
        for leak in (*_of_node(template, node), *_of_model(template, node)):
            found.setdefault((leak.path, leak.kind), leak)
    return list(found.values())


def _is_closed(template: Template, node: TemplateNode) -> bool:
    """Whether the attribute above says 0..0."""
    if node.parent < 0:
        return False
    above = template.nodes[node.parent].attributes
    return any(node.number in each.children and each.maximum == 0 for each in above)


# --- what the template itself asks for


_BY_TYPE: dict[str, LeakKind] = {
    "PARTY_IDENTIFIED": "party",
    "PARTY_RELATED": "party",
    "PARTY_PROXY": "party",
    "PARTICIPATION": "party",
    "DV_IDENTIFIER": "identifier",
    "DV_MULTIMEDIA": "attachment",
    "DV_ENCAPSULATED": "attachment",
    "DV_PARSABLE": "parsable",
    "DV_URI": "uri",
    "DV_EHR_URI": "uri",
    "DV_PARAGRAPH": "free_text",
    "FEEDER_AUDIT": "feeder_audit",
    "FEEDER_AUDIT_DETAILS": "feeder_audit",
    "DATA_VALUE": "any_value",
    "ANY": "any_value",
}


def _of_node(template: Template, node: TemplateNode) -> Iterator[Leak]:
    kind = _kind(template, node)
    if kind is not None:
        yield _leak(template, node, node.path, kind)
    if node.rm_type == "ELEMENT" and "value" not in {each.name for each in node.attributes}:
        yield _leak(template, node, f"{node.path}/value", "any_value", rm_type="DATA_VALUE")
    if node.node_id and is_locatable(node.rm_type) and _speaks_of_identity(template, node):
        yield _leak(template, node, node.path, "named")


def _kind(template: Template, node: TemplateNode) -> LeakKind | None:
    if isinstance(node.constraint, Slot):
        return "slot"
    rm_type = plain(node.rm_type)
    if rm_type == "DV_TEXT":
        return None if _is_listed(template, node) else "free_text"
    if rm_type == "DV_INTERVAL" and parameter(node.rm_type) in ABSTRACT:
        return None  # bounds are ordered values: numbers and dates
    return _BY_TYPE.get(rm_type)


def _is_listed(template: Template, text: TemplateNode) -> bool:
    """Whether a DV_TEXT takes only texts that the template lists."""
    for attribute in text.attributes:
        if attribute.name == "value":
            constraints = [template.nodes[child].constraint for child in attribute.children]
            return bool(constraints) and all(
                isinstance(each, StringConstraint) and bool(each.values) and not each.open
                for each in constraints
            )
    return False


def _speaks_of_identity(template: Template, node: TemplateNode) -> bool:
    archetype = find_archetype_name(node.node_id)
    if archetype is not None and archetype.concept in DEMOGRAPHIC_CONCEPTS:
        return True
    words = re.sub(r"[\W_]+", " ", _rubric(template, node).casefold())
    return any(f" {word} " in f" {words.strip()} " for word in IDENTITY_WORDS)


# --- what the model adds


def _of_model(template: Template, node: TemplateNode) -> Iterator[Leak]:
    said = {attribute.name: attribute for attribute in node.attributes}
    for attribute, rm_type, kind in _implied(node):
        path = f"{node.path}/{attribute}"
        if attribute.partition("/")[0] not in said:
            yield _leak(template, node, path, kind, rm_type=rm_type, origin="model")
        elif "/" not in attribute and _says_nothing(said[attribute]):
            yield _leak(template, node, path, kind, rm_type=rm_type)


def _says_nothing(attribute: Attribute) -> bool:
    """Whether a template names an attribute and leaves its content to the model."""
    return not attribute.children and attribute.maximum != 0


def _implied(node: TemplateNode) -> Iterator[tuple[str, str, LeakKind]]:
    """Attributes that the model gives this node: (path below it, class, kind)."""
    if not is_locatable(node.rm_type) and plain(node.rm_type) not in IMPLIED:
        return
    names = {found.__struct_config__.tag for found in conforming(node.rm_type)}
    seen: set[str] = set()
    for rm_type in (plain(node.rm_type), *sorted(str(name) for name in names)):
        for implied in IMPLIED.get(rm_type, ()):
            if implied[0] not in seen:
                seen.add(implied[0])
                yield implied
    if node.is_root:
        yield from IMPLIED["LOCATABLE"]


# --- how a place is told


def _leak(
    template: Template,
    node: TemplateNode,
    path: str,
    kind: LeakKind,
    *,
    rm_type: str = "",
    origin: Origin = "template",
) -> Leak:
    likely = origin == "template" and (kind in LIKELY or _names_persons(node))
    return Leak(
        path=path or "/",
        rm_type=rm_type or node.rm_type,
        kind=kind,
        origin=origin,
        risk="likely" if likely else "possible",
        name=_rubric(template, node),
        advice=ADVICE[kind],
    )


def _rubric(template: Template, node: TemplateNode) -> str:
    """The name of a node, or of the nearest one above it that has one."""
    here = node
    while here.parent >= 0 and not (here.node_id and is_locatable(here.rm_type)):
        here = template.nodes[here.parent]
    return name_of(template, here)


def _names_persons(node: TemplateNode) -> bool:
    """Whether a slot was made for archetypes that describe a person."""
    slot = node.constraint
    if not isinstance(slot, Slot) or all(each.pattern == ".*" for each in slot.includes):
        return False
    ids = (f"openEHR-EHR-CLUSTER.{name}.v{n}" for name in DEMOGRAPHIC_CONCEPTS for n in "01")
    return any(slot.admits(archetype_id) for archetype_id in ids)
