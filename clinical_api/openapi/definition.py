"""DEFINITION: templates in ADL 1.4 and ADL 2, stored queries."""

from clinical_api.openapi.examples import text
from clinical_api.openapi.parameters import FORMATS, JSON, PLAIN, WEB_TEMPLATE, XML
from clinical_api.openapi.parts import (
    IN_ANY_FORMAT,
    IN_CANONICAL,
    answer,
    empty,
    json,
    media,
    operation,
    resource,
    sent,
    shown,
)
from clinical_api.openapi.schemas import every, ref

_READS, _WRITES = "definition:read", "definition:write"
_OPT = media(XML, "An operational template (OPT 1.4).")
_SENT = sent(shown(_OPT, {XML: text("template.opt")}))
_SHOWN = {**_OPT, **{kind: {"schema": ref("WEB_TEMPLATE")} for kind in (WEB_TEMPLATE, JSON)}}
_UPLOADED = {**_SHOWN, JSON: {"schema": {"anyOf": [ref("WEB_TEMPLATE"), ref("IDENTIFIER")]}}}
_HEADS = ("ETag", "Location", "Preference-Applied")
_ADL14 = "/definition/template/adl1.4"
_ONE = f"{_ADL14}/{{template_id}}"
_LIST = answer("Every template in force.", json(every(ref("TEMPLATE"))))

ADL14 = (
    operation(
        "post", _ADL14, "definition_template_adl1.4_upload", "Upload an operational template",
        scope=_WRITES, parameters=["Prefer", "Accept_template", "format"], body=_SENT,
        answers={201: answer("Stored.", _UPLOADED, *_HEADS, preferred=True)}, errors=[409],
    ),
    operation(
        "get", _ADL14, "definition_template_adl1.4_list", "List the templates",
        scope=_READS, answers={200: _LIST},
    ),
    operation(
        "get", _ONE, "definition_template_adl1.4_get",
        "Read a template as it was uploaded, or its web template",
        scope=_READS, parameters=["revision", "Accept_template", "format"],
        answers={200: answer("The template.", _SHOWN, "ETag")},
    ),
    operation(
        "get", f"{_ONE}/example", "definition_template_adl1.4_example_get",
        "Read a made-up composition of a template",
        scope=_READS, parameters=["type", "detail_level", *IN_ANY_FORMAT],
        answers={200: answer("It can be committed as it stands.",
                             resource("COMPOSITION", FORMATS))},
    ),
    operation(
        "put", _ONE, "template_change", "Put a compatible revision of a template in force",
        scope=_WRITES, body=_SENT,
        answers={200: answer("What has changed.", json(ref("TEMPLATE_CHANGED")))}, errors=[409],
        more="409 tells what would break documents that the template admits.",
    ),
    operation(
        "delete", _ONE, "template_delete", "Delete a template that nothing was written with",
        scope=_WRITES, answers={204: empty("Deleted.")}, errors=[409],
    ),
    operation(
        "get", f"{_ONE}/revisions", "template_revisions", "List the revisions of a template",
        scope=_READS,
        answers={200: answer("The newest first.", json(every(ref("TEMPLATE_REVISION"))))},
    ),
    operation(
        "put", f"{_ONE}/active", "template_activate",
        "Say whether new documents may be written with a template",
        scope=_WRITES, body=sent(shown(json({"type": "boolean"}), {JSON: True})),
        answers={204: empty("Noted.")}, never=[415],
    ),
)  # fmt: skip

_ADL2 = "/definition/template/adl2"
_ONE2 = f"{_ADL2}/{{template_id}}"
_PLACES = {"template_id": "adl2_template_id"}
_TEXT = media(PLAIN, "An operational template (ADL 2).")
_FOUND2 = {200: answer("The template.", _TEXT, "ETag")}

ADL2 = (
    operation(
        "post", _ADL2, "definition_template_adl2_upload", "Upload an operational template",
        scope=_WRITES, parameters=["adl2_version", "Prefer"],
        body=sent(shown(_TEXT, {PLAIN: text("template.adls")})),
        answers={201: answer("Stored.", _TEXT, "ETag", "Location", preferred=True)}, errors=[409],
    ),
    operation(
        "get", _ADL2, "definition_template_adl2_list", "List every version of every template",
        scope=_READS, answers={200: _LIST},
    ),
    operation(
        "get", _ONE2, "definition_template_adl2_get", "Read a template",
        scope=_READS, parameters=["Accept_text"], places=_PLACES, answers=_FOUND2,
        more="The latest version that an id without one, or with a part of one, means.",
    ),
    operation(
        "get", f"{_ONE2}/example", "definition_template_adl2_example_get",
        "Read a made-up composition of a template",
        scope=_READS, parameters=["type", "detail_level", *IN_CANONICAL], places=_PLACES,
        answers={200: answer("As the template says.", resource("COMPOSITION"))}, errors=[501],
        more="501 for a template of another class than COMPOSITION.",
    ),
    operation(
        "get", f"{_ONE2}/{{version}}", "definition_template_adl2_version_get",
        "Read a version of a template",
        scope=_READS, parameters=["Accept_text"], places=_PLACES, answers=_FOUND2,
    ),
)  # fmt: skip

_QUERIES = "/definition/query"
_NAMED = f"{_QUERIES}/{{qualified_query_name}}"
_AQL = "SELECT c/uid/value AS uid FROM EHR e CONTAINS COMPOSITION c"
_QUERY = sent(shown(
    {**media(PLAIN, "AQL."),
     **json({"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]})},
    {PLAIN: _AQL, JSON: {"q": _AQL}},
))  # fmt: skip
_STORED = {200: answer("Stored.", json(ref("STORED_QUERY")), "Location", preferred=True)}
_SOME = {200: answer("The queries.", json(every(ref("STORED_QUERY"))))}

STORED_QUERY = (
    operation(
        "get", _QUERIES, "stored_query_list_all", "List every version of every stored query",
        scope=_READS, answers=_SOME,
    ),
    operation(
        "get", _NAMED, "definition_query_list", "List the queries whose names begin so",
        scope=_READS, answers=_SOME, never=[404],
    ),
    operation(
        "put", _NAMED, "definition_query_store.yaml", "Store a query as its next major version",
        scope=_WRITES, parameters=["query_type"], body=_QUERY, answers=_STORED,
        errors=[409], never=[404],
    ),
    operation(
        "get", f"{_NAMED}/{{version}}", "definition_query_version_get", "Read a stored query",
        scope=_READS, answers={200: answer("The query.", json(ref("STORED_QUERY")))},
    ),
    operation(
        "put", f"{_NAMED}/{{version}}", "definition_query_version_store.yaml",
        "Store a query in a version",
        scope=_WRITES, parameters=["query_type"], body=_QUERY, answers=_STORED,
        errors=[409], never=[404],
    ),
)  # fmt: skip
