"""Credentials that are ended until an operator lifts it: the service adds one and removes none."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault.people_tables import suspension
from linkage_vault.requesters import Requester
from linkage_vault.vault import Vault


def suspend(vault: Vault, requester: Requester, *, reason: str) -> None:
    """End a requester's key and account; felt by the next call.  Committed on return."""
    with vault.engine.begin() as connection:
        for principal in principals(requester):
            row = {"principal": principal, "reason": reason}
            connection.execute(insert(suspension).values(row).on_conflict_do_nothing())


def principals(requester: Requester) -> list[str]:
    """What of a requester can be suspended: a key of their own, and the person behind it.

    Not the key of a program that many people sign in through.
    """
    people = [] if requester.user_id is None else [f"user:{requester.user_id}"]
    own = [] if requester.service is not None else [f"key:{requester.key_id}"]
    return [*own, *people]


def lift(connection: sa.Connection, principal: str) -> bool:
    """Take a suspension away, as the migrator; False when there is none."""
    statement = sa.delete(suspension).where(suspension.c.principal == principal)
    return connection.execute(statement).rowcount == 1
