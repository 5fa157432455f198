"""DEFINITION: operational templates (ADL 1.4)."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from clinical_api import definitions
from clinical_api.deps import Body, MayDefine, MayReadDefinitions, Reader, Writer
from clinical_api.routes.negotiation import location
from moiety.kit.errors import UnsupportedMediaType

router = APIRouter(prefix="/openehr/v1/definition/template/adl1.4", tags=["DEFINITION"])
_XML = frozenset({"application/xml", "text/xml"})


@router.post("", status_code=HTTPStatus.CREATED)
def upload(
    request: Request, body: Body, _caller: MayDefine, connection: Writer,
    content_type: Annotated[str, Header(alias="Content-Type")] = "",
) -> Response:  # fmt: skip
    """Store an operational template and make the tables for its typed rows."""
    if content_type.split(";")[0].strip().lower() not in _XML:
        raise UnsupportedMediaType("A template is uploaded as application/xml.")
    template = definitions.add(connection, body)
    place = location(request, "definition", "template", "adl1.4", template.template_id)
    headers = {"ETag": f'"{template.template_id}"', "Location": place}
    return Response(status_code=HTTPStatus.CREATED, headers=headers)


@router.get("")
def list_all(_caller: MayReadDefinitions, connection: Reader) -> list[dict[str, Any]]:
    """Every template: id, concept, archetype, time of upload."""
    return [asdict(definition) for definition in definitions.all_of(connection)]


@router.get("/{template_id}")
def get(template_id: str, _caller: MayReadDefinitions, connection: Reader) -> Response:
    """The operational template as it was uploaded."""
    xml = definitions.get(connection, template_id)
    return Response(xml, headers={"ETag": f'"{template_id}"'}, media_type="application/xml")
