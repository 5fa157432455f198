"""COMPOSITION: create, read, update, delete; in canonical JSON and XML, FLAT and STRUCTURED.

The writing routes hold no connection: they prepare a commit and wait for the queue.  JSON in and
out, which carries the load, is never taken apart more than once.
"""

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from clinical_api import (
    compositions,
    contributions,
    own_words,
    stored_compositions,
    tables,
    value_sets,
)
from clinical_api.compositions import Head, Prepared, Written
from clinical_api.deps import (
    Body,
    Here,
    MayCommit,
    MayRead,
    Organisation,
    uuid_or_not_found,
)
from clinical_api.formats import Format
from clinical_api.routes import tag_headers, unsealing
from clinical_api.routes.commit_headers import audit_for
from clinical_api.routes.negotiation import (
    IfMatch,
    Prefer,
    answer_form,
    answer_media,
    body_form,
    expected_version,
    last_modified,
    location,
    moment,
    preference,
    versions,
    written,
)
from clinical_api.routes.unsealing import Target
from clinical_api.stored_compositions import Stored
from moiety.change_control.codes import ChangeType
from moiety.kit.commits import Commit
from moiety.kit.direct import Direct
from moiety.kit.errors import Conflict, Malformed, NotFound, VersionConflict
from moiety.kit.traces import span

router = APIRouter(
    prefix="/openehr/v1/ehr/{ehr_id}/composition",
    tags=["COMPOSITION"],
    route_class=Direct,
)
FORMS = tuple(Format)
KIND = "COMPOSITION"


@router.post("", status_code=HTTPStatus.CREATED, operation_id="composition_create")
async def create(
    request: Request, ehr_id: str, body: Body, caller: MayCommit, here: Here, prefer: Prefer = None
) -> Response:
    """Commit the first version of a composition."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    form = answer_form(request, FORMS)
    prepared = await _prepare(request, owner, body, here)
    said = tag_headers.read(request)
    audit = await audit_for(request, caller, here, owner, ChangeType.CREATION)
    said, audit = await tag_headers.screened(said, audit, here, owner)
    commit = compositions.create(owner, prepared, here.settings, audit=audit)
    commit = own_words.marked(tag_headers.with_tags(said, commit, KIND), *audit.found)
    result: Written = await here.commits.run(commit)
    place = location(request, "ehr", str(owner), "composition", str(result.object_id))
    created = HTTPStatus.CREATED
    if form is Format.JSON:
        response = written(result, place, prefer, status=created, empty=created)
    else:
        response = await _written_as(form, request, result, prepared, place, prefer, empty=created)
    return await tag_headers.told(
        response, here, owner, result.object_id, result.version, said=said
    )


@router.get("/{uid}", operation_id="composition_get")
async def get(request: Request, ehr_id: str, uid: str, caller: MayRead, here: Here) -> Response:
    """One version: the latest of an object id, that of a time, or that of a version uid."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    form = answer_form(request, FORMS)
    result = await _read(request, owner, uid, here)
    headers = {
        "ETag": f'"{result.uid}"',
        "Location": location(request, "ehr", str(owner), "composition", str(result.object_id)),
        "Last-Modified": last_modified(result.time_committed),
    }
    if result.document is not None and own_words.is_for_a_person(request.headers):
        target = Target(tables.composition, owner, result.object_id)
        text = await unsealing.unsealed(
            request, caller, here, target, int(result.uid.rpartition("::")[2]), result.document
        )
        result = replace(result, document=text)
    if result.document is None:
        response = Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    elif form is Format.JSON:
        response = Response(result.document, headers=headers, media_type=form.value)
    else:
        text = await run_sync(
            stored_compositions.encode_as, form, result.document,
            lambda: here.registry.find_key(here.engine, result.template_key),
        )  # fmt: skip
        response = Response(text, headers=headers, media_type=answer_media(request, form))
    version = int(result.uid.rpartition("::")[2])
    whole = partial(unsealing.whole_tags, request, caller, here, owner)
    return await tag_headers.told(response, here, owner, result.object_id, version, whole=whole)


@router.put("/{uid}", operation_id="composition_update")
async def update(
    request: Request, ehr_id: str, uid: str, body: Body, caller: MayCommit, here: Here,
    prefer: Prefer = None, if_match: IfMatch = None,
) -> Response:  # fmt: skip
    """Commit the next version; If-Match names the one it follows."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    object_id = uuid_or_not_found(uid, "composition")
    form = answer_form(request, FORMS)
    place = location(request, "ehr", str(owner), "composition", str(object_id))
    head = await stored_compositions.get_head(here.reads, owner, object_id)
    if expected_version(if_match) != _uid(head, here):
        raise _stale(head, here, place)
    prepared = await _prepare(request, owner, body, here, head)
    said = tag_headers.read(request)
    audit = await audit_for(request, caller, here, owner, ChangeType.MODIFICATION)
    said, audit = await tag_headers.screened(said, audit, here, owner)
    try:
        commit = compositions.update(owner, head, prepared, here.settings, audit=audit)
    except VersionConflict:
        raise _stale(head, here, place, "What is sent bears the uid of something else.") from None
    commit = own_words.marked(tag_headers.with_tags(said, commit, KIND), *audit.found)
    result = await _changed(here, commit, head, place)
    empty = HTTPStatus.NO_CONTENT
    if form is Format.JSON:
        response = written(result, place, prefer, status=HTTPStatus.OK, empty=empty)
    else:
        response = await _written_as(form, request, result, prepared, place, prefer, empty=empty)
    return await tag_headers.told(response, here, owner, object_id, result.version, said=said)


@router.delete("/{uid}", status_code=HTTPStatus.NO_CONTENT, operation_id="composition_delete")
async def delete(
    request: Request, ehr_id: str, uid: str, caller: MayCommit, here: Here,
    if_match: IfMatch = None,
) -> Response:  # fmt: skip
    """Delete logically; the uid names the version that is deleted, which must be the latest."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    object_id, version = _wanted(uid, here.settings.system_id)
    place = location(request, "ehr", str(owner), "composition", str(object_id))
    head = await _head_to_delete(here, owner, object_id)
    if version not in (None, head.version):
        raise Conflict(
            "This version is not the latest, which alone can be deleted.",
            headers={"ETag": f'"{_uid(head, here)}"', "Location": place},
        )
    if if_match is not None and expected_version(if_match) != _uid(head, here):
        raise _stale(head, here, place)
    audit = await audit_for(request, caller, here, owner, ChangeType.DELETED)
    commit = compositions.delete(owner, head, here.settings, audit=audit)
    result = await _changed(here, own_words.marked(commit, *audit.found), head, place)
    headers = {"ETag": f'"{result.uid}"', "Location": place}
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)


# --- parts ---------------------------------------------------------------------------------------


async def _prepare(
    request: Request, owner: UUID, body: bytes, here: Organisation, head: Head | None = None
) -> Prepared:
    """The composition as it is stored: valid, and without its subject's own words."""
    prepared = await _valid(request, body, here, head)
    if here.own_words is None:
        return prepared
    with span("own words"):
        return await run_sync(compositions.screen_own, here.own_words, owner, prepared)


async def _valid(request: Request, body: bytes, here: Organisation, head: Head | None) -> Prepared:
    """Prepare on this thread where the template is compiled already, else beside the loop."""
    form, template_id = body_form(request, FORMS), None
    if form in (Format.FLAT, Format.STRUCTURED):
        template_id = _template_id(request) or await _template_of(here, head)
    await here.registry.refresh(here.engine, here.reads)

    def prepare(find: contributions.Find) -> Prepared:
        return compositions.prepare_as(form, body, here.settings, find, template_id=template_id)

    try:
        with span("prepare"):
            return await value_sets.settled(here.value_sets, lambda: prepare(here.registry.seen))
    except compositions.UnknownTemplate:
        find = partial(here.registry.find, here.engine)
        return await run_sync(
            value_sets.settled_here, here.value_sets, lambda: prepare(find)
        )  # fmt: skip


def _template_id(request: Request) -> str | None:
    """The template that the request names."""
    headers, query = request.headers, request.query_params
    return (
        headers.get("openehr-template-id")
        or headers.get("openehr-template_id")
        or query.get("templateId")
        or query.get("template_id")
    )


async def _template_of(here: Organisation, head: Head | None) -> str | None:
    """The template of the version before."""
    if head is None:
        return None
    known = await run_sync(here.registry.find_key, here.engine, head.template_key)
    return known.template.template_id if known else None


async def _read(request: Request, owner: UUID, uid: str, here: Organisation) -> Stored:
    system_id = here.settings.system_id
    object_id, version = _wanted(uid, system_id)
    at = None
    if request.scope["query_string"]:
        at = moment(request.query_params.get("version_at_time"))
    if at is not None and version is None:
        return await stored_compositions.read_at(
            here.reads, owner, object_id, at=at, system_id=system_id
        )
    return await stored_compositions.read(
        here.reads, owner, object_id, version=version, system_id=system_id
    )


async def _written_as(
    form: Format,
    request: Request,
    result: Written,
    prepared: Prepared,
    place: str,
    prefer: str | None,
    *,
    empty: HTTPStatus,
) -> Response:
    """The answer to a write, in another format than JSON."""
    status = HTTPStatus.OK if empty is HTTPStatus.NO_CONTENT else empty
    if preference(prefer) != "representation" or result.document is None:
        plain = form if form is Format.XML else Format.JSON
        return written(result, place, prefer, status=status, empty=empty, form=plain)
    text = await run_sync(
        stored_compositions.encode_as, form, result.document, lambda: prepared.known
    )
    headers = {
        "ETag": f'"{result.uid}"',
        "Location": place,
        "Preference-Applied": "return=representation",
    }
    return Response(text, status, headers, answer_media(request, form))


async def _head_to_delete(here: Organisation, owner: UUID, object_id: UUID) -> Head:
    """Raises NotFound, and Malformed for what is deleted already."""
    try:
        return await stored_compositions.get_head(here.reads, owner, object_id)
    except NotFound:
        if await stored_compositions.was_deleted(here.reads, owner, object_id):
            raise Malformed("This composition is deleted already.") from None
        raise


async def _changed(here: Organisation, commit: Commit, head: Head, place: str) -> Written:
    """The result of a change of `head`; if another was faster, the error names the latest."""
    try:
        answer: Written = await here.commits.run(commit)
    except VersionConflict:
        latest = await stored_compositions.get_head(here.reads, commit.order, head.object_id)
        raise _stale(latest, here, place) from None
    else:
        return answer


def _stale(
    head: Head, here: Organisation, place: str, message: str | None = None
) -> VersionConflict:
    """The error that names the latest version."""
    return VersionConflict(message, headers={"ETag": f'"{_uid(head, here)}"', "Location": place})


def _uid(head: Head, here: Organisation) -> str:
    return f"{head.object_id}::{here.settings.system_id}::{head.version}"


def _wanted(uid: str, system_id: str) -> tuple[UUID, int | None]:
    """Object id and version number of a path's uid; a foreign system's version is not here.

    Some clients name an object with its system, `object::system`.
    """
    parts = versions(uid)
    if parts is not None and parts[1] == system_id:
        return uuid_or_not_found(parts[0], "composition"), parts[2]
    return uuid_or_not_found(uid.removesuffix(f"::{system_id}"), "composition"), None
