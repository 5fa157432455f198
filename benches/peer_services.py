"""Services that Moiety's own is measured against over HTTP; see peers.py for what they store.

Each is a factory for uvicorn: `uvicorn --factory peer_services:raw_app`.
"""

import asyncio
import hashlib
import os
import secrets
import threading
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID, uuid4

import psycopg
import sqlalchemy as sa
from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, Request, Response
from peers import RAW, NodeCommit, node_commit, write_one, write_pipelined

from clinical_api import compositions, tables
from clinical_api.app import create_app
from clinical_api.compositions import Prepared, Written
from clinical_api.routes import composition as route
from moiety.kit import auth, credentials
from moiety.kit.commits import Commit
from moiety.openehr.canonical import encode


def raw_app() -> FastAPI:
    """The floor: the same framework, no key, no check, one INSERT of the bytes per request."""
    free: asyncio.Queue[psycopg.AsyncConnection[Any]] = asyncio.Queue()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:
        for _ in range(16):
            url = os.environ["BENCH_URL"]
            free.put_nowait(await psycopg.AsyncConnection.connect(url, autocommit=True))
        yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/openehr/v1/ehr/{ehr_id}/composition", status_code=201)
    async def store(request: Request, ehr_id: str) -> Response:
        body = await request.body()
        connection = await free.get()
        try:
            await connection.execute(RAW, (UUID(ehr_id), uuid4(), body))
        finally:
            free.put_nowait(connection)
        return Response(status_code=201)

    return app


def raw_threads_app() -> FastAPI:
    """The same floor with a thread and a connection of its own for each request under way."""
    local = threading.local()
    app = FastAPI()

    async def body(request: Request) -> bytes:
        return await request.body()

    @app.post("/openehr/v1/ehr/{ehr_id}/composition", status_code=201)
    def store(ehr_id: str, text: Annotated[bytes, Depends(body)]) -> Response:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(os.environ["BENCH_URL"], autocommit=True)
        local.connection.execute(RAW, (UUID(ehr_id), uuid4(), text))
        return Response(status_code=201)

    return app


def node_app() -> FastAPI:
    """Our service with node rows below: the same keys, checks and screen; a transaction each."""
    local = threading.local()

    def write(commit: NodeCommit) -> Written:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(os.environ["BENCH_URL"])
        write_pipelined(local.connection, commit)
        return _written(commit)

    async def commit(_here: Any, made: NodeCommit, _place: str | None = None) -> Written:
        return await run_sync(write, made)

    compositions.create = _node_commit
    route._commit = commit  # noqa: SLF001  the route's way to commit is what is exchanged
    return create_app()


def node_queue_app() -> FastAPI:
    """As node_app, with one statement a composition and our commit queue."""

    def create(ehr_id: UUID, prepared: Prepared, _settings: Any, *, audit: Any) -> Commit:
        made = _node_commit(ehr_id, prepared, _settings, audit=audit)

        def run(connection: psycopg.Connection[Any]) -> Written:
            write_one(connection, made)
            return _written(made)

        return Commit(ehr_id, run, lambda _connection: None)

    compositions.create = create
    return create_app()


def _node_commit(ehr_id: UUID, prepared: Prepared, _settings: Any, *, audit: Any) -> NodeCommit:
    del audit  # node rows carry a fixed one
    return node_commit(ehr_id, encode(prepared.composition), prepared.known.template_key)


def _written(commit: NodeCommit) -> Written:
    return Written(f"{commit.vo_id}::moiety.local::1", commit.vo_id, 1, None)


# --- ways to check a key ---------------------------------------------------------------------


def remembered_key_app() -> FastAPI:
    """Our service with the check of a key remembered in the process, on the event loop."""

    def require(scope: str) -> Any:
        async def caller(request: Request) -> credentials.Caller:
            found = _known.get(request.headers.get("authorization", ""))
            return _permitted(found or await run_sync(_look_up, request), scope)

        return caller

    return _overridden(require)


def threaded_key_app() -> FastAPI:
    """The same, but asked in a thread: what the hop alone costs."""

    def require(scope: str) -> Any:
        def caller(request: Request) -> credentials.Caller:
            found = _known.get(request.headers.get("authorization", ""))
            return _permitted(found or _look_up(request), scope)

        return caller

    return _overridden(require)


def pooled_key_app() -> FastAPI:
    """A look-up for each request through the pool of SQLAlchemy: ping, BEGIN, SELECT, ROLLBACK."""

    def require(scope: str) -> Any:
        def caller(request: Request) -> credentials.Caller:
            token = credentials.parse(request.headers.get("authorization"))
            engine = request.app.state.organisations.engine(token.organisation)
            keys = tables.api_key
            with engine.connect() as connection:
                row = connection.execute(sa.select(keys).where(keys.c.key_id == token.key_id)).one()
            digest = hashlib.sha256(token.secret.encode()).digest()
            if not secrets.compare_digest(row.secret_hash, digest):
                raise PermissionError
            scopes = frozenset(row.scopes)
            found = credentials.Caller(token.organisation, row.key_id, scopes, row.user_id)
            return _permitted(found, scope)

        return caller

    return _overridden(require)


_known: dict[str, credentials.Caller] = {}


def _look_up(request: Request) -> credentials.Caller:
    found = _known[request.headers.get("authorization", "")] = auth.identify(request)
    return found


def _permitted(caller: credentials.Caller, scope: str) -> credentials.Caller:
    if scope not in caller.scopes:
        raise PermissionError
    return caller


def _overridden(require: Any) -> FastAPI:
    app = create_app()
    for scope in ("composition:write", "composition:read", "query:read"):
        app.dependency_overrides[auth.Require(scope)] = require(scope)
    return app
