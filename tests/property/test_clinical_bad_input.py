"""Whatever stands at any place of a document, the answer is 201, 400 or 422, never a trace."""

import copy
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moiety.commands.demo import records

TEMPLATE = (Path(records.__file__).parent / "templates/vital_signs.opt").read_bytes()
DOCUMENT = records.vital_signs(random.Random(4), datetime(2026, 11, 20, tzinfo=UTC))
NASTY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
    st.sampled_from(
        ["\0", "a\0b", "\ud800", "x" * 10_000, "'; DROP TABLE ehr; --", "{}", "2026-13-45", "P1Y2",
         "openEHR-EHR-CLUSTER.x.v1", 10**400, -(2**63) - 1, 1e308, [], {}, [[]], {"_type": "X"},
         {"_type": "DV_TEXT"}, {"_type": "COMPOSITION"}]
    ),
)  # fmt: skip


def places(value, way=()):
    """Every place in a document."""
    yield way
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from places(item, (*way, key))


PLACES = [way for way in places(DOCUMENT) if way]


def put(document, way, value):
    """The document with another value at a place."""
    made = copy.deepcopy(document)
    inner = made
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = value
    return made


@pytest.fixture
def place(clinical):
    """A client and the composition collection of an EHR."""
    with clinical.client() as client:
        adl = "/openehr/v1/definition/template/adl1.4"
        client.post(adl, content=TEMPLATE, headers={"Content-Type": "application/xml"})
        ehr_id = client.post("/openehr/v1/ehr").headers["ETag"].strip('"')
        yield client, f"/openehr/v1/ehr/{ehr_id}/composition"


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(way=st.sampled_from(PLACES), value=NASTY)
def test_nothing_at_any_place_breaks_the_service(place, way, value):
    """A value of any kind at any place of a valid document."""
    client, path = place
    body = json.dumps(put(DOCUMENT, way, value), allow_nan=True).encode()
    answer = client.post(path, content=body)
    assert answer.status_code in {201, 400, 422}, (way, answer.text)
    if answer.status_code != 201:
        assert answer.json()["validationErrors"]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=st.integers(0, len(json.dumps(DOCUMENT))), junk=st.binary(max_size=8))
def test_a_cut_or_garbled_document_is_400(place, cut, junk):
    """The beginning of a document with something behind it."""
    client, path = place
    body = json.dumps(DOCUMENT).encode()[:cut] + junk
    answer = client.post(path, content=body)
    assert answer.status_code in {201, 400, 422}, (cut, answer.text)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                ["SELECT", "FROM", "EHR e", "CONTAINS", "COMPOSITION c", "WHERE", "c/uid/value",
                 "=", "'x'", "$p", "(", ")", "ORDER BY", "LIMIT", "5", "AND", ",", "COUNT(*)",
                 "e/ehr_id", "matches", "{", "}", "NOT", "exists", "1e999", "--", "\0"]
            ),
            max_size=14,
        ).map(" ".join),
    )
)  # fmt: skip
def test_no_query_breaks_the_service(place, text):
    """Any text as a query: rows, 400, 422 or 501."""
    client, _ = place
    answer = client.post("/openehr/v1/query/aql", json={"q": text, "query_parameters": {"p": 1}})
    assert answer.status_code in {200, 400, 422, 501}, (text, answer.text)
