"""What AQL 1.1 has beyond paths and comparisons, on records small enough to see the answer."""

import pytest

from moiety.aql.asides import asides, with_clock
from moiety.aql.bindings import Record
from moiety.aql.errors import AqlError, AqlTooLarge
from moiety.aql.evaluate import evaluate
from moiety.aql.parser import parse
from moiety.aql.request import request
from moiety.aql.results import finish
from tests.unit.aql.test_evaluate import C, E, T, count, element, entry, event, node, text

ARCHETYPE = "openEHR-EHR-OBSERVATION.a.v1"


def uid(number, version=1):
    return {"_type": "OBJECT_VERSION_ID", "value": f"u{number}::s::{version}"}


def composition(number, *content, version=1, name="c", archetype="openEHR-EHR-COMPOSITION.c.v1"):
    return node("COMPOSITION", archetype, uid=uid(number, version), name=name, content=[*content])


def status(*items, queryable=True):
    held = node("ITEM_TREE", "at0001", items=list(items))
    subject = {"_type": "PARTY_SELF", "external_ref": {"_type": "PARTY_REF", "namespace": "n"}}
    return node(
        "EHR_STATUS", "openEHR-EHR-EHR_STATUS.generic.v1", uid=uid(9), subject=subject,
        is_queryable=queryable, is_modifiable=True, other_details=held,
    )  # fmt: skip


def folder(name, items=(), folders=(), version=1):
    ids = [{"_type": "OBJECT_REF", "id": {"value": f"u{n}"}} for n in items]
    more = {"items": ids, "folders": list(folders), "uid": uid(name, version)}
    return node("FOLDER", "openEHR-EHR-FOLDER.f.v1", name=name, **more)


def version(data, number, when, change="creation"):
    code = {"_type": "CODE_PHRASE", "code_string": {"creation": "249"}.get(change, "251")}
    time = {"_type": "DV_DATE_TIME", "value": when}
    changed = {"_type": "DV_CODED_TEXT", "value": change, "defining_code": code}
    audit = {"_type": "AUDIT_DETAILS", "time_committed": time, "change_type": changed}
    made = {"_type": "ORIGINAL_VERSION", "uid": uid(1, number), "commit_audit": audit}
    return made if data is None else {**made, "data": data}


def run(query, *contents, former=frozenset(), parameters=None, extensions=False):
    """The result of a query over one EHR with these contents."""
    given = {**with_clock("NOW", {}), **(parameters or {})}
    asked = request(parse(query), given, extensions=extensions)
    ehr = {
        "_type": "EHR",
        "ehr_id": {"_type": "HIER_OBJECT_ID", "value": "e1"},
        "ehr_status": status(element("at0002", text("kept"))),
    }
    return finish(asked, evaluate(asked, [Record(ehr, contents, former)]))


ONE = composition(
    1,
    entry(event(element("at0004", count(1)), element("at0005", text("Ärmel")))),
    entry(event(element("at0004", count(-7)), element("at0005", text("arm")))),
    entry(event(element("at0004", count(3)))),
)

FUNCTIONS = [
    (f"LENGTH({T})", [5, 3, None]),
    (f"CONTAINS({T}, 'rm')", [True, True, None]),
    (f"POSITION('rm', {T})", [2, 2, None]),
    (f"POSITION('z', {T})", [0, 0, None]),
    (f"SUBSTRING({T}, 2)", ["rmel", "rm", None]),
    (f"SUBSTRING({T}, 2, 2)", ["rm", "rm", None]),
    (f"SUBSTRING({T}, 0, 2)", ["Ä", "a", None]),
    (f"SUBSTRING({T}, 2, -1)", ["", "", None]),
    (f"CONCAT({T}, '!')", ["Ärmel!", "arm!", None]),
    (f"CONCAT_WS('-', {T}, 'x', NULL)", ["Ärmel-x", "arm-x", "x"]),
    (f"ABS({C})", [1, 7, 3]),
    (f"MOD({C}, 3)", [1, -1, 0]),
    (f"MOD({C}, 0)", [None, None, None]),
    (f"CEIL({C})", [1, -7, 3]),
    ("CEIL(1.2)", [2, 2, 2]),
    ("FLOOR(-1.2)", [-2, -2, -2]),
    ("ROUND(2.5)", [3.0, 3.0, 3.0]),
    ("ROUND(-2.345, 2)", [-2.35, -2.35, -2.35]),
    ("ROUND(1250, -2)", [1300, 1300, 1300]),
    (f"LENGTH({C})", [None, None, None]),
    (f"ABS({T})", [None, None, None]),
    (f"LENGTH(CONCAT({T}, SUBSTRING({T}, 1, 1)))", [6, 4, None]),
]


@pytest.mark.parametrize(("call", "values"), FUNCTIONS)
def test_a_function_of_one_row(call, values):
    """A function gives a value of each row; of nothing, or of another kind, nothing."""
    assert [[value] for value in values] == run(f"SELECT {call} FROM OBSERVATION o", ONE)


def test_functions_compare():
    """On either side of a comparison, and inside one another."""
    assert [[-7]] == run(f"SELECT {C} FROM OBSERVATION o WHERE LENGTH({T}) < 4", ONE)
    query = f"SELECT {C} FROM OBSERVATION o WHERE {T} = CONCAT('a', SUBSTRING('from', 2, 1), 'm')"
    assert [[-7]] == run(query, ONE)


def test_the_time_is_one_in_a_query():
    """Functions of time have one value however often they are asked, and compare as times."""
    times = "CURRENT_DATE(), CURRENT_TIME(), CURRENT_DATE_TIME(), NOW(), CURRENT_TIMEZONE()"
    ((date, time, moment, now, zone),) = run(f"SELECT {times} FROM COMPOSITION c", ONE)
    assert moment == now
    assert moment.startswith(f"{date}T{time}")
    assert "+00:00" == zone == moment[-6:]
    where = f"WHERE {E}/time/value < CURRENT_DATE()"
    assert [[3]] == run(f"SELECT COUNT(*) FROM OBSERVATION o {where}", ONE)


WRONG = [
    ("SELECT LENGTHS(o/name) FROM OBSERVATION o", 8, "a function of AQL"),
    ("SELECT LENGTH() FROM OBSERVATION o", 8, "LENGTH with 1 argument"),
    ("SELECT MOD(1) FROM OBSERVATION o", 8, "MOD with 2 arguments"),
    ("SELECT SUBSTRING('a', 1, 2, 3) FROM OBSERVATION o", 8, "SUBSTRING with 2 or 3 arguments"),
    ("SELECT CONCAT_WS('a') FROM OBSERVATION o", 8, "CONCAT_WS with 2 or more arguments"),
    ("SELECT LENGTH(5) FROM OBSERVATION o", 15, "a text"),
    ("SELECT SUBSTRING('a', 1.5) FROM OBSERVATION o", 23, "an integer"),
    ("SELECT NOW(1) FROM OBSERVATION o", 8, "NOW() without arguments"),
    ("SELECT o/dta FROM OBSERVATION o", 10, "such as data"),
    ("SELECT v/comit_audit FROM VERSION v", 10, "such as commit_audit"),
    ("SELECT e/ehr_status/subjct FROM EHR e", 21, "such as subject"),
    ("SELECT o FROM OBSERVATION o[name/value matches {/(?=x)/}]", 29, "a regular expression"),
    ("SELECT o FROM OBSERVATION o ORDER BY x", 38, "a variable that FROM defines, or an alias"),
    ("SELECT COUNT(*) FROM OBSERVATION o GROUP BY o/name/value", 36, "extensions"),
    ("SELECT COUNT(*) FROM OBSERVATION o HAVING COUNT(*) > 1", 36, "extensions"),
]


@pytest.mark.parametrize(("query", "column", "expected"), WRONG)
def test_what_is_wrong_is_told_with_its_place(query, column, expected):
    """Line, column, and what would be right there: the nearest attributes for a path."""
    with pytest.raises(AqlError) as error:
        run(query, ONE)
    assert (1, column) == (error.value.line, error.value.column)
    assert expected in str(error.value)


# --- versions, statuses, folders ----------------------------------------------------------

BEFORE = version(composition(1, name="before"), 1, "2024-01-01T10:00:00Z")
LATEST = version(composition(1, ONE["content"][0], name="after"), 2, "2024-02-01", "modification")
GONE = version(None, 3, "2024-03-01")
STATUS = version(status(), 1, "2024-01-01")
VERSIONS = [
    ("SELECT c/name/value FROM VERSION v CONTAINS COMPOSITION c", [["after"]]),
    ("SELECT c/name/value FROM VERSION v[LATEST_VERSION] CONTAINS COMPOSITION c", [["after"]]),
    (
        "SELECT c/name/value FROM VERSION v[ALL_VERSIONS] CONTAINS COMPOSITION c",
        [["after"], ["before"]],
    ),
    (
        (
            "SELECT v/uid/value FROM VERSION v[commit_audit/time_committed/value < '2024-01-15']"
            " CONTAINS COMPOSITION c"
        ),
        [["u1::s::1"]],
    ),
    (
        "SELECT v/commit_audit/change_type/value FROM VERSION v CONTAINS OBSERVATION o",
        [["modification"]],
    ),
    ("SELECT COUNT(v) FROM VERSION v[ALL_VERSIONS]", [[4]]),
    ("SELECT COUNT(v) FROM VERSION v CONTAINS EHR_STATUS s", [[1]]),
    (
        (
            "SELECT a/name/value, c/name/value FROM EHR e CONTAINS"
            " ((VERSION v[ALL_VERSIONS] CONTAINS COMPOSITION a) AND COMPOSITION c)"
        ),
        [["after", "after"], ["before", "after"]],
    ),
    (
        (
            "SELECT v/uid/value FROM VERSION v[ALL_VERSIONS] NOT CONTAINS COMPOSITION"
            " WHERE v/uid/value LIKE '*3'"
        ),
        [["u1::s::3"]],
    ),
]


@pytest.mark.parametrize(("query", "rows"), VERSIONS)
def test_versions(query, rows):
    """The latest by default, all where they or a condition are asked; deletions hold nothing."""
    contents = (LATEST, STATUS, BEFORE, GONE)
    assert rows == run(query, *contents, former=frozenset({2, 3}))


def test_a_version_is_selected_whole():
    """As it is committed, content included."""
    assert [[LATEST]] == run("SELECT v FROM VERSION v CONTAINS COMPOSITION c", LATEST)


def test_a_status_is_content_and_part_of_its_ehr():
    """By FROM, and by a path of the EHR; a whole EHR refers to it."""
    held = status(element("at0002", text("x")))
    query = (
        "SELECT s/is_queryable, s/subject/external_ref/namespace FROM EHR e CONTAINS EHR_STATUS s"
    )
    assert [[True, "n"]] == run(query, held)
    path = "e/ehr_status/other_details/items[at0002]/value/value"
    assert [["kept"]] == run(f"SELECT {path} FROM EHR e", held)
    ((whole,),) = run("SELECT e FROM EHR e", held)
    assert ("OBJECT_REF", "u9::s::1") == (
        whole["ehr_status"]["_type"], whole["ehr_status"]["id"]["value"],
    )  # fmt: skip
    elements = "SELECT l/value/value FROM EHR e CONTAINS ELEMENT l[at0002]"
    assert [["x"]] == run(elements, held)


DIRECTORY = folder("root", [1], [folder("a", [2], [folder("b", [2, 3])]), folder("empty")])
FOLDERS = [
    ("SELECT c/name/value FROM FOLDER f[name/value='root'] CONTAINS COMPOSITION c", "123"),
    ("SELECT c/name/value FROM FOLDER f[name/value='a'] CONTAINS COMPOSITION c", "23"),
    ("SELECT c/name/value FROM FOLDER f[name/value='empty'] CONTAINS COMPOSITION c", ""),
    ("SELECT g/name/value FROM FOLDER f[name/value='a'] CONTAINS FOLDER g", "b"),
    ("SELECT f/name/value FROM FOLDER f NOT CONTAINS COMPOSITION", ["empty"]),
    ("SELECT f/items/id/value FROM FOLDER f[name/value='b']", ["u2", "u3"]),
    ("SELECT f/items/id/value FROM FOLDER f[name/value='empty']", [None]),
]


@pytest.mark.parametrize(("query", "values"), FOLDERS)
def test_a_folder_contains_what_it_refers_to(query, values):
    """Its own items and those of the folders inside it, each once."""
    compositions = [composition(n, name=str(n)) for n in (1, 2, 3, 4)]
    assert [[value] for value in values] == run(query, *compositions, DIRECTORY)


# --- groups -------------------------------------------------------------------------------

MANY = composition(
    1,
    *(
        entry(event(element("at0004", count(n)), time="2021"), name=name)
        for n, name in ((1, "x"), (2, "y"), (3, "x"), (4, "x"))
    ),
)
GROUPS = [
    (f"SELECT o/name/value, SUM({C}) AS s FROM OBSERVATION o", [["x", 8], ["y", 2]]),
    (
        f"SELECT o/name/value AS n, MAX({C}) FROM OBSERVATION o ORDER BY n DESC",
        [["y", 2], ["x", 4]],
    ),
    ("SELECT o/name/value, COUNT(*) AS n FROM OBSERVATION o ORDER BY n", [["y", 1], ["x", 3]]),
    ("SELECT true AS alert, 'x', COUNT(*) FROM OBSERVATION o", [[True, "x", 4]]),
    ("SELECT 'none', COUNT(*) FROM EVALUATION v", [["none", 0]]),
    ("SELECT v/name/value, COUNT(*) FROM EVALUATION v", []),
    ("SELECT o/name/value, COUNT(*) AS n FROM OBSERVATION o ORDER BY n LIMIT 1", [["y", 1]]),
]
EXTENDED = [
    ("SELECT COUNT(*) AS n FROM OBSERVATION o GROUP BY o/name/value ORDER BY n", [[1], [3]]),
    (
        "SELECT o/name/value FROM OBSERVATION o GROUP BY o/name/value HAVING COUNT(*) > 1",
        [["x"]],
    ),
    (
        (
            f"SELECT o/name/value AS n, AVG({C}) AS a FROM OBSERVATION o GROUP BY o/name/value"
            f" HAVING a < 2.5 OR MIN({C}) = 1 AND n LIKE 'x'"
        ),
        [["x", 8 / 3], ["y", 2]],
    ),
    ("SELECT COUNT(*) AS n FROM OBSERVATION o HAVING n > 9", []),
]


@pytest.mark.parametrize(("query", "rows"), GROUPS)
def test_plain_columns_beside_aggregates(query, rows):
    """One row for each value of the plain columns; values written in the query make no groups."""
    assert rows == run(query, MANY)


@pytest.mark.parametrize(("query", "rows"), EXTENDED)
def test_groups_that_are_asked_for(query, rows):
    """GROUP BY and HAVING, where the extension is on."""
    assert rows == run(query, MANY, extensions=True)


def test_a_plain_column_is_one_of_its_group():
    """With GROUP BY, a column that is no aggregate is one that it names."""
    with pytest.raises(AqlError, match="that GROUP BY names"):
        run(
            "SELECT o/name/value, COUNT(*) FROM OBSERVATION o GROUP BY o/uid/value", MANY,
            extensions=True,
        )  # fmt: skip


def test_the_last_rows_and_an_alias():
    """TOP … BACKWARD takes from the end; ORDER BY may name a column by its alias."""
    query = f"SELECT TOP 2 BACKWARD {C} AS m FROM OBSERVATION o ORDER BY m"
    assert [[3], [4]] == run(query, MANY)


# --- predicates ---------------------------------------------------------------------------

KIN = [
    ("openEHR-EHR-OBSERVATION.lab.v1", ["lab.v1", "lab.v1.2.0", "lab-glucose.v1"]),
    ("openEHR-EHR-OBSERVATION.lab.v1.2", ["lab.v1.2.0"]),
    ("openEHR-EHR-OBSERVATION.lab-glucose.v1", ["lab-glucose.v1"]),
    ("org.example::openEHR-EHR-OBSERVATION.lab.v2", ["lab.v2"]),
    ("openEHR-EHR-OBSERVATION.la.v1", []),
    ("openEHR-EHR-EVALUATION.lab.v1", []),
]


@pytest.mark.parametrize(("asked", "found"), KIN)
def test_an_archetype_means_its_version_and_what_is_specialised_from_it(asked, found):
    """A major version stands for its minor ones, a parent for its children."""
    names = ("lab.v1", "lab.v1.2.0", "lab-glucose.v1", "lab.v2", "labour.v1")
    entries = [
        node("OBSERVATION", f"openEHR-EHR-OBSERVATION.{name}", name=name, data={}) for name in names
    ]
    rows = run(f"SELECT o/name/value FROM OBSERVATION o[{asked}]", composition(1, *entries))
    assert [[name] for name in found] == rows


def test_a_pattern_means_the_whole_text():
    """In FROM and in a path; a pattern that could run for ever does not."""
    query = "SELECT o/name/value FROM OBSERVATION o[name/value matches {/[xz]/}]"
    assert [["x"], ["x"], ["x"]] == run(query, MANY)
    path = "data[name/value matches {/(n+)+x?/}]/name/value"
    assert [["n"]] * 4 == run(f"SELECT o/{path} FROM OBSERVATION o", MANY)


def test_quantities_compare_in_one_unit():
    """Of two units neither is more; against a number it is the magnitude."""

    def quantity(magnitude, units):
        return {"_type": "DV_QUANTITY", "magnitude": magnitude, "units": units}

    def with_both(left, right):
        return entry(event(element("at0004", left), element("at0005", right)))

    entries = (
        with_both(quantity(3, "kg"), quantity(2, "kg")),
        with_both(quantity(3, "kg"), quantity(2, "g")),
    )
    left, right = C.removesuffix("/magnitude"), T.removesuffix("/value")
    query = f"SELECT {left}/units, {right}/units FROM OBSERVATION o WHERE {left} > {right}"
    assert [["kg", "kg"]] == run(query, composition(1, *entries))
    assert [[2]] == run(
        f"SELECT COUNT(*) FROM OBSERVATION o WHERE {right} < 3", composition(1, *entries)
    )


def test_too_many_rows_of_one_record_are_refused():
    """Paths side by side multiply; more than a million ways through a record are not held."""
    entries = [entry(name=str(n)) for n in range(120)]
    paths = ", ".join(f"c/content[name/value!='{n}']/name/value" for n in range(3))
    with pytest.raises(AqlTooLarge):
        run(f"SELECT {paths} FROM COMPOSITION c", composition(1, *entries))
    many = " AND ".join(f"OBSERVATION o{n}" for n in range(9))
    query = f"SELECT o0/name/value FROM COMPOSITION CONTAINS ({many}) LIMIT 1"
    assert [["0"]] == run(query, composition(1, *entries))


PARTIAL = [
    ("< '2021-02'", ["2020", "2021-01", "2021-01-31"]),
    (">= '2021-02'", ["2021-02", "2021-02-01T00:00:00Z", "2021-02-03"]),
    ("= '2021-02-01'", ["2021-02", "2021-02-01T00:00:00Z"]),
]


@pytest.mark.parametrize(("condition", "found"), PARTIAL)
def test_a_partial_date_is_its_first_moment(condition, found):
    """Dates and date-times have one order, whole or partial."""
    times = ("2020", "2021-01", "2021-01-31", "2021-02", "2021-02-01T00:00:00Z", "2021-02-03")
    entries = [entry(event(time=time)) for time in times]
    query = f"SELECT {E}/time/value FROM OBSERVATION o WHERE {E}/time/value {condition}"
    assert [[time] for time in found] == run(query, composition(1, *entries))


def test_like_and_between():
    """LIKE takes an object by its text; BETWEEN means both ends."""
    assert [[4]] == run(f"SELECT COUNT(*) FROM OBSERVATION o WHERE {E}/time LIKE '2021*'", MANY)
    assert [[2], [3]] == run(f"SELECT {C} FROM OBSERVATION o WHERE {C} BETWEEN 2 AND 3", MANY)


# --- terminologies ------------------------------------------------------------------------

EXPAND = "TERMINOLOGY('expand', 'hl7.org/fhir/R4', 'url=http://v')"


def test_what_is_asked_of_terminologies_stands_for_its_answer():
    """Questions are told before a query runs; their answers are values of it."""
    query = (
        f"SELECT {T} FROM OBSERVATION o WHERE {T} matches {{'arm', {EXPAND}}}"
        " AND TERMINOLOGY('validate', 'hl7.org/fhir/R4', 'code=1') = true"
    )
    first, second = asides(query)
    assert ("expand", "hl7.org/fhir/R4", "url=http://v") == (
        first.operation, first.service, first.parameters,
    )  # fmt: skip
    given = {first.name: ["Ärmel", "x"], second.name: True}
    assert [["Ärmel"], ["arm"]] == run(query, ONE, parameters=given)
    assert [] == run(query, ONE, parameters={**given, second.name: False})


def test_a_code_phrase_is_held_against_codes():
    """`…/defining_code matches {a URI}` means the code; no question is asked of a plain query."""
    coded = {
        "_type": "DV_CODED_TEXT",
        "value": "v",
        "defining_code": {"_type": "CODE_PHRASE", "code_string": "7"},
    }
    held = composition(1, entry(event(element("at0005", coded))))
    code = T.removesuffix("value") + "defining_code"
    query = f"SELECT {T} FROM OBSERVATION o WHERE {code} matches {{terminology://snomed.info/x}}"
    (asked,) = asides(query)
    assert ("expand", "", "terminology://snomed.info/x") == (
        asked.operation, asked.service, asked.parameters,
    )  # fmt: skip
    assert [["v"]] == run(query, held, parameters={asked.name: ["7"]})
    assert () == asides("SELECT o FROM OBSERVATION o")
