"""Every query runs twice: compiled to SQL over typed rows, and evaluated over the documents.

The two share the parser and the rules of comparison, and nothing else. They must agree row for
row: nulls, duplicates and order included.
"""

import json
import math
import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import msgspec
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from clinical_api import documents, queried, tables
from moiety import aql
from moiety.aql import sql
from moiety.aql.asides import with_clock
from moiety.aql.blanks import Blanks
from moiety.aql.results import identity, order_key
from moiety.openehr.leaves import ROWS_VERSION
from tests.fixtures.fix_database import copied
from tests.unit.aql import ward
from tests.unit.aql.queries import VALUES, queries
from tests.unit.aql.test_golden import CASES

SYSTEM = "moiety.example"
HEADS = queried.heads(SYSTEM)
READING = queried.reading(SYSTEM)
TEMPLATES = ward.templates()
TEXTS = frozenset(
    (group.table, column.name)
    for template in TEMPLATES.values()
    for group in template.groups.values()
    for column in group.columns
    if column.kind == "text"
)
CLOCK = with_clock("NOW()", {})
"""One time for a query however it is asked."""
HOT = replace(HEADS, hot=TEXTS)


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
        _insert(opened, tables.ehr, _ehr(ehr_id, number))
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
    for number, ehr_id in enumerate(ehrs):
        _keep(opened, random, tables.ehr_status, ehr_id, ward.status(number))
    made = []
    for number, (key, document, found) in enumerate(ward.checked(70)):
        object_id = _commit(
            opened, random, ehrs[number % 5], (key, document, found), stale=number % 13 == 0
        )
        made.append((ehrs[number % 5], object_id))
    for number, ehr_id in enumerate(ehrs[:4]):
        referred = [str(object_id) for holder, object_id in made if holder == ehr_id]
        _keep(opened, random, tables.folder, ehr_id, ward.folder(number, referred))
    opened.execute(sa.text("ANALYZE"))


def _insert(opened, table, row):
    opened.execute(table.insert().values(**row))


def _ehr(ehr_id, number):
    """An EHR, with what its status says (ward.status)."""
    status = ward.status(number)
    reference = status["subject"].get("external_ref") or {"id": {}}
    return {
        "ehr_id": ehr_id,
        "system_id": SYSTEM,
        "time_created": datetime(2024, 3, 1, 9, 30, tzinfo=UTC),
        "pooled": number == 6,
        "queryable": status["is_queryable"],
        "modifiable": status["is_modifiable"],
        "subject_namespace": reference.get("namespace"),
        "opaque_subject": reference["id"].get("value"),
    }


def _keep(opened, random, kind, ehr_id, document):
    """A content without rows, and the version before it."""
    object_id = ward.random_uuid(random)
    for table, version in ((kind.history, 1), (kind.head, 2)):
        uid = {"_type": "OBJECT_VERSION_ID", "value": f"{object_id}::{SYSTEM}::{version}"}
        body = json.dumps({**document, "uid": uid}).encode()
        _insert(opened, table, _version(random, ehr_id, object_id, version, body))


def _version(random, ehr_id, object_id, version, document):
    when = datetime(2024, 3, version, 8, random.randrange(60), 7, 120_000, tzinfo=UTC)
    committer = {"_type": "PARTY_IDENTIFIED", "name": random.choice(["Ann", "bob", "Zoë"])}
    return {
        "ehr_id": ehr_id,
        "object_id": object_id,
        "version": version,
        "row_key": random.getrandbits(62),
        "contribution_id": ward.random_uuid(random),
        "change_type": 249 if version == 1 else random.choice([250, 251]),
        "lifecycle_state": random.choice([532, 553]),
        "time_committed": when,
        "audit": {"system_id": SYSTEM, "committer": committer}
        | ({} if version == 1 else {"description": {"_type": "DV_TEXT", "value": "again"}}),
        "document": document and documents.pack(document),
    }


def _commit(opened, random, ehr_id, made, *, stale):
    key, document, found = made
    object_id, version = ward.random_uuid(random), 2 - key % 2
    uid = {"_type": "OBJECT_VERSION_ID", "value": f"{object_id}::{SYSTEM}::{version}"}
    document = json.dumps({**json.loads(document), "uid": uid}).encode()
    told = {
        "template_key": key,
        "rows_version": ROWS_VERSION - 1 if stale else ROWS_VERSION,
        "residue": found.residue,
        "groups": [],
    }
    head = _version(random, ehr_id, object_id, version, document)
    row_key = head["row_key"]
    _insert(opened, tables.composition.head, head | told)
    if version == 2:
        uid = {**uid, "value": f"{object_id}::{SYSTEM}::1"}
        before = json.dumps({**json.loads(document), "uid": uid}).encode()
        former = _version(random, ehr_id, object_id, 1, before)
        _insert(opened, tables.composition.history, former | told)
    for rows in () if stale else found.rows:
        columns = [sa.column(name) for name in ("ehr_id", "row_key", *rows.columns)]
        table = sa.table(rows.table, *columns, schema="leaf")
        names = [column.name for column in columns]
        values = [dict(zip(names, (ehr_id, row_key, *row), strict=True)) for row in rows.values]
        opened.execute(table.insert(), values)
    return object_id


# --- both ways -----------------------------------------------------------------------------


def by_documents(connection, compiled):
    """Rows of the evaluator over every document that the query may see, though rows may tell."""
    nothing = replace(compiled.plan, branches=(), left=None, filters=(), filtered=frozenset())
    ids = {key: template.template_id for key, template in TEMPLATES.items()}
    every = sql.rest_select(sql.Setting(nothing, HEADS, Blanks(), ids))
    return list(compiled.evaluated(connection.execute(every), READING))


def by_plan(connection, compiled):
    """Rows of the plan: typed rows, and the documents that they do not answer for."""
    rows = []
    if compiled.rows is not None:
        rows += compiled.typed(connection.execute(compiled.rows), READING)
    if compiled.rest is not None:
        rows += compiled.evaluated(connection.execute(compiled.rest), READING)
    return rows


def comparable(compiled, row):
    """What must be equal in a row: what it shows, and what it is ordered by."""
    shown = [identity(row[output.cell or 0]) for output in compiled.request.outputs]
    return json.dumps([shown, [order_key(row[cell]) for cell, _ in compiled.request.keys]])


def counted(rows):
    return Counter(json.dumps([_exact(cell) for cell in row], sort_keys=True) for row in rows)


def _exact(cell):
    """A sum of floats depends on the order of its terms: twelve digits of it do not.

    A sum over a node that is a count in one template and a quantity in another is `10` as the
    documents are read and `10.0` as SQL adds: one number in JSON.
    """
    if isinstance(cell, msgspec.Raw):
        return json.loads(bytes(cell))
    if not isinstance(cell, float):
        return cell
    rounded = float(f"{cell:.12g}")
    return int(rounded) if rounded.is_integer() else rounded


@contextmanager
def sensible():
    """Leave out what no version's id can be compared with: it is refused, and tested elsewhere."""
    try:
        yield
    except aql.AqlError as error:
        if "OBJECT_VERSION_ID" not in str(error):
            raise
        reject()


def check(connection, text):
    """Run a query both ways and demand agreement."""
    with sensible():
        compiled = aql.compile(text, CLOCK, TEMPLATES, HEADS, extensions=True)
    expected, actual = by_documents(connection, compiled), by_plan(connection, compiled)
    if not compiled.request.aggregated:
        assert Counter(comparable(compiled, row) for row in expected) == Counter(
            comparable(compiled, row) for row in actual
        )
    whole = compiled.finish(expected)
    if compiled.request.limit is None:
        assert counted(whole) == counted(compiled.finish(actual))
    answered = compiled.answer(lambda statement: _streamed(connection, statement), READING)
    assert len(whole) == len(compiled.finish(actual)) == len(answered)
    if compiled.request.limit is None:
        assert counted(whole) == counted(answered)
    return compiled, expected


OTHERS = {"text": [v for v in VALUES if v[0] == "'"], "number": ["140", "3", "5", "120.5", "10.0"]}


VALUE = re.compile(r"(?:(?<=[=<>] )|(?<=LIKE )|(?<=es \{))('(?:[^'\\]|\\.)*'|[0-9.]+)(?![\w.])")


def varied(text, random):
    """The query with other values in its comparisons."""
    words = re.split(VALUE, text)
    for place in range(1, len(words), 2):
        words[place] = random.choice(OTHERS["text" if words[place][0] == "'" else "number"])
    return "".join(words)


def by_cache(connection, text, random):
    """Run another query with the plan of this one, where it fits, and demand agreement.

    All texts are hot here, so that comparisons by their beginnings are tried too.
    """
    plans, context = aql.PlanCache(), aql.Context(1, "care", None, extensions=False)
    with sensible():
        first = aql.compile(text, CLOCK, TEMPLATES, HOT, unchanged=sa.true(), extensions=True)
    plans.keep(aql.Query(text, CLOCK), context, first)
    for other in (text, varied(text, random)):
        found = plans.find(aql.Query(other, CLOCK), context)
        assert found is not None or other != text
        if found is None:
            continue
        with sensible():
            fresh = aql.compile(other, CLOCK, TEMPLATES, HEADS, extensions=True)
            plan = found[0].with_values(found[1])
        expected = fresh.finish(by_documents(connection, fresh))
        answered = plan.answer(lambda select, plan=plan: _asked(connection, plan, select), READING)
        alone = _alone(connection, plan)
        assert fresh.executed == plan.executed
        for actual in (answered, alone):
            if actual is not None:
                assert len(expected) == len(actual)
            if actual is not None and fresh.request.limit is None:
                assert counted(expected) == counted(actual)


def _driver(connection):
    return connection.connection.driver_connection


def _asked(connection, plan, select):
    written = plan.written(select)
    cursor = psycopg.RawCursor(_driver(connection))
    return cursor.execute(written.text, written.parameters(plan.given), binary=True)


def _alone(connection, plan):
    """What the statement that answers alone gives; None where documents have a say."""
    if plan.alone is None:
        return None
    cursor = psycopg.RawCursor(_driver(connection))
    cursor.execute(plan.alone.text, plan.alone.parameters(plan.given), binary=True)
    return plan.told_alone(cursor.fetchall(), READING)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(queries(), st.randoms(use_true_random=False))
def test_a_plan_answers_for_other_values(connection, text, random):
    """A plan that was made for some values gives for others what the documents give."""
    by_cache(connection, text, random)
    with trusted(connection):
        by_cache(connection, text, random)


def _streamed(connection, statement):
    return connection.execute(statement, execution_options={"yield_per": 7})


@pytest.mark.behaviour("aql.two-ways")
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
        result = compiled.shown(connection.execute(compiled.pushed), READING)
    finished = compiled.finish(expected)
    assert len(finished) == len(result)
    if compiled.request.limit is None or compiled.request.aggregated:
        assert counted(finished) == counted(result)
    assert _keys(compiled, expected, finished) == _keys(compiled, expected, result)


def _keys(compiled, rows, result):
    """What each row of a result is ordered by, found again by the values that it shows."""
    request = compiled.request
    if request.aggregated:  # its keys are columns of the result, or values that it does not show
        shown = [place for place, _ in request.keys if place < len(request.outputs)]
        return [[_exact(row[place]) for place in shown] for row in result]
    places = [[o.cell for o in request.outputs].index(cell) for cell, _ in request.keys]
    known = {
        (cell, json.dumps(_exact(row[cell].raw))): order_key(row[cell])
        for row in rows
        for cell, _ in request.keys
    }
    return [
        [
            known[cell, json.dumps(_exact(row[p]))]
            for p, (cell, _) in zip(places, request.keys, strict=True)
        ]
        for row in result
    ]


@pytest.mark.parametrize(("file", "title", "text", "sql"), CASES, ids=lambda value: str(value)[:40])
def test_golden_queries_agree(connection, file, title, text, sql):
    """What is written down as SQL gives the rows of the documents."""
    check(connection, text)


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


def ehr_id(connection, *, queryable):
    """An EHR with compositions."""
    e, h = tables.ehr, tables.composition.head
    wanted = sa.select(e.c.ehr_id).where(e.c.queryable.is_(queryable), e.c.ehr_id == h.c.ehr_id)
    return str(connection.scalar(wanted.limit(1)))


OF_EHRS = [
    "SELECT {} FROM EHR e{}",
    "SELECT {} FROM EHR e{} CONTAINS COMPOSITION c",
    "SELECT {}, c FROM EHR e{} CONTAINS COMPOSITION c",
    f"SELECT {{}} FROM EHR e{{}} CONTAINS OBSERVATION o[{ward.PRESSURE}]",
    "SELECT {}, e/time_created/value FROM EHR e{} CONTAINS SECTION s",
    "SELECT {} FROM EHR e{} NOT CONTAINS SECTION",
    "SELECT {} FROM EHR e{} CONTAINS (SECTION s OR EVALUATION v)",
]


@pytest.mark.parametrize("text", OF_EHRS)
def test_a_population_is_of_queryable_ehrs(connection, text):
    """Others are told of where a query names them by their id, as one EHR, and nowhere else."""
    hidden = ehr_id(connection, queryable=False)
    _, everyone = check(connection, text.format("e/ehr_id/value", ""))
    assert everyone
    assert hidden not in {row[0].raw for row in everyone}
    among = f"{text.format('e/ehr_id/value', '')} WHERE e/ehr_id/value matches {{'{hidden}', 'x'}}"
    assert [] == check(connection, among)[1]
    _, alone = check(connection, text.format("e/ehr_id/value", f"[ehr_id/value='{hidden}']"))
    known = {row[0].raw for row in alone}
    assert known == ({hidden} if "NOT" not in text else known & {hidden})
    by_cache(connection, text.format("e/ehr_id/value", ""), Random(1))


@pytest.mark.parametrize("unchanged", [sa.false(), sa.cast(sa.null(), sa.Boolean())])
def test_a_plan_of_other_templates_does_not_answer(connection, unchanged):
    """Where the templates are not those of the plan, or nobody can say, its statement tells so."""
    compiled = aql.compile(SQL_ALONE[0], CLOCK, TEMPLATES, HEADS, unchanged=unchanged)
    with trusted(connection):
        assert _alone(connection, compiled) is None


def test_a_statement_alone_gives_way_to_documents(connection):
    """Where a document has a say, rows alone are not the result; where none has, they are."""
    compiled = aql.compile(SQL_ALONE[0], CLOCK, TEMPLATES, HEADS, unchanged=sa.true())
    assert _alone(connection, compiled) is None
    with trusted(connection):
        answered = _alone(connection, compiled)
        assert counted(compiled.finish(by_documents(connection, compiled))) == counted(answered)


def test_pages_come_in_order(connection):
    """The statement alone keeps the order, page by page."""
    text = f"{SQL_ALONE[0]} ORDER BY {SQL_ALONE[0].split()[1]} DESC"
    first = aql.compile(text, CLOCK, TEMPLATES, HEADS, page=(3, 0), unchanged=sa.true())
    with trusted(connection):
        whole = _alone(connection, aql.compile(text, CLOCK, TEMPLATES, HEADS, unchanged=sa.true()))
        pages = [_alone(connection, first.with_values((3, n))) for n in range(0, 30, 3)]
    assert [row for page in pages for row in page] == whole[:30]


@pytest.mark.parametrize("way", ["ASC", "DESC"])
def test_a_node_that_is_a_date_here_and_a_text_there_is_put_in_order(connection, way):
    """Nulls, dates and texts stand apart, in SQL as in Python."""
    problem = "openEHR-EHR-EVALUATION.problem.v1"
    path = "v/data[at0001]/items[at0007]/value/value"
    text = (
        f"SELECT {path}, COUNT(*) AS a0 FROM EHR e CONTAINS EVALUATION v[{problem}]"
        f" GROUP BY {path} ORDER BY {path} {way}"
    )
    with trusted(connection):
        compiled, expected = check(connection, text)
        assert compiled.pushed is not None
        result = compiled.shown(connection.execute(compiled.pushed), READING)
        finished = compiled.finish(expected)
    assert _keys(compiled, expected, finished) == _keys(compiled, expected, result)
    assert {str(row[0])[:2] for row in finished} >= {"No", "20", "ar"}
