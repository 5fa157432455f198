"""The trail's messages, and what auditors and witnesses ask of linkage_vault.

Ids travel in bodies only, never in a URL.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import httpx
import msgspec
from msgspec import Meta

from moiety.wire.exchange import call
from moiety.wire.vault import BASE, Message

Limit = Annotated[int, Meta(ge=1, le=1000)]


class TrailSearch(Message, frozen=True):
    """What was asked about one person, or about one record: `POST /trail/search`."""

    person_id: UUID | None = None
    ehr_id: UUID | None = None
    limit: Limit = 100


class TrailEntry(Message, frozen=True):
    """One crossing or refusal, as an auditor reads it: who, what, why and when, not of whom."""

    position: int
    at: datetime
    action: str
    outcome: str
    user_id: UUID | None
    user_name: str | None
    key_id: str
    purpose_of_use: str | None
    reason: str | None
    role: str | None = None
    legal_basis: str | None = None
    grant_id: UUID | None = None
    approval_id: UUID | None = None
    project_id: UUID | None = None
    service: str | None = None
    kind: str | None = None
    count: int | None = None


class TrailAnswer(Message, frozen=True):
    """Entries, newest first."""

    entries: list[TrailEntry]


class HeadAnswer(Message, frozen=True):
    """A signed tree head and the key that checks it, hexadecimal."""

    size: int
    root: str
    signature: str
    public_key: str


class ProofAnswer(Message, frozen=True):
    """Hashes, hexadecimal: an RFC 9162 inclusion path with its leaf hash, or a consistency path."""

    size: int
    leaf_hash: str | None
    path: list[str]


def read_trail(client: httpx.Client, *, limit: int = 100) -> list[TrailEntry]:
    """The newest entries of the trail."""
    answer = call(client, "GET", f"{BASE}/trail?limit={limit}")
    return msgspec.json.decode(answer.content, type=TrailAnswer).entries


def search_trail(client: httpx.Client, search: TrailSearch) -> list[TrailEntry]:
    """The entries about one person or one EHR."""
    return msgspec.json.decode(
        call(client, "POST", f"{BASE}/trail/search", json=msgspec.to_builtins(search)).content,
        type=TrailAnswer,
    ).entries


def read_head(client: httpx.Client) -> HeadAnswer:
    """The latest signed tree head, for a witness to keep."""
    answer = call(client, "GET", f"{BASE}/trail/head")
    return msgspec.json.decode(answer.content, type=HeadAnswer)


def prove_inclusion(client: httpx.Client, position: int, *, size: int) -> ProofAnswer:
    """That an entry is in the tree of `size` entries.  Raises NotFound beyond the trail."""
    answer = call(client, "GET", f"{BASE}/trail/proof?size={size}&position={position}")
    return msgspec.json.decode(answer.content, type=ProofAnswer)


def prove_consistency(client: httpx.Client, first: int, *, size: int) -> ProofAnswer:
    """That the tree of `first` entries is the beginning of that of `size` entries."""
    answer = call(client, "GET", f"{BASE}/trail/proof?size={size}&first={first}")
    return msgspec.json.decode(answer.content, type=ProofAnswer)
