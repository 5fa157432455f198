"""DEFINITION: operational templates in ADL 2."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from clinical_api import adl2_definitions
from clinical_api.deps import Body, MayDefine, MayReadDefinitions, Reader, Writer
from clinical_api.routes.negotiation import Prefer, location, preference, quoted
from moiety.kit.errors import NotAcceptable, NotSupported, UnsupportedMediaType

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
def get_example(template_id: str, _caller: MayReadDefinitions, connection: Reader) -> Response:
    """Examples are made of templates in ADL 1.4 alone: 404 without the template, else 501."""
    adl2_definitions.get(connection, template_id)
    raise NotSupported("Examples are made of templates in ADL 1.4 alone.")


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
