"""What a query costs before it is run: how it is answered, from which tables, at what estimate.

PostgreSQL is asked to plan the statements, never to run them, but for one look whether any document
has a say now.  Nothing told holds a value of the query: they are blank.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import psycopg
import sqlalchemy as sa

from clinical_api.queries import Query, columns_of, driver_of
from clinical_api.registry import Snapshot
from moiety.aql import Compiled
from moiety.aql.blanked import blanked
from moiety.aql.parser import parse
from moiety.aql.wanted import lacking, wanted_paths
from moiety.kit.errors import Unprocessable

TYPED, MIXED, DOCUMENTS = "typed SQL", "SQL + documents", "documents"
A_DOCUMENT = 50.0
"""What the evaluation of one document counts for, in PostgreSQL's unit: the reading of a page."""


class Table(msgspec.Struct, frozen=True):
    """A table that is read.  `holds`: the place in an archetype whose values its rows are."""

    table: str
    holds: str
    estimated_rows: int


class Documents(msgspec.Struct, frozen=True):
    """Documents that are evaluated: an estimate, and why rows do not answer for them."""

    estimated: int
    reasons: Sequence[str]


class Explained(msgspec.Struct, frozen=True):
    """How a query is answered.  `lacks`: commands that make the indexes it would want."""

    plan_class: str
    about: str
    executed_aql: str
    columns: Sequence[Mapping[str, str]]
    estimated_rows: int
    estimated_cost: float
    documents: Documents
    tables: Sequence[Table]
    indexes: Sequence[str]
    lacks: Sequence[str]


def explain(
    connection: sa.Connection, plan: Compiled, query: Query, templates: Snapshot
) -> Explained:
    """How a plan would be answered now."""
    driver = driver_of(connection)
    read = any(_documents(driver, plan))
    estimates = list(_estimates(driver, plan, by_documents=read))
    rest = estimates[0] if read else None
    result = estimates[-1] if not read or len(estimates) > 1 else estimates[0]
    holds = {
        group.table: group.key
        for template in templates.templates.values()
        for group in template.groups.values()
    }
    nodes = [node for one in estimates for node in _nodes(one)]
    wanted = wanted_paths(parse(query.text)) if plan.plan.of_population else ()
    return Explained(
        plan_class=plan_class(plan, by_documents=read),
        about="population" if not plan.bounded else "one EHR",
        executed_aql=blanked(plan.executed),
        columns=columns_of(plan),
        estimated_rows=round(result["Plan Rows"]),
        estimated_cost=round(_cost(estimates, rest), 2),
        documents=Documents(round(rest["Plan Rows"]) if rest else 0, plan.plan.reasons),
        tables=_tables(nodes, holds),
        indexes=sorted({node["Index Name"] for node in nodes if "Index Name" in node}),
        lacks=[command(path) for path in lacking(wanted, templates.templates, templates.hot)],
    )


def command(path: str) -> str:
    """What an operator runs to index a path."""
    return f'moiety clinical index add "{path}"'


def plan_class(plan: Compiled, *, by_documents: bool) -> str:
    """How a plan is answered, where documents have a say or have none."""
    if not by_documents:
        return TYPED
    return MIXED if plan.rows is not None and plan.plan.left is not None else DOCUMENTS


def demand_cheap(connection: sa.Connection, plan: Compiled, most: float) -> None:
    """Raise Unprocessable for a plan whose estimate is over the limit (0: there is none)."""
    if not most:
        return
    driver = driver_of(connection)
    read = any(_documents(driver, plan))
    estimates = list(_estimates(driver, plan, by_documents=read))
    cost = _cost(estimates, estimates[0] if read else None)
    if cost > most:
        raise Unprocessable(
            f"The query was not run: its estimated cost of {cost:.0f} is over the limit of"
            f" {most:.0f}. Narrow it by EHR, archetype or an indexed value;"
            " POST …/query/aql/explain tells what it would read."
        )


# --- parts ---------------------------------------------------------------------------------------

_Node = Mapping[str, Any]


def _cost(estimates: Sequence[_Node], rest: _Node | None) -> float:
    total = sum(float(one["Total Cost"]) for one in estimates)
    return total + (A_DOCUMENT * float(rest["Plan Rows"]) if rest else 0.0)


def _documents(driver: "psycopg.Connection[Any]", plan: Compiled) -> Iterator[Any]:
    """The first document that has a say, if any does: as the query itself begins."""
    if plan.rest is None:
        return
    written = plan.written(plan.rest)
    with psycopg.RawServerCursor(driver, "any_document") as cursor:
        cursor.execute(written.text, written.parameters(plan.given), binary=True)
        found = cursor.fetchone()
    if found is not None:
        yield True


def _estimates(
    driver: "psycopg.Connection[Any]", plan: Compiled, *, by_documents: bool
) -> Iterator[_Node]:
    """PostgreSQL's plans of the statements that would run, that of the documents first."""
    if by_documents or plan.pushed is None:
        selects = [plan.rest if by_documents else None, plan.rows]
    else:
        selects = [plan.pushed]
    for select in selects:
        if select is not None:
            written = plan.written(select)
            text = b"EXPLAIN (FORMAT JSON) " + written.text
            row = psycopg.RawCursor(driver).execute(text, written.parameters(plan.given)).fetchone()
            yield row[0][0]["Plan"] if row else {}


def _nodes(node: _Node) -> Iterator[_Node]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _tables(nodes: Sequence[_Node], holds: Mapping[str, str]) -> list[Table]:
    """Each table once, with the rows of all its scans."""
    found: dict[str, int] = {}
    for node in nodes:
        if "Relation Name" in node:
            name = node["Relation Name"]
            found[name] = found.get(name, 0) + round(node["Plan Rows"])
    return [Table(name, holds.get(name, name), rows) for name, rows in found.items()]
