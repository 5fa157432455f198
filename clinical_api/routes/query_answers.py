"""How a query is answered: as a RESULT_SET, or as a stream in another format.

A RESULT_SET is whole before it is sent, and has a most of rows.  Any other format is written while
the rows are read: the client's pace is the query's.  What goes wrong before the first rows is an
error like any other; what goes wrong after them breaks the stream off, so that nobody takes a part
for the whole, and NDJSON says why in its last line.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import chain
from typing import Any, Final
from uuid import uuid4

import anyio
import msgspec
from anyio.to_thread import run_sync
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from clinical_api import queries
from clinical_api.deps import Organisation
from clinical_api.formats import Format
from clinical_api.queries import Opened, Query
from clinical_api.results import lines
from clinical_api.routes.negotiation import weight_of
from clinical_api.turns import Deadline
from moiety import __version__
from moiety.aql import Compiled, parse
from moiety.aql.column_kinds import Kinds
from moiety.kit import problems
from moiety.kit.credentials import Caller
from moiety.kit.errors import Malformed, NotAcceptable, Unprocessable
from moiety.kit.traces import span

Batches = Iterable[Sequence[Sequence[Any]]]
_encode = msgspec.json.Encoder().encode


class Media(Enum):
    """The formats of a result."""

    JSON = "application/json"
    CSV = "text/csv"
    NDJSON = "application/x-ndjson"
    ARROW = "application/vnd.apache.arrow.stream"
    PARQUET = "application/vnd.apache.parquet"


_BY_TYPE: Final[Mapping[str, Media]] = {
    **{media.value: media for media in Media},
    "*/*": Media.JSON, "application/*": Media.JSON, "text/json": Media.JSON,
    "text/*": Media.CSV, "application/ndjson": Media.NDJSON,
}  # fmt: skip
_FILES: Final[Mapping[Media, str]] = {
    Media.CSV: "csv", Media.NDJSON: "ndjson", Media.ARROW: "arrows", Media.PARQUET: "parquet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as far as it shapes the answer: `text` is the query as it was sent or stored."""

    request: Request
    here: Organisation
    caller: Caller
    text: str
    fetch: int | None
    offset: int | None
    name: str | None = None


async def answer(sent: Sent, query: Query, media: Media) -> Response:
    """The answer to a query.

    Raises Malformed, NotSupported, Unprocessable (also for too many rows, or too high a cost),
    QueryTimeout, TooMany.
    """
    with span("query"):
        if media is Media.JSON:
            return await _result_set(sent, query)
        return await _stream(sent, query, media)


def media_of(request: Request) -> Media:
    """The format of `?format=`, else what Accept likes best, else JSON.

    Raises Malformed for an unknown name, NotAcceptable for what is not written here.
    """
    named = request.query_params.get("format")
    found = _best(request.headers.get("accept")) if named is None else _named(named)
    if found is None:
        raise NotAcceptable(f"The answer may be {' or '.join(media.value for media in Media)}.")
    if found in {Media.ARROW, Media.PARQUET} and _tables() is None:
        raise NotAcceptable(
            "Arrow and Parquet are written where pyarrow is installed with the service:"
            " pip install 'moiety[arrow]'.  CSV and NDJSON need nothing."
        )
    return found


def _named(name: str) -> Media | None:
    if name.upper() == "CANONICAL":  # what some clients call JSON
        return Media.JSON
    if name.upper() in Media.__members__:
        return Media[name.upper()]
    if name.upper() in Format.__members__:
        return None
    raise Malformed(f"`format` is one of {', '.join(Media.__members__)}.")


def _best(accept: str | None) -> Media | None:
    if accept is None or not accept.strip():
        return Media.JSON
    best: tuple[float, Media | None] = (0.0, None)
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        found, weight = _BY_TYPE.get(kind), weight_of(parameters)
        if found is not None and weight > best[0]:
            best = (weight, found)
    return best[1]


# --- RESULT_SET ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Whole:
    """A result whose rows are JSON already."""

    columns: list[dict[str, str]]
    rows: bytes
    count: int
    executed: str


async def _result_set(sent: Sent, query: Query) -> Response:
    """On the event loop where one statement about few documents tells it all, else in a thread."""
    here = sent.here
    asked = queries.find(here.registry, here.plans, query)
    if asked is not None and asked.plan.bounded:
        result = asked.result(await here.reads.ask(asked.text, asked.parameters))
        if result is not None:
            _demand_few(len(result.rows), here.settings.query_rows)
            rows = _encode(result.rows)
            return _told(sent, _Whole(result.columns, rows, len(result.rows), result.executed))
    plan = asked.plan if asked is not None else await _prepared(here, query)
    most = here.settings.query_rows

    def whole() -> _Whole:
        deadline = Deadline.after(here.settings.query_seconds)
        with _Reading(here, query, deadline, bounded=plan.bounded) as opened:
            return _read(opened, most)

    if plan.bounded:
        return _told(sent, await run_sync(whole))
    turns = here.population.turns
    async with turns.of(sent.caller.key_id):
        return _told(sent, await run_sync(whole, limiter=turns.threads))


async def _prepared(here: Organisation, query: Query) -> Compiled:
    return await run_sync(
        queries.prepare, here.snapshots, here.registry, here.plans, here.settings, query
    )


def _read(opened: Opened, most: int) -> _Whole:
    """Some rows are written at a time: in between, the interpreter serves others."""
    parts: list[bytes] = []
    count = 0
    for batch in opened.batches:
        count += len(batch)
        _demand_few(count, most)
        parts.append(_encode(batch)[1:-1])
    rows = b"".join((b"[", b",".join(parts), b"]"))
    return _Whole(queries.columns_of(opened.plan), rows, count, opened.plan.executed)


def _demand_few(count: int, most: int) -> None:
    if count > most:
        raise Unprocessable(
            f"The result has more than {most} rows: say LIMIT, ask for pages with `fetch` and"
            " `offset`, or for a stream with Accept: application/x-ndjson, text/csv or another."
        )


def _told(sent: Sent, result: _Whole) -> Response:
    meta: dict[str, Any] = {
        "_type": "RESULTSET",
        "_schema_version": "1.1.0",
        "_created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "_generator": f"Moiety/{__version__}",
        "_executed_aql": result.executed,
        "resultsize": result.count,
        **_page(sent),
    }
    if sent.request.method == "GET":
        meta["_href"] = str(sent.request.url)
    told: dict[str, Any] = {"meta": meta, "q": sent.text, "columns": result.columns}
    told["rows"] = msgspec.Raw(result.rows)
    if sent.name is not None:
        told["name"] = sent.name
    headers = {"ETag": f'"{uuid4()}"'}
    return Response(_encode(told), headers=headers, media_type=Media.JSON.value)


def _page(sent: Sent) -> Mapping[str, int]:
    """The limit that is in effect, whoever has set it."""
    fetch, offset = sent.fetch, sent.offset
    if fetch is None and "limit" in sent.text.lower():
        tree = parse(sent.text)
        fetch, offset = tree.limit, tree.offset
    return {} if fetch is None else {"fetch": fetch, "offset": offset or 0}


# --- streams -------------------------------------------------------------------------------------


class _Reading:
    """A result, open from `__enter__` to `__exit__`, on the connections that are meant for it."""

    def __init__(
        self, here: Organisation, query: Query, deadline: Deadline, *, bounded: bool
    ) -> None:
        self._here, self._query, self._deadline = here, query, deadline
        self._engine = here.snapshots if bounded else here.population.engine
        self._stack = ExitStack()

    def __enter__(self) -> Opened:
        here = self._here
        with ExitStack() as stack:
            connection = stack.enter_context(self._engine.connect())
            templates = here.registry.current(connection)
            plan = queries.compiled(here.plans, templates, here.settings, self._query)
            opened = stack.enter_context(
                queries.opened(
                    connection, plan, self._query, here.population.evaluators, self._deadline
                )
            )
            self._stack = stack.pop_all()
        return opened

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class _Pieces(StreamingResponse):
    """A stream whose source is closed whatever becomes of it: read, failed, or left alone."""

    body_iterator: AsyncIterator[bytes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await self.body_iterator.aclose()  # type: ignore[attr-defined]  # a generator


async def _stream(sent: Sent, query: Query, media: Media) -> Response:
    here = sent.here
    plan = await _prepared(here, query)
    turns, client = here.population.turns, sent.caller.key_id
    limiter = None if plan.bounded else turns.threads
    deadline = Deadline.after(here.settings.query_stream_seconds)
    reading = _Reading(here, query, deadline, bounded=plan.bounded)
    if not plan.bounded:
        await turns.take(client)
    try:
        pieces = await run_sync(lambda: _begun(reading, media), limiter=limiter)
    except BaseException:
        if not plan.bounded:
            turns.give_back(client)
        raise

    async def body() -> AsyncIterator[bytes]:
        try:
            while (piece := await run_sync(next, pieces, None, limiter=limiter)) is not None:
                if piece:
                    yield piece
        except Exception as error:
            if media is Media.NDJSON:
                yield _encode({"error": problems.body(problems.translate(error))}) + b"\n"
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await run_sync(reading.__exit__)
            if not plan.bounded:
                turns.give_back(client)

    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="result.{_FILES[media]}"',
    }
    return _Pieces(body(), media_type=media.value, headers=headers)


def _begun(reading: _Reading, media: Media) -> Iterator[bytes]:
    """The stream, its first rows read: what they can go wrong with is known."""
    opened = reading.__enter__()
    try:
        batches = iter(opened.batches)
        first = next(batches, None)
    except BaseException:
        reading.__exit__()
        raise
    names = [column["name"] for column in queries.columns_of(opened.plan)]
    read = batches if first is None else chain((first,), batches)
    return _writer(media)(names, opened.kinds, read)


_Writer = Callable[[Sequence[str], Sequence[Kinds], Batches], Iterator[bytes]]


def _writer(media: Media) -> _Writer:
    if media in {Media.ARROW, Media.PARQUET}:
        tables = _tables()
        written: _Writer = tables.arrow if media is Media.ARROW else tables.parquet
        return written
    plain = lines.csv if media is Media.CSV else lines.ndjson
    return lambda names, _kinds, batches: plain(names, batches)


def _tables() -> Any:
    """The writer of Arrow and Parquet; None without pyarrow, which is an extra."""
    try:
        from clinical_api.results import tables  # noqa: PLC0415  an extra that few install
    except ImportError:
        return None
    return tables
