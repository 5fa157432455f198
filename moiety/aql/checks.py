"""What can be wrong with a query whose parameters are in place: names, functions, patterns."""

from collections.abc import Iterator, Mapping

from moiety.aql import ast
from moiety.aql.attributes import check_path
from moiety.aql.classes import CLASSES
from moiety.aql.errors import AqlError
from moiety.aql.functions import FUNCTIONS, Function, fitting
from moiety.aql.predicates import pattern
from moiety.openehr.patterns import PatternError


def check(query: ast.Query, *, extensions: bool) -> Mapping[str, ast.Class | ast.Version]:
    """The variables of a query, by name in lower case. Raises AqlError with the place."""
    if query.extended is not None and not extensions:
        at = query.extended
        wanted = "AQL: GROUP BY and HAVING are extensions, and have to be asked for"
        raise AqlError(at.line, at.column, wanted)
    variables = _variables(query.source)
    for part in ast.walk((query.columns, query.where, query.group, query.having, query.order)):
        if isinstance(part, ast.Path):
            _check_path(part, query, variables)
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


def _check_path(
    path: ast.Path, query: ast.Query, variables: Mapping[str, ast.Class | ast.Version]
) -> None:
    source = variables.get(path.variable.lower())
    if source is not None:
        check_path(path, source)
    elif not any(part is path for part in ast.walk((query.having, query.order))):
        # HAVING and ORDER BY may name a column by its alias.
        raise AqlError(path.at.line, path.at.column, "a variable that FROM defines")


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
