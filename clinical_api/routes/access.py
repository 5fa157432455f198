"""Who read a record: for the vault, which joins it with what the other services know."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from clinical_api.deps import Body, Here
from clinical_api.tables import api_key
from moiety.kit import accesses
from moiety.kit.accesses import AccessLog
from moiety.kit.auth import Require
from moiety.kit.credentials import Caller
from moiety.wire import access as wire
from moiety.wire.decoding import decode

router = APIRouter(prefix="/access/v1", tags=["ACCESS"])
MayReadAccesses = Annotated[Caller, Depends(Require("access:read"))]


@router.post("/entries", include_in_schema=False)  # between services alone
def entries(request: Request, caller: MayReadAccesses, here: Here, body: Body) -> Response:
    """The reads of a record, and those of all records at once."""
    record = decode(body, wire.AskAccesses).record
    logs: dict[str, AccessLog] = request.app.state.access_logs
    log = logs.get(caller.organisation)
    found = log.read(record) if log else []
    with here.engine.connect() as connection:
        labels = accesses.labels_of(connection, api_key, [one.key_id for one in found])
    answer = wire.answer(found, labels, is_kept=log is not None)
    return Response(
        msgspec.json.encode(answer),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
