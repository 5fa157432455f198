"""Worker processes that evaluate documents: the same rows, whatever becomes of the workers."""

import os
import signal
import struct
import sys
import threading
import time
from pathlib import Path

import pytest

from clinical_api import evaluating
from clinical_api.app import create_app
from clinical_api.settings import Settings
from tests.fixtures.clinical_documents import BASE
from tests.fixtures.fix_services import served
from tests.fixtures.many_rows import FROM, SYSTOLIC, commit, copy_documents, prepare

AQL = f"{BASE}/query/aql"
QUERIES = [
    f"SELECT e/ehr_id/value, c/uid/value, {SYSTOLIC}, o/data {FROM}",
    f"SELECT DISTINCT e/ehr_id/value {FROM} ORDER BY e/ehr_id/value DESC",
    f"SELECT COUNT(*), AVG({SYSTOLIC}), COUNT(DISTINCT c/uid/value) {FROM}",
    f"SELECT {SYSTOLIC} {FROM} LIMIT 7 OFFSET 3",
    "SELECT c/uid/value, d/uid/value FROM EHR e CONTAINS (COMPOSITION c AND COMPOSITION d)",
    "SELECT e/ehr_id/value FROM EHR e NOT CONTAINS EVALUATION v",
]


@pytest.fixture
def filled(clinical_database):
    """A database whose documents have to be read: four EHRs."""
    with service(clinical_database, 0) as clinical, clinical.client() as client:
        prepare(client, 2)
        for _ in range(3):
            commit(client, 2)
    copy_documents(clinical_database, 60)
    return clinical_database


def service(database, workers):
    """The service with so many workers."""
    app = create_app(Settings(database_url=database.url(), query_workers=workers))
    return served("clinical", app, database)


def rows(client, text):
    answer = client.post(AQL, json={"q": text}, timeout=120)
    assert 200 == answer.status_code, answer.text
    return answer.json()["rows"]


def workers(process=None):
    """The processes below one that evaluate documents, by their place in the tree."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(entry.name)] = int(fields[1])
    own = process or os.getpid()
    below = {child for child, parent in parents.items() if parent == own}
    return {child for child, parent in parents.items() if parent in below} & spawned()


def spawned():
    """Every process that multiprocessing has made."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if b"multiprocessing.forkserver" in (entry / "cmdline").read_bytes():
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def warmed(client, process=None):
    """The worker, once it is there and has had something to do."""
    until = time.monotonic() + 60
    while not (found := workers(process)):
        rows(client, QUERIES[0])
        assert time.monotonic() < until
        time.sleep(0.2)
    time.sleep(1)
    rows(client, QUERIES[0])
    return found


@pytest.mark.slow
@pytest.mark.behaviour("query.workers")
def test_workers_tell_the_same_rows(filled):
    """As evaluation in the service does, in one order; whole EHRs are never parted."""
    with service(filled, 0) as clinical, clinical.client() as client:
        told = {text: rows(client, text) for text in QUERIES}
        assert not workers()
    with service(filled, 1) as clinical, clinical.client() as client:
        warmed(client)
        for text, wanted in told.items():
            assert wanted == rows(client, text), text
    assert not workers()


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_no_row(filled):
    """In the middle of a query: it is answered whole, and so is the next."""
    copy_documents(filled, 5)
    with service(filled, 1) as clinical, clinical.client() as client:
        first = warmed(client)
        wanted = len(rows(client, QUERIES[0]))
        told = []
        thread = threading.Thread(target=lambda: told.append(rows(client, QUERIES[0])))
        thread.start()
        time.sleep(0.3)
        assert thread.is_alive()
        for worker in first:
            os.kill(worker, signal.SIGKILL)
        thread.join(60)
        assert [wanted] == [len(some) for some in told]
        again = warmed(client)
        assert again
        assert not again & first


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_service_that_ends_leaves_no_worker(alone, how):
    """Killed: its workers end by themselves; told to stop: soon, and with them."""
    running, process = alone
    with running.client() as client:
        prepare(client, 2)
        copy_documents(running.database, 200)
        found = warmed(client, process.pid)
        process.send_signal(how)
        process.wait(20)
        until = time.monotonic() + 10
        while found & spawned() and time.monotonic() < until:
            time.sleep(0.1)
        assert not found & spawned()


def half_an_answer():
    """In a worker: begin to write an answer, and die."""
    frame = sys._getframe()
    while "result_queue" not in frame.f_locals:
        frame = frame.f_back
    pipe = frame.f_locals["result_queue"]._writer.fileno()
    os.write(pipe, struct.pack("!i", 1000) + b"half")
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_pool_ends_though_half_an_answer_is_in_its_pipe():
    """A worker killed while it writes leaves who reads waiting; ending the pool does not wait."""
    pool = evaluating._pool(2)
    for _ in range(2):
        pool.submit(evaluating._nothing).result()
    reader = pool._executor_manager_thread
    lost = pool.submit(half_an_answer)
    with pytest.raises(TimeoutError):  # the control: nobody else would ever tell
        lost.result(2)
    assert reader.is_alive()
    evaluating._end(pool)
    reader.join(10)
    assert not reader.is_alive()
    assert lost.exception(0) is not None
