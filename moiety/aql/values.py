"""Values of a row and how they compare: the three-valued logic of WHERE and the order of results.

A value keeps what the document holds (`raw`) beside what it compares by (`rank`, `key`). Dates,
times and durations compare by magnitude where the class beside them says what they are; numbers,
truth values and texts among their own; text < number < truth value otherwise, so that any two
values have one order. Text compares by code point.

An object compares only as a DV_ORDERED, by its magnitude, and only with its own kind: comparing
`…/value` with a text asks for a time, never for a DV_TEXT. A duration has its magnitude there
alone: its text, `…/value/value`, is the one of the four that compares as text, "P30M" < "P40D".
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final, NamedTuple

from moiety.aql.ast import Operator
from moiety.openehr import times

NOTHING: Final = -1
TEXT: Final = 0
CALENDAR: Final = 1
TIME: Final = 2
DURATION: Final = 3
NUMBER: Final = 4
BOOLEAN: Final = 5

TEMPORAL: Final = {
    "DV_DATE": CALENDAR,
    "DV_DATE_TIME": CALENDAR,
    "DV_TIME": TIME,
    "DV_DURATION": DURATION,
}
"""Classes whose `value` is a time, and the rank it compares in: dates are the first moment of
their day, so that dates and date-times have one order."""

_READERS: Final[dict[int, Callable[[str], float]]] = {
    CALENDAR: times.date_time_seconds,
    TIME: times.time_seconds,
    DURATION: times.duration_seconds,
}


class Value(NamedTuple):
    """`raw` is JSON; `key` is what compares, None where the rank is NOTHING."""

    raw: Any
    rank: int
    key: Any

    @property
    def whole(self) -> bool:
        """Whether an object stands here, not a primitive."""
        return isinstance(self.raw, dict | list)


NULL: Final = Value(None, NOTHING, None)


def value(raw: Any, holder: Any = None, attribute: str = "value") -> Value:
    """The value of a JSON value found under `attribute` of the object `holder`."""
    if raw is None:
        return NULL
    if isinstance(raw, bool):
        return Value(raw, BOOLEAN, raw)
    if isinstance(raw, int | float):
        return Value(raw, NUMBER, raw)
    if isinstance(raw, str):
        timed = isinstance(holder, dict) and attribute == "value"
        rank = TEMPORAL.get(holder.get("_type", "")) if timed else None
        return (moment(raw, rank) if rank != DURATION else None) or Value(raw, TEXT, raw)
    return _object(raw)


def moment(text: str, rank: int | None) -> Value | None:
    """A time of a rank; None where the rank is another or the text is no such time."""
    if rank not in _READERS:
        return None
    try:
        return Value(text, rank, _READERS[rank](text))
    except ValueError:
        return None


def _object(raw: Any) -> Value:
    rm_type = raw.get("_type") if isinstance(raw, dict) else None
    if rm_type in {"DV_QUANTITY", "DV_COUNT"}:
        return _ordered(raw, raw.get("magnitude"))
    if rm_type in {"DV_ORDINAL", "DV_SCALE"}:
        return _ordered(raw, raw.get("value"))
    if rm_type == "DV_PROPORTION" and raw.get("denominator"):
        return _ordered(raw, raw.get("numerator", 0) / raw["denominator"])
    if rm_type in TEMPORAL:
        time = moment(raw.get("value", ""), TEMPORAL[rm_type])
        return Value(raw, time.rank, time.key) if time else Value(raw, NOTHING, None)
    return Value(raw, NOTHING, None)


def _ordered(raw: Any, magnitude: float | None) -> Value:
    return Value(raw, NOTHING if magnitude is None else NUMBER, magnitude)


def compare(operator: Operator, left: Value, right: Value) -> bool | None:
    """The truth of a comparison; None is unknown, as in SQL."""
    if NOTHING in {left.rank, right.rank} or not _of_one_unit(left, right):
        return None
    left, right = _aligned(left, right), _aligned(right, left)
    if left.rank != right.rank:
        if left.whole or right.whole:
            return None
        return decide(operator, left.rank, right.rank)
    return decide(operator, left.key, right.key)


def _of_one_unit(left: Value, right: Value) -> bool:
    """Whether two quantities have the same units; others do not compare (RM, DV_QUANTITY)."""
    if not (isinstance(left.raw, dict) and isinstance(right.raw, dict)):
        return True
    return bool(left.raw.get("units") == right.raw.get("units"))


def _aligned(this: Value, other: Value) -> Value:
    """`this` as `other` can compare with it: a text read as a time, or a time read as text."""
    if this.rank == TEXT and other.rank in _READERS:
        return moment(this.key, other.rank) or this
    if this.rank in _READERS and other.rank != this.rank and not this.whole:
        readable = other.rank == TEXT and moment(other.key, this.rank)
        return this if readable else Value(this.raw, TEXT, this.raw)
    return this


OPERATORS: Final[Mapping[Operator, Callable[[Any, Any], Any]]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


def decide(operator: Operator, left: Any, right: Any) -> bool:
    """Compare two keys of one rank."""
    return bool(OPERATORS[operator](left, right))


def conjunction(truths: Iterable[bool | None]) -> bool | None:
    """AND of three-valued truths."""
    unknown = False
    for truth in truths:
        if truth is False:
            return False
        unknown = unknown or truth is None
    return None if unknown else True


def disjunction(truths: Iterable[bool | None]) -> bool | None:
    """OR of three-valued truths."""
    truth = conjunction(None if t is None else not t for t in truths)
    return None if truth is None else not truth


def like(text: Value, pattern: str) -> bool | None:
    """Whether a text fits a LIKE pattern; unknown for what is no text. An object that has a text
    as its `value`, as times and DV_TEXT have, is taken by it.
    """
    told = text.raw.get("value") if isinstance(text.raw, dict) else text.raw
    if not isinstance(told, str):
        return None
    return _fits(told, LIKE_TOKEN.findall(pattern))


LIKE_TOKEN: Final = re.compile(r"\\[\\*?]|.", re.DOTALL)
"""`*`, `?`, a backslash before one of `\\ * ?`, or any other character, which means itself."""


def _fits(text: str, pieces: Sequence[str]) -> bool:
    """Match piece by piece; after a failure go on behind the last `*`: no other choice matters,
    so that time grows with the product of the lengths and no worse.
    """
    at = piece = 0
    star = resume = -1
    while at < len(text):
        here = pieces[piece] if piece < len(pieces) else ""
        if here == "*":
            star, resume = piece, at
            piece += 1
        elif here == "?" or (here and _unescaped(here) == text[at]):
            at, piece = at + 1, piece + 1
        elif star >= 0:
            resume += 1
            at, piece = resume, star + 1
        else:
            return False
    return all(rest == "*" for rest in pieces[piece:])


def _unescaped(piece: str) -> str:
    return piece[-1]


def sql_pattern(pattern: object) -> str:
    r"""The pattern as SQL's LIKE reads it with `ESCAPE '\'`."""
    parts = {"*": "%", "?": "_"}
    pieces = LIKE_TOKEN.findall(str(pattern))
    return "".join(parts.get(piece) or _escaped(_unescaped(piece)) for piece in pieces)


def bounds(pattern: str, length: int) -> tuple[str, str]:
    """What bounds the first `length` characters of texts that a pattern of SQL admits, by code
    points: they are not before the first, and before the second.
    """
    start = ""
    pieces = iter(pattern)
    for piece in pieces:
        if piece in "%_":
            break
        start += next(pieces) if piece == "\\" else piece
    start = start[:length]
    shorter = start.rstrip(_LAST)
    return start, shorter[:-1] + _next(shorter[-1]) if shorter else _LAST * (length + 1)


_LAST: Final = chr(sys.maxunicode)


def _next(character: str) -> str:
    """The code point after; surrogates are none."""
    number = ord(character) + 1
    return chr(0xE000 if number == 0xD800 else number)


def _escaped(character: str) -> str:
    return "\\" + character if character in "%_\\" else character
