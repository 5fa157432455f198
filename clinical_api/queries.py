"""AQL over the clinical repository.

Typed rows answer for every head whose rows tell all that the query asks; the document evaluator
answers for the rest.  Both read one snapshot, so a version is seen by exactly one of them.

`find` is quick and does no I/O: a plan that is known gives one statement for any connection in
autocommit, which is its own snapshot and says by itself whether its rows are the whole result.
`opened` answers everything else, and first compiles what is not known yet; `run` reads it whole.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

import psycopg
import sqlalchemy as sa

from clinical_api import queried, tables
from clinical_api.evaluating import Evaluators, Task
from clinical_api.registry import Registry, Snapshot
from clinical_api.settings import Settings
from clinical_api.turns import Deadline
from moiety import aql
from moiety.aql import (
    AqlError,
    AqlNotSupported,
    AqlTooLarge,
    Compiled,
    Context,
    PlanCache,
    column_kinds,
)
from moiety.aql.asides import with_clock
from moiety.aql.column_kinds import Kinds
from moiety.aql.compiled import Run
from moiety.aql.evaluate import Row
from moiety.aql.parser import parse
from moiety.aql.stored import Reading
from moiety.aql.streamed import streamed
from moiety.kit.errors import Malformed, NotSupported, Unprocessable

ROWS_AT_ONCE = 500
_LARGEST_PAGE = 10**9

__all__ = ["Asked", "PlanCache", "Query", "ResultSet", "find", "opened", "run", "snapshots"]


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
    """A query as a client sends it.  `extensions`: with what AQL itself does not have."""

    text: str
    parameters: Mapping[str, Any]
    fetch: int | None = None
    offset: int | None = None
    extensions: bool = False

    def __post_init__(self) -> None:
        """It is one moment for a query, however many ask the time for it."""
        object.__setattr__(self, "parameters", with_clock(self.text, self.parameters))


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that one statement may answer: `text` with $1, $2, … for `parameters`."""

    plan: Compiled
    text: bytes
    parameters: Sequence[Any]
    given: Sequence[Any]

    def result(self, found: Sequence[Sequence[Any]]) -> ResultSet | None:
        """The result, of all rows of the statement; None where `run` has to answer: the templates
        have changed, or some documents have a say.
        """
        rows = self.plan.told_alone(found, queried.reading(self.plan.system_id))
        if rows is None:
            return None
        return ResultSet(columns_of(self.plan), rows, self.plan.text.with_values(self.given))


@dataclass(frozen=True, slots=True)
class Opened:
    """A result that is being read.  `by_documents`: whether documents have a say in it."""

    plan: Compiled
    by_documents: bool
    batches: Iterator[list[Any]]

    @property
    def kinds(self) -> tuple[Kinds, ...]:
        """What JSON each column can hold."""
        if self.by_documents:
            return column_kinds.of_model(self.plan.request)
        return column_kinds.of_columns(self.plan.request, self.plan.shown_as)


def snapshots(engine: sa.Engine) -> sa.Engine:
    """The same connections, in transactions that see one snapshot; a replica takes no other."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def find(registry: Registry, cache: PlanCache, query: Query) -> Asked | None:
    """The statement of a query whose plan is known; None where `opened` has to answer."""
    found = cache.find(paged(query), _context(registry.known, query))
    if found is None:
        return None
    plan, given = found
    if plan.alone is None:
        return None
    try:
        plan.check(given)
    except AqlError as error:
        raise malformed(error) from None
    return Asked(plan, plan.alone.text, plan.alone.parameters(given), given)


def prepare(
    engine: sa.Engine, registry: Registry, cache: PlanCache, settings: Settings, query: Query
) -> Compiled:
    """The plan of a query, compiled and kept where it is not known.

    Raises Malformed with line and column for a query that cannot be understood, NotSupported for
    one that is not run yet, Unprocessable for paging that contradicts the query.
    """
    with engine.connect() as connection:
        return compiled(cache, registry.current(connection), settings, query)


@contextmanager
def opened(
    connection: sa.Connection, plan: Compiled, query: Query, evaluators: Evaluators,
    deadline: Deadline,
) -> Iterator[Opened]:  # fmt: skip
    """The result of a plan in the snapshot of a connection's transaction, batch by batch.

    Rows are streamed, unless they are about few documents: a LIMIT stops the reading.
    Raises QueryTimeout after the deadline, psycopg.errors.QueryCanceled after the role's.
    """
    task = Task.of(paged(query), plan.system_id, extensions=query.extensions)

    def evaluated(found: Iterable[Any], _reading: Reading) -> Generator[Row, None, None]:
        return evaluators.rows(plan, task, found, deadline)

    asked = _asking(connection, plan)
    reading = queried.reading(plan.system_id)
    with streamed(plan, asked, reading, evaluated=evaluated, at_once=ROWS_AT_ONCE) as result:
        batches = _within_bounds(deadline.over(result.batches))
        yield Opened(plan, result.by_documents, batches)


def _within_bounds(batches: Iterator[list[Any]]) -> Iterator[list[Any]]:
    """The batches.  Raises Unprocessable where a record makes too many rows."""
    try:
        yield from batches
    except AqlTooLarge as error:
        raise Unprocessable(
            f"The classes or paths that stand side by side combine to more than {error.most} rows"
            " in one composition: ask for fewer at once."
        ) from None


def run(
    engine: sa.Engine, registry: Registry, cache: PlanCache, settings: Settings, query: Query
) -> ResultSet:
    """The whole result, on an engine of `snapshots`, in this process alone.

    Raises what `prepare` and `opened` raise.
    """
    here = Evaluators(0)
    with engine.connect() as connection:
        plan = compiled(cache, registry.current(connection), settings, query)
        deadline = Deadline.after(settings.query_seconds)
        with opened(connection, plan, query, here, deadline) as result:
            rows = [row for batch in result.batches for row in batch]
    return ResultSet(columns_of(plan), rows, plan.executed)


def columns_of(plan: Compiled) -> list[dict[str, str]]:
    """The columns as a RESULT_SET names them."""
    return [{"path": column.path, "name": column.name} for column in plan.columns]


def driver_of(connection: sa.Connection) -> "psycopg.Connection[Any]":
    """The driver's own connection."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _asking(connection: sa.Connection, plan: Compiled) -> Run:
    """What asks a statement of a plan: all in the transaction that is open here."""
    driver = driver_of(connection)
    names = count()

    def asked(select: sa.SelectBase) -> psycopg.Cursor[Any] | psycopg.ServerCursor[Any]:
        written = plan.written(select)
        cursor: psycopg.RawCursor[Any] | psycopg.RawServerCursor[Any]
        if plan.bounded:
            cursor = psycopg.RawCursor(driver)
        else:
            cursor = psycopg.RawServerCursor(driver, f"rows_{next(names)}")
            cursor.itersize = ROWS_AT_ONCE
        with ExitStack() as failing:
            failing.enter_context(cursor)
            cursor.execute(written.text, written.parameters(plan.given), binary=True)
            failing.pop_all()
        return cursor

    return asked


def _context(templates: Snapshot, query: Query) -> Context:
    return Context(templates.version, role="care", policy=None, extensions=query.extensions)


def compiled(cache: PlanCache, templates: Snapshot, settings: Settings, query: Query) -> Compiled:
    """The plan of a query with its values, by the templates that its transaction sees."""
    asked, context = paged(query), _context(templates, query)
    if (found := cache.find(asked, context)) is not None:
        plan, given = found
        try:
            return plan.with_values(given)
        except AqlError as error:
            raise malformed(error) from None
    heads = queried.heads(settings.system_id, templates.hot)
    try:
        if asked.page is not None:
            _check_page(query)
        made = aql.compile(
            asked.text, asked.parameters, templates.templates, heads,
            page=asked.page, unchanged=_unchanged(templates), extensions=query.extensions,
        )  # fmt: skip
    except AqlError as error:
        raise malformed(error) from None
    except AqlNotSupported as error:
        place = f"line {error.line}, column {error.column}"
        raise NotSupported(f"{place}: {error.construct} is not supported yet.") from None
    cache.keep(asked, context, made)
    return made


def _unchanged(templates: Snapshot) -> sa.ColumnElement[bool]:
    version = sa.select(tables.registry.c.version).scalar_subquery()
    return version == sa.literal(templates.version, sa.Uuid())


def paged(query: Query) -> aql.Query:
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
