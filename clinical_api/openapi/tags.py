"""ITEM_TAG: of an EHR, of compositions and of the status."""

from clinical_api.openapi.parameters import JSON
from clinical_api.openapi.parts import (
    COMMIT,
    IN_JSON,
    Operation,
    answer,
    empty,
    json,
    operation,
    sent,
    shown,
)
from clinical_api.openapi.schemas import every, ref

_LIST = json(every(ref("ITEM_TAG")))
_FOUND = answer("The tags.", _LIST)
_SENT = sent(shown(json(every(ref("NEW_ITEM_TAG"))), {JSON: [{"key": "ward", "value": "3 East"}]}))


def _of(kind: str, scope: str) -> tuple[Operation, ...]:
    """The tags of one kind of object; `scope` is that of its contents."""
    place = f"/ehr/{{ehr_id}}/{kind}/{{uid_based_id}}/tags"
    return (
        operation(
            "get", place, f"{kind}_tags_get", "Read the tags of an object or of a version",
            scope=f"{scope}:read", parameters=IN_JSON, answers={200: _FOUND},
        ),
        operation(
            "put", place, f"{kind}_tags_update", "Set the tags of an object or of a version",
            scope=f"{scope}:write", parameters=["Prefer", *IN_JSON, *COMMIT], body=_SENT,
            answers={200: _FOUND, 204: empty("Set.", "Preference-Applied")}, errors=[422],
        ),
        operation(
            "delete", f"{place}/{{key}}", f"{kind}_tags_delete", "Take off the tags of a key",
            scope=f"{scope}:write", answers={204: empty("Gone.")},
        ),
    )  # fmt: skip


ITEM_TAG = (
    operation(
        "get", "/ehr/{ehr_id}/tags", "ehr_tags_get", "Find the tags of everything in an EHR",
        scope="ehr:read", parameters=["tag_key", "tag_value", "tag_target_path", *IN_JSON],
        answers={200: _FOUND},
    ),
    *_of("composition", "composition"),
    *_of("ehr_status", "ehr"),
)  # fmt: skip
