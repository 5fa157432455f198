"""Results as CSV, NDJSON, Arrow and Parquet, read back by readers of another hand."""

import csv
import io
import json
import subprocess
import sys
import time

import httpx
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures.clinical_documents import BASE, open_ehr, upload, vital_signs
from tests.fixtures.fix_alone import peak
from tests.fixtures.fix_services import served
from tests.fixtures.many_rows import (
    FROM,
    SYSTOLIC,
    TIME,
    UNITS,
    forget_rows,
    multiply,
    prepare,
)

AQL = f"{BASE}/query/aql"
GROWTH = 40 * 2**20
MEDIA = {
    "json": "application/json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}
QUERIES = [
    f"SELECT e/ehr_id/value AS ehr, {SYSTOLIC} AS systolic, {UNITS}, {TIME} {FROM}",
    f"SELECT {SYSTOLIC} AS a, {SYSTOLIC} AS a, o, c/name {FROM} ORDER BY {TIME}",
    f"SELECT DISTINCT {UNITS} {FROM}",
    f"SELECT COUNT(*), MAX({SYSTOLIC}) AS most, AVG({SYSTOLIC}), MIN({TIME}) {FROM}",
    "SELECT x/value/value AS m, x/value/magnitude, x/value FROM COMPOSITION c CONTAINS ELEMENT x",
    f"SELECT 1, 2.5, 'a', true, {SYSTOLIC} {FROM} WHERE {SYSTOLIC} > 1000",
    f"SELECT {SYSTOLIC} {FROM} LIMIT 3 OFFSET 1",
    f"SELECT LENGTH({UNITS}), CONCAT({UNITS}, '!'), ROUND({SYSTOLIC}) AS whole {FROM}",
    "SELECT v/commit_audit/change_type/value, v FROM VERSION v CONTAINS COMPOSITION c",
    "SELECT e/time_created/value, c/feeder_audit FROM EHR e CONTAINS COMPOSITION c",
]


@pytest.fixture
def client(clinical):
    """A client, and some compositions."""
    with clinical.client() as client:
        prepare(client, 4)
        yield client


def told(client, text, form, **more):
    """An answer in a format, and what its media type is."""
    answer = client.post(AQL, json={"q": text, **more}, headers={"Accept": MEDIA[form]})
    assert 200 == answer.status_code, answer.text
    assert MEDIA[form] == answer.headers["content-type"].partition(";")[0]
    return answer.content


def as_text(cell):
    """A cell as CSV has it."""
    return "" if cell is None else cell if isinstance(cell, str) else json.dumps(cell)


def same(left, right):
    """Whether two texts are one value: equal, or the same JSON."""
    if left == right:
        return True
    try:
        return json.loads(left) == json.loads(right)
    except (ValueError, TypeError):
        return False


@pytest.mark.behaviour("query.formats")
@pytest.mark.parametrize("by_documents", [False, True])
@pytest.mark.parametrize("text", QUERIES)
def test_every_format_says_what_json_says(clinical, client, text, by_documents):
    """Whether typed rows answer or documents do; names, order, nulls, objects and mixed kinds."""
    if by_documents:
        forget_rows(clinical.database)
    whole = json.loads(told(client, text, "json"))
    names = [column["name"] for column in whole["columns"]]
    rows = whole["rows"]
    header, *lines = csv.reader(io.StringIO(told(client, text, "csv").decode(), newline=""))
    assert names == header
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        assert all(same(as_text(cell), other) for cell, other in zip(row, line, strict=True))
    objects = [json.loads(line) for line in told(client, text, "ndjson").splitlines()]
    assert rows == [list(one.values()) for one in objects]
    for table in (
        pa.ipc.open_stream(told(client, text, "arrow")).read_all(),
        pq.read_table(io.BytesIO(told(client, text, "parquet"))),
    ):
        table.validate(full=True)
        assert len(set(table.column_names)) == len(names) == table.num_columns
        assert len(rows) == table.num_rows
        for column, place in zip(table.columns, range(len(names)), strict=True):
            for cell, row in zip(column.to_pylist(), rows, strict=True):
                wanted = row[place]
                if pa.types.is_string(column.type) and wanted is not None:
                    assert same(as_text(wanted), cell)
                else:
                    assert wanted == cell


@pytest.mark.behaviour("query.extensions")
def test_extensions_are_asked_for(client):
    """GROUP BY is 400 unless the body or the URL asks for it; then every format has its rows."""
    text = f"SELECT {UNITS} AS unit, COUNT(*) AS n, AVG({SYSTOLIC}) {FROM} GROUP BY {UNITS}"
    assert 400 == client.post(AQL, json={"q": text}).status_code
    assert 400 == client.get(AQL, params={"q": text}).status_code
    assert 400 == client.get(AQL, params={"q": text, "extensions": "perhaps"}).status_code
    body = json.loads(told(client, text, "json", extensions=True))
    assert body["rows"] == client.get(AQL, params={"q": text, "extensions": "true"}).json()["rows"]
    assert ["mm[Hg]"] == [row[0] for row in body["rows"]]
    table = pa.ipc.open_stream(told(client, text, "arrow", extensions=True)).read_all()
    assert [pa.string(), pa.int64(), pa.float64()] == table.schema.types
    assert body["rows"] == [list(row.values()) for row in table.to_pylist()]
    assert 400 == client.post(AQL, json={"q": text}).status_code


def test_a_column_has_the_type_that_all_its_values_have(clinical, client):
    """Numbers are double, counts int64, what may be of several kinds is text."""
    types = {"ehr": pa.string(), "systolic": pa.float64(), "#2": pa.string(), "#3": pa.string()}
    for by_documents in (False, True):
        if by_documents:
            forget_rows(clinical.database)
        for text, wanted in (
            (QUERIES[0], types),
            (QUERIES[3], {"#0": pa.int64(), "most": pa.float64(), "#2": pa.float64(),
                          "#3": pa.string()}),
            (QUERIES[5], {"#0": pa.int64(), "#1": pa.float64(), "#2": pa.string(),
                          "#3": pa.bool_(), "#4": pa.float64()}),
        ):  # fmt: skip
            schema = pa.ipc.open_stream(told(client, text, "arrow")).schema
            assert wanted == dict(zip(schema.names, schema.types, strict=True))
    mixed = pa.ipc.open_stream(told(client, QUERIES[4], "arrow")).schema
    assert [pa.string(), pa.float64(), pa.string()] == mixed.types


@pytest.mark.parametrize("form", ["csv", "ndjson", "arrow", "parquet"])
def test_every_way_to_ask_has_every_format(client, form):
    """Ad hoc and stored, GET and POST, by Accept and by `format`; with paging and parameters."""
    text = f"SELECT {SYSTOLIC} {FROM} WHERE {SYSTOLIC} > $least ORDER BY {SYSTOLIC}"
    client.put(f"{BASE}/definition/query/systolic", json={"q": text}).raise_for_status()
    body = {"query_parameters": {"least": 0}, "fetch": 2, "offset": 1}
    url = {"least": "0", "fetch": "2", "offset": "1"}
    made = set()
    for stored in (False, True):
        place = f"{BASE}/query/systolic" if stored else AQL
        q = {} if stored else {"q": text}
        for named, heads in (({"format": form}, {}), ({}, {"Accept": MEDIA[form]})):
            got = client.get(place, params=q | url | named, headers=heads)
            sent = client.post(place, json=q | body, params=named, headers=heads)
            for answer in (got, sent):
                assert 200 == answer.status_code, answer.text
                assert MEDIA[form] == answer.headers["content-type"].partition(";")[0]
                made.add(answer.content)
    assert 1 == len(made)


def test_what_is_not_written_is_refused(client):
    """406 for a format that is none of ours, 400 for a name that is no format."""
    q = {"q": QUERIES[0]}
    assert 406 == client.post(AQL, json=q, headers={"Accept": "application/xml"}).status_code
    assert 406 == client.post(AQL, json=q, params={"format": "XML"}).status_code
    assert 400 == client.post(AQL, json=q, params={"format": "xlsx"}).status_code
    liked = {"Accept": "text/csv;q=0.5, application/x-ndjson;q=0.9, application/xml"}
    answer = client.post(AQL, json=q, headers=liked)
    assert MEDIA["ndjson"] == answer.headers["content-type"]


def test_what_is_wrong_with_a_query_is_told_before_any_row(client):
    """An error like any other, whatever the format."""
    for form in ("csv", "arrow"):
        for text, status in (("SELECT", 400), (f"SELECT {SYSTOLIC} {FROM} LIMIT 1", 422)):
            answer = client.post(AQL, json={"q": text, "fetch": 1}, headers={"Accept": MEDIA[form]})
            assert status == answer.status_code
            assert "message" in answer.json()


def test_a_text_keeps_what_csv_uses_itself(clinical):
    """Quotes, commas, line ends, formulas, an empty text beside null: each comes back."""
    texts = ['say "yes", or\r\nno', "=1+2", "", " space ", "a\tb", "naïve – £"]
    with clinical.client() as client:
        upload(client)
        place = f"{BASE}/ehr/{open_ehr(client)}/composition"
        for text in texts[:2] + texts[3:]:
            document = vital_signs()
            event = document["content"][0]["data"]["events"][0]
            event["data"]["items"][0]["name"]["value"] = text
            answer = client.post(place, json=document)
            assert 201 == answer.status_code, answer.text
        name = SYSTOLIC.replace("/value/magnitude", "/name/value")
        query = f"SELECT {name}, '', o/feeder_audit {FROM}"
        lines = list(csv.reader(io.StringIO(told(client, query, "csv").decode(), newline="")))[1:]
        assert set(texts) - {""} <= {line[0] for line in lines}
        assert {("", "")} == {tuple(line[1:]) for line in lines}
        assert b',"",\r\n' in told(client, query, "csv")


# --- streams -------------------------------------------------------------------------------------


def short(database, **more):
    """The service with other settings."""
    from clinical_api.app import create_app
    from clinical_api.settings import Settings

    return served("clinical", create_app(Settings(database_url=database.url(), **more)), database)


@pytest.mark.behaviour("query.broken_off")
@pytest.mark.parametrize("form", ["csv", "ndjson", "arrow", "parquet"])
def test_a_stream_that_fails_is_broken_off(clinical_database, form):
    """Its end is missing, so that no client takes a part for the whole; NDJSON says why."""
    settings = {"query_stream_seconds": 0.15}
    with short(clinical_database, **settings) as clinical, clinical.client() as client:
        prepare(client)
        multiply(clinical_database, 40_000)
        read = []
        with pytest.raises(httpx.RemoteProtocolError):
            read_slowly(client, form, read)
        if form == "ndjson":
            last = json.loads(b"".join(read).splitlines()[-1])
            assert "QueryTimeout" == last["error"]["code"]
        assert 200 == client.post(AQL, json={"q": f"{QUERIES[0]} LIMIT 1"}).status_code


def read_slowly(client, form, read):
    heads = {"Accept": MEDIA[form]}
    with client.stream("POST", AQL, json={"q": QUERIES[0]}, headers=heads) as answer:
        assert 200 == answer.status_code
        for some in answer.iter_raw():
            read.append(some)
            time.sleep(0.005)


def test_a_client_that_goes_away_leaves_nothing_open(clinical_database):
    """Its cursor is closed and its turn is free: many more than there are turns come and go."""
    settings = {"query_concurrency": 2, "query_connections": 2}
    with short(clinical_database, **settings) as clinical, clinical.client() as client:
        prepare(client)
        multiply(clinical_database, 50_000)
        heads = {"Accept": MEDIA["csv"]}
        for _ in range(6):
            with client.stream("POST", AQL, json={"q": QUERIES[0]}, headers=heads) as answer:
                assert 200 == answer.status_code
                next(answer.iter_raw(1024))
        until = time.monotonic() + 5
        while busy(clinical_database) and time.monotonic() < until:
            time.sleep(0.05)
        assert 0 == busy(clinical_database)


@pytest.mark.slow
@pytest.mark.behaviour("query.memory")
def test_memory_does_not_grow_with_a_result(alone):
    """Two hundred times as many rows through the same process: its peak stays where it was."""
    service, process = alone
    with service.client() as client:
        prepare(client)
        multiply(service.database, 1_000)
        most = {form: length(client, form) for form in ("csv", "ndjson", "arrow", "parquet")}
        multiply(service.database, 199, step=2_000_000)
        before = peak(process)
        heads = {"Accept": MEDIA["ndjson"]}
        with client.stream("POST", AQL, json={"q": QUERIES[0]}, headers=heads) as answer:
            next(answer.iter_raw(1024))
            time.sleep(2)  # whoever does not read is not read for
        assert peak(process) - before < GROWTH / 4
        for form, less in most.items():
            assert length(client, form) > 150 * less or form == "parquet"
            print(form, (peak(process) - before) / 2**20, "MiB")
        assert peak(process) - before < GROWTH


def length(client, form):
    """How long an answer is."""
    heads = {"Accept": MEDIA[form]}
    with client.stream("POST", AQL, json={"q": QUERIES[0]}, headers=heads, timeout=120) as answer:
        return sum(len(some) for some in answer.iter_raw())


def busy(database):
    """How many transactions of the service are open."""
    with psycopg.connect(database.url("postgres")) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'clinical_app'"
            " AND datname = current_database() AND xact_start IS NOT NULL"
        ).fetchone()
    return count


def test_a_format_without_its_library_says_how_to_get_it(client, tmp_path):
    """406, in a process that cannot import pyarrow; CSV is written all the same."""
    script = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from fastapi import Request\n"
        "from clinical_api.routes.query_media import Media, media_of\n"
        "from moiety.kit.errors import NotAcceptable\n"
        "def asked(accept):\n"
        "    heads = [(b'accept', accept)]\n"
        "    return Request({'type': 'http', 'headers': heads, 'query_string': b''})\n"
        "assert media_of(asked(b'text/csv')) is Media.CSV\n"
        "try:\n"
        "    media_of(asked(b'application/vnd.apache.parquet'))\n"
        "except NotAcceptable as error:\n"
        "    print(error.message)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "pip install 'moiety[arrow]'" in done.stdout
