"""Dates said in words, parts of months, Roman months, days and months without a cue."""

import pytest


def check(found, marked):
    """What is found is what stands between the marks, no more and no less."""
    text = marked.replace("«", "").replace("»", "")
    expected = [part.split("»")[0] for part in marked.split("«")[1:]]
    assert expected == [words for _, words in found(text)]


@pytest.mark.parametrize(
    "marked",
    [
        "He fell on «the seventh of July» while out.",
        "Her mother died «the twenty-first of March 1998».",
        "reviewed «the eleventh of august two thousand and twelve» full stop",
        "Seen «May the fourth, 2021» in clinic.",
        "Plaster off «the 9th of June 2022».",
        "Lumps noticed «early Feb 2024», worse «late March».",
        "Off work since «mid-October».",
        "Bleeding since «the end of August 2023».",
        "On tablets since «Nov», stopped by «Easter».",
        "Since «September» no fits.",
        "He was readmitted on «the sixth» with sepsis.",
        "Scan «4.xi.2023», next «17-iv-2024».",
        "DATE SEEN: «3 . 11 . 23»",
        "Appointment «9th Ocotber» at ten.",
        "Clinic «Tues 12th», bloods «Mon 4 Nov».",
        "Stitches out «11/9». Walked well.",
        "Drain removed, home «8/4», DN to dress.",
        "BO «9/11». Slept.",
        "Action: new leaflet by «2/12».",
        "In pain from «the 4th» until they operated.",
    ],
)
def test_dates_said_or_written_in_part(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "On the second attempt the line went in.",
        "In the first instance try paracetamol, the third time round codeine.",
        "She may well go, and may march on.",
        "March fracture of the second metatarsal.",
        "Better by 2/12 of age, review 3/52.",
        "Power 4/5, acuity 6/9, pain 3/10, 2/3 of the dose.",
        "On the 3rd floor, after the 2nd dose.",
        "4 tablets daily for 5/7.",
        "Early Warning Score 2; late decelerations.",
    ],
)
def test_what_is_no_date(found, text):
    assert found(text) == []
