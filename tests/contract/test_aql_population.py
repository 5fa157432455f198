"""EHR_STATUS.is_queryable: who is in a population, over HTTP."""

import pytest

from tests.fixtures.clinical_documents import BASE, open_ehr, status, uid_of, upload, vital_signs

BP = "openEHR-EHR-OBSERVATION.moiety_blood_pressure.v1"
VALUE = "o/data[at0001]/events[at0002]/data[at0003]/items[at0004]/value/magnitude"
FROM = "FROM EHR e{} CONTAINS COMPOSITION c CONTAINS OBSERVATION o"

QUERIES = [
    "SELECT e/ehr_id/value FROM EHR e{}",
    f"SELECT e/ehr_id/value, {VALUE} {FROM}[{BP}]",
    f"SELECT e/ehr_id/value, o {FROM}[{BP}] WHERE {VALUE} > 0",
    f"SELECT e/ehr_id/value, o/encoding/code_string {FROM}",
    "SELECT e/ehr_id/value, c FROM EHR e{} CONTAINS COMPOSITION c",
]


@pytest.fixture
def client(clinical):
    """A client that may do everything."""
    with clinical.client() as client:
        yield client


@pytest.mark.parametrize("text", QUERIES)
def test_who_is_not_queryable_is_in_no_population(client, text):
    """Whichever way answers; the status that says otherwise again brings the EHR back."""
    upload(client)
    ehrs = [open_ehr(client) for _ in range(2)]
    for number, ehr_id in enumerate(ehrs):
        place = f"{BASE}/ehr/{ehr_id}/composition"
        assert 201 == client.post(place, json=vital_signs(number)).status_code
    assert set(ehrs) == told(client, text.format(""))
    for queryable in (False, True):
        set_queryable(client, ehrs[0], queryable)
        assert (set(ehrs) if queryable else {ehrs[1]}) == told(client, text.format(""))
        one = text.format(f"[ehr_id/value='{ehrs[0]}']")
        assert {ehrs[0]} == told(client, one) == told(client, text.format(""), ehr_id=ehrs[0])
        counted = text.replace("SELECT e/ehr_id/value", "SELECT COUNT(DISTINCT e/ehr_id/value)")
        if "," not in counted.partition("FROM")[0]:
            assert told(client, counted.format("")) == {2 if queryable else 1}


def told(client, text, **more):
    """What the first column of a result holds."""
    answer = client.post(f"{BASE}/query/aql", json={"q": text, **more})
    assert 200 == answer.status_code, answer.text
    return {row[0] for row in answer.json()["rows"]}


def set_queryable(client, ehr_id, queryable):
    """A new version of the status."""
    place = f"{BASE}/ehr/{ehr_id}/ehr_status"
    before = uid_of(client.get(place))
    answer = client.put(
        place, json=status(is_queryable=queryable), headers={"If-Match": f'"{before}"'}
    )
    assert answer.status_code in {200, 204}, answer.text
