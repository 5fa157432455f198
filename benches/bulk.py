"""Bulk import against single commits and against raw COPY of the same bytes.

    python benches/bulk.py [--rounds 5] [--each 512] [--sizes "5 kB,16 kB"]

In a round every peer stores `--each` compositions, spread over 64 EHRs, in turn.  All of them wait
for the disk.  Peers:

    copy        COPY of (ehr_id, id, JSON octets), one transaction for all
    copy packed the same under zstd, as documents are stored
    single      prepare, and one statement and one COMMIT a composition, on one connection
    queue       the same by the commit queue of the service, 32 callers at a time
    bulk        lines of JSON through clinical_api.bulk: read, validated, screened, COPY

`ours` peers include decoding, validation, typed rows and the screen; `copy` does nothing of that.
Results: benches/results/bulk.jsonl.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import ground
import psycopg
from ground import AUDIT, SETTINGS, Ground, median

from clinical_api import compositions, documents
from clinical_api.bulk.importing import BATCH_LINES, Importer, Report
from clinical_api.registry import Registry
from moiety.kit.commits import CommitQueue

Work = list[tuple[UUID, bytes]]
_TABLE = (
    "CREATE TABLE IF NOT EXISTS public.peer_copy (ehr_id uuid, id uuid PRIMARY KEY, body bytea)"
)


def copy(connection: psycopg.Connection[Any], work: Work, pack: Callable[[bytes], bytes]) -> None:
    """COPY into a table with a primary key."""
    with connection.cursor() as cursor:
        text = "COPY public.peer_copy FROM STDIN (FORMAT BINARY)"
        with cursor.copy(text) as target:
            target.set_types(["uuid", "uuid", "bytea"])
            for ehr_id, body in work:
                target.write_row((ehr_id, uuid4(), pack(body)))
    connection.commit()


def single(connection: psycopg.Connection[Any], work: Work, registry: Registry) -> None:
    """One commit after another."""
    for ehr_id, body in work:
        prepared = compositions.prepare(body, SETTINGS, registry.seen)
        ground.write(connection, compositions.create(ehr_id, prepared, SETTINGS, audit=AUDIT))
        connection.commit()


async def queue(url: str, work: Work, registry: Registry) -> None:
    """As the service does it under load."""
    commits = CommitQueue(url)
    places = asyncio.Semaphore(32)

    async def one(ehr_id: UUID, body: bytes) -> None:
        async with places:
            prepared = compositions.prepare(body, SETTINGS, registry.seen)
            await commits.run(compositions.create(ehr_id, prepared, SETTINGS, audit=AUDIT))

    await asyncio.gather(*(one(*each) for each in work))
    await commits.close()


def bulk(at: Ground, work: Work, registry: Registry) -> None:
    """Lines, as the import route feeds them."""
    lines = [
        b'{"ehr_id":"%s","contribution":{"versions":[{"data":%s}]}}' % (str(e).encode(), body)
        for e, body in work
    ]
    engine = at.engine()
    importer = Importer(engine, registry, SETTINGS, AUDIT, skip=False, report=Report())
    for start in range(0, len(lines), BATCH_LINES):
        importer.feed(list(enumerate(lines[start : start + BATCH_LINES], start + 1)))
    engine.dispose()
    if importer.report.versions != len(work):
        raise SystemExit(f"{importer.report.refusals[:1]}")


def measure(at: Ground, size: int, rounds: int, each: int) -> dict[str, list[float]]:
    """Compositions a second of each peer, round by round."""
    registry, owners = ground.registry(at), ground.open_ehrs(at, 64)
    found: dict[str, list[float]] = {}
    app = at.url("clinical_app")
    with psycopg.connect(at.url()) as own, psycopg.connect(app) as ours:
        own.execute(_TABLE)
        own.commit()
        peers: dict[str, Callable[[Work], None]] = {
            "copy": lambda work: copy(own, work, bytes),
            "copy packed": lambda work: copy(own, work, documents.pack),
            "single": lambda work: single(ours, work, registry),
            "queue": lambda work: asyncio.run(queue(app, work, registry)),
            "bulk": lambda work: bulk(at, work, registry),
        }
        for number in range(rounds + 1):
            texts = ground.documents(size, each, seed=number)
            work = [(owners[n % len(owners)], text) for n, text in enumerate(texts)]
            for name, store in peers.items():
                started = time.perf_counter()
                store(work)
                if number:  # the first round warms up
                    rate = each / (time.perf_counter() - started)
                    found.setdefault(name, []).append(rate)
    return found


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--each", type=int, default=512)
    parser.add_argument("--sizes", default="5 kB,16 kB")
    asked = parser.parse_args()
    with ground.running() as at:
        conditions = ground.conditions(at)
        ground.say(conditions)
        for name in asked.sizes.split(","):
            rates = measure(at, ground.SIZES[name], asked.rounds, asked.each)
            middle = {peer: round(median(some)) for peer, some in rates.items()}
            base = middle["bulk"]
            for peer, rate in middle.items():
                print(f"{name:6} {peer:12} {rate:7} a second   bulk is {base / rate:6.2f} times it")
            line = {"size": name, "rounds": asked.rounds, "each": asked.each, "rates": middle}
            ground.record("bulk", [{**conditions, **line}])
    print(json.dumps({"recorded": "benches/results/bulk.jsonl"}))


if __name__ == "__main__":
    main()
