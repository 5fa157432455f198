"""Columns that an operator has declared to be asked often, and conditions that their indexes serve.

    hot_columns   a path of an archetype → the columns where its values stand
    with_indexes  a plan → the same plan, with conditions in the words of the indexes

Numbers, times and truth values are indexed as they are.  A text may be longer than an index has
room for, so its first characters are, and a comparison of a hot text compares these too: that says
nothing new, but an index can answer it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from moiety.aql import plan as p
from moiety.aql.ast import Operator
from moiety.aql.errors import AqlError
from moiety.aql.parser import parse
from moiety.aql.request import request
from moiety.aql.resolve import resolve
from moiety.aql.values import DURATION, bounds
from moiety.openehr.leaves import Kind
from moiety.openehr.template import Template

_PATH: Final = re.compile(r"(openEHR-EHR-([A-Z_]+)\.[\w-]+\.v[\w.-]+)/(.+)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class HotColumn:
    """A column of a leaf table that is, or is to be, indexed."""

    table: str
    column: str
    kind: Kind


# --- which columns a path means ------------------------------------------------------------------


def hot_columns(path: str, templates: Mapping[int, Template]) -> frozenset[HotColumn]:
    """The columns of a path, `openEHR-EHR-OBSERVATION.….v1/data[at0001]/…/magnitude`, by which its
    values compare; none where no template has it.  Raises AqlError for what is no such path.
    """
    told = _PATH.fullmatch(path)
    if told is None:
        raise AqlError(1, 1, "an archetype id, / and a path of AQL")
    archetype, rm_type, steps = told.groups()
    start = "SELECT x/"
    asked = request(parse(f"{start}{steps} FROM {rm_type} x[{archetype}]"), {})
    if len(asked.cells) != 1 or asked.query.order or asked.query.where or asked.limit is not None:
        raise AqlError(1, len(archetype) + 2, "one path")
    return frozenset(
        found
        for branch in resolve(asked, templates).branches
        for found in _columns(branch, branch.cells[0])
    )


def _columns(branch: p.Branch, cell: p.Cell) -> Iterator[HotColumn]:
    leaves = [a.expression for a in cell.alternatives if isinstance(a.expression, p.Leaf)]
    timed = cell.rank > 0 and cell.rank != DURATION
    skipped = {"text"} if timed else {"instant"} if cell.rank == DURATION else set()
    for leaf in leaves:
        if leaf.kind not in skipped:
            yield HotColumn(branch.sources[leaf.source].table, leaf.column, leaf.kind)


# --- conditions that indexes serve ---------------------------------------------------------------


def with_indexes(plan: p.Plan, hot: frozenset[p.Place]) -> p.Plan:
    """The plan whose comparisons of hot texts compare their beginnings too."""
    if not hot:
        return plan
    return replace(
        plan,
        branches=tuple(_warmed(branch, hot) for branch in plan.branches),
        filters=tuple(_warmed(branch, hot) for branch in plan.filters),
    )


def _warmed(branch: p.Branch, hot: frozenset[p.Place]) -> p.Branch:
    tables = [source.table for source in branch.sources]

    def warm(node: p.Condition) -> p.Condition:
        match node:
            case p.Every(parts=parts) | p.Some(parts=parts):
                return replace(node, parts=tuple(warm(part) for part in parts))
            case (
                p.Compared(left=p.Leaf(kind="text") as leaf)
                | p.OneOf(expression=p.Leaf(kind="text") as leaf)
                | p.Likened(expression=p.Leaf(kind="text") as leaf)
            ):
                is_hot = (tables[leaf.source], leaf.column) in hot and not leaf.guards
                return p.Every((*_begins(node, p.Beginning(leaf)), node)) if is_hot else node
            case _:
                return node

    return replace(branch, where=warm(branch.where))


_LOOSE: Final[Mapping[Operator, Operator]] = {
    "<": "<=",
    "<=": "<=",
    ">": ">=",
    ">=": ">=",
    "=": "=",
}


def _begins(node: p.Condition, beginning: p.Beginning) -> Iterator[p.Condition]:
    """What a condition says of the beginning of a text."""
    match node:
        case p.Compared(operator=operator, right=p.Constant() | p.Blank() as right):
            if operator in _LOOSE:
                told = _read(right, "beginning")
                yield p.Compared(beginning, _LOOSE[operator], told, "text")
        case p.OneOf(values=values):
            yield p.OneOf(beginning, tuple(_read(each, "beginning") for each in values), "text")
        case p.Likened(pattern=pattern):
            yield p.Compared(beginning, ">=", _read(pattern, "start"), "text")
            yield p.Compared(beginning, "<", _read(pattern, "end"), "text")


def _read(given: p.Constant | p.Blank, reading: p.Reading) -> p.Constant | p.Blank:
    if isinstance(given, p.Blank):
        return replace(given, reading=reading)
    text = str(given.value)
    if reading == "beginning":
        return p.Constant(text[: p.INDEXED])
    return p.Constant(bounds(text, p.INDEXED)[reading == "end"])
