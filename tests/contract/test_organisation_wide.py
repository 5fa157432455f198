"""Statistics and the folder template of an organisation."""

from datetime import UTC, datetime

import psycopg
import pytest
import sqlalchemy as sa

from clinical_api import statistics
from tests.fixtures.clinical_documents import (
    BASE,
    folder,
    open_ehr,
    status,
    uid_of,
    upload,
    vital_signs,
)

TREE = folder("record", folder("episodes", folder("open")), folder("results"))


@pytest.fixture
def client(clinical):
    """A client that may do everything, where the demo's vital signs are known."""
    with clinical.client() as client:
        upload(client)
        yield client


def commit(client, ehr_id, seed=1):
    """A composition's version uid."""
    answer = client.post(f"{BASE}/ehr/{ehr_id}/composition", json=vital_signs(seed))
    assert 201 == answer.status_code, answer.text
    return uid_of(answer)


def names(tree):
    """A folder tree by its names."""
    return {tree["name"]["value"]: [names(child) for child in tree.get("folders", ())]}


def test_statistics_count_what_is_in_use_and_not_the_pool(client):
    """EHRs, versions by kind, templates; the same numbers as metrics."""
    used, _ = open_ehr(client), [open_ehr(client) for _ in range(5)]
    uid = commit(client, used)
    place = f"{BASE}/ehr/{used}/composition/{uid.split('::')[0]}"
    client.put(place, json=vital_signs(2), headers={"If-Match": f'"{uid}"'}).raise_for_status()
    commit(client, used, 3)
    found = client.get("/statistics").raise_for_status().json()
    assert 1 == found["ehrs"]
    assert {"current": 2, "former": 1} == found["versions"]["COMPOSITION"]
    assert (1, 0, False) == (found["templates"], found["queries"], found["estimated"])
    assert {"moiety_vital_signs.v1": 2} == found["compositions"]
    assert found["octets"] > 0
    assert 0 == found["octets"] % 2**20
    metrics = client.get("/metrics").text
    assert 'moiety_ehrs{organisation="main"} 1.0' in metrics
    assert 'kind="COMPOSITION",organisation="main",state="former"} 1.0' in metrics


def test_statistics_say_nothing_of_exact_times(client):
    """A quarter of an hour is told as of its beginning, and not counted again within it."""
    first = client.get("/statistics").json()
    told = datetime.fromisoformat(first["as_of"])
    now = datetime.now(UTC)
    assert (0, 0, 0) == (told.minute % 15, told.second, told.microsecond)
    if statistics.period(now) != told:
        pytest.skip("a quarter of an hour began in between")
    commit(client, open_ehr(client))
    assert first == client.get("/statistics").json()


def test_large_tables_are_estimated(clinical, client):
    """What the server knows of a table's size is told instead of counting it."""
    commit(client, open_ehr(client))
    with psycopg.connect(clinical.database.url("postgres"), autocommit=True) as connection:
        connection.execute("UPDATE pg_class SET reltuples = 5e6 WHERE relname = 'composition'")
    engine = sa.create_engine(
        sa.make_url(clinical.database.url()).set(drivername="postgresql+psycopg"),
        poolclass=sa.NullPool,
    )
    with engine.connect() as connection:
        found = statistics.take(connection, datetime.now(UTC))
    assert found.estimated
    assert 5_000_000 == found.versions["COMPOSITION"].current
    assert 1 == found.ehrs


def test_statistics_and_configuration_have_scopes_of_their_own(clinical):
    """`statistics:read` and `admin:configure`."""
    with clinical.client("ehr:read") as client:
        assert 403 == client.get("/statistics").status_code
        assert 403 == client.get("/folder-template").status_code
        assert 403 == client.put("/folder-template", json=TREE).status_code
    with clinical.client("statistics:read") as client:
        assert 200 == client.get("/statistics").status_code


def test_new_ehrs_receive_the_folder_template(client):
    """With ids of their own, in the contribution that opens them, and still in the pool."""
    assert 404 == client.get("/folder-template").status_code
    assert 204 == client.put("/folder-template", json=TREE).status_code
    assert names(TREE) == names(client.get("/folder-template").json())
    owners = [open_ehr(client) for _ in range(2)]
    uids = set()
    for ehr_id in owners:
        answer = client.get(f"{BASE}/ehr/{ehr_id}/directory")
        assert names(TREE) == names(answer.json())
        uids.add(uid_of(answer))
        assert client.get(f"{BASE}/ehr/{ehr_id}").json()["directory"]["id"]["value"] in uids
    assert 2 == len(uids)
    assert [] == client.get("/events").json()["events"]
    assert 0 == client.get("/statistics").json()["ehrs"]
    commit(client, owners[0])
    opening = client.get("/events").json()["events"][0]
    assert {"EHR_STATUS", "FOLDER"} == {v["kind"] for v in opening["versions"]}
    root = uid_of(client.get(f"{BASE}/ehr/{owners[0]}/directory"))
    changed = client.put(
        f"{BASE}/ehr/{owners[0]}/directory", json=folder("mine"), headers={"If-Match": root}
    )
    assert changed.status_code in {200, 204}


def test_a_changed_template_reaches_the_pool_and_nobody_in_use(client):
    """EHRs that wait get the new tree, also those opened before there was one."""
    early, used = open_ehr(client), open_ehr(client)
    commit(client, used)
    client.put("/folder-template", json=TREE).raise_for_status()
    assert names(TREE) == names(client.get(f"{BASE}/ehr/{early}/directory").json())
    assert 404 == client.get(f"{BASE}/ehr/{used}/directory").status_code
    other = folder("other")
    client.put("/folder-template", json=other).raise_for_status()
    assert names(other) == names(client.get(f"{BASE}/ehr/{early}/directory").json())
    commit(client, early)
    client.put("/folder-template", json=TREE).raise_for_status()
    assert names(other) == names(client.get(f"{BASE}/ehr/{early}/directory").json())
    assert 204 == client.delete("/folder-template").status_code
    assert 404 == client.delete("/folder-template").status_code
    assert 404 == client.get(f"{BASE}/ehr/{open_ehr(client)}/directory").status_code
    kinds = {event["type"] for event in client.get("/events").json()["events"]}
    assert {"contribution"} == kinds


def test_what_is_no_folder_template_is_told(client):
    """Not a folder, items inside, an identifier in a name."""
    item = {
        "_type": "OBJECT_REF", "namespace": "local", "type": "VERSIONED_COMPOSITION",
        "id": {"_type": "HIER_OBJECT_ID", "value": "0b6f2a0c-7a39-4a6d-9b5a-000000000000"},
    }  # fmt: skip
    for sent, code in (
        ({}, 400), (status(), 400), (folder("a", folder("b", items=[item])), 400),
        (folder("NHS no 943 476 5919"), 422),
    ):  # fmt: skip
        answer = client.put("/folder-template", json=sent)
        assert code == answer.status_code, answer.text
        assert "943 476" not in answer.text
    assert 404 == client.get("/folder-template").status_code


def test_an_ehr_that_exists_gets_no_second_directory(client):
    """PUT of an id that is taken is 409, and its directory stays as it was."""
    ehr_id = open_ehr(client)
    commit(client, ehr_id)
    client.put("/folder-template", json=TREE).raise_for_status()
    assert 409 == client.put(f"{BASE}/ehr/{ehr_id}").status_code
    assert 404 == client.get(f"{BASE}/ehr/{ehr_id}/directory").status_code
