"""Accounts, as an administrator keeps them: nobody changes one of their own.

The rules stand in the database, in functions of the schema `staff` that run as its owner: the
service itself has no right to write the table.
"""

from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from linkage_vault import decisions, sessions, sign_in, users
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.people_tables import app_user
from linkage_vault.users import Role
from linkage_vault.vault import Vault
from moiety.kit.errors import Conflict, Forbidden, NotFound, Unprocessable
from moiety.wire.people import ChangeUser, NewUser, Users, UserShown

_ADD = (
    "SELECT staff.add_user(%(actor)s, %(name)s, %(roles)s, %(staff_id)s, %(login)s,"
    " %(manager_id)s, %(outside_id)s)"
)
_CHANGE = "SELECT staff.change_user(%(actor)s, %(user_id)s, %(roles)s, %(active)s)"


def add(vault: Vault, requester: Requester, message: NewUser) -> UUID:
    """Makes an account.  Raises Conflict for a login that is taken."""
    _enter(vault, requester, "add")
    given = {
        "actor": requester.user_id,
        "name": message.name.strip(),
        "roles": _roles(message.roles),
        "staff_id": message.staff_id,
        "login": message.login and message.login.casefold(),
        "manager_id": message.manager_id,
        "outside_id": message.outside_id,
    }
    try:
        with vault.engine.begin() as connection:
            user_id: UUID = connection.exec_driver_sql(_ADD, given).scalar_one()
    except IntegrityError:
        raise Conflict("This login, or name at the provider, is taken.") from None
    except DBAPIError as error:
        raise _translate(error) from None
    return user_id


def change(vault: Vault, requester: Requester, message: ChangeUser) -> None:
    """Changes roles, or takes or gives back an account; a taken one's sessions end.

    Raises Forbidden for an account of one's own, and NotFound.
    """
    _enter(vault, requester, "change")
    given = {
        "actor": requester.user_id,
        "user_id": message.user_id,
        "roles": None if message.roles is None else _roles(message.roles),
        "active": message.active,
    }
    try:
        with vault.engine.begin() as connection:
            if not connection.exec_driver_sql(_CHANGE, given).scalar_one():
                raise NotFound
            if message.active is False:
                sessions.end_all(connection, message.user_id)
    except DBAPIError as error:
        raise _translate(error) from None


def invite(vault: Vault, requester: Requester, user_id: UUID) -> str:
    """A code with which a user sets a password and second factor.  Raises Forbidden for oneself."""
    _enter(vault, requester, "invite")
    with vault.engine.begin() as connection:
        query = sa.select(app_user.c.staff_id).where(app_user.c.user_id == user_id)
        staff_id = connection.scalar(query)
        if staff_id is None:
            raise NotFound
        if staff_id == requester.staff_id:
            raise Forbidden("Nobody gives themselves a way in.")
        return sign_in.invite(connection, user_id)


def show(vault: Vault, requester: Requester) -> Users:
    """Every account, by name."""
    _enter(vault, requester, "list")
    with vault.engine.connect() as connection:
        rows = connection.execute(sa.select(app_user).order_by(app_user.c.name)).all()
    return Users(
        [
            UserShown(
                row.user_id, row.name, row.roles, row.active, row.staff_id, row.login,
                row.manager_id,
            )
            for row in rows
        ]
    )  # fmt: skip


def _enter(vault: Vault, requester: Requester, kind: str) -> None:
    ask = Ask(Action.MANAGE_USERS)
    decisions.demand(vault, requester, ask)
    verdict = decisions.Verdict(allowed=True, kind=kind)
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=verdict)


def _roles(names: list[str]) -> list[str]:
    try:
        return sorted({users.Role(name).value for name in names})
    except ValueError:
        known = ", ".join(Role)
        raise Unprocessable(f"A role is one of {known}.", findings=[{"path": "$.roles"}]) from None


def _translate(error: DBAPIError) -> Exception:
    """The database's own refusal is a Forbidden; anything else is what it was."""
    if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
        return Forbidden("Nobody changes an account of their own.")
    return error
