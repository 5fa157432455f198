"""COMPOSITION: in four formats, and its versions."""

from clinical_api.openapi.examples import record, text
from clinical_api.openapi.parameters import FLAT, FORMATS, JSON, STRUCTURED, XML
from clinical_api.openapi.parts import (
    COMMIT,
    DELETION,
    IN_ANY_FORMAT,
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

_READS, _WRITES = "composition:read", "composition:write"
_SENT = sent(shown(resource("COMPOSITION", FORMATS), {
    JSON: record("composition"), XML: text("composition.xml"),
    FLAT: record("composition.flat"), STRUCTURED: record("composition.structured"),
}))  # fmt: skip
_SAID = ("openehr-template-id", "templateId", *IN_ANY_FORMAT, *COMMIT, *TAGS)
_EITHER = resource("COMPOSITION", FORMATS, whole=False)
_ALL = "/ehr/{ehr_id}/composition"
_ONE = f"{_ALL}/{{uid_based_id}}"
_VERSIONED = "/ehr/{ehr_id}/versioned_composition/{versioned_object_uid}"

COMPOSITION = (
    operation(
        "post", _ALL, "composition_create", "Commit a new composition",
        scope=_WRITES, parameters=["Prefer", *_SAID], body=_SENT,
        answers={201: answer("Committed.", _EITHER, *WRITTEN, *TAGS, preferred=True)},
        errors=[409, 422],
    ),
    operation(
        "get", _ONE, "composition_get", "Read a composition",
        scope=_READS, parameters=["version_at_time", *IN_ANY_FORMAT],
        answers={
            200: answer("The composition.", resource("COMPOSITION", FORMATS), *READ, *TAGS),
            204: empty("It was deleted then, or is.", *READ, *TAGS),
        },
        more="The latest version of an object, the one of a time, or the one of a version uid.",
    ),
    operation(
        "put", _ONE, "composition_update", "Commit the next version of a composition",
        scope=_WRITES, parameters=["If-Match", "Prefer", *_SAID], body=_SENT,
        answers={
            200: answer("What was preferred.", _EITHER, *WRITTEN, *TAGS),
            204: empty("Committed.", *WRITTEN, *TAGS),
        },
        errors=[409, 412, 422],
    ),
    operation(
        "delete", _ONE, "composition_delete", "Delete a composition logically",
        scope=_WRITES, parameters=["If-Match_optional", *DELETION],
        answers={204: empty("Deleted; the ETag names the version that says so.",
                            "ETag", "Location")},
        errors=[409, 412, 422],
        more="The uid names the latest version, or the object.  409 for a version that is not the"
        " latest.",
    ),
    *versioned(_VERSIONED, "COMPOSITION", "a composition", scope=_READS),
)  # fmt: skip
