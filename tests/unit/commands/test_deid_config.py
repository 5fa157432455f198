"""The configuration of `moiety deid`: what may stand in it, and how its faults are told."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from moiety.cli import app
from moiety.commands.deid.config_file import ConfigurationError
from moiety.commands.deid.config_schema import read
from moiety.commands.deid.settings import fingerprint
from moiety.deid.text import Label

ROOT = Path(__file__).parents[3]
FAULTS = {
    "labels: [NAME]": (1, "labels", "write keys and values here: only, off"),
    "labels:\n  off: [NAMES]": (2, "labels.off[1]", "did you mean NAME?"),
    "labels:\n  only: [NAME]\n  off: [NAME]": (2, "labels", "no label is left"),
    "lables: {}": (1, "lables", "did you mean labels?"),
    "model: yess": (1, "model", "write true, false, or a file's name"),
    "model: gp.csv": (1, "model", "moiety deid train"),
    "model: true\nmodel: false": (2, "model", "stands here twice"),
    "threshold: 7": (1, "threshold", "write a number from 0.01 to 0.99"),
    "threshold: [a]": (1, "threshold", "write a number"),
    "formats:\n- {label: HOSPITAL_NUMBER}": (2, "formats[1]", "either a shape"),
    "formats:\n- {label: mrn, shape: A9}": (2, "formats[1].label", "in capitals"),
    "formats:\n- {label: MRN, pattern: '('}": (2, "formats[1].pattern", "no regular expression"),
    "formats:\n- {label: MRN, pattern: '(a+)+b'}": (
        2,
        "formats[1].pattern",
        "repeats a repetition",
    ),
    "lists:\n- {label: NAME, file: none.txt}": (2, "lists[1].file", "can't be read"),
    "lists:\n- {label: NAME, file: gp.csv, column: x}": (2, "lists[1].file", "has no column x"),
    "lists:\n- {published: nhs, file: gp.csv}": (2, "lists[1].published", "none of ods"),
    "lists:\n- {published: ods, file: gp.csv}": (2, "lists[1]", "a label"),
    "lists:\n- {published: ods, file: gp.csv, label: NAME}": (2, "lists[1].file", "27"),
    "lists:\n- {published: streets, file: gp.csv}": (2, "lists[1].file", "LOCAL_TYPE"),
    "keep: Harrogate": (1, "keep", "write a list here"),
    "backends: {use: [{kind: presido}]}": (1, "backends.use[1].kind", "none of built-in, presidio"),
    "backends:\n  use:\n  - kind: onnx": (3, "backends.use[1]", "write model"),
    "backends:\n  votes: 3\n  use: [{kind: built-in}]": (2, "backends.votes", "1 detectors"),
    "backends: {use: [{kind: gliner, model: m, spacy_model: x}]}": (
        1,
        "",
        "gliner has no such key",
    ),
    "replacement: {style: hide}": (1, "replacement.style", "none of tags, surrogates, remove"),
    "replacement: {style: surrogates}": (1, "replacement", "moiety deid key FILE"),
    "replacement: {key_file: gp.csv}": (1, "replacement.key_file", "holds no key"),
    "replacement: {most_days: 1.5}": (1, "replacement.most_days", "whole number"),
    "a: [": (1, "", "this is no YAML"),
    "a: !!python/object:os.system x": (1, "a", "no such key"),
    "- a": (1, "", "write keys and values here"),
}


@pytest.fixture
def folder(tmp_path):
    """A folder with lists beside the configuration."""
    (tmp_path / "gp.csv").write_text("name,code\nThe Elms Surgery,X1\n\nNorth Practice,X2\n")
    (tmp_path / "staff.txt").write_text("Ann Lee\n\nBo Ek\n")
    (tmp_path / "k").write_text("ab" * 32)
    return tmp_path


@pytest.mark.parametrize(("text", "fault"), FAULTS.items())
def test_a_fault_says_its_line_what_is_wrong_and_how_to_mend_it(folder, text, fault):
    """One fault, one sentence."""
    with pytest.raises(ConfigurationError) as raised:
        read(text, folder)
    found = raised.value.faults
    assert 1 == len(found), found
    line, where, what = fault
    assert line == found[0].line
    assert found[0].where.startswith(where)
    assert what in found[0].what


def test_all_faults_are_told_at_once_in_their_order(folder):
    """Nobody likes to mend a file one run at a time."""
    text = "threshold: 7\nlabels:\n  off: [NAMES, DAT]\nmodel: 3\n"
    with pytest.raises(ConfigurationError) as raised:
        read(text, folder)
    assert [1, 3, 3, 4] == [fault.line for fault in raised.value.faults]


def test_nothing_is_the_default(folder):
    """An empty file, and one of comments alone."""
    assert read("", folder) == read("# nothing\n", folder)
    assert frozenset(Label) == read("", folder).options.labels


def test_labels_formats_and_lists_of_the_site(folder):
    """A label of the site's own is looked for as soon as something finds it."""
    told = read(
        "labels: {off: [DATE, ACCESSION_NUMBER]}\n"
        "formats: [{label: STUDY_NUMBER, pattern: 'ST-\\d{4}'}, {label: MRN, shape: AA99}]\n"
        "lists:\n"
        "- {label: GP_IDENTIFIER, file: gp.csv, column: name}\n"
        "- {label: STAFF, file: staff.txt}\n",
        folder,
    ).options
    assert {"DATE", "ACCESSION_NUMBER"} == set(Label) - told.labels
    assert {"STUDY_NUMBER", "MRN", "STAFF"} == told.labels - set(Label)
    assert ("GP_IDENTIFIER", ("The Elms Surgery", "North Practice")) == told.lists[0]
    assert ("STAFF", ("Ann Lee", "Bo Ek")) == told.lists[1]


def test_replacement_and_detectors(folder):
    """As docs/howto/deidentify-text.md has them."""
    told = read(
        "backends:\n  votes: 1\n"
        "  use: [{kind: built-in}, {kind: onnx, model: m, labels: {PER: NAME}}]\n"
        "replacement: {style: surrogates, key_file: k, dates: shift, greatest_age: null}\n",
        folder,
    )
    assert ["built-in", "onnx"] == [one.kind for one in told.backends]
    assert {"model": str(folder / "m"), "labels": {"PER": "NAME"}} == dict(told.backends[1].told)
    assert (b"\xab" * 32, None) == (told.policy.key, told.policy.greatest_age)


def test_a_detector_s_model_is_named_relative_to_the_configuration(folder):
    """A package of spaCy, unless there is a folder of its name."""
    (folder / "own_md").mkdir()
    told = read(
        "backends: {use: [{kind: presidio, spacy_model: own_md}, "
        "{kind: presidio, spacy_model: en_core_web_md}, {kind: onnx, model: /models/deid}]}",
        folder,
    ).backends
    assert [str(folder / "own_md"), "en_core_web_md", "/models/deid"] == [
        one.told[0][1] for one in told
    ]


def test_a_label_that_is_off_is_off_for_every_detector(folder):
    """And a label that only a detector's map has is on."""
    options = read(
        "labels: {off: [DATE]}\n"
        "backends: {use: [{kind: presidio, labels: {ORG: EMPLOYER, DATE_TIME: DATE}}]}\n",
        folder,
    ).options
    assert "EMPLOYER" in options.labels
    assert "DATE" not in options.labels


def test_the_example_of_the_page_can_be_obeyed(folder):
    """Every key that the documentation shows, read as it stands there."""
    page = (ROOT / "docs/howto/deidentify-text.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1]
    practice = '"A12345","THE ELMS SURGERY"' + ',""' * 25
    (folder / "epraccur.csv").write_text(practice + "\n")
    (folder / "onspd.csv").write_text("pcds\nQQ1 1QQ\n")
    (folder / "opname.csv").write_text("NAME1,LOCAL_TYPE\nElm Lane,Named Road\nElm,Hamlet\n")
    (folder / "practices.csv").write_text("name\nThe Elms\n")
    (folder / "project.key").write_text("ab" * 32)
    told = read(example, folder)
    assert 3 == len(told.backends)
    assert ("GP_IDENTIFIER", ("THE ELMS SURGERY",)) in told.options.lists
    assert ("GP_IDENTIFIER", ("A12345",)) in told.options.lists
    assert ("POSTCODE", ("QQ1 1QQ",)) in told.options.lists
    assert ("ADDRESS_LINE", ("Elm Lane",)) in told.options.lists
    assert "STUDY_NUMBER" in told.options.labels


def test_settings_that_write_something_else_have_another_fingerprint(folder):
    """A run that was broken off is gone on with only where the outcome is the same."""
    texts = ["", "threshold: 0.4", "labels: {off: [DATE]}", "keep: [a]", "keep: [a, b]"]
    marks = [fingerprint(read(text, folder)) for text in texts]
    assert len(texts) == len(set(marks))
    assert marks[-1] == fingerprint(read("keep: [b, a]", folder))


def test_check_config_tells_faults_with_the_name_of_the_file(folder):
    """And what a good one means."""
    (folder / "bad.yaml").write_text("labels: {off: [NAMES]}\nthreshold: 7\n")
    bad = CliRunner().invoke(
        app, ["deid", "text", "--check-config", "--config", str(folder / "bad.yaml")]
    )
    assert 2 == bad.exit_code
    assert f"{folder / 'bad.yaml'}: line 1: labels.off[1]: there is no label NAMES" in bad.output
    (folder / "good.yaml").write_text("labels: {only: [EMAIL]}\nreplacement: {style: tags}\n")
    good = CliRunner().invoke(
        app, ["deid", "text", "--check-config", "--config", str(folder / "good.yaml")]
    )
    assert 0 == good.exit_code, good.output
    assert "looked for: EMAIL" in good.output
    (folder / "away.yaml").write_text("backends: {use: [{kind: onnx, model: nowhere}]}\n")
    away = CliRunner().invoke(
        app, ["deid", "text", "--check-config", "--config", str(folder / "away.yaml")]
    )
    assert 2 == away.exit_code
    assert "on this machine" in away.output
