"""Personal values of a decision about many: a row a heap, from which one can go."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage_vault import packets, personal
from linkage_vault.keys import create_key_file, load_key_file
from linkage_vault.packets import Packet, Packing
from linkage_vault.personal import AuditorKey, auditor_key_of, new_auditor_key
from linkage_vault.seal import Batch, Tampered, seal

RING = None


@pytest.fixture(scope="module", autouse=True)
def _shared_ring(tmp_path_factory):
    global RING  # noqa: PLW0603  Hypothesis takes no function-scoped fixtures
    folder = tmp_path_factory.mktemp("ring")
    create_key_file(folder / "vault.keys")
    RING = load_key_file(folder / "vault.keys")


def packing(boxes=None):
    """What one append seals with."""
    return Packing(RING, Batch(RING.trail.current), boxes)


def held(rows, position=7):
    """The ids of rows about many."""
    return [
        subject for row in rows for subject in packets.open_subjects(RING, position, row, many=True)
    ]


def neighbours(count):
    """Ids of one heap."""
    found, heap = [uuid4()], None
    heap = personal.bucket_of(RING, found[0])
    while len(found) < count:
        one = uuid4()
        if personal.bucket_of(RING, one) == heap:
            found.append(one)
    return found


@given(st.lists(st.uuids(), min_size=2, max_size=200), st.none() | st.text(max_size=300))
def test_all_ids_and_the_reason_come_back(subjects, reason):
    """Each id in the heap that a search for it opens; one that was named twice, twice."""
    rows = packing().pack(7, personal.disclose_each(subjects, reason))
    assert sorted(subjects) == sorted(held(rows))
    for row in rows:
        assert reason == packets.open_reason(RING, 7, row, many=True)
        for subject in packets.open_subjects(RING, 7, row, many=True):
            assert row.bucket in personal.buckets_of(RING, subject)
    assert len(rows) == len({row.bucket for row in rows})


def test_a_thousand_of_one_heap_fit():
    """The most that one entry is about, with the longest reason."""
    subject = uuid4()
    values = personal.disclose_each([subject] * packets.TOGETHER, "𝔐" * 300)
    (row,) = packing().pack(7, values)
    assert [subject] * packets.TOGETHER == held([row])
    with pytest.raises(ValueError, match="names each"):
        packing().pack(7, personal.disclose_each([None, None], None))


def test_lengths_tell_dozens_and_whether_there_is_a_reason():
    """Rows of one and of twelve ids are alike; thirteen need the next dozen."""

    def lengths(count, reason):
        (row,) = packing().pack(7, personal.disclose_each(neighbours(1) * count, reason))
        return len(row.subject), len(row.disclosed)

    assert lengths(2, None) == lengths(12, None) != lengths(13, None)
    assert lengths(2, "x") == lengths(12, "x" * 300) != lengths(2, None)


@given(st.sets(st.uuids(), min_size=2, max_size=60), st.data())
def test_who_goes_is_gone_and_the_others_stay(subjects, data):
    """Nothing of them is left in the new rows; what stays still proves what was committed to."""
    gone = data.draw(st.sets(st.sampled_from(sorted(subjects))))
    values = personal.disclose_each(sorted(subjects), "asked by post")
    before = packing().pack(7, values)
    after = [packets.without(RING, 7, row, gone, many=True) for row in before]
    rows = [row for row in after if row is not None]
    assert sorted(subjects - gone) == sorted(held(rows))
    committed = {personal.commit(one) for one in values}
    for row in rows:
        reason, salts = packets._open_salts(RING.trail, 7, row)
        ids = packets.open_subjects(RING, 7, row, many=True)
        assert len(salts) == len(ids) * personal.SALT_SIZE
        for number, subject in enumerate(ids):
            salt = salts[number * personal.SALT_SIZE :][: personal.SALT_SIZE]
            assert personal.commit(personal.Disclosed(salt, subject, reason)) in committed


def test_what_stays_is_not_sealed_again():
    """A row without anybody who goes is left as it is, for one and for many."""
    (row,) = packing().pack(7, personal.disclose_each(neighbours(2), None))
    assert row is packets.without(RING, 7, row, {uuid4()}, many=True)
    (one,) = packing().pack(7, [personal.disclose(UUID(int=4), None)])
    assert one is packets.without(RING, 7, one, {uuid4()}, many=False)
    assert packets.without(RING, 7, one, {UUID(int=4)}, many=False) is None


def test_the_auditor_opens_a_box_for_each_and_the_vault_none():
    """Boxes stay behind each other in the order of the ids; who goes takes the own box along."""
    auditor = AuditorKey(new_auditor_key())
    subjects = neighbours(3)
    boxes = personal.new_boxes(auditor_key_of(auditor.public_text))
    values = personal.disclose_each(subjects, "Recalled implant")
    (row,) = packing(boxes).pack(7, values)
    assert packets.open_reason(RING, 7, row, many=True) is None
    assert values == [auditor.open_box(7, box) for box in packets.boxes_in(row)]
    left = packets.without(RING, 7, row, {subjects[1]}, many=True)
    assert [subjects[0], subjects[2]] == held([left])
    assert [values[0], values[2]] == [auditor.open_box(7, box) for box in packets.boxes_in(left)]
    (bare,) = packing().pack(7, values)
    assert [] == packets.boxes_in(bare)
    (one,) = packing(boxes).pack(7, values[:1])
    assert values[:1] == [auditor.open_box(7, box) for box in packets.boxes_in(one)]


@pytest.mark.parametrize("what", ["position", "heap", "exchanged", "form"])
def test_a_row_elsewhere_does_not_open(what):
    """Bound to entry and heap, both envelopes; the control opens."""
    (row,) = packing().pack(7, personal.disclose_each(neighbours(2), None))
    assert packets.open_reason(RING, 7, row, many=True) is None
    assert 2 == len(held([row]))
    moved, position = row, 7
    if what == "position":
        position = 8
    elif what == "heap":
        moved = row._replace(bucket=(row.bucket + 1) % personal.BUCKETS)
    elif what == "exchanged":
        moved = Packet(row.bucket, row.disclosed, row.subject)
    else:
        place = packets._place(7, row.bucket, "disclosed")
        odd = seal(RING.trail.current, b"\xc1", place, size=64)
        moved = row._replace(subject=row.subject[:-1], disclosed=odd)
    with pytest.raises(Tampered):
        packets.open_subjects(RING, position, moved, many=True)
    with pytest.raises(Tampered):
        packets.open_reason(RING, position, moved, many=True)


def test_a_leaf_about_many_has_a_commitment_for_each():
    """32 octets each; one alone is no list of many."""
    octets = bytes(range(96))
    assert [octets[:32], octets[32:64], octets[64:]] == packets.commitments_of(octets)
    assert [False, True, True] == [packets.is_many(octets[:size]) for size in (32, 64, 96)]


def test_two_who_stay_in_one_heap_keep_their_salts():
    """The salts stay whole and in the order of their ids, with the reason."""
    subjects = neighbours(3)
    values = personal.disclose_each(subjects, "asked by post")
    (row,) = packing().pack(7, values)
    left = packets.without(RING, 7, row, {subjects[1]}, many=True)
    assert ("asked by post", values[0].salt + values[2].salt) == packets._open_salts(
        RING.trail, 7, left
    )
    assert [subjects[0], subjects[2]] == held([left])


def test_an_entry_about_nobody_has_no_ids():
    """One row, in any heap, with an empty seal."""
    (row,) = packing().pack(7, [personal.disclose(None, None)])
    assert [] == packets.open_subjects(RING, 7, row, many=False)
