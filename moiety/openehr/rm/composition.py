"""The composition and what it may contain (RM 1.1.0, ehr.composition)."""

from typing import ClassVar, TypeAlias

from moiety.openehr.rm.base import Any
from moiety.openehr.rm.data_types import CodePhrase, DvCodedText, DvDateTime, DvParsable, Text
from moiety.openehr.rm.generic import AnyParty, IdentifiedParty, Participation
from moiety.openehr.rm.structures import History, ItemStructure, ItemTree, Locatable
from moiety.openehr.rm.support import AnyObjectRef, LocatableRef


class Entry(Locatable):
    """ENTRY (abstract)."""

    required: ClassVar[tuple[str, ...]] = ("language", "encoding", "subject")
    language: CodePhrase | None = None
    encoding: CodePhrase | None = None
    subject: AnyParty | None = None
    provider: AnyParty | None = None
    other_participations: list[Participation] | None = None
    workflow_id: AnyObjectRef | None = None


class AdminEntry(Entry):
    required: ClassVar[tuple[str, ...]] = ("data",)
    data: ItemStructure | None = None


class CareEntry(Entry):
    """CARE_ENTRY (abstract)."""

    protocol: ItemStructure | None = None
    guideline_id: AnyObjectRef | None = None


class Observation(CareEntry):
    required: ClassVar[tuple[str, ...]] = ("data",)
    data: History | None = None
    state: History | None = None


class Evaluation(CareEntry):
    required: ClassVar[tuple[str, ...]] = ("data",)
    data: ItemStructure | None = None


class Activity(Locatable):
    required: ClassVar[tuple[str, ...]] = ("description", "action_archetype_id")
    description: ItemStructure | None = None
    timing: DvParsable | None = None
    action_archetype_id: str | None = None


class Instruction(CareEntry):
    required: ClassVar[tuple[str, ...]] = ("narrative",)
    narrative: Text | None = None
    expiry_time: DvDateTime | None = None
    wf_definition: DvParsable | None = None
    activities: list[Activity] | None = None


class IsmTransition(Any):
    required: ClassVar[tuple[str, ...]] = ("current_state",)
    current_state: DvCodedText | None = None
    transition: DvCodedText | None = None
    careflow_step: DvCodedText | None = None
    reason: list[Text] | None = None


class InstructionDetails(Any):
    required: ClassVar[tuple[str, ...]] = ("instruction_id", "activity_id")
    instruction_id: LocatableRef | None = None
    activity_id: str | None = None
    wf_details: ItemStructure | None = None


class Action(CareEntry):
    required: ClassVar[tuple[str, ...]] = ("time", "description", "ism_transition")
    time: DvDateTime | None = None
    description: ItemStructure | None = None
    ism_transition: IsmTransition | None = None
    instruction_details: InstructionDetails | None = None


class GenericEntry(Locatable):
    required: ClassVar[tuple[str, ...]] = ("data",)
    data: ItemTree | None = None


class Section(Locatable):
    items: "list[ContentItem] | None" = None


ContentItem: TypeAlias = (
    Observation | Evaluation | Instruction | Action | AdminEntry | Section | GenericEntry
)


class EventContext(Any):
    required: ClassVar[tuple[str, ...]] = ("start_time", "setting")
    start_time: DvDateTime | None = None
    end_time: DvDateTime | None = None
    location: str | None = None
    setting: DvCodedText | None = None
    health_care_facility: IdentifiedParty | None = None
    participations: list[Participation] | None = None
    other_context: ItemStructure | None = None


class Composition(Locatable):
    required: ClassVar[tuple[str, ...]] = ("language", "territory", "category", "composer")
    language: CodePhrase | None = None
    territory: CodePhrase | None = None
    category: DvCodedText | None = None
    composer: AnyParty | None = None
    context: EventContext | None = None
    content: list[ContentItem] | None = None
