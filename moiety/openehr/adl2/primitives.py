"""cADL constraints on primitive types (ADL 2, § "Constraints on Primitive Types")."""

import re

from moiety.openehr.adl2.atoms import Range, Scalar, kind_of, read_range, read_scalar
from moiety.openehr.adl2.constraints import Primitive
from moiety.openehr.adl2.reader import Reader

REGEXP = re.compile(r"/((?:[^/\\\n\r]++|\\.)++)/|\^((?:[^^\\\n\r]++|\\.)++)\^")
_DATE_PART = r"(?:[yY]{3,4}|[0-9]{4})-(?:mm|MM|\?\?|XX|xx|[0-9]{2})-(?:dd|DD|\?\?|XX|xx|[0-9]{2})"
_TIME_PART = (
    r"(?:hh|HH|\?\?|XX|xx|[0-9]{2}):(?:mm|MM|\?\?|XX|xx|[0-9]{2}):(?:ss|SS|\?\?|XX|xx|[0-9]{2})"
    r"(?:Z|[±+-](?:hh|HH)(?::?(?:mm|MM))?)?"
)
_PATTERN = re.compile(
    rf"(?P<date_time>{_DATE_PART}T{_TIME_PART})(?!\w)"
    rf"|(?P<date>{_DATE_PART})(?!\w)"
    rf"|(?P<time>{_TIME_PART})(?!\w)"
    r"|(?P<duration>P(?=[yYmMwWdDT])[yY]?[mM]?[wW]?[dD]?(?:T(?=[hHmMsS])[hH]?[mM]?[sS]?)?)"
    r"(?![\w<\[])"
)
_CODE = re.compile(
    r"\[\s*(?P<code>a[ct][0-9]+(?:\.[0-9]+)*+(?:@[\w.-]++)?)\s*"
    r"(?:;\s*(?P<assumed>at[0-9]+(?:\.[0-9]+)*+)\s*)?\]",
    re.ASCII,
)
_STRENGTH = re.compile(r"(required|extensible|preferred|example)(?=\s*+\[)")


def read_primitive(reader: Reader) -> Primitive | None:
    """The constraint that stands here, without its braces; None where none begins.

    Raises Adl2Error for one that begins and does not end as it should.
    """
    if regexp := reader.match(REGEXP):
        return _assuming(reader, "string", pattern=regexp[1] or regexp[2])
    if (coded := _code(reader)) is not None:
        return coded
    items = _items(reader)
    if items:
        return _assuming(reader, kind_of(items[0]), items=items)
    if pattern := reader.match(_PATTERN):
        return _patterned(reader, str(pattern.lastgroup), pattern.group())
    return None


def _code(reader: Reader) -> Primitive | None:
    at = reader.at
    strength = reader.match(_STRENGTH)
    found = reader.match(_CODE)
    if found is not None:
        items = (found["code"],)
        return Primitive(
            "code",
            items,
            assumed=found["assumed"],
            strength=strength[1] if strength else "required",
        )
    if strength is not None:
        raise reader.refuse(strength[1], "expected a code such as [ac1] or [at2]", at)
    return None


def _items(reader: Reader) -> tuple[Scalar | Range, ...]:
    """Values and intervals of one kind, separated by commas."""
    first = _item(reader)
    if first is None:
        return ()
    found = [first]
    while reader.accept(","):
        if reader.accept("..."):
            break
        at = reader.at
        following = _item(reader)
        if following is None:
            raise reader.refuse("list", "expected another value or interval")
        if kind_of(following) != kind_of(first):
            raise reader.refuse("list", "has members of two kinds", at)
        found.append(following)
    return tuple(found)


def _item(reader: Reader) -> Scalar | Range | None:
    if reader.text.startswith("|", reader.at):
        return read_range(reader)
    if reader.sees(_PATTERN) and reader.text[reader.at : reader.at + 1] != "P":
        whole = _PATTERN.match(reader.text, reader.at)
        if whole is not None and re.search(r"[yYmMdDhHsSxX?]", whole.group()):
            return None  # a pattern that begins with figures: 1995-??-XX
    return read_scalar(reader)


def _patterned(reader: Reader, kind: str, pattern: str) -> Primitive:
    """A pattern, of durations perhaps with an interval behind a slash: PWD/|P0W..P50W|."""
    items: tuple[Scalar | Range, ...] = ()
    if kind == "duration" and reader.accept("/"):
        bound = _item(reader)
        if bound is None or kind_of(bound) != "duration":
            raise reader.refuse("duration", "expected an interval of durations after the slash")
        items = (bound,)
    return _assuming(reader, kind, items=items, pattern=pattern)


def _assuming(
    reader: Reader,
    kind: str,
    *,
    items: tuple[Scalar | Range, ...] = (),
    pattern: str | None = None,
) -> Primitive:
    """With the assumed value behind a semicolon, if there is one."""
    assumed = None
    if reader.accept(";"):
        assumed = read_scalar(reader)
        if assumed is None:
            raise reader.refuse("assumed value", "expected a value after the semicolon")
        if kind_of(assumed) != kind:
            raise reader.refuse("assumed value", f"is no {kind} like the constraint")
    return Primitive(kind, items, pattern, assumed)
