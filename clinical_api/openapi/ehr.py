"""EHR and EHR_STATUS."""

from clinical_api.openapi.examples import record, text
from clinical_api.openapi.parameters import JSON, XML
from clinical_api.openapi.parts import (
    COMMIT,
    IN_CANONICAL,
    READ,
    TAGS,
    WRITTEN,
    answer,
    empty,
    operation,
    resource,
    sent,
    shown,
)
from clinical_api.openapi.versioned import versioned

_READS, _WRITES = "ehr:read", "ehr:write"
_STATUS = shown(resource("EHR_STATUS"), {JSON: record("ehr_status"), XML: text("ehr_status.xml")})
_OPENED = answer("The EHR is open.", resource("EHR", whole=False), *WRITTEN, preferred=True)
_FOUND = answer("The EHR.", resource("EHR"), "ETag", "Location")
_CONTENT = answer("The status.", resource("EHR_STATUS"), *READ, *TAGS)
_OF_EHR = "/ehr/{ehr_id}"
_VERSIONED = f"{_OF_EHR}/versioned_ehr_status"

EHR = (
    operation(
        "post", "/ehr", "ehr_create", "Open an EHR with an id made here",
        scope="ehr:create", parameters=["Prefer", *IN_CANONICAL, *COMMIT],
        body=sent(_STATUS, required=False), answers={201: _OPENED}, errors=[409, 422],
        more="The body, if any, is the EHR_STATUS that it begins with.",
    ),
    operation(
        "get", "/ehr", "ehr_get_by_subject", "Find an EHR by its subject",
        scope=_READS, parameters=["subject_id", "subject_namespace", *IN_CANONICAL],
        answers={200: _FOUND}, errors=[404],
    ),
    operation(
        "put", _OF_EHR, "ehr_create_with_id", "Open an EHR under a chosen id",
        scope="ehr:create", parameters=["Prefer", *IN_CANONICAL, *COMMIT],
        body=sent(_STATUS, required=False), answers={201: _OPENED}, errors=[409, 422],
        never=[404], more="The id is a random UUID (version 4).",
    ),
    operation(
        "get", _OF_EHR, "ehr_get_by_id", "Read an EHR",
        scope=_READS, parameters=IN_CANONICAL, answers={200: _FOUND},
    ),
)  # fmt: skip

EHR_STATUS = (
    operation(
        "get", f"{_OF_EHR}/ehr_status", "ehr_status_get_at_time", "Read the status",
        scope=_READS, parameters=["version_at_time", *IN_CANONICAL], answers={200: _CONTENT},
        more="As of a time, or the latest.",
    ),
    operation(
        "put", f"{_OF_EHR}/ehr_status", "ehr_status_update", "Commit the next status",
        scope=_WRITES, parameters=["If-Match", "Prefer", *IN_CANONICAL, *COMMIT, *TAGS],
        body=sent(_STATUS),
        answers={
            200: answer(
                "What was preferred.", resource("EHR_STATUS", whole=False), *WRITTEN, *TAGS
            ),
            204: empty("Committed.", *WRITTEN, *TAGS),
        },
        errors=[409, 412, 422],
    ),
    operation(
        "get", f"{_OF_EHR}/ehr_status/{{version_uid}}", "ehr_status_get_by_version_id",
        "Read a version of the status",
        scope=_READS, parameters=IN_CANONICAL, answers={200: _CONTENT},
    ),
    *versioned(_VERSIONED, "EHR_STATUS", "the status", scope=_READS),
)  # fmt: skip
