"""AQL over the clinical repository.

Typed rows answer for every head whose rows tell all that the query asks; the document evaluator
answers for the rest.  Both read one snapshot, so a version is seen by exactly one of them.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from clinical_api import documents, tables
from clinical_api.registry import Registry, Snapshot
from clinical_api.settings import Settings
from moiety import aql
from moiety.aql import AqlError, AqlNotSupported, Compiled
from moiety.aql.parser import parse
from moiety.aql.tables import Heads
from moiety.kit.errors import Malformed, NotSupported, Unprocessable

_LARGEST_CACHE = 512
_ROWS_AT_ONCE = 200
_LONGEST_CACHED = 4096


@dataclass(frozen=True, slots=True)
class ResultSet:
    """RESULT_SET of the openEHR REST API: columns, rows and the query as it was run."""

    columns: list[dict[str, str]]
    rows: list[list[Any]]
    executed: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query as a client sends it."""

    text: str
    parameters: Mapping[str, Any]
    fetch: int | None = None
    offset: int | None = None


class PlanCache:
    """Compiled queries, the least used forgotten first; safe to use from several threads."""

    def __init__(self) -> None:
        self._plans: OrderedDict[Hashable, Compiled] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Compiled | None:
        """The plan of a key, if it is remembered."""
        with self._lock:
            if key in self._plans:
                self._plans.move_to_end(key)
            return self._plans.get(key)

    def put(self, key: Hashable, plan: Compiled) -> None:
        """Remember a plan."""
        with self._lock:
            self._plans[key] = plan
            while len(self._plans) > _LARGEST_CACHE:
                self._plans.popitem(last=False)


def snapshots(engine: sa.Engine) -> sa.Engine:
    """The same connections, in transactions that see one snapshot; a replica takes no other."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


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
        rows = _rows(connection, compiled)
    columns = [{"path": column.path, "name": column.name} for column in compiled.columns]
    return ResultSet(columns, rows, compiled.executed)


def _rows(connection: sa.Connection, compiled: Compiled) -> list[list[Any]]:
    """Both statements run on one snapshot and are streamed: a LIMIT stops the reading."""
    streamed = {"yield_per": _ROWS_AT_ONCE}
    return compiled.answer(
        lambda statement: connection.execute(statement, execution_options=streamed), _decode
    )


def _decode(document: bytes) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(documents.unpack(document))
    return found


def _compiled(cache: PlanCache, templates: Snapshot, settings: Settings, query: Query) -> Compiled:
    text = _paged(query)
    key = aql.plan_key(
        text, query.parameters, registry=templates.version, role="care", policy=None,
        extensions=False,
    )  # fmt: skip
    if (known := cache.get(key)) is not None:
        return known
    heads = Heads(tables.composition.head, tables.ehr, settings.system_id)
    try:
        compiled = aql.compile(text, query.parameters, templates.templates, heads)
    except AqlError as error:
        raise _malformed(error) from None
    except AqlNotSupported as error:
        place = f"line {error.line}, column {error.column}"
        raise NotSupported(f"{place}: {error.construct} is not supported yet.") from None
    # A plan keeps its parameters, and a list of thousands of them would fill the cache.
    if len(repr(query.parameters)) <= _LONGEST_CACHED:
        cache.put(key, compiled)
    return compiled


def _paged(query: Query) -> str:
    """The text with the client's paging in it."""
    if query.fetch is None:
        if query.offset is not None:
            raise Unprocessable("Query parameter for offset provided, but no fetch parameter")
        return query.text
    try:
        limited = parse(query.text).limit is not None
    except AqlError as error:
        raise _malformed(error) from None
    if limited:
        raise Unprocessable(
            "Query contains a LIMIT clause, fetch and offset parameters must not be used"
        )
    # On a line of its own: the query may end in a comment.
    return f"{query.text}\nLIMIT {query.fetch} OFFSET {query.offset or 0}"


def _malformed(error: AqlError) -> Malformed:
    place = {"path": f"line {error.line}, column {error.column}", "rule": "AQL"}
    return Malformed(
        f"The query can't be understood: {error}.",
        findings=[place | {"expected": error.expected, "found": error.found}],
    )
