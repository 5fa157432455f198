"""What a route asks for: the organisation's vault, and the requester with roles."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

from linkage_vault import people
from linkage_vault.decisions import Requester
from linkage_vault.vault import Vault
from moiety.kit.auth import Require
from moiety.kit.credentials import Caller

SCOPE = "vault:use"
OPERATE = "vault:operate"


def find_vault(request: Request, caller: Annotated[Caller, Depends(Require(SCOPE))]) -> Vault:
    """Database, keys and rules of the organisation that the credential names."""
    vaults: Mapping[str, Vault] = request.app.state.vaults
    return vaults[caller.organisation]


def find_requester(
    caller: Annotated[Caller, Depends(Require(SCOPE))],
    vault: Annotated[Vault, Depends(find_vault)],
) -> Requester:
    """The person behind the credential, with the roles of this moment.

    Somebody without a role passes here and is refused, in writing, by the decision.
    Raises Unauthenticated for a credential that was suspended.
    """
    return people.requester(vault, caller, operates=OPERATE in caller.scopes)


TheVault = Annotated[Vault, Depends(find_vault)]
TheRequester = Annotated[Requester, Depends(find_requester)]
