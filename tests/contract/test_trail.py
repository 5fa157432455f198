"""The trail in its database: proofs from stored subtrees, values that go, witnesses that know."""

import json
import socket
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import pytest
import sqlalchemy as sa

from linkage_vault import merkle, personal, proofs, trail, verification, witnesses
from linkage_vault.entries import Entry
from linkage_vault.keys import create_key_file, load_key_file, public_octets
from linkage_vault.personal import AuditorKey, auditor_key_of, new_auditor_key
from linkage_vault.seal import Tampered
from linkage_vault.trail_tables import trail_head, trail_leaf, trail_node
from linkage_vault.tree_heads import sign_head
from linkage_vault.vault import Vault
from linkage_vault.verification import verify
from linkage_vault.witnesses import Rewritten, Target
from moiety.commands import trail as command
from moiety.commands import verifying
from moiety.kit.settings import SettingsError
from tests.fixtures.fix_database import copied


@pytest.fixture
def own(cluster, tmp_path):
    """A vault of this test's own, as the app role; its migrator's URL beside it."""
    with copied(cluster, "vault") as copy:
        create_key_file(tmp_path / "vault.keys")
        url = sa.make_url(copy.url()).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url)
        yield Vault(engine, load_key_file(tmp_path / "vault.keys")), copy
        engine.dispose()


def ask(subject=None, reason=None, **more):
    """An entry."""
    return Entry(
        at=datetime.now(UTC), action="resolve_ehr", outcome="allowed", user_id=uuid4(),
        user_name=None, key_id="0123456789ab", purpose_of_use="TREAT", reason=reason,
        subject=subject, **more,
    )  # fmt: skip


def rows_of(vault):
    """Every row and head, heads first."""
    with vault.engine.connect() as connection:
        heads = list(trail.heads(connection))
        return list(trail.leaves(connection)), heads


def change(copy, statement):
    """A statement as the superuser, whom no grant stops."""
    engine = sa.create_engine(
        sa.make_url(copy.url("postgres")).set(drivername="postgresql+psycopg")
    )
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


# --- proofs --------------------------------------------------------------------------------------


def test_proofs_from_stored_subtrees_are_those_of_the_leaves(own):
    """Every inclusion and consistency proof of a trail in batches, against all leaf hashes."""
    vault, _ = own
    for size in (1, 2, 7, 1, 12):
        trail.record_all(vault, [ask() for _ in range(size)])
    with vault.engine.connect() as connection:
        hashes = list(connection.scalars(
            sa.select(trail_leaf.c.leaf_hash).order_by(trail_leaf.c.position)
        ))  # fmt: skip
        assert 23 == len(hashes)
        for size in range(1, 24):
            for other in range(size):
                found = proofs.prove_inclusion(connection, other, size=size)
                assert merkle.prove_inclusion(hashes[:size], other) == found
                found = proofs.prove_consistency(connection, other + 1, size=size)
                assert merkle.prove_consistency(hashes[:size], other + 1) == found
        with pytest.raises(ValueError, match="not that many"):
            proofs.prove_inclusion(connection, 3, size=64)


def test_entries_of_the_release_before_are_read_proved_and_extended(own):
    """Rows without commitment, personal row and stored subtrees; then a new entry after them."""
    vault, _ = own
    with vault.engine.begin() as connection:
        _append_as_before(connection, vault, [ask(uuid4(), "Recalled implant") for _ in range(6)])
    trail.record_all(vault, [ask(), ask()])
    rows, heads = rows_of(vault)
    report = verify(rows, heads, vault.keys.tree_head_public)
    assert (8, None) == (report.size, report.fault)
    assert "Recalled implant" == trail.open_leaf(vault.keys, rows[2]).reason
    with vault.engine.connect() as connection:
        path = proofs.prove_inclusion(connection, 1, size=8)
        hashes = [row.leaf_hash for row in rows]
        assert merkle.prove_inclusion(hashes, 1) == path
        assert 1 == connection.scalar(sa.select(sa.func.count()).select_from(trail_node))


# --- personal values -----------------------------------------------------------------------------


def test_a_search_finds_the_entries_about_an_id_and_opens_no_other_heap(own):
    """Newest first; entries about others in the same heap are left out by who asks."""
    vault, _ = own
    wanted = uuid4()
    subjects = [uuid4(), wanted, None, uuid4(), wanted, *(uuid4() for _ in range(300))]
    trail.record_all(vault, [ask(subject) for subject in subjects])
    with vault.engine.connect() as connection:
        looked = list(trail.newest_about(connection, vault.keys, [wanted]))
    about = [row.position for row in looked
             if trail.open_leaf(vault.keys, row).subject == wanted]  # fmt: skip
    assert [4, 1] == about
    assert len(looked) < 60, "more than a few of the 64 heaps were opened"


def test_values_are_shredded_and_every_proof_still_holds(own, tmp_path):
    """The subject and reason are gone for vault and auditor; the tree, heads and others stay."""
    vault, _ = own
    auditor = AuditorKey(new_auditor_key())
    vault = Vault(vault.engine, vault.keys, auditor_key_of(auditor.public_text))
    leaver, stayer = uuid4(), uuid4()
    for subject in (leaver, stayer, leaver):
        trail.record(vault, ask(subject, "Recalled implant, batch of May"))
    before, heads = rows_of(vault)
    opened = [auditor.open_box(row.position, row.personal[0].disclosed).subject for row in before]
    assert [leaver, stayer, leaver] == opened, "the control: before, all can be read"
    with vault.engine.begin() as connection:
        assert 2 == trail.shred(connection, vault.keys, [leaver])
    after, heads = rows_of(vault)
    assert [None, stayer, None] == [trail.open_leaf(vault.keys, row).subject for row in after]
    assert [(), ()] == [after[0].personal, after[2].personal]
    report = verify(after, heads, vault.keys.tree_head_public)
    assert (3, None) == (report.size, report.fault)
    assert [row.leaf_hash for row in before] == [row.leaf_hash for row in after]


def test_the_auditor_alone_reads_subjects_and_reasons(own, tmp_path):
    """By the command, with the private key; a value that was exchanged does not hold."""
    vault, copy = own
    file = tmp_path / "auditor"
    command.create_auditor_key(file)
    assert 0o600 == file.stat().st_mode & 0o777
    vault = Vault(vault.engine, vault.keys, auditor_key_of(command.auditor_public_key(file)))
    subject = uuid4()
    trail.record_all(vault, [ask(subject, "Recalled implant"), ask()])
    found = command.disclose(copy.url("migrator"), file, first=0)
    assert [(0, subject, "Recalled implant", True), (1, None, None, True)] == [
        (one.position, one.subject, one.reason, one.holds) for one in found
    ]
    change(copy, "UPDATE trail_leaf SET commitment = sha256('x') WHERE position = 1")
    assert [True, False] == [o.holds for o in command.disclose(copy.url("migrator"), file, first=0)]


# --- tampering in the database -------------------------------------------------------------------

TAMPERING = {
    "change": ("UPDATE trail_leaf SET entry = set_byte(entry, 90, 1) WHERE position = 3", 3),
    "delete": ("DELETE FROM trail_leaf WHERE position = 4", 4),
    "swap": (
        """UPDATE trail_leaf a
           SET entry = b.entry, leaf_hash = b.leaf_hash, commitment = b.commitment
           FROM trail_leaf b WHERE (a.position, b.position) IN ((5, 6), (6, 5))""",
        5,
    ),
    "insert": (
        """INSERT INTO trail_leaf (position, month, entry, commitment, leaf_hash)
           SELECT 8, month, entry, commitment, leaf_hash FROM trail_leaf WHERE position = 1""",
        8,
    ),
    "truncate": ("DELETE FROM trail_leaf WHERE position >= 6", 6),
    "month": ("UPDATE trail_leaf SET month = month - 31 WHERE position = 2", 2),
    "head": ("UPDATE trail_head SET root = sha256('x') WHERE size = 5", 4),
}


@pytest.mark.parametrize("kind", TAMPERING)
def test_tampering_in_the_database_is_found_with_its_position(own, kind):
    """By a superuser, whom no grant stops; the control is the trail before, which is whole."""
    vault, copy = own
    for _ in range(8):
        trail.record(vault, ask(uuid4()))
    rows, heads = rows_of(vault)
    assert verify(rows, heads, vault.keys.tree_head_public).fault is None
    statement, position = TAMPERING[kind]
    change(copy, statement)
    rows, heads = rows_of(vault)
    fault = verify(rows, heads, vault.keys.tree_head_public).fault
    assert position == fault.position


# --- what a changed line of trail.py would do ---------------------------------------------------


def test_shredding_one_keeps_who_lies_in_the_same_heap(own):
    """Entries are found by heaps of many ids: only those about the ids themselves lose theirs."""
    vault, _ = own
    gone = uuid4()
    heap = personal.bucket_of(vault.keys, gone)
    kept = next(one for one in iter(uuid4, None) if personal.bucket_of(vault.keys, one) == heap)
    trail.record_all(vault, [ask(gone), ask(kept), ask()])
    with vault.engine.begin() as connection:
        assert 1 == trail.shred(connection, vault.keys, [gone])
    rows, _ = rows_of(vault)
    assert [[], [kept], []] == [trail.open_subjects(vault.keys, row) for row in rows]
    assert [0, 1, 1] == [len(row.personal) for row in rows]


def test_every_row_and_head_is_read_however_many_pages_they_are(own, monkeypatch):
    """Pages of three: ten rows forwards, backwards, from the middle, and ten heads, each once."""
    vault, _ = own
    for _ in range(10):
        trail.record(vault, ask())
    monkeypatch.setattr(trail, "_PAGE", 3)
    with vault.engine.connect() as connection:
        assert list(range(10)) == [row.position for row in trail.leaves(connection)]
        assert [7, 8, 9] == [row.position for row in trail.leaves(connection, first=7)]
        assert list(range(9, -1, -1)) == [row.position for row in trail.newest(connection)]
        assert [4, 3, 2, 1, 0] == [row.position for row in trail.newest(connection, before=5)]
        assert list(range(1, 11)) == [head.size for head in trail.heads(connection)]
        hashes = [row.leaf_hash for row in trail.leaves(connection)]
        assert [*hashes, None] == [trail.leaf_hash(connection, place) for place in range(11)]
        assert {1} == {row.month.day for row in trail.leaves(connection)}


def test_roots_come_from_stored_subtrees_and_without_them_from_leaves_in_their_order(own):
    """Subtrees answer when the leaves are gone; where there are none, leaves do, wherever in the
    heap they lie.
    """
    vault, copy = own
    trail.record_all(vault, [ask() for _ in range(8)])

    def root():
        with vault.engine.connect() as connection:
            return proofs.roots(connection, [(0, 8)])[0]

    expected = root()
    change(copy, "CREATE TABLE aside AS SELECT * FROM trail_leaf")
    change(copy, "DELETE FROM trail_leaf")
    assert expected == root()
    change(copy, "DELETE FROM trail_node")
    change(copy, "INSERT INTO trail_leaf SELECT * FROM aside ORDER BY position DESC")
    assert expected == root()
    change(copy, "DELETE FROM trail_leaf WHERE position = 3")
    with pytest.raises(ValueError, match="not that many"):
        root()


# --- witnesses -----------------------------------------------------------------------------------


def test_a_file_is_told_each_new_head_once_and_proves_a_rebuilt_trail(own, tmp_path):
    """Cut and continued, and wholly rebuilt with the vault's own key: both are an alarm."""
    vault, copy = own
    target = Target("file", str(tmp_path / "heads.jsonl"))
    assert 0 == witnesses.tell(vault, target, after=0)
    trail.record_all(vault, [ask() for _ in range(5)])
    assert 5 == witnesses.tell(vault, target, after=0)
    assert 5 == witnesses.tell(vault, target, after=5)
    trail.record(vault, ask())
    assert 6 == witnesses.tell(vault, target, after=5)
    lines = [json.loads(line) for line in (tmp_path / "heads.jsonl").read_text().splitlines()]
    assert [5, 6] == [line["size"] for line in lines]
    report = command.verify(
        copy.url("migrator"),
        public_octets(vault.keys.tree_head_public).hex(),
        tmp_path / "heads.jsonl",
    )
    assert report.fault is None
    change(copy, "TRUNCATE trail_leaf, trail_personal, trail_node, trail_head")
    trail.record_all(vault, [ask() for _ in range(7)])
    rows, heads = rows_of(vault)
    assert verify(rows, heads, vault.keys.tree_head_public).fault is None, "it agrees with itself"
    with pytest.raises(Rewritten):
        witnesses.tell(vault, target, after=0)
    report = command.verify(
        copy.url("migrator"),
        public_octets(vault.keys.tree_head_public).hex(),
        tmp_path / "heads.jsonl",
    )
    assert "rewritten" == report.fault.kind


@pytest.mark.parametrize("piece", [4, 8192])
def test_the_command_tells_where_the_trail_of_a_database_is_damaged(own, monkeypatch, piece):
    """The same positions as from its rows, also where a gap is longer than a piece."""
    vault, copy = own
    trail.record_all(vault, [ask() for _ in range(9)])
    trail.record_all(vault, [ask() for _ in range(10)])
    key = public_octets(vault.keys.tree_head_public).hex()
    for module in (verification, verifying):
        monkeypatch.setattr(module, "PIECE", piece)

    def found():
        fault = command.verify(copy.url("migrator"), key, None).fault
        rows, heads = rows_of(vault)  # from position 0
        if not (fault and fault.kind == "reordered"):
            assert fault == verify(rows, heads, vault.keys.tree_head_public).fault
        return fault and (fault.position, fault.kind)

    assert found() is None
    change(copy, "UPDATE trail_leaf SET position = -5 WHERE position = 18")
    assert (0, "reordered") == found()
    change(copy, "DELETE FROM trail_leaf WHERE position = -5")
    assert (18, "truncated") == found()
    change(copy, "UPDATE trail_leaf SET entry = entry || entry WHERE position = 13")
    assert (13, "changed") == found()
    change(copy, "DELETE FROM trail_leaf WHERE position BETWEEN 8 AND 15")
    assert (8, "deleted") == found()
    change(copy, "UPDATE trail_leaf SET leaf_hash = leaf_hash || leaf_hash WHERE position = 0")
    assert (0, "changed") == found()


def test_processes_tell_the_same_as_one(own, monkeypatch):
    """A trail that is long enough for several: whole, and damaged at a position."""
    vault, copy = own
    trail.record_all(vault, [ask() for _ in range(9)])
    key = public_octets(vault.keys.tree_head_public).hex()
    monkeypatch.setattr(verifying, "_SMALL", 8)
    report = command.verify(copy.url("migrator"), key, None)
    assert (9, 1, None) == (report.size, report.heads, report.fault)
    change(copy, "UPDATE trail_leaf SET entry = entry || entry WHERE position = 5")
    fault = command.verify(copy.url("migrator"), key, None).fault
    assert (5, "changed") == (fault.position, fault.kind)


def test_an_address_and_a_syslog_are_told(own):
    """One line of JSON each, over HTTP and as a datagram."""
    vault, _ = own
    trail.record(vault, ask())
    got = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/heads"
        assert 1 == witnesses.tell(vault, Target("http", url), after=0)
    assert [1] == [one["size"] for one in got]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        assert 1 == witnesses.tell(vault, Target("syslog", address), after=0)
        assert b'"size": 1' in listener.recv(2000)


def test_a_witness_that_is_away_is_told_later(own, tmp_path):
    """The worker goes on; the next look sends the head of that moment."""
    vault, _ = own
    trail.record(vault, ask())
    folder = tmp_path / "later"
    target = Target("file", str(folder / "heads.jsonl"))

    def told():
        file = folder / "heads.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line)["size"] for line in lines]

    with witnesses.keep_told(vault, [target], interval=0.05):
        trail.record(vault, ask())
        folder.mkdir()
        deadline = threading.Event()
        for _ in range(200):
            if 2 in told():
                break
            deadline.wait(0.05)
    assert 2 == told()[-1]


@pytest.mark.parametrize("text", ["ftp://x", "syslog:host", "file:", "https:///path", "heads"])
def test_a_witness_that_is_no_address_stops_the_start(text):
    """One sentence that says what a witness looks like."""
    with pytest.raises(SettingsError, match="witness"):
        witnesses.read_targets(text)


def _append_as_before(connection, vault, asks):
    """As version 0.1.0 appended: everything in one seal, no commitment, no subtree, a head each."""
    import msgspec

    from linkage_vault.seal import Place, seal
    from linkage_vault.tree_heads import sign_head

    peaks = ()
    for position, entry in enumerate(asks):
        month = trail.current_month()
        place = Place("trail_leaf", str(position), "entry", 1)
        sealed = seal(vault.keys.trail.current, msgspec.json.encode(entry), place, size=1872)
        hashed = trail.hash_entry(position, month, sealed, None)
        peaks = merkle.append(peaks, position, hashed)
        head = sign_head(vault.keys.tree_head, position + 1, merkle.root_of_peaks(peaks))
        connection.execute(trail_leaf.insert().values(
            position=position, month=month, entry=sealed, leaf_hash=hashed,
        ))  # fmt: skip
        connection.execute(trail_head.insert().values(
            size=head.size, root=head.root, peaks=b"".join(peaks), signature=head.signature,
        ))  # fmt: skip


# --- a head that is not ours ---------------------------------------------------------------------


@pytest.fixture
def grown(own):
    """A trail of 10 entries that this process has signed the head of."""
    vault, copy = own
    trail.record_all(vault, [ask() for _ in range(10)])
    assert 10 == vault.appends.signed[0]
    return vault, copy


def forget(vault):
    """Another process at the same trail, which has signed nothing yet."""
    return Vault(vault.engine, vault.keys)


@pytest.mark.parametrize("mine", [True, False], ids=["who signed it", "another process"])
@pytest.mark.parametrize("column", ["root", "peaks", "signature"])
def test_a_head_that_was_changed_is_not_grown(grown, column, mine):
    """One octet of any of them: Tampered, and nothing is added; whoever signed the last one too."""
    vault, copy = grown
    change(copy, f"UPDATE trail_head SET {column} = set_byte({column}, 3,"
                 f" (get_byte({column}, 3) + 1) % 256) WHERE size = 10")  # fmt: skip
    with pytest.raises(Tampered, match="not one that this vault signed"):
        trail.record(vault if mine else forget(vault), ask())
    assert 10 == len(rows_of(vault)[0])


def test_a_head_of_another_key_is_not_grown(grown, tmp_path):
    """Root and peaks agree, and the signature is genuine, of somebody else."""
    vault, copy = grown
    create_key_file(tmp_path / "other.keys")
    other = load_key_file(tmp_path / "other.keys")
    root = rows_of(vault)[1][-1].root
    forged = sign_head(other.tree_head, 10, root).signature.hex()
    change(copy, f"UPDATE trail_head SET signature = '\\x{forged}' WHERE size = 10")
    for one in (vault, forget(vault)):
        with pytest.raises(Tampered):
            trail.record(one, ask())


def test_roots_of_all_larger_subtrees_are_stored_and_no_more(own):
    """Of 64 entries in two batches: eight of eight, four, two and one; none of fewer than eight."""
    vault, copy = own
    trail.record_all(vault, [ask() for _ in range(50)])
    trail.record_all(vault, [ask() for _ in range(14)])
    with vault.engine.connect() as connection:
        found = set(connection.execute(sa.select(trail_node.c.level, trail_node.c.place)).all())
        hashes = [row.leaf_hash for row in trail.leaves(connection)]
        whole = connection.scalar(sa.select(trail_node.c.hash).where(trail_node.c.level == 6))
    assert found == {(level, place) for level in range(3, 7) for place in range(64 >> level)}
    assert merkle.root_of_leaves(hashes) == whole
    change(copy, "DELETE FROM trail_node")  # as the release before left some trails
    with vault.engine.connect() as connection:
        for start, end in ((8, 16), (16, 32), (4, 6), (48, 64)):
            found = proofs.roots(connection, [(start, end)])
            assert [merkle.root_of_leaves(hashes[start:end])] == found


# --- decisions about many ------------------------------------------------------------------------


def tell(vault, subjects, *, reason=None, outcome="allowed"):
    """One decision about many."""
    trail.record_alike(vault, ask(reason=reason), [(outcome, one) for one in subjects])


def about(vault, *subjects):
    """The positions and outcomes of the entries about some ids."""
    with vault.engine.connect() as connection:
        return [
            (leaf.position, entry.outcome, entry.subject)
            for leaf, entry in trail.about(connection, vault.keys, set(subjects))
        ]


def test_a_decision_about_many_is_one_entry_and_each_of_them_finds_it(own):
    """One leaf an outcome, of one head; a search finds it by any of its ids and by no other."""
    vault, _ = own
    many, unknown = [uuid4() for _ in range(1000)], [uuid4() for _ in range(3)]
    told = [*(("allowed", one) for one in many), *(("unknown", one) for one in unknown)]
    assert 0 == trail.record_alike(vault, ask(reason="Recall", count=1003), told)
    rows, heads = rows_of(vault)
    assert [1000, 3] == [len(row.commitment) // 32 for row in rows]
    assert 1 == len(heads)
    assert ["allowed", "unknown"] == [trail.open_leaf(vault.keys, row).outcome for row in rows]
    assert ["Recall"] * 2 == [trail.open_leaf(vault.keys, row).reason for row in rows]
    assert sorted(many) == sorted(trail.open_subjects(vault.keys, rows[0]))
    assert [(0, "allowed", many[500])] == about(vault, many[500])
    assert [(1, "unknown", unknown[1])] == about(vault, unknown[1])
    assert [] == about(vault, uuid4())
    assert verify(rows, heads, vault.keys.tree_head_public).fault is None
    with vault.engine.connect() as connection:
        newest = list(trail.newest(connection))
    assert [1, 1] == [len(row.personal) for row in newest], "one heap is enough for the reason"


def test_what_is_about_nobody_is_an_entry_by_itself(own):
    """Beside those about many."""
    vault, _ = own
    one = uuid4()
    told = [("allowed", None), ("allowed", one), ("refused", None)]
    trail.record_alike(vault, ask(), told)
    rows, _ = rows_of(vault)
    found = [trail.open_leaf(vault.keys, row) for row in rows]
    assert [("allowed", one), ("allowed", None), ("refused", None)] == [
        (entry.outcome, entry.subject) for entry in found
    ]


def test_more_than_an_entry_holds_are_several(own):
    """A thousand an entry at most."""
    vault, _ = own
    tell(vault, [uuid4() for _ in range(2001)])
    assert [1000, 1000, 1] == [len(row.commitment) // 32 for row in rows_of(vault)[0]]


@pytest.mark.parametrize("has_auditor", [False, True])
def test_one_of_many_is_forgotten_and_the_others_are_not(own, tmp_path, has_auditor):
    """Search, auditor and proofs: what was about one person is gone, all else stays."""
    vault, copy = own
    file = tmp_path / "auditor"
    command.create_auditor_key(file)
    if has_auditor:
        public = auditor_key_of(command.auditor_public_key(file))
        vault = Vault(vault.engine, vault.keys, public)
    many = [uuid4() for _ in range(300)]
    gone, stayers = many[7], [*many[:7], *many[8:]]
    tell(vault, many, reason="Recall")
    trail.record(vault, ask(gone))
    assert [1, 0] == [position for position, *_ in about(vault, gone)]
    before, heads = rows_of(vault)
    with vault.engine.begin() as connection:
        assert 2 == trail.shred(connection, vault.keys, [gone])
    assert [] == about(vault, gone)
    rows, heads = rows_of(vault)
    assert sorted(stayers) == sorted(trail.open_subjects(vault.keys, rows[0]))
    assert verify(rows, heads, vault.keys.tree_head_public).fault is None
    assert [row.leaf_hash for row in before] == [row.leaf_hash for row in rows]
    found = command.disclose(copy.url("migrator"), file, first=0)
    assert (sorted(stayers) if has_auditor else []) == sorted(one.subject for one in found)
    assert all(one.holds and one.reason == "Recall" for one in found)


def test_two_who_are_forgotten_at_once_are_both_gone(own):
    """Two erasures rewrite the row of one heap: the second waits for the first and begins there."""
    vault, _ = own
    first = uuid4()
    heap = personal.bucket_of(vault.keys, first)
    same = (one for one in iter(uuid4, None) if personal.bucket_of(vault.keys, one) == heap)
    second, third = next(same), next(same)
    tell(vault, [first, second, third])
    waiting = threading.Event()

    def forget_second():
        with vault.engine.begin() as connection:
            waiting.set()
            trail.shred(connection, vault.keys, [second])

    with vault.engine.begin() as connection:
        trail.shred(connection, vault.keys, [first])
        thread = threading.Thread(target=forget_second)
        thread.start()
        waiting.wait()
        thread.join(0.3)
        assert thread.is_alive(), "the control: it has to wait"
    thread.join()
    rows, _ = rows_of(vault)
    assert [third] == trail.open_subjects(vault.keys, rows[0])


def test_forgetting_goes_on_behind_a_heap_that_holds_nobody_who_goes(own):
    """Two ids are forgotten together, of which an entry has only the one in the later heap."""
    vault, _ = own
    many = [uuid4() for _ in range(300)]
    last = max(personal.bucket_of(vault.keys, one) for one in many)
    gone = next(one for one in many if personal.bucket_of(vault.keys, one) == last)
    absent = next(one for one in iter(uuid4, None) if personal.bucket_of(vault.keys, one) < last)
    tell(vault, many)
    with vault.engine.begin() as connection:
        assert 1 == trail.shred(connection, vault.keys, [absent, gone])
    rows, _ = rows_of(vault)
    assert {gone} == set(many) - set(trail.open_subjects(vault.keys, rows[0]))
