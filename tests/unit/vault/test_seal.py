"""Sealing: what is sealed opens in its place, and nowhere else."""

import secrets

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from hypothesis import given
from hypothesis import strategies as st

from linkage_vault.keys import Kek, Secret
from linkage_vault.seal import (
    FORMAT,
    HEADER_SIZE,
    TAG_SIZE,
    Batch,
    Column,
    Place,
    Tampered,
    encode_lengths,
    encode_place,
    open_sealed,
    seal,
)

KEK = Kek(1, Secret(secrets.token_bytes(32)))
OTHER = Kek(2, Secret(secrets.token_bytes(32)))
KEKS = {1: KEK, 2: OTHER}
PLACE = Place("link", "0c57a4c1", "sealed", 1)
SIZE = 64


@given(st.binary(max_size=SIZE - 2))
def test_what_is_sealed_opens(plaintext):
    """Opening in the same place returns the plaintext, and every envelope has one length."""
    envelope = seal(KEK, plaintext, PLACE, size=SIZE)
    assert plaintext == open_sealed(KEKS, envelope, PLACE)
    assert HEADER_SIZE + SIZE + TAG_SIZE == len(envelope)


@pytest.mark.parametrize(
    "place",
    [
        Place("pool_slot", "0c57a4c1", "sealed", 1),
        Place("link", "0c57a4c2", "sealed", 1),
        Place("link", "0c57a4c1", "other", 1),
        Place("link", "0c57a4c1", "sealed", 2),
        Place("link0c57a4c1", "", "sealed", 1),
    ],
    ids=["table", "row", "column", "row version", "shifted border"],
)
def test_an_envelope_moved_to_another_place_does_not_open(place):
    """Table, row, column and row version are bound: two swapped ciphertexts both fail."""
    with pytest.raises(Tampered):
        open_sealed(KEKS, seal(KEK, b"person and record", PLACE, size=SIZE), place)


def test_every_changed_bit_is_found():
    """Whichever bit of an envelope is flipped, opening fails."""
    envelope = seal(KEK, b"person and record", PLACE, size=SIZE)
    for bit in range(len(envelope) * 8):
        changed = bytearray(envelope)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Tampered):
            open_sealed(KEKS, bytes(changed), PLACE)


def test_the_smallest_envelope_opens():
    """Nothing at all, in the least that an envelope can be."""
    envelope = seal(KEK, b"", PLACE, size=2)
    assert b"" == open_sealed(KEKS, envelope, PLACE)


def test_every_shortened_envelope_is_refused():
    """An envelope cut anywhere fails in the same way."""
    envelope = seal(KEK, b"person and record", PLACE, size=SIZE)
    for length in range(len(envelope)):
        with pytest.raises(Tampered):
            open_sealed(KEKS, envelope[:length], PLACE)


def test_a_key_version_opens_only_its_own_envelopes():
    """Without the version that sealed it, or under that number another key, nothing opens."""
    envelope = seal(KEK, b"person and record", PLACE, size=SIZE)
    for keks in ({2: OTHER}, {1: Kek(1, OTHER.secret)}, {}):
        with pytest.raises(Tampered):
            open_sealed(keks, envelope, PLACE)


def test_an_envelope_re_labelled_for_another_version_of_the_same_key_fails():
    """The KEK version is part of what is authenticated, not only a hint."""
    envelope = seal(KEK, b"person and record", PLACE, size=SIZE)
    relabelled = bytes([FORMAT]) + (2).to_bytes(4, "big") + envelope[5:]
    with pytest.raises(Tampered):
        open_sealed({2: Kek(2, KEK.secret)}, relabelled, PLACE)


def test_the_failure_says_where_and_shows_nothing():
    """The alarm names table and column; neither row nor content is in its text."""
    with pytest.raises(Tampered) as caught:
        open_sealed(KEKS, b"\x01" * 200, PLACE)
    assert str(caught.value) == "a sealed value of link.sealed does not open"
    assert caught.value.__cause__ is None


def test_a_plaintext_too_long_is_refused():
    """A longer envelope would tell its row apart from the others."""
    with pytest.raises(ValueError, match="exceeds 64 octets"):
        seal(KEK, b"x" * (SIZE - 1), PLACE, size=SIZE)


def test_no_two_envelopes_share_a_nonce_a_key_or_a_block():
    """Sealing one plaintext 2,000 times repeats nothing after the header's first five octets."""
    envelopes = [seal(KEK, b"same", PLACE, size=SIZE) for _ in range(2000)]
    for start, end in ((5, 45), (45, 57), (57, 73)):
        assert 2000 == len({envelope[start:end] for envelope in envelopes})


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_length_prefixed_encodings_are_unambiguous(one, other):
    """Two lists of parts encode alike only when they are the same list."""
    assert (one == other) == (encode_lengths(*one) == encode_lengths(*other))


@given(st.binary(), st.text(), st.text(), st.lists(st.binary(max_size=400)))
def test_a_place_is_encoded_as_its_parts_are(label, table, row, rest):
    """Whatever was remembered of another row, the octets are those of the plain encoding."""
    for one in (row, row + "x", ""):
        place = Place(table, one, "c", 1)
        parts = (label, table.encode(), one.encode(), *rest)
        assert encode_lengths(*parts) == encode_place(label, place, *rest)


def test_a_batch_seals_under_one_key_and_each_opens_in_its_own_place_alone():
    """One wrapped key for all, a nonce each, also past the highest; no two may be exchanged."""
    batch = Batch(KEK)
    batch._nonce = (1 << 96) - 2
    places = [PLACE._replace(row=str(number)) for number in range(5)]
    sealed = [batch.seal(b"same", place, size=SIZE) for place in places]
    assert 1 == len({envelope[:45] for envelope in sealed})
    assert 5 == len({envelope[45:57] for envelope in sealed})
    for envelope, own in zip(sealed, places, strict=True):
        assert b"same" == open_sealed(KEKS, envelope, own)
        for other in places:
            if other != own:
                with pytest.raises(Tampered):
                    open_sealed(KEKS, envelope, other)


def test_two_batches_share_nothing():
    """Another batch has another key and begins at another nonce."""
    one, other = (Batch(KEK).seal(b"same", PLACE, size=SIZE) for _ in range(2))
    for start, end in ((5, 45), (45, 57), (57, 73)):
        assert one[start:end] != other[start:end]


@pytest.mark.parametrize("numbered", [False, True], ids=["place", "numbered row"])
def test_an_envelope_is_laid_out_as_documented(numbered):
    """Read by hand: format, key version, wrapped 256-bit key, nonce; length, plaintext, zeros."""
    column = Column("link", "sealed", 1)
    batch = Batch(KEK)
    seal_one = (
        (lambda: batch.seal_at(column, 7, b"abc", size=SIZE))
        if numbered
        else (lambda: batch.seal(b"abc", column.place(7), size=SIZE))
    )
    first, second = seal_one(), seal_one()
    assert (1, 1) == (first[0], int.from_bytes(first[1:5], "big"))
    data_key = aes_key_unwrap(KEK.secret.reveal(), first[5:45])
    nonce, ciphertext = first[45:57], first[57:]
    bound = encode_place(
        b"moiety/vault/seal/1", column.place(7), b"sealed", bytes(7) + b"\x01", bytes(3) + b"\x01"
    )
    opened = AESGCM(data_key).decrypt(nonce, ciphertext, bound)
    assert b"\x00\x03abc" + bytes(SIZE - 5) == opened
    counted = int.from_bytes(second[45:57], "big") - int.from_bytes(nonce, "big")
    assert (32, 1) == (len(data_key), counted % 2**96)
