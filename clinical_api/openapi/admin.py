"""ADMIN: deletion for good, and what this server is."""

from clinical_api.openapi.examples import text
from clinical_api.openapi.parameters import XML
from clinical_api.openapi.parts import (
    IN_CANONICAL,
    answer,
    empty,
    json,
    media,
    operation,
    sent,
    shown,
)
from clinical_api.openapi.schemas import TEXT, ref, thing

_SCOPE = "admin:delete"
_GONE = {204: empty("Gone for good.")}
_COUNTED = {200: answer("How many.", json(ref("DELETED")))}
_EHR = "/admin/ehr/{ehr_id}"
_OPT = media(XML, "An operational template (OPT 1.4).")

ADMIN = (
    operation(
        "get", "/admin/status", "admin_status", "Ask whether the administration is there",
        scope=_SCOPE, answers={200: answer("It is.", json(ref("STATUS")))},
    ),
    operation(
        "delete", "/admin/ehr/all", "admin_ehr_delete_all", "Delete several EHRs for good",
        scope=_SCOPE, parameters=["ehr_ids"], answers=_GONE, errors=[404, 405], never=[400],
        more="All of them, where none is named: in the conformance profile alone, else 405.",
    ),
    operation(
        "delete", _EHR, "admin_ehr_delete", "Delete an EHR and everything of it for good",
        scope=_SCOPE, answers=_GONE, never=[400],
    ),
    operation(
        "delete", f"{_EHR}/composition/{{composition_id}}", "admin_composition_delete",
        "Delete all versions of a composition for good",
        scope=_SCOPE, answers=_GONE, never=[400],
    ),
    operation(
        "delete", f"{_EHR}/directory/{{directory_id}}", "admin_directory_delete",
        "Delete all versions of a directory for good",
        scope=_SCOPE, answers=_GONE, never=[400],
    ),
    operation(
        "delete", f"{_EHR}/directory", "admin_directory_delete_any",
        "Delete all versions of whatever directory an EHR has or had",
        scope=_SCOPE, answers=_GONE, never=[400],
    ),
    operation(
        "delete", f"{_EHR}/contribution/{{contribution_uid}}", "admin_contribution_delete",
        "A contribution goes with its last version, and never alone",
        scope=_SCOPE, answers={}, errors=[501], never=[400, 404],
    ),
    operation(
        "delete", "/admin/query/{name}/{version}", "admin_query_delete",
        "Delete a version of a stored query",
        scope=_SCOPE, answers={200: empty("Deleted.")},
    ),
    operation(
        "delete", "/admin/template/all", "admin_template_delete_all", "Delete every template",
        scope=_SCOPE, answers=_COUNTED, errors=[422], more="422 where one is used.",
    ),
    operation(
        "delete", "/admin/template/{template_id}", "admin_template_delete",
        "Delete a template that nothing was written with",
        scope=_SCOPE, answers=_COUNTED, errors=[422],
    ),
    operation(
        "put", "/admin/template/{template_id}", "admin_template_replace",
        "Put another template in the place of one that nothing was written with",
        scope=_SCOPE, body=sent(shown(_OPT, {XML: text("template.opt")})),
        answers={200: answer("As it was sent.", _OPT)}, errors=[422], never=[415],
    ),
)  # fmt: skip

_VERSIONS = ("ehrbase_version", "jvm_version", "openehr_sdk_version", "os_version",
             "postgres_version")  # fmt: skip
_TOLD = {
    **json(thing(dict.fromkeys(_VERSIONS, TEXT), _VERSIONS)),
    **media(XML, "The same as elements."),
}
_METHOD, _, _ASKED = operation(
    "get", "/status", "server_status", "Read the versions of what runs",
    scope="definition:read", parameters=IN_CANONICAL, answers={200: answer("Versions.", _TOLD)},
)  # fmt: skip
SERVER_STATUS = {_METHOD: {"tags": ["STATUS"], **_ASKED}}
"""What the conformance profile has of its own: methods of one path."""
