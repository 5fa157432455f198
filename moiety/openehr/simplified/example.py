"""A made-up composition of a template: every event and item present, or only what must be.

It is valid by its own template, so that a client can commit it as it stands (ITS-REST, Definition
API, "Get example data by template").
"""

from dataclasses import dataclass
from typing import Any

from moiety.openehr import rm
from moiety.openehr.constraints import StringConstraint
from moiety.openehr.rm_types import is_locatable, is_many, plain
from moiety.openehr.rubrics import RUBRICS
from moiety.openehr.simplified.context import Context, coded
from moiety.openehr.simplified.example_values import MOMENT, TEXT, coded_text, example_value, string
from moiety.openehr.simplified.levels import class_of, details_of
from moiety.openehr.simplified.own import structure_of
from moiety.openehr.simplified.parties import NO_REFERENCES
from moiety.openehr.simplified.tree import name_of
from moiety.openehr.simplified.values import Hint
from moiety.openehr.template import Attribute, Template, TemplateNode
from moiety.openehr.terminology import STATE_AFTER


@dataclass(frozen=True, slots=True)
class _Maker:
    template: Template
    context: Context
    everything: bool


def example(template: Template, *, everything: bool = True) -> rm.Composition:
    """A composition that the template admits; `everything` False leaves out the optional."""
    context = Context(template, NO_REFERENCES, MOMENT, language=template.language, territory="DE")
    made = _node(template.nodes[0], _Maker(template, context, everything))
    if not isinstance(made, rm.Composition):
        raise TypeError(template.archetype_id)
    return made


def _node(node: TemplateNode, maker: _Maker) -> Any:
    """The object of a template node, with all below it."""
    rm_class = class_of(node)
    made = rm_class()
    if isinstance(made, rm.Locatable):
        made.name = rm.DvText(value=name_of(maker.template, node))
        made.archetype_node_id = node.node_id
        made.archetype_details = details_of(node, maker.context)
    for attribute in node.attributes:
        if attribute.maximum != 0 and attribute.name in rm_class.__struct_fields__:
            _attribute(made, attribute, maker)
    _complete(made, node, maker)
    return made


_LEAVE = frozenset(
    {"name", "action_archetype_id", "ism_transition", "links", "feeder_audit", "uid"}
)


def _attribute(made: Any, attribute: Attribute, maker: _Maker) -> None:
    if attribute.name in _LEAVE:
        return
    children = [
        child
        for number in attribute.children
        if (child := maker.template.nodes[number]).maximum != 0 and not child.is_slot
    ]
    children = [child for child in children if child.minimum > 0 or not _is_hollow(child, maker)]
    if not maker.everything:
        needed = attribute.minimum > 0 or attribute.name in rm.required_of(made.__class__)
        kept = [child for child in children if child.minimum > 0]
        children = kept or (children[:1] if needed else [])
    if not children:
        return
    if is_many(made.__class__, attribute.name):
        setattr(made, attribute.name, _several(children, attribute, maker) or None)
    else:
        found = _one(children[0], maker)
        if attribute.name in rm.required_of(made.__class__) or not _is_empty(found):
            setattr(made, attribute.name, found)


def _is_empty(thing: Any) -> bool:
    """A tree without items says nothing."""
    return isinstance(thing, rm.ItemTree | rm.ItemList) and not thing.items


def _is_hollow(node: TemplateNode, maker: _Maker) -> bool:
    """A cluster of nothing but slots: what would stand in it, the template does not know."""
    inside = [maker.template.nodes[number] for each in node.attributes for number in each.children]
    held = [each for each in inside if each.attribute == "items"]
    return (
        node.rm_type == "CLUSTER"
        and bool(held)
        and all(each.is_slot or each.maximum == 0 for each in held)
    )


def _several(children: list[TemplateNode], attribute: Attribute, maker: _Maker) -> list[Any]:
    """One object a child, as often as it must stand, within the cardinality."""
    limit = attribute.cardinality.upper if attribute.cardinality is not None else None
    if limit is not None and len(children) > limit:
        children = sorted(children, key=lambda child: -child.minimum)[: int(limit)]
    return [_one(child, maker) for child in children for _ in range(max(child.minimum, 1))]


def _one(child: TemplateNode, maker: _Maker) -> Any:
    """An archetyped object, a data value, or a plain one."""
    hint = Hint(maker.template, child)
    if is_locatable(child.rm_type) or child.rm_type == "EVENT_CONTEXT":
        return _node(child, maker)
    name = plain(child.rm_type)
    if name == "CODE_PHRASE":
        return coded_text("DV_CODED_TEXT", hint).defining_code
    if name.startswith("DV_") or name == "DATA_VALUE":
        return example_value(_TYPES.get(name, child.rm_type), hint)
    if name == "STRING":
        return string(hint)
    return _PARTIES.get(name, rm.PartySelf)() if name.startswith("PARTY") else None


_TYPES = {"DATA_VALUE": "DV_TEXT", "DV_ORDERED": "DV_QUANTITY", "DV_AMOUNT": "DV_QUANTITY"}
_PARTIES = {"PARTY_IDENTIFIED": lambda: rm.PartyIdentified(name=TEXT)}


# --- what the model demands and the template does not mention


def _complete(made: Any, node: TemplateNode, maker: _Maker) -> None:
    hint = Hint(maker.template, node)
    for rm_class, fill in _FILL.items():
        if isinstance(made, rm_class):
            fill(made, hint, maker)
    for name, many in structure_of(made.__class__):
        if name in rm.required_of(made.__class__) and not getattr(made, name):
            filler = _FILLERS.get(name)
            if filler is not None:
                setattr(made, name, [filler()] if many else filler())


def _phrase(terminology: str, code: str) -> rm.CodePhrase:
    return rm.CodePhrase(rm.TerminologyId(terminology), code)


def _moment() -> rm.DvDateTime:
    return rm.DvDateTime(value=MOMENT)


def _tree() -> rm.ItemTree:
    return rm.ItemTree(name=rm.DvText(value="Tree"), archetype_node_id="at0001")


def _element() -> rm.Element:
    text = rm.DvText(value=TEXT)
    return rm.Element(name=text, archetype_node_id="at0002", value=text)


_FILLERS: dict[str, Any] = {
    "data": _tree,
    "description": _tree,
    "items": _element,
    "item": _element,
}
"""Structure that must be there though the template says nothing of it."""


def _composition(made: rm.Composition, _: Hint, maker: _Maker) -> None:
    made.language = made.language or _phrase("ISO_639-1", maker.template.language)
    made.territory = made.territory or _phrase("ISO_3166-1", "DE")
    made.category = made.category or coded("433", "composition category")
    made.composer = rm.PartyIdentified(name="Max Mustermann")
    code = made.category.defining_code
    if made.context is None and (code is None or code.code_string != "431"):
        made.context = rm.EventContext()
        _event_context(made.context, Hint(maker.template), maker)


def _event_context(made: rm.EventContext, _: Hint, __: _Maker) -> None:
    made.start_time = made.start_time or _moment()
    made.setting = made.setting or coded("238", "setting")


def _entry(made: rm.Entry, _: Hint, maker: _Maker) -> None:
    made.language = made.language or _phrase("ISO_639-1", maker.template.language)
    made.encoding = made.encoding or _phrase("IANA_character-sets", "UTF-8")
    made.subject = made.subject or rm.PartySelf()


def _history(made: rm.History, _: Hint, __: _Maker) -> None:
    made.origin = made.origin or _moment()


def _event(made: rm.Event, _: Hint, __: _Maker) -> None:
    made.time = made.time or _moment()


def _interval_event(made: rm.IntervalEvent, _: Hint, __: _Maker) -> None:
    made.width = made.width or rm.DvDuration(value="PT1H")
    made.math_function = made.math_function or coded("146", "event math function")


def _instruction(made: rm.Instruction, _: Hint, __: _Maker) -> None:
    made.narrative = made.narrative or rm.DvText(value=TEXT)


def _activity(made: rm.Activity, hint: Hint, maker: _Maker) -> None:
    pattern = hint.below("action_archetype_id").constraints()
    said = pattern[0] if pattern and isinstance(pattern[0], StringConstraint) else None
    if said is not None and said.pattern is not None:
        made.action_archetype_id = f"/{said.pattern.pattern}/"
    else:
        made.action_archetype_id = said.values[0] if said is not None and said.values else "/.*/"
    if maker.everything and made.timing is None:
        made.timing = rm.DvParsable(value="R2/2022-02-03T04:05:06Z/P3M", formalism="timing")


def _action(made: rm.Action, hint: Hint, _: _Maker) -> None:
    made.time = made.time or _moment()
    transition = hint.below("ism_transition")
    below = transition.below("current_state")
    state = coded_text("DV_CODED_TEXT", below)
    code = state.defining_code.code_string if state.defining_code is not None else None
    if below.node is None or code not in RUBRICS["instruction states"]:
        state = coded("532", "instruction states")
    made.ism_transition = rm.IsmTransition(current_state=state)
    step = transition.below("careflow_step")
    if step.node is not None:
        made.ism_transition.careflow_step = coded_text("DV_CODED_TEXT", step)
    made.ism_transition.transition = _transition(state)


def _transition(state: rm.DvCodedText) -> rm.DvCodedText | None:
    """A transition that leads to the state."""
    wanted = state.defining_code.code_string if state.defining_code is not None else None
    for code, after in STATE_AFTER.items():
        if after == wanted:
            return coded(code, "instruction transitions")
    return None


def _filled_element(made: rm.Element, _: Hint, __: _Maker) -> None:
    if made.value is None:
        made.value = rm.DvText(value=TEXT)


_FILL: dict[type[rm.Any], Any] = {
    rm.Composition: _composition,
    rm.EventContext: _event_context,
    rm.Entry: _entry,
    rm.History: _history,
    rm.Event: _event,
    rm.IntervalEvent: _interval_event,
    rm.Instruction: _instruction,
    rm.Activity: _activity,
    rm.Action: _action,
    rm.Element: _filled_element,
}
