"""CONTRIBUTION over HTTP: versions of several kinds, all of them or none."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree as ET

import psycopg
import pytest

from tests.fixtures.clinical_documents import (
    ADL,
    BASE,
    WHOLE,
    XML,
    audit,
    coded,
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
SHARED = Path(__file__).parents[3] / "shared/data/openehr"


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


def commit(client, place, *versions, **more):
    """Commit a contribution and ask for the whole of it."""
    return client.post(f"{place}/contribution", json=contribution(*versions, **more), headers=WHOLE)


def uids(answer):
    """The version uids that an answer names."""
    assert 201 == answer.status_code, answer.text
    return [one["id"]["value"] for one in answer.json()["versions"]]


def counts(service):
    """Heads, old versions and contributions in the database."""
    tables = (
        "composition", "ehr_status", "folder", "composition_history", "ehr_status_history",
        "folder_history", "contribution",
    )  # fmt: skip
    with psycopg.connect(service.database.url()) as connection:
        return [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables
        ]


# --- what is committed -----------------------------------------------------------------------


@pytest.mark.behaviour("contribution.several")
@pytest.mark.row("contribution_create")
def test_versions_of_three_kinds_are_committed_at_once(clinical, client, place):
    """COMPOSITION, FOLDER and EHR_STATUS: one contribution, one time, one answer."""
    first = uid_of(client.get(f"{place}/ehr_status"))
    answer = commit(
        client, place, version(vital_signs()), version(folder("root", folder("a"))),
        version(status(is_queryable=False), "modification", first),
    )  # fmt: skip
    made = uids(answer)
    body = answer.json()
    assert "creation" == body["audit"]["change_type"]["value"]
    assert ["COMPOSITION", "FOLDER", "EHR_STATUS"] == [one["type"] for one in body["versions"]]
    assert body["uid"]["value"] == uid_of(answer)
    assert answer.headers["Location"].endswith(f"{place}/contribution/{uid_of(answer)}")
    assert 200 == client.get(f"{place}/composition/{made[0]}").status_code
    assert made[1] == uid_of(client.get(f"{place}/directory"))
    assert client.get(f"{place}/ehr_status").json()["is_queryable"] is False
    assert [1, 1, 1, 0, 1, 0, 2] == counts(clinical)
    with psycopg.connect(clinical.database.url()) as connection:
        (times,) = connection.execute(
            "SELECT count(DISTINCT time_committed) FROM (SELECT time_committed FROM composition"
            " UNION ALL SELECT time_committed FROM folder"
            " UNION ALL SELECT time_committed FROM ehr_status) all_of_them"
        ).fetchone()
    assert 1 == times


@pytest.mark.row("contribution_get")
def test_a_contribution_is_read_back(client, place):
    """The same versions and audit, in both formats; an unknown one is 404."""
    answer = commit(client, place, version(vital_signs()), version(folder()))
    target = f"{place}/contribution/{uid_of(answer)}"
    got = client.get(target)
    assert uid_of(answer) == uid_of(got)
    assert sorted(uids(answer)) == sorted(one["id"]["value"] for one in got.json()["versions"])
    assert answer.json()["audit"] == got.json()["audit"]
    root = ET.fromstring(client.get(target, headers=XMLS).text)
    assert f"{NAMESPACE}contribution" == root.tag
    assert 2 == len(root.findall(f"{NAMESPACE}versions"))
    for unknown in (uuid4(), "no-uuid"):
        assert 404 == client.get(f"{place}/contribution/{unknown}").status_code
    other = f"{BASE}/ehr/{open_ehr(client)}/contribution/{uid_of(answer)}"
    assert 404 == client.get(other).status_code


@pytest.mark.row("contribution_create")
def test_a_contribution_is_answered_as_the_client_prefers(client, place):
    """Without a preference no body; an identifier; XML."""
    target = f"{place}/contribution"
    plain = client.post(target, json=contribution(version(vital_signs(1))))
    assert (201, b"") == (plain.status_code, plain.content)
    named = client.post(
        target, json=contribution(version(vital_signs(2))), headers={"Prefer": "return=identifier"}
    )
    assert {"uid": uid_of(named)} == named.json()
    xml = client.post(target, json=contribution(version(vital_signs(3))), headers=WHOLE | XMLS)
    root = ET.fromstring(xml.text)
    assert uid_of(xml) == root.findtext(f"{NAMESPACE}uid/{NAMESPACE}value")


@pytest.mark.row("contribution_create")
def test_a_contribution_is_taken_in_xml(client, place):
    """XML in, JSON out."""
    text = (
        "<contribution xmlns='http://schemas.openehr.org/v1' xsi:type='CONTRIBUTION'"
        " xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>"
        "<versions xsi:type='ORIGINAL_VERSION'><commit_audit><change_type><value>creation</value>"
        "<defining_code><terminology_id><value>openehr</value></terminology_id>"
        "<code_string>249</code_string></defining_code></change_type></commit_audit>"
        "<data xsi:type='FOLDER' archetype_node_id='openEHR-EHR-FOLDER.generic.v1'>"
        "<name><value>root</value></name></data></versions>"
        "<audit><committer xsi:type='PARTY_IDENTIFIED'><name>Ann</name></committer>"
        "<change_type><value>creation</value><defining_code><terminology_id><value>openehr</value>"
        "</terminology_id><code_string>249</code_string></defining_code></change_type></audit>"
        "</contribution>"
    )
    headers = {"Content-Type": "application/xml", **WHOLE}
    answer = client.post(f"{place}/contribution", content=text, headers=headers)
    assert 201 == answer.status_code, answer.text
    assert "Ann" == answer.json()["audit"]["committer"]["name"]
    assert 200 == client.get(f"{place}/directory").status_code


@pytest.mark.behaviour("contribution.change-types")
@pytest.mark.row("contribution_create")
@pytest.mark.parametrize(
    "change", ["amendment", "modification", "synthesis", "unknown", "format conversion"]
)
def test_every_change_type_that_follows_a_version_makes_the_next(client, place, change):
    """With content; the version bears the type and its own audit."""
    (uid,) = uids(commit(client, place, version(vital_signs(1))))
    said = audit(change, description={"_type": "DV_TEXT", "value": "why"})
    answer = commit(
        client, place, version(vital_signs(2), change, uid, "incomplete", commit_audit=said)
    )
    (second,) = uids(answer)
    assert uid.replace("::1", "::2") == second
    made = client.get(f"{place}/versioned_composition/{uid.split('::')[0]}/version/{second}").json()
    assert change == made["commit_audit"]["change_type"]["value"]
    assert "why" == made["commit_audit"]["description"]["value"]
    assert "Dr Ann Example" == made["commit_audit"]["committer"]["name"]
    assert "incomplete" == made["lifecycle_state"]["value"]


@pytest.mark.behaviour("contribution.change-types")
@pytest.mark.row("contribution_create")
def test_a_deletion_needs_no_content_and_a_restoration_brings_it_back(client, place):
    """Both for compositions and folders; the history tells all of it."""
    made = uids(commit(client, place, version(vital_signs()), version(folder())))
    gone = uids(
        commit(
            client, place,
            *(version(None, "deleted", uid, "deleted") for uid in made),
        )
    )  # fmt: skip
    assert [uid.replace("::1", "::2") for uid in made] == gone
    assert 204 == client.get(f"{place}/composition/{made[0].split('::')[0]}").status_code
    assert 204 == client.get(f"{place}/directory").status_code
    refused = commit(client, place, version(vital_signs(2), "modification", gone[0]))
    assert 404 == refused.status_code
    back = uids(
        commit(
            client, place, version(vital_signs(2), "restoration", gone[0]),
            version(folder("again"), "restoration", gone[1]),
        )
    )  # fmt: skip
    assert [uid.replace("::1", "::3") for uid in made] == back
    assert 200 == client.get(f"{place}/composition/{back[0]}").status_code
    assert "again" == client.get(f"{place}/directory").json()["name"]["value"]
    history = client.get(
        f"{place}/versioned_composition/{made[0].split('::')[0]}/revision_history"
    ).json()
    assert ["creation", "deleted", "restoration"] == [
        item["audits"][0]["change_type"]["value"] for item in history["items"]
    ]
    twice = commit(client, place, version(vital_signs(3), "restoration", back[0]))
    assert 409 == twice.status_code


@pytest.mark.row("contribution_create")
@pytest.mark.parametrize("state", ["complete", "incomplete", "inactive", "abandoned"])
def test_every_lifecycle_state_of_content_is_kept(client, place, state):
    """The states of the openEHR terminology."""
    (uid,) = uids(commit(client, place, version(vital_signs(), state=state)))
    found = client.get(f"{place}/versioned_composition/{uid.split('::')[0]}/version").json()
    assert state == found["lifecycle_state"]["value"]


ATTESTATION = {
    "_type": "ATTESTATION",
    "reason": {"_type": "DV_CODED_TEXT", "value": "signed", "defining_code": {
        "terminology_id": {"value": "openehr"}, "code_string": "240"}},
    "is_pending": False,
    "proof": "-----BEGIN PGP SIGNATURE-----",
}  # fmt: skip


@pytest.mark.row("contribution_create")
def test_a_version_is_attested_with_its_commit_and_afterwards(client, place):
    """The attestations stand in the version and in the history, in their order."""
    (uid,) = uids(commit(client, place, version(vital_signs(), attestations=[ATTESTATION])))
    later = ATTESTATION | {"is_pending": True, "committer": audit()["committer"]}
    answer = commit(client, place, version(None, "attestation", uid, attestations=[later]))
    assert [uid] == uids(answer)
    target = f"{place}/versioned_composition/{uid.split('::')[0]}"
    found = client.get(f"{target}/version/{uid}").json()
    assert [False, True] == [one["is_pending"] for one in found["attestations"]]
    assert all("signed" == one["reason"]["value"] for one in found["attestations"])
    assert "attestation" == found["attestations"][1]["change_type"]["value"]
    audits = client.get(f"{target}/revision_history").json()["items"][0]["audits"]
    assert ["AUDIT_DETAILS", "ATTESTATION", "ATTESTATION"] == [one["_type"] for one in audits]
    contributed = client.get(f"{place}/contribution/{uid_of(answer)}").json()
    assert [uid] == [one["id"]["value"] for one in contributed["versions"]]


@pytest.mark.row("contribution_create")
def test_a_signature_and_other_inputs_are_kept(client, place):
    """ORIGINAL_VERSION.signature and other_input_version_uids."""
    other = {"_type": "OBJECT_VERSION_ID", "value": f"{uuid4()}::elsewhere::4"}
    (uid,) = uids(
        commit(
            client, place, version(vital_signs(), signature="abc", other_input_version_uids=[other])
        )
    )
    found = client.get(f"{place}/versioned_composition/{uid.split('::')[0]}/version").json()
    assert "abc" == found["signature"]
    assert [other] == found["other_input_version_uids"]


@pytest.mark.row("contribution_create")
def test_an_imported_version_keeps_what_it_came_with(client, place):
    """IMPORTED_VERSION: our audit and contribution outside, the original's inside."""

    def imported(number, change):
        own = f"{object_id}::elsewhere::{number}"
        item = version(vital_signs(number), "amendment") | {
            "uid": {"_type": "OBJECT_VERSION_ID", "value": own},
            "contribution": {
                "_type": "OBJECT_REF", "namespace": "elsewhere", "type": "CONTRIBUTION",
                "id": {"_type": "HIER_OBJECT_ID", "value": origin},
            },
        }  # fmt: skip
        return {"_type": "IMPORTED_VERSION", "commit_audit": audit(change), "item": item}

    object_id, origin = str(uuid4()), str(uuid4())
    (first,) = uids(commit(client, place, imported(4, "creation")))
    assert f"{object_id}::moiety.local::1" == first
    (second,) = uids(commit(client, place, imported(5, "modification")))
    found = client.get(f"{place}/versioned_composition/{object_id}/version/{second}").json()
    assert "IMPORTED_VERSION" == found["_type"]
    assert "modification" == found["commit_audit"]["change_type"]["value"]
    assert f"{object_id}::elsewhere::5" == found["item"]["uid"]["value"]
    assert "amendment" == found["item"]["commit_audit"]["change_type"]["value"]
    assert origin == found["item"]["contribution"]["id"]["value"]
    assert "COMPOSITION" == found["item"]["data"]["_type"]
    assert origin != found["contribution"]["id"]["value"]


@pytest.mark.row("contribution_create")
def test_the_relaxed_classes_of_the_rest_api_are_read(client, place):
    """UPDATE_VERSION, UPDATE_AUDIT and UPDATE_ATTESTATION, with plain texts and codes."""
    code = {
        "value": "creation",
        "defining_code": {"terminology_id": "openehr", "code_string": "249"},
    }
    said = {"_type": "UPDATE_AUDIT", "change_type": code, "description": "as it was"}
    attested = ATTESTATION | {"_type": "UPDATE_ATTESTATION", "change_type": code}
    made = {
        "_type": "UPDATE_VERSION", "data": vital_signs(), "commit_audit": said, "branch": False,
        "lifecycle_state": code | {"value": "complete", "defining_code": {
            "terminology_id": "openehr", "code_string": "532"}},
        "attestations": [attested],
    }  # fmt: skip
    answer = client.post(
        f"{place}/contribution", json={"versions": [made], "audit": said}, headers=WHOLE
    )
    assert 201 == answer.status_code, answer.text
    assert "as it was" == answer.json()["audit"]["description"]["value"]


@pytest.mark.row("contribution_create")
def test_a_contributions_own_uid_is_kept_once(client, place):
    """Given by the client; the same again is 409, what is no UUID is 400."""
    own = {"_type": "HIER_OBJECT_ID", "value": str(uuid4())}
    assert own["value"] == uid_of(commit(client, place, version(vital_signs(1)), uid=own))
    assert 409 == commit(client, place, version(vital_signs(2)), uid=own).status_code
    wrong = own | {"value": "mine"}
    assert 400 == commit(client, place, version(vital_signs(2)), uid=wrong).status_code


# --- what is refused -------------------------------------------------------------------------


def broken(body, **changes):
    """A contribution with other values; None takes one away."""
    made = body | changes
    return {name: value for name, value in made.items() if value is not None}


UID = f"{uuid4()}::moiety.local::1"


@pytest.mark.behaviour("contribution.refused")
@pytest.mark.row("contribution_create")
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "/versions"),
        (contribution(), "/versions"),
        (broken(contribution(version(folder())), audit=None), "/audit"),
        (broken(contribution(version(folder())), versions=7), "/versions"),
        (contribution(version(folder(), before=UID)), "/versions[0]/preceding_version_uid"),
        (contribution(version(folder(), "modification")), "/versions[0]/preceding_version_uid"),
        (contribution(version(None, "deleted")), "/versions[0]/preceding_version_uid"),
        (contribution(version(folder(), "modification", "")), "/versions[0]/preceding_version_uid"),
        (contribution(version()), "/versions[0]/data"),
        (contribution(version(status())), "/versions[0]/commit_audit/change_type"),
        (contribution(version(folder(), state="complete"), version({"_type": "PERSON"})),
         "/versions[1]/data"),
        (contribution(broken(version(folder()), commit_audit=None)), "/versions[0]/commit_audit"),
        (contribution(version(folder(), commit_audit=audit() | {"change_type": {
            "value": "invention", "defining_code": {"terminology_id": {"value": "openehr"},
                                                    "code_string": "1"}}})),
         "/versions[0]/commit_audit/change_type"),
        (contribution(version(folder(), lifecycle_state=coded("creation"))),
         "/versions[0]/lifecycle_state"),
        (contribution(version(None, "attestation", UID)), "/versions[0]/attestations"),
        (contribution(version(folder()) | {"_type": "CLUSTER"}), "/versions[0]"),
        (contribution(version(folder() | {"unknown": 1})), "/versions[0]/data"),
        (contribution(version(folder() | {"name": None})), "/versions[0]/data/name"),
    ],
)  # fmt: skip
def test_what_a_contribution_cannot_be_is_400_with_its_place(clinical, client, place, body, path):
    """Empty, without audit, with a change type that contradicts the rest; nothing is stored."""
    answer = client.post(f"{place}/contribution", json=body)
    assert 400 == answer.status_code, answer.text
    assert path in {finding["path"] for finding in answer.json()["validationErrors"]}
    assert [0, 1, 0, 0, 0, 0, 1] == counts(clinical)


@pytest.mark.behaviour("contribution.refused")
def test_an_empty_list_of_versions_is_told_as_such(client, place):
    """The words that clients look for."""
    assert "Versions must not be empty" in commit(client, place).json()["message"]
    assert 400 == client.post(f"{place}/contribution", content=b"{").status_code


@pytest.mark.behaviour("contribution.unknown-template")
@pytest.mark.row("contribution_create")
def test_an_unknown_template_is_422_and_nothing_of_the_contribution_is_kept(
    clinical, client, place
):
    """The valid version beside it is not kept either."""
    other = vital_signs()
    other["archetype_details"]["template_id"]["value"] = "unknown.v1"
    answer = commit(client, place, version(vital_signs()), version(folder()), version(other))
    assert 422 == answer.status_code
    assert answer.json()["validationErrors"][0]["path"].startswith("/versions[2]/data")
    assert [0, 1, 0, 0, 0, 0, 1] == counts(clinical)


@pytest.mark.behaviour("contribution.several")
@pytest.mark.row("contribution_create")
def test_one_conflict_undoes_all(clinical, client, place):
    """A directory that is there already, after a composition that could have been written."""
    client.post(f"{place}/directory", json=folder())
    answer = commit(client, place, version(vital_signs()), version(folder("second")))
    assert 409 == answer.status_code
    assert [0, 1, 1, 0, 0, 0, 2] == counts(clinical)
    with psycopg.connect(clinical.database.url("postgres")) as connection:
        assert (0,) == connection.execute(
            "SELECT count(*) FROM commit_log WHERE kind = 'contribution' AND outcome = 'accepted'"
        ).fetchone()


@pytest.mark.behaviour("contribution.unknown")
@pytest.mark.row("contribution_create")
def test_what_is_not_here_is_404(client, place):
    """An unknown EHR, an unknown object, a version of another system."""
    (uid,) = uids(commit(client, place, version(vital_signs())))
    nowhere = f"{BASE}/ehr/{uuid4()}"
    assert 404 == commit(client, nowhere, version(vital_signs())).status_code
    for before in (UID, uid.replace("moiety.local", "elsewhere")):
        answer = commit(client, place, version(vital_signs(), "modification", before))
        assert 404 == answer.status_code
    other = f"{BASE}/ehr/{open_ehr(client)}"
    assert 404 == commit(client, other, version(None, "deleted", uid)).status_code


@pytest.mark.behaviour("contribution.not-modifiable")
@pytest.mark.row("contribution_create")
def test_an_ehr_that_may_not_be_modified_takes_no_contribution_but_its_status(client):
    """409 for content; the status alone can be changed back."""
    place = f"{BASE}/ehr/{open_ehr(client, status(is_modifiable=False))}"
    answer = commit(client, place, version(vital_signs()))
    assert 409 == answer.status_code
    assert "does not allow modification" in answer.json()["message"]
    first = uid_of(client.get(f"{place}/ehr_status"))
    both = commit(client, place, version(status(), "modification", first), version(vital_signs()))
    assert 409 == both.status_code
    uids(commit(client, place, version(status(), "modification", first)))
    uids(commit(client, place, version(vital_signs())))


@pytest.mark.row("contribution_create")
def test_of_many_contributions_to_one_version_exactly_one_wins(clinical, client, place):
    """The others get 412 with the latest, and nothing of them is kept."""
    (uid,) = uids(commit(client, place, version(vital_signs())))
    token = clinical.key()

    def write(seed):
        with clinical.client(token=token) as writer:
            return commit(
                writer, place, version(vital_signs(seed), "modification", uid),
                version(vital_signs(seed + 100)),
            )  # fmt: skip

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write, range(16)))
    assert [201] == [a.status_code for a in answers if a.status_code != 412]
    assert [2, 1, 0, 1, 0, 0, 3] == counts(clinical)


def test_an_object_is_changed_once_in_a_contribution(client, place):
    """Two changes of one version contradict each other."""
    (uid,) = uids(commit(client, place, version(vital_signs())))
    answer = commit(
        client, place, version(vital_signs(2), "modification", uid), version(None, "deleted", uid)
    )
    assert 400 == answer.status_code


def test_content_of_another_kind_or_template_follows_nothing(client, place):
    """A folder after a composition, another template, the uid of another composition."""
    upload(client, "problem_diagnosis")
    (uid,) = uids(commit(client, place, version(vital_signs())))
    assert 400 == commit(client, place, version(folder(), "modification", uid)).status_code
    foreign = vital_signs() | {"uid": {"_type": "HIER_OBJECT_ID", "value": str(uuid4())}}
    assert 412 == commit(client, place, version(foreign, "modification", uid)).status_code


def test_a_key_for_documents_alone_changes_no_folder(clinical, client, place):
    """A contribution needs the scopes of all that it changes."""
    with clinical.client("composition:write") as writer:
        assert 201 == commit(writer, place, version(vital_signs())).status_code
        assert 403 == commit(writer, place, version(folder())).status_code


def test_the_screen_stands_at_this_door_too(client, place):
    """Content, descriptions, committers and attestations are read by it."""
    text = {"_type": "DV_TEXT", "value": "NHS no 999 123 4578"}
    for one in (
        version(vital_signs() | {"name": text}),
        version(folder("NHS no 999 123 4578")),
        version(folder(), commit_audit=audit(description=text)),
        version(folder(), attestations=[ATTESTATION | {"description": text}]),
    ):
        answer = commit(client, place, one)
        assert 422 == answer.status_code, answer.text
        assert "4578" not in answer.text
        assert answer.json()["validationErrors"][0]["path"].startswith("/versions[0]")


# --- samples of another system ---------------------------------------------------------------


@pytest.fixture
def shared(opaque):
    """A client of a service that takes the samples' ids, with the samples' templates."""
    if not SHARED.is_dir():
        pytest.skip("no shared sample contributions here")
    with opaque.client() as client:
        for name in ("minimal_evaluation", "obs_admin", "minimal_admin", "minimal_observation",
                     "persistent_minimal"):  # fmt: skip
            path = SHARED / "opt" / f"{name}.opt"
            if path.exists():
                client.post(ADL, content=path.read_bytes(), headers=XML)
        yield client


SAMPLES = (
    "contribution.create_composition.create_folder",
    "contribution.create_composition.create_folder_with_items",
    "contribution.create_composition.create_folder.modification_ehrstatus",
    "contribution.create_composition.modification_ehrstatus",
    "contribution.create_composition.modification_folder",
    "contribution.create_composition.deleted_folder",
    "contribution.create_composition.deleted_folder.modification_ehrstatus",
    "contribution.create_folder.modification_ehrstatus",
)


@pytest.mark.parametrize("name", SAMPLES)
def test_contributions_of_other_systems_are_taken(shared, name):
    """With their placeholders filled in as their own tests do."""
    place = f"{BASE}/ehr/{open_ehr(shared)}"
    text = (SHARED / "contributions" / f"{name}.json").read_text()
    needs_folder = "modification_folder" in name or "deleted_folder" in name
    before = uid_of(shared.post(f"{place}/directory", json=folder())) if needs_folder else ""
    first = uid_of(shared.get(f"{place}/ehr_status"))
    body = json.loads(
        text.replace("ehrstatus_preceding_version_id_to_replace", first)
        .replace("folder_preceding_version_id_to_replace", before)
        .replace("compoitemtoreplace", str(uuid4()))
        .replace('"replaceme"', f'"{uuid4()}"')
    )
    for one in body["versions"]:
        if one.get("preceding_version_uid", {}).get("value") == "":
            one["preceding_version_uid"]["value"] = before
    answer = shared.post(f"{place}/contribution", json=body, headers=WHOLE)
    assert 201 == answer.status_code, answer.text
    assert len(body["versions"]) == len(answer.json()["versions"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("minimal_admin.contribution.modification", {400}),
        ("minimal_persistent.contribution.modification", {400}),
        ("multiple_valid_and_invalid_compos", {400, 422}),
        ("no_versions", {400}),
        ("ref_to_non_existent_OPT", {400, 422}),
    ],
)
def test_broken_contributions_of_other_systems_are_refused(shared, name, expected):
    """Nothing of them is kept."""
    place = f"{BASE}/ehr/{open_ehr(shared)}"
    body = json.loads((SHARED / "invalid/contributions" / f"{name}.json").read_text())
    answer = shared.post(f"{place}/contribution", json=body)
    assert answer.status_code in expected, answer.text
