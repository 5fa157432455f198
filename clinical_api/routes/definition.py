"""DEFINITION: operational templates in ADL 1.4."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Query, Request, Response

from clinical_api import definitions, stored_compositions
from clinical_api.deps import (
    Body,
    Here,
    MayDefine,
    MayReadDefinitions,
    Organisation,
    Reader,
    Writer,
)
from clinical_api.formats import Format
from clinical_api.registry import Known
from clinical_api.routes.negotiation import (
    Prefer,
    answer_form,
    answer_media,
    demand_xml,
    identifier,
    location,
    preference,
    quoted,
)
from moiety.kit.errors import Malformed, NotAcceptable, NotFound, UnsupportedMediaType
from moiety.openehr import rm
from moiety.openehr.canonical import encode
from moiety.openehr.simplified.example import example
from moiety.openehr.simplified.web_template import web_template

router = APIRouter(prefix="/openehr/v1/definition/template/adl1.4", tags=["DEFINITION"])
Revision = Annotated[int | None, Query(ge=1, le=1_000_000)]
WEB_TEMPLATE = "application/openehr.wt+json"
_LEVELS = {"required": False, "medium": True, "complete": True}


@router.post("", status_code=HTTPStatus.CREATED, operation_id="definition_template_adl1.4_upload")
def upload(
    request: Request, body: Body, _caller: MayDefine, here: Here, connection: Writer,
    prefer: Prefer = None,
) -> Response:  # fmt: skip
    """Store an operational template and make the tables for its typed rows."""
    demand_xml(request, UnsupportedMediaType)
    wanted = preference(prefer)
    media = _media(request) if wanted == "representation" else ""
    template = definitions.add(connection, body)
    here.registry.forget()
    name = quoted(template.template_id)
    headers = {
        "ETag": f'"{name}"',
        "Location": location(request, "definition", "template", "adl1.4", name),
    }
    if prefer is not None:
        headers["Preference-Applied"] = f"return={wanted}"
    created = HTTPStatus.CREATED
    if wanted == "representation":
        text = body if media == Format.XML.value else msgspec.json.encode(web_template(template))
        return Response(text, created, headers, media)
    if wanted == "identifier":
        return Response(identifier(template.template_id, Format.JSON), created, headers)
    return Response(status_code=created, headers=headers)


@router.get("", operation_id="definition_template_adl1.4_list")
def list_all(_caller: MayReadDefinitions, connection: Reader) -> list[dict[str, Any]]:
    """Every template in force: id, concept, archetype, time of upload."""
    return [asdict(definition) for definition in definitions.all_of(connection)]


@router.get("/{template_id}", operation_id="definition_template_adl1.4_get")
def get(
    request: Request, template_id: str, _caller: MayReadDefinitions, connection: Reader,
    revision: Revision = None,
) -> Response:  # fmt: skip
    """The operational template as it was uploaded, or the web template made of it."""
    media = _media(request)
    xml = definitions.get(connection, template_id, revision)
    headers = {"ETag": f'"{quoted(template_id)}"'}
    if media == Format.XML.value:
        return Response(xml, headers=headers, media_type=media)
    text = msgspec.json.encode(web_template(definitions.read(xml)))
    return Response(text, headers=headers, media_type=media)


@router.get("/{template_id}/example", operation_id="definition_template_adl1.4_example_get")
def get_example(
    request: Request, template_id: str, _caller: MayReadDefinitions, here: Here,
    detail_level: str = "complete", type: str = "input",  # noqa: A002  the parameter's own name
) -> Response:  # fmt: skip
    """A made-up composition, which can be committed as it stands."""
    form = answer_form(request, tuple(Format))
    everything = is_complete(detail_level, type)
    known = _known(here, template_id)
    made = example(known.template, everything=everything)
    if type == "output":
        made.uid = new_uid(here)
    text = stored_compositions.encode_as(form, encode(made), lambda: known)
    return Response(text, media_type=answer_media(request, form))


@router.get("/{template_id}/revisions", operation_id="template_revisions")
def list_revisions(
    template_id: str, _caller: MayReadDefinitions, connection: Reader
) -> list[dict[str, Any]]:
    """Every revision of a template, the newest first, and whether it is in force."""
    return [asdict(one) for one in definitions.revisions(connection, template_id)]


@router.put("/{template_id}", operation_id="template_change")
def change(
    request: Request, template_id: str, body: Body, _caller: MayDefine, here: Here,
    connection: Writer,
) -> dict[str, Any]:  # fmt: skip
    """Put a compatible revision in force beside the old; 409 tells what would break documents."""
    demand_xml(request, UnsupportedMediaType)
    changed = definitions.change(connection, template_id, body)
    here.registry.forget()
    return asdict(changed)


@router.put("/{template_id}/active", status_code=204, operation_id="template_activate")
def set_active(
    template_id: str, body: Body, _caller: MayDefine, here: Here, connection: Writer
) -> Response:
    """Whether new documents may be written with the template: the body is true or false."""
    try:
        active = msgspec.json.decode(body, type=bool)
    except msgspec.DecodeError:
        raise Malformed("The body is true or false.") from None
    definitions.set_active(connection, template_id, active=active)
    here.registry.forget()
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.delete("/{template_id}", status_code=204, operation_id="template_delete")
def delete(template_id: str, _caller: MayDefine, here: Here, connection: Writer) -> Response:
    """Delete a template that nothing was written with, deleted documents included."""
    definitions.delete(connection, template_id)
    here.registry.forget()
    return Response(status_code=HTTPStatus.NO_CONTENT)


def is_complete(detail_level: str, type_: str) -> bool:
    """Whether an example has the optional parts too.  Raises Malformed for unknown words."""
    if detail_level not in _LEVELS:
        raise Malformed(f"`detail_level` is one of {', '.join(_LEVELS)}.")
    if type_ not in {"input", "output"}:
        raise Malformed("`type` is one of input, output.")
    return _LEVELS[detail_level]


def new_uid(here: Organisation) -> rm.ObjectVersionId:
    """The uid that an example bears as a server would answer it."""
    return rm.ObjectVersionId(value=f"{uuid4()}::{here.settings.system_id}::1")


def _known(here: Organisation, template_id: str) -> Known:
    with here.engine.connect() as connection:
        known = here.registry.current(connection).by_id.get(template_id)
    if known is None:
        raise NotFound("There is no template of this id in force.")
    return known


def _media(request: Request) -> str:
    """XML, or the web template's media type, whichever Accept names first.  Raises NotAcceptable.

    `?format=` says it too.
    """
    named = request.query_params.get("format", "").upper()
    accept = request.headers.get("accept") or "*/*"
    if named:
        accept = {"XML": "application/xml"}.get(named, WEB_TEMPLATE)
    for part in accept.split(","):
        media = part.partition(";")[0].strip().lower()
        if media in {"*/*", "application/*", "text/*", "application/xml", "text/xml"}:
            return Format.XML.value
        if media in {"application/json", WEB_TEMPLATE}:
            return media
    raise NotAcceptable(f"A template may be application/xml, {WEB_TEMPLATE} or application/json.")
