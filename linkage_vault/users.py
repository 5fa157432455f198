"""People who use the vault, and the roles that decide what they may ask."""

from collections.abc import Collection
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa

from linkage_vault.tables import app_user

_LONGEST_NAME = 100


class Role(StrEnum):
    """What a person does for a living here.  An administrator may cross in no direction."""

    REGISTRAR = "registrar"
    CLINICIAN = "clinician"
    LINKAGE_OFFICER = "linkage_officer"
    AUDITOR = "auditor"
    RESEARCHER = "researcher"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


def add(connection: sa.Connection, name: str, roles: frozenset[Role]) -> UUID:
    """Adds a member of staff and returns the random user id.

    Raises ValueError for a name that is empty, over 100 characters or not printable.
    """
    if not (0 < len(name.strip()) <= _LONGEST_NAME and name.isprintable()):
        raise ValueError("a name has 1 to 100 printable characters")
    user_id = uuid4()
    connection.execute(
        app_user.insert().values(user_id=user_id, name=name.strip(), roles=sorted(roles))
    )
    return user_id


def find(connection: sa.Connection, user_id: UUID) -> tuple[str, frozenset[Role]] | None:
    """Name and roles of an active user, or None."""
    query = sa.select(app_user).where(app_user.c.user_id == user_id, app_user.c.active)
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.name, frozenset(Role(role) for role in row.roles))


def names(connection: sa.Connection, user_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of users, also of those who left."""
    query = sa.select(app_user.c.user_id, app_user.c.name).where(app_user.c.user_id.in_(user_ids))
    return {row.user_id: row.name for row in connection.execute(query)}
