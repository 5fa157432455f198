"""kill -9 under load: what was acknowledged is there, and nothing half-written.

MOIETY_KILL_ROUNDS sets the rounds (3 in the suite; 50 for a release).
"""

import json
import os
import random
import shutil
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from moiety.commands import clinical, desk, issue
from moiety.commands.demo import records
from tests.fixtures.clinical_documents import contribution, version

ROUNDS = int(os.environ.get("MOIETY_KILL_ROUNDS", "3"))
WRITERS = 32
TEMPLATE = (Path(records.__file__).parent / "templates/vital_signs.opt").read_bytes()
XML = {"Content-Type": "application/xml"}


@pytest.fixture
def running():
    """A desk with durable storage."""
    home = Path(f"/tmp/moiety-kill-{os.getpid()}")
    try:
        with desk.running(home, desk.free_port_base(), {"vault": {"POOL_TARGET": "1"}}) as running:
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


class Writers:
    """Threads that create and update documents, alone and in contributions of two, and remember
    what was acknowledged.
    """

    def __init__(self, url, token, ehrs):
        self.url, self.token, self.ehrs = url, token, ehrs
        self.acknowledged = {}
        self.pairs = []
        self.refused = 0
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(n,)) for n in range(WRITERS)]

    def write(self, seed):
        """Create a document, then a second version of it, then two at once, over and over."""
        rng = random.Random(seed)
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(
            base_url=self.url, headers=headers, timeout=30, trust_env=False
        ) as client:
            while not self.stop.is_set():
                ehr_id, object_id = rng.choice(self.ehrs), str(uuid4())
                place = f"/openehr/v1/ehr/{ehr_id}/composition"
                made = records.vital_signs(rng, datetime(2026, 11, 20, tzinfo=UTC))
                made["uid"] = {"_type": "HIER_OBJECT_ID", "value": object_id}
                try:
                    answer = client.post(place, content=json.dumps(made))
                    if answer.status_code == 201:
                        uid = answer.headers["ETag"].strip('"')
                        self.acknowledged[object_id] = (ehr_id, 1)
                        answer = client.put(
                            f"{place}/{object_id}", content=json.dumps(made),
                            headers={"If-Match": uid},
                        )  # fmt: skip
                        if answer.status_code == 204:
                            self.acknowledged[object_id] = (ehr_id, 2)
                    self.refused += answer.status_code >= 400
                    self.write_two(client, ehr_id, made)
                except httpx.TransportError:
                    self.refused += 1
                    time.sleep(0.05)

    def write_two(self, client, ehr_id, made):
        """A contribution of two documents: both, or neither."""
        pair = [str(uuid4()), str(uuid4())]
        self.pairs.append(pair)
        both = [made | {"uid": {"_type": "HIER_OBJECT_ID", "value": uid}} for uid in pair]
        body = contribution(*(version(one) for one in both))
        answer = client.post(f"/openehr/v1/ehr/{ehr_id}/contribution", content=json.dumps(body))
        if answer.status_code == 201:
            self.acknowledged |= dict.fromkeys(pair, (ehr_id, 1))
        self.refused += answer.status_code >= 400


def test_every_acknowledged_version_survives_and_nothing_is_half_there(running):
    """The service and the server are killed in turn under 32 writers."""
    url = running.url("clinical")
    scopes = issue.SCOPES["clinical"]
    token = issue.key(
        running.database("clinical", "migrator"), "clinical", desk.ORGANISATION, label="t",
        scopes=scopes, life=timedelta(days=1),
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        client.post("/openehr/v1/definition/template/adl1.4", content=TEMPLATE, headers=XML)
        ehrs = [client.post("/openehr/v1/ehr").headers["ETag"].strip('"') for _ in range(20)]
    writers = Writers(url, token, ehrs)
    for thread in writers.threads:
        thread.start()
    try:
        for number in range(ROUNDS):
            time.sleep(1.0)
            victim = started_again(running, "clinical" if number % 2 else "cluster")
            before = len(writers.acknowledged)
            os.kill(victim.pid, signal.SIGKILL)
            wait_until_acknowledged(writers, before + 1)
    finally:
        writers.stop.set()
        for thread in writers.threads:
            thread.join()
    check(running, writers)


def started_again(running, name):
    """A process of the desk, alive: on a busy machine one that was killed takes its time."""
    until = time.monotonic() + 60
    while True:
        found = running.cluster.process if name == "cluster" else running.services[name]
        if found.poll() is None:
            return found
        assert time.monotonic() < until, f"{name} was not started again"
        time.sleep(0.05)


def wait_until_acknowledged(writers, count):
    """Commits go on after each kill."""
    until = time.monotonic() + 60
    while len(writers.acknowledged) < count + WRITERS:
        assert time.monotonic() < until, "no commit was acknowledged after the kill"
        time.sleep(0.05)


def check(running, writers):
    """Every acknowledged version is there; heads, histories, contributions and rows agree."""
    with psycopg.connect(running.cluster.url("postgres", "clinical")) as connection:
        heads = {
            str(object_id): version
            for object_id, version in connection.execute(
                "SELECT object_id, version FROM composition"
            )
        }
        lost = [
            object_id
            for object_id, (_, version) in writers.acknowledged.items()
            if object_id not in heads or heads[object_id] < version
        ]
        assert not lost, f"{len(lost)} acknowledged versions are lost"
    halves = [pair for pair in writers.pairs if len(heads.keys() & set(pair)) == 1]
    assert not halves, f"{len(halves)} contributions are half there"
    found = clinical.check(running.database("clinical", "migrator"), with_documents=True)
    assert [] == [one.sentence for one in found if one.broken]
    print(
        f"{ROUNDS} kills, {len(writers.acknowledged)} documents acknowledged, {len(heads)} there, "
        f"{len(writers.pairs)} contributions of two tried, {writers.refused} requests failed "
        "meanwhile, 0 lost, 0 half there"
    )
