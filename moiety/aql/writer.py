"""One branch of a plan as SQL: its FROM, its expressions and its conditions.

A writer holds the tables of a branch under their aliases. Expressions and conditions are found by
the type of their node; what they ask for (a head, an EHR) is joined, so FROM is asked last.
"""

from collections.abc import Mapping
from functools import singledispatchmethod
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from moiety.aql import plan as p
from moiety.aql.ast import Operator
from moiety.aql.tables import CURRENT, NONE, TYPES, Heads, leaf_table
from moiety.aql.values import OPERATORS


class Writer:
    """The tables of one branch under their aliases, and what expressions are over them."""

    def __init__(
        self,
        branch: p.Branch,
        plan: p.Plan,
        heads: Heads,
        *,
        template_ids: Mapping[int, str],
        alone: bool,
    ) -> None:
        self.branch, self.plan, self.heads = branch, plan, heads
        self.template_ids, self.alone = template_ids, alone
        self.h, self.e = heads.composition.alias("h"), heads.ehr.alias("e")
        self.rows = [leaf_table(branch, n).alias(f"s{n}") for n in range(len(branch.sources))]
        own = [n for n, source in enumerate(branch.sources) if not source.optional]
        self.first = own[0] if own else -1
        self.asks_head = not own or not alone
        self.asks_ehr = False

    # --- FROM

    @property
    def anchor(self) -> sa.FromClause:
        """What every other row is joined to: a row of the composition that is always there."""
        if self.plan.of_ehrs:
            return self.e
        return self.rows[self.first] if self.first >= 0 else self.h

    def joined(self) -> sa.FromClause:
        """Heads and group rows, joined as the branch says; to be asked after its columns."""
        found = self.anchor
        if self.plan.of_ehrs:
            return found
        if self.first >= 0 and self.asks_head:
            found = found.join(self.h, self._of_one_composition(self.h))
        order = sorted(range(len(self.rows)), key=lambda n: self.branch.sources[n].optional)
        for number in order:
            if number != self.first:
                optional = self.branch.sources[number].optional
                found = found.join(self.rows[number], self._on(number), isouter=optional)
        if self.asks_ehr:
            found = found.join(self.e, self.e.c.ehr_id == self.anchor.c.ehr_id)
        return found

    def _of_one_composition(self, row: sa.FromClause) -> sa.ColumnElement[bool]:
        ehr = row.c.ehr_id == self.anchor.c.ehr_id
        return sa.and_(ehr, row.c.row_key == self.anchor.c.row_key)

    def _on(self, number: int) -> sa.ColumnElement[bool]:
        source, row = self.branch.sources[number], self.rows[number]
        parts = [self._of_one_composition(row)]
        if source.inside >= 0:
            around = self.rows[source.inside]
            if source.optional:
                parts.append(row.c.par == around.c.num)
            else:
                parts += [row.c.num > around.c.num, row.c.num <= around.c.cap]
        elif source.optional:
            parts.append(row.c.par == NONE)
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
        """Of the templates of the branch; where documents answer too, of what they leave."""
        if self.plan.of_ehrs:
            return [sa.not_(self.e.c.pooled)]
        if self.first >= 0:
            parts = [self._stands_for(self.first)]
        else:
            parts = [self.h.c.template_key.in_(sorted(self.branch.keys))]
        if not self.alone:
            parts += [
                self.h.c.rows_version == CURRENT,
                self.h.c.residue.bitwise_and(self.plan.residue) == NONE,
            ]
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
        written = sa.literal(node.value, TYPES[kinds.get(type(node.value), "text")])
        if node.source < 0:
            return written
        return sa.case((self.rows[node.source].c.num.is_not(None), written))

    @expression.register
    def _(self, node: p.Present) -> sa.ColumnElement[Any]:
        there = [self.expression(part).is_not(None) for part in node.parts]
        return sa.case((sa.or_(sa.false(), *there), sa.literal(1)))

    @expression.register
    def _(self, node: p.Head) -> sa.ColumnElement[Any]:
        self.asks_head = self.asks_head or node.what not in {"ehr_id", "system_id", "time_created"}
        match node.what:
            case "ehr_id":
                return sa.cast(self.anchor.c.ehr_id, sa.Text())
            case "uid":
                parts = (self.h.c.object_id, self.heads.system_id, self.h.c.version)
                return sa.func.concat_ws("::", *parts, type_=sa.Text())
            case "template_id":
                ids = {key: self.template_ids[key] for key in sorted(self.branch.keys)}
                return sa.case(ids, value=self.h.c.template_key)
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
        if isinstance(node.right, p.Constant):
            given = node.right.value
            number = float(given) if node.kind == "real" and given is not None else given
            right = sa.literal(number, TYPES[node.kind])
        elif node.kind == "text":
            left = sa.collate(left, "C")
        compared: sa.ColumnElement[Any] = OPERATORS[node.operator](left, right)
        return compared

    def _head_compared(
        self, head: p.Head, operator: Operator, wanted: p.Constant
    ) -> sa.ColumnElement[Any]:
        """Equality of ids as ids, so that their indexes serve; everything else as text."""
        text = str(wanted.value)
        if operator == "=" and head.what == "ehr_id":
            return self.anchor.c.ehr_id == UUID(text) if _is_uuid(text) else sa.false()
        if operator == "=" and head.what == "uid":
            object_id, _, rest = text.partition("::")
            system_id, _, version = rest.partition("::")
            known = _is_uuid(object_id) and system_id == self.heads.system_id
            if not known or not version.isdecimal() or version != str(int(version[:9])):
                return sa.false()
            self.asks_head = True
            of = self.h.c.object_id == UUID(object_id)
            return sa.and_(of, self.h.c.version == int(version))
        left = sa.collate(self.expression(head), "C")
        compared: sa.ColumnElement[Any] = OPERATORS[operator](left, sa.literal(text))
        return compared

    @condition.register
    def _(self, node: p.OneOf) -> sa.ColumnElement[Any]:
        if isinstance(node.expression, p.Head) and node.expression.what == "ehr_id":
            ids = [UUID(str(each)) for each in node.values if _is_uuid(str(each))]
            return self.anchor.c.ehr_id == sa.any_(sa.literal(ids, sa.ARRAY(sa.Uuid())))
        if isinstance(node.expression, p.Head):
            parts = (p.Constant(each) for each in node.values)
            return sa.or_(*(self._head_compared(node.expression, "=", part) for part in parts))
        values = [float(each) for each in node.values] if node.kind == "real" else [*node.values]
        given = sa.literal(values, sa.ARRAY(TYPES[node.kind]))
        return self.expression(node.expression) == sa.any_(given)

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
        parts = [self.condition(part) for part in node.parts]
        return sa.and_(*parts) if parts else sa.true()

    @condition.register
    def _(self, node: p.Some) -> sa.ColumnElement[Any]:
        parts = [self.condition(part) for part in node.parts]
        return sa.or_(*parts) if parts else sa.false()

    @condition.register
    def _(self, node: p.Negated) -> sa.ColumnElement[Any]:
        return sa.not_(self.condition(node.part))


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
