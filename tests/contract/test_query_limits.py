"""What keeps a heavy query from harming others: turns, deadlines, a most of rows and of text."""

import asyncio
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from clinical_api.app import create_app
from clinical_api.settings import Settings
from clinical_api.turns import Turns
from moiety.kit.errors import TooMany
from tests.fixtures.clinical_documents import BASE, open_ehr, vital_signs
from tests.fixtures.fix_services import served
from tests.fixtures.many_rows import FROM, SYSTOLIC, copy_documents, multiply, prepare

AQL = f"{BASE}/query/aql"
HEAVY = {"q": f"SELECT e/ehr_id/value, {SYSTOLIC}, o/protocol {FROM}"}


def service(database, **settings):
    """The service with other settings."""
    app = create_app(Settings(database_url=database.url(), **settings))
    return served("clinical", app, database)


# --- turns ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.behaviour("query.turns")
def test_heavy_queries_leave_commits_alone(clinical_database):
    """Four population queries of one key run while commits go on; the fifth is told to wait, and a
    query of another key or of one EHR is answered.
    """
    settings = {"query_seconds": 60.0, "query_patience": 0.2}
    with service(clinical_database, **settings) as clinical, clinical.client() as client:
        ehr_id = prepare(client, 5)
        place = f"{BASE}/ehr/{ehr_id}/composition"
        alone = [committed(client, place) for _ in range(40)]
        copy_documents(clinical_database, 600)
        with ThreadPoolExecutor(4) as pool, clinical.client() as heavy:
            asked = [pool.submit(heavy.post, AQL, json=HEAVY, timeout=120) for _ in range(4)]
            time.sleep(1.0)
            assert not any(one.done() for one in asked)
            fifth = heavy.post(AQL, json=HEAVY)
            assert (429, "TooMany") == (fifth.status_code, fifth.json()["code"])
            assert int(fifth.headers["Retry-After"]) > 0
            one = heavy.post(AQL, json={**HEAVY, "ehr_id": open_ehr(client)})
            assert (200, []) == (one.status_code, one.json()["rows"])
            few = {"q": f"{HEAVY['q']} LIMIT 1"}
            assert 200 == client.post(AQL, json=few).status_code
            beside = []
            while not any(one.done() for one in asked) and len(beside) < 40:
                beside.append(committed(client, place))
            results = [one.result() for one in asked]
        assert {200} == {one.status_code for one in results}
        assert 1 == len({len(one.json()["rows"]) for one in results})
        told = [statistics.median(some) * 1000 for some in (alone, beside)]
        print(f"commit: {told[0]:.1f} ms alone, {told[1]:.1f} ms beside, of {len(beside)}")
        assert len(beside) >= 10
        assert statistics.median(beside) < 5 * statistics.median(alone) + 0.1


def committed(client, place):
    """The seconds that a commit takes."""
    begun = time.perf_counter()
    assert 201 == client.post(place, json=vital_signs()).status_code
    return time.perf_counter() - begun


def test_short_queries_wait_for_their_turn(clinical_database):
    """Many more than have a turn at once: all are answered."""
    settings = {"query_concurrency": 1, "query_connections": 1, "query_patience": 20.0}
    with service(clinical_database, **settings) as clinical, clinical.client() as client:
        prepare(client)
        with ThreadPoolExecutor(8) as pool:
            asked = list(pool.map(lambda _: client.post(AQL, json=HEAVY), range(24)))
    assert {200} == {one.status_code for one in asked}


# --- deadlines -----------------------------------------------------------------------------------


@pytest.mark.behaviour("query.deadline")
@pytest.mark.parametrize("workers", [0, 1])
def test_documents_are_not_evaluated_past_the_deadline(clinical_database, workers):
    """408 soon after it, in this process or in others; and the next query is answered."""
    settings = {"query_seconds": 1.0, "query_workers": workers}
    with service(clinical_database, **settings) as clinical, clinical.client() as client:
        prepare(client, 5)
        copy_documents(clinical_database, 9000)
        begun = time.monotonic()
        answer = client.post(AQL, json=HEAVY)
        assert (408, "QueryTimeout") == (answer.status_code, answer.json()["code"])
        assert time.monotonic() - begun < 4
        assert 200 == client.post(AQL, json={"q": f"{HEAVY['q']} LIMIT 1"}).status_code


@pytest.mark.behaviour("query.deadline")
def test_one_document_is_not_evaluated_past_the_deadline(clinical_database):
    """However many combinations it has, in a query of one EHR or of all: 408."""
    classes = " AND ".join(f"ELEMENT x{number}" for number in range(6))
    text = f"SELECT x0 FROM EHR e CONTAINS ({classes}) WHERE x0/name/value = 'never'"
    settings = {"query_seconds": 0.5, "query_workers": 0}
    with service(clinical_database, **settings) as clinical, clinical.client() as client:
        ehr_id = prepare(client, 3)
        for more in ({}, {"ehr_id": ehr_id}):
            begun = time.monotonic()
            answer = client.post(AQL, json={"q": text, **more})
            assert (408, "QueryTimeout") == (answer.status_code, answer.json()["code"])
            assert time.monotonic() - begun < 4


def test_a_statement_has_the_limit_of_its_role(clinical_database):
    """Where it is lower than the service's; the service's where the role has none."""
    with service(clinical_database) as clinical, clinical.client() as client:
        prepare(client, 2)
        multiply(clinical_database, 250_000)
        token = clinical.key()
    dear = {"q": f"SELECT {SYSTOLIC} {FROM} ORDER BY {SYSTOLIC} DESC LIMIT 1 OFFSET 400000"}
    for limit, seconds in (("100ms", 60.0), ("0", 0.05)):
        with psycopg.connect(clinical_database.url("postgres"), autocommit=True) as connection:
            connection.execute(
                f"ALTER ROLE clinical_app IN DATABASE {clinical_database.name}"
                f" SET statement_timeout = '{limit}'"
            )
        with (
            service(clinical_database, query_seconds=seconds) as clinical,
            clinical.client(token=token) as client,
        ):
            answer = client.post(AQL, json=dear)
            assert (408, "QueryTimeout") == (answer.status_code, answer.json()["code"])


# --- a most of rows and of text ------------------------------------------------------------------


@pytest.mark.behaviour("query.rows")
def test_a_result_has_a_most_of_rows(clinical_database):
    """422 that says what to do, never a part of the result; streams have no such limit."""
    with service(clinical_database, query_rows=10) as clinical, clinical.client() as client:
        ehr_id = prepare(client, 1)
        few = client.post(AQL, json=HEAVY).json()["rows"]
        assert 0 < len(few) <= 10
        copy_documents(clinical_database, 20)
        for more in ({}, {"ehr_id": ehr_id}):
            for _ in range(2):
                answer = client.post(AQL, json={**HEAVY, **more})
                assert (422, "Unprocessable") == (answer.status_code, answer.json()["code"])
                assert "more than 10 rows" in answer.json()["message"]
        assert 10 == len(client.post(AQL, json={**HEAVY, "fetch": 10}).json()["rows"])
        lines = client.post(AQL, json=HEAVY, params={"format": "ndjson"}).text.splitlines()
        assert 21 * len(few) == len(lines)


def test_a_result_has_a_most_of_octets(clinical_database):
    """Whole compositions weigh more than numbers."""
    with service(clinical_database, query_octets=50_000) as clinical, clinical.client() as client:
        prepare(client, 1)
        copy_documents(clinical_database, 40)
        whole = {"q": "SELECT c FROM COMPOSITION c"}
        answer = client.post(AQL, json=whole)
        assert (422, True) == (answer.status_code, "50000 octets" in answer.json()["message"])
        assert 1 == len(client.post(AQL, json={**whole, "fetch": 1}).json()["rows"])
        assert (
            200 == client.post(AQL, json={"q": "SELECT c/uid/value FROM COMPOSITION c"}).status_code
        )
        lines = client.post(AQL, json=whole, params={"format": "ndjson"}).text.splitlines()
        assert 41 == len(lines)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "c/a, " * 300_000 + "c/a FROM COMPOSITION c",
        "SELECT c FROM COMPOSITION c WHERE " + "(" * 5000 + "c/a = 1" + ")" * 5000,
        "SELECT c FROM " + "COMPOSITION c CONTAINS " * 5000 + "COMPOSITION c",
        "SELECT c FROM COMPOSITION c WHERE " + "NOT " * 50_000 + "c/a = 1",
    ],
    ids=["long", "brackets", "contains", "not"],
)
def test_an_endless_text_is_refused(clinical, text):
    """400 at once; the service goes on."""
    with clinical.client() as client:
        for path in (AQL, f"{AQL}?format=csv"):
            begun = time.monotonic()
            answer = client.post(path, json={"q": text})
            assert 400 == answer.status_code, answer.text[:200]
            assert time.monotonic() - begun < 2
        assert 200 == client.post(AQL, json={"q": "SELECT e FROM EHR e"}).status_code


def test_turns_are_counted_by_key():
    """One client's turns are not another's, and together they are no more than there are."""

    async def story():
        turns = Turns(each=2, together=3, patience=0.05)
        await turns.take("a")
        await turns.take("a")
        with pytest.raises(TooMany, match="2 population queries running, of 2"):
            await turns.take("a")
        await turns.take("b")
        with pytest.raises(TooMany, match="Every connection"):
            await turns.take("c")
        waiting = asyncio.ensure_future(turns.take("c"))
        await asyncio.sleep(0)
        turns.give_back("a")
        await waiting

    asyncio.run(story())
