"""Objects and attributes of an operational template: elements → drafts (AM 1.4, Archetype.xsd)."""

from dataclasses import replace

from moiety.openehr.constraints import (
    CodePhraseConstraint,
    Interval,
    OrdinalConstraint,
    StringConstraint,
)
from moiety.openehr.opt_drafts import Draft, DraftAttribute
from moiety.openehr.opt_values import (
    DOMAIN_TYPES,
    primitive,
    read_interval,
    read_multiplicity,
    slot,
)
from moiety.openehr.opt_xml import Place
from moiety.openehr.rm_types import COMPUTED, PRIMITIVES, attribute_names, is_class
from moiety.openehr.template import Term

_OBJECT = "rm_type_name occurrences"


def read_definition(place: Place) -> Draft:
    """The root object of a template: a C_ARCHETYPE_ROOT, said or not."""
    if place.type not in {"", "C_ARCHETYPE_ROOT"}:
        raise place.refuse(place.type, "a definition is a C_ARCHETYPE_ROOT")
    return _archetype_root(place)


def _read_object(place: Place) -> Draft:
    kind = place.type
    if kind == "C_COMPLEX_OBJECT":
        place.check(one=_OBJECT, optional="node_id default_value", many="attributes")
        return _complex(place)
    if kind == "C_ARCHETYPE_ROOT":
        return _archetype_root(place)
    if kind == "ARCHETYPE_SLOT":
        draft = _draft(place)
        draft.is_slot, draft.constraint = True, slot(place)
        return draft
    if kind == "ARCHETYPE_INTERNAL_REF":
        place.check(one=f"{_OBJECT} target_path", optional="node_id")
        draft = _draft(place)
        draft.target = place.value("target_path")
        return draft
    if kind == "C_PRIMITIVE_OBJECT":
        place.check(one=_OBJECT, optional="node_id item")
        draft = _draft(place)
        item = place.find("item")
        draft.constraint = primitive(item) if item else None
        return draft
    if kind in DOMAIN_TYPES:
        draft = _draft(place)
        draft.constraint = DOMAIN_TYPES[kind](place)
        return draft
    raise place.refuse(kind or "children", "is no constraint that we know")


def _draft(place: Place) -> Draft:
    rm_type = place.value("rm_type_name")
    if not is_class(rm_type) and rm_type not in PRIMITIVES:
        raise place.refuse(rm_type, "is no class of the reference model")
    least, greatest = read_multiplicity(place.one("occurrences"))
    node = place.find("node_id")
    return Draft(rm_type, node.text if node else "", least, greatest)


def _complex(place: Place) -> Draft:
    draft = _draft(place)
    names: set[str] = set()
    for found in place.many("attributes"):
        attribute = _attribute(Place(found.element, _at(place, found)), draft.rm_type)
        if attribute.name in names:
            raise place.refuse(attribute.name, "is constrained twice")
        names.add(attribute.name)
        draft.attributes.append(attribute)
    return draft


def _at(place: Place, attribute: Place) -> str:
    name = attribute.find("rm_attribute_name")
    return f"{place.path}/attributes[{name.text if name else '?'}]"


def _archetype_root(place: Place) -> Draft:
    place.check(
        one=f"{_OBJECT} archetype_id",
        optional="node_id template_id default_value",
        many="attributes term_definitions term_bindings",
    )
    if template_id := place.find("template_id"):
        template_id.check(one="value")
    draft = _complex(place)
    draft.is_root = True
    draft.node_id = place.id_value("archetype_id")
    draft.terms = {draft.node_id: _terms(place)}
    draft.bindings = {draft.node_id: _bindings(place)}
    _resolve_references(place, draft)
    _name_below(draft, draft.terms[draft.node_id])
    return draft


def _terms(place: Place) -> dict[str, Term]:
    found: dict[str, Term] = {}
    for definition in place.many("term_definitions"):
        definition.check(many="items")
        said = {item.attribute("id"): item.text for item in definition.many("items")}
        found[definition.attribute("code")] = Term(
            said.get("text", ""), said.get("description", ""), said.get("comment", "")
        )
    return found


def _bindings(place: Place) -> dict[str, tuple[tuple[str, str], ...]]:
    """Code → what other terminologies call it: (terminology, code) pairs."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for binding in place.many("term_bindings"):
        binding.check(many="items")
        for item in binding.many("items"):
            value = item.one("value")
            bound = (binding.attribute("terminology"), value.value("code_string"))
            code = item.attribute("code")
            found[code] = (*found.get(code, ()), bound)
    return found


# --- attributes


def _attribute(place: Place, owner: str) -> DraftAttribute:
    kind = place.type
    if kind not in {"C_SINGLE_ATTRIBUTE", "C_MULTIPLE_ATTRIBUTE"}:
        raise place.refuse(kind or "attributes", "is no attribute constraint that we know")
    multiple = kind == "C_MULTIPLE_ATTRIBUTE"
    place.check(
        one="rm_attribute_name existence" + (" cardinality" if multiple else ""),
        optional="match_negated",
        many="children",
    )
    name = place.value("rm_attribute_name")
    if name not in attribute_names(owner) and (owner, name) not in COMPUTED:
        raise place.refuse(name, f"is no attribute of {owner}")
    if place.flag("match_negated", default=False):
        raise place.refuse("match_negated", "is not supported")
    least, greatest = read_multiplicity(place.one("existence"))
    cardinality, ordered, unique = _cardinality(place) if multiple else (None, False, False)
    return DraftAttribute(
        name=name,
        minimum=least,
        maximum=greatest,
        multiple=multiple,
        cardinality=cardinality,
        ordered=ordered,
        unique=unique,
        children=[_read_object(_named(child)) for child in place.many("children")],
    )


def _named(child: Place) -> Place:
    """The place of a child, told by its node id or class."""
    node, rm_type = child.find("node_id"), child.find("rm_type_name")
    label = (node.text if node else "") or (rm_type.text if rm_type else "") or "?"
    return Place(child.element, f"{child.path.removesuffix('/children')}/{label}")


def _cardinality(place: Place) -> tuple[Interval, bool, bool]:
    found = place.one("cardinality")
    found.check(one="interval", optional="is_ordered is_unique")
    return (
        read_interval(found.one("interval"), int),
        found.flag("is_ordered", default=False),
        found.flag("is_unique", default=False),
    )


# --- within one archetype: internal references and fixed names


def _resolve_references(place: Place, root: Draft) -> None:
    """Give every ARCHETYPE_INTERNAL_REF of this archetype the attributes of its target."""

    def visit(draft: Draft) -> None:
        if draft.target is not None:
            target = _follow(root, draft.target)
            if target is None or target.target is not None:
                raise place.refuse("target_path", "leads to no object of this archetype")
            draft.attributes, draft.constraint = target.attributes, target.constraint
            draft.node_id = draft.node_id or target.node_id
            draft.target = None
            return
        for attribute in draft.attributes:
            for child in attribute.children:
                if not child.is_root:
                    visit(child)

    visit(root)


def _follow(root: Draft, path: str) -> Draft | None:
    here: Draft | None = root
    for segment in path.strip("/").split("/"):
        name, _, rest = segment.partition("[")
        node_id = rest.rstrip("]")
        children = [
            child
            for attribute in (here.attributes if here else [])
            if attribute.name == name
            for child in attribute.children
            if not node_id or child.node_id == node_id
        ]
        here = children[0] if children else None
    return here


def _name_below(root: Draft, terms: dict[str, Term]) -> None:
    """Collect what names the template fixes, and the terms of archetypes further down."""

    def visit(draft: Draft) -> None:
        draft.names = _fixed_names(draft, terms)
        if isinstance(draft.constraint, OrdinalConstraint):
            draft.constraint = _labelled(draft.constraint, terms)
        for attribute in draft.attributes:
            for child in attribute.children:
                for archetype_id, found in child.terms.items():  # an archetype may stand twice
                    root.terms[archetype_id] = root.terms.get(archetype_id, {}) | found
                root.bindings.update(child.bindings)
                if not child.is_root:
                    visit(child)

    visit(root)


def _labelled(constraint: OrdinalConstraint, terms: dict[str, Term]) -> OrdinalConstraint:
    """Ordinals whose symbols are codes of the archetype take their texts from its terms."""
    return OrdinalConstraint(
        tuple(
            replace(item, label=terms[item.code].text)
            if item.label is None and item.terminology == "local" and item.code in terms
            else item
            for item in constraint.items
        )
    )


def _fixed_names(draft: Draft, terms: dict[str, Term]) -> frozenset[str]:
    """The texts that `name` may have; empty: any."""
    names: set[str] = set()
    for attribute in draft.attributes:
        for child in attribute.children if attribute.name == "name" else ():
            for inner in child.attributes:
                for leaf in inner.children:
                    constraint = leaf.constraint
                    if isinstance(constraint, StringConstraint) and not constraint.open:
                        names |= set(constraint.values)
                    elif isinstance(constraint, CodePhraseConstraint):
                        names |= {terms[code].text for code in constraint.codes if code in terms}
    return frozenset(names)
