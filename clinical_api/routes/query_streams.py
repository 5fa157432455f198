"""A result in another format than RESULT_SET, written while its rows are read.

The client's pace is the query's.  What goes wrong before the first rows is an error like any other;
what goes wrong after them breaks the stream off, so that nobody takes a part for the whole, and
NDJSON says why in its last line.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import anyio
import msgspec
from anyio.to_thread import run_sync
from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from clinical_api import queries
from clinical_api.queries import Query
from clinical_api.results import lines
from clinical_api.routes.query_answers import Reading, Sent, prepared
from clinical_api.routes.query_media import FILES, Media, tables
from clinical_api.turns import Deadline
from moiety.aql.column_kinds import Kinds
from moiety.kit import problems

_Batches = Iterable[Sequence[Sequence[Any]]]
_Writer = Callable[[Sequence[str], Sequence[Kinds], _Batches], Iterator[bytes]]


async def stream(sent: Sent, query: Query, media: Media) -> Response:
    """The result as a stream.

    Raises Malformed, NotSupported, Unprocessable (for too high a cost), QueryTimeout, TooMany.
    """
    here, client = sent.here, sent.caller.key_id
    plan = await prepared(here, query)
    turns = here.population.turns
    limiter = None if plan.bounded else turns.threads
    deadline = Deadline.after(here.settings.query_stream_seconds)
    reading = Reading(here, query, deadline, bounded=plan.bounded)
    if not plan.bounded:
        await turns.take(client)

    async def close() -> None:
        await run_sync(reading.__exit__)
        if not plan.bounded:
            turns.give_back(client)

    async def body() -> AsyncIterator[bytes]:
        try:
            while (piece := await run_sync(next, pieces, None, limiter=limiter)) is not None:
                if piece:
                    yield piece
        except Exception as error:
            if media is Media.NDJSON:
                told = {"error": problems.body(problems.translate(error))}
                yield msgspec.json.encode(told) + b"\n"
            raise

    try:
        pieces = await run_sync(lambda: _begun(reading, media), limiter=limiter)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await close()
        raise
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="result.{FILES[media]}"',
    }
    return _Pieces(body(), close, media_type=media.value, headers=headers)


class _Pieces(StreamingResponse):
    """A stream whose source is closed whatever becomes of it: read, failed, or left alone."""

    body_iterator: AsyncIterator[bytes]

    def __init__(
        self, content: AsyncIterator[bytes], close: Callable[[], Awaitable[None]], **more: Any
    ) -> None:
        super().__init__(content, **more)
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._close()


def _begun(reading: Reading, media: Media) -> Iterator[bytes]:
    """The stream, its first rows read: what they can go wrong with is known."""
    opened = reading.__enter__().opened
    batches = reading.batches()
    first = next(batches, None)
    names = [column["name"] for column in queries.columns_of(opened.plan)]
    read = batches if first is None else chain((first,), batches)
    return _writer(media)(names, opened.kinds, read)


def _writer(media: Media) -> _Writer:
    if media in {Media.ARROW, Media.PARQUET}:
        written: _Writer = tables().arrow if media is Media.ARROW else tables().parquet
        return written
    plain = lines.csv if media is Media.CSV else lines.ndjson
    return lambda names, _kinds, batches: plain(names, batches)
