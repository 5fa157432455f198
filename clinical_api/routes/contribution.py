"""CONTRIBUTION: several versions of several kinds, committed at once."""

from http import HTTPStatus

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from clinical_api import contributions, ehrs, followed, formats, histories, intents
from clinical_api.deps import (
    Body,
    Here,
    MayCommit,
    MayReadEhrs,
    committed,
    uuid_or_not_found,
)
from clinical_api.routes import unsealing
from clinical_api.routes.commit_headers import audit_of
from clinical_api.routes.negotiation import (
    Prefer,
    answer_form,
    body_form,
    identifier,
    location,
    preference,
    resource,
)
from moiety.change_control.codes import ChangeType
from moiety.kit.errors import Forbidden
from moiety.openehr import rm

router = APIRouter(prefix="/openehr/v1/ehr/{ehr_id}/contribution", tags=["CONTRIBUTION"])


@router.post("", status_code=HTTPStatus.CREATED, operation_id="contribution_create")
async def create(
    request: Request, ehr_id: str, body: Body, caller: MayCommit, here: Here, prefer: Prefer = None
) -> Response:
    """Commit all versions, or none; a status or a folder among them needs `ehr:write` too."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    form, sent_form = answer_form(request), body_form(request)
    await ehrs.demand_ehr(here.reads, owner)
    await here.registry.refresh(here.engine, here.reads)
    sent = await run_sync(intents.read, body, sent_form, here.settings)
    follows = await followed.look_up(here.reads, owner, sent, here.settings)
    if contributions.kinds(sent, follows) != {"COMPOSITION"} and "ehr:write" not in caller.scopes:
        raise Forbidden("This key lacks the scope ehr:write.")
    audit = audit_of(request, caller, here.settings, ChangeType.CREATION)
    commit = await run_sync(
        lambda: contributions.commit(
            owner, sent, follows, lambda name: here.registry.find(here.engine, name),
            here.settings, audit=audit, value_sets=here.value_sets,
            own=here.own_words,
        )
    )  # fmt: skip
    result: rm.Contribution = await committed(here, commit)
    uid = str(result.uid.value) if result.uid else ""
    headers = {
        "ETag": f'"{uid}"',
        "Location": location(request, "ehr", str(owner), "contribution", uid),
    }
    wanted = preference(prefer)
    if prefer is not None:
        headers["Preference-Applied"] = f"return={wanted}"
    match wanted:
        case "representation":
            text = formats.encode(result, form)
        case "identifier":
            text = identifier(uid, form)
        case _:
            return Response(status_code=HTTPStatus.CREATED, headers=headers)
    return Response(text, HTTPStatus.CREATED, headers, form.value)


@router.get("/{contribution_uid}", operation_id="contribution_get")
async def get(
    request: Request, ehr_id: str, contribution_uid: str, caller: MayReadEhrs, here: Here
) -> Response:
    """The contribution, with references to its versions."""
    owner = uuid_or_not_found(ehr_id, "EHR")
    form = answer_form(request)
    uid = uuid_or_not_found(contribution_uid, "contribution")
    whole = unsealing.whole_beside(request, caller, here, owner)
    found = await histories.contribution(here.reads, owner, uid, here.settings, whole=whole)
    return resource(found, form, headers={"ETag": f'"{uid}"'})
