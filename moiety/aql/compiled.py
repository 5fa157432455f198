"""The compiler from end to end: statements, and how their rows become a result."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa

from moiety.aql import ast, push, results, sql, stored
from moiety.aql.asides import set_apart, with_clock
from moiety.aql.blanks import Blanks, Given
from moiety.aql.demands import Demand, demands
from moiety.aql.errors import AqlError
from moiety.aql.evaluate import Row, evaluate
from moiety.aql.forms import Form, form_of, slots_of, split
from moiety.aql.hot import with_indexes
from moiety.aql.parser import parse
from moiety.aql.partial import decoder
from moiety.aql.plan import Compared, Condition, Head, Plan
from moiety.aql.printer import Rendered, rendered
from moiety.aql.request import Request, refilled, request
from moiety.aql.resolve import resolve
from moiety.aql.shown import shown, stamp
from moiety.aql.sql import Layout
from moiety.aql.statements import Statement, guarded, statement
from moiety.aql.stored import Reading
from moiety.aql.tables import Heads
from moiety.aql.values import BOOLEAN, CALENDAR, NOTHING, NULL, NUMBER, TEXT, Value
from moiety.aql.values import moment as as_moment
from moiety.openehr.template import Template


class Found(Protocol):
    """The rows of a statement, as they are asked for."""

    def __iter__(self) -> Iterator[Any]: ...
    def close(self) -> None: ...


Select = sa.Select[Any] | sa.CompoundSelect[Any]
Run = Callable[[Select], Found]
"""Runs a statement; best with a server-side cursor, for a result may need few rows of many."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the result: `name` is the alias or "#" and its place, `path` "" for no path."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query ready to run, for all values that have its signatures.

    `rows`: None where no typed rows answer. `pushed`: None where Python has to finish.
    `rest`: None where no document can add anything; its columns are those of `stored.Row`.
    `alone`: the statement that gives the result, or says that it cannot by itself; None where it
    never could. `form`: which values may be others in another run. `given`: the values by slot,
    at first those it was compiled with. `demands`: what the values must be in every run.
    """

    request: Request
    plan: Plan
    columns: tuple[Column, ...]
    rows: Select | None
    pushed: sa.Select[Any] | None
    rest: Select | None
    alone: Statement | None
    layout: Layout
    shown_as: push.Shown
    blanks: Blanks
    text: Rendered
    system_id: str
    form: Form
    given: Given
    demands: tuple[Demand, ...] = ()
    texts: dict[int, Statement] = field(default_factory=dict, compare=False)

    @property
    def executed(self) -> str:
        """The query with its values in place."""
        return self.text.with_values(self.given)

    @property
    def parameters(self) -> dict[str, Any]:
        """The open parameters of `rows`, `pushed` and `rest`, by name."""
        return {name: fill(self.given) for name, fill in self.blanks.fills.items()}

    @property
    def bounded(self) -> bool:
        """Whether only few documents can have a say: those of one EHR, or one composition."""
        return any(_is_one(part) for part in self.plan.narrow.parts)

    def written(self, select: sa.SelectBase) -> Statement:
        """`rows`, `pushed` or `rest` for the driver; written when it is first asked for."""
        if id(select) not in self.texts:
            self.texts[id(select)] = statement(select, self.blanks)
        return self.texts[id(select)]

    def check(self, given: Given) -> None:
        """Whether the values of a run are what they must be. Raises AqlError."""
        for demand in self.demands:
            demand.check(given, self.system_id)

    def with_values(self, given: Given) -> "Compiled":
        """The same plan with the values of another run. Raises AqlError for what is none."""
        self.check(given)
        return replace(self, request=refilled(self.request, given), given=given)

    def answer(self, run: Run, reading: Reading) -> list[list[Any]]:
        """The result: each statement that is needed is run, and read only as far as it matters.

        `run` gives the rows of a statement as they are asked for; all must be of one snapshot.
        """
        with ExitStack() as opened:

            def rows_of(statement: Select | None) -> Iterable[Any]:
                return () if statement is None else opened.enter_context(closing(run(statement)))

            left = iter(rows_of(self.rest))
            first = next(left, None)
            if first is None and self.pushed is not None:
                return self.shown(rows_of(self.pushed), reading)
            documents = self.evaluated(chain(() if first is None else (first,), left), reading)
            return self.finish(chain(self.typed(rows_of(self.rows), reading), documents))

    def typed(self, found: Iterable[Any], reading: Reading) -> Iterator[Row]:
        """Rows of the statement `rows`."""
        for row in found:
            yield self._row(row, reading)

    def evaluated(self, found: Iterable[Any], reading: Reading) -> Iterator[Row]:
        """Rows of the documents that the statement `rest` gives."""
        decode = decoder(self.request).decode
        needs = self.plan.needs
        records = stored.records(found, needs, reading, decode)
        return evaluate(self.request, records, check=reading.check)

    def finish(self, rows: Iterable[Row]) -> list[list[Any]]:
        """The result: DISTINCT, aggregates, order and limit over all rows."""
        return results.finish(self.request, rows)

    def shown(self, found: Iterable[Any], reading: Reading) -> list[Any]:
        """The result that the statement `pushed` gives; rows are lists or tuples."""
        return shown(found, self.shown_as, reading.unpack)

    def told_alone(self, found: Sequence[Any], reading: Reading) -> list[Any] | None:
        """The result that the statement `alone` gives; None where it does not answer."""
        if not found[0][0]:
            return None
        rows = (row[2:] for row in found) if found[0][1] else ()
        return shown(rows, self.shown_as, reading.unpack)

    def _row(self, found: Any, reading: Reading) -> Row:
        cells = [NULL] * len(self.request.cells)
        instants: dict[int, float] = {}
        for (cell, kind), told in zip(self.layout, found, strict=False):
            if told is None:
                continue
            if kind == "instant":
                instants[cell] = told
            else:
                cells[cell] = _value(kind, told, reading)
        for cell, instant in instants.items():
            cells[cell] = self._timed(cell, cells[cell], instant)
        return tuple(cells)

    def _timed(self, cell: int, told: Value, instant: float) -> Value:
        alike = [branch.cells[cell] for branch in self.plan.branches if branch.cells[cell].rank]
        if told.raw is None:
            return Value(instant, alike[0].rank, instant)
        return push.timed(alike[0], told, instant)


def _is_one(part: Condition) -> bool:
    is_head = isinstance(part, Compared) and isinstance(part.left, Head)
    return is_head and isinstance(part, Compared) and part.operator == "="


def _value(kind: str, told: Any, reading: Reading) -> Value:
    match kind:
        case "text":
            return Value(told, TEXT, told)
        case "boolean":
            return Value(told, BOOLEAN, told)
        case "ehr" | "version":
            return Value(str(told), TEXT, str(told))
        case "document":
            return Value(msgspec.json.decode(reading.unpack(told)), NOTHING, None)
        case "timestamp":
            text = stamp(told)
            return as_moment(text, CALENDAR) or Value(text, TEXT, text)
        case _:
            return Value(told, NUMBER, told)


def compile(  # noqa: A001 - the name says what it does, and callers write aql.compile
    text: str,
    parameters: Mapping[str, Any],
    templates: Mapping[int, Template],
    heads: Heads,
    *,
    page: tuple[int, int] | None = None,
    unchanged: sa.ColumnElement[bool] | None = None,
    extensions: bool = False,
) -> Compiled:
    """Compile a query against the templates of a registry (template_key → template).

    `page` is a limit and an offset from outside the text. The registry must be the one that the
    transaction of the statements sees: a composition of a template that is not in it is not
    found. `unchanged` says in SQL that it is; without it there is no statement `alone`. What
    terminologies say is among the parameters (`asides`). `extensions`: the query may hold what is
    no AQL.

    Raises AqlError where the query cannot be understood, with line and column.
    """
    parameters = with_clock(text, parameters)
    tree = set_apart(parse(text))
    form, places = form_of(text, tree)
    made = request(tree, parameters, slots_of(form, places), extensions=extensions)
    asked = _paged(made, form, page)
    plan = with_indexes(resolve(asked, templates), heads.hot)
    ids = {key: template.template_id for key, template in templates.items()}
    setting = sql.Setting(plan, heads, Blanks(), ids)
    layout = push.layout(asked, plan)
    rows = _rows(setting, layout, alone=False)
    pushed = _pushed(setting, asked, layout)
    found = Compiled(
        request=asked,
        plan=plan,
        columns=tuple(Column(output.name, output.path) for output in asked.outputs),
        rows=rows,
        pushed=pushed,
        rest=sql.rest_select(setting),
        alone=_alone(setting, asked, pushed, unchanged),
        layout=layout,
        shown_as=push.shown(asked, layout),
        blanks=setting.blanks,
        text=rendered(asked.query, paged=asked.paged),
        system_id=heads.system_id,
        form=form,
        given=_values(form, text, parameters, page),
        demands=demands(asked.query, asked.variables),
    )
    found.check(found.given)
    return found


def _paged(asked: Request, form: Form, page: tuple[int, int] | None) -> Request:
    if page is None:
        return asked
    if asked.limit is not None:
        at = asked.query.top.at if asked.query.top else ast.NOWHERE
        raise AqlError(at.line, at.column, "one limit: TOP, LIMIT or a page")
    return replace(asked, limit=page[0], offset=page[1], paged=len(form.slots))


def _values(
    form: Form, text: str, parameters: Mapping[str, Any], page: tuple[int, int] | None
) -> Given:
    values, _ = form.read(split(text), parameters, page or ())
    return values


def _rows(setting: sql.Setting, layout: Layout, *, alone: bool) -> Select | None:
    return _union(
        [
            sql.branch_select(setting, each, layout=layout, alone=alone)
            for each in setting.plan.branches
        ]
    )


def _pushed(setting: sql.Setting, asked: Request, layout: Layout) -> sa.Select[Any] | None:
    """The statement that makes the whole result, over rows that can all be trusted."""
    whole = _rows(setting, layout, alone=True)
    if whole is None:
        return None
    return push.pushed(asked, setting.plan, whole.subquery("r"), layout, setting.blanks)


def _alone(
    setting: sql.Setting,
    asked: Request,
    pushed: sa.Select[Any] | None,
    unchanged: sa.ColumnElement[bool] | None,
) -> Statement | None:
    if (
        pushed is None
        or unchanged is None
        or (setting.plan.left is None and not setting.plan.of_ehrs)
    ):
        return None
    gate = sa.and_(unchanged, sa.not_(sql.doubt(setting)))
    paged = asked.limit is not None
    return statement(guarded(pushed, gate, paged=paged), setting.blanks)


def _union(selects: list[sa.Select[Any]]) -> Select | None:
    if len(selects) > 1:
        return sa.union_all(*selects)
    return selects[0] if selects else None
