"""The application factory that every service shares."""

import gc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from typing import TYPE_CHECKING

import anyio.to_thread
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.datastructures import State
from starlette.routing import BaseRoute

from moiety import __version__
from moiety.kit import logs, problems
from moiety.kit.accesses import AccessDoor
from moiety.kit.auth import Require
from moiety.kit.bodies import BodyLimit
from moiety.kit.database import READERS, WRITERS, Organisations
from moiety.kit.direct import DirectLanes
from moiety.kit.errors import Unavailable
from moiety.kit.settings import SettingsError
from moiety.kit.telemetry import Telemetry, trace_id
from moiety.kit.user_tokens import UserTokens

if TYPE_CHECKING:
    from moiety.kit.collector import Collector

_SELDOM = (50_000, 20, 50)
WhileRunning = Sequence[
    Callable[[FastAPI], AbstractContextManager[object] | AbstractAsyncContextManager[object]]
]


def tree(*routers: APIRouter) -> Sequence[BaseRoute]:
    """The routes of a service, with health, readiness and metrics.

    Make it once in a process: FastAPI works out the parameters of each route when they are first
    asked for and keeps them with the tree, which is most of what a start costs.
    """
    whole = APIRouter()
    for router in (*routers, _operations()):
        whole.include_router(router)
    return tuple(whole.routes)


_NO_TELEMETRY_BUT_OURS: TelemetryConfig = {
    "auto_configure": False,
    "tracing": False,
    "metrics": False,
    "logs": False,
}
"""FastAPI's own would send paths, and with them ids, and the texts of errors to any collector that
the environment names, and carry on the trace of another service."""


def create(
    title: str,
    *,
    service: str,
    organisations: Organisations,
    keys: sa.Table,
    routes: Sequence[BaseRoute],
    threads: int,
    body_limit: int,
    while_running: WhileRunning = (),
    open_paths: frozenset[str] = frozenset(),
    render: problems.Render = problems.answer,
    traces_url: str | None = None,
    streamed_paths: frozenset[str] = frozenset(),
    user_tokens: UserTokens | None = None,
    records: str = "",
) -> FastAPI:
    """A service: its routes, made by `tree`, under the one error shape.

    `while_running` are context managers entered at start and left at stop (queues, workers).
    `open_paths` need no key; every other route must carry a Require, or this raises TypeError.
    `traces_url`: the OpenTelemetry collector that spans go to, if any.
    `streamed_paths`: their routes take bodies of any length, piece by piece.
    `user_tokens`: how tokens of people are checked; without it only API keys are.
    `records`: what paths call a record, where reads are logged; logs are set later, in
    `app.state.access_logs`.
    `render` answers errors where a field has a form of its own for them (FHIR).
    """
    _demand_threads(threads)
    collector = _collector(service, traces_url) if traces_url else None
    app = FastAPI(
        telemetry=_NO_TELEMETRY_BUT_OURS,
        title=title,
        version=__version__,
        lifespan=_lifespan(service, organisations, while_running, threads, collector),
        redirect_slashes=False,
        docs_url=None,  # its pages load scripts from elsewhere; /openapi.json is there for any tool
        redoc_url=None,
        routes=list(routes),
    )
    registry = CollectorRegistry()
    _keep(app.state, organisations, keys, registry, render, user_tokens)
    _demand_keys(app, open_paths | {"/health", "/ready", "/metrics"})
    app.add_middleware(DirectLanes, of=app)
    if records:
        app.add_middleware(AccessDoor, parameter=records)
    problems.install(app)
    app.add_middleware(BodyLimit, limit=body_limit, streamed=streamed_paths)
    app.add_middleware(Telemetry, registry=registry, collector=collector)
    return app


def _keep(
    state: State,
    organisations: Organisations,
    keys: sa.Table,
    registry: CollectorRegistry,
    render: problems.Render,
    user_tokens: UserTokens | None,
) -> None:
    """What doors find in the state of the app; logs and conditions are set later."""
    state.organisations = organisations
    state.keys = keys
    state.registry = registry
    state.render = render
    state.user_tokens = user_tokens
    state.access_logs = {}
    state.conditions = {}


def _lifespan(
    service: str,
    organisations: Organisations,
    while_running: WhileRunning,
    threads: int,
    collector: "Collector | None",
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = threads
        logs.configure(service)
        _spare_the_collector()
        async with AsyncExitStack() as stack:
            for entered in while_running:
                part = entered(app)
                if isinstance(part, AbstractAsyncContextManager):
                    await stack.enter_async_context(part)
                else:
                    stack.enter_context(part)
            yield
        await organisations.close()
        if collector:
            await anyio.to_thread.run_sync(collector.close)

    return lifespan


def _operations() -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/health")
    def health() -> dict[str, str]:
        """The process runs."""
        return {"status": "up"}

    @router.get("/ready")
    def ready(request: Request) -> dict[str, str]:
        """Every database answers; 503 if one does not.  What else there is to say stands beside."""
        organisations: Organisations = request.app.state.organisations
        for name in organisations:
            with organisations.engine(name).connect() as connection:
                if connection.scalar(sa.select(1)) != 1:
                    raise Unavailable
        conditions: Mapping[str, Callable[[], str]] = request.app.state.conditions
        return {"status": "ready"} | {name: said() for name, said in conditions.items()}

    @router.get("/metrics")
    def metrics(request: Request) -> Response:
        """Prometheus metrics: counts and durations by route template, no record value."""
        return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _spare_the_collector() -> None:
    """Let the garbage collector look at what lives on more seldom.

    A request's document is thousands of objects without a cycle among them; at the default
    thresholds each request would have them, and all compiled templates, searched for one.
    Once in a process: what is frozen is never given back.
    """
    if gc.get_threshold() == _SELDOM:
        return
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SELDOM)


def _collector(service: str, url: str) -> "Collector":
    try:
        from moiety.kit.collector import Collector  # noqa: PLC0415  an extra that few install
    except ImportError:
        raise SettingsError(
            "TRACES_URL is set, but OpenTelemetry is not installed: pip install 'moiety[traces]'."
        ) from None
    return Collector(service, url, trace_id)


def _demand_threads(threads: int) -> None:
    if threads <= READERS + WRITERS:
        raise SettingsError(f"THREADS must be more than {READERS + WRITERS}.")


def _demand_keys(app: FastAPI, open_paths: frozenset[str]) -> None:
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        if dependant is None or route.path in open_paths:
            continue  # the OpenAPI page and its like have no dependant and reveal no record
        if not _requires_key(dependant):
            raise TypeError(f"{route.path} has no Require: every route names the scope it needs")


def _requires_key(dependant: Dependant) -> bool:
    return isinstance(dependant.call, Require) or any(
        _requires_key(child) for child in dependant.dependencies
    )
