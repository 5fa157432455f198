"""Who read about a person: for the vault, which joins it with what the other services know."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from demographic_api.tables import api_key
from moiety.kit import accesses
from moiety.kit.accesses import AccessLog
from moiety.kit.auth import Engine, Require
from moiety.kit.bodies import Body
from moiety.kit.credentials import Caller
from moiety.wire import access as wire
from moiety.wire.decoding import decode

router = APIRouter(prefix="/access/v1", tags=["access"])
MayReadAccesses = Annotated[Caller, Depends(Require("access:read"))]


@router.post("/entries")
def entries(request: Request, caller: MayReadAccesses, engine: Engine, body: Body) -> Response:
    """The reads of a person."""
    record = decode(body, wire.AskAccesses).record
    logs: dict[str, AccessLog] = request.app.state.access_logs
    log = logs.get(caller.organisation)
    found = log.read(record) if log else []
    with engine.connect() as connection:
        labels = accesses.labels_of(connection, api_key, [one.key_id for one in found])
    answer = wire.answer(found, labels, is_kept=log is not None)
    return Response(
        msgspec.json.encode(answer),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
