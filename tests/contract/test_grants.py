"""Database roles: what the server itself says that each role may do to each table."""

import psycopg
import pytest

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")

ALLOWED = {
    "clinical": {
        "access_log": "SI",
        "api_key": "S",
        "ehr": "SIU",
        "contribution": "SI",
        "composition": "SIUD",
        "composition_history": "SI",
        "ehr_status": "SIUD",
        "ehr_status_history": "SI",
        "folder": "SIUD",
        "folder_history": "SI",
        "version_detail": "SI",
        "attestation": "SI",
        "commit_log": "SI",
        "event_era": "S",
        "erasure": "S",
        "webhook": "SIUD",
        "webhook_delivery": "SIUD",
        "folder_template": "SIUD",
        "template": "SIU",
        "template_superseded": "SI",
        "template_adl2": "SI",
        "stored_query": "SI",
        "item_tag": "SIUD",
        "registry": "SU",
        "hot_index": "S",
        "screen_finding": "SI",
        "sealed_words": "SI",
        "audit_words": "SI",
        "screen_later": "SID",
    },
    "demographic": {
        "access_log": "SI",
        "api_key": "S",
        "person": "SIU",
        "person_history": "SI",
        "identifier": "SID",
        "person_name": "SID",
        "person_merge": "SID",
        "words_due": "SIUD",
        "merge_due": "SIUD",
    },
    "vault": {
        "api_key": "S",  # and UPDATE of the month of use, at every service
        "app_user": "S",
        "sign_in": "SIU",
        "user_session": "SIUD",
        "spent_token": "SID",
        "care": "SIUD",
        "screen_guess": "SIUD",
        "alert_due": "SIUD",
        "access_grant": "SI",  # and UPDATE of what is left of it
        "grant_subject": "SI",
        "approval": "SI",  # and UPDATE of its state
        "break_glass": "SI",  # and UPDATE of its review
        "usage": "SIUD",
        "usage_subject": "SID",
        "canary": "SID",
        "suspension": "SI",
        "alert": "SI",  # and UPDATE of who has seen it
        "link": "SID",  # and UPDATE of its flags
        "link_key": "SID",
        "person_merge": "SID",
        "link_task": "SID",
        "tombstone": "SI",
        "key_use": "SI",  # and UPDATE of what is reserved
        "key_fence": "S",
        "pool_slot": "SIUD",
        "trail_leaf": "SI",
        "trail_head": "SI",
        "trail_node": "SI",
        "project": "SIU",
        "project_history": "SI",
        "project_key": "SID",  # and UPDATE of its seal
        "recipient": "SI",
        "opt_out_snapshot": "SIUD",
        "opt_out": "SIUD",
        "objection": "SID",
        "consent": "SIUD",
        "own_words": "SIU",
        "screened": "SI",
        "rescreen": "SID",
        "trail_personal": "SID",
    },
    "shred": {"shred_secret": "SID"},
}
"""The readable table: S(elect) I(nsert) U(pdate) D(elete), a role an application, a row a table."""


@pytest.mark.parametrize("base", ALLOWED)
def test_the_app_role_may_do_what_the_table_says_and_nothing_else(cluster, base):
    """Every table of the database × every verb, as PostgreSQL's own privilege check answers."""
    with psycopg.connect(cluster.url("postgres", base)) as connection:
        tables = {
            name
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind = 'r' AND relname <> 'alembic_version'"
            )
        }
        assert set(ALLOWED[base]) == tables
        for table, letters in ALLOWED[base].items():
            may = "".join(
                verb[0]
                for verb in VERBS
                if connection.execute(
                    "SELECT has_table_privilege(%s, %s, %s)", (f"{base}_app", table, verb)
                ).fetchone()
                == (True,)
            )
            assert letters == may, f"{base}_app on {table}"


@pytest.mark.parametrize("base", ALLOWED)
def test_every_forbidden_statement_is_refused_when_it_is_tried(cluster, base):
    """The privilege check is not taken at its word: each forbidden statement is run."""
    statements = {
        "S": "SELECT * FROM {}",
        "I": "INSERT INTO {} DEFAULT VALUES",
        "U": "UPDATE {} SET {column} = {column}",
        "D": "DELETE FROM {}",
        "T": "TRUNCATE {}",
        "drop": "DROP TABLE {}",
        "alter": "ALTER TABLE {} ADD COLUMN x int",
    }
    tried = 0
    with psycopg.connect(cluster.url(f"{base}_app", base), autocommit=True) as connection:
        for table, letters in ALLOWED[base].items():
            column = column_of(cluster, base, table)
            for verb, statement in statements.items():
                if verb in letters:
                    continue
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.format(table, column=column))
                tried += 1
    print(f"{base}: {tried} forbidden statements refused")
    assert tried > len(ALLOWED[base])


def column_of(cluster, base, table):
    """Some column of the table."""
    with psycopg.connect(cluster.url("postgres", base)) as connection:
        row = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1",
            (table,),
        ).fetchone()
    return row[0]


@pytest.mark.parametrize("base", ALLOWED)
def test_the_app_role_makes_nothing_of_its_own(cluster, base):
    """No table, no schema, no function, no temporary table."""
    with psycopg.connect(cluster.url(f"{base}_app", base), autocommit=True) as connection:
        for statement in (
            "CREATE TABLE x (n int)",
            "CREATE SCHEMA x",
            "CREATE TEMPORARY TABLE x (n int)",
            "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_leaf_tables_are_made_by_one_function_that_takes_generated_names_only(clinical_database):
    """The application asks `leaf.extend`, which refuses any other name, column or type."""
    good = '[{"table": "g_0123456789abcdef", "columns": [{"name": "c_0123456789abcdef",'
    with psycopg.connect(clinical_database.url(), autocommit=True) as connection:
        connection.execute("SELECT leaf.extend(%s)", (good + '"kind": "real"}]}]',))
        connection.execute("SELECT leaf.extend(%s)", (good + '"kind": "real"}]}]',))
        for bad in (
            '[{"table": "ehr", "columns": []}]',
            '[{"table": "g_0123456789abcdef; DROP TABLE ehr", "columns": []}]',
            '[{"table": "g_0123456789abcdef", "columns": [{"name": "x", "kind": "real"}]}]',
            good + '"kind": "regclass"}]}]',
        ):
            with pytest.raises(psycopg.errors.RaiseException, match="not a"):
                connection.execute("SELECT leaf.extend(%s)", (bad,))
        rows = connection.execute(
            "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'g_0123456789abcdef'"
        ).fetchall()
    assert [("clinical_migrator",)] == rows
