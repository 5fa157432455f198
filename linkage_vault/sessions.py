"""Sessions: what a sign-in opens, and user tokens are issued from.

A session belongs to the program that it was opened through.  It ends by itself after some hours,
when the user says so, when the account changes hands or is deactivated, and when the program's key
is revoked; the vault looks at each of its calls, other services learn of it when the token is over.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa

from linkage_vault import tokens
from linkage_vault.people_tables import app_user, user_session
from linkage_vault.tokens import Holder
from linkage_vault.vault import Vault
from moiety.kit.credentials import Caller
from moiety.kit.errors import Malformed, Unauthenticated

LIFE = timedelta(hours=10)
_SECRET = re.compile(r"mts_([0-9a-f]{32})_([A-Za-z0-9-]{43})")


@dataclass(frozen=True, slots=True)
class Session:
    """An open session and the user it is of."""

    session_id: UUID
    user_id: UUID
    roles: frozenset[str]


def start(connection: sa.Connection, user_id: UUID, key_id: str) -> str:
    """Open a session through a program's key and return its secret, this once."""
    session_id, secret = uuid4(), secrets.token_urlsafe(32).replace("_", "-")
    connection.execute(
        user_session.insert().values(
            session_id=session_id,
            secret_hash=_digest(secret),
            user_id=user_id,
            key_id=key_id,
            until=sa.func.now() + LIFE,
        )
    )
    return f"mts_{session_id.hex}_{secret}"


def find(connection: sa.Connection, text: str, key_id: str) -> Session:
    """The open session of a secret that came through the program it belongs to.

    Raises Unauthenticated, always the same.
    """
    found = _SECRET.fullmatch(text)
    session_id = UUID(found[1]) if found else UUID(int=0)
    query = (
        sa.select(user_session.c.secret_hash, user_session.c.user_id, app_user.c.roles)
        .join_from(user_session, app_user, user_session.c.user_id == app_user.c.user_id)
        .where(
            user_session.c.session_id == session_id,
            user_session.c.key_id == key_id,
            ~user_session.c.ended,
            user_session.c.until > sa.func.now(),
            app_user.c.active,
        )
    )
    row = connection.execute(query).one_or_none()
    expected = bytes(row.secret_hash) if row else b"\0" * 32
    same = hmac.compare_digest(expected, _digest(found[2] if found else ""))
    if row is None or not same:
        raise Unauthenticated("This session is over: sign in again.")
    return Session(session_id, row.user_id, frozenset(row.roles))


def end(connection: sa.Connection, session_id: UUID) -> None:
    """End one session."""
    chosen = user_session.c.session_id == session_id
    connection.execute(user_session.update().where(chosen).values(ended=True))


def end_all(connection: sa.Connection, user_id: UUID) -> None:
    """End every session of a user."""
    chosen = user_session.c.user_id == user_id
    connection.execute(user_session.update().where(chosen).values(ended=True))


def token(
    vault: Vault,
    session: Session,
    program: Caller,
    audience: str,
    *,
    actions: frozenset[str] | None = None,
) -> tuple[str, int]:
    """A user token of a session for one audience, and its life.  Raises Malformed."""
    if audience not in tokens.AUDIENCES:
        known = ", ".join(sorted(tokens.AUDIENCES))
        raise Malformed(f"A token is for one of {known}.", findings=[{"path": "$.audience"}])
    holder = Holder(
        program.organisation, session.user_id, session.roles, session.session_id, program.key_id
    )
    return tokens.issue(vault.people_keys, holder, audience, actions=actions)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
