"""Lists encoded at once arrive as those that psycopg encodes element by element."""

from uuid import uuid4

import psycopg
import pytest

from moiety.kit.arrays import Numbers, Octets, Uuids

IDS = [uuid4() for _ in range(3)]


@pytest.fixture(scope="module")
def connection(cluster):
    """Any database."""
    with psycopg.connect(cluster.url("postgres", "vault"), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    ("packed", "kind", "expected"),
    [
        (Octets([b"", b"a", b"\x00" * 700]), "bytea", [b"", b"a", b"\x00" * 700]),
        (Octets(iter([b"a"])), "bytea", [b"a"]),
        (Octets([]), "bytea", []),
        (Uuids([IDS[0], IDS[1].bytes, IDS[2]]), "uuid", IDS),
        (Uuids([]), "uuid", []),
        (Numbers([0, 1, 2**31 - 1]), "int4", [0, 1, 2**31 - 1]),
        (Numbers([]), "int4", []),
    ],
)
def test_what_arrives_is_what_was_given(connection, packed, kind, expected):
    """Of each type, empty ones too, also where the statement does not say the type."""
    for cast in (f"::{kind}[]", ""):
        row = connection.execute(
            f"SELECT %(it)b{cast}, pg_typeof(%(it)b{cast})::text", {"it": packed}
        )
        found, name = row.fetchone()
        assert expected == found
        assert name.startswith({"int4": "integer"}.get(kind, kind))


def test_a_number_below_nothing_is_refused():
    """Two's complement is not what these are for."""
    with pytest.raises(OverflowError):
        Numbers([-1])
