"""`moiety deid text` as it is run: documents/s by the clock with one process and with more.

    python benches/deid_command.py [--documents 4000] [--rounds 3] [--workers 1 2] [--replace tags]

Texts are those of benches/deid_letters.py, over and over under other ids; a document is counted as
700 characters.  What starting takes is measured with one document and taken away.  Rounds take
turns, so that what else the machine does falls on all alike; load and cores are printed beside.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import deid_letters


def write(file: Path, count: int) -> float:
    """Lines in a file; how many documents of 700 characters they are."""
    texts = [str(document["text"]) for document in deid_letters.letters()]
    characters = 0
    with file.open("w", encoding="utf-8") as lines:
        for number, text in enumerate(islice(cycle(texts), count)):
            characters += len(text)
            lines.write(json.dumps({"id": number, "text": text}) + "\n")
    return characters / 700


def seconds(source: Path, workers: int, style: str) -> float:
    """How long one run takes."""
    command = [sys.executable, "-m", "moiety", "deid", "text", str(source)]
    out = source.with_suffix(".out")
    begun = time.perf_counter()
    subprocess.run(
        [*command, str(out), "--workers", str(workers), "--replace", style, "--restart"],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - begun


def main() -> None:
    """Prints one line for each number of workers, and the ratio of the last to the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--replace", default="none")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load before {load:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        many, one = Path(folder) / "many.jsonl", Path(folder) / "one.jsonl"
        documents = write(many, given.documents)
        write(one, 1)
        starting = statistics.median(seconds(one, 1, given.replace) for _ in range(3))
        took: dict[int, list[float]] = {workers: [] for workers in given.workers}
        for _ in range(given.rounds):
            for workers, times in took.items():
                times.append(seconds(many, workers, given.replace))
    print(f"starting: {starting:.2f} s")
    speeds = {w: documents / (statistics.median(t) - starting) for w, t in took.items()}
    for workers, speed in speeds.items():
        print(f"{workers} processes: {speed:.0f} documents/s")
    first, *_, last = speeds.values()
    print(f"ratio × {last / first:.2f}")


if __name__ == "__main__":
    main()
