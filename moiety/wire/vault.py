"""The vault's messages, and what programs and people ask of linkage_vault.

Ids travel in bodies only, never in a URL.  The server decodes and the client encodes the same
types, so the two cannot drift.
"""

from collections.abc import Sequence
from typing import Annotated, TypeVar
from uuid import UUID

import httpx
import msgspec
from msgspec import Meta

from moiety.wire.exchange import call

BASE = "/vault/v1"
T = TypeVar("T")

# One line, no control characters: a reason is read by an auditor, in a terminal too.
Reason = Annotated[str, Meta(min_length=10, max_length=300, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")]
# Whether a word is a purpose is decided by the vault's list of HL7 codes.
Purpose = Annotated[str, Meta(min_length=1, max_length=32)]
MOST = 1_000  # ids in one call


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body with exactly the named elements."""


class Link(Message, frozen=True):
    """Open a record for a person, or a further one where the policy allows it: `POST /link`."""

    person_id: UUID
    is_further: bool = False


class LinkMany(Message, frozen=True):
    """Open records for many persons, all or none: `POST /link/bulk`.

    With an approval, the reason and legal basis are those of its request.
    """

    person_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MOST)]
    approval_id: UUID | None = None
    reason: Reason | None = None
    legal_basis: str | None = None


class ResolvePerson(Message, frozen=True):
    """Which record is this person's: `POST /resolve/person`."""

    person_id: UUID
    purpose_of_use: Purpose


class ResolveMany(Message, frozen=True):
    """Which records are these persons': `POST /resolve/person/bulk`.

    With an approval, the reason and legal basis are those of its request.
    """

    person_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MOST)]
    purpose_of_use: Purpose
    approval_id: UUID | None = None
    reason: Reason | None = None
    legal_basis: str | None = None


class ResolveEhr(Message, frozen=True):
    """Whose record is this: `POST /resolve/ehr`."""

    ehr_id: UUID
    purpose_of_use: Purpose
    reason: Reason
    legal_basis: str | None = None
    approval_id: UUID | None = None


class EhrAnswer(Message, frozen=True, omit_defaults=True):
    """The record of the person that was asked about.

    `others`: further EHRs of the same person, by policy or since persons were merged: nothing was
    joined, and who treats the person reads them too.
    """

    ehr_id: UUID
    others: list[UUID] = []


class EhrsAnswer(Message, frozen=True):
    """The records of the persons that were asked about, in their order; null without one."""

    ehr_ids: list[UUID | None]


class PersonAnswer(Message, frozen=True):
    """The person whose record was asked about."""

    person_id: UUID


class PoolAnswer(Message, frozen=True):
    """How many EHRs wait in the pool, and how many are kept there."""

    waiting: int
    target: int


def link(client: httpx.Client, person_id: UUID) -> UUID:
    """The EHR opened for a person, the same if asked again.  Raises Unavailable if none is left."""
    return ask(client, "/link", Link(person_id), EhrAnswer).ehr_id


def link_many(client: httpx.Client, person_ids: Sequence[UUID]) -> list[UUID | None]:
    """The EHRs opened for up to 1,000 persons, in their order; all or none."""
    return ask(client, "/link/bulk", LinkMany(list(person_ids)), EhrsAnswer).ehr_ids


def resolve_persons(
    client: httpx.Client, person_ids: Sequence[UUID], *, purpose_of_use: str
) -> list[UUID | None]:
    """The EHRs of up to 1,000 persons, in their order; None for one without."""
    message = ResolveMany(list(person_ids), purpose_of_use)
    return ask(client, "/resolve/person/bulk", message, EhrsAnswer).ehr_ids


def resolve_person(client: httpx.Client, person_id: UUID, *, purpose_of_use: str) -> UUID:
    """The EHR of a person.  Raises Forbidden, without a link as where one may not ask."""
    return ask(
        client, "/resolve/person", ResolvePerson(person_id, purpose_of_use), EhrAnswer
    ).ehr_id


def resolve_ehr(
    client: httpx.Client,
    ehr_id: UUID,
    *,
    purpose_of_use: str,
    reason: str,
    legal_basis: str | None = None,
    approval_id: UUID | None = None,
) -> UUID:
    """The person of an EHR, in care or by an approval.  Raises as resolve_person does."""
    message = ResolveEhr(ehr_id, purpose_of_use, reason, legal_basis, approval_id)
    return ask(client, "/resolve/ehr", message, PersonAnswer).person_id


def read_pool(client: httpx.Client) -> PoolAnswer:
    """The state of the pool of EHRs."""
    answer = call(client, "GET", f"{BASE}/pool")
    return msgspec.json.decode(answer.content, type=PoolAnswer)


def ask(client: httpx.Client, path: str, message: Message, kind: type[T]) -> T:
    """The answer to a message, decoded.  Raises the ServiceError that the vault answered with."""
    answer = call(client, "POST", BASE + path, json=msgspec.to_builtins(message))
    return msgspec.json.decode(answer.content, type=kind)
