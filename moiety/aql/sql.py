"""Plan → SQLAlchemy Core. Every literal is a bound parameter; names come from plans alone.

    rows     the cells of every row that typed rows answer for, before anything is done to them
    rest     the documents that the evaluator has to read

What is done to rows afterwards is written by `push`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from moiety.aql import plan as p
from moiety.aql.blanks import Blanks
from moiety.aql.tables import CURRENT, NONE, Heads
from moiety.aql.writer import Writer, among

Layout = tuple[tuple[int, str], ...]
"""The columns of a row: cell and kind, in order."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What every statement of a query is written with."""

    plan: p.Plan
    heads: Heads
    blanks: Blanks
    template_ids: Mapping[int, str]

    def writer(self, branch: p.Branch, *, alone: bool) -> Writer:
        """The writer of a branch."""
        ids = self.template_ids
        return Writer(branch, self.plan, self.heads, self.blanks, template_ids=ids, alone=alone)


def branch_select(
    setting: Setting, branch: p.Branch, *, layout: Layout, alone: bool
) -> sa.Select[Any]:
    """The rows of one branch, one column for each entry of the layout.

    `alone` is for when documents have nothing to add: every row can be trusted then, and heads
    are joined only where something asks for them.
    """
    writer = setting.writer(branch, alone=alone)
    columns = [writer.column(cell, kind).label(f"c{n}") for n, (cell, kind) in enumerate(layout)]
    conditions = [writer.condition(branch.where), *writer.trusted()]
    chosen = sa.select(*(columns or [sa.literal_column("1").label("c0")]))
    return chosen.select_from(writer.joined()).where(*_said(conditions))


def _said(conditions: Iterable[sa.ColumnElement[Any]]) -> list[sa.ColumnElement[Any]]:
    """Conditions without those that are true of everything."""
    return [each for each in conditions if not isinstance(each, sa.True_)]


_DOCUMENT = ("object_id", "version", "document")
_NOTHING = p.Branch((), (), p.Every(()), (), frozenset())


def rest_select(setting: Setting, *, whole_ehrs: bool) -> sa.Select[Any] | None:
    """Documents to evaluate: ehr_id, system_id, time_created, object_id, version, document.

    None where rows answer for everything. With `whole_ehrs` every EHR comes, those without a
    composition too, and its compositions follow one another.
    """
    plan = setting.plan
    if plan.of_ehrs and plan.branches:
        return None
    of_ehrs = replace(setting, plan=replace(plan, of_ehrs=plan.of_ehrs or whole_ehrs))
    writer = of_ehrs.writer(_NOTHING, alone=False)
    h, e, narrow = writer.h, writer.e, writer.condition(plan.narrow)
    ehr = [e.c.ehr_id, e.c.system_id, e.c.time_created]
    if plan.of_ehrs:
        absent = [sa.null().label(name) for name in _DOCUMENT]
        return sa.select(*ehr, *absent).where(*_said([*writer.of_ehr(), narrow]))
    chosen = sa.select(*ehr, *(h.c[name] for name in _DOCUMENT))
    if whole_ehrs:
        joined = e.outerjoin(h, h.c.ehr_id == e.c.ehr_id)
        return (
            chosen.select_from(joined)
            .where(*_said([*writer.of_ehr(), narrow]))
            .order_by(e.c.ehr_id)
        )
    joined = h.join(e, h.c.ehr_id == e.c.ehr_id)
    seen = [e.c.queryable] if plan.of_population else []
    return chosen.select_from(joined).where(*_said([narrow, *seen, _untrusted(setting, h)]))


def doubt(setting: Setting) -> sa.ColumnElement[bool]:
    """Whether any document is left to the evaluator; where rows answer for some."""
    if setting.plan.of_ehrs:
        return sa.false()
    writer = setting.writer(_NOTHING, alone=False)
    conditions = [writer.condition(setting.plan.narrow), _untrusted(setting, writer.h)]
    one: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(writer.joined())
    return sa.exists(one.where(*_said(conditions)))


def _untrusted(setting: Setting, h: sa.FromClause) -> sa.ColumnElement[bool]:
    """Compositions that rows do not answer for, less those that rows tell to be of no use."""
    plan = setting.plan
    if plan.left is None:
        return sa.true()
    stale = h.c.rows_version != CURRENT
    doubtful = stale
    if plan.residue:
        # The first half says nothing new: an index on what is doubtful at all has its words.
        told = h.c.residue.bitwise_and(sa.literal_column(str(int(plan.residue)))) != NONE
        doubtful = sa.and_(sa.or_(stale, h.c.residue != NONE), sa.or_(stale, told))
    parts = [doubtful]
    if plain := plan.left - plan.filtered:
        parts.append(among(h.c.template_key, sorted(plain)))
    useful = [_useful(setting, each) for each in plan.filters]
    parts += [sa.tuple_(h.c.ehr_id, h.c.row_key).in_(found) for found in useful]
    return sa.or_(*parts)


def _useful(setting: Setting, branch: p.Branch) -> sa.Select[Any]:
    """The compositions that have a row in a branch."""
    writer = setting.writer(branch, alone=True)
    conditions = [writer.condition(branch.where), *writer.trusted()]
    anchor = writer.anchor
    chosen = sa.select(anchor.c.ehr_id, anchor.c.row_key)
    return chosen.select_from(writer.joined()).where(*_said(conditions))
