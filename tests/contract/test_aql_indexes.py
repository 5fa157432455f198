"""Paths that an operator declares to be asked often: `moiety clinical index`."""

from pathlib import Path
from random import Random

import psycopg
import pytest
from typer.testing import CliRunner

from clinical_api import definitions, hot_paths, queries
from clinical_api.queries import PlanCache, Query
from clinical_api.registry import Registry
from clinical_api.settings import Settings
from moiety.cli import app
from moiety.commands import backup, issue
from moiety.embedded import resource
from tests.fixtures.clinical_documents import BASE, open_ehr, upload, vital_signs
from tests.fixtures.fix_database import copied

BP = "openEHR-EHR-OBSERVATION.moiety_blood_pressure.v1"
ITEM = "data[at0001]/events[at0002]/data[at0003]/items"
SYSTOLIC = f"{BP}/{ITEM}[at0004]/value/magnitude"
TIME = f"{BP}/data[at0001]/events[at0002]/time/value"
DIAGNOSIS = "openEHR-EHR-EVALUATION.moiety_problem_diagnosis.v1"
CODE = f"{DIAGNOSIS}/data[at0001]/items[at0002]/value/defining_code/code_string"
TEMPLATES = resource("moiety/commands/demo/templates")
FROM = f"FROM EHR e CONTAINS COMPOSITION c CONTAINS OBSERVATION o[{BP}]"
VALUE = f"o/{ITEM}[at0004]/value/magnitude"
WHEN = "o/data[at0001]/events[at0002]/time/value"
DIAGNOSED = (
    f"SELECT e/ehr_id/value FROM EHR e CONTAINS EVALUATION d[{DIAGNOSIS}]"
    f" WHERE d/{CODE.partition('/')[2]}"
)


@pytest.fixture
def database(clinical_database):
    """A clinical database with the demo's templates."""
    engine = issue.engine(clinical_database.url("app"))
    with engine.begin() as connection:
        for file in sorted(Path(str(TEMPLATES)).glob("*.opt")):
            definitions.add(connection, file.read_bytes())
    return clinical_database


@pytest.fixture
def command(tmp_path):
    """`moiety clinical index …` on a database: exit code and what it said."""

    def run(database, *words):
        file = tmp_path / "url"
        file.write_text(database.url("migrator"))
        words = ["clinical", "index", *words, "--database-url-file", str(file)]
        done = CliRunner().invoke(app, words)
        return done.exit_code, done.output

    return run


def listed(database):
    """Path → states of its indexes."""
    with issue.engine(database.url("migrator")).connect() as connection:
        found = list(hot_paths.listed(connection))
    return {path: [i.state for i in found if i.path == path] for path in {i.path for i in found}}


def explained(database, text):
    """The plan that PostgreSQL makes of a query's statement where it shuns sequential scans."""
    registry, plans, settings = Registry(), PlanCache(), Settings()
    engine = issue.engine(database.url("app"))
    queries.run(queries.snapshots(engine), registry, plans, settings, Query(text, {}))
    asked = queries.find(registry, plans, Query(text, {}))
    with psycopg.connect(database.url("app")) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_bitmapscan = off")
        cursor = psycopg.RawCursor(connection)
        rows = cursor.execute(b"EXPLAIN " + asked.text, asked.parameters).fetchall()
    return "\n".join(row[0] for row in rows)


SERVED = [
    (SYSTOLIC, f"SELECT {VALUE} {FROM} WHERE {VALUE} > 175", "Index Only Scan"),
    (SYSTOLIC, f"SELECT {VALUE} {FROM} WHERE {VALUE} >= 90 AND {VALUE} < 100", "Index Only Scan"),
    (SYSTOLIC, f"SELECT {VALUE} {FROM} WHERE {VALUE} > 0 ORDER BY {VALUE} LIMIT 5",
     "Index Only Scan"),
    (SYSTOLIC, f"SELECT {VALUE} {FROM} WHERE {VALUE} > 0 ORDER BY {VALUE} DESC LIMIT 5",
     "Index Only Scan Backward"),
    (TIME, f"SELECT {WHEN} {FROM} WHERE {WHEN} > '2026-05'", "Index Scan"),
    (TIME, f"SELECT {WHEN} {FROM} WHERE {WHEN} > '2020' ORDER BY {WHEN} DESC LIMIT 5",
     "Index Scan Backward"),
    *((CODE, f"{DIAGNOSED} {asked}", "Index Scan")
      for asked in ("= '44054006'", "LIKE '4405*'", "matches {'44054006', '1'}", ">= '44'")),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "scan"), SERVED)
def test_a_declared_path_is_found_by_its_index(database, command, path, text, scan):
    """Numbers and times by range and order, texts by equality, list, range and prefix."""
    assert "hot_" not in explained(database, text)
    assert (0, "1 index is ready.\n") == command(database, "add", path)
    assert f"{scan} using hot_" in explained(database, text)


def test_indexes_are_listed_and_dropped(database, command):
    """Twice added is once there; what is removed is gone, and can't be removed again."""
    for _ in range(2):
        assert 0 == command(database, "add", SYSTOLIC)[0]
    assert {SYSTOLIC: ["ready"]} == listed(database)
    assert "ready" in command(database, "list")[1]
    assert (0, "1 index dropped.\n") == command(database, "remove", SYSTOLIC)
    assert {} == listed(database)
    code, said = command(database, "remove", SYSTOLIC)
    assert (2, True) == (code, "not declared" in said)


WRONG = [
    ("nonsense", "an archetype id"),
    (f"{BP}/{ITEM}[at0004", "line 1"),
    (f"{BP}/{ITEM}[at0004]/value", "as a column"),
    (f"{BP}/{ITEM}[at9999]/value/magnitude", "as a column"),
    (f"{BP}/name/value, x/uid/value", "one path"),
    (f"{BP}/name/value FROM EHR e --", "line 1"),
    ("openEHR-EHR-NOTHING.x.v1/name/value", "line 1"),
]


@pytest.mark.parametrize(("path", "sentence"), WRONG)
def test_what_is_no_path_of_a_column_is_refused(database, command, path, sentence):
    """With the reason, and nothing is declared."""
    code, said = command(database, "add", path)
    assert 2 == code
    assert sentence in said
    assert {} == listed(database)


def test_a_new_template_keeps_the_declared_paths(clinical_database, command):
    """A path declared by one template is indexed in the tables that another brings."""
    vitals, others = TEMPLATES / "vital_signs.opt", "openEHR-EHR-OBSERVATION.other.v1"
    xml = vitals.read_bytes()
    engine = issue.engine(clinical_database.url("app"))
    with engine.begin() as connection:
        template = definitions.add(connection, xml)
    path = f"{others}/{ITEM}[at0004]/value/magnitude"
    with psycopg.connect(clinical_database.url("migrator")) as connection:
        connection.execute("INSERT INTO hot_index VALUES (%s, %s, %s, 'real')",
                           (path, "g_" + "0" * 16, "c_" + "0" * 16))  # fmt: skip
    other = xml.replace(BP.encode(), others.encode()).replace(
        template.template_id.encode(), b"other"
    )
    with engine.begin() as connection:
        definitions.add(connection, other)
    assert {path: ["missing", "ready"]} == {path: sorted(listed(clinical_database)[path])}


def test_an_interrupted_build_is_made_up_for(database, command):
    """`build` builds what is missing or invalid."""
    assert 0 == command(database, "add", SYSTOLIC)[0]
    with psycopg.connect(database.url("postgres")) as connection:
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid IN"
            " (SELECT oid FROM pg_class WHERE relname LIKE 'hot\\_%')"
        )
    assert {SYSTOLIC: ["broken"]} == listed(database)
    assert (0, "1 built.\n") == command(database, "build")
    assert {SYSTOLIC: ["ready"]} == listed(database)


def test_the_application_indexes_nothing_that_is_not_declared(database):
    """Nor any place that is not a generated one."""
    with psycopg.connect(database.url("app"), autocommit=True) as connection:
        for call in (
            f"('x', 'g_{'0' * 16}', 'c_{'0' * 16}', 'real')",
            "('x', 'ehr', 'ehr_id', 'real')",
        ):
            with pytest.raises(psycopg.errors.RaiseException):
                connection.execute(f"SELECT leaf.keep_index{call}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT leaf.index_text('', '', '', '')")


def test_a_text_that_is_too_long_for_an_index_is_written(clinical, command):
    """Ten thousand characters that no index row has room for, on a path that is declared."""
    with clinical.client() as client:
        upload(client)
        path = f"{BP}/{ITEM}[at0004]/name/value"
        assert 0 == command(clinical.database, "add", path)[0]
        place = f"{BASE}/ehr/{open_ehr(client)}"
        document = vital_signs()
        event = document["content"][0]["data"]["events"][0]
        event["data"]["items"][0]["name"]["value"] = name = Random(1).randbytes(5000).hex()
        assert 201 == client.post(f"{place}/composition", json=document).status_code
        text = f"SELECT o/{path.partition('/')[2]} FROM OBSERVATION o[{BP}] WHERE {{}}"
        for asked in (f"= '{name}'", f"LIKE '{name[:200]}*'", f"matches {{'{name}'}}"):
            query = {"q": text.format(f"o/{path.partition('/')[2]} {asked}")}
            answer = client.post("/openehr/v1/query/aql", json=query)
            assert 200 == answer.status_code, answer.text[:300]
            assert [name] in answer.json()["rows"]


def test_a_backup_keeps_them(cluster, database, command, tmp_path):
    """The declaration and its index come back with the database."""
    assert 0 == command(database, "add", CODE)[0]
    backup.back_up(database.url("migrator"), "clinical", tmp_path / "kept")
    with copied(cluster, "clinical") as empty:
        with psycopg.connect(empty.url("postgres"), autocommit=True) as connection:
            for schema in ("leaf", "removal", "reseal", "public"):
                connection.execute(f"DROP SCHEMA {schema} CASCADE")
            connection.execute("CREATE SCHEMA public AUTHORIZATION clinical_migrator")
        backup.restore(empty.url("migrator"), "clinical", tmp_path / "kept")
        assert {CODE: ["ready"]} == listed(empty)
