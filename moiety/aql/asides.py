"""What a query asks of others than the records: the clock, and terminologies.

    asides    text → what has to be asked before the query runs
    set_apart a tree whose functions of time and terminologies are parameters

Their answers are values of the query as its parameters are, so a plan serves every moment and
every edition of a value set. They have names that no parameter can have.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from moiety.aql import ast
from moiety.aql.errors import AqlError
from moiety.aql.functions import CLOCK, told_by_clock
from moiety.aql.lexer import MAXIMUM_LENGTH
from moiety.aql.parser import parse
from moiety.aql.printer import render

_MAY_ASK: Final = re.compile(r"TERMINOLOGY|://", re.IGNORECASE)
_MAY_TELL_TIME: Final = re.compile(r"CURRENT_|NOW", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Aside:
    """A question to a terminology. `name` is the parameter that its answer stands for.

    A URI of `matches {…}` is an `expand` without a service: it names its own.
    """

    name: str
    operation: str
    service: str
    parameters: str


def asides(text: str) -> tuple[Aside, ...]:
    """The questions of a query to terminologies, each once. Raises AqlError."""
    if len(text) <= MAXIMUM_LENGTH and not _MAY_ASK.search(text):
        return ()
    found = (_aside(part) for part in ast.walk(parse(text)))
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _aside(part: Any) -> Aside | None:
    match part:
        case ast.Terminology():
            return Aside(render(part), part.operation, part.service, part.parameters)
        case ast.Uri():
            return Aside(f"{{{part.text}}}", "expand", "", part.text)
        case _:
            return None


def with_clock(text: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters of a query and, where it may ask the time, what time it is (UTC)."""
    if _clock("NOW") in parameters or len(text) > MAXIMUM_LENGTH:  # it is no query
        return parameters
    if not _MAY_TELL_TIME.search(text):
        return parameters
    told = told_by_clock(datetime.now(UTC))
    return {**parameters, **{_clock(name): value for name, value in told.items()}}


def _clock(name: str) -> str:
    return f"{name}()"


def set_apart(tree: ast.Query) -> ast.Query:
    """The tree with parameters in the place of what is asked before it runs."""
    found: ast.Query = ast.changed(tree, _apart)
    return found


def _apart(part: Any) -> Any:
    match part:
        case ast.Call(name=name) if name in CLOCK:
            if part.arguments:
                raise AqlError(part.at.line, part.at.column, f"{name}() without arguments")
            return ast.Parameter(_clock(name), part.at)
        case ast.Terminology() | ast.Uri():
            aside = _aside(part)
            return ast.Parameter(aside.name, part.at) if aside is not None else None
        case ast.Matches() if any(isinstance(v, ast.Terminology | ast.Uri) for v in part.values):
            values = tuple(ast.changed(value, _apart) for value in part.values)
            return replace(part, path=_coded(part.path), values=values)
        case _:
            return None


def _coded(path: ast.Path | ast.Told) -> ast.Path | ast.Told:
    """A path to a CODE_PHRASE means its code where it is held against a terminology's codes."""
    if isinstance(path, ast.Path) and path.steps and path.steps[-1].attribute == "defining_code":
        return replace(path, steps=(*path.steps, ast.Step("code_string")))
    return path
