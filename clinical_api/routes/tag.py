"""ITEM_TAG: of an EHR, of compositions and of the status."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from clinical_api import tags
from clinical_api.deps import (
    Body,
    Here,
    MayCommit,
    MayRead,
    MayReadEhrs,
    MayWriteEhrs,
    Organisation,
    Reader,
    Writer,
    uuid_or_not_found,
)
from clinical_api.formats import Format
from clinical_api.routes import unsealing
from clinical_api.routes.commit_headers import audit_of
from clinical_api.routes.negotiation import Prefer, answer_form, body_form, preference, versions
from clinical_api.tags import NewTag, Tag, Target
from moiety.change_control.codes import ChangeType
from moiety.kit.credentials import Caller
from moiety.kit.errors import Malformed, NotFound

router = APIRouter(prefix="/openehr/v1/ehr/{ehr_id}", tags=["ITEM_TAG"])
Named = Annotated[list[str] | None, Query()]
_JSON = (Format.JSON,)


@router.get("/tags", operation_id="ehr_tags_get")
def get_all(
    request: Request, ehr_id: str, caller: MayReadEhrs, here: Here, connection: Reader,
    tag_key: Named = None, tag_value: Named = None, tag_target_path: Named = None,
) -> Response:  # fmt: skip
    """The tags of everything in an EHR; of some keys, values or paths, where any are named."""
    answer_form(request, _JSON)
    owner = uuid_or_not_found(ehr_id, "EHR")
    found = tags.find_all(
        connection, owner,
        keys=tag_key or (), values=tag_value or (), paths=tag_target_path or (),
    )  # fmt: skip
    return _list(unsealing.whole_tags(request, caller, here, owner, found), owner, here)


@router.get("/composition/{uid_based_id}/tags", operation_id="composition_tags_get")
def get_of_composition(
    request: Request, ehr_id: str, uid_based_id: str, caller: MayRead, here: Here,
    connection: Reader,
) -> Response:  # fmt: skip
    """The tags of a composition as a whole, or of one version."""
    answer_form(request, _JSON)
    target = target_of("COMPOSITION", ehr_id, uid_based_id, here)
    found = tags.find(connection, target)
    return _list(
        unsealing.whole_tags(request, caller, here, target.ehr_id, found), target.ehr_id, here
    )


@router.put("/composition/{uid_based_id}/tags", operation_id="composition_tags_update")
def update_of_composition(
    request: Request, ehr_id: str, uid_based_id: str, body: Body, caller: MayCommit, here: Here,
    connection: Writer, prefer: Prefer = None,
) -> Response:  # fmt: skip
    """The target bears these tags from now on, and no other."""
    target = target_of("COMPOSITION", ehr_id, uid_based_id, here)
    return _update(request, target, body, caller, here, connection, prefer)


@router.delete(
    "/composition/{uid_based_id}/tags/{key}", status_code=204,
    operation_id="composition_tags_delete",
)  # fmt: skip
def delete_of_composition(
    ehr_id: str, uid_based_id: str, key: str, _caller: MayCommit, here: Here, connection: Writer
) -> Response:
    """Take off the tags of a key."""
    target = target_of("COMPOSITION", ehr_id, uid_based_id, here)
    tags.delete_key(connection, target, key)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/ehr_status/{uid_based_id}/tags", operation_id="ehr_status_tags_get")
def get_of_status(
    request: Request, ehr_id: str, uid_based_id: str, caller: MayReadEhrs, here: Here,
    connection: Reader,
) -> Response:  # fmt: skip
    """The tags of the status as a whole, or of one version."""
    answer_form(request, _JSON)
    target = target_of("EHR_STATUS", ehr_id, uid_based_id, here)
    found = tags.find(connection, target)
    return _list(
        unsealing.whole_tags(request, caller, here, target.ehr_id, found), target.ehr_id, here
    )


@router.put("/ehr_status/{uid_based_id}/tags", operation_id="ehr_status_tags_update")
def update_of_status(
    request: Request, ehr_id: str, uid_based_id: str, body: Body, caller: MayWriteEhrs,
    here: Here, connection: Writer, prefer: Prefer = None,
) -> Response:  # fmt: skip
    """The target bears these tags from now on, and no other."""
    target = target_of("EHR_STATUS", ehr_id, uid_based_id, here)
    return _update(request, target, body, caller, here, connection, prefer)


@router.delete(
    "/ehr_status/{uid_based_id}/tags/{key}", status_code=204, operation_id="ehr_status_tags_delete"
)
def delete_of_status(
    ehr_id: str, uid_based_id: str, key: str, _caller: MayWriteEhrs, here: Here, connection: Writer
) -> Response:
    """Take off the tags of a key."""
    target = target_of("EHR_STATUS", ehr_id, uid_based_id, here)
    tags.delete_key(connection, target, key)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def target_of(kind: str, ehr_id: str, uid: str, here: Organisation) -> Target:
    """What a path names.  Raises NotFound for what cannot be here."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    parts = versions(uid)
    if parts is None:
        return Target(owner, kind, uuid_or_not_found(uid, kind))
    if parts[1] != here.settings.system_id:
        raise NotFound(f"There is no {kind} of this id: it names another system.")
    return Target(owner, kind, UUID(parts[0]), parts[2])


def read(body: bytes) -> list[NewTag]:
    """A list of tags.  Raises Malformed."""
    try:
        return msgspec.json.decode(body, type=list[NewTag])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed("The body is a list of tags: [{key, value?, target_path?}].") from None


def _update(
    request: Request,
    target: Target,
    body: bytes,
    caller: Caller,
    here: Organisation,
    connection: Writer,
    prefer: str | None,
) -> Response:
    body_form(request, _JSON)
    answer_form(request, _JSON)
    sent = read(body)
    recorded = tags.check(sent, here.settings, Malformed)
    audit = audit_of(request, caller, here.settings, ChangeType.MODIFICATION)
    sent, own = tags.masked(here.own_words, target.ehr_id, sent)
    audit = replace(audit, found=(*audit.found, *recorded, *own))
    here.tagged.note()
    found = tags.replace(connection, target, sent, audit)
    if prefer is not None and preference(prefer) == "minimal":
        applied = {"Preference-Applied": "return=minimal"}
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=applied)
    return _list(found, target.ehr_id, here)


def _list(found: Sequence[Tag], ehr_id: UUID, here: Organisation) -> Response:
    text = msgspec.json.encode([one.record(ehr_id, here.settings.system_id) for one in found])
    return Response(text, media_type=Format.JSON.value)
