"""DIRECTORY: the folder tree of an EHR."""

from collections.abc import Callable
from http import HTTPStatus
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from clinical_api import documents, ehrs, folders, formats, histories, own_words, tables
from clinical_api.deps import (
    Body,
    Here,
    MayReadEhrs,
    MayWriteEhrs,
    committed,
    uuid_or_not_found,
)
from clinical_api.folders import Prepared
from clinical_api.formats import Format
from clinical_api.routes import unsealing, versioned
from clinical_api.routes.commit_headers import audit_for
from clinical_api.routes.negotiation import (
    IfMatch,
    Prefer,
    answer_form,
    body_form,
    expected_version,
    location,
    moment,
    resource,
    versions,
    written,
)
from clinical_api.routes.unsealing import Target
from clinical_api.versions import Written
from moiety.change_control.codes import ChangeType
from moiety.change_control.versions import Version
from moiety.change_control.versions import latest as latest_version
from moiety.kit.errors import Conflict, Malformed, VersionConflict
from moiety.openehr import rm
from moiety.openehr.canonical import decode

router = APIRouter(prefix="/openehr/v1/ehr/{ehr_id}/directory", tags=["DIRECTORY"])
KIND = tables.folder


@router.post("", status_code=HTTPStatus.CREATED, operation_id="directory_create")
async def create(
    request: Request, ehr_id: str, body: Body, caller: MayWriteEhrs, here: Here,
    prefer: Prefer = None,
) -> Response:  # fmt: skip
    """Make the directory of an EHR that has none."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    form, place = answer_form(request), _place(request, owner)
    await ehrs.demand_ehr(here.reads, owner)
    prepared = await _prepare(request, owner, body, here)
    audit = await audit_for(request, caller, here, owner, ChangeType.CREATION)
    commit = folders.create(owner, prepared, here.settings, audit=audit)
    commit = own_words.marked(commit, *audit.found)
    try:
        result: Written = await committed(here, commit)
    except folders.Taken as taken:
        raise await folders.why_not_new(here.reads, owner, taken.object_id) from None
    created = HTTPStatus.CREATED
    return written(
        result, place(result.uid), prefer, status=created, empty=created, form=form,
        rm_class=rm.Folder,
    )  # fmt: skip


@router.put("", operation_id="directory_update")
async def update(
    request: Request, ehr_id: str, body: Body, caller: MayWriteEhrs, here: Here,
    prefer: Prefer = None, if_match: IfMatch = None,
) -> Response:  # fmt: skip
    """Commit the next version; If-Match names the one it follows."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    form, place = answer_form(request), _place(request, owner)
    latest = await _latest(owner, if_match, place, here)
    prepared = await _prepare(request, owner, body, here)
    audit = await audit_for(request, caller, here, owner, ChangeType.MODIFICATION)
    commit = own_words.marked(
        folders.update(owner, versioned.before(latest), prepared, here.settings, audit=audit),
        *audit.found,
    )
    result = await versioned.changed(here, commit, KIND, latest.object_id, place)
    return written(
        result, place(result.uid), prefer, status=HTTPStatus.OK, empty=HTTPStatus.NO_CONTENT,
        form=form, rm_class=rm.Folder,
    )  # fmt: skip


@router.delete("", status_code=HTTPStatus.NO_CONTENT, operation_id="directory_delete")
async def delete(
    request: Request, ehr_id: str, caller: MayWriteEhrs, here: Here, if_match: IfMatch = None
) -> Response:
    """Delete the directory logically; If-Match names its latest version."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    place = _place(request, owner)
    latest = await _latest(owner, if_match, place, here)
    audit = await audit_for(request, caller, here, owner, ChangeType.DELETED)
    commit = folders.delete(owner, versioned.before(latest), here.settings, audit=audit)
    commit = own_words.marked(commit, *audit.found)
    result = await versioned.changed(here, commit, KIND, latest.object_id, place)
    headers = {"ETag": f'"{result.uid}"', "Location": place(result.uid)}
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)


@router.get("", operation_id="directory_get_at_time")
async def get_at_time(
    request: Request, ehr_id: str, caller: MayReadEhrs, here: Here,
    version_at_time: str | None = None, path: str | None = None,
) -> Response:  # fmt: skip
    """The directory, or the folder of a path in it, as of a time, or the latest."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    form = answer_form(request)
    version = await histories.find(here.reads, KIND, owner, at=moment(version_at_time))
    target = Target(KIND, owner, version.object_id)
    version = await unsealing.whole(request, caller, here, target, version)
    return _answer(version, path, _place(request, owner), form, here)


@router.get("/{version_uid}", operation_id="directory_get_by_version_id")
async def get_by_version(
    request: Request, ehr_id: str, version_uid: str, caller: MayReadEhrs, here: Here,
    path: str | None = None,
) -> Response:  # fmt: skip
    """The version of a uid, or the folder of a path in it; the latest of an object's uid."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    form = answer_form(request)
    parts = versions(version_uid)
    if parts is None and "::" in version_uid:
        raise Malformed("This is no version uid: object::system::version.")
    object_id = uuid_or_not_found(parts[0] if parts else version_uid, "directory")
    if parts is None:
        version = await histories.find(here.reads, KIND, owner, object_id)
    else:
        number = versioned.number_of(version_uid, object_id, here)
        version = await histories.get(here.reads, KIND, owner, object_id, number)
    target = Target(KIND, owner, version.object_id)
    version = await unsealing.whole(request, caller, here, target, version)
    return _answer(version, path, _place(request, owner), form, here)


async def _prepare(request: Request, owner: UUID, body: bytes, here: Here) -> Prepared:
    folder = formats.decode(body, rm.Folder, body_form(request))
    prepared = folders.prepare(folder, here.settings)
    if here.own_words is None:
        return prepared
    return await run_sync(folders.screen_own, here.own_words, owner, prepared)


async def _latest(
    owner: UUID, if_match: str | None, place: Callable[[str], str], here: Here
) -> Version:
    """The version that a change follows.  Without any, no If-Match can hold."""
    await ehrs.demand_ehr(here.reads, owner)
    expected = expected_version(if_match)
    latest = await latest_version(here.reads, KIND, owner)
    if latest is None:
        raise VersionConflict("The EHR has no directory.")
    versioned.demand_latest(latest, expected, place, here)
    if latest.document is None:
        uid = latest.uid(here.settings.system_id)
        headers = {"ETag": f'"{uid}"', "Location": place(uid)}
        raise Conflict("The directory is deleted.", headers=headers)
    return latest


def _answer(
    version: Version, path: str | None, place: Callable[[str], str], form: Format, here: Here
) -> Response:
    here_is = place(version.uid(here.settings.system_id))
    if version.document is None or path is None:
        return versioned.content(version, here_is, form, here, KIND)
    folder = folders.at_path(decode(documents.unpack(version.document), rm.Folder), path)
    return resource(folder, form, headers=versioned.version_headers(version, here_is, here))


def _place(request: Request, owner: UUID) -> Callable[[str], str]:
    return lambda uid: location(request, "ehr", str(owner), "directory", uid)
