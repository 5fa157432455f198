"""Queries that mean harm, or nothing: an answer or a 400 with its place, and nothing else."""

import json

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.clinical_documents import BASE, WHOLE, open_ehr, upload, vital_signs
from tests.unit.aql.test_parser import PIECES

AQL = f"{BASE}/query/aql"
OBSERVATION = "OBSERVATION o[openEHR-EHR-OBSERVATION.blood_pressure.v2]"


@pytest.fixture
def filled(clinical):
    """A client of a service with one composition."""
    with clinical.client() as client:
        upload(client)
        place = f"{BASE}/ehr/{open_ehr(client)}/composition"
        assert 201 == client.post(place, json=vital_signs(), headers=WHOLE).status_code
        yield client


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=120) | st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join))
def test_any_text_is_answered_or_refused_with_its_place(filled, text):
    """Nothing is our fault, and what is refused says where."""
    answer = filled.post(AQL, json={"q": text})
    assert answer.status_code in {200, 400, 422}, answer.text
    if answer.status_code == 400:
        assert "line " in answer.json()["message"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=80))
def test_any_bytes_are_no_query(filled, body):
    """A body that is no JSON object with a query is 400."""
    answer = filled.post(AQL, content=body, headers={"Content-Type": "application/json"})
    assert 400 == answer.status_code, answer.text


LARGE = [
    "SELECT o FROM OBSERVATION o WHERE o/name/value = '" + "x" * 1_000_000 + "'",
    "SELECT o FROM OBSERVATION o WHERE " + "(" * 20_000,
    "SELECT " + "LENGTH(" * 20_000,
    "SELECT o FROM " + "SECTION CONTAINS " * 3_000 + "OBSERVATION o",
]


@pytest.mark.parametrize("text", LARGE, ids=["megabyte", "parentheses", "calls", "contains"])
def test_what_is_too_large_or_too_deep_is_refused(filled, text):
    """Before anything is run."""
    answer = filled.post(AQL, json={"q": text})
    assert 400 == answer.status_code
    assert "line " in answer.json()["message"]


def test_what_combines_to_too_many_rows_is_refused(filled):
    """Elements beside elements beside elements: 422, and the service goes on."""
    many = " AND ".join(f"ELEMENT l{n}" for n in range(9))
    paths = ", ".join(f"o/data/events/data[at{n:04}]/items/name/value" for n in range(9))
    loose = ", ".join(f"c/content[name/value!='{n}']/data/events/data/items" for n in range(9))
    bounded = filled.post(AQL, json={"q": f"SELECT l0 FROM COMPOSITION CONTAINS ({many}) LIMIT 5"})
    assert (200, 5) == (bounded.status_code, len(bounded.json()["rows"]))
    assert 200 == filled.post(AQL, json={"q": f"SELECT {paths} FROM {OBSERVATION}"}).status_code
    answer = filled.post(AQL, json={"q": f"SELECT {loose} FROM COMPOSITION c"})
    assert answer.status_code in {200, 422}, answer.text
    assert 200 == filled.post(AQL, json={"q": "SELECT COUNT(*) FROM EHR e"}).status_code


EVIL = [
    "'; DROP TABLE ehr; --",
    "x' OR '1'='1",
    "%' OR true --",
    "\\'; SELECT pg_sleep(9); --",
    "$1; DELETE FROM composition",
    '"); DROP SCHEMA leaf CASCADE; --',
    "%s %(param_1)s {0} :x",
]
PLACES = [
    "SELECT o FROM OBSERVATION o WHERE o/name/value = {}",
    "SELECT o FROM OBSERVATION o WHERE o/name/value LIKE {}",
    "SELECT o FROM OBSERVATION o WHERE o/name/value matches {{{}, {}}}",
    "SELECT o FROM OBSERVATION o[name/value={}]",
    "SELECT o FROM OBSERVATION o[openEHR-EHR-OBSERVATION.blood_pressure.v2, {}]",
    "SELECT o/data[at0001, {}]/origin/value AS x FROM OBSERVATION o WHERE o/name/value = {}",
    "SELECT o FROM EHR e[ehr_id/value={}] CONTAINS OBSERVATION o",
    "SELECT o FROM OBSERVATION o WHERE CONCAT(o/name/value, {}) = {}",
    "SELECT v FROM VERSION v CONTAINS OBSERVATION o WHERE v/commit_audit/committer/name = {}",
    "SELECT e FROM EHR e WHERE e/ehr_status/subject/external_ref/namespace={}",
]


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
def test_a_value_is_never_sql(clinical, filled, place):
    """Written in the text or given as a parameter, it is compared, and nothing is found."""
    before = rows(clinical)
    for evil in EVIL:
        written = place.replace("{{", "{").replace("}}", "}") if "{{" in place else place
        text = written.replace("{}", json.dumps(evil))
        given = {"q": written.replace("{}", "$p"), "query_parameters": {"p": evil}}
        for asked in ({"q": text}, given):
            answer = filled.post(AQL, json=asked)
            if "LIKE" in text and "\\" in evil:
                assert (400, True) == (answer.status_code, "LIKE pattern" in answer.text)
                continue
            assert (200, []) == (answer.status_code, answer.json().get("rows")), answer.text
    assert before == rows(clinical)


@pytest.mark.parametrize("name", ["x; DROP TABLE ehr", 'x"y', "x'y", "x--y", "$1"])
def test_a_name_is_a_name(clinical, filled, name):
    """An alias or a variable that is no name is refused."""
    before = rows(clinical)
    for text in (f"SELECT o AS {name} FROM OBSERVATION o", f"SELECT 1 FROM OBSERVATION {name}"):
        assert filled.post(AQL, json={"q": text}).status_code == 400
    assert before == rows(clinical)


def rows(clinical):
    """How many rows each table holds."""
    with psycopg.connect(clinical.database.url("postgres")) as connection:
        names = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname IN ('public', 'leaf') ORDER BY 1"
        ).fetchall()
        return {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone() for (name,) in names
        }
