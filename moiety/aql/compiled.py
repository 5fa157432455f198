"""The compiler from end to end: statements, and how their rows become a result."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, groupby
from typing import Any

import sqlalchemy as sa

from moiety.aql import push, results, sql
from moiety.aql.evaluate import Record, Row, evaluate, spans_compositions
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

Run = Callable[[sa.Executable], sa.Result[Any]]
"""Runs a statement; best with a server-side cursor, for a result may need few rows of many."""


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

    def answer(self, run: Run, decode: Decode) -> list[list[Any]]:
        """The result: each statement that is needed is run, and read only as far as it matters.

        `run` gives the rows of a statement as they are asked for; all must be of one snapshot.
        """
        with ExitStack() as opened:

            def rows_of(statement: sa.Executable | None) -> Iterable[Any]:
                return () if statement is None else opened.enter_context(closing(run(statement)))

            left = iter(rows_of(self.rest))
            first = next(left, None)
            if first is None and self.pushed is not None:
                return self.shown(rows_of(self.pushed), decode)
            documents = self.evaluated(chain(() if first is None else (first,), left), decode)
            return self.finish(chain(self.typed(rows_of(self.rows), decode), documents))

    def typed(self, found: Iterable[Any], decode: Decode) -> Iterator[Row]:
        """Rows of the statement `rows`."""
        for row in found:
            yield self._row(row, decode)

    def evaluated(self, found: Iterable[Any], decode: Decode) -> Iterator[Row]:
        """Rows of the documents that the statement `rest` gives."""
        whole = spans_compositions(self.request.query.source)
        return evaluate(self.request, _records(found, decode, whole=whole))

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
    whole = spans_compositions(asked.query.source)
    rest = sql.rest_select(plan, heads, template_ids=ids, whole_ehrs=whole)
    columns = tuple(Column(output.name, output.path) for output in asked.outputs)
    executed = render(asked.query)
    return Compiled(asked, plan, columns, rows, pushed, rest, layout, executed)


def _union(selects: list[sa.Select[Any]]) -> sa.Select[Any] | sa.CompoundSelect[Any] | None:
    if len(selects) > 1:
        return sa.union_all(*selects)
    return selects[0] if selects else None


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
