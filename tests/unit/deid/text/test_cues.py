"""Where patterns may begin, and the words that announce what follows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moiety.deid.text import (
    calling,
    coded_numbers,
    cues,
    dates,
    numbers,
    ordinals,
    partial_dates,
    postcodes,
    rare_dates,
    said_dates,
)
from moiety.deid.text.labels import Label
from moiety.deid.text.words import split

PIECES = (
    "seen", "AB", "K", "no", "1234567890", "12", "3/4", "07700", "900123", "SW1A", "1AA", "H", "XB", "441",
    "447", "12-03-19", "26H0041234", "40217", "x", "(", ")", "+44", "mg", "Mar", "2019", "O7", "2/52", "#", "3rd", "iv", "4-2210", "BS", "24/00671", "GX:40217", "A1234BC", "3:9:24", "HX 118-22", "D02 X285",
)  # fmt: skip
TEXTS = st.lists(
    st.tuples(st.sampled_from(PIECES), st.sampled_from((" ", ", ", "\n", ". ", " - ", "/"))),
    max_size=12,
).map(lambda parts: "".join(piece + gap for piece, gap in parts))
PATTERNS = {
    "runs": (postcodes._POSTCODE_TYPO, coded_numbers._FIGURES),
    "leads": (numbers._LISTED_FORM, numbers._GROUPED, numbers._TEN, dates._NUMERIC, dates._MISSPELT),
    "short": (partial_dates._PARTIAL, dates._MONTH_YEAR, dates._SHORT_YEAR, ordinals._ORDINAL, calling._INSIDE,
              said_dates._ROMAN, said_dates._SPACED, rare_dates._COLONED),
    "long": (numbers._BARE, numbers._GMC_BARE, calling._EXTENSION_LATER, dates._SIX, dates._RUN_ON, dates._YEAR_MONTH),
    "spelt": (postcodes._POSTCODE, postcodes._POSTCODE_TYPO, calling._SHORT_X, coded_numbers._SPACED,
              coded_numbers._SAMPLE_OF_YEAR, coded_numbers._COLONED, coded_numbers._PRISONER, coded_numbers._SERIES, postcodes._IRISH),
}  # fmt: skip


@given(TEXTS)
def test_a_pattern_finds_at_its_places_what_it_finds_in_the_whole_text(text):
    """The places are no choice of what is found: they are all where it can begin."""
    places = cues.places(split(text))
    for kind, patterns in PATTERNS.items():
        for pattern in patterns:
            expected = [match.span() for match in pattern.finditer(text)]
            assert expected == [
                match.span() for match in cues.at(pattern, text, getattr(places, kind))
            ], pattern.pattern


def test_places_are_runs_with_a_digit_and_short_words_before_them():
    """`leads` has both, in order."""
    places = cues.places(split("MRN AB 123456 seen x2"))
    assert ([7, 19], [4, 7, 14, 19]) == (places.runs, places.leads)
    assert [14] == places.of(["seen", "unseen"])


def test_runs_are_short_long_or_spelt():
    """A digit or two may be a day; three and more are a number; letters may be a code."""
    places = cues.places(split("3/12 AB 123456 x2 7th"))
    assert ([0, 2, 18], [8], [5, 15]) == (places.short, places.long, places.spelt)


def test_a_word_with_digits_behind_it_stands_for_its_letters():
    """`MRN123456` is announced as `MRN 123456` is."""
    assert [0] == cues.places(split("MRN123456")).words["mrn"]


@pytest.mark.parametrize(
    "text", ["Case note: 41", "casenote 41", "CASE NOTE 41", "G.M.C. 41", "gmc 41", "G.M.C 41"]
)
def test_heads_are_written_with_or_without_space_and_stop(text):
    """`_` is a space or nothing, `.` a full stop or nothing."""
    rules = cues.Cues([cues.announced(Label.GMC_NUMBER, "case_note g.m.c", r"\.?[ :]{0,2}(\d+)")])
    found = list(rules.find(text, cues.places(split(text))))
    assert [(Label.GMC_NUMBER, "41")] == [(label, match[1]) for label, match in found]


@pytest.mark.parametrize("text", ["showcase note 41", "lower case 41"])
def test_a_head_is_a_whole_word(text):
    """Nothing is announced by the end of another word."""
    rules = cues.Cues([cues.announced(Label.GMC_NUMBER, "case_note note", r"s?[ :]{0,2}(\d+)")])
    assert (["41"] if text[4:8] == "case" else []) == [
        match[1] for _, match in rules.find(text, cues.places(split(text)))
    ]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("seen by: ", ["seen", "by"]),
        ("lot no. ", ["lot", "no"]),
        ("Anna Beck ", ["anna", "beck"]),
        ("seen,\n- d/w ", ["-", "d/w"]),
        ("FY2, ", []),
        ("", []),
    ],
)
def test_the_words_before_are_of_the_same_line_and_clause(text, last):
    """Marks may stand between, commas may not."""
    assert last == cues.before(text + "X", len(text), " .:-")


def test_a_name_that_ends_like_a_count_spares_no_number():
    """`Beck` ends in CK and `Powers` in RS: only the whole word says what is counted."""
    for text, found in (("Beck 1234567", True), ("CK 1234567", False), ("Powers 1234567", True)):
        words = split(text)
        assert found == any(numbers.find(words, cues.places(words))), text
