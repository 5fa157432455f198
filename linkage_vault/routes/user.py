"""Accounts, for administrators."""

from fastapi import APIRouter, Response

from linkage_vault import accounts
from linkage_vault.deps import TheRequester, TheVault
from linkage_vault.routes.link import answer
from moiety.kit.bodies import Body
from moiety.wire.decoding import decode
from moiety.wire.people import ChangeUser, Invitation, NameUser, NewUser, UserMade

router = APIRouter(prefix="/user", tags=["user"])


@router.get("")
def show(vault: TheVault, requester: TheRequester) -> Response:
    """Every account."""
    return answer(accounts.show(vault, requester))


@router.post("")
def add(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Make an account."""
    return answer(UserMade(accounts.add(vault, requester, decode(body, NewUser))), status=201)


@router.post("/change")
def change(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Change roles, or take or give back an account."""
    accounts.change(vault, requester, decode(body, ChangeUser))
    return Response(status_code=204)


@router.post("/invite")
def invite(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """A code with which a user sets a password and second factor."""
    code = accounts.invite(vault, requester, decode(body, NameUser).user_id)
    return answer(Invitation(code), status=201)
