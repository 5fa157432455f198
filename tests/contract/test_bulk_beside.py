"""Bulk: what goes with the records: revisions of templates, ADL 2, stored queries, item tags."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from tests.contract.test_bulk import another, export, load, loaded
from tests.fixtures.clinical_documents import (
    ADL,
    BASE,
    TEMPLATES,
    XML,
    folder,
    open_ehr,
    uid_of,
    upload,
    vital_signs,
)

ADL2 = f"{BASE}/definition/template/adl2"
ADLS = (Path(__file__).parents[1] / "unit/openehr/adl2/blood_pressure.adls").read_text()
OPT = (TEMPLATES / "vital_signs.opt").read_text()
ID = "moiety_vital_signs.v1"
QUERY = f"{BASE}/definition/query/org.example::all"
ANY = "SELECT e FROM EHR e"
BOTH = {
    "openehr-item-tag": 'key="category",value="final"',
    "openehr-version-item-tag": 'key="flag",value="x",target_path="/context"; key="reviewed"',
}


@pytest.fixture
def client(clinical):
    """A client that may do everything, where the demo's vital signs are known."""
    with clinical.client() as client:
        upload(client)
        yield client


def furnished(client):
    """A repository with two revisions, a template out of force, ADL 2, queries and tags: an EHR."""
    ehr_id = open_ehr(client)
    place = f"{BASE}/ehr/{ehr_id}/composition"
    client.post(place, json=vital_signs(1), headers=BOTH).raise_for_status()
    wider = OPT.replace("<upper>20</upper>", "<upper>25</upper>")
    client.put(f"{ADL}/{ID}", content=wider, headers=XML).raise_for_status()
    client.post(place, json=vital_signs(2)).raise_for_status()
    upload(client, "laboratory_result")
    client.put(f"{ADL}/moiety_laboratory_result.v1/active", json=False).raise_for_status()
    adl2 = {"Content-Type": "text/plain"}
    client.post(ADL2, content=ADLS, headers=adl2).raise_for_status()
    for version in ("1.0.0", "1.2.0"):
        q = "SELECT e/ehr_id/value FROM EHR e"
        client.put(f"{QUERY}/{version}", content=q, headers=adl2).raise_for_status()
    status = uid_of(client.get(f"{BASE}/ehr/{ehr_id}/ehr_status"))
    client.put(
        f"{BASE}/ehr/{ehr_id}/ehr_status/{status}/tags", json=[{"key": "checked", "value": "é"}]
    ).raise_for_status()
    return ehr_id


def told(client, ehr_id):
    """What an import must bring back, as the REST interface tells it."""
    tags = client.get(f"{BASE}/ehr/{ehr_id}/tags").json()
    assert 4 == len(tags)
    return {
        "tags": tags,
        "revisions": client.get(f"{ADL}/{ID}/revisions").json(),
        "first": client.get(f"{ADL}/{ID}", params={"revision": 1}).text,
        "second": client.get(f"{ADL}/{ID}").text,
        "in force": client.get(ADL).json(),
        "adl2": client.get(ADL2).json(),
        "adl2 text": [client.get(f"{ADL2}/{one['template_id']}").text
                      for one in client.get(ADL2).json()],
        "queries": client.get(f"{BASE}/definition/query/org.example::all").json(),
    }  # fmt: skip


def test_a_whole_repository_takes_its_definitions_and_tags_along(client, cluster):
    """Out of one, into an empty one: equal, times too, and the same file again."""
    ehr_id = furnished(client)
    lines = export(client)
    with another(cluster) as (_, empty):
        report = loaded(empty, lines)
        assert (4, 2, 4, 0) == tuple(report[n] for n in ("templates", "queries", "tags", "refused"))
        assert told(client, ehr_id) == told(empty, ehr_id)
        assert lines == export(empty)
        answer = empty.get(f"{BASE}/ehr/{ehr_id}/composition/{_tagged(empty, ehr_id)}")
        assert BOTH == {name: answer.headers[name] for name in BOTH}
        again = loaded(empty, lines)
        assert (0, 0, 0) == tuple(again[n] for n in ("templates", "queries", "contributions"))
        assert lines == export(empty)
        asked = {"q": "SELECT c/uid/value FROM EHR e CONTAINS COMPOSITION c"}
        assert 2 == len(empty.post(f"{BASE}/query/aql", json=asked).json()["rows"])


def _tagged(client, ehr_id):
    found = client.get(f"{BASE}/ehr/{ehr_id}/tags", params={"tag_key": "flag"}).json()
    return found[0]["target"]["id"]["value"]


def test_the_export_of_an_ehr_takes_its_tags_along_and_no_definitions(client, cluster):
    """They come behind what they stand on."""
    ehr_id = furnished(client)
    lines = export(client, ehr_id=ehr_id)
    assert ["contribution"] * 3 + ["tags"] == [
        next(kind for kind in ("contribution", "tags") if kind in line) for line in lines
    ]
    with another(cluster) as (_, empty):
        upload(empty)
        assert 4 == loaded(empty, lines)["tags"]
        names = ("key", "value", "target_path", "target")
        before, after = (
            [{name: one.get(name) for name in names} for one in there]
            for there in (
                client.get(f"{BASE}/ehr/{ehr_id}/tags").json(),
                empty.get(f"{BASE}/ehr/{ehr_id}/tags").json(),
            )
        )
        assert before == after


def test_an_ehr_with_very_many_tags_has_several_lines_of_them(client, cluster):
    """A line stays short."""
    ehr_id = open_ehr(client)
    uid = uid_of(client.post(f"{BASE}/ehr/{ehr_id}/composition", json=vital_signs(1)))
    many = [{"key": f"k{number:04}"} for number in range(1100)]
    client.put(f"{BASE}/ehr/{ehr_id}/composition/{uid}/tags", json=many).raise_for_status()
    lines = export(client, ehr_id=ehr_id)
    assert [500, 500, 100] == [len(line["tags"]) for line in lines if "tags" in line]
    with another(cluster) as (_, empty):
        upload(empty)
        assert 1100 == loaded(empty, lines)["tags"]
        assert 1100 == len(empty.get(f"{BASE}/ehr/{ehr_id}/tags").json())


def bad_lines(ehr_id, object_id):
    """(what is wrong, line, status of the report's refusal)."""
    tag = {"kind": "COMPOSITION", "object_id": object_id, "key": "k"}
    return [
        ("an unknown object", {"ehr_id": ehr_id, "tags": [tag | {"object_id": str(uuid4())}]}),
        ("an unknown version", {"ehr_id": ehr_id, "tags": [tag | {"version": 9}]}),
        ("an unknown EHR", {"ehr_id": str(uuid4()), "tags": [tag]}),
        ("another kind", {"ehr_id": ehr_id, "tags": [tag | {"kind": "FOLDER"}]}),
        ("no UUID", {"ehr_id": ehr_id, "tags": [tag | {"object_id": "x"}]}),
        ("a negative version", {"ehr_id": ehr_id, "tags": [tag | {"version": -1}]}),
        ("no key", {"ehr_id": ehr_id, "tags": [tag | {"key": " "}]}),
        ("a path from nowhere", {"ehr_id": ehr_id, "tags": [tag | {"target_path": "x"}]}),
        ("an identifier", {"ehr_id": ehr_id, "tags": [tag | {"value": "NHS no 943 476 5919"}]}),
        ("no AQL", {"stored_query": {"name": "q", "version": "1.0.0", "q": "SELECT"}}),
        ("no version", {"stored_query": {"name": "q", "version": "1", "q": ANY}}),
        ("no name", {"stored_query": {"name": "a b", "version": "1.0.0", "q": ANY}}),
        ("no ADL", {"template_adl2": {"adl": "archetype"}}),
        ("no time", {"template_adl2": {"adl": ADLS, "time_created": "yesterday"}}),
        ("no template", {"inactive": {"template_id": "nothing"}}),
        ("a breaking revision", {"template": {
            "template_id": ID, "revision": 2,
            "opt": OPT.replace("<upper>20</upper>", "<upper>2</upper>")}}),
        ("no OPT", {"template": {"template_id": "other", "opt": "<template/>"}}),
    ]  # fmt: skip


def test_what_is_wrong_is_told_by_line_and_nothing_of_it_is_stored(client):
    """As for contributions; values are not repeated."""
    ehr_id = open_ehr(client)
    uid = uid_of(client.post(f"{BASE}/ehr/{ehr_id}/composition", json=vital_signs(1)))
    client.post(f"{BASE}/ehr/{ehr_id}/directory", json=folder("root")).raise_for_status()
    before = export(client)
    bad = bad_lines(ehr_id, uid.split("::")[0])
    for name, line in bad:
        answer = load(client, [line])
        assert 422 == answer.status_code, (name, answer.text)
        assert 1 == answer.json()["report"]["refused"], name
        assert "943 476" not in answer.text
    report = loaded(client, [line for _, line in bad], on_error="skip")
    assert len(bad) == report["refused"]
    assert list(range(1, len(bad) + 1)) == [one["line"] for one in report["refusals"]]
    assert before == export(client)


def test_an_extract_goes_out_and_in_as_xml(client, cluster):
    """The same EHR as by JSON: its answers to queries, its directory, its versions."""
    ehr_id = open_ehr(client)
    place = f"{BASE}/ehr/{ehr_id}"
    first = uid_of(client.post(f"{place}/composition", json=vital_signs(1)))
    changed = f"{place}/composition/{first.split('::')[0]}"
    client.put(changed, json=vital_signs(2), headers={"If-Match": first}).raise_for_status()
    gone = uid_of(client.post(f"{place}/composition", json=vital_signs(3)))
    client.delete(f"{place}/composition/{gone}").raise_for_status()
    client.post(f"{place}/directory", json=folder("root", folder("a"))).raise_for_status()
    xml = {"Accept": "application/xml"}
    made = client.get(f"/bulk/extract/{ehr_id}", headers=xml)
    assert 200 == made.status_code
    assert made.text.startswith("<?xml")
    with another(cluster) as (_, empty):
        upload(empty)
        took = empty.post("/bulk/extract", content=made.content, headers=XML)
        assert 200 == took.status_code, took.text
        assert 6 == took.json()["versions"]
        for one in ("directory", f"composition/{first}", f"composition/{first.split('::')[0]}",
                    f"versioned_composition/{first.split('::')[0]}/revision_history"):  # fmt: skip
            assert client.get(f"{place}/{one}").json() == empty.get(f"{place}/{one}").json(), one
        assert 204 == empty.get(f"{place}/composition/{gone.split('::')[0]}").status_code
        assert (
            0 == empty.post("/bulk/extract", content=made.content, headers=XML).json()["versions"]
        )
    broken = made.content.replace(b"</versions>", b"", 1)
    for body in (broken, b"", b"<extract/>", json.dumps({}).encode()):
        answer = client.post("/bulk/extract", content=body, headers=XML)
        assert 400 == answer.status_code, body[:40]
