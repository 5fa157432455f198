"""QUERY: AQL, ad hoc and stored."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

import msgspec
import psycopg
from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Request, Response

from clinical_api import queries, single_ehr, stored_queries
from clinical_api.deps import Body, Here, MayQuery, Organisation
from clinical_api.formats import Format
from clinical_api.queries import Query
from clinical_api.routes.negotiation import answer_form
from clinical_api.stored_queries import StoredQuery
from moiety import __version__
from moiety.aql import parse
from moiety.kit.direct import Direct
from moiety.kit.errors import Malformed, QueryTimeout, UnsupportedMediaType
from moiety.kit.traces import span

router = APIRouter(prefix="/openehr/v1/query", tags=["QUERY"], route_class=Direct)
by_url = APIRouter(prefix="/openehr/v1/query", tags=["QUERY"])

EhrId = Annotated[str | None, Header(alias="openehr-ehr-id")]
_OWN = frozenset({"q", "offset", "fetch", "ehr_id"})
_JSON = (Format.JSON,)


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a query: `q` where it is ad hoc."""

    q: str | None = None
    offset: int | None = None
    fetch: int | None = None
    ehr_id: str | None = None
    query_parameters: dict[str, Any] = {}


@router.post("/aql", operation_id="query_execute_adhoc_query_body")
async def execute(
    request: Request, _caller: MayQuery, here: Here, body: Body, ehr_id: EhrId = None
) -> Response:
    """Run the query of the body."""
    asked = _read(request, body, ehr_id)
    if asked.q is None:
        raise Malformed("The body has no `q`.")
    return await _answer(request, here, asked, asked.q)


@by_url.get("/aql", operation_id="query_execute_adhoc_query")
async def execute_by_url(
    request: Request, _caller: MayQuery, here: Here, q: str, offset: int | None = None,
    fetch: int | None = None, header: EhrId = None,
) -> Response:  # fmt: skip
    """Run the query of the URL; every other parameter of the URL is a parameter of the query."""
    return await _answer(request, here, _of_url(request, offset, fetch, header), q)


@by_url.post("/{qualified_query_name}", operation_id="query_execute_stored_query_body")
async def execute_stored(
    request: Request, qualified_query_name: str, _caller: MayQuery, here: Here, body: Body,
    header: EhrId = None,
) -> Response:  # fmt: skip
    """Run the latest version of a stored query."""
    asked = _read(request, body, header)
    return await _run_stored(request, here, asked, qualified_query_name, None)


@by_url.get("/{qualified_query_name}", operation_id="query_execute_stored_query")
async def execute_stored_by_url(
    request: Request, qualified_query_name: str, _caller: MayQuery, here: Here,
    offset: int | None = None, fetch: int | None = None, header: EhrId = None,
) -> Response:  # fmt: skip
    """Run the latest version of a stored query."""
    asked = _of_url(request, offset, fetch, header)
    return await _run_stored(request, here, asked, qualified_query_name, None)


@by_url.post(
    "/{qualified_query_name}/{version}", operation_id="query_execute_stored_query_version_body"
)
async def execute_version(
    request: Request, qualified_query_name: str, version: str, _caller: MayQuery, here: Here,
    body: Body, header: EhrId = None,
) -> Response:  # fmt: skip
    """Run a version of a stored query, or the latest that a part of a version means."""
    asked = _read(request, body, header)
    return await _run_stored(request, here, asked, qualified_query_name, version)


@by_url.get("/{qualified_query_name}/{version}", operation_id="query_execute_stored_query_version")
async def execute_version_by_url(
    request: Request, qualified_query_name: str, version: str, _caller: MayQuery, here: Here,
    offset: int | None = None, fetch: int | None = None, header: EhrId = None,
) -> Response:  # fmt: skip
    """Run a version of a stored query, or the latest that a part of a version means."""
    asked = _of_url(request, offset, fetch, header)
    return await _run_stored(request, here, asked, qualified_query_name, version)


# --- parts ---------------------------------------------------------------------------------------


def _read(request: Request, body: bytes, ehr_id: str | None) -> Asked:
    media = request.headers.get("content-type", "application/json")
    if media.partition(";")[0].strip().lower() not in {"application/json", "text/json"}:
        raise UnsupportedMediaType("A query is sent as application/json.")
    try:
        asked = msgspec.json.decode(body, type=Asked) if body.strip() else Asked()
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed(
            "The body is not a query: {q, offset?, fetch?, ehr_id?, query_parameters?}."
        ) from None
    if asked.ehr_id is None:
        asked.ehr_id = request.query_params.get("ehr_id", ehr_id)
    return asked


def _of_url(request: Request, offset: int | None, fetch: int | None, ehr_id: str | None) -> Asked:
    """Every parameter of the URL that is not ours is a parameter of the query."""
    url = request.query_params
    parameters = {name: _plain(text) for name, text in url.items() if name not in _OWN}
    return Asked(None, offset, fetch, url.get("ehr_id", ehr_id), parameters)


def _plain(text: str) -> str | int | float:
    """A parameter of a URL: a number where it is written as one in full, else text."""
    try:
        number = msgspec.json.decode(text, type=int | float)
    except msgspec.DecodeError:
        return text
    return number if str(number) == text else text


async def _run_stored(
    request: Request, here: Organisation, asked: Asked, name: str, version: str | None
) -> Response:
    def find() -> StoredQuery:
        with here.engine.connect() as connection:
            return stored_queries.get(connection, name, version)

    stored = await run_sync(find)
    return await _answer(request, here, asked, stored.q, f"{stored.name}/{stored.number}")


async def _answer(
    request: Request, here: Organisation, asked: Asked, text: str, name: str | None = None
) -> Response:
    if min(asked.fetch or 0, asked.offset or 0) < 0:
        raise Malformed("fetch and offset are not negative.")
    answer_form(request, _JSON)
    query = Query(text, asked.query_parameters, asked.fetch, asked.offset)
    if asked.ehr_id is not None:
        query = single_ehr.within(query, asked.ehr_id)
    try:
        with span("query"):
            result = await queries.answer(
                here.reads, query, engine=here.snapshots, registry=here.registry,
                cache=here.plans, settings=here.settings,
            )  # fmt: skip
    except psycopg.errors.QueryCanceled:
        raise QueryTimeout from None
    meta: dict[str, Any] = {
        "_type": "RESULTSET",
        "_schema_version": "1.1.0",
        "_created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "_generator": f"Moiety/{__version__}",
        "_executed_aql": result.executed,
        "resultsize": len(result.rows),
        **_page(asked, text),
    }
    if request.method == "GET":
        meta["_href"] = str(request.url)
    told = {"meta": meta, "q": text, "columns": result.columns, "rows": result.rows}
    if name is not None:
        told["name"] = name
    return Response(
        msgspec.json.encode(told),
        headers={"ETag": f'"{uuid4()}"'},
        media_type=Format.JSON.value,
    )


def _page(asked: Asked, text: str) -> Mapping[str, int]:
    """The limit that is in effect, whoever has set it."""
    fetch, offset = asked.fetch, asked.offset
    if fetch is None and "limit" in text.lower():
        tree = parse(text)
        fetch, offset = tree.limit, tree.offset
    return {} if fetch is None else {"fetch": fetch, "offset": offset or 0}
