"""No answer before COMMIT: faults at the moment of truth, on a real database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI

from moiety.kit import app as kit
from moiety.kit import credentials
from moiety.kit.auth import Require, Writer
from moiety.kit.commits import Commit, CommitQueue
from moiety.kit.database import NAMING, Organisations
from moiety.kit.errors import Conflict, Unavailable
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_services import served

SCHEMA = """
CREATE TABLE note (id uuid PRIMARY KEY, text text NOT NULL);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$BEGIN IF NEW.text = 'bad' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END$$;
-- Deferred: the statement succeeds, and COMMIT itself fails.
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.fixture
def database(cluster):
    """A database with a table whose COMMIT can be made to fail."""
    with copied(cluster, "clinical") as copy:
        with psycopg.connect(copy.url("migrator"), autocommit=True) as connection:
            connection.execute(SCHEMA)
            connection.execute("GRANT ALL ON note TO clinical_app")
        yield copy


@pytest.fixture
def engine(database):
    """An engine over it."""
    url = sa.make_url(database.url()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


def commit(text, *, key=None):
    """A commit that inserts one note."""
    key = key or uuid4()

    def run(connection):
        row = connection.execute(
            "INSERT INTO note VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id", (key, text)
        ).fetchone()
        if row is None:
            raise Conflict
        return key

    def landed(connection):
        found = connection.execute("SELECT id FROM note WHERE id = %s", (key,)).fetchone()
        return found and found[0]

    return Commit(key, run, landed)


def stored(engine):
    """The texts that are there."""
    with engine.connect() as connection:
        return sorted(connection.scalars(sa.text("SELECT text FROM note")))


def test_a_route_whose_commit_fails_answers_no_success(database):
    """The client of a `Writer` route never reads 2xx for what was not stored."""
    router = APIRouter()

    @router.post("/{text}", dependencies=[sa_require()])
    def store(text: str, connection: Writer) -> dict[str, str]:
        connection.execute(sa.text("INSERT INTO note VALUES (gen_random_uuid(), :t)"), {"t": text})
        return {"stored": "yes"}

    app = small_app(database, router)
    with served("clinical", app, database) as service, service.client("query:read") as client:
        assert 200 == client.post("/good").status_code
        answer = client.post("/bad")
    assert 500 == answer.status_code
    assert "Defect" == answer.json()["code"]
    assert "no" not in answer.json()["message"].split()


def test_the_same_route_without_the_defence_lies(database):
    """The control: FastAPI's default scope answers 200 first, then fails to commit."""
    from typing import Annotated

    from fastapi import Depends

    from moiety.kit.auth import writer

    late_writer = Annotated[sa.Connection, Depends(writer)]
    router = APIRouter()

    @router.post("/{text}", dependencies=[sa_require()])
    def store(text: str, connection: late_writer) -> dict[str, str]:
        connection.execute(sa.text("INSERT INTO note VALUES (gen_random_uuid(), :t)"), {"t": text})
        return {"stored": "yes"}

    app = small_app(database, router)
    with served("clinical", app, database) as service, service.client("query:read") as client:
        assert 200 == client.post("/bad").status_code
    with psycopg.connect(database.url()) as connection:
        assert (0,) == connection.execute("SELECT count(*) FROM note").fetchone()


def sa_require():
    """A dependency that names a scope."""
    from fastapi import Depends

    return Depends(Require("query:read"))


def small_app(database, router) -> FastAPI:
    """A service with one router over `database`."""
    keys = credentials.table(sa.MetaData(naming_convention=NAMING))
    organisations = Organisations({"main": database.url()}, connections=2)
    return kit.create(
        "test", service="test", organisations=organisations, keys=keys, routers=[router],
        threads=20, body_limit=1000,
    )  # fmt: skip


def test_a_route_without_a_key_does_not_start(database):
    """A forgotten Require is a failed start, not an open door."""
    router = APIRouter()

    @router.get("/open")
    def get_open() -> dict[str, str]:
        return {}

    with pytest.raises(TypeError, match="/open has no Require"):
        small_app(database, router)


def test_the_queue_stores_what_it_acknowledges_and_nothing_else(engine):
    """One bad member of a batch fails alone; the others are durable."""
    queue = CommitQueue(engine)
    commits = [commit("bad" if n % 7 == 0 else f"{n:02}") for n in range(50)]
    futures = [queue.submit(c) for c in commits]
    outcomes = [future.exception() is None for future in futures]
    queue.close()
    assert [n % 7 != 0 for n in range(50)] == outcomes
    assert [f"{n:02}" for n in range(50) if n % 7] == stored(engine)


def test_a_zero_row_result_is_its_callers_error_alone(engine):
    """A conflict in a batch does not undo its neighbours."""
    queue = CommitQueue(engine, writers=1)
    key = uuid4()
    results = [queue.submit(c) for c in (commit("a", key=key), commit("b", key=key), commit("c"))]
    kinds = [type(future.exception()) for future in results]
    queue.close()
    assert [Conflict, type(None), type(None)] == sorted(kinds, key=lambda k: k.__name__)
    assert 2 == len(stored(engine))


def test_a_deadlock_is_tried_again(engine):
    """Two commits that lock each other's row both land in the end."""
    one, two = uuid4(), uuid4()
    queue = CommitQueue(engine)
    for key in (one, two):
        queue.submit(commit("0", key=key)).result()
    gate = threading.Barrier(2, timeout=10)
    tries = []

    def crossing(first, second):
        def run(connection):
            tries.append(1)
            connection.execute("UPDATE note SET text = text || 'x' WHERE id = %s", (first,))
            if len(tries) <= 2:
                gate.wait()
            connection.execute("UPDATE note SET text = text || 'x' WHERE id = %s", (second,))
            return True

        return Commit(uuid4(), run, lambda _: None)

    # Two queues, so that the two never share a batch.
    other = CommitQueue(engine)
    futures = [queue.submit(crossing(one, two)), other.submit(crossing(two, one))]
    assert [True, True] == [future.result(timeout=30) for future in futures]
    assert len(tries) > 2
    assert ["0xx", "0xx"] == stored(engine)
    queue.close()
    other.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_unknown_outcome_is_looked_up(engine, when):
    """The connection breaks at COMMIT: the id given beforehand decides what the caller is told."""
    broken = BreaksAtCommit(engine, when)
    queue = CommitQueue(broken, writers=1)
    future = queue.submit(commit("x"))
    if when == "after":
        assert future.result(timeout=20) is not None
        assert ["x"] == stored(engine)
    else:
        assert isinstance(future.exception(timeout=20), Unavailable)
        assert [] == stored(engine)
    queue.close()


class BreaksAtCommit:
    """An engine whose first connection loses its server just before or just after COMMIT."""

    def __init__(self, engine, when):
        self.engine, self.when, self.used = engine, when, False

    def raw_connection(self):
        """The first connection is rigged."""
        borrowed = self.engine.raw_connection()
        if self.used:
            return borrowed
        self.used = True
        return Rigged(borrowed, self.engine, self.when)


class Rigged:
    """A pooled connection whose backend is terminated by another session around COMMIT."""

    def __init__(self, borrowed, engine, when):
        self.borrowed, self.engine, self.when = borrowed, engine, when
        self.driver_connection = self
        self.real = borrowed.driver_connection

    def __getattr__(self, name):
        return getattr(self.real, name)

    def commit(self):
        """COMMIT, with the server gone before or after it."""
        pid = self.real.info.backend_pid
        if self.when == "after":
            self.real.commit()
        with self.engine.connect() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        self.real.execute("SELECT 1")

    def invalidate(self):
        """Drop the broken connection."""
        self.borrowed.invalidate()

    def close(self):
        """Give it back."""
        self.borrowed.close()


def test_concurrent_commits_share_transactions(engine):
    """100 commits from 20 threads need far fewer transactions than commits."""
    before = transactions(engine)
    queue = CommitQueue(engine, writers=1)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda n: queue.submit(commit(str(n))).result(), range(100)))
    queue.close()
    assert 100 == len(stored(engine))
    xids = transactions(engine) - before
    print(f"100 commits took {xids} transaction ids")
    assert xids < 60


def transactions(engine):
    """The next transaction id of the server."""
    with engine.begin() as connection:
        return int(connection.scalar(sa.text("SELECT pg_current_xact_id()::text")))
