"""COMPOSITION: create, read, update, delete.

The writing routes hold no connection: they prepare a commit and wait for the queue.
"""

from http import HTTPStatus
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from clinical_api import compositions
from clinical_api.compositions import Head, Prepared, Written
from clinical_api.deps import (
    Body,
    Here,
    MayCommit,
    MayRead,
    Organisation,
    audit_of,
    uuid_or_not_found,
)
from clinical_api.routes.negotiation import (
    IfMatch,
    Prefer,
    expected_version,
    location,
    versions,
    written,
)
from moiety.kit.commits import Commit
from moiety.kit.direct import Direct
from moiety.kit.errors import Conflict, VersionConflict
from moiety.kit.traces import span

router = APIRouter(
    prefix="/openehr/v1/ehr/{ehr_id}/composition",
    tags=["COMPOSITION"],
    route_class=Direct,
)


@router.post("", status_code=HTTPStatus.CREATED)
async def create(
    request: Request, ehr_id: str, body: Body, caller: MayCommit, here: Here, prefer: Prefer = None
) -> Response:
    """Commit the first version of a composition."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    prepared = await _prepare(body, here)
    audit = audit_of(caller, here.settings)
    commit = compositions.create(owner, prepared, here.settings, audit=audit)
    result: Written = await here.commits.run(commit)
    place = location(request, "ehr", str(owner), "composition", str(result.object_id))
    created = HTTPStatus.CREATED
    return written(result, place, prefer, status=created, empty=created)


@router.get("/{uid}")
async def get(ehr_id: str, uid: str, _caller: MayRead, here: Here) -> Response:
    """One version: the latest of an object id, or the one that a version uid names."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    object_id, version = _wanted(uid, here.settings.system_id)
    result = await compositions.read(
        here.reads, owner, object_id, version=version, system_id=here.settings.system_id
    )
    headers = {"ETag": f'"{result.uid}"'}
    if result.document is None:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    return Response(result.document, headers=headers, media_type="application/json")


@router.put("/{uid}")
async def update(
    request: Request, ehr_id: str, uid: str, body: Body, caller: MayCommit, here: Here,
    prefer: Prefer = None, if_match: IfMatch = None,
) -> Response:  # fmt: skip
    """Commit the next version; If-Match names the one it follows."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    object_id = uuid_or_not_found(uid, "composition")
    place = location(request, "ehr", str(owner), "composition", str(object_id))
    head = await compositions.get_head(here.reads, owner, object_id)
    _demand_latest(head, expected_version(if_match), here, place)
    prepared = await _prepare(body, here)
    audit = audit_of(caller, here.settings)
    commit = compositions.update(owner, head, prepared, here.settings, audit=audit)
    result = await _changed(here, commit, head, place)
    empty = HTTPStatus.NO_CONTENT
    return written(result, place, prefer, status=HTTPStatus.OK, empty=empty)


@router.delete("/{uid}", status_code=HTTPStatus.NO_CONTENT)
async def delete(
    request: Request, ehr_id: str, uid: str, caller: MayCommit, here: Here
) -> Response:
    """Delete logically; the uid names the version that is deleted, which must be the latest."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    object_id, version = _wanted(uid, here.settings.system_id)
    place = location(request, "ehr", str(owner), "composition", str(object_id))
    head = await compositions.get_head(here.reads, owner, object_id)
    if version not in (None, head.version):
        raise Conflict(
            "This version is not the latest, which alone can be deleted.",
            headers={"ETag": f'"{_uid(head, here)}"', "Location": place},
        )
    audit = audit_of(caller, here.settings)
    commit = compositions.delete(owner, head, here.settings, audit=audit)
    result = await _changed(here, commit, head, place)
    headers = {"ETag": f'"{result.uid}"', "Location": place}
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)


async def _prepare(body: bytes, here: Organisation) -> Prepared:
    """Prepare on this thread where the template is compiled already, else beside the loop."""
    try:
        with span("prepare"):
            return compositions.prepare(body, here.settings, here.registry.seen)
    except compositions.UnknownTemplate:
        return await run_sync(
            compositions.prepare,
            body,
            here.settings,
            lambda template_id: here.registry.find(here.engine, template_id),
        )


async def _changed(here: Organisation, commit: Commit, head: Head, place: str) -> Written:
    """The result of a change of `head`; if another was faster, the error names the latest."""
    try:
        answer: Written = await here.commits.run(commit)
    except VersionConflict:
        latest = await compositions.get_head(here.reads, commit.order, head.object_id)
        headers = {"ETag": f'"{_uid(latest, here)}"', "Location": place}
        raise VersionConflict(headers=headers) from None
    else:
        return answer


def _demand_latest(head: Head, expected: str, here: Organisation, place: str) -> None:
    if expected != _uid(head, here):
        raise VersionConflict(headers={"ETag": f'"{_uid(head, here)}"', "Location": place})


def _uid(head: Head, here: Organisation) -> str:
    return f"{head.object_id}::{here.settings.system_id}::{head.version}"


def _wanted(uid: str, system_id: str) -> tuple[UUID, int | None]:
    """Object id and version number of a path's uid; a foreign system's version is not here."""
    parts = versions(uid)
    if parts is None or parts[1] != system_id:
        return uuid_or_not_found(uid, "composition"), None
    return uuid_or_not_found(parts[0], "composition"), parts[2]
