"""Durable commits on one connection, against the same bytes stored plainly and as node rows.

    python benches/commits.py [--rounds 5] [--each 64] [--sizes "5 kB,16 kB,20 kB"]

In a round every peer commits `--each` compositions in turn.  Whatever needs no connection
(validation, rows, JSON arrays) is made ready before the clock starts.  Peers:

    raw           INSERT of the JSON bytes; packed: of the same under zstd
    ours          the statement of moiety.change_control, as clinical_api.compositions fills it
    ours+build    the same with encode, zstd, arrays and the statement's text inside the clock
    node one      node rows by one statement; node pipe: by pipelined statements
    … x32         32 compositions in one transaction; raw copy32: by COPY

Modes: `on` waits for the disk; `off` (synchronous_commit) shows what the processors do.  WAL and
processor time are those of the mode `off`; disk is that of both.  Results:
benches/results/commits.jsonl.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import ground
import peers
import psycopg
from ground import AUDIT, SETTINGS, Ground, mean_of, median

from clinical_api import compositions, documents
from clinical_api.registry import Registry

Connection = psycopg.Connection[Any]
Work = tuple[UUID, bytes]
_TICK = 1_000_000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Peer:
    """`ready` prepares one composition outside the clock; `write` stores some inside it."""

    ready: Callable[[Work], Any]
    write: Callable[[Connection, Any], None]
    tables: tuple[str, ...] = ()
    batch: int = 1
    itself: bool = False
    """It commits by itself, one by one."""


@dataclass
class Measured:
    """What the rounds of one peer gave, per composition."""

    rates: dict[str, list[float]] = field(default_factory=lambda: {"on": [], "off": []})
    wal: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    written: int = 0
    disk: float = 0


def all_peers(registry: Registry) -> dict[str, Peer]:
    """Every peer by name."""

    def prepare(work: Work) -> Any:
        return compositions.prepare(work[1], SETTINGS, registry.seen)

    def create(work: Work) -> Any:
        return compositions.create(work[0], prepare(work), SETTINGS, audit=AUDIT)

    def build(connection: Connection, ready: Any) -> None:
        ehr_id, prepared = ready
        ground.write(connection, compositions.create(ehr_id, prepared, SETTINGS, audit=AUDIT))

    def node(work: Work) -> peers.NodeCommit:
        return peers.node_commit(*work, 1)

    def insert(statement: str) -> Callable[[Connection, Any], None]:
        return lambda connection, row: connection.execute(statement.encode(), row) and None

    def plain(work: Work) -> tuple[Any, ...]:
        return (work[0], uuid4(), work[1])

    def packed(work: Work) -> tuple[Any, ...]:
        return (work[0], uuid4(), documents.pack(work[1]))

    return {
        "raw": Peer(plain, insert(peers.RAW), ("peer.raw",)),
        "packed": Peer(packed, insert(peers.PACKED), ("peer.packed",)),
        "ours": Peer(create, ground.write, ("ours",)),
        "ours+build": Peer(lambda work: (work[0], prepare(work)), build),
        "node one": Peer(node, peers.write_one, ("peer.node", "peer.version")),
        "node pipe": Peer(node, peers.write_pipelined, itself=True),
        "ours x32": Peer(create, ground.write, batch=32),
        "node one x32": Peer(node, peers.write_one, batch=32),
        "raw x32": Peer(plain, insert(peers.RAW), batch=32),
        "raw copy32": Peer(plain, lambda c, rows: peers.copy_rows(c, "raw", rows), batch=-32),
    }


def run(connection: Connection, peer: Peer, ready: list[Any]) -> None:
    """Store everything that is ready, as many a transaction as the peer takes."""
    size = abs(peer.batch)
    for start in range(0, len(ready), size):
        some = ready[start : start + size]
        if peer.batch < 0:
            peer.write(connection, some)
        else:
            for one in some:
                peer.write(connection, one)
        if not peer.itself:
            connection.commit()


def take_round(
    connection: Connection, peer: Peer, work: list[Work], mode: str, found: Measured
) -> None:
    """One turn of one peer."""
    ready = [peer.ready(one) for one in work]
    connection.execute(f"SET synchronous_commit = {mode}".encode())
    connection.commit()
    pid = connection.info.backend_pid
    log, server, client = _log(connection), _ticks(pid), time.process_time()
    started = time.perf_counter()
    run(connection, peer, ready)
    elapsed = time.perf_counter() - started
    found.rates[mode].append(len(work) / elapsed)
    found.written += len(work)
    if mode == "off":
        found.client.append((time.process_time() - client) * 1e6 / len(work))
        found.server.append((_ticks(pid) - server) * _TICK / len(work))
        found.wal.append((_log(connection) - log) / len(work))


def _log(connection: Connection) -> int:
    row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    connection.commit()
    return int(row[0]) if row else 0


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def on_disk(connection: Connection, tables: tuple[str, ...]) -> int:
    """Bytes of tables with their indexes; `ours` are the heads and every leaf table."""
    ours = tables == ("ours",)
    named = ["composition", "screen_finding"] if ours else list(tables)
    row = connection.execute(
        "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind = 'r'"
        " AND (relnamespace::regnamespace::text = %s OR oid = ANY(%s::text[]::regclass[]))",
        ("leaf" if ours else "", named),
    ).fetchone()
    connection.commit()
    return int(row[0]) if row and row[0] else 0


def measure(
    ground_: Ground, registry: Registry, size: str, options: argparse.Namespace
) -> dict[str, Measured]:
    """Every peer in turn, round by round, for one size."""
    ids = ground.open_ehrs(ground_, 200)
    bodies = ground.documents(ground.SIZES[size], 400)
    named = all_peers(registry)
    found = {name: Measured() for name in named}
    source = cycle(zip(ids * 2, bodies, strict=True))
    with psycopg.connect(ground_.url()) as connection:
        before = {name: on_disk(connection, peer.tables) for name, peer in named.items()}
        for number in range(options.rounds + 1):
            for mode in ("on", "off"):
                for name, peer in named.items():
                    work = [next(source) for _ in range(options.each)]
                    took = found[name] if number else Measured()  # the first only warms up
                    take_round(connection, peer, work, mode, took)
        _disk(connection, named, before, found)
    return found


def _disk(
    connection: Connection,
    named: dict[str, Peer],
    before: dict[str, int],
    found: dict[str, Measured],
) -> None:
    for name, peer in named.items():
        if not peer.tables:
            continue
        count = {"ours": "composition", "peer.node": "peer.version"}.get(
            peer.tables[0], peer.tables[0]
        )
        grown = on_disk(connection, peer.tables) - before[name]
        row = connection.execute(f"SELECT count(*) FROM {count}".encode()).fetchone()
        found[name].disk = grown / (row[0] - _counted.get(count, 0)) if row else 0
        _counted[count] = row[0] if row else 0


_counted: dict[str, int] = {}


def show(size: str, bodies: list[bytes], found: dict[str, Measured]) -> list[dict[str, object]]:
    """Print one size as a table; the same as records."""
    mean = sum(map(len, bodies)) / len(bodies)
    count = sum(len(peers.nodes(b)) for b in bodies) / len(bodies)
    print(f"\n{size}: {mean:.0f} bytes, {count:.0f} node rows a composition")
    print(f"{'':14}{'on /s':>8}{'x raw':>7}{'x node':>7}{'off /s':>8}{'x raw':>7}{'x node':>7}"
          f"{'WAL B':>8}{'PG µs':>7}{'client':>7}{'disk B':>8}")  # fmt: skip
    lines = []
    for name, one in found.items():
        rates = {mode: median(one.rates[mode]) for mode in ("on", "off")}
        ratios = {
            f"{mode}/{peer}": rates[mode] / median(found[peer].rates[mode])
            for mode in rates for peer in ("raw", "node pipe")
        }  # fmt: skip
        line = {
            "size": size, "bytes": round(mean), "node_rows": round(count), "peer": name,
            **{f"{mode}_per_s": round(rate, 1) for mode, rate in rates.items()},
            **{key: round(ratio, 3) for key, ratio in ratios.items()},
            "wal": round(median(one.wal)), "server_us": round(mean_of(one.server)),
            "client_us": round(mean_of(one.client)), "disk": round(one.disk),
            "rounds": {mode: [round(r) for r in values] for mode, values in one.rates.items()},
        }  # fmt: skip
        lines.append(line)
        print(f"{name:14}{rates['on']:8.0f}{ratios['on/raw']:7.2f}{ratios['on/node pipe']:7.2f}"
              f"{rates['off']:8.0f}{ratios['off/raw']:7.2f}{ratios['off/node pipe']:7.2f}"
              f"{line['wal']:8}{line['server_us']:7}{line['client_us']:7}"
              f"{line['disk']:8}")  # fmt: skip
    return lines


def main() -> None:
    """Measure every size, print, record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of every peer (default 5)")
    parser.add_argument("--each", type=int, default=64, help="compositions a turn (default 64)")
    parser.add_argument("--sizes", default=",".join(ground.SIZES), help="which sizes")
    options = parser.parse_args()
    with ground.running() as here:
        with psycopg.connect(here.url()) as connection:
            connection.execute(peers.DDL.encode())
        registry = ground.registry(here)
        about = ground.conditions(here) | {"rounds": options.rounds, "each": options.each}
        ground.say(about)
        for size in options.sizes.split(","):
            found = measure(here, registry, size, options)
            bodies = ground.documents(ground.SIZES[size], 400)
            lines = show(size, bodies, found)
            ground.record("commits", [about | line for line in lines])


if __name__ == "__main__":
    main()
