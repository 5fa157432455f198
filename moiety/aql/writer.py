"""One branch of a plan as SQL: its FROM, its expressions and its conditions.

A writer holds the tables of a branch under their aliases. Expressions and conditions are found by
the type of their node; what they ask for (a head, an EHR) is joined, so FROM is asked last.
"""

from collections.abc import Iterable, Mapping
from functools import singledispatchmethod
from typing import Any, Final

import sqlalchemy as sa

from moiety.aql import plan as p
from moiety.aql.ast import Operator
from moiety.aql.blanks import Blanks
from moiety.aql.called import function
from moiety.aql.heads import OF_EHR, of_ehr, of_version
from moiety.aql.signatures import signature
from moiety.aql.tables import CURRENT, NONE, TYPES, Heads, leaf_table
from moiety.aql.values import OPERATORS


class Writer:
    """The tables of one branch under their aliases, and what expressions are over them."""

    def __init__(
        self,
        branch: p.Branch,
        plan: p.Plan,
        heads: Heads,
        blanks: Blanks,
        *,
        template_ids: Mapping[int, str],
        alone: bool,
        head: sa.FromClause,
    ) -> None:
        self.branch, self.plan, self.heads, self.blanks = branch, plan, heads, blanks
        self.template_ids, self.alone = template_ids, alone
        self.h, self.e = head.alias("h"), heads.ehr.alias("e")
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
            if source.direct:
                parts.append(row.c.par == around.c.num)
            else:
                parts += [row.c.num > around.c.num, row.c.num <= around.c.cap]
        elif source.direct:
            parts.append(row.c.par == NONE)
        return sa.and_(*parts, *self._named(number), self._stands_for(number))

    def _named(self, number: int) -> list[sa.ColumnElement[bool]]:
        name = self.branch.sources[number].name
        return [self.rows[number].c[name[0]] == name[1]] if name is not None else []

    def _stands_for(self, number: int) -> sa.ColumnElement[bool]:
        """The template nodes of a source, as far as its table holds others at all."""
        row, every = self.rows[number], self.branch.every[number]
        found = _by_template(self.branch.nodes[number])
        if found.keys() == every.keys() and all(found[key] == every[key] for key in found):
            return sa.true()
        by_nodes: dict[tuple[int, ...], list[int]] = {}
        for key, nodes in found.items():
            told = () if nodes == every.get(key) else tuple(sorted(nodes))
            by_nodes.setdefault(told, []).append(key)
        parts = []
        for told, keys in by_nodes.items():
            part = among(row.c.template_key, sorted(keys))
            parts.append(sa.and_(part, among(row.c.node, told)) if told else part)
        return sa.or_(*parts)

    def trusted(self) -> list[sa.ColumnElement[bool]]:
        """Of the templates of the branch; where documents answer too, of what they leave."""
        if self.plan.of_ehrs:
            return self.of_ehr()
        if self.first >= 0:
            parts = [self._stands_for(self.first), *self._named(self.first)]
        else:
            parts = [among(self.h.c.template_key, sorted(self.branch.keys))]
        if not self.alone:
            parts += [
                self.h.c.rows_version == CURRENT,
                self.h.c.residue.bitwise_and(self.plan.residue) == NONE,
            ]
        return parts + self.in_population()

    def of_ehr(self) -> list[sa.ColumnElement[bool]]:
        """Of EHRs that a query sees, where EHRs are joined anyhow."""
        seen: list[sa.ColumnElement[bool]] = [sa.not_(self.e.c.pooled)]
        return [*seen, self.e.c.queryable] if self.plan.of_population else seen

    def in_population(self) -> list[sa.ColumnElement[bool]]:
        """Not of an EHR that keeps out of population queries; to be asked after columns.

        Whether there is any such EHR is asked once, and mostly answers for every row. NOT IN, for
        it is looked up in a small hash table; NOT EXISTS would be joined.
        """
        if not self.plan.of_population:
            return []
        if self.asks_ehr:
            return [self.e.c.queryable]
        u = self.heads.ehr.alias("u")
        hidden = sa.select(u.c.ehr_id).where(sa.not_(u.c.queryable))
        some = sa.select(sa.exists(hidden)).scalar_subquery()
        return [sa.or_(sa.not_(some), self.anchor.c.ehr_id.not_in(hidden))]

    # --- expressions

    def column(self, cell: int, kind: str) -> sa.ColumnElement[Any]:
        """A cell as one of its kinds; null where the branch has no such alternative."""
        told = self.branch.cells[cell]
        if kind == "presence":
            parts = told.presence or p.Present(tuple(a.expression for a in told.alternatives))
            return sa.case((self.expression(parts).is_not(None), sa.literal(1)))
        if kind in _KEYS:
            key: sa.ColumnElement[Any] = self.anchor.c[_KEYS[kind]]
            return key
        for choice in told.alternatives:
            if choice.kind == kind:
                found = self.expression(choice.expression)
                return sa.collate(found, "C") if _is_made(choice) else found
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
    def _(self, node: p.Beginning) -> sa.ColumnElement[Any]:
        length: sa.ColumnElement[int] = sa.literal_column(str(p.INDEXED))
        return sa.func.left(self.expression(node.leaf), length, type_=TYPES["text"])

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
        if node.what == "ehr_id":
            return sa.cast(self.anchor.c.ehr_id, sa.Text())
        if node.what in OF_EHR:
            self.asks_ehr = True
            return of_ehr(self.e, node.what)
        self.asks_head = True
        match node.what:
            case "uid":
                parts = (self.h.c.object_id, self.heads.system_id, self.h.c.version)
                return sa.func.concat_ws("::", *parts, type_=sa.Text())
            case "template_id":
                key = self.h.c.template_key
                ids = [(key == _number(k), self.template_ids[k]) for k in sorted(self.branch.keys)]
                return sa.case(*ids)
            case "document":
                return self.h.c.document
            case "row":
                return self.h.c.row_key
            case "preceding_uid":
                before = self.h.c.version - 1
                uid = sa.func.concat_ws(
                    "::", self.h.c.object_id, self.heads.system_id, before, type_=sa.Text()
                )
                return sa.case((self.h.c.version > sa.literal_column("1"), uid))
            case what:
                return of_version(self.h, what)

    @expression.register
    def _(self, node: p.Called) -> sa.ColumnElement[Any]:
        return function(node, [self.expression(each) for each in node.arguments])

    # --- conditions

    @singledispatchmethod
    def condition(self, node: Any) -> sa.ColumnElement[Any]:
        """SQL of a condition of a plan."""
        raise TypeError(type(node).__name__)

    @condition.register
    def _(self, node: p.Compared) -> sa.ColumnElement[Any]:
        given = node.right if isinstance(node.right, p.Constant | p.Blank) else None
        if isinstance(node.left, p.Head) and node.kind == "text" and given is not None:
            return self._head_compared(node.left, node.operator, given)
        left = self.expression(node.left)
        if given is not None and node.kind == "timestamp":
            right = self.blanks.one(given, TYPES[node.kind], _how(node.kind))
        elif given is not None:
            right = self.blanks.one(
                _real(given) if node.kind == "real" else given, TYPES[node.kind]
            )
        else:
            right = self.expression(node.right)
            left = sa.collate(left, "C") if node.kind == "text" else left
        compared: sa.ColumnElement[Any] = OPERATORS[node.operator](left, right)
        return compared

    def _head_compared(
        self, head: p.Head, operator: Operator, given: p.Constant | p.Blank
    ) -> sa.ColumnElement[Any]:
        """Equality of ids as ids, so that their indexes serve; everything else as text."""
        form, left = _form(given), sa.collate(self.expression(head), "C")
        text = self.blanks.one(given, sa.Text())
        compared: sa.ColumnElement[Any] = OPERATORS[operator](left, text)
        if operator != "=" or head.what not in _IDS:
            return compared
        if form not in _IDS[head.what]:
            return sa.false()
        if head.what == "ehr_id":
            ehr_id: sa.ColumnElement[bool] = self.anchor.c.ehr_id == self.blanks.one(
                given, sa.Uuid(), "id"
            )
            return ehr_id
        object_id = self.blanks.one(given, sa.Uuid(), "object_id")
        return sa.and_(self.h.c.object_id == object_id, compared)

    @condition.register
    def _(self, node: p.OneOf) -> sa.ColumnElement[Any]:
        if isinstance(node.expression, p.Head) and node.kind == "text":
            return self._head_among(node.expression, node.values)
        values = [_real(each) if node.kind == "real" else each for each in node.values]
        return self.expression(node.expression) == sa.any_(
            self.blanks.many(values, TYPES[node.kind], _how(node.kind))
        )

    def _head_among(
        self, head: p.Head, given: tuple[p.Constant | p.Blank, ...]
    ) -> sa.ColumnElement[Any]:
        compared = sa.collate(self.expression(head), "C") == sa.any_(
            self.blanks.many(given, sa.Text(collation="C"))
        )
        if head.what not in _IDS:
            return compared
        ids = [each for each in given if _form(each) in _IDS[head.what]]
        if not ids:
            return sa.false()
        if head.what == "ehr_id":
            return self.anchor.c.ehr_id == sa.any_(self.blanks.many(ids, sa.Uuid(), "id"))
        among = sa.any_(self.blanks.many(ids, sa.Uuid(), "object_id"))
        return sa.and_(self.h.c.object_id == among, compared)

    @condition.register
    def _(self, node: p.Decided) -> sa.ColumnElement[Any]:
        return sa.case((self.expression(node.expression).is_not(None), sa.literal(node.truth)))

    @condition.register
    def _(self, node: p.First) -> sa.ColumnElement[Any]:
        return sa.func.coalesce(*(self.condition(part) for part in node.parts), type_=sa.Boolean())

    @condition.register
    def _(self, node: p.Likened) -> sa.ColumnElement[Any]:
        pattern = self.blanks.one(node.pattern, TYPES["text"])
        return self.expression(node.expression).like(pattern, escape="\\")

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


def _is_made(choice: p.Alternative) -> bool:
    """Whether a text is made by the statement, and so has the database's own order. Ids have one
    order everywhere.
    """
    match choice.expression:
        case p.Head(what="ehr_id" | "uid"):
            return False
        case p.Head() | p.Called():
            return choice.kind == "text"
        case _:
            return False


def _how(kind: p.Told) -> str:
    """As what a value is read beside its kind."""
    return "timestamp" if kind == "timestamp" else ""


def _real(given: p.Constant | p.Blank) -> p.Constant | p.Blank:
    if isinstance(given, p.Blank):
        return given
    return p.Constant(None if given.value is None else float(given.value))


_KEYS: Final = {"ehr": "ehr_id", "version": "row_key"}
"""What a row is told apart by, where its EHR or its version are counted."""

_IDS: Final[Mapping[str, frozenset[str]]] = {
    "ehr_id": frozenset({"id"}),
    "uid": frozenset({"id", "uid"}),
}
"""Signatures of the texts that an id can equal."""


def _form(given: p.Constant | p.Blank) -> str:
    return signature(given.sample if isinstance(given, p.Blank) else given.value)


def _by_template(nodes: Iterable[p.Key]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    for key, node in sorted(nodes):
        found.setdefault(key, set()).add(node)
    return {key: frozenset(numbers) for key, numbers in found.items()}


def among(column: sa.ColumnElement[Any], numbers: Iterable[int]) -> sa.ColumnElement[bool]:
    """Numbers of the registry, written out: the planner knows them, and they are no one's data."""
    told = [_number(n) for n in numbers]
    return column == told[0] if len(told) == 1 else column.in_(told)


def _number(number: int) -> sa.ColumnElement[int]:
    return sa.literal_column(str(number), sa.Integer())
