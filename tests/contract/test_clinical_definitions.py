"""Operational templates over HTTP: uploaded, shown, changed, put out of force, deleted."""

import json
import re
from pathlib import Path

import pytest

from tests.fixtures.clinical_documents import (
    ADL,
    BASE,
    TEMPLATES,
    open_ehr,
    uid_of,
    upload,
    vital_signs,
)

XML = {"Content-Type": "application/xml"}
OPT = (TEMPLATES / "vital_signs.opt").read_text()
ID = vital_signs()["archetype_details"]["template_id"]["value"]
WEB = "application/openehr.wt+json"
ADL2 = f"{BASE}/definition/template/adl2"
ADLS = (Path(__file__).parents[1] / "unit/openehr/adl2/blood_pressure.adls").read_text()


@pytest.fixture
def client(clinical):
    """A client that may do everything."""
    with clinical.client() as client:
        yield client


def changed(old, new):
    """The template with one text for another, wherever it stands."""
    assert old in OPT
    return OPT.replace(old, new)


# --- ADL 1.4 -------------------------------------------------------------------------------------


@pytest.mark.row("definition_template_adl1.4_upload")
@pytest.mark.parametrize(
    ("headers", "media"),
    [({}, None), ({"Prefer": "return=minimal"}, None),
     ({"Prefer": "return=representation"}, "application/xml"),
     ({"Prefer": "return=representation", "Accept": WEB}, WEB),
     ({"Prefer": "return=representation", "Accept": "application/json"}, "application/json")],
)  # fmt: skip
def test_a_template_is_uploaded(client, headers, media):
    """201, ETag and Location; a body only where the client prefers one."""
    answer = client.post(ADL, content=OPT, headers=XML | headers)
    assert 201 == answer.status_code, answer.text
    assert f'"{ID}"' == answer.headers["ETag"]
    assert answer.headers["Location"].endswith(f"{ADL}/{ID}")
    if media is None:
        assert b"" == answer.content
    elif media == "application/xml":
        assert OPT == answer.text
    else:
        assert media == answer.headers["Content-Type"]
        assert ID == answer.json()["templateId"]
    assert 200 == client.get(f"{ADL}/{ID}").status_code


@pytest.mark.behaviour("template.taken")
@pytest.mark.row("definition_template_adl1.4_upload")
def test_a_template_id_is_taken_once(client):
    """409 names it."""
    upload(client)
    again = client.post(ADL, content=OPT, headers=XML)
    said = f"Operational template with this template ID already exists: {ID}"
    assert (409, said) == (again.status_code, again.json()["message"])


@pytest.mark.behaviour("template.xml-only")
@pytest.mark.row("definition_template_adl1.4_upload")
@pytest.mark.parametrize("accept", [None, "application/json", "application/xml"])
@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain"])
def test_a_template_is_xml_whatever_the_answer_may_be(client, accept, content_type):
    """415; the error is JSON unless XML is asked for."""
    headers = {} if accept is None else {"Accept": accept}
    if content_type:
        headers["Content-Type"] = content_type
    answer = client.post(ADL, content=OPT.encode(), headers=headers)
    assert 415 == answer.status_code
    expected = "application/xml" if accept == "application/xml" else "application/json"
    assert expected == answer.headers["Content-Type"]
    assert "Unsupported Media Type" in answer.text


@pytest.mark.behaviour("template.list")
@pytest.mark.row("definition_template_adl1.4_list")
def test_templates_are_listed(client):
    """Four facts of each."""
    assert [] == client.get(ADL).json()
    upload(client)
    upload(client, "discharge_letter")
    found = client.get(ADL).json()
    assert 2 == len(found)
    for one in found:
        assert {"template_id", "concept", "archetype_id", "created_timestamp"} == set(one)


@pytest.mark.behaviour("template.web-template")
@pytest.mark.row("definition_template_adl1.4_get")
def test_a_template_is_shown_as_it_came_or_as_a_web_template(client):
    """XML unless JSON is asked for, by Accept or `format`; 404 and 406."""
    upload(client)
    one = f"{ADL}/{ID}"
    for accept in (None, "*/*", "application/xml", "text/xml"):
        answer = client.get(one, headers={} if accept is None else {"Accept": accept})
        assert (OPT, f'"{ID}"') == (answer.text, answer.headers["ETag"])
    for accept in ("application/json", WEB):
        answer = client.get(one, headers={"Accept": accept})
        assert accept == answer.headers["Content-Type"]
        assert (ID, "2.3") == (answer.json()["templateId"], answer.json()["version"])
    assert ID == client.get(one, params={"format": "JSON"}).json()["templateId"]
    assert 406 == client.get(one, headers={"Accept": "text/html"}).status_code
    assert 404 == client.get(f"{ADL}/nothing.v1").status_code


@pytest.mark.behaviour("template.example")
@pytest.mark.row("definition_template_adl1.4_example_get")
@pytest.mark.parametrize("name", ["vital_signs", "discharge_letter", "laboratory_result"])
@pytest.mark.parametrize("form", ["JSON", "XML", "FLAT", "STRUCTURED"])
@pytest.mark.parametrize("level", [None, "required", "medium", "complete"])
def test_an_example_can_be_committed_as_it_stands(client, name, form, level):
    """In each format and level of detail."""
    upload(client, name)
    (listed,) = client.get(ADL).json()
    wanted = {"format": form} | ({} if level is None else {"detail_level": level})
    answer = client.get(f"{ADL}/{listed['template_id']}/example", params=wanted)
    assert 200 == answer.status_code, answer.text
    headers = {
        "Content-Type": answer.headers["Content-Type"],
        "openEHR-TEMPLATE_ID": listed["template_id"],
    }
    place = f"{BASE}/ehr/{open_ehr(client)}/composition"
    made = client.post(place, content=answer.content, headers=headers)
    assert 201 == made.status_code, made.text


@pytest.mark.row("definition_template_adl1.4_example_get")
def test_an_example_is_as_the_client_asks(client):
    """`output` has a uid; unknown words are 400, an unknown template 404, a format 406."""
    upload(client)
    one = f"{ADL}/{ID}/example"
    assert "uid" not in client.get(one).json()
    output = client.get(one, params={"type": "output"}).json()
    assert output["uid"]["value"].endswith("::moiety.local::1")
    small = client.get(one, params={"detail_level": "required"})
    assert len(small.content) < len(client.get(one).content)
    assert 400 == client.get(one, params={"detail_level": "all"}).status_code
    assert 400 == client.get(one, params={"type": "both"}).status_code
    assert 406 == client.get(one, headers={"Accept": "text/html"}).status_code
    assert 404 == client.get(f"{ADL}/nothing/example").status_code


def test_options_head_and_wrong_methods_are_as_everywhere(client):
    """Allow tells what there is; HEAD is GET without the body."""
    upload(client)
    one = f"{ADL}/{ID}"
    allowed = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}
    assert allowed == set(client.options(one).headers["Allow"].split(", "))
    wrong = client.patch(one)
    assert (405, allowed) == (wrong.status_code, set(wrong.headers["Allow"].split(", ")))
    head = client.head(one)
    assert (200, b"", f'"{ID}"') == (head.status_code, head.content, head.headers["ETag"])
    assert 501 == client.request("PROPFIND", one).status_code


# --- its life ------------------------------------------------------------------------------------


WIDER = ("<upper>20</upper>", "<upper>25</upper>")


@pytest.mark.row("template_change")
@pytest.mark.row("template_revisions")
def test_a_compatible_change_stands_beside_what_was(client):
    """Old documents stay, new ones may be more; both are read, corrected and queried."""
    upload(client)
    place = f"{BASE}/ehr/{open_ehr(client)}/composition"
    before = uid_of(client.post(place, json=vital_signs(1)))
    wide = changed(*WIDER)
    answer = client.put(f"{ADL}/{ID}", content=wide, headers=XML)
    assert 200 == answer.status_code, answer.text
    assert (ID, 2) == (answer.json()["template_id"], answer.json()["revision"])
    assert answer.json()["differences"]
    assert not any(one["breaking"] for one in answer.json()["differences"])
    assert wide == client.get(f"{ADL}/{ID}").text
    assert OPT == client.get(f"{ADL}/{ID}", params={"revision": 1}).text
    assert 404 == client.get(f"{ADL}/{ID}", params={"revision": 3}).status_code
    after = uid_of(client.post(place, json=vital_signs(2)))
    for uid in (before, after):
        for form in ("JSON", "XML", "FLAT", "STRUCTURED"):
            assert 200 == client.get(f"{place}/{uid}", params={"format": form}).status_code
    listed = client.get(f"{ADL}/{ID}/revisions").json()
    assert [(2, True), (1, False)] == [(one["revision"], one["in_force"]) for one in listed]
    corrected = client.put(
        f"{place}/{before.split('::')[0]}", json=vital_signs(3), headers={"If-Match": before}
    )
    assert 204 == corrected.status_code, corrected.text
    assert {uid_of(corrected), after} == queried(client)


def queried(client):
    """The uids of all compositions of the template, by its id and by a class of theirs."""
    asked = (
        "SELECT c/uid/value FROM EHR e CONTAINS COMPOSITION c CONTAINS OBSERVATION o"
        f" WHERE c/archetype_details/template_id/value = '{ID}'"
    )
    answer = client.post(f"{BASE}/query/aql", json={"q": asked})
    assert 200 == answer.status_code, answer.text
    return {row[0] for row in answer.json()["rows"]}


def test_queries_see_the_documents_of_every_revision(client):
    """By their rows: also one that was written before the change and never after."""
    upload(client)
    place = f"{BASE}/ehr/{open_ehr(client)}/composition"
    uids = {uid_of(client.post(place, json=vital_signs(1)))}
    assert uids == queried(client)
    assert 200 == client.put(f"{ADL}/{ID}", content=changed(*WIDER), headers=XML).status_code
    assert uids == queried(client)
    uids.add(uid_of(client.post(place, json=vital_signs(2))))
    assert uids == queried(client)


@pytest.mark.row("template_change")
def test_an_incompatible_change_is_refused_with_what_would_break(client):
    """409 with the paths; nothing changes, also for a broken one or one of another id."""
    upload(client)
    narrow = changed("<upper>20</upper>", "<upper>15</upper>")
    answer = client.put(f"{ADL}/{ID}", content=narrow, headers=XML)
    assert (409, "Conflict") == (answer.status_code, answer.json()["error"])
    assert answer.json()["validationErrors"]
    for one in answer.json()["validationErrors"]:
        assert one["path"].startswith("/")
        assert one["rule"] == "constraint"
    other = changed(ID, "other.v1")
    assert 400 == client.put(f"{ADL}/{ID}", content=other, headers=XML).status_code
    assert 400 == client.put(f"{ADL}/{ID}", content="<x", headers=XML).status_code
    assert 404 == client.put(f"{ADL}/nothing", content=OPT, headers=XML).status_code
    assert 415 == client.put(f"{ADL}/{ID}", json={}).status_code
    assert OPT == client.get(f"{ADL}/{ID}").text
    same = client.put(f"{ADL}/{ID}", content=OPT, headers=XML)
    assert (200, 1, []) == (
        same.status_code, same.json()["revision"], same.json()["differences"],
    )  # fmt: skip


@pytest.mark.row("template_activate")
def test_a_template_out_of_force_takes_no_new_document(client):
    """422, until it is in force again; what was written stays readable."""
    upload(client)
    place = f"{BASE}/ehr/{open_ehr(client)}/composition"
    uid = uid_of(client.post(place, json=vital_signs()))
    assert 204 == client.put(f"{ADL}/{ID}/active", json=False).status_code
    assert 422 == client.post(place, json=vital_signs()).status_code
    assert [] == client.get(ADL).json()
    assert 404 == client.get(f"{ADL}/{ID}/example").status_code
    assert OPT == client.get(f"{ADL}/{ID}").text
    assert 409 == client.post(ADL, content=OPT, headers=XML).status_code
    for form in ("JSON", "FLAT"):
        assert 200 == client.get(f"{place}/{uid}", params={"format": form}).status_code
    assert {uid} == queried(client)
    assert 204 == client.put(f"{ADL}/{ID}/active", json=True).status_code
    assert 201 == client.post(place, json=vital_signs()).status_code
    assert 404 == client.put(f"{ADL}/nothing/active", json=True).status_code
    assert 400 == client.put(f"{ADL}/{ID}/active", json="yes").status_code


@pytest.mark.row("template_delete")
def test_a_template_is_deleted_while_nothing_was_written_with_it(client):
    """204; 409 as soon as it is used, if only by a document that is deleted; 404."""
    upload(client)
    assert 204 == client.delete(f"{ADL}/{ID}").status_code
    assert 404 == client.delete(f"{ADL}/{ID}").status_code
    upload(client)
    place = f"{BASE}/ehr/{open_ehr(client)}/composition"
    uid = uid_of(client.post(place, json=vital_signs()))
    assert 409 == client.delete(f"{ADL}/{ID}").status_code
    assert 204 == client.delete(f"{place}/{uid}").status_code
    assert 409 == client.delete(f"{ADL}/{ID}").status_code


def test_another_process_takes_up_a_change_within_seconds(clinical, client):
    """The version in force checks new documents there too, and one out of force refuses them."""
    import time

    from clinical_api.app import create_app
    from clinical_api.settings import Settings
    from tests.fixtures.fix_services import served

    upload(client)
    app = create_app(Settings(database_url=clinical.database.url()))
    with served("clinical", app, clinical.database) as other, other.client() as there:
        place = f"{BASE}/ehr/{open_ehr(there)}/composition"
        assert 201 == there.post(place, json=vital_signs()).status_code
        assert 204 == client.put(f"{ADL}/{ID}/active", json=False).status_code
        time.sleep(1.2)
        assert 422 == there.post(place, json=vital_signs()).status_code


# --- ADL 2 ---------------------------------------------------------------------------------------

TEXT = {"Content-Type": "text/plain"}


def of_version(number):
    """The template in another version, and its id."""
    first = re.search(r"\S+::openEHR-EHR-\S+\.v\d+\.\d+\.\d+", ADLS)[0]
    name = re.sub(r"\d+\.\d+\.\d+$", number, first)
    return ADLS.replace(first, name, 1), name


@pytest.mark.row("definition_template_adl2_upload")
def test_an_adl_2_template_is_uploaded_once_in_each_version(client):
    """201 with ETag and Location, then 409; a body where the client prefers one."""
    text, name = of_version("1.0.0")
    answer = client.post(ADL2, content=text, headers=TEXT)
    assert (201, b"") == (answer.status_code, answer.content), answer.text
    assert f'"{name}"' == answer.headers["ETag"]
    assert answer.headers["Location"].endswith(f"{ADL2}/{name}")
    assert 409 == client.post(ADL2, content=text, headers=TEXT).status_code
    other, _ = of_version("1.1.0")
    whole = client.post(
        ADL2, content=other, headers=TEXT | {"Prefer": "return=representation"},
        params={"version": "1.1.0"},
    )  # fmt: skip
    assert (201, other) == (whole.status_code, whole.text)


@pytest.mark.row("definition_template_adl2_upload")
def test_what_is_no_adl_2_template_is_refused(client):
    """400 with line and column, for another version too; 415 for another format."""
    broken = client.post(ADL2, content="operational_template", headers=TEXT)
    assert 400 == broken.status_code
    assert "line" in broken.json()["validationErrors"][0]["path"]
    text, _ = of_version("1.0.0")
    for version in ("1.2.0", "x"):
        wrong = client.post(ADL2, content=text, headers=TEXT, params={"version": version})
        assert 400 == wrong.status_code
    assert 400 == client.post(ADL2, content=b"\xff", headers=TEXT).status_code
    assert 415 == client.post(ADL2, content=text, headers=XML).status_code


@pytest.mark.behaviour("template.adl2")
@pytest.mark.row("definition_template_adl2_list")
@pytest.mark.row("definition_template_adl2_get")
@pytest.mark.row("definition_template_adl2_version_get")
def test_adl_2_templates_are_found_by_version(client):
    """The latest of an id without one, of a part, or the very one; listed in order; 404, 406."""
    texts = {}
    for version in ("1.10.0", "1.2.0", "2.0.0"):
        texts[version], name = of_version(version)
        client.post(ADL2, content=texts[version], headers=TEXT)
    stem = name.rpartition(".v")[0]
    found = client.get(ADL2).json()
    assert ["1.2.0", "1.10.0", "2.0.0"] == [one["version"] for one in found]
    assert {"template_id", "version", "concept", "archetype_id", "created_timestamp"} == set(
        found[0]
    )
    for asked, expected in (
        (stem, "2.0.0"), (f"{stem}.v1", "1.10.0"), (f"{stem}.v1.2.0", "1.2.0"),
        (f"{stem}/1.2.0", "1.2.0"), (f"{stem}/1", "1.10.0"),
    ):  # fmt: skip
        answer = client.get(f"{ADL2}/{asked}")
        assert (200, texts[expected]) == (answer.status_code, answer.text), asked
        assert answer.headers["Content-Type"].startswith("text/plain")
    assert 404 == client.get(f"{ADL2}/{stem}/3").status_code
    assert 404 == client.get(f"{ADL2}/nothing").status_code
    assert 400 == client.get(f"{ADL2}/{stem}/latest").status_code
    json_only = client.get(f"{ADL2}/{stem}", headers={"Accept": "application/json"})
    assert 406 == json_only.status_code
    assert json.loads(json_only.text)["code"] == "NotAcceptable"


@pytest.mark.behaviour("template.adl2_example")
@pytest.mark.row("definition_template_adl2_example_get")
def test_an_example_is_made_of_an_adl_2_template(client):
    """In JSON and XML, complete or with what must be; its codes and constraints are the text's."""
    made = client.post(ADL2, content=ADLS, headers=TEXT)
    name = made.headers["ETag"].strip('"')
    place = f"{ADL2}/{name}/example"
    answer = client.get(place)
    assert 200 == answer.status_code, answer.text
    tree = answer.json()
    assert "COMPOSITION" == tree["_type"]
    assert name == tree["archetype_details"]["template_id"]["value"]
    assert "uid" not in tree
    (reading,) = tree["content"]
    assert "openEHR-EHR-OBSERVATION.blood_pressure.v2.0.1" == reading["archetype_node_id"]
    (event,) = reading["data"]["events"]
    items = {one["archetype_node_id"]: one for one in event["data"]["items"]}
    assert {"id8", "id9", "id10", "id15"} <= set(items)
    assert ("mm[Hg]", 0) == tuple(items["id8"]["value"][n] for n in ("units", "precision"))
    assert items["id8"]["value"] == items["id15"]["value"]  # use_node
    assert "at10" == items["id9"]["value"]["defining_code"]["code_string"]
    least = client.get(place, params={"detail_level": "required"})
    assert len(least.content) < len(answer.content)
    assert client.get(place, params={"type": "output"}).json()["uid"]["value"].endswith("::1")
    xml = client.get(place, headers={"Accept": "application/xml"})
    assert xml.text.startswith("<?xml")
    assert 400 == client.get(place, params={"detail_level": "some"}).status_code
    assert 400 == client.get(place, params={"type": "thing"}).status_code
    assert 406 == client.get(place, headers={"Accept": "text/plain"}).status_code
    assert 404 == client.get(f"{ADL2}/nothing/example").status_code
    cluster = ADLS.replace("EHR-COMPOSITION", "EHR-CLUSTER").replace(
        "COMPOSITION[id1]", "CLUSTER[id1]"
    )
    other = client.post(ADL2, content=cluster, headers=TEXT)
    assert 201 == other.status_code, other.text
    name = other.headers["ETag"].strip('"')
    assert 501 == client.get(f"{ADL2}/{name}/example").status_code


@pytest.mark.behaviour("template.names")
def test_a_template_id_may_look_like_anything(client):
    """Dots, a blank, letters of any alphabet: it comes back as it went in."""
    from urllib.parse import unquote

    for name in ("family_history.v.1.2.3", "Vital signs, ward 3", "Befund für Ärzte"):
        answer = client.post(ADL, content=changed(ID, name).encode(), headers=XML)
        assert 201 == answer.status_code, answer.text
        assert name == unquote(answer.headers["Location"].rpartition("/")[2])
        assert name == unquote(answer.headers["ETag"].strip('"'))
        assert 200 == client.get(f"{ADL}/{name}").status_code
    assert 3 == len(client.get(ADL).json())


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", f"{ADL}/%00"), ("DELETE", f"{ADL}/%00"), ("GET", f"{ADL}/%00/revisions"),
     ("GET", f"{ADL}/x?revision=99999999999999999999"), ("GET", f"{BASE}/definition/query/%00"),
     ("GET", f"{BASE}/definition/query/%00/1"), ("GET", f"{BASE}/query/%00"),
     ("DELETE", f"{BASE}/admin/template/%00"), ("DELETE", f"{BASE}/admin/query/%00/1.0.0")],
)  # fmt: skip
def test_a_name_that_no_database_holds_is_400(client, method, path):
    """A NUL, a number without end: never a 500."""
    assert 400 == client.request(method, path).status_code
