"""kill -9 of the demographic service, the vault and their server, while both are written to.

MOIETY_KILL_ROUNDS sets the rounds (3 in the suite; 50 for a release).
"""

import itertools
import os
import random
import shutil
import signal
import threading
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from moiety.commands import desk, issue, trail
from moiety.commands.demo import people
from moiety.kit.errors import ServiceError
from moiety.wire import demographic, vault
from moiety.wire import trail as wire_trail

ROUNDS = int(os.environ.get("MOIETY_KILL_ROUNDS", "3"))
WRITERS = 16
"""For each of the two services."""
FAULTS = (ServiceError, httpx.HTTPError)


@pytest.fixture
def running():
    """A desk with durable storage, whose pool is filled faster than it is emptied."""
    home = Path(f"/tmp/moiety-halves-{os.getpid()}")
    options = {"vault": {"POOL_TARGET": "400", "POOL_INTERVAL": "0.1"}}
    try:
        with desk.running(home, desk.free_port_base(), options) as running:
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


class Acknowledged:
    """What the services said they had stored."""

    def __init__(self):
        self.persons = {}
        self.links = {}
        self.refused = itertools.count()
        self.stop = threading.Event()

    def count(self):
        """(persons, links)."""
        return len(self.persons), len(self.links)


def client_of(running, service, *roles):
    """An HTTP client with a fresh key, for a user of `roles` at the vault."""
    database = running.database(service, "migrator")
    user = issue.user(database, f"u{uuid4().hex[:8]}", frozenset(roles)) if roles else None
    token = issue.key(
        database, service, desk.ORGANISATION, label="t", scopes=issue.SCOPES[service],
        life=timedelta(days=1), user_id=user,
    )  # fmt: skip
    return httpx.Client(
        base_url=running.url(service), headers={"Authorization": f"Bearer {token}"},
        timeout=30, trust_env=False,
    )  # fmt: skip


def register(running, done, some):
    """Register persons, then move each to another town."""
    with client_of(running, "demographic") as client:
        for person in itertools.takewhile(lambda _: not done.stop.is_set(), some):
            try:
                made = demographic.create_patient(client, person.patient())
                done.persons[made.person_id] = 1
                moved = made.resource | {"address": [{"use": "home", "city": "Elsewhere"}]}
                demographic.update_patient(client, made.person_id, moved, etag=made.etag)
                done.persons[made.person_id] = 2
            except FAULTS:
                next(done.refused)
                time.sleep(0.05)


def link(running, done):
    """Open a record for one person after another."""
    with client_of(running, "vault", "registrar") as client:
        while not done.stop.is_set():
            person_id = uuid4()
            try:
                done.links[person_id] = vault.link(client, person_id)
            except FAULTS:
                next(done.refused)
                time.sleep(0.05)


def test_persons_and_links_survive_the_death_of_their_service_and_server(running):
    """Every acknowledged version and link is there, each link once, and the trail is whole."""
    done = Acknowledged()
    everybody = people.register(WRITERS * 2000, seed=11)
    random.Random(3).shuffle(everybody)
    threads = [
        *(
            threading.Thread(target=register, args=(running, done, everybody[n::WRITERS]))
            for n in range(WRITERS)
        ),
        *(threading.Thread(target=link, args=(running, done)) for _ in range(WRITERS)),
    ]
    for thread in threads:
        thread.start()
    try:
        victims = itertools.cycle(["vault", "demographic", "server"])
        for victim in itertools.islice(victims, ROUNDS):
            time.sleep(1.0)
            before = done.count()
            server = running.cluster.process
            process = server if victim == "server" else running.services[victim]
            os.kill(process.pid, signal.SIGKILL)
            wait_until_both_go_on(done, before)
    finally:
        done.stop.set()
        for thread in threads:
            thread.join()
    check(running, done)


def wait_until_both_go_on(done, before):
    """Both services acknowledge again after each kill."""
    until = time.monotonic() + 60
    while any(now <= then + WRITERS for now, then in zip(done.count(), before, strict=True)):
        assert time.monotonic() < until, "nothing is acknowledged after the kill"
        time.sleep(0.05)


def check(running, done):
    """Ask the services themselves, and verify the trail."""
    with client_of(running, "demographic") as client:
        for person_id, version in done.persons.items():
            found = demographic.read_patient(client, person_id)
            assert version <= int(found.resource["meta"]["versionId"])
            towns = [address["city"] for address in found.resource["address"]]
            assert (version == 2) <= (towns == ["Elsewhere"])
    with client_of(running, "vault", "clinician") as client:
        for person_id, ehr_id in done.links.items():
            assert ehr_id == vault.resolve_person(client, person_id, purpose_of_use="TREAT")
    assert len(done.links) == len(set(done.links.values())), "an EHR was given to two persons"
    with client_of(running, "vault", "auditor") as client:
        public_key = wire_trail.read_head(client).public_key
    report = trail.verify(running.database("vault", "migrator"), public_key, None)
    assert report.fault is None
    assert report.size >= 2 * len(done.links)
    print(
        f"{ROUNDS} kills: {len(done.persons)} persons, {sum(done.persons.values())} versions and "
        f"{len(done.links)} links acknowledged, {next(done.refused)} requests failed meanwhile, "
        f"0 lost, 0 given twice; {report.size} trail entries whole"
    )
