"""Patterns of templates: the same answers as another matcher, in time that stays small."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moiety.openehr.patterns import Pattern, PatternError

ATOMS = st.sampled_from(
    ["a", "b", "1", " ", ".", r"\d", r"\w", r"\S", r"\.", "[ab]", "[^a]", "[a-c1]", r"[\d_-]", "-"]
)
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{0,1}", "{2,}"])


def quantified(inner):
    return st.tuples(inner, QUANTIFIERS).map("".join)


def groups(inner):
    return st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})")


PATTERNS = st.recursive(
    quantified(ATOMS),
    lambda inner: quantified(groups(inner)) | st.lists(inner, min_size=1, max_size=3).map("".join),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(PATTERNS, st.text("ab1 .-_\n", max_size=5))
def test_answers_are_those_of_the_standard_library(pattern, text):
    """Python's own matcher, on patterns where it is quick, decides alike."""
    assert bool(re.fullmatch(pattern, text)) == Pattern(pattern).fullmatch(text)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_pattern_or_refused(text):
    """No text makes the parser fail in another way than its own."""
    try:
        Pattern(text).fullmatch("aaaa")
    except PatternError:
        return


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)*b", "(.*)*x", "(a?){30}a{30}b"])
def test_hostile_patterns_take_no_longer_than_others(pattern):
    """What makes other matchers try every way takes time by the length of the text."""
    begin = time.perf_counter()
    assert not Pattern(pattern).fullmatch("a" * 5_000)
    assert time.perf_counter() - begin < 2


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "[",
        "a**",
        "*",
        "a{3,2}",
        r"(a)\1",
        "(?=a)b",
        "(?P<x>a)",
        "a^b",
        r"\q",
        "a{9999}" * 9,
        "((" * 60,
    ],
)
def test_what_is_not_supported_is_refused(pattern):
    """Broken patterns, look-around, references, and those that would be too large."""
    with pytest.raises(PatternError):
        Pattern(pattern)
