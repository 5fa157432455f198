"""Which paths of a query an index could serve: those it compares, and those it orders by.

As `openEHR-EHR-OBSERVATION.….v1/data[at0001]/…`, the form in which an operator declares them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from moiety.aql import ast
from moiety.aql.errors import AqlError, AqlNotSupported
from moiety.aql.hot import hot_columns
from moiety.aql.plan import Place
from moiety.aql.printer import render
from moiety.openehr.template import Template

_ARCHETYPE: Final = re.compile(r"openEHR-EHR-[A-Z_]+\.[\w-]+\.v[\w.-]+", re.ASCII)
_SERVED: Final = frozenset({"=", "<", "<=", ">", ">="})


def wanted_paths(tree: ast.Query) -> tuple[str, ...]:
    """The paths of a query that an index could serve, without names that predicates ask for.

    ORDER BY counts with a limit alone: without one all rows are read anyway.
    """
    archetypes = dict(_archetypes(tree.source))
    paths = [*_compared(tree.where)]
    if tree.limit is not None or tree.top is not None:
        paths += [part for key in tree.order for part in ast.walk(key) if _is_path(part)]
    told = (_named(path, archetypes) for path in paths)
    return tuple(dict.fromkeys(path for path in told if path is not None))


def lacking(
    paths: tuple[str, ...], templates: Mapping[int, Template], hot: frozenset[Place]
) -> list[str]:
    """Those of some paths that have a column which is not declared to be asked often."""
    return [path for path in paths if _is_lacking(path, templates, hot)]


def _is_lacking(path: str, templates: Mapping[int, Template], hot: frozenset[Place]) -> bool:
    try:
        columns = hot_columns(path, templates)
    except (AqlError, AqlNotSupported):
        return False
    return any((column.table, column.column) not in hot for column in columns)


def _archetypes(source: ast.Source) -> Iterator[tuple[str, str]]:
    """Variables of FROM with the archetype that their predicate asks for."""
    for part in ast.walk(source):
        if isinstance(part, ast.Class) and part.variable is not None:
            for test in ast.walk(part.predicate):
                code = test.code if isinstance(test, ast.Node) else None
                if isinstance(code, ast.NodeCode) and _ARCHETYPE.fullmatch(code.code):
                    yield part.variable.lower(), code.code


def _compared(condition: ast.Condition | None) -> Iterator[ast.Path]:
    """Paths of comparisons that can hold for few rows; a negated one holds for most."""
    match condition:
        case ast.And() | ast.Or():
            for operand in condition.operands:
                yield from _compared(operand)
        case ast.Compare(left=ast.Path() as path, operator=operator) if operator in _SERVED:
            yield path
        case ast.Matches(path=ast.Path() as path):
            yield path
        case ast.Like(path=ast.Path() as path, pattern=pattern):
            if not (isinstance(pattern, ast.Literal) and str(pattern.value)[:1] in {"*", "?"}):
                yield path


def _is_path(part: object) -> bool:
    return isinstance(part, ast.Path)


def _named(path: ast.Path, archetypes: Mapping[str, str]) -> str | None:
    archetype = archetypes.get(path.variable.lower())
    if archetype is None or not path.steps or any(_asks_name(step) for step in path.steps):
        return None
    return f"{archetype}/{render(path.steps)}"


def _asks_name(step: ast.Step) -> bool:
    """Whether a condition in brackets says more than a node's code: that could be a value."""
    predicate = step.predicate
    if predicate is None:
        return False
    return not (isinstance(predicate, ast.Node) and predicate.name is None)
