"""What stands before a crossing: grants, care, broken glass; and canaries and alerts."""

from fastapi import APIRouter, Response

from linkage_vault import break_glass, canaries, caring, grants
from linkage_vault.deps import TheRequester, TheVault
from linkage_vault.routes.link import answer
from moiety.kit.bodies import Body
from moiety.wire.crossing import (
    Acknowledge,
    BreakGlass,
    Canaries,
    CanaryIds,
    Care,
    CareEnds,
    GiveGrant,
    GrantMade,
    GrantNamed,
    Review,
)
from moiety.wire.decoding import decode

router = APIRouter(tags=["standing"])
_DONE = 204


@router.get("/grant")
def show_grants(vault: TheVault, requester: TheRequester) -> Response:
    """Grants that are not over."""
    return answer(grants.show(vault, requester))


@router.post("/grant")
def give_grant(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Let somebody else cross in one direction for a while."""
    return answer(GrantMade(grants.give(vault, requester, decode(body, GiveGrant))), status=201)


@router.post("/grant/revoke")
def revoke_grant(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """End a grant at once."""
    grants.revoke(vault, requester, decode(body, GrantNamed).grant_id)
    return Response(status_code=_DONE)


@router.post("/care")
def record_care(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Say that somebody cares for a person."""
    caring.record(vault, requester, decode(body, Care))
    return Response(status_code=_DONE)


@router.post("/care/end")
def end_care(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Say that somebody no longer does."""
    caring.end(vault, requester, decode(body, CareEnds))
    return Response(status_code=_DONE)


@router.get("/break-glass")
def waiting(vault: TheVault, requester: TheRequester) -> Response:
    """What waits for a review."""
    return answer(break_glass.waiting(vault, requester))


@router.post("/break-glass")
def open_way(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Open the way to one person's record for an hour."""
    return answer(break_glass.open_way(vault, requester, decode(body, BreakGlass)), status=201)


@router.post("/break-glass/review")
def review(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Say whether it was justified."""
    break_glass.review(vault, requester, decode(body, Review))
    return Response(status_code=_DONE)


@router.post("/canary")
def plant(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Make canaries of ids."""
    message = decode(body, Canaries)
    canaries.plant(vault, requester, message.ids, message.label)
    return Response(status_code=_DONE)


@router.post("/canary/remove")
def remove(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Make them ids like others again."""
    canaries.remove(vault, requester, decode(body, CanaryIds).ids)
    return Response(status_code=_DONE)


@router.get("/alert")
def read_alerts(vault: TheVault, requester: TheRequester) -> Response:
    """Alerts that nobody has acknowledged."""
    return answer(canaries.read_alerts(vault, requester))


@router.post("/alert/acknowledge")
def acknowledge(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Say that one was seen."""
    canaries.acknowledge(vault, requester, decode(body, Acknowledge).alert_id)
    return Response(status_code=_DONE)
