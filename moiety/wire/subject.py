"""What a person may be told: who looked, and everything, for whoever answers the person.

Ids travel in bodies only.  A report names members of staff, and no id of the person or a record.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import httpx
from msgspec import Meta

from moiety.wire.projects import ProjectPurpose
from moiety.wire.vault import Message, Reason, ask


class AskReport(Message, frozen=True):
    """Who looked at a person, by either id: `POST /access/report`."""

    reason: Reason
    person_id: UUID | None = None
    ehr_id: UUID | None = None


class ReportEntry(Message, frozen=True):
    """One look, or a refused attempt at one, in whichever service.

    `what`: an action of the vault, or a route of another service.  `who`: the name of a user, else
    what the key is for.  `every`: a query or an export of all records, this one perhaps among them.
    """

    at: datetime
    service: str
    what: str
    outcome: str
    who: str | None
    user_id: UUID | None
    key_id: str
    role: str | None = None
    purpose_of_use: str | None = None
    legal_basis: str | None = None
    reason: str | None = None
    kind: str | None = None
    project: str | None = None
    every: bool = False


class Report(Message, frozen=True):
    """Who looked, in the order of time.  `gaps`: what is not known, in sentences."""

    entries: list[ReportEntry]
    gaps: list[str]


class GatherSubjectAccess(Message, frozen=True):
    """Everything for a person, which an approval released: `POST /subject-access`."""

    person_id: UUID
    reason: Reason
    legal_basis: Annotated[str, Meta(min_length=1, max_length=40)]
    approval_id: UUID | None = None


class SubjectProject(Message, frozen=True):
    """A project that used the record, or may use it.

    `use`: "pseudonym" where one was made of it, "allowed" where it is in the population of a
    running project, "removed" where a register keeps it out, "unknown" where that is not known.
    """

    title: str
    purpose: ProjectPurpose
    legal_basis: str
    recipient: str
    state: str
    use: str


class SubjectAccess(Message, frozen=True):
    """The vault's part: all ids of the person, who looked, the projects, and the trail's head."""

    person_ids: list[UUID]
    ehr_ids: list[UUID]
    report: Report
    projects: list[SubjectProject]
    trail_size: int
    trail_root: str


def read_report(client: httpx.Client, message: AskReport) -> Report:
    """Who looked at a person.  Raises Forbidden, and Unavailable when a service is away."""
    return ask(client, "/access/report", message, Report)


def gather(client: httpx.Client, message: GatherSubjectAccess) -> SubjectAccess:
    """The vault's part of a subject access report.  Raises Forbidden without an approval."""
    return ask(client, "/subject-access", message, SubjectAccess)
