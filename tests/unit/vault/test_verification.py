"""Verifying the trail: whatever is done to it is found, with the position."""

import dataclasses
import hashlib
import secrets
import struct
import time
from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from linkage_vault import merkle, trail, verification
from linkage_vault.entries import Leaf
from linkage_vault.trail import hash_entry
from linkage_vault.tree_heads import TreeHead, is_genuine, sign_head
from linkage_vault.verification import verify

KEY = Ed25519PrivateKey.generate()
MONTH = date(2026, 11, 1)
SIZE = 9
SALTED = bytes(range(32))


def leaf(position, entry, *, month=MONTH):
    """A row of a sealed entry with its own hash."""
    return Leaf(position, month, entry, hash_entry(position, month, entry, SALTED), SALTED)


def build(size):
    """A trail of random sealed entries with a signed head after each."""
    rows, heads, peaks = [], [], ()
    for position in range(size):
        rows.append(leaf(position, secrets.token_bytes(64)))
        peaks = merkle.append(peaks, position, rows[-1].leaf_hash)
        heads.append(sign_head(KEY, position + 1, merkle.root_of_peaks(peaks)))
    return rows, heads


def fault_of(rows, heads):
    """Position and kind of the first fault, or None."""
    fault = verify(rows, heads, KEY.public_key()).fault
    return None if fault is None else (fault.position, fault.kind)


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 9])
def test_an_untouched_trail_is_whole(size):
    """The control: no fault, every entry and head counted, the root is the last signed one."""
    rows, heads = build(size)
    report = verify(rows, heads, KEY.public_key())
    root = heads[-1].root if heads else merkle.EMPTY_ROOT
    assert (size, size, root, None) == (report.size, report.heads, report.root, report.fault)


@given(st.integers(0, SIZE - 1), st.integers(0, 63))
def test_a_changed_entry_is_found(position, octet):
    """One flipped bit of one sealed entry."""
    rows, heads = build(SIZE)
    entry = bytearray(rows[position].entry)
    entry[octet] ^= 1
    rows[position] = dataclasses.replace(rows[position], entry=bytes(entry))
    assert (position, "changed") == fault_of(rows, heads)


@given(st.integers(0, SIZE - 1))
def test_a_changed_entry_with_its_hash_made_right_is_found(position):
    """An attacker who also corrects the hash meets the signed head."""
    rows, heads = build(SIZE)
    rows[position] = leaf(position, secrets.token_bytes(64))
    assert (position, "rewritten") == fault_of(rows, heads)


def test_a_changed_month_is_found():
    """The month outside the seal is part of the leaf."""
    rows, heads = build(SIZE)
    rows[4] = dataclasses.replace(rows[4], month=date(2026, 10, 1))
    assert (4, "changed") == fault_of(rows, heads)


@given(st.integers(0, SIZE - 2))
def test_a_deleted_entry_is_found(position):
    """A gap in the positions."""
    rows, heads = build(SIZE)
    del rows[position]
    assert (position, "deleted") == fault_of(rows, heads)


@given(st.integers(0, SIZE - 2))
def test_a_deleted_entry_with_the_rest_moved_up_is_found(position):
    """Closing the gap changes every leaf after it, and no signed head fits."""
    rows, heads = build(SIZE)
    del rows[position]
    moved = [leaf(place, row.entry) for place, row in enumerate(rows)]
    assert (position, "rewritten") == fault_of(moved, heads)


def test_an_inserted_entry_is_found():
    """An entry put between two others, the later ones moved down."""
    rows, heads = build(SIZE)
    entries = [row.entry for row in rows]
    entries.insert(3, secrets.token_bytes(64))
    moved = [leaf(place, entry) for place, entry in enumerate(entries)]
    assert (3, "rewritten") == fault_of(moved, heads)


def test_a_repeated_entry_is_found():
    """The same row twice."""
    rows, heads = build(SIZE)
    assert (4, "reordered") == fault_of([*rows[:4], rows[3], *rows[4:]], heads)


@given(st.integers(0, SIZE - 2))
def test_two_swapped_entries_are_found(position):
    """Contents swapped between two positions, with and without the hashes made right."""
    rows, heads = build(SIZE)
    one, other = rows[position], rows[position + 1]
    swapped = [
        dataclasses.replace(one, entry=other.entry),
        dataclasses.replace(other, entry=one.entry),
    ]
    rows[position : position + 2] = swapped
    assert (position, "changed") == fault_of(rows, heads)
    rows[position : position + 2] = [leaf(row.position, row.entry) for row in swapped]
    assert (position, "rewritten") == fault_of(rows, heads)


@given(st.integers(0, SIZE - 1))
def test_a_cut_trail_is_found_while_a_later_head_is_kept(length):
    """Entries cut from the end; a head that covers them is left, or a witness has it."""
    rows, heads = build(SIZE)
    assert (length, "truncated") == fault_of(rows[:length], heads[-1:])


def test_a_rebuilt_trail_is_found_by_a_witnessed_head():
    """A whole new trail, signed by nobody who had the key, or by the key itself."""
    _, witnessed = build(SIZE)
    rows, heads = build(SIZE)
    assert fault_of(rows, heads) is None
    assert (SIZE - 1, "rewritten") == fault_of(rows, [*heads, witnessed[-1]])


def test_a_forged_head_is_found():
    """A head signed with another key, one with a changed signature, one with a changed size."""
    rows, heads = build(SIZE)
    other = sign_head(Ed25519PrivateKey.generate(), SIZE, heads[-1].root)
    bent = dataclasses.replace(heads[-1], signature=bytes(64))
    moved = dataclasses.replace(heads[-1], size=SIZE - 1)
    assert [False] * 3 == [is_genuine(head, KEY.public_key()) for head in (other, bent, moved)]
    assert (SIZE - 1, "forged head") == fault_of(rows, [*heads[:-1], other])


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_forged_head_of_a_tiny_trail_is_found_at_its_last_entry(size):
    """There is no entry before the first: an empty trail's head is at fault at position 0."""
    rows, _ = build(size)
    root = merkle.root_of_leaves([one.leaf_hash for one in rows]) if rows else merkle.EMPTY_ROOT
    forged = sign_head(Ed25519PrivateKey.generate(), size, root)
    assert (max(size, 1) - 1, "forged head") == fault_of(rows, [forged])


def test_a_signature_binds_size_and_root():
    """The statement is length-prefixed: no size and root can be traded for one another."""
    head = sign_head(KEY, 5, bytes(32))
    assert is_genuine(head, KEY.public_key())
    assert not is_genuine(TreeHead(6, head.root, head.signature), KEY.public_key())


def test_a_changed_commitment_is_found():
    """What was committed to cannot be exchanged, nor taken away."""
    rows, heads = build(SIZE)
    rows[2] = dataclasses.replace(rows[2], commitment=bytes(32))
    assert (2, "changed") == fault_of(rows, heads)
    rows[2] = dataclasses.replace(rows[2], commitment=None)
    assert (2, "changed") == fault_of(rows, heads)


def test_a_fork_is_found():
    """Two signed heads over as many entries: somebody was shown another trail."""
    rows, heads = build(SIZE)
    peaks = ()
    fork = [*rows[:4], leaf(4, secrets.token_bytes(64))]
    for row in fork:
        peaks = merkle.append(peaks, row.position, row.leaf_hash)
    shown = sign_head(KEY, 5, merkle.root_of_peaks(peaks))
    assert is_genuine(shown, KEY.public_key())
    assert (4, "rewritten") == fault_of(rows, [*heads, shown])


def test_heads_over_batches_leave_no_entry_unsigned():
    """One head for several entries: a change to any of them is found at that head."""
    rows, heads = build(SIZE)
    for position in range(SIZE):
        changed = list(rows)
        changed[position] = leaf(position, secrets.token_bytes(64))
        kind = fault_of(changed, [heads[3], heads[-1]])
        assert (3 if position < 4 else SIZE - 1, "rewritten") == kind


def test_an_entry_beyond_the_newest_head_is_found():
    """Rightly hashed and signed by nobody."""
    rows, heads = build(SIZE)
    assert (SIZE - 1, "unsigned") == fault_of(rows, heads[:-1])


def test_entries_that_nobody_ever_signed_are_found_at_the_first():
    """Rows and no head at all."""
    rows, _ = build(1)
    assert (0, "unsigned") == fault_of(rows, [])


def test_every_fault_says_in_words_where_it_is():
    """A sentence with the position, for each kind."""
    rows, heads = build(4)
    forged = sign_head(Ed25519PrivateKey.generate(), 4, heads[-1].root)
    cases = {
        "changed": ([*rows[:2], dataclasses.replace(rows[2], entry=b"x"), rows[3]], heads),
        "deleted": ([rows[0], *rows[2:]], heads),
        "reordered": ([rows[0], rows[0], *rows[1:]], heads),
        "rewritten": ([*rows[:3], leaf(3, b"x")], heads),
        "truncated": (rows[:2], heads),
        "unsigned": (rows, heads[:2]),
        "forged head": (rows, [*heads[:3], forged]),
    }
    for kind, (some, signed) in cases.items():
        fault = verify(some, signed, KEY.public_key()).fault
        assert kind == fault.kind
        assert any(sign.isdigit() for sign in fault.message), kind


@pytest.mark.parametrize("commitment", [None, SALTED], ids=["0.1.0", "since"])
def test_the_hash_of_a_row_is_that_of_the_first_day(commitment):
    """Computed here by hand: label, position, month, digest and commitment with their lengths."""
    parts = [
        b"moiety/vault/trail/1" if commitment is None else b"moiety/vault/trail/2",
        (258).to_bytes(8, "big"), b"2026-11-01", hashlib.sha256(b"sealed").digest(),
        *([] if commitment is None else [commitment]),
    ]  # fmt: skip
    octets = struct.pack("<Q", len(parts))
    for part in parts:
        octets += struct.pack("<Q", len(part)) + part
    found = hash_entry(258, date(2026, 11, 1), b"sealed", commitment)
    assert hashlib.sha256(b"\x00" + octets).digest() == found


DAMAGE = {
    "none": lambda rows: rows,
    "changed": lambda rows: [
        leaf(row.position, b"other") if row.position == 9 else row for row in rows
    ],
    "bent": lambda rows: [
        dataclasses.replace(row, entry=b"other") if row.position == 9 else row for row in rows
    ],
    "one gone": lambda rows: rows[:9] + rows[10:],
    "a piece gone": lambda rows: rows[:8] + rows[12:],
    "cut": lambda rows: rows[:9],
    "cut at a piece": lambda rows: rows[:8],
    "swapped": lambda rows: [*rows[:9], rows[10], rows[9], *rows[11:]],
    "more": lambda rows: [*rows, leaf(len(rows), b"more")],
    "before all": lambda rows: [dataclasses.replace(rows[0], position=-1), *rows],
}


@pytest.mark.parametrize("size", [13, 16, 17])
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("seldom", [1, 3, 5])
def test_pieces_tell_what_one_walk_tells(monkeypatch, size, damage, seldom):
    """However small the pieces are and wherever a head falls: the same fault, size and root."""
    rows, heads = build(size)
    rows, heads = DAMAGE[damage](rows), heads[::-seldom]
    whole = verify(rows, heads, KEY.public_key())
    assert ("none" == damage) == (whole.fault is None)
    for piece in (1, 2, 4, 8):
        monkeypatch.setattr(verification, "PIECE", piece)
        assert whole == verify(rows, heads, KEY.public_key())


def test_the_month_outside_the_seals_is_that_of_utc(monkeypatch):
    """Wherever the process runs: its zone would say where, and months would differ."""
    zones = set()
    for zone in ("UTC", "Pacific/Kiritimati", "Etc/GMT+12"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        with monkeypatch.context() as patch:
            patch.setattr(trail, "datetime", _NewYear)
            zones.add(trail.current_month())
    monkeypatch.undo()
    time.tzset()
    assert {date(2027, 1, 1)} == zones


class _NewYear(datetime):
    """Half past midnight of New Year's Day, UTC."""

    @classmethod
    def now(cls, tz=None):
        return datetime(2027, 1, 1, 0, 30, tzinfo=UTC).astimezone(tz)
