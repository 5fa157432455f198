"""The rules of the identifier screen."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.gb import nhs

from moiety.deid import identifiers, national_numbers


@given(st.from_regex(r"[0-9]{10}", fullmatch=True))
def test_modulus_11_agrees_with_another_implementation(digits):
    """python-stdnum, which does not know that ten equal digits are never issued, says the same."""
    expected = nhs.is_valid(digits) and len(set(digits)) > 1
    assert expected == national_numbers.passes_modulus_11(digits)


@pytest.mark.parametrize(
    ("text", "kind", "certain"),
    [
        ("NHS no: 999 123 4578 seen today", "NHS_NUMBER", True),
        ("NHS Number is 9991234578", "NHS_NUMBER", True),
        ("glucose 9991234578", "NHS_NUMBER", False),
        ("CHI 0101990014", "CHI_NUMBER", True),
        ("NI number AB 12 34 56 C", "NATIONAL_INSURANCE_NUMBER", True),
        ("device AB123456C", "NATIONAL_INSURANCE_NUMBER", False),
        ("write to m.trelawney@example.net", "EMAIL", True),
        ("ring 07700 900123 after six", "TELEPHONE", True),
        ("ring +44 7700 900123", "TELEPHONE", True),
        ("lives at 12 Quillfeather Lane, Ashcombe ZZ99 3AB", None, None),
        ("lives at 12 Quillfeather Lane, Ashcombe LS1 3AB", "ADDRESS", True),
    ],
)
def test_an_identifier_is_found_with_its_kind_and_certainty(text, kind, certain):
    """A ten-digit number is certain only after a cue: one random number in eleven passes."""
    found = [(f.kind, f.certain) for f in identifiers.find(text)]
    assert ([] if kind is None else [(kind, certain)]) == found


@pytest.mark.parametrize(
    "text",
    [
        "BP 120/80, pulse 72, SpO2 98 %",
        "paracetamol 1 g four times daily",
        "seen on 21/11/2026 at 10:15",
        "WCC 7.4 x 10^9/L, CRP 123.4567890123",
        "dose 1,000,000,000 units",
        "SNOMED 1234567890123",
        "1234567890",
    ],
)
def test_clinical_numbers_are_left_alone(text):
    """Measurements, doses, dates and long codes are no identifiers."""
    assert [] == identifiers.find(text)


PIECES = st.sampled_from(
    ["NHS no ", "999 123 4578", "9991234578", "0101990014", "AB 12 34 56 C", "a@b.example", "@",
     "07700 900123", "+44 7700 900123", "(01632) 960123", "12 Acacia Avenue, Leeds LS1 4AP",
     "GIR 0AA", " ", "-", ",", "é", "0", "44", "SW1A 1AA"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join))
def test_what_the_glance_at_the_bytes_lets_pass_holds_nothing(text):
    """`may_stand_in` never says no where `find` finds something."""
    found = identifiers.find(text)
    assert not found or identifiers.may_stand_in(msgspec.json.encode({"value": text}))


@given(st.text(max_size=200))
def test_findings_lie_inside_the_text_and_never_overlap(text):
    """Offsets are usable as they are, for any text at all."""
    end = 0
    for finding in identifiers.find(text):
        assert end <= finding.start < finding.start + finding.length <= len(text)
        end = finding.start + finding.length


BYTES = st.sampled_from([*b'0123456789 ()-ABCDEZaz@:{}"\n.', 0xC3, 0xA9])


@given(st.lists(BYTES, max_size=40).map(bytes) | st.binary(max_size=40))
def test_the_quick_look_says_what_the_whole_pattern_says(document):
    """The strings that stand for the pattern spare its search, and never change the answer."""
    slow = b"@" in document or identifiers._SUSPICIOUS.search(document) is not None
    assert slow == identifiers.may_stand_in(document)
