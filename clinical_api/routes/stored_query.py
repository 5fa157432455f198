"""DEFINITION: stored queries.

What may run somewhere by its name is not deleted here (405), but by an administrator.
"""

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from clinical_api import stored_queries
from clinical_api.deps import Body, MayDefine, MayReadDefinitions, Reader, Writer
from clinical_api.routes.negotiation import location
from clinical_api.stored_queries import StoredQuery
from moiety.kit.errors import Malformed, UnsupportedMediaType

router = APIRouter(prefix="/openehr/v1/definition/query", tags=["DEFINITION"])
_JSON, _TEXT = "application/json", "text/plain"


@router.get("", operation_id="stored_query_list_all")
def list_all(_caller: MayReadDefinitions, connection: Reader) -> list[dict[str, Any]]:
    """Every version of every query."""
    return [one.record() for one in stored_queries.all_of(connection)]


@router.get("/{qualified_query_name}", operation_id="definition_query_list")
def list_some(
    qualified_query_name: str, _caller: MayReadDefinitions, connection: Reader
) -> list[dict[str, Any]]:
    """Every version of the queries whose names begin so."""
    return [one.record() for one in stored_queries.all_of(connection, qualified_query_name)]


@router.get("/{qualified_query_name}/{version}", operation_id="definition_query_version_get")
def get(
    qualified_query_name: str, version: str, _caller: MayReadDefinitions, connection: Reader
) -> dict[str, Any]:
    """A version, or the latest that a part of a version means."""
    return stored_queries.get(connection, qualified_query_name, version).record()


@router.put("/{qualified_query_name}", operation_id="definition_query_store.yaml")
def store(
    request: Request, qualified_query_name: str, body: Body, _caller: MayDefine,
    connection: Writer, query_type: str = "AQL",
) -> Response:  # fmt: skip
    """Store a query as version 1.0.0, or as the next major version of what is there."""
    q = _read(request, body, query_type)
    return _stored(request, stored_queries.store(connection, qualified_query_name, None, q))


@router.put("/{qualified_query_name}/{version}", operation_id="definition_query_version_store.yaml")
def store_version(
    request: Request, qualified_query_name: str, version: str, body: Body, _caller: MayDefine,
    connection: Writer, query_type: str = "AQL",
) -> Response:  # fmt: skip
    """Store a query in a version of its own; a part of one means the next that begins so."""
    q = _read(request, body, query_type)
    return _stored(request, stored_queries.store(connection, qualified_query_name, version, q))


def _read(request: Request, body: bytes, query_type: str) -> str:
    """The AQL of a body: itself, or the `q` of a JSON object.  Raises Malformed."""
    if query_type.upper() != "AQL":
        raise Malformed("`query_type` is AQL.")
    media = request.headers.get("content-type", _TEXT).partition(";")[0].strip().lower()
    if media not in {_JSON, _TEXT}:
        raise UnsupportedMediaType("A query is stored as text/plain or application/json.")
    try:
        text = body.decode()
        if media == _JSON or text.lstrip().startswith("{"):
            text = msgspec.json.decode(body)["q"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise Malformed("The body is AQL, or a JSON object with AQL in `q`.") from None
    if not isinstance(text, str):
        raise Malformed("`q` is a text.")
    return text


def _stored(request: Request, saved: StoredQuery) -> Response:
    place = location(request, "definition", "query", saved.name, saved.number)
    accept = request.headers.get("accept", "")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    text = msgspec.json.encode(saved.record()) if _JSON in accept or media == _JSON else b""
    return Response(text, headers={"Location": place}, media_type=_JSON if text else None)
