"""The shapes of bodies, as JSON Schema 2020-12: `components.schemas` of the document.

Resources of the openEHR reference model are told as far as a client of this API leans on them; what
their attributes may hold in full is the model's to say (RM 1.1.0, canonical JSON).  A shape that a
client sends stands beside the one it is answered, where the first may leave out what the second
always has.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
YES_OR_NO: Schema = {"type": "boolean"}
UUID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
XML: Schema = {"type": "string", "description": "The same resource in canonical XML."}


def ref(name: str) -> Schema:
    """The schema of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def thing(
    properties: Mapping[str, Schema], required: Sequence[str] = (), about: str = "", **more: Any
) -> Schema:
    """An object."""
    made: Schema = {"type": "object", "properties": dict(properties)}
    if required:
        made["required"] = list(required)
    if about:
        made["description"] = about
    return made | more


def every(item: Schema, **more: Any) -> Schema:
    """A list."""
    return {"type": "array", "items": item, **more}


def _class(name: str, properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    """An instance of a class of the reference model, which names its class."""
    return thing({"_type": {"const": name}, **properties}, ["_type", *required])


def _family(about: str, properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    """An instance of one of several classes."""
    return thing({"_type": TEXT, **properties}, required, about)


_LOCATABLE = {"name": ref("DV_TEXT"), "archetype_node_id": TEXT, "uid": ref("UID_BASED_ID"),
              "archetype_details": ref("ARCHETYPED")}  # fmt: skip
_NAMED = ("name", "archetype_node_id")
_VERSION = {
    "uid": ref("UID_BASED_ID"), "contribution": ref("OBJECT_REF"),
    "commit_audit": ref("AUDIT_DETAILS"), "lifecycle_state": ref("DV_CODED_TEXT"),
    "preceding_version_uid": ref("UID_BASED_ID"), "signature": TEXT,
    "data": ref("LOCATABLE"), "attestations": every(thing({})), "item": thing({}),
    "other_input_version_uids": every(ref("UID_BASED_ID")),
}  # fmt: skip
_VERSIONED = {"uid": ref("UID_BASED_ID"), "owner_id": ref("OBJECT_REF"),
              "time_created": ref("DV_DATE_TIME")}  # fmt: skip

OPENEHR: Mapping[str, Schema] = {
    "DV_TEXT": _family("DV_TEXT or DV_CODED_TEXT", {"value": TEXT}, ["value"]),
    "DV_CODED_TEXT": thing({"_type": TEXT, "value": TEXT, "defining_code": ref("CODE_PHRASE")},
                           ["value", "defining_code"]),
    "DV_DATE_TIME": thing({"_type": TEXT, "value": TEXT}, ["value"]),
    "CODE_PHRASE": thing({"_type": TEXT, "terminology_id": ref("UID_BASED_ID"),
                          "code_string": TEXT}, ["terminology_id", "code_string"]),
    "UID_BASED_ID": _family("OBJECT_ID of any kind", {"value": TEXT}, ["value"]),
    "OBJECT_REF": _family("OBJECT_REF or PARTY_REF", {"id": ref("UID_BASED_ID"), "type": TEXT,
                                                      "namespace": TEXT},
                          ["id", "type", "namespace"]),
    "ARCHETYPED": thing({"_type": TEXT, "archetype_id": ref("UID_BASED_ID"),
                         "template_id": ref("UID_BASED_ID"), "rm_version": TEXT},
                        ["archetype_id", "rm_version"]),
    "LOCATABLE": _family("COMPOSITION, EHR_STATUS or FOLDER", _LOCATABLE, _NAMED),
    "PARTY_PROXY": _family("PARTY_IDENTIFIED, PARTY_RELATED or PARTY_SELF",
                           {"external_ref": ref("OBJECT_REF"), "name": TEXT}),
    "AUDIT_DETAILS": _family(
        "AUDIT_DETAILS or ATTESTATION",
        {"system_id": TEXT, "time_committed": ref("DV_DATE_TIME"),
         "change_type": ref("DV_CODED_TEXT"), "description": ref("DV_TEXT"),
         "committer": ref("PARTY_PROXY")},
        ["change_type", "committer"]),
    "EHR": _class(
        "EHR",
        {"system_id": ref("UID_BASED_ID"), "ehr_id": ref("UID_BASED_ID"),
         "ehr_status": ref("OBJECT_REF"), "directory": ref("OBJECT_REF"),
         "time_created": ref("DV_DATE_TIME")},
        ["system_id", "ehr_id", "ehr_status", "time_created"]),
    "EHR_STATUS": _class(
        "EHR_STATUS",
        {**_LOCATABLE, "subject": ref("PARTY_PROXY"), "is_queryable": YES_OR_NO,
         "is_modifiable": YES_OR_NO, "other_details": thing({})},
        [*_NAMED, "subject", "is_queryable", "is_modifiable"]),
    "COMPOSITION": _class(
        "COMPOSITION",
        {**_LOCATABLE, "language": ref("CODE_PHRASE"), "territory": ref("CODE_PHRASE"),
         "category": ref("DV_CODED_TEXT"), "composer": ref("PARTY_PROXY"), "context": thing({}),
         "content": every(thing({"_type": TEXT}))},
        [*_NAMED, "archetype_details", "language", "territory", "category", "composer"]),
    "FLAT": thing({}, about="A composition as a map from paths of the web template to values.",
                  additionalProperties={"type": ["string", "number", "boolean", "null"]}),
    "STRUCTURED": thing({}, about="A composition as a tree of the web template's ids."),
    "FOLDER": _class("FOLDER", {**_LOCATABLE, "items": every(ref("OBJECT_REF")),
                                "folders": every(ref("FOLDER"))}, _NAMED),
    "VERSIONED_OBJECT": _family("VERSIONED_COMPOSITION or VERSIONED_EHR_STATUS", _VERSIONED,
                                ["_type", *_VERSIONED]),
    "VERSION": _family("ORIGINAL_VERSION or IMPORTED_VERSION, as it stands", _VERSION,
                       ["_type", "contribution", "commit_audit"]),
    "NEW_VERSION": _family("ORIGINAL_VERSION or IMPORTED_VERSION, as it is sent", _VERSION),
    "REVISION_HISTORY": _class(
        "REVISION_HISTORY",
        {"items": every(thing({"version_id": ref("UID_BASED_ID"),
                               "audits": every(ref("AUDIT_DETAILS"), minItems=1)},
                              ["version_id", "audits"]), minItems=1)},
        ["items"]),
    "CONTRIBUTION": _class(
        "CONTRIBUTION",
        {"uid": ref("UID_BASED_ID"), "versions": every(ref("OBJECT_REF"), minItems=1),
         "audit": ref("AUDIT_DETAILS")},
        ["uid", "versions", "audit"]),
    "NEW_CONTRIBUTION": thing(
        {"_type": TEXT, "uid": ref("UID_BASED_ID"), "audit": ref("AUDIT_DETAILS"),
         "versions": every(ref("NEW_VERSION"), minItems=1)},
        ["versions", "audit"], "A contribution with its versions in full."),
    "EXTRACT": _class("EXTRACT", {}),
    "IDENTIFIER": thing({"uid": TEXT}, ["uid"], "What `Prefer: return=identifier` is answered.",
                        additionalProperties=False),
    "ITEM_TAG": thing(
        {"key": TEXT, "value": TEXT, "target_path": TEXT, "target": ref("OBJECT_REF"),
         "owner_id": ref("OBJECT_REF")},
        ["key", "target", "owner_id"]),
    "NEW_ITEM_TAG": thing(
        {"key": {"type": "string", "minLength": 1}, "value": {"type": ["string", "null"]},
         "target_path": {"type": ["string", "null"], "pattern": "^/"}},
        ["key"]),
    "TEMPLATE": thing(
        {"template_id": TEXT, "concept": TEXT, "archetype_id": TEXT, "created_timestamp": TIME,
         "version": {"type": "string", "description": "ADL 2 alone."}},
        ["template_id", "concept", "archetype_id", "created_timestamp"]),
    "WEB_TEMPLATE": thing(
        {"templateId": TEXT, "version": {"const": "2.3"}, "defaultLanguage": TEXT,
         "languages": every(TEXT), "tree": thing({"id": TEXT, "rmType": TEXT}, ["id", "rmType"])},
        ["templateId", "version", "defaultLanguage", "languages", "tree"]),
    "STORED_QUERY": thing(
        {"name": TEXT, "type": {"const": "AQL"}, "version": {"type": "string"}, "saved": TIME,
         "q": TEXT},
        ["name", "type", "version", "saved", "q"]),
    "QUERY": thing(
        {"q": TEXT, "offset": {"type": ["integer", "null"]}, "fetch": {"type": ["integer", "null"]},
         "ehr_id": {"type": ["string", "null"]}, "query_parameters": thing({}),
         "extensions": {"type": "boolean", "description": "GROUP BY and HAVING, which AQL lacks."}},
        about="`q` where the query is ad hoc.", additionalProperties=False),
    "EXPLAINED": thing(
        {"plan_class": {"enum": ["typed SQL", "SQL + documents", "documents"]},
         "about": {"enum": ["population", "one EHR"]}, "executed_aql": TEXT,
         "columns": every(thing({"path": TEXT, "name": TEXT}, ["path", "name"])),
         "estimated_rows": COUNT, "estimated_cost": {"type": "number"},
         "documents": thing({"estimated": COUNT, "reasons": every(TEXT)},
                            ["estimated", "reasons"]),
         "tables": every(thing({"table": TEXT, "holds": TEXT, "estimated_rows": COUNT},
                               ["table", "holds", "estimated_rows"])),
         "indexes": every(TEXT), "lacks": every(TEXT)},
        ["plan_class", "about", "executed_aql", "columns", "estimated_rows", "estimated_cost",
         "documents", "tables", "indexes", "lacks"], additionalProperties=False),
    "SLOW_QUERIES": thing(
        {"since": TIME,
         "queries": every(thing(
             {"aql": TEXT, "plan_classes": {"type": "object", "additionalProperties": COUNT},
              "count": COUNT, "failed": COUNT, "rows": COUNT,
              "seconds_total": {"type": "number"}, "seconds_mean": {"type": "number"},
              "seconds_max": {"type": "number"}, "lacks": every(TEXT)},
             ["aql", "plan_classes", "count", "failed", "rows", "seconds_total", "seconds_mean",
              "seconds_max", "lacks"], additionalProperties=False))},
        ["since", "queries"], additionalProperties=False),
    "RESULT_SET": thing(
        {"meta": thing({"_type": {"const": "RESULTSET"}, "_schema_version": TEXT, "_created": TIME,
                        "_generator": TEXT, "_executed_aql": TEXT, "_href": TEXT,
                        "resultsize": COUNT, "fetch": COUNT, "offset": COUNT},
                       ["_type", "_schema_version", "_created", "_generator", "_executed_aql",
                        "resultsize"]),
         "q": TEXT, "name": TEXT,
         "columns": every(thing({"path": TEXT, "name": TEXT}, ["path", "name"])),
         "rows": every({"type": "array"})},
        ["meta", "q", "columns", "rows"]),
}  # fmt: skip

_COUNTS = ("through", "lines", "ehrs", "contributions", "versions", "present", "templates",
           "queries", "tags", "refused")  # fmt: skip
OWN: Mapping[str, Schema] = {
    "ERROR": thing(
        {"error": {"type": "string", "description": "The reason phrase of the status."},
         "message": {"type": "string", "description": "One sentence for who can act on it."},
         "code": {"type": "string", "description": "The stable name of the kind of error."},
         "trace_id": {"type": ["string", "null"], "description": "Finds the request in the log."},
         "validationErrors": every(thing({"path": TEXT, "rule": TEXT}),
                                   description="What is wrong, and where."),
         "report": ref("BULK_REPORT")},
        ["error", "message", "code", "trace_id"], additionalProperties=False),
    "TEMPLATE_REVISION": thing(
        {"revision": WHOLE, "created_timestamp": TIME, "in_force": YES_OR_NO},
        ["revision", "created_timestamp", "in_force"], additionalProperties=False),
    "TEMPLATE_CHANGED": thing(
        {"template_id": TEXT, "revision": WHOLE, "differences": every(thing({}))},
        ["template_id", "revision", "differences"], additionalProperties=False),
    "DELETED": thing({"deleted": COUNT}, ["deleted"], additionalProperties=False),
    "STATUS": thing({"status": TEXT, "generator": TEXT}, ["status"]),
    "ABOUT": thing(
        {"solution": TEXT, "solution_version": TEXT, "vendor": TEXT, "restapi_specs_version": TEXT,
         "conformance_profile": TEXT, "endpoints": every(TEXT)},
        ["solution", "solution_version", "vendor", "restapi_specs_version", "conformance_profile",
         "endpoints"]),
    "EVENT": thing(
        {"id": UUID, "type": {"enum": ["contribution", "erasure"]}, "ehr_id": UUID, "cursor": TEXT,
         "change_type": TEXT,
         "versions": every(thing({"kind": TEXT, "uid": TEXT, "change_type": TEXT,
                                  "lifecycle_state": TEXT, "template_id": TEXT},
                                 ["kind", "uid", "change_type", "lifecycle_state"])),
         "kind": TEXT, "object_id": UUID},
        ["id", "type", "ehr_id", "cursor"], additionalProperties=False),
    "EVENTS": thing({"events": every(ref("EVENT")), "after": TEXT, "more": YES_OR_NO},
                    ["events", "after", "more"], additionalProperties=False),
    "NEW_WEBHOOK": thing(
        {"url": {"type": "string", "format": "uri"}, "ehr_id": {"type": ["string", "null"]},
         "after": TEXT},
        ["url"], additionalProperties=False),
    "WEBHOOK": thing(
        {"id": UUID, "url": TEXT, "state": TEXT, "waiting": COUNT, "dead": COUNT, "ehr_id": UUID,
         "secret": {"type": "string", "description": "Shown once: when it is made."}},
        ["id", "url", "state", "waiting", "dead"], additionalProperties=False),
    "DEAD_LETTER": thing(
        {"event_id": UUID, "ehr_id": UUID, "attempts": COUNT,
         "outcome": {"type": ["string", "null"]}, "first_try": {"type": ["string", "null"]}},
        ["event_id", "ehr_id", "attempts", "outcome", "first_try"], additionalProperties=False),
    "REDELIVER": thing({"events": {"type": ["array", "null"], "items": UUID}},
                       additionalProperties=False),
    "REDELIVERED": thing({"redelivered": COUNT}, ["redelivered"], additionalProperties=False),
    "BULK_REPORT": thing(
        {**dict.fromkeys(_COUNTS, COUNT), "stopped": {"type": ["integer", "null"]},
         "refusals": every(thing({"line": WHOLE, "code": TEXT, "message": TEXT,
                                  "findings": every(thing({}))},
                                 ["line", "code", "message", "findings"]))},
        [*_COUNTS, "refusals", "stopped"], additionalProperties=False),
    "STATISTICS": thing(
        {"as_of": TIME, "ehrs": COUNT, "octets": COUNT, "templates": COUNT, "queries": COUNT,
         "estimated": YES_OR_NO, "compositions": thing({}, additionalProperties=COUNT),
         "versions": thing({}, additionalProperties=thing({"current": COUNT, "former": COUNT},
                                                          ["current", "former"]))},
        ["as_of", "ehrs", "versions", "octets", "templates", "compositions", "queries",
         "estimated"], additionalProperties=False),
}  # fmt: skip
SCHEMAS: Mapping[str, Schema] = {**OPENEHR, **OWN}
