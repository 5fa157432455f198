"""Plan → SQLAlchemy Core. Every literal is a bound parameter; names come from plans alone.

    rows     the cells of every row that typed rows answer for, before anything is done to them
    rest     the documents that the evaluator has to read

What is done to rows afterwards is written by `push`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from moiety.aql import plan as p
from moiety.aql.tables import CURRENT, NONE, Heads
from moiety.aql.writer import Writer

Layout = tuple[tuple[int, str], ...]
"""The columns of a row: cell and kind, in order."""


def branch_select(
    branch: p.Branch,
    plan: p.Plan,
    heads: Heads,
    *,
    layout: Layout,
    template_ids: Mapping[int, str],
    alone: bool,
) -> sa.Select[Any]:
    """The rows of one branch, one column for each entry of the layout.

    `alone` is for when documents have nothing to add: every row can be trusted then, and heads
    are joined only where something asks for them.
    """
    writer = Writer(branch, plan, heads, template_ids=template_ids, alone=alone)
    columns = [writer.column(cell, kind).label(f"c{n}") for n, (cell, kind) in enumerate(layout)]
    conditions = [writer.condition(branch.where), *writer.trusted()]
    chosen = sa.select(*(columns or [sa.literal(1).label("c0")]))
    return chosen.select_from(writer.joined()).where(*_said(conditions))


def _said(conditions: Iterable[sa.ColumnElement[Any]]) -> list[sa.ColumnElement[Any]]:
    """Conditions without those that are true of everything."""
    return [each for each in conditions if not isinstance(each, sa.True_)]


_DOCUMENT = ("object_id", "version", "document")


def rest_select(
    plan: p.Plan, heads: Heads, *, template_ids: Mapping[int, str], whole_ehrs: bool
) -> sa.Select[Any] | None:
    """Documents to evaluate: ehr_id, system_id, time_created, object_id, version, document.

    None where rows answer for everything. With `whole_ehrs` every EHR comes, those without a
    composition too, and its compositions follow one another.
    """
    if plan.of_ehrs and plan.branches:
        return None
    nothing = p.Branch((), (), p.Every(()), (), frozenset())
    of_ehrs = plan.of_ehrs or whole_ehrs
    writer = Writer(nothing, replace(plan, of_ehrs=of_ehrs), heads, template_ids={}, alone=False)
    h, e, narrow = writer.h, writer.e, writer.condition(plan.narrow)
    ehr = [e.c.ehr_id, e.c.system_id, e.c.time_created]
    if plan.of_ehrs:
        absent = [sa.null().label(name) for name in _DOCUMENT]
        return sa.select(*ehr, *absent).where(*_said([sa.not_(e.c.pooled), narrow]))
    chosen = sa.select(*ehr, *(h.c[name] for name in _DOCUMENT))
    if whole_ehrs:
        joined = e.outerjoin(h, h.c.ehr_id == e.c.ehr_id)
        return (
            chosen.select_from(joined)
            .where(*_said([sa.not_(e.c.pooled), narrow]))
            .order_by(e.c.ehr_id)
        )
    joined = h.join(e, h.c.ehr_id == e.c.ehr_id)
    useful = [_useful(each, plan, heads, template_ids) for each in plan.filters]
    return chosen.select_from(joined).where(*_said([narrow, _untrusted(plan, h, useful)]))


def _untrusted(
    plan: p.Plan, h: sa.FromClause, useful: list[sa.Select[Any]]
) -> sa.ColumnElement[bool]:
    """Compositions that rows do not answer for, less those that rows tell to be of no use."""
    if plan.left is None:
        return sa.true()
    stale = h.c.rows_version != CURRENT
    doubtful = stale
    if plan.residue:
        # The first half says nothing new: an index on what is doubtful at all has its words.
        told = h.c.residue.bitwise_and(plan.residue) != NONE
        doubtful = sa.and_(sa.or_(stale, h.c.residue != NONE), sa.or_(stale, told))
    parts = [doubtful]
    if plain := plan.left - plan.filtered:
        parts.append(h.c.template_key.in_(sorted(plain)))
    parts += [sa.tuple_(h.c.ehr_id, h.c.row_key).in_(found) for found in useful]
    return sa.or_(*parts)


def _useful(
    branch: p.Branch, plan: p.Plan, heads: Heads, template_ids: Mapping[int, str]
) -> sa.Select[Any]:
    """The compositions that have a row in a branch."""
    writer = Writer(branch, plan, heads, template_ids=template_ids, alone=True)
    conditions = [writer.condition(branch.where), *writer.trusted()]
    anchor = writer.anchor
    chosen = sa.select(anchor.c.ehr_id, anchor.c.row_key)
    return chosen.select_from(writer.joined()).where(*_said(conditions))
