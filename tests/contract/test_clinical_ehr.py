"""EHR over HTTP: open, read, find by subject; in each format."""

from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest

from tests.fixtures.clinical_documents import BASE, WHOLE, open_ehr, status, subject

NAMESPACE = "{http://schemas.openehr.org/v1}"


@pytest.fixture
def client(clinical):
    """A client that may do everything."""
    with clinical.client() as client:
        yield client


def xml_status(value=None):
    """EHR_STATUS in XML."""
    reference = ""
    if value:
        reference = (
            "<external_ref><id xsi:type='GENERIC_ID'><value>" + value + "</value>"
            "<scheme>id</scheme></id><namespace>moiety</namespace><type>PERSON</type></external_ref>"
        )
    return (
        "<?xml version='1.0'?><ehr_status xmlns='http://schemas.openehr.org/v1'"
        " xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='EHR_STATUS'"
        " archetype_node_id='openEHR-EHR-EHR_STATUS.generic.v1'>"
        f"<name><value>status</value></name><subject>{reference}</subject>"
        "<is_queryable>true</is_queryable><is_modifiable>true</is_modifiable></ehr_status>"
    )


@pytest.mark.behaviour("ehr.default-status")
@pytest.mark.row("ehr_create")
def test_an_ehr_is_opened_without_a_body_and_answered_without_one(client):
    """201, no body, ETag and Location; the status says what is usual."""
    answer = client.post(f"{BASE}/ehr")
    assert (201, b"") == (answer.status_code, answer.content)
    ehr_id = answer.headers["ETag"].strip('"')
    assert f"{str(client.base_url).rstrip('/')}{BASE}/ehr/{ehr_id}" == answer.headers["Location"]
    found = client.get(f"{BASE}/ehr/{ehr_id}/ehr_status").json()
    assert found["is_queryable"] is True
    assert found["is_modifiable"] is True
    assert {"_type": "PARTY_SELF"} == found["subject"]


@pytest.mark.behaviour("prefer")
@pytest.mark.row("ehr_create")
@pytest.mark.parametrize(
    ("prefer", "empty"),
    [(None, True), ("return=minimal", True), ("return=whatever", True), ("x", True),
     ("return=representation", False), ("return=representation, resolve_refs", False),
     ("return=identifier", False)],
)  # fmt: skip
def test_what_a_client_prefers_is_answered(client, prefer, empty):
    """An unknown preference is minimal."""
    headers = {} if prefer is None else {"Prefer": prefer}
    answer = client.post(f"{BASE}/ehr", headers=headers)
    assert 201 == answer.status_code
    assert empty == (answer.content == b"")
    if prefer == "return=identifier":
        assert {"uid": answer.headers["ETag"].strip('"')} == answer.json()


@pytest.mark.behaviour("ehr.reference")
@pytest.mark.row("ehr_create")
def test_the_representation_of_an_ehr_refers_to_its_status(client):
    """EHR: ids, time and OBJECT_REF, also read as ehr_status.id.value."""
    body = client.post(f"{BASE}/ehr", json=status(), headers=WHOLE).json()
    assert "EHR" == body["_type"]
    assert "OBJECT_REF" == body["ehr_status"]["_type"]
    assert body["ehr_status"]["id"]["value"].endswith("::moiety.local::1")
    assert "moiety.local" == body["system_id"]["value"]
    assert body["time_created"]["value"]
    assert body == client.get(f"{BASE}/ehr/{body['ehr_id']['value']}").json()


@pytest.mark.behaviour("ehr.taken")
@pytest.mark.row("ehr_create_with_id")
def test_an_ehr_is_opened_under_a_chosen_id_once(client):
    """201, then 409; an id that might say something is 400."""
    chosen = str(uuid4())
    answer = client.put(f"{BASE}/ehr/{chosen}", headers=WHOLE)
    assert 201 == answer.status_code
    assert chosen == answer.json()["ehr_id"]["value"]
    assert answer.headers["Location"].endswith(f"/ehr/{chosen}")
    assert 409 == client.put(f"{BASE}/ehr/{chosen}").status_code
    assert 400 == client.put(f"{BASE}/ehr/9991234578").status_code
    assert 400 == client.put(f"{BASE}/ehr/00000000-0000-1000-8000-000000000000").status_code


@pytest.mark.behaviour("ehr.empty-subject")
@pytest.mark.row("ehr_create_with_id")
def test_an_empty_subject_is_nobody_when_the_id_is_chosen(client):
    """`subject: {}` is valid with PUT, and 400 with POST."""
    body = status(subject={})
    assert 201 == client.put(f"{BASE}/ehr/{uuid4()}", json=body).status_code
    assert 400 == client.post(f"{BASE}/ehr", json=body).status_code


@pytest.mark.behaviour("ehr.xml")
@pytest.mark.row("ehr_get_by_id")
def test_an_ehr_is_read_in_json_and_in_xml(client):
    """The same resource in both formats, by Accept and by `format`."""
    ehr_id = open_ehr(client)
    place = f"{BASE}/ehr/{ehr_id}"
    plain = client.get(place)
    assert (200, "application/json") == (plain.status_code, plain.headers["Content-Type"])
    for answer in (
        client.get(place, headers={"Accept": "application/xml"}),
        client.get(place, params={"format": "XML"}),
        client.get(place, headers={"Accept": "text/html;q=0.1, text/xml"}),
    ):
        assert 200 == answer.status_code
        assert "application/xml" == answer.headers["Content-Type"]
        assert answer.text.startswith("<?xml version")
        root = ET.fromstring(answer.text)
        assert ehr_id == root.findtext(f"{NAMESPACE}ehr_id/{NAMESPACE}value")
        found = root.findtext(f"{NAMESPACE}ehr_status/{NAMESPACE}id/{NAMESPACE}value")
        assert plain.json()["ehr_status"]["id"]["value"] == found
        assert "<ehr_id>" in answer.text
        assert "<ehr_status>" in answer.text


@pytest.mark.behaviour("ehr.unknown")
@pytest.mark.row("ehr_get_by_id")
@pytest.mark.parametrize("ehr_id", ["3c8f1f0e-5b0a-4c43-9a3e-7d1c2b6a9f10", "no-uuid"])
def test_an_unknown_ehr_is_404(client, ehr_id):
    """Whatever the id looks like."""
    assert 404 == client.get(f"{BASE}/ehr/{ehr_id}").status_code


@pytest.mark.behaviour("ehr.by-subject")
@pytest.mark.row("ehr_get_by_subject")
def test_an_ehr_is_found_by_its_subject(client):
    """Id and namespace together; either alone is 400, an unknown one 404."""
    own = str(uuid4())
    ehr_id = open_ehr(client, status(subject=subject(own)))
    wanted = {"subject_id": own, "subject_namespace": "moiety"}
    answer = client.get(f"{BASE}/ehr", params=wanted)
    assert 200 == answer.status_code
    assert ehr_id == answer.json()["ehr_id"]["value"]
    xml = client.get(f"{BASE}/ehr", params=wanted, headers={"Accept": "application/xml"})
    assert ehr_id in xml.text
    other = client.get(f"{BASE}/ehr", params=wanted | {"subject_namespace": "else"})
    assert 404 == other.status_code
    assert 404 == client.get(
        f"{BASE}/ehr", params=wanted | {"subject_id": str(uuid4())}
    ).status_code  # fmt: skip
    assert 400 == client.get(f"{BASE}/ehr", params={"subject_id": own}).status_code


@pytest.mark.behaviour("ehr.taken")
@pytest.mark.row("ehr_create")
def test_a_subject_has_one_ehr(client):
    """The same id and namespace again: 409."""
    body = status(subject=subject(str(uuid4())))
    assert 201 == client.post(f"{BASE}/ehr", json=body).status_code
    again = client.post(f"{BASE}/ehr", json=body)
    assert (409, "Conflict") == (again.status_code, again.json()["error"])


@pytest.mark.behaviour("mixed-formats")
@pytest.mark.row("ehr_create")
def test_a_status_is_taken_in_xml(client):
    """XML in, XML or JSON out."""
    own = str(uuid4())
    headers = {"Content-Type": "application/xml", "Accept": "application/xml", **WHOLE}
    answer = client.post(f"{BASE}/ehr", content=xml_status(own), headers=headers)
    assert 201 == answer.status_code, answer.text
    assert "<ehr_id>" in answer.text
    found = client.get(
        f"{BASE}/ehr", params={"subject_id": own, "subject_namespace": "moiety"}
    ).json()
    assert found["ehr_id"]["value"] in answer.text
    mixed = client.post(f"{BASE}/ehr", content=xml_status(), headers=headers | {"Accept": "*/*"})
    assert "EHR" == mixed.json()["_type"]


@pytest.mark.behaviour("ehr.incomplete")
@pytest.mark.row("ehr_create")
@pytest.mark.parametrize(
    "missing", ["_type", "subject", "name", "archetype_node_id", "is_modifiable", "is_queryable"]
)
def test_a_status_without_what_it_must_have_is_400(client, missing):
    """Every mandatory attribute, by path."""
    body = status()
    del body[missing]
    answer = client.post(f"{BASE}/ehr", json=body)
    assert 400 == answer.status_code
    assert any(missing in finding["path"] for finding in answer.json()["validationErrors"])


@pytest.mark.behaviour("ehr.incomplete")
@pytest.mark.row("ehr_create")
@pytest.mark.parametrize(
    "broken",
    [
        {},
        [],
        status(subject={"external_ref": {"id": {}, "namespace": "moiety", "type": "PERSON"}}),
        status(subject={"external_ref": {"namespace": "moiety", "type": "PERSON"}}),
        status(subject=subject("", "moiety")),
        status(subject=subject(str(uuid4()), "")),
        status(subject={"external_ref": {"id": {"_type": "HIER_OBJECT_ID", "value": str(uuid4())},
                                         "type": "PERSON"}}),
        status(unknown=1),
    ],
)  # fmt: skip
def test_a_broken_status_is_400(client, broken):
    """An empty body, an empty or missing id or namespace, a key of no class."""
    answer = client.post(f"{BASE}/ehr", json=broken)
    assert 400 == answer.status_code, answer.text


def test_a_random_uuid_in_the_declared_namespace_is_the_only_subject(client):
    """Anything else could tell who it is: 422."""
    for value, namespace in ((str(uuid4()), "patients"), ("12345", "moiety")):
        answer = client.post(f"{BASE}/ehr", json=status(subject=subject(value, namespace)))
        assert 422 == answer.status_code
        assert value not in answer.text


@pytest.mark.behaviour("opaque-subjects")
def test_where_any_id_is_a_pseudonym_any_id_is_taken_and_found(opaque):
    """UUIDs and other texts, in any namespace; each once."""
    with opaque.client() as client:
        for value in (str(uuid4()), "ext_id_42", "12345", str(uuid4()).upper()):
            body = status(subject=subject(value, "patients"))
            ehr_id = open_ehr(client, body)
            assert 409 == client.post(f"{BASE}/ehr", json=body).status_code
            wanted = {"subject_id": value, "subject_namespace": "patients"}
            found = client.get(f"{BASE}/ehr", params=wanted).json()
            assert ehr_id == found["ehr_id"]["value"]
            kept = client.get(f"{BASE}/ehr/{ehr_id}/ehr_status").json()
            assert value == kept["subject"]["external_ref"]["id"]["value"]
            open_ehr(client, status(subject=subject(value, "others")))


# --- formats, headers and methods, as every resource has them --------------------------------


@pytest.mark.behaviour("formats")
@pytest.mark.parametrize("accept", ["text/plain", "application/pdf", "application/json;q=0"])
def test_a_format_that_is_not_written_is_406(client, accept):
    """Accept names nothing that there is."""
    answer = client.get(f"{BASE}/ehr/{open_ehr(client)}", headers={"Accept": accept})
    assert (406, "Not Acceptable") == (answer.status_code, answer.json()["error"])


@pytest.mark.behaviour("formats")
def test_a_format_that_is_not_read_is_415(client):
    """Content-Type names nothing that there is."""
    answer = client.post(f"{BASE}/ehr", content=b"x", headers={"Content-Type": "text/plain"})
    assert (415, "Unsupported Media Type") == (answer.status_code, answer.json()["error"])
    assert 400 == client.get(f"{BASE}/ehr/{uuid4()}", params={"format": "PDF"}).status_code


@pytest.mark.behaviour("error-xml")
@pytest.mark.parametrize("accept", ["application/xml", "text/xml"])
def test_an_error_is_written_in_xml_for_who_asks_for_xml(client, accept):
    """The elements error and message, in this order."""
    answer = client.get(f"{BASE}/ehr/{uuid4()}", headers={"Accept": accept})
    assert (404, "application/xml") == (answer.status_code, answer.headers["Content-Type"])
    names = [child.tag for child in ET.fromstring(answer.text)]
    assert ["error", "message"] == names[:2]
    assert "<error>Not Found</error><message>" in answer.text


@pytest.mark.behaviour("unknown-route")
def test_an_unknown_route_names_its_path(client):
    """In both formats."""
    answer = client.get(f"{BASE}/template")
    assert "No resource found at path: openehr/v1/template" == answer.json()["message"]
    xml = client.get(f"{BASE}/template", headers={"Accept": "application/xml"}).text
    said = "<message>No resource found at path: openehr/v1/template</message>"
    assert f"<error>Not Found</error>{said}" in xml
    hostile = client.get("/<script>", headers={"Accept": "application/xml"}).text
    assert "<script>" not in hostile


@pytest.mark.behaviour("location")
@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"X-Forwarded-Proto": "https"}, "https://{host}:{port}"),
        ({"X-Forwarded-Host": "cdr.example.org"}, "http://cdr.example.org"),
        ({"X-Forwarded-Host": "cdr.example.org", "X-Forwarded-Port": "8443",
          "X-Forwarded-Proto": "https"}, "https://cdr.example.org:8443"),
        ({"X-Forwarded-Host": "cdr.example.org:80", "X-Forwarded-Proto": "http"},
         "http://cdr.example.org"),
        ({"X-Forwarded-Host": "cdr.example.org", "X-Forwarded-Port": "443",
          "X-Forwarded-Proto": "https"}, "https://cdr.example.org"),
        ({"X-Forwarded-Host": "a.example, b.example", "X-Forwarded-Proto": "https, http"},
         "https://a.example"),
        ({"X-Forwarded-Host": "bad host/<x>"}, "http://{host}:{port}"),
        ({"X-Forwarded-Proto": "javascript"}, "http://{host}:{port}"),
    ],
)  # fmt: skip
def test_location_is_where_the_client_sees_it(clinical, client, headers, origin):
    """X-Forwarded-Proto, -Host and -Port of a proxy; nonsense in them is not repeated."""
    answer = client.post(f"{BASE}/ehr", headers=headers)
    url = client.base_url
    expected = origin.format(host=url.host, port=url.port)
    ehr_id = answer.headers["ETag"].strip('"')
    assert f"{expected}{BASE}/ehr/{ehr_id}" == answer.headers["Location"]


@pytest.mark.behaviour("options-head")
@pytest.mark.row("options")
def test_options_tells_the_methods_of_a_resource_and_what_this_is(client):
    """Of the API, with a description; of one resource; 404 where there is none."""
    about = client.options(f"{BASE}/")
    assert 200 == about.status_code
    assert {"GET", "POST", "PUT", "DELETE"} <= set(about.headers["Allow"].split(", "))
    assert {"solution", "endpoints"} <= set(about.json())
    one = client.options(f"{BASE}/ehr/{uuid4()}/directory")
    assert {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} == set(
        one.headers["Allow"].split(", ")
    )
    assert 404 == client.options("/nowhere").status_code


@pytest.mark.behaviour("options-head")
def test_head_is_get_without_the_body(client):
    """The same status and headers."""
    place = f"{BASE}/ehr/{open_ehr(client)}"
    head, get = client.head(place), client.get(place)
    assert (200, b"") == (head.status_code, head.content)
    assert get.headers["ETag"] == head.headers["ETag"]
    assert 404 == client.head(f"{BASE}/ehr/{uuid4()}").status_code


@pytest.mark.behaviour("wrong-method")
def test_a_wrong_method_is_405_with_the_right_ones_and_an_unknown_one_501(client):
    """Allow names every method of the resource."""
    answer = client.patch(f"{BASE}/ehr/{uuid4()}")
    assert (405, "Method Not Allowed") == (answer.status_code, answer.json()["error"])
    assert {"GET", "HEAD", "PUT", "OPTIONS"} == set(answer.headers["Allow"].split(", "))
    assert 501 == client.request("PROPFIND", f"{BASE}/ehr").status_code


@pytest.mark.behaviour("unknown-route")
def test_a_trailing_slash_is_no_route(client):
    """404, not a redirection."""
    assert 404 == client.post(f"{BASE}/ehr/").status_code


@pytest.mark.behaviour("etag")
def test_etags_are_weak_where_the_deployment_says_so(clinical_database):
    """Answers and errors alike; strong is the default."""
    from clinical_api.app import create_app
    from clinical_api.settings import Settings
    from tests.fixtures.fix_services import served

    app = create_app(Settings(database_url=clinical_database.url(), etag="weak"))
    with served("clinical", app, clinical_database) as service, service.client() as client:
        opened = client.post(f"{BASE}/ehr")
        assert opened.headers["ETag"].startswith('W/"')
        place = f"{BASE}/ehr/{opened.headers['ETag'][3:-1]}/ehr_status"
        stale = f"{uuid4()}::moiety.local::1"
        refused = client.put(place, json=status(), headers={"If-Match": stale})
        assert 412 == refused.status_code
        assert refused.headers["ETag"].startswith('W/"')
        changed = client.put(place, json=status(), headers={"If-Match": refused.headers["ETag"]})
        assert 204 == changed.status_code
