"""The attributes that nodes have of their own, beside what the template puts below them:
their ids, how they are read and written, and what stands where a document says nothing
(Simplified Formats, "RM Mappings", class by class).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from moiety.openehr import rm
from moiety.openehr.constraints import CodePhraseConstraint, StringConstraint
from moiety.openehr.errors import RmError
from moiety.openehr.rm_types import attribute_classes, is_many
from moiety.openehr.simplified.context import Context, coded
from moiety.openehr.simplified.fields import Fields
from moiety.openehr.simplified.parties import (
    read_instruction_details,
    read_object_ref,
    read_participation,
    read_party,
    write_instruction_details,
    write_object_ref,
    write_participation,
    write_party,
)
from moiety.openehr.simplified.values import Hint, read_raw, read_value, text_of
from moiety.openehr.simplified.writing_values import write_value
from moiety.openehr.template import TemplateNode

Read: TypeAlias = Callable[[Fields, Hint, Context], Any]
Write: TypeAlias = Callable[[Any], Fields]
Default: TypeAlias = Callable[[Context, TemplateNode | None], Any]


@dataclass(frozen=True, slots=True)
class Own:
    """`ids`: the one that is written, then others that are read. `default` fills in what a
    document leaves out. `suffix`: the value stands at a suffix of the node itself.
    """

    attribute: str
    ids: tuple[str, ...]
    read: Read
    write: Write
    many: bool = False
    default: Default | None = None
    suffix: bool = False


def _value(
    attribute: str, rm_class: type[rm.Any], *ids: str, default: Default | None = None
) -> Own:
    def read(fields: Fields, hint: Hint, _: Context) -> Any:
        found = read_value(fields, rm_class, hint)
        if rm_class is rm.DvCodedText and isinstance(found, rm.DvText):
            return _with_code(found)
        return found

    names = ids or (attribute,)
    return Own(attribute, names, read, write_value, default=default)


def _with_code(text: rm.DvText) -> rm.DvText:
    if not isinstance(text, rm.DvCodedText):
        raise RmError("", "a coded text needs a code")
    return text


def _party(attribute: str, *ids: str, default: Default | None = None) -> Own:
    return Own(
        attribute,
        ids,
        lambda fields, _, context: read_party(fields, context.references),
        write_party,
        default=default,
    )


def _participations(attribute: str, *ids: str) -> Own:
    return Own(
        attribute,
        ids,
        lambda fields, _, context: read_participation(fields, context.references),
        write_participation,
        many=True,
        default=lambda context, _: context.participations,
    )


def _reference(attribute: str, *ids: str, default: Default | None = None) -> Own:
    return Own(
        attribute,
        ids,
        lambda fields, _, context: read_object_ref(fields, context.references),
        write_object_ref,
        default=default,
    )


def _string(attribute: str, *ids: str, default: Default | None = None) -> Own:
    return Own(attribute, ids, _read_string, _write_string, default=default)


def _read_string(fields: Fields, _: Hint, __: Context) -> Any:
    if fields.has("raw"):
        return fields.get("raw")
    value = fields.get("")
    return None if value is None else text_of(value)


def _write_string(value: Any) -> Fields:
    fields = Fields()
    fields.values[""] = value
    return fields


def _read_uid(fields: Fields, hint: Hint, context: Context) -> Any:
    if fields.has("raw"):
        return read_raw(fields.get("raw"))
    text = _read_string(fields, hint, context)
    if text is None:
        return None
    return rm.ObjectVersionId(text) if "::" in text else rm.HierObjectId(text)


def _write_uid(uid: Any) -> Fields:
    return _write_string(uid.value)


def _read_link(fields: Fields, hint: Hint, _: Context) -> Any:
    return read_value(fields, rm.Link, hint)


# --- defaults


def _phrase(terminology: str, code: str | None) -> rm.CodePhrase | None:
    return rm.CodePhrase(rm.TerminologyId(terminology), code) if code else None


def _language(context: Context, _: TemplateNode | None) -> rm.CodePhrase | None:
    return _phrase("ISO_639-1", context.language)


def _category(context: Context, node: TemplateNode | None) -> rm.DvCodedText:
    """What the template fixes, else an event."""
    for each in node.attributes if node is not None else ():
        if each.name == "category":
            for number in range(
                each.children[0], context.template.nodes[each.children[0]].last + 1
            ):
                constraint = context.template.nodes[number].constraint
                if isinstance(constraint, CodePhraseConstraint) and len(constraint.codes) == 1:
                    return coded(constraint.codes[0], "composition category")
    return coded("433", "composition category")


def _moment(name: str) -> Default:
    def default(context: Context, _: TemplateNode | None) -> rm.DvDateTime:
        return rm.DvDateTime(value=context.text(name) or context.moment)

    return default


def _told_time(name: str) -> Default:
    def default(context: Context, _: TemplateNode | None) -> rm.DvDateTime | None:
        text = context.text(name)
        return rm.DvDateTime(value=text) if text else None

    return default


def _timing(context: Context, _: TemplateNode | None) -> rm.DvParsable | None:
    text = context.text("activity_timing")
    return rm.DvParsable(value=text, formalism="timing") if text else None


def _archetype_pattern(context: Context, node: TemplateNode | None) -> str:
    for each in node.attributes if node is not None else ():
        if each.name == "action_archetype_id":
            for number in each.children:
                constraint = context.template.nodes[number].constraint
                if isinstance(constraint, StringConstraint) and len(constraint.values) == 1:
                    return constraint.values[0]
    return "/.*/"


def _narrative(context: Context, _: TemplateNode | None) -> rm.DvText | None:
    text = context.text("instruction_narrative")
    return rm.DvText(value=text) if text else None


def _transition(context: Context, _: TemplateNode | None) -> rm.IsmTransition | None:
    state = context.current_state
    return rm.IsmTransition(current_state=state) if state is not None else None


_ENTRY = (
    _party("subject", "subject", "_subject", default=lambda _, __: rm.PartySelf()),
    _value("language", rm.CodePhrase, default=_language),
    _value(
        "encoding", rm.CodePhrase, default=lambda _, __: _phrase("IANA_character-sets", "UTF-8")
    ),
    _party("provider", "_provider", "provider", default=lambda context, _: context.provider),
    _participations("other_participations", "_other_participation", "_other_participations"),
    _reference(
        "workflow_id", "_work_flow_id", "_workflow_id", default=lambda context, _: context.workflow
    ),
)

OWN: dict[type[rm.Any], tuple[Own, ...]] = {
    rm.Locatable: (
        Own("uid", ("_uid",), _read_uid, _write_uid),
        Own("links", ("_link", "_links"), _read_link, write_value, many=True),
        _value("feeder_audit", rm.FeederAudit, "_feeder_audit"),
    ),
    rm.Composition: (
        _value("category", rm.DvCodedText, default=_category),
        _party("composer", "composer", default=lambda context, _: context.composer),
        _value("language", rm.CodePhrase, default=_language),
        _value(
            "territory",
            rm.CodePhrase,
            default=lambda context, _: _phrase("ISO_3166-1", context.territory),
        ),
    ),
    rm.EventContext: (
        _value("start_time", rm.DvDateTime, default=_moment("start_time")),
        _value("end_time", rm.DvDateTime, "_end_time", "end_time", default=_told_time("end_time")),
        _string(
            "location", "_location", "location", default=lambda context, _: context.text("location")
        ),
        _value(
            "setting",
            rm.DvCodedText,
            default=lambda context, _: context.setting or coded("238", "setting"),
        ),
        _party(
            "health_care_facility",
            "_health_care_facility",
            "health_care_facility",
            default=lambda context, _: context.facility,
        ),
        _participations("participations", "_participation", "_participations"),
    ),
    rm.Entry: _ENTRY,
    rm.CareEntry: (_reference("guideline_id", "_guideline_id"),),
    rm.Instruction: (
        _value("narrative", rm.DvText, default=_narrative),
        _value("expiry_time", rm.DvDateTime, "expiry_time", "_expiry_time"),
        _value("wf_definition", rm.DvParsable, "_wf_definition", "wf_definition"),
    ),
    rm.Activity: (
        _value("timing", rm.DvParsable, default=_timing),
        _string("action_archetype_id", "action_archetype_id", default=_archetype_pattern),
    ),
    rm.Action: (
        _value("time", rm.DvDateTime, default=_moment("action_time")),
        _value("ism_transition", rm.IsmTransition, default=_transition),
        Own(
            "instruction_details",
            ("_instruction_details",),
            lambda fields, _, __: read_instruction_details(fields),
            write_instruction_details,
        ),
    ),
    rm.Event: (_value("time", rm.DvDateTime),),
    rm.IntervalEvent: (
        _value("width", rm.DvDuration),
        _value("math_function", rm.DvCodedText),
        Own("sample_count", ("sample_count",), _read_string, _write_string, suffix=True),
    ),
    rm.History: (
        _value("period", rm.DvDuration, "_period"),
        _value("duration", rm.DvDuration, "_duration"),
    ),
    rm.Element: (
        _value("null_flavour", rm.DvCodedText, "_null_flavour", "null_flavour"),
        _value("null_reason", rm.DvText, "_null_reason", "null_reason"),
    ),
}


@cache
def own_of(rm_class: type[rm.Any]) -> tuple[Own, ...]:
    """The own attributes of a class, those of its ancestors last."""
    return tuple(own for ancestor in rm_class.__mro__ for own in OWN.get(ancestor, ()))


@cache
def structure_of(rm_class: type[rm.Any]) -> tuple[tuple[str, bool], ...]:
    """(attribute, whether a list) for each attribute that holds archetyped objects."""
    found = []
    for name in rm_class.__struct_fields__:
        classes = attribute_classes(rm_class, name)
        inner = all(issubclass(each, rm.Locatable | rm.EventContext) for each in classes)
        if classes and inner and (rm_class, name) != (rm.FeederAuditDetails, "other_details"):
            found.append((name, is_many(rm_class, name)))
    return tuple(found)


SKELETON = frozenset({"archetype_node_id", "name", "archetype_details"})


@cache
def others_of(rm_class: type[rm.Any]) -> tuple[str, ...]:
    """Attributes that nothing else tells: raw JSON at `_attribute`."""
    told = {own.attribute for own in own_of(rm_class)} | {n for n, _ in structure_of(rm_class)}
    told |= SKELETON | {"value" if rm_class is rm.Element else "", "origin"}
    return tuple(name for name in rm_class.__struct_fields__ if name not in told)
