"""The syntax tree of AQL 1.1: one frozen dataclass a construct (QUERY/AQL, chapter Syntax).

Keywords, class names and function names stand in upper case; variables and attributes as
written. `And` and `Or` hold two or more operands, none of their own kind: `a AND (b AND c)` and
`a AND b AND c` are one tree. A position never takes part in comparison, so that printing a tree
and parsing the text gives an equal tree.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from operator import is_
from typing import Any as Anything
from typing import Literal as Choice

Operator = Choice["=", "!=", "<", "<=", ">", ">="]
Primitive = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a construct begins; both count from 1. Any two are equal: trees compare without."""

    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)


NOWHERE = Position()


# --- values ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the query. Dates and times are text; their path says what they are.

    `slot`: where the value stands among those that are given when the query runs, -1 where it is
    part of the query. `alike`: the slot holds a list, and this stands for every member whose
    signature this is.
    """

    value: Primitive
    at: Position = NOWHERE
    slot: int = field(default=-1, compare=False)
    alike: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """`$name`, without the sign."""

    name: str
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class NodeCode:
    """An at- or id-code standing as a value: `[archetype_node_id=at0002]`."""

    code: str
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class TermCode:
    """A coded term shortcut: `ISO_639-1::en`."""

    text: str
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI in braces after `matches`."""

    text: str
    at: Position = NOWHERE


# --- paths and their predicates ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One attribute of a path, and what its elements must be."""

    attribute: str
    predicate: "Predicate | None" = None
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Node:
    """`[at0004]`, `[openEHR-…v1, 'name']`, `[$archetype]`: archetype_node_id, and the name."""

    code: NodeCode | Parameter
    name: Literal | Parameter | TermCode | NodeCode | None = None
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Test:
    """`[path operator operand]`, the path relative to the element."""

    path: tuple[Step, ...]
    operator: Operator
    operand: "Literal | Parameter | NodeCode | tuple[Step, ...]"
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Pattern:
    """`[path matches {/regex/}]`; `regex` holds what stands between the slashes."""

    path: tuple[Step, ...]
    regex: str
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class All:
    """Predicates joined by AND."""

    operands: "tuple[Predicate, ...]"
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Any:
    """Predicates joined by OR."""

    operands: "tuple[Predicate, ...]"
    at: Position = NOWHERE


Predicate = Node | Test | Pattern | All | Any


@dataclass(frozen=True, slots=True)
class Path:
    """A variable, a condition on it, and the way down from it; no steps means the object."""

    variable: str
    steps: tuple[Step, ...] = ()
    predicate: Predicate | None = None
    at: Position = NOWHERE


# --- expressions ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one row: LENGTH, CONCAT, CURRENT_DATE, …"""

    name: str
    arguments: "tuple[Expression, ...]" = ()
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Terminology:
    """`TERMINOLOGY('operation', 'service', 'parameters')`."""

    operation: str
    service: str
    parameters: str
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A function of all rows; no argument is `COUNT(*)`."""

    name: Choice["COUNT", "MIN", "MAX", "SUM", "AVG"]
    argument: Path | None = None
    distinct: bool = False
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Told:
    """A value that a group of rows has already, by its place among them (request.py)."""

    place: int
    at: Position = NOWHERE


Expression = Literal | Parameter | Path | Call | Terminology


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`. An aggregate stands in HAVING alone; a value stands at the left where
    a function was that is answered before the query runs.
    """

    left: Expression | Aggregate | Told
    operator: Operator
    right: Expression | Aggregate | Told
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Like:
    """`path LIKE pattern`: `*` any text, `?` one character, a backslash before either: itself."""

    path: Path | Told
    pattern: Literal | Parameter
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Matches:
    """`path matches {values}`, or a terminology's answer, or a URI."""

    path: Path | Told
    values: tuple[Literal | Parameter | Terminology | Uri, ...]
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Exists:
    """`EXISTS path`."""

    path: Path | Told
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Not:
    """`NOT condition`."""

    condition: "Condition"
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class And:
    """Conditions joined by AND."""

    operands: "tuple[Condition, ...]"
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Or:
    """Conditions joined by OR."""

    operands: "tuple[Condition, ...]"
    at: Position = NOWHERE


Condition = Compare | Like | Matches | Exists | Not | And | Or


# --- clauses ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the reference model, perhaps with a variable and a condition."""

    rm_type: str
    variable: str | None = None
    predicate: Predicate | None = None
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Version:
    """`VERSION v[LATEST_VERSION]`; `scope` is the keyword, a condition, or None."""

    variable: str | None = None
    scope: Choice["LATEST_VERSION", "ALL_VERSIONS"] | Test | None = None
    at: Position = NOWHERE

    @property
    def rm_type(self) -> str:
        """The class, as other classes of FROM have theirs."""
        return "VERSION"


@dataclass(frozen=True, slots=True)
class Contains:
    """`parent CONTAINS child`, or `parent NOT CONTAINS child`."""

    parent: Class | Version
    child: "Source"
    negated: bool = False
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Both:
    """Sources joined by AND."""

    operands: "tuple[Source, ...]"
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Either:
    """Sources joined by OR."""

    operands: "tuple[Source, ...]"
    at: Position = NOWHERE


Source = Class | Version | Contains | Both | Either


@dataclass(frozen=True, slots=True)
class Column:
    """One column of SELECT."""

    expression: Expression | Aggregate
    alias: str | None = None
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Order:
    """One key of ORDER BY: a path, or the alias of a column, which is written as a variable."""

    path: Path
    descending: bool = False
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Top:
    """`TOP n FORWARD|BACKWARD` (deprecated by the specification)."""

    count: int
    backward: bool = False
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query. `group` and `having` are an extension of ours; `extended`: where the first
    construct stands that is no AQL.
    """

    columns: tuple[Column, ...]
    source: Source
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
    distinct: bool = False
    top: Top | None = None
    group: tuple[Path, ...] = ()
    having: Condition | None = None
    extended: Position | None = field(default=None, compare=False)


_PARTS: dict[type, tuple[str, ...]] = {Position: ()}


def _parts(tree: Anything) -> tuple[str, ...]:
    """The names of the parts of a construct; none of what is none. Looked up once a class."""
    kind = type(tree)
    if kind not in _PARTS:
        names = [each.name for each in fields(tree)] if is_dataclass(tree) else []
        _PARTS[kind] = tuple(name for name in names if name != "at")
    return _PARTS[kind]


def walk(tree: Anything) -> Iterator[Anything]:
    """Every part of a tree, the tree itself first."""
    left = [tree]
    while left:
        part = left.pop()
        yield part
        if isinstance(part, tuple):
            left += reversed(part)
        elif names := _parts(part):
            left += [getattr(part, name) for name in reversed(names)]


def changed(tree: Anything, change: Callable[[Anything], Anything]) -> Anything:
    """A tree whose parts are those that `change` gives for them; None keeps a part and goes on
    below it.
    """
    new = change(tree)
    if new is not None:
        return new
    if isinstance(tree, tuple):
        parts = tuple([changed(part, change) for part in tree])
        return tree if all(map(is_, parts, tree)) else parts
    told: dict[str, Anything] = {}
    for name in _parts(tree):
        before = getattr(tree, name)
        after = changed(before, change)
        if after is not before:
            told[name] = after
    return replace(tree, **told) if told else tree
