"""A request body into a typed message, strictly: unknown, repeated and mistyped keys are refused.

What went wrong is told as a path and a rule.  The decoder's own sentences are not passed on, since
they quote values and the names of unknown keys, and both come from the sender.
"""

import json
import re
from typing import Any, TypeVar

import msgspec

from moiety.kit.errors import Malformed

T = TypeVar("T")
_PLACE = re.compile(r" - at `(\$[^`]*)`\Z")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_MISSING = re.compile(r"Object missing required field `(\w+)`")


def decode(
    body: bytes, kind: type[T], *, root: str = "$", vocabulary: frozenset[str] = frozenset()
) -> T:
    """The message in `body`.  Raises Malformed with the path of the first fault under `root`.

    An unknown key is named only when it is in `vocabulary`: any other may itself be a value.
    """
    try:
        message = msgspec.json.decode(body, type=kind)
        json.loads(body, object_pairs_hook=_refuse_repeats)
    except msgspec.ValidationError as error:
        raise _malformed(str(error), root, vocabulary) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("The body is not JSON.") from None
    return message


def _malformed(sentence: str, root: str, vocabulary: frozenset[str]) -> Malformed:
    place = _PLACE.search(sentence)
    path = root + place.group(1)[1:] if place else root
    if unknown := _UNKNOWN.match(sentence):
        name = unknown.group(1)
        path = f"{path}.{name}" if name in vocabulary else path
        return _fault(path, "unknown", "The body holds an element that is not supported here.")
    if missing := _MISSING.match(sentence):
        path = f"{path}.{missing.group(1)}"
        return _fault(path, "required", "A required element of the body is missing.")
    if sentence.startswith("Expected") and ", got " in sentence:
        return _fault(path, "type", "An element of the body is of the wrong type.")
    return _fault(path, "value", "An element of the body has a value that is not allowed.")


def _fault(path: str, rule: str, message: str) -> Malformed:
    return Malformed(message, findings=[{"path": path, "rule": rule}])


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("An object in the body has the same key twice.")
    return found
