"""What a route asks for.

`Here` is the caller's organisation: its engine, its commit queue, its templates.  The scopes name
what a key may do; each route names one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import Depends, FastAPI, Request

from clinical_api.queries import PlanCache, snapshots
from clinical_api.registry import Registry
from clinical_api.settings import Settings
from moiety.kit import auth, bodies, credentials
from moiety.kit.commits import CommitQueue
from moiety.kit.credentials import Caller
from moiety.kit.errors import NotFound
from moiety.kit.reads import Reads

SCOPES = frozenset(
    {"ehr:create", "ehr:read", "composition:write", "composition:read", "definition:write",
     "definition:read", "query:read"}
)  # fmt: skip

MayOpenEhrs = Annotated[Caller, Depends(auth.Require("ehr:create"))]
MayReadEhrs = Annotated[Caller, Depends(auth.Require("ehr:read"))]
MayCommit = Annotated[Caller, Depends(auth.Require("composition:write"))]
MayRead = Annotated[Caller, Depends(auth.Require("composition:read"))]
MayDefine = Annotated[Caller, Depends(auth.Require("definition:write"))]
MayReadDefinitions = Annotated[Caller, Depends(auth.Require("definition:read"))]
MayQuery = Annotated[Caller, Depends(auth.Require("query:read"))]
Body = bodies.Body
Reader = auth.Reader
Writer = auth.Writer


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation's side of this process."""

    engine: sa.Engine
    snapshots: sa.Engine
    reads: Reads
    commits: CommitQueue
    registry: Registry
    plans: PlanCache
    settings: Settings


async def here(request: Request) -> Organisation:
    """The organisation that the request's key names; no database is asked."""
    token = credentials.parse(request.headers.get("authorization"))
    request.app.state.organisations.engine(token.organisation)
    found: Organisation = request.app.state.here[token.organisation]
    return found


Here = Annotated[Organisation, Depends(here)]


@contextmanager
def organisations(app: FastAPI, settings: Settings) -> Iterator[None]:
    """What every organisation has here, for as long as the service runs."""
    engines = {name: app.state.organisations.engine(name) for name in app.state.organisations}
    app.state.here = {
        name: Organisation(
            engine,
            snapshots(engine),
            app.state.organisations.reads(name),
            app.state.organisations.commits(name),
            Registry(),
            PlanCache(),
            settings,
        )
        for name, engine in engines.items()
    }
    yield


def uuid_or_not_found(text: str, kind: str) -> UUID:
    """A path's id.  What is no UUID names nothing here, so it is 404 and not 400."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"There is no {kind} of this id.") from None


def audit_of(caller: Caller, settings: Settings) -> dict[str, Any]:
    """AUDIT_DETAILS of a change made through a key: the key stands for the committer."""
    return {
        "system_id": settings.system_id,
        "committer": {"_type": "PARTY_IDENTIFIED", "name": f"API key {caller.key_id}"},
    }
