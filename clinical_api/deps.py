"""What a route asks for.

`Here` is the caller's organisation: its engine, its commit queue, its templates.  The scopes name
what a key may do; each route names one.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import Depends, FastAPI, Request
from psycopg.errors import UniqueViolation

from clinical_api import audits
from clinical_api.audits import Audit
from clinical_api.events.tails import Pulse
from clinical_api.own_words import OwnWords
from clinical_api.population import Population, populations
from clinical_api.projects import Projects
from clinical_api.queries import PlanCache, snapshots
from clinical_api.registry import Registry
from clinical_api.rescreening import keep_screened
from clinical_api.settings import PREFIX, Settings
from clinical_api.slow_queries import Durations, SlowQueries
from clinical_api.statistics import Gauges, Kept, keep
from clinical_api.tags import Tagged
from clinical_api.value_sets import ValueSets
from moiety.deid.own.tokens import tokens_of
from moiety.kit import auth, bodies
from moiety.kit.commits import Commit, CommitQueue
from moiety.kit.credentials import Caller
from moiety.kit.errors import Conflict, NotFound
from moiety.kit.reads import Reads
from moiety.kit.settings import SettingsError
from moiety.kit.tasks import beside
from moiety.wire import terminology
from moiety.wire.exchange import connect

SCOPES = frozenset(
    {"ehr:create", "ehr:read", "ehr:write", "composition:write", "composition:read",
     "definition:write", "definition:read", "query:read", "admin:delete",
     "event:read", "event:admin", "bulk:import", "bulk:export", "statistics:read",
     "admin:configure", "access:read"}
)  # fmt: skip

MayOpenEhrs = Annotated[Caller, Depends(auth.Require("ehr:create"))]
MayReadEhrs = Annotated[Caller, Depends(auth.Require("ehr:read"))]
MayWriteEhrs = Annotated[Caller, Depends(auth.Require("ehr:write"))]
MayCommit = Annotated[Caller, Depends(auth.Require("composition:write"))]
MayRead = Annotated[Caller, Depends(auth.Require("composition:read"))]
MayDefine = Annotated[Caller, Depends(auth.Require("definition:write"))]
MayReadDefinitions = Annotated[Caller, Depends(auth.Require("definition:read"))]
MayDelete = Annotated[Caller, Depends(auth.Require("admin:delete"))]
MayQuery = Annotated[Caller, Depends(auth.Require("query:read"))]
MayReadEvents = Annotated[Caller, Depends(auth.Require("event:read"))]
MayAdministerEvents = Annotated[Caller, Depends(auth.Require("event:admin"))]
MayImport = Annotated[Caller, Depends(auth.Require("bulk:import"))]
MayExport = Annotated[Caller, Depends(auth.Require("bulk:export"))]
MayReadStatistics = Annotated[Caller, Depends(auth.Require("statistics:read"))]
MayConfigure = Annotated[Caller, Depends(auth.Require("admin:configure"))]
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
    pulse: Pulse
    statistics: Kept
    population: Population
    slow_queries: SlowQueries
    tagged: Tagged = field(default_factory=Tagged)
    value_sets: ValueSets | None = None
    own_words: OwnWords | None = None
    projects: Projects | None = None


async def here(request: Request) -> Organisation:
    """The organisation that the request's credential names; no database is asked."""
    organisation = auth.organisation_of(request.headers.get("authorization"))
    request.app.state.organisations.engine(organisation)
    found: Organisation = request.app.state.here[organisation]
    return found


Here = Annotated[Organisation, Depends(here)]


@asynccontextmanager
async def organisations(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """What every organisation has here, for as long as the service runs."""
    engines = {name: app.state.organisations.engine(name) for name in app.state.organisations}
    gauges, durations = Gauges(app.state.registry), Durations(app.state.registry)
    with (
        populations(engines, settings) as population,
        _value_sets(settings) as sets,
        _own_words(engines, settings) as own,
        _projects(engines, settings) as running,
    ):
        app.state.here = {
            name: Organisation(
                engine,
                snapshots(engine),
                app.state.organisations.reads(name),
                app.state.organisations.commits(name),
                Registry(sets.member if sets else None),
                PlanCache(),
                settings,
                Pulse(app.state.organisations.reads(name)),
                Kept(name, engine, gauges),
                population[name],
                SlowQueries(name, durations),
                value_sets=sets,
                own_words=own.get(name),
                projects=running.get(name),
            )
            for name, engine in engines.items()
        }
        with ExitStack() as working:
            for name, words in own.items():
                pause = settings.screen_interval
                working.enter_context(keep_screened(engines[name], words, interval=pause))
            kept = [keep(one.statistics) for one in app.state.here.values()]
            async with beside([*kept, *(one.keep() for one in running.values())]):
                yield


@contextmanager
def _value_sets(settings: Settings) -> Iterator[ValueSets | None]:
    """Who knows the value sets that are held elsewhere; None without a terminology server."""
    if settings.terminology_url is None:
        yield None
        return
    server = terminology.connect(
        settings.terminology_url, settings.terminology_token, seconds=settings.terminology_timeout
    )
    with closing(server):
        yield ValueSets(server, settings)


@contextmanager
def _own_words(names: Iterable[str], settings: Settings) -> Iterator[dict[str, OwnWords]]:
    """Who asks the vault for a record's own words, by organisation; none without a vault."""
    with ExitStack() as closing_all:
        found = {
            name: closing_all.enter_context(closing(own))
            for name in names
            if (own := _asking(name, settings)) is not None
        }
        yield found


@contextmanager
def _projects(names: Iterable[str], settings: Settings) -> Iterator[dict[str, Projects]]:
    """Who asks the vault for the policies of projects, by organisation; none without a vault."""
    with ExitStack() as closing_all:
        yield {
            name: closing_all.enter_context(
                closing(Projects(connect(settings.vault_url, key, timeout=settings.vault_timeout)))
            )
            for name in names
            if settings.vault_url and (key := _vault_key(name, settings))
        }


def _vault_key(organisation: str, settings: Settings) -> str | None:
    if settings.organisations_folder is None:
        return settings.vault_key
    file = settings.organisations_folder / f"{organisation}.vault"
    return file.read_text().strip() if file.exists() else None


def _asking(organisation: str, settings: Settings) -> OwnWords | None:
    if not settings.vault_url or settings.screen_own == "off":
        return None
    vault_key, screen_key = settings.vault_key or "", settings.screen_key or ""
    if (folder := settings.organisations_folder) is not None:
        files = (folder / f"{organisation}.vault", folder / f"{organisation}.screen")
        if not all(file.exists() for file in files):
            return None
        vault_key, screen_key = (file.read_text().strip() for file in files)
    try:
        token = tokens_of(bytes.fromhex(screen_key))
    except ValueError:
        raise SettingsError(f"{PREFIX}_SCREEN_KEY_FILE holds no 64 hexadecimal digits.") from None
    client = connect(settings.vault_url, vault_key, timeout=settings.vault_timeout)
    return OwnWords(client, token, policy=settings.screen_own, away=settings.screen_away)


def pulses(app: FastAPI) -> dict[str, Pulse]:
    """What wakes the listeners of each organisation."""
    return {name: one.pulse for name, one in app.state.here.items()}


async def committed(here: Organisation, commit: Commit) -> Any:
    """The result of a commit.  Raises its errors, and Conflict for a subject that is another's."""
    try:
        return await here.commits.run(commit)
    except UniqueViolation:
        raise Conflict("An EHR with this id or subject exists already.") from None


def uuid_or_not_found(text: str, kind: str) -> UUID:
    """A path's id.  What is no UUID names nothing here, so it is 404 and not 400."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"There is no {kind} of this id.") from None


def audit_of(caller: Caller, settings: Settings) -> Audit:
    """The audit of a change made through a key: the key stands for the committer."""
    return audits.of_key(caller.key_id, settings.system_id)
