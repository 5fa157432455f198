"""`ctx/…`: what a simplified document says once for many places (Simplified Formats,
"Context Information").
"""

from dataclasses import dataclass
from typing import Any

from moiety.openehr import rm
from moiety.openehr.errors import RmError
from moiety.openehr.rubrics import RUBRICS, find_code
from moiety.openehr.simplified.fields import Fields
from moiety.openehr.simplified.parties import (
    References,
    read_object_ref,
    read_participation,
    read_party,
)
from moiety.openehr.simplified.values import Hint, read_value, text_of
from moiety.openehr.template import Template


@dataclass(slots=True)
class Context:
    """The defaults that a document sets; `now` where it says no time."""

    template: Template
    references: References
    now: str
    time: str | None = None
    language: str | None = None
    territory: str | None = None
    composer: rm.AnyParty | None = None
    provider: rm.AnyParty | None = None
    facility: rm.AnyParty | None = None
    workflow: rm.ObjectRef | None = None
    setting: rm.DvCodedText | None = None
    current_state: rm.DvCodedText | None = None
    participations: list[rm.Participation] | None = None
    links: list[rm.Link] | None = None
    texts: dict[str, str] | None = None
    rm_version: str | None = None

    def text(self, name: str) -> str | None:
        return (self.texts or {}).get(name)

    @property
    def moment(self) -> str:
        return self.time or self.now


_TEXTS = (
    "end_time",
    "history_origin",
    "action_time",
    "activity_timing",
    "location",
    "instruction_narrative",
)


def read_context(fields: Fields | None, template: Template, now: str) -> Context:
    """The context of a document; `fields` are those below ctx, None where there is none."""
    if fields is None:
        return Context(template, References(None, None), now)
    references = References(_said(fields, "id_namespace"), _said(fields, "id_scheme"))
    context = Context(template, references, now)
    context.time = _said(fields, "time")
    context.language = _said(fields, "language")
    context.territory = _said(fields, "territory")
    context.composer = _composer(fields, references)
    context.provider = _named_party(fields, "provider", references)
    facility = fields.one("health_care_facility")
    context.facility = read_party(facility, references) if facility is not None else None
    workflow = fields.one("work_flow_id", "workflow_id")
    context.workflow = read_object_ref(workflow, references) if workflow is not None else None
    context.setting = _coded(fields, "setting", "setting")
    state = "action_ism_transition_current_state"
    context.current_state = _coded(fields, state, "instruction states")
    context.participations = _participations(fields, references) or None
    hint = Hint(template)
    context.links = [read_value(link, rm.Link, hint) for link in fields.many("link")] or None
    context.texts = {name: said for name in _TEXTS if (said := _said(fields, name)) is not None}
    return context


def _said(fields: Fields, name: str) -> str | None:
    node = fields.one(name)
    value = node.get("") if node is not None else None
    return None if value is None else text_of(value)


def _composer(fields: Fields, references: References) -> rm.AnyParty | None:
    of_self = fields.one("composer_self")
    party = _named_party(fields, "composer", references)
    if of_self is not None and of_self.get("") in {True, "true"}:
        return rm.PartySelf(external_ref=party.external_ref if party is not None else None)
    return party


def _named_party(fields: Fields, prefix: str, references: References) -> rm.PartyIdentified | None:
    name, number = _said(fields, f"{prefix}_name"), _said(fields, f"{prefix}_id")
    if name is None and number is None:
        return None
    return rm.PartyIdentified(name=name, external_ref=references.to(number))


def coded(text: str, group: str) -> rm.DvCodedText:
    """A coded text of terminology openehr from its code or rubric. Raises RmError for neither."""
    code = find_code(group, text)
    if code is None:
        raise RmError("", f"names nothing of the group {group}")
    phrase = rm.CodePhrase(terminology_id=rm.TerminologyId("openehr"), code_string=code)
    return rm.DvCodedText(value=RUBRICS[group][code], defining_code=phrase)


def _coded(fields: Fields, name: str, group: str) -> rm.DvCodedText | None:
    said = _said(fields, name)
    return None if said is None else coded(said, group)


_PARTICIPATION = ("name", "function", "mode", "id")


def _participations(fields: Fields, references: References) -> list[rm.Participation]:
    """ctx/participation_name:0, …_function:0 and so on, put together by index."""
    indexes: dict[int, Fields] = {}
    for name in _PARTICIPATION:
        for index, node in sorted(fields.below.get(f"participation_{name}", {}).items()):
            value: Any = node.get("")
            indexes.setdefault(index, Fields()).values[name] = value
        fields.many(f"participation_{name}")
    identifiers = fields.below.get("participation_identifiers", {})
    fields.many("participation_identifiers")
    found = []
    for index, together in sorted(indexes.items()):
        of = identifiers.get(index)
        participation = read_participation(together, references)
        if of is not None and isinstance(participation.performer, rm.PartyIdentified):
            performer = rm.PartyIdentified(
                external_ref=participation.performer.external_ref,
                name=participation.performer.name,
                identifiers=_identifiers(of),
            )
            participation = rm.Participation(
                function=participation.function, mode=participation.mode, performer=performer
            )
        found.append(participation)
    return found


_IDENTIFIER = ("issuer", "assigner", "id", "type")


def _identifiers(fields: Fields) -> list[rm.DvIdentifier]:
    """issuer::assigner::id::type, with ; between; or suffixes with an index each (|id:1)."""
    compact = fields.get("")
    if compact is not None:
        rows = [row.split("::") for row in text_of(compact).split(";") if row]
        return [rm.DvIdentifier(**dict(zip(_IDENTIFIER, row, strict=False))) for row in rows]
    by_index: dict[str, dict[str, str]] = {}
    for suffix in list(fields.values):
        name, _, index = suffix.partition(":")
        if name in _IDENTIFIER:
            by_index.setdefault(index, {})[name] = text_of(fields.get(suffix))
    return [rm.DvIdentifier(**parts) for _, parts in sorted(by_index.items())]
