"""What stands behind `Address` in a form, and what is left between two parts of an address."""

import pytest

from moiety.deid.text import Label


def _lines(found, text):
    return [words for label, words in found(text) if label == Label.ADDRESS_LINE]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Address    Above Happy Cod, Tide Row   YO8 4QQ   Tel", "Above Happy Cod, Tide Row"),
        ('Addr: barge "Quiet Night", Lock Wide, nr Ambleton', 'barge "Quiet Night", Lock Wide, nr Ambleton'),
        ("home address | the old signal hut, rail row | dob", "the old signal hut, rail row"),
        ("Home  Flat above the Grocer, Market Rise, Wenbury  NN31 7TB", "Flat above the Grocer, Market Rise, Wenbury"),
        ("Staying: Welcome House hostel, Tarn Mount, LS97 3AA. Well", "Welcome House hostel, Tarn Mount"),
        ("Addr/ Peabody Buildings block D, Tarnton, Leeds   NHS/ 9", "Peabody Buildings block D, Tarnton, Leeds"),
        ("NOK address: 4 Long Thing, Ambleton  Tel 01632 960881", "4 Long Thing, Ambleton"),
    ],
)  # fmt: skip
def test_the_whole_cell_behind_address_is_one(found, text, line):
    assert line in _lines(found, text)


@pytest.mark.parametrize(
    "text",
    [
        "Address: not known.",
        "Address: as above",
        "Address confirmed with patient.",
        "Address: same",
    ],
)
def test_an_empty_cell_is_none(found, text):
    assert _lines(found, text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Seen.\ncivic offices, penny row, torville, TQ12 9UQ\nTel", "civic offices, penny row, torville"),
        ("UNIT 4 CARAVAN SITE, DROVE END FARM, AMBLETON ST GILES  PE14 8XX", "UNIT 4 CARAVAN SITE, DROVE END FARM, AMBLETON ST GILES"),
    ],
)  # fmt: skip
def test_a_line_that_is_nothing_but_an_address_is_whole(found, text, line):
    assert line in _lines(found, text)


def test_a_sentence_before_a_postcode_is_no_address(found):
    """Only the town of it is."""
    assert _lines(found, "He is well, sleeps well, eats, Leeds LS1 4AB") == ["Leeds"]


def test_what_stands_between_two_parts_belongs_to_both(found):
    """`Toll flats no 3` between a village and its postcode; a verb between two towns is none."""
    lines = _lines(found, "She is at Lower Ambleton, Toll Flats no 3, EH22 9XN")
    assert any("Toll Flats no 3" in line for line in lines)
    assert _lines(found, "From Leeds moved Bradford") != ["Leeds moved Bradford"]
