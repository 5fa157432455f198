"""Rotating keys: under load, after kill -9, for good."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa

from linkage_vault import link_pairs, linked, links, merging, tables
from linkage_vault.keys import load_key_file
from linkage_vault.link_rows import Pair
from linkage_vault.merges import Merge
from linkage_vault.people_keys import people_key_path
from linkage_vault.purposes import PurposeOfUse as P
from linkage_vault.seal import Tampered
from moiety.commands import rotation
from tests.fixtures.fix_links import alone, fill, opened, somebody

ROOT = Path(__file__).parents[2]
REASON = "Migration of the old system"
LINKS = 2000


@pytest.fixture
def stocked(cluster, tmp_path):
    """A vault with links, a merge, a task and a pool: (vault, settings, database, pairs)."""
    with alone(cluster, tmp_path) as (settings, database, _), opened(settings) as vault:
        fill(vault, 150)
        officer = somebody(database, "linkage_officer")
        pairs = [Pair(uuid4(), uuid4()) for _ in range(LINKS)]
        for start in range(0, LINKS, 1000):
            linked.adopt(vault, officer, pairs[start : start + 1000], reason=REASON)
        merge = Merge(pairs[0].person_id, pairs[1].person_id)
        assert merging.merge(vault, officer, merge, reason=REASON)
        yield vault, settings, database, pairs


def whose(vault, pairs):
    """What the EHRs of pairs lead to."""
    with vault.engine.connect() as connection:
        found = link_pairs.find_pairs(connection, vault.keys, "ehr", [one.ehr_id for one in pairs])
    return {ehr_id: pair.person_id for ehr_id, pair in found.items()}


def count(database, statement):
    """A number, as the migrator reads it."""
    with psycopg.connect(database.url("migrator")) as connection:
        return connection.execute(statement).fetchone()[0]


BELOW = {
    "kek": "SELECT (SELECT count(*) FROM link_key WHERE kek_version < {0})"
    " + (SELECT count(*) FROM pool_slot WHERE coalesce(kek_version, 0) < {0})"
    " + (SELECT count(*) FROM person_merge WHERE kek_version < {0})"
    " + (SELECT count(*) FROM link_task WHERE kek_version < {0})",
    "index": "SELECT (SELECT count(*) FROM link WHERE index_version < {0})"
    " + (SELECT count(*) FROM pool_slot WHERE coalesce(index_version, 0) < {0})"
    " + (SELECT count(*) FROM person_merge WHERE index_version < {0})",
}


@pytest.mark.parametrize("what", ["kek", "index"])
def test_under_load_no_read_fails_and_the_old_key_is_gone(stocked, what):
    """Readers and a writer go on; at the end nothing is under the old version, the key file does
    not hold it, and every row opens.
    """
    vault, settings, database, pairs = stocked
    expected = {pair.ehr_id: pair.person_id for pair in pairs}
    expected[pairs[0].ehr_id] = pairs[1].person_id  # merged
    registrar = somebody(database, "registrar")
    stop, failures, reads, made = threading.Event(), [], [], []

    def read(number):
        while not stop.is_set():
            some = pairs[number::97][:20]
            try:
                found = whose(vault, some)
                if found != {one.ehr_id: expected[one.ehr_id] for one in some}:
                    failures.append("another answer")
                reads.append(len(found))
            except Exception as error:  # noqa: BLE001  whatever it is, it is a failed read
                failures.append(repr(error))
            number = (number + 1) % 97

    def write():
        while not stop.is_set() and len(made) < 40:
            person = uuid4()
            try:
                made.append(Pair(person, links.open_record(vault, registrar, person).ehr_id))
            except Exception as error:  # noqa: BLE001  as above
                failures.append(repr(error))
            time.sleep(0.02)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(2)]
    threads.append(threading.Thread(target=write))
    for thread in threads:
        thread.start()
    outcome = rotation.run(what, database.url("migrator"), settings, "main", batch=200, settle=0.6)
    stop.set()
    for thread in threads:
        thread.join()
    assert [] == failures[:3]
    assert sum(reads) > 200, "the readers hardly read: there was no load"
    assert len(made) > 3
    assert (2, True) == (outcome.version, outcome.moved >= LINKS)
    assert 0 == count(database, BELOW[what].format(2))
    assert ["2"] == list(json.loads(settings.key_file.read_text())[what]["keys"])
    expected |= {pair.ehr_id: pair.person_id for pair in made}
    with opened(settings) as again:
        assert expected == whose(again, [*pairs, *made])
        person = pairs[5].person_id
        found = links.resolve_person(again, registrar, person, purpose=P.TREAT)
        assert pairs[5].ehr_id == found.ehr_id
        fill(again, 3)
        assert links.open_record(again, registrar, uuid4()).is_new


@pytest.mark.parametrize("what", ["kek", "index"])
def test_killed_in_the_middle_it_goes_on_where_it_was(stocked, tmp_path, what):
    """Kill -9 after some batches: both versions are in the file and everything opens; run again it
    ends the same rotation, and once more it begins another.
    """
    vault, settings, database, pairs = stocked
    expected = whose(vault, pairs)
    process = subprocess.Popen(
        [sys.executable, "-m", "moiety", "keys", "rotate", what, "--batch", "20",
         "--database-url-file", str(_written(tmp_path / "migrator", database.url("migrator")))],
        cwd=ROOT, env=_environment(tmp_path, settings), stdout=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 60
    done = BELOW[what].format(2).replace("<", ">=")
    while count(database, done) < 200:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = count(database, BELOW[what].format(2))
    assert 0 < left < LINKS
    assert {"1", "2"} == set(json.loads(settings.key_file.read_text())[what]["keys"])
    with opened(settings) as between:
        assert expected == whose(between, pairs)
    outcome = rotation.run(what, database.url("migrator"), settings, "main", batch=500, settle=0.6)
    assert (2, left) == (outcome.version, outcome.moved)
    assert 0 == count(database, BELOW[what].format(2))
    assert expected == whose(vault, pairs)
    assert 3 == rotation.run(what, database.url("migrator"), settings, "main", batch=2000,
                             settle=0.6).version  # fmt: skip
    assert expected == whose(vault, pairs)


def test_the_old_key_file_opens_nothing_that_the_new_one_sealed(stocked, tmp_path):
    """A copy of the key file from before: not one link opens; the control is today's."""
    vault, settings, database, pairs = stocked
    old = tmp_path / "old" / "vault.keys"
    old.parent.mkdir()
    _copy_keys(settings.key_file, old)
    rotation.run("kek", database.url("migrator"), settings, "main", batch=2000, settle=0.6)
    assert LINKS == len(whose(vault, pairs))
    with opened(replace(settings, key_file=old)) as stale, pytest.raises(Tampered):
        whose(stale, pairs[:1])


def test_a_vault_whose_key_file_is_older_than_the_fence_writes_nothing(stocked, tmp_path):
    """A machine with a key file from before: 503, not a link that nobody could open."""
    from moiety.kit.errors import Unavailable

    vault, settings, database, _ = stocked
    old = tmp_path / "other" / "vault.keys"
    old.parent.mkdir()
    _copy_keys(settings.key_file, old)
    registrar = somebody(database, "registrar")
    rotation.run("index", database.url("migrator"), settings, "main", batch=2000, settle=0.6)
    with opened(replace(settings, key_file=old)) as stale, pytest.raises(Unavailable):
        links.open_record(stale, registrar, uuid4())
    assert links.open_record(vault, registrar, uuid4()).is_new


def test_links_of_version_0_1_0_and_without_a_secret_are_sealed_anew(cluster, tmp_path):
    """A rotation gives each a wrapped key of its own, and a secret in the shred store."""
    import msgspec

    from linkage_vault.blind_index import blind_index
    from linkage_vault.seal import Place, seal
    from linkage_vault.trail import current_month

    with alone(cluster, tmp_path) as (settings, database, shreds):
        with opened(replace(settings, shred_database_url=None)) as vault:
            fill(vault, 5)
            registrar = somebody(database, "registrar")
            bare = Pair(p := uuid4(), links.open_record(vault, registrar, p).ehr_id)
            old = Pair(uuid4(), uuid4())
            link_id, keys = uuid4(), vault.keys
            place = Place("link", str(link_id), "sealed", 1)
            with vault.engine.begin() as connection:
                connection.execute(
                    tables.link.insert().values(
                        link_id=link_id, version=1, index_version=1, month=current_month(),
                        person_index=blind_index(keys, "person", old.person_id),
                        ehr_index=blind_index(keys, "ehr", old.ehr_id),
                        sealed=seal(keys.links.current, msgspec.json.encode(old), place, size=256),
                    )
                )  # fmt: skip
            expected = {one.ehr_id: one.person_id for one in (bare, old)}
            assert expected == whose(vault, [bare, old])
        rotation.run("kek", database.url("migrator"), settings, "main", batch=100, settle=0.6)
        with opened(settings) as vault:
            assert expected == whose(vault, [bare, old])
            with vault.engine.connect() as connection:
                query = sa.select(sa.func.count()).select_from(tables.link_key)
                assert 2 == connection.scalar(query)
        with psycopg.connect(shreds.url()) as connection:
            assert 2 == connection.execute("SELECT count(*) FROM shred_secret").fetchone()[0]


def test_a_rotation_keeps_the_key_of_the_screen(tmp_path):
    """Its rows hold no id to index them by again, so its index is what it was."""
    from linkage_vault.blind_index import blind_index
    from linkage_vault.keys import add_version, create_key_file, drop_versions

    path = tmp_path / "vault.keys"
    create_key_file(path)
    value = uuid4()
    kinds = ("person", "ehr", "slot", "screen")
    before = {kind: blind_index(load_key_file(path), kind, value) for kind in kinds}
    for version in (2, 3):
        assert version == add_version(path, "index")
        assert [version - 1] == drop_versions(path, "index", below=version, passphrase=None)
    after = {kind: blind_index(load_key_file(path), kind, value) for kind in kinds}
    assert ["screen"] == [kind for kind in kinds if before[kind] == after[kind]]


def _copy_keys(source, target):
    people_source, people_target = people_key_path(source), people_key_path(target)
    for one, other in ((source, target), (people_source, people_target)):
        other.write_bytes(one.read_bytes())
        other.chmod(0o600)


def _written(path, text):
    path.write_text(text)
    return path


def _environment(folder, settings):
    return os.environ | {
        "MOIETY_VAULT_KEY_FILE": str(settings.key_file),
        "MOIETY_VAULT_DATABASE_URL_FILE": str(_written(folder / "app", settings.database_url)),
        "MOIETY_VAULT_SHRED_DATABASE_URL_FILE": str(
            _written(folder / "shred", settings.shred_database_url)
        ),
    }
