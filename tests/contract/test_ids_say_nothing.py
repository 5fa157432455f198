"""Every stored id is a random UUID: its version says so, and its order is no order of making."""

import itertools
import time
import uuid
from uuid import UUID

import psycopg
import pytest

from tests.contract.test_own_words import desk, letter, record_of

PERSONS = 40


@pytest.fixture(scope="module")
def urls(cluster, vault_service, caller, filled_pool_of_forty):
    """The three databases after forty registrations with a first commit each."""
    with desk(cluster, vault_service, caller) as found:
        for _ in range(PERSONS):
            _, ehr_id = record_of(found)
            found.commit(ehr_id, letter("Seen today."))
        yield [
            service.database.url("postgres")
            for service in (found.clinical, found.demographic, vault_service)
        ]


@pytest.fixture(scope="module")
def filled_pool_of_forty(vault, clinical_stub):
    """Enough EHRs for everybody."""
    import threading

    from linkage_vault import minting

    minting.fill(vault, clinical_stub, target=2 * PERSONS + 40, stop=threading.Event())


def columns(url):
    """(table, column) → its ids in the order in which their rows lie, each once."""
    with psycopg.connect(url) as connection:
        named = connection.execute(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns c"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE data_type = 'uuid' AND table_type = 'BASE TABLE'"
            " AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table, column in named:
            rows = connection.execute(
                f'SELECT "{column}" FROM "{schema}"."{table}" WHERE "{column}" IS NOT NULL'
                " ORDER BY ctid"
            )
            yield f"{table}.{column}", list(dict.fromkeys(value for (value,) in rows))


def spearman(values):
    """Rank correlation of numbers with their places."""
    count = len(values)
    place = {value: rank for rank, value in enumerate(sorted(values))}
    squares = sum((rank - place[value]) ** 2 for rank, value in enumerate(values))
    return 1 - 6 * squares / (count * (count * count - 1))


def bound(count):
    """What the correlation of a random order stays below 99.99 % of the time: 3.9 / √(n − 1)."""
    return 3.9 / (count - 1) ** 0.5


def telling(ids):
    """Whether ids say something: by their version, or by their order."""
    wrong = any(one.version != 4 or one.variant != uuid.RFC_4122 for one in ids)
    return wrong or (len(ids) >= 20 and abs(spearman([one.int for one in ids])) > bound(len(ids)))


def test_every_id_is_random_and_in_no_order(urls):
    """All uuid columns of the three databases."""
    found = list(itertools.chain.from_iterable(columns(url) for url in urls))
    assert len(found) > 20
    assert sum(len(ids) for _, ids in found) > 500
    assert [] == [name for name, ids in found if telling(ids)]


def test_the_control_ids_that_count_or_tell_the_time_are_found():
    """The same look at ids of versions 1 and 7, of a counter, and at random ones sorted."""
    moments = [time.time_ns() // 1_000_000 + n for n in range(40)]
    sevens = [
        UUID(int=(moment << 80) | (7 << 76) | (2 << 62) | uuid.uuid4().int & ((1 << 62) - 1))
        for moment in moments
    ]
    counted = [UUID(int=(4 << 76) | (2 << 62) | n) for n in range(40)]
    caught = [
        telling(ids)
        for ids in ([uuid.uuid1() for _ in range(40)], sevens, counted,
                    sorted(uuid.uuid4() for _ in range(40)))
    ]  # fmt: skip
    assert [True] * 4 == caught
    assert not telling([uuid.uuid4() for _ in range(400)])
