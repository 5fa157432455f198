"""The state of the pool, for operators."""

from fastapi import APIRouter, Request, Response

from linkage_vault import review
from linkage_vault.deps import TheRequester, TheVault
from linkage_vault.routes.link import answer

router = APIRouter(tags=["pool"])


@router.get("/pool")
def read(request: Request, vault: TheVault, requester: TheRequester) -> Response:
    """How many EHRs wait, and how many are kept."""
    target: int = request.app.state.pool_target
    return answer(review.read_pool(vault, requester, target=target))
