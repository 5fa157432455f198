"""Request ids and metrics.

A trace id is made here for every request and never taken from, or sent to, another service: an id
that appears in two services' logs would join the halves.  Metrics are labelled with the route's
template, never with the path itself.
"""

import secrets
import time
from contextvars import ContextVar

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_trace: ContextVar[str] = ContextVar("trace", default="")


def trace_id() -> str:
    """The id of the request being served, or an empty text outside one."""
    return _trace.get()


class Telemetry:
    """ASGI middleware: a fresh trace id, a count and a duration for each request."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self.requests = Counter(
            "moiety_requests", "Requests answered", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "moiety_request_seconds", "Time to answer", ("method", "route"), registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Never reset: a request has its own context, and the outermost handler still needs the id.
        _trace.set(secrets.token_hex(8))
        started = time.perf_counter()
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "unrouted")
            self.requests.labels(scope["method"], route, str(status)).inc()
            self.seconds.labels(scope["method"], route).observe(time.perf_counter() - started)
