"""Object Data Instance Notation (ODIN) → plain Python: the sections of an artefact that are data
(LANG component, ODIN specification; grammar of ADL 2, § "Syntax Specification").

Attributes and keyed objects become dicts, lists lists, literals as moiety.openehr.adl2.atoms tells.
A key or attribute that stands twice in one block is refused (VDATU, VDOBU).
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from moiety.openehr.adl2.atoms import (
    Atom,
    Range,
    Scalar,
    kind_of,
    read_range,
    read_scalar,
)
from moiety.openehr.adl2.reader import Reader


@dataclass(frozen=True, slots=True)
class Typed:
    """An object whose class is told: "(SOME_TYPE) < … >"."""

    type: str
    value: "Odin"


Leaf: TypeAlias = Scalar | Range
Odin: TypeAlias = "Leaf | Typed | list[Leaf] | dict[Key, Odin]"
Key: TypeAlias = str | int | float | bool | Atom

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+")
_ATTRIBUTE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*+)(?:\s++|--[^\n]*+)*+=(?!=)")
_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+(?:\s*<[A-Za-z0-9_ ,<>]*>)?")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:[^\s<>\"]*+")
_PATH = re.compile(r"/(?:[a-z_]\w*(?:\[[^\]\n]*\])?(?:/[a-z_]\w*(?:\[[^\]\n]*\])?)*+)?", re.ASCII)
_PLUG_IN = re.compile(r"\(\s*[\w-]+\s*\)\s*<#(.*?)#>", re.DOTALL)


def read_odin(reader: Reader) -> dict[Key, Odin]:
    """A section's text: attributes, or keyed objects standing free.

    Raises Adl2Error, with line and column, for what is not ODIN.
    """
    if reader.text.startswith("[", reader.at):
        return _keyed(reader)
    found: dict[Key, Odin] = {}
    while reader.sees(_ATTRIBUTE):
        _attribute(reader, found)
        reader.accept(";")
    return found


def _attribute(reader: Reader, into: dict[Key, Odin]) -> None:
    at = reader.at
    name = reader.take(_NAME, "ODIN", "expected the name of an attribute")
    reader.expect("=", name)
    if name in into:
        raise reader.refuse(name, "stands twice", at)
    into[name] = _block(reader, name)


def _block(reader: Reader, construct: str) -> Odin:
    plug_in = reader.match(_PLUG_IN)
    if plug_in is not None:
        return Atom("plug_in", plug_in[1].strip())
    rm_type = ""
    if reader.accept("("):
        rm_type = reader.take(_TYPE, construct, "expected the name of a class")
        reader.expect(")", construct)
    with reader.deeper(construct):
        reader.expect("<", construct)
        found = _inside(reader, construct)
        reader.expect(">", construct)
    return Typed(rm_type, found) if rm_type else found


def _inside(reader: Reader, construct: str) -> Odin:
    if reader.text.startswith(">", reader.at):
        return {}
    if reader.sees(_ATTRIBUTE):
        found: dict[Key, Odin] = {}
        while reader.sees(_ATTRIBUTE):
            _attribute(reader, found)
            reader.accept(";")
        return found
    leaves = _leaves(reader, construct)
    if leaves is not None:
        return leaves
    if reader.text.startswith("[", reader.at):
        return _keyed(reader)
    uri = reader.match(_URI)
    if uri is not None:
        return Atom("uri", uri.group())
    raise reader.refuse(construct, "expected data in ODIN")


def _keyed(reader: Reader) -> dict[Key, Odin]:
    found: dict[Key, Odin] = {}
    while reader.text.startswith("[", reader.at):
        at = reader.at
        reader.accept("[")
        key = read_scalar(reader)
        if key is None:
            raise reader.refuse("key", "expected a text, number, date or time", at)
        reader.expect("]", "key")
        reader.expect("=", "key")
        if key in found:
            raise reader.refuse("key", "stands twice", at)
        found[key] = _block(reader, "keyed object")
        reader.accept(";")
    return found


def _leaves(reader: Reader, construct: str) -> Leaf | list[Leaf] | None:
    """One literal, interval or path, or a list of one kind; None where none begins."""
    first = _leaf(reader)
    if first is None:
        return None
    found = [first]
    listed = False
    while reader.accept(","):
        listed = True
        if reader.accept("..."):
            break
        at = reader.at
        following = _leaf(reader)
        if following is None:
            raise reader.refuse(construct, "expected another member of the list")
        if kind_of(following) != kind_of(first):
            raise reader.refuse(construct, "has members of two kinds", at)
        found.append(following)
    return found if listed else first


def _leaf(reader: Reader) -> Leaf | None:
    if reader.text.startswith("|", reader.at):
        return read_range(reader)
    if reader.text.startswith("/", reader.at):
        path = reader.match(_PATH)
        return Atom("path", path.group()) if path else None
    return read_scalar(reader)
