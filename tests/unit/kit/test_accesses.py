"""Entries of the access log: sealed for their row, of one length, in heaps that tell no record."""

import secrets
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from moiety.kit.accesses import Access, AccessKey, BadAccessKey

KEY = AccessKey(secrets.token_hex(32))


def access(record=None, door="GET /openehr/v1/ehr/{ehr_id}", user_id=None):
    """An entry."""
    return Access(record or uuid4(), datetime.now(UTC), "0123456789ab", user_id, door)


def test_an_entry_opens_in_its_row_alone():
    """Elsewhere, changed, or under another key there is none."""
    one, access_id = access(), uuid4()
    sealed = KEY.seal(access_id, one)
    assert one == KEY.open(access_id, sealed)
    assert KEY.open(uuid4(), sealed) is None
    assert KEY.open(access_id, sealed[:-1] + bytes([sealed[-1] ^ 1])) is None
    assert KEY.open(access_id, b"") is None
    assert AccessKey(secrets.token_hex(32)).open(access_id, sealed) is None


def test_all_entries_have_one_length_and_show_nothing():
    """The longest door, with and without a user."""
    entries = [access(), access(door="G" * 160, user_id=uuid4()), access(user_id=uuid4())]
    sealed = [KEY.seal(uuid4(), one) for one in entries]
    assert 1 == len({len(one) for one in sealed})
    for one, octets in zip(entries, sealed, strict=True):
        assert one.record.bytes not in octets
        assert str(one.record).encode() not in octets
        assert one.door.encode() not in octets


def test_heaps_are_256_and_another_keys_are_others():
    """Even, stable under a key, unrelated under another."""
    records = [uuid4() for _ in range(20_000)]
    heaps = [KEY.heap_of(one) for one in records]
    assert heaps == [KEY.heap_of(one) for one in records]
    counts = [heaps.count(heap) for heap in range(256)]
    assert 20_000 == sum(counts)
    assert max(counts) < 3 * min(counts)
    other = AccessKey(secrets.token_hex(32))
    same = sum(other.heap_of(one) == heap for one, heap in zip(records, heaps, strict=True))
    assert same < 160, "of 20,000 two unrelated keys agree on some 78"


@pytest.mark.parametrize("text", ["", "00" * 32, "zz" * 32, "0123456789abcdef", "ab" * 33])
def test_a_bad_key_is_refused(text):
    """Empty, constant, no hexadecimal digits, short, long."""
    with pytest.raises(BadAccessKey):
        AccessKey(text)


def test_no_key_shows():
    """Not in the object's text."""
    assert KEY.text not in repr(KEY)
