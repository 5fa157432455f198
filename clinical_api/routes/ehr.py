"""EHR: open, read, find by subject."""

from http import HTTPStatus
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response

from clinical_api import ehrs, folder_templates, statuses
from clinical_api.deps import Body, Here, MayOpenEhrs, MayReadEhrs, committed, uuid_or_not_found
from clinical_api.ehrs import Ehr
from clinical_api.formats import Format
from clinical_api.formats import encode as formatted
from clinical_api.routes.commit_headers import audit_of
from clinical_api.routes.negotiation import (
    Prefer,
    answer_form,
    body_form,
    identifier,
    location,
    preference,
)
from clinical_api.statuses import Prepared
from moiety.change_control.codes import ChangeType
from moiety.kit import accesses
from moiety.kit.credentials import Caller

router = APIRouter(prefix="/openehr/v1", tags=["EHR"])


@router.post("/ehr", status_code=HTTPStatus.CREATED, operation_id="ehr_create")
async def create(
    request: Request, body: Body, caller: MayOpenEhrs, here: Here, prefer: Prefer = None
) -> Response:
    """Open an EHR with an id made here; the body, if any, is its EHR_STATUS."""
    form = answer_form(request)
    prepared = _prepare(request, body, here, bare_subject=False)
    ehr = await _open(request, uuid4(), prepared, caller, here)
    return _opened(request, ehr, prefer, form)


@router.put("/ehr/{ehr_id}", status_code=HTTPStatus.CREATED, operation_id="ehr_create_with_id")
async def create_with_id(
    request: Request, ehr_id: str, body: Body, caller: MayOpenEhrs, here: Here,
    prefer: Prefer = None,
) -> Response:  # fmt: skip
    """Open an EHR under an id that the caller made: a random UUID (version 4)."""
    form = answer_form(request)
    chosen = ehrs.check_chosen_id(ehr_id, here.settings)
    prepared = _prepare(request, body, here, bare_subject=True)
    ehr = await _open(request, chosen, prepared, caller, here)
    return _opened(request, ehr, prefer, form)


@router.get("/ehr", operation_id="ehr_get_by_subject")
async def get_by_subject(
    request: Request, _caller: MayReadEhrs, here: Here, subject_id: str, subject_namespace: str
) -> Response:
    """The EHR whose status bears this subject."""
    form = answer_form(request)
    ehr = await ehrs.find_by_subject(here.reads, subject_id, subject_namespace)
    accesses.note(request, [ehr.ehr_id])
    return Response(_text(ehr, form), headers=_headers(request, ehr), media_type=form.value)


@router.get("/ehr/{ehr_id}", operation_id="ehr_get_by_id")
async def get(request: Request, ehr_id: str, _caller: MayReadEhrs, here: Here) -> Response:
    """The EHR: its id, system, time, and references to its status and directory."""
    form = answer_form(request)
    ehr = await ehrs.get_ehr(here.reads, uuid_or_not_found(ehr_id, "EHR"))
    return Response(_text(ehr, form), headers=_headers(request, ehr), media_type=form.value)


def _prepare(request: Request, body: bytes, here: Here, *, bare_subject: bool) -> Prepared:
    if not body.strip():
        return statuses.prepare(statuses.default(), here.settings)
    status = statuses.read(body, body_form(request), bare_subject=bare_subject)
    return statuses.prepare(status, here.settings)


async def _open(
    request: Request, ehr_id: UUID, prepared: Prepared, caller: Caller, here: Here
) -> Ehr:
    audit = audit_of(request, caller, here.settings, ChangeType.CREATION)
    directory = await folder_templates.find(here.reads, here.settings)
    commit = ehrs.opening(ehr_id, prepared, here.settings, audit=audit, directory=directory)
    ehr: Ehr = await committed(here, commit)
    return ehr


def _opened(request: Request, ehr: Ehr, prefer: str | None, form: Format) -> Response:
    headers = _headers(request, ehr)
    wanted = preference(prefer)
    if prefer is not None:
        headers["Preference-Applied"] = f"return={wanted}"
    match wanted:
        case "representation":
            body = _text(ehr, form)
        case "identifier":
            body = identifier(str(ehr.ehr_id), form)
        case _:
            return Response(status_code=HTTPStatus.CREATED, headers=headers)
    return Response(body, HTTPStatus.CREATED, headers, form.value)


def _text(ehr: Ehr, form: Format) -> bytes:
    """EHR in a format.  The schema declares OBJECT_REF here, so XML need not say it, and clients
    look for the bare element.
    """
    text = formatted(ehr.record(), form)
    return text.replace(b'<ehr_status xsi:type="OBJECT_REF">', b"<ehr_status>", 1)


def _headers(request: Request, ehr: Ehr) -> dict[str, str]:
    return {"ETag": f'"{ehr.ehr_id}"', "Location": location(request, "ehr", str(ehr.ehr_id))}
