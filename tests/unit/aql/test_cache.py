"""The cache of plans: one made for some values answers rightly for others, or not at all."""

import time

import pytest

from moiety import aql
from moiety.aql.forms import split
from tests.unit.aql import ward
from tests.unit.aql.test_golden import HEADS, TEMPLATES

CONTEXT = aql.Context(1, "care", None, extensions=False)
EVENT = "data[at0001]/events[at0006]"
MAGNITUDE = f"o/{EVENT}/data[at0003]/items[at0004]/value/magnitude"
TEXT = f"o/{EVENT}/data[at0003]/items[at0008]/value/value"
TIME = f"o/{EVENT}/time/value"
FROM = f"FROM EHR e CONTAINS OBSERVATION o[{ward.PRESSURE}]"
FIRST = "8d6ef0b2-3a51-4c07-9f6e-9f0a5c1d2e3f"
UID = f"{FIRST}::moiety.example::1"
SECOND = "0a1b2c3d-0000-4000-8000-00000000000a"
NEXT = f"{SECOND}::moiety.example::2"


def query(text, page=None, **parameters):
    return aql.Query(text, parameters, page)


def warmed(text, page=None, **parameters):
    """A cache that knows one query."""
    plans = aql.PlanCache()
    asked = query(text, page, **parameters)
    made = aql.compile(text, parameters, TEMPLATES, HEADS, page=page)
    plans.keep(asked, CONTEXT, made)
    return plans


def statements(made, given):
    """Everything that a plan asks with some values, and the query it says it runs."""
    selects = [each for each in (made.rows, made.pushed, made.rest) if each is not None]
    told = [(s.text, s.parameters(given)) for s in map(made.written, selects)]
    return told, made.text.with_values(given)


def check_hit(plans, text, page=None, **parameters):
    """The plan is found, and asks what a fresh one asks."""
    found = plans.find(query(text, page, **parameters), CONTEXT)
    assert found is not None
    fresh = aql.compile(text, parameters, TEMPLATES, HEADS, page=page)
    assert statements(fresh, fresh.given) == statements(*found)


def check_miss(plans, text, page=None, **parameters):
    assert plans.find(query(text, page, **parameters), CONTEXT) is None


ALIKE = [
    (f"SELECT {TEXT} {FROM} WHERE e/ehr_id/value = $v", FIRST, SECOND),
    (f"SELECT {TEXT} {FROM} WHERE {MAGNITUDE} > $v", 140, -3),
    (f"SELECT {TEXT} {FROM} WHERE {MAGNITUDE} > $v", 1.5, 1e300),
    (f"SELECT {TEXT} {FROM} WHERE {TEXT} = $v", "arm", "it's \\ \"so\"\n%_"),
    (f"SELECT {TEXT} {FROM} WHERE {TEXT} LIKE $v", "a*", r"\*100%_?"),
    (f"SELECT {TEXT} {FROM} WHERE {TIME} > $v", "2021-05-01", "1999-12-31T23:59:59+02:00"),
    (f"SELECT {TEXT} {FROM} WHERE {TEXT} matches $v", ["a", "b"], ["c"]),
    (f"SELECT {TEXT} {FROM} WHERE {TEXT} matches $v", ["a", 1, FIRST], ["b", 2, 3, SECOND, "c"]),
    (f"SELECT {TEXT} {FROM} WHERE e/ehr_id/value matches $v", [FIRST], [SECOND, FIRST]),
    (f"SELECT {TEXT} {FROM} WHERE NOT {MAGNITUDE} = $v", True, False),
    (f"SELECT {TEXT} FROM EHR e[ehr_id/value=$v] CONTAINS OBSERVATION o", FIRST, SECOND),
    ("SELECT c/name/value FROM COMPOSITION c WHERE c/uid/value = $v", UID, NEXT),
    ("SELECT c FROM COMPOSITION c WHERE c/uid/value matches $v", [UID], [NEXT] * 2),
    (f"SELECT o {FROM} WHERE o/links/meaning/value = $v", "x", "y"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "warm", "other"), ALIKE)
def test_a_plan_serves_every_value_of_its_signature(text, warm, other):
    """Values of one type, and texts that mean the same kinds of thing, share a plan both ways."""
    check_hit(warmed(text, v=warm), text, v=other)
    check_hit(warmed(text, v=other), text, v=warm)


UNLIKE = [
    (MAGNITUDE, ">", 140, 140.0),
    (MAGNITUDE, ">", 1, True),
    (MAGNITUDE, ">", 1, "1"),
    (MAGNITUDE, ">", 0, None),
    (TIME, ">", "2021-05-01", "noon"),
    (TIME, ">", "2021-05-01", "2021-02-30"),
    (TIME, "=", "2021", "10:30"),
    (TEXT, "=", "arm", FIRST),
    ("e/ehr_id/value", "=", FIRST, FIRST.upper()),
    ("e/ehr_id/value", "=", FIRST, FIRST[:-1]),
    ("e/ehr_id/value", "=", FIRST, f"{FIRST}::a::1"),
    (TEXT, "matches", ["a"], ["a", 1]),
    (TEXT, "matches", ["a"], []),
    (TEXT, "matches", ["a"], "a"),
    (TEXT, "matches", ["a"], ["a", None]),
]


@pytest.mark.parametrize(("path", "operator", "warm", "other"), UNLIKE)
def test_a_value_of_another_signature_needs_another_plan(path, operator, warm, other):
    """A type, a null, a text that is no time or id: what a comparison means may be another."""
    text = f"SELECT {TEXT} {FROM} WHERE {path} {operator} $v"
    plans = warmed(text, v=warm)
    check_miss(plans, text, v=other)
    plans.keep(query(text, v=other), CONTEXT, aql.compile(text, {"v": other}, TEMPLATES, HEADS))
    check_hit(plans, text, v=warm)
    check_hit(plans, text, v=other)


UNFIT = ["nul \x00", "half \ud83d", 2**63, float("inf"), float("nan"), {"a": 1}, [["x"]], b"x"]


@pytest.mark.parametrize("value", UNFIT, ids=lambda value: type(value).__name__)
def test_a_value_that_no_query_takes_meets_no_plan(value):
    """It goes to the compiler, which says what is wrong with it."""
    text = f"SELECT {TEXT} {FROM} WHERE {TEXT} = $v"
    check_miss(warmed(text, v="a"), text, v=value)
    with pytest.raises(aql.AqlError):
        aql.compile(text, {"v": value}, TEMPLATES, HEADS)


def test_a_parameter_that_is_missing_meets_no_plan():
    """And one that is too many changes nothing."""
    text = f"SELECT {TEXT} {FROM} WHERE {TEXT} = $v"
    plans = warmed(text, v="a")
    check_miss(plans, text, w="a")
    assert plans.find(query(text, v="b", w=[{}]), CONTEXT) is not None


WRITTEN = [
    ("{path} = '{}'", TEXT, "arm", r"it\'s"),
    ("{path} = '{}'", TEXT, "arm", ""),
    ("{path} = '{}'", TEXT, r"a\\", r"\u0041\n\" -- no comment"),
    ('{path} = "{}"', TEXT, "arm", "a'b' AND 'c' = 'd"),
    ("{path} LIKE '{}'", TEXT, "a*", r"\\*?%_"),
    ("{path} > {}", MAGNITUDE, "140", "0"),
    ("{path} >{}", MAGNITUDE, "1.5", ".5e3"),
    ("{path} matches {{'{}', 'b'}}", TEXT, "a", "b"),
    ("e/ehr_id/value = '{}'", TEXT, FIRST, SECOND),
    ("{path} > '{}' -- isn't it", TIME, "2021-01-01", "2022-02-02"),
    ("{path} != '$v' AND {path} < '{}'", TEXT, "x", "y"),
]


@pytest.mark.parametrize(("condition", "path", "warm", "other"), WRITTEN)
def test_literals_in_the_text_are_values_too(condition, path, warm, other):
    """Clients that write values into their queries share a plan as well."""
    text, again = (
        f"SELECT {TEXT} {FROM} WHERE " + condition.format(each, path=path) for each in (warm, other)
    )
    check_hit(warmed(text), again)


PARTS_OF_PLANS = [
    ("SELECT '{}', o/name/value FROM OBSERVATION o", "a", "b"),
    ("SELECT o/data[at0001, '{}']/name/value FROM OBSERVATION o", "a", "b"),
    ("SELECT o/data[name/value='{}']/name/value FROM OBSERVATION o", "a", "b"),
    ("SELECT o/name/value FROM OBSERVATION o[openEHR-EHR-OBSERVATION.pressure.v1, '{}']", "a", "b"),
    ("SELECT o/name/value FROM OBSERVATION o LIMIT {}", "5", "6"),
    ("SELECT o/name/value FROM OBSERVATION o[openEHR-EHR-OBSERVATION.{}.v1]", "pressure", "other"),
    ("SELECT o/name/value FROM OBSERVATION o WHERE o/name/value = '{}", "a'", "a' OR 1 = 1"),
    ("SELECT o/name/value FROM OBSERVATION o -- '{}'", "a", "b"),
    ("SELECT o/name/value AS a{} FROM OBSERVATION o", "1", "2"),
]


@pytest.mark.parametrize(("text", "warm", "other"), PARTS_OF_PLANS)
def test_what_decides_a_plan_is_part_of_its_key(text, warm, other):
    """Names in paths, columns, limits, aliases: another value is another plan."""
    plans = warmed(text.format(warm))
    check_miss(plans, text.format(other))
    check_hit(plans, text.format(warm))


def test_a_parameter_with_two_uses_is_as_fixed_as_its_strictest():
    """`$v` in a path decides the plan, also where it is compared as well."""
    text = f"SELECT o/data[at0001, $v]/name/value {FROM} WHERE {TEXT} = $v"
    plans = warmed(text, v="a")
    check_hit(plans, text, v="a")
    check_miss(plans, text, v="b")


def test_pages_share_a_plan_and_meet_no_other():
    """A limit from outside the text is a value; a query without one has another plan."""
    text = f"SELECT {TEXT} {FROM} WHERE {MAGNITUDE} > 1 ORDER BY {TIME}"
    plans = warmed(text, (10, 0))
    check_hit(plans, text, (3, 40))
    check_hit(plans, text.replace("> 1", "> 2"), (0, 0))
    check_miss(plans, text)
    found, given = plans.find(query(text, (7, 5)), CONTEXT)
    assert found.text.with_values(given).endswith("ASC LIMIT 7 OFFSET 5")


def test_documents_are_evaluated_with_the_values_of_the_run():
    """The request of a plan has the values of its first run; another run brings its own."""
    text = f"SELECT o {FROM} WHERE {TEXT} matches $v AND e/ehr_id/value != 'x' AND {MAGNITUDE} < 5"
    found, given = warmed(text, v=["a", 1]).find(
        query(text.replace("< 5", "< 7"), v=["b", "c", 2]), CONTEXT
    )
    again = aql.compile(text.replace("< 5", "< 7"), {"v": ["b", "c", 2]}, TEMPLATES, HEADS)
    assert set(again.with_values(again.given).request.query.where.operands[0].values) == set(
        found.with_values(given).request.query.where.operands[0].values
    )
    assert (
        again.request.query.where.operands[1:]
        == (found.with_values(given).request.query.where.operands[1:])
    )


CONTEXTS = [
    CONTEXT._replace(registry=2),
    CONTEXT._replace(role="research"),
    CONTEXT._replace(policy=("p", 2)),
    CONTEXT._replace(extensions=True),
]


@pytest.mark.parametrize("other", CONTEXTS)
def test_a_plan_is_shared_with_no_caller_who_sees_something_else(other):
    """The registry, the role, the policy with its version and the extensions are in the key."""
    text = f"SELECT {TEXT} {FROM}"
    plans = warmed(text)
    assert plans.find(query(text), other) is None
    check_hit(plans, text)


def test_a_text_that_the_lexer_reads_otherwise_is_its_own_form():
    """A quote inside a coded term opens no string: the literals as written decide."""
    path = "o/data[at0001, local::at1|it's|]/name/value"
    text = f"SELECT {path} FROM OBSERVATION o WHERE o/name/value = 'b'"
    made = aql.compile(text, {}, TEMPLATES, HEADS)
    assert made.form.whole
    plans = warmed(text)
    check_hit(plans, text)
    check_miss(plans, text.replace("'b'", "'c'"))


def test_a_skeleton_keeps_what_is_no_value():
    """Comments, codes, archetype ids and numbers that are not compared stay."""
    told = split("SELECT a/b[at0001] -- 'x'\nFROM E e WHERE a >= 1.5 AND b='y' LIMIT 3")
    assert ("1.5", "'y'") == told.literals
    assert "at0001" in told.skeleton
    assert "-- 'x'" in told.skeleton
    assert "LIMIT 3" in told.skeleton


@pytest.mark.parametrize("text", ["'" + r"\'" * 30_000, "= " * 30_000, "=" + "1" * 60_000 + "x"])
def test_splitting_is_linear_in_the_length(text):
    """Quotes that never close, signs without numbers: no text takes long."""
    started = time.process_time()
    split(text)
    assert time.process_time() - started < 0.5


def test_values_that_would_fill_the_cache_are_not_kept():
    """A name of thousands of characters is part of a plan, which is then forgotten."""
    text = "SELECT o/data[at0001, $v]/name/value FROM OBSERVATION o"
    check_miss(warmed(text, v="x" * 5000), text, v="x" * 5000)


def test_the_least_used_plan_is_forgotten_first():
    """The cache is bounded in forms and in plans of a form."""
    plans = aql.PlanCache()
    made = aql.compile("SELECT c FROM COMPOSITION c", {}, TEMPLATES, HEADS)
    texts = [f"SELECT c FROM COMPOSITION c -- {n}" for n in range(600)]
    for text in texts:
        plans.keep(query(text), CONTEXT, made)
    known = [plans.find(query(text), CONTEXT) is not None for text in texts]
    assert [False] * 88 + [True] * 512 == known
