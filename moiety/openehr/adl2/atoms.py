"""Literals, lists and intervals of ADL 2: what ODIN and cADL share (ODIN, § "Leaf Data").

Texts, whole and real numbers, truth values are Python's own; every other literal is an Atom, its
text as written.
"""

import re
from dataclasses import dataclass
from math import isinf
from typing import Literal, TypeAlias

from moiety.openehr.adl2.reader import Reader

AtomKind: TypeAlias = Literal[
    "character", "date", "time", "date_time", "duration", "code", "uri", "path", "plug_in"
]


@dataclass(frozen=True, slots=True)
class Atom:
    """A literal that has no type of its own here: `text` as it was written, without marks."""

    kind: AtomKind
    text: str


Scalar: TypeAlias = bool | int | float | str | Atom


@dataclass(frozen=True, slots=True)
class Range:
    """Interval<T> of ordered literals; None is unbounded. `tolerance`: the bounds are one moment,
    give or take a duration ("|2004-05-20 +/- P1D|"); of numbers the bounds are worked out.
    """

    lower: Scalar | None
    upper: Scalar | None
    lower_included: bool = True
    upper_included: bool = True
    tolerance: Scalar | None = None


_DATE = r"[0-9]{4}-(?:(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]|\?\?))?|\?\?-\?\?)"
_ZONE = r"(?:Z|[+-](?:[01]?[0-9]|2[0-3]):?(?:[0-5][0-9])?)?"
_CLOCK = r"(?:[01]?[0-9]|2[0-3]):(?:\?\?:\?\?|[0-5][0-9](?::(?:\?\?|[0-5][0-9](?:[.,][0-9]++)?))?)"
_DAY = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_DURATION = (
    r"-?P(?=[0-9T])(?:[0-9]++[yY])?(?:[0-9]++[mM])?(?:[0-9]++[wW])?(?:[0-9]++[dD])?"
    r"(?:T(?=[0-9])(?:[0-9]++[hH])?(?:[0-9]++[mM])?(?:[0-9]++(?:[.,][0-9]++)?[sS])?)?"
)
_END = r"(?![\w?:-])"

_ATOM = re.compile(
    rf"""
    (?P<string>"(?:[^"\\]++|\\.)*+")
    | (?P<character>'(?:[^'\\\r\n]|\\u[0-9A-Fa-f]{{4}}|\\.)')
    | (?P<date_time>{_DAY}T(?:{_CLOCK}|(?:[01][0-9]|2[0-3])){_ZONE}){_END}
    | (?P<date>{_DATE}){_END}
    | (?P<time>{_CLOCK}{_ZONE}){_END}
    | (?P<duration>{_DURATION}){_END}
    | (?P<real>[+-]?[0-9]++\.[0-9]++(?:[eE][+-]?[0-9]++)?)
    | (?P<integer>[+-]?[0-9]++(?:[eE][+-]?[0-9]++)?)
    | (?P<boolean>(?i:true|false))\b
    | (?P<code>\[[\w.-]++(?:\([\w.-]++\))?::[\w.-]++(?:\|[^|\]\n]*+\|)?\])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_LONGEST_NUMBER = 40

_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def unescape(quoted: str) -> str:
    """The text inside quotation marks; an escape that is not known stands for itself."""

    def char(found: re.Match[str]) -> str:
        if found[1]:
            code = int(found[1], 16)
            return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)
        if found[2] in "\"'?\\":
            return found[2]
        return _ESCAPES.get(found[2], found.group())

    return _ESCAPE.sub(char, quoted[1:-1])


def read_scalar(reader: Reader) -> Scalar | None:
    """The literal that stands here, None where there is none. Raises Adl2Error for a number that
    is too long or too large.
    """
    at = reader.at
    found = reader.match(_ATOM)
    if found is None:
        return None
    kind, text = found.lastgroup, found.group()
    if kind == "string":
        return unescape(text)
    if kind in {"integer", "real"}:
        return _number(reader, text, at)
    if kind == "boolean":
        return text.lower() == "true"
    if kind == "character":
        return Atom("character", unescape(text))
    if kind == "code":
        return Atom("code", text[1:-1])
    return Atom(kind, text)  # type: ignore[arg-type]  # the groups left are kinds of atoms


def _number(reader: Reader, text: str, at: int) -> int | float:
    if len(text) > _LONGEST_NUMBER:
        raise reader.refuse("number", f"has more than {_LONGEST_NUMBER} characters", at)
    if text.lstrip("+-").isdigit():
        return int(text)
    found = float(text)
    if isinf(found):
        raise reader.refuse("number", "is out of range", at)
    return int(found) if "." not in text and found.is_integer() else found


def kind_of(value: object) -> str:
    """What a literal or range is, for messages and for lists, whose members are of one kind."""
    if isinstance(value, Range):
        inner = value.lower if value.lower is not None else value.upper
        return kind_of(inner)
    if isinstance(value, Atom):
        return value.kind
    names = {bool: "boolean", int: "integer", float: "real", str: "string"}
    return names.get(type(value), "object")


# --- intervals


_RELATION = re.compile(r"<=|>=|≤|≥|<|>")
_ORDERED = frozenset({"integer", "real", "date", "time", "date_time", "duration"})


def read_range(reader: Reader) -> Range | None:
    """|0..10|, |>5|, |5 +/- 1|: the interval that stands here, None where there is none."""
    at = reader.at
    if not reader.accept("|"):
        return None
    relation = reader.match(_RELATION)
    first = _bound(reader)
    mark = relation.group() if relation else ""
    if reader.accept("+/-") or reader.accept("±"):
        found = _tolerant(first, _bound(reader))
    elif reader.accept(".."):
        below = reader.accept("<")
        found = Range(first, _bound(reader), mark != ">", not below)
        if mark not in {"", ">"}:
            raise reader.refuse("interval", f"cannot begin with {mark}", at)
    elif mark in {"<", "<=", "≤"}:
        found = Range(None, first, upper_included=mark != "<")
    elif mark:
        found = Range(first, None, lower_included=mark != ">")
    else:
        found = Range(first, first)
    reader.expect("|", "interval")
    _check_range(reader, found, at)
    return found


def _bound(reader: Reader) -> Scalar:
    bound = read_scalar(reader)
    if bound is None or kind_of(bound) not in _ORDERED:
        raise reader.refuse("interval", "expected a number, date, time or duration")
    return bound


def _tolerant(middle: Scalar, around: Scalar) -> Range:
    if isinstance(middle, int | float) and isinstance(around, int | float):
        return Range(middle - around, middle + around)
    return Range(middle, middle, tolerance=around)


def _check_range(reader: Reader, found: Range, at: int) -> None:
    lower, upper = found.lower, found.upper
    if lower is None or upper is None:
        return
    if kind_of(lower) != kind_of(upper) and not (
        isinstance(lower, int | float) and isinstance(upper, int | float)
    ):
        raise reader.refuse("interval", "has bounds of two kinds", at)
    if isinstance(lower, int | float) and isinstance(upper, int | float) and lower > upper:
        raise reader.refuse("interval", "has a lower bound above the upper one", at)
