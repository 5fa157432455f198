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
from moiety.aql.classes import CLASSES
from moiety.aql.errors import AqlError, AqlNotSupported
from moiety.aql.forms import MAXIMUM_VALUES, NO_SLOTS, Slots
from moiety.aql.paths import storable
from moiety.aql.printer import render
from moiety.aql.signatures import signature


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

    `paged`: the slot of a limit that does not stand in the text; that of its offset is the next.
    """

    query: ast.Query
    variables: Mapping[str, ast.Class | ast.Version]
    cells: tuple[ast.Path | ast.Literal, ...]
    outputs: tuple[Output, ...]
    keys: tuple[tuple[int, bool], ...]
    limit: int | None
    offset: int
    paged: int = -1

    @property
    def aggregated(self) -> bool:
        """Whether the result is one row made of all."""
        return any(output.aggregate for output in self.outputs)

    @property
    def paths(self) -> tuple[ast.Path, ...]:
        """Every path that takes part in expansion: those of SELECT, ORDER BY and comparisons.

        The path of an EXISTS takes none of its own, but starts at its variable.
        """
        compared = _compared(self.query.where) if self.query.where is not None else ()
        selected = (cell for cell in self.cells if isinstance(cell, ast.Path))
        return tuple(dict.fromkeys((*selected, *compared)))


def _compared(condition: ast.Condition) -> Iterator[ast.Path]:
    match condition:
        case ast.And() | ast.Or():
            for operand in condition.operands:
                yield from _compared(operand)
        case ast.Not():
            yield from _compared(condition.condition)
        case ast.Like() | ast.Matches():
            yield condition.path
        case ast.Compare():
            for side in (condition.left, condition.right):
                if isinstance(side, ast.Path):
                    yield side
        case ast.Exists():
            yield ast.Path(condition.path.variable, (), condition.path.predicate)


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


def request(query: ast.Query, parameters: Mapping[str, Any], slots: Slots = NO_SLOTS) -> Request:
    """Check a tree and lay out its rows. Raises AqlError and AqlNotSupported with the place."""
    bound: ast.Query = bind(query, parameters, slots)
    variables = _variables(bound.source)
    _check_functions(bound)
    cells: dict[Any, int] = {}
    outputs = tuple(_output(column, n, cells) for n, column in enumerate(bound.columns))
    plain = [column for column in bound.columns if not isinstance(column.expression, ast.Aggregate)]
    if plain and any(output.aggregate for output in outputs):
        at = plain[0].at
        raise AqlNotSupported(at.line, at.column, "a plain column beside an aggregate")
    keys = tuple((_cell(key.path, cells), key.descending) for key in bound.order)
    expressions = tuple(expression for expression, _ in cells)
    made = Request(bound, variables, expressions, outputs, keys, _limit(bound), bound.offset or 0)
    _check_paths(made)
    return made


def _output(column: ast.Column, place: int, cells: dict[Any, int]) -> Output:
    expression = column.expression
    name = column.alias or f"#{place}"
    if isinstance(expression, ast.Aggregate):
        argument = expression.argument
        cell = _cell(argument, cells) if argument is not None else None
        return Output(cell, expression, name, render(expression))
    path = render(expression) if isinstance(expression, ast.Path) else ""
    return Output(_cell(expression, cells), None, name, path)


def _cell(expression: Any, cells: dict[Any, int]) -> int:
    kind = type(expression.value) if isinstance(expression, ast.Literal) else None
    return cells.setdefault((expression, kind), len(cells))  # 1, 1.0 and true are three cells


def _limit(query: ast.Query) -> int | None:
    if query.top is None:
        return query.limit
    if query.limit is not None:
        raise AqlError(query.top.at.line, query.top.at.column, "TOP or LIMIT, one of them")
    if query.top.backward:
        raise AqlNotSupported(query.top.at.line, query.top.at.column, "TOP … BACKWARD")
    return query.top.count


def sources(source: ast.Source) -> Iterator[ast.Class | ast.Version]:
    """Every class of a FROM clause, containers first."""
    match source:
        case ast.Contains():
            yield source.parent
            yield from sources(source.child)
        case ast.Both() | ast.Either():
            for operand in source.operands:
                yield from sources(operand)
        case _:
            yield source


def _variables(source: ast.Source) -> dict[str, ast.Class | ast.Version]:
    found: dict[str, ast.Class | ast.Version] = {}
    for place, item in enumerate(sources(source)):
        at = item.at
        if isinstance(item, ast.Version) or item.rm_type in {"EHR_STATUS", "FOLDER"}:
            construct = "VERSION" if isinstance(item, ast.Version) else item.rm_type
            raise AqlNotSupported(at.line, at.column, f"{construct} in FROM")
        if item.rm_type not in CLASSES:
            raise AqlError(at.line, at.column, "a class of the reference model")
        if item.rm_type == "EHR" and place:
            raise AqlError(at.line, at.column, "EHR at the head of FROM only")
        if item.variable is not None and found.setdefault(item.variable.lower(), item) is not item:
            raise AqlError(at.line, at.column, "a variable that is not taken")
    return found


def _check_paths(made: Request) -> None:
    for part in ast.walk((made.query.columns, made.query.where, made.query.order)):
        if isinstance(part, ast.Path) and part.variable.lower() not in made.variables:
            raise AqlError(part.at.line, part.at.column, "a variable that FROM defines")
        if isinstance(part, ast.Path) and _needs_status(part, made):
            raise AqlNotSupported(part.at.line, part.at.column, "ehr_status of an EHR")


def _needs_status(path: ast.Path, made: Request) -> bool:
    item = made.variables[path.variable.lower()]
    is_ehr = isinstance(item, ast.Class) and item.rm_type == "EHR"
    return is_ehr and bool(path.steps) and path.steps[0].attribute == "ehr_status"


def _check_functions(query: ast.Query) -> None:
    kinds = {
        ast.Call: "a function",
        ast.Terminology: "TERMINOLOGY",
        ast.Uri: "a URI in matches",
        ast.Pattern: "a regular expression in a predicate",
    }
    for part in ast.walk(query):
        if type(part) in kinds:
            raise AqlNotSupported(part.at.line, part.at.column, kinds[type(part)])
