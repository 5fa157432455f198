"""VERSIONED_COMPOSITION, the commit log, and the checker, over a running service."""

import time
from datetime import UTC, datetime
from uuid import uuid4
from xml.etree import ElementTree as ET

import psycopg
import pytest

from tests.fixtures.clinical_documents import (
    BASE,
    contribution,
    folder,
    open_ehr,
    status,
    uid_of,
    upload,
    version,
    vital_signs,
)

XMLS = {"Accept": "application/xml"}
NAMESPACE = "{http://schemas.openehr.org/v1}"


@pytest.fixture
def client(clinical):
    """A client that may do everything, with the vital signs template uploaded."""
    with clinical.client() as client:
        upload(client)
        yield client


@pytest.fixture
def place(client):
    """A new EHR."""
    return f"{BASE}/ehr/{open_ehr(client)}"


@pytest.fixture
def uid(client, place):
    """A composition's first version uid."""
    return uid_of(client.post(f"{place}/composition", json=vital_signs(1)))


def follow(client, place, uid, seed=2):
    """Commit the next version."""
    target = f"{place}/composition/{uid.split('::')[0]}"
    return uid_of(client.put(target, json=vital_signs(seed), headers={"If-Match": uid}))


# --- VERSIONED_COMPOSITION -------------------------------------------------------------------


@pytest.mark.behaviour("composition.versioned")
@pytest.mark.row("versioned_composition_get")
def test_the_versioned_composition_names_its_owner(client, place, uid):
    """uid, owner_id.id.value and the time of the first version, in both formats."""
    target = f"{place}/versioned_composition/{uid.split('::')[0]}"
    body = client.get(target).json()
    assert "VERSIONED_COMPOSITION" == body["_type"]
    assert uid.split("::")[0] == body["uid"]["value"]
    assert place.endswith(body["owner_id"]["id"]["value"])
    created = body["time_created"]["value"]
    follow(client, place, uid)
    assert created == client.get(target).json()["time_created"]["value"]
    root = ET.fromstring(client.get(target, headers=XMLS).text)
    assert created == root.findtext(f"{NAMESPACE}time_created/{NAMESPACE}value")


@pytest.mark.row("versioned_composition_revision_history")
def test_the_history_of_a_composition_begins_with_the_oldest(client, place, uid):
    """Creation, modification and deletion, each with its audit, in both formats."""
    second = follow(client, place, uid)
    client.delete(f"{place}/composition/{second}")
    target = f"{place}/versioned_composition/{uid.split('::')[0]}/revision_history"
    items = client.get(target).json()["items"]
    assert [uid, second, uid.replace("::1", "::3")] == [i["version_id"]["value"] for i in items]
    assert ["creation", "modification", "deleted"] == [
        item["audits"][0]["change_type"]["value"] for item in items
    ]
    assert all(i["audits"][0]["committer"]["name"].startswith("API key ") for i in items)
    root = ET.fromstring(client.get(target, headers=XMLS).text)
    assert 3 == len(root.findall(f"{NAMESPACE}items"))


@pytest.mark.row("versioned_composition_version_get_at_time")
def test_a_version_of_a_composition_is_read_as_of_a_time(client, place, uid):
    """With content; without, where it was deleted; 404 before the first."""
    time.sleep(0.01)
    moment = datetime.now(UTC).isoformat()
    time.sleep(0.01)
    second = follow(client, place, uid)
    target = f"{place}/versioned_composition/{uid.split('::')[0]}/version"
    old = client.get(target, params={"version_at_time": moment})
    assert uid == old.json()["uid"]["value"] == old.json()["data"]["uid"]["value"]
    latest = client.get(target)
    assert second == uid_of(latest)
    assert latest.headers["Location"].endswith(f"{target}/{second}")
    assert latest.headers["Last-Modified"].endswith("GMT")
    before = client.get(target, params={"version_at_time": "2020-01-01T00:00:00Z"})
    assert 404 == before.status_code
    client.delete(f"{place}/composition/{second}")
    gone = client.get(target).json()
    assert "data" not in gone
    assert (
        "deleted"
        == gone["lifecycle_state"]["value"]
        == gone["commit_audit"]["change_type"]["value"]
    )


@pytest.mark.row("versioned_composition_version_get_by_id")
def test_a_version_of_a_composition_is_read_by_its_id(client, place, uid):
    """ORIGINAL_VERSION in both formats; a wrong uid is told apart."""
    object_id = uid.split("::")[0]
    target = f"{place}/versioned_composition/{object_id}/version"
    body = client.get(f"{target}/{uid}").json()
    assert "ORIGINAL_VERSION" == body["_type"]
    assert "preceding_version_uid" not in body
    root = ET.fromstring(client.get(f"{target}/{uid}", headers=XMLS).text)
    assert uid == root.findtext(f"{NAMESPACE}data/{NAMESPACE}uid/{NAMESPACE}value")
    for wrong, expected in (
        (f"{object_id}::moiety.local::9", 404), (f"{object_id}::moiety.local::0", 400),
        (f"{uuid4()}::moiety.local::1", 400), (f"{object_id}::elsewhere::1", 404),
    ):  # fmt: skip
        assert expected == client.get(f"{target}/{wrong}").status_code, wrong


@pytest.mark.parametrize("more", ["", "/revision_history", "/version"])
def test_what_is_not_here_has_no_versions(client, place, uid, more):
    """Another EHR, another object, no UUID: 404."""
    object_id = uid.split("::")[0]
    other = f"{BASE}/ehr/{open_ehr(client)}"
    for target in (
        f"{other}/versioned_composition/{object_id}",
        f"{place}/versioned_composition/{uuid4()}",
        f"{place}/versioned_composition/no-uuid",
        f"{BASE}/ehr/no-uuid/versioned_composition/{object_id}",
    ):
        assert 404 == client.get(target + more).status_code


# --- the commit log --------------------------------------------------------------------------


def log(service):
    """(door, kind, outcome, findings) of every attempt, in the order of time."""
    with psycopg.connect(service.database.url()) as connection:
        return connection.execute(
            "SELECT door, kind, outcome, findings FROM commit_log ORDER BY time_tried"
        ).fetchall()


def test_every_attempt_to_write_is_logged_accepted_or_refused(clinical, client):
    """Who, by which door, what kind, with what outcome, and kinds of findings: never a value."""
    ehr_id = open_ehr(client)
    place = f"{BASE}/ehr/{ehr_id}"
    client.post(f"{place}/composition", json=vital_signs() | {
        "name": {"_type": "DV_TEXT", "value": "ring 07700 900123"}})  # fmt: skip
    client.post(f"{place}/directory", json=folder("NHS no 999 123 4578"))
    before = uid_of(client.post(f"{place}/directory", json=folder()))
    client.post(f"{place}/directory", json=folder())
    client.put(f"{place}/ehr_status", json=status(), headers={"If-Match": f"{uuid4()}::x::1"})
    ringing = vital_signs(2) | {"name": {"_type": "DV_TEXT", "value": "ring 07700 900123"}}
    client.post(
        f"{place}/contribution",
        json=contribution(version(folder(), "amendment", before), version(ringing)),
    )
    client.post(f"{place}/contribution", json=contribution())
    client.get(f"{place}/composition/{uuid4()}")
    base = "/openehr/v1/ehr"
    assert [
        (f"POST {base}", "ehr", "accepted", []),
        (f"POST {base}/{{ehr_id}}/composition", "composition", "accepted", ["TELEPHONE"]),
        (f"POST {base}/{{ehr_id}}/directory", "folder", "Unprocessable", ["NHS_NUMBER"]),
        (f"POST {base}/{{ehr_id}}/directory", "folder", "accepted", []),
        (f"POST {base}/{{ehr_id}}/directory", "folder", "Conflict", []),
        (f"PUT {base}/{{ehr_id}}/ehr_status", "ehr_status", "VersionConflict", []),
        (f"POST {base}/{{ehr_id}}/contribution", "contribution", "accepted", ["TELEPHONE"]),
        (f"POST {base}/{{ehr_id}}/contribution", "contribution", "Malformed", []),
    ] == log(clinical)
    with psycopg.connect(clinical.database.url()) as connection:
        keys = connection.execute("SELECT DISTINCT key_id, ehr_id::text FROM commit_log").fetchall()
        orphans = connection.execute(
            "SELECT count(*) FROM commit_log l LEFT JOIN contribution c"
            " ON c.ehr_id = l.ehr_id AND c.contribution_id = l.attempt_id"
            " WHERE (l.outcome = 'accepted') <> (c.contribution_id IS NOT NULL)"
        ).fetchone()
    assert [ehr_id] == [ehr for _, ehr in keys]
    assert (0,) == orphans


def test_an_attempt_without_the_scope_is_logged_and_one_without_a_key_is_not(clinical, client):
    """A caller who is known; nobody can fill the log without a key."""
    place = f"{BASE}/ehr/{uuid4()}/directory"
    with clinical.client("query:read") as reader:
        assert 403 == reader.post(place, json=folder()).status_code
    assert 401 == client.post(place, json=folder(), headers={"Authorization": "x"}).status_code
    (line,) = [one for one in log(clinical) if one[2] != "accepted"]
    assert ("folder", "Forbidden") == line[1:3]


# --- the checker -----------------------------------------------------------------------------


def story(client, place):
    """A bit of everything."""
    uid = uid_of(client.post(f"{place}/composition", json=vital_signs(1)))
    second = follow(client, place, uid)
    client.delete(f"{place}/composition/{second}")
    client.post(f"{place}/composition", json=vital_signs(3))
    made = uid_of(client.post(f"{place}/directory", json=folder()))
    client.delete(f"{place}/directory", headers={"If-Match": made})
    client.post(
        f"{place}/contribution", json=contribution(version(folder()), version(vital_signs(4)))
    )
    first = uid_of(client.get(f"{place}/ehr_status"))
    client.put(f"{place}/ehr_status", json=status(), headers={"If-Match": first})


def broken(service):
    """The sentences that do not hold."""
    from moiety.commands import clinical as work

    found = work.check(service.database.url("migrator"), with_documents=True)
    assert len(found) > 20
    return {one.sentence for one in found if one.broken}


def test_what_the_service_wrote_is_consistent(clinical, client, place):
    """Every sentence holds after creations, changes, deletions and contributions."""
    story(client, place)
    assert set() == broken(clinical)


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        ("DELETE FROM composition_history WHERE version = 1", "numbered from 1"),
        ("UPDATE composition_history SET version = 7 WHERE version = 3", "numbered from 1"),
        (("DELETE FROM contribution WHERE contribution_id IN"
         " (SELECT contribution_id FROM folder)"), "has its contribution"),
        ("UPDATE contribution SET time_committed = now()", "has its contribution"),
        ("DELETE FROM composition", "a typed row has its head"),
        ("UPDATE composition SET groups = '{}'", "a typed row has its head"),
        ("DELETE FROM leaf.{leaf}", "has rows there"),
        ("DELETE FROM ehr_status", "has one status"),
        ("DELETE FROM ehr", "a version has its EHR"),
        ("UPDATE ehr_status SET document = NULL", "has content"),
        ("UPDATE composition SET document = (SELECT document FROM folder LIMIT 1)",
         "bears its uid"),
        ("INSERT INTO screen_finding VALUES (gen_random_uuid(), 1, 0, '/', 'X', 0, 0)",
         "a finding of the screen"),
        ("INSERT INTO contribution SELECT ehr_id, gen_random_uuid(), now(), 249, '{}' FROM ehr",
         "a contribution has"),
    ],
)  # fmt: skip
def test_every_kind_of_harm_is_found(clinical, client, place, harm, sentence):
    """The checker names the sentence that was broken behind the service's back."""
    story(client, place)
    with psycopg.connect(clinical.database.url("postgres"), autocommit=True) as connection:
        (leaf,) = connection.execute("SELECT groups[1] FROM composition LIMIT 1").fetchone()
        connection.execute(harm.replace("{leaf}", leaf))
    found = broken(clinical)
    assert any(sentence in one for one in found), found


def test_the_command_says_what_it_found_and_exits_accordingly(clinical, client, place, tmp_path):
    """0 and a count where all holds; 1 and the sentence where one does not."""
    from typer.testing import CliRunner

    from moiety.cli import app

    story(client, place)
    url = tmp_path / "url"
    url.write_text(clinical.database.url("migrator"))
    words = ["clinical", "check", "--documents", "--database-url-file", str(url)]
    whole = CliRunner().invoke(app, words)
    assert 0 == whole.exit_code, whole.output
    assert "sentences hold" in whole.output
    with psycopg.connect(clinical.database.url("postgres"), autocommit=True) as connection:
        connection.execute("DELETE FROM ehr_status")
    harmed = CliRunner().invoke(app, words)
    assert 1 == harmed.exit_code
    assert "an EHR has one status" in harmed.output
