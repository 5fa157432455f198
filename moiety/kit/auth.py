"""The caller of a request, and what the caller may do.

Every route carries a `Require`: `moiety.kit.app` refuses to start a service with a route that does
not, so a forgotten check is a failed start, not an open door.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Request

from moiety.kit import credentials, database
from moiety.kit.credentials import Caller
from moiety.kit.database import Organisations
from moiety.kit.errors import Forbidden, Unauthenticated


@dataclass(frozen=True)
class Require:
    """A dependency: the caller holds a valid key with `scope`.

    Raises Unauthenticated (401) without a valid key and Forbidden (403) without the scope.
    """

    scope: str

    async def __call__(self, request: Request) -> Caller:
        """The caller of `request`."""
        if "authorization" not in request.headers and request.url.query.find("mty_") >= 0:
            raise Unauthenticated(
                "A key in a URL ends up in logs: send it as a header, and revoke it."
            )
        caller = await identify(request)
        if self.scope not in caller.scopes:
            raise Forbidden(f"This key lacks the scope {self.scope}.")
        return caller


async def identify(request: Request, *, header: str = "authorization") -> Caller:
    """The caller behind the request's key, or behind another header's.  Raises Unauthenticated."""
    token = credentials.parse(request.headers.get(header))
    organisations: Organisations = request.app.state.organisations
    row = await organisations.keys(token.organisation).find(token.key_id)
    return credentials.verify(token, row)


async def engine_of(request: Request) -> sa.Engine:
    """The engine of the organisation that the request's key names."""
    token = credentials.parse(request.headers.get("authorization"))
    engine: sa.Engine = request.app.state.organisations.engine(token.organisation)
    return engine


def writer(engine: Annotated[sa.Engine, Depends(engine_of)]) -> Iterator[sa.Connection]:
    """A connection whose transaction is committed before the response."""
    yield from database.write(engine)


def reader(engine: Annotated[sa.Engine, Depends(engine_of)]) -> Iterator[sa.Connection]:
    """A connection that only reads."""
    yield from database.read(engine)


Writer = Annotated[
    sa.Connection, Depends(writer, scope="function", max_concurrency=database.WRITERS)
]
Reader = Annotated[
    sa.Connection, Depends(reader, scope="function", max_concurrency=database.READERS)
]
Engine = Annotated[sa.Engine, Depends(engine_of)]
