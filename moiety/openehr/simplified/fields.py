"""The fields of a simplified document as a tree, and the two texts that such a tree has.

FLAT        {"vital_signs/body_temperature:0/any_event:0/temperature|magnitude": 37.5}
STRUCTURED  {"vital_signs": {"body_temperature": [{"any_event": [{"temperature": [{…}]}]}]}}

FLAT keeps the order in which siblings of different ids follow one another; STRUCTURED puts
siblings of one id together (Simplified Formats, "Format variants").
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from moiety.openehr.canonical import read_closely
from moiety.openehr.errors import RmError

LIMIT_DEPTH = 100


class Fields:
    """One node of a document: `values` by suffix ("" for a plain value), nodes below by id.

    `position` tells where in the document it was met first. Reading marks what was read, so
    that what nobody asked for can be told (`unread`).
    """

    __slots__ = ("below", "order", "position", "read", "repeated", "values")

    def __init__(self, position: int = 0) -> None:
        self.values: dict[str, Any] = {}
        self.below: dict[str, dict[int, Fields]] = {}
        self.order: list[tuple[str, int, Fields]] = []
        self.repeated: set[str] = set()
        self.position = position
        self.read: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.values or self.below)

    def get(self, suffix: str) -> Any:
        """The value at a suffix, None where there is none."""
        self.read.add(f"|{suffix}")
        return self.values.get(suffix)

    def has(self, *suffixes: str) -> bool:
        return any(suffix in self.values for suffix in suffixes)

    def one(self, *names: str) -> "Fields | None":
        """The first node of the first id that there is."""
        return next((found for name in names for found in self.many(name)), None)

    def many(self, name: str) -> list["Fields"]:
        """The nodes of an id, by index."""
        self.read.add(name)
        found = self.below.get(name)
        return [found[index] for index in sorted(found)] if found else []

    def at(self, name: str, index: int = 0, position: int = 0) -> "Fields":
        """The node of an id and index, made if there is none."""
        siblings = self.below.setdefault(name, {})
        found = siblings.get(index)
        if found is None:
            found = siblings[index] = Fields(position)
            self.order.append((name, index, found))
        return found

    def put(self, name: str, fields: "Fields", *, repeated: bool = False) -> None:
        """Add a node under an id, after those that are there."""
        siblings = self.below.setdefault(name, {})
        index = len(siblings)
        siblings[index] = fields
        self.order.append((name, index, fields))
        if repeated:
            self.repeated.add(name)

    def number(self, start: int = 1) -> int:
        """Give all nodes positions in the order in which they are written."""
        for _, _, below in self.order:
            below.position = start
            start = below.number(start + 1)
        return start

    def unread(self, path: str = "") -> Iterator[str]:
        """Where fields stand that nobody has asked for: paths of ids that somebody knows."""
        if any(f"|{suffix}" not in self.read for suffix in self.values):
            yield path
        for name, index, found in self.order:
            if name not in self.read:
                yield path
            else:
                yield from found.unread(f"{path}/{name}:{index}")


# --- texts → fields


def read_fields(body: bytes) -> Fields:
    """The fields of a FLAT or STRUCTURED document: `ctx` and the composition's id below.

    Raises RmError for broken JSON, keys that are none, and places that are filled twice.
    """
    tree = read_closely(body)
    if not isinstance(tree, dict):
        raise RmError("", "a simplified document is a JSON object")
    root = Fields()
    counter, known = iter(range(1, 100_000_000)), {"": root}
    for key, value in tree.items():
        if isinstance(value, dict | list) and not key.endswith("|raw"):
            _read_nested(root, key, value, counter, 0)
        else:
            _read_flat(known, key, value, counter)
    _sort(root)
    return root


def _read_flat(known: dict[str, Fields], key: str, value: Any, counter: Iterator[int]) -> None:
    path, _, suffix = key.partition("|")
    if path.count("/") >= LIMIT_DEPTH:
        raise RmError("", "a key of too many segments")
    _set(_locate(known, path, counter), suffix, value)


def _locate(known: dict[str, Fields], path: str, counter: Iterator[int]) -> Fields:
    """The node of a path; `known` remembers those that were met, "" is the root."""
    found = known.get(path)
    if found is None:
        above, mark, segment = path.rpartition("/")
        if mark and not above:
            raise RmError("", "a key is no path of ids and indexes")
        found = known[path] = _step(_locate(known, above, counter), segment, counter)
    return found


def _step(here: Fields, segment: str, counter: Iterator[int]) -> Fields:
    name, mark, index = segment.partition(":")
    if not 0 < len(name) <= 500 or (mark and not (index.isdecimal() and len(index) <= 6)):
        raise RmError("", "a key is no path of ids and indexes")
    return here.at(name, int(index) if mark else 0, next(counter))


def _set(here: Fields, suffix: str, value: Any) -> None:
    if value is None and suffix != "raw":
        return
    if suffix in here.values:
        raise RmError("", "two keys lead to one place")
    here.values[suffix] = value


def _read_nested(here: Fields, key: str, value: Any, counter: Iterator[int], depth: int) -> None:
    """A member of an object of STRUCTURED: a value, a node, or a list of nodes."""
    if depth > LIMIT_DEPTH:
        raise RmError("", "nested too deeply")
    if key.startswith("|") or (key == "" and not isinstance(value, dict | list)):
        _set(here, key.removeprefix("|"), value)
        return
    items = value if isinstance(value, list) else [value]
    name, _, first = key.partition(":")
    start = int(first) if first.isdecimal() and len(first) <= 6 else 0
    for index, item in enumerate(items, start):
        indexed = bool(first) or len(items) > 1
        below = _step(here, f"{name}:{index}" if indexed else name, counter)
        if isinstance(item, dict):
            for inner, content in item.items():
                _read_nested(below, inner, content, counter, depth + 1)
        elif isinstance(item, list):
            raise RmError("", "a list stands in a list")
        else:
            _set(below, "", item)


def _sort(here: Fields) -> None:
    """Give nodes of one id their positions in the order of their indexes."""
    for siblings in here.below.values():
        indexes = sorted(siblings)
        positions = sorted(siblings[index].position for index in indexes)
        for index, position in zip(indexes, positions, strict=True):
            siblings[index].position = position
            _sort(siblings[index])


# --- fields → texts


def write_flat(fields: Fields) -> bytes:
    """The FLAT text of fields."""
    found: dict[str, Any] = {}
    _flatten(fields, "", found)
    return msgspec.json.encode(found)


def _flatten(here: Fields, path: str, found: dict[str, Any]) -> None:
    for suffix, value in here.values.items():
        found[f"{path}|{suffix}" if suffix else path] = value
    for name, index, below in here.order:
        step = f"{name}:{index}" if name in here.repeated or index else name
        _flatten(below, f"{path}/{step}" if path else step, found)


def write_structured(fields: Fields) -> bytes:
    """The STRUCTURED text of fields: the root an object, all below it lists."""
    nested = {name: _nest(below) for name, _, below in fields.order}
    return msgspec.json.encode(nested)


def _nest(here: Fields) -> Any:
    if not here.below and set(here.values) == {""}:
        return here.values[""]
    found: dict[str, Any] = {
        f"|{suffix}" if suffix else "": value for suffix, value in here.values.items()
    }
    for name, _, below in here.order:
        found.setdefault(name, []).append(_nest(below))
    return found
