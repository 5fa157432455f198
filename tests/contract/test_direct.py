"""The table of direct routes serves what FastAPI would have served."""

import asyncio
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response

from moiety.kit.direct import Direct, DirectLanes, _pattern


async def _caller(request: Request) -> str:
    return request.headers.get("authorization", "nobody")


def _service(*, table: bool) -> FastAPI:
    app = FastAPI()
    router = APIRouter(prefix="/things", route_class=Direct)

    @router.get("/{thing}/parts/{part}")
    async def get(
        request: Request,
        thing: str,
        part: str,
        caller: Annotated[str, Depends(_caller)],
        prefer: Annotated[str | None, Header(alias="Prefer")] = None,
    ) -> Response:
        lane = "table" if "fastapi_inner_astack" not in request.scope else "fastapi"
        told = f"{request.method} {thing} {part} {caller} {prefer}"
        return Response(told, headers={"X-Lane": lane})

    app.include_router(router, prefix="/api")
    if table:
        app.add_middleware(DirectLanes, of=app)
    return app


def _ask(app, method, path, headers=()):
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "headers": list(headers), "scheme": "http",
        "server": ("h", 80), "client": ("c", 1), "http_version": "1.1",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    told = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], told.get("x-lane"), body


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/api/things/a/parts/b", [(b"authorization", b"me"), (b"prefer", b"x")]),
        ("GET", "/api/things/a b/parts/é", []),
        ("GET", "/api/things/a/parts/b/", []),
        ("GET", "/api/things//parts/b", []),
        ("GET", "/api/things/a/parts/b/c", []),
        ("POST", "/api/things/a/parts/b", []),
        ("HEAD", "/api/things/a/parts/b", []),
        ("GET", "/things/a/parts/b", []),
    ],
)
def test_the_table_answers_as_fastapi_does(method, path, headers):
    """Status and body are the same with the table and without it."""
    with_table = _ask(_service(table=True), method, path, headers)
    without = _ask(_service(table=False), method, path, headers)
    assert (without[0], without[2]) == (with_table[0], with_table[2])


def test_a_direct_route_is_served_by_the_table():
    """The control: what is compared above really took two ways."""
    lanes = [_ask(_service(table=t), "GET", "/api/things/a/parts/b")[1] for t in (True, False)]
    assert ["table", "fastapi"] == lanes


def test_an_argument_of_unknown_origin_stops_the_service():
    """An endpoint that asks for what only FastAPI can find is refused by name."""
    app = FastAPI()
    router = APIRouter(route_class=Direct)

    @router.get("/{thing}")
    async def get(thing: str, limit: int = 3) -> Response:
        return Response(thing * limit)

    app.include_router(router)
    app.add_middleware(DirectLanes, of=app)
    with pytest.raises(TypeError, match="where does limit come from"):
        _ask(app, "GET", "/x")


def test_a_pattern_takes_the_rest_of_the_path_literally():
    """A point in a path is a point."""
    assert _pattern("/adl1.4/{id}").fullmatch("/adl1.4/x")
    assert not _pattern("/adl1.4/{id}").fullmatch("/adl1x4/x")
