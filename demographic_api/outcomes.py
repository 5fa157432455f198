"""Errors as FHIR OperationOutcome: the kit's error, rendered as FHIR clients read it."""

from typing import Any

import msgspec
from fastapi import Response

from moiety.kit import problems
from moiety.kit.errors import ServiceError
from moiety.wire.demographic import BASE

MEDIA_TYPE = "application/fhir+json"

# FHIR R4 IssueType for each status.
_CODES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "duplicate",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "business-rule",
    429: "throttled",
    501: "not-supported",
    503: "transient",
}
# More exact ones for the rules that moiety.wire.decoding and patients.py name.
_RULES = {"required": "required", "unknown": "structure", "type": "structure", "value": "value"}


def outcome(error: ServiceError) -> dict[str, Any]:
    """One issue a finding, or one for the whole; the trace id finds the request in the log."""
    trace = problems.body(error)["trace_id"]
    code = _CODES.get(error.status, "exception")
    issue: dict[str, Any] = {"severity": "error", "code": code, "diagnostics": error.message}
    issues = [
        issue
        | {
            "code": _RULES.get(finding.get("rule", ""), code),
            "diagnostics": f"{error.message} Rule: {finding.get('rule')}.",
            "expression": [finding["path"]],
        }
        for finding in error.findings
        if "path" in finding
    ]
    found: dict[str, Any] = {"resourceType": "OperationOutcome", "issue": issues or [issue]}
    if trace:
        found["extension"] = [{"url": "urn:moiety:trace-id", "valueString": trace}]
    return found


def render(error: ServiceError, path: str) -> Response:
    """OperationOutcome under the FHIR base, the kit's shape elsewhere."""
    if not path.startswith(BASE):
        return problems.answer(error, path)
    return Response(
        msgspec.json.encode(outcome(error)),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers=error.headers,
    )
