"""The national list of data opt-outs comes in here, and goes no further."""

from datetime import date
from typing import Annotated

import httpx
import msgspec
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response

from demographic_api import opt_outs
from demographic_api.opt_outs import Kind
from moiety.kit.auth import Engine, Require
from moiety.kit.credentials import Caller
from moiety.kit.errors import Conflict, TooLarge

BASE = "/demographic/v1"
LIST = f"{BASE}/opt-outs"
LONGEST = 256 << 20  # octets of a list: some twenty million numbers
router = APIRouter(prefix=BASE, tags=["opt-out"])
MayLoad = Annotated[Caller, Depends(Require("opt-out:load"))]


@router.post("/opt-outs")
async def load(
    request: Request, caller: MayLoad, engine: Engine, as_of: date, kind: Kind = "opted_out"
) -> Response:
    """A list of NHS numbers as text, one a line; the answer says how many persons it was about."""
    clients: dict[str, httpx.Client] = request.app.state.vaults
    vault = clients.get(caller.organisation)
    if vault is None:
        raise Conflict("This service has no vault to tell: its settings name none.")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > LONGEST:
            raise TooLarge
    numbers = await run_sync(opt_outs.read_list, bytes(content))
    found = await run_sync(lambda: opt_outs.load(engine, vault, as_of, numbers, kind=kind))
    return Response(
        msgspec.json.encode(found),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
