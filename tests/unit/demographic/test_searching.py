"""Search parameters and the comparison of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demographic_api import nhs_number
from demographic_api.searching import LARGEST_COUNT, Criteria, parse
from demographic_api.words import normalise
from moiety.kit.errors import Malformed


def _parse(text):
    return parse([tuple(pair.split("=", 1)) for pair in text.split("&") if pair])


def test_identifiers_with_and_without_a_system():
    """`system|value` and `value`; an NHS number is found however it is spelt."""
    assert (("s:x", "RX-1"),) == _parse("identifier=s:x|RX-1").identifiers
    assert ((None, "RX-1"),) == _parse("identifier=RX-1").identifiers
    number = f"identifier={nhs_number.SYSTEM}|999 000 0042"
    assert ((nhs_number.SYSTEM, "9990000042"),) == _parse(number).identifiers


def test_a_name_and_a_birth_date():
    """Names are normalised; the birth date may be a year, a month or a day."""
    expected = Criteria((), (("family", "oneill"), ("given", "zoe")), "1971-02", 20)
    assert expected == _parse("family=O’Neill&given=Zoë&birthdate=eq1971-02")
    assert (("name", "van der"),) == _parse("name=Van  Der&birthdate=1971").names


def test_the_count_has_a_ceiling():
    """A larger `_count` is not an error in FHIR; the server may answer less."""
    assert LARGEST_COUNT == _parse("identifier=1&_count=9999").count


@pytest.mark.parametrize(
    "text",
    [
        "",
        "family=Fletcher",
        "birthdate=1971-02-28",
        "family=F&birthdate=1971",
        "family=Fletcher&birthdate=71",
        "family=Fletcher&birthdate=gt1971",
        "family=Fletcher&birthdate=1971&birthdate=1972",
        "family=Fletcher,Jones&birthdate=1971",
        "family:exact=Fletcher&birthdate=1971",
        "gender=male&birthdate=1971",
        "identifier=",
        "identifier=system|",
        "identifier=|Fletcher",
        "identifier=1&_count=0",
        "identifier=1&_count=x",
        "identifier=Fletcher\x00",
        "Fletcher=1",
    ],
)
def test_searches_that_are_too_wide_or_not_understood_are_refused(text):
    """400, without what was searched for."""
    with pytest.raises(Malformed) as caught:
        _parse(text)
    assert "Fletcher" not in f"{caught.value.message}{caught.value.findings}"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Zoë", "zoe"),
        ("ZOE\u0308", "zoe"),
        ("O'Neill-Jones", "oneill jones"),
        ("Søren  Łukasz", "soren lukasz"),
        ("STRAßE", "strasse"),
        ("  van   der Berg ", "van der berg"),
        ("李小龍", "李小龍"),
        ("محمد", "محمد"),
    ],
)
def test_names_are_compared_without_case_accents_and_punctuation(written, expected):
    """One spelling for all the ways a name is typed; other scripts stay as they are."""
    assert expected == normalise(written)


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing_more(text):
    """What is stored and what is searched for meet, whichever was normalised more often."""
    assert normalise(text) == normalise(normalise(text))
