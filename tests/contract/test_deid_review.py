"""`moiety deid review`: drawing the sample, the page, and what the findings prove."""

import json
import re
import shutil
import subprocess
from collections import Counter

import pytest
from typer.testing import CliRunner

from moiety.cli import app
from moiety.commands.deid.report import report
from moiety.commands.deid.sample import Asked, draw

NODE = shutil.which("node")


def documents(file, count, text="Letter {i}: [NAME] was seen on [DATE]. All is well."):
    """Tagged documents, of two types, one in fifty a note."""
    with file.open("w") as lines:
        for i in range(count):
            words = text.format(i=i)
            spans = [
                {"start": m.start(), "end": m.end(), "label": m[1]}
                for m in re.finditer(r"\[([A-Z]+)\]", words)
            ]
            kind = "letter" if i % 50 else "note"
            line = {"id": f"d{i}", "text": words, "spans": spans, "type": kind, "subject": i // 2}
            lines.write(json.dumps(line) + "\n")


def drawn(tmp_path, count=300, **asked):
    source = tmp_path / "safe.jsonl"
    documents(source, count)
    return draw(Asked(source, tmp_path / "review", **asked)), tmp_path / "review"


def sample(folder):
    return [json.loads(line) for line in (folder / "sample.jsonl").read_text().splitlines()]


def findings(folder, name, marks=(), unread=()):
    """A reviewer's file: `marks` are (number, start, end, label)."""
    manifest = json.loads((folder / "manifest.json").read_text())
    told = {d["number"]: [] for d in sample(folder) if d["number"] not in unread}
    for number, start, end, label in marks:
        place = {"start": start, "end": end, "label": label, "whose": "patient", "kind": "missed"}
        told[number].append(place)
    file = folder / f"{name}.json"
    file.write_text(json.dumps({
        "format": "moiety-review-1", "sample": manifest["sample_sha256"], "reviewer": name,
        "documents": [{"number": n, "read": True, "findings": f} for n, f in told.items()],
    }))  # fmt: skip
    return file


@pytest.mark.parametrize(("count", "size"), [(40, 40), (300, 100), (12_000, 120)])
def test_the_sample_has_the_size_that_the_process_asks_for(tmp_path, count, size):
    """All of fewer than a hundred; otherwise one in a hundred, and a hundred at least."""
    manifest, folder = drawn(tmp_path, count)
    assert (size, count) == (manifest["sample"], manifest["population"])
    assert size == len(sample(folder))


def test_the_same_seed_draws_the_same_and_it_is_written_down(tmp_path):
    """Who doubts the choice can make it again."""
    manifest, folder = drawn(tmp_path)
    assert 64 == len(manifest["seed"])
    again = draw(Asked(tmp_path / "safe.jsonl", tmp_path / "again", seed=manifest["seed"]))
    other = draw(Asked(tmp_path / "safe.jsonl", tmp_path / "other"))
    numbers = [[d["number"] for d in sample(tmp_path / f)] for f in ("review", "again", "other")]
    assert numbers[0] == numbers[1] != numbers[2]
    assert manifest["sample_sha256"] == again["sample_sha256"] != other["sample_sha256"]
    assert 0o700 == folder.stat().st_mode & 0o777


def test_rare_documents_are_read_beside_the_sample(tmp_path):
    """Strata in proportion, and at least so many of each; the bound counts the sample alone."""
    manifest, folder = drawn(tmp_path, 3000, stratum="type", at_least=9)
    kinds = Counter((d["stratum"], d["in_sample"]) for d in sample(folder))
    assert 100 == manifest["sample"] == kinds["letter", True] + kinds["note", True]
    assert 9 == kinds["note", True] + kinds["note", False]
    told = report(folder, [findings(folder, "r1")])
    assert 100 == told.documents


def test_a_clean_sample_opens_the_gate(tmp_path):
    """A hundred of three hundred without a finding: both shares are proven to 95 %."""
    _, folder = drawn(tmp_path)
    told = report(folder, [findings(folder, "r1")])
    assert [] == told.reasons
    assert pytest.approx(0.05 ** (1 / 100), abs=1e-6) == told.document_bound
    assert {"NAME": 100, "DATE": 100} == dict(told.removed)


@pytest.mark.parametrize(("failing", "is_open"), [(1, True), (4, False)])
def test_so_many_documents_may_fail_and_no_more(tmp_path, failing, is_open):
    """One of a hundred still proves 95 %; four do not, even of a small population."""
    _, folder = drawn(tmp_path)
    marks = [(d["number"], 0, 6, "NAME") for d in sample(folder)[:failing]]
    told = report(folder, [findings(folder, "r1", marks)])
    assert failing == told.failing == told.missed["NAME"]
    assert is_open == (told.reasons == [])


@pytest.mark.parametrize("label", ["NHS_NUMBER", "HOSPITAL_NUMBER"])
def test_one_number_that_was_left_stops_the_release(tmp_path, label):
    """Whatever the shares are; the same finding of another kind does not."""
    _, folder = drawn(tmp_path)
    number = sample(folder)[0]["number"]
    told = report(folder, [findings(folder, "r1", [(number, 0, 6, label)])])
    assert told.reasons
    assert told.reasons[0].startswith(f"STOP: 1 {label}")
    assert [] == report(folder, [findings(folder, "r2", [(number, 0, 6, "DATE")])]).reasons


def test_two_reviewers_are_compared_and_what_either_found_counts(tmp_path):
    """One identifier that both marked counts once; kappa is of documents."""
    _, folder = drawn(tmp_path)
    numbers = [d["number"] for d in sample(folder)]
    first = findings(folder, "r1", [(numbers[0], 0, 6, "NAME"), (numbers[1], 0, 6, "DATE")])
    second = findings(folder, "r2", [(numbers[0], 2, 8, "NAME")])
    told = report(folder, [first, second])
    assert (2, 2, 100) == (told.failing, told.missed.total(), told.both_read)
    by_hand = (0.99 - (0.02 * 0.01 + 0.98 * 0.99)) / (1 - (0.02 * 0.01 + 0.98 * 0.99))
    assert pytest.approx(by_hand) == told.kappa


def test_what_was_planted_tells_how_much_reviewers_find(tmp_path):
    """Planted identifiers are no findings; those that were overlooked lower the bound."""
    manifest, folder = drawn(tmp_path, canaries=10)
    texts = {d["number"]: d["text"] for d in sample(folder)}
    planted = [(c["number"], c["start"], c["end"], c["label"]) for c in manifest["canaries"]]
    assert 10 == len({number for number, *_ in planted})
    assert all(texts[n][start:end].strip() == texts[n][start:end] for n, start, end, _ in planted)
    for document in sample(folder):
        for span in document["spans"]:
            assert f"[{span['label']}]" == document["text"][span["start"] : span["end"]]
    every = report(folder, [findings(folder, "r1", planted)])
    assert (10, 10, 0, []) == (
        every.canaries, every.canaries_found, every.failing, every.reasons,
    )  # fmt: skip
    few = report(folder, [findings(folder, "r2", planted[:3])])
    assert few.corrected_bound < every.corrected_bound
    assert few.reasons
    assert "canar" not in (folder / "review.html").read_text()


def test_documents_that_nobody_read_shut_the_gate(tmp_path):
    """Half a review proves nothing of the other half."""
    _, folder = drawn(tmp_path)
    numbers = [d["number"] for d in sample(folder)]
    told = report(folder, [findings(folder, "r1", unread=numbers[50:])])
    assert "50 documents of the sample are not read yet" in told.reasons


def test_identifiers_behind_surrogates_are_counted_from_another_file(tmp_path):
    """Without it the share is not known, and the gate stays shut."""
    source, found = tmp_path / "safe.jsonl", tmp_path / "found.jsonl"
    documents(found, 120)
    with source.open("w") as lines:
        for i in range(120):
            lines.write(json.dumps({"id": f"d{i}", "text": f"Letter {i}: Zewen Mevin"}) + "\n")
    draw(Asked(source, tmp_path / "blind"))
    told = report(tmp_path / "blind", [findings(tmp_path / "blind", "r1")])
    assert ["how many identifiers were removed is not known: draw the sample with --removed"] == (
        told.reasons
    )
    draw(Asked(source, tmp_path / "seen", removed=found))
    told = report(tmp_path / "seen", [findings(tmp_path / "seen", "r1")])
    assert (200, []) == (told.removed.total(), told.reasons)


def test_findings_of_another_sample_are_refused(tmp_path):
    """Their places would mean other words."""
    _, folder = drawn(tmp_path)
    file = findings(folder, "r1")
    draw(Asked(tmp_path / "safe.jsonl", tmp_path / "other"))
    answer = CliRunner().invoke(
        app, ["deid", "review", "report", str(tmp_path / "other"), str(file)]
    )
    assert 2 == answer.exit_code
    assert "of another sample" in answer.output


def test_the_command_prints_the_bounds_and_writes_the_register(tmp_path):
    """As a person uses it: draw, read, report; exit code 1 where the gate is shut."""
    documents(tmp_path / "safe.jsonl", 300)
    folder = tmp_path / "review"
    run = CliRunner()
    made = run.invoke(app, ["deid", "review", "sample", str(tmp_path / "safe.jsonl"), str(folder)])
    assert 0 == made.exit_code, made.output
    assert "100 of 300 documents; seed " in made.output
    number = sample(folder)[3]["number"]
    file = findings(folder, "r1", [(number, 0, 6, "NHS_NUMBER")])
    register = tmp_path / "register.csv"
    told = run.invoke(
        app, ["deid", "review", "report", str(folder), str(file), "--register", str(register)]
    )
    assert 1 == told.exit_code
    assert "Clopper-Pearson 95.34 %" in told.output
    assert "STOP: 1 NHS_NUMBER left" in told.output
    assert f"{number},d{number - 1},NHS_NUMBER,patient,0,6,r1" in register.read_text()
    again = run.invoke(app, ["deid", "review", "sample", str(tmp_path / "safe.jsonl"), str(folder)])
    assert 2 == again.exit_code


def script(folder):
    page = (folder / "review.html").read_text(encoding="utf-8")
    return page, re.search(r'<script>\n"use strict";(.*?)</script>', page, re.DOTALL)[1]


def test_the_page_asks_nothing_of_a_network_and_no_text_can_break_out_of_it(tmp_path):
    """A text that is HTML stays data."""
    evil = "</script><script>alert(1)</script><!-- [NAME] \u2028 & \U0001f600"
    source = tmp_path / "safe.jsonl"
    documents(source, 3, evil)
    draw(Asked(source, tmp_path / "review"))
    page, _ = script(tmp_path / "review")
    assert 2 == page.count("</script>")
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=[\"'](?!#)", page.replace("default-src", ""))
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
    assert {evil} == {d["text"] for d in json.loads(data)["documents"]}


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_the_page_counts_code_points(tmp_path):
    """Its own functions, run by node: a text is cut at every edge, and emoji count as one."""
    _, folder = drawn(tmp_path, 3)
    _, code = script(folder)
    code += """
    const text = "\U0001f600 Ann Lee [DATE] x";
    const found = [{start: 10, end: 16, label: "DATE"}];
    const missed = [{start: 2, end: 9, label: "NAME", kind: "missed", whose: "patient"}];
    const pieces = segments(text, found, missed);
    console.log(JSON.stringify({
      whole: pieces.map(p => p.text).join("") === text,
      marked: pieces.filter(p => p.kind).map(p => [p.kind, p.text, p.says]),
      at: codePoints(text, text.indexOf("Lee")),
      saved: saved("s", "r1", {7: {read: true, findings: missed}, 8: {read: false, findings: []}}),
    }));
    """
    done = subprocess.run([NODE, "-e", code], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["whole"]
    assert [["missed", "Ann Lee", "NAME"], ["found", "[DATE]", "DATE"]] == told["marked"]
    assert 6 == told["at"]
    assert [7] == [d["number"] for d in told["saved"]["documents"]]
    assert "Ann" not in done.stdout.split('"saved"')[1]


def test_what_was_read_becomes_gold(tmp_path):
    """Found, less what is wrong, with what was missed: evaluation then says what reviewers said."""
    source, folder = tmp_path / "found.jsonl", tmp_path / "review"
    line = {"id": "a", "text": "Ann Lee met Bo on May Day.", "spans": [
        {"start": 0, "end": 7, "label": "NAME"}, {"start": 18, "end": 25, "label": "DATE"},
    ]}  # fmt: skip
    source.write_text(json.dumps(line) + "\n")
    draw(Asked(source, folder))
    file = findings(folder, "r1", [(1, 12, 14, "NAME")])
    told = json.loads(file.read_text())
    told["documents"][0]["findings"].append(
        {"start": 18, "end": 25, "label": "DATE", "whose": "other", "kind": "wrong"}
    )
    file.write_text(json.dumps(told))
    out = tmp_path / "gold.jsonl"
    run = CliRunner()
    asked = ["deid", "review", "gold", str(folder), str(file), "--out", str(out)]
    made = run.invoke(app, asked)
    assert 0 == made.exit_code, made.output
    made = json.loads(out.read_text())
    assert [(0, 7), (12, 14)] == [(s["start"], s["end"]) for s in made["spans"]]
    scored = run.invoke(app, ["deid", "evaluate", str(out), str(source), "--json"])
    figures = json.loads(scored.stdout)
    assert (0.5, 1.0) == (figures["strict_recall"], figures["traps_redacted"])


def test_texts_whose_identifiers_were_replaced_teach_nothing(tmp_path):
    """A tag is no name: the sample for training is drawn from spans."""
    _, folder = drawn(tmp_path, 3)
    file = findings(folder, "r1")
    asked = ["deid", "review", "gold", str(folder), str(file), "--out", str(tmp_path / "g")]
    answer = CliRunner().invoke(app, asked)
    assert 2 == answer.exit_code
    assert "identifiers were replaced" in answer.output
    assert not (tmp_path / "g").exists()
