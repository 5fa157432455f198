"""`moiety template lint`, as a person and as a program runs it."""

import json

import pytest
from typer.testing import CliRunner

from moiety.cli import app
from tests.unit.openehr import opt_builder as opt
from tests.unit.openehr.documents import TEMPLATES

ROOT = "openEHR-EHR-COMPOSITION.t.v1"
ENTRY = "openEHR-EHR-EVALUATION.t.v1"


def lint(*arguments):
    return CliRunner().invoke(app, ["template", "lint", *map(str, arguments)])


def whole(value):
    """A template with one element of one data type."""
    tree = opt.node("ITEM_TREE", "at0001", opt.many("items", opt.leaf("at0002", opt.node(value))))
    entry = opt.root("EVALUATION", ENTRY, opt.one("data", tree), terms={"at0002": "Size [cm]"})
    return opt.template("t", ROOT, opt.many("content", entry))


@pytest.fixture
def folder(tmp_path):
    """A template that leaks, one that does not, and a file that is none."""
    (tmp_path / "leaky.opt").write_bytes(whole("DV_TEXT"))
    (tmp_path / "clean.opt").write_bytes(whole("DV_COUNT"))
    (tmp_path / "broken.opt").write_text("<template")
    return tmp_path


def test_a_leak_is_a_line_with_its_path_and_the_exit_code_is_1(folder):
    """The path can be copied: it stands whole at the end of its line, however long."""
    answer = lint(folder / "leaky.opt")
    assert 1 == answer.exit_code
    path = f"/content[{ENTRY}]/data[at0001]/items[at0002]/value"
    line = next(line for line in answer.stdout.splitlines() if line.endswith(path))
    assert ["likely", "free_text", "DV_TEXT", "Size", "[cm]", path] == line.split()


def test_a_clean_template_gives_0(folder):
    """What the model gives every node is no fault of a template."""
    answer = lint(folder / "clean.opt")
    assert 0 == answer.exit_code
    assert "nothing that identity could leak through" in answer.stdout


def test_what_the_model_gives_is_listed_on_demand(folder):
    """--all lists it, and does not change the exit code."""
    answer = lint("--all", folder / "clean.opt")
    assert 0 == answer.exit_code
    assert "/composer" in answer.stdout


def test_an_unreadable_file_gives_2_and_the_others_are_listed(folder):
    """A folder stands for its *.opt files; each is read, whatever becomes of the others."""
    answer = lint(folder)
    assert 2 == answer.exit_code
    assert "not read: file: XML: is not well-formed at line 1" in answer.stdout
    assert "items[at0002]/value" in answer.stdout


def test_json_is_one_object_for_programs(folder):
    """Each file with its template, leaks or error; nothing else on stdout."""
    found = json.loads(lint("--json", folder).stdout)["templates"]
    broken, clean, leaky = found
    assert {"file", "error"} == set(broken)
    assert [] == clean["leaks"]
    assert ["free_text"] == [leak["kind"] for leak in leaky["leaks"]]
    assert {"path", "rm_type", "kind", "origin", "risk", "name", "advice"} == set(leaky["leaks"][0])


def test_only_some_kinds(folder):
    """--only keeps a kind; a kind that there is not is refused with the list."""
    assert 0 == lint("--only", "party", folder / "leaky.opt").exit_code
    refused = lint("--only", "names", folder / "leaky.opt")
    assert 2 == refused.exit_code
    assert "There is no kind names: named, free_text" in refused.stderr


@pytest.mark.parametrize("name", ["absent.opt", "empty"])
def test_a_file_that_is_not_there_is_said(tmp_path, name):
    """No stack trace for a wrong name or an empty folder."""
    (tmp_path / "empty").mkdir()
    answer = lint(tmp_path / name)
    assert 2 == answer.exit_code
    assert "not read:" in answer.stdout


def test_the_demos_templates_can_be_looked_at():
    """Every template of the demo is read."""
    assert 1 == lint(TEMPLATES).exit_code
