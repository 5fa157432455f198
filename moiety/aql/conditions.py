"""Conditions over cells: what each comparison means for the types that meet in it.

The same rules as `values.compare`, decided before any row is read.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from moiety.aql.ast import Literal, Operator
from moiety.aql.plan import (
    Alternative,
    Blank,
    Cell,
    Compared,
    Condition,
    Constant,
    Decided,
    Every,
    Expression,
    First,
    Given,
    Known,
    Likened,
    OneOf,
    Present,
    Reading,
    Some,
    Told,
)
from moiety.aql.spots import Untold
from moiety.aql.values import (
    BOOLEAN,
    CALENDAR,
    DURATION,
    NOTHING,
    NUMBER,
    TEXT,
    Value,
    decide,
    moment,
    sql_pattern,
)
from moiety.aql.values import value as value_of

_RANKS = {"text": TEXT, "integer": NUMBER, "real": NUMBER, "boolean": BOOLEAN}


def with_value(cell: Cell, operator: Operator, literal: Literal) -> Condition:
    """A cell against a value. Raises Untold where its types have no one magnitude."""
    if cell.rank < 0:
        raise Untold("values without one magnitude")
    value = value_of(literal.value)
    if value.rank == NOTHING or not cell.alternatives:
        return Known(None)
    given = _Given(literal, value, _moment(cell, value))
    parts = [_part(cell, choice, operator, given) for choice in cell.alternatives]
    known = tuple(part for part in parts if part is not None)
    return known[0] if len(known) == 1 else First(known) if known else Known(None)


@dataclass(frozen=True, slots=True)
class _Given:
    """What a cell is compared with: as written, as a value, and as a time where it is one."""

    literal: Literal
    value: Value
    time: Value | None


def _moment(cell: Cell, value: Value) -> Value | None:
    """The value as a time of the cell's kind, where the cell compares as one."""
    timed = cell.rank and (cell.whole or cell.rank != DURATION)
    return moment(value.key, cell.rank) if timed and value.rank == TEXT else None


def _part(cell: Cell, choice: Alternative, operator: Operator, given: _Given) -> Condition | None:
    """One alternative against the value; None where it has no say."""
    if choice.kind == "timestamp":
        if given.time is None:
            raise Untold("a time of the database against what is no time")
        return Compared(choice.expression, operator, _time(given.literal), "timestamp")
    if choice.kind == "instant":
        if given.time is None:
            return None
        right = written(given.literal, "instant", given.time.key, rank=given.time.rank)
        return Compared(choice.expression, operator, right, "instant")
    if choice.kind not in _RANKS:
        raise Untold("a value that does not compare")
    if choice.kind == "text" and given.time is not None:
        return None
    rank = _RANKS[choice.kind]
    if rank == given.value.rank:
        return _same(choice, operator, given)
    if cell.whole:
        return None
    return Decided(choice.expression, decide(operator, rank, given.value.rank))


def _same(choice: Alternative, operator: Operator, given: _Given) -> Condition:
    kind, key = choice.kind, given.value.key
    if kind == "integer" and isinstance(key, float):
        kind = "real"
    if kind == "document":
        raise Untold("a value that does not compare")
    return Compared(choice.expression, operator, written(given.literal, kind, key), kind)


def _time(literal: Literal) -> Constant | Blank:
    """A text that is a time, as a timestamp: the statement reads it."""
    return written(literal, "timestamp", str(literal.value), rank=CALENDAR)


def written(
    literal: Literal, reading: Reading, key: str | float | bool, *, rank: int = 0
) -> Constant | Blank:
    """A value as SQL takes it: part of the plan, or given when the query runs."""
    if literal.slot < 0 or literal.value is None:
        return Constant(key)
    return Blank(literal.slot, literal.alike, reading, rank, literal.value)


def with_cell(left: Cell, operator: Operator, right: Cell) -> Condition:
    """A cell against another. Raises Untold where either may have several types."""
    if left.rank < 0 or right.rank < 0:
        raise Untold("values without one magnitude")
    if not left.alternatives or not right.alternatives:
        return Known(None)
    one, other = _single(left), _single(right)
    if one.kind in {"integer", "real"} and other.kind in {"integer", "real"}:
        return Compared(one.expression, operator, other.expression, "real")
    if one.kind != other.kind:
        raise Untold("a comparison of two kinds")
    if one.kind == "instant" and left.rank != right.rank:
        raise Untold("a comparison of two kinds of time")
    if one.kind in {"document", "timestamp"} or (
        left.whole and right.whole and one.kind != "instant"
    ):
        # Two quantities compare where their units are the same: documents tell.
        raise Untold("a value that does not compare")
    return Compared(one.expression, operator, other.expression, one.kind)


def _single(cell: Cell) -> Alternative:
    """The alternative that a cell compares by."""
    timed = cell.rank > 0 and (cell.whole or cell.rank != DURATION)
    instants = [choice for choice in cell.alternatives if choice.kind == "instant"]
    others = [choice for choice in cell.alternatives if choice.kind != "instant"]
    if timed and [choice.kind for choice in others] not in ([], ["text"]):
        raise Untold("a comparison of several kinds")
    chosen = instants if timed else others
    if len(chosen) != 1:
        raise Untold("a comparison of several kinds")
    return chosen[0]


def like(cell: Cell, pattern: Literal) -> Condition:
    """A cell against a LIKE pattern: its text, unknown where it has none."""
    texts = [choice for choice in cell.alternatives if choice.kind == "text"]
    if cell.whole or any(choice.kind == "timestamp" for choice in cell.alternatives):
        raise Untold("a value that has its text inside")
    if not texts:
        return Known(None)
    return Likened(texts[0].expression, written(pattern, "pattern", sql_pattern(pattern.value)))


def one_of(cell: Cell, literals: Iterable[Literal]) -> Condition:
    """A cell against a list of values; those of one kind are asked for at once."""
    parts: list[Condition] = []
    alike: dict[tuple[Expression, Told], list[Constant | Blank]] = {}
    for literal in literals:
        part = with_value(cell, "=", literal)
        if isinstance(part, Compared) and isinstance(part.right, Constant | Blank):
            alike.setdefault((part.left, part.kind), []).append(part.right)
        elif part not in parts:
            parts.append(part)
    lists = [OneOf(left, tuple(found), kind) for (left, kind), found in alike.items()]
    return Some((*lists, *parts))


def wanted(condition: Condition) -> Condition:
    """A condition that is true of the same rows, though unknown where this one may be false.

    Only one alternative of a cell is there, so where truth is all that counts, the first that is
    known is any that is true: that an index can answer.
    """
    match condition:
        case First(parts=parts) | Some(parts=parts):
            some = tuple(wanted(part) for part in parts if not _never(part))
            return some[0] if len(some) == 1 else Some(some)
        case Every(parts=parts):
            return Every(tuple(wanted(part) for part in parts))
        case _:
            return condition


def _never(condition: Condition) -> bool:
    return isinstance(condition, Decided) and not condition.truth


def present(cell: Cell) -> Condition:
    """Whether a cell has a value. Raises Untold where rows do not tell."""
    expression = presence(cell)
    return Known(False) if expression is None else Given(expression)


def presence(cell: Cell) -> Expression | None:
    """What is not null where the cell has a value; None where it never has."""
    if cell.presence is not None:
        return cell.presence
    if cell.whole:
        raise Untold("whether an object is there")
    if not cell.alternatives:
        return None
    return Present(tuple(choice.expression for choice in cell.alternatives))
