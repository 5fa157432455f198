"""Statements sent together, against a real server."""

import asyncio

import psycopg
import pytest

from moiety.kit.pipelines import open_pipeline

MADE = b"CREATE TEMPORARY TABLE made (number int PRIMARY KEY, word text)"
INSERT = b"INSERT INTO made VALUES ($1, $2)"
COUNT = b"SELECT count(*) FROM made"
NAMES = b"SELECT count(*) FROM pg_prepared_statements WHERE statement = $1::text"


def _run(database, work, *, prepared=100):
    async def run():
        line = await open_pipeline(database.url("postgres"), prepared=prepared)
        try:
            return await work(line)
        finally:
            await line.close()

    return asyncio.run(run())


def test_answers_come_in_the_order_of_the_statements(clinical_database):
    """Each statement has its own rows, typed as psycopg types them; a command has none."""

    async def work(line):
        await line.run([(MADE, ())])
        sent = [(INSERT, (n, "é" * n)) for n in range(200)]
        asked = b"SELECT number, word, number > $1, NULL FROM made WHERE number <= $2"
        return (await line.run([*sent, (COUNT, ()), (asked, (0, 1))]))[199:]

    assert [[], [(200,)], [(0, "", False, None), (1, "é", True, None)]] == _run(
        clinical_database, work
    )


def test_more_than_the_sockets_hold_is_sent_and_read(clinical_database):
    """Thirty parameters of a megabyte go and come back in one go."""

    async def work(line):
        return await line.run([(b"SELECT $1::bytea", (bytes([n]) * 1_000_000,)) for n in range(30)])

    assert [[(bytes([n]) * 1_000_000,)] for n in range(30)] == _run(clinical_database, work)


def test_an_error_undoes_the_statements_sent_with_it(clinical_database):
    """The first error is the one that is raised; nothing before or after it stays."""

    async def work(line):
        await line.run([(MADE, ())])
        with pytest.raises(psycopg.errors.UniqueViolation):
            await line.run([(INSERT, (1, "a")), (INSERT, (1, "b")), (b"SELECT nothing", ())])
        assert not line.broken
        return await line.run([(COUNT, ())])

    assert [[(0,)]] == _run(clinical_database, work)


def test_an_open_transaction_is_rolled_back(clinical_database):
    """After an error inside BEGIN, and after no error at all; without one it does nothing."""

    async def work(line):
        await line.run([(MADE, ())])
        await line.run([(b"BEGIN", ()), (INSERT, (1, "a"))])
        await line.rollback()
        with pytest.raises(psycopg.errors.DivisionByZero):
            await line.run([(b"BEGIN", ()), (INSERT, (1, "a")), (b"SELECT 1 / 0", ())])
        await line.rollback()
        await line.rollback()
        return await line.run([(COUNT, ())])

    assert [[(0,)]] == _run(clinical_database, work)


def test_what_could_not_be_prepared_is_prepared_the_next_time(clinical_database):
    """A statement that failed, or stood behind one that did, works once its reason is gone."""

    async def work(line):
        for _ in range(2):
            with pytest.raises(psycopg.errors.UndefinedTable):
                await line.run([(INSERT, (1, "a")), (b"SELECT 2", ())])
        await line.run([(MADE, ())])
        return await line.run([(INSERT, (1, "a")), (b"SELECT 2", ()), (COUNT, ())])

    assert [[], [(2,)], [(1,)]] == _run(clinical_database, work)


def test_a_statement_of_any_length_is_prepared_once(clinical_database):
    """However often it is run."""
    long = b"SELECT $1::int" + b" + 0" * 3000

    async def work(line):
        for number in range(3):
            assert [[(number,)]] == await line.run([(long, (number,))])
        return await line.run([(NAMES, (long.decode(),))])

    assert [[(1,)]] == _run(clinical_database, work)


def test_the_server_forgets_the_statements_used_longest_ago(clinical_database):
    """It holds no more than was asked, and what was forgotten is prepared anew."""

    async def work(line):
        for _ in range(2):
            for number in range(20):
                assert [[(number,)]] == await line.run([(b"SELECT %d" % number, ())])
        return await line.run([(b"SELECT count(*) FROM pg_prepared_statements", ())])

    (((count,),),) = _run(clinical_database, work, prepared=5)
    assert 5 <= count <= 6


def test_a_lost_connection_is_told(clinical_database):
    """Every caller after the server ended the connection gets OperationalError, none waits."""

    async def work(line):
        with pytest.raises(psycopg.OperationalError):
            await line.run([(b"SELECT pg_terminate_backend(pg_backend_pid())", ())])
        with pytest.raises(psycopg.OperationalError):
            await line.run([(b"SELECT 1", ())])
        return line.broken

    assert _run(clinical_database, work)
