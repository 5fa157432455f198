"""VERSIONED_COMPOSITION."""

from fastapi import APIRouter, Request, Response

from clinical_api import tables
from clinical_api.deps import Here, MayRead, uuid_or_not_found
from clinical_api.routes import versioned
from clinical_api.routes.unsealing import Target
from moiety.openehr import rm

router = APIRouter(
    prefix="/openehr/v1/ehr/{ehr_id}/versioned_composition/{versioned_object_uid}",
    tags=["COMPOSITION"],
)


@router.get("", operation_id="versioned_composition_get")
async def get(
    request: Request, ehr_id: str, versioned_object_uid: str, _caller: MayRead, here: Here
) -> Response:
    """VERSIONED_COMPOSITION."""
    target = _target(ehr_id, versioned_object_uid)
    return await versioned.object_answer(request, here, target, rm.VersionedComposition)


@router.get("/revision_history", operation_id="versioned_composition_revision_history")
async def get_history(
    request: Request, ehr_id: str, versioned_object_uid: str, caller: MayRead, here: Here
) -> Response:
    """REVISION_HISTORY, the oldest first."""
    return await versioned.history_answer(
        request, caller, here, _target(ehr_id, versioned_object_uid)
    )


@router.get("/version", operation_id="versioned_composition_version_get_at_time")
async def get_version_at_time(
    request: Request, ehr_id: str, versioned_object_uid: str, caller: MayRead, here: Here,
    version_at_time: str | None = None,
) -> Response:  # fmt: skip
    """VERSION as of a time, or the latest."""
    target = _target(ehr_id, versioned_object_uid)
    return await versioned.at_time_answer(request, caller, here, target, at=version_at_time)


@router.get("/version/{version_uid}", operation_id="versioned_composition_version_get_by_id")
async def get_version(
    request: Request, ehr_id: str, versioned_object_uid: str, version_uid: str, caller: MayRead,
    here: Here,
) -> Response:  # fmt: skip
    """VERSION of a uid."""
    target = _target(ehr_id, versioned_object_uid)
    return await versioned.by_id_answer(request, caller, here, target, version_uid)


def _target(ehr_id: str, object_id: str) -> Target:
    owner = uuid_or_not_found(ehr_id, "EHR")
    return Target(tables.composition, owner, uuid_or_not_found(object_id, "composition"))
