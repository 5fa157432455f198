"""Plan → SQLAlchemy Core. Every literal is a bound parameter; names come from plans alone.

rows     the cells of every row that typed rows answer for, before anything is done to them
pushed   the result itself, for when documents have nothing to add; None where Python must
rest     the documents that the evaluator has to read
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatchmethod
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from moiety.aql import plan as p
from moiety.aql.ast import Operator
from moiety.aql.values import OPERATORS
from moiety.openehr.leaves import ROWS_VERSION

TYPES: Mapping[str, sa.types.TypeEngine[Any]] = {
    "real": sa.Double(),
    "instant": sa.Double(),
    "integer": sa.BigInteger(),
    "text": sa.Text(collation="C"),
    "boolean": sa.Boolean(),
    "document": BYTEA(),
    "time_created": sa.DateTime(timezone=True),
    "presence": sa.Integer(),
}


@dataclass(frozen=True, slots=True)
class Heads:
    """The tables of heads and of EHRs, as the service names them, and the system id of uids.

    `composition` has ehr_id, object_id, version, row_key, template_key, rows_version, residue and
    document; `ehr` has ehr_id, system_id, time_created and pooled.
    """

    composition: sa.FromClause
    ehr: sa.FromClause
    system_id: str


Layout = tuple[tuple[int, str], ...]
"""The columns of a row: cell and kind, in order."""


def branch_select(
    branch: p.Branch, plan: p.Plan, heads: Heads, *, layout: Layout, template_ids: Mapping[int, str]
) -> sa.Select[Any]:
    """The rows of one branch, one column for each entry of the layout."""
    writer = Writer(branch, plan, heads, template_ids)
    columns = [writer.column(cell, kind).label(f"c{n}") for n, (cell, kind) in enumerate(layout)]
    conditions = [writer.condition(branch.where), writer.condition(plan.narrow)]
    conditions += writer.trusted()
    chosen = sa.select(*(columns or [sa.literal(1).label("c0")]))
    return chosen.select_from(writer.joined()).where(*conditions)


def rest_select(plan: p.Plan, heads: Heads, *, whole_ehrs: bool) -> sa.Select[Any] | None:
    """Documents to evaluate: ehr_id, system_id, time_created, object_id, version, document.

    None where rows answer for everything. With `whole_ehrs` every EHR comes, those without a
    composition too, and its compositions follow one another.
    """
    if plan.of_ehrs and plan.branches:
        return None
    c, e = heads.composition.alias("h"), heads.ehr.alias("e")
    names = ("object_id", "version", "document")
    columns = [e.c.ehr_id, e.c.system_id, e.c.time_created]
    writer = Writer(p.Branch((), (), p.Every(()), (), frozenset()), plan, heads, {}, c, e)
    narrow = writer.condition(plan.narrow)
    if plan.of_ehrs:
        nothing = [sa.null().label(name) for name in names]
        return sa.select(*columns, *nothing).where(sa.not_(e.c.pooled), narrow)
    columns += [c.c[name] for name in names]
    if whole_ehrs:
        joined = e.outerjoin(c, c.c.ehr_id == e.c.ehr_id)
        chosen = sa.select(*columns).select_from(joined).where(sa.not_(e.c.pooled), narrow)
        return chosen.order_by(e.c.ehr_id)
    joined = c.join(e, c.c.ehr_id == e.c.ehr_id)
    return sa.select(*columns).select_from(joined).where(narrow, _untrusted(plan, c))


def _untrusted(plan: p.Plan, c: sa.FromClause) -> sa.ColumnElement[bool]:
    if not plan.settled:
        return sa.true()
    parts = [c.c.template_key.not_in(sorted(plan.settled)), c.c.rows_version != ROWS_VERSION]
    if plan.residue:
        parts.append(c.c.residue.bitwise_and(plan.residue) != 0)
    return sa.or_(*parts)


class Writer:
    """The tables of one branch under their aliases, and what expressions are over them."""

    def __init__(
        self,
        branch: p.Branch,
        plan: p.Plan,
        heads: Heads,
        template_ids: Mapping[int, str],
        composition: sa.FromClause | None = None,
        ehr: sa.FromClause | None = None,
    ) -> None:
        self.branch, self.plan, self.heads, self.template_ids = branch, plan, heads, template_ids
        self.h = composition if composition is not None else heads.composition.alias("h")
        self.e = ehr if ehr is not None else heads.ehr.alias("e")
        self.rows = [_leaf_table(branch, n).alias(f"s{n}") for n in range(len(branch.sources))]
        self.asks_ehr = plan.of_ehrs

    # --- FROM

    def joined(self) -> sa.FromClause:
        """Heads and group rows, joined as the branch says; to be asked after its columns."""
        if self.plan.of_ehrs:
            return self.e
        found: sa.FromClause = self.h
        order = sorted(range(len(self.rows)), key=lambda n: self.branch.sources[n].optional)
        for number in order:
            optional = self.branch.sources[number].optional
            found = found.join(self.rows[number], self._on(number), isouter=optional)
        if self.asks_ehr:
            found = found.join(self.e, self.e.c.ehr_id == self.h.c.ehr_id)
        return found

    def _on(self, number: int) -> sa.ColumnElement[bool]:
        source, row = self.branch.sources[number], self.rows[number]
        parts = [row.c.ehr_id == self.h.c.ehr_id, row.c.row_key == self.h.c.row_key]
        if source.inside >= 0:
            around = self.rows[source.inside]
            if source.optional:
                parts.append(row.c.par == around.c.num)
            else:
                parts += [row.c.num > around.c.num, row.c.num <= around.c.cap]
        elif source.optional:
            parts.append(row.c.par == 0)
        if source.name is not None:
            parts.append(row.c[source.name[0]] == source.name[1])
        return sa.and_(*parts, self._stands_for(number))

    def _stands_for(self, number: int) -> sa.ColumnElement[bool]:
        row, by_key = self.rows[number], dict[int, list[int]]()
        for key, node in sorted(self.branch.nodes[number]):
            by_key.setdefault(key, []).append(node)
        by_nodes: dict[tuple[int, ...], list[int]] = {}
        for key, nodes in by_key.items():
            by_nodes.setdefault(tuple(nodes), []).append(key)
        return sa.or_(
            *(
                sa.and_(row.c.template_key.in_(keys), row.c.node.in_(nodes))
                for nodes, keys in by_nodes.items()
            )
        )

    def trusted(self) -> list[sa.ColumnElement[bool]]:
        """What makes rows believable: current, without residue, of a template that is settled."""
        if self.plan.of_ehrs:
            return [sa.not_(self.e.c.pooled)]
        parts = [
            self.h.c.template_key.in_(sorted(self.branch.keys & self.plan.settled)),
            self.h.c.rows_version == ROWS_VERSION,
        ]
        if self.plan.residue:
            parts.append(self.h.c.residue.bitwise_and(self.plan.residue) == 0)
        return parts

    # --- expressions

    def column(self, cell: int, kind: str) -> sa.ColumnElement[Any]:
        """A cell as one of its kinds; null where the branch has no such alternative."""
        told = self.branch.cells[cell]
        if kind == "presence":
            parts = told.presence or p.Present(tuple(a.expression for a in told.alternatives))
            return sa.case((self.expression(parts).is_not(None), sa.literal(1)))
        for choice in told.alternatives:
            if choice.kind == kind:
                return self.expression(choice.expression)
        return sa.cast(sa.null(), TYPES[kind])

    @singledispatchmethod
    def expression(self, node: Any) -> sa.ColumnElement[Any]:
        """SQL of an expression of a plan."""
        raise TypeError(type(node).__name__)

    @expression.register
    def _(self, node: p.Leaf) -> sa.ColumnElement[Any]:
        row = self.rows[node.source]
        column: sa.ColumnElement[Any] = row.c[node.column]
        if not node.guards:
            return column
        held = [row.c[name] == wanted for name, wanted in node.guards]
        return sa.case((sa.and_(*held), column))

    @expression.register
    def _(self, node: p.Row) -> sa.ColumnElement[Any]:
        return self.rows[node.source].c.num

    @expression.register
    def _(self, node: p.Constant) -> sa.ColumnElement[Any]:
        kinds = {bool: "boolean", int: "integer", float: "real", str: "text"}
        written = sa.cast(sa.literal(node.value), TYPES[kinds.get(type(node.value), "text")])
        if node.source < 0:
            return written
        return sa.case((self.rows[node.source].c.num.is_not(None), written))

    @expression.register
    def _(self, node: p.Present) -> sa.ColumnElement[Any]:
        there = [self.expression(part).is_not(None) for part in node.parts]
        return sa.case((sa.or_(sa.false(), *there), sa.literal(1)))

    @expression.register
    def _(self, node: p.Head) -> sa.ColumnElement[Any]:
        match node.what:
            case "ehr_id":
                owner = self.e if self.plan.of_ehrs else self.h
                return sa.cast(owner.c.ehr_id, sa.Text())
            case "uid":
                parts = (self.h.c.object_id, self.heads.system_id, self.h.c.version)
                return sa.func.concat_ws("::", *parts, type_=sa.Text())
            case "template_id":
                return sa.case(self.template_ids, value=self.h.c.template_key)
            case "document":
                return self.h.c.document
            case "row":
                return self.h.c.row_key
            case "system_id" | "time_created":
                self.asks_ehr = True
                return self.e.c[node.what]

    # --- conditions

    @singledispatchmethod
    def condition(self, node: Any) -> sa.ColumnElement[Any]:
        """SQL of a condition of a plan."""
        raise TypeError(type(node).__name__)

    @condition.register
    def _(self, node: p.Compared) -> sa.ColumnElement[Any]:
        if isinstance(node.left, p.Head) and isinstance(node.right, p.Constant):
            return self._head_compared(node.left, node.operator, node.right)
        left, right = self.expression(node.left), self.expression(node.right)
        if node.kind == "text":
            left, right = sa.collate(left, "C"), sa.collate(right, "C")
        elif node.kind == "real":
            right = sa.cast(right, sa.Double())
        compared: sa.ColumnElement[Any] = OPERATORS[node.operator](left, right)
        return compared

    def _head_compared(
        self, head: p.Head, operator: Operator, wanted: p.Constant
    ) -> sa.ColumnElement[Any]:
        """Equality of ids as ids, so that their indexes serve; everything else as text."""
        text = str(wanted.value)
        if operator == "=" and head.what == "ehr_id":
            owner = self.e if self.plan.of_ehrs else self.h
            return owner.c.ehr_id == UUID(text) if _is_uuid(text) else sa.false()
        if operator == "=" and head.what == "uid":
            object_id, _, rest = text.partition("::")
            system_id, _, version = rest.partition("::")
            known = _is_uuid(object_id) and system_id == self.heads.system_id
            if not known or not version.isdecimal() or version != str(int(version[:9])):
                return sa.false()
            of = self.h.c.object_id == UUID(object_id)
            return sa.and_(of, self.h.c.version == int(version))
        left = sa.collate(self.expression(head), "C")
        compared: sa.ColumnElement[Any] = OPERATORS[operator](left, sa.literal(text))
        return compared

    @condition.register
    def _(self, node: p.Decided) -> sa.ColumnElement[Any]:
        return sa.case((self.expression(node.expression).is_not(None), sa.literal(node.truth)))

    @condition.register
    def _(self, node: p.First) -> sa.ColumnElement[Any]:
        return sa.func.coalesce(*(self.condition(part) for part in node.parts), type_=sa.Boolean())

    @condition.register
    def _(self, node: p.Likened) -> sa.ColumnElement[Any]:
        return self.expression(node.expression).like(node.pattern, escape="\\")

    @condition.register
    def _(self, node: p.Given) -> sa.ColumnElement[Any]:
        return self.expression(node.expression).is_not(None)

    @condition.register
    def _(self, node: p.Known) -> sa.ColumnElement[Any]:
        if node.truth is None:
            return sa.cast(sa.null(), sa.Boolean())
        return sa.true() if node.truth else sa.false()

    @condition.register
    def _(self, node: p.Every) -> sa.ColumnElement[Any]:
        return sa.and_(sa.true(), *(self.condition(part) for part in node.parts))

    @condition.register
    def _(self, node: p.Some) -> sa.ColumnElement[Any]:
        return sa.or_(sa.false(), *(self.condition(part) for part in node.parts))

    @condition.register
    def _(self, node: p.Negated) -> sa.ColumnElement[Any]:
        return sa.not_(self.condition(node.part))


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


_PLACE = (("num", sa.Integer()), ("cap", sa.Integer()), ("par", sa.Integer()))


def _leaf_table(branch: p.Branch, number: int) -> sa.TableClause:
    """The table of a source, with the columns that the branch names in it."""
    used = {"": "integer"}
    for leaf in leaves(branch):
        if leaf.source == number:
            used[leaf.column] = leaf.kind
            used.update((name, "text") for name, _ in leaf.guards)
    name = branch.sources[number].name
    if name is not None:
        used[name[0]] = "text"
    columns: Sequence[sa.ColumnClause[Any]] = [
        sa.column("ehr_id", sa.Uuid()),
        sa.column("row_key", sa.BigInteger()),
        *(sa.column(place, kind) for place, kind in _PLACE),
        sa.column("template_key", sa.Integer()),
        sa.column("node", sa.Integer()),
        *(sa.column(column, TYPES[kind]) for column, kind in used.items() if column),
    ]
    return sa.table(branch.sources[number].table, *columns, schema="leaf")


def leaves(branch: p.Branch) -> list[p.Leaf]:
    """Every leaf column that a branch names."""
    found: list[p.Leaf] = []
    _gather((branch.cells, branch.where), found)
    return found


def _gather(node: Any, found: list[p.Leaf]) -> None:
    if isinstance(node, p.Leaf):
        found.append(node)
    elif isinstance(node, tuple):
        for part in node:
            _gather(part, found)
    elif hasattr(node, "__dataclass_fields__"):
        for name in node.__dataclass_fields__:
            _gather(getattr(node, name), found)
