"""QUERY: AQL, ad hoc and stored."""

from collections.abc import Iterable, Sequence

from clinical_api.openapi.parameters import JSON
from clinical_api.openapi.parts import Operation, answer, json, media, operation, sent, shown
from clinical_api.openapi.schemas import ref

_AQL = (
    "SELECT c/uid/value AS uid FROM EHR e CONTAINS COMPOSITION c"
    " WHERE c/archetype_details/template_id/value = $template"
)
_ASKED = {"fetch": 20, "query_parameters": {"template": "moiety_problem_diagnosis.v1"}}
_STREAMS = {
    "text/csv": "RFC 4180 with a header; null is nothing, an empty text is two quotes.",
    "application/x-ndjson": "An object a line; where it broke off, a last line with `error`.",
    "application/vnd.apache.arrow.stream": "The IPC stream format of Apache Arrow.",
    "application/vnd.apache.parquet": "A file of Apache Parquet.",
}
_CONTENT = dict(json(ref("RESULT_SET")))
for _kind, _about in _STREAMS.items():
    _CONTENT.update(media(_kind, _about))
_RESULT = {
    200: answer("The rows: a RESULT_SET, or a stream without an ETag.", _CONTENT, "ETag_result")
}
_BODY = ("ehr_id_of_query", "extensions", "openehr-ehr-id", "Accept_result", "format_result")
_URL = ("offset", "fetch", "query_parameters", *_BODY)
_STORED = "/query/{qualified_query_name}"


def _run(
    method: str, path: str, name: str, summary: str, *, more: Sequence[str] = (),
    never: Iterable[int] = (),
) -> Operation:  # fmt: skip
    """A query by its URL (get) or by a body (post)."""
    body = None
    if method == "post":
        q = {"q": _AQL} if path == "/query/aql" else {}
        body = sent(shown(json(ref("QUERY")), {JSON: q | _ASKED}), required=bool(q))
    parameters = [*more, *(_URL if method == "get" else _BODY)]
    return operation(
        method, path, name, summary, scope="query:read", parameters=parameters, body=body,
        answers=_RESULT, errors=[408, 422, 429, 501], never=never,
    )  # fmt: skip


QUERY = (
    operation(
        "get", "/query/aql/slow", "query_slow", "Tell which queries cost most",
        scope="statistics:read", parameters=["limit_queries"],
        answers={200: answer("The dearest first, without values.", json(ref("SLOW_QUERIES")))},
    ),
    operation(
        "post", "/query/aql/explain", "query_explain", "Tell how a query would be answered",
        scope="query:read", parameters=["ehr_id_of_query", "extensions", "openehr-ehr-id"],
        body=sent(shown(json(ref("QUERY")), {JSON: {"q": _AQL} | _ASKED})),
        answers={200: answer("The plan, with every value blank.", json(ref("EXPLAINED")))},
        errors=[408, 422, 501],
    ),
    _run("get", "/query/aql", "query_execute_adhoc_query", "Run a query", more=["q"]),
    _run("post", "/query/aql", "query_execute_adhoc_query_body", "Run the query of the body"),
    _run("get", _STORED, "query_execute_stored_query", "Run a stored query"),
    _run("post", _STORED, "query_execute_stored_query_body", "Run a stored query"),
    _run(
        "get", f"{_STORED}/{{version}}", "query_execute_stored_query_version",
        "Run a version of a stored query",
    ),
    _run(
        "post", f"{_STORED}/{{version}}", "query_execute_stored_query_version_body",
        "Run a version of a stored query",
    ),
)  # fmt: skip
