"""What the benches stand on: a durable PostgreSQL of their own, documents by size, conditions.

Every result says where it was measured; two results are comparable only within one run, where
the peers take turns round by round.
"""

import contextlib
import json
import os
import platform
import random
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import sqlalchemy as sa

from clinical_api import audits, definitions, ehrs, statuses
from clinical_api.registry import Registry
from clinical_api.settings import Settings
from moiety import embedded
from moiety.commands.demo import records
from moiety.commands.desk import Desk, migrate
from moiety.kit.commits import Commit, positional

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
SETTINGS = Settings(new_ehrs="visible")
AUDIT = audits.of_key("0123456789ab", SETTINGS.system_id, "POST /ehr/{ehr_id}/composition")
SIZES = {"5 kB": 5000, "16 kB": 16000, "20 kB": 20000}
UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
_SERVER = {
    "shared_buffers": "1GB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "1h",
    "max_connections": "200",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}


@dataclass(frozen=True)
class Ground:
    """A migrated clinical database with the demo's templates, durable like a real one."""

    state: Path
    cluster: embedded.Cluster

    def url(self, role: str = "postgres") -> str:
        """The clinical database as one of its roles; the peers' tables belong to the superuser."""
        return self.cluster.url(role, "clinical")

    def engine(self, role: str = "clinical_app") -> sa.Engine:
        """A SQLAlchemy engine on it."""
        return sa.create_engine(
            sa.make_url(self.url(role)).set(drivername="postgresql+psycopg"), pool_size=4
        )


@contextlib.contextmanager
def running(parent: Path | None = None) -> Iterator[Ground]:
    """A fresh cluster with fsync on, templates stored; gone afterwards.

    `parent`: the folder that it is made in, of the system's choice without.
    """
    with tempfile.TemporaryDirectory(prefix="moiety-bench-", dir=parent) as folder:
        state = Path(folder)
        state.chmod(0o755)
        with embedded.running(state, _SERVER) as cluster:
            migrate(Desk(state, 0, cluster, {}))
            ground = Ground(state, cluster)
            with ground.engine().begin() as connection:
                for file in sorted((ROOT / "moiety/commands/demo/templates").glob("*.opt")):
                    definitions.add(connection, file.read_bytes())
            yield ground


def registry(ground: Ground) -> Registry:
    """The templates, compiled."""
    compiled = Registry()
    with ground.engine().connect() as connection:
        compiled.current(connection)
    return compiled


def open_ehrs(ground: Ground, count: int) -> list[UUID]:
    """`count` EHRs with their statuses."""
    ids = [uuid4() for _ in range(count)]
    with psycopg.connect(ground.url()) as connection:
        for ehr_id in ids:
            status = statuses.prepare(statuses.default(), SETTINGS)
            write(connection, ehrs.opening(ehr_id, status, SETTINGS, audit=AUDIT))
    return ids


def write(connection: psycopg.Connection[Any], commit: Commit) -> Any:
    """Send a commit's statements on a plain connection, as the queue would; its result.

    The transaction is left open.
    """
    rows = []
    for step in commit.steps:
        statement, names = positional(step.statement)
        cursor = psycopg.RawCursor(connection)
        cursor.execute(statement, [step.parameters[n] for n in names])
        rows.append(cursor.fetchone() if cursor.description else None)
    commit.judge(rows)
    return commit.result


def documents(size: int, count: int, seed: int = 1) -> list[bytes]:
    """`count` different valid documents of about `size` bytes.

    Small ones are vital signs cut to blood pressure and pulse; larger ones are laboratory results
    whose panel is as long as it takes.
    """
    rng = random.Random(seed)
    build = _small if size < 8000 else _panel
    return [build(rng, size) for _ in range(count)]


def mixed(count: int, seed: int = 2) -> Iterator[bytes]:
    """Documents in the demo's mix of kinds."""
    return records.write(count, seed, UNTIL)


def _small(rng: random.Random, _size: int) -> bytes:
    tree = records.vital_signs(rng, UNTIL)
    tree["content"] = tree["content"][:2]
    tree["content"][0]["data"]["events"] = tree["content"][0]["data"]["events"][:1]
    while len(text := msgspec.json.encode(tree)) < 4600:
        events = tree["content"][0]["data"]["events"]
        events.append(deepcopy(events[0]))
    return text


def _panel(rng: random.Random, size: int) -> bytes:
    tree = records.laboratory_result(rng, UNTIL)
    items = tree["content"][0]["data"]["events"][0]["data"]["items"]
    while len(text := msgspec.json.encode(tree)) < size - 500:
        more = records.laboratory_result(rng, UNTIL)
        analyte = more["content"][0]["data"]["events"][0]["data"]["items"][2]
        items.insert(2, analyte)
    return text


# --- conditions ------------------------------------------------------------------------------


def conditions(ground: Ground) -> dict[str, object]:
    """Where and on what a result was measured."""
    with psycopg.connect(ground.url()) as connection:
        server = connection.info.parameter_status("server_version")
    return {
        "commit": _commit(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _processor(),
        "cores": os.cpu_count(),
        "load": [round(x, 1) for x in os.getloadavg()],
        "python": platform.python_version(),
        "postgresql": server,
    }


def say(found: dict[str, object]) -> None:
    """Print conditions on one line."""
    load = found["load"]
    print(
        f"{found['machine']}, {found['cores']} cores, load average {load},"
        f" Python {found['python']}, PostgreSQL {found['postgresql']}, commit {found['commit']}"
    )


def record(name: str, lines: list[dict[str, object]]) -> None:
    """Append result lines to results/<name>.jsonl."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.jsonl").open("a") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)


def median(values: list[float]) -> float:
    """The median; 0 where nothing was measured."""
    return statistics.median(values) if values else 0.0


def mean_of(values: list[float]) -> float:
    """The mean, for what is counted in coarse ticks; 0 where nothing was measured."""
    return statistics.fmean(values) if values else 0.0


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.strip()

    changed = git("status", "--porcelain", "--", "moiety", "clinical_api", "alembic")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if "model name" in line),
        platform.machine(),
    )
