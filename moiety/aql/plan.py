"""The plan of a query over typed rows: after it, nothing can be wrong.

A plan is branches whose rows are put together with UNION ALL. A branch joins rows of group
tables; its cells and conditions name their columns, and its literals stand as typed values. What
a condition can meet is decided here (a number against a text, a time against a date): SQL only
writes it down. Templates that agree in all of this share a branch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from moiety.aql.ast import Operator
from moiety.aql.needs import Needs
from moiety.openehr.leaves import Kind

Key: TypeAlias = tuple[int, int]
"""(template_key, node): which template node a group row stands for."""

Place: TypeAlias = tuple[str, str]
"""A leaf table and a column of it."""

INDEXED: Final = 120
"""How many characters of a text an index holds: its rows have room for a third of a page."""


# --- where rows come from ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """One group row of a branch.

    `inside`: number of the source that contains it, -1 where the composition alone does.
    `direct`: it belongs to a path and is a row directly below `inside`; otherwise it belongs to a
    variable of FROM and lies anywhere inside.
    `optional`: it may be missing, and what is asked of it is null then.
    `name`: the row's name/value must be this; the column that holds it.
    """

    table: str
    inside: int
    optional: bool
    name: "tuple[str, str] | None" = None
    direct: bool = False


# --- expressions ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column of a source; null where one of `guards` (column, name asked for) does not hold."""

    source: int
    column: str
    kind: Kind
    guards: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first characters of a text column, as many as an index holds."""

    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of the composition or its EHR tells."""

    what: Literal[
        "ehr_id", "system_id", "time_created", "subject_id", "subject_namespace", "modifiable",
        "queryable", "uid", "template_id", "document", "row", "time_committed", "change_code",
        "change_value", "lifecycle_code", "lifecycle_value", "contribution_id", "preceding_uid",
        "audit_system", "audit_description", "committer_name",
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """Not null where the source has a row."""

    source: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the query or the template decides; where a source is given, null unless the
    source has a row.
    """

    value: str | int | float | bool | None
    source: int = -1


Reading: TypeAlias = Literal[
    "text", "integer", "real", "boolean", "instant", "timestamp", "pattern", "beginning", "start",
    "end",
]  # fmt: skip
"""As what a value is read. A pattern's "start" and "end" bound the texts that it admits."""


@dataclass(frozen=True, slots=True)
class Blank:
    """A value that is given when the query runs, read as one kind; as an instant, as the time of
    a temporal rank. `sample` is one such value, and every other of its slot has its signature.
    """

    slot: int
    alike: str
    reading: Reading
    rank: int
    sample: str | int | float | bool


@dataclass(frozen=True, slots=True)
class Present:
    """Not null where one of some expressions is not."""

    parts: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Called:
    """A function of AQL; its arguments are of the kinds that it takes."""

    name: str
    arguments: "tuple[Expression, ...]"
    kind: Kind


Expression: TypeAlias = Leaf | Beginning | Head | Row | Constant | Blank | Present | Called

Told: TypeAlias = Kind | Literal["document", "timestamp"]
"""What a value is told as; a timestamp is a time of the database."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One type that a cell's value may have, and where it then stands. At most one alternative
    of a cell is not null, but for an instant, which stands beside its text.
    """

    kind: Told
    expression: Expression


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a row. `rank`: the temporal rank of its instants, 0 where it has none.

    `whole`: an object stands here. Its alternatives are magnitudes, which compare and order but
    are not the object; `presence` tells whether it is there.
    """

    alternatives: tuple[Alternative, ...]
    rank: int = 0
    whole: bool = False
    presence: Expression | None = None


# --- conditions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compared:
    """`left operator right`, of one kind."""

    left: Expression
    operator: Operator
    right: Expression
    kind: Told


@dataclass(frozen=True, slots=True)
class OneOf:
    """Whether an expression equals one of some values of its kind."""

    expression: Expression
    values: tuple[Constant | Blank, ...]
    kind: Told


@dataclass(frozen=True, slots=True)
class Decided:
    """Kinds that differ: this truth where the expression is not null, else unknown."""

    expression: Expression
    truth: bool


@dataclass(frozen=True, slots=True)
class First:
    """The first of some truths that is known."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Likened:
    """A text against a pattern of SQL's LIKE with a backslash as escape."""

    expression: Expression
    pattern: Constant | Blank


@dataclass(frozen=True, slots=True)
class Given:
    """Whether an expression is not null."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Known:
    """True, false or unknown, whatever the row."""

    truth: bool | None


@dataclass(frozen=True, slots=True)
class Every:
    """AND."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Some:
    """OR."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Negated:
    """NOT."""

    part: "Condition"


Condition: TypeAlias = (
    Compared | OneOf | Decided | First | Likened | Given | Known | Every | Some | Negated
)


# --- the whole --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Branch:
    """A query over rows of one shape. `nodes`: for each source, what its rows stand for;
    `keys`: the templates it answers for. `every`: for each source, all that its table can hold,
    by template.
    """

    sources: tuple[Source, ...]
    cells: tuple[Cell, ...]
    where: Condition
    nodes: tuple[frozenset[Key], ...]
    keys: frozenset[int]
    every: tuple[Mapping[int, frozenset[int]], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """Branches for typed rows of compositions, and what is left to the documents.

    Rows are trusted for compositions whose rows are current and that have none of the residue
    bits `residue`; documents answer for the others, and for those of the templates in `left`
    (None: for all), with `reasons`. Of those in `filtered`, only the compositions that have a row
    in `filters` can add anything. `narrow` holds for every row of the result: it narrows both.
    `of_ehrs`: the result is about EHRs, and there is no content to look at. Other contents than
    compositions have no rows: `needs` says which are asked for.
    """

    branches: tuple[Branch, ...]
    narrow: Every
    needs: Needs
    residue: int = 0
    left: frozenset[int] | None = None
    reasons: tuple[str, ...] = ()
    filters: tuple[Branch, ...] = ()
    filtered: frozenset[int] = frozenset()
    of_ehrs: bool = False

    @property
    def of_population(self) -> bool:
        """Whether it is not about one EHR, named by its id: EHRs that are not queryable keep out
        of it then (RM, EHR_STATUS.is_queryable).
        """
        return not any(_names_ehr(part) for part in self.narrow.parts)


def _names_ehr(part: Condition) -> bool:
    return isinstance(part, Compared) and part.left == Head("ehr_id") and part.operator == "="
