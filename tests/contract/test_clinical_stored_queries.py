"""Stored queries over HTTP: kept in versions, run with parameters; and what every result tells."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from moiety import __version__
from tests.fixtures.clinical_documents import BASE, open_ehr, uid_of, upload, vital_signs

DEFINITION = f"{BASE}/definition/query"
QUERY = f"{BASE}/query"
NAME = "org.example.ward::compositions"
TEXT = {"Content-Type": "text/plain"}
ALL = "SELECT c/uid/value AS uid FROM EHR e CONTAINS COMPOSITION c"
OF = "SELECT c/uid/value AS uid FROM EHR e[ehr_id/value=$ehr_id] CONTAINS COMPOSITION c"
SORTED = f"{ALL} ORDER BY c/uid/value"


@pytest.fixture
def client(clinical):
    """A client that may do everything."""
    with clinical.client() as client:
        upload(client)
        yield client


@pytest.fixture
def records(client):
    """Two EHRs with two compositions each: uids by EHR."""
    found = {}
    for _ in range(2):
        ehr_id = open_ehr(client)
        place = f"{BASE}/ehr/{ehr_id}/composition"
        found[ehr_id] = {uid_of(client.post(place, json=vital_signs(n))) for n in range(2)}
    return found


def store(client, q=ALL, name=NAME, version=None):
    place = f"{DEFINITION}/{name}" + (f"/{version}" if version else "")
    return client.put(place, content=q, headers=TEXT)


def uids(answer):
    assert 200 == answer.status_code, answer.text
    return {row[0] for row in answer.json()["rows"]}


@pytest.mark.behaviour("query.stored")
@pytest.mark.row("definition_query_store.yaml")
def test_a_query_is_stored_as_version_one(client):
    """200 and Location for text; the whole for JSON; then it is there."""
    answer = store(client)
    assert (200, b"") == (answer.status_code, answer.content)
    assert answer.headers["Location"].endswith(f"{DEFINITION}/{NAME}/1.0.0")
    asked = {"q": OF}
    body = client.put(f"{DEFINITION}/other", json=asked)
    assert 200 == body.status_code
    found = body.json()
    assert {"name", "type", "version", "saved", "q"} == set(found)
    assert ("other", "AQL", "1.0.0", OF) == tuple(
        found[name] for name in ("name", "type", "version", "q")
    )
    assert datetime.fromisoformat(found["saved"]).tzinfo
    assert found == client.get(f"{DEFINITION}/other/1.0.0").json()


@pytest.mark.behaviour("query.kept")
@pytest.mark.row("definition_query_store.yaml")
@pytest.mark.row("definition_query_version_store.yaml")
def test_a_version_is_never_changed(client):
    """409 for one that is there; another version stands beside it."""
    assert 200 == store(client).status_code
    again = store(client, OF, version="1.0.0")
    assert (409, "Conflict") == (again.status_code, again.json()["error"])
    assert 200 == store(client, OF, version="1.0.1").status_code
    assert ALL == client.get(f"{DEFINITION}/{NAME}/1.0.0").json()["q"]


@pytest.mark.behaviour("query.next")
@pytest.mark.row("definition_query_store.yaml")
@pytest.mark.row("definition_query_version_store.yaml")
def test_a_version_that_is_not_whole_means_the_next(client):
    """None: the next major version; a part: the next that begins so; Location tells which."""
    for version, wanted in (
        (None, "1.0.0"), (None, "2.0.0"), ("1", "1.1.0"), ("1.1", "1.1.1"), ("1.7", "1.7.0"),
        ("1", "1.8.0"), ("4", "4.0.0"), (None, "5.0.0"), ("1.1", "1.1.2"),
    ):  # fmt: skip
        answer = store(client, version=version)
        assert 200 == answer.status_code, answer.text
        assert f"/{NAME}/{wanted}" in answer.headers["Location"], version
    assert "5.0.0" == client.get(f"{DEFINITION}/{NAME}/5").json()["version"]


def test_versions_that_are_stored_together_are_all_kept(client):
    """Each in one of its own, whoever was first."""
    with ThreadPoolExecutor(6) as pool:
        stored = list(pool.map(lambda n: store(client, f"{ALL} LIMIT {n}"), range(1, 7)))
    found = [one.headers["Location"].rpartition("/")[2] for one in stored if one.is_success]
    assert [200] * len(found) == [one.status_code for one in stored if one.status_code != 409]
    assert sorted(set(found)) == sorted(found)
    assert len(found) == len(client.get(DEFINITION).json()) >= 2


@pytest.mark.behaviour("query.invalid")
@pytest.mark.row("definition_query_version_store.yaml")
@pytest.mark.parametrize(
    ("name", "version", "q", "headers"),
    [("x", "1.0.0.0", ALL, TEXT), ("x", "a.b.c", ALL, TEXT), ("AQL", None, ALL, TEXT),
     ("b@d", None, ALL, TEXT), ("a::b::c", None, ALL, TEXT), ("x", None, "SELECT", TEXT),
     ("x", None, "", TEXT), ("x", None, '{"query": 1}', {"Content-Type": "application/json"}),
     ("x", None, '{"q": 1}', {"Content-Type": "application/json"})],
)  # fmt: skip
def test_what_is_no_name_version_or_query_is_400(client, name, version, q, headers):
    """And nothing is stored."""
    place = f"{DEFINITION}/{name}" + (f"/{version}" if version else "")
    answer = client.put(place, content=q, headers=headers)
    assert (400, "Bad Request") == (answer.status_code, answer.json()["error"])
    assert [] == client.get(DEFINITION).json()


@pytest.mark.behaviour("query.invalid")
@pytest.mark.row("definition_query_store.yaml")
def test_a_query_is_text_or_json_and_aql(client):
    """415 for another format, 400 for another language."""
    assert 415 == client.put(
        f"{DEFINITION}/x", content=ALL, headers={"Content-Type": "application/xml"}
    ).status_code  # fmt: skip
    wrong = client.put(f"{DEFINITION}/x", content=ALL, headers=TEXT, params={"query_type": "SQL"})
    assert 400 == wrong.status_code


@pytest.mark.row("stored_query_list_all")
@pytest.mark.behaviour("query.listed")
@pytest.mark.row("definition_query_list")
def test_queries_are_listed_by_the_beginning_of_their_names(client):
    """Every version of each."""
    for version in ("1.0.0", "1.10.0", "1.9.0"):
        store(client, version=version)
    store(client, name="org.example.lab::results")
    store(client, name="else")

    def listed(pattern=""):
        found = client.get(f"{DEFINITION}/{pattern}" if pattern else DEFINITION)
        return [f"{one['name']}/{one['version']}" for one in found.json()]

    assert 5 == len(listed())
    assert [f"{NAME}/{v}" for v in ("1.0.0", "1.9.0", "1.10.0")] == listed(NAME)
    assert 4 == len(listed("org.example"))
    assert [] == listed("nothing")


@pytest.mark.row("definition_query_version_get")
def test_a_part_of_a_version_means_the_latest(client):
    """By number and not by letter; 404 where there is none."""
    for version in ("1.0.0", "1.9.0", "1.10.0", "2.0.0"):
        store(client, version=version)

    def got(version):
        return client.get(f"{DEFINITION}/{NAME}/{version}")

    assert "1.10.0" == got("1").json()["version"]
    assert "1.9.0" == got("1.9").json()["version"]
    assert 404 == got("3").status_code
    assert 404 == client.get(f"{DEFINITION}/nothing/1.0.0").status_code
    assert 400 == got("latest").status_code


@pytest.mark.behaviour("query.not-deleted")
def test_a_query_is_not_deleted_here(client):
    """405, whether or not it is there."""
    store(client)
    answer = client.delete(f"{DEFINITION}/{NAME}/1.0.0")
    assert (405, "Method Not Allowed") == (answer.status_code, answer.json()["error"])
    assert {"GET", "HEAD", "PUT", "OPTIONS"} == set(answer.headers["Allow"].split(", "))
    assert 200 == client.get(f"{DEFINITION}/{NAME}/1.0.0").status_code


@pytest.mark.behaviour("aql.stored")
@pytest.mark.row("query_execute_stored_query")
@pytest.mark.row("query_execute_stored_query_body")
@pytest.mark.row("query_execute_stored_query_version")
@pytest.mark.row("query_execute_stored_query_version_body")
def test_a_stored_query_runs_by_name_and_by_version(client, records):
    """GET and POST; the answer names the version that ran."""
    store(client, "SELECT e/ehr_id/value FROM EHR e", version="1.0.0")
    store(client, ALL, version="1.1.0")
    for place in (NAME, f"{NAME}/1", f"{NAME}/1.1.0"):
        for answer in (
            client.get(f"{QUERY}/{place}"),
            client.post(f"{QUERY}/{place}", json={}),
            client.post(f"{QUERY}/{place}"),
        ):
            assert set.union(*records.values()) == uids(answer)
            assert (f"{NAME}/1.1.0", ALL) == (answer.json()["name"], answer.json()["q"])
    old = client.get(f"{QUERY}/{NAME}/1.0.0")
    assert set(records) == uids(old)
    for place in ("nothing", f"{NAME}/2", "nothing/1.0.0"):
        assert 404 == client.get(f"{QUERY}/{place}").status_code
        assert 404 == client.post(f"{QUERY}/{place}", json={}).status_code


@pytest.mark.behaviour("aql.parameters")
@pytest.mark.row("query_execute_stored_query_body")
@pytest.mark.row("query_execute_stored_query")
def test_parameters_come_in_the_url_or_the_body(client, records):
    """Text and numbers; a missing one is 400."""
    store(client, OF)
    for ehr_id, expected in records.items():
        sent = {"query_parameters": {"ehr_id": ehr_id}}
        assert expected == uids(client.get(f"{QUERY}/{NAME}", params={"ehr_id": ehr_id}))
        assert expected == uids(client.post(f"{QUERY}/{NAME}", json=sent))
    assert 400 == client.get(f"{QUERY}/{NAME}").status_code
    store(client, f"{ALL} WHERE c/uid/value = $uid", name="one")
    wanted = min(expected)
    assert {wanted} == uids(client.get(f"{QUERY}/one", params={"uid": wanted}))
    store(client, f"{ALL} WHERE c/uid/value matches $uids", name="some")
    for some in (expected, {wanted}):
        assert some == uids(client.get(f"{QUERY}/some", params={"uids": sorted(some)}))
        sent = {"query_parameters": {"uids": sorted(some)}}
        assert some == uids(client.post(f"{QUERY}/some", json=sent))


@pytest.mark.behaviour("aql.one-ehr")
@pytest.mark.row("query_execute_adhoc_query")
@pytest.mark.row("query_execute_adhoc_query_body")
@pytest.mark.parametrize(
    "q",
    [ALL, "SELECT c/uid/value FROM COMPOSITION c",
     "SELECT c/uid/value FROM EHR e[ehr_id/value!='x'] CONTAINS COMPOSITION c",
     "SELECT c/uid/value FROM EHR CONTAINS COMPOSITION c", OF],
)  # fmt: skip
def test_a_query_in_the_context_of_one_ehr_sees_no_other(client, records, q):
    """`ehr_id` as a parameter of the URL, in the body or as a header."""
    for ehr_id, expected in records.items():
        header = {"openehr-ehr-id": ehr_id}
        for answer in (
            client.get(f"{QUERY}/aql", params={"q": q, "ehr_id": ehr_id}),
            client.get(f"{QUERY}/aql", params={"q": q}, headers=header),
            client.post(f"{QUERY}/aql", json={"q": q, "ehr_id": ehr_id}),
            client.post(f"{QUERY}/aql", json={"q": q}, params={"ehr_id": ehr_id}),
            client.post(f"{QUERY}/aql", json={"q": q}, headers=header),
        ):
            assert expected == uids(answer)
            assert q == answer.json()["q"]
    assert 400 == client.get(f"{QUERY}/aql", params={"q": ALL, "ehr_id": "x"}).status_code


@pytest.mark.behaviour("aql.href")
@pytest.mark.row("query_execute_stored_query")
def test_a_result_is_fetched_in_pages(client, records):
    """By `fetch` and `offset`, in the URL or the body; meta tells what is in effect."""
    store(client, SORTED)
    whole = [row[0] for row in client.get(f"{QUERY}/{NAME}").json()["rows"]]
    assert 4 == len(whole)
    wanted = {"fetch": 2, "offset": 1}
    for answer in (
        client.get(f"{QUERY}/{NAME}", params=wanted),
        client.post(f"{QUERY}/{NAME}", json=wanted),
    ):
        assert whole[1:3] == [row[0] for row in answer.json()["rows"]]
        meta = answer.json()["meta"]
        assert (2, 1, 2) == (meta["fetch"], meta["offset"], meta["resultsize"])
    limited = {"q": f"{SORTED} LIMIT 2"}
    meta = client.post(f"{QUERY}/aql", json=limited).json()["meta"]
    assert (2, 0) == (meta["fetch"], meta["offset"])
    plain = client.post(f"{QUERY}/aql", json={"q": SORTED}).json()["meta"]
    assert not {"fetch", "offset"} & set(plain)
    alone = client.get(f"{QUERY}/{NAME}", params={"offset": 1})
    said = "Query parameter for offset provided, but no fetch parameter"
    assert (422, True) == (alone.status_code, said in alone.json()["message"])
    both = client.post(f"{QUERY}/aql", json=limited | {"fetch": 1})
    said = "Query contains a LIMIT clause, fetch and offset parameters must not be used"
    assert (422, True) == (both.status_code, said in both.json()["message"])
    assert 400 == client.get(f"{QUERY}/{NAME}", params={"fetch": -1}).status_code
    assert 400 == client.get(f"{QUERY}/{NAME}", params={"fetch": "x"}).status_code


@pytest.mark.behaviour("aql.result", "aql.href")
@pytest.mark.row("query_execute_adhoc_query")
@pytest.mark.row("query_execute_adhoc_query_body")
def test_the_meta_data_of_a_result(client, records):
    """_href with GET alone; the server names itself; ETag and media type."""
    got = client.get(f"{QUERY}/aql", params={"q": ALL})
    posted = client.post(f"{QUERY}/aql", json={"q": ALL})
    for answer in (got, posted):
        assert "application/json" == answer.headers["Content-Type"]
        assert answer.headers["ETag"].startswith('"')
        body = answer.json()
        assert {"meta", "q", "columns", "rows"} == set(body)
        assert [{"path": "c/uid/value", "name": "uid"}] == body["columns"]
        meta = body["meta"]
        assert ("RESULTSET", f"Moiety/{__version__}") == (meta["_type"], meta["_generator"])
        assert datetime.fromisoformat(meta["_created"])
        assert {"_schema_version", "_executed_aql", "resultsize"} <= set(meta)
    assert str(got.request.url) == got.json()["meta"]["_href"]
    assert "_href" not in posted.json()["meta"]
    assert got.headers["ETag"] != posted.headers["ETag"]


@pytest.mark.row("query_execute_adhoc_query_body")
def test_what_is_no_query_request_is_refused(client):
    """400, 406 and 415, each in the one shape."""
    assert 400 == client.post(f"{QUERY}/aql", json={}).status_code
    assert 400 == client.post(f"{QUERY}/aql", json={"q": ALL, "surprise": 1}).status_code
    assert 400 == client.post(f"{QUERY}/aql", json={"q": "SELECT"}).status_code
    assert 400 == client.get(f"{QUERY}/aql").status_code
    assert 415 == client.post(f"{QUERY}/aql", content=ALL, headers=TEXT).status_code
    xml = client.post(f"{QUERY}/aql", json={"q": ALL}, headers={"Accept": "text/plain"})
    assert 406 == xml.status_code
