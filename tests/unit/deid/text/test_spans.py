"""Spans: what overlaps becomes a list without overlap, and nothing found is given back."""

from moiety.deid.text import Span, deidentify, resolve
from moiety.deid.text.spans import worded


def test_spans_come_in_order_of_place():
    found = [Span(10, 12, "DATE"), Span(0, 4, "NAME")]
    assert [Span(0, 4, "NAME"), Span(10, 12, "DATE")] == resolve(found)


def test_the_surer_keeps_its_stretch_and_the_other_what_sticks_out():
    found = [Span(0, 8, "ADDRESS_LINE", 0.5), Span(4, 12, "POSTCODE", 0.9)]
    assert [(0, 4, "ADDRESS_LINE"), (4, 12, "POSTCODE")] == [
        (s.start, s.end, s.label) for s in resolve(found)
    ]


def test_a_surer_span_inside_another_splits_it():
    found = [Span(0, 20, "ADDRESS_LINE", 0.5), Span(8, 12, "NAME", 0.9)]
    assert [(0, 8), (8, 12), (12, 20)] == [(s.start, s.end) for s in resolve(found)]


def test_no_spans_are_no_spans():
    assert [] == resolve([])


def test_what_is_left_of_a_span_without_a_letter_or_digit_is_no_finding():
    text = " 12 Mill Lane , LS21 3AB"
    found = [Span(0, 14, "ADDRESS_LINE"), Span(14, 16, "ADDRESS_LINE"), Span(16, 24, "POSTCODE")]
    assert [Span(1, 13, "ADDRESS_LINE"), Span(16, 24, "POSTCODE")] == worded(text, found)


def test_a_space_between_town_and_postcode_is_no_address_of_its_own():
    safe = deidentify("She lives at 14 Mill Lane, Otley LS21 3AB.")
    assert safe.text == "She lives at [ADDRESS_LINE] [POSTCODE]."
