"""Paths that are declared to be asked often: their columns, and conditions for their indexes."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moiety import aql
from moiety.aql.errors import AqlError
from moiety.aql.plan import INDEXED
from moiety.aql.values import bounds
from tests.unit.aql import ward
from tests.unit.aql.test_golden import HEADS, TEMPLATES

ITEMS = "data[at0001]/events[at0006]/data[at0003]/items"
CHARACTERS = st.sampled_from("ab%_\\\x7f\ud7ff\ue000\U0010ffff")


def like(pattern, text):
    """SQL's LIKE with a backslash as escape, by a regular expression."""
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    parts = {"%": ".*", "_": "."}
    wanted = "".join(parts.get(piece) or re.escape(piece[-1]) for piece in pieces)
    return re.fullmatch(wanted, text, re.DOTALL) is not None


@given(st.lists(CHARACTERS, max_size=6), st.text(CHARACTERS, max_size=6), st.integers(1, 4))
def test_what_a_pattern_admits_is_within_its_bounds(pieces, text, length):
    """By code points, however much of a text an index holds."""
    pattern = "".join("\\\\" if piece == "\\" else piece for piece in pieces)
    start, end = bounds(pattern, length)
    if like(pattern, text):
        assert start <= text[:length] < end


@given(st.text(CHARACTERS.filter(lambda c: c not in "%_\\"), min_size=1, max_size=5))
def test_a_prefix_bounds_no_more_than_it_admits(prefix):
    """Texts before and behind it are out."""
    start, end = bounds(prefix + "%", INDEXED)
    assert start == prefix
    if not end.startswith(prefix) and len(end) < INDEXED:
        assert not like(prefix + "%", end)


COLUMNS = [
    ("[at0004]/value/magnitude", {"real"}),
    ("[at0005]/value/magnitude", {"real", "integer"}),
    ("[at0008]/value/value", {"text"}),
    ("[at0009]/value/value", {"instant"}),
    ("[at0010]/value/magnitude", {"integer"}),
    ("[at0004]/value", set()),
    ("[at0099]/value/value", set()),
]


@pytest.mark.parametrize(("path", "kinds"), COLUMNS)
def test_a_path_means_the_columns_by_which_its_values_compare(path, kinds):
    """In every table that some template keeps them in: a time by its instant."""
    found = aql.hot_columns(f"{ward.PRESSURE}/{ITEMS}{path}", TEMPLATES)
    assert kinds == {column.kind for column in found}
    tables = {column.table for column in found}
    assert len(tables) == (2 if "at0010" in path else bool(kinds))


@pytest.mark.parametrize(
    "path", ["", "x", f"{ward.PRESSURE}/", f"{ward.PRESSURE}/name/value LIMIT 1"]
)
def test_what_is_no_path_is_refused(path):
    """With its place."""
    with pytest.raises(AqlError):
        aql.hot_columns(path, TEMPLATES)


def statement(asked):
    """The SQL of a query whose one text is hot."""
    path = f"{ward.PRESSURE}/{ITEMS}[at0008]/value/value"
    (column,) = aql.hot_columns(path, TEMPLATES)
    heads = replace(HEADS, hot=frozenset({(column.table, column.column)}))
    text = (
        f"SELECT o/name/value FROM OBSERVATION o[{ward.PRESSURE}] WHERE o/{path.partition('/')[2]}"
    )
    made = aql.compile(f"{text} {asked}", {}, TEMPLATES, heads)
    written = made.written(made.pushed)
    return written.text.decode(), written.parameters(made.given)


ASKED = [("= 'x'", 1), ("matches {'x', 'y'}", 1), ("LIKE 'x*'", 2), ("> 'x'", 1), ("!= 'x'", 0)]


@pytest.mark.parametrize(("asked", "conditions"), ASKED)
def test_a_hot_text_is_compared_by_its_beginning_too(asked, conditions):
    """Not where that says nothing: `!=`."""
    assert conditions == statement(asked)[0].count("left(")


def test_a_long_value_is_cut_for_the_index_and_compared_whole():
    """Both stand in the statement."""
    _, parameters = statement(f"= '{'x' * 500}'")
    assert {"x" * INDEXED, "x" * 500} <= {each for each in parameters if isinstance(each, str)}
