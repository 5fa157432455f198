"""What concerns the organisation as a whole: its statistics, its folder template."""

from http import HTTPStatus

import msgspec
from fastapi import APIRouter, Request, Response

from clinical_api import folder_templates
from clinical_api.deps import Body, Here, MayConfigure, MayReadStatistics, Reader, Writer
from clinical_api.routes.negotiation import answer_form, body_form, resource

router = APIRouter(tags=["ORGANISATION"])


@router.get("/statistics", operation_id="statistics_get")
def statistics(_caller: MayReadStatistics, here: Here) -> Response:
    """EHRs in use, versions, octets, templates and queries, as of this quarter of an hour."""
    return Response(msgspec.json.encode(here.statistics.current()), media_type="application/json")


@router.put("/folder-template", operation_id="folder_template_set")
def set_template(
    request: Request, body: Body, _caller: MayConfigure, connection: Writer, here: Here
) -> Response:
    """The FOLDER that new EHRs, those in the pool included, have as their directory."""
    folder = folder_templates.read(body, body_form(request), here.settings)
    folder_templates.put(connection, folder, here.settings)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/folder-template", operation_id="folder_template_get")
def get_template(request: Request, _caller: MayConfigure, connection: Reader) -> Response:
    """The FOLDER that is set."""
    form = answer_form(request)
    return resource(folder_templates.get(connection), form)


@router.delete(
    "/folder-template", status_code=HTTPStatus.NO_CONTENT, operation_id="folder_template_delete"
)
def delete_template(_caller: MayConfigure, connection: Writer) -> Response:
    """New EHRs have no directory any more."""
    folder_templates.delete(connection)
    return Response(status_code=HTTPStatus.NO_CONTENT)
