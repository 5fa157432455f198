"""Entries of the trail in their row: one length, no person in it, values that can go."""

import dataclasses
import hashlib
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage_vault import entries, personal
from linkage_vault.entries import ENTRY_SIZE, Entry, Leaf
from linkage_vault.keys import create_key_file, load_key_file
from linkage_vault.packets import Packing
from linkage_vault.personal import AuditorKey, new_auditor_key
from linkage_vault.purposes import PurposeOfUse
from linkage_vault.seal import Batch, Place, Tampered, seal
from moiety.kit.boxes import BoxKey, boxes_for, new_key

MONTH = datetime(2026, 11, 1, tzinfo=UTC).date()


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A fresh ring."""
    file = tmp_path_factory.mktemp("keys") / "vault.keys"
    create_key_file(file)
    return load_key_file(file)


def entry(**more):
    """An entry as a linkage officer's question makes it."""
    facts = {
        "at": datetime.now(UTC),
        "action": "resolve_ehr",
        "outcome": "allowed",
        "user_id": uuid4(),
        "user_name": "Ada Example",
        "key_id": "0123456789ab",
        "purpose_of_use": "PATSFTY",
        "reason": "Recalled implant, batch of May",
        "subject": uuid4(),
    }
    return Entry(**(facts | more))


def stored(keys, one, position=0, box=None):
    """The row of an entry, as the trail stores it."""
    kept, values = entries.encode(one)
    packing = Packing(keys, Batch(keys.trail.current), box)
    return Leaf(
        position,
        MONTH,
        entries.seal_entry(Batch(keys.trail.current), position, kept),
        bytes(32),
        b"".join(personal.commit(one) for one in values),
        tuple(packing.pack(position, values)),
    )


def test_an_entry_comes_back_whole_but_for_the_name(keys):
    """The name is looked up by who reads: it is not kept."""
    one = entry(role="linkage_officer", grant_id=uuid4(), request_hash=bytes(32), count=3)
    found = entries.open_leaf(keys, stored(keys, one))
    assert found == Entry(
        **{name: getattr(one, name) for name in Entry.__struct_fields__} | {"user_name": None}
    )


def test_the_longest_entry_fits_its_seal():
    """Every field at its longest, a reason of 300 four-octet letters."""
    one = entry(
        action="x" * 32, outcome="x" * 16, purpose_of_use=max(PurposeOfUse, key=len),
        reason="𝔐" * 300, role="x" * 20, legal_basis="x" * 64, grant_id=uuid4(),
        approval_id=uuid4(), project_id=uuid4(), service="f" * 12, request_hash=bytes(32),
        kind="x" * 16, count=1 << 40,
    )  # fmt: skip
    encoded = entries.encode(one)
    assert len(encoded.kept) <= ENTRY_SIZE - 2


def test_a_longer_entry_is_refused_before_anything_waits_for_it():
    """ValueError, and the value is not repeated."""
    with pytest.raises(ValueError, match="exceeds 576 octets") as caught:
        entries.encode(entry(legal_basis="Fletcher" * 100))
    assert "Fletcher" not in str(caught.value)


@given(st.none() | st.uuids(), st.none() | st.text(max_size=300), st.none() | st.text(max_size=20))
def test_all_envelopes_of_a_column_have_one_length(subject, reason, role):
    """Whoever has a dump learns only whether a reason was given."""
    keys = RING
    one, other = entry(subject=subject, reason=reason, role=role), entry(subject=uuid4())
    first, second = stored(keys, one), stored(keys, other)
    assert len(first.entry) == len(second.entry)
    (a,), (b,) = first.personal, second.personal
    assert len(a.subject) == len(b.subject)
    if reason is not None:
        assert len(a.disclosed) == len(b.disclosed)


def test_with_an_auditor_the_vault_cannot_read_a_reason(keys):
    """Only the auditor's private key opens the box; the commitment proves what was in it."""
    auditor = AuditorKey(new_auditor_key())
    box = personal.new_boxes(personal.auditor_key_of(auditor.public_text))
    one = entry()
    leaf = stored(keys, one, box=box)
    found = entries.open_leaf(keys, leaf)
    assert (one.subject, None) == (found.subject, found.reason)
    box = leaf.personal[0].disclosed
    values = auditor.open_box(0, box)
    assert (one.subject, one.reason) == (values.subject, values.reason)
    assert leaf.commitment == personal.commit(values)
    assert leaf.commitment != personal.commit(dataclasses_replace(values, reason="Another reason"))
    for opened in (lambda: AuditorKey(new_auditor_key()).open_box(0, box),
                   lambda: auditor.open_box(1, box),
                   lambda: auditor.open_box(0, box[:-1] + bytes([box[-1] ^ 1]))):  # fmt: skip
        with pytest.raises(Tampered):
            opened()


def test_every_field_of_an_entry_comes_back(keys):
    """Each with a value of its own, so that none is dropped or exchanged."""
    own = {
        "role": "linkage_officer", "legal_basis": "consent", "grant_id": uuid4(),
        "approval_id": uuid4(), "project_id": uuid4(), "service": "fedcba987654",
        "request_hash": bytes(range(32)), "kind": "break_glass", "count": 7,
    }  # fmt: skip
    one = entry(**own)
    found = entries.open_leaf(keys, stored(keys, one))
    assert own == {name: getattr(found, name) for name in own}
    names = [getattr(found, name) for name in Entry.__struct_fields__]
    assert None not in [value for name, value in zip(Entry.__struct_fields__, names, strict=True)
                        if name != "user_name"]  # fmt: skip


def test_an_entry_of_exactly_the_size_fits_and_one_octet_more_does_not():
    """The seal's two octets of length are counted."""
    spare = ENTRY_SIZE - 2 - len(entries.encode(entry(kind="")).kept)
    longest = entry(kind="x" * (spare - 2))  # msgpack writes two octets more for a longer text
    assert ENTRY_SIZE - 2 >= len(entries.encode(longest).kept) >= ENTRY_SIZE - 4
    with pytest.raises(ValueError, match="exceeds"):
        entries.encode(entry(kind="x" * (spare + 1)))


def test_a_commitment_is_what_it_was_on_the_first_day():
    """A known answer, worked out by hand of the encoding: what is stored must stay provable."""
    values = personal.Disclosed(bytes(range(32)), UUID(int=5), "why")
    parts = (b"moiety/vault/personal/1", bytes(range(32)), UUID(int=5).bytes, b"\x01why")
    encoded = len(parts).to_bytes(8, "little") + b"".join(
        len(part).to_bytes(8, "little") + part for part in parts
    )
    assert hashlib.sha256(encoded).digest() == personal.commit(values)
    nobody = personal.Disclosed(bytes(range(32)), None, None)
    parts = (b"moiety/vault/personal/1", bytes(range(32)), b"", b"")
    encoded = len(parts).to_bytes(8, "little") + b"".join(
        len(part).to_bytes(8, "little") + part for part in parts
    )
    assert hashlib.sha256(encoded).digest() == personal.commit(nobody)
    assert personal.commit(values) != personal.commit(
        personal.Disclosed(bytes(range(32)), UUID(int=6), "why")
    )


def test_places_are_what_they_were_on_the_first_day(keys):
    """Envelopes made by hand for these names open: renaming one would lose the trail."""
    current = keys.trail.current
    kept = entries.encode(entry()).kept
    sealed = seal(current, kept, Place("trail_leaf", "7", "entry", 1), size=ENTRY_SIZE)
    leaf = Leaf(7, MONTH, sealed, bytes(32), bytes(32))
    assert "resolve_ehr" == entries.open_leaf(keys, leaf).action
    subject = uuid4()
    place = Place("trail_personal", "7", "subject", 1)
    sealed = seal(current, subject.bytes, place, size=personal.SUBJECT_SIZE)
    assert subject == personal.open_subject(keys, 7, sealed)
    assert (
        personal.open_subject(keys, 7, personal.seal_subject(Batch(keys.trail.current), 7, None))
        is None
    )
    values = personal.disclose(subject, "why")
    place = Place("trail_personal", "7", "disclosed", 1)
    sealed = seal(current, msgspec.msgpack.encode(values), place, size=personal.LONG)
    assert values == personal.open_disclosed(keys.trail, 7, sealed)
    auditor = BoxKey(new_key())
    boxes = boxes_for(auditor.public, label=b"moiety/vault/auditor/1")
    label = b"moiety/vault/disclosed/1"
    bound = b"".join((
        (2).to_bytes(8, "little"), len(label).to_bytes(8, "little"), label,
        (8).to_bytes(8, "little"), (7).to_bytes(8, "big"),
    ))  # fmt: skip
    box = b"A" + boxes.seal(msgspec.msgpack.encode(values), bound, size=personal.LONG)
    private = auditor._key.private_bytes_raw().hex()
    assert values == AuditorKey(private).open_box(7, box)


@pytest.mark.parametrize("boxed", [False, True])
def test_lengths_tell_whether_there_is_a_reason_and_no_more(keys, boxed):
    """Two lengths: without a reason, and with one, however long; for the vault and in a box."""
    public = AuditorKey(new_auditor_key()).public_text
    boxes = personal.new_boxes(personal.auditor_key_of(public)) if boxed else None
    batch = Batch(keys.trail.current)
    lengths = [
        {len(personal.seal_disclosed(batch, boxes, 0, personal.disclose(subject, reason)))
         for subject in (None, uuid4())}
        for reason in (None, "x" * 10, "\U0001d510" * 300)
    ]  # fmt: skip
    assert lengths[1] == lengths[2] != lengths[0]
    assert all(len(one) == 1 for one in lengths)


def test_a_shredded_entry_still_opens_without_its_values(keys):
    """What is left is who asked what and when, and nothing of whom."""
    leaf = stored(keys, entry())
    gone = dataclasses.replace(leaf, personal=())
    found = entries.open_leaf(keys, gone)
    assert ("resolve_ehr", None, None) == (found.action, found.subject, found.reason)


def test_a_commitment_is_not_guessable_without_its_salt():
    """Equal values have unequal commitments; the control, one salt, has equal ones."""
    subject = UUID(int=7)
    first, second = personal.disclose(subject, None), personal.disclose(subject, None)
    assert personal.commit(first) != personal.commit(second)
    same = personal.Disclosed(first.salt, subject, None)
    assert personal.commit(first) == personal.commit(same)


def test_values_moved_to_another_entry_do_not_open(keys):
    """The subject and the values are bound to their position."""
    leaf = stored(keys, entry(), position=3)
    with pytest.raises(Tampered):
        personal.open_subject(keys, 4, leaf.personal[0].subject)
    with pytest.raises(Tampered):
        personal.open_disclosed(keys.trail, 4, leaf.personal[0].disclosed)


def test_heaps_spread_and_are_found_again(keys):
    """64 heaps, each id always in the same."""
    ids = [uuid4() for _ in range(2_000)]
    assert all(personal.bucket_of(keys, one) in personal.buckets_of(keys, one) for one in ids)
    assert personal.BUCKETS == len({personal.bucket_of(keys, one) for one in ids})


def dataclasses_replace(values, **more):
    """A struct with some fields changed."""
    fields = {name: getattr(values, name) for name in values.__struct_fields__}
    return type(values)(**(fields | more))


def _ring(folder):
    create_key_file(folder / "vault.keys")
    return load_key_file(folder / "vault.keys")


@pytest.fixture(scope="module", autouse=True)
def _shared_ring(tmp_path_factory):
    global RING  # noqa: PLW0603  Hypothesis takes no function-scoped fixtures
    RING = _ring(tmp_path_factory.mktemp("ring"))


RING = None


def test_entries_about_nobody_lie_in_any_heap(keys):
    """All heaps are used, and nothing tells such an entry from one about somebody."""
    heaps = {personal.bucket_of(keys, None) for _ in range(2000)}
    assert set(range(personal.BUCKETS)) == heaps


def test_an_entry_of_the_first_version_still_opens(keys):
    """All in one seal, as JSON, without a commitment; anything else there is Tampered."""
    whole = entry(subject=uuid4(), reason="asked by post")
    octets = msgspec.json.encode(whole)
    place = Place("trail_leaf", "5", "entry", 1)
    sealed = seal(keys.trail.current, octets, place, size=1024)
    assert whole == entries.open_leaf(keys, Leaf(5, MONTH, sealed, b""))
    odd = seal(keys.trail.current, b"[1]", place, size=1024)
    with pytest.raises(Tampered, match="form that was ever written"):
        entries.open_leaf(keys, Leaf(5, MONTH, odd, b""))
