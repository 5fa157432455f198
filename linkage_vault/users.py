"""People who use the vault, and the roles that decide what they may ask."""

from collections.abc import Collection
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa

from linkage_vault.people_tables import app_user

_LONGEST_NAME = 100


class Role(StrEnum):
    """What a person does for a living here.  An administrator may cross in no direction."""

    REGISTRAR = "registrar"
    CLINICIAN = "clinician"
    LINKAGE_OFFICER = "linkage_officer"
    APPROVER = "approver"
    AUDITOR = "auditor"
    RESEARCHER = "researcher"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


def add(
    connection: sa.Connection,
    name: str,
    roles: frozenset[Role],
    *,
    staff_id: str | None = None,
    login: str | None = None,
    manager_id: str | None = None,
    outside_id: str | None = None,
) -> UUID:
    """Adds a member of staff and returns the random user id.

    `staff_id` stands for the human: two accounts with one staff id never approve each other.
    Without it the name does, in any case of letters.
    Raises ValueError for a text that is empty, over 100 characters or not printable.
    """
    for text in (name, staff_id, login, manager_id, outside_id):
        if text is not None and not is_word(text):
            raise ValueError("a name or number of staff has 1 to 100 printable characters")
    user_id = uuid4()
    connection.execute(
        app_user.insert().values(
            user_id=user_id,
            name=name.strip(),
            roles=sorted(roles),
            staff_id=staff_id or name.strip().casefold(),
            login=login and login.casefold(),
            manager_id=manager_id,
            outside_id=outside_id,
        )
    )
    return user_id


def names(connection: sa.Connection, user_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of users, also of those who left."""
    query = sa.select(app_user.c.user_id, app_user.c.name).where(app_user.c.user_id.in_(user_ids))
    return {row.user_id: row.name for row in connection.execute(query)}


def is_word(text: str) -> bool:
    """Whether a text may name somebody: 1 to 100 printable characters."""
    return 0 < len(text.strip()) <= _LONGEST_NAME and text.isprintable()
