"""The Patient: accepted ones are FHIR by another implementation, refusals name a path."""

import json
from uuid import uuid4

import msgspec
import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.patient import Patient as SecondPatient
from hypothesis import given
from hypothesis import strategies as st

from demographic_api import nhs_number, patients
from demographic_api.capability import statement
from demographic_api.fhir import decode_patient
from demographic_api.outcomes import outcome
from demographic_api.persons import Version
from moiety.kit.errors import BY_CODE, Malformed, Unprocessable

_ID = uuid4()
FULL = {
    "resourceType": "Patient",
    "meta": {"versionId": "7", "profile": ["https://example.org/Profile"]},
    "identifier": [
        {
            "use": "official",
            "system": nhs_number.SYSTEM,
            "value": "999 000 0042",
            "assigner": {"display": "NHS England"},
        },
        {"use": "usual", "system": "https://example.org/mrn", "value": "RX-1"},
    ],
    "active": True,
    "name": [
        {"use": "official", "family": "O'Neill", "given": ["Maeve", "Zoë"], "prefix": ["Dr"]},
        {"use": "old", "text": "Maeve Łukasz"},
    ],
    "telecom": [{"system": "phone", "value": "01632 960001", "use": "home"}],
    "gender": "female",
    "birthDate": "1971-02-28",
    "deceasedBoolean": False,
    "address": [
        {
            "use": "home",
            "type": "both",
            "line": ["1 Test Row"],
            "city": "Testham",
            "district": "Testshire",
            "postalCode": "ZZ99 3VZ",
            "country": "GB",
        }
    ],
}


def _read(**changes):
    document = {k: v for k, v in (FULL | changes).items() if v is not ...}
    return decode_patient(json.dumps(document).encode())


def _findings(kind, **changes):
    with pytest.raises(kind) as caught:
        patients.check(_read(**changes))
    return [(finding["path"], finding["rule"]) for finding in caught.value.findings]


def _encode(version):
    return json.loads(msgspec.json.encode(version.resource()))


def test_an_accepted_patient_is_fhir_by_another_implementation():
    """fhir.resources reads what we answer and gives back the same document."""
    answered = _encode(Version(_ID, 3, patients.check(_read())))
    second = json.loads(SecondPatient.model_validate(answered).model_dump_json())
    assert answered == second
    assert ("3", str(_ID)) == (answered["meta"]["versionId"], answered["id"])


def test_what_is_sent_is_answered():
    """Nothing is lost or changed but the spelling of the NHS number, the id and the version."""
    answered = _encode(Version(_ID, 1, patients.check(_read())))
    expected = json.loads(json.dumps(FULL))
    expected["identifier"][0]["value"] = "9990000042"
    expected["meta"]["versionId"] = "1"
    assert expected == {key: value for key, value in answered.items() if key != "id"}


@pytest.mark.parametrize(
    ("changes", "path", "rule"),
    [
        ({"photo": [{}]}, "Patient.photo", "unknown"),
        ({"Fletcher": 1}, "Patient", "unknown"),
        ({"gender": "Fletcher"}, "Patient.gender", "value"),
        ({"birthDate": "28/02/1971"}, "Patient.birthDate", "value"),
        ({"birthDate": 1971}, "Patient.birthDate", "type"),
        ({"birthDate": None}, "Patient.birthDate", "type"),
        ({"name": []}, "Patient.name", "value"),
        ({"name": [{"family": " "}]}, "Patient.name[0].family", "value"),
        ({"name": [{"family": "Fletcher\u0000"}]}, "Patient.name[0].family", "value"),
        ({"name": [{"given": [7]}]}, "Patient.name[0].given[0]", "type"),
        ({"identifier": [{"value": "1"}]}, "Patient.identifier[0].system", "required"),
        ({"deceasedDateTime": "2020-01-01T10:00:00Z"}, "Patient.deceasedDateTime", "value"),
        ({"resourceType": "Fletcher"}, "Patient.resourceType", "value"),
        ({"resourceType": ...}, "Patient.resourceType", "required"),
        ({"name": [{"family": "x", "period": {}}]}, "Patient.name[0].period", "unknown"),
    ],
)
def test_broken_structure_is_told_by_expression(changes, path, rule):
    """400 with the FHIR expression of the first fault."""
    assert [(path, rule)] == _findings(Malformed, **changes)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": ...}, "Patient.name"),
        ({"name": [{"prefix": ["Dr"]}]}, "Patient.name[0]"),
        ({"birthDate": "1971-02-29"}, "Patient.birthDate"),
        ({"birthDate": "2999"}, "Patient.birthDate"),
        ({"birthDate": "1700-01-01"}, "Patient.birthDate"),
        (
            {"identifier": [{"system": nhs_number.SYSTEM, "value": "9990000043"}]},
            "Patient.identifier[0].value",
        ),
        (
            {
                "identifier": [
                    {"system": nhs_number.SYSTEM, "value": "9990000042"},
                    {"system": nhs_number.SYSTEM, "value": "9990000050"},
                ]
            },
            "Patient.identifier",
        ),
        ({"deceasedDateTime": "2020"}, "Patient.deceased"),
    ],
)
def test_broken_rules_are_told_by_expression(changes, path):
    """422 with every finding."""
    assert [path] == [found for found, _ in _findings(Unprocessable, **changes)]


def test_partial_dates_leap_days_and_superseded_numbers_are_accepted():
    """A year or month is a birth date; an old NHS number may stand beside the current one."""
    for birth_date in ("1971", "1971-02", "1972-02-29"):
        assert birth_date == patients.check(_read(birthDate=birth_date)).birthDate
    old = {"use": "old", "system": nhs_number.SYSTEM, "value": "9990000050"}
    assert 3 == len(patients.check(_read(identifier=[*FULL["identifier"], old])).identifier)


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_no_error_shows_what_was_sent(family, key):
    """Whatever stands in a name or is used as a key, an error holds neither."""
    with pytest.raises(Malformed) as caught:
        patients.check(_read(name=[{"family": family + "\u0007Fletcher", key: "Fletcher"}]))
    assert "Fletcher" not in json.dumps(outcome(caught.value))


def test_every_error_is_an_operation_outcome_by_another_implementation():
    """Each kind of error, with and without findings, is read by fhir.resources."""
    findings = [{"path": "Patient.name", "rule": "required"}]
    for kind in BY_CODE.values():
        for error in (kind(), kind(findings=findings)):
            assert OperationOutcome.model_validate(outcome(error)).issue


def test_the_capability_statement_is_fhir_by_another_implementation():
    """fhir.resources reads it; it names the interactions that exist."""
    read = CapabilityStatement.model_validate(statement())
    codes = [interaction.code for interaction in read.rest[0].resource[0].interaction]
    assert ["create", "read", "vread", "update", "search-type"] == codes
