"""How long a document takes: decode, encode, check (validate and emit rows), by size.

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

from moiety.openehr.canonical import decode_composition, encode
from moiety.openehr.validate import compile_template
from tests.unit.openehr import documents

ROUNDS = 30
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
    calls = 50
    rounds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(calls):
            work()
        rounds.append((time.perf_counter() - begin) / calls * 1e6)
    return statistics.median(rounds)


def measure(name, build):
    """One case: sizes in bytes and rows, times in µs."""
    compiled = compile_template(documents.template(name))
    composition = decode_composition(documents.body(build()))
    body = encode(composition)
    checked = compiled.check(composition, 1)
    if checked.findings:
        raise SystemExit(f"{name}: the document is not valid")
    return {
        "bytes": len(body),
        "rows": sum(len(table.values) for table in checked.rows),
        "decode": round(microseconds(lambda: decode_composition(body))),
        "encode": round(microseconds(lambda: encode(composition))),
        "check": round(microseconds(lambda: compiled.check(composition, 1))),
    }


def main():
    """Measure every case, print a table, record a line a case when asked to."""
    print(machine())
    print(
        f"{'document':26}{'bytes':>8}{'rows':>6}{'decode':>9}{'encode':>9}{'check':>9}   µs, median"
    )
    for label, (name, build) in CASES.items():
        found = measure(name, build)
        print(
            f"{label:26}{found['bytes']:>8}{found['rows']:>6}"
            f"{found['decode']:>9}{found['encode']:>9}{found['check']:>9}"
        )
        if "--record" in sys.argv:
            RESULTS.parent.mkdir(exist_ok=True)
            with RESULTS.open("a") as out:
                out.write(json.dumps({"machine": machine(), "document": label, **found}) + "\n")


if __name__ == "__main__":
    main()
