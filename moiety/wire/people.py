"""Signing in, tokens and accounts, as programs and administrators ask the vault for them."""

from typing import Annotated
from uuid import UUID

import httpx
import msgspec
from msgspec import Meta

from moiety.wire.exchange import call
from moiety.wire.vault import BASE, Message, ask

Word = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")]
Code = Annotated[str, Meta(pattern=r"\A[0-9]{6}\Z")]
Password = Annotated[str, Meta(min_length=1, max_length=1000)]
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  RFC 8693
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  RFC 8693
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105  RFC 8693


class SignIn(Message, frozen=True):
    """`POST /sign-in`, through a program's key with the scope `vault:sign-in`."""

    login: Word
    password: Password
    code: Code


class Session(Message, frozen=True):
    """The secret of an open session: for the program alone, never for a browser."""

    session: str


class Enrol(Message, frozen=True):
    """`POST /enrol`: set a password with the code that the administrator handed over."""

    login: Word
    invitation: Word
    password: Password


class Factor(Message, frozen=True):
    """The second factor, shown this once: what an authenticator application reads."""

    uri: str


class Confirm(Message, frozen=True):
    """`POST /enrol/confirm`: a first code of the second factor."""

    login: Word
    invitation: Word
    code: Code


class Token(Message, frozen=True):
    """A user token (RFC 6749, 5.1 and RFC 8693, 2.2.1)."""

    access_token: str
    issued_token_type: str
    token_type: str
    expires_in: int
    refresh_token: str | None = None  # the session, where one was opened


class NewUser(Message, frozen=True):
    """`POST /user`: an account.  `staff_id` is the human's; a second account has the same."""

    name: Word
    roles: list[str]
    staff_id: Word
    login: Word | None = None
    manager_id: Word | None = None
    outside_id: Word | None = None


class ChangeUser(Message, frozen=True):
    """`POST /user/change`: what is given is changed."""

    user_id: UUID
    roles: list[str] | None = None
    active: bool | None = None


class NameUser(Message, frozen=True):
    """`POST /user/invite`: a new way in for somebody who has none, or lost it."""

    user_id: UUID


class UserMade(Message, frozen=True):
    """The account's id."""

    user_id: UUID


class Invitation(Message, frozen=True):
    """The code to hand over, shown this once."""

    invitation: str


class UserShown(Message, frozen=True):
    """An account as an administrator sees it."""

    user_id: UUID
    name: str
    roles: list[str]
    active: bool
    staff_id: str
    login: str | None
    manager_id: str | None


class Users(Message, frozen=True):
    """Every account."""

    users: list[UserShown]


def sign_in(client: httpx.Client, login: str, password: str, code: str) -> str:
    """Open a session and return its secret.  Raises Unauthenticated."""
    return ask(client, "/sign-in", SignIn(login, password, code), Session).session


def enrol(client: httpx.Client, login: str, invitation: str, password: str) -> str:
    """Set a password; returns the URI of the second factor."""
    return ask(client, "/enrol", Enrol(login, invitation, password), Factor).uri


def confirm(client: httpx.Client, login: str, invitation: str, code: str) -> None:
    """End the enrolment."""
    message = Confirm(login, invitation, code)
    call(client, "POST", f"{BASE}/enrol/confirm", json=msgspec.to_builtins(message))


def token(client: httpx.Client, session: str, audience: str) -> str:
    """A user token of a session for one audience."""
    form = {"grant_type": "refresh_token", "refresh_token": session, "audience": audience}
    return _token(client, form).access_token


def exchange(client: httpx.Client, user_token: str, *, scope: str) -> str:
    """A token for one narrow call of the vault, for a user token of the calling service."""
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": user_token,
        "subject_token_type": ACCESS_TOKEN,
        "audience": "vault",
        "scope": scope,
    }
    return _token(client, form).access_token


def sign_in_outside(client: httpx.Client, id_token: str, *, audience: str = "vault") -> Token:
    """A token, and a session, for an ID token of the outside provider."""
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": id_token,
        "subject_token_type": ID_TOKEN,
        "audience": audience,
    }
    return _token(client, form)


def end_session(client: httpx.Client, session: str) -> None:
    """End a session."""
    message = Session(session)
    call(client, "POST", f"{BASE}/session/end", json=msgspec.to_builtins(message))


def add_user(client: httpx.Client, user: NewUser) -> UUID:
    """Make an account, as an administrator."""
    return ask(client, "/user", user, UserMade).user_id


def change_user(client: httpx.Client, change: ChangeUser) -> None:
    """Change roles, or take or give back the account."""
    call(client, "POST", f"{BASE}/user/change", json=msgspec.to_builtins(change))


def invite_user(client: httpx.Client, user_id: UUID) -> str:
    """A code with which the user sets a password and second factor."""
    return ask(client, "/user/invite", NameUser(user_id), Invitation).invitation


def list_users(client: httpx.Client) -> list[UserShown]:
    """Every account."""
    answer = call(client, "GET", f"{BASE}/user")
    return msgspec.json.decode(answer.content, type=Users).users


def _token(client: httpx.Client, form: dict[str, str]) -> Token:
    answer = call(client, "POST", f"{BASE}/token", form=form)
    return msgspec.json.decode(answer.content, type=Token)
