"""A vault that has grown: crossings go by index, whatever the planner knows of the tables."""

import time
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa

from linkage_vault import link_rows, links, pool
from linkage_vault.link_rows import Pair
from linkage_vault.purposes import PurposeOfUse as P
from moiety.kit import singles
from tests.fixtures.fix_links import fill, somebody

SLOTS, LINKS = 8000, 2000
_READ = sa.text(
    "SELECT relname, seq_tup_read FROM pg_stat_user_tables"
    " WHERE relname IN ('pool_slot', 'link', 'link_key', 'trail_leaf', 'trail_node', 'trail_head')"
)


@pytest.fixture
def grown(lone):
    """A vault with thousands of rows that the planner knows of: (vault, asker, persons)."""
    vault, _, database = lone
    registrar = somebody(database, "registrar")
    for _ in range(0, SLOTS, 1000):
        fill(vault, 1000)
    pairs = [Pair(uuid4(), uuid4()) for _ in range(LINKS)]
    link_rows.add(vault.singles, vault.keys, pairs)
    persons = [pair.person_id for pair in pairs]
    links.resolve_persons(vault, registrar, persons[:1000], purpose=P.TREAT)
    with psycopg.connect(database.url("migrator"), autocommit=True) as connection:
        connection.execute("ANALYZE")
    return vault, registrar, persons


def read_whole(vault):
    """Rows that were read by going through a table, by table."""
    # A session reports what it did when it ends, or when it is asked again a second later.
    vault.engine.dispose()
    time.sleep(1.2)
    vault.singles.all("SELECT 1", {})
    with vault.engine.connect() as connection:
        return dict(connection.execute(_READ).all())


def test_registering_and_resolving_read_no_table_whole(grown):
    """Thirty of each, and a thousand at once: not one table is gone through."""
    vault, registrar, persons = grown
    before = read_whole(vault)
    for number in range(30):
        links.open_record(vault, registrar, uuid4())
        links.resolve_person(vault, registrar, persons[number], purpose=P.TREAT)
    links.resolve_persons(vault, registrar, persons[:1000], purpose=P.TREAT)
    after = read_whole(vault)
    assert {name: after[name] - before[name] for name in after if after[name] > before[name]} == {}


def test_the_plans_of_before_read_the_pool_whole(grown, monkeypatch):
    """The control: a subquery for the array, the planner left alone: each reads all slots."""
    vault, registrar, _ = grown
    old = pool._TAKE_AFTER.replace("= ANY(ARRAY(", "IN (").replace(")) RETURNING", ") RETURNING")
    monkeypatch.setattr(pool, "_TAKE_AFTER", old)
    monkeypatch.setattr(singles, "_OPTIONS", "-c plan_cache_mode=force_generic_plan")
    vault.singles.close()
    before = read_whole(vault)
    for _ in range(10):
        links.open_record(vault, registrar, uuid4())
    assert read_whole(vault)["pool_slot"] - before["pool_slot"] >= 10 * (SLOTS - 100)
