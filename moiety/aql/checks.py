"""What can be wrong with a query whose parameters are in place: names, functions, patterns."""

from collections.abc import Iterator, Mapping

from moiety.aql import ast
from moiety.aql.classes import CLASSES
from moiety.aql.errors import AqlError
from moiety.aql.functions import FUNCTIONS, Function, fitting
from moiety.aql.predicates import pattern
from moiety.openehr.patterns import PatternError


def check(query: ast.Query, *, extensions: bool) -> Mapping[str, ast.Class | ast.Version]:
    """The variables of a query, by name in lower case. Raises AqlError with the place."""
    if query.extended is not None and not extensions:
        at = query.extended
        wanted = "AQL: GROUP BY, HAVING and BETWEEN are extensions, to be asked for with them"
        raise AqlError(at.line, at.column, wanted)
    variables = _variables(query.source)
    for part in ast.walk((query.columns, query.where, query.group, query.having)):
        if isinstance(part, ast.Path) and part.variable.lower() not in variables:
            if _is_alias(part, query):
                continue
            raise AqlError(part.at.line, part.at.column, "a variable that FROM defines")
    for part in ast.walk(query):
        if isinstance(part, ast.Call):
            _check_call(part)
        elif isinstance(part, ast.Pattern):
            _check_pattern(part)
    return variables


def _check_pattern(part: ast.Pattern) -> None:
    try:
        pattern(part.regex)
    except PatternError:
        at = part.at
        wanted = "a regular expression without look-around and back-references"
        raise AqlError(at.line, at.column, wanted) from None


def _is_alias(path: ast.Path, query: ast.Query) -> bool:
    """HAVING may name a column by its alias."""
    return query.having is not None and any(part is path for part in ast.walk(query.having))


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
        if isinstance(item, ast.Class) and item.rm_type not in CLASSES:
            raise AqlError(at.line, at.column, "a class of the reference model")
        if isinstance(item, ast.Class) and item.rm_type == "EHR" and place:
            raise AqlError(at.line, at.column, "EHR at the head of FROM only")
        if item.variable is not None and found.setdefault(item.variable.lower(), item) is not item:
            raise AqlError(at.line, at.column, "a variable that is not taken")
    return found


def _check_call(call: ast.Call) -> None:
    function = FUNCTIONS.get(call.name)
    if function is None:
        raise AqlError(call.at.line, call.at.column, f"a function of AQL: {', '.join(FUNCTIONS)}")
    count = len(call.arguments)
    if count < function.least or (function.most is not None and count > function.most):
        raise AqlError(call.at.line, call.at.column, _arity(call.name, function))
    for place, argument in enumerate(call.arguments):
        if isinstance(argument, ast.Literal) and argument.value is not None:
            kind = function.kind(place)
            if fitting(kind, argument.value) is None:
                article = "an" if kind == "integer" else "a"
                raise AqlError(argument.at.line, argument.at.column, f"{article} {kind}")


def _arity(name: str, function: Function) -> str:
    if function.most is None:
        return f"{name} with {function.least} or more arguments"
    if function.most == function.least:
        return f"{name} with {function.least} argument{'s' * (function.least > 1)}"
    return f"{name} with {function.least} or {function.most} arguments"
