"""Token exchange (RFC 8693): a service that acts for a user gets a token for one narrow call.

What each service may ask for in a user's name is a table here.  No service is given an action whose
answer joins its own ids to the other half's: clinical never learns a person, demographic never an
EHR.  An exchanged token names the vault, lives a minute and is good for one call.
"""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault import tokens
from linkage_vault.decisions import Action
from linkage_vault.people_tables import app_user, spent_token, user_session
from linkage_vault.sessions import Session
from linkage_vault.vault import Vault
from moiety.kit.credentials import Caller
from moiety.kit.errors import Forbidden, Unauthenticated

FOR_SERVICES: Mapping[str, frozenset[Action]] = MappingProxyType(
    {
        "clinical": frozenset({Action.EHR_TO_PSEUDONYM, Action.UNSEAL}),
        "demographic": frozenset({Action.RECORD_CARE}),
    }
)
"""What a service may ask the vault in a user's name, by the audience of the token that it shows."""


def audience_of(scopes: frozenset[str]) -> str:
    """The service that a program's key speaks for.  Raises Forbidden."""
    named = {name for name in FOR_SERVICES if f"vault:exchange-{name}" in scopes}
    if len(named) != 1:
        raise Forbidden("This key speaks for no service: it exchanges nothing.")
    return named.pop()


def narrow(service: str, wanted: frozenset[str]) -> frozenset[str]:
    """The actions of an exchanged token.  Raises Forbidden beyond what the service may ask."""
    if not wanted or not wanted <= FOR_SERVICES[service]:
        raise Forbidden("This service may not ask that in a user's name.")
    return wanted


def session_of(vault: Vault, shown: Caller, service: str) -> Session:
    """The live session behind a user token that a service shows.  Raises Unauthenticated."""
    query = (
        sa.select(user_session.c.user_id, app_user.c.roles)
        .join_from(user_session, app_user, user_session.c.user_id == app_user.c.user_id)
        .where(
            user_session.c.session_id == shown.session_id,
            ~user_session.c.ended,
            user_session.c.until > sa.func.now(),
            app_user.c.active,
        )
    )
    with vault.engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    if row is None or shown.session_id is None:
        raise Unauthenticated("This session is over: sign in again.")
    if tokens.subject_for(vault.people_keys, service, row.user_id) != shown.user_id:
        raise Unauthenticated
    return Session(shown.session_id, row.user_id, frozenset(row.roles))


def spend(vault: Vault, token_id: str, life: int) -> bool:
    """Take the one use of something; False when it was taken before."""
    row = {
        "token_id": token_id,
        "until": sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, life),
    }
    statement = insert(spent_token).values(row).on_conflict_do_nothing()
    with vault.engine.begin() as connection:
        connection.execute(sa.delete(spent_token).where(spent_token.c.until < sa.func.now()))
        taken = connection.scalar(statement.returning(spent_token.c.token_id))
    return taken is not None


def demand_unspent(vault: Vault, caller: Caller) -> None:
    """A narrow token is good for one call.  Raises Unauthenticated at the second."""
    if caller.actions is None or caller.token_id is None:
        return
    if not spend(vault, str(UUID(caller.token_id)), tokens.NARROW_LIFE * 2):
        raise Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
