"""What stands where an identifier stood: the manual of tags, surrogates, dates and ages."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moiety.deid.national_numbers import passes_modulus_11
from moiety.deid.text import Span
from moiety.deid.text.replacement import ages, keyed, written_dates
from moiety.deid.text.replacement.policy import BadPolicy, BirthDates, Dates, Policy, Style
from moiety.deid.text.replacement.replacing import replace
from moiety.deid.text.replacement.residue import residue
from moiety.deid.text.replacement.surrogates import Namer

KEY, OTHER = b"k" * 32, b"o" * 32
SHIFTED = [
    ("3/4/21", "13/4/21"),
    ("03/04/2021", "13/04/2021"),
    ("28.01.25", "07.02.25"),
    ("2021-04-03", "2021-04-13"),
    ("2021-04-03T10:15:00+01:00", "2021-04-13T10:15:00+01:00"),
    ("20210403T101500", "20210413T101500"),
    ("20210403", "20210413"),
    ("030421", "130421"),
    ("3rd of April 2021", "13th of April 2021"),
    ("23RD APRIL 2021", "3RD MAY 2021"),
    ("April 3, 2021", "April 13, 2021"),
    ("Sat 3 April 2021", "Tue 13 April 2021"),
    ("saturday 3 april 2021", "tuesday 13 april 2021"),
    ("3-Apr-21", "13-Apr-21"),
    ("3 April '21 at 10:30", "13 April '21 at 10:30"),
    ("4/25/21", "5/5/21"),
    ("28/12", "7/1"),
    ("29/2", "10/3"),
    ("31 Dec 1999", "10 Jan 2000"),
    ("March 2016", "March 2016"),
]


@pytest.mark.parametrize(("before", "after"), SHIFTED)
def test_a_date_is_moved_in_the_form_in_which_it_was_written(before, after):
    """Ten days later, with its order, padding, names, ordinals and letter case."""
    assert after == written_dates.moved(before, 10)


@pytest.mark.parametrize(
    "text", ["99/99/99", "the 3rd", "soon", "1/2/3/4", "٣/٤", "31/02/2020", ""]
)
def test_a_date_that_is_not_understood_is_not_guessed(text):
    """The caller writes a tag."""
    assert written_dates.moved(text, 10) is None


@given(
    st.dates(date(1950, 1, 1), date(2035, 1, 1)),
    st.dates(date(1950, 1, 1), date(2035, 1, 1)),
    st.integers(-400, 400).filter(bool),
    st.sampled_from(["%d/%m/%Y", "%Y-%m-%d", "%d %B %Y", "%a %d %b %Y", "%d.%m.%Y"]),
)
def test_intervals_stay_as_they_were(first, second, days, form):
    """Whatever the form, both dates move alike."""
    moved = [written_dates.moved(d.strftime(form), days) for d in (first, second)]
    expected = [d + timedelta(days) for d in (first, second)]
    assert expected == [written_dates.date_of(text or "") for text in moved]


def test_a_shift_is_of_one_subject_in_one_project():
    """Never nothing, within its bounds, and the same for the same."""
    shifts = {f"s{i}": keyed.days(KEY, f"s{i}", 182) for i in range(8000)}
    assert 0 not in shifts.values()
    assert (-182, 182) == (min(shifts.values()), max(shifts.values()))
    assert shifts["s1"] == keyed.days(KEY, "s1", 182)
    same = sum(keyed.days(OTHER, s, 182) == days for s, days in shifts.items())
    assert same < 60
    assert all(keyed.days(KEY, s, 182, whole_weeks=True) % 7 == 0 for s in shifts)


def test_the_same_name_has_the_same_surrogate_however_it_is_written():
    """Forename, surname, initials; another project has others."""
    namer = Namer(KEY)
    namer.learn("John Smith")
    forename, surname = namer.stand_in("NAME", "John Smith").split()
    assert f"{surname.upper()}, {forename}" == namer.stand_in("NAME", "SMITH, John")
    assert f"{surname.lower()}'s" == namer.stand_in("NAME", "smith's")
    assert f"{forename[0]} {surname}" == namer.stand_in("NAME", "J Smith")
    assert f"{forename[0]}{surname[0]}" == namer.stand_in("INITIALS", "JS")
    assert Namer(OTHER).stand_in("NAME", "John Smith") != f"{forename} {surname}"


def test_a_surrogate_keeps_no_word_of_a_name():
    """Not even an O' or a hyphened half."""
    for name in ("O'Brien", "Anne-Marie Smith-Jones", "van der Berg", "José", "Ng"):
        words = {w.casefold() for w in name.replace("-", " ").replace("'", " ").split()}
        new = Namer(KEY).stand_in("NAME", name)
        assert not words & {w.casefold() for w in new.replace("-", " ").split()}


def test_numbers_are_shaped_as_real_ones_and_are_nobodys():
    """999 NHS numbers, Ofcom's numbers for drama, example.org, areas without post."""
    namer = Namer(KEY)
    number = namer.stand_in("NHS_NUMBER", "943 476 5919")
    assert passes_modulus_11(number.replace(" ", ""))
    assert ("999", [3, 7]) == (number[:3], [i for i, c in enumerate(number) if c == " "])
    assert namer.stand_in("TELEPHONE", "+44 7911 123456").startswith("+44 7700 900")
    assert "9" in namer.stand_in("TELEPHONE", "0207 123 4567")
    assert namer.stand_in("EMAIL", "a.b@nhs.net").endswith("@example.org")
    assert namer.stand_in("POSTCODE", "NW1 2BU")[:2] in {
        "QA", "QB", "QD", "VA", "VB", "VD", "XA", "XB", "XD",
    }  # fmt: skip
    assert "XXX99" == namer.stand_in("HOSPITAL_NUMBER", "RRV1234567")[:5]


def test_places_keep_the_word_that_says_what_they_are():
    """A hospital stays a hospital, a road a road."""
    namer = Namer(KEY)
    assert namer.stand_in("HOSPITAL_NAME", "Anytown General Hospital").endswith(" Hospital")
    street = namer.stand_in("ADDRESS_LINE", "14 Elm Road")
    assert street.endswith(" Road")
    assert "Elm" not in street
    two = namer.stand_in("ADDRESS_LINE", "Flat 2, Elm Court, 14 Elm Road").split(", ")
    assert ["Flat", "Court", "Road"] == [two[0].split()[0], two[1].split()[-1], two[2].split()[-1]]


@pytest.mark.parametrize(
    "place", ["Park View Medical Practice", "Green Close", "Park Road", "The Hill Surgery",
              "Royal Infirmary", "University Hospital", "Court House, Green Lane"],
)  # fmt: skip
def test_a_place_that_is_named_by_a_kind_of_place_gets_another_name(place):
    """`Park View` names; that nothing of it seems to be a name does not keep it."""
    for part, new in zip(
        place.split(","), Namer(KEY).stand_in("ADDRESS_LINE", place).split(","), strict=True
    ):
        assert part != new
        assert part.split()[-1] == new.split()[-1]


TEXT = "Mr John Smith, born 3/4/1950, seen on 5/6/2021 by JS. Aged 71."
SPANS = [
    Span(3, 13, "NAME"),
    Span(20, 28, "DATE_OF_BIRTH"),
    Span(38, 46, "DATE"),
    Span(50, 52, "INITIALS"),
]


def test_tags_name_the_kind():
    """Ages are no identifiers."""
    new = replace(TEXT, SPANS, Policy())
    assert "Mr [NAME], born [DATE_OF_BIRTH], seen on [DATE] by [INITIALS]. Aged 71." == new.text
    assert ["[NAME]", "[DATE_OF_BIRTH]", "[DATE]", "[INITIALS]"] == [
        new.text[s.start : s.end] for s in new.placed
    ]


def test_removal_leaves_no_double_space():
    """Nothing tells where it stood, but for a sentence that limps."""
    new = replace(TEXT, SPANS, Policy(style=Style.REMOVE))
    assert "Mr, born, seen on by. Aged 71." == new.text
    assert () == new.placed


def test_surrogates_with_shifted_dates_and_the_year_of_birth():
    """A shift that is given from outside wins over the key's."""
    policy = Policy(Style.SURROGATES, Dates.SHIFT, BirthDates.YEAR, KEY)
    new = replace(TEXT, SPANS, policy, subject="p1", days=7)
    assert "born 1950, seen on 12/6/2021 by" in new.text
    assert "Smith" not in new.text
    assert new == replace(TEXT, SPANS, policy, subject="p2", days=7)
    assert new != replace(TEXT, SPANS, policy, subject="p1")


def test_the_birth_year_of_the_very_old_is_pooled():
    """Born 1925, seen 2021: over 89."""
    policy = Policy(Style.SURROGATES, Dates.SHIFT, BirthDates.YEAR, KEY)
    new = replace(TEXT.replace("1950", "1925"), SPANS, policy, days=7)
    assert "born [AGE 90+], seen" in new.text


@pytest.mark.parametrize("style", [Style.SURROGATES, Style.TAGS])
def test_what_needs_a_key_asks_for_one(style):
    """A short one is none."""
    with pytest.raises(BadPolicy, match="key"):
        Policy(style, Dates.SHIFT, key=b"short")


OLD = [
    "a 93 year old man", "93-year-old", "aged 101", "Age: 97", "94yo", "92 y/o", "95F",
    "90 yrs old",
]  # fmt: skip
NOT_OLD = [
    "an 89 year old", "aged 90/91 kg", "BP 140/95", "HR 95", "sats 93%", "Hb 101", "95 mg",
    "aged 8", "130 year old building", "99/7/2021", "weight 91.5", "FEV1 92% F",
]  # fmt: skip


@pytest.mark.parametrize("text", OLD)
def test_ages_over_89_are_pooled(text):
    """The words around them stay."""
    assert 1 == len(list(ages.over(text, 89)))
    assert "90+" in replace(text, [], Policy()).text


@pytest.mark.parametrize("text", NOT_OLD)
def test_other_ages_and_numbers_stay(text):
    """Measurements are no ages."""
    assert text == replace(text, [], Policy()).text


def test_age_sex_and_ethnicity_are_left():
    """They are no identifiers, by the process that this implements."""
    text = "A 45 year old Black British woman, female, Muslim, of Bangladeshi background, aged 45."
    assert text == replace(text, [], Policy()).text


def test_the_second_look_holds_back_what_is_left():
    """A sure finding, six digits in a row, a title before a capital; none inside a stand-in."""
    text = "[NAME] told Dr Brown, number 123 4567, on [DATE]"
    placed = [Span(0, 6, "NAME"), Span(42, 48, "DATE")]
    detected = [Span(0, 6, "NAME", 0.9), Span(7, 11, "NAME", 0.4)]
    left = residue(text, placed, detected, sure=0.8)
    assert ["Dr Brown", "123 4567"] == [text[s.start : s.end] for s in left]


@pytest.mark.parametrize(
    "text",
    [
        "platelets 12345",
        "[NAME] 250 mg",
        "0.123456",
        "Dr [NAME]",
        "Sister on the ward",
        "NCT01234567",
        "SNOMED CT: 38341003",
        "lot no. 8834521",
    ],
)
def test_the_second_look_lets_measurements_and_tags_pass(text):
    """Five digits are a count; a title alone names nobody."""
    assert [] == residue(text, [], [], sure=0.8)


@given(st.text(max_size=60), st.data())
def test_any_text_and_any_spans_are_replaced_whole(text, data):
    """What stands outside the spans stays, in order, and what the spans held is gone."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    labels = st.sampled_from(["NAME", "DATE", "TELEPHONE", "NHS_NUMBER", "POSTCODE", "STUDY"])
    spans = [Span(a, b, data.draw(labels)) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    new = replace(text, spans, Policy(greatest_age=None))
    outside, end = "", 0
    for span in spans:
        outside += text[end : span.start]
        end = span.end
    outside += text[end:]
    kept, end = "", 0
    for span in new.placed:
        kept += new.text[end : span.start]
        end = span.end
    assert outside == kept + new.text[end:]
