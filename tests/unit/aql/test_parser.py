"""Tokens → tree, tree → text, and what is said of a text that is no AQL."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moiety.aql import ast
from moiety.aql.errors import AqlError
from moiety.aql.parser import parse
from moiety.aql.printer import render
from tests.unit.aql.trees import queries

SECRET = "9434765919"

BROKEN = [
    ("", 1, 1, "SELECT", "the end of the query"),
    ("SELECT", 1, 7, "a path, a value or a function", "the end of the query"),
    ("SELECT c", 1, 9, "FROM", "the end of the query"),
    ("SELECT c FORM EHR e", 1, 10, "FROM", "an identifier"),
    ("SELECT c\nFROM EHR e\nWHERE", 3, 6, "a path, a value or a function", "the end of the query"),
    (f"SELECT c FROM EHR e WHERE '{SECRET}'", 1, 39, "a path or a function", ""),
    (f"SELECT c FROM EHR e WHERE e/a = = '{SECRET}'", 1, 33, "a path, a value", "'='"),
    ("SELECT c FROM EHR e[ehr_id/value=]", 1, 34, "a value, a parameter or a path", "']'"),
    ("SELECT c/ FROM EHR e", 1, 16, "FROM", "an identifier"),
    ("SELECT c FROM EHR e CONTAINS", 1, 29, "a class", "the end of the query"),
    ("SELECT c FROM EHR e NOT COMPOSITION c", 1, 25, "CONTAINS", "an identifier"),
    ("SELECT c FROM (EHR e", 1, 21, ")", "the end of the query"),
    ("SELECT c FROM EHR e ORDER e", 1, 27, "BY", "an identifier"),
    ("SELECT c FROM EHR e LIMIT x", 1, 27, "an integer", "an identifier"),
    ("SELECT c FROM EHR e LIMIT 12345678901", 1, 27, "nine digits", "an integer"),
    ("SELECT c FROM EHR e OFFSET 1", 1, 21, "the end of the query", "OFFSET"),
    ("SELECT c FROM EHR e WHERE e/a LIKE 5", 1, 36, "a string", "an integer"),
    ("SELECT c FROM EHR e WHERE e/a matches 5", 1, 39, "{", "an integer"),
    ("SELECT c FROM EHR e WHERE e/a = 1e999", 1, 33, "a number that fits", "a real number"),
    (r"SELECT c FROM EHR e WHERE e/a = '\u0000'", 1, 33, "text without NUL", "a string"),
    ("SELECT MAX(*) FROM EHR e", 1, 12, "a variable", "'*'"),
    (f"SELECT c AS '{SECRET}' FROM EHR e", 1, 13, "an alias", "a string"),
]


@pytest.mark.parametrize(("text", "line", "column", "expected", "found"), BROKEN)
def test_a_broken_query_is_refused_with_its_place(text, line, column, expected, found):
    """Line, column, what was expected and the kind of what was found; never what was written."""
    with pytest.raises(AqlError) as error:
        parse(text)
    assert (line, column) == (error.value.line, error.value.column)
    assert expected in error.value.expected
    assert found in error.value.found
    assert SECRET not in str(error.value)


def test_contains_takes_all_that_follows():
    """`A CONTAINS B AND C` is `A CONTAINS (B AND C)`."""
    bare = parse("SELECT a FROM EHR a CONTAINS COMPOSITION b AND COMPOSITION c")
    grouped = parse("SELECT a FROM EHR a CONTAINS (COMPOSITION b AND COMPOSITION c)")
    assert grouped == bare
    assert isinstance(bare.source, ast.Contains)
    assert isinstance(bare.source.child, ast.Both)


def test_and_binds_closer_than_or_and_not_closest():
    """The precedence of the specification, and associative operators as one tree."""
    where = parse("SELECT a FROM EHR a WHERE NOT a/x = 1 AND a/y = 2 OR (a/z = 3 OR a/w = 4)").where
    assert isinstance(where, ast.Or)
    assert [ast.And, ast.Compare, ast.Compare] == [type(each) for each in where.operands]
    assert isinstance(where.operands[0].operands[0], ast.Not)


def test_keywords_know_no_case_and_may_be_attributes():
    """Words that are keywords elsewhere are attributes after a slash."""
    upper = parse("SELECT c/from/order AS Count FROM COMPOSITION c ORDER BY c/limit DESC")
    lower = parse("select c/from/order as Count from composition c order by c/limit descending")
    assert upper == lower


SAMPLES = [
    "SELECT TOP 5 BACKWARD c FROM COMPOSITION c",
    "SELECT DISTINCT c/a AS b, 'x', -1, 2.5, true, NULL FROM EHR e CONTAINS COMPOSITION c",
    "SELECT COUNT(*), COUNT(DISTINCT c/a), MAX(c/b) FROM COMPOSITION c",
    "SELECT LENGTH(CONCAT(c/a, 'b')), CURRENT_DATE() FROM COMPOSITION c WHERE ABS(c/a) > 3",
    "SELECT v FROM EHR e CONTAINS VERSION v[ALL_VERSIONS] CONTAINS COMPOSITION",
    "SELECT v FROM VERSION v[commit_audit/time_committed/value > '2021-01-01']",
    "SELECT c FROM COMPOSITION c[openEHR-EHR-COMPOSITION.a.v1, $name]",
    "SELECT c FROM COMPOSITION c[$archetype] NOT CONTAINS (SECTION OR ADMIN_ENTRY a)",
    "SELECT c[name/value='x']/a[at0001, ISO_639-1::en]/b[at2, at3] FROM COMPOSITION c",
    "SELECT c/a[at1 AND name/value='x' OR b/c>=$p]/d[e matches {/f.*/}] FROM COMPOSITION c",
    "SELECT c FROM COMPOSITION c WHERE c/a matches {'x', 2, $p, terminology://t/x?y=1}",
    "SELECT c FROM COMPOSITION c WHERE c/a matches TERMINOLOGY('expand', 'hl7.org/fhir/4.0', 'x')",
    "SELECT c FROM COMPOSITION c WHERE EXISTS c/a AND NOT (c/b = c/d OR c/e LIKE $like)",
    "SELECT c FROM EHR e CONTAINS (COMPOSITION c AND COMPOSITION d) OR COMPOSITION f",
]


@pytest.mark.parametrize("text", SAMPLES)
def test_the_whole_grammar_is_read_and_printed(text):
    """Every construct of AQL 1.1 survives parse, print, parse."""
    tree = parse(text)
    assert tree == parse(render(tree))


@given(queries())
@settings(max_examples=100, deadline=None)
def test_printing_is_undone_by_parsing(tree):
    """Parse ∘ render is the identity on trees."""
    assert tree == parse(render(tree))


PIECES = (
    "SELECT",
    "FROM",
    "WHERE",
    *"()[]{}/c=,*1-",
    "at0001",
    "'x'",
    "$p",
    "CONTAINS",
    "AND",
    "NOT",
)


def place_of_error(text):
    """Where a text stops being AQL, (1, 1) where it never does; no other exception may come."""
    try:
        parse(text)
    except AqlError as error:
        return error.line, error.column
    return 1, 1


@given(st.text(max_size=200) | st.lists(st.sampled_from(PIECES)).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_tree_or_an_error_with_a_place(text):
    """Nothing but AqlError comes out, and its place lies in the text."""
    line, column = place_of_error(text)
    assert 1 <= line <= text.count("\n") + 1
    assert column >= 1


@pytest.mark.parametrize(
    "text",
    [
        "SELECT c FROM COMPOSITION c WHERE " + "(" * 5_000,
        "SELECT c FROM COMPOSITION c WHERE " + "NOT " * 5_000,
        "SELECT c FROM " + "SECTION CONTAINS " * 3_000,
        "SELECT " + "f(" * 5_000,
        "SELECT c" + "[a=1]/b[c" * 3_000,
        "a-" * 30_000,
        "a." * 30_000 + "::",
        "'" + "\\'" * 30_000,
        "SELECT c FROM COMPOSITION c WHERE c/a = '" + "x" * 70_000 + "'",
    ],
    ids=[
        "parentheses",
        "not",
        "contains",
        "calls",
        "predicates",
        "dashes",
        "dots",
        "quote",
        "long",
    ],
)
def test_hostile_texts_are_refused_soon(text):
    """Deep nesting and long texts end in an error, not in a crash or a long wait."""
    start = time.process_time()
    with pytest.raises(AqlError):
        parse(text)
    assert time.process_time() - start < 0.3
