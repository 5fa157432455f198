"""Bulk: whole records out and in, as lines and as EXTRACT; what is refused, and where."""

import contextlib
import json
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa

from clinical_api import consistency
from clinical_api.app import create_app
from clinical_api.queries import snapshots
from clinical_api.settings import Settings
from tests.fixtures.clinical_documents import (
    BASE,
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
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_services import served

LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def client(clinical):
    """A client that may do everything, where the demo's vital signs are known."""
    with clinical.client() as client:
        upload(client)
        yield client


@contextlib.contextmanager
def another(cluster, **settings):
    """Another service over an empty database of its own, and its client."""
    with copied(cluster, "clinical") as copy:
        app = create_app(Settings(database_url=copy.url(), **settings))
        with served("clinical", app, copy) as service, service.client() as client:
            yield service, client


def export(client, **parameters):
    """The lines of an export."""
    answer = client.get("/bulk/export", params=parameters)
    assert 200 == answer.status_code, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def load(client, lines, **parameters):
    """The answer to an import."""
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    return client.post("/bulk/import", content=text, params=parameters, headers=LINES)


def loaded(client, lines, **parameters):
    """The report of an import that went well."""
    answer = load(client, lines, **parameters)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def consistent(service):
    """Every sentence of the checker holds, documents included."""
    engine = sa.create_engine(
        sa.make_url(service.database.url("migrator")).set(drivername="postgresql+psycopg"),
        poolclass=sa.NullPool,
    )
    with snapshots(engine).connect() as connection:
        found = list(consistency.check(connection, with_documents=True))
    assert len(found) > 20
    assert [] == [one for one in found if one.broken]


def rich(client):
    """An EHR with versions, deletions, a restoration, folders, attestations and imports."""
    ehr_id = open_ehr(client)
    place = f"{BASE}/ehr/{ehr_id}"
    uids = [uid_of(client.post(f"{place}/composition", json=vital_signs(n))) for n in range(3)]
    changed = f"{place}/composition/{uids[0].split('::')[0]}"
    head = uid_of(client.put(changed, json=vital_signs(7), headers={"If-Match": f'"{uids[0]}"'}))
    ended = uid_of(client.delete(f"{place}/composition/{uids[1]}"))
    gone = uid_of(client.delete(f"{place}/composition/{uids[2]}"))
    client.post(f"{place}/directory", json=folder("root", folder("a"), folder("b")))
    now = uid_of(client.get(f"{place}/ehr_status"))
    client.put(
        f"{place}/ehr_status", json=status(is_queryable=True), headers={"If-Match": f'"{now}"'}
    ).raise_for_status()
    attested = {
        "_type": "ATTESTATION", "system_id": "x", "change_type": coded("attestation"),
        "committer": audit()["committer"], "is_pending": False,
        "reason": {"_type": "DV_TEXT", "value": "signed"},
    }  # fmt: skip
    restored = version(vital_signs(9), "restoration", gone)
    signed = version(vital_signs(5), signature="a signature", attestations=[attested])
    later = version(change="attestation", before=head, attestations=[attested])
    imported = {
        "_type": "IMPORTED_VERSION",
        "commit_audit": audit(),
        "item": version(vital_signs(6))
        | {
            "uid": {"_type": "OBJECT_VERSION_ID", "value": f"{uuid4()}::elsewhere::4"},
            "contribution": {
                "_type": "OBJECT_REF", "namespace": "elsewhere", "type": "CONTRIBUTION",
                "id": {"_type": "HIER_OBJECT_ID", "value": str(uuid4())},
            },
        },
    }  # fmt: skip
    for sent in (contribution(restored, signed), contribution(later), contribution(imported)):
        answer = client.post(f"{place}/contribution", json=sent)
        assert 201 == answer.status_code, answer.text
    return ehr_id, [*uids, head, ended, gone]


def seen(client, ehr_id):
    """An EHR as the REST interface tells it: what an import must bring back."""
    place = f"{BASE}/ehr/{ehr_id}"
    lines = export(client, ehr_id=ehr_id)
    found = {"ehr": client.get(place).json(), "directory": client.get(f"{place}/directory").json()}
    for kind, path in (("COMPOSITION", "versioned_composition/{}"), ("FOLDER", None)):
        uids = {
            one["uid"]["value"] if "uid" in one else one["item"]["uid"]["value"]
            for line in lines
            for one in line["contribution"]["versions"]
            if one.get("data", one.get("item", {}).get("data", {})).get("_type") == kind and path
        }
        for uid in sorted(uids):
            object_id = uid.split("::")[0]
            versioned = f"{place}/{path.format(object_id)}"
            history = client.get(f"{versioned}/revision_history").json()
            found[object_id] = (
                client.get(versioned).json(),
                history,
                [
                    client.get(f"{versioned}/version/{item['version_id']['value']}").json()
                    for item in history["items"]
                ],
            )
    status_place = f"{place}/versioned_ehr_status"
    found["status"] = client.get(f"{status_place}/revision_history").json()
    query = "SELECT c FROM EHR e[ehr_id/value=$id] CONTAINS COMPOSITION c ORDER BY c/uid/value"
    asked = {"q": query, "query_parameters": {"id": ehr_id}}
    found["rows"] = client.post(f"{BASE}/query/aql", json=asked).json()["rows"]
    return found


def sorted_lines(lines):
    """Lines whose versions have an order of their own."""
    return [line for line in lines if "contribution" in line]


def test_a_repository_exported_and_imported_into_an_empty_one_is_equal(client, clinical, cluster):
    """Ids, audits, times, numbers, contents, attestations, signatures, imports; AQL answers too."""
    owners = [rich(client)[0] for _ in range(2)]
    pooled = open_ehr(client)
    lines = export(client)
    assert pooled not in json.dumps(lines)
    assert 2 == lines[-1]["end"]["ehrs"]
    with another(cluster) as (service, empty):
        report = loaded(empty, lines)
        assert (2, 0, 1) == (report["ehrs"], report["refused"], report["templates"])
        assert lines == export(empty)
        for owner in owners:
            before = seen(client, owner)
            assert len(before) > 6
            assert 4 == len(before["rows"])  # the control: there is something to compare
            assert before == seen(empty, owner)
        consistent(service)
        again = loaded(empty, lines)
        assert (0, 0, 0) == (again["ehrs"], again["contributions"], again["versions"])
        assert again["present"] == again["lines"] - 2  # all but what the file is, and its end
        assert lines == export(empty)
    consistent(clinical)


def test_what_is_imported_can_be_changed_like_anything_else(client, cluster):
    """The next version of an imported head, and of a deleted one."""
    ehr_id, uids = rich(client)
    with another(cluster) as (service, empty):
        loaded(empty, export(client))
        place = f"{BASE}/ehr/{ehr_id}/composition/{uids[0].split('::')[0]}"
        head = uids[3]
        answer = empty.put(place, json=vital_signs(3), headers={"If-Match": f'"{head}"'})
        assert 204 == answer.status_code, answer.text
        assert uid_of(answer).endswith("::3")
        consistent(service)


def test_an_import_goes_on_where_it_was_broken_off(client, cluster):
    """Half of the lines, then all: each contribution once; a stream by `after` an EHR."""
    owners = sorted(rich(client)[0] for _ in range(3))
    lines = export(client)
    with another(cluster) as (service, empty):
        loaded(empty, lines[: len(lines) // 2])
        consistent(service)
        report = loaded(empty, lines)
        assert report["present"] > 3
        assert lines == export(empty)
        rest = export(empty, after=owners[0])
        told = list(dict.fromkeys(line["ehr_id"] for line in rest if "ehr_id" in line))
        assert owners[1:] == told


def test_heads_that_stand_get_their_successors_by_import(client, cluster):
    """An import of later versions moves earlier heads to the history, and their rows go."""
    ehr_id, uids = rich(client)
    lines = export(client)
    changed = uids[0].split("::")[0]
    with another(cluster) as (service, empty):
        for line in lines:  # one request each: every head is first written, then moved
            loaded(empty, [line])
        assert lines == export(empty)
        consistent(service)
        assert seen(client, ehr_id) == seen(empty, ehr_id)
        assert changed


def test_plain_documents_become_commits_of_today(client, clinical):
    """EHRs with ids of their own and documents without history: adopted, validated, queried."""
    owners = [str(uuid4()) for _ in range(3)]
    lines = []
    for number, owner in enumerate(owners):
        lines.append({"ehr_id": owner, "ehr": {}})
        sent = {"versions": [{"data": vital_signs(number)}, {"data": vital_signs(number + 9)}]}
        lines.append({"ehr_id": owner, "contribution": sent})
    report = loaded(client, lines)
    assert (3, 6, 9) == (report["ehrs"], report["contributions"], report["versions"])
    asked = {"q": "SELECT e/ehr_id/value FROM EHR e CONTAINS COMPOSITION c"}
    rows = client.post(f"{BASE}/query/aql", json=asked).json()["rows"]
    assert sorted(owners * 2) == sorted(row[0] for row in rows)
    consistent(clinical)


def test_versions_of_another_system_are_imported_with_what_they_came_with(client, clinical):
    """IMPORTED_VERSION: their uid, audit and contribution stand in the item; ours around it."""
    ehr_id, object_id, whose = str(uuid4()), str(uuid4()), str(uuid4())
    audited = audit(time_committed={"_type": "DV_DATE_TIME", "value": "2019-01-02T03:04:05Z"})
    versions = [
        version(vital_signs(n), "creation" if n == 1 else "modification")
        | {
            "uid": {"_type": "OBJECT_VERSION_ID", "value": f"{object_id}::old.system::{n}"},
            "commit_audit": audited,
        }
        for n in (1, 2)
    ]
    lines = [
        {
            "ehr_id": ehr_id, "ehr": {"system_id": "old.system"},
            "contribution": {"uid": {"value": whose}, "audit": audited, "versions": [one]},
        }
        for one in versions[:1]
    ]  # fmt: skip
    lines.append({"ehr_id": ehr_id, "contribution": {"versions": versions[1:]}})
    loaded(client, lines)
    place = f"{BASE}/ehr/{ehr_id}/versioned_composition/{object_id}"
    made = client.get(f"{place}/version/{object_id}::moiety.local::2").json()
    assert "IMPORTED_VERSION" == made["_type"]
    assert f"{object_id}::old.system::2" == made["item"]["uid"]["value"]
    assert "2019-01-02T03:04:05Z" == made["item"]["commit_audit"]["time_committed"]["value"]
    assert not made["commit_audit"]["time_committed"]["value"].startswith("2019")
    consistent(clinical)
    assert lines[0]["contribution"]["uid"]["value"] in json.dumps(export(client, ehr_id=ehr_id))


def bad_lines():
    """(name, line, reason) of lines that are refused."""
    owner = str(uuid4())
    named = vital_signs(1)
    named["content"][0]["name"]["value"] = "NHS no 943 476 5919"
    broken = vital_signs(1)
    del broken["language"]
    out_of_range = vital_signs(1)
    text = json.dumps(out_of_range).replace('"magnitude": ', '"magnitude": 99999')
    unknown = vital_signs(1)
    unknown["archetype_details"]["template_id"]["value"] = "unknown.v1"
    numbered = {"uid": {"value": f"{uuid4()}::moiety.local::2"}, "data": vital_signs(1)}
    about = {"committer": {"_type": "PARTY_IDENTIFIED", "name": "NHS no 943 476 5919"}}
    return [
        ("no JSON", "{", "Malformed"),
        ("no object", "[1]", "Malformed"),
        ("an unknown key", {"ehr_id": owner, "what": 1}, "Malformed"),
        ("no EHR", {"ehr_id": owner, "contribution": {"versions": [{"data": {}}]}}, "NotFound"),
        ("no versions", {"ehr_id": owner, "ehr": {}, "contribution": {"versions": []}},
         "Malformed"),
        ("an id that says something", {"ehr_id": "00000000-0000-1000-8000-000000000000", "ehr": {}},
         "Malformed"),
        ("no id", {"ehr_id": "x", "ehr": {}}, "Malformed"),
        ("an identifier", whole(owner, {"data": named}), "Unprocessable"),
        ("an identifier in the audit", whole(owner, {"data": vital_signs(1)}, audit=about),
         "Unprocessable"),
        ("a broken document", whole(owner, {"data": broken}), "Unprocessable"),
        ("a value out of range", whole(owner, {"data": json.loads(text)}), "Unprocessable"),
        ("an unknown template", whole(owner, {"data": unknown}), "Unprocessable"),
        ("a version without those before", whole(owner, numbered), "Malformed"),
        ("a deletion of nothing", whole(owner, {"uid": numbered["uid"]}), "Malformed"),
        ("a class that is none", whole(owner, {"data": {"_type": "PERSON"}}), "Malformed"),
        ("a time that is none",
         whole(owner, {"data": vital_signs(1)}, audit={"time_committed": {"value": "now"}}),
         "Malformed"),
        ("two statuses", whole(owner, {"data": status()}, {"data": status()}), "Conflict"),
        ("another format", {"moiety": 2}, "Malformed"),
        ("a broken template", {"template": {"template_id": "x", "opt": "<x/>"}}, "Malformed"),
    ]  # fmt: skip


def whole(owner, *versions, **more):
    """A line with an EHR and a contribution."""
    return {"ehr_id": owner, "ehr": {}, "contribution": {"versions": list(versions), **more}}


@pytest.mark.parametrize("bad", bad_lines(), ids=[one[0] for one in bad_lines()])
def test_a_bad_line_is_told_by_number_and_reason_and_stops(client, clinical, bad):
    """422 with the line; what stands before it is stored, nothing of it, nothing after it."""
    _, line, code = bad
    good = [whole(str(uuid4()), {"data": vital_signs(n)}) for n in range(3)]
    answer = load(client, [good[0], "", good[1], line, good[2]])
    assert 422 == answer.status_code, answer.text
    report = answer.json()["report"]
    assert (4, 3, 2) == (report["stopped"], report["through"], report["ehrs"])
    (refused,) = report["refusals"]
    assert (4, code) == (refused["line"], refused["code"])
    for value in ("943 476 5919", "unknown.v1", "PERSON"):
        assert value not in answer.text
    assert good[1]["ehr_id"] in client.get("/bulk/export").text
    assert good[2]["ehr_id"] not in client.get("/bulk/export").text
    consistent(clinical)
    with psycopg.connect(clinical.database.url("migrator")) as connection:
        logged = connection.execute(
            "SELECT outcome, count(*) FROM commit_log WHERE door = 'POST /bulk/import' GROUP BY 1"
        ).fetchall()
    assert {"accepted": 2, code: 1} == dict(logged)


def test_bad_lines_can_be_left_out(client, clinical):
    """`on_error=skip`: each is told, all others are stored; what follows a refused one is too."""
    bad = bad_lines()
    lines = []
    for _, line, _ in bad:
        lines += [whole(str(uuid4()), {"data": vital_signs(1)}), line]
    report = loaded(client, lines, on_error="skip")
    assert (len(bad), len(bad)) == (report["ehrs"], report["refused"])
    assert [2 * n + 2 for n in range(len(bad))] == [one["line"] for one in report["refusals"]]
    assert [code for _, _, code in bad] == [one["code"] for one in report["refusals"]]
    consistent(clinical)
    owner, uid = str(uuid4()), str(uuid4())
    one, two = (
        {"uid": {"value": f"{uid}::moiety.local::{n}"}, "data": vital_signs(n)} for n in (1, 2)
    )
    broken = json.loads(json.dumps(one))
    del broken["data"]["composer"]
    chain = [whole(owner), whole(owner, broken), whole(owner, two)]
    chain[0].pop("contribution")
    report = loaded(client, chain, on_error="skip")
    assert [2, 3] == [one["line"] for one in report["refusals"]]
    consistent(clinical)


def test_a_subject_and_an_uid_have_one_owner(client):
    """A second EHR of the same subject, an object uid of another EHR: refused."""
    from tests.fixtures.clinical_documents import subject

    person, uid = str(uuid4()), str(uuid4())
    said = {"data": status(subject={"_type": "PARTY_SELF", **subject(person)})}
    document = {"uid": {"value": f"{uid}::moiety.local::1"}, "data": vital_signs(1)}
    first = [whole(str(uuid4()), said), whole(str(uuid4()), document)]
    loaded(client, first)
    for line in (whole(str(uuid4()), said), whole(str(uuid4()), document)):
        assert "Conflict" == load(client, [line]).json()["report"]["refusals"][0]["code"]
    inside = [whole(str(uuid4()), said) for said in (said, said)]
    assert 422 == load(client, inside).status_code


def test_a_closed_ehr_takes_history_and_no_new_commits(client):
    """is_modifiable=false: a plain document is refused, its own history is not."""
    owner = str(uuid4())
    closed = {"data": status(is_modifiable=False)}
    loaded(client, [whole(owner, closed)])
    plain = {"ehr_id": owner, "contribution": {"versions": [{"data": vital_signs(1)}]}}
    assert "Conflict" == load(client, [plain]).json()["report"]["refusals"][0]["code"]
    plain["contribution"]["uid"] = {"value": str(uuid4())}
    loaded(client, [plain])


def test_an_extract_goes_out_and_in(client, clinical, cluster):
    """EXTRACT in canonical JSON and XML: the same EHR, told by objects."""
    ehr_id, _ = rich(client)
    answer = client.get(f"/bulk/extract/{ehr_id}")
    assert 200 == answer.status_code, answer.text
    made = answer.json()
    assert "EXTRACT" == made["_type"]
    kinds = {item["item"]["_type"] for item in made["chapters"][0]["items"]}
    assert {"X_VERSIONED_COMPOSITION", "X_VERSIONED_EHR_STATUS", "X_VERSIONED_FOLDER"} == kinds
    with another(cluster) as (service, empty):
        upload(empty)
        took = empty.post("/bulk/extract", json=made)
        assert 200 == took.status_code, took.text
        consistent(service)
        again = empty.get(f"/bulk/extract/{ehr_id}").json()
        assert by_object(made) == by_object(again)
        before, after = seen(client, ehr_id), seen(empty, ehr_id)
        assert before["rows"] == after["rows"]
        assert before["directory"] == after["directory"]
        assert 0 == empty.post("/bulk/extract", json=made).json()["contributions"]
    xml = client.get(f"/bulk/extract/{ehr_id}", headers={"Accept": "application/xml"})
    assert xml.text.startswith("<?xml")
    assert 404 == client.get(f"/bulk/extract/{uuid4()}").status_code
    for body in ({}, {"_type": "EXTRACT"}, made | {"chapters": [{"_type": "EXTRACT_CHAPTER"}]}):
        assert 400 == client.post("/bulk/extract", json=body).status_code


def by_object(extract):
    """Uids, states, contents and original audits of an extract."""
    return {
        item["item"]["uid"]["value"]: [
            (one["uid"]["value"], one["lifecycle_state"], one["commit_audit"], one.get("data"))
            for one in item["item"]["versions"]
        ]
        for item in extract["chapters"][0]["items"]
    }


def test_the_scopes_are_asked(clinical):
    """`bulk:import` and `bulk:export`, which nothing else includes."""
    with clinical.client("bulk:export") as client:
        assert 200 == client.get("/bulk/export").status_code
        assert 403 == load(client, []).status_code
        assert 404 == client.get("/bulk/export", params={"ehr_id": str(uuid4())}).status_code
        assert 400 == client.get("/bulk/export", params={"ehr_id": "x"}).status_code
    with clinical.client("bulk:import") as client:
        assert 200 == load(client, []).status_code
        assert 403 == client.get("/bulk/export").status_code
        assert 403 == client.get(f"/bulk/extract/{uuid4()}").status_code


def test_a_line_may_be_long_and_not_endless(cluster):
    """A body is not limited, a line is: 413 once it cannot end well any more."""
    with another(cluster, body_limit=150_000) as (_, client):
        upload(client)
        lines = [whole(str(uuid4()), {"data": vital_signs(n)}) for n in range(60)]
        assert len(json.dumps(lines)) > 300_000
        assert 60 == loaded(client, lines)["ehrs"]
        assert 413 == load(client, ["x" * 400_000]).status_code


def test_identifier_findings_of_the_screen_are_kept(client, clinical):
    """What the policy records is recorded of imported documents as of any other."""
    made = vital_signs(1)
    made["composer"] = {"_type": "PARTY_IDENTIFIED", "name": "Dr A, telephone 07700 900123"}
    loaded(client, [whole(str(uuid4()), {"data": made})])
    with psycopg.connect(clinical.database.url("migrator")) as connection:
        found = connection.execute("SELECT path, kind FROM screen_finding").fetchall()
        logged = connection.execute(
            "SELECT findings FROM commit_log WHERE door = 'POST /bulk/import'"
        ).fetchall()
    assert ["/composer/name"] == [path for path, _ in found]
    assert [([kind],) for _, kind in found] == logged
