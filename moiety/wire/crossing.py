"""What stands before a crossing: approvals, grants, care and broken glass, asked of the vault.

Ids travel in bodies only.  The server decodes and the client encodes the same types.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import httpx
import msgspec
from msgspec import Meta

from moiety.wire.exchange import call
from moiety.wire.vault import BASE, Message, Purpose, Reason, ask

Word = Annotated[str, Meta(min_length=1, max_length=40)]
Ids = Annotated[list[UUID], Meta(min_length=1, max_length=1000)]
Hash = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class AskApproval(Message, frozen=True):
    """Ask a second person to allow one exact question, once: `POST /approval/request`."""

    action: Word
    ids: Ids
    purpose_of_use: Purpose
    legal_basis: Word
    reason: Reason
    project_id: UUID | None = None


class ApprovalAsked(Message, frozen=True):
    """The request as it stands; the hash binds everything in it."""

    approval_id: UUID
    request_hash: str
    until: datetime


class Decide(Message, frozen=True):
    """Approve or reject what was asked, as it was read: `POST /approval/decide`."""

    approval_id: UUID
    request_hash: Hash
    approve: bool


class ApprovalShown(Message, frozen=True):
    """A request as an approver sees it: how many and why, handles for ids, never the answer.

    A handle is the same whenever the same record is asked about, and is no id.
    """

    approval_id: UUID
    action: str
    count: int
    handles: list[str]
    purpose_of_use: str
    legal_basis: str
    reason: str
    asked_by: str
    until: datetime
    state: str
    request_hash: str


class Approvals(Message, frozen=True):
    """Requests that the reader may see."""

    requests: list[ApprovalShown]


def ask_approval(client: httpx.Client, request: AskApproval) -> ApprovalAsked:
    """Ask for an approval.  Raises Forbidden where no approval would help."""
    return ask(client, "/approval/request", request, ApprovalAsked)


def read_approvals(client: httpx.Client) -> list[ApprovalShown]:
    """The open requests of everybody, for an approver; one's own, for whoever asked."""
    answer = call(client, "GET", f"{BASE}/approval")
    return msgspec.json.decode(answer.content, type=Approvals).requests


def decide(client: httpx.Client, approval_id: UUID, request_hash: str, *, approve: bool) -> None:
    """Decide.  Raises Forbidden for one's own request and Conflict when it is no longer open."""
    message = Decide(approval_id, request_hash, approve)
    call(client, "POST", f"{BASE}/approval/decide", json=msgspec.to_builtins(message))
