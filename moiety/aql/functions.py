"""Functions of one row (QUERY/AQL, Functions): what each takes and gives, and how it is worked out.

A function of nothing is nothing: one argument that is null, or of a kind that the function does
not take, makes its value null. CONCAT_WS alone passes over nulls, its separator apart. SQL says
the same of typed rows (called.py), so reals are rounded as PostgreSQL's numbers are: from fifteen
digits, halves away from zero.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final, Literal

Taken = Literal["text", "number", "integer"]
Given = Literal["text", "integer", "real", "boolean", "number"]
"""What a function gives; "number": the kind of its first argument."""

LARGEST: Final = 2**63
PLACES: Final = 20
"""To how many places before or behind the point ROUND goes."""


@dataclass(frozen=True, slots=True)
class Function:
    """`takes`: the kinds of its arguments, of which the last may repeat where `most` is None."""

    takes: tuple[Taken, ...]
    least: int
    most: int | None
    gives: Given
    run: Callable[..., Any]
    passes_nulls: bool = False

    def kind(self, place: int) -> Taken:
        """The kind of the argument at a place."""
        return self.takes[min(place, len(self.takes) - 1)]


def call(function: Function, arguments: Sequence[Any]) -> Any:
    """The value of a function of JSON values; None is null."""
    told = [fitting(function.kind(n), each) for n, each in enumerate(arguments)]
    if None in (told[:1] if function.passes_nulls else told):
        return None
    return function.run(*told)


def fitting(kind: Taken, value: Any) -> Any:
    """The value where it is of a kind, else None."""
    if kind == "text":
        return value if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if kind == "number" or isinstance(value, int) else None


def _substring(text: str, position: int, length: int | None = None) -> str:
    start = max(position, 1)
    if length is None:
        return text[start - 1 :]
    return text[start - 1 : max(position + max(length, 0), start) - 1]


def _joined(separator: str, *texts: str | None) -> str:
    return separator.join(text for text in texts if text is not None)


def _decimal(number: float) -> Decimal:
    """As PostgreSQL makes a numeric of a double: of fifteen digits."""
    return Decimal(number) if isinstance(number, int) else Decimal(f"{number:.15g}")


def _modulo(number: float, by: float) -> float | None:
    """The remainder, with the sign of the dividend; nothing is left over by zero."""
    if by == 0:
        return None
    if isinstance(number, int) and isinstance(by, int):
        return int(math.copysign(abs(number) % abs(by), number)) if number else 0
    with localcontext(prec=700):
        return float(_decimal(number) % _decimal(by))


def _rounded(number: float, places: int = 0) -> float | None:
    step = Decimal(1).scaleb(-max(-PLACES, min(PLACES, places)))
    with localcontext(prec=400):
        exact = _decimal(number).quantize(step, ROUND_HALF_UP)
        if isinstance(number, int):
            return int(exact) if abs(exact) < LARGEST else None
        return float(exact)


def _whole(toward: Callable[[float], int]) -> Callable[[float], int | None]:
    def whole(number: float) -> int | None:
        found = toward(number)
        return found if -LARGEST < found < LARGEST else None

    return whole


_CLOCK: Final[dict[str, Callable[[datetime], str]]] = {
    "CURRENT_DATE": lambda now: now.date().isoformat(),
    "CURRENT_TIME": lambda now: now.time().isoformat(timespec="seconds"),
    "CURRENT_DATE_TIME": lambda now: now.isoformat(timespec="milliseconds"),
    "NOW": lambda now: now.isoformat(timespec="milliseconds"),
    "CURRENT_TIMEZONE": lambda now: now.isoformat()[-6:],
}


def told_by_clock(now: datetime) -> dict[str, str]:
    """What the functions of time give, by name; `now` has a zone."""
    return {name: tell(now) for name, tell in _CLOCK.items()}


CLOCK: Final = frozenset(_CLOCK)
"""Functions of time. They have one value in a whole query, and it is given when the query runs."""

FUNCTIONS: Final = {
    "LENGTH": Function(("text",), 1, 1, "integer", len),
    "CONTAINS": Function(("text",), 2, 2, "boolean", lambda text, part: part in text),
    "POSITION": Function(("text",), 2, 2, "integer", lambda part, text: text.find(part) + 1),
    "SUBSTRING": Function(("text", "integer"), 2, 3, "text", _substring),
    "CONCAT": Function(("text",), 1, None, "text", lambda *texts: "".join(texts)),
    "CONCAT_WS": Function(("text",), 2, None, "text", _joined, passes_nulls=True),
    "ABS": Function(("number",), 1, 1, "number", abs),
    "MOD": Function(("number",), 2, 2, "number", _modulo),
    "CEIL": Function(("number",), 1, 1, "integer", _whole(math.ceil)),
    "FLOOR": Function(("number",), 1, 1, "integer", _whole(math.floor)),
    "ROUND": Function(("number", "integer"), 1, 2, "number", _rounded),
}
"""Functions of one row by name."""
