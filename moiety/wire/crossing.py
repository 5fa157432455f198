"""What stands before a crossing: approvals, grants, care and broken glass, asked of the vault.

Ids travel in bodies only.  The server decodes and the client encodes the same types.
"""

from datetime import date, datetime
from typing import Annotated, Any
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
    _send(client, "/approval/decide", Decide(approval_id, request_hash, approve))


class GiveGrant(Message, frozen=True):
    """Let somebody else cross in one direction for a while: `POST /grant`.

    Without `not_before` it begins at once.  `uses` counts requests, `subjects` distinct ids.
    """

    user_id: UUID
    action: Word
    purpose_of_use: Purpose
    legal_basis: Word
    reason: Reason
    not_after: datetime
    uses: Annotated[int, Meta(ge=1, le=1_000_000)]
    subjects: Annotated[int, Meta(ge=1, le=1_000_000)]
    not_before: datetime | None = None
    project_id: UUID | None = None


class GrantMade(Message, frozen=True):
    """The grant's id."""

    grant_id: UUID


class GrantNamed(Message, frozen=True):
    """`POST /grant/revoke`."""

    grant_id: UUID


class GrantShown(Message, frozen=True):
    """A grant and what is left of it."""

    grant_id: UUID
    user_name: str
    given_by: str
    action: str
    purpose_of_use: str
    legal_basis: str
    reason: str
    not_before: datetime
    not_after: datetime
    uses_left: int
    subjects_left: int
    revoked: bool


class Grants(Message, frozen=True):
    """Grants that are not over."""

    grants: list[GrantShown]


class Care(Message, frozen=True):
    """`POST /care`: that a user (without `user_id` oneself) cares for a person, until a day."""

    person_id: UUID
    user_id: UUID | None = None
    until: date | None = None


class CareEnds(Message, frozen=True):
    """`POST /care/end`."""

    person_id: UUID
    user_id: UUID | None = None


class BreakGlass(Message, frozen=True):
    """`POST /break-glass`: reach one person's record in an emergency, and answer for it after."""

    person_id: UUID
    purpose_of_use: Purpose
    reason: Annotated[
        str, Meta(min_length=20, max_length=300, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")
    ]


class GlassBroken(Message, frozen=True):
    """How long the way is open, and until when it must have been reviewed."""

    break_glass_id: UUID
    until: datetime
    review_due: datetime


class Review(Message, frozen=True):
    """`POST /break-glass/review`: justified, or not."""

    break_glass_id: UUID
    justified: bool


class BreakGlassShown(Message, frozen=True):
    """What a reviewer sees."""

    break_glass_id: UUID
    user_name: str
    purpose_of_use: str
    reason: str
    handle: str
    until: datetime
    review_due: datetime
    overdue: bool


class BreakGlasses(Message, frozen=True):
    """What waits for a review, the oldest first."""

    waiting: list[BreakGlassShown]


class Canaries(Message, frozen=True):
    """`POST /canary`: ids of persons or records of nobody."""

    ids: Ids
    label: Word


class CanaryIds(Message, frozen=True):
    """`POST /canary/remove`."""

    ids: Ids


class Acknowledge(Message, frozen=True):
    """`POST /alert/acknowledge`."""

    alert_id: UUID


class Alerts(Message, frozen=True):
    """Alerts that nobody has acknowledged."""

    alerts: list[dict[str, Any]]


def give_grant(client: httpx.Client, grant: GiveGrant) -> UUID:
    """Give a grant, as an approver.  Raises Forbidden for one of one's own."""
    return ask(client, "/grant", grant, GrantMade).grant_id


def revoke_grant(client: httpx.Client, grant_id: UUID) -> None:
    """Revoke a grant; felt at the next call."""
    _send(client, "/grant/revoke", GrantNamed(grant_id))


def read_grants(client: httpx.Client) -> list[GrantShown]:
    """Every grant that is not over."""
    answer = call(client, "GET", f"{BASE}/grant")
    return msgspec.json.decode(answer.content, type=Grants).grants


def record_care(client: httpx.Client, care: Care) -> None:
    """Record a care relationship."""
    _send(client, "/care", care)


def end_care(client: httpx.Client, care: CareEnds) -> None:
    """End one."""
    _send(client, "/care/end", care)


def break_glass(client: httpx.Client, message: BreakGlass) -> GlassBroken:
    """Break the glass for one person."""
    return ask(client, "/break-glass", message, GlassBroken)


def read_broken_glass(client: httpx.Client) -> list[BreakGlassShown]:
    """What waits for a review."""
    answer = call(client, "GET", f"{BASE}/break-glass")
    return msgspec.json.decode(answer.content, type=BreakGlasses).waiting


def review(client: httpx.Client, break_glass_id: UUID, *, justified: bool) -> None:
    """Review what somebody else broke."""
    _send(client, "/break-glass/review", Review(break_glass_id, justified))


def plant_canaries(client: httpx.Client, canaries: Canaries) -> None:
    """Plant ids that nobody has a reason to ask about."""
    _send(client, "/canary", canaries)


def remove_canaries(client: httpx.Client, canaries: CanaryIds) -> None:
    """Take them away."""
    _send(client, "/canary/remove", canaries)


def read_alerts(client: httpx.Client) -> list[dict[str, Any]]:
    """Alerts that nobody has acknowledged."""
    answer = call(client, "GET", f"{BASE}/alert")
    return msgspec.json.decode(answer.content, type=Alerts).alerts


def acknowledge(client: httpx.Client, alert_id: UUID) -> None:
    """Say that one was seen."""
    _send(client, "/alert/acknowledge", Acknowledge(alert_id))


def _send(client: httpx.Client, path: str, message: Message) -> None:
    call(client, "POST", BASE + path, json=msgspec.to_builtins(message))
