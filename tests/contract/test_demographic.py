"""The demographic service through its door: FHIR R4 Patient, versions, searches, refusals."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg.errors
import pytest
import sqlalchemy as sa
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.patient import Patient

from demographic_api import nhs_number, tables
from moiety.kit.errors import Conflict, NotFound, Unprocessable, VersionConflict
from moiety.wire import demographic as wire

BASE = "/fhir/R4"
MRN = "https://example.org/mrn"
CHANCE = random.Random(999)


def number():
    """A valid NHS number of the test range that was not given out before."""
    while True:
        digits = nhs_number.check_digit(stem := f"999{CHANCE.randrange(10**6):06}")
        if digits:
            return stem + digits


def person(**changes):
    """A Patient."""
    document = {
        "resourceType": "Patient",
        "identifier": [
            {"system": nhs_number.SYSTEM, "value": number(), "use": "official"},
            {"system": MRN, "value": f"RX-{uuid4().hex[:8]}", "assigner": {"display": "Testham"}},
        ],
        "name": [{"use": "official", "family": "Testley", "given": ["Zoë", "Anne"]}],
        "gender": "female",
        "birthDate": "1971-02-28",
        "address": [{"line": ["1 Test Row"], "postalCode": "ZZ99 3VZ"}],
        "telecom": [{"system": "phone", "value": "01632 960001"}],
    }
    return {key: value for key, value in (document | changes).items() if value is not ...}


def found_ids(client, **parameters):
    """The ids that a search finds."""
    return {resource["id"] for resource in wire.search_patients(client, **parameters)}


# --- create, read, update ------------------------------------------------------------------------


def test_a_person_is_registered_and_read(registry):
    """201 with Location and ETag; what is read is FHIR by another implementation."""
    client = registry()
    sent = person()
    answer = client.post(f"{BASE}/Patient", json=sent)
    assert (201, 'W/"1"') == (answer.status_code, answer.headers["ETag"])
    assert "application/fhir+json" == answer.headers["Content-Type"]
    read = client.get(f"{BASE}/Patient/{answer.json()['id']}")
    assert (200, 'W/"1"', answer.json()) == (read.status_code, read.headers["ETag"], read.json())
    version = client.get(answer.headers["Location"])
    assert (200, answer.json()) == (version.status_code, version.json())
    assert json.loads(Patient.model_validate(read.json()).model_dump_json()) == read.json()
    assert sent == {k: v for k, v in read.json().items() if k not in ("id", "meta")}
    assert 4 == UUID(read.json()["id"]).version


def test_an_update_makes_a_version_and_keeps_the_old_one(registry):
    """If-Match with the latest version: a new ETag, new search words, and the history stays."""
    client = registry()
    made = wire.create_patient(client, person())
    changed = made.resource | {"name": [{"family": "Marriedname", "given": ["Zoë"]}]}
    updated = wire.update_patient(client, made.person_id, changed, etag=made.etag)
    assert ('W/"2"', "2") == (updated.etag, updated.resource["meta"]["versionId"])
    assert updated == wire.read_patient(client, made.person_id)
    old = client.get(f"{BASE}/Patient/{made.person_id}/_history/1")
    assert made.resource == old.json()
    born = "1971-02-28"
    assert str(made.person_id) in found_ids(client, family="marriedname", birthdate=born)
    assert str(made.person_id) not in found_ids(client, family="testley", birthdate=born)


def test_a_stale_update_is_412_with_the_latest_version(registry):
    """Nothing changes, and the answer says which version to read."""
    client = registry()
    made = wire.create_patient(client, person())
    wire.update_patient(client, made.person_id, made.resource, etag=made.etag)
    with pytest.raises(VersionConflict) as caught:
        wire.update_patient(client, made.person_id, made.resource, etag=made.etag)
    assert 'W/"2"' == caught.value.headers["ETag"]


def test_of_two_updates_at_once_one_wins(registry):
    """Both name version 1: one 200, the others 412, and there are two versions."""
    client = registry()
    made = wire.create_patient(client, person())
    path, headers = f"{BASE}/Patient/{made.person_id}", {"If-Match": made.etag}
    with ThreadPoolExecutor(6) as threads:
        done = list(
            threads.map(lambda _: client.put(path, json=made.resource, headers=headers), range(6))
        )
    assert [200, 412, 412, 412, 412, 412] == sorted(answer.status_code for answer in done)
    assert 404 == client.get(f"{path}/_history/3").status_code


def test_updates_that_name_no_version_another_id_or_nobody_are_refused(registry):
    """400 without If-Match or with another id in the body; a person is never made by PUT."""
    client = registry()
    made = wire.create_patient(client, person())
    path = f"{BASE}/Patient/{made.person_id}"
    assert 400 == client.put(path, json=made.resource).status_code
    headers = {"If-Match": made.etag}
    for resource in (made.resource | {"id": str(uuid4())}, person()):
        assert 400 == client.put(path, json=resource, headers=headers).status_code
    nobody = str(uuid4())
    with pytest.raises(NotFound):
        wire.update_patient(client, UUID(nobody), person(id=nobody), etag='W/"1"')
    for unknown in (nobody, "Testley", f"{made.person_id}/_history/9"):
        assert 404 == client.get(f"{BASE}/Patient/{unknown}").status_code
    assert 405 == client.delete(path).status_code


def test_one_nhs_number_is_one_person(registry, demographic_admin):
    """A second registration is 409 and leaves nothing; a superseded number may repeat."""
    client = registry()
    taken = person()["identifier"]
    wire.create_patient(client, person(identifier=taken))
    before = _counts(demographic_admin)
    with pytest.raises(Conflict):
        wire.create_patient(client, person(identifier=taken))
    assert before == _counts(demographic_admin)
    other = wire.create_patient(client, person())
    stolen = other.resource | {"identifier": taken}
    with pytest.raises(Conflict):
        wire.update_patient(client, other.person_id, stolen, etag=other.etag)
    superseded = [taken[0] | {"use": "old"}, *other.resource["identifier"]]
    wire.update_patient(
        client, other.person_id, other.resource | {"identifier": superseded}, etag=other.etag
    )
    both = found_ids(client, identifier=f"{nhs_number.SYSTEM}|{taken[0]['value']}")
    assert 2 == len(both)


def test_registrations_of_one_number_at_once_make_one_person(registry):
    """Six threads, one number: one 201 and five 409."""
    client = registry()
    taken = person()["identifier"][:1]
    with ThreadPoolExecutor(6) as threads:
        done = list(
            threads.map(
                lambda _: client.post(f"{BASE}/Patient", json=person(identifier=taken)), range(6)
            )
        )
    assert [201, 409, 409, 409, 409, 409] == sorted(answer.status_code for answer in done)


# --- search --------------------------------------------------------------------------------------


def test_a_person_is_found_by_each_identifier(registry):
    """By NHS number in any spelling, by local number with its system, or by the value alone."""
    client = registry()
    made = wire.create_patient(client, person())
    nhs, mrn = (identifier["value"] for identifier in made.resource["identifier"])
    spelt = f"{nhs[:3]} {nhs[3:6]} {nhs[6:]}"
    for value in (
        f"{nhs_number.SYSTEM}|{nhs}",
        f"{nhs_number.SYSTEM}|{spelt}",
        f"{MRN}|{mrn}",
        mrn,
        spelt,
    ):
        assert {str(made.person_id)} == found_ids(client, identifier=value)
    assert set() == found_ids(client, identifier=f"{MRN}|{nhs}")


def test_a_person_is_found_by_name_and_birth_date(registry):
    """Case, accents and later words do not matter; every criterion must hold."""
    client = registry()
    name = [{"family": "Van der Łuk-Smith", "given": ["Zoë", "Anne"], "prefix": ["Dr"]}]
    made = str(wire.create_patient(client, person(name=name, birthDate="1988-07-06")).person_id)
    for parameters in (
        {"family": "van der luk"},
        {"family": "LUK"},
        {"name": "zoe"},
        {"name": "smith", "given": "anne"},
        {"family": "smi", "given": "zo"},
    ):
        for birth_date in ("1988-07-06", "1988-07", "1988", "eq1988-07-06"):
            assert made in found_ids(client, birthdate=birth_date, **parameters)
    for parameters in (
        {"family": "zoe", "birthdate": "1988-07-06"},
        {"family": "luk", "birthdate": "1988-07-07"},
        {"family": "luk", "given": "maria", "birthdate": "1988"},
        {"family": "l%k", "birthdate": "1988"},
        {"family": "l_k", "birthdate": "1988"},
    ):
        assert made not in found_ids(client, **parameters)


def test_a_search_is_a_bundle_by_another_implementation(registry):
    """A searchset with full URLs; a narrow one tells the total, and GET answers as POST does."""
    client = registry()
    made = wire.create_patient(client, person())
    parameters = {"identifier": made.resource["identifier"][1]["value"]}
    by_get = client.get(f"{BASE}/Patient", params=parameters)
    by_post = client.post(f"{BASE}/Patient/_search", data=parameters)
    assert by_get.json() == by_post.json()
    bundle = Bundle.model_validate(by_get.json())
    assert ("searchset", 1) == (bundle.type, bundle.total)
    assert made.resource == client.get(by_get.json()["entry"][0]["fullUrl"]).json()
    empty = Bundle.model_validate(
        client.get(f"{BASE}/Patient", params={"identifier": "none"}).json()
    )
    assert (0, None) == (empty.total, empty.entry)


def test_too_many_matches_end_with_a_warning_and_no_total(registry):
    """The first ones and an OperationOutcome; there is no next page to walk through."""
    client = registry()
    for _ in range(4):
        wire.create_patient(client, person(name=[{"family": "Manyfold"}], birthDate="1950"))
    parameters = {"family": "manyfold", "birthdate": "1950", "_count": "3"}
    bundle = Bundle.model_validate(client.post(f"{BASE}/Patient/_search", data=parameters).json())
    assert ["match"] * 3 + ["outcome"] == [entry.search.mode for entry in bundle.entry]
    assert (None, None) == (bundle.total, bundle.link)


@pytest.mark.parametrize(
    "parameters",
    [{}, {"family": "Testley"}, {"birthdate": "1971"}, {"gender": "male"}, {"_count": "50"}],
)
def test_searches_for_everybody_are_refused(registry, parameters):
    """400 with an OperationOutcome, by GET and by POST."""
    client = registry()
    by_get = client.get(f"{BASE}/Patient", params=parameters)
    by_post = client.post(f"{BASE}/Patient/_search", data=parameters, headers=_form())
    for answer in (by_get, by_post):
        assert 400 == answer.status_code
        assert OperationOutcome.model_validate(answer.json()).issue
        assert "Testley" not in answer.text


# --- refusals ------------------------------------------------------------------------------------


def test_broken_patients_are_refused_with_a_path_and_nothing_is_stored(registry, demographic_admin):
    """400 for structure, 422 for rules, in FHIR's shape; no value is in the answer."""
    client = registry()
    before = _counts(demographic_admin)
    wrong = {"system": nhs_number.SYSTEM, "value": "9990000043"}
    cases = [
        ({"birthDate": "Testley"}, 400, "Patient.birthDate"),
        ({"photo": [{"title": "Testley"}]}, 400, "Patient.photo"),
        ({"Testley": 1}, 400, "Patient"),
        ({"name": ...}, 422, "Patient.name"),
        ({"identifier": [wrong]}, 422, "Patient.identifier[0].value"),
    ]
    for changes, status, path in cases:
        answer = client.post(f"{BASE}/Patient", json=person(**changes))
        issue = OperationOutcome.model_validate(answer.json()).issue[0]
        assert (status, [path]) == (answer.status_code, issue.expression)
        assert "Testley" not in answer.text
        assert "9990000043" not in answer.text
    with pytest.raises(Unprocessable) as caught:
        wire.create_patient(client, person(identifier=[wrong]))
    assert [{"path": "Patient.identifier[0].value"}] == caught.value.findings
    for body, status in ((b"{", 400), (b"", 400), (b" " * 300_000, 413)):
        headers = {"Content-Type": "application/fhir+json"}
        answer = client.post(f"{BASE}/Patient", content=body, headers=headers)
        assert status == answer.status_code
    assert before == _counts(demographic_admin)


def test_formats_that_are_not_json_are_refused(registry):
    """406 for XML wanted, 415 for XML sent; FHIR's own media type and `_format` are understood."""
    client = registry()
    xml = {"Accept": "application/fhir+xml"}
    assert 406 == client.get(f"{BASE}/Patient/{uuid4()}", headers=xml).status_code
    asked = client.get(
        f"{BASE}/Patient", params={"identifier": "none", "_format": "json"}, headers=xml
    )
    assert 200 == asked.status_code
    sent = client.post(f"{BASE}/Patient", content=b"<x/>", headers={"Content-Type": "text/xml"})
    assert 415 == sent.status_code
    fhir = {
        "Content-Type": "application/fhir+json; charset=utf-8",
        "Accept": "application/fhir+json",
    }
    made = client.post(f"{BASE}/Patient", content=json.dumps(person()), headers=fhir)
    assert 201 == made.status_code


def test_keys_and_scopes_are_asked_for(registry, demographic):
    """401 without a key, 403 without the scope, both as OperationOutcome; metadata is open."""
    import httpx

    reader = registry("person:read")
    assert 403 == reader.post(f"{BASE}/Patient", json=person()).status_code
    writer = registry("person:write")
    assert 403 == writer.get(f"{BASE}/Patient/{uuid4()}").status_code
    with httpx.Client(base_url=demographic.url, trust_env=False) as stranger:
        answer = stranger.get(f"{BASE}/Patient/{uuid4()}")
        assert (401, "login") == (
            answer.status_code,
            OperationOutcome.model_validate(answer.json()).issue[0].code,
        )
        metadata = stranger.get(f"{BASE}/metadata")
        assert "4.0.1" == CapabilityStatement.model_validate(metadata.json()).fhirVersion
        assert 404 == stranger.get(f"{BASE}/Observation").status_code
        assert {"error", "message", "code", "trace_id"} <= set(stranger.get("/none").json())


# --- what the database shows ---------------------------------------------------------------------


def test_no_time_and_no_sequence_stands_in_the_database(registry, demographic_admin):
    """Months only, no sequence, ids that are random: nothing to join another database by."""
    client = registry()
    made = [wire.create_patient(client, person()) for _ in range(3)]
    with demographic_admin.connect() as connection:
        types = connection.exec_driver_sql(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type ~ 'time|date'"
        ).all()
        sequences = connection.exec_driver_sql("SELECT count(*) FROM pg_sequences").scalar()
        months = set(connection.scalars(sa.select(tables.person_history.c.month)))
    expected = {
        ("api_key", "expires", "date"),
        ("api_key", "last_used", "date"),  # a month, too
        ("access_log", "month", "date"),
        ("person_history", "month", "date"),
    }
    assert expected == {tuple(row) for row in types}
    assert 0 == sequences
    assert {datetime.now(UTC).date().replace(day=1)} == months
    assert {4} == {each.person_id.version for each in made}


def test_the_application_may_not_change_history_or_remove_a_person(demographic):
    """As the service's own role."""
    engine = demographic.app.state.organisations.engine("main")
    for statement in (
        "UPDATE person_history SET document = document",
        "DELETE FROM person_history",
        "TRUNCATE person_history",
        "DELETE FROM person",
        "CREATE TABLE mine (x int)",
    ):
        with engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError) as caught:
            connection.exec_driver_sql(statement)
        assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege), statement


def _form():
    return {"Content-Type": "application/x-www-form-urlencoded"}


def _counts(engine):
    counted = (tables.person, tables.person_history, tables.identifier, tables.person_name)
    with engine.connect() as connection:
        return [connection.scalar(sa.select(sa.func.count()).select_from(t)) for t in counted]
