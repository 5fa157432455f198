"""Questions asked on the event loop, against a real server that fails in every way."""

import asyncio
from datetime import date

import psycopg
import pytest

from moiety.kit.credentials import LOOK_UP
from moiety.kit.errors import Unavailable
from moiety.kit.reads import Reads, Together

REVOKED = 5  # its place in a row of LOOK_UP


def _run(database, question, **options):
    async def run():
        reads = Reads(database.url(), **options)
        try:
            return await question(reads)
        finally:
            await reads.close()

    return asyncio.run(run())


def test_a_question_that_fails_leaves_its_connection_usable(clinical_database):
    """An error of one statement costs no connection and spoils no other question."""

    async def question(reads):
        pids = []
        for _ in range(5):
            with pytest.raises(psycopg.errors.UndefinedTable):
                await reads.ask(b"SELECT * FROM nowhere", ())
            pids += await reads.ask(b"SELECT pg_backend_pid()", ())
        return set(pids)

    assert 1 == len(_run(clinical_database, question, connections=1))


def test_a_connection_that_the_server_dropped_is_replaced(clinical_database):
    """After the server has ended every free connection the next question is answered."""

    async def question(reads):
        pids = await asyncio.gather(
            *(reads.ask(b"SELECT pg_backend_pid(), pg_sleep(0.05)", ()) for _ in range(4))
        )
        with psycopg.connect(clinical_database.url("postgres"), autocommit=True) as other:
            for ((pid, _),) in pids:
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        return await asyncio.gather(*(reads.ask(b"SELECT 1", ()) for _ in range(8)))

    assert [[(1,)]] * 8 == _run(clinical_database, question)


def test_a_question_that_is_given_up_takes_its_connection_with_it(clinical_database):
    """The answer to a cancelled question is never taken for the answer to the next."""

    async def question(reads):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reads.ask(b"SELECT 'first', pg_sleep(2)", ())
        return await reads.ask(b"SELECT 'second'", ())

    assert [("second",)] == _run(clinical_database, question, connections=1)


def test_when_every_connection_stays_busy_the_question_is_refused(clinical_database, monkeypatch):
    """Waiting ends with Unavailable, not with the client's patience."""
    monkeypatch.setattr("moiety.kit.reads._PATIENCE", 0.1)

    async def question(reads):
        busy = asyncio.create_task(reads.ask(b"SELECT pg_sleep(1)", ()))
        await asyncio.sleep(0.02)
        with pytest.raises(Unavailable):
            await reads.ask(b"SELECT 1", ())
        await busy

    _run(clinical_database, question, connections=1)


def test_keys_asked_together_share_a_question_asked_after_them(clinical_database):
    """Many look-ups of one moment make few statements, and each finds its own key or none."""
    with psycopg.connect(clinical_database.url("migrator"), autocommit=True) as connection:
        for number in range(3):
            connection.execute(
                "INSERT INTO api_key VALUES (%s, %s, 'test', %s, null, %s, false)",
                (f"{number:012x}", bytes([number]), ["ehr:read"], date.max),
            )

    async def question(reads):
        asked = []

        class Counting:
            async def ask(self, statement, parameters):
                asked.append(sorted(parameters[0]))
                return await reads.ask(statement, parameters)

        keys = Together(Counting(), LOOK_UP)
        wanted = [f"{number % 4:012x}" for number in range(40)]
        rows = await asyncio.gather(*(keys.find(key_id) for key_id in wanted))
        return asked, [row and (row[0], row[1]) for row in rows]

    asked, rows = _run(clinical_database, question)
    assert [[f"{n:012x}" for n in range(4)]] == asked
    own = [(f"{n:012x}", bytes([n])) for n in range(3)]
    assert [*own, None] * 10 == rows


def test_a_key_revoked_before_a_request_came_is_never_found_valid_by_it(clinical_database):
    """A request that comes during a look-up does not take that look-up's older answer."""
    with psycopg.connect(clinical_database.url("migrator"), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO api_key VALUES ('0', 'x', 'test', '{}', null, '2999-01-01', false)"
        )

        async def question(reads):
            slow = LOOK_UP.replace(b"FROM unnest", b"FROM pg_sleep(2), unnest")
            keys = Together(reads, slow)
            before = asyncio.create_task(keys.find("0"))
            await asyncio.sleep(1)
            connection.execute("UPDATE api_key SET revoked = true")
            after = asyncio.create_task(keys.find("0"))
            return (await before)[REVOKED], (await after)[REVOKED]

        assert (False, True) == _run(clinical_database, question)


def test_a_look_up_that_fails_fails_for_all_who_wait_and_the_next_is_asked_again(
    clinical_database,
):
    """No request hangs on a look-up that broke."""

    async def question(reads):
        broken = [True]

        class Breaking:
            async def ask(self, statement, parameters):
                if broken.pop() if broken else False:
                    raise psycopg.OperationalError
                return await reads.ask(statement, parameters)

        keys = Together(Breaking(), LOOK_UP)
        first = await asyncio.gather(*(keys.find("0") for _ in range(3)), return_exceptions=True)
        return [type(error) for error in first], await keys.find("0")

    assert ([psycopg.OperationalError] * 3, None) == _run(clinical_database, question)
