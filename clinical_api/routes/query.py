"""QUERY: AQL, ad hoc."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from clinical_api import queries
from clinical_api.deps import Body, Here, MayQuery
from clinical_api.queries import Query
from moiety import __version__
from moiety.kit.errors import Malformed
from moiety.kit.traces import span

router = APIRouter(prefix="/openehr/v1/query", tags=["QUERY"])


class AdhocQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /query/aql."""

    q: str
    offset: int | None = None
    fetch: int | None = None
    query_parameters: dict[str, Any] = {}


@router.post("/aql")
def execute(_caller: MayQuery, here: Here, body: Body) -> Response:
    """Run the query of the body."""
    return _answer(here, _read(body))


@router.get("/aql")
def execute_by_url(
    request: Request, _caller: MayQuery, here: Here, q: str,
    offset: int | None = None, fetch: int | None = None,
) -> Response:  # fmt: skip
    """Run the query of the URL; every other parameter of the URL is a parameter of the query."""
    own = {"q", "offset", "fetch"}
    parameters = {k: v for k, v in request.query_params.items() if k not in own}
    return _answer(here, AdhocQuery(q, offset, fetch, parameters))


def _read(body: bytes) -> AdhocQuery:
    try:
        return msgspec.json.decode(body, type=AdhocQuery)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed(
            "The body is not a query: {q, offset?, fetch?, query_parameters?}."
        ) from None


def _answer(here: Here, asked: AdhocQuery) -> Response:
    if min(asked.fetch or 0, asked.offset or 0) < 0:
        raise Malformed("fetch and offset are not negative.")
    query = Query(asked.q, asked.query_parameters, asked.fetch, asked.offset)
    with span("query"):
        result = queries.run(here.snapshots, here.registry, here.plans, here.settings, query)
    meta: dict[str, Any] = {
        "_type": "RESULTSET",
        "_schema_version": "1.1.0",
        "_created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "_generator": f"Moiety/{__version__}",
        "_executed_aql": result.executed,
        "resultsize": len(result.rows),
    }
    if asked.fetch is not None:
        meta |= {"fetch": asked.fetch, "offset": asked.offset or 0}
    return Response(
        msgspec.json.encode(
            {"meta": meta, "q": asked.q, "columns": result.columns, "rows": result.rows}
        ),
        media_type="application/json",
    )
