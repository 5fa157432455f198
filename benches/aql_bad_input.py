"""How long the compiler takes to refuse what is no query, or to take what hardly is one.

    python -m benches.aql_bad_input [--texts 20000] [--seed 7]

Texts are random characters, pieces of AQL in random order, and whole queries with a few characters
changed; each goes through all that a request goes through before anything is run. Times are of the
processor, so that what else runs on the machine matters less. Target: 50 ms for any text.
"""

import argparse
import random
import statistics
import time
from collections.abc import Iterator

from clinical_api import queried
from moiety import aql
from moiety.aql import AqlError
from tests.unit.aql import ward
from tests.unit.aql.test_parser import PIECES

TARGET = 50.0
HEADS = queried.heads("moiety.example")
WHOLE = (
    f"SELECT o/data[at0001]/events[at0006]/data[at0003]/items[at0004]/value/magnitude AS m,"
    f" COUNT(*) FROM EHR e CONTAINS VERSION v CONTAINS OBSERVATION o[{ward.PRESSURE}]"
    f" WHERE LENGTH(o/name/value) > 3 AND e/ehr_id/value != 'x' ORDER BY m LIMIT 5"
)
ALPHABET = "SELECTFROMWHERE abc/[]{}()'\"\\$=<>!,*?|:;-._0123456789éß\n\t\x00☃"


def texts(count: int, chance: random.Random) -> Iterator[str]:
    """Random texts of three kinds, in turn."""
    for number in range(count):
        match number % 3:
            case 0:
                yield "".join(chance.choices(ALPHABET, k=chance.randrange(400)))
            case 1:
                yield " ".join(chance.choices(PIECES, k=chance.randrange(60)))
            case _:
                letters = list(WHOLE)
                for _ in range(chance.randrange(1, 5)):
                    letters[chance.randrange(len(letters))] = chance.choice(ALPHABET)
                yield "".join(letters)


HOSTILE = (
    "SELECT c FROM COMPOSITION c WHERE " + "(" * 5_000,
    "SELECT " + "CONCAT(" * 5_000,
    "SELECT c FROM " + "SECTION CONTAINS " * 3_000,
    "a-" * 30_000,
    "'" + "\\'" * 30_000,
    "SELECT c FROM COMPOSITION c WHERE c/name = '" + "x" * 1_000_000 + "'",
    "SELECT " + ", ".join(f"c/name/value AS a{n}" for n in range(2_000)) + " FROM COMPOSITION c",
    "SELECT c FROM COMPOSITION c WHERE "
    + " OR ".join(f"c/name/value = '{n}'" for n in range(1_500)),
)
"""Texts that are made to be slow: the last two are queries."""


def timed(text: str) -> tuple[float, bool]:
    """Milliseconds of the processor, and whether the text is a query."""
    begun = time.process_time()
    try:
        aql.compile(text, {}, TEMPLATES, HEADS)
    except AqlError:
        taken = False
    else:
        taken = True
    return (time.process_time() - begun) * 1000, taken


TEMPLATES = ward.templates()


def main() -> None:
    """Time all texts and print what the slowest took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    timed(WHOLE)
    told = [timed(text) for text in texts(asked.texts, random.Random(asked.seed))]
    times = sorted(milliseconds for milliseconds, _ in told)
    print(f"{len(told)} texts, {sum(taken for _, taken in told)} of them queries")
    print(f"median {statistics.median(times):.2f} ms, 99.9 % {times[-len(times) // 1000]:.2f} ms,")
    print(f"slowest {times[-1]:.2f} ms; target {TARGET:.0f} ms")
    for text in HOSTILE:
        milliseconds, taken = timed(text)
        print(f"{milliseconds:8.2f} ms  {'taken  ' if taken else 'refused'}  {text[:50]!r}…")


if __name__ == "__main__":
    main()
