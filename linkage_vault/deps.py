"""What a route asks for: the organisation's vault, and the requester with roles."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

from linkage_vault import users
from linkage_vault.decisions import Requester
from linkage_vault.users import Role
from linkage_vault.vault import Vault
from moiety.kit.auth import Engine, Require
from moiety.kit.credentials import Caller

SCOPE = "vault:use"
OPERATE = "vault:operate"


def find_vault(request: Request, caller: Annotated[Caller, Depends(Require(SCOPE))]) -> Vault:
    """Database and keys of the organisation that the key names."""
    vaults: Mapping[str, Vault] = request.app.state.vaults
    return vaults[caller.organisation]


def find_requester(caller: Annotated[Caller, Depends(Require(SCOPE))], engine: Engine) -> Requester:
    """The person behind the key, with the roles of this moment; a program has at most one role.

    Somebody without a role passes here and is refused, in writing, by the decision.
    """
    if caller.user_id is None:
        roles = frozenset({Role.OPERATOR} if OPERATE in caller.scopes else ())
        return Requester(caller.key_id, None, None, roles)
    with engine.connect() as connection:
        found = users.find(connection, caller.user_id)
    name, roles = found or (None, frozenset())
    return Requester(caller.key_id, caller.user_id, name, roles)


TheVault = Annotated[Vault, Depends(find_vault)]
TheRequester = Annotated[Requester, Depends(find_requester)]
