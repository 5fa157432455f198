"""Long lists for one statement, encoded at once.

psycopg encodes an array element by element through its adapters, a microsecond or two each.  A list
of octets, ids or small numbers is one join here, in the same binary form (`array_send` of
PostgreSQL): dimensions, flags, type, length and lower bound, then each element with its length.

    execute("… = ANY(%(ids)b)", {"ids": Uuids(ids)})
"""

import struct
from collections.abc import Iterable, Sequence
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = struct.Struct("!iiiii")
_EMPTY = struct.Struct("!iii")


class Packed:
    """An array in its binary form; a subclass for each type."""

    __slots__ = ("octets",)
    element_oid: int

    def __init__(self, elements: Sequence[bytes]) -> None:
        """`elements`: each with its length in front."""
        if elements:
            head = _HEAD.pack(1, 0, self.element_oid, len(elements), 1)
        else:
            head = _EMPTY.pack(0, 0, self.element_oid)
        self.octets = head + b"".join(elements)


class Octets(Packed):
    """`bytea[]`."""

    __slots__ = ()
    element_oid = 17

    def __init__(self, values: Iterable[bytes]) -> None:
        super().__init__([len(value).to_bytes(4, "big") + value for value in values])


class Uuids(Packed):
    """`uuid[]`, of ids or of their 16 octets."""

    __slots__ = ()
    element_oid = 2950

    def __init__(self, values: Iterable[UUID | bytes]) -> None:
        super().__init__([
            b"\x00\x00\x00\x10" + (value if isinstance(value, bytes) else value.bytes)
            for value in values
        ])  # fmt: skip


class Numbers(Packed):
    """`int4[]`, of numbers that are not negative."""

    __slots__ = ()
    element_oid = 23

    def __init__(self, values: Iterable[int]) -> None:
        super().__init__([b"\x00\x00\x00\x04" + value.to_bytes(4, "big") for value in values])


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Packed) -> bytes:
        return obj.octets


class _OctetsDumper(_PackedDumper):
    oid = 1001


class _UuidsDumper(_PackedDumper):
    oid = 2951


class _NumbersDumper(_PackedDumper):
    oid = 1007


psycopg.adapters.register_dumper(Octets, _OctetsDumper)
psycopg.adapters.register_dumper(Uuids, _UuidsDumper)
psycopg.adapters.register_dumper(Numbers, _NumbersDumper)
