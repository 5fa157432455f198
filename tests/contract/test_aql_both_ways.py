"""Every query runs twice: compiled to SQL over typed rows, and evaluated over the documents.

The two share the parser and the rules of comparison, and nothing else. They must agree row for
row: nulls, duplicates and order included.
"""

import json
import math
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from clinical_api import documents, tables
from moiety import aql
from moiety.aql.results import identity, order_key
from moiety.openehr.leaves import ROWS_VERSION
from tests.fixtures.fix_database import copied
from tests.unit.aql import ward
from tests.unit.aql.queries import queries

SYSTEM = "moiety.example"
HEADS = aql.Heads(tables.composition.head, tables.ehr, SYSTEM)
TEMPLATES = ward.templates()


@pytest.fixture(scope="module")
def connection(cluster):
    """A database with a ward's compositions: some whose rows are stale, some with residue."""
    with copied(cluster, "clinical") as copy:
        engine = sa.create_engine(_psycopg(copy.url("postgres")))
        with engine.begin() as opened:
            _fill(opened)
        with engine.connect() as opened:
            yield opened
        engine.dispose()


def _psycopg(url):
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _fill(opened):
    random = Random(11)
    ehrs = [ward.random_uuid(random) for _ in range(7)]
    for number, ehr_id in enumerate(ehrs):
        pooled = number == 6
        _insert(opened, tables.ehr, _ehr(ehr_id, pooled=pooled))
    groups = {g.table: g for t in TEMPLATES.values() for g in t.groups.values()}
    wanted = [
        {
            "table": table,
            "columns": [
                {"name": c.name, "kind": c.kind}
                for each in TEMPLATES.values()
                for g in each.groups.values()
                if g.table == table
                for c in g.columns
            ],
        }
        for table in groups
    ]
    opened.execute(sa.text("SELECT leaf.extend(:wanted)"), {"wanted": json.dumps(wanted)})
    for number, (key, document, found) in enumerate(ward.checked(70)):
        _commit(opened, random, ehrs[number % 5], (key, document, found), stale=number % 13 == 0)
    opened.execute(sa.text("ANALYZE"))


def _insert(opened, table, row):
    opened.execute(table.insert().values(**row))


def _ehr(ehr_id, *, pooled):
    time = datetime(2024, 3, 1, 9, 30, tzinfo=UTC)
    common = {"system_id": SYSTEM, "time_created": time, "pooled": pooled, "modifiable": True}
    return {"ehr_id": ehr_id, **common}


def _commit(opened, random, ehr_id, made, *, stale):
    key, document, found = made
    row_key, object_id, version = random.getrandbits(62), ward.random_uuid(random), 2 - key % 2
    uid = {"_type": "OBJECT_VERSION_ID", "value": f"{object_id}::{SYSTEM}::{version}"}
    document = json.dumps({**json.loads(document), "uid": uid}).encode()
    head = {
        "ehr_id": ehr_id,
        "object_id": object_id,
        "version": version,
        "row_key": row_key,
        "contribution_id": ward.random_uuid(random),
        "change_type": 249,
        "lifecycle_state": 532,
        "time_committed": datetime(2024, 3, 1, tzinfo=UTC),
        "audit": {},
        "document": documents.pack(document),
        "template_key": key,
        "rows_version": ROWS_VERSION - 1 if stale else ROWS_VERSION,
        "residue": found.residue,
        "groups": [],
    }
    _insert(opened, tables.composition.head, head)
    for rows in () if stale else found.rows:
        columns = [sa.column(name) for name in ("ehr_id", "row_key", *rows.columns)]
        table = sa.table(rows.table, *columns, schema="leaf")
        names = [column.name for column in columns]
        values = [dict(zip(names, (ehr_id, row_key, *row), strict=True)) for row in rows.values]
        opened.execute(table.insert(), values)


def _decode(document):
    return json.loads(documents.unpack(document))


# --- both ways -----------------------------------------------------------------------------


def by_documents(connection, compiled):
    """Rows of the evaluator over every document there is."""
    h, e = tables.composition.head.alias("h"), tables.ehr.alias("e")
    told = [h.c.object_id, h.c.version, h.c.document]
    joined = e.outerjoin(h, h.c.ehr_id == e.c.ehr_id)
    if compiled.plan.of_ehrs:
        told, joined = [sa.null(), sa.null(), sa.null()], e
    every = sa.select(e.c.ehr_id, e.c.system_id, e.c.time_created, *told)
    every = every.select_from(joined).where(sa.not_(e.c.pooled)).order_by(e.c.ehr_id)
    return list(compiled.evaluated(connection.execute(every), _decode))


def by_plan(connection, compiled):
    """Rows of the plan: typed rows, and the documents that they do not answer for."""
    rows = []
    if compiled.rows is not None:
        rows += compiled.typed(connection.execute(compiled.rows), _decode)
    if compiled.rest is not None:
        rows += compiled.evaluated(connection.execute(compiled.rest), _decode)
    return rows


def comparable(compiled, row):
    """What must be equal in a row: what it shows, and what it is ordered by."""
    shown = [identity(row[output.cell or 0]) for output in compiled.request.outputs]
    return json.dumps([shown, [order_key(row[cell]) for cell, _ in compiled.request.keys]])


def counted(rows):
    return Counter(json.dumps([_exact(cell) for cell in row], sort_keys=True) for row in rows)


def _exact(cell):
    """A sum of floats depends on the order of its terms: twelve digits of it do not."""
    return float(f"{cell:.12g}") if isinstance(cell, float) else cell


def check(connection, text):
    """Run a query both ways and demand agreement."""
    compiled = aql.compile(text, {}, TEMPLATES, HEADS)
    expected, actual = by_documents(connection, compiled), by_plan(connection, compiled)
    if not compiled.request.aggregated:
        assert Counter(comparable(compiled, row) for row in expected) == Counter(
            comparable(compiled, row) for row in actual
        )
    whole = compiled.finish(expected)
    if compiled.request.limit is None:
        assert counted(whole) == counted(compiled.finish(actual))
    answered = compiled.answer(lambda statement: _streamed(connection, statement), _decode)
    assert len(whole) == len(compiled.finish(actual)) == len(answered)
    if compiled.request.limit is None:
        assert counted(whole) == counted(answered)
    return compiled, expected


def _streamed(connection, statement):
    return connection.execute(statement, execution_options={"yield_per": 7})


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(queries())
def test_generated_queries_agree(connection, text):
    """Whatever the query, typed rows and documents give the same rows."""
    check(connection, text)


@contextmanager
def trusted(connection):
    """Leave only compositions whose rows tell everything, and take the change back."""
    h = tables.composition.head
    with connection.begin_nested() as nested:
        connection.execute(
            h.delete().where(sa.or_(h.c.residue != 0, h.c.rows_version != ROWS_VERSION))
        )
        kept = sa.select(h.c.row_key)
        for table in {g.table for t in TEMPLATES.values() for g in t.groups.values()}:
            rows = sa.table(table, sa.column("row_key"), schema="leaf")
            connection.execute(rows.delete().where(rows.c.row_key.not_in(kept)))
        yield
        nested.rollback()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(queries())
def test_pushed_queries_agree(connection, text):
    """Where no document is left over, SQL alone orders, limits and aggregates as Python does."""
    with trusted(connection):
        compiled, expected = check(connection, text)
        left = compiled.rest is not None and connection.execute(compiled.rest).first() is not None
        if left or compiled.pushed is None:
            return
        result = compiled.shown(connection.execute(compiled.pushed), _decode)
    finished = compiled.finish(expected)
    assert len(finished) == len(result)
    if compiled.request.limit is None or compiled.request.aggregated:
        assert counted(finished) == counted(result)
    assert _keys(compiled, expected, finished) == _keys(compiled, expected, result)


def _keys(compiled, rows, result):
    """What each row of a result is ordered by, found again by the values that it shows."""
    request = compiled.request
    places = [[o.cell for o in request.outputs].index(cell) for cell, _ in request.keys]
    known = {
        (cell, json.dumps(row[cell].raw)): order_key(row[cell])
        for row in rows
        for cell, _ in request.keys
    }
    return [
        [known[cell, json.dumps(row[p])] for p, (cell, _) in zip(places, request.keys, strict=True)]
        for row in result
    ]


SQL_ALONE = [
    f"SELECT o/{path} FROM EHR e CONTAINS COMPOSITION c CONTAINS OBSERVATION o[{ward.PRESSURE}]"
    for path in (
        "data[at0001]/events[at0006]/data[at0003]/items[at0004]/value/magnitude",
        "data[at0001]/events[at0006]/data[at0003]/items[at0010]/value/magnitude",
        "data[at0001]/events[at0006]/time/value",
        "name/value",
    )
]


@pytest.mark.parametrize("text", SQL_ALONE)
def test_materialised_paths_need_no_document(connection, text):
    """A query over materialised leaves is answered by SQL, and gives rows."""
    with trusted(connection):
        compiled, rows = check(connection, text)
        assert compiled.plan.reasons == ()
        assert connection.execute(compiled.rest).first() is None
    assert len(rows) > 20
    assert not any(math.isnan(row[0].raw) for row in rows if isinstance(row[0].raw, float))
