"""Plan → SQLAlchemy Core. Every literal is a bound parameter; names come from plans alone.

    rows     the cells of every row that typed rows answer for, before anything is done to them
    rest     the documents that the evaluator has to read

What is done to rows afterwards is written by `push`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from moiety.aql import plan as p
from moiety.aql import stored
from moiety.aql.blanks import Blanks
from moiety.aql.needs import CONTENTS
from moiety.aql.tables import CURRENT, NONE, Heads, Kept
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

    def writer(self, branch: p.Branch, *, alone: bool, head: sa.FromClause | None = None) -> Writer:
        """The writer of a branch; `head`: the table of versions that it is about."""
        return Writer(
            branch, self.plan, self.heads, self.blanks, template_ids=self.template_ids,
            alone=alone, head=self.heads.composition if head is None else head,
        )  # fmt: skip


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


_NOTHING = p.Branch((), (), p.Every(()), (), frozenset())


def rest_select(setting: Setting) -> sa.Select[Any] | sa.CompoundSelect[Any] | None:
    """Documents to evaluate, with the columns of `stored.Row`.

    None where rows answer for everything. Where a row of the result may need several contents of
    an EHR, every EHR comes, those without content too, and what is of one EHR follows one another.
    """
    plan, needs = setting.plan, setting.plan.needs
    if plan.of_ehrs:
        return None if plan.branches else _ehrs(setting)
    parts = [
        part
        for kind in CONTENTS
        if kind in needs.kinds
        for part in _contents(setting, setting.heads.kept(kind), kind)
    ]
    if needs.whole:
        together = sa.union_all(_ehrs(setting), *parts).subquery("t")
        return sa.select(together).order_by(together.c.ehr_id)
    return sa.union_all(*parts) if len(parts) > 1 else parts[0]


def _ehrs(setting: Setting) -> sa.Select[Any]:
    """EHRs without their content."""
    of_ehrs = replace(setting, plan=replace(setting.plan, of_ehrs=True))
    writer = of_ehrs.writer(_NOTHING, alone=False)
    status = _status(setting)
    told = _columns(setting, writer.e, None, status)
    joined = _with_status(writer.e, writer.e, status)
    conditions = [*writer.of_ehr(), writer.condition(setting.plan.narrow)]
    return sa.select(*told).select_from(joined).where(*_said(conditions))


def _contents(setting: Setting, kept: Kept, kind: str) -> list[sa.Select[Any]]:
    """The documents of one kind: latest ones, and where they are asked for those before."""
    found = [_content(setting, kept.head, kind, former=False)]
    if setting.plan.needs.former:
        found.append(_content(setting, kept.history, kind, former=True))
    return found


def _content(setting: Setting, table: sa.FromClause, kind: str, *, former: bool) -> sa.Select[Any]:
    plan = setting.plan
    writer = setting.writer(_NOTHING, alone=False, head=table)
    h, e = writer.h, writer.e
    conditions = [writer.condition(plan.narrow)]
    if kind != "COMPOSITION" or plan.needs.whole:
        conditions += writer.of_ehr()
    elif plan.of_population:
        conditions.append(e.c.queryable)  # an EHR of the pool has no composition
    if kind == "COMPOSITION" and not former:
        conditions.append(_untrusted(setting, h))
    status, detail = _status(setting), None
    joined = _with_status(h.join(e, h.c.ehr_id == e.c.ehr_id), e, status)
    if plan.needs.wrapped:
        detail = setting.heads.detail.alias("d")
        same = [detail.c[name] == h.c[name] for name in ("ehr_id", "object_id", "version")]
        joined = joined.outerjoin(detail, sa.and_(*same))
    told = _columns(setting, e, h, status, former=former, detail=detail)
    return sa.select(*told).select_from(joined).where(*_said(conditions))


def _status(setting: Setting) -> sa.FromClause | None:
    """The status of the EHR, where the query leads into it."""
    needed = setting.plan.needs.status
    return setting.heads.kept("EHR_STATUS").head.alias("es") if needed else None


def _with_status(
    joined: sa.FromClause, e: sa.FromClause, status: sa.FromClause | None
) -> sa.FromClause:
    return joined if status is None else joined.join(status, status.c.ehr_id == e.c.ehr_id)


def _columns(
    setting: Setting,
    e: sa.FromClause,
    h: sa.FromClause | None,
    status: sa.FromClause | None,
    *,
    former: bool = False,
    detail: sa.FromClause | None = None,
) -> list[sa.ColumnElement[Any]]:
    """The columns of a document: those of `stored.Row`, null where they are not asked for."""
    whole = h is not None and detail is not None
    sources: dict[str, sa.ColumnElement[Any] | None] = {
        "ehr_id": e.c.ehr_id,
        "system_id": e.c.system_id,
        "time_created": e.c.time_created,
        **{name: None if h is None else h.c[name] for name in ("object_id", "version", "document")},
        "status": None if status is None else status.c.document,
        "former": sa.literal_column(str(former).lower(), sa.Boolean()),
        **{name: h.c[name] if h is not None and whole else None for name in stored.AUDITED},
        "detail": None if detail is None else detail.c.detail,
        "attestations": _attested(setting, h) if h is not None and whole else None,
    }
    needs = setting.plan.needs
    if not (needs.wrapped or needs.former or needs.status):
        sources = {name: source for name, source in sources.items() if name in stored.ALWAYS}
    return [
        (sa.cast(sa.null(), stored.TYPES[name]) if source is None else source).label(name)
        for name, source in sources.items()
    ]


def _attested(setting: Setting, h: sa.FromClause) -> sa.ColumnElement[Any]:
    """The attestations of a version, in order."""
    a = setting.heads.attestation.alias("a")
    order = aggregate_order_by(a.c.attestation, a.c.time_committed, a.c.number)
    same = [a.c[name] == h.c[name] for name in ("ehr_id", "object_id", "version")]
    return sa.select(sa.func.array_agg(order)).where(*same).scalar_subquery()


def doubt(setting: Setting) -> sa.ColumnElement[bool]:
    """Whether any document is left to the evaluator; where rows answer for some."""
    if setting.plan.of_ehrs:
        return sa.false()
    if setting.plan.needs.kinds != {"COMPOSITION"}:
        return sa.true()  # other contents have no rows
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
