"""How values compare: three-valued logic, times, kinds that differ, patterns."""

import fnmatch
import itertools
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moiety.aql.values import NULL, compare, conjunction, disjunction, like, sql_pattern, value

TRUTHS = (True, False, None)


def held(rm_type, text):
    """A text as `…/value/value` finds it."""
    return value(text, {"_type": rm_type})


def whole(rm_type, **attributes):
    """An object as `…/value` finds it."""
    return value({"_type": rm_type, **attributes})


COMPARED = [
    (value(3), "=", value(3.0), True),
    (value(3), "<", value(20), True),
    (value("3"), "<", value("20"), False),
    (value("Z"), "<", value("a"), True),  # code points, not an alphabet
    (value("ä"), ">", value("z"), True),
    (value(True), "=", value(1), False),
    (NULL, "=", NULL, None),
    (NULL, "!=", value(1), None),
    # kinds that differ: text < number < truth value, never equal
    (value("99"), "<", value(1), True),
    (value(99), "<", value(False), True),
    (value("x"), "=", value(1), False),
    (value("x"), "!=", value(True), True),
    # times on their own places, as instants
    (held("DV_DATE_TIME", "2021-05-01T12:00:00+02:00"), "=", value("2021-05-01T10:00:00Z"), True),
    (held("DV_DATE_TIME", "2021-05-01T12:00:00+02:00"), "<", value("2021-05-01T11:00:00"), True),
    (held("DV_DATE", "2021-05"), "=", value("2021-05-01"), True),
    (held("DV_DATE", "20210501"), "=", value("2021-05-01"), True),
    (held("DV_TIME", "10:00"), "<", value("10:00:01"), True),
    # a literal that is no time there: texts
    (held("DV_DATE", "2021-05-01"), "<", value("soon"), True),
    (held("DV_TIME", "10:00:00"), "=", value("2021-05-01"), False),
    (value("2021-05"), "=", value("2021-05-01"), False),
    # the text of a duration is a text; the duration itself has a magnitude
    (held("DV_DURATION", "P30M"), "<", value("P40D"), True),
    (whole("DV_DURATION", value="P30M"), "<", value("P40D"), False),
    (whole("DV_DURATION", value="PT36H"), ">", value("P1D"), True),
    # objects compare as ordered ones, with their own kind alone
    (whole("DV_QUANTITY", magnitude=5.0, units="kg"), ">", value(4), True),
    (whole("DV_COUNT", magnitude=5), "=", value(5.0), True),
    (whole("DV_ORDINAL", value=2), "<", value(3), True),
    (whole("DV_PROPORTION", numerator=1.0, denominator=4.0), "=", value(0.25), True),
    (whole("DV_TEXT", value="x"), "=", value("x"), None),
    (whole("DV_QUANTITY", magnitude=5.0), "<", value("6"), None),
    (whole("DV_DATE", value="2021-05-01"), "<", value(6), None),
]


@pytest.mark.parametrize(("left", "operator", "right", "truth"), COMPARED)
def test_comparisons_follow_the_table(left, operator, right, truth):
    """Each pair of kinds has one meaning."""
    assert truth is compare(operator, left, right)


@pytest.mark.parametrize(("left", "operator", "right", "truth"), COMPARED)
def test_turning_a_comparison_round_changes_nothing(left, operator, right, truth):
    """A < b is b > a."""
    turned = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(operator, operator)
    assert truth is compare(turned, right, left)


def test_and_and_or_are_those_of_sql():
    """The truth tables of three-valued logic, written out."""
    table = {
        (True, True): (True, True),
        (True, False): (False, True),
        (True, None): (None, True),
        (False, False): (False, False),
        (False, None): (False, None),
        (None, None): (None, None),
    }
    for left, right in itertools.product(TRUTHS, TRUTHS):
        expected = table.get((left, right)) or table[right, left]
        assert expected == (conjunction([left, right]), disjunction([left, right]))


@given(st.datetimes(), st.datetimes(), st.integers(-14, 14), st.integers(-14, 14))
def test_date_times_compare_as_python_compares_them(first, second, here, there):
    """With zones on both sides, the order is that of the standard library."""
    texts = [
        f"{moment.replace(microsecond=0).isoformat()}{zone:+03d}:00"
        for moment, zone in ((first, here), (second, there))
    ]
    try:
        expected = datetime.fromisoformat(texts[0]) < datetime.fromisoformat(texts[1])
    except OverflowError:
        return
    assert expected is compare("<", held("DV_DATE_TIME", texts[0]), held("DV_DATE_TIME", texts[1]))


@given(st.text("ab.[", max_size=6), st.text("ab*?.", max_size=5))
def test_like_is_file_name_matching(text, pattern):
    """`*` and `?` as the standard library's fnmatch has them; nothing else is special."""
    assert fnmatch.fnmatchcase(text, pattern.replace("[", "[[]")) is like(value(text), pattern)


LIKED = [
    (r"a\*", "a*", True),
    (r"a\*", "ab", False),
    (r"a\\*", r"a\b", True),
    (r"\?", "?", True),
    (r"100%_", "100%_", True),
    (r"100%", "1000", False),
    ("\\", "\\", True),
    ("a*", "a\nb", True),
]


@pytest.mark.parametrize(("pattern", "text", "fits"), LIKED)
def test_like_has_escapes(pattern, text, fits):
    """A backslash before a special character means the character."""
    assert fits is like(value(text), pattern)


def test_like_asks_texts_alone():
    """A number is neither like a pattern nor unlike it."""
    assert like(value(5), "5") is None
    assert like(NULL, "*") is None


def test_a_pattern_for_sql_escapes_what_sql_would_read():
    """Per cent and underline mean themselves."""
    assert r"a%\%\_b_\\*" == sql_pattern(r"a*%_b?\\\*")
