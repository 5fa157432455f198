"""What EHRbase has beside the openEHR REST API; mounted in the conformance profile alone."""

import platform
from dataclasses import replace
from html import escape
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Request, Response

from clinical_api import definitions, tags
from clinical_api.deps import (
    Body,
    Here,
    MayCommit,
    MayDefine,
    MayRead,
    MayReadDefinitions,
    Reader,
    Writer,
    uuid_or_not_found,
)
from clinical_api.formats import XML_DECLARATION, Format
from clinical_api.openapi.admin import SERVER_STATUS
from clinical_api.openapi.document import BASE, selected
from clinical_api.routes import definition
from clinical_api.routes.commit_headers import audit_of
from clinical_api.routes.negotiation import answer_form, quoted
from clinical_api.routes.tag import read, target_of
from clinical_api.tags import Tag
from moiety import __version__
from moiety.change_control.codes import ChangeType
from moiety.kit.errors import Malformed, NotFound, Unprocessable
from moiety.openehr.simplified.web_template import web_template

router = APIRouter(prefix="/ehrbase", include_in_schema=False)
GROUPS = {
    "1. openEHR API": "/openehr/v1",
    "2. EHRbase Status Endpoint": "/status",
    "3. EHRbase Admin API": "/admin",
    "4. Management API": "/management",
}
_KINDS = {"composition": "COMPOSITION", "ehr_status": "EHR_STATUS"}
_TAGS = "/rest/experimental/tags/ehr/{ehr_id}/{kind}/{uid}/item_tag"
_ECIS = "/rest/ecis/v1/template"


# --- status and documentation --------------------------------------------------------------------


@router.get("/rest/status")
def status(request: Request, _caller: MayReadDefinitions, connection: Reader) -> Response:
    """Versions: this server's own, under the names that clients read."""
    own = f"Moiety/{__version__}"
    told = {
        "ehrbase_version": own,
        "jvm_version": f"none ({platform.python_implementation()} {platform.python_version()})",
        "openehr_sdk_version": own,
        "os_version": f"{platform.system()} {platform.release()}",
        "postgres_version": str(connection.scalar(sa.text("SHOW server_version"))),
    }
    form = answer_form(request)
    if form is Format.JSON:
        return Response(msgspec.json.encode(told), media_type=form.value)
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in told.items())
    text = XML_DECLARATION + f"<StatusResponseData>{inner}</StatusResponseData>".encode()
    return Response(text, media_type=form.value)


@router.get("/swagger-ui/index.html")
def browse(_caller: MayReadDefinitions) -> Response:
    """Every operation with its summary; the page loads nothing from anywhere."""
    sections = []
    for group in GROUPS:
        rows = "".join(
            f"<tr><td>{escape(method.upper())}</td><td>{escape(path)}</td>"
            f"<td>{escape(str(operation.get('summary', '')))}</td></tr>"
            for path, methods in _document(group)["paths"].items()
            for method, operation in methods.items()
        )
        sections.append(f"<h2>{escape(group)}</h2><table>{rows}</table>")
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Moiety: API</title>"
        f"<h1>Moiety: API</h1>{''.join(sections)}</html>"
    )
    return Response(page, media_type="text/html")


@router.get("/v3/api-docs/{group}")
def document(group: str, _caller: MayReadDefinitions) -> dict[str, Any]:
    """OpenAPI of one group."""
    if group not in GROUPS:
        raise NotFound(f"There are the groups {', '.join(GROUPS)}.")
    return _document(group)


def _document(group: str) -> dict[str, Any]:
    def place(path: str) -> str | None:
        short = path.removeprefix(BASE) if path.startswith(f"{BASE}/admin") else path
        return f"/rest{short}" if short.startswith(GROUPS[group]) else None

    document = selected(group, place, server="/ehrbase")
    if group.startswith("2."):
        document["paths"]["/rest/status"] = SERVER_STATUS
    return document


# --- templates, as they were before the openEHR REST API -----------------------------------------


@router.get(_ECIS)
def list_templates(_caller: MayReadDefinitions, connection: Reader) -> dict[str, Any]:
    """Every template."""
    return {"templates": definitions.all_of(connection)}


@router.post(_ECIS, status_code=HTTPStatus.CREATED)
def upload_template(
    request: Request, body: Body, caller: MayDefine, here: Here, connection: Writer
) -> Response:
    """As the upload of the openEHR REST API."""
    return definition.upload(request, body, caller, here, connection)


@router.get(f"{_ECIS}/{{template_id}}")
def get_template(
    request: Request, template_id: str, _caller: MayReadDefinitions, connection: Reader
) -> dict[str, Any]:
    """The web template."""
    made = web_template(definitions.read(definitions.get(connection, template_id)))
    href = f"{str(request.base_url).rstrip('/')}/ehrbase{_ECIS}/{quoted(template_id)}"
    return {"action": "RETRIEVE", "meta": {"href": href}, "webTemplate": made}


@router.get(f"{_ECIS}/{{template_id}}/example")
def get_example(
    request: Request, template_id: str, caller: MayReadDefinitions, here: Here
) -> Response:
    """As the example of the openEHR REST API."""
    return definition.get_example(request, template_id, caller, here)


# --- item tags, as they were before the openEHR REST API -----------------------------------------


@router.put(_TAGS)
def merge_tags(
    request: Request, ehr_id: str, kind: str, uid: str, body: Body, caller: MayCommit, here: Here,
    connection: Writer,
) -> Response:  # fmt: skip
    """The target, always the object as a whole, bears these tags too."""
    target = _target(kind, ehr_id, uid, here)
    sent = read(body)
    found = tags.check(sent, here.settings, Unprocessable)
    audit = audit_of(request, caller, here.settings, ChangeType.MODIFICATION)
    sent, own = tags.masked(here.own_words, target.ehr_id, sent)
    audit = replace(audit, found=(*audit.found, *found, *own))
    here.tagged.note()
    return _told(tags.merge(connection, target, sent, audit), target.ehr_id)


@router.get(_TAGS)
def get_tags(
    request: Request, ehr_id: str, kind: str, uid: str, _caller: MayRead, here: Here,
    connection: Reader,
) -> Response:  # fmt: skip
    """The tags; of some ids or keys, where any are named."""
    target = _target(kind, ehr_id, uid, here)
    url = request.query_params
    ids, keys = _named(url.getlist("ids")), _named(url.getlist("keys"))
    found = [
        tag
        for tag in tags.find(connection, target)
        if (not ids or str(tag.tag_id) in ids) and (not keys or tag.key in keys)
    ]
    return _told(found, target.ehr_id)


@router.delete(_TAGS, status_code=HTTPStatus.NO_CONTENT)
def delete_tags(
    ehr_id: str, kind: str, uid: str, body: Body, _caller: MayCommit, here: Here,
    connection: Writer,
) -> Response:  # fmt: skip
    """Take off the tags of some ids."""
    target = _target(kind, ehr_id, uid, here)
    try:
        ids = msgspec.json.decode(body, type=list[UUID])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed("The body is a list of ids.") from None
    tags.find(connection, target)
    tags.delete_ids(connection, target, ids)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _target(kind: str, ehr_id: str, uid: str, here: Here) -> tags.Target:
    if kind not in _KINDS:
        raise NotFound(f"Tags are on {' and '.join(_KINDS)}.")
    uuid_or_not_found(ehr_id, "EHR")
    return replace(target_of(_KINDS[kind], ehr_id, uid, here), version=tags.WHOLE)


def _named(texts: list[str]) -> frozenset[str]:
    return frozenset(one for text in texts for one in text.split(","))


def _told(found: list[Tag], ehr_id: UUID) -> Response:
    told = [
        {
            "id": tag.tag_id,
            "owner_id": ehr_id,
            "target": tag.object_id,
            "target_type": tag.kind,
            "key": tag.key,
            "value": tag.value,
            "target_path": tag.target_path or None,
        }
        for tag in found
    ]
    return Response(msgspec.json.encode(told), media_type=Format.JSON.value)
