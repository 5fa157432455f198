"""Link seals: row, wrapped key, key-encryption key and shred secret, each in place, or nothing."""

import hashlib
import secrets
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage_vault import link_seals
from linkage_vault.kek_file import FileKek
from linkage_vault.keys import Secret, create_key_file, load_key_file
from linkage_vault.seal import (
    FORMAT_APART,
    NONCE_SIZE,
    TAG_SIZE,
    Kek,
    Place,
    Tampered,
    derive_link_key,
    encode_lengths,
    open_apart,
    open_sealed,
    reseal,
    seal,
    seal_apart,
)

PLACE = Place("link", "0c57a4c1", "sealed", 1)
OTHERS = [
    Place("link_task", "0c57a4c1", "sealed", 1),
    Place("link", "0c57a4c2", "sealed", 1),
    Place("link", "0c57a4c1", "other", 1),
    Place("link", "0c57a4c1", "sealed", 2),
]
SIZE = 64
KEY = hashlib.sha256(b"a test's key").digest()
SECRET = hashlib.sha256(b"a test's secret").digest()
SEALED = (
    "0100000103b84963539bee7d25049f67de2d4367e49ff44392d02d5735b3ef0f9d1fdc612238aef0"
    "2c330ba37d53dec9b0c84faf7f8fe69c1633398be6da907024621a925fd40b84cc4c1510bb7cbc6b"
    "d26cd213c34ea818ba"
)
APART = "029454935371e227cc897df0b3025f8ef8d21e431980a4645ac2cc429483381d09b3960420852423bb8853c639"
DERIVED = "43ce0198b0833871a55e81c06d4f1194909844d3bd875bb8010ed9d7c6171370"
"""Written once, by this code: what was stored must open for ever."""


@dataclass(frozen=True)
class Row:
    """What a row holds of a sealed value."""

    sealed: bytes
    wrapped: bytes
    kek_version: int


class Store:
    """A shred store in memory."""

    def __init__(self):
        self.kept = {}

    def new(self, handles):
        """A secret each."""
        made = [secrets.token_bytes(32) for _ in handles]
        self.kept |= dict(zip(handles, made, strict=True))
        return made

    def find(self, handles):
        """Those that are there."""
        return {one: self.kept[one] for one in handles if one in self.kept}


@pytest.fixture
def keys(tmp_path):
    """A ring with a file's key and a shred store."""
    create_key_file(tmp_path / "vault.keys")
    ring = load_key_file(tmp_path / "vault.keys")
    ring.use(FileKek(ring))
    ring.shreds = Store()
    return ring


def row(sealed):
    """As it is stored."""
    return Row(sealed.sealed, sealed.wrapped, sealed.kek_version)


def some(keys, number=3, *, is_shreddable=True):
    """Rows of values in places of their own: (place, row) and the values."""
    values = [(Place("link", str(uuid4()), "sealed", 1), b"pair %d" % n) for n in range(number)]
    sealed = link_seals.seal_all(keys, values, size=SIZE, is_shreddable=is_shreddable)
    rows = [(place, row(one)) for (place, _), one in zip(values, sealed, strict=True)]
    return rows, [value for _, value in values]


@given(st.binary(max_size=SIZE - 2))
def test_what_is_sealed_opens_and_has_one_length(value):
    """In the same place, under the same key."""
    key = secrets.token_bytes(32)
    envelope = seal_apart(key, value, PLACE, size=SIZE)
    assert value == open_apart(key, envelope, PLACE)
    assert 1 + NONCE_SIZE + SIZE + TAG_SIZE == len(envelope)
    assert FORMAT_APART == envelope[0]


@pytest.mark.parametrize("place", OTHERS, ids=["table", "row", "column", "row version"])
def test_nothing_opens_in_another_place(place):
    """A ciphertext moved, or put back from an older version of its row."""
    key = secrets.token_bytes(32)
    with pytest.raises(Tampered):
        open_apart(key, seal_apart(key, b"pair", PLACE, size=SIZE), place)


def test_every_changed_bit_and_every_cut_is_found():
    """Whichever bit is flipped and wherever it is cut."""
    key = secrets.token_bytes(32)
    envelope = seal_apart(key, b"pair", PLACE, size=SIZE)
    for bit in range(len(envelope) * 8):
        changed = bytearray(envelope)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Tampered):
            open_apart(key, bytes(changed), PLACE)
    for length in range(len(envelope)):
        with pytest.raises(Tampered):
            open_apart(key, envelope[:length], PLACE)


def test_a_value_too_long_is_refused_and_one_that_just_fits_is_not():
    """The last octets count."""
    key = secrets.token_bytes(32)
    longest = b"x" * (SIZE - 2)
    assert longest == open_apart(key, seal_apart(key, longest, PLACE, size=SIZE), PLACE)
    with pytest.raises(ValueError, match=r"link\.sealed exceeds 64 octets"):
        seal_apart(key, longest + b"x", PLACE, size=SIZE)


def test_the_link_key_needs_both_halves_and_its_row():
    """Another data key, secret, row or table gives another key; the column does not matter."""
    data_key, secret = secrets.token_bytes(32), secrets.token_bytes(32)
    found = {
        derive_link_key(data_key, secret, PLACE),
        derive_link_key(secrets.token_bytes(32), secret, PLACE),
        derive_link_key(data_key, secrets.token_bytes(32), PLACE),
        *(derive_link_key(data_key, secret, place) for place in OTHERS[:2]),
    }
    assert 5 == len(found)
    assert {32} == {len(key) for key in found}
    assert derive_link_key(data_key, secret, PLACE) == derive_link_key(data_key, secret, PLACE)
    assert data_key not in found


def test_rows_open_together_and_two_that_are_swapped_do_not(keys):
    """Swapped seals, swapped wrapped keys, an older version: each is an alarm."""
    rows, values = some(keys)
    assert values == link_seals.open_all(keys, rows)
    (one, first), (other, second), _ = rows
    swaps = [
        (one, replace(first, sealed=second.sealed)),
        (one, replace(first, wrapped=second.wrapped)),
        (other, first),
        (replace_version(one, 2), first),
        (one, replace(first, kek_version=2)),
    ]
    for place, swapped in swaps:
        with pytest.raises(Tampered):
            link_seals.open_all(keys, [(place, swapped)])


def replace_version(place, version):
    """The same place of another version of its row."""
    return Place(place.table, place.row, place.column, version)


def test_without_its_secret_a_row_is_as_one_that_never_was(keys):
    """None in its place, the others open; without a store at all it is an alarm."""
    rows, values = some(keys)
    (handle,) = link_seals.handles_of(keys, rows[:1])
    del keys.shreds.kept[handle]
    assert [None, *values[1:]] == link_seals.open_all(keys, rows)
    keys.shreds = None
    with pytest.raises(Tampered, match="shred store"):
        link_seals.open_all(keys, rows)


def test_rows_of_before_that_have_no_wrapped_key_open_beside_the_others(keys):
    """Sealed under the key itself, each in its own place alone, and in the order of the rows."""
    rows, values = some(keys)
    old = [Place("link", str(uuid4()), "sealed", 1) for _ in range(2)]
    kek = keys.links.by_version[1]
    kept = [(place, Row(seal(kek, b"old", place, size=SIZE), None, 0)) for place in old]
    mixed = [kept[0], *rows, kept[1]]
    assert [b"old", *values, b"old"] == link_seals.open_all(keys, mixed)
    assert 3 == len(link_seals.handles_of(keys, mixed))
    with pytest.raises(Tampered):
        link_seals.open_all(keys, [(old[0], kept[1][1])])


def test_what_is_not_shreddable_has_no_secret(keys):
    """Slots and tasks open without the store, and are found as without a handle."""
    rows, values = some(keys, is_shreddable=False)
    assert not keys.shreds.kept
    assert values == link_seals.open_all(keys, rows)
    assert [] == link_seals.handles_of(keys, rows)
    assert [True] * 3 == [one.is_bare for one in link_seals.rewrap_all(keys, rows)]
    with_secret, _ = some(keys)
    assert [False] * 3 == [one.is_bare for one in link_seals.rewrap_all(keys, with_secret)]


def test_rewrapping_leaves_the_seal_and_changes_the_wrapping(keys):
    """The same key inside, in the same place, under new octets."""
    rows, values = some(keys)
    rewrapped = [one.wrapped for one in link_seals.rewrap_all(keys, rows)]
    again = [
        (place, replace(one, wrapped=new.octets, kek_version=new.version))
        for (place, one), new in zip(rows, rewrapped, strict=True)
    ]
    assert values == link_seals.open_all(keys, again)
    assert not {one.wrapped for _, one in rows} & {new.octets for new in rewrapped}


def test_a_hundred_thousand_seals_repeat_no_nonce_key_or_wrapping(keys):
    """V12, over seals and wrappings: 2 × 50,000 random nonces of 96 bits, none twice."""
    seals, wrapped = set(), set()
    for _ in range(50):
        rows, _ = some(keys, 1000, is_shreddable=False)
        seals |= {one.sealed[1 : 1 + NONCE_SIZE] for _, one in rows}
        wrapped |= {one.wrapped[:NONCE_SIZE] for _, one in rows}
    assert (50_000, 50_000, 100_000) == (len(seals), len(wrapped), len(seals | wrapped))


def test_an_envelope_is_sealed_anew_under_another_key(keys):
    """The value, place and length stay; the old key alone does not open it any more."""
    old, new = keys.links.current, Kek(2, keys.trail.current.secret)
    before = seal(old, b"words", PLACE, size=SIZE)
    after = reseal({1: old}, new, before, PLACE)
    assert b"words" == open_sealed({2: new}, after, PLACE)
    assert len(before) == len(after)
    with pytest.raises(Tampered):
        open_sealed({1: old}, after, PLACE)
    with pytest.raises(Tampered):
        reseal({1: old}, new, before, OTHERS[1])


def test_what_was_stored_opens_for_ever():
    """Both formats, the key of a link and the encoding of places, against octets kept here."""
    assert b"pair" == open_sealed({259: Kek(259, Secret(KEY))}, bytes.fromhex(SEALED), PLACE)
    assert b"pair" == open_apart(KEY, bytes.fromhex(APART), PLACE)
    assert bytes.fromhex(DERIVED) == derive_link_key(KEY, SECRET, PLACE)
    counted = [2, 2, b"ab", 0, b""]
    octets = [one if isinstance(one, bytes) else one.to_bytes(8, "little") for one in counted]
    assert b"".join(octets) == encode_lengths(b"ab", b"")


def test_the_longest_value_fits_and_fills_its_envelope():
    """Length and value fill the size to the last octet; the rest is zeros."""
    kek = Kek(1, Secret(KEY))
    assert b"x" * 14 == open_sealed({1: kek}, seal(kek, b"x" * 14, PLACE, size=16), PLACE)
    with pytest.raises(ValueError, match=r"a value of link\.sealed exceeds 16 octets"):
        seal(kek, b"x" * 15, PLACE, size=16)
    with pytest.raises(Tampered, match=r"^a sealed value of link\.sealed does not open$"):
        open_apart(KEY, b"", PLACE)
