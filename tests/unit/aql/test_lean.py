"""Rows that only prove what the template says are not read."""

import pytest

from moiety import aql
from tests.unit.aql import ward
from tests.unit.aql.test_golden import HEADS, TEMPLATES

EVENT = "data[at0001]/events[at0006]"
MAGNITUDE = f"o/{EVENT}/data[at0003]/items[at0004]/value/magnitude"
FROM = f"FROM EHR e CONTAINS COMPOSITION c CONTAINS OBSERVATION o[{ward.PRESSURE}]"


def sources(text, key=ward.WARD):
    """How many rows the branch of a template joins, and how many of them may be missing."""
    plan = aql.compile(text, {}, TEMPLATES, HEADS).plan
    (found,) = (branch for branch in plan.branches if key in branch.keys)
    return len(found.sources), sum(source.optional for source in found.sources)


ONE = [
    f"SELECT {MAGNITUDE} {FROM} WHERE {MAGNITUDE} > 140",
    f"SELECT {MAGNITUDE} {FROM} WHERE {MAGNITUDE} > 140 AND e/ehr_id/value != 'x'",
    f"SELECT {MAGNITUDE} {FROM} WHERE {MAGNITUDE} > 140 OR {MAGNITUDE} < 3",
    f"SELECT {MAGNITUDE} {FROM} WHERE NOT ({MAGNITUDE} > 140 OR {MAGNITUDE} matches {{1, 2}})",
    f"SELECT AVG({MAGNITUDE}), COUNT({MAGNITUDE}), MAX(o/{EVENT}/time/value) {FROM}",
]


@pytest.mark.parametrize("text", ONE)
def test_one_group_is_one_table(text):
    """Nothing is asked of the entry, and each event stands in one: the event's row is enough."""
    assert (1, 0) == sources(text)


TWO = [
    (f"SELECT {MAGNITUDE} {FROM}", 1),
    (f"SELECT {MAGNITUDE} {FROM} WHERE NOT EXISTS {MAGNITUDE}", 1),
    (f"SELECT {MAGNITUDE} {FROM} WHERE {MAGNITUDE} > 140 OR o/name/value = 'x'", 1),
    (f"SELECT COUNT(*), MAX({MAGNITUDE}) {FROM}", 1),
    (f"SELECT COUNT(o/name/value), MAX({MAGNITUDE}) {FROM}", 1),
    (f"SELECT o/name/value, {MAGNITUDE} {FROM} WHERE {MAGNITUDE} > 140", 0),
]


@pytest.mark.parametrize(("text", "optional"), TWO)
def test_an_entry_without_events_keeps_its_row(text, optional):
    """Where a row of nulls is part of the result, the event may be missing."""
    assert (2, optional) == sources(text)


def test_what_the_template_demands_is_there():
    """An entry of a night round always has an event."""
    assert (1, 0) == sources(f"SELECT {MAGNITUDE} {FROM}", ward.NIGHT)


def test_a_row_with_two_inside_it_is_kept():
    """It tells which of them belong together."""
    paths = [f"{MAGNITUDE} > 1", f"o/protocol[at0011]/items[{ward.DEVICE}]/name/value = 'cuff'"]
    assert (3, 0) == sources(f"SELECT {MAGNITUDE} {FROM} WHERE {' AND '.join(paths)}")


def test_a_row_that_is_asked_for_its_name_is_kept():
    """A section by name proves more than the template."""
    entry = f"EVALUATION v[{ward.PROBLEM}]"
    assert (2, 0) == sources(
        f"SELECT v/name/value FROM SECTION s[{ward.PART}, 'x'] CONTAINS {entry}"
    )
    assert (1, 0) == sources(f"SELECT v/name/value FROM SECTION s[{ward.PART}] CONTAINS {entry}")


def test_an_event_that_is_asked_for_its_name_keeps_the_name():
    """Also where it is the one row that is left."""
    path = "o/data[at0001]/events[at0006, 'mean']/time/value"
    made = aql.compile(f"SELECT COUNT(DISTINCT {path}) {FROM}", {}, TEMPLATES, HEADS)
    assert [1] * len(made.plan.branches) == [len(each.sources) for each in made.plan.branches]
    assert "mean" in made.written(made.pushed).parameters(())


def test_all_of_a_table_needs_no_condition():
    """Where every node of a table is meant, no template is named."""
    made = aql.compile(
        f"SELECT v/name/value FROM EVALUATION v[{ward.PROBLEM}]", {}, TEMPLATES, HEADS
    )
    assert "template_key" not in made.written(made.pushed).text.decode()
