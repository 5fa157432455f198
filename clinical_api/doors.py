"""What stands around every route, so that none can forget it.

- A refused attempt to write leaves a line in the commit log before it is answered.
- An error is written in XML for a client that asked for XML; an unknown route names its path.
- HEAD is GET without the body, OPTIONS tells the methods, an unknown method is 501.
- ETags are weak where the settings say so.
"""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID
from xml.sax.saxutils import escape

import msgspec
import psycopg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clinical_api.deps import Organisation
from clinical_api.formats import XML_DECLARATION, Format
from clinical_api.refusals import NOBODY, Refusal, found_kinds, logging
from clinical_api.routes.negotiation import BASE, CANONICAL, best_form
from clinical_api.settings import Settings
from moiety import __version__
from moiety.kit import auth
from moiety.kit.errors import NotFound, NotSupported, ServiceError, Unavailable
from moiety.kit.problems import rendered

_KNOWN = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_WRITES = frozenset({"POST", "PUT", "DELETE"})
_WRITE_DOOR = re.compile(r".*/ehr(?:/\{ehr_id\}(?:/([a-z_]+).*)?)?")
_KINDS = {None: "ehr", "directory": "folder"}


class Doors:
    """ASGI middleware: the outermost of the service."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self._routes: list[tuple[re.Pattern[str], str]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"]
        if method == "OPTIONS":
            await self._options(scope)(scope, receive, send)
        elif method not in _KNOWN:
            await rendered(scope, NotSupported("There is no such method."))(scope, receive, send)
        elif method == "HEAD":
            # A copy: the server looks into its own scope to know that no body follows.
            as_get = {**scope, "method": "GET"}
            await self._serve(as_get, receive, _without_body(send))
            scope["route"] = as_get.get("route")
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Errors are held until they are whole; all else passes."""
        held: list[Message] = []
        weak = self.settings.etag == "weak"

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                held.append(message)
                return
            if held:
                held.append(message)
                if not message.get("more_body"):
                    await self._refused(scope, held, receive, send)
                return
            if weak and message["type"] == "http.response.start":
                _weaken(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, watch)

    async def _refused(
        self, scope: Scope, held: list[Message], receive: Receive, send: Send
    ) -> None:
        status: int = held[0]["status"]
        headers = MutableHeaders(raw=list(held[0]["headers"]))
        body = b"".join(one.get("body", b"") for one in held[1:])
        told = _told(body, headers)
        try:
            if told is not None:
                await _log(scope, status, told)
        except (psycopg.Error, ServiceError) as error:
            structlog.get_logger().error("refusal not logged", error_kind=type(error).__name__)
            response = rendered(scope, Unavailable())
        else:
            if told is not None:
                body = self._rewritten(scope, headers, told)
            if status == HTTPStatus.METHOD_NOT_ALLOWED:
                headers["allow"] = ", ".join(self._methods(scope))
            headers["content-length"] = str(len(body))
            response = Response(body, status)
            response.raw_headers = headers.raw
        await response(scope, receive, send)

    def _rewritten(self, scope: Scope, headers: MutableHeaders, told: dict[str, Any]) -> bytes:
        """The error as this client is told it."""
        if told["code"] == "NotFound" and "route" not in scope:
            told["message"] = f"No resource found at path: {_path(scope)}"
        if self.settings.etag == "weak":
            _weaken(headers)
        if not _wants_xml(scope):
            return msgspec.json.encode(told)
        headers["content-type"] = Format.XML.value
        return _xml(told)

    def _options(self, scope: Scope) -> Response:
        methods = self._methods(scope)
        path = scope["path"]
        if path.rstrip("/").endswith(BASE):
            about = {
                "solution": "Moiety",
                "solution_version": __version__,
                "vendor": "The Moiety authors",
                "restapi_specs_version": "1.0.3",
                "conformance_profile": "CUSTOM",
                "endpoints": ["/ehr", "/definition", "/query"],
            }
            methods = sorted({m for _, m in self._table(scope)} | {"HEAD", "OPTIONS"})
            return Response(
                msgspec.json.encode(about),
                headers={"Allow": ", ".join(methods)},
                media_type="application/json",
            )
        if not methods:
            return rendered(scope, NotFound(f"No resource found at path: {_path(scope)}"))
        return Response(status_code=204, headers={"Allow": ", ".join(methods)})

    def _methods(self, scope: Scope) -> list[str]:
        """The methods of the resource at the request's path; none where there is none."""
        path = scope["path"]
        found = {method for pattern, method in self._table(scope) if pattern.fullmatch(path)}
        if "GET" in found:
            found.add("HEAD")
        return sorted(found | {"OPTIONS"}) if found else []

    def _table(self, scope: Scope) -> list[tuple[re.Pattern[str], str]]:
        if self._routes is None:
            self._routes = list(_routes(scope["app"]))
        return self._routes


def _routes(app: FastAPI) -> Iterable[tuple[re.Pattern[str], str]]:
    for route in iter_route_contexts(app.routes):
        if route.path is None:
            continue
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route.path)))
        for method in route.methods or ():
            yield pattern, method


def _without_body(send: Send) -> Send:
    async def bare(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return bare


def _weaken(headers: MutableHeaders) -> None:
    if "etag" in headers and not headers["etag"].startswith("W/"):
        headers["etag"] = f"W/{headers['etag']}"


def _told(body: bytes, headers: Headers) -> dict[str, Any] | None:
    """The error as it is told, where it is one of ours."""
    if not headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        told = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    return told if isinstance(told, dict) and "code" in told else None


def _wants_xml(scope: Scope) -> bool:
    request = Request(scope)
    named = request.query_params.get("format", "").upper()
    if named in Format.__members__:
        return named == "XML"
    return best_form(request.headers.get("accept"), CANONICAL) is Format.XML


def _xml(told: Mapping[str, Any]) -> bytes:
    return XML_DECLARATION + f"<Map>{''.join(_elements(told))}</Map>".encode()


def _elements(told: Mapping[str, Any]) -> Iterable[str]:
    for name, value in told.items():
        for one in value if isinstance(value, list) else [value]:
            inner = "".join(_elements(one)) if isinstance(one, dict) else escape(str(one))
            yield f"<{name}>{inner}</{name}>"


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix("/ehrbase").lstrip("/")


async def _log(scope: Scope, status: int, told: Mapping[str, Any]) -> None:
    """A refused attempt to write, of a caller who is known."""
    template = getattr(scope.get("route"), "path", None) or ""
    door = _WRITE_DOOR.fullmatch(template)
    if scope["method"] not in _WRITES or door is None or status == 401 or status >= 500:
        return
    header = Headers(scope=scope).get("authorization")
    here: Organisation = scope["app"].state.here[auth.organisation_of(header)]
    refusal = Refusal(
        ehr_id=_ehr_id(scope),
        key_id=auth.key_id_of(header),
        door=f"{scope['method']} {template}",
        kind=_KINDS.get(door[1], door[1]),
        outcome=str(told["code"]),
        findings=found_kinds(told.get("validationErrors", ())),
    )
    await here.commits.run(logging(refusal))


def _ehr_id(scope: Scope) -> UUID:
    try:
        return UUID(scope.get("path_params", {}).get("ehr_id", ""))
    except ValueError:
        return NOBODY
