"""The body of a request, read once and bounded: no route can forget the limit."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moiety.kit.errors import TooLarge
from moiety.kit.problems import rendered


class BodyLimit:
    """ASGI middleware: more than `limit` bytes is 413, whether announced or streamed.

    `streamed` are paths whose routes never hold a body whole, and watch its parts themselves.
    """

    def __init__(self, app: ASGIApp, limit: int, streamed: frozenset[str] = frozenset()) -> None:
        self.app = app
        self.limit = limit
        self.streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in self.streamed:
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdigit() and int(announced) > self.limit:
            await rendered(scope, self._too_large())(scope, receive, send)
            return
        taken = 0

        async def count() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.limit:
                raise self._too_large()
            return message

        await self.app(scope, count, send)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The body is over the limit of {self.limit} bytes.")


async def read_body(request: Request) -> bytes:
    """The whole body; the limit has been watched on the way in."""
    return await request.body()


Body = Annotated[bytes, Depends(read_body)]
