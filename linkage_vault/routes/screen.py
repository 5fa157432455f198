"""The own-identifier screen, for services; and sealed words, for readers behind one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from linkage_vault import decisions, screening
from linkage_vault.decisions import Requester
from linkage_vault.deps import MayScreen, TheCrossings, UserBehind, as_itself, asking, telling
from linkage_vault.routes.link import answer
from linkage_vault.sealed_words import box_key, unseal
from linkage_vault.vault import Vault
from moiety.kit.bodies import Body
from moiety.kit.direct import Direct
from moiety.wire.decoding import decode
from moiety.wire.screening import (
    BoxKeyAnswer,
    Due,
    Records,
    ScreenAnswer,
    Told,
    Unseal,
    Unsealed,
)

router = APIRouter(tags=["screen"])
loaded = APIRouter(tags=["screen"], route_class=Direct)
"""What carries the load: questions that come at once are worked on together."""
Asking = Annotated[tuple[Vault, Requester], Depends(asking)]
Telling = Annotated[Vault, Depends(telling)]


@router.post("/screen/person", status_code=204)
def tell(vault: Telling, body: Body) -> Response:
    """The demographic service gives the tokens of a person's identifiers."""
    message = decode(body, Told)
    screening.tell(vault, message.person_id, message.tokens)
    return Response(status_code=204)


@loaded.post("/screen")
async def screen(caller: MayScreen, here: TheCrossings, body: Body) -> Response:
    """The clinical service asks which of a document's words are its subject's."""
    found = await here.screening.ask(screening.Call(as_itself(caller), body))
    return answer(ScreenAnswer(found))


@router.post("/screen/due")
def due(found: Asking, body: Body) -> Response:
    """Records whose person's identifiers changed since they were screened."""
    vault, _ = found
    return answer(Records(screening.due(vault, limit=decode(body, Due).limit)))


@router.post("/screen/done", status_code=204)
def done(found: Asking, body: Body) -> Response:
    """These records were screened again."""
    vault, _ = found
    screening.done(vault, decode(body, Records).ehr_ids)
    return Response(status_code=204)


@router.get("/screen/key")
def key(found: Asking) -> Response:
    """The public key that words are sealed for."""
    vault, _ = found
    return answer(BoxKeyAnswer(box_key(vault.keys).public.hex()))


@router.post("/unseal")
def open_boxes(found: Asking, user: UserBehind, body: Body) -> Response:
    """Sealed words, for the person on whose behalf the clinical service asks."""
    vault, _ = found
    message = decode(body, Unseal)
    purpose = decisions.read_purpose(message.purpose_of_use)
    return answer(Unsealed(unseal(vault, user, message.ehr_id, message.boxes, purpose=purpose)))
