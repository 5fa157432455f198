"""ADMIN: deletion for good.  Only a key that names the scope `admin:delete` may."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from clinical_api import definitions, removals, stored_queries
from clinical_api.deps import Body, Here, MayDelete, Writer, uuid_or_not_found
from clinical_api.routes.negotiation import demand_xml
from moiety import __version__
from moiety.kit.errors import Malformed, MethodNotAllowed, NotSupported

router = APIRouter(prefix="/admin", tags=["ADMIN"])
GONE = HTTPStatus.NO_CONTENT
Ids = Annotated[list[str] | None, Query(alias="ehr_id")]


@router.get("/status", operation_id="admin_status")
def status(_caller: MayDelete) -> dict[str, str]:
    """The administration is there."""
    return {"status": "up", "generator": f"Moiety/{__version__}"}


@router.delete("/ehr/all", status_code=GONE, operation_id="admin_ehr_delete_all")
def delete_ehrs(request: Request, caller: MayDelete, here: Here, ehr_id: Ids = None) -> Response:
    """Delete some EHRs; all, where none is named, in the conformance profile alone."""
    if ehr_id is None and here.settings.profile != "conformance":
        raise MethodNotAllowed("Here EHRs are deleted by name: say which with ?ehr_id=…")
    removals.delete_ehrs(here.engine, _uuids(ehr_id), caller, door=_door(request))
    return Response(status_code=GONE)


@router.delete("/ehr/{ehr_id}", status_code=GONE, operation_id="admin_ehr_delete")
def delete_ehr(request: Request, ehr_id: str, caller: MayDelete, connection: Writer) -> Response:
    """Delete an EHR and everything of it."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    removals.delete_ehr(connection, owner, caller, door=_door(request))
    return Response(status_code=GONE)


@router.delete(
    "/ehr/{ehr_id}/composition/{composition_id}",
    status_code=GONE,
    operation_id="admin_composition_delete",
)
def delete_composition(
    request: Request, ehr_id: str, composition_id: str, caller: MayDelete, connection: Writer
) -> Response:
    """Delete all versions of a composition, also of one that is deleted logically."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    removals.delete_versioned(
        connection, "composition", owner, _object_id(composition_id, "composition"),
        caller=caller, door=_door(request),
    )  # fmt: skip
    return Response(status_code=GONE)


@router.delete(
    "/ehr/{ehr_id}/directory/{directory_id}",
    status_code=GONE,
    operation_id="admin_directory_delete",
)
def delete_directory(
    request: Request, ehr_id: str, directory_id: str, caller: MayDelete, connection: Writer
) -> Response:
    """Delete all versions of a directory."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    removals.delete_directory(
        connection, owner, _object_id(directory_id, "directory"),
        caller=caller, door=_door(request),
    )  # fmt: skip
    return Response(status_code=GONE)


@router.delete(
    "/ehr/{ehr_id}/directory", status_code=GONE, operation_id="admin_directory_delete_any"
)
def delete_any_directory(
    request: Request, ehr_id: str, caller: MayDelete, connection: Writer
) -> Response:
    """Delete all versions of the directory that an EHR has or had."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    removals.delete_directory(connection, owner, None, caller=caller, door=_door(request))
    return Response(status_code=GONE)


@router.delete(
    "/ehr/{ehr_id}/contribution/{contribution_uid}", operation_id="admin_contribution_delete"
)
def delete_contribution(ehr_id: str, contribution_uid: str, _caller: MayDelete) -> Response:
    """A contribution goes with its last version, and not before."""
    del ehr_id, contribution_uid
    raise NotSupported("A contribution is deleted with its last version, never alone.")


@router.delete("/query/{name}/{version}", operation_id="admin_query_delete")
def delete_query(name: str, version: str, _caller: MayDelete, connection: Writer) -> Response:
    """Delete one version of a stored query."""
    removals.delete_query(connection, name, stored_queries.whole_version(version))
    return Response(status_code=HTTPStatus.OK)


@router.delete("/template/all", operation_id="admin_template_delete_all")
def delete_templates(_caller: MayDelete, here: Here, connection: Writer) -> dict[str, int]:
    """Delete every template; refused where one is used."""
    gone = removals.delete_unused_templates(connection)
    here.registry.forget()
    return {"deleted": gone}


@router.delete("/template/{template_id}", operation_id="admin_template_delete")
def delete_template(
    template_id: str, _caller: MayDelete, here: Here, connection: Writer
) -> dict[str, int]:
    """Delete a template that nothing was written with."""
    removals.delete_template(connection, template_id)
    here.registry.forget()
    return {"deleted": 1}


@router.put("/template/{template_id}", operation_id="admin_template_replace")
def replace_template(
    request: Request, template_id: str, body: Body, _caller: MayDelete, here: Here,
    connection: Writer,
) -> Response:  # fmt: skip
    """Put another template in the place of one that nothing was written with."""
    demand_xml(request, Malformed)
    definitions.replace(connection, template_id, body)
    here.registry.forget()
    return Response(body, media_type="application/xml")


def _door(request: Request) -> str:
    return f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"


def _object_id(uid: str, kind: str) -> UUID:
    """The object of a version uid, or of its own."""
    return uuid_or_not_found(uid.split("::", maxsplit=1)[0], kind)


def _uuids(texts: Sequence[str] | None) -> list[UUID] | None:
    if texts is None:
        return None
    return [uuid_or_not_found(one, "EHR") for text in texts for one in text.split(",")]
