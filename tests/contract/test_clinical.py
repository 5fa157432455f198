"""The clinical service over HTTP: versions, bad input, the screen, keys."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from moiety.commands.demo import records

TEMPLATES = Path(records.__file__).parent / "templates"
ADL = "/openehr/v1/definition/template/adl1.4"
XML = {"Content-Type": "application/xml"}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def document(seed=1, kind="vital_signs"):
    """A valid document of one kind."""
    import random

    return getattr(records, kind)(random.Random(seed), NOW)


def upload(client, name="vital_signs"):
    """Upload one of the demo's templates."""
    answer = client.post(ADL, content=(TEMPLATES / f"{name}.opt").read_bytes(), headers=XML)
    assert 201 == answer.status_code, answer.text
    return answer


def open_ehr(client):
    """A new EHR's id."""
    return client.post("/openehr/v1/ehr").headers["ETag"].strip('"')


@pytest.fixture
def client(clinical):
    """A client that may do everything, with the vital signs template uploaded."""
    with clinical.client() as client:
        upload(client)
        yield client


@pytest.fixture
def place(client):
    """The composition collection of a new EHR."""
    return f"/openehr/v1/ehr/{open_ehr(client)}/composition"


def error(answer, status, code):
    """The one shape: four keys, the reason phrase, a trace id, nothing of the input."""
    assert status == answer.status_code, answer.text
    body = answer.json()
    assert {"error", "message", "code", "trace_id"} == set(body) - {"validationErrors"}
    assert (answer.reason_phrase, code) == (body["error"], body["code"])
    assert 32 == len(body["trace_id"])
    assert "Traceback" not in answer.text
    return body


# --- versions --------------------------------------------------------------------------------


@pytest.mark.behaviour("composition.answers", "composition.deletion")
def test_a_composition_lives_through_its_versions(client, place):
    """Create, read, update, read each version, delete: every id and header as the API says."""
    created = client.post(place, json=document(1), headers={"Prefer": "return=representation"})
    assert 201 == created.status_code
    uid = created.headers["ETag"].strip('"')
    object_id, system, number = uid.split("::")
    assert ("moiety.local", "1") == (system, number)
    assert created.headers["Location"].endswith(f"{place}/{object_id}")
    assert uid == created.json()["uid"]["value"]

    minimal = client.put(f"{place}/{object_id}", json=document(2), headers={"If-Match": f'"{uid}"'})
    assert (204, b"") == (minimal.status_code, minimal.content)
    second = minimal.headers["ETag"].strip('"')
    assert f"{object_id}::moiety.local::2" == second

    assert uid == client.get(f"{place}/{uid}").json()["uid"]["value"]
    assert second == client.get(f"{place}/{object_id}").json()["uid"]["value"]

    gone = client.delete(f"{place}/{second}")
    assert 204 == gone.status_code
    assert gone.headers["ETag"].endswith('::3"')
    assert 204 == client.get(f"{place}/{object_id}").status_code
    assert 204 == client.get(f"{place}/{object_id}::moiety.local::3").status_code
    assert second == client.get(f"{place}/{second}").json()["uid"]["value"]
    error(client.put(f"{place}/{object_id}", json=document(3), headers={"If-Match": second}),
          404, "NotFound")  # fmt: skip


@pytest.mark.behaviour("names-kept")
def test_what_is_stored_is_what_was_sent(client, place):
    """Apart from its uid, a document comes back equal, value by value."""
    sent = document(5)
    created = client.post(place, json=sent)
    got = client.get(f"{place}/{created.headers['ETag'].strip(chr(34))}").json()
    del got["uid"]
    assert sent == got


@pytest.mark.behaviour("if-match")
@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"'])
def test_if_match_is_read_quoted_unquoted_and_weak(client, place, form):
    """Clients of other servers send all three."""
    uid = client.post(place, json=document(1)).headers["ETag"].strip('"')
    answer = client.put(
        f"{place}/{uid.split('::')[0]}", json=document(2), headers={"If-Match": form.format(uid)}
    )
    assert 204 == answer.status_code


@pytest.mark.behaviour("one-writer")
def test_of_many_writers_with_one_version_exactly_one_wins(clinical, client, place):
    """The others get 412 with the latest version, and nothing half-written."""
    uid = client.post(place, json=document(1)).headers["ETag"].strip('"')
    target = f"{place}/{uid.split('::')[0]}"
    token = clinical.key("composition:write")

    def write(seed):
        with clinical.client(token=token) as writer:
            return writer.put(target, json=document(seed), headers={"If-Match": uid})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(write, range(2, 34)))
    assert 1 == sum(answer.status_code == 204 for answer in answers)
    for answer in answers:
        if answer.status_code != 204:
            error(answer, 412, "VersionConflict")
            assert answer.headers["ETag"].endswith('::2"')
            assert answer.headers["Location"].endswith(target)
    with psycopg.connect(clinical.database.url()) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("composition", "composition_history", "contribution")
        ]
    assert [1, 1, 3] == counts  # one head, one old version; EHR, creation and one update


def test_every_version_has_a_contribution_and_an_audit(clinical, client, place):
    """CONTRIBUTION and AUDIT_DETAILS: change type, and the key that stands for the committer."""
    uid = client.post(place, json=document(1)).headers["ETag"].strip('"')
    target = f"{place}/{uid.split('::')[0]}"
    client.put(target, json=document(2), headers={"If-Match": uid})
    client.delete(target)
    with psycopg.connect(clinical.database.url()) as connection:
        rows = connection.execute(
            "SELECT h.version, c.change_type, c.audit->'committer'->>'name'"
            " FROM composition_history h JOIN contribution c USING (ehr_id, contribution_id)"
            " ORDER BY h.version"
        ).fetchall()
    assert [(1, 249), (2, 251), (3, 523)] == [row[:2] for row in rows]
    assert all(name.startswith("API key ") for _, _, name in rows)


def test_rows_follow_the_latest_version_alone(clinical, client, place):
    """An update replaces a document's typed rows; a deletion leaves none."""

    def leaf_rows():
        with psycopg.connect(clinical.database.url("postgres")) as connection:
            tables = connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'leaf'::regnamespace"
                " AND relkind = 'r'"
            ).fetchall()
            return sum(
                connection.execute(f"SELECT count(*) FROM leaf.{name}").fetchone()[0]
                for (name,) in tables
            )

    uid = client.post(place, json=document(1)).headers["ETag"].strip('"')
    first = leaf_rows()
    target = f"{place}/{uid.split('::')[0]}"
    client.put(target, json=document(1), headers={"If-Match": uid})
    assert first == leaf_rows() > 0
    client.delete(target)
    assert 0 == leaf_rows()


def test_an_ehr_is_seen_by_queries_from_its_first_write_on(client):
    """A pooled EHR is invisible to AQL: it could only tell that somebody was registered."""
    ehr_id = open_ehr(client)
    query = {"q": "SELECT e/ehr_id/value FROM EHR e"}
    assert [] == client.post("/openehr/v1/query/aql", json=query).json()["rows"]
    client.post(f"/openehr/v1/ehr/{ehr_id}/composition", json=document(1))
    assert [[ehr_id]] == client.post("/openehr/v1/query/aql", json=query).json()["rows"]


# --- bad input -------------------------------------------------------------------------------


@pytest.mark.behaviour("composition.broken")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b'{"_type": "OBSERVATION"}',
        b'{"_type": "COMPOSITION", "name": 7}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"_type":"COMPOSITION","unknown_key_secret":1}',
        b'{"_type":"COMPOSITION","name":{"_type":"DV_TEXT","value":"a","value":"b"}}',
    ],
)
def test_what_is_no_composition_is_400_with_a_path(client, place, body):
    """Broken JSON, another class, unknown and doubled keys, deep nesting."""
    found = error(client.post(place, content=body), 400, "Malformed")
    assert found["validationErrors"]


def test_a_duplicate_key_is_refused_and_not_silently_dropped(client, place):
    """The last one would win in most parsers, and the first be lost without a word."""
    text = json.dumps(document(1))
    doubled = text.replace('"language":', '"language": null, "language":', 1)
    error(client.post(place, content=doubled.encode()), 400, "Malformed")


@pytest.mark.behaviour("composition.unknown-template")
def test_an_unknown_template_is_422(client, place):
    """The template has to be uploaded first."""
    error(client.post(place, json=document(1, "problem_diagnosis")), 422, "Unprocessable")


def broken(change):
    """A document with one thing wrong with it."""
    made = document(1)
    change(made)
    return made


@pytest.mark.behaviour("composition.constraints")
@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda d: d.pop("category"), "category"),
        (lambda d: d.pop("composer"), "composer"),
        (lambda d: d["content"][0].update(archetype_node_id="openEHR-EHR-OBSERVATION.alien.v1"),
         "content"),
        (lambda d: d["content"][0]["data"]["events"][0]["data"]["items"].pop(0), "items"),
        (lambda d: element(d).update(value={"_type": "DV_TEXT", "value": "SECRETVALUE"}), "value"),
        (lambda d: element(d)["value"].update(units="SECRETVALUE"), "units"),
        (lambda d: element(d)["value"].update(magnitude=1e6), "magnitude"),
        (lambda d: d["content"][0]["data"]["events"].clear(), "events"),
    ],
)  # fmt: skip
def test_what_breaks_the_template_is_refused_with_its_path_and_without_its_value(
    clinical, client, place, change, path
):
    """Missing mandatory node, wrong archetype node, wrong type, unit, range, occurrences."""
    answer = client.post(place, json=broken(change))
    assert answer.status_code in {400, 422}
    found = error(answer, answer.status_code, answer.json()["code"])["validationErrors"]
    assert any(path in finding["path"] for finding in found), found
    assert "SECRETVALUE" not in answer.text
    with psycopg.connect(clinical.database.url()) as connection:
        assert (0,) == connection.execute("SELECT count(*) FROM composition").fetchone()


def element(made):
    """The first element of the first observation."""
    return made["content"][0]["data"]["events"][0]["data"]["items"][0]


def test_every_finding_of_a_document_comes_in_one_answer(client, place):
    """Two faults, two findings."""
    made = document(1)
    element(made)["value"]["magnitude"] = 1e6
    made["content"][1]["data"]["events"][0]["data"]["items"][0]["value"]["units"] = "parsec"
    answer = client.post(place, json=made)
    assert len(answer.json()["validationErrors"]) >= 2


def test_a_body_over_the_limit_is_413_announced_or_streamed(clinical, place):
    """Neither way is it read to its end."""
    with clinical.client() as client:
        big = b" " * (9 * 1024 * 1024)
        error(client.post(place, content=big), 413, "TooLarge")
        error(client.post(place, content=(big[:65536] for _ in range(200))), 413, "TooLarge")


@pytest.mark.parametrize("ehr_id", ["3c8f1f0e-5b0a-4c43-9a3e-7d1c2b6a9f10", "no-uuid", "00000000"])
def test_an_unknown_ehr_is_404(client, ehr_id):
    """For writing and for reading, whatever the id looks like."""
    error(client.post(f"/openehr/v1/ehr/{ehr_id}/composition", json=document(1)), 404, "NotFound")
    error(client.get(f"/openehr/v1/ehr/{ehr_id}"), 404, "NotFound")
    error(client.get(f"/openehr/v1/ehr/{ehr_id}/composition/{uuid4()}"), 404, "NotFound")


@pytest.mark.behaviour("if-match")
@pytest.mark.parametrize("if_match", [None, "*", "7", '"abc::x::y"'])
def test_an_update_needs_a_version_uid_to_follow(client, place, if_match):
    """Without If-Match, or with one that is no version uid: 400."""
    uid = client.post(place, json=document(1)).headers["ETag"].strip('"')
    headers = {} if if_match is None else {"If-Match": if_match}
    answer = client.put(f"{place}/{uid.split('::')[0]}", json=document(2), headers=headers)
    error(answer, 400, "Malformed")


@pytest.mark.behaviour("composition.template-kept")
def test_a_new_version_keeps_its_template(client, place):
    """Another template is another composition."""
    upload(client, "problem_diagnosis")
    uid = client.post(place, json=document(1)).headers["ETag"].strip('"')
    answer = client.put(
        f"{place}/{uid.split('::')[0]}",
        json=document(1, "problem_diagnosis"),
        headers={"If-Match": uid},
    )
    error(answer, 400, "Malformed")


@pytest.mark.behaviour("composition.own-uid")
def test_a_clients_own_uid_is_kept_and_taken_once(client, place):
    """A second composition of the same uid is 409, also after a deletion."""
    own = str(uuid4())
    made = document(1) | {"uid": {"_type": "HIER_OBJECT_ID", "value": own}}
    first = client.post(place, json=made)
    assert first.headers["ETag"].startswith(f'"{own}::')
    error(client.post(place, json=made), 409, "Conflict")
    client.delete(f"{place}/{own}")
    error(client.post(place, json=made), 409, "Conflict")


def test_a_stale_deletion_is_409_with_the_latest_version(client, place):
    """Only the latest version can be deleted."""
    uid = client.post(place, json=document(1)).headers["ETag"].strip('"')
    target = f"{place}/{uid.split('::')[0]}"
    client.put(target, json=document(2), headers={"If-Match": uid})
    answer = client.delete(f"{place}/{uid}")
    error(answer, 409, "Conflict")
    assert answer.headers["ETag"].endswith('::2"')


# --- templates -------------------------------------------------------------------------------


def test_templates_are_uploaded_once_listed_and_given_back(client):
    """201, then 409; the list names them; the XML comes back as it was."""
    xml = (TEMPLATES / "vital_signs.opt").read_bytes()
    error(client.post(ADL, content=xml, headers=XML), 409, "Conflict")
    (row,) = client.get(ADL).json()
    assert "moiety_vital_signs.v1" == row["template_id"]
    assert {"template_id", "concept", "archetype_id", "created_timestamp"} == set(row)
    assert xml == client.get(f"{ADL}/moiety_vital_signs.v1").content
    error(client.get(f"{ADL}/nothing"), 404, "NotFound")


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<template/>",
        b"not xml",
        b'<!DOCTYPE t [<!ENTITY a "b">]><template xmlns="http://schemas.openehr.org/v1">&a;</template>',
    ],
)
def test_a_broken_template_is_400_with_the_place(client, xml):
    """Nothing is stored and no table is made."""
    error(client.post(ADL, content=xml, headers=XML), 400, "Malformed")


def test_a_template_is_xml(client):
    """Any other media type is 415."""
    error(client.post(ADL, json={}), 415, "UnsupportedMediaType")


def test_another_process_sees_a_new_template(clinical, client):
    """A second process of the service compiles what the first one stored, without a restart."""
    from clinical_api.app import create_app
    from clinical_api.settings import Settings
    from tests.fixtures.fix_services import served

    app = create_app(Settings(database_url=clinical.database.url()))
    with served("clinical", app, clinical.database) as second, second.client() as other:
        ehr_id = open_ehr(other)
        place = f"/openehr/v1/ehr/{ehr_id}/composition"
        error(other.post(place, json=document(1, "problem_diagnosis")), 422, "Unprocessable")
        upload(client, "problem_diagnosis")
        assert 201 == other.post(place, json=document(1, "problem_diagnosis")).status_code


# --- the identifier screen -------------------------------------------------------------------


def with_name(text):
    """A document whose own name is `text`."""
    made = document(1)
    made["name"]["value"] = text
    return made


@pytest.mark.parametrize(
    "text", ["NHS no 999 123 4578", "NHS number: 9991234578", "CHI 0101990014", "NI AB 12 34 56 C"]
)
def test_a_national_number_after_its_cue_is_refused_with_path_and_kind(client, place, text):
    """422, path and kind of finding; never the number."""
    answer = client.post(place, json=with_name(text))
    told = error(answer, 422, "Unprocessable")
    (finding,) = told["validationErrors"]
    assert "/name/value" == finding["path"]
    assert finding["found"].endswith(("_NUMBER",))
    said = answer.text.replace(told["trace_id"], "")  # whose random digits may be any
    assert not any(word in said for word in text.split()[-2:] if any(c.isdigit() for c in word))


def test_a_national_issuer_makes_an_identifier_certain(client, place):
    """DV_IDENTIFIER with a valid number and a national issuer is refused; another passes."""
    upload(client, "laboratory_result")
    made = document(3, "laboratory_result")
    about = made["context"]["other_context"]["items"]
    about.append(
        {
            "_type": "ELEMENT",
            "name": {"_type": "DV_TEXT", "value": "Report number"},
            "archetype_node_id": "at0002",
            "value": {"_type": "DV_IDENTIFIER", "id": "9991234578", "issuer": "NHS England"},
        }
    )
    about.reverse()
    answer = client.post(place, json=made)
    error(answer, 422, "Unprocessable")
    assert "9991234578" not in answer.text
    about[0]["value"]["issuer"] = "Laboratory system"
    assert 201 == client.post(place, json=made).status_code


def test_other_findings_are_recorded_by_place_and_never_by_word(clinical, client, place):
    """A telephone number is stored, and the screen keeps path, kind and offsets."""
    text = "ring 07700 900123"
    assert 201 == client.post(place, json=with_name(text)).status_code
    with psycopg.connect(clinical.database.url()) as connection:
        rows = connection.execute("SELECT path, kind, start, length FROM screen_finding").fetchall()
    assert [("/name/value", "TELEPHONE", 5, 12)] == rows


def test_the_subject_of_the_record_is_never_named(client, place):
    """PARTY_SELF carries a random UUID in the declared namespace, or nothing."""

    def named(namespace, value):
        made = document(1)
        made["content"][0]["subject"]["external_ref"] = {
            "_type": "PARTY_REF", "namespace": namespace, "type": "PERSON",
            "id": {"_type": "HIER_OBJECT_ID", "value": value},
        }  # fmt: skip
        return made

    assert 201 == client.post(place, json=named("moiety", str(uuid4()))).status_code
    for namespace, value in (("moiety", "9991234578"), ("nhs", str(uuid4()))):
        answer = client.post(place, json=named(namespace, value))
        (finding,) = error(answer, 422, "Unprocessable")["validationErrors"]
        assert "SUBJECT_IDENTITY" == finding["found"]


def status(**subject):
    """An EHR_STATUS with a subject."""
    return {
        "_type": "EHR_STATUS",
        "archetype_node_id": "openEHR-EHR-EHR_STATUS.generic.v1",
        "name": {"_type": "DV_TEXT", "value": "status"},
        "subject": {"_type": "PARTY_SELF", **subject},
        "is_modifiable": True,
        "is_queryable": True,
    }


def test_an_ehrs_subject_is_a_random_uuid_or_nobody(client):
    """EHR_STATUS.subject: the declared namespace, version 4, once."""

    def reference(namespace, value):
        return {
            "external_ref": {
                "_type": "PARTY_REF", "namespace": namespace, "type": "PERSON",
                "id": {"_type": "GENERIC_ID", "value": value, "scheme": "id"},
            }
        }  # fmt: skip

    post = lambda body: client.post("/openehr/v1/ehr", json=body)  # noqa: E731  a shorthand
    own = status(**reference("moiety", str(uuid4())))
    assert 201 == post(own).status_code
    error(post(own), 409, "Conflict")
    error(post(status(**reference("nhs", str(uuid4())))), 422, "Unprocessable")
    error(post(status(**reference("moiety", "9991234578"))), 422, "Unprocessable")
    error(post(status(name="Morwenna")), 400, "Malformed")
    named = status()
    named["name"]["value"] = "NHS no 9991234578"
    error(post(named), 422, "Unprocessable")


@pytest.mark.parametrize("missing", ["subject", "is_modifiable", "name", "archetype_node_id"])
def test_an_incomplete_ehr_status_is_400(client, missing):
    """Every mandatory attribute is asked for, by path."""
    body = status()
    del body[missing]
    found = error(client.post("/openehr/v1/ehr", json=body), 400, "Malformed")
    assert any(missing in finding["path"] for finding in found["validationErrors"])


@pytest.mark.behaviour("status.not-modifiable")
def test_an_ehr_that_may_not_be_modified_takes_no_document(client):
    """409, and the message says so."""
    body = status() | {"is_modifiable": False}
    ehr_id = client.post("/openehr/v1/ehr", json=body).headers["ETag"].strip('"')
    answer = client.post(f"/openehr/v1/ehr/{ehr_id}/composition", json=document(1))
    assert "does not allow modification" in error(answer, 409, "Conflict")["message"]


# --- queries ---------------------------------------------------------------------------------


@pytest.mark.behaviour("aql.errors")
@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("SELEKT c FROM EHR e", "line 1, column 1"),
        ("SELECT c\nFROM EHR e CONTAINS", "line 2"),
        ("SELECT x/uid FROM EHR e", "line 1, column 8"),
    ],
)
def test_a_query_that_does_not_parse_says_where(client, query, place):
    """400 with line and column."""
    body = error(client.post("/openehr/v1/query/aql", json={"q": query}), 400, "Malformed")
    assert place in body["message"]


@pytest.mark.behaviour("aql.paging")
@pytest.mark.parametrize(
    ("body", "status_code"),
    [
        ({"q": "SELECT c FROM COMPOSITION c LIMIT 1", "fetch": 2}, 422),
        ({"q": "SELECT c FROM COMPOSITION c", "offset": 2}, 422),
        ({"q": "SELECT c FROM COMPOSITION c", "fetch": -2}, 400),
        ({"q": 7}, 400),
        ({"query": "SELECT"}, 400),
    ],
)
def test_paging_that_contradicts_the_query_is_told(client, body, status_code):
    """Fetch with LIMIT, offset without fetch, and a body of another form."""
    answer = client.post("/openehr/v1/query/aql", json=body)
    assert status_code == answer.status_code, answer.text


def test_fetch_and_offset_page_through_a_result_even_after_a_comment(client, place):
    """The client's paging is part of the query that was run."""
    for seed in range(5):
        client.post(place, json=document(seed))
    text = "SELECT c/uid/value FROM COMPOSITION c ORDER BY c/uid/value -- all of them"
    rows = client.post("/openehr/v1/query/aql", json={"q": text}).json()["rows"]
    paged = client.post("/openehr/v1/query/aql", json={"q": text, "fetch": 2, "offset": 1}).json()
    assert rows[1:3] == paged["rows"]
    assert (2, 1, 2) == tuple(paged["meta"][k] for k in ("fetch", "offset", "resultsize"))


def test_a_querys_literal_never_comes_back_in_an_error(client):
    """What a query carries may be an identifier of a person."""
    query = "SELECT c FROM EHR e CONTAINS COMPOSITION c WHERE c/name/value = 'Morwenna' AND AND"
    answer = client.post("/openehr/v1/query/aql", json={"q": query})
    assert "Morwenna" not in error(answer, 400, "Malformed")["message"]


# --- keys ------------------------------------------------------------------------------------


@pytest.mark.behaviour("authentication")
@pytest.mark.parametrize("header", [None, "Bearer x", "Bearer mty_main_000000000000_" + "a" * 43])
def test_without_a_valid_key_nothing_is_answered(clinical, header):
    """401 for no key, a key of another form, an unknown key."""
    import httpx

    headers = {} if header is None else {"Authorization": header}
    answer = httpx.get(f"{clinical.url}{ADL}", headers=headers)
    error(answer, 401, "Unauthenticated")
    assert "WWW-Authenticate" in answer.headers


def test_an_expired_revoked_or_foreign_key_is_401(clinical):
    """The same answer for each reason."""
    from moiety.commands import issue

    expired, revoked = clinical.key(), clinical.key()
    with psycopg.connect(clinical.database.url("migrator")) as connection:
        connection.execute(
            "UPDATE api_key SET expires = CURRENT_DATE - 1 WHERE key_id = %s", (expired.key_id,)
        )
    assert issue.revoke(clinical.database.url("migrator"), revoked.key_id)
    foreign = clinical.key(organisation="elsewhere")
    answers = []
    for token in (expired, revoked, foreign):
        with clinical.client(token=token) as client:
            answers.append(error(client.get(ADL), 401, "Unauthenticated")["message"])
    assert 1 == len(set(answers))


def test_revocation_is_felt_by_the_next_call(clinical):
    """No cache keeps a key alive."""
    from moiety.commands import issue

    token = clinical.key()
    with clinical.client(token=token) as client:
        assert 200 == client.get(ADL).status_code
        issue.revoke(clinical.database.url("migrator"), token.key_id)
        assert 401 == client.get(ADL).status_code


@pytest.mark.behaviour("roles")
def test_an_under_scoped_key_is_403_at_every_route(clinical):
    """Every route of the service × a key that lacks its scope."""
    from fastapi.routing import iter_route_contexts

    open_paths = {"/health", "/ready", "/metrics", "/openapi.json"}
    tried = 0
    token = clinical.key("query:read")
    other = clinical.key("composition:read")
    with clinical.client(token=token) as client, clinical.client(token=other) as second:
        for route in iter_route_contexts(clinical.app.routes):
            if route.path in open_paths:
                continue
            asks_query = "/query/" in route.path
            path = re.sub(r"\{\w+\}", str(uuid4()), route.path)
            for method in route.methods - {"HEAD"}:
                caller = second if asks_query else client
                error(caller.request(method, path, params={"q": "x"}), 403, "Forbidden")
                tried += 1
    assert tried >= 11


def test_a_key_in_the_url_is_refused_as_such(clinical):
    """It would end in somebody's log."""
    import httpx

    answer = httpx.get(f"{clinical.url}{ADL}?key={clinical.key()}")
    assert "in a URL" in error(answer, 401, "Unauthenticated")["message"]


def test_a_stolen_key_table_opens_nothing(clinical):
    """The hash in the database is no key, and the secret is not in the database."""
    token = clinical.key()
    with psycopg.connect(clinical.database.url()) as connection:
        rows = connection.execute("SELECT * FROM api_key").fetchall()
        digest = connection.execute(
            "SELECT secret_hash FROM api_key WHERE key_id = %s", (token.key_id,)
        ).fetchone()[0]
    assert token.secret not in repr(rows)
    forged = f"mty_main_{token.key_id}_{digest.hex()[:43]}"
    with clinical.client(token=forged) as client:
        error(client.get(ADL), 401, "Unauthenticated")


# --- operations ------------------------------------------------------------------------------


def test_health_readiness_and_metrics_name_no_record(clinical, client, place):
    """Metrics carry route templates, never a path with an id in it."""
    client.post(place, json=document(1))
    assert {"status": "up"} == client.get("/health").json()
    assert {"status": "ready"} == client.get("/ready").json()
    text = client.get("/metrics").text
    assert 'route="/openehr/v1/ehr/{ehr_id}/composition"' in text
    assert place.split("/")[4] not in text


@pytest.mark.behaviour("error-shape")
def test_an_unknown_route_and_a_wrong_method_have_the_one_shape(client):
    """404 and 405, in our words."""
    error(client.get("/nowhere"), 404, "NotFound")
    error(client.patch(ADL), 405, "MethodNotAllowed")
    error(client.get(f"{ADL}/"), 404, "NotFound")


def test_a_trace_id_is_made_here_and_none_is_taken_in(client):
    """An id that comes from outside would join two services' logs."""
    own = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{own}-b7ad6b7169203331-01", "X-Request-ID": own}
    first, second = (client.get("/nowhere", headers=headers) for _ in range(2))
    assert own not in first.text + str(first.headers)
    assert first.json()["trace_id"] != second.json()["trace_id"]
