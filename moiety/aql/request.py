"""A tree with its parameters in place and its names looked up: what both ways of answering read.

    bind      parameters → the values given for them
    request   the variables, the cells each row must have, and what happens to the rows after

Everything that depends on the text alone and can be wrong is found here.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from moiety.aql import ast
from moiety.aql.asides import set_apart
from moiety.aql.checks import check
from moiety.aql.errors import AqlError
from moiety.aql.forms import MAXIMUM_VALUES, NO_SLOTS, Slots
from moiety.aql.paths import storable
from moiety.aql.printer import render
from moiety.aql.signatures import signature

Expression = ast.Path | ast.Literal | ast.Call


@dataclass(frozen=True, slots=True)
class Output:
    """A column of the result: the cell it shows, and the aggregate that makes one value of many.

    `cell` is None for COUNT(*). `name` is the alias or "#" and the place; `path` is "" for what
    is no path.
    """

    cell: int | None
    aggregate: ast.Aggregate | None
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Request:
    """A query ready to be answered. `cells` are evaluated for each row that WHERE lets through.

    Where rows are grouped, `groups` are the cells by which they are, and `having` and `keys` mean
    `folds`: the outputs, and after them what else is asked of a group. Elsewhere `keys` are cells.
    `paged`: the slot of a limit that does not stand in the text; that of its offset is the next.
    `backward`: the limit counts from the end.
    """

    query: ast.Query
    variables: Mapping[str, ast.Class | ast.Version]
    cells: tuple[Expression, ...]
    outputs: tuple[Output, ...]
    keys: tuple[tuple[int, bool], ...]
    limit: int | None
    offset: int
    paged: int = -1
    groups: tuple[int, ...] = ()
    more: tuple[Output, ...] = ()
    having: ast.Condition | None = None
    backward: bool = False

    @property
    def aggregated(self) -> bool:
        """Whether a row of the result is made of many."""
        return bool(self.groups) or any(output.aggregate for output in self.folds)

    @property
    def folds(self) -> tuple[Output, ...]:
        """What is told of each group of rows."""
        return self.outputs + self.more

    @property
    def paths(self) -> tuple[ast.Path, ...]:
        """Every path that takes part in expansion: those of SELECT, ORDER BY and comparisons.

        The path of an EXISTS takes none of its own, but starts at its variable.
        """
        compared = _compared(self.query.where) if self.query.where is not None else ()
        selected = (path for cell in self.cells for path in _paths(cell))
        return tuple(dict.fromkeys((*selected, *compared)))


def _paths(expression: Any) -> Iterator[ast.Path]:
    match expression:
        case ast.Path():
            yield expression
        case ast.Call():
            for argument in expression.arguments:
                yield from _paths(argument)


def _compared(condition: ast.Condition) -> Iterator[ast.Path]:
    match condition:
        case ast.And() | ast.Or():
            for operand in condition.operands:
                yield from _compared(operand)
        case ast.Not():
            yield from _compared(condition.condition)
        case ast.Like() | ast.Matches():
            yield from _paths(condition.path)
        case ast.Compare():
            yield from _paths(condition.left)
            yield from _paths(condition.right)
        case ast.Exists(path=ast.Path() as path):
            yield ast.Path(path.variable, (), path.predicate)


def bind(tree: Any, parameters: Mapping[str, Any], slots: Slots = NO_SLOTS) -> Any:
    """A tree with every parameter replaced by the value given for it; a list only in `matches`.

    Literals and parameters that have one of `slots` keep its number, so that another value can
    stand in their place later (`refilled`). Raises AqlError at a parameter without a value or
    with one that has no place there.
    """

    def bound(part: Any) -> Any:
        match part:
            case ast.Literal(at=at) if (at.line, at.column) in slots.places:
                return replace(part, slot=slots.places[at.line, at.column])
            case ast.Parameter():
                value = _primitive(part, parameters)
                return ast.Literal(value, part.at, slots.names.get(part.name, -1))
            case ast.Node(code=ast.Parameter() as code):
                return replace(
                    part, code=_code(code, parameters), name=ast.changed(part.name, bound)
                )
            case ast.Matches():
                values = _values(part, parameters, slots)
                return replace(part, path=ast.changed(part.path, bound), values=values)
            case _:
                return None

    return ast.changed(tree, bound)


def _code(parameter: ast.Parameter, parameters: Mapping[str, Any]) -> ast.NodeCode:
    code = _primitive(parameter, parameters)
    if not isinstance(code, str):
        at = parameter.at
        raise AqlError(at.line, at.column, "a text as value of the parameter")
    return ast.NodeCode(code, parameter.at)


def _values(tree: ast.Matches, parameters: Mapping[str, Any], slots: Slots) -> tuple[Any, ...]:
    values: list[Any] = []
    for item in tree.values:
        given = parameters.get(item.name) if isinstance(item, ast.Parameter) else None
        if isinstance(item, ast.Parameter) and isinstance(given, list | tuple):
            values += _members(item, given, slots)
        else:
            values.append(bind(item, parameters, slots))
    return tuple(values)


def _members(item: ast.Parameter, given: Sequence[Any], slots: Slots) -> list[ast.Literal]:
    """The values of a list: all of them, or where it has a slot, one of each signature."""
    if len(given) > MAXIMUM_VALUES:
        raise AqlError(item.at.line, item.at.column, f"at most {MAXIMUM_VALUES} values")
    members = [ast.Literal(_primitive(item, {item.name: member}), item.at) for member in given]
    slot = slots.names.get(item.name, -1)
    if slot < 0:
        return members
    samples = {signature(member.value): member for member in members}
    return [replace(each, slot=slot, alike=sign) for sign, each in samples.items()]


def refilled(made: Request, given: Sequence[Any]) -> Request:
    """The request with the values of another run."""

    def filled(part: Any) -> Any:
        match part:
            case ast.Literal(slot=slot) if slot >= 0:
                return replace(part, value=given[slot])
            case ast.Matches():
                values = [each for item in part.values for each in _filled(item, given)]
                return replace(part, path=ast.changed(part.path, filled), values=tuple(values))
            case _:
                return None

    query = ast.changed(made.query, filled)
    if made.paged < 0:
        return replace(made, query=query)
    limit, offset = given[made.paged : made.paged + 2]
    return replace(made, query=query, limit=limit, offset=offset)


def _filled(item: Any, given: Sequence[Any]) -> list[Any]:
    if not isinstance(item, ast.Literal) or item.slot < 0:
        return [item]
    if not item.alike:
        return [replace(item, value=given[item.slot])]
    members = (member for member in given[item.slot] if signature(member) == item.alike)
    return [ast.Literal(member, item.at) for member in members]


def _primitive(parameter: ast.Parameter, parameters: Mapping[str, Any]) -> ast.Primitive:
    line, column = parameter.at.line, parameter.at.column
    if parameter.name not in parameters:
        raise AqlError(line, column, "a value for the parameter", "none")
    given = parameters[parameter.name]
    if isinstance(given, str) and not storable(given):
        raise AqlError(line, column, "text without NUL and without half a surrogate pair")
    if given is not None and not isinstance(given, str | int | float | bool):
        raise AqlError(line, column, "a text, a number or a truth value for the parameter")
    if isinstance(given, float) and not math.isfinite(given):
        raise AqlError(line, column, "a number that fits a double")
    if isinstance(given, int) and abs(given) >= 2**63:
        raise AqlError(line, column, "an integer of at most 63 bits")
    return given


def request(
    query: ast.Query,
    parameters: Mapping[str, Any],
    slots: Slots = NO_SLOTS,
    *,
    extensions: bool = False,
) -> Request:
    """Check a tree and lay out its rows; `extensions`: it may hold what is no AQL.

    Raises AqlError with the place.
    """
    bound: ast.Query = bind(set_apart(query), parameters, slots)
    variables = check(bound, extensions=extensions)
    cells: dict[Any, int] = {}
    outputs = tuple(_output(column, n, cells) for n, column in enumerate(bound.columns))
    laid = _Laid(bound, variables, cells, outputs)
    if bound.group or bound.having is not None or any(output.aggregate for output in outputs):
        return _grouped(laid)
    keys = tuple((_key_cell(laid, key), key.descending) for key in bound.order)
    return _made(laid, keys=keys)


@dataclass(frozen=True, slots=True)
class _Laid:
    """A query while it is laid out: `cells` grow as more is asked for."""

    query: ast.Query
    variables: Mapping[str, ast.Class | ast.Version]
    cells: dict[Any, int]
    outputs: tuple[Output, ...]

    def aliased(self, path: ast.Path) -> int:
        """The place of the column that has this alias; -1 where the path is one of the records."""
        if path.variable.lower() in self.variables or path.steps or path.predicate is not None:
            return -1
        names = [(column.alias or "").lower() for column in self.query.columns]
        if path.variable.lower() not in names:
            at = path.at
            raise AqlError(at.line, at.column, "a variable that FROM defines, or an alias")
        return names.index(path.variable.lower())


def _made(laid: _Laid, **more: Any) -> Request:
    query = laid.query
    made = Request(
        query, laid.variables, (), laid.outputs, (), _limit(query), query.offset or 0,
        backward=query.top is not None and query.top.backward,
    )  # fmt: skip
    return replace(made, cells=tuple(expression for expression, _ in laid.cells), **more)


def _key_cell(laid: _Laid, key: ast.Order) -> int:
    place = laid.aliased(key.path)
    return _cell(key.path, laid.cells) if place < 0 else (laid.outputs[place].cell or 0)


def _output(column: ast.Column, place: int, cells: dict[Any, int]) -> Output:
    expression = column.expression
    name = column.alias or f"#{place}"
    if isinstance(expression, ast.Aggregate):
        return replace(_folded(expression, cells), name=name)
    path = render(expression) if isinstance(expression, ast.Path | ast.Call) else ""
    return Output(_cell(expression, cells), None, name, path)


def _folded(aggregate: ast.Aggregate, cells: dict[Any, int]) -> Output:
    argument = aggregate.argument
    cell = _cell(argument, cells) if argument is not None else None
    return Output(cell, aggregate, "", render(aggregate))


def _cell(expression: Any, cells: dict[Any, int]) -> int:
    # 1, 1.0 and true are three cells, in a function too.
    exactly = None if isinstance(expression, ast.Path) else repr(expression)
    return cells.setdefault((expression, exactly), len(cells))


# --- groups of rows ------------------------------------------------------------------------------


def _grouped(laid: _Laid) -> Request:
    """Rows in groups: those that GROUP BY names, or else one for each value of the plain columns
    that stand beside aggregates; one of all rows where there is neither.
    """
    query, cells = laid.query, laid.cells
    named = tuple(dict.fromkeys(_cell(path, cells) for path in query.group))
    plain = [n for n, output in enumerate(laid.outputs) if output.aggregate is None]
    if not query.group:
        told = (laid.outputs[n].cell or 0 for n in plain if not _is_constant(laid, n))
        named = tuple(dict.fromkeys(told))
    for n in plain:
        if laid.outputs[n].cell not in named and not _is_constant(laid, n):
            at = query.columns[n].at
            raise AqlError(at.line, at.column, "an aggregate, or a path that GROUP BY names")
    folds = _Folds(laid, named, list(laid.outputs))
    having = ast.changed(query.having, folds.told) if query.having is not None else None
    keys = tuple((folds.place(key.path), key.descending) for key in query.order)
    more = tuple(folds.found[len(laid.outputs) :])
    # One row has no order.
    return _made(laid, groups=named, more=more, having=having, keys=keys if named else ())


def _is_constant(laid: _Laid, place: int) -> bool:
    return isinstance(laid.query.columns[place].expression, ast.Literal)


@dataclass(frozen=True, slots=True)
class _Folds:
    """What is told of each group; `found` grows."""

    laid: _Laid
    groups: tuple[int, ...]
    found: list[Output]

    def told(self, part: Any) -> ast.Told | None:
        """A path or an aggregate of HAVING, as what is told of a group."""
        if isinstance(part, ast.Aggregate):
            return ast.Told(self._add(_folded(part, self.laid.cells)), part.at)
        return ast.Told(self.place(part), part.at) if isinstance(part, ast.Path) else None

    def place(self, path: ast.Path) -> int:
        """The place of an alias or of a path by which rows are grouped."""
        place = self.laid.aliased(path)
        if place >= 0:
            return place
        cell = _cell(path, self.laid.cells)
        if self.groups and cell not in self.groups:
            at = path.at
            raise AqlError(at.line, at.column, "an aggregate, an alias or a path of a group")
        return self._add(Output(cell, None, "", render(path)))

    def _add(self, output: Output) -> int:
        for place, known in enumerate(self.found):
            if (known.cell, known.aggregate) == (output.cell, output.aggregate):
                return place
        self.found.append(output)
        return len(self.found) - 1


def _limit(query: ast.Query) -> int | None:
    if query.top is None:
        return query.limit
    if query.limit is not None:
        raise AqlError(query.top.at.line, query.top.at.column, "TOP or LIMIT, one of them")
    return query.top.count
