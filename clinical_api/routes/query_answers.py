"""How a query is answered: as a RESULT_SET here, as a stream in query_streams.py.

A RESULT_SET is whole before it is sent, and has a most of rows.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

import msgspec
from anyio.to_thread import run_sync
from fastapi import Request, Response

from clinical_api import queries
from clinical_api.deps import Organisation
from clinical_api.explained import TYPED, demand_cheap, plan_class
from clinical_api.formats import Format
from clinical_api.queries import Asked, Opened, Query
from clinical_api.settings import Settings
from clinical_api.turns import Deadline
from moiety import __version__
from moiety.aql import Compiled, parse
from moiety.kit.credentials import Caller
from moiety.kit.errors import Unprocessable

_encode = msgspec.json.Encoder().encode


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


class Reading:
    """A result that is read, from `__enter__` to `__exit__`, on the connections meant for it.

    What it has cost is noted at its end, and whether it was read to its end.
    """

    opened: Opened

    def __init__(
        self, here: Organisation, query: Query, deadline: Deadline, *, bounded: bool
    ) -> None:
        self._here, self._query, self._deadline = here, query, deadline
        self._bounded = bounded
        self._engine = here.snapshots if bounded else here.population.engine
        self._stack = ExitStack()
        self._begun = time.perf_counter()
        self._whole = False
        self._plan: Compiled | None = None
        self._class = TYPED
        self.rows = 0

    def __enter__(self) -> Self:
        here = self._here
        with ExitStack() as stack:
            stack.callback(self._note)
            connection = stack.enter_context(self._engine.connect())
            templates = here.registry.current(connection)
            plan = queries.compiled(here.plans, templates, here.settings, self._query)
            if not self._bounded:
                demand_cheap(connection, plan, here.settings.query_cost)
            self._plan = plan
            self.opened = stack.enter_context(
                queries.opened(
                    connection, plan, self._query, here.population.evaluators, self._deadline
                )
            )
            self._class = plan_class(plan, by_documents=self.opened.by_documents)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def batches(self) -> Iterator[Sequence[Sequence[Any]]]:
        """The rows, counted."""
        for batch in self.opened.batches:
            self.rows += len(batch)
            yield batch
        self._whole = True

    def _note(self) -> None:
        if self._plan is not None:
            self._here.slow_queries.note(
                self._plan, self._query.text, answered=self._class,
                seconds=time.perf_counter() - self._begun,
                rows=self.rows if self._whole else None,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Whole:
    """A result whose rows are JSON already."""

    columns: list[dict[str, str]]
    rows: bytes
    count: int
    executed: str


async def result_set(sent: Sent, query: Query) -> Response:
    """The whole result: on the event loop where one statement about few documents tells it all,
    else in a thread.

    Raises Malformed, NotSupported, Unprocessable (also for too many rows, or too high a cost),
    QueryTimeout, TooMany.
    """
    here = sent.here
    asked = queries.find(here.registry, here.plans, query)
    if asked is not None and asked.plan.bounded and (quick := await _quick(here, query, asked)):
        return _told(sent, quick)
    plan = asked.plan if asked is not None else await prepared(here, query)

    def whole() -> Response:
        deadline = Deadline.after(here.settings.query_seconds)
        with Reading(here, query, deadline, bounded=plan.bounded) as reading:
            return _told(sent, _read(reading, here.settings))

    if plan.bounded:
        return await run_sync(whole)
    turns = here.population.turns
    async with turns.of(sent.caller.key_id):
        return await run_sync(whole, limiter=turns.threads)


async def prepared(here: Organisation, query: Query) -> Compiled:
    """The plan of a query, which says whose connections it runs on."""
    return await run_sync(
        queries.prepare, here.snapshots, here.registry, here.plans, here.settings, query
    )


async def _quick(here: Organisation, query: Query, asked: Asked) -> _Whole | None:
    begun = time.perf_counter()
    result = asked.result(await here.reads.ask(asked.text, asked.parameters))
    if result is None:
        return None
    count = len(result.rows)
    _demand(count, here.settings.query_rows, "rows")
    seconds = time.perf_counter() - begun
    here.slow_queries.note(asked.plan, query.text, answered=TYPED, seconds=seconds, rows=count)
    return _Whole(result.columns, _encode(result.rows), count, result.executed)


def _read(reading: Reading, settings: Settings) -> _Whole:
    """Some rows are written at a time: in between, the interpreter serves others."""
    parts: list[bytes] = []
    size = 0
    for batch in reading.batches():
        _demand(reading.rows, settings.query_rows, "rows")
        parts.append(_encode(batch)[1:-1])
        size += len(parts[-1])
        _demand(size, settings.query_octets, "octets")
    rows = b"".join((b"[", b",".join(parts), b"]"))
    plan = reading.opened.plan
    return _Whole(queries.columns_of(plan), rows, reading.rows, plan.executed)


def _demand(count: int, most: int, kind: str) -> None:
    if count > most:
        raise Unprocessable(
            f"The result has more than {most} {kind}: say LIMIT, ask for pages with `fetch` and"
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
    return Response(_encode(told), headers=headers, media_type=Format.JSON.value)


def _page(sent: Sent) -> Mapping[str, int]:
    """The limit that is in effect, whoever has set it."""
    fetch, offset = sent.fetch, sent.offset
    if fetch is None and "limit" in sent.text.lower():
        tree = parse(sent.text)
        fetch, offset = tree.limit, tree.offset
    return {} if fetch is None else {"fetch": fetch, "offset": offset or 0}
