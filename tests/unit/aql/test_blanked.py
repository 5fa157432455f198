"""A query without its values, and the paths that it would have indexed."""

import pytest
from hypothesis import given

from moiety.aql import ast, parse, render
from moiety.aql.blanked import TERMINOLOGY, VALUE, blanked, without_values
from moiety.aql.wanted import wanted_paths
from tests.unit.aql.trees import queries

BP = "openEHR-EHR-OBSERVATION.moiety_blood_pressure.v1"
FROM = f"FROM EHR e CONTAINS OBSERVATION o[{BP}]"


@given(queries())
def test_no_value_stays(tree):
    """Whatever the query; and what is left is a query."""
    left = without_values(tree)
    values = (ast.Literal, ast.TermCode, ast.Uri, ast.Pattern)
    assert not [part for part in ast.walk(left) if isinstance(part, values)]
    assert all(
        part.name in {None, VALUE} for part in ast.walk(left) if isinstance(part, ast.Node)
    )  # fmt: skip
    assert {TERMINOLOGY} >= {part for part in ast.walk(left) if isinstance(part, ast.Terminology)}
    assert left == parse(render(left))


def test_texts_that_differ_in_values_are_one():
    """In literals, names, the length of a list, comments and spaces."""
    text = (
        "SELECT o/a[at0001,'{0}'] -- {0}\n{1} WHERE o/b > {2} AND o/c matches {{'{0}'{3}}} LIMIT 3"
    )
    made = {
        blanked(text.format("one", FROM, 1, "")),
        blanked(text.format("two", FROM, 2.5, ", 'x', 'y'")),
    }
    wanted = f"SELECT o/a[at0001, $value] {FROM} WHERE o/b > $value AND o/c matches {{$value}}"
    assert {f"{wanted} LIMIT 3"} == made


@pytest.mark.parametrize(
    ("clause", "wanted"),
    [
        ("WHERE o/a/b > 1", ["a/b"]),
        ("WHERE o/a/b = 'x' AND (o/c/d < 2 OR o/e/f matches {1})", ["a/b", "c/d", "e/f"]),
        ("WHERE o/a/b != 1 AND NOT o/c/d = 2 AND EXISTS o/e/f", []),
        ("WHERE o/a/b LIKE 'x*' AND o/c/d LIKE '*x'", ["a/b"]),
        ("WHERE o/a[at0001]/b[at0002, 'name']/c = 1", []),
        ("WHERE o/a[at0001]/b = 1 AND o/a[at0001]/b < 5", ["a[at0001]/b"]),
        ("WHERE e/ehr_id/value = 'x'", []),
        ("ORDER BY o/a/b", []),
        ("ORDER BY o/a/b LIMIT 5", ["a/b"]),
    ],
)
def test_an_index_could_serve_what_is_compared(clause, wanted):
    """Paths of an archetype that few rows may be picked by, without names in brackets."""
    tree = parse(f"SELECT o/x {FROM} {clause}")
    assert tuple(f"{BP}/{path}" for path in wanted) == wanted_paths(tree)
