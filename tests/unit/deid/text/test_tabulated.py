"""Tables pasted into a text: the head of a column says what stands in it."""

import pytest

from moiety.deid.text import tabulated


def cells(text):
    """What is found in the table, by kind."""
    return [(str(span.label), text[span.start : span.end]) for span in tabulated.find(text)]


def test_a_column_is_what_its_head_says():
    """Words that nothing else would find: a name that is a word, letters, a short number."""
    text = "Study no;Init;Site;Seen by;Outcome\nQ-17;PE;Long Barn;IT;declined\nQ-18;MS;Long Barn;-;will call\n"
    assert [
        ("HOSPITAL_NUMBER", "Q-17"), ("INITIALS", "PE"), ("HOSPITAL_NAME", "Long Barn"), ("INITIALS", "IT"),
        ("HOSPITAL_NUMBER", "Q-18"), ("INITIALS", "MS"), ("HOSPITAL_NAME", "Long Barn"),
    ] == cells(text)  # fmt: skip


@pytest.mark.parametrize("divider", [";", "|", "\t", ",", " | "])
def test_cells_are_divided_as_in_the_head(divider):
    """Spaces around a cell belong to none."""
    rows = (("Surname", "DOB", "Ward"), ("Hope", "1/2/1950", "12"), ("Day", "3/4/1961", "9"))
    text = "\n".join(divider.join(row) for row in rows)
    assert ["Hope", "1/2/1950", "Day", "3/4/1961"] == [cell for _, cell in cells(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Test,Result,Unit\nSodium,140,mmol/L\nPotassium,4.1,mmol/L",
        "Name;Dose;Route\nAspirin;75 mg;po",
        "The patient, a teacher, was well.\nHope, faith, charity.",
        "Consultant | Outcome | DOB\nseen and discharged with advice to return if worse or new symptoms | ok | n/a",
        "Surname;DOB;Ward\nno further entries; none; none\n",
    ],
)
def test_what_names_no_person_is_no_such_table(text):
    """One column that might is too few; a remark is no name."""
    assert [] == cells(text)


def test_a_table_ends_with_a_row_of_another_length():
    """What follows is text again."""
    text = "Name|DOB|Bed\nHope|1/2/1950|4\nHope is a virtue.\nFaith|2/3/1950|5"
    assert ["Hope", "1/2/1950"] == [cell for _, cell in cells(text)]
