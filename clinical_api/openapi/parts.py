"""What an operation is made of.

`operation` works out what follows from the rest: the parameters of the path, and the statuses that
every route with a key, a path, a body or a choice of formats may answer.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clinical_api.openapi.examples import Example
from clinical_api.openapi.parameters import (
    CANONICAL,
    JSON,
    XML,
    headers,
    parameter,
)
from clinical_api.openapi.schemas import XML as XML_TEXT
from clinical_api.openapi.schemas import Schema, ref
from moiety.kit.errors import BY_CODE

Content = Mapping[str, Mapping[str, Any]]
Operation = tuple[str, str, dict[str, Any]]
"""Method, path and what OpenAPI says of them."""

IN_CANONICAL = ("Accept_canonical", "format")
IN_ANY_FORMAT = ("Accept_formats", "format_any")
IN_JSON = ("Accept_JSON", "format_json")
COMMIT = ("openehr-version", "openehr-audit-details")
"""What a client may say of a commit."""
DELETION = ("openehr-version_deleted", "openehr-audit-details")
"""What a client may say of a commit that deletes."""
TAGS = ("openehr-item-tag", "openehr-version-item-tag")
"""Tags that come with a commit, and with an answer."""
WRITTEN = ("ETag", "Location", "Preference-Applied")
READ = ("ETag", "Location", "Last-Modified")
LATEST = ("ETag_latest", "Location_latest")
_KEYS = {401, 403, 503}


def operation(
    method: str,
    path: str,
    name: str,
    summary: str,
    *,
    scope: str | None,
    answers: Mapping[int, Mapping[str, Any]],
    parameters: Sequence[str] = (),
    body: Mapping[str, Any] | None = None,
    errors: Iterable[int] = (),
    never: Iterable[int] = (),
    places: Mapping[str, str] | None = None,
    more: str = "",
) -> Operation:
    """One operation.

    `errors` are statuses beyond those that follow from the rest, `never` those that do not follow
    after all; `places` says which of `components.parameters` a name in the path is, where it is not
    the one of that name.
    """
    named = re.findall(r"\{(\w+)\}", path)
    asked = [*((places or {}).get(one, one) for one in named), *parameters]
    wrong = set(errors) | (_KEYS if scope else set())
    if asked or body:
        wrong.add(400)
    if named:
        wrong.add(404)
    if any(one.startswith("Accept") for one in parameters):
        wrong.add(406)
    if body:
        wrong |= {413, 415}
    told = {**{code: refusal(code) for code in wrong - set(never)}, **answers}
    made: dict[str, Any] = {"operationId": name, "summary": summary}
    if more:
        made["description"] = more
    if asked:
        made["parameters"] = [parameter(one) for one in asked]
    if body:
        made["requestBody"] = dict(body)
    made["responses"] = {str(code): told[code] for code in sorted(told)}
    made["security"] = [{"api_key": [scope]}] if scope else []
    return method, path, made


def refusal(status: int) -> dict[str, str]:
    """A reference to the answer of an error."""
    return {"$ref": f"#/components/responses/{_CODES[status]}"}


def answer(
    about: str,
    content: Content | None = None,
    *heads: str,
    preferred: bool = False,
) -> dict[str, Any]:
    """An answer; `preferred`: with a body only where the client prefers one."""
    made: dict[str, Any] = {"description": about}
    if preferred:
        made["description"] += "  A body comes only where `Prefer` or the format asks for it."
        made["x-body"] = "preferred"
    if heads:
        made["headers"] = headers(*heads)
    if content:
        made["content"] = dict(content)
    return made


def empty(about: str, *heads: str) -> dict[str, Any]:
    """An answer without a body."""
    return answer(about, None, *heads)


def sent(content: Content, *, required: bool = True) -> dict[str, Any]:
    """A body of a request."""
    return {"required": required, "content": dict(content)}


def resource(name: str, media: Sequence[str] = CANONICAL, *, whole: bool = True) -> Content:
    """A resource of the model in some formats; an identifier too, where it is not always whole."""
    shape = ref(name) if whole else {"anyOf": [ref(name), ref("IDENTIFIER")]}
    return {one: {"schema": _schema(one, shape)} for one in media}


def json(schema: Schema) -> Content:
    """JSON alone."""
    return {JSON: {"schema": schema}}


def media(kind: str, about: str = "") -> Content:
    """A text of another format."""
    return {kind: {"schema": {"type": "string", "description": about}}}


def shown(content: Content, examples: Mapping[str, Example]) -> Content:
    """The same with an example for some of its media types."""
    return {
        kind: {**told, "examples": {"example": {"value": examples[kind]}}}
        if kind in examples
        else told
        for kind, told in content.items()
    }


_CODES = {kind.status.value: name for name, kind in BY_CODE.items()}
_HEADS = {405: ("Allow",), 409: LATEST, 412: LATEST, 429: ("Retry-After_told",),
          503: ("Retry-After",)}  # fmt: skip
REFUSALS = {
    name: answer(
        (kind.__doc__ or "").strip(),
        {JSON: {"schema": ref("ERROR")}, XML: {"schema": XML_TEXT}},
        *_HEADS.get(kind.status.value, ()),
    )
    for name, kind in BY_CODE.items()
}
"""`components.responses`: one for each kind of error."""


def _schema(kind: str, shape: Schema) -> Schema:
    if kind == XML:
        return XML_TEXT
    if "flat" in kind:
        return ref("FLAT")
    return ref("STRUCTURED") if "structured" in kind else shape
