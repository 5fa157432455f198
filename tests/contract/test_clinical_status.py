"""EHR_STATUS and VERSIONED_EHR_STATUS over HTTP."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4
from xml.etree import ElementTree as ET

import psycopg
import pytest

from tests.fixtures.clinical_documents import (
    BASE,
    WHOLE,
    folder,
    open_ehr,
    status,
    subject,
    uid_of,
    upload,
    vital_signs,
)

XMLS = {"Accept": "application/xml"}
NAMESPACE = "{http://schemas.openehr.org/v1}"


@pytest.fixture
def client(clinical):
    """A client that may do everything."""
    with clinical.client() as client:
        yield client


@pytest.fixture
def place(client):
    """A new EHR."""
    return f"{BASE}/ehr/{open_ehr(client)}"


def first(client, place):
    """The version uid of the EHR's first status."""
    return uid_of(client.get(f"{place}/ehr_status"))


def change(client, place, before, headers=None, **changes):
    """PUT the next status."""
    return client.put(
        f"{place}/ehr_status",
        json=status(**changes),
        headers={"If-Match": before} | (headers or {}),
    )


def now():
    """This moment, as clients write it."""
    return datetime.now(UTC).isoformat()


# --- reading ---------------------------------------------------------------------------------


@pytest.mark.row("ehr_status_get_at_time")
def test_the_latest_status_is_read_with_its_headers(client, place):
    """ETag, Location, Last-Modified; in both formats."""
    answer = client.get(f"{place}/ehr_status")
    assert 200 == answer.status_code
    uid = uid_of(answer)
    assert uid == answer.json()["uid"]["value"]
    assert answer.headers["Location"].endswith(f"{place}/ehr_status/{uid}")
    assert answer.headers["Last-Modified"].endswith("GMT")
    xml = client.get(f"{place}/ehr_status", headers=XMLS)
    root = ET.fromstring(xml.text)
    assert uid == root.findtext(f"{NAMESPACE}uid/{NAMESPACE}value")
    assert uid_of(xml) == uid


@pytest.mark.behaviour("status.at-time")
@pytest.mark.row("ehr_status_get_at_time")
def test_a_status_is_read_as_of_a_time(client, place):
    """Before creation 404, between two versions the first, in the future the latest."""
    uid = first(client, place)
    time.sleep(0.01)
    between = now()
    time.sleep(0.01)
    assert 204 == change(client, place, uid).status_code

    def at(moment):
        return client.get(f"{place}/ehr_status", params={"version_at_time": moment})

    assert 404 == at("2020-01-01T10:00:00Z").status_code
    assert uid == uid_of(at(between))
    assert uid == uid_of(at(between.replace("+00:00", "")))
    assert uid == uid_of(at(between.replace("+00:00", "Z")))
    assert uid.replace("::1", "::2") == uid_of(at("2100-01-01T10:00:00.000+01:00"))
    unencoded = client.get(f"{place}/ehr_status?version_at_time=2100-01-01T10:00:00+01:00")
    assert 200 == unencoded.status_code
    for wrong in ("2020-01-01 10:00:00", "yesterday", "2020-13-01T00:00:00Z", ""):
        assert 400 == at(wrong).status_code, wrong


@pytest.mark.row("ehr_status_get_by_version_id")
def test_a_status_is_read_by_its_version(client, place):
    """Either version; the object's id alone means the latest."""
    uid = first(client, place)
    change(client, place, uid, is_queryable=False)
    second = uid.replace("::1", "::2")
    assert client.get(f"{place}/ehr_status/{uid}").json()["is_queryable"]
    answer = client.get(f"{place}/ehr_status/{second}")
    assert answer.json()["is_queryable"] is False
    assert second == uid_of(answer)
    assert second == uid_of(client.get(f"{place}/ehr_status/{uid.split('::')[0]}"))
    assert "<is_queryable>false<" in client.get(f"{place}/ehr_status/{second}", headers=XMLS).text


@pytest.mark.behaviour("status.version-uid")
@pytest.mark.row("ehr_status_get_by_version_id")
@pytest.mark.parametrize("resource", ["ehr_status/{}", "versioned_ehr_status/version/{}"])
def test_a_wrong_version_uid_is_told_apart(client, place, resource):
    """No version uid, or another object's: 400; a number that is not there, another system: 404."""
    uid = first(client, place)
    object_id = uid.split("::")[0]
    for wrong, expected in (
        (f"{object_id}::moiety.local::-2", 400),
        (f"{object_id}::moiety.local::2.0", 400),
        (f"{uuid4()}::moiety.local::1", 400),
        (f"{object_id}::moiety.local::9", 404),
        (f"{object_id}::elsewhere::1", 404),
    ):
        assert expected == client.get(f"{place}/{resource.format(wrong)}").status_code, wrong


@pytest.mark.parametrize(
    "resource",
    ["ehr_status", "versioned_ehr_status", "versioned_ehr_status/revision_history",
     "versioned_ehr_status/version"],
)  # fmt: skip
def test_without_the_ehr_there_is_no_status(client, resource):
    """404, whatever the id looks like."""
    for ehr_id in (uuid4(), "no-uuid"):
        assert 404 == client.get(f"{BASE}/ehr/{ehr_id}/{resource}").status_code


# --- writing ---------------------------------------------------------------------------------


@pytest.mark.row("ehr_status_update")
@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"'])
def test_a_status_is_changed_after_the_version_that_if_match_names(client, place, form):
    """204 without a body; quoted, unquoted and weak are the same."""
    uid = first(client, place)
    answer = change(client, place, form.format(uid))
    assert (204, b"") == (answer.status_code, answer.content)
    second = uid.replace("::1", "::2")
    assert second == uid_of(answer)
    assert answer.headers["Location"].endswith(f"/ehr_status/{second}")


@pytest.mark.behaviour("prefer")
@pytest.mark.row("ehr_status_update")
def test_a_change_is_answered_as_the_client_prefers(client, place):
    """Representation and identifier are 200; in both formats."""
    uid = first(client, place)
    whole = change(client, place, uid, WHOLE, is_queryable=False)
    assert 200 == whole.status_code
    assert whole.json()["is_queryable"] is False
    assert uid_of(whole) == whole.json()["uid"]["value"]
    third = change(client, place, uid_of(whole), {"Prefer": "return=identifier"})
    assert (200, {"uid": uid_of(third)}) == (third.status_code, third.json())
    xml = change(client, place, uid_of(third), WHOLE | XMLS)
    assert uid_of(xml) in xml.text
    assert xml.text.startswith("<?xml")


@pytest.mark.behaviour("status.if-match")
@pytest.mark.row("ehr_status_update")
def test_what_if_match_must_be(client, place):
    """Missing or malformed: 400; another version, object or system: 412 with the latest."""
    uid = first(client, place)
    object_id = uid.split("::")[0]
    missing = client.put(f"{place}/ehr_status", json=status())
    assert 400 == missing.status_code
    for wrong in ("*", "7", '"x::y::1"', f"{object_id}"):
        assert 400 == change(client, place, wrong).status_code, wrong
    for other in (
        f"{object_id}::moiety.local::2", f"{uuid4()}::moiety.local::1", f"{object_id}::else::1",
    ):  # fmt: skip
        answer = change(client, place, other)
        assert (412, "Precondition Failed") == (answer.status_code, answer.json()["error"])
        assert uid == uid_of(answer)
        assert answer.headers["Location"].endswith(f"/ehr_status/{uid}")
    assert 404 == change(client, f"{BASE}/ehr/{uuid4()}", uid).status_code


@pytest.mark.behaviour("one-writer")
@pytest.mark.row("ehr_status_update")
def test_of_many_writers_of_a_status_exactly_one_wins(clinical, client, place):
    """The others get 412 with the latest ETag and Location."""
    uid = first(client, place)
    token = clinical.key("ehr:write")

    def write(_):
        with clinical.client(token=token) as writer:
            return change(writer, place, uid)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write, range(16)))
    assert 1 == sum(answer.status_code == 204 for answer in answers)
    for answer in answers:
        if answer.status_code != 204:
            assert 412 == answer.status_code
            assert uid.replace("::1", "::2") == uid_of(answer)
            assert answer.headers["Location"].endswith("::2")


@pytest.mark.row("ehr_status_update")
def test_what_the_status_says_of_the_ehr_follows_it(clinical, client, place):
    """is_queryable, is_modifiable and the subject also stand in the EHR's row."""
    own = str(uuid4())
    change(client, place, first(client, place), is_queryable=False, subject=subject(own))
    with psycopg.connect(clinical.database.url()) as connection:
        row = connection.execute(
            "SELECT queryable, modifiable, subject_namespace, subject_id::text FROM ehr"
        ).fetchone()
    assert (False, True, "moiety", own) == row
    found = client.get(f"{BASE}/ehr", params={"subject_id": own, "subject_namespace": "moiety"})
    assert place.endswith(found.json()["ehr_id"]["value"])


@pytest.mark.row("ehr_status_update")
def test_a_subject_of_another_ehr_is_409_and_disturbs_nobody(client, place):
    """Nothing of the change is kept, and the EHR can be changed again."""
    own = str(uuid4())
    open_ehr(client, status(subject=subject(own)))
    uid = first(client, place)
    assert 409 == change(client, place, uid, subject=subject(own)).status_code
    assert uid == first(client, place)
    assert 204 == change(client, place, uid).status_code


@pytest.mark.behaviour("status.not-modifiable")
@pytest.mark.row("ehr_status_update")
def test_an_ehr_that_may_not_be_modified_takes_a_status_alone(client, place):
    """Every other write is 409 and says so, in both formats; the status can be changed back."""
    upload(client)
    assert 204 == change(client, place, first(client, place), is_modifiable=False).status_code
    for answer in (
        client.post(f"{place}/directory", json=folder()),
        client.post(f"{place}/composition", json=vital_signs()),
        client.post(f"{place}/directory", json=folder(), headers=XMLS),
    ):
        assert 409 == answer.status_code
        assert "does not allow modification" in answer.text
    answer = change(client, place, first(client, place), is_modifiable=True)
    assert 204 == answer.status_code
    assert 201 == client.post(f"{place}/directory", json=folder()).status_code


@pytest.mark.row("ehr_status_update")
@pytest.mark.parametrize("missing", ["_type", "name", "is_queryable", "archetype_node_id"])
def test_an_incomplete_status_changes_nothing(client, place, missing):
    """400, and the version is still the first."""
    uid = first(client, place)
    body = status()
    del body[missing]
    answer = client.put(f"{place}/ehr_status", json=body, headers={"If-Match": uid})
    assert 400 == answer.status_code
    assert uid == first(client, place)


def test_the_screen_stands_at_this_door_too(clinical, client, place):
    """A number after its cue in `other_details` is refused; a telephone number is recorded."""

    def details(text):
        element = {
            "_type": "ELEMENT", "archetype_node_id": "at0001",
            "name": {"_type": "DV_TEXT", "value": "note"},
            "value": {"_type": "DV_TEXT", "value": text},
        }  # fmt: skip
        return {
            "_type": "ITEM_SINGLE", "archetype_node_id": "at0000", "item": element,
            "name": {"_type": "DV_TEXT", "value": "about"},
        }  # fmt: skip

    uid = first(client, place)
    refused = change(client, place, uid, other_details=details("NHS no 999 123 4578"))
    assert 422 == refused.status_code
    assert "/other_details/item/value/value" == refused.json()["validationErrors"][0]["path"]
    assert "4578" not in refused.text
    taken = change(client, place, uid, other_details=details("ring 07700 900123"))
    assert 204 == taken.status_code
    with psycopg.connect(clinical.database.url()) as connection:
        rows = connection.execute("SELECT path, kind FROM screen_finding").fetchall()
    assert [("/other_details/item/value/value", "TELEPHONE")] == rows


# --- commit headers --------------------------------------------------------------------------


AUDITS = [
    [("openehr-version", 'lifecycle_state.code_string="553"'),
     ("openehr-audit-details", 'change_type.code_string="250"'),
     ("openehr-audit-details", 'description.value="put right, at last"'),
     ("openehr-audit-details",
      ('committer.name="Ann",committer.external_ref.id="BC81",'
      'committer.external_ref.namespace="demographic",committer.external_ref.type="PERSON"'))],
    [("openEHR-VERSION.lifecycle_state", "incomplete"),
     ("openEHR-AUDIT_DETAILS.change_type", "amendment"),
     ("openEHR-AUDIT_DETAILS.description", "put right, at last"),
     ("openEHR-AUDIT_DETAILS.committer", 'name="Ann", external_ref.id="BC81"')],
    [("openEHR-VERSION", 'lifecycle_state.code_string="553"'),
     ("openEHR-AUDIT_DETAILS",
      ('change_type.code_string="250", description.value="put right, at last",'
      'committer.name="Ann", committer.external_ref.id="BC81"'))],
]  # fmt: skip


@pytest.mark.behaviour("commit-headers")
@pytest.mark.row("ehr_status_update")
@pytest.mark.parametrize("headers", AUDITS, ids=["1.1.0", "name", "1.0.3"])
def test_a_clients_own_words_on_its_commit_are_kept(client, place, headers):
    """Lifecycle state, change type, description and committer, in every form of the headers."""
    uid = first(client, place)
    answer = client.put(f"{place}/ehr_status", json=status(), headers=[("If-Match", uid), *headers])
    assert 204 == answer.status_code, answer.text
    made = client.get(f"{place}/versioned_ehr_status/version").json()
    assert ("incomplete", "553") == (
        made["lifecycle_state"]["value"],
        made["lifecycle_state"]["defining_code"]["code_string"],
    )
    audit = made["commit_audit"]
    assert "amendment" == audit["change_type"]["value"]
    assert "put right, at last" == audit["description"]["value"]
    assert "Ann" == audit["committer"]["name"]
    assert "BC81" == audit["committer"]["external_ref"]["id"]["value"]
    assert "moiety.local" == audit["system_id"]


@pytest.mark.behaviour("commit-headers")
@pytest.mark.parametrize(
    "header",
    [
        ("openehr-version", 'lifecycle_state.code_string="999"'),
        ("openehr-version", 'lifecycle_state.code_string="523"'),
        ("openehr-version", "nonsense"),
        ("openehr-version", 'colour="red"'),
        ("openehr-audit-details", 'change_type.code_string="249"'),
        ("openehr-audit-details", 'committer.age="7"'),
        ("openehr-audit-details", '=""'),
    ],
)
def test_what_a_commit_header_cannot_say_is_400(client, place, header):
    """Unknown codes and attributes, and changes that this operation is not."""
    uid = first(client, place)
    answer = client.put(f"{place}/ehr_status", json=status(), headers=[("If-Match", uid), header])
    assert 400 == answer.status_code, answer.text
    assert uid == first(client, place)


def test_no_number_enters_by_a_commit_header(client, place):
    """The screen reads descriptions and committers too."""
    uid = first(client, place)
    headers = {"openehr-audit-details": 'description.value="NHS no 999 123 4578"'}
    answer = change(client, place, uid, headers)
    assert 422 == answer.status_code
    assert "4578" not in answer.text


# --- VERSIONED_EHR_STATUS --------------------------------------------------------------------


@pytest.mark.row("versioned_ehr_status_get")
def test_the_versioned_status_names_its_owner(client, place):
    """VERSIONED_EHR_STATUS in both formats."""
    uid = first(client, place)
    body = client.get(f"{place}/versioned_ehr_status").json()
    assert "VERSIONED_EHR_STATUS" == body["_type"]
    assert uid.split("::")[0] == body["uid"]["value"]
    assert place.endswith(body["owner_id"]["id"]["value"])
    assert body["time_created"]["value"]
    xml = client.get(f"{place}/versioned_ehr_status", headers=XMLS).text
    assert uid.split("::")[0] in xml


@pytest.mark.behaviour("status.history")
@pytest.mark.row("versioned_ehr_status_revision_history")
def test_the_revision_history_begins_with_the_oldest(client, place):
    """Version ids, change types, and times with microseconds and zone."""
    uid = first(client, place)
    change(client, place, uid)
    body = client.get(f"{place}/versioned_ehr_status/revision_history").json()
    assert "REVISION_HISTORY" == body["_type"]
    assert [uid, uid.replace("::1", "::2")] == [i["version_id"]["value"] for i in body["items"]]
    audits = [item["audits"][0] for item in body["items"]]
    assert ["creation", "modification"] == [audit["change_type"]["value"] for audit in audits]
    for audit in audits:
        moment = audit["time_committed"]["value"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d", moment)
    xml = client.get(f"{place}/versioned_ehr_status/revision_history", headers=XMLS)
    assert 2 == len(ET.fromstring(xml.text).findall(f"{NAMESPACE}items"))


@pytest.mark.behaviour("status.version")
@pytest.mark.row("versioned_ehr_status_version_get_at_time")
def test_a_version_is_read_as_of_a_time(client, place):
    """ORIGINAL_VERSION with its audit, contribution and content."""
    uid = first(client, place)
    moment = now()
    time.sleep(0.01)
    change(client, place, uid)
    target = f"{place}/versioned_ehr_status/version"
    latest = client.get(target)
    assert uid.replace("::1", "::2") == uid_of(latest) == latest.json()["uid"]["value"]
    assert uid == latest.json()["preceding_version_uid"]["value"]
    assert latest.headers["Location"].endswith(f"{target}/{uid_of(latest)}")
    old = client.get(target, params={"version_at_time": moment}).json()
    assert uid == old["uid"]["value"]
    assert "preceding_version_uid" not in old
    assert 404 == client.get(
        target, params={"version_at_time": "2020-01-01T00:00:00Z"}
    ).status_code  # fmt: skip
    assert 400 == client.get(target, params={"version_at_time": "x"}).status_code


@pytest.mark.behaviour("status.version")
@pytest.mark.row("versioned_ehr_status_version_get_by_id")
def test_a_version_is_read_by_its_id(client, place):
    """In both formats; its contribution is there."""
    uid = first(client, place)
    target = f"{place}/versioned_ehr_status/version/{uid}"
    body = client.get(target).json()
    assert "ORIGINAL_VERSION" == body["_type"]
    assert "complete" == body["lifecycle_state"]["value"]
    assert uid == body["data"]["uid"]["value"]
    contribution = client.get(f"{place}/contribution/{body['contribution']['id']['value']}")
    assert [uid] == [one["id"]["value"] for one in contribution.json()["versions"]]
    root = ET.fromstring(client.get(target, headers=XMLS).text)
    assert root.tag == f"{NAMESPACE}version"
    assert uid == root.findtext(f"{NAMESPACE}uid/{NAMESPACE}value")
