"""Who read which record: an entry for every answered read, so that a person can be told.

An entry says when, by which key or user, through which route, and of which record.  It is sealed
under a key of this service that is in no database; in the clear stand a random id, the month, and
one of 256 heaps by a keyed hash of the record, in which an entry is found again.  Exact times and
record ids in two databases would join the two; these tell neither.

Entries are written in batches, shuffled, at most half a second after the answer, and when the
service stops.  Waiting for the disk would make every read a write; what a kill can lose is half a
second of reads, of records whose crossing is in the vault's trail already.  When the log cannot be
written for ten seconds, or too much waits, logged reads are refused until it can: 503.
"""

import hmac
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import Request
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moiety.kit.credentials import CALLER
from moiety.kit.database import Organisations
from moiety.kit.errors import ServiceError, Unavailable
from moiety.kit.problems import rendered
from moiety.kit.threads import at_intervals, threads

PAUSE = 0.5  # seconds between two batches
PATIENCE = 10.0  # seconds that the log may be behind before reads are refused
MOST = 20_000  # entries that may wait
_SIZE = 384  # octets inside a seal
_NONCE_SIZE = 12
_RECORDS = "moiety.records"
EVERY = UUID(int=0)
"""Stands for all records at once: a query over the population, an export."""


_INSERT = """
INSERT INTO access_log (access_id, heap, month, sealed)
SELECT id, heap, %(month)s, sealed
FROM unnest(%(ids)s::uuid[], %(heaps)s::smallint[], %(sealed)s::bytea[]) AS new (id, heap, sealed)
"""


class Access(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One read.  `door`: method and path template."""

    record: UUID
    at: datetime
    key_id: str
    user_id: UUID | None
    door: str


class BadAccessKey(ValueError):
    """The key of the access log is not 64 hexadecimal digits."""


def table(metadata: sa.MetaData) -> sa.Table:
    """The access log of a service, in its own database: added to and read, no more."""
    return sa.Table(
        "access_log",
        metadata,
        sa.Column("access_id", sa.Uuid, primary_key=True),
        sa.Column("heap", sa.SmallInteger, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("sealed", BYTEA, nullable=False),
        sa.Index(None, "heap"),
    )


@dataclass(slots=True, eq=False)
class AccessKey:
    """What seals entries and finds their heaps.  Raises BadAccessKey."""

    text: str = field(repr=False)
    _seal: AESGCM = field(init=False, repr=False)
    _heap: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            root = bytes.fromhex(self.text)
        except ValueError:
            root = b""
        if len(root) != 32 or len(set(root)) < 8:
            raise BadAccessKey("the key of the access log is 64 random hexadecimal digits")
        self._seal = AESGCM(_derive(root, b"moiety/access/seal/1"))
        self._heap = _derive(root, b"moiety/access/heap/1")

    def heap_of(self, record: UUID) -> int:
        """The heap that entries about a record lie in: many records share one."""
        return hmac.digest(self._heap, record.bytes, "sha256")[0]

    def seal(self, access_id: UUID, access: Access) -> bytes:
        """An entry for its row; all have one length."""
        octets = msgspec.msgpack.encode(access)
        padded = (len(octets).to_bytes(2, "big") + octets).ljust(_SIZE, b"\0")
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._seal.encrypt(nonce, padded, access_id.bytes)

    def open(self, access_id: UUID, sealed: bytes) -> Access | None:
        """The entry of a row; None for one that was changed, moved or sealed under another key."""
        try:
            padded = self._seal.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], access_id.bytes)
        except (InvalidTag, ValueError):
            return None
        length = int.from_bytes(padded[:2], "big")
        return msgspec.msgpack.decode(padded[2 : 2 + length], type=Access)


class AccessLog:
    """The log of one organisation: what waits to be written, and what was."""

    def __init__(
        self,
        engine: sa.Engine,
        log: sa.Table,
        key: AccessKey,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._table = log
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # whoever flushes waits for a batch that is on its way
        self._waiting: list[Access] = []
        self._behind_since: float | None = None

    def demand(self) -> None:
        """Raises Unavailable when entries could not be written for too long."""
        behind = self._behind_since
        if (behind is not None and self._clock() - behind > PATIENCE) or len(self._waiting) >= MOST:
            raise Unavailable("The access log cannot be written, so no record is shown.")

    def add(self, entries: Sequence[Access]) -> None:
        """Entries for the next batch."""
        with self._lock:
            self._waiting.extend(entries)

    def flush(self) -> int:
        """Writes what waits, in no order, and returns how many; on a failure it goes on waiting.

        When it returns, a batch that another thread had begun is written too.
        """
        with self._writing:
            with self._lock:
                batch, self._waiting = self._waiting, []
            return self._write(batch) if batch else 0

    def _write(self, batch: list[Access]) -> int:
        random.SystemRandom().shuffle(batch)
        month = datetime.now(UTC).date().replace(day=1)
        ids = [uuid4() for _ in batch]
        given = {
            "ids": ids,
            "heaps": [self._key.heap_of(one.record) for one in batch],
            "month": month,
            "sealed": [self._key.seal(id_, one) for id_, one in zip(ids, batch, strict=True)],
        }
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql(_INSERT, given)
        except SQLAlchemyError as error:
            with self._lock:
                self._waiting = batch + self._waiting
                self._behind_since = self._behind_since or self._clock()
            kind = type(error).__name__
            structlog.get_logger().error("access log not written", error_kind=kind)
            return 0
        self._behind_since = None
        return len(batch)

    def read(self, record: UUID) -> list[Access]:
        """The entries about a record and those about all records, in the order of time."""
        self.flush()
        heaps = {self._key.heap_of(one) for one in (record, EVERY)}
        query = sa.select(self._table).where(self._table.c.heap.in_(heaps))
        found = []
        with self._engine.connect().execution_options(yield_per=1000) as connection:
            for row in connection.execute(query):
                access = self._key.open(row.access_id, row.sealed)
                if access is not None and access.record in {record, EVERY}:
                    found.append(access)
        return sorted(found, key=lambda one: one.at)


@contextmanager
def keep_written(logs: Mapping[str, AccessLog]) -> Iterator[None]:
    """Writes what waits, half a second apart, while the context lasts, and at its end."""

    def write() -> None:
        for log in logs.values():
            log.flush()

    try:
        with threads(at_intervals(PAUSE, write), name="accesses"):
            yield
    finally:
        write()


def logs_of(
    organisations: Organisations,
    log: sa.Table,
    *,
    names: Sequence[str],
    key: str | None,
    folder: Path | None,
) -> dict[str, AccessLog]:
    """The log of each organisation that has a key: one key, or a folder with <name>.access each.

    Raises BadAccessKey.
    """
    found = {}
    for name in names:
        text = key
        if folder is not None:
            file = folder / f"{name}.access"
            text = file.read_text().strip() if file.exists() else None
        if text is not None:
            found[name] = AccessLog(organisations.engine(name), log, AccessKey(text))
    return found


def labels_of(connection: sa.Connection, keys: sa.Table, key_ids: Sequence[str]) -> dict[str, str]:
    """What keys are for, by their ids."""
    query = sa.select(keys.c.key_id, keys.c.label).where(keys.c.key_id.in_(set(key_ids)))
    return {row.key_id: row.label for row in connection.execute(query)}


def note(request: Request, records: Sequence[UUID]) -> None:
    """Says whose records an answer shows, where the path does not say it."""
    request.scope.setdefault(_RECORDS, []).extend(records)


class AccessDoor:
    """ASGI middleware: every answered read of a record leaves an entry.

    `parameter`: what paths and queries of URLs call a record; what an answer shows beyond that, a
    route notes.  Logs are found in `app.state.access_logs`, by organisation.
    """

    def __init__(self, app: ASGIApp, *, parameter: str) -> None:
        self.app = app
        self.parameter = parameter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        logs: Mapping[str, AccessLog] = {}
        if scope["type"] == "http":
            logs = scope["app"].state.access_logs
        if not logs:
            await self.app(scope, receive, send)
            return
        refused = False

        async def watch(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:
                try:
                    self._enter(scope, logs)
                except ServiceError as error:
                    refused = True
                    await rendered(scope, error)(scope, receive, send)
            if not refused:
                await send(message)

        await self.app(scope, receive, watch)

    def _enter(self, scope: Scope, logs: Mapping[str, AccessLog]) -> None:
        caller = scope.get(CALLER)
        if caller is None:
            return
        template = getattr(scope.get("route"), "path", "")
        records = self._records(scope)
        log = logs.get(caller.organisation)
        if not records or log is None:
            return
        log.demand()
        door = f"{scope['method']} {template}"[:160]
        now = datetime.now(UTC)
        key_id = caller.key_id[:60]
        log.add([Access(one, now, key_id, caller.user_id, door) for one in records])

    def _records(self, scope: Scope) -> list[UUID]:
        noted: list[UUID] = scope.get(_RECORDS, [])
        if noted or scope["method"] != "GET":
            return list(dict.fromkeys(noted))
        text = scope.get("path_params", {}).get(self.parameter)
        if text is None and self.parameter.encode() in scope["query_string"]:
            text = QueryParams(scope["query_string"]).get(self.parameter)
        try:
            return [] if text is None else [UUID(str(text))]
        except ValueError:
            return []


def _derive(root: bytes, label: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=label).derive(root)
