"""An ADL 2 operational template as the template of the older model, of which examples are made.

Codes, names and constraints are taken over; what that model has no word for (rules, groups that are
counted together, constraints on a path, bindings) is left out, so the result admits more than the
original and never demands more.  Compositions are not validated by it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from moiety.openehr import rm
from moiety.openehr.adl2.artefact import Adl2Template, value_sets_of
from moiety.openehr.adl2.constraints import (
    AttributeConstraint,
    GroupConstraint,
    Member,
    Multiplicity,
    ObjectConstraint,
    Primitive,
    ProxyConstraint,
    SlotConstraint,
)
from moiety.openehr.adl2.values import (
    ValueSets,
    constraint_of,
    ordinal_of,
    quantity_of,
    rows_of,
)
from moiety.openehr.constraints import Interval
from moiety.openehr.errors import TemplateError
from moiety.openehr.opt_drafts import Draft, DraftAttribute
from moiety.openehr.opt_numbering import number
from moiety.openehr.rm_types import (
    attribute_classes,
    conforming,
    is_class,
    is_locatable,
    is_many,
    plain,
)
from moiety.openehr.template import Template, Term

_QUANTITY = frozenset({"units", "magnitude", "precision"})
_ORDINAL = frozenset({"value", "symbol"})
_FREE = (0, None)


@dataclass(frozen=True, slots=True)
class _Scene:
    """The archetype that is being read: its value sets, and its root once that is known."""

    components: Mapping[str, Any]
    value_sets: ValueSets
    root: ObjectConstraint


def template_of(adl2: Adl2Template) -> Template:
    """The template.  Raises TemplateError for one of another class than COMPOSITION, and for one
    that is nested too deeply.
    """
    if adl2.rm_type != "COMPOSITION":
        raise TemplateError("definition", adl2.rm_type, "is no COMPOSITION")
    scene = _Scene(adl2.components, adl2.value_sets, adl2.definition)
    try:
        root = _object(adl2.definition, scene, (1, 1))
        if root is None:
            raise TemplateError("definition", adl2.rm_type, "is no COMPOSITION")
        root.is_root, root.node_id = True, adl2.archetype_id
        nodes = number(root)
    except RecursionError:
        raise TemplateError("definition", "attributes", "nested too deeply") from None
    return Template(
        template_id=adl2.template_id,
        uid=None,
        concept=adl2.concept,
        archetype_id=adl2.archetype_id,
        language=adl2.language,
        nodes=nodes,
        groups={},  # no rows are made by it
        terms=_terms(adl2),
        annotations={},
    )


def _terms(adl2: Adl2Template) -> dict[str, dict[str, Term]]:
    """Archetype id → code → term, in the original language."""
    found = {adl2.archetype_id: dict(adl2.terms.get(adl2.language, {}))}
    for archetype_id, held in adl2.components.items():
        of_language = _below(held, "term_definitions", adl2.language)
        found[archetype_id] = {
            str(code): Term(text, str(_below(term, "description") or ""))
            for code, term in (of_language.items() if isinstance(of_language, dict) else ())
            if isinstance(text := _below(term, "text"), str)
        }
    return found


def _below(held: Any, *names: str) -> Any:
    for name in names:
        held = held.get(name) if isinstance(held, dict) else None
    return held


# --- objects


def _object(said: ObjectConstraint, scene: _Scene, occurs: Multiplicity) -> Draft | None:
    """C_COMPLEX_OBJECT or C_ARCHETYPE_ROOT; None for a class that the model does not have."""
    if not is_class(said.rm_type):
        return None
    least, most = said.occurrences or occurs
    node_id = said.node_id if is_locatable(said.rm_type) else ""
    draft = Draft(said.rm_type, node_id, least, most)
    if said.archetype_id:
        draft.is_root, draft.node_id = True, said.archetype_id
        held = scene.components.get(said.archetype_id)
        # A value set may stand with the archetype, or with the template that narrows it.
        scene = replace(scene, value_sets={**scene.value_sets, **value_sets_of(held)}, root=said)
    if _take_domain(draft, said, scene):
        return draft
    names: set[str] = set()
    for attribute in said.attributes:
        if attribute.name not in names and (made := _attribute(attribute, said.rm_type, scene)):
            names.add(attribute.name)
            draft.attributes.append(made)
    return draft


def _take_domain(draft: Draft, said: ObjectConstraint, scene: _Scene) -> bool:
    """Whether the object is a quantity or an ordinal, whose values are said together."""
    together = [row for one in said.tuples for row in rows_of(one)]
    alone = {
        one.name: member
        for one in said.attributes
        for member in one.members[:1]
        if isinstance(member, Primitive)
    }
    rows = together or [alone]
    if plain(said.rm_type) == "DV_QUANTITY" and _QUANTITY & set(rows[0]):
        draft.constraint = quantity_of(rows)
    elif plain(said.rm_type) in {"DV_ORDINAL", "DV_SCALE"} and set(rows[0]) >= _ORDINAL:
        draft.constraint = ordinal_of(rows, scene.value_sets)
    return draft.constraint is not None


def _attribute(said: AttributeConstraint, rm_type: str, scene: _Scene) -> DraftAttribute | None:
    """None for a path (it says again what another place says) and for what the class has not."""
    classes = [one for one in conforming(rm_type) if said.name in one.__struct_fields__]
    if not classes:
        return None
    several = any(is_many(one, said.name) for one in classes)
    demanded = any(said.name in rm.required_of(one) for one in classes)
    least, most = said.existence or (int(demanded), 1)
    each = _FREE if several else (least, 1)
    members = said.cardinality.members if said.cardinality else None
    return DraftAttribute(
        name=said.name,
        minimum=least,
        maximum=most,
        multiple=several,
        cardinality=Interval(*_figures(members)) if several and members else None,
        ordered=said.cardinality.ordered if said.cardinality else True,
        unique=said.cardinality.unique if said.cardinality else False,
        children=[
            made
            for member in _flat(said.members)
            if (made := _member(member, scene, each)) is not None
            and _fits(made, classes, said.name)
        ],
    )


def _fits(draft: Draft, classes: Iterable[type[rm.Any]], name: str) -> bool:
    """Whether the model lets such an object stand at an attribute."""
    held = {found for one in classes for found in attribute_classes(one, name)}
    return bool(held & conforming(draft.rm_type)) if is_class(draft.rm_type) else not held


def _figures(said: Multiplicity) -> tuple[float, float | None]:
    return float(said[0]), None if said[1] is None else float(said[1])


def _flat(members: Iterable[Member]) -> Iterable[Member]:
    """Members of groups stand among the others; what the group says of their number is left out."""
    for member in members:
        if isinstance(member, GroupConstraint):
            yield from _flat(map(_freed, member.members))
        else:
            yield member


def _freed(member: Member) -> Member:
    if isinstance(member, ObjectConstraint | SlotConstraint | ProxyConstraint):
        most = member.occurrences[1] if member.occurrences else None
        return replace(member, occurrences=(0, most))
    return member


def _member(said: Member, scene: _Scene, occurs: Multiplicity) -> Draft | None:
    match said:
        case ObjectConstraint(value=None):
            return _object(said, scene, occurs)
        case ObjectConstraint(value=Primitive() as value):
            return _primitive(value, scene)
        case Primitive():
            return _primitive(said, scene)
        case SlotConstraint() if is_class(said.rm_type):
            least, most = said.occurrences or occurs
            return Draft(said.rm_type, said.node_id, least, most, is_slot=True)
        case ProxyConstraint():
            return _proxy(said, scene, occurs)
    return None


def _primitive(said: Primitive, scene: _Scene) -> Draft | None:
    found = constraint_of(said, scene.value_sets)
    if found is None:
        return None
    rm_type, constraint = found
    return Draft(rm_type, "", 1, 1, constraint=constraint)


def _proxy(said: ProxyConstraint, scene: _Scene, occurs: Multiplicity) -> Draft | None:
    """use_node: as what stands at its path in the same archetype, under a code of its own."""
    target = _at(scene.root, said.path)
    if target is None or target.rm_type != said.rm_type:
        return None
    return _object(
        replace(target, node_id=said.node_id, occurrences=said.occurrences or occurs), scene, occurs
    )


def _at(root: ObjectConstraint, path: str) -> ObjectConstraint | None:
    """The object at a path such as /data[id5]/events[id6]."""
    found: ObjectConstraint | None = root
    for step in path.strip("/").split("/"):
        name, _, code = step.partition("[")
        members = (
            member
            for attribute in (found.attributes if found else ())
            if attribute.name == name
            for member in _flat(attribute.members)
        )
        wanted = code.rstrip("]")
        found = next(
            (
                one
                for one in members
                if isinstance(one, ObjectConstraint) and wanted in {"", one.node_id}
            ),
            None,
        )
    return found
