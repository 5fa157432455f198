"""Webhooks: where events are delivered."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response

from clinical_api.deps import Body, Here, MayAdministerEvents, Reader, Writer, uuid_or_not_found
from clinical_api.events import places, webhooks
from clinical_api.events.webhooks import Signer

router = APIRouter(prefix="/webhooks", tags=["EVENTS"])


@router.post("", status_code=HTTPStatus.CREATED, operation_id="webhook_register")
async def register(
    request: Request, body: Body, caller: MayAdministerEvents, here: Here
) -> Response:
    """Register a URL; the answer shows its signing secret, this once."""
    wanted = webhooks.read(body)
    after = await places.find(here.reads, "" if wanted.after == "oldest" else wanted.after)
    signer = Signer(caller.organisation, here.settings.webhook_key)

    def write() -> webhooks.Webhook:
        with here.engine.begin() as connection:
            return webhooks.register(
                connection, wanted, after, signer, here.settings, key_id=caller.key_id
            )

    made = await run_sync(write)
    place = f"{str(request.base_url).rstrip('/')}/webhooks/{made.id}"
    return _json(made, HTTPStatus.CREATED, {"Location": place})


@router.get("", operation_id="webhook_list")
def all_of(_caller: MayAdministerEvents, connection: Reader) -> Response:
    """Every webhook, with how much waits and what is dead."""
    return _json(webhooks.all_of(connection))


@router.get("/{webhook_id}", operation_id="webhook_get")
def get(webhook_id: str, _caller: MayAdministerEvents, connection: Reader) -> Response:
    """One webhook."""
    return _json(webhooks.get(connection, uuid_or_not_found(webhook_id, "webhook")))


@router.delete("/{webhook_id}", status_code=HTTPStatus.NO_CONTENT, operation_id="webhook_delete")
def delete(webhook_id: str, _caller: MayAdministerEvents, connection: Writer) -> Response:
    """End a webhook, and forget what waits for it."""
    webhooks.delete(connection, uuid_or_not_found(webhook_id, "webhook"))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/{webhook_id}/pause", operation_id="webhook_pause")
def pause(webhook_id: str, _caller: MayAdministerEvents, connection: Writer) -> Response:
    """Send nothing for now; nothing is lost."""
    found = uuid_or_not_found(webhook_id, "webhook")
    return _json(webhooks.set_state(connection, found, webhooks.PAUSED))


@router.post("/{webhook_id}/resume", operation_id="webhook_resume")
def resume(webhook_id: str, _caller: MayAdministerEvents, connection: Writer) -> Response:
    """Go on where it was paused."""
    found = uuid_or_not_found(webhook_id, "webhook")
    return _json(webhooks.set_state(connection, found, webhooks.ACTIVE))


@router.post("/{webhook_id}/rotate", operation_id="webhook_rotate")
def rotate(
    webhook_id: str, caller: MayAdministerEvents, connection: Writer, here: Here
) -> Response:
    """A new signing secret, shown this once; for a day messages are signed with both."""
    signer = Signer(caller.organisation, here.settings.webhook_key)
    return _json(webhooks.rotate(connection, uuid_or_not_found(webhook_id, "webhook"), signer))


@router.get("/{webhook_id}/dead", operation_id="webhook_dead")
def dead(
    webhook_id: str, _caller: MayAdministerEvents, connection: Reader,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:  # fmt: skip
    """What could not be delivered, the oldest first."""
    return _json(webhooks.dead(connection, uuid_or_not_found(webhook_id, "webhook"), limit))


@router.post("/{webhook_id}/dead/redeliver", operation_id="webhook_redeliver")
def redeliver(
    webhook_id: str, body: Body, _caller: MayAdministerEvents, connection: Writer
) -> Response:
    """Send dead letters once more: those named in `events`, or all."""
    found = uuid_or_not_found(webhook_id, "webhook")
    count = webhooks.redeliver(connection, found, webhooks.read_redelivery(body))
    return _json({"redelivered": count})


def _json(
    thing: object, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response:
    return Response(
        msgspec.json.encode(thing), status, {"Cache-Control": "no-store", **(headers or {})},
        "application/json",
    )  # fmt: skip
