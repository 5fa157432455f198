"""`moiety deid text` as people and programs run it: the real command, in a process of its own."""

import csv
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from moiety.deid.text.replacement.written_dates import date_of

MOIETY = [sys.executable, "-m", "moiety", "deid"]
RULES = "model: false\n"
PHONE = "07700 900123"


def deid(*arguments, **options):
    """Run the command; its output is bytes on stdout and words on stderr."""
    done = subprocess.run(
        [*MOIETY, *map(str, arguments)], capture_output=True, check=False, timeout=300, **options
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def written(file):
    return [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def rules(tmp_path):
    """A configuration without the model, which is quicker."""
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path / "rules.yaml"


@pytest.fixture
def notes(tmp_path):
    """Three notes."""
    lines = [
        {"id": f"n{i}", "text": f"Note {i}. Please telephone {PHONE}, or write to a.b@example.com"}
        for i in range(3)
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path / "in.jsonl"


def test_lines_come_out_with_spans_in_the_input(notes, tmp_path):
    """The contract: id, text and spans with offsets and labels, in the order of the input."""
    out = tmp_path / "out.jsonl"
    done = deid("text", notes, out)
    assert 0 == done.returncode
    for before, after in zip(written(notes), written(out), strict=True):
        assert {"id", "text", "spans"} == set(after)
        assert (before["id"], before["text"]) == (after["id"], after["text"])
        found = {s["label"]: after["text"][s["start"] : s["end"]].strip() for s in after["spans"]}
        assert {"TELEPHONE": PHONE, "EMAIL": "a.b@example.com"} == found
    assert {"in.jsonl", "out.jsonl"} == {p.name for p in tmp_path.iterdir()}


def test_standard_input_to_standard_output(notes):
    """Nothing but lines on stdout."""
    done = deid("text", "-", "-", input=notes.read_bytes())
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["n0", "n1", "n2"] == [line["id"] for line in lines]
    assert b"3 texts" in done.stderr


BAD = {
    b"nonsense": "not_json",
    b'"text"': "not_an_object",
    b'{"id": "x"}': "no_text",
    b'{"id": "x", "text": 3}': "no_text",
    b'{"text": "x"}': "no_id",
    b'{"id": "x", "text": "\xff"}': "not_utf8",
    b'{"id": "x", "text": "x", "known": "x"}': "bad_field",
    b"[" * 100_000: "not_json",
}


def test_a_bad_line_never_stops_the_file(tmp_path):
    """It is withheld and reported, and never quoted; the others keep their order."""
    good = [json.dumps({"id": i, "text": PHONE}).encode() for i in range(len(BAD) + 1)]
    lines = [good[0]]
    for bad, after in zip(BAD, good[1:], strict=True):
        lines += [bad, after]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join([*lines, b"", b"  "]))
    done = deid("text", tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert 0 == done.returncode
    assert list(range(len(good))) == [d["id"] for d in written(tmp_path / "out.jsonl")]
    listed = written(tmp_path / "out.jsonl.withheld.jsonl")
    assert list(BAD.values()) == [d["reason"] for d in listed]
    assert [2 * i + 2 for i in range(len(BAD))] == [d["number"] for d in listed]
    assert b"nonsense" not in done.stderr
    assert 1 == deid("text", tmp_path / "in.jsonl", tmp_path / "o", "--strict").returncode


def test_a_line_that_is_too_long_is_read_over(tmp_path):
    """Longer than --longest megabytes; the next line is found again."""
    long = json.dumps({"id": 1, "text": "x" * 1_100_000})
    lines = [long, json.dumps({"id": 2, "text": PHONE})]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    done = deid("text", tmp_path / "in.jsonl", "-", "--longest", "1")
    assert [2] == [json.loads(line)["id"] for line in done.stdout.splitlines()]
    assert b"1: too_long" in done.stderr


def test_texts_that_utf8_can_not_hold_come_out_as_they_came_in(tmp_path):
    """A lone surrogate, escaped; NUL; what JSON allows."""
    line = '{"id": 1, "text": "\\ud800 \\u0000 \\u2028 é 07700 900123"}'
    done = deid("text", "-", "-", input=line.encode())
    (read,) = map(json.loads, done.stdout.splitlines())
    assert json.loads(line)["text"] == read["text"]
    assert [PHONE] == [read["text"][s["start"] : s["end"]].strip() for s in read["spans"]]


def many(file, count, text=f"ring {PHONE} again"):
    with file.open("w") as lines:
        for i in range(count):
            lines.write(json.dumps({"id": i, "text": f"{text} {i}"}) + "\n")


def started(*arguments, stderr=subprocess.DEVNULL):
    return subprocess.Popen(
        [*MOIETY, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=stderr
    )


def children(pid):
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path, rules):
    """Kill -9: the output is that of a run that was never broken off, and nothing is read twice."""
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    many(source, 6000)
    whole = tmp_path / "whole.jsonl"
    deid("text", source, whole, "--config", rules)
    run = started("text", source, out, "--config", rules, "--workers", "1")
    state = tmp_path / "out.jsonl.state"
    until = time.monotonic() + 60
    while not (state.exists() and json.loads(state.read_text())["number"] > 0):
        assert time.monotonic() < until
        time.sleep(0.01)
    workers = children(run.pid)
    run.kill()
    run.wait()
    reached = json.loads(state.read_text())["number"]
    assert 0 < reached < 6000
    assert not out.exists()
    with (tmp_path / "out.jsonl.part").open("ab") as part:
        part.write(b'{"id": "torn')  # what was written after the last word to the disk
    done = deid("text", source, out, "--config", rules, "--workers", "2")
    assert f"Going on after line {reached}.".encode() in done.stderr
    assert whole.read_bytes() == out.read_bytes()
    assert workers
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]


@pytest.mark.parametrize("change", ["input", "settings", "restart"])
def test_parts_that_do_not_fit_are_not_gone_on_with(tmp_path, rules, change):
    """Another input, other settings, or --restart: the run begins anew."""
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    many(source, 40)
    (tmp_path / "out.jsonl.part").write_bytes(b"")
    (tmp_path / "out.jsonl.withheld.part").write_bytes(b"")
    run = started("text", source, out, "--config", rules)
    run.wait()
    done = deid("text", source, out, "--config", rules)
    assert b"Going on" not in done.stderr
    expected = out.read_bytes()
    from moiety.commands.deid.checkpoint import Output

    half = Output.open(out, source, "other", restart=True)
    half.write(b"x\n", b"")
    half.advance(len(source.read_bytes().splitlines(keepends=True)[0]), 1, force=True)
    half.close()
    if change == "input":
        source.write_text(source.read_text().replace("again", "twice"))
        expected = expected.replace(b"again", b"twice")
    extra = ["--restart"] if change == "restart" else []
    done = deid("text", source, out, "--config", rules, *extra)
    assert b"Going on" not in done.stderr
    assert expected == out.read_bytes()


@pytest.mark.slow
def test_many_lines_take_the_memory_of_a_few(tmp_path, rules):
    """The peak of the command and its workers, from the first tenth to the last, stands still."""
    source = tmp_path / "in.jsonl"
    many(source, 20_000, PHONE)
    run = started("text", source, tmp_path / "out.jsonl", "--config", rules)
    peaks = []
    part = tmp_path / "out.jsonl.part"
    size = source.stat().st_size
    while run.poll() is None:
        done = part.stat().st_size / size if part.exists() else 0
        pids = [run.pid, *children(run.pid)]
        peaks.append((done, sum(map(peak, pids))))
        time.sleep(0.2)
    assert 0 == run.returncode
    assert 20_000 == len((tmp_path / "out.jsonl").read_bytes().splitlines())
    early = max(kilobytes for done, kilobytes in peaks if done < 0.3)
    assert max(done for done, _ in peaks) > 0.5
    assert max(kilobytes for _, kilobytes in peaks) < early + 30_000, (early, peaks[-1])


def peak(pid):
    """The most memory that a process has had, in kilobytes; 0 of one that ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM")), 0)


def test_an_interrupt_ends_with_a_sentence(tmp_path, rules):
    """Ctrl-C: what was done is kept."""
    source = tmp_path / "in.jsonl"
    many(source, 200_000)
    out = tmp_path / "out.jsonl"
    # What a shell starts with `&` ignores the signal, and so would all that it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    run = started("text", source, out, "--config", rules, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, before)
    while not (tmp_path / "out.jsonl.state").exists() and run.poll() is None:
        time.sleep(0.02)
    time.sleep(0.2)
    run.send_signal(signal.SIGINT)
    told = run.communicate(timeout=60)[1].decode()
    assert 2 == run.returncode, told
    assert "Give the same command again" in told
    assert "Traceback" not in told


def test_explain_says_what_found_each_span(notes):
    """A rule's name and a score; never a word of the text."""
    done = deid("text", notes, "-", "--explain")
    spans = json.loads(done.stdout.splitlines()[0])["spans"]
    assert all(span["why"] and 0 < span["score"] <= 1 for span in spans)


def test_replaced_texts_have_no_identifier_and_surrogates_no_spans(notes, tmp_path):
    """Spans beside surrogates would give them away; beside tags they help reviewers."""
    key = tmp_path / "project.key"
    assert 0 == deid("key", key).returncode
    assert 0o600 == key.stat().st_mode & 0o777
    tagged = [
        json.loads(x) for x in deid("text", notes, "-", "--replace", "tags").stdout.split(b"\n")[:3]
    ]
    assert "Note 0. Please telephone [TELEPHONE], or write to [EMAIL]" == tagged[0]["text"]
    assert ["[TELEPHONE]", "[EMAIL]"] == [
        tagged[0]["text"][s["start"] : s["end"]] for s in tagged[0]["spans"]
    ]
    done = deid("text", notes, "-", "--key-file", key)
    invented = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"id", "text"} == set(invented[0])
    assert PHONE not in done.stdout.decode()
    assert 1 == len({line["text"].split(". ", 1)[1] for line in invented})


def test_a_key_is_never_written_over(tmp_path):
    """What followed from the old one could not be made again."""
    deid("key", tmp_path / "k")
    before = (tmp_path / "k").read_text()
    done = deid("key", tmp_path / "k")
    assert 2 == done.returncode
    assert before == (tmp_path / "k").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["{notes}"], "moiety deid text IN OUT"),
        (["{notes}", "-", "--replace", "surrogates"], "--key-file"),
        (["{notes}", "-", "--replace", "hide"], "--replace is"),
        (["{notes}", "-", "--format", "docx"], "--format is"),
        (["/nowhere/in.jsonl", "-"], "can't be read"),
        (["{notes}", "/nowhere/out.jsonl"], "can't be written"),
        (["{notes}", "{notes}"], "the same file"),
        (["{notes}", "-", "--config", "/nowhere.yaml"], "can't be read"),
        (["{notes}", "-", "--key-file", "{notes}"], "holds no key"),
        (["{notes}", "-", "--ray", "local:1"], "Ray"),
    ],
)
def test_what_can_not_be_done_is_told_in_a_sentence(notes, arguments, told):
    """Exit code 2, and nothing on stdout."""
    done = deid("text", *[a.format(notes=notes) for a in arguments])
    assert (2, b"") == (done.returncode, done.stdout)
    assert told in done.stderr.decode()


def test_a_csv_file_keeps_its_rows_and_its_other_columns(tmp_path):
    """Quotes, line breaks and commas inside cells; rows that are none are withheld."""
    rows = [["row", "note", "age"], ["1", f'a "{PHONE}",\nb', "50"], ["2", "", "51"]]
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([*rows, ["3", "too few"]])
    done = deid("text", source, out, "--text-column", "note", "--id-column", "row")
    assert 0 == done.returncode, done.stderr
    with out.open(newline="") as file:
        read = list(csv.reader(file))
    assert [rows[0], ["1", 'a "[TELEPHONE]",\nb', "50"], rows[2]] == read
    assert ["not_a_row"] == [d["reason"] for d in written(tmp_path / "out.csv.withheld.jsonl")]
    done = deid("text", source, out, "--text-column", "text")
    assert "There is no column text; there are row, note, age" in done.stderr.decode()


def test_a_parquet_file_keeps_its_types(tmp_path):
    """Nulls stay nulls; more rows than one batch."""
    arrow = pytest.importorskip("pyarrow")
    files = pytest.importorskip("pyarrow.parquet")
    table = arrow.table({
        "id": list(range(2300)),
        "note": [f"{i} {PHONE}" if i % 5 else None for i in range(2300)],
        "weight": [i / 2 for i in range(2300)],
    })  # fmt: skip
    files.write_table(table, tmp_path / "in.parquet")
    done = deid("text", tmp_path / "in.parquet", tmp_path / "o.parquet", "--text-column", "note")
    assert 0 == done.returncode, done.stderr
    read = files.read_table(tmp_path / "o.parquet")
    assert table.schema == read.schema
    assert table.drop(["note"]) == read.drop(["note"])
    expected = [f"{i} [TELEPHONE]" if i % 5 else None for i in range(2300)]
    assert expected == read["note"].to_pylist()


def test_documents_of_one_subject_share_their_shift_and_others_do_not(tmp_path):
    """A shift that the line brings wins."""
    lines = [
        {"id": 1, "subject": "a", "text": "x", "shift_days": 3},
        {"id": 2, "subject": "a", "text": "y"},
        {"id": 3, "text": "z", "field": "Patient name", "path": "/a", "known": ["Ann"]},
    ]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    done = deid("text", "-", "-", "--keep", "subject", input=body)
    read = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["a", "a", None] == [line.get("subject") for line in read]
    assert not any(key in line for line in read for key in ("known", "shift_days"))


def test_dates_of_one_subject_move_alike_and_those_of_strangers_do_not(tmp_path):
    """By the project's key; documents of nobody in particular share no shift either."""
    key = tmp_path / "key"
    deid("key", key)
    text = "Seen in clinic on 3 March 2021 and again on 10 March 2021."
    lines = [{"id": i, "text": text, **({"subject": i % 4} if i < 12 else {})} for i in range(24)]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    done = deid("text", "-", "-", "--key-file", key, input=body)
    made = {d["id"]: d["text"] for d in map(json.loads, done.stdout.splitlines())}
    assert 24 == len(made)
    for i in range(4):
        assert 1 == len({made[j] for j in range(12) if j % 4 == i})
    # Two strangers of four share one of 364 shifts once in 60 keys: three of them never do.
    assert len({made[i] for i in range(4)}) >= 3
    assert len({made[i] for i in range(12, 24)}) > 8
    for words in made.values():
        first, second = re.findall(r"on (\d+ \w+ \d{4})", words)
        assert 7 == (date_of(second) - date_of(first)).days


def test_known_identifiers_are_found_by_fingerprint_and_their_holder_learns_no_text(tmp_path):
    """The control: without the fingerprints the word, which looks like none, stays."""
    known, prints, key = tmp_path / "known", tmp_path / "prints", tmp_path / "job.key"
    known.write_text(json.dumps({"subject": "p1", "known": ["Gribbled Wint", "QQ77"]}) + "\n")
    deid("key", key)
    assert 0 == deid("fingerprint", known, prints, "--job-key-file", key).returncode
    assert "ribbled" not in prints.read_text()
    line = {"id": 1, "subject": "p1", "text": "up the gribbled by the stairs, code qq77"}
    body = json.dumps(line).encode()
    with_prints = ["--known", prints, "--job-key-file", key]

    def found(*more):
        done = deid("text", "-", "-", *more, input=body)
        spans = json.loads(done.stdout)["spans"]
        return {line["text"][s["start"] : s["end"]] for s in spans}

    assert not found() & {"gribbled", "qq77"}
    assert {"gribbled", "qq77"} <= found(*with_prints)
    assert {"gribbled", "qq77"} <= found("--known", known)
    done = deid("text", "-", "-", "--known", prints, input=body)
    assert 2 == done.returncode
    assert b"--job-key-file" in done.stderr
