"""`moiety load --bulk` and `moiety export` against a running service."""

import json

import pytest
from typer.testing import CliRunner

from clinical_api.app import create_app
from clinical_api.settings import Settings
from moiety.cli import app
from tests.fixtures.clinical_documents import BASE, open_ehr, upload, vital_signs
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_services import served


@pytest.fixture
def filled(clinical, tmp_path):
    """A service with four EHRs, and what a command needs to reach it."""
    with clinical.client() as client:
        upload(client)
        for number in range(4):
            ehr_id = open_ehr(client)
            for each in range(3):
                client.post(
                    f"{BASE}/ehr/{ehr_id}/composition", json=vital_signs(number * 9 + each)
                ).raise_for_status()
    return reached(clinical, tmp_path / "key")


def reached(service, file):
    """The options that name a service."""
    file.write_text(str(service.key()))
    return ["--url", service.url, "--key-file", str(file)]


def run(*words):
    """The result of a command."""
    return CliRunner().invoke(app, [str(word) for word in words])


def test_export_and_load_move_a_repository(filled, tmp_path, cluster):
    """A file out of one service, into an empty one, and out again: the same file."""
    first, second = tmp_path / "first.ndjson", tmp_path / "second.ndjson"
    done = run("export", first, *filled)
    assert 0 == done.exit_code, done.output
    assert "4 EHRs" in done.output
    with (
        copied(cluster, "clinical") as copy,
        served("clinical", create_app(Settings(database_url=copy.url())), copy) as service,
    ):
        there = reached(service, tmp_path / "other")
        done = run("load", "--bulk", first, *there)
        assert 0 == done.exit_code, done.output
        assert "4 new EHRs, 16 contributions with 16 versions, 1 templates" in done.output
        assert 0 == run("export", second, *there).exit_code
        assert first.read_bytes() == second.read_bytes()


def test_an_export_that_broke_off_goes_on(filled, tmp_path):
    """Cut anywhere: what is whole stays, the rest comes again, and the file is as if never cut."""
    whole, cut = tmp_path / "whole.ndjson", tmp_path / "cut.ndjson"
    assert 0 == run("export", whole, *filled).exit_code
    text = whole.read_bytes()
    trees = [json.loads(line) for line in text.splitlines()]
    whole_owners = [tree["ehr_id"] for tree in trees if "ehr_id" in tree]
    for size in (10, len(text) // 2, len(text) * 3 // 4, len(text) - 50, len(text) - 3):
        cut.write_bytes(text[:size])
        done = run("export", cut, "--resume", *filled)
        assert 0 == done.exit_code, done.output
        lines = [json.loads(line) for line in cut.read_bytes().splitlines()]
        assert whole_owners == [line["ehr_id"] for line in lines if "ehr_id" in line]
    again = run("export", whole, "--resume", *filled)
    assert 2 == again.exit_code
    assert "whole already" in again.output


def test_a_bad_line_stops_and_says_how_to_go_on(filled, tmp_path):
    """Exit code 1 with the line; --from-line and --skip go on."""
    file = tmp_path / "lines.ndjson"
    assert 0 == run("export", file, *filled).exit_code
    lines = file.read_text().splitlines()
    lines[4] = '{"ehr_id": "x", "ehr": {}}'
    file.write_text("\n".join(lines))
    done = run("load", "--bulk", file, *filled)
    assert 1 == done.exit_code
    assert "line 5: Malformed" in done.output
    assert "--from-line 5" in done.output
    done = run("load", "--bulk", file, "--from-line", 6, *filled)
    assert 0 == done.exit_code, done.output
    done = run("load", "--bulk", file, "--skip", *filled)
    assert 0 == done.exit_code
    assert "1 refused" in done.output


def test_one_ehr_goes_out_as_extract(filled, tmp_path):
    """--extract needs --ehr; an EHR that is not there is told."""
    file = tmp_path / "out"
    assert 2 == run("export", file, "--extract", *filled).exit_code
    assert 0 == run("export", file, *filled).exit_code
    ehr_id = json.loads(file.read_text().splitlines()[3])["ehr_id"]
    assert 0 == run("export", file, "--ehr", ehr_id, "--extract", *filled).exit_code
    assert "EXTRACT" == json.loads(file.read_text())["_type"]
    assert 0 == run("export", file, "--ehr", ehr_id, *filled).exit_code
    assert 4 == len(file.read_text().splitlines())
    wrong = "0b6f2a0c-7a39-4a6d-9b5a-000000000000"
    assert 2 == run("export", file, "--ehr", wrong, *filled).exit_code
