"""What becomes of links: merges, moves, erasures; their messages, and what is asked of the vault.

Ids travel in bodies only, never in a URL.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import msgspec
from msgspec import Meta

from moiety.wire.exchange import call
from moiety.wire.vault import BASE, MOST, Message, Reason, ask


class Merge(Message, frozen=True):
    """One person lives on in another: `POST /merge`; no more: `POST /unmerge`."""

    merged: UUID
    survivor: UUID
    reason: Reason


class Told(Message, frozen=True):
    """What the demographic service did, as it tells it: `POST /merge/told`."""

    merged: UUID
    survivor: UUID
    is_undone: bool


class Close(Message, frozen=True):
    """Close a link, or open it again: `POST /close`."""

    ehr_id: UUID
    is_closed: bool
    reason: Reason


class Restrict(Message, frozen=True):
    """Forbid secondary use of a record, or allow it again: `POST /restrict`."""

    ehr_id: UUID
    is_restricted: bool
    reason: Reason


class Move(Message, frozen=True):
    """Ask for an EHR to be another person's: `POST /move`."""

    ehr_id: UUID
    to_person: UUID
    reason: Reason


class Adopted(Message, frozen=True):
    """An EHR that exists, and whose it is."""

    person_id: UUID
    ehr_id: UUID


class Adopt(Message, frozen=True):
    """Link EHRs that exist: `POST /adopt`."""

    pairs: Annotated[list[Adopted], Meta(min_length=1, max_length=MOST)]
    reason: Reason


class Erase(Message, frozen=True):
    """Ask for a link to be cut, or made unreadable in every copy: `POST /erase`."""

    ehr_id: UUID
    mode: Literal["cut", "shred"]
    reason: Reason


class Consent(Message, frozen=True):
    """Consent to what another person asked for: `POST /move/consent`, `POST /erase/consent`."""

    task_id: UUID


class Settle(Message, frozen=True):
    """End a task once somebody has looked: `POST /tasks/settle`."""

    task_id: UUID
    reason: Reason


class TaskAnswer(Message, frozen=True):
    """The task that waits now, if one does."""

    task_id: UUID | None


class Task(Message, frozen=True):
    """One task: what it is, and what was asked for with its ids."""

    task_id: UUID
    kind: str
    asked: dict[str, Any]


class TasksAnswer(Message, frozen=True):
    """What waits for a second person or a decision: `POST /tasks`."""

    tasks: list[Task]


class AdoptAnswer(Message, frozen=True):
    """For each pair, in order: `linked`, `present` or `conflict`."""

    outcomes: list[str]


class CertificateAnswer(Message, frozen=True):
    """A signed statement of an erasure; octets as base64, the key hexadecimal."""

    statement: str
    signature: bytes
    salt: bytes
    public_key: str


def merge(client: httpx.Client, merged: UUID, survivor: UUID, *, reason: str) -> UUID | None:
    """Lets a person live on in another; the task that waits when both have EHRs."""
    return ask(client, "/merge", Merge(merged, survivor, reason), TaskAnswer).task_id


def unmerge(client: httpx.Client, merged: UUID, survivor: UUID, *, reason: str) -> None:
    """Takes a merge back.  Raises NotFound without one."""
    ask(client, "/unmerge", Merge(merged, survivor, reason), TaskAnswer)


def tell_merge(client: httpx.Client, merged: UUID, survivor: UUID, *, is_undone: bool) -> None:
    """Tells the vault of a merge in the demographic service, or that it was taken back.

    Telling it again does nothing.  Raises Conflict when the vault knows otherwise.
    """
    message = msgspec.to_builtins(Told(merged, survivor, is_undone))
    call(client, "POST", f"{BASE}/merge/told", json=message)


def adopt(client: httpx.Client, pairs: Sequence[tuple[UUID, UUID]], *, reason: str) -> list[str]:
    """Links up to 1,000 EHRs that exist to persons: for each pair what became of it."""
    message = Adopt([Adopted(*pair) for pair in pairs], reason)
    return ask(client, "/adopt", message, AdoptAnswer).outcomes


def erase(
    client: httpx.Client, ehr_id: UUID, *, mode: Literal["cut", "shred"], reason: str
) -> UUID:
    """Asks for an erasure; the task that a second person consents to."""
    task_id = ask(client, "/erase", Erase(ehr_id, mode, reason), TaskAnswer).task_id
    if task_id is None:
        raise ValueError("an erasure that was asked for has a task")
    return task_id


def consent_to_erasure(client: httpx.Client, task_id: UUID) -> CertificateAnswer:
    """Erases what another person asked for, and brings the certificate."""
    return ask(client, "/erase/consent", Consent(task_id), CertificateAnswer)


def move(client: httpx.Client, ehr_id: UUID, to_person: UUID, *, reason: str) -> UUID:
    """Asks for an EHR to be another person's; the task that a second person consents to."""
    task_id = ask(client, "/move", Move(ehr_id, to_person, reason), TaskAnswer).task_id
    if task_id is None:
        raise ValueError("a move that was asked for has a task")
    return task_id


def consent_to_move(client: httpx.Client, task_id: UUID) -> None:
    """Moves what another person asked for."""
    ask(client, "/move/consent", Consent(task_id), TaskAnswer)


def read_tasks(client: httpx.Client) -> list[Task]:
    """What waits for a second person or a decision."""
    answer = call(client, "GET", f"{BASE}/tasks")
    return msgspec.json.decode(answer.content, type=TasksAnswer).tasks


def settle(client: httpx.Client, task_id: UUID, *, reason: str) -> None:
    """Ends the task that two EHRs of one person left."""
    ask(client, "/tasks/settle", Settle(task_id, reason), TaskAnswer)


def close(client: httpx.Client, ehr_id: UUID, *, is_closed: bool, reason: str) -> None:
    """Closes a link, or opens it again."""
    ask(client, "/close", Close(ehr_id, is_closed, reason), TaskAnswer)


def restrict(client: httpx.Client, ehr_id: UUID, *, is_restricted: bool, reason: str) -> None:
    """Forbids secondary use of a record, or allows it again."""
    ask(client, "/restrict", Restrict(ehr_id, is_restricted, reason), TaskAnswer)
