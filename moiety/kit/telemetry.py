"""Request ids, metrics and the span of each request.

A trace id is made here for every request and never taken from, or sent to, another service: an id
that appears in two services' logs would join the halves.  Metrics are labelled with the route's
template, never with the path itself.
"""

import secrets
import time
from contextvars import ContextVar
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moiety.kit import traces

# A client can send any word as a method, and a word may be a value.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_trace: ContextVar[str] = ContextVar("trace", default="")


def trace_id() -> str:
    """The id of the request being served, or an empty text outside one."""
    return _trace.get()


class Telemetry:
    """ASGI middleware: a fresh trace id, a count and a duration for each request."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry, collector: Any = None) -> None:
        self.app = app
        self.collector = collector
        self.requests = Counter(
            "moiety_requests", "Requests answered", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "moiety_request_seconds", "Time to answer", ("method", "route"), registry=registry
        )
        # By method, route and status, of which there are few: looked up once each.
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Never reset: a request has its own context, and the outermost handler still needs the id.
        _trace.set(secrets.token_hex(16))
        started = time.perf_counter()
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"] if scope["method"] in _METHODS else "other"
        with traces.request_span(self.collector, method) as span:
            try:
                await self.app(scope, receive, watch)
            finally:
                route = getattr(scope.get("route"), "path", None) or "unrouted"
                traces.name_request(span, method=method, route=route, status=status)
                self._count(method, route, status, time.perf_counter() - started)

    def _count(self, method: str, route: str, status: int, seconds: float) -> None:
        found = self._series.get((method, route, status))
        if found is None:
            found = (
                self.requests.labels(method, route, str(status)),
                self.seconds.labels(method, route),
            )
            self._series[method, route, status] = found
        counter, histogram = found
        counter.inc()
        histogram.observe(seconds)
