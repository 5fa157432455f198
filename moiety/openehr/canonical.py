"""Canonical JSON of the reference model (ITS-JSON), both directions, strict and fast.

decode ── msgspec, typed ──► object ── nothing lost? ──► done           (the usual document)
             │ refused                    │ perhaps
             └──────────► read as plain JSON, doubled keys looked for, absent `_type` filled in
                          where one class is meant, numbers in quotation marks taken out of
                          them ──► object, or RmError with path

msgspec skips a doubled key without a word, so the written form of the object is compared with
what came: `_may_have_lost` says why equal counts prove that no key went missing.
"""

import json
import re
from functools import cache
from math import isinf
from typing import Any, NoReturn, TypeVar, cast, get_args, get_type_hints

import msgspec

from moiety.openehr import rm
from moiety.openehr.errors import RmError
from moiety.openehr.rm_types import attribute_classes

RmObject = TypeVar("RmObject", bound=rm.Any)

_ENCODER = msgspec.json.Encoder()


def encode(thing: rm.Any) -> bytes:
    """Canonical JSON: compact UTF-8, `_type` first in every object, absent attributes left out."""
    return _ENCODER.encode(thing)


def decode_composition(body: bytes) -> rm.Composition:
    """A COMPOSITION from canonical JSON.

    Raises RmError with the path for broken JSON, unknown or doubled keys, wrong classes and
    wrong JSON types. Mandatory attributes that are absent are findings of validation.
    """
    return decode(body, rm.Composition)


def decode(body: bytes, rm_class: type[RmObject]) -> RmObject:
    """An object of `rm_class` from canonical JSON. Raises RmError, as decode_composition."""
    return decode_and_encode(body, rm_class)[0]


def decode_and_encode(body: bytes, rm_class: type[RmObject]) -> tuple[RmObject, bytes]:
    """As `decode`, with the text of the object, which decoding makes anyway."""
    try:
        found = _decoder(rm_class).decode(body)
        written = _ENCODER.encode(found)
    except msgspec.ValidationError:
        found = _decode_closely(body, rm_class)
        return found, _ENCODER.encode(found)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise RmError("", _malformed(error)) from None
    except RecursionError:
        raise RmError("", "nested too deeply") from None
    if _may_have_lost(body, written):
        read_closely(body)
    return cast("RmObject", found), written


@cache
def _decoder(rm_class: type[rm.Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(rm_class)


def _may_have_lost(body: bytes, written: bytes) -> bool:
    """Whether a key of `body` may be missing from `written`, the compact form of its object.

    Colons stand after keys and inside strings, nowhere else; strings that both hold are the same
    in both, but for escapes of colons and NUL, which are read closely. Written may add `_type`
    keys and nothing else. Two counts settle it:

    - As many colons as `written`, and as many `_type` keys as opening braces: then every object
      had its `_type` already, nothing was added, so nothing can have gone either.
    - Else colons less `_type` keys are equal on both sides iff no other key was dropped, neither
      doubled nor null; more `_type` keys than written are doubled ones. A `_type` that is written
      with a blank before its colon is not counted, and makes the two differ.

    What goes by: a `_type` said twice alike beside an object without one. Nothing is lost by it.
    """
    if body == written:
        return False
    if 92 in body and (b"\\u003" in body or b"\\u0000" in body):  # a backslash; : or NUL escaped
        return True
    colons, colons_written = body.count(b":"), written.count(b":")
    types = body.count(b'"_type":')
    if colons == colons_written and types == body.count(b"{"):
        return False
    types_written = written.count(b'"_type":')
    return types > types_written or colons - types != colons_written - types_written


# --- the close reading


_DOUBLED = "\0doubled"  # no key of a document: the scan refuses NUL


def read_closely(body: bytes) -> Any:
    """Plain JSON of `body`; raises RmError for doubled keys, NUL characters and constants."""
    doubled: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            doubled.append(next(name for name in names if names.count(name) > 1))
            found[_DOUBLED] = True
        return found

    try:
        tree = json.loads(
            body,
            object_pairs_hook=members,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise RmError("", "nested too deeply") from None
    except RmError:
        raise
    except ValueError as error:
        raise RmError("", _malformed(error)) from None
    if doubled:
        raise RmError(_path_to_doubled(tree, "") or "", f"{_key(doubled[0])} stands twice")
    if b"\\u0000" in body:
        _refuse_nul(tree, "")
    return tree


def _decode_closely(body: bytes, rm_class: type[RmObject]) -> RmObject:
    return convert(read_closely(body), rm_class)


def convert(tree: Any, rm_class: type[RmObject]) -> RmObject:
    """An object of `rm_class` from plain JSON that has been read closely; `tree` is changed.

    Raises RmError with the path, for all that `decode` refuses but broken JSON.
    """
    try:
        _complete(tree, rm_class)
        found = msgspec.convert(tree, rm_class)
        _ENCODER.encode(found)
    except msgspec.ValidationError as error:
        raise _fault(str(error)) from None
    except UnicodeError:
        raise RmError("", "a text holds half of a surrogate pair") from None
    except RecursionError:
        raise RmError("", "nested too deeply") from None
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise RmError("", f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise RmError("", "a number is out of range")
    return number


def _path_to_doubled(tree: Any, path: str) -> str | None:
    if isinstance(tree, dict):
        if _DOUBLED in tree:
            return path
        branches = [(f"{path}/{name}", branch) for name, branch in tree.items()]
    elif isinstance(tree, list):
        branches = [(f"{path}[{index}]", branch) for index, branch in enumerate(tree)]
    else:
        return None
    paths = (_path_to_doubled(branch, below) for below, branch in branches)
    return next((found for found in paths if found is not None), None)


def _refuse_nul(tree: Any, path: str) -> None:
    if isinstance(tree, str) and "\0" in tree:
        raise RmError(path, "a text holds the character NUL")
    if isinstance(tree, dict):
        for name, branch in tree.items():
            if "\0" in name:
                raise RmError(path, "a key holds the character NUL")
            _refuse_nul(branch, f"{path}/{name}")
    if isinstance(tree, list):
        for index, branch in enumerate(tree):
            _refuse_nul(branch, f"{path}[{index}]")


# --- what canonical JSON may leave out or write in two ways


@cache
def _fields(rm_class: type[rm.Any]) -> dict[str, tuple[type[rm.Any], ...]]:
    """Attribute → the classes that may stand there; attributes of plain values are left out."""
    found = {name: attribute_classes(rm_class, name) for name in rm_class.__struct_fields__}
    return {name: classes for name, classes in found.items() if classes}


@cache
def _numbers(rm_class: type[rm.Any]) -> tuple[str, ...]:
    """The attributes that hold numbers."""
    hints = get_type_hints(rm_class)
    return tuple(
        name for name in rm_class.__struct_fields__ if {int, float} & set(get_args(hints[name]))
    )


def _complete(tree: Any, declared: type[rm.Any]) -> None:
    """Write absent `_type`s into `tree`, in place, and turn numbers sent as texts into numbers."""
    if not isinstance(tree, dict):
        return
    name = tree.get("_type")
    rm_class = rm.CLASSES.get(name, declared) if isinstance(name, str) else declared
    for attribute in _numbers(rm_class):
        number = tree.get(attribute)
        if isinstance(number, str) and _NUMBER.fullmatch(number):
            tree[attribute] = json.loads(number, parse_float=_finite)
    for attribute, classes in _fields(rm_class).items():
        branch = tree.get(attribute)
        for item in branch if isinstance(branch, list) else (branch,):
            if not isinstance(item, dict):
                continue
            if "_type" not in item:
                _name_class(item, classes)
            _complete(item, classes[0])


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?")

_BROADEST = (
    rm.DvText,
    rm.DvUri,
    rm.PartyIdentified,
    rm.AuditDetails,
    rm.ExtractChapter,
    rm.XVersionedObject,
)
"""Concrete classes with subclasses: where one is declared, an object without `_type` is it."""


def _name_class(item: dict[str, Any], classes: tuple[type[rm.Any], ...]) -> None:
    if len(classes) == 1:
        item["_type"] = classes[0].__struct_config__.tag
    elif rm.ObjectRef in classes:
        item["_type"] = "LOCATABLE_REF" if "path" in item else "OBJECT_REF"
    elif rm.HierObjectId in classes:
        versioned = isinstance(item.get("value"), str) and "::" in item["value"]
        plain = "GENERIC_ID" if "scheme" in item else "HIER_OBJECT_ID"
        item["_type"] = "OBJECT_VERSION_ID" if versioned else plain
    elif rm.DvQuantity not in classes and rm.PartySelf not in classes:  # declared concrete
        for broadest in _BROADEST:
            if broadest in classes:
                item["_type"] = broadest.__struct_config__.tag


# --- messages: a path and a kind, never a value


ATTRIBUTES = frozenset(
    name for rm_class in rm.CLASSES.values() for name in rm_class.__struct_fields__
) | {"_type"}
"""Every name of the model that can be a key of canonical JSON."""


def _key(name: str) -> str:
    """A key as messages may show it: only names of the model are no value of the record."""
    return f"the key {name}" if name in ATTRIBUTES else "a key that the model does not have"


def _fault(message: str) -> RmError:
    said, _, place = message.partition(" - at `")
    path = re.sub(r"\.", "/", place.rstrip("`").removeprefix("$"))
    path = path.removesuffix("/_type")
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", said, re.DOTALL):
        return RmError(path, f"{_key(unknown[1])} has no place in this class")
    if said.startswith("Invalid value"):
        return RmError(path, "`_type` names no class that may stand here")
    if said.startswith("Object missing required field `_type`"):
        return RmError(path, "`_type` is missing where several classes may stand")
    if kinds := re.fullmatch(r"Expected `([^`]*)`(?:, got `([a-z]+)`)?", said):
        found = f", found {kinds[2]}" if kinds[2] else ""
        return RmError(path, f"expected {kinds[1].removesuffix(' | null')}{found}")
    if said.startswith(("Expected `int`", "Number out of range")):
        return RmError(path, "the number is out of range")
    return RmError(path, "does not fit the reference model")


def _malformed(error: Exception) -> str:
    """What is wrong with the JSON, and where, without its text."""
    if isinstance(error, json.JSONDecodeError):
        return f"malformed JSON at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeError):
        return "malformed JSON: no UTF-8"
    if place := re.search(r"\(byte (\d+)\)", str(error)):
        return f"malformed JSON at byte {place[1]}"
    if "truncated" in str(error):
        return "malformed JSON: it ends too early"
    return "malformed JSON"
