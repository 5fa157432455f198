"""What JSON the values of a column can be, whatever the documents say.

A stored document follows the reference model, so the classes that a path can meet, step by step,
bound what it can end in: `…/value/magnitude` is a number wherever it leads.  What the model leaves
open (`…/value/value` is a text, a number or a truth value) stays open here.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final, Literal, TypeAlias, get_args, get_type_hints

from moiety.aql import ast
from moiety.aql.classes import concrete
from moiety.aql.functions import FUNCTIONS, Given
from moiety.aql.push import Shown
from moiety.aql.request import Output, Request
from moiety.openehr import rm
from moiety.openehr.rm_types import attribute_classes

Kind: TypeAlias = Literal["text", "integer", "real", "boolean", "object"]
Kinds: TypeAlias = frozenset[Kind]

ANY: Final[Kinds] = frozenset(get_args(Kind))
_PLAIN: Final[dict[type, Kind]] = {
    str: "text", bytes: "text", int: "integer", float: "real", bool: "boolean",
}  # fmt: skip
_OF_SQL: Final[dict[str, Kind]] = {
    "text": "text", "ehr": "text", "version": "text", "timestamp": "text",
    "integer": "integer", "real": "real", "boolean": "boolean", "document": "object",
}  # fmt: skip
_EHR: Final[dict[str, type[rm.Any]]] = {
    "ehr_id": rm.HierObjectId, "system_id": rm.HierObjectId, "time_created": rm.DvDateTime,
    "ehr_status": rm.EhrStatus,
}  # fmt: skip
_GIVEN: Final[dict[Given, Kinds]] = {
    "text": frozenset({"text"}), "integer": frozenset({"integer"}), "real": frozenset({"real"}),
    "boolean": frozenset({"boolean"}), "number": frozenset({"integer", "real"}),
}  # fmt: skip
_AGGREGATES: Final[dict[str, Kinds]] = {
    "COUNT": frozenset({"integer"}), "SUM": frozenset({"real"}), "AVG": frozenset({"real"}),
}  # fmt: skip


def of_model(request: Request) -> tuple[Kinds, ...]:
    """For each output, what the reference model lets it be; null apart, which anything may be."""
    return tuple(_output(request, output) for output in request.outputs)


def of_columns(request: Request, shown: Shown) -> tuple[Kinds, ...]:
    """For each output, what it is where SQL answers alone: what its columns hold."""
    model = of_model(request)
    return tuple(
        known if not columns or "aggregate" in columns else _sql(columns)
        for known, columns in zip(model, shown, strict=True)
    )


def _sql(columns: Iterable[str]) -> Kinds:
    if any(column not in _OF_SQL for column in columns):
        return ANY
    return frozenset(_OF_SQL[column] for column in columns)


def _output(request: Request, output: Output) -> Kinds:
    name = output.aggregate.name if output.aggregate else ""
    if name in _AGGREGATES:
        return _AGGREGATES[name]
    if output.cell is None:
        return ANY
    cell: Any = request.cells[output.cell]
    if isinstance(cell, ast.Literal):
        kind = _PLAIN.get(type(cell.value))
        return frozenset({kind}) if kind else ANY if cell.value is not None else frozenset()
    if isinstance(cell, ast.Call) and cell.name in FUNCTIONS:
        return _GIVEN[FUNCTIONS[cell.name].gives]
    return _path(request, cell) if isinstance(cell, ast.Path) else ANY


def _path(request: Request, path: ast.Path) -> Kinds:
    source = request.variables.get(path.variable.lower())
    if not isinstance(source, ast.Class):
        return ANY
    names = [step.attribute for step in path.steps]
    if not names:
        return frozenset({"object"})
    if source.rm_type != "EHR":
        known: Iterable[type[rm.Any] | None] = map(rm.CLASSES.get, concrete(source.rm_type))
        return _below(frozenset(known), names)
    if names[0] not in _EHR:
        return ANY
    rest = names[1:]
    only: type[rm.Any] = _EHR[names[0]]
    return _below(frozenset({only}), rest) if rest else frozenset({"object"})


def _below(classes: frozenset[type[rm.Any] | None], names: list[str]) -> Kinds:
    """What may stand at the end of some attributes of some classes; None is an unknown class."""
    for name in names[:-1]:
        if None in classes:
            return ANY
        having = [one for one in classes if one and name in one.__struct_fields__]
        if any(_ends(one, name) - {"object"} for one in having):
            return ANY  # a step below a plain value: nothing that a document holds
        classes = frozenset(found for one in having for found in attribute_classes(one, name))
    if None in classes:
        return ANY
    kinds: set[Kind] = set()
    for one in classes:
        if one and names[-1] in one.__struct_fields__:
            kinds |= _ends(one, names[-1])
    return frozenset(kinds)


@cache
def _ends(rm_class: type[rm.Any], name: str) -> Kinds:
    """What an attribute holds: plain values, objects, or both."""
    return frozenset(_hinted(get_type_hints(rm_class)[name]))


def _hinted(hint: Any) -> Iterable[Kind]:
    if hint is type(None):
        return
    if isinstance(hint, type) and hint in _PLAIN:
        yield _PLAIN[hint]
    elif isinstance(hint, type) and issubclass(hint, rm.Any):
        yield "object"
    elif get_args(hint):
        for part in get_args(hint):
            yield from _hinted(part)
    else:
        yield from ANY
