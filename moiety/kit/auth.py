"""The caller of a request, and what the caller may do.

Every route carries a `Require`: `moiety.kit.app` refuses to start a service with a route that does
not, so a forgotten check is a failed start, not an open door.  A credential is an API key or, where
the service checks them, a user token.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Request

from moiety.kit import credentials, database, user_tokens
from moiety.kit.credentials import Caller
from moiety.kit.database import Organisations
from moiety.kit.errors import Forbidden, Unauthenticated
from moiety.kit.user_tokens import UserTokens


@dataclass(frozen=True)
class Require:
    """A dependency: the caller holds a valid credential with `scope`, or with one of `others`.

    Raises Unauthenticated (401) without a valid one and Forbidden (403) without the scope.
    """

    scope: str
    others: frozenset[str] = frozenset()

    async def __call__(self, request: Request) -> Caller:
        """The caller of `request`."""
        if "authorization" not in request.headers and _has_credential(request.url.query):
            raise Unauthenticated(
                "A key in a URL ends up in logs: send it as a header, and revoke it."
            )
        caller = await identify(request)
        if self.scope not in caller.scopes and not self.others & caller.scopes:
            what = "key" if caller.token_id is None else "user"
            raise Forbidden(f"This {what} lacks the scope {self.scope}.")
        request.scope[credentials.CALLER] = caller
        return caller


async def identify(request: Request, *, header: str = "authorization") -> Caller:
    """The caller behind the request's credential, or behind another header's.

    Raises Unauthenticated.
    """
    given = request.headers.get(header)
    if (text := _token(given)) is not None:
        tokens: UserTokens | None = request.app.state.user_tokens
        if tokens is None:
            raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
        return await tokens.verify(text)
    token = credentials.parse(given)
    organisations: Organisations = request.app.state.organisations
    row = await organisations.keys(token.organisation).find(token.key_id)
    source = request.client.host if request.client else None
    caller = credentials.verify(token, row, source=source)
    if row is not None and credentials.is_first_use(row):
        organisations.note_use(token.organisation, token.key_id)
    if row is not None and header == "authorization":
        request.scope[credentials.BESIDE] = row[credentials.COLUMNS :]
    return caller


def organisation_of(header: str | None) -> str:
    """The organisation that a credential names, before it is believed.  Raises Unauthenticated."""
    if (text := _token(header)) is not None:
        return user_tokens.organisation_of(text)
    return credentials.parse(header).organisation


def key_id_of(header: str | None) -> str:
    """What a credential calls itself, as `Caller.key_id` does.  Raises Unauthenticated."""
    if (text := _token(header)) is not None:
        return f"user-{user_tokens.peek(text, 1).get('sub', '')}"[:60]
    return credentials.parse(header).key_id


async def engine_of(request: Request) -> sa.Engine:
    """The engine of the organisation that the request's credential names."""
    organisation = organisation_of(request.headers.get("authorization"))
    engine: sa.Engine = request.app.state.organisations.engine(organisation)
    return engine


def writer(engine: Annotated[sa.Engine, Depends(engine_of)]) -> Iterator[sa.Connection]:
    """A connection whose transaction is committed before the response."""
    yield from database.write(engine)


def reader(engine: Annotated[sa.Engine, Depends(engine_of)]) -> Iterator[sa.Connection]:
    """A connection that only reads."""
    yield from database.read(engine)


def _token(header: str | None) -> str | None:
    """The user token of a header, if that is what it holds."""
    scheme, _, text = (header or "").partition(" ")
    text = text.strip()
    return text if scheme.lower() == "bearer" and user_tokens.is_token(text) else None


def _has_credential(query: str) -> bool:
    return "mty_" in query or "access_token=" in query


Writer = Annotated[
    sa.Connection, Depends(writer, scope="function", max_concurrency=database.WRITERS)
]
Reader = Annotated[
    sa.Connection, Depends(reader, scope="function", max_concurrency=database.READERS)
]
Engine = Annotated[sa.Engine, Depends(engine_of)]
