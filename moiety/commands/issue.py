"""Users and API keys, made in the database of the service that accepts them.

A key is printed once; the database keeps its hash.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy as sa

from moiety.kit import credentials
from moiety.kit.credentials import Token
from moiety.kit.errors import Unauthenticated

SCOPES = {
    "clinical": frozenset(
        {"ehr:create", "ehr:read", "ehr:write", "composition:write", "composition:read",
         "definition:write", "definition:read", "query:read", "admin:delete",
         "event:read", "event:admin", "bulk:import", "bulk:export", "statistics:read",
         "admin:configure", "access:read"}
    ),
    "demographic": frozenset({"person:read", "person:write", "opt-out:load", "access:read"}),
    "vault": frozenset(
        {"vault:use", "vault:operate", "vault:sign-in", "vault:exchange-clinical",
         "vault:exchange-demographic", "screen:ask", "screen:tell", "project:use", "opt-out:load"}
    ),
}  # fmt: skip
"""What a key may do at each service."""
UNUSUAL = frozenset({"admin:delete", "bulk:import", "bulk:export", "access:read"})
"""What no key may do unless it is named: delete for good, move everything, see who looked."""


def engine(url: str) -> sa.Engine:
    """An engine that keeps no connection."""
    driver = sa.make_url(url).set(drivername="postgresql+psycopg")
    return sa.create_engine(driver, poolclass=sa.NullPool)


def key(
    url: str,
    service: str,
    organisation: str,
    *,
    label: str,
    scopes: frozenset[str],
    life: timedelta = credentials.LONGEST_LIFE,
    user_id: UUID | None = None,
    sources: list[str] | None = None,
) -> Token:
    """A new key of a service, bound to `sources` (networks) if given.

    Raises ValueError for a scope that the service does not know, and for what is no network.
    """
    unknown = scopes - SCOPES[service]
    if unknown:
        known = ", ".join(sorted(SCOPES[service]))
        raise ValueError(f"the {service} service has no scope {min(unknown)}; it has {known}")
    token = credentials.mint(organisation)
    with engine(url).begin() as connection:
        credentials.store(
            connection,
            table(),
            token,
            label=label,
            scopes=scopes,
            life=life,
            user_id=user_id,
            sources=sources,
        )
    return token


def admit(url: str, service: str, text: str, *, label: str, scopes: frozenset[str]) -> bool:
    """Let in a key that was made elsewhere; False when it is in already.

    Raises ValueError for a text that is no key, or a scope that the service does not know.
    """
    try:
        token = credentials.parse(f"Bearer {text.strip()}")
    except Unauthenticated:
        raise ValueError("the file does not hold an API key") from None
    if unknown := scopes - SCOPES[service]:
        raise ValueError(f"the {service} service has no scope {min(unknown)}")
    keys = table()
    with engine(url).begin() as connection:
        known = sa.select(keys.c.key_id).where(keys.c.key_id == token.key_id)
        if connection.scalar(known) is not None:
            return False
        credentials.store(connection, keys, token, label=label, scopes=scopes)
    return True


def user(
    url: str,
    name: str,
    roles: frozenset[str],
    *,
    staff_id: str | None = None,
    login: str | None = None,
    manager_id: str | None = None,
    outside_id: str | None = None,
) -> UUID:
    """A new user of the vault, with roles.  Raises ValueError for an unknown role.

    `staff_id` stands for the human behind the account; without it the name does.
    """
    from linkage_vault import users

    known = {role.value for role in users.Role}
    if unknown := roles - known:
        raise ValueError(f"there is no role {min(unknown)}; known are {', '.join(sorted(known))}")
    with engine(url).begin() as connection:
        known_roles = frozenset(users.Role(role) for role in roles)
        return users.add(
            connection, name, known_roles, staff_id=staff_id, login=login, manager_id=manager_id,
            outside_id=outside_id,
        )  # fmt: skip


def invitation(url: str, user_id: UUID) -> str:
    """A code with which a user sets a password and second factor."""
    from linkage_vault import sign_in

    with engine(url).begin() as connection:
        return sign_in.invite(connection, user_id)


def account(url: str, login: str) -> UUID | None:
    """The user id of a login."""
    from linkage_vault.people_tables import app_user

    with engine(url).connect() as connection:
        query = sa.select(app_user.c.user_id).where(app_user.c.login == login.casefold())
        found: UUID | None = connection.scalar(query)
    return found


def accounts(url: str) -> Sequence[sa.Row[tuple[object, ...]]]:
    """Every account, by name."""
    from linkage_vault.people_tables import app_user

    with engine(url).connect() as connection:
        return connection.execute(sa.select(app_user).order_by(app_user.c.name)).all()


def change_user(
    url: str, login: str, *, roles: frozenset[str] | None = None, active: bool | None = None
) -> bool:
    """Change an account; False when there is none.  Raises ValueError for an unknown role."""
    from linkage_vault import sessions, users
    from linkage_vault.people_tables import app_user

    user_id = account(url, login)
    if user_id is None:
        return False
    changes: dict[str, object] = {} if active is None else {"active": active}
    if roles is not None:
        changes["roles"] = sorted(users.Role(role).value for role in roles)
    with engine(url).begin() as connection:
        if changes:
            chosen = app_user.update().where(app_user.c.user_id == user_id)
            connection.execute(chosen.values(changes))
        if active is False:
            sessions.end_all(connection, user_id)
    return True


def release(url: str, principal: str) -> bool:
    """Lift a suspension; False when there is none."""
    from linkage_vault import suspensions

    with engine(url).begin() as connection:
        return suspensions.lift(connection, principal)


def table() -> sa.Table:
    """The key table, which has the same form in every service's database."""
    return credentials.table(sa.MetaData())


def is_valid(url: str, text: str, *, days: int, scopes: frozenset[str] = frozenset()) -> bool:
    """Whether a key still works, and will for some days, and may do what it should."""
    try:
        token = credentials.parse(f"Bearer {text.strip()}")
        with psycopg.connect(url) as connection:
            row = (
                psycopg.RawCursor(connection)
                .execute(credentials.LOOK_UP, ([token.key_id],))
                .fetchone()
            )
        caller = credentials.verify(token, row and row[1:])
    except Unauthenticated:
        return False
    lives = bool(row and row[5] > (datetime.now(UTC) + timedelta(days=days)).date())
    return lives and scopes <= caller.scopes


def revoke(url: str, key_id: str) -> bool:
    """End a key at once; False when there is no such key."""
    keys = table()
    with engine(url).begin() as connection:
        done = connection.execute(keys.update().where(keys.c.key_id == key_id).values(revoked=True))
    return done.rowcount == 1


class KeyShown(NamedTuple):
    """A key as lists show it; its secret is kept nowhere."""

    key_id: str
    label: str
    scopes: list[str]
    expires: date
    revoked: bool
    last_used: date | None  # the first day of the month
    sources: list[str] | None


def all_keys(url: str) -> list[KeyShown]:
    """Every key, by label."""
    keys = table()
    with engine(url).connect() as connection:
        wanted = [keys.c[name] for name in KeyShown._fields]
        rows = connection.execute(sa.select(*wanted).order_by(keys.c.label))
        return [KeyShown(*row) for row in rows]
