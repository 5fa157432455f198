"""Functions of AQL over typed rows: which columns they take, and SQL for what Python gives."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from moiety.aql import ast
from moiety.aql.functions import FUNCTIONS, LARGEST, PLACES, Taken
from moiety.aql.plan import Alternative, Called, Cell, Expression
from moiety.aql.spots import Untold
from moiety.openehr.leaves import Kind

_KINDS: Final[dict[Taken, tuple[Kind, ...]]] = {
    "text": ("text",),
    "number": ("integer", "real"),
    "integer": ("integer",),
}


def called(expression: ast.Call, cell: Callable[[Any], Cell]) -> Cell:
    """The cell of a function; `cell` gives those of its arguments.

    Raises Untold where the columns do not say what the documents would.
    """
    shape = FUNCTIONS[expression.name]
    arguments: list[Expression] = []
    kinds: list[Kind] = []
    for place, argument in enumerate(expression.arguments):
        found = _argument(cell(argument), shape.kind(place))
        if found is None and not (shape.passes_nulls and place):
            return Cell(())  # of nothing, whatever the row
        if found is not None:
            arguments.append(found.expression)
            kinds.append(found.kind)  # type: ignore[arg-type]  # chosen by kind
    if expression.name == "MOD" and "real" in kinds:
        raise Untold("a remainder of reals")
    if expression.name in {"CEIL", "FLOOR"} and kinds == ["integer"]:
        return Cell((Alternative("integer", arguments[0]),))
    given: Kind = kinds[0] if shape.gives == "number" else shape.gives
    return Cell((Alternative(given, Called(expression.name, tuple(arguments), given)),))


def _argument(cell: Cell, kind: Taken) -> Alternative | None:
    """The column of a cell that is of the kind; None where it has none, and so no value."""
    if cell.whole:
        return None
    if any(choice.kind in {"document", "timestamp"} for choice in cell.alternatives):
        raise Untold("a function of what has no column of its kind")
    found = [choice for choice in cell.alternatives if choice.kind in _KINDS[kind]]
    if len(found) > 1:
        raise Untold("a function of several kinds")
    return found[0] if found else None


# --- SQL -----------------------------------------------------------------------------------------

_Column = sa.ColumnElement[Any]
_LONGEST: Final = 2**31 - 1


def function(node: Called, arguments: Sequence[_Column]) -> _Column:
    """SQL of a function."""
    return _WRITTEN[node.name](node, *arguments)


def _one(name: str) -> Callable[..., _Column]:
    return lambda _, *arguments: getattr(sa.func, name)(*arguments)


def _plain(number: int) -> _Column:
    return sa.literal_column(str(number))


def _bounded(number: _Column, most: int) -> _Column:
    """An integer within bounds, so that a cast to a smaller type never fails."""
    held = sa.func.least(sa.func.greatest(number, _plain(-most)), _plain(most))
    return sa.cast(held, sa.Integer())


def _substring(_: Called, text: _Column, position: _Column, *length: _Column) -> _Column:
    start = _bounded(position, _LONGEST)
    if not length:
        return sa.func.substring(text, sa.func.greatest(start, _plain(1)))
    stop = sa.cast(start, sa.BigInteger()) + sa.func.greatest(
        _bounded(length[0], _LONGEST), _plain(0)
    )
    first = sa.func.greatest(start, _plain(1))
    return sa.func.substring(
        text,
        first,
        sa.cast(
            sa.func.least(sa.func.greatest(stop - first, _plain(0)), _plain(_LONGEST)), sa.Integer()
        ),
    )


def _concat(_: Called, *texts: _Column) -> _Column:
    made = texts[0]
    for text in texts[1:]:
        made = made.op("||")(text)
    return made


def _modulo(_: Called, number: _Column, by: _Column) -> _Column:
    return sa.func.mod(number, sa.func.nullif(by, _plain(0)))


def _whole(name: str) -> Callable[..., _Column]:
    def write(_: Called, number: _Column) -> _Column:
        found = getattr(sa.func, name)(number)
        return sa.case((sa.func.abs(found) < _plain(LARGEST), sa.cast(found, sa.BigInteger())))

    return write


def _rounded(node: Called, number: _Column, *places: _Column) -> _Column:
    step = _bounded(places[0], PLACES) if places else _plain(0)
    found = sa.func.round(sa.cast(number, sa.Numeric()), step)
    if node.kind == "real":
        return sa.cast(found, sa.Double())
    return sa.case((sa.func.abs(found) < _plain(LARGEST), sa.cast(found, sa.BigInteger())))


def _joined(_: Called, separator: _Column, *texts: _Column) -> _Column:
    if not texts:
        return sa.func.left(separator, _plain(0))
    return sa.func.concat_ws(separator, *texts)


_WRITTEN: Final[dict[str, Callable[..., _Column]]] = {
    "LENGTH": _one("char_length"),
    "CONTAINS": lambda _, text, part: sa.func.strpos(text, part) > _plain(0),
    "POSITION": lambda _, part, text: sa.func.strpos(text, part),
    "SUBSTRING": _substring,
    "CONCAT": _concat,
    "CONCAT_WS": _joined,
    "ABS": _one("abs"),
    "MOD": _modulo,
    "CEIL": _whole("ceil"),
    "FLOOR": _whole("floor"),
    "ROUND": _rounded,
}
