"""The linkage vault through its door: links, both directions, refusals, no way round the trail."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg.errors
import pytest
import sqlalchemy as sa

from linkage_vault import minting, tables, trail
from linkage_vault.app import create_app
from linkage_vault.keys import create_key_file
from linkage_vault.people_keys import create_people_key_file
from linkage_vault.settings import Settings
from linkage_vault.verification import verify
from moiety.commands import issue
from moiety.kit.errors import Forbidden, NotFound, Unavailable, Unprocessable
from moiety.kit.settings import SettingsError
from moiety.wire import trail as wire_trail
from moiety.wire import vault as wire
from moiety.wire.exchange import connect
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_services import served

REASON = "Recalled implant, batch of May"
BASE = "/vault/v1"


def entries(vault):
    """Every entry of the trail, opened."""
    with vault.engine.connect() as connection:
        return [trail.open_leaf(vault.keys, leaf) for leaf in trail.leaves(connection)]


def check(vault):
    """The whole trail, verified."""
    with vault.engine.connect() as connection:
        heads, rows = list(trail.heads(connection)), list(trail.leaves(connection))
    return verify(rows, heads, vault.keys.tree_head_public)


# --- links ---------------------------------------------------------------------------------------


def test_a_person_gets_a_record_and_keeps_it(caller, filled_pool, whose):
    """201 with an EHR from the pool, 200 with the same; both directions find the other side."""
    person_id = uuid4()
    registrar, clinician, officer = (
        caller("registrar"),
        caller("clinician"),
        caller("linkage_officer"),
    )
    first = registrar.post(f"{BASE}/link", json={"person_id": str(person_id)})
    second = registrar.post(f"{BASE}/link", json={"person_id": str(person_id)})
    assert (201, 200) == (first.status_code, second.status_code)
    assert first.json() == second.json()
    ehr_id = UUID(first.json()["ehr_id"])
    assert ehr_id == wire.resolve_person(clinician, person_id, purpose_of_use="TREAT")
    assert person_id == whose(officer, ehr_id)


def test_a_record_is_given_to_one_person_only(caller, filled_pool):
    """Registrations at once: every person another EHR, a person asked for twice the same one."""
    registrar = caller("registrar")
    persons = [uuid4() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda person: wire.link(registrar, person), persons * 2))
    assert found[:8] == found[8:]
    assert 8 == len(set(found))


def test_an_empty_pool_is_503_and_nothing_is_written(caller, vault, vault_admin):
    """A person is never given a record that was opened for the occasion."""
    with vault_admin.begin() as connection:
        connection.execute(tables.pool_slot.delete())
    before = _count(vault, tables.link)
    with pytest.raises(Unavailable):
        wire.link(caller("registrar"), uuid4())
    assert before == _count(vault, tables.link)


def test_a_pool_that_is_held_for_a_moment_is_waited_for(caller, filled_pool, vault_admin):
    """As a rotation holds a small pool: a registration meanwhile is answered after it, not 503."""
    registrar = caller("registrar")
    with vault_admin.begin() as holding:
        holding.execute(tables.pool_slot.select().with_for_update())
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(wire.link, registrar, uuid4())
            time.sleep(0.5)
            assert not asked.done()
            holding.rollback()
            assert asked.result(10)


def test_the_pool_is_filled_when_half_is_used(vault, vault_admin, clinical_stub):
    """The worker adds nothing above half, and fills up below; a stopped worker stops."""
    with vault_admin.begin() as connection:
        connection.execute(tables.pool_slot.delete())
    stop = threading.Event()
    assert 10 == minting.fill(vault, clinical_stub, target=10, stop=stop)
    assert 0 == minting.fill(vault, clinical_stub, target=10, stop=stop)
    assert 0 == minting.fill(vault, clinical_stub, target=19, stop=stop)
    stop.set()
    assert 0 == minting.fill(vault, clinical_stub, target=100, stop=stop)


def test_the_pool_is_seen_by_operators_only(caller, filled_pool):
    """Counts, no ids; a program's key with the scope may read them."""
    operator = caller(program=True, scopes=("vault:use", "vault:operate"))
    answer = wire.read_pool(operator)
    assert answer.waiting > 0
    with pytest.raises(Forbidden):
        wire.read_pool(caller("clinician"))
    with pytest.raises(Forbidden):
        wire.read_pool(caller(program=True))


# --- decisions -----------------------------------------------------------------------------------


def test_every_question_by_every_other_role_is_refused_and_written_down(caller, vault):
    """403, one entry, and the answer is the same whether or not a link exists."""
    allowed = {"/link": "registrar"}
    bodies = {
        "/link": {"person_id": str(uuid4())},
        "/resolve/ehr": {"ehr_id": str(uuid4()), "purpose_of_use": "TREAT", "reason": REASON},
        "/resolve/person": {"person_id": str(uuid4()), "purpose_of_use": "TREAT"},
    }
    roles = ("administrator", "researcher", "auditor", "operator", "clinician", "registrar")
    for path, role in itertools.product(bodies, roles):
        if allowed.get(path) == role or (path == "/resolve/person" and role in roles[4:]):
            continue
        before = len(entries(vault))
        answer = caller(role).post(BASE + path, json=bodies[path])
        assert (403, "Forbidden") == (answer.status_code, answer.json()["code"])
        written = entries(vault)[before:]
        assert ["refused"] == [entry.outcome for entry in written]
        assert set(bodies[path].values()) & {str(written[0].subject)}


def test_a_purpose_outside_the_role_is_refused(caller, vault):
    """Research is a purpose, but not one for which a clinician may cross."""
    before = len(entries(vault))
    with pytest.raises(Forbidden):
        wire.resolve_person(caller("clinician"), uuid4(), purpose_of_use="HRESCH")
    with pytest.raises(Unprocessable):
        wire.resolve_person(caller("clinician"), uuid4(), purpose_of_use="CURIOSITY")
    assert ["refused"] == [entry.outcome for entry in entries(vault)[before:]]


def test_unknown_ids_have_one_answer(caller, vault, approved):
    """Unknown person, unknown EHR, and a question that is not allowed: one status and one body."""
    officer, clinician = caller("linkage_officer"), caller("clinician")
    ehr_id = uuid4()
    approval_id = approved(officer, ehr_id)
    answers = [
        officer.post(
            f"{BASE}/resolve/ehr",
            json={
                "ehr_id": str(ehr_id),
                "purpose_of_use": "PATSFTY",
                "reason": REASON,
                "legal_basis": "public_interest",
                "approval_id": str(approval_id),
            },
        ),
        officer.post(
            f"{BASE}/resolve/ehr",
            json={"ehr_id": str(ehr_id), "purpose_of_use": "PATSFTY", "reason": REASON},
        ),
        clinician.post(
            f"{BASE}/resolve/person", json={"person_id": str(uuid4()), "purpose_of_use": "TREAT"}
        ),
    ]
    bodies = [{k: v for k, v in answer.json().items() if k != "trace_id"} for answer in answers]
    assert [403, 403, 403] == [answer.status_code for answer in answers]
    assert bodies[0] == bodies[1] == bodies[2]
    assert 1 == len({answer.headers["content-length"] for answer in answers})
    outcomes = ["unknown", "refused", "unknown"]
    assert outcomes == [entry.outcome for entry in entries(vault)[-3:]]


def test_keys_that_are_missing_wrong_expired_or_of_nobody_open_nothing(caller, vault_admin):
    """401 without a valid key; 403 without the scope, or for a user who left."""
    client = caller("registrar")
    body = {"person_id": str(uuid4())}
    key = client.headers["Authorization"]
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    for header in ("", "Bearer x", wrong, key.replace("main", "other")):
        answer = client.post(f"{BASE}/link", json=body, headers={"Authorization": header})
        assert (401, "Unauthenticated") == (answer.status_code, answer.json()["code"])
    without = caller("registrar", scopes=("vault:operate",))
    assert 403 == without.post(f"{BASE}/link", json=body).status_code
    for change, status in (
        ("UPDATE app_user SET active = NOT active", 403),
        ("UPDATE api_key SET expires = expires - 10", 401),
        ("UPDATE api_key SET revoked = NOT revoked", 401),
    ):
        _run(vault_admin, change)
        try:
            answer = client.post(f"{BASE}/link", json=body)
        finally:
            _run(vault_admin, change.replace("- 10", "+ 10"))
        assert status == answer.status_code


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/link", b"{", 400),
        ("/link", b'{"person_id": "Fletcher"}', 400),
        ("/link", b'{"person_id": "5f2c9a34-7d0e-4b52-9f0a-1c2d3e4f5a6b", "Fletcher": 1}', 400),
        ("/resolve/person", b'{"person_id": "5f2c9a34-7d0e-4b52-9f0a-1c2d3e4f5a6b"}', 400),
        ("/trail/search", b"{}", 400),
        ("/link", b" " * 4_200_000, 413),
    ],
)
def test_broken_messages_are_refused_without_an_echo(caller, path, body, status):
    """One shape, a path, no value; more than the limit is 413."""
    answer = caller("registrar", "clinician", "auditor").post(BASE + path, content=body)
    assert status == answer.status_code
    assert {"error", "message", "code", "trace_id"} <= set(answer.json())
    assert "Fletcher" not in answer.text


# --- the trail -----------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["trail_leaf", "trail_head"])
def test_without_a_trail_there_is_no_answer(caller, filled_pool, vault_admin, approved, table):
    """The database refuses the entry: 503 in every direction, and no id in the answer."""
    person_id = uuid4()
    registrar, clinician, officer = (
        caller("registrar"),
        caller("clinician"),
        caller("linkage_officer"),
    )
    ehr_id = wire.link(registrar, person_id)
    more = {"purpose_of_use": "PATSFTY", "reason": REASON, "legal_basis": "public_interest"}
    spent, again = approved(officer, ehr_id), approved(officer, ehr_id)
    questions = [
        (registrar, "/link", {"person_id": str(person_id)}),
        (clinician, "/resolve/person", {"person_id": str(person_id), "purpose_of_use": "TREAT"}),
        (
            officer,
            "/resolve/ehr",
            {"ehr_id": str(ehr_id), "approval_id": str(spent), **more},
        ),
        (clinician, "/link", {"person_id": str(person_id)}),
    ]
    _run(vault_admin, f"REVOKE INSERT ON {table} FROM vault_app")
    try:
        answers = [client.post(BASE + path, json=body) for client, path, body in questions]
    finally:
        _run(vault_admin, f"GRANT INSERT ON {table} TO vault_app")
    assert [503] * 4 == [answer.status_code for answer in answers]
    assert not any(str(id_) in answer.text for answer in answers for id_ in (person_id, ehr_id))
    questions[2][2]["approval_id"] = str(again)  # the first was used, though nothing was answered
    after = [client.post(BASE + path, json=body).status_code for client, path, body in questions]
    assert [200, 200, 200, 403] == after


def test_the_trail_verifies_and_tells_who_asked_what_and_why(caller, filled_pool, vault, whose):
    """Entries come in order, are the auditor's to read, and never show a person or an EHR."""
    person_id = uuid4()
    ehr_id = wire.link(caller("registrar"), person_id)
    officer = caller("linkage_officer")
    whose(officer, ehr_id)
    read = officer.get(f"{BASE}/trail?limit=5")
    entry = wire_trail.read_trail(officer, limit=3)[2]
    assert ("read_trail", "allowed", None) == (
        wire_trail.read_trail(officer, limit=1)[0].action,
        wire_trail.read_trail(officer, limit=1)[0].outcome,
        wire_trail.read_trail(officer, limit=1)[0].reason,
    )
    assert ("resolve_ehr", "PATSFTY", REASON, "Test User") == (
        entry.action,
        entry.purpose_of_use,
        entry.reason,
        entry.user_name,
    )
    assert not any(str(id_) in read.text for id_ in (person_id, ehr_id))
    report = check(vault)
    assert report.fault is None
    assert report.size >= report.heads > 0


def test_a_search_finds_both_directions_of_one_person_and_nobody_else(caller, filled_pool, whose):
    """By person id or by EHR id the same entries, and none of another person's."""
    registrar, clinician = caller("registrar"), caller("clinician")
    auditor, officer = caller("auditor"), caller("linkage_officer")
    person_id, other = uuid4(), uuid4()
    ehr_id = wire.link(registrar, person_id)
    wire.link(registrar, other)
    wire.resolve_person(clinician, person_id, purpose_of_use="TREAT")
    whose(officer, ehr_id)
    by_person = wire_trail.search_trail(auditor, wire_trail.TrailSearch(person_id=person_id))
    by_ehr = wire_trail.search_trail(auditor, wire_trail.TrailSearch(ehr_id=ehr_id))
    crossings = ["resolve_ehr", "resolve_person", "link"]
    assert crossings == [e.action for e in by_person if e.action != "read_trail"]
    assert crossings == [e.action for e in by_ehr if e.action != "read_trail"]


def test_heads_and_proofs_of_the_service_hold(caller, filled_pool, vault):
    """A witness's old head is proven to be the beginning of the new one; each entry is in it."""
    from linkage_vault import merkle

    officer = caller("linkage_officer")
    wire.link(caller("registrar"), uuid4())
    old = wire_trail.read_head(officer)
    wire.link(caller("registrar"), uuid4())
    new = wire_trail.read_head(officer)
    path = [
        bytes.fromhex(node)
        for node in wire_trail.prove_consistency(officer, old.size, size=new.size).path
    ]
    assert merkle.verify_consistency(
        old.size,
        new.size,
        path,
        first_root=bytes.fromhex(old.root),
        second_root=bytes.fromhex(new.root),
    )
    proof = wire_trail.prove_inclusion(officer, old.size, size=new.size)
    leaf, nodes = bytes.fromhex(proof.leaf_hash), [bytes.fromhex(node) for node in proof.path]
    root = bytes.fromhex(new.root)
    assert merkle.verify_inclusion(leaf, old.size, new.size, nodes, root=root)
    for beyond in ({"position": new.size}, {"first": new.size + 1}):
        assert (
            404
            == officer.get(f"{BASE}/trail/proof", params={"size": new.size, **beyond}).status_code
        )
    with pytest.raises(NotFound):
        wire_trail.prove_inclusion(officer, 0, size=new.size + 99)


def test_entries_written_at_once_make_one_chain(caller, vault):
    """Refusals from eight threads: no gap, no fork, every head fits."""
    clients = [caller("researcher") for _ in range(4)]
    body = {"person_id": str(uuid4())}
    before = check(vault).size
    with ThreadPoolExecutor(8) as threads:
        done = list(
            threads.map(lambda n: clients[n % 4].post(f"{BASE}/link", json=body), range(24))
        )
    assert {403} == {answer.status_code for answer in done}
    report = check(vault)
    assert (before + 24, None) == (report.size, report.fault)


def test_an_entry_changed_in_the_database_is_found_with_its_position(caller, vault, vault_admin):
    """The control passes, one changed octet is found, the octet put back passes again."""
    with pytest.raises(Forbidden):
        wire.link(caller("researcher"), uuid4())
    position = check(vault).size - 1
    assert check(vault).fault is None
    flip = (
        "UPDATE trail_leaf SET entry = set_byte(entry, 100, get_byte(entry, 100) # 1)"
        f" WHERE position = {position}"
    )
    _run(vault_admin, flip)
    fault = check(vault).fault
    _run(vault_admin, flip)
    assert (position, "changed") == (fault.position, fault.kind)
    assert check(vault).fault is None


def test_a_vault_with_another_tree_refuses_to_go_on(caller, vault_admin):
    """A head in the database that this vault did not sign stops every answer, as an alarm."""
    bend = "UPDATE trail_head SET signature = set_byte(signature, 0, get_byte(signature, 0) # 1)"
    _run(vault_admin, bend)
    try:
        answer = caller("researcher").post(f"{BASE}/link", json={"person_id": str(uuid4())})
    finally:
        _run(vault_admin, bend)
    assert (500, "Defect") == (answer.status_code, answer.json()["code"])


# --- what a thief finds --------------------------------------------------------------------------


def test_the_database_holds_no_id_in_clear_and_no_row_tells_itself_apart(
    caller, filled_pool, vault
):
    """No id of either side as text or octets; sealed values of a column all have one length."""
    registrar = caller("registrar")
    pairs = {person: wire.link(registrar, person) for person in (uuid4() for _ in range(5))}
    dump = {}
    with vault.engine.connect() as connection:
        for table in (tables.link, tables.pool_slot, tables.trail_leaf, tables.trail_head):
            dump[table.name] = connection.execute(sa.select(table)).all()
    octets = b"".join(
        value if isinstance(value, bytes) else str(value).encode()
        for rows in dump.values()
        for row in rows
        for value in row
    )
    planted = dump["link"][0].link_id
    assert str(planted).encode() in octets  # the control: what stands there is found
    for id_ in (*pairs.keys(), *pairs.values()):
        for form in (id_.bytes, id_.bytes_le, str(id_).encode(), id_.hex.encode()):
            assert form not in octets
    lengths = [
        {len(row.sealed) for row in dump["link"]},
        {len(row.sealed) for row in dump["pool_slot"]},
        {len(row.entry) for row in dump["trail_leaf"]},
    ]
    assert [1, 1, 1] == [len(found) for found in lengths]


def test_swapped_links_do_not_open(caller, filled_pool, vault_admin):
    """Two rows' sealed values exchanged: 500 and no id, in place of somebody else's record."""
    registrar, clinician = caller("registrar"), caller("clinician")
    persons = [uuid4(), uuid4()]
    with vault_admin.connect() as connection:
        before = set(connection.scalars(sa.select(tables.link.c.link_id)))
    ehrs = [wire.link(registrar, person) for person in persons]
    with vault_admin.connect() as connection:
        new = sa.select(tables.link).where(tables.link.c.link_id.not_in(before))
        rows = connection.execute(new).all()
    swap = {rows[0].link_id: rows[1].sealed, rows[1].link_id: rows[0].sealed}
    back = {row.link_id: row.sealed for row in rows}
    _write_sealed(vault_admin, swap)
    try:
        body = [{"person_id": str(person), "purpose_of_use": "TREAT"} for person in persons]
        answers = [clinician.post(f"{BASE}/resolve/person", json=each) for each in body]
    finally:
        _write_sealed(vault_admin, back)
    assert [500, 500] == [answer.status_code for answer in answers]
    assert not any(str(ehr) in answer.text for answer in answers for ehr in ehrs)


def test_the_application_may_not_change_or_remove_what_it_wrote(vault):
    """As the service's own role: the trail is only added to, and no seal of a link is changed.

    A link may go, since an erasure takes it away; the trail keeps that it went.
    """
    tables_kept = ("trail_leaf", "trail_head", "tombstone")
    verbs = ("DELETE FROM", "TRUNCATE", "DROP TABLE")
    forbidden = [
        *(f"{verb} {table}" for table, verb in itertools.product(tables_kept, verbs)),
        "UPDATE trail_leaf SET entry = entry",
        "UPDATE trail_head SET root = root",
        "UPDATE link SET sealed = sealed",
        "UPDATE link SET person_index = person_index",
        "UPDATE link_key SET wrapped = wrapped",
        "TRUNCATE link",
        "UPDATE tombstone SET statement = statement",
        "UPDATE key_fence SET version = 0",
        "UPDATE app_user SET roles = '{linkage_officer}'",
        "INSERT INTO app_user VALUES (gen_random_uuid(), 'x', '{linkage_officer}')",
        "UPDATE api_key SET scopes = '{vault:operate}'",
        "CREATE TABLE mine (x int)",
    ]
    for statement in forbidden:
        with vault.engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError) as caught:
            connection.exec_driver_sql(statement)
        assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege), statement


# --- start ---------------------------------------------------------------------------------------


def test_a_vault_without_safe_keys_does_not_start(vault_settings, tmp_path):
    """No file named, no file there, and one that others may read: each a plain sentence."""
    exposed = tmp_path / "exposed.keys"
    exposed.write_bytes(vault_settings.key_file.read_bytes())
    exposed.chmod(0o644)
    for key_file in (None, tmp_path / "none.keys", exposed):
        settings = Settings(database_url=vault_settings.database_url, key_file=key_file)
        with pytest.raises(SettingsError, match="does not start"):
            create_app(settings)


def test_no_route_takes_an_id_in_its_url(vault_service):
    """Ids travel in bodies: no path has a parameter."""
    paths = [path for path in vault_service.app.openapi()["paths"] if path.startswith(BASE)]
    assert len(paths) >= 8
    assert not [path for path in paths if "{" in path]


def _count(vault, table):
    with vault.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


def _run(engine, statement):
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


def _write_sealed(engine, sealed_by_id):
    with engine.begin() as connection:
        for link_id, sealed in sealed_by_id.items():
            statement = sa.update(tables.link).where(tables.link.c.link_id == link_id)
            connection.execute(statement.values(sealed=sealed))


# --- worker and organisations --------------------------------------------------------------------


def test_the_worker_fills_the_pool_and_outlives_a_dead_clinical_service(
    vault, vault_admin, clinical_stub, closed_port
):
    """Without an answer the pool stays empty and the worker goes on; with one it is filled."""
    with vault_admin.begin() as connection:
        connection.execute(tables.pool_slot.delete())
    dead = connect(f"http://127.0.0.1:{closed_port}", "none", timeout=1)
    with minting.keep_filled(vault, dead, target=4, interval=0.01):
        time.sleep(0.2)
        assert 0 == _count(vault, tables.pool_slot)
    living = connect(str(clinical_stub.base_url), "none")
    with minting.keep_filled(vault, living, target=4, interval=0.01):
        until = time.monotonic() + 10
        while _count(vault, tables.pool_slot) < 4 and time.monotonic() < until:
            time.sleep(0.01)
    assert 4 == _count(vault, tables.pool_slot)
    assert dead.is_closed
    assert living.is_closed


def test_organisations_are_separate_worlds(cluster, tmp_path, clinical_stub):
    """The key names the organisation and with it database and keys: no key reaches the other's."""
    person_id = uuid4()
    with copied(cluster, "vault") as one, copied(cluster, "vault") as other:
        for name, copy in (("one", one), ("other", other)):
            (tmp_path / f"{name}.url").write_text(copy.url())
            create_key_file(tmp_path / f"{name}.keys")
            create_people_key_file(tmp_path / f"{name}.people", name)
        app = create_app(Settings(organisations_folder=tmp_path))
        with served("vault", app, one) as service:
            clients = {}
            for name, copy in (("one", one), ("other", other)):
                user_id = issue.user(copy.url("migrator"), "Test User", frozenset({"registrar"}))
                more = {"scopes": frozenset({"vault:use"}), "user_id": user_id}
                key = issue.key(copy.url("migrator"), "vault", name, label="test", **more)
                clients[name] = connect(service.url, str(key))
            minting.fill(app.state.vaults["one"], clinical_stub, target=2, stop=threading.Event())
            ehr_id = wire.link(clients["one"], person_id)
            found = wire.resolve_person(clients["one"], person_id, purpose_of_use="TREAT")
            assert ehr_id == found
            with pytest.raises(Forbidden):
                wire.resolve_person(clients["other"], person_id, purpose_of_use="TREAT")
            key = clients["other"].headers["Authorization"].replace("_other_", "_one_")
            with connect(service.url, key.removeprefix("Bearer ")) as stolen:
                assert 401 == stolen.get(f"{BASE}/pool").status_code
            for client in clients.values():
                client.close()
