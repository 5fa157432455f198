"""DIRECTORY over HTTP: one folder tree an EHR, under change control."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree as ET

import psycopg
import pytest

from tests.fixtures.clinical_documents import BASE, WHOLE, folder, open_ehr, uid_of

XMLS = {"Accept": "application/xml"}
NAMESPACE = "{http://schemas.openehr.org/v1}"
SHARED = Path(__file__).parents[3] / "shared/data/openehr/directory"


@pytest.fixture
def client(clinical):
    """A client that may do everything."""
    with clinical.client() as client:
        yield client


@pytest.fixture
def place(client):
    """The directory of a new EHR."""
    return f"{BASE}/ehr/{open_ehr(client)}/directory"


def put(client, place, before, body=None, **headers):
    """Commit the next version."""
    return client.put(place, json=body or folder(), headers={"If-Match": before} | headers)


@pytest.mark.behaviour("directory.once")
@pytest.mark.row("directory_create")
def test_a_directory_is_made_once(client, place):
    """201 with ETag and Location and no body; a second one is 409."""
    answer = client.post(place, json=folder())
    assert (201, b"") == (answer.status_code, answer.content)
    uid = uid_of(answer)
    assert uid.endswith("::moiety.local::1")
    assert answer.headers["Location"].endswith(f"{place}/{uid}")
    again = client.post(place, json=folder())
    assert (409, "Conflict") == (again.status_code, again.json()["error"])
    ehr = client.get(place.removesuffix("/directory")).json()
    assert uid == ehr["directory"]["id"]["value"]


@pytest.mark.row("directory_create")
def test_a_directory_is_answered_as_the_client_prefers(client):
    """The whole in both formats, or its identifier."""
    place = f"{BASE}/ehr/{open_ehr(client)}/directory"
    whole = client.post(place, json=folder("root", folder("a")), headers=WHOLE)
    assert 201 == whole.status_code
    assert uid_of(whole) == whole.json()["uid"]["value"]
    assert "a" == whole.json()["folders"][0]["name"]["value"]
    place = f"{BASE}/ehr/{open_ehr(client)}/directory"
    named = client.post(place, json=folder(), headers={"Prefer": "return=identifier"})
    assert {"uid": uid_of(named)} == named.json()
    place = f"{BASE}/ehr/{open_ehr(client)}/directory"
    xml = client.post(place, json=folder(), headers=WHOLE | XMLS)
    assert f"{NAMESPACE}folder" == ET.fromstring(xml.text).tag


@pytest.mark.row("directory_create")
def test_a_directory_is_taken_in_xml(client, place):
    """XML in, JSON out."""
    text = (
        "<folder xmlns='http://schemas.openehr.org/v1'"
        " xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'"
        " archetype_node_id='openEHR-EHR-FOLDER.generic.v1'><name><value>root</value></name>"
        "<folders archetype_node_id='openEHR-EHR-FOLDER.generic.v1'><name><value>a</value></name>"
        "<items xsi:type='OBJECT_REF'><id xsi:type='HIER_OBJECT_ID'><value>"
        f"{uuid4()}</value></id><namespace>local</namespace><type>VERSIONED_COMPOSITION</type>"
        "</items></folders></folder>"
    )
    answer = client.post(place, content=text, headers={"Content-Type": "application/xml"})
    assert 201 == answer.status_code, answer.text
    assert "a" == client.get(place).json()["folders"][0]["name"]["value"]


@pytest.mark.behaviour("directory.own-uid")
@pytest.mark.row("directory_create")
def test_a_folders_own_uid_is_kept_and_taken_once(client, place):
    """In another EHR the same uid is 409, and the message names it; after a deletion too."""
    own = str(uuid4())
    body = folder(uid={"_type": "HIER_OBJECT_ID", "value": own})
    assert f"{own}::moiety.local::1" == uid_of(client.post(place, json=body))
    other = f"{BASE}/ehr/{open_ehr(client)}/directory"
    answer = client.post(other, json=body)
    assert 409 == answer.status_code
    assert f"FOLDER with uid {own} already exist." == answer.json()["message"]
    client.delete(place, headers={"If-Match": f"{own}::moiety.local::1"})
    assert 409 == client.post(place, json=body).status_code
    assert 201 == client.post(place, json=folder()).status_code


@pytest.mark.row("directory_create")
@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"_type": "COMPOSITION"}', b'{"_type": "FOLDER"}',
     json.dumps(folder(uid={"_type": "HIER_OBJECT_ID", "value": "mine"})).encode()],
)  # fmt: skip
def test_what_is_no_folder_is_400(client, place, body):
    """Broken, of another class, without a name, with a uid that is no UUID."""
    assert 400 == client.post(place, content=body).status_code
    assert 404 == client.get(place).status_code


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_without_the_ehr_there_is_no_directory(client, method):
    """404 for every method, whatever the id looks like."""
    before = f"{uuid4()}::moiety.local::1"
    for ehr_id in (uuid4(), "no-uuid"):
        answer = client.request(
            method, f"{BASE}/ehr/{ehr_id}/directory", headers={"If-Match": before},
            content=None if method in {"GET", "DELETE"} else json.dumps(folder()),
        )  # fmt: skip
        assert 404 == answer.status_code


@pytest.mark.row("directory_update")
@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"'])
def test_a_directory_is_changed_after_the_version_that_if_match_names(client, place, form):
    """204 without a body, 200 with one."""
    uid = uid_of(client.post(place, json=folder()))
    answer = put(client, place, form.format(uid), folder("root", folder("a")))
    assert (204, b"") == (answer.status_code, answer.content)
    second = uid.replace("::1", "::2")
    assert second == uid_of(answer)
    whole = put(client, place, second, **WHOLE)
    assert (200, second.replace("::2", "::3")) == (
        whole.status_code, whole.json()["uid"]["value"],
    )  # fmt: skip
    named = put(client, place, uid_of(whole), Prefer="return=identifier")
    assert (200, {"uid": uid_of(named)}) == (named.status_code, named.json())


@pytest.mark.behaviour("directory.if-match")
@pytest.mark.row("directory_update")
def test_what_if_match_must_be_for_a_directory(client, place):
    """Missing or malformed: 400; no directory, or another version: 412 with the latest."""
    nowhere = f"{uuid4()}::moiety.local::1"
    assert 412 == put(client, place, nowhere).status_code
    assert 400 == client.put(place, json=folder()).status_code
    uid = uid_of(client.post(place, json=folder()))
    assert 400 == put(client, place, "x").status_code
    for method in ("PUT", "DELETE"):
        answer = client.request(
            method, place, headers={"If-Match": uid.replace("::1", "::7")},
            content=json.dumps(folder()) if method == "PUT" else None,
        )  # fmt: skip
        assert 412 == answer.status_code
        assert uid == uid_of(answer)
        assert answer.headers["Location"].endswith(uid)


@pytest.mark.behaviour("one-writer")
@pytest.mark.row("directory_update")
def test_of_many_writers_of_a_directory_exactly_one_wins(clinical, client, place):
    """The others get 412 with the latest version."""
    uid = uid_of(client.post(place, json=folder()))
    token = clinical.key("ehr:write")

    def write(number):
        with clinical.client(token=token) as writer:
            return put(writer, place, uid, folder("root", folder(f"f{number}")))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write, range(16)))
    assert [204] == [a.status_code for a in answers if a.status_code != 412]
    assert {uid.replace("::1", "::2")} == {uid_of(answer) for answer in answers}


@pytest.mark.row("directory_create")
def test_of_many_makers_of_a_directory_exactly_one_makes_it(clinical, client, place):
    """The others get 409; the EHR has one directory."""
    token = clinical.key("ehr:write")

    def make(_):
        with clinical.client(token=token) as maker:
            return maker.post(place, json=folder()).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(make, range(16)))
    assert [201] + [409] * 15 == codes
    with psycopg.connect(clinical.database.url()) as connection:
        assert (1,) == connection.execute("SELECT count(*) FROM folder").fetchone()


@pytest.mark.behaviour("directory.deletion")
@pytest.mark.row("directory_delete")
def test_a_directory_is_deleted_logically(client, place):
    """204; then GET is 204, the version that was is still there, and a new one can be made."""
    uid = uid_of(client.post(place, json=folder()))
    assert 400 == client.delete(place).status_code
    answer = client.delete(place, headers={"If-Match": uid})
    assert (204, uid.replace("::1", "::2")) == (answer.status_code, uid_of(answer))
    assert 204 == client.get(place).status_code
    assert 204 == client.get(f"{place}/{uid_of(answer)}").status_code
    assert 200 == client.get(f"{place}/{uid}").status_code
    again = client.delete(place, headers={"If-Match": uid_of(answer)})
    assert 409 == again.status_code
    made = client.post(place, json=folder("another"))
    assert 201 == made.status_code
    assert "another" == client.get(place).json()["name"]["value"]


@pytest.mark.behaviour("directory.deletion")
@pytest.mark.row("directory_get_at_time")
def test_a_directory_is_read_as_of_a_time(client, place):
    """Before the first 404, then the version of that time; 204 when it was deleted."""
    assert 404 == client.get(place).status_code
    moments = [datetime.now(UTC)]
    time.sleep(0.01)
    uid = uid_of(client.post(place, json=folder("one")))
    time.sleep(0.01)
    moments.append(datetime.now(UTC))
    time.sleep(0.01)
    second = uid_of(put(client, place, uid, folder("two")))
    time.sleep(0.01)
    moments.append(datetime.now(UTC))
    time.sleep(0.01)
    client.delete(place, headers={"If-Match": second})
    answers = [
        client.get(place, params={"version_at_time": moment.isoformat()}) for moment in moments
    ]
    assert [404, 200, 200] == [answer.status_code for answer in answers]
    assert ["one", "two"] == [answer.json()["name"]["value"] for answer in answers[1:]]
    assert 204 == client.get(place, params={"version_at_time": "2100-01-01T00:00Z"}).status_code
    assert 400 == client.get(place, params={"version_at_time": "now"}).status_code


@pytest.mark.behaviour("directory.path")
@pytest.mark.row("directory_get_at_time")
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", "a"), ("/a", "a"), ("a/b", "b"), ("/a/b/c", "c"), ("root/a/b", "b"), ("root", "root"),
        ("/", "root"), ("x & y", "x & y"), ("x & y/ü%20?", "ü%20?"), ("with/slash", "with/slash"),
        ("with/slash/in", "in"), ("with/other", "other"),
    ],
)  # fmt: skip
def test_a_path_walks_the_names_of_folders(client, place, path, found):
    """From the root's children, or from the root; a name may hold any character."""
    tree = folder(
        "root",
        folder("a", folder("b", folder("c"))),
        folder("x & y", folder("ü%20?")),
        folder("with", folder("other")),
        folder("with/slash", folder("in")),
    )
    uid = uid_of(client.post(place, json=tree))
    for answer in (
        client.get(place, params={"path": path}),
        client.get(f"{place}/{uid}", params={"path": path}),
    ):
        assert 200 == answer.status_code
        assert found == answer.json()["name"]["value"]
        assert uid == uid_of(answer)


@pytest.mark.behaviour("directory.path")
@pytest.mark.row("directory_get_at_time")
@pytest.mark.parametrize("path", ["z", "a/z", "/a/b/c/d", "root/root"])
def test_a_path_to_no_folder_is_404(client, place, path):
    """Nothing is guessed."""
    client.post(place, json=folder("root", folder("a", folder("b", folder("c")))))
    assert 404 == client.get(place, params={"path": path}).status_code


@pytest.mark.row("directory_get_by_version_id")
def test_a_directory_is_read_by_its_version(client, place):
    """Either version, in both formats; the object's uid alone means the latest."""
    uid = uid_of(client.post(place, json=folder("one")))
    second = uid_of(put(client, place, uid, folder("two")))
    assert "one" == client.get(f"{place}/{uid}").json()["name"]["value"]
    assert "two" == client.get(f"{place}/{second}").json()["name"]["value"]
    assert second == uid_of(client.get(f"{place}/{uid.split('::')[0]}"))
    xml = client.get(f"{place}/{uid}", headers=XMLS)
    root = ET.fromstring(xml.text)
    assert "one" == root.findtext(f"{NAMESPACE}name/{NAMESPACE}value")
    assert 404 == client.get(f"{place}/{uid.replace('::1', '::9')}").status_code
    assert 404 == client.get(f"{place}/{uuid4()}::moiety.local::1").status_code
    assert 400 == client.get(f"{place}/{uid.replace('::1', '::-1')}").status_code


def test_the_screen_stands_at_the_directory_too(client, place):
    """The name of a folder may not tell who it is about."""
    answer = client.post(place, json=folder("root", folder("NHS no 999 123 4578")))
    assert 422 == answer.status_code
    assert "/folders[0]/name/value" == answer.json()["validationErrors"][0]["path"]
    assert "4578" not in answer.text


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared sample directories here")
@pytest.mark.parametrize("name", sorted(path.name for path in SHARED.glob("*.json")))
def test_directories_of_other_systems_come_back_as_they_were(opaque, name):
    """Stored, read in JSON, and read again after a round through XML."""
    body = json.loads((SHARED / name).read_text())
    if "uid" in body:
        body["uid"]["value"] = str(uuid4())
    with opaque.client() as client:
        place = f"{BASE}/ehr/{open_ehr(client)}/directory"
        answer = client.post(place, json=body)
        assert 201 == answer.status_code, answer.text
        got = client.get(place).json()
        xml = client.get(place, headers=XMLS).content
        other = f"{BASE}/ehr/{open_ehr(client)}/directory"
        own = got.pop("uid")["value"].split("::")[0]
        xml = xml.replace(own.encode(), str(uuid4()).encode())
        again = client.post(other, content=xml, headers={"Content-Type": "application/xml"})
        assert 201 == again.status_code, again.text
        back = client.get(other).json()
        del back["uid"]
        assert got == back
        assert body["name"]["value"] == got["name"]["value"]
