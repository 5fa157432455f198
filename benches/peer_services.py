"""Services that Moiety's own is measured against over HTTP; see peers.py for what they store.

Each is a factory for uvicorn: `uvicorn --factory peer_services:raw_app`.
"""

import asyncio
import os
import threading
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID, uuid4

import psycopg
from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, Request, Response
from peers import ONE, RAW, NodeCommit, node_commit, write_pipelined

from clinical_api import compositions
from clinical_api.app import create_app
from clinical_api.compositions import Prepared, Written
from moiety.kit.commits import Commit, CommitQueue, Step
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

    async def run(_queue: CommitQueue, made: Any) -> Written:
        return await run_sync(write, made)

    compositions.create = _node_commit
    CommitQueue.run = run
    return create_app()


def node_queue_app() -> FastAPI:
    """As node_app, with one statement a composition and our commit queue."""

    def create(ehr_id: UUID, prepared: Prepared, _settings: Any, *, audit: Any) -> Commit:
        made = _node_commit(ehr_id, prepared, _settings, audit=audit)

        step = Step(ONE, made.parameters())
        return Commit(ehr_id, (step,), lambda _rows: None, step, _written(made))

    compositions.create = create
    return create_app()


def _node_commit(ehr_id: UUID, prepared: Prepared, _settings: Any, *, audit: Any) -> NodeCommit:
    del audit  # node rows carry a fixed one
    return node_commit(ehr_id, encode(prepared.composition), prepared.known.template_key)


def _written(commit: NodeCommit) -> Written:
    return Written(f"{commit.vo_id}::moiety.local::1", commit.vo_id, 1, None)
