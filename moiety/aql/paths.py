"""Grammar of values, paths and their predicates (QUERY/AQL, openEHR path syntax; Predicates)."""

import math

from moiety.aql.ast import (
    All,
    Any,
    Literal,
    Node,
    NodeCode,
    Operator,
    Parameter,
    Path,
    Pattern,
    Position,
    Predicate,
    Step,
    TermCode,
    Test,
)
from moiety.aql.cursor import Cursor
from moiety.aql.lexer import unquote

_OPERATORS: dict[str, Operator] = {
    "=": "=",
    "!=": "!=",
    "<>": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}
_CODES = ("a node code", "an archetype id")


def operator(c: Cursor) -> Operator:
    """A comparison operator."""
    return _OPERATORS[c.expect(*_OPERATORS)]


def is_literal(c: Cursor) -> bool:
    """Whether a value written out stands here."""
    return (
        c.token.kind in {"a string", "an integer", "a real number"}
        or c.token.text == "-"
        or c.word() in {"TRUE", "FALSE", "NULL"}
    )


def literal(c: Cursor, expected: str = "a value") -> Literal:
    """A string, a number, true, false or NULL."""
    at = c.at
    word = c.accept("TRUE", "FALSE", "NULL")
    if word:
        return Literal({"TRUE": True, "FALSE": False, "NULL": None}[word], at)
    if c.token.kind == "a string":
        return Literal(string(c), at)
    return number(c, at, expected)


def string(c: Cursor) -> str:
    """The text of a string; refuses what no stored text can hold."""
    text = unquote(c.token.text) if c.token.kind == "a string" else ""
    if not storable(text):
        c.fail("text without NUL and without half a surrogate pair")
    c.kind("a string")
    return text


def storable(text: str) -> bool:
    """Whether PostgreSQL and JSON can hold the text."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def number(c: Cursor, at: Position, expected: str = "a number") -> Literal:
    """A number with any signs before it."""
    sign = 1
    while c.accept("-"):
        sign = -sign
    if c.token.kind == "an integer" and len(c.token.text) <= 18:
        return Literal(sign * int(c.take()), at)
    if c.token.kind not in {"an integer", "a real number"}:
        c.fail(expected)
    value = sign * float(c.token.text)
    if not math.isfinite(value):
        c.fail("a number that fits a double")
    c.take()
    return Literal(value, at)


def parameter(c: Cursor) -> Parameter:
    """`$name`."""
    at = c.at
    return Parameter(c.kind("a parameter")[1:], at)


def node_code(c: Cursor) -> NodeCode:
    """An at-code, id-code or archetype id."""
    at = c.at
    if c.token.kind not in _CODES:
        c.fail("a node code")
    return NodeCode(c.take(), at)


def path(c: Cursor) -> Path:
    """`variable[predicate]/attribute[predicate]/…`."""
    at = c.at
    variable = c.name("a variable")
    condition = bracketed(c)
    return Path(variable, _steps(c) if c.accept("/") else (), condition, at)


def _steps(c: Cursor) -> tuple[Step, ...]:
    steps = [_step(c)]
    while c.accept("/"):
        steps.append(_step(c))
    return tuple(steps)


def _step(c: Cursor) -> Step:
    at = c.at
    attribute = c.kind("an identifier", "an attribute")
    return Step(attribute, bracketed(c), at)


def bracketed(c: Cursor) -> Predicate | None:
    """A predicate in brackets, where one stands."""
    if not c.accept("["):
        return None
    c.deeper()
    condition = predicate(c)
    c.expect("]")
    c.back()
    return condition


def predicate(c: Cursor) -> Predicate:
    """What stands in brackets: OR of AND of single conditions."""
    at = c.at
    operands = [_all(c)]
    while c.accept("OR"):
        operands.append(_all(c))
    return operands[0] if len(operands) == 1 else Any(tuple(operands), at)


def _all(c: Cursor) -> Predicate:
    at = c.at
    operands = [_condition(c)]
    while c.accept("AND"):
        operands.append(_condition(c))
    return operands[0] if len(operands) == 1 else All(tuple(operands), at)


def _condition(c: Cursor) -> Predicate:
    at = c.at
    if c.token.kind in _CODES or c.token.kind == "a parameter":
        code = parameter(c) if c.token.kind == "a parameter" else node_code(c)
        return Node(code, _name(c) if c.accept(",") else None, at)
    return test(c)


def _name(c: Cursor) -> Literal | Parameter | TermCode | NodeCode:
    at = c.at
    if c.token.kind == "a parameter":
        return parameter(c)
    if c.token.kind == "a coded term":
        return TermCode(c.take(), at)
    if c.token.kind in _CODES:
        return node_code(c)
    return Literal(string(c), at)


def test(c: Cursor) -> Test | Pattern:
    """`path operator operand` or `path matches {/regex/}`."""
    at = c.at
    if c.token.kind != "an identifier":
        c.fail("a node code, an archetype id, a parameter or a path")
    relative = _steps(c)
    if c.accept("MATCHES"):
        regex = c.kind("a regular expression").strip("{} \t\r\n")
        return Pattern(relative, regex[1:-1], at)
    return Test(relative, operator(c), _operand(c), at)


def _operand(c: Cursor) -> Literal | Parameter | NodeCode | tuple[Step, ...]:
    if is_literal(c):
        return literal(c)
    if c.token.kind == "a parameter":
        return parameter(c)
    if c.token.kind in _CODES:
        return node_code(c)
    if c.token.kind != "an identifier":
        c.fail("a value, a parameter or a path")
    return _steps(c)
