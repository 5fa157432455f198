"""Registers of opt-outs, objections and consents: what is said to the vault about them.

NHS numbers never travel here: the demographic service names persons by their ids.
"""

from collections.abc import Iterable
from datetime import date
from typing import Annotated
from uuid import UUID

import httpx
import msgspec
from msgspec import Meta

from moiety.wire.exchange import call
from moiety.wire.vault import BASE, Message, Reason, ask

MOST = 5000
"""Persons in one message of a snapshot."""
Persons = Annotated[list[UUID], Meta(max_length=MOST)]


class Begin(Message, frozen=True):
    """A new snapshot of the national list, as it was on a day: `POST /opt-out/begin`."""

    as_of: date


class Begun(Message, frozen=True):
    """The snapshot, not in force yet."""

    snapshot_id: UUID


class Add(Message, frozen=True):
    """Persons that the list was asked about, by what it says: `POST /opt-out/add`."""

    snapshot_id: UUID
    opted_out: Persons
    free: Persons


class Finish(Message, frozen=True):
    """The snapshot is whole and in force from now on: `POST /opt-out/finish`."""

    snapshot_id: UUID


class Snapshot(Message, frozen=True):
    """How a snapshot was loaded: persons that it knows, and how many of them opted out."""

    as_of: date
    persons: int
    opted_out: int


class Object(Message, frozen=True):
    """A person objects to one project, or to all: `POST /opt-out/objection`."""

    person_id: UUID
    reason: Reason
    project_id: UUID | None = None
    withdrawn: bool = False


class Consent(Message, frozen=True):
    """A person consents to a project from a day on: `POST /opt-out/consent`.

    A later message takes the place of an earlier one; `until` is the last day.
    """

    person_id: UUID
    project_id: UUID
    reason: Reason
    since: date
    until: date | None = None
    withdrawn: bool = False


class Clean(Message, frozen=True):
    """Who of a cohort a project may use, asked by the clinical service: `POST /project/clean`."""

    project_id: UUID
    ehr_ids: Annotated[list[UUID], Meta(max_length=50_000)]


class Cleaned(Message, frozen=True):
    """Those who may, in the order of the question; and how many may not, by cause.

    A record counts under one cause, the first of: unknown, opted out or never checked, objected,
    without consent.  `as_of`: of the list of opt-outs, None where it does not apply.
    """

    kept: list[UUID]
    removed: int
    unknown: int
    opted_out: int
    unchecked: int
    objected: int
    without_consent: int
    as_of: date | None


def load(
    client: httpx.Client, as_of: date, pages: Iterable[tuple[list[UUID], list[UUID]]]
) -> Snapshot:
    """Loads a snapshot from pages of persons (opted out, free) and puts it in force."""
    begun = ask(client, "/opt-out/begin", Begin(as_of), Begun)
    for opted_out, free in pages:
        message = Add(begun.snapshot_id, opted_out, free)
        call(client, "POST", f"{BASE}/opt-out/add", json=msgspec.to_builtins(message))
    return ask(client, "/opt-out/finish", Finish(begun.snapshot_id), Snapshot)


def object_to(client: httpx.Client, message: Object) -> None:
    """Records or withdraws an objection."""
    call(client, "POST", f"{BASE}/opt-out/objection", json=msgspec.to_builtins(message))


def consent_to(client: httpx.Client, message: Consent) -> None:
    """Records or withdraws a consent."""
    call(client, "POST", f"{BASE}/opt-out/consent", json=msgspec.to_builtins(message))


def clean(client: httpx.Client, project_id: UUID, ehr_ids: list[UUID]) -> Cleaned:
    """Who of a cohort may be used.  Raises Conflict: not running, or the list is missing or old."""
    return ask(client, "/project/clean", Clean(project_id, ehr_ids), Cleaned)
