"""Erasure: what is cut is gone here, what is shredded opens in no copy, and the paper says when."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
import sqlalchemy as sa

from linkage_vault import erasure, link_pairs, link_rows, links, tables, trail
from linkage_vault.erasure import Certificate
from linkage_vault.keys import public_key_of
from linkage_vault.purposes import PurposeOfUse as P
from linkage_vault.verification import verify
from moiety.commands import backup
from moiety.kit.errors import Conflict, Forbidden, NotFound, Unavailable
from moiety.wire import linking
from moiety.wire import vault as wire
from tests.fixtures.fix_links import alone, fill, opened, somebody

REASON = "Decision of the data protection officer, case 7"


@pytest.fixture
def staff(lone):
    """People of each role that these tests need."""
    _, _, database = lone
    return {role: somebody(database, role) for role in ("registrar", "linkage_officer", "approver")}


def erase(vault, staff, ehr_id, mode="shred"):
    """Asked for by one person and consented to by another: the certificate."""
    officer, approver = staff["linkage_officer"], staff["approver"]
    task_id = erasure.ask_erasure(vault, officer, ehr_id, mode=mode, reason=REASON)
    return erasure.consent_to_erasure(vault, approver, task_id)


def opens(vault, ehr_ids):
    """Which of some EHRs lead to a person."""
    with vault.engine.connect() as connection:
        return set(link_pairs.find_pairs(connection, vault.keys, "ehr", ehr_ids))


def trail_is_whole(vault):
    """Every entry under every head."""
    with vault.engine.connect() as connection:
        heads, rows = list(trail.heads(connection)), list(trail.leaves(connection))
    return verify(rows, heads, vault.keys.tree_head_public).fault is None


@pytest.fixture
def scratch(cluster):
    """An empty database for a backup of the vault to be restored into."""
    name = f"vault_{uuid4().hex[:8]}"
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} OWNER vault_migrator TEMPLATE template0 ENCODING 'UTF8'"
        )
        connection.execute(f"GRANT CONNECT ON DATABASE {name} TO vault_app")
        yield lambda kind: cluster.url(f"vault_{kind}", name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("shreds", [True, False], ids=["shredded", "control: only cut"])
def test_an_old_backup_does_not_open_what_was_shredded(cluster, tmp_path, scratch, shreds):
    """The restore drill.  Back up, erase one, restore the old backup beside today's shred store:
    that link does not open, all others do, the trail verifies.  Without the destruction in the
    shred store the same backup opens it.
    """
    (tmp_path / "its/own/keys").mkdir(parents=True)
    with alone(cluster, tmp_path / "its/own/keys") as (settings, database, _):
        with opened(settings) as vault:
            fill(vault, 20)
            staff = {r: somebody(database, r) for r in ("registrar", "linkage_officer", "approver")}
            persons = [uuid4() for _ in range(10)]
            ehrs = [one.ehr_id for one in links.open_records(vault, staff["registrar"], persons)]
            backup.back_up(database.url("migrator"), "vault", tmp_path / "backup")
            erase(vault, staff, ehrs[0], mode="shred" if shreds else "cut")
            assert set(ehrs[1:]) == opens(vault, ehrs)
            assert trail_is_whole(vault)
        backup.restore(scratch("migrator"), "vault", tmp_path / "backup")
        from dataclasses import replace

        with opened(replace(settings, database_url=scratch("app"))) as restored:
            with restored.engine.connect() as connection:
                assert 1 == len(link_rows.find(connection, restored.keys, "ehr", ehrs[:1]))
            assert (set(ehrs[1:]) if shreds else set(ehrs)) == opens(restored, ehrs)
            assert trail_is_whole(restored)
            if shreds:
                with pytest.raises(Forbidden):
                    links.resolve_person(restored, staff["registrar"], persons[0], purpose=P.TREAT)


def test_the_certificate_says_the_day_and_is_the_vaults(lone, staff):
    """Signed, of this EHR and no other, a week ahead; one changed octet shows."""
    vault, _, _ = lone
    fill(vault, 4)
    ehr_id = links.open_record(vault, staff["registrar"], uuid4()).ehr_id
    made = erase(vault, staff, ehr_id)
    said = msgspec.json.decode(made.statement)
    week = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
    assert ("shred", week) == (said["mode"], said["unreadable_from"])
    key = vault.keys.tree_head_public
    assert erasure.is_genuine(made, key)
    assert erasure.is_about(made, ehr_id)
    assert not erasure.is_about(made, uuid4())
    bent = Certificate(made.statement.replace(week.encode(), b"2020-01-01"), made.signature, b"")
    assert not erasure.is_genuine(bent, key)
    assert str(ehr_id).encode() not in made.statement


def test_a_tombstone_stays_and_names_neither_day_nor_record(lone, staff):
    """Its signature holds; the rows, the wrapped key and the secret are gone."""
    vault, settings, _ = lone
    fill(vault, 4)
    person = uuid4()
    ehr_id = links.open_record(vault, staff["registrar"], person).ehr_id
    with psycopg.connect(settings.shred_database_url) as shreds:
        before = shreds.execute("SELECT count(*) FROM shred_secret").fetchone()[0]
        made = erase(vault, staff, ehr_id)
        after = shreds.execute("SELECT count(*) FROM shred_secret").fetchone()[0]
    assert 1 == before - after
    with vault.engine.connect() as connection:
        (stone,) = connection.execute(sa.select(tables.tombstone)).all()
        for table in (tables.link, tables.link_key, tables.link_task):
            assert 0 == connection.scalar(sa.select(sa.func.count()).select_from(table))
    kept = Certificate(bytes(stone.statement), bytes(stone.signature), b"")
    assert erasure.is_genuine(kept, vault.keys.tree_head_public)
    said = msgspec.json.decode(stone.statement)
    assert {"format", "id", "mode", "month"} == set(said)
    assert said["id"] == msgspec.json.decode(made.statement)["id"]
    with pytest.raises(Forbidden):
        links.resolve_person(vault, staff["registrar"], person, purpose=P.TREAT)
    assert links.open_record(vault, staff["registrar"], person).ehr_id != ehr_id


def test_the_ids_leave_the_trail_and_its_proofs_hold(lone, staff):
    """No entry names person or record after a shred; a cut leaves them; the trail is whole."""
    vault, _, _ = lone
    fill(vault, 4)
    people = [uuid4(), uuid4()]
    ehrs = [links.open_record(vault, staff["registrar"], person).ehr_id for person in people]

    def named():
        with vault.engine.connect() as connection:
            rows = list(trail.leaves(connection))
            return {trail.open_leaf(vault.keys, leaf).subject for leaf in rows}

    assert {*people} <= named()
    erase(vault, staff, ehrs[0])
    assert not {people[0], ehrs[0]} & named()
    erase(vault, staff, ehrs[1], mode="cut")
    assert {people[1], ehrs[1]} <= named()
    assert trail_is_whole(vault)


def test_who_asked_does_not_consent_and_nothing_is_asked_of_nobody(lone, staff):
    """Not alone, not twice, not without a link."""
    vault, _, _ = lone
    fill(vault, 4)
    ehr_id = links.open_record(vault, staff["registrar"], uuid4()).ehr_id
    officer = staff["linkage_officer"]
    with pytest.raises(NotFound):
        erasure.ask_erasure(vault, officer, uuid4(), mode="cut", reason=REASON)
    with pytest.raises(Forbidden):
        erasure.ask_erasure(vault, staff["registrar"], ehr_id, mode="cut", reason=REASON)
    task_id = erasure.ask_erasure(vault, officer, ehr_id, mode="shred", reason=REASON)
    for somebody_else in (officer, staff["registrar"]):
        with pytest.raises(Forbidden):
            erasure.consent_to_erasure(vault, somebody_else, task_id)
    assert {ehr_id} == opens(vault, [ehr_id])
    erasure.consent_to_erasure(vault, staff["approver"], task_id)
    with pytest.raises(NotFound):
        erasure.consent_to_erasure(vault, staff["approver"], task_id)
    assert not opens(vault, [ehr_id])


def test_without_a_shred_store_a_link_can_be_cut_and_not_shredded(cluster, tmp_path):
    """Said when it is asked for, not after a second person has consented."""
    with (
        alone(cluster, tmp_path, shred_database_url=None) as (settings, database, _),
        opened(settings) as vault,
    ):
        fill(vault, 2)
        staff = {r: somebody(database, r) for r in ("registrar", "linkage_officer", "approver")}
        ehr_id = links.open_record(vault, staff["registrar"], uuid4()).ehr_id
        with pytest.raises(Conflict):
            erase(vault, staff, ehr_id)
        said = msgspec.json.decode(erase(vault, staff, ehr_id, mode="cut").statement)
        assert said["unreadable_from"] is None


def test_a_shred_store_that_is_away_opens_nothing_and_makes_nothing(lone, staff, closed_port):
    """503, and no EHR of the pool is lost."""
    from linkage_vault.shred_store import ShredStore
    from moiety.kit.engines import open_engine

    vault, _, _ = lone
    fill(vault, 3)
    person = uuid4()
    ehr_id = links.open_record(vault, staff["registrar"], person).ehr_id
    living = vault.keys.shreds
    url = f"postgresql://shred_app:x@127.0.0.1:{closed_port}/shred"
    vault.keys.shreds = ShredStore(open_engine(url, connections=1))
    try:
        with pytest.raises(Unavailable):
            links.resolve_person(vault, staff["registrar"], person, purpose=P.TREAT)
        with pytest.raises(Unavailable):
            links.open_record(vault, staff["registrar"], uuid4())
    finally:
        vault.keys.shreds.close()
        vault.keys.shreds = living
    assert ehr_id == links.resolve_person(vault, staff["registrar"], person, purpose=P.TREAT).ehr_id
    links.open_records(vault, staff["registrar"], [uuid4(), uuid4()])


def test_an_erasure_through_the_door(caller, filled_pool):
    """A task, the certificate with the key that checks it, then the answer of the unknown."""
    registrar, officer, approver = (
        caller(role) for role in ("registrar", "linkage_officer", "approver")
    )
    person = uuid4()
    ehr_id = wire.link(registrar, person)
    task_id = linking.erase(officer, ehr_id, mode="shred", reason=REASON)
    made = linking.consent_to_erasure(approver, task_id)
    kept = Certificate(made.statement.encode(), made.signature, made.salt)
    assert erasure.is_genuine(kept, public_key_of(made.public_key))
    assert erasure.is_about(kept, UUID(str(ehr_id)))
    erased, unknown = (
        registrar.post(
            "/vault/v1/resolve/person", json={"person_id": str(one), "purpose_of_use": "TREAT"}
        )
        for one in (person, uuid4())
    )
    assert (erased.status_code, len(erased.content)) == (unknown.status_code, len(unknown.content))
    assert base64.b64encode(made.salt)


def test_unknown_forbidden_and_erased_have_one_answer(caller, filled_pool):
    """Status, words and length are equal, whether the link was cut or shredded; the control: before
    the erasure the same question is answered.
    """
    registrar, officer, approver = map(caller, ("registrar", "linkage_officer", "approver"))
    clinician = caller("clinician")
    asked = {}
    for mode in ("cut", "shred"):
        person_id = uuid4()
        ehr_id = wire.link(registrar, person_id)
        assert ehr_id == wire.resolve_person(clinician, person_id, purpose_of_use="TREAT")
        task_id = linking.erase(officer, ehr_id, mode=mode, reason=REASON)
        linking.consent_to_erasure(approver, task_id)
        asked[mode] = (person_id, "TREAT")
    there = uuid4()
    wire.link(registrar, there)
    asked |= {"unknown": (uuid4(), "TREAT"), "forbidden": (there, "HRESCH")}
    told = {}
    for kind, (person_id, purpose) in asked.items():
        body = {"person_id": str(person_id), "purpose_of_use": purpose}
        answer = clinician.post("/vault/v1/resolve/person", json=body)
        document = answer.json()
        told[kind] = (
            answer.status_code,
            len(answer.content),
            len(document.pop("trace_id")),
            document,
        )
    assert 403 == told["unknown"][0]
    assert all(told["unknown"] == one for one in told.values()), told
