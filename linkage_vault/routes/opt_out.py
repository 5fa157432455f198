"""Registers: the demographic service loads opt-outs; people record objections and consents."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from linkage_vault import opt_outs
from linkage_vault.deps import Program, TheRequester, TheVault, loading
from linkage_vault.routes.link import answer
from moiety.kit.bodies import Body
from moiety.wire.decoding import decode
from moiety.wire.opt_outs import Add, Begin, Begun, Consent, Finish, Object

router = APIRouter(prefix="/opt-out", tags=["opt-out"])
Loading = Annotated[Program, Depends(loading)]


@router.post("/begin")
def begin(program: Loading, body: Body) -> Response:
    """A new snapshot of the national list."""
    as_of = decode(body, Begin).as_of
    return answer(Begun(opt_outs.begin(program.vault, program.requester, as_of)), status=201)


@router.post("/add")
def add(program: Loading, body: Body) -> Response:
    """Persons that the list was asked about."""
    opt_outs.add(program.vault, decode(body, Add))
    return Response(status_code=204)


@router.post("/finish")
def finish(program: Loading, body: Body) -> Response:
    """The snapshot is in force from now on."""
    snapshot_id = decode(body, Finish).snapshot_id
    return answer(opt_outs.finish(program.vault, program.requester, snapshot_id))


@router.post("/objection")
def object_to(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """A person objects, or withdraws an objection."""
    opt_outs.record_objection(vault, requester, decode(body, Object))
    return Response(status_code=204)


@router.post("/consent")
def consent_to(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """A person consents, or withdraws a consent."""
    opt_outs.record_consent(vault, requester, decode(body, Consent))
    return Response(status_code=204)
