"""EHR_STATUS and VERSIONED_EHR_STATUS."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from clinical_api import histories, own_words, statuses, tables
from clinical_api.deps import Body, Here, MayReadEhrs, MayWriteEhrs, uuid_or_not_found
from clinical_api.formats import Format
from clinical_api.routes import tag_headers, unsealing, versioned
from clinical_api.routes.commit_headers import audit_for
from clinical_api.routes.negotiation import (
    IfMatch,
    Prefer,
    answer_form,
    body_form,
    expected_version,
    location,
    moment,
    written,
)
from clinical_api.routes.unsealing import Target
from moiety.change_control.codes import ChangeType
from moiety.change_control.versions import Version
from moiety.kit.credentials import Caller
from moiety.openehr import rm

router = APIRouter(prefix="/openehr/v1/ehr/{ehr_id}", tags=["EHR_STATUS"])
KIND = tables.ehr_status


@router.get("/ehr_status", operation_id="ehr_status_get_at_time")
async def get_at_time(
    request: Request, ehr_id: str, caller: MayReadEhrs, here: Here,
    version_at_time: str | None = None,
) -> Response:  # fmt: skip
    """The status as of a time, or the latest."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    form = answer_form(request)
    version = await histories.find(here.reads, KIND, owner, at=moment(version_at_time))
    return await _answer(request, caller, owner, version, form, here)


@router.get("/ehr_status/{version_uid}", operation_id="ehr_status_get_by_version_id")
async def get_by_version(
    request: Request, ehr_id: str, version_uid: str, caller: MayReadEhrs, here: Here
) -> Response:
    """The version of a uid; the latest for the uid of the object alone."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    form = answer_form(request)
    latest = version = await histories.find(here.reads, KIND, owner)
    if version_uid.lower() != str(latest.object_id):
        number = versioned.number_of(version_uid, latest.object_id, here)
        version = await histories.get(here.reads, KIND, owner, latest.object_id, number)
    return await _answer(request, caller, owner, version, form, here)


@router.put("/ehr_status", operation_id="ehr_status_update")
async def update(
    request: Request, ehr_id: str, body: Body, caller: MayWriteEhrs, here: Here,
    prefer: Prefer = None, if_match: IfMatch = None,
) -> Response:  # fmt: skip
    """Commit the next version; If-Match names the one it follows."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    form, place = answer_form(request), _place(request, owner)
    latest = await histories.find(here.reads, KIND, owner)
    versioned.demand_latest(latest, expected_version(if_match), place, here)
    status = statuses.read(body, body_form(request), bare_subject=True)
    prepared = statuses.prepare(status, here.settings)
    if here.own_words is not None:
        prepared = await run_sync(statuses.screen_own, here.own_words, owner, prepared)
    said = tag_headers.read(request)
    audit = await audit_for(request, caller, here, owner, ChangeType.MODIFICATION)
    said, audit = await tag_headers.screened(said, audit, here, owner)
    commit = statuses.update(owner, versioned.before(latest), prepared, here.settings, audit=audit)
    commit = own_words.marked(tag_headers.with_tags(said, commit, "EHR_STATUS"), *audit.found)
    result = await versioned.changed(here, commit, KIND, latest.object_id, place)
    response = written(
        result, place(result.uid), prefer, status=HTTPStatus.OK, empty=HTTPStatus.NO_CONTENT,
        form=form, rm_class=rm.EhrStatus,
    )  # fmt: skip
    return await tag_headers.told(
        response, here, owner, result.object_id, result.version, said=said
    )


@router.get("/versioned_ehr_status", operation_id="versioned_ehr_status_get")
async def get_versioned(
    request: Request, ehr_id: str, _caller: MayReadEhrs, here: Here
) -> Response:
    """VERSIONED_EHR_STATUS."""
    target = await _target(ehr_id, here)
    return await versioned.object_answer(request, here, target, rm.VersionedEhrStatus)


@router.get(
    "/versioned_ehr_status/revision_history", operation_id="versioned_ehr_status_revision_history"
)
async def get_history(request: Request, ehr_id: str, caller: MayReadEhrs, here: Here) -> Response:
    """REVISION_HISTORY, the oldest first."""
    return await versioned.history_answer(request, caller, here, await _target(ehr_id, here))


@router.get(
    "/versioned_ehr_status/version", operation_id="versioned_ehr_status_version_get_at_time"
)
async def get_version_at_time(
    request: Request, ehr_id: str, caller: MayReadEhrs, here: Here,
    version_at_time: str | None = None,
) -> Response:  # fmt: skip
    """VERSION as of a time, or the latest."""
    target = await _target(ehr_id, here)
    return await versioned.at_time_answer(request, caller, here, target, at=version_at_time)


@router.get(
    "/versioned_ehr_status/version/{version_uid}",
    operation_id="versioned_ehr_status_version_get_by_id",
)
async def get_version(
    request: Request, ehr_id: str, version_uid: str, caller: MayReadEhrs, here: Here
) -> Response:
    """VERSION of a uid."""
    target = await _target(ehr_id, here)
    return await versioned.by_id_answer(request, caller, here, target, version_uid)


async def _answer(
    request: Request, caller: Caller, owner: UUID, version: Version, form: Format, here: Here
) -> Response:
    target = Target(KIND, owner, version.object_id)
    version = await unsealing.whole(request, caller, here, target, version)
    place = _place(request, owner)(version.uid(here.settings.system_id))
    response = versioned.content(version, place, form, here, KIND)
    whole = partial(unsealing.whole_tags, request, caller, here, owner)
    return await tag_headers.told(
        response, here, owner, version.object_id, version.version, whole=whole
    )


async def _target(ehr_id: str, here: Here) -> Target:
    owner = uuid_or_not_found(ehr_id, "EHR")
    latest = await histories.find(here.reads, KIND, owner)
    return Target(KIND, owner, latest.object_id)


def _place(request: Request, owner: UUID) -> Callable[[str], str]:
    return lambda uid: location(request, "ehr", str(owner), "ehr_status", uid)
