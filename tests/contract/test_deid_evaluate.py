"""`moiety deid evaluate`, as a person and as a program runs it."""

import json

import pytest
from typer.testing import CliRunner

from moiety.cli import app

TEXT = "Dr Ann Lee, seen 3/4. Lee's test 6/9."
GOLD = {
    "id": "a", "text": TEXT, "meta": {"style": ["lower"], "template": "letter"},
    "spans": [{"start": 3, "end": 10, "label": "NAME"}, {"start": 17, "end": 20, "label": "DATE"}],
    "ignore": [{"start": 0, "end": 2}], "traps": [{"start": 22, "end": 27}],
}  # fmt: skip


@pytest.fixture
def files(tmp_path):
    """Two gold documents, and predictions with one miss and one trap."""
    other = {"id": "b", "text": "nothing", "spans": [], "meta": {"style": []}}
    (tmp_path / "gold").write_text(json.dumps(GOLD) + "\n" + json.dumps(other) + "\n")
    spans = [{"start": 3, "end": 6, "label": "NAME"}, {"start": 22, "end": 27, "label": "NAME"}]
    (tmp_path / "pred").write_text(json.dumps({"id": "a", "text": TEXT, "spans": spans}) + "\n")
    return tmp_path


def evaluate(files, *more):
    arguments = ["deid", "evaluate", str(files / "gold"), str(files / "pred"), *more]
    return CliRunner().invoke(app, arguments)


def test_figures_by_label_and_by_style(files):
    """A document without predictions is absent, and counts as one in which nothing was found."""
    answer = evaluate(files, "--json", "--by", "style")
    told = json.loads(answer.stdout)
    assert (0.0, 1.0, 1, 2) == (
        told["strict_recall"], told["traps_redacted"], told["documents_absent"], told["documents"],
    )  # fmt: skip
    assert {"DATE": 0.0, "NAME": 0.0} == told["per_label_recall"]
    assert {"lower": 1, "plain": 1} == {k: v["documents"] for k, v in told["by_style"].items()}
    assert "strict_recall" in evaluate(files).stdout


def test_each_style_is_told_beside_plain_texts(files):
    """How many points of strict recall letters in one case, or slips of the pen, cost."""
    plain = GOLD | {"id": "c", "meta": {}}
    found = {"id": "c", "spans": [{"start": 0, "end": 37, "label": "NAME"}]}
    with (files / "gold").open("a") as gold, (files / "pred").open("a") as predicted:
        gold.write(json.dumps(plain) + "\n")
        predicted.write(json.dumps(found) + "\n")
    lines = evaluate(files).stdout.splitlines()
    table = {line.split()[0]: line.split() for line in lines[lines.index("per_label_recall") :]}
    assert "beside_plain" == table["by_style"][3]
    assert ["lower", "1", "0.0000", "-100.00"] == table["lower"][:4]
    assert ["plain", "2", "1.0000", "1.0000"] == table["plain"][:4]


def test_errors_are_listed_without_their_words_unless_asked(files):
    """A list of misses is a list of identities: it says where they are."""
    answer = evaluate(files, "--missed", "5", "--wrong", "5")
    lines = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    expected = [("missed", "NAME", 3), ("missed", "DATE", 17), ("wrong", "NAME", 22)]
    assert expected == [(line["error"], line["label"], line["start"]) for line in lines]
    assert 3 == lines[0]["left"]
    assert "Lee" not in answer.stdout
    shown = evaluate(files, "--missed", "1", "--around", "4").stdout
    assert "Dr ⟦Ann Lee⟧, se" in shown


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (("pred", TEXT, "Dr [NAME]"), "the text of the document in line 1"),
        (("pred", '"a"', '"z"'), "1 documents that are not in"),
        (("pred", "{", "["), "line 1 is no JSON object"),
        (("pred", '"spans"', '"span"'), "line 1 has no id and spans"),
        (("gold", '"spans"', '"span"'), "line 1 has no text and spans"),
        (("gold", '"end": 20', '"end": 99'), "in line 1 not all spans are start and end in the"),
        (("gold", '"end": 27', '"end": "x"'), "in line 1 not all traps are start and end in the"),
    ],
)
def test_files_that_do_not_fit_are_refused(files, spoil, told):
    """With the line, and what may be wrong."""
    name, before, after = spoil
    file = files / name
    file.write_text(file.read_text().replace(before, after))
    answer = evaluate(files)
    assert 2 == answer.exit_code
    assert told in answer.output
