"""The compiler end to end, without a database: what it asks for, and how little it reads."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

from moiety import aql
from moiety.aql.stored import Reading
from tests.unit.aql import ward
from tests.unit.aql.test_golden import HEADS, TEMPLATES

EVENT = "data[at0001]/events[at0006]"
REST = ("ehr_id", "system_id", "time_created", "object_id", "version", "document")


def compiled(text, **parameters):
    return aql.compile(text, parameters, TEMPLATES, HEADS)


def answered(query, statements):
    """The result of a query whose statements find these rows, in the order in which they run."""
    waiting = iter(statements)

    def run(_statement):
        names, rows = next(waiting)
        return IteratorResult(SimpleResultMetaData(names), iter(rows))

    return query.answer(run, Reading(bytes, lambda _row, content: content))


def rows_of(*keys):
    """Rows of `rest`: stored compositions of an EHR."""
    made = [document for key, document, _ in ward.checked(12) if key in keys]
    head = (UUID(int=1), "s", datetime(2024, 1, 1, tzinfo=UTC), UUID(int=2), 1)
    return [(*head, document) for document in made]


EXECUTED = [
    (
        "SELECT c FROM EHR e CONTAINS COMPOSITION c WHERE e/ehr_id/value = 'x' AND c/name='y'",
        "SELECT c FROM EHR e[ehr_id/value='x'] CONTAINS COMPOSITION c WHERE c/name = 'y'",
    ),
    (
        (
            "SELECT c FROM EHR e CONTAINS COMPOSITION c[openEHR-EHR-COMPOSITION.c.v1]"
            " WHERE c/uid/value = $u"
        ),
        (
            "SELECT c FROM EHR e CONTAINS COMPOSITION c"
            "[openEHR-EHR-COMPOSITION.c.v1 AND uid/value='u::s::1']"
        ),
    ),
    (
        "SELECT c FROM EHR e CONTAINS COMPOSITION c WHERE e/ehr_id/value = 'x' OR NOT EXISTS c/uid",
        "SELECT c FROM EHR e CONTAINS COMPOSITION c WHERE e/ehr_id/value = 'x' OR NOT EXISTS c/uid",
    ),
    (
        "SELECT c FROM COMPOSITION c WHERE c/uid/value != 'x'",
        "SELECT c FROM COMPOSITION c WHERE c/uid/value != 'x'",
    ),
]


@pytest.mark.behaviour("aql.executed")
@pytest.mark.parametrize(("text", "executed"), EXECUTED)
def test_the_query_as_it_was_run(text, executed):
    """With its values in place, and ids in the brackets of FROM."""
    assert executed == compiled(text, u="u::s::1").executed


def test_sql_alone_answers_where_no_document_is_left():
    """An empty `rest` makes `pushed` the result, with aggregates already made."""
    query = compiled(f"SELECT COUNT(*), MAX(o/name/value) FROM OBSERVATION o[{ward.PRESSURE}]")
    assert [[7, "x"]] == answered(query, [(REST, []), (("a", "b"), [(7, "x")])])


def test_rows_and_documents_are_one_result():
    """What rows do not tell comes from documents, and aggregates count both."""
    query = compiled(f"SELECT COUNT(o/name/value) FROM OBSERVATION o[{ward.PRESSURE}]")
    found = rows_of(ward.WARD, ward.NIGHT)
    alone = answered(query, [(REST, found), (("c0",), [])])
    both = answered(query, [(REST, found), (("c0",), [(1,), (1,), (None,)])])
    assert both[0][0] == alone[0][0] + 2


def test_no_more_documents_are_read_than_a_page_needs():
    """Without an order, LIMIT stops the reading."""
    found = rows_of(ward.WARD, ward.NIGHT)
    read = []

    def watched():
        for row in found:
            read.append(row)
            yield row

    query = compiled(f"SELECT o FROM OBSERVATION o[{ward.PRESSURE}] LIMIT 1")
    result = answered(query, [(REST, watched())])
    assert ["OBSERVATION"] == [row[0]["_type"] for row in result]
    assert len(read) < len(found)


REASONS = [
    ("SELECT o FROM OBSERVATION o", "an object in SELECT"),
    ("SELECT o/links/meaning/value FROM OBSERVATION o", "a path without columns"),
    ("SELECT x/start_time/value FROM EVENT_CONTEXT x", "a class without rows"),
    ("SELECT c/uid/value FROM COMPOSITION c NOT CONTAINS SECTION", "OR or NOT in FROM"),
    (
        (
            f"SELECT v/name/value FROM EVALUATION v[{ward.PROBLEM}]"
            " WHERE v/data[at0001]/items[at0006]/value > 1"
        ),
        "values without one magnitude",
    ),
]


@pytest.mark.parametrize(("text", "reason"), REASONS)
def test_a_plan_says_why_documents_are_read(text, reason):
    """Every use of documents has its reason, which names no value."""
    assert (reason,) == compiled(text).plan.reasons


def test_rows_find_the_documents_of_objects():
    """`SELECT o … WHERE` reads the documents that the condition lets through, no others."""
    path = f"o/{EVENT}/data[at0003]/items[at0004]/value/magnitude"
    query = compiled(f"SELECT o FROM OBSERVATION o[{ward.PRESSURE}] WHERE {path} > 140")
    assert query.plan.filtered == {ward.WARD, ward.NIGHT}
    assert "row_key) IN (SELECT" in " ".join(str(query.rest).split())


def test_an_unknown_archetype_needs_doubtful_documents_alone():
    """It can only stand in an open slot: no rows, and no document without residue."""
    query = compiled("SELECT x/name/value FROM CLUSTER x[openEHR-EHR-CLUSTER.extra.v1]")
    assert query.rows is None
    assert query.plan.left == frozenset()
    assert query.plan.residue > 0


def test_ids_of_compositions_need_no_rows():
    """Heads tell uid and EHR: no residue matters."""
    query = compiled("SELECT e/ehr_id/value, c/uid/value FROM EHR e CONTAINS COMPOSITION c")
    assert query.plan.residue == 0
    assert all(branch.sources == () for branch in query.plan.branches)


def test_the_executed_query_has_its_parameters_in_place():
    """`_executed_aql` is AQL, and means the query that ran."""
    query = compiled("SELECT c FROM COMPOSITION c WHERE c/name/value = $n", n="it's")
    assert "SELECT c FROM COMPOSITION c WHERE c/name/value = 'it\\'s'" == query.executed
    assert query.executed == compiled(query.executed).executed


def test_columns_have_paths_and_names():
    """The alias, or # and the place; the path keeps its variable."""
    query = compiled("SELECT c/name/value, c/uid/value AS uid, 'x' FROM COMPOSITION c")
    expected = [("#0", "c/name/value"), ("uid", "c/uid/value"), ("#2", "")]
    assert expected == [(column.name, column.path) for column in query.columns]
