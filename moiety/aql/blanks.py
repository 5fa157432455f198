"""What statements leave open, and how it is filled in when a query runs.

Every value of a query is a bound parameter. One that belongs to the plan has its value once for
all; one that is given at run time (`plan.Blank`) is read out of the values of the run, so that one
statement serves them all. An array may have members of both sorts.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from moiety.aql.plan import INDEXED, Blank, Constant
from moiety.aql.signatures import signature
from moiety.aql.values import CALENDAR, bounds, moment, sql_pattern

Given = Sequence[Any]
"""The values of a run by slot; that of a slot may be a list (`matches $list`)."""

Fill = Callable[[Given], Any]
Item = Blank | Constant
_Reader = Callable[[Any], Any]


class Blanks:
    """The open parameters of the statements of one query, by name."""

    def __init__(self) -> None:
        self.fills: dict[str, Fill] = {}
        self._known: dict[Any, sa.BindParameter[Any]] = {}

    def one(self, item: Item, type_: sa.types.TypeEngine[Any], how: str = "") -> Any:
        """The parameter of one value; `how` reads it as something else than its kind: "id", or
        "object_id" of a uid, or "timestamp".
        """
        if isinstance(item, Constant):
            return sa.literal(_PLAIN[how](item.value), type_)
        read = _reader(item, how)
        sample = read(item.sample)
        slot, key = item.slot, (item, how, type(sample), repr(type_))
        return self._bind(key, type_, lambda given: read(given[slot]), sample)

    def many(self, items: Sequence[Item], type_: sa.types.TypeEngine[Any], how: str = "") -> Any:
        """The parameter of an array of values."""
        members = [_members(item, how) for item in items]

        def fill(given: Given) -> list[Any]:
            return [value for each in members for value in each(given)]

        sample = [_reader(i, how)(i.sample if isinstance(i, Blank) else i.value) for i in items]
        key = (tuple(items), how, *map(type, sample), repr(type_))
        return self._bind(key, sa.ARRAY(type_), fill, sample)

    def number(self, slot: int, sample: int) -> Any:
        """The parameter of a whole number that is taken as it is: LIMIT and OFFSET."""
        return self._bind(slot, sa.BigInteger(), lambda given: given[slot], sample)

    def _bind(self, key: Any, type_: sa.types.TypeEngine[Any], fill: Fill, sample: Any) -> Any:
        if key not in self._known:
            name = f"v{len(self.fills)}"
            self.fills[name] = fill
            self._known[key] = sa.bindparam(name, sample, type_)
        return self._known[key]


def _members(item: Item, how: str) -> Callable[[Given], Sequence[Any]]:
    read = _reader(item, how)
    if isinstance(item, Constant):
        told = [read(item.value)]
        return lambda _: told
    slot, alike = item.slot, item.alike
    if not alike:
        return lambda given: [read(given[slot])]
    return lambda given: [read(each) for each in given[slot] if signature(each) == alike]


def _reader(item: Item, how: str) -> _Reader:
    if isinstance(item, Constant) or how:
        return _PLAIN[how]
    if item.reading == "instant":
        return partial(_instant, rank=item.rank)
    return _READERS.get(item.reading, _itself)


def _itself(value: Any) -> Any:
    return value


def _instant(text: str, rank: int) -> float | None:
    time = moment(text, rank)
    return time.key if time else None


def _object_id(uid: str) -> UUID:
    return UUID(uid.partition("::")[0])


def _timestamp(text: str) -> datetime | None:
    """A text as a time of the database; the first and the last moment bound what it can hold."""
    time = moment(text, CALENDAR)
    return datetime.fromtimestamp(time.key, UTC) if time else None


_PLAIN: Final[Mapping[str, _Reader]] = {
    "": _itself,
    "id": UUID,
    "object_id": _object_id,
    "timestamp": _timestamp,
}
_READERS: Final[Mapping[str, _Reader]] = {
    "real": float,
    "pattern": sql_pattern,
    "beginning": lambda text: text[:INDEXED],
    "start": lambda pattern: bounds(sql_pattern(pattern), INDEXED)[0],
    "end": lambda pattern: bounds(sql_pattern(pattern), INDEXED)[1],
}
