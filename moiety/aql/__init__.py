"""AQL: text → tree → request → plan → SQL, and the document evaluator that checks it. No I/O.

    lexer       text → tokens
    cursor      a place in the tokens
    paths       grammar of values, paths and predicates
    parser      tokens → tree                               parse(text)
    ast         the tree
    printer     tree → text                                 render(tree)
    classes     classes that FROM may name
    request     tree and parameters → what both ways answer request(tree, parameters)
    trie        paths as one tree, and how they expand over documents
    predicates  conditions in brackets, asked of documents
    values      how values compare
    evaluate    documents → rows                            evaluate(request, records)
    results     rows → result                               finish(request, rows)
    spots       paths through a template
    shapes      FROM against a template
    cells       columns of a spot
    conditions  comparisons by type
    branches    one shape of one template → a branch
    resolve     request and templates → plan                resolve(request, templates)
    plan        the plan
    tables      the tables that SQL reads
    writer      a branch as SQL
    sql         plan → SQLAlchemy Core
    push        DISTINCT, aggregates, order and limit in SQL
    errors      AqlError, AqlNotSupported

`compile` puts them in order. A caller runs `rest` first: where it gives no document, `pushed` is
the result (`shown`); where it gives some, or `pushed` is None, the result is `finish` over the
rows of `rows` (`typed`) and of the documents (`evaluated`).
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from moiety.aql import evaluate as documents
from moiety.aql import push, results, sql
from moiety.aql.errors import AqlError, AqlNotSupported
from moiety.aql.evaluate import Record, Row, spans_compositions
from moiety.aql.parser import parse
from moiety.aql.plan import Plan
from moiety.aql.printer import render
from moiety.aql.request import Request, request
from moiety.aql.resolve import resolve
from moiety.aql.sql import Layout
from moiety.aql.tables import Heads
from moiety.aql.values import BOOLEAN, CALENDAR, NOTHING, NULL, NUMBER, TEXT, Value
from moiety.aql.values import moment as as_moment
from moiety.openehr.template import Template

Decode = Callable[[bytes], dict[str, Any]]
"""A stored document → its canonical JSON object, with the uid of its version."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the result: `name` is the alias or "#" and its place, `path` "" for no path."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query ready to run.

    `rows`: None where no typed rows answer. `pushed`: None where Python has to finish.
    `rest`: None where no document can add anything; its columns are ehr_id, system_id,
    time_created, object_id, version and document. `executed` is the query with its parameters in
    place.
    """

    request: Request
    plan: Plan
    columns: tuple[Column, ...]
    rows: sa.Select[Any] | sa.CompoundSelect[Any] | None
    pushed: sa.Select[Any] | None
    rest: sa.Select[Any] | None
    layout: Layout
    executed: str

    def typed(self, found: Iterable[Any], decode: Decode) -> Iterator[Row]:
        """Rows of the statement `rows`."""
        for row in found:
            yield self._row(row, decode)

    def evaluated(self, found: Iterable[Any], decode: Decode) -> Iterator[Row]:
        """Rows of the documents that the statement `rest` gives."""
        whole = spans_compositions(self.request.query.source)
        return documents.evaluate(self.request, _records(found, decode, whole=whole))

    def finish(self, rows: Iterable[Row]) -> list[list[Any]]:
        """The result: DISTINCT, aggregates, order and limit over all rows."""
        return results.finish(self.request, rows)

    def shown(self, found: Iterable[Any], decode: Decode) -> list[list[Any]]:
        """The result that the statement `pushed` gives."""
        if self.request.aggregated:
            return [[_number(cell) for cell in row] for row in found]
        rows = (self._row(row, decode) for row in found)
        cells = [output.cell or 0 for output in self.request.outputs]
        return [[row[cell].raw for cell in cells] for row in rows]

    def _row(self, found: Any, decode: Decode) -> Row:
        cells = [NULL] * len(self.request.cells)
        instants: dict[int, float] = {}
        for (cell, kind), told in zip(self.layout, found, strict=False):
            if told is None:
                continue
            if kind == "instant":
                instants[cell] = told
            else:
                cells[cell] = _value(kind, told, decode)
        for cell, instant in instants.items():
            cells[cell] = self._timed(cell, cells[cell], instant)
        return tuple(cells)

    def _timed(self, cell: int, told: Value, instant: float) -> Value:
        alike = [branch.cells[cell] for branch in self.plan.branches if branch.cells[cell].rank]
        if told.raw is None:
            return Value(instant, alike[0].rank, instant)
        return push.timed(alike[0], told, instant)


def _value(kind: str, told: Any, decode: Decode) -> Value:
    match kind:
        case "text":
            return Value(told, TEXT, told)
        case "boolean":
            return Value(told, BOOLEAN, told)
        case "document":
            return Value(decode(told), NOTHING, None)
        case "time_created":
            text = _stamp(told)
            return as_moment(text, CALENDAR) or Value(text, TEXT, text)
        case _:
            return Value(told, NUMBER, told)


def _stamp(moment: datetime) -> str:
    """A time of the database as openEHR writes it, whatever zone the session has."""
    return moment.astimezone(UTC).isoformat()


def _number(cell: Any) -> Any:
    if isinstance(cell, Decimal):
        return int(cell) if cell == cell.to_integral_value() else float(cell)
    return cell


def compile(  # noqa: A001 - the name says what it does, and callers write aql.compile
    text: str, parameters: Mapping[str, Any], templates: Mapping[int, Template], heads: Heads
) -> Compiled:
    """Compile a query against the templates of a registry (template_key → template).

    The registry must be the one that the transaction of the statements sees: a composition of a
    template that is not in it is not found.

    Raises AqlError where the query cannot be understood, AqlNotSupported where it is not run yet;
    both carry line and column.
    """
    asked = request(parse(text), parameters)
    plan = resolve(asked, templates)
    layout = push.layout(asked, plan)
    ids = {key: template.template_id for key, template in templates.items()}
    rows, alone = (
        _union(
            [
                sql.branch_select(each, plan, heads, layout=layout, template_ids=ids, alone=alone)
                for each in plan.branches
            ]
        )
        for alone in (False, True)
    )
    pushed = push.pushed(asked, plan, alone.subquery("r"), layout) if alone is not None else None
    rest = sql.rest_select(plan, heads, whole_ehrs=spans_compositions(asked.query.source))
    columns = tuple(Column(output.name, output.path) for output in asked.outputs)
    executed = render(asked.query)
    return Compiled(asked, plan, columns, rows, pushed, rest, layout, executed)


def _union(selects: list[sa.Select[Any]]) -> sa.Select[Any] | sa.CompoundSelect[Any] | None:
    if len(selects) > 1:
        return sa.union_all(*selects)
    return selects[0] if selects else None


def plan_key(
    text: str,
    parameters: Mapping[str, Any],
    *,
    registry: Hashable,
    role: str,
    policy: Hashable,
    extensions: bool,
) -> Hashable:
    """What a cache of compiled queries is keyed by: all that a plan depends on.

    Parameters take part with type and value: a plan holds what a text means as a time or an id.
    `registry` is the version of the templates; two callers share a plan only with the same role
    and the same version of the same policy.
    """
    given = tuple(
        (name, type(member).__name__, repr(member)) for name, member in sorted(parameters.items())
    )
    return (text, given, registry, role, policy, extensions)


def _records(found: Iterable[Any], decode: Decode, *, whole: bool) -> Iterator[Record]:
    """Records of the rows of `rest`; with `whole` those of one EHR together."""
    if not whole:
        for row in found:
            yield Record(_ehr(row), [decode(row[5])] if row[5] else [])
        return
    for _, group in groupby(found, key=lambda row: row[0]):
        rows = list(group)
        compositions = [decode(row[5]) for row in rows if row[5]]
        yield Record(_ehr(rows[0]), compositions)


def _ehr(row: Any) -> dict[str, Any]:
    ehr_id, system_id, created = row[:3]
    return {
        "_type": "EHR",
        "system_id": {"_type": "HIER_OBJECT_ID", "value": system_id},
        "ehr_id": {"_type": "HIER_OBJECT_ID", "value": str(ehr_id)},
        "time_created": {"_type": "DV_DATE_TIME", "value": _stamp(created)},
    }


__all__ = [
    "AqlError",
    "AqlNotSupported",
    "Column",
    "Compiled",
    "Heads",
    "compile",
    "parse",
    "plan_key",
    "render",
]
