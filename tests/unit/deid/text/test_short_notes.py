"""What identifies in notes written in haste: sign-offs, rows of letters, villages, grouped numbers.

Marked as in test_what_identifies: what is found stands between « and », all else must stay.
"""

import pytest


def check(found, marked):
    """What is found is what stands between the marks, no more and no less."""
    text = marked.replace("«", "").replace("»", "")
    expected = [part.split("»")[0] for part in marked.split("«")[1:]]
    assert expected == [words for _, words in found(text)]


@pytest.mark.parametrize(
    "marked",
    [
        "Dressing to heel changed, tolerated well. «NB», DN",
        "Reviewed and settled.\n«MS», RN",
        "Plan as above. «CB»/«lw».",
        "Letter sent.\n«SOQ»/«lt»\n",
        "Seen with «Ngozi» / «TK» / «PQ»",
        "Bloods sent. «DO'B» to chase.",
        "Incident form filed, handler «NMB»; closed.",
        "Result phoned through. Logged «RH».",
        "no concerns overnight, plan unchanged. «pj»\n",
    ],
)
def test_letters_sign_before_a_grade_in_pairs_in_rows_and_at_the_end(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "PT/OT review today.",
        "Nursing: DN, RN and HCA present.",
        "Known AF, MS and RA. PD unlikely.",
        "LFT/CRP pending\n",
        "Options are RT or RALP, to decide in clinic.",
        "no change in weight, taking fluids. ok\n",
    ],
)
def test_grades_and_abbreviations_sign_nothing(found, text):
    check(found, text)


@pytest.mark.parametrize(
    "marked",
    [
        "She moved to «Much Wenlock» in spring.",
        "Address: «Back Lane, Little Snoring»\n",
        "home is «Dove Cottage, Church Row, Binham»",
        "lives «caravan 12 sandy bay, pwllheli»",
        "Her address is «Flat C, The Maltings, Easington».",
        "registered with «Priory Fields»",
        "mr «a jeong» was seen at «corn exchange medical centre»",
    ],
)
def test_villages_lanes_and_practices_by_their_words(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "much improved, little change, upper limb weak.",
        "Pain in lower back, over right hip.",
        "Great toe and little finger numb.",
        "The ward rd starts at nine.",
    ],
)
def test_words_that_villages_begin_with_are_words_elsewhere(found, text):
    check(found, text)


@pytest.mark.parametrize(
    "marked",
    [
        "Unit «K 447 120» in notes",
        "(«8830 4417 B»)",
        "Chart «00-81-22-7» missing",
        "Sample «B24.0091123» haemolysed",
        "Please ring me on «5-4417».",
        "Next visit «6/6».",
        "Free from «24th»?",
        "drove here,«9018834471»,85",
        "NIGHT «12/9» 0300 called to bed 3",
    ],
)
def test_numbers_in_groups_and_days_behind_a_cue(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "Peak flow 350 400 420.",
        "Called on 3 occasions.",
        "Grade 6/6 power.",
    ],
)
def test_readings_in_groups_stay(found, text):
    check(found, text)


@pytest.mark.parametrize(
    "marked",
    [
        "his sister, «hope», will bring the diary",
        "EXAMINED WITH FATHER «WILL».",
        "«Tolhurst, G» «00-81-22-7» prostate",
        "Present: «Chidi, van der Merwe»",
        "care coordinator «siobhain o'shaughnessy-quick»",
    ],
)
def test_names_that_are_words_or_stand_in_no_list(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "HE WILL ATTEND AND HOPE REMAINS.",
        "rolandic spikes and hypopnoea on the trace",
        "her sister will come with hope for the best",
        "PATIENT-LED, SLIGHTLY OVERWEIGHT.",
    ],
)
def test_words_in_texts_without_capitals_stay(found, text):
    check(found, text)


@pytest.mark.parametrize(
    "marked",
    [
        "«18.4.2024» «May, Bingwen» (Dr)  Surgery consultation",
        "Telephone call: «Graves, Oyelaran» (Dr)",
        "pt «parkinson, edna»\nwell today",
    ],
)
def test_a_surname_that_is_another_word_heads_an_entry(found, marked):
    """Before a forename, or a word that nothing is known of, at the end."""
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    ["Graves, thyroid eye disease and goitre.", "ta, see you then", "May, June and July were dry."],
)
def test_another_word_at_the_head_of_an_entry_is_no_surname(found, text):
    assert [] == found(text)
