"""Connections: one engine per organisation, and *commit before response*.

An organisation has databases of its own, so the credential chooses the engine and no row needs to
say whose it is.  A request that writes gets its connection from `writer`, declared with
`scope="function"`: FastAPI's default would commit after the client has read its 201.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from contextvars import Context
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import sqlalchemy as sa

from moiety.kit import credentials
from moiety.kit.commits import CommitQueue
from moiety.kit.engines import open_engine
from moiety.kit.errors import ServiceError, Unauthenticated
from moiety.kit.reads import Reads, Together
from moiety.kit.settings import SettingsError

NAMING: Mapping[str, str] = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Constraint names for every MetaData, so that a migration can name what it changes."""


READERS = 8
WRITERS = 6
"""How many requests of a process may hold a connection from one thread hop to the next.

A request that holds a connection waits for a thread; if threads could all be waiting for
connections, nothing would move.  These few have connections of their own beyond `connections`, and
a service has more threads than they are, so every other user of a connection finishes in its hop.
"""


class Organisations:
    """The engines of one service, by organisation.

    `look_up`: how API keys are looked up; a service may ask for more beside what LOOK_UP answers.
    """

    def __init__(
        self, urls: Mapping[str, str], *, connections: int, look_up: bytes = credentials.LOOK_UP
    ) -> None:
        self._engines = {
            name: open_engine(url, connections=connections + READERS + WRITERS)
            for name, url in urls.items()
        }
        self._reads = {name: Reads(url) for name, url in urls.items()}
        self._commits = {name: CommitQueue(url) for name, url in urls.items()}
        self._keys = {name: Together(reads, look_up) for name, reads in self._reads.items()}
        self._noted: set[tuple[str, str, date]] = set()
        self._notes: set[asyncio.Task[None]] = set()

    def engine(self, organisation: str) -> sa.Engine:
        """The engine of `organisation`.  An unknown one is answered like a wrong key."""
        try:
            return self._engines[organisation]
        except KeyError:
            raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"}) from None

    def reads(self, organisation: str) -> Reads:
        """Where short questions of `organisation` are asked, on the event loop."""
        self.engine(organisation)
        return self._reads[organisation]

    def commits(self, organisation: str) -> CommitQueue:
        """Where commits of `organisation` share transactions, on the event loop."""
        self.engine(organisation)
        return self._commits[organisation]

    def keys(self, organisation: str) -> Together:
        """The API keys of `organisation`.  An unknown one is answered like a wrong key."""
        self.engine(organisation)
        return self._keys[organisation]

    def note_use(self, organisation: str, key_id: str) -> None:
        """Let the database say, beside the request, that a key is used this month; tried once."""
        this_month = (organisation, key_id, datetime.now(UTC).date().replace(day=1))
        if this_month in self._noted:
            return
        self._noted.add(this_month)
        task = asyncio.create_task(self._note(organisation, key_id), context=Context())
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _note(self, organisation: str, key_id: str) -> None:
        with suppress(psycopg.Error, ServiceError):  # a replica takes no note
            await self._reads[organisation].ask(credentials.USED, (key_id,))

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._engines)

    async def close(self) -> None:
        """Give back every connection."""
        if self._notes:
            await asyncio.wait(self._notes, timeout=5)
        for name, reads in self._reads.items():
            await self._commits[name].close()
            await reads.close()
        for engine in self._engines.values():
            engine.dispose()


def read_urls(organisation: str, url: str | None, folder: Path | None) -> dict[str, str]:
    """Database URLs by organisation: one URL, or a folder with one `<organisation>.url` each."""
    if folder is None and url is None:
        raise SettingsError("No database: set …_DATABASE_URL_FILE, or …_ORGANISATIONS_FOLDER.")
    if folder is None:
        return {organisation: url or ""}
    found = {file.stem: file.read_text().strip() for file in sorted(folder.glob("*.url"))}
    if not found:
        raise SettingsError(f"No <organisation>.url file in {folder}.")
    return found


def write(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection in a transaction that is committed before the answer is sent."""
    with engine.begin() as connection:
        yield connection


def read(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection in a read-only transaction."""
    with engine.connect().execution_options(postgresql_readonly=True) as connection:
        yield connection
