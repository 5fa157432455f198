"""Opening a record for a person, and crossing the bridge in either direction.

The questions that carry the load are direct routes, and those that come at once are worked on
together (`deps.Crossings`); lists have a thread of their own.
"""

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from linkage_vault import decisions, links
from linkage_vault.decisions import Action, Ask, Case
from linkage_vault.deps import MayUse, TheCrossings, find_requester
from linkage_vault.links import Opening
from moiety.kit.bodies import Body
from moiety.kit.direct import Direct
from moiety.wire.decoding import decode
from moiety.wire.vault import (
    EhrAnswer,
    EhrsAnswer,
    Link,
    LinkMany,
    PersonAnswer,
    ResolveEhr,
    ResolveMany,
    ResolvePerson,
)

router = APIRouter(tags=["link"], route_class=Direct)


@router.post("/link")
async def link(request: Request, caller: MayUse, here: TheCrossings, body: Body) -> Response:
    """201 with the EHR given to the person, 200 with the one that the person had."""
    requester = await find_requester(request, caller, here.vault)
    message = decode(body, Link)
    asked = Opening(requester, message.person_id, is_further=message.is_further)
    opened = await here.opening.ask(asked)
    return answer(EhrAnswer(opened.ehr_id), status=201 if opened.is_new else 200)


@router.post("/link/bulk")
async def link_many(request: Request, caller: MayUse, here: TheCrossings, body: Body) -> Response:
    """The EHRs of up to 1,000 persons, new or had before, in the order of the persons."""
    requester = await find_requester(request, caller, here.vault)
    message = decode(body, LinkMany)
    opened = await run_in_threadpool(
        links.open_records, here.vault, requester, message.person_ids,
        approval_id=message.approval_id, reason=message.reason,
        basis=decisions.read_basis(message.legal_basis),
    )  # fmt: skip
    return answer(EhrsAnswer([one.ehr_id for one in opened]))


@router.post("/resolve/person")
async def resolve_person(
    request: Request, caller: MayUse, here: TheCrossings, body: Body
) -> Response:
    """Which EHR is this person's."""
    requester = await find_requester(request, caller, here.vault)
    message = decode(body, ResolvePerson)
    purpose = decisions.read_purpose(message.purpose_of_use)
    ask = Ask(Action.RESOLVE_PERSON, message.person_id, purpose)
    found = await here.resolving.ask(Case(requester, [ask]))
    return answer(EhrAnswer(found.ehr_id, list(found.others)))


@router.post("/resolve/person/bulk")
async def resolve_persons(
    request: Request, caller: MayUse, here: TheCrossings, body: Body
) -> Response:
    """The EHRs of up to 1,000 persons, in their order; null for one without."""
    requester = await find_requester(request, caller, here.vault)
    message = decode(body, ResolveMany)
    found = await run_in_threadpool(
        links.resolve_persons, here.vault, requester, message.person_ids,
        purpose=decisions.read_purpose(message.purpose_of_use), approval_id=message.approval_id,
        reason=message.reason, basis=decisions.read_basis(message.legal_basis),
    )  # fmt: skip
    return answer(EhrsAnswer([one.ehr_id if one else None for one in found]))


@router.post("/resolve/ehr")
async def resolve_ehr(request: Request, caller: MayUse, here: TheCrossings, body: Body) -> Response:
    """Whose EHR is this."""
    requester = await find_requester(request, caller, here.vault)
    message = decode(body, ResolveEhr)
    ask = Ask(
        Action.RESOLVE_EHR,
        message.ehr_id,
        decisions.read_purpose(message.purpose_of_use),
        message.reason,
        decisions.read_basis(message.legal_basis),
        message.approval_id,
    )
    found = await here.resolving.ask(Case(requester, [ask]))
    return answer(PersonAnswer(found.person_id))


def answer(message: msgspec.Struct, *, status: int = 200) -> Response:
    """A message as JSON that no cache keeps."""
    return Response(
        msgspec.json.encode(message),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
