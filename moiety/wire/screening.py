"""The own-identifier screen's messages: what clinical and demographic services say to the vault."""

from typing import Annotated
from uuid import UUID

import httpx
import msgspec
from msgspec import Meta

from moiety.wire.exchange import call
from moiety.wire.vault import BASE, Message, Purpose

LABEL = b"moiety/sealed-words/1"  # of the boxes
Nonce = Annotated[bytes, Meta(min_length=16, max_length=16)]
# 20,000 tokens of 16 octets a document.
Tokens = Annotated[bytes, Meta(max_length=320_000)]
Boxed = Annotated[bytes, Meta(min_length=64, max_length=1 << 20)]


class Told(Message, frozen=True):
    """The tokens of a person's identifiers: `POST /screen/person`."""

    person_id: UUID
    tokens: Annotated[bytes, Meta(max_length=8192)]


class Question(Message, frozen=True):
    """Blinded tokens of one document's words; the nonce is of this question alone.

    Were they blinded in another way, none would be equal and all would look well: a new way takes a
    new name here, so that services of two versions refuse one another.
    """

    ehr_id: UUID
    nonce: Nonce
    blinded: Tokens


class Screen(Message, frozen=True):
    """Documents to be screened: `POST /screen`."""

    questions: Annotated[list[Question], Meta(min_length=1, max_length=100)]


class ScreenAnswer(Message, frozen=True):
    """For each question the places of its tokens that are the subject's own."""

    matches: list[list[int]]


class Records(Message, frozen=True):
    """Records: those that wait to be screened again, or those that were."""

    ehr_ids: Annotated[list[UUID], Meta(max_length=1000)]


class Due(Message, frozen=True):
    """Which records wait to be screened again: `POST /screen/due`."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Box(Message, frozen=True):
    """A box of sealed words, and the id that it was sealed under."""

    seal_id: Annotated[str, Meta(min_length=1, max_length=64)]
    box: Boxed


class Unseal(Message, frozen=True):
    """Sealed words of one record, asked for by a reader of care: `POST /unseal`."""

    ehr_id: UUID
    purpose_of_use: Purpose
    boxes: Annotated[list[Box], Meta(min_length=1, max_length=100)]


class Unsealed(Message, frozen=True):
    """What was in the boxes, in their order."""

    words: list[bytes]


class BoxKeyAnswer(Message, frozen=True):
    """The public key that words are sealed for, hexadecimal."""

    public_key: str


def bound_of(ehr_id: UUID, seal_id: str) -> bytes:
    """What a box of sealed words is bound to: one sealing in one record."""
    return b"moiety/sealed-words/1" + ehr_id.bytes + seal_id.encode()


def tell(client: httpx.Client, person_id: UUID, tokens: bytes) -> None:
    """Give the vault the tokens of a person, 16 octets each."""
    message = msgspec.to_builtins(Told(person_id, tokens))
    call(client, "POST", f"{BASE}/screen/person", json=message)


def screen(client: httpx.Client, questions: list[Question]) -> list[list[int]]:
    """Which tokens of each question are its subject's own."""
    answer = call(client, "POST", f"{BASE}/screen", json=msgspec.to_builtins(Screen(questions)))
    return msgspec.json.decode(answer.content, type=ScreenAnswer).matches


def due(client: httpx.Client, *, limit: int = 100) -> list[UUID]:
    """Records that wait to be screened again."""
    answer = call(client, "POST", f"{BASE}/screen/due", json={"limit": limit})
    return msgspec.json.decode(answer.content, type=Records).ehr_ids


def done(client: httpx.Client, ehr_ids: list[UUID]) -> None:
    """These records were screened again."""
    message = msgspec.to_builtins(Records(ehr_ids))
    call(client, "POST", f"{BASE}/screen/done", json=message)


def public_key(client: httpx.Client) -> bytes:
    """The key that words are sealed for, 32 octets."""
    answer = call(client, "GET", f"{BASE}/screen/key")
    return bytes.fromhex(msgspec.json.decode(answer.content, type=BoxKeyAnswer).public_key)


def unseal(client: httpx.Client, message: Unseal, *, user: str) -> list[bytes]:
    """What is in the boxes, for the user behind the credential `user`.

    Raises Forbidden where the user may not, and NotFound for a box that is not of this record.
    """
    answer = call(
        client, "POST", f"{BASE}/unseal", json=msgspec.to_builtins(message),
        headers={"Moiety-User": f"Bearer {user}"},
    )  # fmt: skip
    return msgspec.json.decode(answer.content, type=Unsealed).words
