"""Statements from threads in one round trip, against a real server."""

import psycopg
import pytest
import sqlalchemy as sa

from moiety.kit.errors import Conflict
from moiety.kit.singles import Singles

INSERT = "INSERT INTO made VALUES (%(number)s::int, %(word)s::text)"
COUNT = "SELECT count(*)::int FROM made"


@pytest.fixture
def singles(clinical_database):
    """Over a table of two columns that is there for one test."""
    url = sa.make_url(clinical_database.url("postgres")).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    made = Singles(engine)
    made.all("CREATE TABLE made (number int PRIMARY KEY, word text)", {})
    yield made
    made.all("DROP TABLE made", {})
    engine.dispose()


def test_a_parameter_stands_for_its_value_wherever_it_is_named(singles):
    """Twice in a statement, in either form, and of any type."""
    statement = "SELECT %(a)s::int + %(a)b::int, %(b)s::text, %(c)b::bytea[]"
    assert (4, "é", [b"\0"]) == singles.one(statement, {"a": 2, "b": "é", "c": [b"\0"]})


def test_statements_that_go_together_are_one_transaction(singles):
    """Their rows in their order; where one fails, nothing of them stays."""
    one, two = (INSERT, {"number": 1, "word": "a"}), (INSERT, {"number": 2, "word": None})
    assert [[], [], [(2,)]] == singles.each([one, two, (COUNT, {})])
    with pytest.raises(psycopg.errors.UniqueViolation):
        singles.each([(INSERT, {"number": 3, "word": ""}), one])
    assert (2,) == singles.one(COUNT, {})


def test_a_transaction_is_committed_with_its_last_statements_or_at_its_end(singles):
    """And nothing of it is seen before."""
    with singles.transaction() as transaction:
        transaction.all(INSERT, {"number": 1, "word": "a"})
        assert (0,) == singles.one(COUNT, {})
        transaction.each([(INSERT, {"number": 2, "word": "b"})], is_last=True)
        assert (2,) == singles.one(COUNT, {})
    with singles.transaction() as transaction:
        transaction.all(INSERT, {"number": 3, "word": "c"})
    assert (3,) == singles.one(COUNT, {})


@pytest.mark.parametrize("word", ["a", "\0"])
def test_an_error_undoes_a_transaction(singles, word):
    """Ours, the server's, and the driver's, which leaves a statement half sent."""
    with pytest.raises((Conflict, psycopg.Error)), singles.transaction() as transaction:  # noqa: PT012
        transaction.all(INSERT, {"number": 1, "word": "a"})
        transaction.all(INSERT, {"number": 2, "word": word})
        raise Conflict
    with pytest.raises(psycopg.errors.UniqueViolation), singles.transaction() as transaction:
        transaction.each([(INSERT, {"number": 1, "word": "a"})] * 2)
    assert (0,) == singles.one(COUNT, {})


def test_a_connection_that_the_server_ended_is_replaced(singles):
    """The next statement has a new one."""
    before = singles.one("SELECT pg_backend_pid()", {})
    with pytest.raises(psycopg.OperationalError):
        singles.one("SELECT pg_terminate_backend(pg_backend_pid())", {})
    assert before != singles.one("SELECT pg_backend_pid()", {})
