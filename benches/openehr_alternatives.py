"""moiety.openehr beside another Python library for openEHR, on the same documents.

The other library is oehrpy, as PyPI has it, in an environment of its own:

    python3 -m venv DIR && DIR/bin/pip install oehrpy==0.17.0
    python -m benches.openehr_alternatives --other DIR/bin/python [--record]

Each library runs in a process of its own interpreter; the two take turns round by round, so that
what else the machine does falls on both. The documents are the tests' own. What is put side by
side does not do the same: the table says what each does, and where the other library has
nothing of the kind. Prints the medians in µs and how many times faster moiety is; --record
appends a line of JSON a document to benches/results/openehr_alternatives.jsonl.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benches.openehr_documents import CASES, machine
from moiety.openehr.canonical import decode_composition, encode
from moiety.openehr.opt import parse_opt
from moiety.openehr.simplified.forms import decode_simplified, encode_flat, prepare
from moiety.openehr.simplified.web_template import web_template
from moiety.openehr.validate import compile_template
from tests.unit.openehr import documents

ROUNDS = 25
SECONDS_A_ROUND = 0.02
RESULTS = Path(__file__).parent / "results/openehr_alternatives.jsonl"
MEASURES = {
    "decode": "canonical JSON to objects; oehrpy drops the classes of nested objects",
    "encode": "objects to canonical JSON",
    "template": "OPT 1.4 to a template; oehrpy keeps entries and elements, moiety every constraint",
    "validate": "moiety: the composition against every constraint of its template, with rows; "
    "oehrpy: the paths of the FLAT document against the web template, nothing else",
    "flat to nested": "moiety: FLAT to a typed composition; oehrpy: keys split at slashes",
    "objects to flat": "moiety: composition to FLAT by its template; oehrpy: nested keys joined",
    "web template": "moiety: made from the template; oehrpy: can only read one, which is timed",
}


# --- our own measures, in a process of their own


def work_of_moiety(folder):
    """The measures of moiety.openehr on the files of a folder."""
    opt, body, flat = (
        (folder / name).read_bytes() for name in ("template.opt", "canonical.json", "flat.json")
    )
    template, composition = parse_opt(opt), decode_composition(body)
    compiled, forms = compile_template(template), prepare(template)
    return {
        "decode": lambda: decode_composition(body),
        "encode": lambda: encode(composition),
        "template": lambda: parse_opt(opt),
        "validate": lambda: compiled.check(composition, 1),
        "flat to nested": lambda: decode_simplified(flat, forms, now="2024-05-17T08:30:00Z"),
        "objects to flat": lambda: encode_flat(composition, forms),
        "web template": lambda: web_template(template),
    }


def serve(calls_by_name):
    """Answer each line on stdin, the name of a measure, with a round's time a call in µs."""
    for line in sys.stdin:
        call = calls_by_name[line.strip()]
        begin = time.perf_counter()
        call()
        calls = max(1, int(SECONDS_A_ROUND / (time.perf_counter() - begin)))
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        print((time.perf_counter() - begin) / calls * 1e6, flush=True)


# --- taking turns


def write_documents(folder, name, build):
    """The files that both libraries read; gives the size of the canonical document."""
    composition = decode_composition(documents.body(build()))
    template = documents.template(name)
    body = encode(composition)
    (folder / "template.opt").write_bytes((documents.TEMPLATES / f"{name}.opt").read_bytes())
    (folder / "canonical.json").write_bytes(body)
    (folder / "flat.json").write_bytes(encode_flat(composition, prepare(template)))
    (folder / "web.json").write_text(json.dumps(web_template(template)))
    return len(body)


def race(folder, other):
    """The median time a call of each library and measure, in µs."""
    workers = {
        name: subprocess.Popen(
            [python, *module, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, python, module in (
            ("moiety", sys.executable, ["-m", "benches.openehr_alternatives", "--worker"]),
            ("oehrpy", other, [str(Path(__file__).with_name("openehr_oehrpy.py"))]),
        )
    }
    times = {name: {measure: [] for measure in MEASURES} for name in workers}
    for _ in range(ROUNDS):
        for measure in MEASURES:
            for name, worker in workers.items():
                worker.stdin.write(f"{measure}\n")
                worker.stdin.flush()
                times[name][measure].append(float(worker.stdout.readline()))
    for worker in workers.values():
        worker.communicate()
    return {
        name: {measure: round(statistics.median(found), 1) for measure, found in of.items()}
        for name, of in times.items()
    }


def compare(label, size, found, *, record):
    """Print one document's table, and append it to the results when asked to."""
    print(f"\n{label}, {size} bytes\n{'':16}{'moiety':>10}{'oehrpy':>10}{'times':>8}")
    ours, theirs = found["moiety"], found["oehrpy"]
    times = {measure: round(theirs[measure] / ours[measure], 1) for measure in MEASURES}
    for measure in MEASURES:
        print(f"{measure:16}{ours[measure]:>10}{theirs[measure]:>10}{times[measure]:>8}")
    if record:
        line = {"machine": machine(), "rounds": ROUNDS, "document": label, "bytes": size}
        with RESULTS.open("a") as out:
            out.write(json.dumps({**line, "µs": found, "times": times}) + "\n")


def main():
    """Race on two documents, or serve as one of the racers."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--other", help="Python of the environment with oehrpy")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--worker", metavar="FOLDER", help="serve the measures of moiety")
    asked = parser.parse_args()
    if asked.worker:
        serve(work_of_moiety(Path(asked.worker)))
        return
    if not asked.other:
        parser.error("--other PYTHON: where oehrpy is installed")

    print(machine())
    for measure, meaning in MEASURES.items():
        print(f"  {measure}: {meaning}")
    for label in ("vital signs", "laboratory, 11 analytes"):
        with tempfile.TemporaryDirectory() as folder:
            size = write_documents(Path(folder), *CASES[label])
            compare(label, size, race(Path(folder), asked.other), record=asked.record)


if __name__ == "__main__":
    main()
