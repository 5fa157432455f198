"""deploy/citus/distribute.sql against the catalogue of a real, undistributed database."""

import re
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import UndefinedFunction, UndefinedTable

from clinical_api import tables

SCRIPT = (Path(__file__).parents[2] / "deploy/citus/distribute.sql").read_text()
LISTS = re.findall(r"unnest\(ARRAY\[(.*?)\]", SCRIPT, re.DOTALL)


def names(text):
    """The names in a list of the script."""
    return set(re.findall(r"'(\w+)'", text))


def test_every_table_is_distributed_or_a_reference():
    """A new table without a place is noticed here, and none stands in both lists."""
    references, distributed = (names(text) for text in LISTS)
    distributed.add("ehr")
    assert not references & distributed
    assert set(tables.metadata.tables) == references | distributed
    of_an_ehr = {t.name for t in tables.metadata.sorted_tables if "ehr_id" in t.primary_key.columns}
    assert of_an_ehr == distributed


def test_after_its_changes_every_unique_key_begins_with_the_ehr(clinical_database):
    """What the script does without Citus runs, and leaves no key that Citus would refuse."""
    distributed = names(LISTS[1]) | {"ehr"}
    plain = [s for s in SCRIPT.split(";") if re.search(r"^(DROP|CREATE|ALTER) ", s, re.MULTILINE)]
    assert 8 == len(plain)
    with psycopg.connect(clinical_database.url("migrator")) as connection:
        for statement in plain:
            connection.execute(statement)
        rows = connection.execute(
            "SELECT t.relname, a.attname FROM pg_index i"
            " JOIN pg_class t ON t.oid = i.indrelid"
            " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]"
            " WHERE i.indisunique AND t.relname = ANY(%s)",
            (sorted(distributed),),
        ).fetchall()
        connection.rollback()
    assert {name for name, _ in rows} == distributed
    assert {"ehr_id"} == {column for _, column in rows}


def test_without_citus_it_says_so_and_changes_nothing(clinical_database):
    """The whole script is one transaction."""
    with psycopg.connect(clinical_database.url("migrator"), autocommit=True) as connection:
        with pytest.raises((UndefinedFunction, UndefinedTable)):
            connection.execute(SCRIPT)
        connection.execute("ROLLBACK")
        unique = "SELECT indisunique FROM pg_index WHERE indexrelid = %s::regclass"
        assert (True,) == connection.execute(unique, ("ix_composition_object_id",)).fetchone()
