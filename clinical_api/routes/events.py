"""Events: a page of them, or the live stream."""

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from clinical_api.deps import Here, MayReadEvents
from clinical_api.events import places, reading, tails
from moiety.kit import auth
from moiety.kit.errors import NotAcceptable, Unauthenticated

router = APIRouter(tags=["EVENTS"])
_STREAM = "text/event-stream"


@router.get("/events", operation_id="events_get")
async def get(
    request: Request,
    caller: MayReadEvents,
    here: Here,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=reading.LARGEST_PAGE)] = 100,
    ehr_id: UUID | None = None,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> Response:
    """What was committed: a page (application/json), or for ever (text/event-stream).

    After a cursor, or `latest`; from the first event on without.  A stream that was broken off goes
    on with Last-Event-ID.
    """
    place = await places.find(here.reads, last_event_id or after)
    system_id = here.settings.system_id
    if _wants_stream(request):

        async def still_allowed() -> bool:
            try:
                return caller.scopes <= (await auth.identify(request)).scopes
            except Unauthenticated:
                return False

        told = tails.stream(
            here.reads, here.pulse, place, system_id, ehr_id=ehr_id, still_allowed=still_allowed
        )
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(told, media_type=_STREAM, headers=headers)
    page = await reading.page(here.reads, place, limit, system_id, ehr_id=ehr_id)
    shown = {"events": page.events, "after": str(page.after), "more": page.more}
    return Response(
        msgspec.json.encode(shown), media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )  # fmt: skip


def _wants_stream(request: Request) -> bool:
    """By Accept; JSON where both would do.  Raises NotAcceptable where neither does."""
    accept = request.headers.get("accept") or "*/*"
    media = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if media & {"application/json", "application/*", "*/*"}:
        return False
    if media & {_STREAM, "text/*"}:
        return True
    raise NotAcceptable("The answer may be application/json or text/event-stream.")
