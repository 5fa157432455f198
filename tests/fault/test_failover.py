"""A streaming replica: it takes reads, and it takes over when the primary is killed."""

import itertools
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest

from clinical_api.app import create_app
from clinical_api.settings import Settings
from moiety import embedded
from moiety.commands.demo import records
from moiety.commands.desk import Desk, migrate
from tests.fixtures.fix_services import served

TEMPLATES = Path(__file__).parents[2] / "moiety/commands/demo/templates"
COUNT = "SELECT COUNT(*) AS n FROM EHR e CONTAINS COMPOSITION c"
WRITERS = 8
pytestmark = pytest.mark.slow


class Half:
    """What `served` hands to a service's clients: where keys are made."""

    def __init__(self, url):
        self.url = lambda _kind: url


@pytest.fixture
def pair():
    """A primary and its replica, in synchronous mode: a commit is answered when both have it."""
    states = [Path(tempfile.mkdtemp(prefix="moiety-pair-")) for _ in range(2)]
    for state in states:
        state.chmod(0o755)
    try:
        with embedded.running(states[0]) as primary:
            migrate(Desk(states[0], 0, primary, {}))
            _copy(primary, states[1])
            replica = embedded.start(states[1], {"application_name": "replica"})
            try:
                _synchronous(primary)
                yield primary, replica
            finally:
                embedded.stop(replica)
    finally:
        for state in states:
            shutil.rmtree(state, ignore_errors=True)


def _copy(primary, state):
    """pg_basebackup, as docs/howto/scaling.md tells it, into a folder for `embedded.start`."""
    user = embedded._as_user()
    shutil.copytree(primary.state / "passwords", state / "passwords")
    (state / "pg").mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(state / "pg", user["user"], user["group"])
    user["env"] = user["env"] | {"PGPASSWORD": embedded._password(primary.state, "postgres")}
    subprocess.run(
        [embedded._readable_binaries(primary.state) / "pg_basebackup", "-h", primary.sockets,
         "-U", "postgres", "-D", state / "pg/data", "-R", "-C", "-S", "replica", "-c", "fast"],
        check=True, capture_output=True, cwd=state / "pg", **user,
    )  # fmt: skip


def _synchronous(primary):
    with psycopg.connect(primary.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        connection.execute("SELECT pg_reload_conf()")
        until = time.monotonic() + 20
        asked = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        while connection.execute(asked).fetchone() != (1,):
            assert time.monotonic() < until
            time.sleep(0.05)


@contextmanager
def _clinical(url, keys_url):
    with served("clinical", create_app(Settings(database_url=url)), Half(keys_url)) as service:
        yield service


def _both(primary, replica):
    """One URL that names both servers and goes to whichever takes writes."""
    password = embedded._password(primary.state, "clinical_app")
    hosts = f"{primary.sockets},{replica.sockets}"
    return (
        f"postgresql://clinical_app:{password}@/clinical?host={hosts}"
        "&target_session_attrs=read-write"
    )


def _prepared(client):
    for file in sorted(TEMPLATES.glob("*.opt")):
        client.post(
            "/openehr/v1/definition/template/adl1.4", content=file.read_bytes(),
            headers={"Content-Type": "application/xml"},
        ).raise_for_status()  # fmt: skip
    return client.post("/openehr/v1/ehr").raise_for_status().headers["ETag"].strip('"')


def _document(seed):
    return json.dumps(records.vital_signs(random.Random(seed), datetime.now(UTC)))


def test_a_service_over_the_replica_answers_reads(pair):
    """A second clinical service on the replica sees every commit, soon, and takes no writes."""
    primary, replica = pair
    migrator = primary.url("clinical_migrator", "clinical")
    with (
        _clinical(primary.url("clinical_app", "clinical"), migrator) as writing,
        _clinical(replica.url("clinical_app", "clinical"), migrator) as reading,
        writing.client() as writer,
        reading.client() as reader,
    ):
        ehr = _prepared(writer)
        lags = []
        for number in range(1, 41):
            path = f"/openehr/v1/ehr/{ehr}/composition"
            done = writer.post(path, content=_document(number)).raise_for_status()
            uid, answered = done.headers["ETag"].strip('"'), time.monotonic()
            while reader.get(f"{path}/{uid}").status_code != 200:
                assert time.monotonic() < answered + 10
            lags.append((time.monotonic() - answered) * 1000)
        rows = reader.post("/openehr/v1/query/aql", json={"q": COUNT}).raise_for_status().json()
        assert [[40]] == rows["rows"]
        refused = reader.post(f"/openehr/v1/ehr/{ehr}/composition", content=_document(0))
        assert refused.status_code >= 500
        lags.sort()
        print(
            f"from answer to read at the replica: median {statistics.median(lags):.1f} ms,"
            f" worst of {len(lags)} {lags[-1]:.1f} ms; a write there is {refused.status_code}"
        )


def test_no_acknowledged_commit_is_lost_when_the_primary_is_killed(pair):
    """Eight writers, kill -9, promotion: the same service goes on, and every 201 is there."""
    primary, replica = pair
    keys = primary.url("clinical_migrator", "clinical")
    with _clinical(_both(primary, replica), keys) as service, service.client() as client:
        ehr = _prepared(client)
        acknowledged, after, stop, failures = [], [], threading.Event(), itertools.count()
        promoted = threading.Event()

        def write(seed):
            numbers = itertools.count(seed * 1_000_000)
            while not stop.is_set():
                try:
                    done = client.post(
                        f"/openehr/v1/ehr/{ehr}/composition", content=_document(next(numbers))
                    )
                except httpx.TransportError:
                    next(failures)
                    continue
                if done.status_code == 201:
                    acknowledged.append(done.headers["ETag"].strip('"'))
                    if promoted.is_set():
                        after.append(time.monotonic())
                else:
                    next(failures)
                    time.sleep(0.02)

        threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(2)
            until = time.monotonic() + 90
            while len(acknowledged) <= 50:  # a slow machine writes fewer in two seconds
                assert time.monotonic() < until
                time.sleep(0.05)
            before = len(acknowledged)
            _kill(primary)
            with psycopg.connect(
                replica.url("postgres", "postgres"), autocommit=True
            ) as connection:
                assert (True,) == connection.execute("SELECT pg_promote()").fetchone()
            promoted.set()
            took_over = time.monotonic()
            until = took_over + 30
            while len(after) < 20:
                assert time.monotonic() < until, "nothing is committed after the promotion"
                time.sleep(0.05)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        with psycopg.connect(replica.url("clinical_migrator", "clinical")) as connection:
            found = connection.execute("SELECT object_id FROM composition").fetchall()
        present = {str(object_id) for (object_id,) in found}
        lost = [uid for uid in acknowledged if uid.split("::")[0] not in present]
        print(
            f"{before} acknowledged before the kill, {len(acknowledged)} in all, {len(lost)} lost,"
            f" {next(failures)} refused meanwhile; the first commit"
            f" {after[0] - took_over:.2f} s after the promotion"
        )
        assert [] == lost


def _kill(primary):
    """As a power cut: the server and its children at once."""
    pids = [primary.process.pid]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(status[1]) == primary.process.pid:
            pids.append(int(folder.name))
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    primary.process.wait()
