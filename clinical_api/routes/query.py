"""QUERY: AQL, ad hoc and stored."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
import psycopg
from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Request, Response
from fastapi import Query as QueryOf

from clinical_api import asked_aside, explained, queries, single_ehr, stored_queries
from clinical_api.deps import Body, Here, MayQuery, MayReadStatistics, Organisation
from clinical_api.explained import Explained
from clinical_api.queries import Query
from clinical_api.routes.query_answers import Sent, result_set
from clinical_api.routes.query_media import Media, media_of
from clinical_api.routes.query_streams import stream
from clinical_api.stored_queries import StoredQuery
from moiety.kit import accesses
from moiety.kit.credentials import Caller
from moiety.kit.direct import Direct
from moiety.kit.errors import Malformed, QueryTimeout, UnsupportedMediaType
from moiety.kit.traces import span

router = APIRouter(prefix="/openehr/v1/query", tags=["QUERY"], route_class=Direct)
by_url = APIRouter(prefix="/openehr/v1/query", tags=["QUERY"])

EhrId = Annotated[str | None, Header(alias="openehr-ehr-id")]
_OWN = frozenset({"q", "offset", "fetch", "ehr_id", "format", "extensions"})


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a query: `q` where it is ad hoc."""

    q: str | None = None
    offset: int | None = None
    fetch: int | None = None
    ehr_id: str | None = None
    query_parameters: dict[str, Any] = {}
    extensions: bool = False


@router.post("/aql", operation_id="query_execute_adhoc_query_body")
async def execute(
    request: Request, caller: MayQuery, here: Here, body: Body, ehr_id: EhrId = None
) -> Response:
    """Run the query of the body."""
    asked = _read(request, body, ehr_id)
    if asked.q is None:
        raise Malformed("The body has no `q`.")
    return await _answer(request, caller, here, asked, asked.q)


@router.post("/aql/explain", operation_id="query_explain")
async def explain(
    request: Request, _caller: MayQuery, here: Here, body: Body, ehr_id: EhrId = None
) -> Response:
    """Tell how the query of the body would be answered; it is not run."""
    asked = _read(request, body, ehr_id)
    if asked.q is None:
        raise Malformed("The body has no `q`.")
    query = await _query(here, asked, asked.q)

    def work() -> Explained:
        with here.population.engine.connect() as connection:
            templates = here.registry.current(connection)
            plan = queries.compiled(here.plans, templates, here.settings, query)
            return explained.explain(connection, plan, query, templates)

    try:
        told = await run_sync(work, limiter=here.population.turns.threads)
    except psycopg.errors.QueryCanceled:
        raise QueryTimeout from None
    return Response(msgspec.json.encode(told), media_type="application/json")


@by_url.get("/aql/slow", operation_id="query_slow")
def slow(
    _caller: MayReadStatistics, here: Here, limit: Annotated[int, QueryOf(ge=1, le=500)] = 20
) -> Response:
    """The forms of query that cost most in this process, and the indexes that they lack."""
    with here.snapshots.connect() as connection:
        templates = here.registry.current(connection)
    told = here.slow_queries.report(templates, limit)
    return Response(msgspec.json.encode(told), media_type="application/json")


@by_url.get("/aql", operation_id="query_execute_adhoc_query")
async def execute_by_url(
    request: Request, caller: MayQuery, here: Here, q: str, offset: int | None = None,
    fetch: int | None = None, header: EhrId = None,
) -> Response:  # fmt: skip
    """Run the query of the URL; every other parameter of the URL is a parameter of the query."""
    return await _answer(request, caller, here, _of_url(request, offset, fetch, header), q)


@by_url.post("/{qualified_query_name}", operation_id="query_execute_stored_query_body")
async def execute_stored(
    request: Request, qualified_query_name: str, caller: MayQuery, here: Here, body: Body,
    header: EhrId = None,
) -> Response:  # fmt: skip
    """Run the latest version of a stored query."""
    asked = _read(request, body, header)
    return await _run_stored(request, caller, here, asked, qualified_query_name, None)


@by_url.get("/{qualified_query_name}", operation_id="query_execute_stored_query")
async def execute_stored_by_url(
    request: Request, qualified_query_name: str, caller: MayQuery, here: Here,
    offset: int | None = None, fetch: int | None = None, header: EhrId = None,
) -> Response:  # fmt: skip
    """Run the latest version of a stored query."""
    asked = _of_url(request, offset, fetch, header)
    return await _run_stored(request, caller, here, asked, qualified_query_name, None)


@by_url.post(
    "/{qualified_query_name}/{version}", operation_id="query_execute_stored_query_version_body"
)
async def execute_version(
    request: Request, qualified_query_name: str, version: str, caller: MayQuery, here: Here,
    body: Body, header: EhrId = None,
) -> Response:  # fmt: skip
    """Run a version of a stored query, or the latest that a part of a version means."""
    asked = _read(request, body, header)
    return await _run_stored(request, caller, here, asked, qualified_query_name, version)


@by_url.get("/{qualified_query_name}/{version}", operation_id="query_execute_stored_query_version")
async def execute_version_by_url(
    request: Request, qualified_query_name: str, version: str, caller: MayQuery, here: Here,
    offset: int | None = None, fetch: int | None = None, header: EhrId = None,
) -> Response:  # fmt: skip
    """Run a version of a stored query, or the latest that a part of a version means."""
    asked = _of_url(request, offset, fetch, header)
    return await _run_stored(request, caller, here, asked, qualified_query_name, version)


# --- parts ---------------------------------------------------------------------------------------


def _read(request: Request, body: bytes, ehr_id: str | None) -> Asked:
    media = request.headers.get("content-type", "application/json")
    if media.partition(";")[0].strip().lower() not in {"application/json", "text/json"}:
        raise UnsupportedMediaType("A query is sent as application/json.")
    try:
        asked = msgspec.json.decode(body, type=Asked) if body.strip() else Asked()
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed(
            "The body is not a query:"
            " {q, offset?, fetch?, ehr_id?, query_parameters?, extensions?}."
        ) from None
    if asked.ehr_id is None:
        asked.ehr_id = request.query_params.get("ehr_id", ehr_id)
    asked.extensions = asked.extensions or _extended(request)
    return asked


def _of_url(request: Request, offset: int | None, fetch: int | None, ehr_id: str | None) -> Asked:
    """Every parameter of the URL that is not ours is a parameter of the query."""
    url = request.query_params
    parameters = {name: _given(url.getlist(name)) for name in url if name not in _OWN}
    ehr_id = url.get("ehr_id", ehr_id)
    return Asked(None, offset, fetch, ehr_id, parameters, _extended(request))


def _extended(request: Request) -> bool:
    """Whether the URL asks for what is outside the standard.  Raises Malformed."""
    if "extensions=" not in request.scope["query_string"].decode("latin-1"):
        return False
    told = request.query_params.get("extensions", "false").lower()
    if told not in {"true", "false"}:
        raise Malformed("`extensions` is true or false.")
    return told == "true"


def _given(texts: list[str]) -> Any:
    """The value of a parameter of a URL; a list where it comes several times."""
    values = [_plain(text) for text in texts]
    return values[0] if len(values) == 1 else values


def _plain(text: str) -> str | int | float:
    """A parameter of a URL: a number where it is written as one in full, else text."""
    try:
        number = msgspec.json.decode(text, type=int | float)
    except msgspec.DecodeError:
        return text
    return number if str(number) == text else text


async def _query(here: Organisation, asked: Asked, text: str) -> Query:
    """The query that is asked.  Raises Malformed, and what terminologies answer."""
    if min(asked.fetch or 0, asked.offset or 0) < 0:
        raise Malformed("fetch and offset are not negative.")
    query = Query(text, asked.query_parameters, asked.fetch, asked.offset, asked.extensions)
    query = await asked_aside.with_answers(query, here.value_sets)
    return query if asked.ehr_id is None else single_ehr.within(query, asked.ehr_id)


async def _run_stored(
    request: Request, caller: Caller, here: Organisation, asked: Asked, name: str,
    version: str | None,
) -> Response:  # fmt: skip
    def find() -> StoredQuery:
        with here.engine.connect() as connection:
            return stored_queries.get(connection, name, version)

    stored = await run_sync(find)
    return await _answer(request, caller, here, asked, stored.q, f"{stored.name}/{stored.number}")


async def _answer(
    request: Request, caller: Caller, here: Organisation, asked: Asked, text: str,
    name: str | None = None,
) -> Response:  # fmt: skip
    media = media_of(request)
    query = await _query(here, asked, text)
    accesses.note(request, [accesses.EVERY if asked.ehr_id is None else UUID(asked.ehr_id)])
    sent = Sent(request, here, caller, text, asked.fetch, asked.offset, name)
    try:
        with span("query"):
            if media is Media.JSON:
                return await result_set(sent, query)
            return await stream(sent, query, media)
    except psycopg.errors.QueryCanceled:
        raise QueryTimeout from None
