"""Projects: what people and services say to the vault about them.

Ids travel in bodies only.  The server decodes and the client encodes the same types.
"""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import httpx
import msgspec
from msgspec import Meta

from moiety.wire.exchange import call
from moiety.wire.vault import BASE, Message, Purpose, Reason, ask

Line = Annotated[str, Meta(min_length=3, max_length=200, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")]
Path = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")]
Ids = Annotated[list[UUID], Meta(min_length=1, max_length=1000)]
Version = Annotated[int, Meta(ge=1)]
ProjectPurpose = Literal[
    "research", "education", "decision_support", "management", "policy", "statistics"
]
State = Literal["draft", "review", "approved", "running", "closed"]
Step = Literal["submit", "return", "approve", "start", "pause", "amend", "close", "destroy_key"]


class Basis(Message, frozen=True):
    """What allows the project in law; `until`: the last day on which it does."""

    kind: Literal["consent", "section_251", "other"]
    reference: Line
    until: date | None = None


class TemplateAccess(Message, frozen=True):
    """What of a template's data may be asked for: these AQL paths, or all where none is named."""

    template_id: Line
    paths: Annotated[tuple[Path, ...], Meta(max_length=500)] = ()


class Disclosure(Message, frozen=True):
    """Counts of fewer persons are withheld, others are rounded to a multiple."""

    minimum_group: Annotated[int, Meta(ge=2, le=1000)] = 8
    rounding: Annotated[int, Meta(ge=1, le=100)] = 5


class Exemption(Message, frozen=True):
    """Why the national data opt-out is not applied: a code and where it is granted."""

    code: Literal["section_251_without_opt_out", "public_health", "legal_obligation"]
    reference: Line


class Definition(Message, frozen=True):
    """What is proposed, reviewed and approved; a change of it needs a new approval.

    `recipient` names the organisation that gets the pseudonyms: each has a domain of its own.
    `until` is the last day; dates shift by at most `date_shift_days`, 0 for not at all.
    """

    title: Line
    purpose: ProjectPurpose
    basis: Basis
    recipient: Line
    until: date
    members: Annotated[list[UUID], Meta(min_length=1, max_length=200)]
    templates: Annotated[list[TemplateAccess], Meta(min_length=1, max_length=200)]
    disclosure: Disclosure = Disclosure()
    date_shift_days: Annotated[int, Meta(ge=0, le=366)] = 30
    exemption: Exemption | None = None


class Propose(Message, frozen=True):
    """A new project, as a draft: `POST /project`."""

    definition: Definition


class Amend(Message, frozen=True):
    """Another definition for a draft, as it was read: `POST /project/amend`."""

    project_id: UUID
    version: Version
    definition: Definition


class Move(Message, frozen=True):
    """A step of a project, as it was read: `POST /project/step`."""

    project_id: UUID
    version: Version
    step: Step
    reason: Reason


class ProjectShown(Message, frozen=True):
    """A project.  `key_versions` are those of its keys that were not destroyed."""

    project_id: UUID
    version: int
    state: State
    definition: Definition
    proposed_by: UUID
    approved_by: UUID | None
    key_versions: list[int]


class Projects(Message, frozen=True):
    """The projects that the reader may see."""

    projects: list[ProjectShown]


class AskPolicy(Message, frozen=True):
    """The policy of a running project, for the clinical service: `POST /project/policy`.

    `version`: the one that the asker has, which is then confirmed and not sent again.
    """

    project_id: UUID
    version: int | None = None


class Policy(Message, frozen=True):
    """What a service holds in memory while a project runs; `key` makes its pseudonyms.

    It is confirmed by the vault at least every `refresh_seconds`, or dropped.
    """

    project_id: UUID
    policy_id: UUID
    version: int
    purpose_of_use: str
    domain: UUID
    key: bytes
    key_version: int
    date_shift_seed: bytes
    date_shift_days: int
    templates: list[TemplateAccess]
    disclosure: Disclosure
    members: list[UUID]
    until: date
    refresh_seconds: int

    def __repr__(self) -> str:
        """No key."""
        return f"Policy({self.policy_id})"


class PolicyAnswer(Message, frozen=True):
    """A policy; None where the one that the asker has is still in force."""

    policy: Policy | None


class Pseudonymise(Message, frozen=True):
    """The pseudonyms of records in a running project: `POST /project/pseudonym`."""

    project_id: UUID
    ehr_ids: Ids
    reason: Reason
    approval_id: UUID | None = None


class PseudonymsAnswer(Message, frozen=True):
    """One for each id, in their order; None of a record that is unknown or was removed.

    `removed`: how many the registers of opt-outs, objections and consents removed, by the list
    `as_of` that day.
    """

    pseudonyms: list[UUID | None]
    removed: int
    as_of: date | None


class Reidentify(Message, frozen=True):
    """The records behind a project's pseudonyms: `POST /project/ehr`.

    `key_version`: under which key they were made, if not the newest.
    """

    project_id: UUID
    pseudonyms: Ids
    purpose_of_use: Purpose
    legal_basis: Annotated[str, Meta(min_length=1, max_length=40)]
    reason: Reason
    approval_id: UUID | None = None
    key_version: Version | None = None


class EhrsAnswer(Message, frozen=True):
    """One for each pseudonym, in their order; None where there is no such record."""

    ehr_ids: list[UUID | None]


def propose(client: httpx.Client, definition: Definition) -> ProjectShown:
    """A new project, as a draft.  Raises Forbidden and Unprocessable."""
    return ask(client, "/project", Propose(definition), ProjectShown)


def amend(client: httpx.Client, project: ProjectShown, definition: Definition) -> ProjectShown:
    """A draft with another definition.  Raises Conflict when it is no draft, or not as read."""
    message = Amend(project.project_id, project.version, definition)
    return ask(client, "/project/amend", message, ProjectShown)


def move(client: httpx.Client, project: ProjectShown, step: Step, reason: str) -> ProjectShown:
    """The project after a step.  Raises Conflict where the step is not possible, Forbidden."""
    message = Move(project.project_id, project.version, step, reason)
    return ask(client, "/project/step", message, ProjectShown)


def read_projects(client: httpx.Client) -> list[ProjectShown]:
    """The projects that one may see: a researcher one's own."""
    answer = call(client, "GET", f"{BASE}/project")
    return msgspec.json.decode(answer.content, type=Projects).projects


def ask_policy(client: httpx.Client, project_id: UUID, version: int | None = None) -> Policy | None:
    """The policy of a running project, None where `version` is it.

    Raises NotFound without such a project and Conflict where it does not run.
    """
    return ask(client, "/project/policy", AskPolicy(project_id, version), PolicyAnswer).policy


def pseudonymise(client: httpx.Client, message: Pseudonymise) -> PseudonymsAnswer:
    """Pseudonyms of records.  Raises Forbidden and Conflict."""
    return ask(client, "/project/pseudonym", message, PseudonymsAnswer)


def reidentify(client: httpx.Client, message: Reidentify) -> list[UUID | None]:
    """The records of pseudonyms.  Raises Forbidden and Conflict."""
    return ask(client, "/project/ehr", message, EhrsAnswer).ehr_ids
