"""ADMIN: deletion for good, by who may; and nothing is left of what was deleted."""

from uuid import uuid4

import psycopg
import pytest

from tests.fixtures.clinical_documents import (
    ADL,
    BASE,
    TEMPLATES,
    WHOLE,
    XML,
    contribution,
    folder,
    open_ehr,
    status,
    uid_of,
    upload,
    version,
    vital_signs,
)

ADMIN = f"{BASE}/admin"
OPT = (TEMPLATES / "vital_signs.opt").read_bytes()


@pytest.fixture
def client(clinical):
    """A client that may do everything."""
    with clinical.client() as client:
        upload(client)
        yield client


def template_id():
    return vital_signs()["archetype_details"]["template_id"]["value"]


def filled(client):
    """An EHR with everything that an EHR can have: its id, and uids of what is in it."""
    ehr_id = open_ehr(client)
    place = f"{BASE}/ehr/{ehr_id}"
    signs = vital_signs()
    signs["name"]["value"] = "call me on 07700 900123"
    uid = uid_of(client.post(f"{place}/composition", json=signs))
    one = f"{place}/composition/{uid.split('::')[0]}"
    second = uid_of(client.put(one, json=vital_signs(2), headers={"If-Match": uid}))
    gone = uid_of(client.post(f"{place}/composition", json=vital_signs(3)))
    assert 204 == client.delete(f"{place}/composition/{gone}").status_code
    assert 201 == client.post(f"{place}/directory", json=folder()).status_code
    found = client.get(f"{place}/ehr_status")
    changed = client.put(f"{place}/ehr_status", json=status(), headers={"If-Match": uid_of(found)})
    assert 204 == changed.status_code
    assert 201 == client.post(
        f"{place}/contribution", json=contribution(version(vital_signs(4)))
    ).status_code  # fmt: skip
    tags = [{"key": "flag", "value": "follow-up"}]
    assert 200 == client.put(f"{one}/tags", json=tags).status_code
    return ehr_id, second, gone


def rows_with(database, text):
    """Tables in which a UUID stands, in any column of that type, and how often."""
    found = {}
    with psycopg.connect(database.url("postgres")) as connection:
        columns = connection.execute(
            "SELECT format('%I.%I', table_schema, table_name), column_name"
            " FROM information_schema.columns"
            " WHERE table_schema IN ('public', 'leaf') AND data_type = 'uuid'"
        ).fetchall()
        for table, column in columns:
            (count,) = connection.execute(
                f'SELECT count(*) FROM {table} WHERE "{column}" = %s', (text,)
            ).fetchone()
            if count:
                found[table] = found.get(table, 0) + count
    return found


@pytest.mark.behaviour("admin.ehr")
@pytest.mark.row("admin_ehr_delete")
def test_a_deleted_ehr_leaves_nothing_but_word_of_its_deletion(clinical, client):
    """Every table of the database is searched; another EHR is untouched."""
    ehr_id, _, _ = filled(client)
    other, _, _ = filled(client)
    before = rows_with(clinical.database, ehr_id)
    for table in (
        "public.ehr", "public.composition", "public.composition_history", "public.contribution",
        "public.ehr_status", "public.ehr_status_history", "public.folder", "public.item_tag",
        "public.screen_finding", "public.commit_log",
    ):  # fmt: skip
        assert before.get(table), f"the control: nothing in {table} before"
    assert any(table.startswith("leaf.") for table in before)
    assert 204 == client.delete(f"{ADMIN}/ehr/{ehr_id}").status_code
    after = rows_with(clinical.database, ehr_id)
    assert {"public.commit_log": 1} == {k: v for k, v in after.items() if k != "public.erasure"}
    with psycopg.connect(clinical.database.url("postgres")) as connection:
        assert [("ehr", "removed")] == connection.execute(
            "SELECT kind, outcome FROM commit_log WHERE ehr_id = %s", (ehr_id,)
        ).fetchall()
    assert before.keys() == rows_with(clinical.database, other).keys()
    assert 404 == client.get(f"{BASE}/ehr/{ehr_id}").status_code
    assert 404 == client.delete(f"{ADMIN}/ehr/{ehr_id}").status_code
    assert 200 == client.get(f"{BASE}/ehr/{other}").status_code


@pytest.mark.row("admin_ehr_delete_all")
def test_several_ehrs_are_deleted_by_name(client):
    """All or, where one is unknown, none; all without a name is not allowed here."""
    first, second, third = (open_ehr(client) for _ in range(3))
    assert 405 == client.delete(f"{ADMIN}/ehr/all").status_code
    unknown = client.delete(f"{ADMIN}/ehr/all", params={"ehr_id": [first, str(uuid4())]})
    assert 404 == unknown.status_code
    assert 200 == client.get(f"{BASE}/ehr/{first}").status_code
    done = client.delete(f"{ADMIN}/ehr/all", params={"ehr_id": [first, second]})
    assert 204 == done.status_code
    left = [client.get(f"{BASE}/ehr/{one}").status_code for one in (first, second, third)]
    assert [404, 404, 200] == left


@pytest.mark.row("admin_composition_delete")
@pytest.mark.behaviour("admin.composition", "composition.erased")
def test_a_deleted_composition_leaves_nothing(clinical, client):
    """All versions, rows, findings, tags; the contribution that brought others too stays."""
    ehr_id, uid, gone = filled(client)
    place = f"{ADMIN}/ehr/{ehr_id}/composition"
    object_id = uid.split("::")[0]
    before = rows_with(clinical.database, object_id)
    assert {"public.composition", "public.composition_history", "public.item_tag"} <= before.keys()
    findings = count(clinical, "screen_finding", ehr_id)
    assert 1 <= findings
    assert 204 == client.delete(f"{place}/{object_id}").status_code
    assert {} == {
        k: v for k, v in rows_with(clinical.database, object_id).items() if k != "public.erasure"
    }
    assert 0 == count(clinical, "screen_finding", ehr_id)
    assert 404 == client.get(f"{BASE}/ehr/{ehr_id}/composition/{object_id}").status_code
    assert 404 == client.delete(f"{place}/{object_id}").status_code
    assert 204 == client.delete(f"{place}/{gone}").status_code
    assert 404 == client.get(f"{BASE}/ehr/{ehr_id}/composition/{gone}").status_code
    assert 404 == client.delete(f"{place}/nonsense").status_code


def count(service, table, ehr_id):
    with psycopg.connect(service.database.url("postgres")) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table} WHERE ehr_id = %s", (ehr_id,))
        return row.fetchone()[0]


@pytest.mark.row("admin_contribution_delete")
@pytest.mark.behaviour("admin.contribution")
def test_a_contribution_goes_with_its_last_version(clinical, client):
    """It stays while one of its versions does, and is never deleted alone: 501."""
    ehr_id = open_ehr(client)
    place = f"{BASE}/ehr/{ehr_id}"
    sent = contribution(version(vital_signs(1)), version(vital_signs(2)))
    made = client.post(f"{place}/contribution", json=sent, headers=WHOLE).json()
    one = f"{place}/contribution/{made['uid']['value']}"
    alone = client.delete(f"{ADMIN}/ehr/{ehr_id}/contribution/{made['uid']['value']}")
    assert (501, "Not Implemented") == (alone.status_code, alone.json()["error"])
    for expected, reference in zip((200, 404), made["versions"], strict=True):
        uid = reference["id"]["value"]
        assert 204 == client.delete(f"{ADMIN}/ehr/{ehr_id}/composition/{uid}").status_code
        assert expected == client.get(one).status_code


@pytest.mark.row("admin_directory_delete")
@pytest.mark.row("admin_directory_delete_any")
@pytest.mark.behaviour("admin.directory")
@pytest.mark.parametrize("named", [True, False])
def test_a_deleted_directory_leaves_nothing(clinical, client, named):
    """Also one that is deleted logically; then there may be a new one."""
    ehr_id = open_ehr(client)
    place = f"{BASE}/ehr/{ehr_id}/directory"
    uid = uid_of(client.post(place, json=folder()))
    assert 204 == client.delete(place, headers={"If-Match": uid}).status_code
    admin = f"{ADMIN}/ehr/{ehr_id}/directory" + (f"/{uid.split('::')[0]}" if named else "")
    assert 204 == client.delete(admin).status_code
    assert 404 == client.delete(admin).status_code
    left = rows_with(clinical.database, uid.split("::")[0])
    assert {} == {k: v for k, v in left.items() if k != "public.erasure"}
    assert 404 == client.get(place).status_code
    assert 201 == client.post(place, json=folder()).status_code


@pytest.mark.row("admin_template_delete")
@pytest.mark.behaviour("admin.template")
def test_a_template_goes_when_nothing_was_written_with_it(client):
    """422 while a version stands, deleted logically or not; then 200, and it can come again."""
    ehr_id = open_ehr(client)
    place = f"{BASE}/ehr/{ehr_id}/composition"
    uid = uid_of(client.post(place, json=vital_signs()))
    one = f"{ADMIN}/template/{template_id()}"
    for _ in range(2):
        used = client.delete(one)
        assert 422 == used.status_code
        said = (
            f"Cannot delete template {template_id()} since it is used by at least one composition"
        )
        assert said in used.json()["message"]
        assert 422 == client.delete(f"{ADMIN}/template/all").status_code
        if client.get(f"{place}/{uid.split('::')[0]}").status_code == 200:
            assert 204 == client.delete(f"{place}/{uid}").status_code
    assert 204 == client.delete(f"{ADMIN}/ehr/{ehr_id}/composition/{uid}").status_code
    done = client.delete(one)
    assert (200, {"deleted": 1}) == (done.status_code, done.json())
    assert 404 == client.get(f"{ADL}/{template_id()}").status_code
    assert 422 == client.post(place, json=vital_signs()).status_code
    gone = client.delete(one)
    assert (404, True) == (gone.status_code, "does not exist" in gone.json()["message"])
    upload(client)
    assert 201 == client.post(place, json=vital_signs()).status_code


@pytest.mark.row("admin_template_delete_all")
@pytest.mark.behaviour("admin.template")
def test_every_template_goes_at_once(client):
    """Their number is told."""
    done = client.delete(f"{ADMIN}/template/all")
    assert (200, {"deleted": 1}) == (done.status_code, done.json())
    assert [] == client.get(ADL).json()
    assert {"deleted": 0} == client.delete(f"{ADMIN}/template/all").json()


@pytest.mark.row("admin_template_replace")
@pytest.mark.behaviour("admin.replace")
def test_an_unused_template_is_replaced(client):
    """200 with the new one; 404, 400 and 422 where it cannot be."""
    one = f"{ADMIN}/template/{template_id()}"
    done = client.put(one, content=OPT, headers=XML)
    assert (200, OPT) == (done.status_code, done.content)
    unknown = client.put(f"{ADMIN}/template/nothing.v1", content=OPT, headers=XML)
    assert (404, "Template with template_id 'nothing.v1' does not exist") == (
        unknown.status_code, unknown.json()["message"],
    )  # fmt: skip
    assert 400 == client.put(one, json={"x": 1}).status_code
    assert 400 == client.put(one, content=b"<x", headers=XML).status_code
    place = f"{BASE}/ehr/{open_ehr(client)}/composition"
    assert 201 == client.post(place, json=vital_signs()).status_code
    used = client.put(one, content=OPT, headers=XML)
    assert (422, True) == (used.status_code, "is used by" in used.json()["message"])


@pytest.mark.row("admin_query_delete")
@pytest.mark.behaviour("admin.query")
def test_a_stored_query_goes_version_by_version(client):
    """200, then 404."""
    place = f"{BASE}/definition/query/org.example::all/1.0.0"
    q = "SELECT c FROM COMPOSITION c"
    text = {"Content-Type": "text/plain"}
    assert 200 == client.put(place, content=q, headers=text).status_code
    assert 200 == client.delete(f"{ADMIN}/query/org.example::all/1.0.0").status_code
    assert 404 == client.delete(f"{ADMIN}/query/org.example::all/1.0.0").status_code
    assert 404 == client.get(place).status_code


CALLS = (
    ("GET", "/status"), ("DELETE", "/ehr/all"), ("DELETE", f"/ehr/{uuid4()}"),
    ("DELETE", f"/ehr/{uuid4()}/composition/{uuid4()}"), ("DELETE", f"/ehr/{uuid4()}/directory"),
    ("DELETE", f"/ehr/{uuid4()}/directory/{uuid4()}"),
    ("DELETE", f"/ehr/{uuid4()}/contribution/{uuid4()}"), ("DELETE", "/query/a/1.0.0"),
    ("DELETE", "/template/x"), ("DELETE", "/template/all"), ("PUT", "/template/x"),
)  # fmt: skip


@pytest.mark.behaviour("roles")
def test_only_a_key_that_may_administer_administers(clinical):
    """A key with every other scope: 403, whatever it asks for; without a key 401."""
    import httpx

    from moiety.commands import issue

    with clinical.client(*(issue.SCOPES["clinical"] - issue.UNUSUAL)) as client:
        for method, path in CALLS:
            assert 403 == client.request(method, ADMIN + path).status_code, path
            bare = httpx.request(method, clinical.url + ADMIN + path, trust_env=False)
            assert 401 == bare.status_code
    with clinical.client("admin:delete") as client:
        assert 200 == client.get(f"{ADMIN}/status").status_code


def test_the_application_can_delete_by_those_functions_alone(clinical_database):
    """Its role has no DELETE on a history, and no other way in."""
    with psycopg.connect(clinical_database.url(), autocommit=True) as connection:
        for table in ("composition_history", "contribution", "ehr", "commit_log", "template"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"DELETE FROM {table}")
        with pytest.raises(psycopg.errors.RaiseException):
            connection.execute(
                "SELECT removal.versioned('ehr_status', gen_random_uuid(), gen_random_uuid(),"
                " 'k', 'd')"
            )


def test_what_is_written_while_an_ehr_is_deleted_goes_with_it_or_is_refused(clinical, client):
    """No version is left without its EHR, however the two meet."""
    from concurrent.futures import ThreadPoolExecutor

    ids = [open_ehr(client) for _ in range(6)]

    def write(number):
        with clinical.client() as mine:
            place = f"{BASE}/ehr/{ids[number % 6]}/composition"
            return mine.post(place, json=vital_signs(number)).status_code

    def remove(ehr_id):
        with clinical.client() as mine:
            return mine.delete(f"{ADMIN}/ehr/{ehr_id}").status_code

    with ThreadPoolExecutor(10) as pool:
        writers = [pool.submit(write, number) for number in range(48)]
        removers = [pool.submit(remove, ehr_id) for ehr_id in ids]
        assert {201, 404} >= {one.result() for one in writers}
        assert {204} == {one.result() for one in removers}
    with psycopg.connect(clinical.database.url("postgres")) as connection:
        for table in ("composition", "composition_history", "contribution", "ehr_status"):
            (left,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert 0 == left, table
