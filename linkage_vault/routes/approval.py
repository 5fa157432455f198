"""Asking for, reading and giving approvals."""

from fastapi import APIRouter, Response

from linkage_vault import approvals
from linkage_vault.deps import TheRequester, TheVault
from linkage_vault.routes.link import answer
from moiety.kit.bodies import Body
from moiety.wire.crossing import AskApproval, Decide
from moiety.wire.decoding import decode

router = APIRouter(prefix="/approval", tags=["approval"])


@router.get("")
def read(vault: TheVault, requester: TheRequester) -> Response:
    """Requests that wait for a decision, and one's own."""
    return answer(approvals.read_approvals(vault, requester))


@router.post("/request")
def request(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Ask a second person to allow one exact question, once."""
    return answer(approvals.ask_approval(vault, requester, decode(body, AskApproval)), status=201)


@router.post("/decide")
def decide(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Approve or reject what somebody else asked."""
    approvals.decide(vault, requester, decode(body, Decide))
    return Response(status_code=204)
