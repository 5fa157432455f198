"""What a person may be told: who looked, and everything."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from linkage_vault import access_report, subject_access
from linkage_vault.access_report import Sources
from linkage_vault.deps import SCOPE, TheRequester, TheVault
from linkage_vault.routes.link import answer
from moiety.kit.auth import Require
from moiety.kit.bodies import Body
from moiety.kit.credentials import Caller
from moiety.wire.decoding import decode
from moiety.wire.subject import AskReport, GatherSubjectAccess

router = APIRouter(tags=["subject"])


def sources(request: Request, caller: Annotated[Caller, Depends(Require(SCOPE))]) -> Sources:
    """Where the logs of the organisation's other services are asked for."""
    found: dict[str, Sources] = request.app.state.sources
    return found.get(caller.organisation, Sources())


TheSources = Annotated[Sources, Depends(sources)]


@router.post("/access/report")
def report(vault: TheVault, requester: TheRequester, asked: TheSources, body: Body) -> Response:
    """Who looked at a person."""
    return answer(access_report.read_report(vault, requester, asked, decode(body, AskReport)))


@router.post("/subject-access")
def gather(vault: TheVault, requester: TheRequester, asked: TheSources, body: Body) -> Response:
    """The vault's part of what a person is told."""
    message = decode(body, GatherSubjectAccess)
    return answer(subject_access.gather(vault, requester, asked, message))
