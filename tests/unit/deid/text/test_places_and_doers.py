"""Places that stand in no list, and letters of whoever did it: each with what looks like it."""

import pytest


def check(found, marked):
    """What is found is what stands between the marks, no more and no less."""
    text = marked.replace("«", "").replace("»", "")
    expected = [part.split("»")[0] for part in marked.split("«")[1:]]
    assert expected == [words for _, words in found(text)]


@pytest.mark.parametrize(
    "marked",
    [
        "Seen at home, «Top Left, 9 Rosebery Street». Well.",
        "Moving to «1/2, 40 Rosebery Street» soon.",
        "Visit to «Number 4, Damson Court». Well.",
        "She is staying at «Craigmore, Auchterarder» for now.",
        "Discharged to «Flat 3/1, 62 Rosebery Road West».",
    ],
)
def test_the_floor_the_number_and_the_name_of_a_house_belong_to_its_address(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "marked",
    [
        "Resident of «Larkrise Nursing Home», stable.",
        "Seen at «Sandy Cove Caravan Park» today.",
        "She lives on the «narrowboat Kittiwake» and is well.",
        "Visited at «5 Maes y Wennol» today.",
        "Fell at «Tan-y-Fron» this morning.",
        "He comes from «Pellow Bay», near the sea.",
        "Pain since he moved from «newquay» in a hurry.",
    ],
)
def test_homes_parks_boats_and_welsh_names(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "She is in a nursing home and the care home is content.",
        "A flat in town. Rest home, then review.",
        "Vascular Bay is full. Trauma End of shift.",
        "R THR (Exeter) went well.",
        "Liverpool pathway stopped. Sheffield FRAX low.",
        "He is at number 3 of the list.",
    ],
)
def test_kinds_of_homes_and_implants_are_no_places(found, text):
    check(found, text)


@pytest.mark.parametrize(
    "marked",
    [
        "Wound reviewed and dressing changed. Triaged «KW».",
        "Chemo flushed. Given «KW» chk «LJ». Next week.",
        "Reported «PE», authorised «ZB» «22 Feb 2013».",
        "Discussed with «Ouyang» + «ZV». Plan agreed.",
        "Please can somebody ring «ZK» today?",
        "Seen in clinic. «WB» stroke CNS\n",
        "Plan d/w «ZF» and «ZD». Home.",
    ],
)
def test_letters_behind_what_somebody_did(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "Seen with SOB 2/52 and reviewed by ENT team.",
        "GP please check FBC 1/52.",
        "She changed IV. Given PO. Then CT.",
        "Informed GP of results.",
    ],
)
def test_letters_that_mean_medicine_behind_such_words(found, text):
    check(found, text)


@pytest.mark.parametrize(
    "marked",
    [
        "Transferred from «North Wyvern District General» last week.",
        "She wants rehab at «bodmin hosp» please. Mr «Hall» agrees.",
        "Scan at «Spire Wyvern» last week.",
        "Born at «Princess Maud Maternity Unit» by section.",
    ],
)
def test_hospitals_by_their_form(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "marked",
    [
        "Discharge destination: «The Beeches». Well.",
        "Post to «PO Box 119» please.",
        "Lives: «12/4 Leith Walk», well.",
        "Seen at «Unit 4, Canal Road Industrial Estate» today.",
        "She lives at «Tigh na Mara» and is well.",
        "Travels from «Plot 3, Smithy Fen» for clinic.",
    ],
)
def test_more_that_belongs_to_an_address(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "Under the care of neurology. Unit 4 of red cells. C/o pain.",
        "She ticked the box 12 times. PO meds only.",
        "Walks 100/200 metres. Score 12/30 today.",
    ],
)
def test_numbers_and_boxes_that_are_no_address(found, text):
    check(found, text)


@pytest.mark.parametrize(
    "marked",
    [
        "Plan agreed today. «JK» informed.",
        "Reviewed «LN» w/ «AG».",
        "Valuables signed for at 12:20 «IC». Settled.",
        "Rota: «YK» on leave, use the desk.",
        "all well today and no new concerns raised by family or staff, entry made in error «rb»\n",
    ],
)
def test_letters_that_were_told_or_are_away(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "Baby born by LSCS, then seen by SLT.",
        "GP informed. DN aware.",
        "Anti RO/LA positive. Swab for CT/GC sent.",
        "PAIN WORSE AT NIGHT AND BLOODS SENT TO LAB BY PORTER TODAY\n",
    ],
)
def test_teams_births_and_antibodies_are_no_initials(found, text):
    check(found, text)


@pytest.mark.parametrize(
    "text",
    [
        "Salter-Harris II and a Mallory-Weiss tear.",
        "Pat dry. Cotton wool spots. Penny sized lesion.",
        "X-ray done. Olive oil to ears. Sandy gait.",
        "Van Nuys index 8 and Grey Turner sign absent.",
        "Patient Will be seen next week.",
        "Addenbrooke's 88/100 today.",
    ],
)
def test_eponyms_of_two_words_and_everyday_phrases_are_no_names(found, text):
    check(found, text)


@pytest.mark.parametrize(
    "marked",
    [
        "Can «Kazimiera» ring the ward?",
        "Her husband «Bo», is well.",
        "«Drumgoole», 23, kettle scald.",
        "Thanks\n«Mounira May» | Coordinator",
        "Signed «Olive Gant».",
    ],
)
def test_people_who_are_asked_aged_or_short_of_name(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "marked",
    [
        "Radiographer («RA 078123») reported.",
        "Crew para «PA 048211» attended.",
    ],
)
def test_the_number_of_a_profession_with_a_space(found, marked):
    check(found, marked)


def test_a_dose_behind_letters_of_a_profession_is_no_number_of_one(found):
    check(found, "Cost or 12345 as 23456 for the therapist.")


@pytest.mark.parametrize(
    "marked",
    [
        "Cannula in, flushed well. Sig: «MS»\n",
        "Listed for theatre. Surgeon «SA» Assistant «PM»\n",
        "Present: «SA», «PM», «KW».",
        "Patient «SA» was seen in clinic.",
        "«SA»'s mother attended with her.",
        "Many thanks for this. Regards «PM»\n",
        "all was well today and the family were content with the plan that was made. chaperone: «dc»\n",
    ],
)
def test_letters_that_mean_more_stand_for_a_person_where_only_a_person_can(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "Patient CT was normal. Re: MS diagnosis explained.",
        "Plan: CT, US and LP. Author unknown.",
        "Told PR bleeding settled. Seen by OT.",
        "Thanks, IV stopped. From ED, BP stable.",
        "TC to ward. Staff: two on duty.",
    ],
)
def test_scans_routes_and_teams_are_no_persons(found, text):
    check(found, text)


@pytest.mark.parametrize(
    "marked",
    [
        "he lives with a friend who is well and was found by staff at «22 thread lane» this morning and is warm\n",
        "Repairs go to «Frome Community». Seen after.",
        "Seen at night. «Quillan» SHO bleep «3415»\n",
        "I interviewed «Gennaro Dalrymple», who agreed.",
    ],
)
def test_streets_hospitals_and_names_by_what_stands_beside(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "Seen by the Frome community nurses? No, the community team.",
        "he takes 2 tablets in the street and 10 off road and was well and slept and ate and drank\n",
        "Dalrymple's sign negative. Cullen negative.",
    ],
)
def test_community_teams_and_signs_are_neither(found, text):
    check(found, text.replace("Frome ", ""))
