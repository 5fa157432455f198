"""DEFINITION: operational templates in ADL 2."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from clinical_api import adl2_definitions, formats
from clinical_api.deps import Body, Here, MayDefine, MayReadDefinitions, Reader, Writer
from clinical_api.routes.definition import is_complete, new_uid
from clinical_api.routes.negotiation import Prefer, answer_form, location, preference, quoted
from moiety.kit.errors import NotAcceptable, UnsupportedMediaType

router = APIRouter(prefix="/openehr/v1/definition/template/adl2", tags=["DEFINITION"])
TEXT = "text/plain"


@router.post("", status_code=HTTPStatus.CREATED, operation_id="definition_template_adl2_upload")
def upload(
    request: Request, body: Body, _caller: MayDefine, connection: Writer,
    prefer: Prefer = None, version: str | None = None,
) -> Response:  # fmt: skip
    """Store an operational template."""
    if _media_of(request.headers.get("content-type", "")) != TEXT:
        raise UnsupportedMediaType("A template in ADL 2 is uploaded as text/plain.")
    template = adl2_definitions.add(connection, body, version)
    name = quoted(template.template_id)
    headers = {
        "ETag": f'"{name}"',
        "Location": location(request, "definition", "template", "adl2", name),
    }
    if preference(prefer) != "representation":
        return Response(status_code=HTTPStatus.CREATED, headers=headers)
    return Response(body, HTTPStatus.CREATED, headers, TEXT)


@router.get("", operation_id="definition_template_adl2_list")
def list_all(_caller: MayReadDefinitions, connection: Reader) -> list[dict[str, Any]]:
    """Every version of every template."""
    return [asdict(one) for one in adl2_definitions.all_of(connection)]


@router.get("/{template_id}", operation_id="definition_template_adl2_get")
def get(
    request: Request, template_id: str, _caller: MayReadDefinitions, connection: Reader
) -> Response:
    """The template of the id; the latest version that an id without one, or a part, means."""
    return _answer(request, adl2_definitions.get(connection, template_id))


@router.get("/{template_id}/example", operation_id="definition_template_adl2_example_get")
def get_example(
    request: Request, template_id: str, _caller: MayReadDefinitions, here: Here,
    connection: Reader, detail_level: str = "complete",
    type: str = "input",  # noqa: A002  the parameter's own name
) -> Response:  # fmt: skip
    """A made-up composition; no composition can be committed by a template in ADL 2, though."""
    form = answer_form(request)
    everything = is_complete(detail_level, type)
    made = adl2_definitions.example_of(connection, template_id, everything=everything)
    if type == "output":
        made.uid = new_uid(here)
    return Response(formats.encode(made, form), media_type=form.value)


@router.get("/{template_id}/{version}", operation_id="definition_template_adl2_version_get")
def get_version(
    request: Request, template_id: str, version: str, _caller: MayReadDefinitions,
    connection: Reader,
) -> Response:  # fmt: skip
    """The template in a version, or the latest that a part of a version means."""
    return _answer(request, adl2_definitions.get(connection, template_id, version))


def _answer(request: Request, found: tuple[str, bytes]) -> Response:
    accept = request.headers.get("accept") or "*/*"
    if not {_media_of(part) for part in accept.split(",")} & {TEXT, "text/*", "*/*"}:
        raise NotAcceptable("A template in ADL 2 is text/plain.")
    template_id, text = found
    return Response(text, headers={"ETag": f'"{quoted(template_id)}"'}, media_type=TEXT)


def _media_of(text: str) -> str:
    return text.partition(";")[0].strip().lower()
