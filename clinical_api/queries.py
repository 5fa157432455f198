"""AQL over the clinical repository.

Typed rows answer for every head whose rows tell all that the query asks; the document evaluator
answers for the rest.  Both read one snapshot, so a version is seen by exactly one of them.

`find` is quick and does no I/O: a plan that is known gives one statement for any connection in
autocommit, which is its own snapshot and says by itself whether its rows are the whole result.
`run` answers everything else, and first compiles what is not known yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from anyio.to_thread import run_sync

from clinical_api import queried, tables
from clinical_api.registry import Registry, Snapshot
from clinical_api.settings import Settings
from moiety import aql
from moiety.aql import AqlError, AqlNotSupported, Compiled, Context, PlanCache
from moiety.aql.parser import parse
from moiety.aql.stored import Reading
from moiety.kit.errors import Malformed, NotSupported, Unprocessable
from moiety.kit.reads import Reads

_ROWS_AT_ONCE = 500
_LARGEST_PAGE = 10**9

__all__ = ["Asked", "PlanCache", "Query", "ResultSet", "answer", "find", "run", "snapshots"]


@dataclass(frozen=True, slots=True)
class ResultSet:
    """RESULT_SET of the openEHR REST API: columns, rows and the query as it was run.

    Rows are lists or tuples; a document that stands in one as a whole is JSON already
    (`msgspec.Raw`).
    """

    columns: list[dict[str, str]]
    rows: Sequence[Sequence[Any]]
    executed: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query as a client sends it."""

    text: str
    parameters: Mapping[str, Any]
    fetch: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that one statement may answer: `text` with $1, $2, … for `parameters`."""

    plan: Compiled
    reading: Reading
    text: bytes
    parameters: Sequence[Any]
    given: Sequence[Any]

    def result(self, found: Sequence[Sequence[Any]]) -> ResultSet | None:
        """The result, of all rows of the statement; None where `run` has to answer: the templates
        have changed, or some documents have a say.
        """
        rows = self.plan.told_alone(found, self.reading)
        return None if rows is None else _result(self.plan, rows, self.given)


def snapshots(engine: sa.Engine) -> sa.Engine:
    """The same connections, in transactions that see one snapshot; a replica takes no other."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def find(registry: Registry, cache: PlanCache, settings: Settings, query: Query) -> Asked | None:
    """The statement of a query whose plan is known; None where `run` has to answer."""
    found = cache.find(_paged(query), _context(registry.known))
    if found is None:
        return None
    plan, given = found
    if plan.alone is None:
        return None
    read = queried.reading(settings.system_id)
    return Asked(plan, read, plan.alone.text, plan.alone.parameters(given), given)


async def answer(
    reads: Reads,
    query: Query,
    *,
    engine: sa.Engine,
    registry: Registry,
    cache: PlanCache,
    settings: Settings,
) -> ResultSet:
    """The result: on the event loop where one statement about few documents tells it all, else by
    `run` in a thread.  Raises what `run` raises.
    """
    asked = find(registry, cache, settings, query)
    if asked is not None and asked.plan.bounded:
        result = asked.result(await reads.ask(asked.text, asked.parameters))
        if result is not None:
            return result
    return await run_sync(run, engine, registry, cache, settings, query)


def run(
    engine: sa.Engine, registry: Registry, cache: PlanCache, settings: Settings, query: Query
) -> ResultSet:
    """Run a query on an engine of `snapshots`.

    Raises Malformed with line and column for a query that cannot be understood, NotSupported for
    one that is not run yet, Unprocessable for paging that contradicts the query.
    """
    with engine.connect() as connection:
        templates = registry.current(connection)
        compiled = _compiled(cache, templates, settings, query)
        rows = _rows(connection, compiled, queried.reading(settings.system_id))
    return _result(compiled, rows, compiled.given)


def _result(plan: Compiled, rows: Sequence[Sequence[Any]], given: Sequence[Any]) -> ResultSet:
    columns = [{"path": column.path, "name": column.name} for column in plan.columns]
    return ResultSet(columns, rows, plan.text.with_values(given))


def _rows(connection: sa.Connection, compiled: Compiled, read: Reading) -> list[list[Any]]:
    """All statements run on one snapshot, in the transaction that is open here.

    They are streamed, unless they are about few documents: a LIMIT stops the reading.
    """
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    names = count()

    def asked(select: sa.SelectBase) -> psycopg.Cursor[Any] | psycopg.ServerCursor[Any]:
        written = compiled.written(select)
        cursor: psycopg.RawCursor[Any] | psycopg.RawServerCursor[Any]
        if compiled.bounded:
            cursor = psycopg.RawCursor(driver)
        else:
            cursor = psycopg.RawServerCursor(driver, f"rows_{next(names)}")
            cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(written.text, written.parameters(compiled.given), binary=True)
        return cursor

    return compiled.answer(asked, read)


def _context(templates: Snapshot) -> Context:
    return Context(templates.version, role="care", policy=None, extensions=False)


def _compiled(cache: PlanCache, templates: Snapshot, settings: Settings, query: Query) -> Compiled:
    asked, context = _paged(query), _context(templates)
    if (found := cache.find(asked, context)) is not None:
        plan, given = found
        return plan.with_values(given)
    heads = queried.heads(settings.system_id, templates.hot)
    try:
        if asked.page is not None:
            _check_page(query)
        compiled = aql.compile(
            asked.text, asked.parameters, templates.templates, heads,
            page=asked.page, unchanged=_unchanged(templates),
        )  # fmt: skip
    except AqlError as error:
        raise malformed(error) from None
    except AqlNotSupported as error:
        place = f"line {error.line}, column {error.column}"
        raise NotSupported(f"{place}: {error.construct} is not supported yet.") from None
    cache.keep(asked, context, compiled)
    return compiled


def _unchanged(templates: Snapshot) -> sa.ColumnElement[bool]:
    version = sa.select(tables.registry.c.version).scalar_subquery()
    return version == sa.literal(templates.version, sa.Uuid())


def _paged(query: Query) -> aql.Query:
    """The query with the client's paging beside it."""
    if query.fetch is None:
        if query.offset is not None:
            raise Unprocessable("Query parameter for offset provided, but no fetch parameter")
        return aql.Query(query.text, query.parameters)
    page = (query.fetch, query.offset or 0)
    if max(page) >= _LARGEST_PAGE:
        raise Malformed("fetch and offset have at most nine digits.")
    return aql.Query(query.text, query.parameters, page)


def _check_page(query: Query) -> None:
    """A page and a LIMIT contradict each other. Raises Unprocessable, AqlError."""
    if parse(query.text).limit is not None:
        raise Unprocessable(
            "Query contains a LIMIT clause, fetch and offset parameters must not be used"
        )


def malformed(error: AqlError) -> Malformed:
    """What is told of a text that is no query."""
    place = {"path": f"line {error.line}, column {error.column}", "rule": "AQL"}
    return Malformed(
        f"The query can't be understood: {error}.",
        findings=[place | {"expected": error.expected, "found": error.found}],
    )
