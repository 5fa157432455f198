"""The manual of what only its place gives away: initials, houses and villages, hospitals by a nickname.

Left of the arrow stands the text; what is expected stands in it between « and », and all else must
stay.  The rules are asked alone, without the learned model.
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
        "Dressing changed, wound clean. «KW»\n",
        "Slept well, no pain. «BW», RN\n",
        "Cannula resited - «DT»\n",
        "Heard from family today! «OL»",
        "04:10 r/v «HK» (reg): carry on",
        "Obs stable. «NM» physio\n",
        "Vitamin K given by «QP»/«EK».",
        "Moved to side room. - «LN»/«IG»\n",
        "Chair «JW»; core: «AM», «TL» & «KE»",
        "2nd checker «NK». Line flushed.",
        "took over from «CA». Settled.",
        "Bed 1 | stable | «QJ» | «JY»\n",
        "Subject: RE: funding - «WQ» - urgent",
        "Signed «RJ». Left at six, «RJ» to circulate notes.",
    ],
)
def test_initials_close_an_entry_open_one_and_stand_in_pairs(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "Known AF and CKD. For AF clinic.",
        "Obs stable, eating and drinking, NBM.",
        "Senna nocte PRN\nLaxido OD\n",
        "Seen by ED, for ENT review, PT and OT input.",
        "Plan: SBT, PS 10/5. LA given. IO normal.",
        "MRI/CT and PO/IV.",
        "Bloods | CRP | FBC |\n",
        "Subject: RE: MDT - urgent",
    ],
)
def test_abbreviations_stay_where_initials_could_stand(found, text):
    assert [] == found(text)


@pytest.mark.parametrize(
    "marked",
    [
        "She lives at «Bryn Awel, Cwmsgwt» with a dog.",
        "lives at «bryn awel» with a dog",
        "He lives alone at «14 The Paddocks, Nether Wallop».",
        "Address: «Hollow End, Upper Tissington»\n",
        "Inc loc: «Trem y Foel, off Station Rd, Cwmsgwt»\n",
        "Forms sent to «Plot 9, Otterburn Pk».",
        "Her neighbour at «no 6» has a key.",
        "She was born in «Ouagadougou» and moved here as a child.",
        "He grew up in «Zinderneuf».",
    ],
)
def test_a_place_is_where_somebody_is_said_to_live(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "Lives with carers. Lives in a hostel.",
        "Moved to Theatre, then moved to HDU.",
        "She lives at home with support.",
        "Can go to the toilet with one.",
        "Returned to Theatre. Returned to baseline.",
        "Address: not known",
    ],
)
def test_what_else_follows_such_words_is_no_address(found, text):
    assert [] == found(text)


@pytest.mark.parametrize(
    "marked",
    [
        "Transferred to «St Brannock's» by ambulance? Went to «St Brannock's».",
        "seen at «st brannock's» in clinic",
        "Reviewed at «Sunderland Eye» last week.",
        "She is registered with «Smiles on the Quay».",
        "cc Dr «Zerrouki», «The Galleries»\n",
    ],
)
def test_hospitals_and_practices_that_do_not_say_what_they_are(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    ["Leeds eye clinic runs monthly", "She is registered with social services.", "at his best"],
)
def test_what_is_only_like_them_stays(found, text):
    assert all(words not in ("Leeds eye", "social services") for _, words in found(text))


@pytest.mark.parametrize(
    "marked",
    [
        "Seen on «Thursday 9th» at school.",
        "On the morning of «the 21st» she fell.",
        "Admitted «May-»«July 2016».",
        "brother-in-law «Xuefeng» phoned",
        "dtr «Rosalind» informed",
        "Present: «Will Vorrall» (Team Manager)",
        "«LL7 0FZ»,«L83116»,F",
    ],
)
def test_days_kin_and_cells(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text", ["his 9th admission", "his 21st birthday", "in-law unit", "Will discharge today"]
)
def test_counts_and_verbs_stay(found, text):
    assert [] == found(text)
