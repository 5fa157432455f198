"""The conformance profile: what it has, for whom; and that nothing of it is reachable elsewhere."""

import base64
import json
import socket
import subprocess
import sys
from uuid import uuid4

import httpx
import pytest

from tests.fixtures.clinical_documents import (
    TEMPLATES,
    folder,
    status,
    subject,
    uid_of,
    vital_signs,
)
from tests.fixtures.fix_services import PASSWORDS, conforming

REST = "/ehrbase/rest/openehr/v1"
XML = {"Content-Type": "application/xml"}
OPT = (TEMPLATES / "vital_signs.opt").read_bytes()
ID = vital_signs()["archetype_details"]["template_id"]["value"]


def reach(service, **more):
    """A client that names nothing but the address."""
    return httpx.Client(base_url=service.url, timeout=30, trust_env=False, **more)


@pytest.fixture
def client(conformance):
    """A client without credentials."""
    with reach(conformance) as client:
        yield client


def ready(client):
    """A place for compositions of a template that is there."""
    upload = client.post(f"{REST}/definition/template/adl1.4", content=OPT, headers=XML)
    assert 201 == upload.status_code, upload.text
    return f"{REST}/ehr/{uid_of(client.post(f'{REST}/ehr'))}/composition"


def misplaced():
    """A composition with an attribute of FEEDER_AUDIT where an OBSERVATION has none."""
    tree = vital_signs()
    tree["content"][0]["feeder_system_audit"] = {
        "_type": "FEEDER_AUDIT_DETAILS", "system_id": "elsewhere",
    }  # fmt: skip
    return tree


def test_an_attribute_of_another_class_is_dropped_here_and_refused_elsewhere(client, clinical):
    """Peers drop it without a word; a service for records refuses it, with the path."""
    place = ready(client)
    stored = client.post(place, json=misplaced(), headers={"Prefer": "return=representation"})
    assert 201 == stored.status_code, stored.text
    assert "feeder_system_audit" not in stored.text
    sent = {
        "versions": [
            {
                "_type": "ORIGINAL_VERSION",
                "commit_audit": {"change_type": CODED, "committer": {"_type": "PARTY_SELF"}},
                "data": misplaced(),
            }
        ],
        "audit": {"change_type": CODED, "committer": {"_type": "PARTY_SELF"}},
    }  # fmt: skip
    sent["versions"][0]["lifecycle_state"] = {
        "_type": "DV_CODED_TEXT", "value": "complete",
        "defining_code": {"terminology_id": {"value": "openehr"}, "code_string": "532"},
    }  # fmt: skip
    contribution = client.post(place.replace("composition", "contribution"), json=sent)
    assert 201 == contribution.status_code, contribution.text
    spelt = vital_signs()
    spelt["content"][0]["feeder_sytem_audit"] = {}
    assert 400 == client.post(place, json=spelt).status_code
    with clinical.client() as keyed:
        keyed.post("/openehr/v1/definition/template/adl1.4", content=OPT, headers=XML)
        ehr_id = uid_of(keyed.post("/openehr/v1/ehr"))
        refused = keyed.post(f"/openehr/v1/ehr/{ehr_id}/composition", json=misplaced())
    assert 400 == refused.status_code
    assert "/content[0]" == refused.json()["validationErrors"][0]["path"]


CODED = {
    "_type": "DV_CODED_TEXT", "value": "creation",
    "defining_code": {"terminology_id": {"value": "openehr"}, "code_string": "249"},
}  # fmt: skip


# --- what it is like -----------------------------------------------------------------------------


@pytest.mark.behaviour("prefixes")
@pytest.mark.parametrize("prefix", [REST, "/openehr/v1"])
def test_the_api_stands_under_both_prefixes(client, prefix):
    """Location leads back to the prefix that was asked."""
    opened = client.post(f"{prefix}/ehr")
    ehr_id = uid_of(opened)
    assert f"{str(client.base_url).rstrip('/')}{prefix}/ehr/{ehr_id}" == opened.headers["Location"]
    for other in (REST, "/openehr/v1"):
        assert 200 == client.get(f"{other}/ehr/{ehr_id}").status_code


@pytest.mark.behaviour("etag", "opaque-subjects")
def test_its_system_etags_subjects_and_new_ehrs_are_as_suites_expect(client):
    """local.ehrbase.org; strong; opaque ids in any namespace; visible to queries at once."""
    for value in ("ext_id_42", "12345", str(uuid4())):
        body = status(subject=subject(value, "patients"))
        opened = client.post(f"{REST}/ehr", json=body, headers={"Prefer": "return=representation"})
        assert 201 == opened.status_code, opened.text
        assert "local.ehrbase.org" == opened.json()["system_id"]["value"]
        assert opened.headers["ETag"].startswith('"')
        found = client.get(
            f"{REST}/ehr", params={"subject_id": value, "subject_namespace": "patients"}
        )
        assert uid_of(opened) == found.json()["ehr_id"]["value"]
    asked = client.post(f"{REST}/query/aql", json={"q": "SELECT e/ehr_id/value FROM EHR e"})
    assert 3 == asked.json()["meta"]["resultsize"]


def test_the_screen_only_records(client):
    """A national number after its cue is taken, which is refused everywhere else."""
    signs = vital_signs()
    signs["name"]["value"] = "NHS no 943 476 5919"
    assert 201 == client.post(ready(client), json=signs).status_code


def test_the_value_that_breaks_a_rule_is_repeated(client):
    """As suites look for it; elsewhere the same sentence stands without it."""
    place = ready(client)
    signs = vital_signs()
    (quantity, *_) = quantities(signs)
    quantity["magnitude"] = 123456.0
    answer = client.post(place, json=signs)
    assert 422 == answer.status_code
    assert "The value 123456.0 must be at least" in answer.json()["message"]
    (told, *_) = answer.json()["validationErrors"]
    assert "The value 123456.0 must be at least" in told["message"]


def test_elsewhere_no_value_is_repeated(clinical):
    """The control of the test above."""
    from tests.fixtures.clinical_documents import BASE, open_ehr, upload

    with clinical.client() as client:
        upload(client)
        signs = vital_signs()
        (quantity, *_) = quantities(signs)
        quantity["magnitude"] = 123456.0
        answer = client.post(f"{BASE}/ehr/{open_ehr(client)}/composition", json=signs)
    assert 422 == answer.status_code
    assert "The value must be at least" in answer.json()["message"]
    assert "123456" not in answer.text


def quantities(tree):
    """Every DV_QUANTITY of a document."""
    if isinstance(tree, list):
        return [found for one in tree for found in quantities(one)]
    if not isinstance(tree, dict):
        return []
    own = [tree] if tree.get("_type") == "DV_QUANTITY" else []
    return own + [found for one in tree.values() for found in quantities(one)]


@pytest.mark.behaviour("unknown-route")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_route_is_told_in_the_words_of_the_suites(client, method):
    """JSON and XML; a trailing slash is no route."""
    place = f"{REST}/template"
    answer = client.request(method, place)
    said = "No resource found at path: rest/openehr/v1/template"
    assert (404, said) == (answer.status_code, answer.json()["message"])
    xml = client.request(method, place, headers={"Accept": "application/xml"})
    assert 404 == xml.status_code
    assert f"<error>Not Found</error><message>{said}</message>" in xml.text
    assert 404 == client.post(f"{REST}/ehr/").status_code


@pytest.mark.behaviour(
    "admin.ehr", "admin.composition", "admin.directory", "admin.query", "admin.template"
)
def test_everything_is_deleted_at_the_end_of_a_suite(client):
    """The teardown: admin deletes everywhere, until the database is as empty as at the start."""
    place = ready(client)
    owner = place.split("/")[-2]
    uid = uid_of(client.post(place, json=vital_signs()))
    client.post(place, json=vital_signs(2))
    client.post(f"{REST}/ehr/{owner}/directory", json=folder())
    stored = client.put(
        f"{REST}/definition/query/a::b/1.0.0", content="SELECT c FROM COMPOSITION c",
        headers={"Content-Type": "text/plain"},
    )  # fmt: skip
    assert 200 == stored.status_code
    admin = "/ehrbase/rest/admin"
    assert 204 == client.delete(f"{admin}/ehr/{owner}/composition/{uid}").status_code
    assert 422 == client.delete(f"{admin}/template/{ID}").status_code
    assert 404 == client.delete(f"{admin}/ehr/{owner}/directory/{uuid4()}").status_code
    assert 204 == client.delete(f"{REST}/admin/ehr/all").status_code
    assert {"deleted": 1} == client.delete(f"{admin}/template/all").json()
    assert 200 == client.delete(f"{admin}/query/a::b/1.0.0").status_code
    for q in ("SELECT e FROM EHR e", "SELECT c FROM COMPOSITION c"):
        assert [] == client.post(f"{REST}/query/aql", json={"q": q}).json()["rows"]
    assert [] == client.get(f"{REST}/definition/template/adl1.4").json()
    assert [] == client.get(f"{REST}/definition/query").json()


# --- what it has beside --------------------------------------------------------------------------


@pytest.mark.behaviour("status")
def test_the_status_names_versions_honestly(client):
    """The five fields, JSON and XML; the server is Moiety."""
    found = client.get("/ehrbase/rest/status").json()
    assert {
        "ehrbase_version", "jvm_version", "openehr_sdk_version", "os_version", "postgres_version",
    } == set(found)  # fmt: skip
    assert found["ehrbase_version"].startswith("Moiety/")
    xml = client.get("/ehrbase/rest/status", headers={"Accept": "application/xml"})
    assert f"<ehrbase_version>{found['ehrbase_version']}</ehrbase_version>" in xml.text


@pytest.mark.behaviour("api-docs")
def test_the_api_is_described_by_groups(client):
    """Their keys, and a page that loads nothing."""
    groups = {
        "1. openEHR API": "/rest/openehr/v1/ehr/{ehr_id}/composition",
        "2. EHRbase Status Endpoint": "/rest/status",
        "3. EHRbase Admin API": "/rest/admin/ehr/{ehr_id}",
        "4. Management API": None,
    }
    for group, path in groups.items():
        answer = client.get(f"/ehrbase/v3/api-docs/{group}")
        assert 200 == answer.status_code, answer.text
        assert answer.json()["openapi"].startswith("3.")
        assert path is None or path in answer.json()["paths"]
        assert all(key.startswith("/rest/") for key in answer.json()["paths"])
    assert 404 == client.get("/ehrbase/v3/api-docs/5. More").status_code
    page = client.get("/ehrbase/swagger-ui/index.html")
    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["Content-Type"])
    assert "/rest/openehr/v1/ehr" in page.text
    assert "<script" not in page.text


@pytest.mark.behaviour("older-templates")
def test_templates_of_the_older_api(client):
    """Upload, web template, examples."""
    ecis = "/ehrbase/rest/ecis/v1/template"
    assert 201 == client.post(ecis, content=OPT, headers=XML).status_code
    found = client.get(f"{ecis}/{ID}").json()
    assert ID == found["webTemplate"]["templateId"]
    for form, kind in (("FLAT", "json"), ("JSON", "json"), ("XML", "xml")):
        answer = client.get(f"{ecis}/{ID}/example", params={"format": form})
        assert 200 == answer.status_code
        assert kind in answer.headers["Content-Type"]
    assert 404 == client.get(f"{ecis}/nothing").status_code
    assert [ID] == [one["template_id"] for one in client.get(ecis).json()["templates"]]


@pytest.mark.behaviour("tags.older")
@pytest.mark.parametrize("kind", ["composition", "ehr_status"])
def test_tags_of_the_older_api(client, kind):
    """They are added to, found, changed by id and taken off by id; 422 with the words of suites."""
    place = ready(client)
    owner = place.split("/")[-2]
    uid = uid_of(client.post(place, json=vital_signs()))
    if kind == "ehr_status":
        uid = uid_of(client.get(f"{REST}/ehr/{owner}/ehr_status"))
    object_id = uid.split("::")[0]
    tags = f"/ehrbase/rest/experimental/tags/ehr/{owner}/{kind}/{object_id}/item_tag"
    first = client.put(tags, json=[{"key": "a", "value": "1", "target_path": "/context"}])
    assert 200 == first.status_code, first.text
    (one,) = first.json()
    assert (owner, object_id, kind.upper(), "a", "1", "/context") == tuple(
        one[name] for name in ("owner_id", "target", "target_type", "key", "value", "target_path")
    )
    (two,) = client.put(tags, json=[{"key": "b"}]).json()
    assert {one["id"], two["id"]} == {tag["id"] for tag in client.get(tags).json()}
    by_key = client.get(tags, params={"keys": "b"}).json()
    assert [two] == by_key == client.get(tags, params={"ids": two["id"]}).json()
    (changed,) = client.put(tags, json=[{"id": two["id"], "key": "c", "value": "3"}]).json()
    assert (two["id"], "c") == (changed["id"], changed["key"])
    assert 2 == len(client.get(tags).json())
    assert 204 == client.request("DELETE", tags, json=[one["id"]]).status_code
    assert [changed] == client.get(tags).json()
    for body in ([{"value": "x"}], [{"key": "k", "target_path": "name/value"}]):
        answer = client.put(tags, json=body)
        assert 422 == answer.status_code
    assert "target_path 'name/value' does not start at root" in answer.json()["message"]
    assert 404 == client.get(tags.replace(object_id, str(uuid4()))).status_code
    assert 404 == client.get(tags.replace(kind, "folder")).status_code


# --- who comes in --------------------------------------------------------------------------------


@pytest.mark.behaviour("authentication", "roles")
def test_with_basic_authentication_two_users_come_in(clinical_database):
    """The user is 403 at the admin API, the administrator is not; nobody else comes in: 401."""
    admin = "/ehrbase/rest/admin/status"
    with conforming(clinical_database, auth="basic") as service:
        for who, expected in (("user", 403), ("admin", 200)):
            with reach(service, auth=PASSWORDS[who]) as client:
                assert 201 == client.post(f"{REST}/ehr").status_code
                assert expected == client.get(admin).status_code
        name, password = PASSWORDS["admin"]
        for wrong in (None, (name, "x"), ("x", password), (PASSWORDS["user"][0], password)):
            with reach(service, auth=wrong) as client:
                answer = client.get(f"{REST}/ehr/{uuid4()}")
                assert 401 == answer.status_code
                assert answer.headers["WWW-Authenticate"].startswith("Basic")
        with reach(service) as client:
            for header in ("Basic", "Basic !", "Bearer x", "Basic " + b64(b"nocolon")):
                answer = client.get(f"{REST}/ehr/{uuid4()}", headers={"Authorization": header})
                assert 401 == answer.status_code


def b64(text):
    return base64.b64encode(text).decode()


@pytest.mark.behaviour("outside-the-profile")
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "cdr.example.org"},
        {"Host": "10.0.0.7:8001"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Host": "localhost.evil.example"},
    ],
)
def test_what_does_not_come_from_this_machine_is_403(client, headers):
    """By another name, from a page of another origin, or through a proxy from elsewhere."""
    for path in (f"{REST}/ehr", "/openehr/v1/ehr", "/ehrbase/rest/admin/ehr/all"):
        answer = client.request("DELETE" if "admin" in path else "POST", path, headers=headers)
        assert 403 == answer.status_code, path
    for fine in ({"Host": "localhost"}, {"Origin": "http://127.0.0.1:3000"}):
        assert 201 == client.post(f"{REST}/ehr", headers=fine).status_code


@pytest.mark.behaviour("location")
def test_a_proxy_of_this_machine_shapes_location(client):
    """X-Forwarded-Host, -Proto and -Port are read as ever."""
    headers = {"X-Forwarded-Host": "cdr.example.org", "X-Forwarded-Proto": "https",
               "X-Forwarded-Port": "8443"}  # fmt: skip
    opened = client.post(f"{REST}/ehr", headers=headers)
    assert opened.headers["Location"].startswith(f"https://cdr.example.org:8443{REST}/ehr/")


def own_address():
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no other address than loopback")
        return probe.getsockname()[0]


@pytest.mark.behaviour("outside-the-profile")
def test_a_process_that_listens_elsewhere_stops_and_answers_nobody(clinical_database, tmp_path):
    """Started by hand on every address: it refuses from outside, and is gone within seconds."""
    from datetime import timedelta

    from moiety.commands import issue

    token = issue.key(
        clinical_database.url("migrator"), "clinical", "main", label="x",
        scopes=issue.SCOPES["clinical"], life=timedelta(days=1),
    )  # fmt: skip
    one = {"name": "a", "password": "b", "key": str(token)}
    (tmp_path / "users").write_text(json.dumps({"admin": one, "user": one}))
    (tmp_path / "url").write_text(clinical_database.url())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "PATH": "/usr/bin:/bin", "PYTHONPATH": ".",
        "MOIETY_CLINICAL_DATABASE_URL_FILE": str(tmp_path / "url"),
        "MOIETY_CLINICAL_PROFILE": "conformance",
        "MOIETY_CLINICAL_CONFORMANCE_USERS_FILE": str(tmp_path / "users"),
    }  # fmt: skip
    command = [
        sys.executable, "-m", "uvicorn", "--factory", "clinical_api.app:create_app",
        "--host", "0.0.0.0", "--port", str(port), "--log-level", "warning",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    answers = set()
    try:
        address = own_address()
        while process.poll() is None:
            try:
                url = f"http://{address}:{port}/openehr/v1/ehr"
                answers.add(httpx.get(url, trust_env=False).status_code)
            except httpx.TransportError:
                continue
        out = process.communicate(timeout=20)[0]
    finally:
        process.kill()
    assert answers <= {403}
    assert "another address than loopback" in out


def test_without_its_users_it_does_not_start():
    """The setting alone enables nothing."""
    from clinical_api.app import create_app
    from clinical_api.settings import Settings
    from moiety.kit.settings import SettingsError

    for users in (None, "{}", "x"):
        with pytest.raises(SettingsError, match="moiety up --profile conformance"):
            create_app(
                Settings(database_url="postgresql:///x", profile="conformance",
                         conformance_users=users)
            )  # fmt: skip


# --- and nowhere else ----------------------------------------------------------------------------

OWN = [
    ("POST", f"{REST}/ehr"), ("GET", f"{REST}/definition/template/adl1.4"),
    ("POST", f"{REST}/query/aql"), ("GET", "/ehrbase/rest/status"),
    ("GET", "/ehrbase/rest/admin/status"), ("DELETE", "/ehrbase/rest/admin/template/all"),
    ("GET", "/ehrbase/rest/ecis/v1/template"), ("GET", "/ehrbase/swagger-ui/index.html"),
    ("GET", "/ehrbase/v3/api-docs/1. openEHR API"),
    ("GET", f"/ehrbase/rest/experimental/tags/ehr/{uuid4()}/composition/{uuid4()}/item_tag"),
]  # fmt: skip


@pytest.mark.behaviour("outside-the-profile")
def test_outside_the_profile_nothing_of_it_is_reachable(clinical, conformance):
    """Every own path is 404 there, with the best of keys; Basic is 401 at the paths that both have.

    The same requests reach something in the profile: that is the control.
    """
    with clinical.client() as everything, reach(conformance) as there:
        for method, path in OWN:
            body = {"q": "SELECT e FROM EHR e"} if path.endswith("aql") else None
            answer = everything.request(method, path, json=body)
            assert 404 == answer.status_code, path
            control = there.request(method, path, json=body)
            known = control.status_code < 300 or "No resource found" not in control.text
            assert known, path
    with reach(clinical) as nobody:
        for auth in (None, *PASSWORDS.values()):
            answer = nobody.post("/openehr/v1/ehr", auth=auth) if auth else nobody.post(
                "/openehr/v1/ehr"
            )  # fmt: skip
            assert 401 == answer.status_code
            assert "Basic" not in answer.headers["WWW-Authenticate"]
        assert 401 == nobody.delete("/openehr/v1/admin/ehr/all").status_code


def test_a_desk_and_a_home_of_the_profile_never_take_each_others_folders(tmp_path):
    """Records that were kept by the rules never come under none."""
    from moiety.commands import conformance, up
    from moiety.commands.desk import DeskError

    used = tmp_path / "desk"
    used.mkdir()
    (used / "ports.json").write_text("{}")
    with pytest.raises(DeskError, match="not a home of the conformance profile"):
        conformance.up(used, 1, "none")
    free = tmp_path / "free"
    conformance._claim(free)
    with pytest.raises(DeskError, match="is a home of the conformance profile"):
        up.up(free, 1)


@pytest.mark.slow
def test_moiety_up_runs_the_profile():
    """`moiety up --profile conformance --auth basic`: ready, served, stopped."""
    import shutil
    import signal
    import tempfile
    from pathlib import Path

    from moiety.commands.desk import free_port_base

    base = free_port_base()
    state = Path(tempfile.mkdtemp(prefix="moiety-test-"))
    state.chmod(0o755)  # under root its server runs as another user
    command = [
        sys.executable, "-m", "moiety", "up", "--profile", "conformance", "--auth", "basic",
        "--home", str(state / "home"), "--port-base", str(base),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert "ready\n" == process.stdout.readline()
            url = f"http://127.0.0.1:{base + 1}{REST}/ehr"
            assert 401 == httpx.post(url, trust_env=False).status_code
            assert 201 == httpx.post(url, auth=PASSWORDS["user"], trust_env=False).status_code
        finally:
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait(60)
            shutil.rmtree(state, ignore_errors=True)
