"""From a credential to the person behind it, as of this moment."""

from collections.abc import Sequence
from typing import Any

from fastapi.concurrency import run_in_threadpool

from linkage_vault import exchange
from linkage_vault.requesters import Requester
from linkage_vault.users import Role
from linkage_vault.vault import Vault
from moiety.kit.credentials import Caller
from moiety.kit.errors import Forbidden, Unauthenticated
from moiety.kit.reads import Together

WHO = b"""
SELECT q.number,
  (SELECT ARRAY[name, staff_id] || roles FROM app_user u WHERE u.user_id = q.user_id AND active),
  EXISTS (SELECT FROM suspension WHERE principal IN ('key:' || q.key_id, 'user:' || q.user_id)),
  EXISTS (SELECT FROM user_session s JOIN api_key k ON k.key_id IN (s.key_id, q.program)
    WHERE s.session_id = q.session_id AND s.user_id = q.user_id AND NOT s.ended AND now() < s.until
    HAVING bool_and(NOT k.revoked AND k.expires >= current_date)
      AND count(*) = (CASE WHEN max(s.key_id) = q.program THEN 1 ELSE 2 END))
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[]) WITH ORDINALITY
  AS q(user_id, key_id, session_id, program, number)
"""
"""Asked at every request with a token: who is it, are they still here, and is their session?"""
KEYS = b"""
SELECT q.number, key_id, secret_hash, scopes, k.user_id, expires, revoked, last_used, sources,
  (SELECT ARRAY[name, staff_id] || roles FROM app_user u WHERE u.user_id = k.user_id AND active),
  EXISTS (SELECT FROM suspension WHERE principal IN ('key:' || key_id, 'user:' || k.user_id))
FROM unnest($1::text[]) WITH ORDINALITY AS q(key_id, number) JOIN api_key k USING (key_id)
"""
"""Of an API key the same, asked together with the key itself (`moiety.kit.credentials.LOOK_UP`)."""


async def requester(
    people: Together,
    vault: Vault,
    caller: Caller,
    *,
    operates: bool,
    known: Sequence[Any] = (),
) -> Requester:
    """Who calls, with the roles that the vault itself keeps; a program has at most one role.

    `people` asks WHO, unless the look-up of the caller's key (KEYS) has said it: `known`.

    Raises Unauthenticated when the credential was suspended, its session has ended or a narrow
    token is used again, and Forbidden for a personal key where only tokens are taken.
    """
    key_id = caller.program or caller.key_id
    if known and caller.token_id is None:
        (found, suspended), in_session = known, False
    else:
        row = await people.find(caller.user_id, key_id, caller.session_id, caller.program)
        found, suspended, in_session = row or (None, True, False)
    if suspended or (caller.token_id is not None and not in_session):
        raise Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    if caller.user_id is None:
        roles = frozenset({Role.OPERATOR} if operates else ())
        return Requester(key_id, None, None, roles)
    if caller.token_id is None and vault.rules.personal_keys == "refuse":
        raise Forbidden("Here people ask with a user token: sign in.")
    if caller.actions is not None:
        await run_in_threadpool(exchange.demand_unspent, vault, caller)
    name, staff_id, *names = found or (None, None)
    return Requester(
        key_id,
        caller.user_id,
        name,
        frozenset(Role(role) for role in names),
        service=caller.program,
        staff_id=staff_id,
        actions=caller.actions,
    )
