"""How long a document takes: decode, encode, check (validate and emit rows), the same through
XML and FLAT, and the web template of its template, by size.

Run from the repository's root: `python -m benches.openehr_documents`. The documents are the
tests' own, of the demo's templates. Prints the machine, then the median of many runs in µs,
and appends the same as a line of JSON to benches/results/openehr_documents.jsonl with --record.
"""

import json
import platform
import statistics
import sys
import time
from pathlib import Path

from moiety.openehr import rm
from moiety.openehr.canonical import decode_composition, encode
from moiety.openehr.simplified.forms import decode_simplified, encode_flat, prepare
from moiety.openehr.simplified.web_template import web_template
from moiety.openehr.validate import compile_template
from moiety.openehr.xml import decode_xml, encode_xml
from tests.unit.openehr import documents

ROUNDS = 30
NOW = "2024-05-17T08:30:00Z"
MEASURES = ("decode", "encode", "check", "xml in", "xml out", "flat in", "flat out", "web")
RESULTS = Path(__file__).parent / "results/openehr_documents.jsonl"
CASES = {
    "problem list": ("problem_diagnosis", documents.problem_diagnosis),
    "discharge letter": ("discharge_letter", documents.discharge_letter),
    "vital signs": ("vital_signs", documents.vital_signs),
    "laboratory, 2 analytes": ("laboratory_result", lambda: documents.laboratory_result(2)),
    "laboratory, 11 analytes": ("laboratory_result", lambda: documents.laboratory_result(11)),
}


def machine():
    """Processor, cores and interpreter, as written beside every figure."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "?")
    cores = sum(line.startswith("processor") for line in lines)
    return f"{model}, {cores} cores, Python {platform.python_version()}"


def microseconds(work):
    """The median time of a call, each round long enough for the clock."""
    begin = time.perf_counter()
    work()
    calls = max(1, min(50, int(0.01 / (time.perf_counter() - begin))))
    rounds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(calls):
            work()
        rounds.append((time.perf_counter() - begin) / calls * 1e6)
    return statistics.median(rounds)


def measure(name, build):
    """One case: sizes in bytes and rows, times in µs."""
    template = documents.template(name)
    compiled, forms = compile_template(template), prepare(template)
    composition = decode_composition(documents.body(build()))
    body, xml, flat = encode(composition), encode_xml(composition), encode_flat(composition, forms)
    checked = compiled.check(composition, 1)
    if checked.findings:
        raise SystemExit(f"{name}: the document is not valid")
    work = {
        "decode": lambda: decode_composition(body),
        "encode": lambda: encode(composition),
        "check": lambda: compiled.check(composition, 1),
        "xml in": lambda: decode_xml(xml, rm.Composition),
        "xml out": lambda: encode_xml(composition),
        "flat in": lambda: decode_simplified(flat, forms, now=NOW),
        "flat out": lambda: encode_flat(composition, forms),
        "web": lambda: web_template(template),
    }
    return {
        "bytes": len(body),
        "rows": sum(len(table.values) for table in checked.rows),
        **{label: round(microseconds(work[label])) for label in MEASURES},
    }


def main():
    """Measure every case, print a table, record a line a case when asked to."""
    print(machine())
    heads = "".join(f"{label:>9}" for label in MEASURES)
    print(f"{'document':26}{'bytes':>8}{'rows':>6}{heads}   µs, median")
    for label, (name, build) in CASES.items():
        found = measure(name, build)
        times = "".join(f"{found[measured]:>9}" for measured in MEASURES)
        print(f"{label:26}{found['bytes']:>8}{found['rows']:>6}{times}")
        if "--record" in sys.argv:
            RESULTS.parent.mkdir(exist_ok=True)
            with RESULTS.open("a") as out:
                out.write(json.dumps({"machine": machine(), "document": label, **found}) + "\n")


if __name__ == "__main__":
    main()
