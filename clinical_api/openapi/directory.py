"""DIRECTORY and CONTRIBUTION."""

from clinical_api.openapi.examples import record, text
from clinical_api.openapi.parameters import JSON, XML
from clinical_api.openapi.parts import (
    COMMIT,
    DELETION,
    IN_CANONICAL,
    READ,
    WRITTEN,
    answer,
    empty,
    operation,
    resource,
    sent,
    shown,
)

_READS, _WRITES = "ehr:read", "ehr:write"
_FOLDER = sent(shown(resource("FOLDER"), {JSON: record("folder"), XML: text("folder.xml")}))
_EITHER = resource("FOLDER", whole=False)
_PLACE = "/ehr/{ehr_id}/directory"
_FOUND = {
    200: answer("The folder.", resource("FOLDER"), *READ),
    204: empty("It was deleted then, or is.", *READ),
}
_CONTRIBUTIONS = "/ehr/{ehr_id}/contribution"

DIRECTORY = (
    operation(
        "post", _PLACE, "directory_create", "Make the directory of an EHR",
        scope=_WRITES, parameters=["Prefer", *IN_CANONICAL, *COMMIT], body=_FOLDER,
        answers={201: answer("Made.", _EITHER, *WRITTEN, preferred=True)}, errors=[409, 422],
    ),
    operation(
        "put", _PLACE, "directory_update", "Commit the next version of the directory",
        scope=_WRITES, parameters=["If-Match", "Prefer", *IN_CANONICAL, *COMMIT], body=_FOLDER,
        answers={
            200: answer("What was preferred.", _EITHER, *WRITTEN),
            204: empty("Committed.", *WRITTEN),
        },
        errors=[409, 412, 422],
    ),
    operation(
        "delete", _PLACE, "directory_delete", "Delete the directory logically",
        scope=_WRITES, parameters=["If-Match", *DELETION],
        answers={204: empty("Deleted; the ETag names the version that says so.",
                            "ETag", "Location")},
        errors=[409, 412, 422],
    ),
    operation(
        "get", _PLACE, "directory_get_at_time", "Read the directory, or a folder in it",
        scope=_READS, parameters=["version_at_time", "path", *IN_CANONICAL], answers=_FOUND,
    ),
    operation(
        "get", f"{_PLACE}/{{version_uid}}", "directory_get_by_version_id",
        "Read a version of the directory, or a folder in it",
        scope=_READS, parameters=["path", *IN_CANONICAL], answers=_FOUND,
    ),
)  # fmt: skip

CONTRIBUTION = (
    operation(
        "post", _CONTRIBUTIONS, "contribution_create", "Commit several versions at once, or none",
        scope="composition:write", parameters=["Prefer", *IN_CANONICAL, *COMMIT],
        body=sent(shown(resource("NEW_CONTRIBUTION"), {JSON: record("contribution")})),
        answers={201: answer("Committed.", resource("CONTRIBUTION", whole=False), *WRITTEN,
                             preferred=True)},
        errors=[409, 412, 422],
        more="A status or a folder among the versions needs the scope `ehr:write` too.",
    ),
    operation(
        "get", f"{_CONTRIBUTIONS}/{{contribution_uid}}", "contribution_get",
        "Read a contribution",
        scope=_READS, parameters=IN_CANONICAL,
        answers={200: answer("The contribution, with references to its versions.",
                             resource("CONTRIBUTION"), "ETag")},
    ),
)  # fmt: skip
