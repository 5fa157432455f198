"""Numbers in groups, said digit by digit, and numbers that somebody is to be called on."""

import pytest

from moiety.deid.text import Label


@pytest.mark.parametrize(
    ("label", "text", "number"),
    [
        (Label.ACCESSION_NUMBER, "MRI (accession QVX-MR-2211-40871) clear", "QVX-MR-2211-40871"),
        (Label.ACCESSION_NUMBER, "Pots sent 22-H-31177.", "22-H-31177"),
        (Label.ACCESSION_NUMBER, "Duplex DBH.VL.23.00417 filed", "DBH.VL.23.00417"),
        (Label.ACCESSION_NUMBER, "Red cells G101 221 340 776 X given", "G101 221 340 776 X"),
        (Label.HOSPITAL_NUMBER, "Prisoner, no. A9902FG, on the wing", "A9902FG"),
        (Label.HOSPITAL_NUMBER, "Crew sheet 0522-NWAS-3391 attached", "0522-NWAS-3391"),
        (Label.HOSPITAL_NUMBER, "pid KT2-4410927 swabbed", "KT2-4410927"),
        (Label.HOSPITAL_NUMBER, "no. vrx-9921 on the list", "vrx-9921"),
        (Label.HOSPITAL_NUMBER, "hosp no tqmh 441 9027 on cpap", "tqmh 441 9027"),
        (Label.HOSPITAL_NUMBER, "HOSP NO..........7710-220-K", "7710-220-K"),
        (Label.HOSPITAL_NUMBER, "case TVU//0771-94-B closed", "TVU//0771-94-B"),
        (Label.HOSPITAL_NUMBER, "No. RTI*5540*19 | age 34", "RTI*5540*19"),
        (Label.ACCESSION_NUMBER, "level 1.9 (C:24-009881) today", "C:24-009881"),
        (Label.HOSPITAL_NUMBER, "hospital number tango 4 4 1 0 9 2 comma", "tango 4 4 1 0 9 2"),
        (
            Label.TELEPHONE,
            "ring oh one six one triple four nine oh double two please",
            "oh one six one triple four nine oh double two",
        ),
        (
            Label.NHS_NUMBER,
            "nhs number nine four three one one two eight seven six five",
            "nine four three one one two eight seven six five",
        ),
        (Label.EXTENSION, "bleep two four one if worse", "two four one"),
        (Label.EXTENSION, "Cardiology SpR bleep 441-2207", "441-2207"),
        (Label.EXTENSION, "on bleep MR 3310 until five", "MR 3310"),
        (Label.EXTENSION, "Please ring the lab 7719 for sensitivities", "7719"),
        (Label.EXTENSION, "alarm: phone estates 40217", "40217"),
        (Label.EXTENSION, "pre-op nurse x4 4107", "4 4107"),
    ],
)
def test_a_number_by_its_form_or_who_is_called(found, label, text, number):
    assert (label, number) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "co-amoxiclav 500mg/125mg tds, then 625mg/5ml.",
        "Intake 1200-1500ml, open 8am-6.30pm and 0900-1700hrs.",
        "Guidance NG-128 and ISO-13485; lot AB-12345; WHO-2016 class.",
        "HLA-B27, IL-6, T12-L1, CA19-9, Q3/2023.",
        "One two or three doses, one to two weeks, 1 2 3.",
        "Ring back after 1430, call 999 if worse.",
        "SNOMED T04030 M85003.",
        "Visit no 2 of 6.",
        "JCV index 0.31, clexane for 14/7, a meeting within 28/7.",
    ],
)
def test_doses_times_standards_and_counts_are_no_numbers_of_anybody(found, text):
    assert found(text) == []


def test_the_end_of_a_line_is_no_head_of_a_number(found):
    """`op.` closes one line, the number opens the next."""
    assert found("Fit for the op.\n3419592") == [(Label.HOSPITAL_NUMBER, "3419592")]
