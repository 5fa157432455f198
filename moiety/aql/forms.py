r"""Texts that differ in values alone, as one form.

    split   text → its skeleton and the literals taken out of it; quick, for every request
    Form    which values a plan depends on, and which only their signature matters of

A skeleton is the text with a mark for each string, and for each number behind a comparison sign.
Texts of one skeleton have the same tokens but for those literals; a form is kept only where the
lexer found each literal just there, else all of the text decides. A value is free where it is
compared (WHERE, `[attribute = …]` in FROM): there a plan needs its signature alone. Anywhere else
(SELECT, names and codes in paths) it is part of the plan.
"""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from moiety.aql import ast
from moiety.aql.lexer import STRING, unquote
from moiety.aql.signatures import Unfit, signature

MAXIMUM_VALUES = 50_000
Slot = int | str
"""A literal of the text by its number, or a parameter by its name."""

_MARK: Final = "\x00"
_NUMBER = r"(?:[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.])"
_VARYING: Final = re.compile(
    rf"(?P<comment>--(?=[ \r\n]|$)[^\r\n]*)|(?P<text>{STRING})|(?P<open>['\"][^\r\n]*)"
    rf"|(?<=[<>=])(?P<space>[ \t\r\n]*)(?P<number>{_NUMBER})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Split:
    """A text without its literals, and they as written."""

    skeleton: str
    literals: tuple[str, ...]


def split(text: str) -> Split:
    """The skeleton of a text."""
    taken: list[str] = []

    def hide(match: re.Match[str]) -> str:
        match match.lastgroup:
            case "text":
                taken.append(match.group())
                return _MARK
            case "number":
                taken.append(match["number"])
                return match["space"] + _MARK
            case _:
                return match.group()

    skeleton = _VARYING.sub(hide, text)
    return Split(skeleton, tuple(taken))


def literal_value(written: str) -> str | int | float:
    """The value of a literal, as the parser reads it."""
    if written[0] in "'\"":
        return unquote(written)
    return int(written) if written.isdigit() and len(written) <= 18 else float(written)


@dataclass(frozen=True, slots=True)
class Form:
    """What the plans of one skeleton have in common.

    `slots`: the values in order; `free`: for each, whether its signature is all that matters.
    `whole`: the lexer reads the text otherwise than `split`, so the literals as written decide.
    """

    slots: tuple[Slot, ...]
    free: tuple[bool, ...]
    whole: bool = False

    def read(
        self, told: Split, parameters: Mapping[str, Any], page: tuple[int, ...] = ()
    ) -> tuple[tuple[Any, ...], Hashable]:
        """The values of a request by slot, those of its page last, and what decides its plan.

        Raises Unfit for a value that is missing or that no query takes: compiling tells why.
        """
        values: list[Any] = []
        decides: list[Hashable] = []
        for slot, free in zip(self.slots, self.free, strict=True):
            given = _given(slot, told, parameters)
            values.append(given)
            decides.append(_of_free(given) if free else (signature(given), repr(given)))
        values += page
        return tuple(values), (*decides, told.literals if self.whole else ())


def _given(slot: Slot, told: Split, parameters: Mapping[str, Any]) -> Any:
    if isinstance(slot, str):
        if slot not in parameters:
            raise Unfit
        return parameters[slot]
    if slot >= len(told.literals):
        raise Unfit
    return literal_value(told.literals[slot])


def _of_free(given: Any) -> Hashable:
    if isinstance(given, list | tuple):
        return alike(given)
    return signature(given)


def alike(members: Sequence[Any]) -> tuple[str, ...]:
    """The signatures in a list, each once. Raises Unfit, also for a list that is too long."""
    if len(members) > MAXIMUM_VALUES:
        raise Unfit
    return tuple(dict.fromkeys(signature(member) for member in members))


# --- the form of a text ------------------------------------------------------------------------

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Slots:
    """Which values may be others in another run: literals by line and column, parameters by
    name, and the numbers that stand for them.
    """

    places: Mapping[Place, int] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)


NO_SLOTS = Slots()


def form_of(text: str, tree: ast.Query) -> tuple[Form, Mapping[Place, int]]:
    """The form of a text and its tree, and where literals with a slot stand: (line, column)."""
    told = [(_place(text, match), match) for match in _literals(text)]
    literals = {_at(part): part for part in ast.walk(tree) if isinstance(part, ast.Literal)}
    whole = not all(place in literals and _same(literals[place], match) for place, match in told)
    slots = {place: number for number, (place, _) in enumerate(told)} if not whole else {}
    compared = {_at(part) for part in _compared(tree)}
    asked: dict[str, bool] = {}
    for part in ast.walk(tree):
        if isinstance(part, ast.Parameter):
            asked[part.name] = asked.get(part.name, True) and _at(part) in compared
    free = (*(place in compared for place in slots), *asked.values())
    return Form((*range(len(slots)), *asked), free, whole), slots


def slots_of(form: Form, places: Mapping[Place, int]) -> Slots:
    """The slots of values that may be others in another run."""
    names = {name: n for n, name in enumerate(form.slots) if isinstance(name, str)}
    return Slots(
        {place: slot for place, slot in places.items() if form.free[slot]},
        {name: slot for name, slot in names.items() if form.free[slot]},
    )


def _literals(text: str) -> Iterator[re.Match[str]]:
    found = _VARYING.finditer(text)
    return (match for match in found if match.lastgroup in {"text", "number"})


def _place(text: str, match: re.Match[str]) -> Place:
    start = match.start(match.lastgroup or 0)
    line = text.rfind("\n", 0, start) + 1
    return text.count("\n", 0, start) + 1, start - line + 1


def _same(literal: ast.Literal, match: re.Match[str]) -> bool:
    value = literal_value(match[match.lastgroup or 0])
    return type(literal.value) is type(value) and literal.value == value


def _at(part: ast.Literal | ast.Parameter) -> Place:
    return part.at.line, part.at.column


def _compared(tree: ast.Query) -> Iterator[ast.Literal | ast.Parameter]:
    """Values that a plan does no more with than compare."""
    for part in ast.walk((tree.where, tree.source)):
        match part:
            case ast.Compare(right=ast.Literal() | ast.Parameter() as value):
                yield value
            case ast.Like(pattern=value):
                yield value
            case ast.Matches():
                values = part.values
                yield from (v for v in values if isinstance(v, ast.Literal | ast.Parameter))
            case ast.Class():
                yield from _tested(part.predicate)


def _tested(predicate: ast.Predicate | None) -> Iterator[ast.Literal | ast.Parameter]:
    for part in ast.walk(predicate):
        if isinstance(part, ast.Test) and isinstance(part.operand, ast.Literal | ast.Parameter):
            yield part.operand
