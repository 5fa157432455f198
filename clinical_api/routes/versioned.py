"""What the resources under change control share: one version, VERSIONED_OBJECT, its history."""

from collections.abc import Callable
from uuid import UUID

from fastapi import Request, Response

from clinical_api import documents, formats, histories
from clinical_api.deps import Organisation, committed
from clinical_api.formats import Format
from clinical_api.routes import unsealing
from clinical_api.routes.negotiation import (
    answer_form,
    last_modified,
    location,
    moment,
    resource,
    versions,
)
from clinical_api.routes.unsealing import Target
from clinical_api.versions import Before, Written
from moiety.change_control.tables import Versioned
from moiety.change_control.versions import Version
from moiety.kit.commits import Commit
from moiety.kit.credentials import Caller
from moiety.kit.errors import Malformed, NotFound, VersionConflict
from moiety.openehr import rm


def content(
    version: Version, place: str, form: Format, here: Organisation, kind: Versioned
) -> Response:
    """The content of a version; 204 where it records a deletion."""
    headers = version_headers(version, place, here)
    if version.document is None:
        return Response(status_code=204, headers=headers)
    document = documents.unpack(version.document)
    body = formats.recode(document, histories.CLASSES[kind.head.name], form)
    return Response(body, headers=headers, media_type=form.value)


def version_headers(version: Version, place: str, here: Organisation) -> dict[str, str]:
    """ETag, Location and Last-Modified of a version."""
    return {
        "ETag": f'"{version.uid(here.settings.system_id)}"',
        "Location": place,
        "Last-Modified": last_modified(version.time_committed),
    }


async def object_answer(
    request: Request, here: Organisation, target: Target, rm_class: type[rm.VersionedObject]
) -> Response:
    """VERSIONED_OBJECT."""
    form = answer_form(request)
    found = await histories.versioned_object(
        here.reads, target.kind, target.owner, target.object_id, rm_class
    )
    return resource(found, form, headers={"ETag": f'"{target.object_id}"'})


async def history_answer(
    request: Request, caller: Caller, here: Organisation, target: Target
) -> Response:
    """REVISION_HISTORY; with sealed words for a reader of care."""
    form = answer_form(request)
    whole = unsealing.whole_beside(request, caller, here, target.owner)
    found = await histories.revision_history(
        here.reads, target.kind, target.owner, target.object_id, here.settings, whole=whole
    )
    return resource(found, form)


async def at_time_answer(
    request: Request, caller: Caller, here: Organisation, target: Target, *, at: str | None
) -> Response:
    """VERSION as of a time, or the latest."""
    version = await histories.find(
        here.reads, target.kind, target.owner, target.object_id, at=moment(at)
    )
    return await _version_answer(request, caller, here, target, version)


async def by_id_answer(
    request: Request, caller: Caller, here: Organisation, target: Target, uid: str
) -> Response:
    """VERSION of an id, which must be one of this object."""
    number = number_of(uid, target.object_id, here)
    version = await histories.get(here.reads, target.kind, target.owner, target.object_id, number)
    return await _version_answer(request, caller, here, target, version)


async def _version_answer(
    request: Request, caller: Caller, here: Organisation, target: Target, version: Version
) -> Response:
    """VERSION, whole; with its sealed words for a reader of care."""
    form = answer_form(request)
    kept = await histories.beside(here.reads, target.owner, version)
    version = await unsealing.whole(request, caller, here, target, version, kept.trees)
    found = histories.record(target.kind, version, kept, here.settings)
    name = f"versioned_{target.kind.head.name}"
    # An EHR has one status, so its path names no object.
    own = () if name == "versioned_ehr_status" else (str(version.object_id),)
    uid = version.uid(here.settings.system_id)
    place = location(request, "ehr", str(target.owner), name, *own, "version", uid)
    return resource(found, form, headers=version_headers(version, place, here), root="version")


def number_of(uid: str, object_id: UUID, here: Organisation) -> int:
    """The number in a version uid.

    Raises Malformed for what is no version uid or one of another object, NotFound for one that
    another system gave.
    """
    parts = versions(uid)
    if parts is None:
        raise Malformed("This is no version uid: object::system::version.")
    if parts[0].lower() != str(object_id):
        raise Malformed("This is the version uid of another object.")
    if parts[1] != here.settings.system_id:
        raise NotFound("There is no version of this id: it names another system.")
    return parts[2]


async def changed(
    here: Organisation,
    commit: Commit,
    kind: Versioned,
    object_id: UUID,
    place: Callable[[str], str],
) -> Written:
    """The result of a change; if another was faster, the error names the latest version."""
    try:
        result: Written = await committed(here, commit)
    except VersionConflict:
        latest = await histories.find(here.reads, kind, commit.order, object_id)
        uid = latest.uid(here.settings.system_id)
        raise VersionConflict(headers={"ETag": f'"{uid}"', "Location": place(uid)}) from None
    return result


def before(latest: Version) -> Before:
    """The latest version as what a new one follows."""
    return Before(latest.object_id, latest.version)


def demand_latest(
    latest: Version, expected: str, place: Callable[[str], str], here: Organisation
) -> None:
    """Raise VersionConflict, with what is the latest, unless it is what was expected."""
    uid = latest.uid(here.settings.system_id)
    if expected.lower() != uid.lower():
        raise VersionConflict(headers={"ETag": f'"{uid}"', "Location": place(uid)})
