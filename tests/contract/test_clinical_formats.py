"""COMPOSITION in canonical JSON and XML, FLAT and STRUCTURED, in and out."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.fixtures.clinical_documents import BASE, WHOLE, open_ehr, uid_of, upload, vital_signs

JSON, XML = "application/json", "application/xml"
FLAT = "application/openehr.wt.flat+json"
STRUCTURED = "application/openehr.wt.structured+json"
OLD_FLAT = "application/openehr.wt.flat.schema+json"
FORMS = {"JSON": JSON, "XML": XML, "FLAT": FLAT, "STRUCTURED": STRUCTURED}
SHARED = Path(__file__).parents[3] / "shared/data/openehr"


@pytest.fixture
def client(clinical):
    """A client that may do everything."""
    with clinical.client() as client:
        upload(client)
        yield client


@pytest.fixture
def place(client):
    """Where compositions of a new EHR are."""
    return f"{BASE}/ehr/{open_ehr(client)}/composition"


@pytest.fixture
def template_id():
    """The demo's vital signs."""
    return vital_signs()["archetype_details"]["template_id"]["value"]


def same(one, other):
    """Two canonical JSON documents alike but for the uid."""
    return {**one, "uid": None} == {**other, "uid": None}


@pytest.mark.behaviour("composition.round-trips", "composition.xml-in")
@pytest.mark.row("composition_create")
@pytest.mark.row("composition_get")
@pytest.mark.parametrize("into", FORMS)
@pytest.mark.parametrize("out", FORMS)
def test_a_document_goes_in_and_comes_out_in_each_format(client, place, template_id, into, out):
    """All sixteen pairs: nothing is lost on the way."""
    given = client.post(place, json=vital_signs(), headers=WHOLE)
    assert 201 == given.status_code, given.text
    uid = uid_of(given)
    body = client.get(f"{place}/{uid}", headers={"Accept": FORMS[into]})
    assert (200, FORMS[into]) == (body.status_code, body.headers["Content-Type"])
    content = without_uid(body, into)
    headers = {"Content-Type": FORMS[into], "Accept": FORMS[out], **WHOLE}
    answer = client.post(
        place, content=content, headers=headers | {"openEHR-TEMPLATE_ID": template_id}
    )
    assert (201, FORMS[out]) == (answer.status_code, answer.headers["Content-Type"]), answer.text
    assert answer.headers["Location"].endswith(uid_of(answer).split("::")[0])
    again = client.get(f"{place}/{uid_of(answer)}")
    assert same(given.json(), again.json())
    read = client.get(f"{place}/{uid_of(answer)}", params={"format": out})
    assert answer.content == read.content


def without_uid(answer, form):
    """A body that can be committed again."""
    if form == "XML":
        root = ET.fromstring(answer.content)
        for uid in root.findall("{http://schemas.openehr.org/v1}uid"):
            root.remove(uid)
        return ET.tostring(root)
    body = answer.json()
    if form == "FLAT":
        return json.dumps({k: v for k, v in body.items() if not k.endswith("/_uid")})
    body.pop("uid", None)
    for inner in body.values():
        if isinstance(inner, dict):
            inner.pop("_uid", None)
    return json.dumps(body)


@pytest.mark.behaviour("composition.simplified")
@pytest.mark.row("composition_get")
def test_the_simplified_formats_name_the_uid(client, place):
    """FLAT: `<root>/_uid`; STRUCTURED: {"<root>": {"_uid": ["…"]}}."""
    uid = uid_of(client.post(place, json=vital_signs()))
    flat = client.get(f"{place}/{uid}", params={"format": "FLAT"}).json()
    (key,) = [key for key in flat if key.endswith("/_uid")]
    assert uid == flat[key]
    structured = client.get(f"{place}/{uid}", params={"format": "STRUCTURED"}).json()
    (root,) = structured
    assert [uid] == structured[root]["_uid"]
    assert f"{root}/_uid" == key


@pytest.mark.behaviour("format-parameter")
@pytest.mark.row("composition_create")
def test_a_format_is_chosen_by_the_parameter_too(client, place, template_id):
    """`?format=FLAT&templateId=…` goes before the JSON media type, for request and answer."""
    uid = uid_of(client.post(place, json=vital_signs()))
    flat = client.get(f"{place}/{uid}", params={"format": "FLAT"})
    body = without_uid(flat, "FLAT")
    wanted = {"format": "FLAT", "templateId": template_id}
    answer = client.post(
        place, content=body, params=wanted, headers={"Content-Type": JSON, **WHOLE}
    )
    assert 201 == answer.status_code, answer.text
    assert any(key.endswith("/_uid") for key in answer.json())
    old = client.get(f"{place}/{uid}", headers={"Accept": OLD_FLAT})
    assert (OLD_FLAT, flat.content) == (old.headers["Content-Type"], old.content)


@pytest.mark.behaviour("mixed-formats")
@pytest.mark.row("composition_create")
def test_flat_in_and_json_out(client, place, template_id):
    """The answer follows Accept, whatever came in."""
    uid = uid_of(client.post(place, json=vital_signs()))
    body = without_uid(client.get(f"{place}/{uid}", params={"format": "FLAT"}), "FLAT")
    headers = {"Content-Type": OLD_FLAT, "Accept": JSON, "openehr-template-id": template_id}
    answer = client.post(place, content=body, headers=headers | WHOLE)
    assert "COMPOSITION" == answer.json()["_type"]
    plain = client.post(place, content=body, headers={**headers, "Prefer": "return=minimal"})
    assert (201, b"") == (plain.status_code, plain.content)


@pytest.mark.behaviour("composition.answers")
@pytest.mark.row("composition_update")
@pytest.mark.parametrize("form", FORMS)
def test_a_new_version_comes_in_each_format(client, place, form):
    """200 with representation, else 204; the template of a simplified one is that of the object."""
    uid = uid_of(client.post(place, json=vital_signs()))
    one = f"{place}/{uid.split('::')[0]}"
    body = client.get(one, params={"format": form}).content
    headers = {"Content-Type": FORMS[form], "Accept": FORMS[form], "If-Match": uid}
    answer = client.put(one, content=body, headers=headers | WHOLE)
    assert (200, FORMS[form]) == (answer.status_code, answer.headers["Content-Type"]), answer.text
    assert uid_of(answer).endswith("::2")
    assert answer.headers["Location"].endswith(one)
    empty = client.put(
        one, content=body_of(client, one, form), headers=headers | {"If-Match": uid_of(answer)}
    )
    assert (204, b"") == (empty.status_code, empty.content)


def body_of(client, place, form):
    """The latest version in a format."""
    return client.get(place, params={"format": form}).content


@pytest.mark.behaviour("composition.unknown-template")
@pytest.mark.row("composition_create")
@pytest.mark.parametrize("form", ["FLAT", "STRUCTURED"])
def test_a_simplified_document_needs_a_known_template(client, place, form):
    """None named: 400; an unknown one: 422."""
    headers = {"Content-Type": FORMS[form]}
    nameless = client.post(place, content=b"{}", headers=headers)
    assert (400, "Bad Request") == (nameless.status_code, nameless.json()["error"])
    unknown = client.post(
        place, content=b"{}", headers=headers | {"openEHR-TEMPLATE_ID": "nothing.v0"}
    )
    assert (422, "Unprocessable Entity") == (unknown.status_code, unknown.json()["error"])


@pytest.mark.behaviour("composition.broken")
@pytest.mark.row("composition_create")
@pytest.mark.parametrize(
    ("form", "body"),
    [("JSON", b"{"), ("XML", b"<composition"), ("FLAT", b"{"), ("STRUCTURED", b"["),
     ("FLAT", b'{"elsewhere/nothing": 1}'), ("STRUCTURED", b'{"elsewhere": {"x": [1]}}')],
)  # fmt: skip
def test_a_broken_document_is_400_in_each_format(client, place, template_id, form, body):
    """Broken syntax, and fields that the template does not know."""
    headers = {"Content-Type": FORMS[form], "openEHR-TEMPLATE_ID": template_id}
    answer = client.post(place, content=body, headers=headers)
    assert (400, "Bad Request") == (answer.status_code, answer.json()["error"])
    assert answer.json()["validationErrors"]


@pytest.mark.behaviour("formats")
@pytest.mark.row("composition_create")
@pytest.mark.parametrize(
    ("content_type", "accept", "status"),
    [("text/plain", JSON, 415), ("application/pdf", JSON, 415), (JSON, "text/plain", 406)],
)
def test_formats_that_are_not_there_are_refused(client, place, content_type, accept, status):
    """415 for what is sent, 406 for what is asked for."""
    headers = {"Content-Type": content_type, "Accept": accept}
    answer = client.post(place, json=vital_signs(), headers=headers)
    assert status == answer.status_code


@pytest.mark.row("composition_get")
def test_a_composition_is_read_as_of_a_time(client, place):
    """The version that was the latest then; 404 before the first, 204 after the deletion."""
    from datetime import UTC, datetime, timedelta

    before = datetime.now(UTC) - timedelta(minutes=1)
    uid = uid_of(client.post(place, json=vital_signs()))
    one = f"{place}/{uid.split('::')[0]}"
    between = datetime.now(UTC)
    second = client.put(one, json=vital_signs(2), headers={"If-Match": uid})
    assert 204 == second.status_code

    def at(moment):
        return client.get(one, params={"version_at_time": moment.isoformat()})

    assert uid == uid_of(at(between))
    assert uid_of(second) == uid_of(at(between + timedelta(days=1)))
    assert 404 == at(before).status_code
    assert 400 == client.get(one, params={"version_at_time": "2020-01-01 10:00:00"}).status_code
    assert 204 == client.delete(f"{place}/{uid_of(second)}").status_code
    assert 204 == at(between + timedelta(days=1)).status_code
    assert uid == uid_of(at(between))


@pytest.mark.behaviour("composition.existence-first")
@pytest.mark.row("composition_update")
def test_an_update_of_nothing_is_404_with_or_without_if_match(client, place):
    """Existence is asked before If-Match."""
    for headers in ({}, {"If-Match": "nonsense"}):
        answer = client.put(
            f"{place}/6f8d2a44-8a6a-4f4e-9d9a-2f6f3a5b7c11", json=vital_signs(), headers=headers
        )
        assert 404 == answer.status_code


@pytest.mark.behaviour("composition.other-uid")
@pytest.mark.row("composition_update")
def test_a_document_that_bears_another_uid_is_412_with_the_latest(client, place):
    """ETag and Location tell what there is."""
    uid = uid_of(client.post(place, json=vital_signs()))
    other = vital_signs() | {
        "uid": {"_type": "HIER_OBJECT_ID", "value": "6f8d2a44-8a6a-4f4e-9d9a-2f6f3a5b7c11"}
    }
    one = f"{place}/{uid.split('::')[0]}"
    answer = client.put(one, json=other, headers={"If-Match": uid})
    assert 412 == answer.status_code
    assert uid == uid_of(answer)
    assert answer.headers["Location"].endswith(one)


@pytest.mark.behaviour("composition.deletion")
@pytest.mark.row("composition_delete")
def test_a_composition_is_deleted_once(client, place):
    """204, then 400; If-Match, where it is sent, must name the latest; an unknown one is 404."""
    uid = uid_of(client.post(place, json=vital_signs()))
    wrong = {"If-Match": uid.replace("::1", "::7")}
    assert 412 == client.delete(f"{place}/{uid}", headers=wrong).status_code
    answer = client.delete(f"{place}/{uid}", headers={"If-Match": uid})
    assert (204, uid.replace("::1", "::2")) == (answer.status_code, uid_of(answer))
    assert 400 == client.delete(f"{place}/{uid}").status_code
    gone = client.get(f"{place}/{uid.split('::')[0]}")
    assert (204, b"") == (gone.status_code, gone.content)
    assert 200 == client.get(f"{place}/{uid}").status_code
    unknown = client.delete(f"{place}/6f8d2a44-8a6a-4f4e-9d9a-2f6f3a5b7c11::moiety.local::1")
    assert 404 == unknown.status_code


@pytest.mark.row("composition_get")
def test_an_object_may_be_named_with_its_system(client, place):
    """As some clients do, object::system; another system has nothing here."""
    uid = uid_of(client.post(place, json=vital_signs()))
    object_id = uid.split("::")[0]
    assert uid == uid_of(client.get(f"{place}/{object_id}::moiety.local"))
    for other in (f"{object_id}::elsewhere", f"{object_id}::elsewhere::1"):
        assert 404 == client.get(f"{place}/{other}").status_code
    assert 204 == client.delete(f"{place}/{object_id}::moiety.local").status_code


@pytest.mark.behaviour("commit-headers")
@pytest.mark.row("composition_create")
def test_commit_headers_set_the_lifecycle(client, place):
    """openEHR-VERSION.lifecycle_state; what is no state is 400."""
    headers = {"openEHR-VERSION.lifecycle_state": "incomplete"}
    uid = uid_of(client.post(place, json=vital_signs(), headers=headers))
    object_id = uid.split("::")[0]
    found = client.get(
        f"{place.replace('/composition', '/versioned_composition')}/{object_id}/version/{uid}"
    )
    assert "incomplete" == found.json()["lifecycle_state"]["value"]
    wrong = client.post(
        place, json=vital_signs(), headers={"openEHR-VERSION.lifecycle_state": "whatever"}
    )
    assert 400 == wrong.status_code


# --- documents of others, in the conformance profile ---------------------------------------------


def shared(folder, pattern):
    return sorted((SHARED / folder).glob(pattern)) if SHARED.exists() else []


def said_of(path):
    """What the manifest of the samples says of one."""
    place = str(path.relative_to(SHARED))
    manifest = json.loads((SHARED / "manifest.json").read_text())
    return next(one for one in manifest if one["path"] == place)


def template_of(path):
    """The template that a simplified document is written for."""
    return said_of(path)["for_template"]


@pytest.fixture
def theirs(anybody):
    """Uploads the template of an id, and gives a place for compositions."""
    if not SHARED.exists():
        pytest.skip("the shared sample data are not here")

    def ready(template_id):
        for path in shared("opt", "*.opt"):
            if f">{template_id}<".encode() in path.read_bytes():
                answer = anybody.post(
                    "/definition/template/adl1.4",
                    content=path.read_bytes(),
                    headers={"Content-Type": XML},
                )
                assert 201 == answer.status_code, answer.text
        ehr = anybody.post("/ehr")
        return f"/ehr/{uid_of(ehr)}/composition"

    return ready


MEDIA = {"flat": FLAT, "structured": STRUCTURED, "json": JSON, "xml": XML,
         "canonical_json": JSON, "canonical_xml": XML}  # fmt: skip


@pytest.mark.behaviour("composition.constraints")
@pytest.mark.parametrize("path", shared("invalid/compositions", "*"), ids=lambda path: path.name)
def test_their_invalid_documents_are_answered_as_there(anybody, theirs, path):
    """The statuses that the samples' manifest demands, with the texts where it has some."""
    said = said_of(path)
    if said["expected_status"] == 201:
        pytest.skip("its state is not the one that its template demands")
    template_id = template_of(path)
    headers = {"Content-Type": MEDIA[path.name.split("__")[0]], "openEHR-TEMPLATE_ID": template_id}
    answer = anybody.post(theirs(template_id), content=path.read_bytes(), headers=headers)
    assert said["expected_status"] == answer.status_code, answer.text
    if '"' in said["problem"]:
        assert said["problem"].split('"')[1] in answer.json()["message"]


@pytest.mark.parametrize(
    "path",
    [
        *shared("compositions/flat", "*.json"),
        *shared("compositions/structured", "*.json"),
        *shared("compositions/canonical_xml", "*.xml"),
    ],
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_their_valid_documents_are_committed_and_come_back_in_each_format(anybody, theirs, path):
    """201, and then readable in all four formats."""
    if path.name == "obs_admin.composition.extdatetimes.xml":
        pytest.skip("its ordinal bears another text than its template gives the symbol")
    content = path.read_bytes()
    if path.suffix == ".xml":
        template_id = ET.fromstring(content).findtext(".//{*}template_id/{*}value")
    else:
        template_id = template_of(path)
    place = theirs(template_id)
    headers = {"Content-Type": MEDIA[path.parent.name], "openEHR-TEMPLATE_ID": template_id}
    answer = anybody.post(place, content=content, headers=headers)
    assert 201 == answer.status_code, answer.text
    for media in FORMS.values():
        read = anybody.get(f"{place}/{uid_of(answer)}", headers={"Accept": media})
        assert (200, media) == (read.status_code, read.headers["Content-Type"])


def mutation_cases():
    from tests.unit.openehr.test_shared_documents import cases

    return cases()


@pytest.mark.behaviour("composition.constraints")
@pytest.mark.parametrize("case", mutation_cases(), ids=lambda case: case["case"][-60:])
def test_their_mutated_documents_are_answered_in_their_words(anybody, theirs, case):
    """201 or 422 as there, and the message holds what suites look for."""
    from tests.unit.openehr.test_shared_documents import mutated

    document = mutated(case)
    place = theirs(document["archetype_details"]["template_id"]["value"])
    answer = anybody.post(place, json=document)
    assert case["expected_status"] == answer.status_code, answer.text
    for text in case["message"]:
        assert text in answer.json()["message"]


@pytest.mark.behaviour("composition.broken")
@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("DV_DATE", "2022-01-00",
         "Invalid value for DayOfMonth (valid values 1 - 28/31): 0:2022-01-00"),
        ("DV_DURATION", "P1.5Y", "Text cannot be parsed to a Period:P1.5Y"),
        ("DV_DATE_TIME", "2022-13-01T10:00:00", "Invalid value for MonthOfYear"),
        ("DV_TIME", "25:00:00", "could not be parsed"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["JSON", "FLAT"])
def test_a_text_that_is_no_time_is_400_in_their_words(anybody, theirs, kind, text, said, form):
    """In canonical JSON and in FLAT."""
    document = json.loads(
        (SHARED / "compositions/canonical_json/Test_all_types_v2__.json").read_text()
    )
    template_id = document["archetype_details"]["template_id"]["value"]
    place = theirs(template_id)
    headers = {"Content-Type": FORMS[form], "openEHR-TEMPLATE_ID": template_id}
    if form == "JSON":
        first(document, kind)["value"] = text
    else:
        uid = uid_of(anybody.post(place, json=document))
        value = first(document, kind)["value"]
        document = anybody.get(f"{place}/{uid}", params={"format": "FLAT"}).json()
        document = {k: v for k, v in document.items() if not k.endswith("/_uid")}
        keys = [k for k, v in document.items() if v == value]
        document[keys[-1]] = text
    answer = anybody.post(place, json=document, headers=headers)
    assert 400 == answer.status_code, answer.text
    assert said in answer.json()["message"]


def first(tree, kind):
    """Some value of a class, inside the content."""
    found = []

    def walk(one):
        for value in one.values() if isinstance(one, dict) else one:
            if isinstance(value, dict | list):
                walk(value)
        if isinstance(one, dict) and one.get("_type") == kind:
            found.append(one)

    walk(tree["content"])
    return found[-1]


@pytest.mark.behaviour("composition.round-trips")
@pytest.mark.parametrize("into", FORMS)
@pytest.mark.parametrize("out", FORMS)
def test_every_data_type_survives_each_pair_of_formats(anybody, theirs, into, out):
    """DV_MULTIMEDIA among them."""
    document = json.loads(
        (SHARED / "compositions/canonical_json/Test_all_types_v2__.json").read_text()
    )
    assert "DV_MULTIMEDIA" in json.dumps(document)
    template_id = document["archetype_details"]["template_id"]["value"]
    place = theirs(template_id)
    uid = uid_of(anybody.post(place, json=document))
    sent = without_uid(anybody.get(f"{place}/{uid}", params={"format": into}), into)
    headers = {"Content-Type": FORMS[into], "Accept": FORMS[out], **WHOLE}
    answer = anybody.post(
        place, content=sent, headers=headers | {"openEHR-TEMPLATE_ID": template_id}
    )
    assert (201, FORMS[out]) == (answer.status_code, answer.headers["Content-Type"]), answer.text
    one, other = (anybody.get(f"{place}/{u}").json() for u in (uid, uid_of(answer)))
    assert same(one, other)
