"""Signing in with a password and a second factor, and enrolling for both.

Wrong login, wrong password, wrong or used code, a locked account and one that never enrolled are
one answer after the same work.  Each failure counts before the password is looked at, so that
guesses side by side count too; from the fifth on the account is locked, twice as long each time.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault import alerts, passwords, sessions, totp, trail
from linkage_vault.people_keys import PeopleKeys
from linkage_vault.people_tables import app_user, sign_in
from linkage_vault.seal import Place, open_sealed, seal
from linkage_vault.trail import Entry
from linkage_vault.vault import Vault
from moiety.kit.credentials import Caller
from moiety.kit.errors import Unauthenticated, Unprocessable

INVITATION = timedelta(hours=72)
_PATIENCE = 5  # failures before the first lock
_FIRST_LOCK, _LONGEST_LOCK = 30, 3600  # seconds
_FACTOR_SIZE = 64
_REFUSED = "This login, password and code do not sign in."

# Counts the attempt and tells how things stood before it.
_COUNT = """
UPDATE sign_in s SET
  failures = s.failures + 1,
  locked_until = CASE WHEN s.failures + 1 >= %(patience)s
    AND (s.locked_until IS NULL OR s.locked_until <= now())
    THEN now() + make_interval(secs => least(%(longest)s,
      %(first)s * power(2, least(s.failures + 1 - %(patience)s, 20))))
    ELSE s.locked_until END
FROM sign_in before JOIN app_user u ON u.user_id = before.user_id
WHERE s.user_id = before.user_id AND u.login = %(login)s AND u.active
RETURNING s.user_id, s.password, s.factor, s.factor_step, s.failures,
  before.invitation IS NULL AND (before.locked_until IS NULL OR before.locked_until <= now())
"""


@dataclass(frozen=True, slots=True)
class Factor:
    """The second factor of somebody who enrols, shown this once."""

    secret: bytes
    uri: str


def sign_in_with(vault: Vault, program: Caller, login: str, password: str, code: str) -> str:
    """Opens a session and returns its secret.  Raises Unauthenticated, always the same."""
    with vault.engine.begin() as connection:
        row = connection.exec_driver_sql(
            _COUNT,
            {"login": login.casefold(), "patience": _PATIENCE, "first": _FIRST_LOCK,
             "longest": _LONGEST_LOCK},
        ).one_or_none()  # fmt: skip
    user_id, stored, factor, last_step, failures, is_open = row or (None, None, None, 0, 0, False)
    same = passwords.fits(stored if is_open else None, password)
    step = _matching_step(vault.people_keys, user_id, factor, code, last_step)
    if user_id is None or step is None or not (is_open and same):
        if failures == _PATIENCE:
            alerts.sound(vault, "locked", {"user_id": str(user_id), "key_id": program.key_id})
        raise Unauthenticated(_REFUSED)
    _write_down(vault, program, user_id)
    with vault.engine.begin() as connection:
        if not _take(connection, user_id, step):
            raise Unauthenticated(_REFUSED)
        return sessions.start(connection, user_id, program.key_id)


def invite(connection: sa.Connection, user_id: UUID) -> str:
    """A code with which a user sets a password and second factor, within 72 hours; shown this once.

    What the user had before no longer signs in.
    """
    code = secrets.token_urlsafe(24)
    row = {
        "user_id": user_id,
        "password": None,
        "factor": None,
        "invitation": _digest(code),
        "invited_until": sa.func.now() + INVITATION,
    }
    statement = insert(sign_in).values(row)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["user_id"],
            set_={name: statement.excluded[name] for name in row if name != "user_id"},
        )
    )
    sessions.end_all(connection, user_id)
    return code


def enrol(vault: Vault, login: str, invitation: str, password: str) -> Factor:
    """Sets the password of somebody who was invited, and makes a second factor.

    Raises Unauthenticated without a live invitation, and Unprocessable for a bad password.
    """
    try:
        stored = passwords.make_hash(password)
    except ValueError as error:
        raise Unprocessable(
            f"{str(error).capitalize()}.", findings=[{"path": "$.password"}]
        ) from None
    secret = totp.new_secret()
    with vault.engine.begin() as connection:
        user_id = _invited(connection, login, invitation)
        sealed = seal(vault.people_keys.sealing, secret, _place(user_id), size=_FACTOR_SIZE)
        chosen = sign_in.update().where(sign_in.c.user_id == user_id)
        connection.execute(chosen.values(password=stored, factor=sealed))
    return Factor(secret, totp.uri(secret, account=login, issuer="Moiety"))


def confirm(vault: Vault, login: str, invitation: str, code: str) -> None:
    """Ends the enrolment with a first code of the second factor.  Raises Unauthenticated."""
    with vault.engine.begin() as connection:
        user_id = _invited(connection, login, invitation)
        row = connection.execute(sa.select(sign_in).where(sign_in.c.user_id == user_id)).one()
        step = _matching_step(vault.people_keys, user_id, row.factor, code, row.factor_step)
        if step is None:
            raise Unauthenticated(_REFUSED)
        connection.execute(
            sign_in.update()
            .where(sign_in.c.user_id == user_id)
            .values(invitation=None, invited_until=None, factor_step=step, failures=0,
                    locked_until=None)
        )  # fmt: skip


def _invited(connection: sa.Connection, login: str, invitation: str) -> UUID:
    query = (
        sa.select(sign_in.c.user_id, sign_in.c.invitation)
        .join_from(sign_in, app_user, sign_in.c.user_id == app_user.c.user_id)
        .where(
            app_user.c.login == login.casefold(),
            app_user.c.active,
            sign_in.c.invited_until > sa.func.now(),
        )
        .with_for_update(of=sign_in)
    )
    row = connection.execute(query).one_or_none()
    expected = bytes(row.invitation) if row and row.invitation else b"\0" * 32
    if not hmac.compare_digest(expected, _digest(invitation)) or row is None:
        raise Unauthenticated("This login and invitation do not enrol.")
    user_id: UUID = row.user_id
    return user_id


def _take(connection: sa.Connection, user_id: UUID, step: int) -> bool:
    """Forget the failures and keep the step of the code; False when it was used meanwhile."""
    statement = (
        sign_in.update()
        .where(sign_in.c.user_id == user_id, sign_in.c.factor_step < step)
        .values(failures=0, locked_until=None, factor_step=step)
    )
    return connection.execute(statement).rowcount == 1


def _matching_step(
    keys: PeopleKeys, user_id: UUID | None, factor: bytes | None, code: str, after: int
) -> int | None:
    """The step of the code; without a factor the work is the same, and None."""
    secret = b"\0" * 20
    if factor is not None and user_id is not None:
        secret = open_sealed(keys.opening, factor, _place(user_id))
    step = totp.matching_step(secret, code, now=time.time(), after=after)
    return step if factor is not None else None


def _write_down(vault: Vault, program: Caller, user_id: UUID) -> None:
    trail.record(
        vault,
        Entry(
            at=datetime.now(UTC), action="sign_in", outcome="allowed", user_id=user_id,
            user_name=None, key_id=program.key_id, purpose_of_use=None, reason=None, subject=None,
        ),
    )  # fmt: skip


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def _place(user_id: UUID) -> Place:
    return Place("sign_in", str(user_id), "factor", 1)
