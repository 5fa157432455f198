"""The short way to the routes that carry the load.

FastAPI declares every route: its OpenAPI page, its Require, its place in the tree.  Solving the
dependencies of a request costs it about as long as reading a document, though, so a router made
with `route_class=Direct` is served by a plain table in front of FastAPI's: one match, then the
endpoint with arguments whose sources were worked out at start.  Whatever the table does not hold
(another method, another path) goes on to FastAPI.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fastapi import FastAPI, Request, Response
from fastapi.params import Depends, Header
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

from moiety.kit.auth import Require

Source = Callable[[Request], Any]


class Direct(APIRoute):
    """A route that is also served by the table.

    Its endpoint is a coroutine function that returns a Response, and takes only: the request, parts
    of the path as text, headers, and dependencies that are functions of the request alone.
    """


@dataclass(frozen=True, slots=True)
class _Lane:
    method: str
    pattern: re.Pattern[str]
    endpoint: Callable[..., Awaitable[Response]]
    direct: tuple[tuple[str, Source], ...]
    awaited: tuple[tuple[str, Source], ...]
    route: Any


class DirectLanes:
    """ASGI middleware: the table.  It must stand inside what answers errors."""

    def __init__(self, app: ASGIApp, of: FastAPI) -> None:
        self.app = app
        self.of = of
        self._lanes: tuple[_Lane, ...] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or hand it on."""
        if scope["type"] == "http":
            if self._lanes is None:
                self._lanes = tuple(_lanes(self.of))
            path, method = scope["path"], scope["method"]
            for lane in self._lanes:
                if lane.method == method and (found := lane.pattern.fullmatch(path)):
                    scope["path_params"] = found.groupdict()
                    scope["route"] = lane.route
                    await _serve(lane, Request(scope, receive, send))
                    return
        await self.app(scope, receive, send)


async def _serve(lane: _Lane, request: Request) -> None:
    arguments = {}
    for name, source in lane.awaited:
        arguments[name] = await source(request)
    for name, source in lane.direct:
        arguments[name] = source(request)
    response = await lane.endpoint(**arguments)
    await response(request.scope, request.receive, request._send)  # noqa: SLF001  as Starlette's own request_response does


def _lanes(app: FastAPI) -> Iterable[_Lane]:
    for context in iter_route_contexts(app.routes):
        endpoint, path = context.endpoint, context.path
        if not isinstance(context.original_route, Direct) or endpoint is None or path is None:
            continue
        sources = list(_sources(endpoint))
        # Whoever may not call is refused before anything of the call is read.
        sources.sort(key=lambda source: not isinstance(source[1], Require))
        for method in context.methods or ():
            yield _Lane(
                method=method,
                pattern=_pattern(path),
                endpoint=endpoint,
                direct=tuple((n, s) for n, s, awaited in sources if not awaited),
                awaited=tuple((n, s) for n, s, awaited in sources if awaited),
                route=context,
            )


def _pattern(path: str) -> re.Pattern[str]:
    """The path's template as FastAPI reads it: a parameter is one segment."""
    parts = re.split(r"\{(\w+)\}", path)
    return re.compile(
        "".join(
            f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
    )


def _sources(endpoint: Callable[..., Any]) -> Iterable[tuple[str, Source, bool]]:
    """(parameter, where it comes from, whether that is awaited).  Raises TypeError."""
    hints = get_type_hints(endpoint, include_extras=True)
    for name in inspect.signature(endpoint).parameters:
        hint = hints[name]
        if hint is Request:
            yield name, _itself, False
        elif get_origin(hint) is Annotated:
            yield name, *_declared(endpoint, name, get_args(hint)[1:])
        elif hint is str:
            yield name, _segment(name), False
        else:
            raise _unknown(endpoint, name)


def _declared(
    endpoint: Callable[..., Any], name: str, declared: tuple[Any, ...]
) -> tuple[Source, bool]:
    match declared:
        case [Depends(dependency=call)] if call is not None:
            return call, inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
                getattr(call, "__call__", None)  # noqa: B004  an instance like Require, whose call is a coroutine
            )
        case [Header(alias=alias)] if alias:
            return _header(alias), False
    raise _unknown(endpoint, name)


def _unknown(endpoint: Callable[..., Any], name: str) -> TypeError:
    return TypeError(f"{endpoint.__qualname__} is no direct endpoint: where does {name} come from?")


def _itself(request: Request) -> Request:
    return request


def _segment(name: str) -> Source:
    return lambda request: request.path_params[name]


def _header(alias: str) -> Source:
    return lambda request: request.headers.get(alias)
