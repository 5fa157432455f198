"""`moiety deid train`: the learned model is taught what reviewers found."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from moiety.cli import app
from moiety.deid.text import Options, detect

NAMES = ["Quvenzo", "Brillarth", "Zorvane", "Wexholm", "Tarquelin", "Ombrick", "Yandrake", "Fusk"]
WORDS = (
    "quaddow", "tamble", "mirrow", "plictor", "grobble", "aboudly", "oberate", "unvern", "snaffow",
    "gribbet", "threlp", "corvant", "maddible", "blonten", "strawle",
)  # fmt: skip
LINES = ["bed {i} {n} ok", "mane {n} nocte, bed {i}"]


@pytest.fixture
def gold(tmp_path):
    """Letters in lower case with names that no list has."""
    file = tmp_path / "gold.jsonl"
    with file.open("w") as lines:
        for i in range(120):
            name = NAMES[i % len(NAMES)].lower()
            text = LINES[i // 8 % 2].format(n=name, i=i)
            at = text.index(name)
            span = {"start": at, "end": at + len(name), "label": "NAME"}
            lines.write(json.dumps({"id": i, "text": text, "spans": [span]}) + "\n")
    return file


def deid(*arguments):
    return CliRunner().invoke(app, ["deid", *map(str, arguments)])


@pytest.mark.slow
def test_what_reviewers_found_is_found_from_then_on(gold, tmp_path):
    """In documents that were kept out too; the configuration takes the file."""
    model = tmp_path / "site.bin"
    answer = deid("train", gold, "--out", model, "--rounds", 6, "--generated", 40)
    assert 0 == answer.exit_code, answer.output
    assert "learned from" in answer.output
    # Words in the reviewers' sentence of which the shipped model is not sure: most are found now.
    sure = Options(threshold=0.9)
    taught = replace(sure, weights=model.read_bytes())
    texts = {word: LINES[1].format(n=word, i=7) for word in WORDS}
    unsure = {word for word, text in texts.items() if not detect(text, options=sure)}
    found = {
        word
        for word in unsure
        if [word] == [texts[word][s.start : s.end] for s in detect(texts[word], options=taught)]
    }
    assert unsure
    assert len(found) > len(unsure) / 2
    (tmp_path / "c.yaml").write_text("model: site.bin\n")
    assert 0 == deid("text", "--check-config", "--config", tmp_path / "c.yaml").exit_code


@pytest.mark.slow
def test_the_same_documents_and_seed_give_the_same_model(gold, tmp_path):
    """Byte for byte."""
    for name in ("a", "b"):
        deid("train", gold, "--out", tmp_path / name, "--rounds", 1, "--generated", 40, "--force")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("content", ["", "nonsense\n", '{"id": 1, "text": "x"}\n'])
def test_what_is_no_gold_is_refused(tmp_path, content):
    """With the file, and the number of the document."""
    (tmp_path / "g").write_text(content)
    answer = deid("train", tmp_path / "g", "--out", tmp_path / "m")
    assert 2 == answer.exit_code
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_a_model_that_finds_less_is_not_written(tmp_path):
    """Taught that a name is none, it loses it in what was kept out; --force writes it still."""
    from moiety.commands.deid.train import _is_kept

    gold, model = tmp_path / "gold.jsonl", tmp_path / "m"
    with gold.open("w") as lines:
        for i in range(200):
            text = f"the ward {NAMES[i % 8].lower()} was settled and ate, bed {i}"
            at = detect(text)
            spans = [{"start": s.start, "end": s.end, "label": "NAME"} for s in at]
            line = {"id": i, "text": text, "spans": spans}
            lines.write(json.dumps(line if _is_kept(line) else line | {"spans": []}) + "\n")
    told = ("train", gold, "--out", model, "--rounds", 8, "--generated", 0)
    answer = deid(*told)
    assert 2 == answer.exit_code, answer.output
    assert "was not written" in answer.output
    assert not model.exists()
    assert 0 == deid(*told, "--force").exit_code
    assert model.exists()
