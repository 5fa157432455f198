"""Migrations: what they make is what the code describes, and they can be taken back."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.fixtures.fix_database import copied

ROOT = Path(__file__).parents[2]
BASES = ("clinical", "demographic", "vault", "shred")


def alembic(copy, *words):
    """Run alembic as an operator does, as the migrator role of one database."""
    variable = f"{copy.base.upper()}_MIGRATION_URL"
    return subprocess.run(
        [sys.executable, "-m", "alembic", "--name", copy.base, *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {variable: copy.url("migrator")},
    )  # fmt: skip


@pytest.mark.parametrize("base", BASES)
def test_the_tables_are_those_that_the_code_describes(cluster, base):
    """`alembic check` finds no difference between the migrations and the MetaData."""
    with copied(cluster, base) as copy:
        done = alembic(copy, "check")
        assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("base", BASES)
def test_down_and_up_again_leaves_the_same_tables_and_grants(cluster, base):
    """An operator can go back to nothing and forward to the newest revision."""
    with copied(cluster, base) as copy:
        before = described(copy)
        for words in (("downgrade", "base"), ("upgrade", "head")):
            done = alembic(copy, *words)
            assert 0 == done.returncode, done.stdout + done.stderr
        assert before == described(copy)


def test_merges_that_stand_before_the_queue_are_told_from_the_far_end_of_each_chain(cluster):
    """A in B in C in D, and E in D: whoever is told in that order meets nobody merged already."""
    chain = {name: uuid4() for name in "ABCDE"}
    pairs = [("C", "D"), ("A", "B"), ("E", "D"), ("B", "C")]
    with copied(cluster, "demographic") as copy:
        with psycopg.connect(copy.url("migrator")) as connection:
            connection.execute("DROP TABLE merge_due")
            connection.execute("UPDATE alembic_version SET version_num = '0005'")
        with psycopg.connect(copy.url("migrator")) as connection:
            for merged, survivor in pairs:
                connection.execute(
                    "INSERT INTO person_merge VALUES (%s, %s, '')", (chain[merged], chain[survivor])
                )
        assert 0 == alembic(copy, "upgrade", "head").returncode
        with psycopg.connect(copy.url("migrator")) as connection:
            query = "SELECT person_id, survivor_id FROM merge_due ORDER BY place"
            told = connection.execute(query).fetchall()
    assert {(chain[a], chain[b]) for a, b in pairs} == set(told)
    gone = set()
    for merged, survivor in told:
        assert not {merged, survivor} & gone
        gone.add(merged)


def test_no_database_is_hit_by_mistake():
    """Without --name, and without the section's own variable, alembic stops with a sentence."""
    for words, sentence in (((), "script_location"), (("--name", "vault"), "VAULT_MIGRATION_URL")):
        environment = {k: v for k, v in os.environ.items() if not k.endswith("_MIGRATION_URL")}
        done = subprocess.run(
            [sys.executable, "-m", "alembic", *words, "upgrade", "head"],
            cwd=ROOT, capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip
        assert 0 != done.returncode
        assert sentence in done.stdout + done.stderr


def described(copy):
    """Columns and privileges, as PostgreSQL lists them."""
    with psycopg.connect(copy.url("postgres")) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY 1, 2"
        ).fetchall()
        privileges = connection.execute(
            "SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants"
            " WHERE table_schema = 'public' AND grantee LIKE '%%_app' ORDER BY 1, 2, 3",
            (),
        ).fetchall()
    return columns, privileges
