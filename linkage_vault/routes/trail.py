"""Reading the trail, and the heads and proofs that check it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from linkage_vault import review
from linkage_vault.deps import TheRequester, TheVault
from linkage_vault.routes.link import answer
from moiety.kit.bodies import Body
from moiety.wire.decoding import decode
from moiety.wire.trail import TrailSearch

router = APIRouter(prefix="/trail", tags=["trail"])
Position = Annotated[int | None, Query(ge=0, lt=1 << 62)]


@router.get("")
def read(
    vault: TheVault,
    requester: TheRequester,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Position = None,
) -> Response:
    """The newest entries, without the ids that they are about."""
    return answer(review.read_trail(vault, requester, limit=limit, before=before))


@router.post("/search")
def search(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """The entries about one person or one EHR, whose id travels in the body."""
    return answer(review.search_trail(vault, requester, decode(body, TrailSearch)))


@router.get("/head")
def head(vault: TheVault, requester: TheRequester) -> Response:
    """The newest signed tree head."""
    return answer(review.read_head(vault, requester))


@router.get("/proof")
def proof(
    vault: TheVault,
    requester: TheRequester,
    size: Annotated[int, Query(ge=1, lt=1 << 62)],
    position: Position = None,
    first: Annotated[int | None, Query(ge=1, lt=1 << 62)] = None,
) -> Response:
    """An inclusion proof of `position` or a consistency proof from `first`, in a tree of `size`."""
    return answer(review.prove(vault, requester, size=size, position=position, first=first))
