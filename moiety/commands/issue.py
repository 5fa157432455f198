"""Users and API keys, made in the database of the service that accepts them.

A key is printed once; the database keeps its hash.
"""

from datetime import UTC, date, datetime, timedelta
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
         "admin:configure"}
    ),
    "demographic": frozenset({"person:read", "person:write"}),
    "vault": frozenset({"vault:use", "vault:operate", "screen:ask", "screen:tell"}),
}  # fmt: skip
"""What a key may do at each service."""
UNUSUAL = frozenset({"admin:delete", "bulk:import", "bulk:export"})
"""What no key may do unless it is named: delete for good, bring in or take out everything."""


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
) -> Token:
    """A new key of a service.  Raises ValueError for a scope that the service does not know."""
    unknown = scopes - SCOPES[service]
    if unknown:
        known = ", ".join(sorted(SCOPES[service]))
        raise ValueError(f"the {service} service has no scope {min(unknown)}; it has {known}")
    token = credentials.mint(organisation)
    with engine(url).begin() as connection:
        credentials.store(
            connection, table(), token, label=label, scopes=scopes, life=life, user_id=user_id
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


def user(url: str, name: str, roles: frozenset[str], *, staff_id: str | None = None) -> UUID:
    """A new user of the vault, with roles.  Raises ValueError for an unknown role.

    `staff_id` stands for the human behind the account; without it the name does.
    """
    from linkage_vault import users

    known = {role.value for role in users.Role}
    if unknown := roles - known:
        raise ValueError(f"there is no role {min(unknown)}; known are {', '.join(sorted(known))}")
    with engine(url).begin() as connection:
        known_roles = frozenset(users.Role(role) for role in roles)
        return users.add(connection, name, known_roles, staff_id=staff_id)


def table() -> sa.Table:
    """The key table, which has the same form in every service's database."""
    return credentials.table(sa.MetaData())


def is_valid(url: str, text: str, *, days: int) -> bool:
    """Whether a key still works, and will for some days."""
    try:
        token = credentials.parse(f"Bearer {text.strip()}")
        with psycopg.connect(url) as connection:
            row = (
                psycopg.RawCursor(connection)
                .execute(credentials.LOOK_UP, ([token.key_id],))
                .fetchone()
            )
        credentials.verify(token, row)
    except Unauthenticated:
        return False
    *_, expires, _ = row or (date.min, True)
    return bool(expires > (datetime.now(UTC) + timedelta(days=days)).date())


def revoke(url: str, key_id: str) -> bool:
    """End a key at once; False when there is no such key."""
    keys = table()
    with engine(url).begin() as connection:
        done = connection.execute(keys.update().where(keys.c.key_id == key_id).values(revoked=True))
    return done.rowcount == 1


def all_keys(url: str) -> list[tuple[str, str, list[str], date, bool]]:
    """Every key's id, label, scopes, expiry and whether it is revoked."""
    keys = table()
    with engine(url).connect() as connection:
        wanted = (keys.c.key_id, keys.c.label, keys.c.scopes, keys.c.expires, keys.c.revoked)
        return [tuple(row) for row in connection.execute(sa.select(*wanted).order_by(keys.c.label))]
