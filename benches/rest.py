"""Commits, reads and queries over HTTP, against the same work done with less and with node rows.

    python benches/rest.py [--rounds 3] [--seconds 3] [--clients 16,32]
                            [--workers 1] [--what commits,reads]

One server at a time on one database, peers in turn, wrk (Debian: wrk) choosing at random among
many bodies and EHRs on the same machine.  Beside the rates, which feel whatever else runs, stand
the processor's µs a request, which hardly do.

    commits   POST composition of 5, 16 and 20 kB
              ours         keys, full validation, screen, typed rows, commit queue
              raw          the same framework, no key, no check, one INSERT of the bytes (async)
              raw threads  the same with a thread for each request under way
              node         ours with node rows, a pipelined transaction for each request
              node queue   ours with node rows, one statement, our commit queue
    reads     GET composition; EHR-scoped AQL with few EHRs (every plan remembered) and with many

Results: benches/results/rest.jsonl.
"""

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import ground
import peers
import psycopg
from ground import AUDIT, SETTINGS, Ground, median

from clinical_api import compositions
from moiety.commands import issue

_CLINICAL = "clinical_api.app:create_app"
COMMITS = {
    "ours": _CLINICAL,
    "raw": "peer_services:raw_app",
    "raw threads": "peer_services:raw_threads_app",
    "node": "peer_services:node_app",
    "node queue": "peer_services:node_queue_app",
}
_SYSTOLIC = "o/data[at0001]/events[at0002]/data[at0003]/items[at0004]/value/magnitude"
AQL = (
    f"SELECT {_SYSTOLIC} AS systolic, o/data[at0001]/events[at0002]/time/value AS time"
    " FROM EHR e CONTAINS COMPOSITION c"
    " CONTAINS OBSERVATION o[openEHR-EHR-OBSERVATION.moiety_blood_pressure.v1]"
    " WHERE e/ehr_id/value = $ehr_id ORDER BY o/data[at0001]/events[at0002]/time/value"
)
_LUA = """
local requests = {{}}
for line in io.lines("{file}") do
  local method, path, body = line:match("^(%S+) (%S+) (.*)$")
  requests[#requests + 1] = wrk.format(method, path,
    {{["Authorization"] = "Bearer {token}", ["Content-Type"] = "application/json"}},
    body ~= "" and body or nil)
end
math.randomseed({seed})
request = function() return requests[math.random(#requests)] end
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.timeout + summary.errors.read,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Bench:
    """What every measurement needs."""

    here: Ground
    token: str
    seconds: int
    folder: Path
    workers: int = 1


@dataclass(frozen=True)
class Load:
    """Requests to choose from: (method, path, body)."""

    name: str
    requests: list[tuple[str, str, bytes]]


@contextlib.contextmanager
def served(bench: Bench, factory: str) -> Iterator[tuple[str, int]]:
    """A service under uvicorn as the desk starts it; its address and process."""
    port = 20000 + random.randrange(30000)
    secret = bench.folder / "database_url"
    secret.write_text(bench.here.url("clinical_app"))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ground.ROOT}:{Path(__file__).parent}:" + os.environ.get("PYTHONPATH", ""),
        "BENCH_URL": bench.here.url("clinical_app"),
        "MOIETY_CLINICAL_DATABASE_URL_FILE": str(secret),
        "MOIETY_CLINICAL_NEW_EHRS": "visible",
    }
    command = [
        sys.executable, "-m", "uvicorn", "--factory", factory, "--port", str(port),
        "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "critical",
        "--workers", str(bench.workers),
    ]  # fmt: skip
    with (bench.folder / "service.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _await(process, f"http://127.0.0.1:{port}/health", bench.folder / "service.log")
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


def _await(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit(log.read_text()[-2000:])
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the service did not start")


def _cpu(pid: int) -> float:
    """Seconds of processor that a process and its children have used."""
    total = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = file.read_text().rpartition(")")
            fields = rest.split()
            own = int(name.split()[0])
            if own == pid:
                total += sum(map(int, fields[11:15]))
            elif int(fields[1]) == pid:
                total += sum(map(int, fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def wrk(bench: Bench, at: tuple[str, int], load: Load, clients: int) -> dict[str, float]:
    """Requests per second, latencies in ms, processor µs a request of the service and of
    PostgreSQL; stops the bench when a request fails.
    """
    url, pid = at
    server = bench.here.cluster.process.pid
    requests = bench.folder / "requests"
    with requests.open("wb") as out:
        for method, path, body in load.requests:
            out.write(b"%s %s %s\n" % (method.encode(), path.encode(), body))
    script = bench.folder / "load.lua"
    script.write_text(_LUA.format(file=requests, token=bench.token, seed=clients))
    command = ["wrk", "-t1", f"-c{clients}", "-s", str(script)]
    subprocess.run([*command, "-d1s", url], check=True, capture_output=True)  # templates, plans
    before = _cpu(pid), _cpu(server)
    out = subprocess.run(
        [*command, f"-d{bench.seconds}s", url], check=True, capture_output=True, text=True
    ).stdout
    told = next(line for line in out.splitlines() if line.startswith("RESULT")).split()[1:]
    count, duration, failed, middle, late = map(int, told)
    if failed or not count:
        raise SystemExit(f"{failed} of {count} requests failed\n{out}")
    spent = [
        (after - b) / count * 1e6
        for after, b in zip((_cpu(pid), _cpu(server)), before, strict=True)
    ]
    return {
        "per_s": count / duration * 1e6, "p50_ms": middle / 1000, "p99_ms": late / 1000,
        "service_us": spent[0], "server_us": spent[1],
    }  # fmt: skip


def compare(
    bench: Bench, services: dict[str, str], loads: list[Load], clients: list[int], rounds: int
) -> list[dict[str, Any]]:
    """Every service in turn, round by round, over every load and number of clients."""
    found: dict[tuple[str, int, str], list[dict[str, float]]] = {}
    for _ in range(rounds):
        for name, factory in services.items():
            with served(bench, factory) as at:
                for load in loads:
                    for count in clients:
                        took = wrk(bench, at, load, count)
                        found.setdefault((load.name, count, name), []).append(took)
    return [
        {"load": load, "clients": count, "service": name,
         **{key: round(median([r[key] for r in rows]), 2) for key in rows[0]},
         "rounds": [round(r["per_s"]) for r in rows]}
        for (load, count, name), rows in found.items()
    ]  # fmt: skip


def show(lines: list[dict[str, Any]], against: tuple[str, ...]) -> None:
    """Print results, with ratios of each service to some."""
    rates = {(x["load"], x["clients"], x["service"]): x["per_s"] for x in lines}
    print(f"{'load':22}{'clients':>8}  {'service':12}{'per s':>8}{'p50 ms':>8}{'p99 ms':>8}"
          f"{'svc us':>8}{'PG us':>7}"
          + "".join(f"{'x ' + other:>14}" for other in against) + "   rounds")  # fmt: skip
    for x in sorted(lines, key=lambda x: (x["load"], x["clients"])):
        ratios = ""
        for other in against:
            base = rates.get((x["load"], x["clients"], other))
            x[f"x {other}"] = round(x["per_s"] / base, 3) if base else None
            ratios += f"{x['per_s'] / base:14.2f}" if base else f"{'':14}"
        print(f"{x['load']:22}{x['clients']:8}  {x['service']:12}{x['per_s']:8.0f}"
              f"{x['p50_ms']:8.1f}{x['p99_ms']:8.1f}"
              f"{x['service_us']:8.0f}{x['server_us']:7.0f}{ratios}   {x['rounds']}")  # fmt: skip


# --- loads -----------------------------------------------------------------------------------


def commit_loads(ids: list[UUID], names: list[str]) -> list[Load]:
    """POST composition, 400 bodies of each size."""
    rng = random.Random(5)
    return [
        Load(name, [
            ("POST", f"/openehr/v1/ehr/{rng.choice(ids)}/composition", body)
            for body in ground.documents(ground.SIZES[name], 400)
        ])
        for name in names
    ]  # fmt: skip


def read_loads(here: Ground, ids: list[UUID]) -> list[Load]:
    """GET composition and AQL of one EHR, over compositions stored for it."""
    registry = ground.registry(here)
    places = []
    with psycopg.connect(here.url()) as connection:
        for number, body in enumerate(ground.mixed(len(ids) * 5)):
            ehr_id = ids[number % len(ids)]
            prepared = compositions.prepare(body, SETTINGS, registry.seen)
            commit = compositions.create(ehr_id, prepared, SETTINGS, audit=AUDIT)
            places.append((ehr_id, ground.write(connection, commit).object_id))
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
    gets = [("GET", f"/openehr/v1/ehr/{e}/composition/{o}", b"") for e, o in places]
    return [
        Load("GET", gets),
        asking("AQL, 100 EHRs", ids[:100]),
        asking(f"AQL, {len(ids)} EHRs", ids),
    ]


def asking(name: str, ids: list[UUID]) -> Load:
    """AQL of one EHR or another."""
    path = "/openehr/v1/query/aql"
    return Load(name, [
        ("POST", path, json.dumps({"q": AQL, "query_parameters": {"ehr_id": str(e)}}).encode())
        for e in ids
    ])  # fmt: skip


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of every service (default 3)")
    parser.add_argument("--seconds", type=int, default=3, help="seconds a measurement (default 3)")
    parser.add_argument("--clients", default="16,32", help="numbers of clients (default 16,32)")
    parser.add_argument("--workers", type=int, default=1, help="processes of every service")
    parser.add_argument("--what", default="commits,reads", help="which parts")
    parser.add_argument("--sizes", default=",".join(ground.SIZES), help="sizes of commits")
    parser.add_argument("--services", default=",".join(COMMITS), help="peers of commits")
    options = parser.parse_args()
    clients = [int(x) for x in options.clients.split(",")]
    with ground.running() as here:
        with psycopg.connect(here.url()) as connection:
            connection.execute(peers.DDL.encode())
        token = str(
            issue.key(
                here.url("clinical_migrator"), "clinical", "main", label="bench",
                scopes=issue.SCOPES["clinical"],
            )
        )  # fmt: skip
        bench = Bench(here, token, options.seconds, here.state, options.workers)
        ids = ground.open_ehrs(here, 1500)
        about = ground.conditions(here) | {
            "seconds": options.seconds, "workers": options.workers,
        }  # fmt: skip
        ground.say(about)
        for part in options.what.split(","):
            lines, against = _part(part, bench, ids, options, clients)
            print(f"\n{part}")
            show(lines, against)
            ground.record("rest", [about | {"part": part} | line for line in lines])


def _part(
    part: str, bench: Bench, ids: list[UUID], options: argparse.Namespace, clients: list[int]
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    match part:
        case "commits":
            loads = commit_loads(ids, options.sizes.split(","))
            chosen = {name: COMMITS[name] for name in options.services.split(",")}
            return compare(bench, chosen, loads, clients, options.rounds), (
                "raw", "raw threads", "node", "node queue",
            )  # fmt: skip
        case "reads":
            loads = read_loads(bench.here, ids)
            return compare(bench, {"ours": _CLINICAL}, loads, clients, options.rounds), ()
        case _:
            raise SystemExit(f"no part {part}: commits, reads")


if __name__ == "__main__":
    main()
