"""What a request carries in its path, query and headers, and what an answer carries in its headers.

`components.parameters` and `components.headers` of the document.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from clinical_api.openapi.schemas import TEXT, UUID, WHOLE, Schema

EHR_ID = "5b4b26d6-f8b1-4ee1-a4a3-52dbbed3fb27"
OBJECT_ID = "0f0c2f4a-7a1b-4f5e-9d1d-6f8f3c1f0d11"
VERSION_UID = f"{OBJECT_ID}::moiety.local::1"
JSON, XML = "application/json", "application/xml"
FLAT = "application/openehr.wt.flat+json"
STRUCTURED = "application/openehr.wt.structured+json"
WEB_TEMPLATE = "application/openehr.wt+json"
PLAIN = "text/plain"
CANONICAL = (JSON, XML)
FORMATS = (*CANONICAL, FLAT, STRUCTURED, "application/openehr.wt.flat.schema+json",
           "application/openehr.wt.structured.schema+json")  # fmt: skip
RESULTS = (JSON, "text/csv", "application/x-ndjson", "application/vnd.apache.arrow.stream",
           "application/vnd.apache.parquet")  # fmt: skip
_AUDIT = 'description.value="After the ward round",committer.name="Dr Lena Brandt"'


def _parameter(
    name: str, place: str, about: str, *, schema: Schema = TEXT, example: Any = None,
    required: bool = False, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    made = {"name": name, "in": place, "description": about, "schema": schema, **more}
    if required or place == "path":
        made["required"] = True
    if example is not None:
        made["example"] = example
    return made


def _accept(media: Sequence[str]) -> dict[str, Any]:
    about = f"One of {', '.join(media)}, or several with weights; without it the first."
    schema = {"type": "string", "enum": list(media)}
    return _parameter("Accept", "header", about, schema=schema, example=media[0])


def _words(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


_LATEST = "A version uid, or the uid of the object alone, which means the latest version."
_HEADER: Mapping[str, dict[str, Any]] = {
    "If-Match": _parameter(
        "If-Match", "header", "The uid of the latest version: quoted, unquoted or weak.",
        example=f'"{VERSION_UID}"', required=True),
    "If-Match_optional": _parameter(
        "If-Match", "header", "The uid of the latest version, if it is to be checked.",
        example=f'"{VERSION_UID}"'),
    "Prefer": _parameter(
        "Prefer", "header", "How much is answered; anything else means minimal.",
        schema=_words("return=minimal", "return=identifier", "return=representation"),
        example="return=representation"),
    "openehr-version": _parameter(
        "openehr-version", "header", "The lifecycle state of the version that is committed.",
        example='lifecycle_state.code_string="532"'),
    "openehr-version_deleted": _parameter(
        "openehr-version", "header", "The lifecycle state of a deletion.",
        example='lifecycle_state.code_string="523"'),
    "openehr-audit-details": _parameter(
        "openehr-audit-details", "header", "What the client says of its own commit.",
        example=_AUDIT),
    "openehr-template-id": _parameter(
        "openehr-template-id", "header", "The template of a FLAT or STRUCTURED body.",
        example="moiety_problem_diagnosis.v1"),
    "openehr-item-tag": _parameter(
        "openehr-item-tag", "header", "Tags of the object; empty takes all off.",
        example='key="ward",value="3 East"'),
    "openehr-version-item-tag": _parameter(
        "openehr-version-item-tag", "header", "Tags of the version that is committed.",
        example='key="checked",target_path="/content[0]"'),
    "openehr-ehr-id": _parameter(
        "openehr-ehr-id", "header", "The EHR that the query is about.", example=EHR_ID),
    "Last-Event-ID": _parameter(
        "Last-Event-ID", "header", "The cursor after which a stream goes on."),
    "Accept_JSON": _accept((JSON,)),
    "Accept_result": _accept(RESULTS),
    "Accept_canonical": _accept(CANONICAL),
    "Accept_formats": _accept(FORMATS),
    "Accept_template": _accept((XML, WEB_TEMPLATE, JSON)),
    "Accept_text": _accept((PLAIN,)),
}  # fmt: skip
_QUERY: Mapping[str, dict[str, Any]] = {
    "format": _parameter(
        "format", "query", "The format by name; it goes before the JSON media type and Accept.",
        schema=_words("JSON", "XML")),
    "format_any": _parameter(
        "format", "query", "The format by name; it goes before the JSON media type and Accept.",
        schema=_words("JSON", "XML", "FLAT", "STRUCTURED")),
    "format_result": _parameter(
        "format", "query", "The format by name; it goes before Accept.",
        schema=_words("JSON", "CSV", "NDJSON", "ARROW", "PARQUET")),
    "extensions": _parameter(
        "extensions", "query", "Whether the query may use what AQL itself does not have.",
        schema={"type": "boolean"}),
    "format_json": _parameter(
        "format", "query", "The format by name.", schema=_words("JSON")),
    "templateId": _parameter(
        "templateId", "query", "The template of a FLAT or STRUCTURED body, as the header."),
    "subject_id": _parameter(
        "subject_id", "query", "EHR_STATUS.subject.external_ref.id.value", required=True,
        example=OBJECT_ID),
    "subject_namespace": _parameter(
        "subject_namespace", "query", "EHR_STATUS.subject.external_ref.namespace", required=True,
        example="moiety"),
    "version_at_time": _parameter(
        "version_at_time", "query", "A time in extended ISO 8601, UTC without a zone.",
        schema={"type": "string", "format": "date-time"}),
    "path": _parameter("path", "query", "Names of folders, parted by slashes.", example="letters"),
    "tag_key": _parameter("tag_key", "query", "Any of these keys.",
                          schema={"type": "array", "items": TEXT}),
    "tag_value": _parameter("tag_value", "query", "Any of these values.",
                            schema={"type": "array", "items": TEXT}),
    "tag_target_path": _parameter("tag_target_path", "query", "Any of these paths.",
                                  schema={"type": "array", "items": TEXT}),
    "q": _parameter("q", "query", "The AQL query.", required=True,
                    example="SELECT c/uid/value FROM EHR e CONTAINS COMPOSITION c"),
    "ehr_id_of_query": _parameter("ehr_id", "query", "The EHR that the query is about."),
    "offset": _parameter("offset", "query", "The first row; with `fetch` alone.",
                         schema={"type": "integer", "minimum": 0}),
    "fetch": _parameter("fetch", "query", "How many rows.",
                        schema={"type": "integer", "minimum": 0}, example=20),
    "query_parameters": _parameter(
        "query_parameters", "query", "Every other name is a parameter of the query.",
        schema={"type": "object", "additionalProperties": TEXT}, style="form", explode=True),
    "detail_level": _parameter("detail_level", "query", "How much the example has.",
                               schema=_words("required", "medium", "complete")),
    "type": _parameter("type", "query", "As it is sent, or as it is answered.",
                       schema=_words("input", "output")),
    "revision": _parameter("revision", "query", "A revision; without it the newest.",
                           schema={"type": "integer", "minimum": 1, "maximum": 1_000_000}),
    "adl2_version": _parameter("version", "query", "The version that the template must be of."),
    "query_type": _parameter("query_type", "query", "AQL.", schema=_words("AQL")),
    "ehr_ids": _parameter("ehr_id", "query", "The EHRs to delete.",
                          schema={"type": "array", "items": UUID}),
    "after": _parameter("after", "query", "A cursor, or `latest`; without it the beginning."),
    "limit_events": _parameter("limit", "query", "How many at most.",
                               schema={"type": "integer", "minimum": 1, "maximum": 1000}),
    "limit": _parameter("limit", "query", "How many at most.",
                        schema={"type": "integer", "minimum": 1, "maximum": 1000}),
    "limit_queries": _parameter("limit", "query", "How many at most.",
                                schema={"type": "integer", "minimum": 1, "maximum": 500}),
    "of_ehr": _parameter("ehr_id", "query", "Of this EHR alone.", schema=UUID),
    "after_ehr": _parameter("after", "query", "The EHR after which it goes on.", schema=UUID),
    "templates": _parameter("templates", "query", "Whether templates come first.",
                            schema={"type": "boolean"}),
    "on_error": _parameter("on_error", "query", "What a refused line does.",
                           schema=_words("stop", "skip")),
    "first_line": _parameter("first_line", "query", "The number of the first line sent.",
                             schema={**WHOLE, "minimum": 1}),
}  # fmt: skip
_PATH: Mapping[str, dict[str, Any]] = {
    "ehr_id": _parameter("ehr_id", "path", "The id of the EHR.", schema=UUID, example=EHR_ID),
    "version_uid": _parameter("version_uid", "path", _LATEST, example=VERSION_UID),
    "uid_based_id": _parameter("uid_based_id", "path", _LATEST, example=OBJECT_ID),
    "versioned_object_uid": _parameter(
        "versioned_object_uid", "path", "The uid of the object.", schema=UUID, example=OBJECT_ID),
    "contribution_uid": _parameter(
        "contribution_uid", "path", "The uid of the contribution.", schema=UUID),
    "key": _parameter("key", "path", "The key of tags.", example="ward"),
    "template_id": _parameter(
        "template_id", "path", "The id of the template.", example="moiety_example_note.v1"),
    "adl2_template_id": _parameter(
        "template_id", "path", "The id of the template, with its version or without.",
        example="openEHR-EHR-COMPOSITION.moiety_example_note.v1"),
    "qualified_query_name": _parameter(
        "qualified_query_name", "path", "[namespace::]name", example="example::compositions"),
    "version": _parameter(
        "version", "path", "major.minor.patch, or the beginning of it.", example="1.0.0"),
    "name": _parameter("name", "path", "The name of the query.", example="example::compositions"),
    "composition_id": _parameter("composition_id", "path", "The uid of the composition.",
                                 example=OBJECT_ID),
    "directory_id": _parameter("directory_id", "path", "The uid of the directory.",
                               example=OBJECT_ID),
    "webhook_id": _parameter("webhook_id", "path", "The id of the webhook.", schema=UUID),
}  # fmt: skip
PARAMETERS = {**_PATH, **_QUERY, **_HEADER}


def _header(about: str, schema: Schema = TEXT, *, required: bool = True) -> dict[str, Any]:
    return {"description": about, "schema": schema, "required": required}


_ETAG: Schema = {"type": "string", "pattern": '^(W/)?".+"$'}
HEADERS: Mapping[str, dict[str, Any]] = {
    "ETag": _header("The uid of the version, or the id of the resource.", _ETAG),
    "ETag_result": _header("The id of the answer; a stream has none.", _ETAG, required=False),
    "ETag_latest": _header("The uid of the latest version.", _ETAG, required=False),
    "Location": _header("Where the resource is, as the client sees it."),
    "Location_latest": _header("Where the latest version is.", required=False),
    "Last-Modified": _header("When the version was committed."),
    "Preference-Applied": _header("The preference that was followed.", required=False),
    "openehr-item-tag": _header(
        "The tags of the object, if it has any; none where the list is over 4 KiB.", required=False
    ),
    "openehr-version-item-tag": _header(
        "The tags of this version, if it has any; none where the list is over 4 KiB.",
        required=False,
    ),
    "Allow": _header("Every method of the resource."),
    "Retry-After": _header("Seconds to wait.", {"type": "string", "pattern": "^[0-9]+$"}),
    "Retry-After_told": _header(
        "Seconds to wait.", {"type": "string", "pattern": "^[0-9]+$"}, required=False
    ),
    "Cache-Control": _header("no-store: nobody keeps it."),
}


def parameter(name: str) -> dict[str, str]:
    """A reference to a parameter of `components`."""
    return {"$ref": f"#/components/parameters/{name}"}


def headers(*names: str) -> dict[str, dict[str, str]]:
    """References to headers of `components`; what follows `_` is not on the wire."""
    return {name.partition("_")[0]: {"$ref": f"#/components/headers/{name}"} for name in names}
