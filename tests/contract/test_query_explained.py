"""What a query would cost, what queries have cost, and the indexes that both name."""

import shlex

import pytest
from typer.testing import CliRunner

from clinical_api.app import create_app
from clinical_api.settings import Settings
from moiety.cli import app
from tests.fixtures.clinical_documents import BASE
from tests.fixtures.fix_services import served
from tests.fixtures.many_rows import (
    BP,
    FROM,
    SYSTOLIC,
    TIME,
    UNITS,
    copy_documents,
    forget_rows,
    multiply,
    prepare,
)

AQL = f"{BASE}/query/aql"
RARE = f"SELECT e/ehr_id/value {FROM} WHERE {SYSTOLIC} > 987.5 AND {UNITS} = 'secret unit'"
PATHS = [f"{BP}/{path.partition('/')[2]}" for path in (SYSTOLIC, UNITS)]


@pytest.fixture
def client(clinical):
    """A client, and some compositions."""
    with clinical.client() as client:
        prepare(client, 3)
        yield client


def explained(client, text, **more):
    answer = client.post(f"{AQL}/explain", json={"q": text, **more})
    assert 200 == answer.status_code, answer.text
    return answer.json()


@pytest.mark.row("query_explain")
def test_a_query_tells_how_it_is_answered(clinical, client):
    """By typed rows, by documents, or by both, as the documents are now; with its reasons."""
    typed, whole = f"SELECT {SYSTOLIC} {FROM}", f"SELECT o/protocol {FROM}"
    told = explained(client, typed)
    assert ("typed SQL", "population", 0) == (
        told["plan_class"], told["about"], told["documents"]["estimated"]
    )  # fmt: skip
    assert any(BP in table["holds"] for table in told["tables"])
    assert [{"path": SYSTOLIC, "name": "#0"}] == told["columns"]
    assert told["estimated_cost"] > 0
    told = explained(client, whole)
    assert "documents" == told["plan_class"]
    assert told["documents"]["reasons"]
    copy_documents(clinical.database, 20)
    assert "SQL + documents" == explained(client, typed)["plan_class"]
    assert explained(client, typed)["documents"]["estimated"] > 0
    ehr_id = client.post(AQL, json={"q": "SELECT e/ehr_id/value FROM EHR e"}).json()["rows"][0][0]
    assert "one EHR" == explained(client, typed, ehr_id=ehr_id)["about"]
    assert 400 == client.post(f"{AQL}/explain", json={"q": "SELECT"}).status_code
    assert 400 == client.post(f"{AQL}/explain", json={}).status_code
    with clinical.client("composition:read") as other:
        assert 403 == other.post(f"{AQL}/explain", json={"q": typed}).status_code


def test_no_value_comes_back(client):
    """Neither literals nor parameters, nor the names that predicates ask for."""
    text = (
        f"SELECT e/ehr_id/value {FROM} WHERE {SYSTOLIC} > 987.5 AND {UNITS} = $unit"
        f" AND {TIME} > '2031-02-03' AND c/name/value matches {{'hidden', 'covered'}}"
    )
    answer = client.post(f"{AQL}/explain", json={"q": text, "query_parameters": {"unit": "veiled"}})
    assert 200 == answer.status_code, answer.text
    for value in ("987.5", "veiled", "2031-02-03", "hidden", "covered"):
        assert value not in answer.text


@pytest.mark.behaviour("query.index_named")
def test_a_query_names_the_index_that_it_lacks(clinical, client, tmp_path):
    """As the command to run; once it has run, the index is used and no longer named."""
    multiply(clinical.database, 20_000)
    lacks = explained(client, RARE)["lacks"]
    assert [f'moiety clinical index add "{path}"' for path in PATHS] == lacks
    assert [] == explained(client, f"SELECT {SYSTOLIC} {FROM}")["lacks"]
    assert [] == explained(client, RARE.replace("EHR e", "EHR e[ehr_id/value='x']"))["lacks"]
    ordered = f"SELECT {SYSTOLIC} {FROM} ORDER BY {SYSTOLIC} DESC"
    assert [] == explained(client, ordered)["lacks"]
    assert lacks[:1] == explained(client, f"{ordered} LIMIT 3")["lacks"]
    (tmp_path / "url").write_text(clinical.database.url("migrator"))
    words = shlex.split(lacks[0])[1:]
    done = CliRunner().invoke(app, [*words, "--database-url-file", str(tmp_path / "url")])
    assert 0 == done.exit_code, done.output
    told = explained(client, RARE)
    assert lacks[1:] == told["lacks"]
    assert [True] == [name.startswith("hot_") for name in told["indexes"] if "hot" in name]


@pytest.mark.row("query_slow")
@pytest.mark.behaviour("query.slow")
def test_slow_queries_are_told_without_values(clinical, client, tmp_path):
    """By form: two texts that differ in values are one; how they were answered; what they lack."""
    for value in (987.5, 654.25):
        for form in ("json", "csv"):
            text = {"q": RARE.replace("987.5", str(value))}
            client.post(AQL, json=text, params={"format": form}).raise_for_status()
    client.post(AQL, json={"q": f"SELECT o/protocol {FROM} LIMIT 1"}).raise_for_status()
    ehr_id = client.post(AQL, json={"q": "SELECT e/ehr_id/value FROM EHR e"}).json()["rows"][0][0]
    for _ in range(3):
        of_one = {"q": f"SELECT {SYSTOLIC} {FROM}", "ehr_id": ehr_id}
        client.post(AQL, json=of_one).raise_for_status()
    answer = client.get(f"{AQL}/slow", params={"limit": 500})
    assert 200 == answer.status_code
    told = {one["aql"]: one for one in answer.json()["queries"]}
    for value in ("987.5", "654.25", "secret unit", ehr_id):
        assert value not in answer.text
    (rare,) = [one for one in told.values() if "WHERE" in one["aql"]]
    assert {"typed SQL": 4} == rare["plan_classes"]
    assert (4, 0, 0) == (rare["count"], rare["failed"], rare["rows"])
    assert [f'moiety clinical index add "{path}"' for path in PATHS] == rare["lacks"]
    assert 0 < rare["seconds_max"] <= rare["seconds_total"]
    (whole,) = [one for one in told.values() if "protocol" in one["aql"]]
    assert {"documents": 1} == whole["plan_classes"]
    (one,) = [one for one in told.values() if "ehr_id/value=$value" in one["aql"]]
    assert (3, []) == (one["count"], one["lacks"])
    (tmp_path / "key").write_text(str(clinical.key("statistics:read")))
    words = ["clinical", "queries", "slow", "--url", clinical.url, "--key-file"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "key")])
    assert 0 == done.exit_code, done.output
    assert rare["lacks"][0] in done.output
    assert rare["aql"] in done.output
    (tmp_path / "key").write_text(str(clinical.key("query:read")))
    done = CliRunner().invoke(app, [*words, str(tmp_path / "key")])
    assert (2, True) == (done.exit_code, "403" in done.output)
    metrics = client.get("/metrics").text
    assert 'moiety_query_seconds_count{organisation="main",plan="typed SQL"}' in metrics


@pytest.mark.behaviour("query.cost")
def test_a_query_that_costs_too_much_is_not_run(clinical_database):
    """422 with the estimate; what names one EHR is run, and documents count."""
    settings = Settings(database_url=clinical_database.url(), query_cost=400.0)
    with (
        served("clinical", create_app(settings), clinical_database) as clinical,
        clinical.client() as client,
    ):
        ehr_id = prepare(client, 2)
        dear = {"q": f"SELECT {SYSTOLIC} {FROM}"}
        assert 200 == client.post(AQL, json=dear).status_code
        multiply(clinical_database, 50_000)
        for form in ("json", "csv"):
            answer = client.post(AQL, json=dear, params={"format": form})
            assert 422 == answer.status_code
            assert "over the limit of 400" in answer.json()["message"]
        cost = explained(client, dear["q"])["estimated_cost"]
        assert f"cost of {cost:.0f} " in answer.json()["message"]
        answer = client.post(AQL, json={"q": f"{dear['q']} LIMIT 1", "ehr_id": ehr_id})
        assert 200 == answer.status_code
        forget_rows(clinical_database)
        copy_documents(clinical_database, 40)
        whole = client.post(AQL, json={"q": f"SELECT o/protocol {FROM}"})
        assert 422 == whole.status_code
