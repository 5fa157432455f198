"""The document evaluator on documents small enough to see the answer."""

import pytest

from moiety.aql.errors import AqlError
from moiety.aql.evaluate import Record, evaluate
from moiety.aql.parser import parse
from moiety.aql.request import request
from moiety.aql.results import finish

EHR = {"_type": "EHR", "ehr_id": {"_type": "HIER_OBJECT_ID", "value": "e1"}}


def node(rm_type, node_id, **more):
    name = {"_type": "DV_TEXT", "value": more.pop("name", "n")}
    return {"_type": rm_type, "archetype_node_id": node_id, "name": name, **more}


def text(words):
    return {"_type": "DV_TEXT", "value": words}


def count(number):
    return {"_type": "DV_COUNT", "magnitude": number}


def element(node_id, held, name="n"):
    return node("ELEMENT", node_id, value=held, name=name)


def entry(*events, name="o"):
    data = node("HISTORY", "at0001", events=list(events))
    return node("OBSERVATION", "openEHR-EHR-OBSERVATION.a.v1", data=data, name=name)


def event(*items, time="2021-01-01"):
    held = node("ITEM_TREE", "at0003", items=list(items))
    return node("POINT_EVENT", "at0002", data=held, time={"_type": "DV_DATE_TIME", "value": time})


FIRST = entry(
    event(element("at0004", count(1)), element("at0005", text("a")), time="2021-01-03"),
    event(element("at0004", count(2)), time="2021-01-01T23:00:00-05:00"),
    event(element("at0005", text("c")), time="2021-01-02"),
)
SECOND = entry(event(element("at0004", count(3)), element("at0004", count(4))), name="p")
SECTION = node("SECTION", "openEHR-EHR-SECTION.s.v1", items=[SECOND])
ROUND = node(
    "COMPOSITION",
    "openEHR-EHR-COMPOSITION.c.v1",
    uid={"_type": "OBJECT_VERSION_ID", "value": "u::s::1"},
    content=[FIRST, SECTION],
)
EMPTY = node("COMPOSITION", "openEHR-EHR-COMPOSITION.c.v1", name="empty", content=[])

E = "o/data[at0001]/events[at0002]"
C = f"{E}/data[at0003]/items[at0004]/value/magnitude"
T = f"{E}/data[at0003]/items[at0005]/value/value"


def run(query, *compositions, parameters=None):
    """The result of a query over one EHR."""
    asked = request(parse(query), parameters or {})
    return finish(asked, evaluate(asked, [Record(EHR, compositions or (ROUND,))]))


ANSWERS = [
    # bindings: one row a combination
    ("SELECT o/name/value FROM OBSERVATION o", [["o"], ["p"]]),
    ("SELECT o/name/value FROM SECTION CONTAINS OBSERVATION o", [["p"]]),
    ("SELECT o/name/value FROM COMPOSITION c CONTAINS SECTION CONTAINS OBSERVATION o", [["p"]]),
    (
        (
            "SELECT a/name/value, b/name/value"
            " FROM COMPOSITION CONTAINS (OBSERVATION a AND OBSERVATION b)"
        ),
        [["o", "o"], ["o", "p"], ["p", "o"], ["p", "p"]],
    ),
    ("SELECT e/ehr_id/value, c/uid/value FROM EHR e CONTAINS COMPOSITION c", [["e1", "u::s::1"]]),
    ("SELECT l/value/magnitude FROM SECTION CONTAINS ELEMENT l", [[3], [4]]),
    ("SELECT n/name/value FROM CARE_ENTRY n", [["o"], ["p"]]),
    ("SELECT o/name/value FROM OBSERVATION o[openEHR-EHR-OBSERVATION.a.v1, 'p']", [["p"]]),
    ("SELECT o/name/value FROM OBSERVATION o[name/value='p' OR name/value='q']", [["p"]]),
    ("SELECT s/name/value FROM SECTION s[openEHR-EHR-SECTION.t.v1]", []),
    # paths: a shared step is one element, a step that meets several multiplies
    (
        f"SELECT {C}, {T} FROM OBSERVATION o",
        [[1, "a"], [2, None], [None, "c"], [3, None], [4, None]],
    ),
    (f"SELECT {C} FROM SECTION CONTAINS OBSERVATION o", [[3], [4]]),
    ("SELECT o/protocol/name/value FROM OBSERVATION o", [[None], [None]]),
    (
        f"SELECT {E}[name/value='x']/time/value FROM OBSERVATION o".replace("[at0002][", "["),
        [[None], [None]],
    ),
    # WHERE: three truths, shared elements
    (f"SELECT {T} FROM OBSERVATION o WHERE {C} > 0 AND {T} != 'x'", [["a"]]),
    (f"SELECT {C} FROM OBSERVATION o WHERE NOT {C} > 1", [[1]]),
    (f"SELECT {C} FROM OBSERVATION o WHERE {C} = 1 OR {T} = 'c'", [[1], [None]]),
    (f"SELECT {C} FROM OBSERVATION o WHERE EXISTS {T}", [[1], [None]]),
    (f"SELECT {C} FROM OBSERVATION o WHERE NOT EXISTS {T}", [[2], [3], [4]]),
    (f"SELECT o/name/value FROM OBSERVATION o WHERE EXISTS {T}", [["o"]]),
    (f"SELECT {C} FROM OBSERVATION o WHERE {C} matches {{1, 4, 'a'}}", [[1], [4]]),
    (f"SELECT {T} FROM OBSERVATION o WHERE {T} LIKE '?'", [["a"], ["c"]]),
    (f"SELECT {C} FROM OBSERVATION o WHERE {C} = NULL", []),
    # times order by instant; nulls last, and first when descending
    (f"SELECT {C} FROM OBSERVATION o[name/value='o'] ORDER BY {E}/time/value", [[None], [2], [1]]),
    (f"SELECT {C} FROM OBSERVATION o ORDER BY {C}", [[1], [2], [3], [4], [None]]),
    (f"SELECT {C} FROM OBSERVATION o ORDER BY {C} DESC LIMIT 2", [[None], [4]]),
    (f"SELECT {C} FROM OBSERVATION o ORDER BY {C} LIMIT 2 OFFSET 1", [[2], [3]]),
    (f"SELECT TOP 1 {C} FROM OBSERVATION o ORDER BY {C}", [[1]]),
    ("SELECT DISTINCT o/archetype_node_id FROM OBSERVATION o", [["openEHR-EHR-OBSERVATION.a.v1"]]),
    ("SELECT 'x', 1, true, NULL FROM SECTION s", [["x", 1, True, None]]),
    # aggregates
    (
        f"SELECT COUNT(*), COUNT({C}), MIN({C}), MAX({C}), SUM({C}), AVG({C}) FROM OBSERVATION o",
        [[5, 4, 1, 4, 10, 2.5]],
    ),
    (
        f"SELECT COUNT({C}), MAX({C}), SUM({C}) FROM OBSERVATION o[name/value='z']",
        [[0, None, None]],
    ),
    ("SELECT COUNT(DISTINCT o/archetype_node_id), COUNT(o) FROM OBSERVATION o", [[1, 2]]),
    (f"SELECT MAX({E}/time/value) FROM OBSERVATION o", [["2021-01-03"]]),
]


@pytest.mark.parametrize(("query", "rows"), ANSWERS)
def test_a_query_has_its_answer(query, rows):
    """Bindings, expansion, conditions, order and aggregates, on one composition."""
    assert rows == run(query)


def test_an_object_is_selected_whole():
    """A path to an object gives its canonical JSON."""
    assert [[count(3)], [count(4)]] == run(
        f"SELECT {C.removesuffix('/magnitude')} FROM SECTION CONTAINS OBSERVATION o"
    )


def test_contains_may_be_denied_and_offered():
    """NOT CONTAINS and OR between classes."""
    both = (ROUND, EMPTY)
    empty = run("SELECT c/name/value FROM COMPOSITION c NOT CONTAINS OBSERVATION", *both)
    assert [["empty"]] == empty
    assert [[0]] == run("SELECT COUNT(*) FROM EHR e NOT CONTAINS COMPOSITION c", *both)
    either = "COMPOSITION c CONTAINS (SECTION s OR ACTION a)"
    found = run(f"SELECT s/name/value, a/name/value FROM {either}", *both)
    assert [["n", None]] == found


def test_codes_in_from_belong_to_the_archetype_around_them():
    """An at-code below a class named by its archetype is a code of that archetype."""
    inner = node("CLUSTER", "openEHR-EHR-CLUSTER.x.v1", items=[element("at0004", count(9))])
    outer = entry(event(element("at0004", count(1)), inner))
    whole = node("COMPOSITION", "openEHR-EHR-COMPOSITION.c.v1", content=[outer])
    archetyped = "OBSERVATION[openEHR-EHR-OBSERVATION.a.v1] CONTAINS ELEMENT l[at0004]"
    assert [[1]] == run(f"SELECT l/value/magnitude FROM {archetyped}", whole)
    loose = "OBSERVATION CONTAINS ELEMENT l[at0004]"
    assert [[1], [9]] == run(f"SELECT l/value/magnitude FROM {loose}", whole)


def test_parameters_stand_for_values_everywhere():
    """In predicates, comparisons, patterns and lists."""
    query = (
        "SELECT o/name/value FROM EHR e[ehr_id/value=$ehr]"
        " CONTAINS OBSERVATION o[$archetype, $name]"
        " WHERE o/name/value LIKE $like AND o/name/value matches $names"
    )
    given = {
        "ehr": "e1",
        "archetype": "openEHR-EHR-OBSERVATION.a.v1",
        "name": "p",
        "like": "*",
        "names": ["x", "p"],
    }
    assert [["p"]] == run(query, parameters=given)


WRONG = [
    ("SELECT x FROM EHR e", {}, 8, "a variable that FROM defines"),
    ("SELECT e FROM EHR e CONTAINS COMPOSITION e", {}, 30, "a variable that is not taken"),
    ("SELECT e FROM PATIENT e", {}, 15, "a class of the reference model"),
    ("SELECT e FROM COMPOSITION c CONTAINS EHR e", {}, 38, "EHR at the head of FROM only"),
    ("SELECT c FROM COMPOSITION c WHERE c/name = $p", {}, 44, "a value for the parameter"),
    ("SELECT c FROM COMPOSITION c WHERE c/name = $p", {"p": [1]}, 44, "a text, a number"),
    ("SELECT c FROM COMPOSITION c WHERE c/name = $p", {"p": "\x00"}, 44, "text without NUL"),
    ("SELECT c FROM COMPOSITION c WHERE c/name = $p", {"p": 2**70}, 44, "63 bits"),
    ("SELECT c FROM COMPOSITION c[$p]", {"p": 5}, 29, "a text as value of the parameter"),
    ("SELECT TOP 5 c FROM COMPOSITION c LIMIT 5", {}, 8, "TOP or LIMIT"),
]


@pytest.mark.parametrize(("query", "given", "column", "expected"), WRONG)
def test_names_and_parameters_that_fit_nothing_are_refused(query, given, column, expected):
    """With the place, and without the value."""
    with pytest.raises(AqlError) as error:
        run(query, parameters=given)
    assert (1, column) == (error.value.line, error.value.column)
    assert expected in str(error.value)
