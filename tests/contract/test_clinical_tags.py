"""ITEM_TAG over HTTP: on compositions and the status, as objects and as versions."""

from uuid import uuid4

import pytest

from tests.fixtures.clinical_documents import BASE, open_ehr, uid_of, upload, vital_signs

TAGS = [
    {"key": "flag", "value": "follow-up", "target_path": "/context/start_time/value"},
    {"key": "flag", "value": "whole"},
    {"key": "reviewed"},
]


@pytest.fixture
def client(clinical):
    """A client that may do everything."""
    with clinical.client() as client:
        upload(client)
        yield client


@pytest.fixture
def ehr_id(client):
    """A new EHR's id."""
    return open_ehr(client)


@pytest.fixture(params=["composition", "ehr_status"])
def target(request, client, ehr_id):
    """Kind, place without uid, version uid."""
    kind = request.param
    place = f"{BASE}/ehr/{ehr_id}/{kind}"
    if kind == "composition":
        return kind, place, uid_of(client.post(place, json=vital_signs()))
    return kind, place, uid_of(client.get(place))


def plain(found):
    """Tags without what the server adds."""
    kept = ("key", "value", "target_path")
    return sorted(({name: one[name] for name in kept if name in one} for one in found), key=str)


@pytest.mark.behaviour("tags.resources")
@pytest.mark.row("composition_tags_update")
@pytest.mark.row("composition_tags_get")
@pytest.mark.row("ehr_status_tags_update")
@pytest.mark.row("ehr_status_tags_get")
def test_an_object_and_its_versions_have_tags_of_their_own(client, ehr_id, target):
    """PUT sets the whole list, GET gives it; an empty list takes all off."""
    kind, place, uid = target
    for one, id_class in ((uid.split("::")[0], "HIER_OBJECT_ID"), (uid, "OBJECT_VERSION_ID")):
        assert [] == client.get(f"{place}/{one}/tags").json()
        answer = client.put(f"{place}/{one}/tags", json=TAGS)
        assert 200 == answer.status_code, answer.text
        assert plain(TAGS) == plain(answer.json())
        for tag in answer.json():
            assert {"_type": id_class, "value": one} == tag["target"]["id"]
            assert (kind.upper(), "local") == (tag["target"]["type"], tag["target"]["namespace"])
            assert {"_type": "HIER_OBJECT_ID", "value": ehr_id} == tag["owner_id"]["id"]
            assert "EHR" == tag["owner_id"]["type"]
        assert answer.json() == client.get(f"{place}/{one}/tags").json()
    assert 6 == len(client.get(f"{BASE}/ehr/{ehr_id}/tags").json())
    emptied = client.put(f"{place}/{uid}/tags", json=[], headers={"Prefer": "return=minimal"})
    assert (204, b"") == (emptied.status_code, emptied.content)
    assert [] == client.get(f"{place}/{uid}/tags").json()
    assert 3 == len(client.get(f"{place}/{uid.split('::')[0]}/tags").json())


@pytest.mark.behaviour("tags.resources")
@pytest.mark.row("composition_tags_delete")
@pytest.mark.row("ehr_status_tags_delete")
def test_tags_are_taken_off_by_key(client, target):
    """204 for all of the key, then 404."""
    _, place, uid = target
    client.put(f"{place}/{uid}/tags", json=TAGS)
    assert 204 == client.delete(f"{place}/{uid}/tags/flag").status_code
    assert [{"key": "reviewed"}] == plain(client.get(f"{place}/{uid}/tags").json())
    assert 404 == client.delete(f"{place}/{uid}/tags/flag").status_code


@pytest.mark.behaviour("tags.found")
@pytest.mark.row("ehr_tags_get")
def test_the_tags_of_an_ehr_are_found_by_key_value_and_path(client, ehr_id):
    """Any of several; together they narrow."""
    place = f"{BASE}/ehr/{ehr_id}/composition"
    uid = uid_of(client.post(place, json=vital_signs()))
    client.put(f"{place}/{uid}/tags", json=TAGS)

    def found(**wanted):
        return len(client.get(f"{BASE}/ehr/{ehr_id}/tags", params=wanted).json())

    assert 3 == found()
    assert 2 == found(tag_key="flag")
    assert 3 == found(tag_key=["flag", "reviewed"])
    assert 1 == found(tag_key="flag", tag_value="whole")
    assert 1 == found(tag_target_path="/context/start_time/value")
    assert 0 == found(tag_key="nothing")
    assert 404 == client.get(f"{BASE}/ehr/{uuid4()}/tags").status_code


@pytest.mark.row("composition_tags_get")
@pytest.mark.row("ehr_status_tags_get")
def test_what_is_not_there_has_no_tags(client, target):
    """404 for an unknown EHR, object, version, system, and the target of another EHR."""
    _, place, uid = target
    other = place.replace(place.split("/")[4], open_ehr(client))
    object_id, system, _ = uid.split("::")
    for wrong in (
        f"{place}/{uuid4()}", f"{place}/{object_id}::{system}::9", f"{place}/nonsense",
        f"{place}/{object_id}::elsewhere::1", f"{other}/{uid}",
        f"{BASE}/ehr/{uuid4()}/{place.split('/')[-1]}/{uid}",
    ):  # fmt: skip
        assert 404 == client.get(f"{wrong}/tags").status_code, wrong
        assert 404 == client.put(f"{wrong}/tags", json=TAGS).status_code
        assert 404 == client.delete(f"{wrong}/tags/flag").status_code


@pytest.mark.behaviour("tags.invalid")
@pytest.mark.row("composition_tags_update")
@pytest.mark.row("ehr_status_tags_update")
@pytest.mark.parametrize(
    "body",
    [[{"value": "x"}], [{"key": ""}], [{"key": "k", "target_path": "name/value"}], {"key": "k"},
     [{"key": "k", "surprise": 1}], [{"key": 1}], "x"],
)  # fmt: skip
def test_what_is_no_list_of_tags_is_400(client, target, body):
    """And nothing changes."""
    _, place, uid = target
    client.put(f"{place}/{uid}/tags", json=TAGS)
    answer = client.put(f"{place}/{uid}/tags", json=body)
    assert (400, "Bad Request") == (answer.status_code, answer.json()["error"])
    assert 3 == len(client.get(f"{place}/{uid}/tags").json())


def test_an_identifier_is_kept_out_of_tags_too(clinical, client, target):
    """422 for a national number after its cue, without the number; what is less sure is logged."""
    import psycopg

    _, place, uid = target
    number = "943 476 5919"
    answer = client.put(f"{place}/{uid}/tags", json=[{"key": "k", "value": f"NHS no {number}"}])
    assert 422 == answer.status_code
    assert number not in answer.text
    assert [] == client.get(f"{place}/{uid}/tags").json()
    kept = client.put(f"{place}/{uid}/tags", json=[{"key": "k", "value": "ann@example.org"}])
    assert 200 == kept.status_code
    with psycopg.connect(clinical.database.url("postgres")) as connection:
        rows = connection.execute(
            "SELECT outcome, findings FROM commit_log WHERE door LIKE '%/tags' ORDER BY time_tried"
        ).fetchall()
    assert ("Unprocessable", "accepted") == tuple(outcome for outcome, _ in rows)
    assert all(findings for _, findings in rows)


@pytest.mark.behaviour("tags.headers")
@pytest.mark.row("composition_create")
@pytest.mark.row("composition_update")
def test_tags_come_with_a_commit_in_its_headers(client, ehr_id):
    """openehr-item-tag on the object, openehr-version-item-tag on the version; empty clears."""
    place = f"{BASE}/ehr/{ehr_id}/composition"
    headers = {
        "openehr-item-tag": 'key="category",value="final"',
        "openehr-version-item-tag": (
            'key="reviewed",value="true"; key="flag",value="a;b",target_path="/context"'
        ),
    }
    made = client.post(place, json=vital_signs(), headers=headers)
    assert 201 == made.status_code, made.text
    uid = uid_of(made)
    whole = f"{place}/{uid.split('::')[0]}"
    assert [{"key": "category", "value": "final"}] == plain(client.get(f"{whole}/tags").json())
    assert [
        {"key": "flag", "value": "a;b", "target_path": "/context"},
        {"key": "reviewed", "value": "true"},
    ] == plain(client.get(f"{place}/{uid}/tags").json())
    changed = client.put(
        whole, json=vital_signs(2), headers={"If-Match": uid, "openehr-item-tag": ""}
    )
    assert 204 == changed.status_code
    assert [] == client.get(f"{whole}/tags").json()
    assert [] == client.get(f"{place}/{uid_of(changed)}/tags").json()
    for broken in ("key", 'value="x"', 'key="k",target_path="x"', 'nothing="x"'):
        answer = client.post(place, json=vital_signs(), headers={"openehr-item-tag": broken})
        assert 400 == answer.status_code, broken


BOTH = {
    "openehr-item-tag": 'key="category",value="final"',
    "openehr-version-item-tag": 'key="flag",value="a\\"b;c",target_path="/context"; key="reviewed"',
}


def named(answer):
    """The tag headers of an answer."""
    return {name: answer.headers[name] for name in BOTH if name in answer.headers}


@pytest.mark.behaviour("tags.answered")
@pytest.mark.row("composition_create")
@pytest.mark.row("composition_get")
@pytest.mark.row("composition_update")
def test_the_tags_come_back_with_every_answer_about_a_composition(client, ehr_id):
    """Those of the object in one header, those of the version in the other; none in neither."""
    place = f"{BASE}/ehr/{ehr_id}/composition"
    bare = client.post(place, json=vital_signs())
    assert {} == named(bare)
    assert {} == named(client.get(f"{place}/{uid_of(bare)}"))
    made = client.post(place, json=vital_signs(), headers=BOTH)
    assert BOTH == named(made)
    uid = uid_of(made)
    whole = f"{place}/{uid.split('::')[0]}"
    for headers in ({}, {"Accept": "application/xml"}):
        assert BOTH == named(client.get(f"{place}/{uid}", headers=headers))
        assert BOTH == named(client.get(whole, headers=headers))
    changed = client.put(whole, json=vital_signs(2), headers={"If-Match": uid})
    object_alone = {name: BOTH[name] for name in ("openehr-item-tag",)}
    assert object_alone == named(changed)
    assert object_alone == named(client.get(whole))
    assert BOTH == named(client.get(f"{place}/{uid}"))
    again = client.put(
        whole, json=vital_signs(3),
        headers={"If-Match": uid_of(changed), "Prefer": "return=representation", **BOTH},
    )  # fmt: skip
    assert (200, BOTH) == (again.status_code, named(again))


@pytest.mark.behaviour("tags.answered")
@pytest.mark.row("ehr_status_get_at_time")
@pytest.mark.row("ehr_status_get_by_version_id")
@pytest.mark.row("ehr_status_update")
def test_the_tags_come_back_with_every_answer_about_a_status(client, ehr_id):
    """As for compositions."""
    from tests.fixtures.clinical_documents import status

    place = f"{BASE}/ehr/{ehr_id}/ehr_status"
    first = client.get(place)
    assert {} == named(first)
    changed = client.put(
        place, json=status(), headers={"If-Match": uid_of(first), **BOTH}
    )  # fmt: skip
    assert (204, BOTH) == (changed.status_code, named(changed))
    assert BOTH == named(client.get(place))
    assert BOTH == named(client.get(f"{place}/{uid_of(changed)}"))
    older = {"openehr-item-tag": BOTH["openehr-item-tag"]}
    assert older == named(client.get(f"{place}/{uid_of(first)}"))


@pytest.mark.behaviour("tags.answered")
def test_a_tag_can_not_split_the_answer(client, ehr_id):
    """Line breaks become spaces, letters beyond ASCII go as UTF-8 and come back as they were."""
    place = f"{BASE}/ehr/{ehr_id}/composition"
    uid = uid_of(client.post(place, json=vital_signs()))
    hostile = [{"key": "k", "value": "a\r\nSet-Cookie: x=1\r\n\r\n<b>"}, {"key": "Grüße 心"}]
    assert 200 == client.put(f"{place}/{uid}/tags", json=hostile).status_code
    answer = client.get(f"{place}/{uid}")
    assert 200 == answer.status_code
    assert "set-cookie" not in answer.headers
    (told,) = (text for name, text in answer.headers.raw if name == b"openehr-version-item-tag")
    assert 'key="Grüße 心"; key="k",value="a  Set-Cookie: x=1    <b>"' == told.decode()
    copy = client.post(
        place, json=vital_signs(), headers=[(b"openehr-version-item-tag", told)]
    )  # fmt: skip
    found = client.get(f"{place}/{uid_of(copy)}/tags").json()
    assert "Grüße 心" in {one["key"] for one in found}


@pytest.mark.behaviour("tags.answered")
def test_a_list_that_no_header_holds_is_left_out(client, ehr_id):
    """Over 4 KiB: the resource of the tags has it."""
    place = f"{BASE}/ehr/{ehr_id}/composition"
    uid = uid_of(client.post(place, json=vital_signs()))
    many = [{"key": f"k{number}", "value": "v" * 60} for number in range(80)]
    assert 200 == client.put(f"{place}/{uid}/tags", json=many).status_code
    assert {} == named(client.get(f"{place}/{uid}"))
    assert 80 == len(client.get(f"{place}/{uid}/tags").json())


@pytest.mark.behaviour("tags.headers")
@pytest.mark.row("ehr_status_update")
def test_tags_come_with_a_status_too(client, ehr_id):
    """In the transaction of its new version: a refused one brings none."""
    from tests.fixtures.clinical_documents import status

    place = f"{BASE}/ehr/{ehr_id}/ehr_status"
    uid = uid_of(client.get(place))
    tagged = {"openehr-version-item-tag": 'key="checked"'}
    stale = client.put(
        place, json=status(), headers={"If-Match": uid.replace("::1", "::9"), **tagged}
    )
    assert 412 == stale.status_code
    assert [] == client.get(f"{BASE}/ehr/{ehr_id}/tags").json()
    changed = client.put(place, json=status(), headers={"If-Match": uid, **tagged})
    assert 204 == changed.status_code
    found = client.get(f"{place}/{uid_of(changed)}/tags").json()
    assert [{"key": "checked"}] == plain(found)
