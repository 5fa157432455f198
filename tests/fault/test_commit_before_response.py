"""No answer before COMMIT: faults at the moment of truth, on a real database."""

import asyncio
import select
import socket
import tempfile
import threading
import time
from contextlib import contextmanager
from uuid import UUID, uuid4

import psycopg
import pytest
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI

from moiety.kit import app as kit
from moiety.kit import credentials
from moiety.kit.auth import Require, Writer
from moiety.kit.commits import Commit, CommitQueue, Step
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
    """A commit that inserts one note; its result is the key."""
    key = key or uuid4()
    insert = "INSERT INTO note VALUES (%(id)s, %(text)s) ON CONFLICT DO NOTHING RETURNING id"
    return Commit(
        key, (Step(insert, {"id": key, "text": text}),), demand_a_row, landed(key), result=key
    )


def landed(key):
    """The question whether a note is there."""
    return Step("SELECT id FROM note WHERE id = %(id)s", {"id": key})


def demand_a_row(rows):
    """A note that was there already is a conflict."""
    if rows[0] is None:
        raise Conflict


async def outcomes(queue, commits):
    """What became of commits that were handed in together."""
    return await asyncio.gather(*(queue.run(c) for c in commits), return_exceptions=True)


def queued(url, work, **options):
    """Run `work` with a queue on an event loop of its own."""

    async def run():
        queue = CommitQueue(url, **options)
        try:
            return await work(queue)
        finally:
            await queue.close()

    return asyncio.run(run())


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
        "test", service="test", organisations=organisations, keys=keys, routes=kit.tree(router),
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


def test_the_queue_stores_what_it_acknowledges_and_nothing_else(database, engine):
    """One bad member of a batch fails alone; the others are durable."""
    commits = [commit("bad" if n % 7 == 0 else f"{n:02}") for n in range(50)]
    told = queued(database.url(), lambda queue: outcomes(queue, commits))
    assert [n % 7 != 0 for n in range(50)] == [isinstance(one, UUID) for one in told]
    assert [f"{n:02}" for n in range(50) if n % 7] == stored(engine)


def test_a_zero_row_result_is_its_callers_error_alone(database, engine):
    """A conflict in a batch does not undo its neighbours."""
    key = uuid4()
    commits = [commit("a", key=key), commit("b", key=key), commit("c")]
    told = queued(database.url(), lambda queue: outcomes(queue, commits), writers=1)
    assert [False, True, False] == [isinstance(one, Conflict) for one in told]
    assert ["a", "c"] == stored(engine)


def test_of_several_statements_all_stay_or_none(database, engine):
    """A later step that is refused takes the earlier ones with it, and no neighbour."""
    taken, fresh = uuid4(), uuid4()

    def both(*keys):
        steps = tuple(step for key in keys for step in commit(str(key), key=key).steps)

        def judge(rows):
            for row in rows:
                demand_a_row([row])

        return Commit(keys[0], steps, judge, landed(keys[0]), result=True)

    async def work(queue):
        await queue.run(commit(str(taken), key=taken))
        together = [both(fresh, taken), commit("neighbour"), both(uuid4(), uuid4())]
        return await outcomes(queue, together)

    told = queued(database.url(), work, writers=1)
    assert [Conflict, UUID, bool] == [type(one) for one in told]
    texts = stored(engine)
    assert 4 == len(texts)
    assert str(fresh) not in texts


def test_a_deadlock_is_tried_again(database, engine):
    """Two commits that lock each other's row both land in the end."""
    one, two = uuid4(), uuid4()
    touch = "UPDATE note SET text = text || 'x' WHERE id = %(id)s RETURNING id"

    def crossing(first, second):
        steps = (
            Step(touch, {"id": first}),
            Step("SELECT pg_sleep(%(seconds)s)", {"seconds": 0.5}),
            Step(touch, {"id": second}),
        )
        return Commit(uuid4(), steps, demand_a_row, landed(first), result=True)

    async def work(queue):
        await outcomes(queue, [commit("0", key=one), commit("0", key=two)])
        # Two queues, so that the two never share a batch.
        other = CommitQueue(database.url())
        try:
            return await asyncio.gather(
                queue.run(crossing(one, two)), other.run(crossing(two, one))
            )
        finally:
            await other.close()

    with psycopg.connect(database.url("postgres"), autocommit=True) as connection:
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        (before,) = connection.execute(deadlocks).fetchone()
        assert [True, True] == queued(database.url(), work)
        until = time.monotonic() + 10
        while connection.execute(deadlocks).fetchone() == (before,):
            assert time.monotonic() < until, "the control: there was no deadlock to survive"
            time.sleep(0.1)
    assert ["0xx", "0xx"] == stored(engine)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_unknown_outcome_is_looked_up(database, engine, when):
    """The connection breaks at COMMIT: the id given beforehand decides what the caller is told."""
    commits = [commit("x"), commit("y")]

    async def work(queue):
        return await outcomes(queue, commits)

    with breaking_at_commit(database, when) as url:
        told = queued(url, work, writers=1)
    if when == "after":
        assert [c.result for c in commits] == told
        assert ["x", "y"] == stored(engine)
    else:
        assert [Unavailable, Unavailable] == [type(one) for one in told]
        assert [] == stored(engine)


def test_a_server_that_was_restarted_between_commits_costs_none(database, engine):
    """A connection that died while nothing was written is replaced before it is used."""

    async def work(queue):
        await queue.run(commit("1"))
        with psycopg.connect(database.url("postgres"), autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await asyncio.sleep(1.2)
        return await queue.run(commit("2"))

    assert isinstance(queued(database.url(), work, writers=1), UUID)
    assert ["1", "2"] == stored(engine)


def test_without_a_server_the_caller_is_told_so(database):
    """A refused connection is an error of this commit and not the end of the writer."""
    url = psycopg.conninfo.make_conninfo(database.url(), host="/nowhere")
    told = queued(url, lambda queue: outcomes(queue, [commit("a"), commit("b")]))
    assert [psycopg.OperationalError] * 2 == [type(one) for one in told]


@contextmanager
def breaking_at_commit(database, when):
    """A way to the server that is cut at the first COMMIT: before it, or before its answer."""
    server = psycopg.conninfo.conninfo_to_dict(database.url())
    name = f".s.PGSQL.{server.get('port', 5432)}"
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/{name}")
        listening.listen()
        left = threading.Event()
        passing = threading.Thread(
            target=_pass, args=(listening, f"{server['host']}/{name}", when, left), daemon=True
        )
        passing.start()
        yield psycopg.conninfo.make_conninfo(database.url(), host=folder)
        left.set()
        passing.join()


def _pass(listening, there, when, left):
    """One client after another; the first COMMIT cuts its client off."""
    cuts = iter([when])
    listening.settimeout(0.1)
    while not left.is_set():
        try:
            client, _ = listening.accept()
        except TimeoutError:
            continue
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(there)
            client.setblocking(True)
            while not left.is_set() and _pass_on(client, server, cuts):
                pass


def _pass_on(client, server, cuts):
    """Whether the two are still connected after what each had to say."""
    ready, _, _ = select.select([client, server], [], [], 0.1)
    for one in ready:
        data = one.recv(1 << 16)
        if not data:
            return False
        if one is client and b"COMMIT" in data and (cut := next(cuts, None)):
            if cut == "after":
                server.sendall(data)
                _read_until_idle(server)
            return False
        (server if one is client else client).sendall(data)
    return True


def _read_until_idle(server):
    """ReadyForQuery with status idle: the transaction is over."""
    answer = b""
    while not answer.endswith(b"Z\0\0\0\x05I"):
        answer += server.recv(1 << 16)
