"""The one place that turns an error into an answer.

`{"error": reason phrase, "message": text, "code": stable name, "trace_id": …}`, with
`validationErrors` where there are findings.  An error that is not ours shows nothing but the
trace id: neither a stack trace nor the input, whatever the exception's text holds.
"""

import traceback
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import sqlalchemy.exc as sa_exc
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moiety.kit import errors
from moiety.kit.telemetry import trace_id

# What a replica says to a write, or to a lock that it cannot take.
_READS_ONLY = (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.FeatureNotSupported)
_HTTP = {
    HTTPStatus.NOT_FOUND: errors.NotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: errors.MethodNotAllowed,
    HTTPStatus.BAD_REQUEST: errors.Malformed,
}


def body(error: errors.ServiceError) -> dict[str, Any]:
    """The one shape."""
    shape: dict[str, Any] = {
        "error": error.status.phrase,
        "message": error.message,
        "code": error.code,
        "trace_id": trace_id(),
    }
    if error.findings:
        shape["validationErrors"] = error.findings
    return shape


Render = Callable[[errors.ServiceError, str], Response]
"""An error and the request's path → the answer: a service may have a field's own form for one."""


def answer(error: errors.ServiceError, _path: str) -> Response:
    """`error` in the one shape."""
    return Response(
        msgspec.json.encode(body(error)),
        status_code=error.status,
        media_type="application/json",
        headers=error.headers,
    )


def translate(error: Exception) -> errors.ServiceError:
    """Our error for any exception; what we do not know becomes a silent Defect."""
    match error:
        case errors.ServiceError():
            return error
        case RequestValidationError():
            # FastAPI would echo the input; the place and the kind of fault are enough.
            places = [
                {"path": ".".join(str(p) for p in e["loc"]), "rule": e["type"]}
                for e in error.errors()
            ]
            return errors.Malformed("A parameter is missing or of the wrong kind.", findings=places)
        case HTTPException():
            kind = _HTTP.get(HTTPStatus(error.status_code), errors.Malformed)
            return kind(headers=dict(error.headers or {}))
        case sa_exc.DBAPIError() if isinstance(error.orig, psycopg.errors.QueryCanceled):
            return errors.QueryTimeout()
        case _ if isinstance(getattr(error, "orig", error), _READS_ONLY):
            return errors.Unavailable("This service reads from a replica, which takes no writes.")
        case _ if type(getattr(error, "orig", error)) is psycopg.DataError:
            # The driver itself refuses a text, before the server sees it: one that holds a NUL.
            return errors.Malformed("A text of the request holds a character that none may hold.")
        case sa_exc.TimeoutError() | sa_exc.OperationalError() | psycopg.OperationalError():
            return errors.Unavailable()
    return errors.Defect()


def place_of(error: BaseException) -> str:
    """File and line where an exception was raised: the part of a trace that holds no value."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"


def install(app: FastAPI) -> None:
    """Answer every exception of `app` in the one shape."""

    async def handle(request: Request, error: Exception) -> Response:
        return rendered(request.scope, error)

    for kind in (errors.ServiceError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)
    app.add_middleware(Defects)


class Defects:
    """ASGI middleware: an exception that no handler knew is answered here and goes no further.

    Starlette's own outermost handler would raise it again for the server to print, with the values
    of the record that it was about.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception as error:  # noqa: BLE001  the renderer is where unknown errors end
            response = rendered(scope, error)
            if not started and scope["type"] == "http":
                await response(scope, receive, send)


def rendered(scope: Scope, error: Exception) -> Response:
    """The answer to `error` in the form of the service that it happened in; ours is logged."""
    ours = translate(error)
    if ours.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        structlog.get_logger().error(
            "request failed",
            code=ours.code,
            error_kind=type(error).__name__,
            place=place_of(error),
            trace_id=trace_id(),
        )
    render: Render = scope["app"].state.render
    return render(ours, scope.get("path", ""))
