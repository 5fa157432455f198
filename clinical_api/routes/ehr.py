"""EHR: open and read."""

from http import HTTPStatus
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Request, Response

from clinical_api import ehrs
from clinical_api.deps import (
    Body,
    Here,
    MayOpenEhrs,
    MayReadEhrs,
    Reader,
    Writer,
    audit_of,
    uuid_or_not_found,
)
from clinical_api.routes.negotiation import Prefer, location

router = APIRouter(prefix="/openehr/v1", tags=["EHR"])


@router.post("/ehr", status_code=HTTPStatus.CREATED)
def create(
    request: Request, body: Body, caller: MayOpenEhrs, connection: Writer, here: Here,
    prefer: Prefer = None,
) -> Response:  # fmt: skip
    """Open an EHR with an id made here; the body, if any, is its EHR_STATUS."""
    audit = audit_of(caller, here.settings)
    ehr = ehrs.open_ehr(connection, here.settings, body, ehr_id=uuid4(), audit=audit)
    return _opened(request, ehr, prefer)


@router.put("/ehr/{ehr_id}", status_code=HTTPStatus.CREATED)
def create_with_id(
    request: Request, ehr_id: str, body: Body, caller: MayOpenEhrs, connection: Writer, here: Here,
    prefer: Prefer = None,
) -> Response:  # fmt: skip
    """Open an EHR under an id that the caller made: a random UUID (version 4)."""
    chosen = ehrs.check_chosen_id(ehr_id)
    audit = audit_of(caller, here.settings)
    ehr = ehrs.open_ehr(connection, here.settings, body, ehr_id=chosen, audit=audit)
    return _opened(request, ehr, prefer)


@router.get("/ehr/{ehr_id}")
def get(ehr_id: str, _caller: MayReadEhrs, connection: Reader) -> Response:
    """The EHR: its id, system, time and status reference."""
    ehr = ehrs.get_ehr(connection, uuid_or_not_found(ehr_id, "EHR"))
    return Response(
        msgspec.json.encode(ehr.canonical()),
        headers={"ETag": f'"{ehr.ehr_id}"'},
        media_type="application/json",
    )


def _opened(request: Request, ehr: ehrs.Ehr, prefer: str | None) -> Response:
    headers = {"ETag": f'"{ehr.ehr_id}"', "Location": location(request, "ehr", str(ehr.ehr_id))}
    whole = "return=representation" in (prefer or "")
    body = msgspec.json.encode(ehr.canonical()) if whole else b""
    return Response(body, HTTPStatus.CREATED, headers, "application/json" if whole else None)
