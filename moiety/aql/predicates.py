"""Conditions in brackets, asked of an object of a document."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

from moiety.aql import ast
from moiety.aql.errors import AqlNotSupported
from moiety.aql.values import compare, disjunction, value
from moiety.openehr.patterns import Pattern

Take = Callable[[Any], list[Any]]


def elements(holder: Any, step: ast.Step) -> list[Any]:
    """The objects or values that a step leads to: the members of a list, or the one value."""
    found = holder.get(step.attribute) if isinstance(holder, dict) else None
    if found is None:
        return []
    among = found if isinstance(found, list) else [found]
    predicate = step.predicate
    return [each for each in among if each is not None and holds(predicate, each)]


def taker(step: ast.Step) -> Take:
    """What finds the elements of a step, as `elements` does; what it asks is looked at once."""
    attribute, fits = step.attribute, fitting(step.predicate)

    def take(holder: Any) -> list[Any]:
        found = holder.get(attribute) if type(holder) is dict else None
        if found is None:
            return []
        if type(found) is not list:
            return [found] if fits is None or fits(found) else []
        if fits is None:
            return [element for element in found if element is not None]
        return [element for element in found if element is not None and fits(element)]

    return take


def fitting(predicate: ast.Predicate | None) -> Callable[[Any], bool] | None:
    """What tells whether an element satisfies a predicate; None for one that all do."""
    match predicate:
        case None:
            return None
        case ast.Node(code=ast.NodeCode(code=asked), name=None) if "-" not in asked:
            return lambda element: (
                type(element) is dict and element.get("archetype_node_id") == asked
            )
        case ast.Node(code=ast.NodeCode(code=asked), name=None):
            return lambda element: (
                type(element) is dict and is_node(asked, element.get("archetype_node_id"))
            )
        case _:
            return lambda element: holds(predicate, element)


def holds(predicate: ast.Predicate | None, element: Any) -> bool:
    """Whether an element satisfies a predicate; what is unknown is not satisfied."""
    match predicate:
        case None:
            return True
        case ast.Node():
            return _is_node(predicate, element)
        case ast.All():
            return all(holds(operand, element) for operand in predicate.operands)
        case ast.Any():
            return any(holds(operand, element) for operand in predicate.operands)
        case ast.Test():
            return _passes(predicate, element)
        case ast.Pattern():
            found = (each.raw for each in _values(predicate.path, element))
            return any(isinstance(text, str) and _matches(predicate.regex, text) for text in found)


@lru_cache(256)
def pattern(regex: str) -> Pattern:
    """The pattern between two slashes; it means a whole text. Raises PatternError."""
    return Pattern(regex.replace("\\/", "/"))


def _matches(regex: str, text: str) -> bool:
    return pattern(regex).fullmatch(text)


def _is_node(node: ast.Node, element: Any) -> bool:
    if not isinstance(element, dict) or not is_node(code(node), element.get("archetype_node_id")):
        return False
    name = element.get("name") or {}
    match node.name:
        case None:
            return True
        case ast.Literal():
            return bool(name.get("value") == node.name.value)
        case ast.TermCode():
            terminology, _, term = node.name.text.partition("::")
            return _is_coded(name, term.partition("|")[0], terminology)
        case ast.NodeCode():
            return _is_coded(name, node.name.code, "local")
        case _:
            raise AqlNotSupported(node.at.line, node.at.column, "an open parameter")


def code(node: ast.Node) -> str:
    """The archetype_node_id that a bound predicate asks for."""
    if isinstance(node.code, ast.Parameter):
        raise AqlNotSupported(node.at.line, node.at.column, "an open parameter")
    return node.code.code


def is_archetype(node_id: str) -> bool:
    """Whether an archetype_node_id names an archetype, not a node inside one."""
    return "-" in node_id


def is_node(asked: str, found: str | None) -> bool:
    """Whether a node is the one asked for: its code is the same; or its archetype is that
    archetype, in that major version, or one specialised from it.

    `….v1` asks for every minor version of it, `….v1.2` for the patches of that one. A
    specialised archetype is named after its parent: `problem-diagnosis.v1` is a `problem.v1`
    (AM, archetype identification; ADL 1.4, archetype specialisation).
    """
    return asked == found or (found is not None and "-" in asked and _is_kin(asked, found))


_RELEASED: Final = ".v"


@lru_cache(4096)
def _is_kin(asked: str, found: str) -> bool:
    wanted, given = _parts(asked), _parts(found)
    if wanted is None or given is None or wanted[0] != given[0]:
        return False
    concepts, versions = given[1].split("-"), given[2].split(".")
    mine, number = wanted[1].split("-"), wanted[2].split(".")
    return concepts[: len(mine)] == mine and versions[: len(number)] == number


def _parts(archetype: str) -> tuple[str, str, str] | None:
    """Class, concept and version of an archetype id, whoever publishes it."""
    name = archetype.rpartition("::")[2]
    rm_class, _, rest = name.partition(".")
    concept, mark, version = rest.rpartition(_RELEASED)
    return (rm_class, concept, version) if mark else None


def asks_archetype(item: ast.Class | ast.Version) -> bool:
    """Whether a class of FROM is named by its archetype."""
    if isinstance(item, ast.Version):
        return False
    return isinstance(item.predicate, ast.Node) and is_archetype(code(item.predicate))


def asks_code(item: ast.Class | ast.Version) -> bool:
    """Whether a class of FROM is named by a code: the code is one of the archetype that the class
    around it names.
    """
    if isinstance(item, ast.Version):
        return False
    return isinstance(item.predicate, ast.Node) and not is_archetype(code(item.predicate))


def _is_coded(name: Any, term: str, terminology: str) -> bool:
    coded = name.get("defining_code") or {}
    scheme = (coded.get("terminology_id") or {}).get("value")
    return coded.get("code_string") == term and scheme == terminology


def _passes(test: ast.Test, element: Any) -> bool:
    """True where some value at the left compares so with some value at the right."""
    left = list(_values(test.path, element))
    if isinstance(test.operand, tuple):
        right = list(_values(test.operand, element))
    elif isinstance(test.operand, ast.NodeCode):
        right = [value(test.operand.code)]
    elif isinstance(test.operand, ast.Literal):
        right = [value(test.operand.value)]
    else:
        raise AqlNotSupported(test.at.line, test.at.column, "an open parameter")
    return disjunction(compare(test.operator, a, b) for a in left for b in right) is True


def _values(path: tuple[ast.Step, ...], holder: Any) -> Iterator[Any]:
    for element in elements(holder, path[0]):
        if len(path) > 1:
            yield from _values(path[1:], element)
        else:
            yield value(element, holder, path[0].attribute)
