"""Text → tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moiety.aql.errors import AqlError
from moiety.aql.lexer import MAXIMUM_LENGTH, quote, tokens, unquote

KINDS = [
    ("SELECT", "an identifier"),
    ("at0004", "a node code"),
    ("at0004.1.2", "a node code"),
    ("id5", "a node code"),
    ("at0004x", "an identifier"),
    ("openEHR-EHR-OBSERVATION.blood_pressure.v2", "an archetype id"),
    ("org.example::openEHR-EHR-CLUSTER.a-b_c.v1.2.3-rc.4", "an archetype id"),
    ("ISO_639-1::en", "a coded term"),
    ("snomed_ct(3.1)::3415004|cyanosis|", "a coded term"),
    ("terminology://snomed-ct/hierarchy?root=50043002", "a URI"),
    ("$ehrId", "a parameter"),
    ("'it\\'s'", "a string"),
    ('"double"', "a string"),
    ("12", "an integer"),
    ("1.5e-3", "a real number"),
    (".5", "a real number"),
    ("!=", "a symbol"),
    ("{/a\\/b/}", "a regular expression"),
]


@pytest.mark.parametrize(("text", "kind"), KINDS)
def test_each_kind_of_token_is_known(text, kind):
    """A token of the grammar is one token, and of its kind."""
    assert [(kind, text), ("end", "")] == [(t.kind, t.text) for t in tokens(text)]


def test_comments_and_space_are_passed_over():
    """A comment runs to the end of its line."""
    assert ["a", "b", ""] == [t.text for t in tokens("\ufeffa -- 'c' d\r\n\tb --")]


def test_places_count_from_one():
    """A token knows its line and column."""
    found = list(tokens("SELECT\n  c\n"))
    assert [(1, 1), (2, 3), (3, 1)] == [(t.line, t.column) for t in found]


@pytest.mark.parametrize(
    ("text", "line", "column"), [("a\n 'b", 2, 2), ("a ^ b", 1, 3), ("ä", 1, 1)]
)
def test_what_is_no_token_is_refused_with_its_place(text, line, column):
    """The error says where, and not what stood there."""
    with pytest.raises(AqlError) as error:
        list(tokens(text))
    assert (line, column) == (error.value.line, error.value.column)
    assert text.strip() not in str(error.value)


def test_a_long_text_is_refused_at_once():
    """Reading never starts on more than the longest query."""
    with pytest.raises(AqlError):
        tokens(" " * (MAXIMUM_LENGTH + 1))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_quoting_is_undone_by_reading(text):
    """Any text can stand in a query as a string."""
    assert text == unquote(quote(text))


def test_a_backslash_without_meaning_stays():
    """LIKE reads an escaped star later: the string keeps the backslash."""
    assert r"a\*b\_" == unquote(r"'a\*b\_'")
    assert "a\\*" == unquote(r"'a\\*'")
    assert "é\n'" == unquote(r"'\u00e9\n\''")
