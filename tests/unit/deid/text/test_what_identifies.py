"""The manual of what is an identifier and what is none: each rule with both.

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
        "Reviewed by Dr «Okonjo» this morning.",
        "Mrs «A Featherstone» was well.",
        "daughter «Iolanthe» is happy with the plan",
        "She lives with her husband «Przemek».",
        "«SIDHU, Gurpreet» attended alone.",
        "Dear Mr «Long»\n",
        "Dear Dr «Patel», I saw this lady",
        "«Tolhurst, I»\n",
        "seen with her son, «Tarquin», in clinic",
        "spoke to «Aoife Brannigan» about transport",
        "«Ffion Prydderch» RN",
        "NOK: «Marged Ellis»",
        "Dr «Parkinson» explained the results.",
        "his brother «Wilson» has diabetes",
        "Key worker «Ngozi»",
        "wife «Grace» present",
        "She is known as «Bettina».",
        "«Nguyen»'s mother rang.",
        "mr «o'shea» declined",
        "PATIENT: «MAIRI GILLESPIE»\nDIAGNOSIS: ASTHMA",
    ],
)
def test_a_person_is_named_behind_title_kin_role_or_by_the_name_itself(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "Known Parkinson's disease and Crohn's disease.",
        "Romberg's test negative, Murphy's sign positive.",
        "Wells score 3, Glasgow Coma Scale 15/15.",
        "Foley catheter and Hickman line in place.",
        "He hopes to go home and may drive. Will review.",
        "Grace under pressure.",
        "There is hope of recovery by summer.",
        "mark the site and rose from the chair",
        "Started on Tegretol, Lantus and co-amoxiclav.",
        "Baker's cyst, Dupuytren's contracture, Barrett's oesophagus.",
        "The nurse on the ward told the doctor.",
        "Bishop score 7. Braxton Hicks only.",
        "bell's palsy, graves' disease, hodgkin lymphoma",
    ],
)
def test_terms_of_medicine_and_ordinary_words_are_no_names(found, text):
    assert [] == found(text)


@pytest.mark.parametrize(
    "text",
    [
        "A 54 year old Black Caribbean woman.",
        "Aged 7, male, White British.",
        "72-year-old Pakistani gentleman, speaks Punjabi.",
        "Sex: F  Ethnicity: Chinese  Age: 33",
        "She is 29, Irish, Catholic and 14 weeks pregnant.",
        "African American man of 61, Somali wife aged 58",
        "Asian male, 3/12 old",
    ],
)
def test_age_sex_and_ethnicity_are_never_redacted(found, text):
    assert [] == found(text)


@pytest.mark.parametrize(
    "marked",
    [
        "Seen on «3/4» in clinic.",
        "Admitted «12/03/2021», home «15.3.21».",
        "«4th of March 2019» and «March 4, 2019» and «4 Mar '19»",
        "since «March 2016»",
        "on «2020-11-03» at noon",
        "review «18 Oct»",
        "between «3rd and 5th May 2020»",
        "w/c «21/07»",
        "LMP «6/12»",
        "taken «12MAR2020»",
        "«10/2019» onwards",
        "letter of «the 3rd Spetember 2020»",
        "message time «20210304T1022»",
        "«28/5» ring the chemist\n«1/6» bloods taken\n«Wed 3/6» dressing changed",
    ],
)
def test_a_date_in_any_way_of_writing(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "Cough for 2/52, review in 6/12, off work 3/7.",
        "GCS 14/15, pain 7/10, power 4/5, BP 134/82.",
        "VA 6/9 right, 6/12 left.",
        "6/6 right eye\n6/9 left eye\n6/12 together",
        "3/7 of amoxicillin\n5/7 of prednisolone",
        "4/5 right arm\n3/5 left arm\n2/5 both legs",
        "C5/6 disc bulge, L4/5 normal, 12/8 mm node.",
        "Gestation 38+4/40, Apgars 8/9/10.",
        "Amlodipine 5 mg od, insulin 12/24 units.",
        "She may 2 days later return. mar 5 units",
        "Peak flow 260/310/280, ratio 1:2.5, series 3 image 40/120.",
        "Hb 133 WCC 13.9 Plt 359, troponin 2148, CK 10342",
    ],
)
def test_durations_scores_doses_and_ratios_are_no_dates(found, text):
    assert [] == found(text)


def test_a_birth_date_is_told_from_other_dates(found):
    text = "DOB 02/11/1950, seen 03/11/2020; born on 4 May 1961."
    assert [
        ("DATE_OF_BIRTH", "02/11/1950"),
        ("DATE", "03/11/2020"),
        ("DATE_OF_BIRTH", "4 May 1961"),
    ] == found(text)


@pytest.mark.parametrize(
    ("label", "marked"),
    [
        ("NHS_NUMBER", "NHS no «943 476 5919»"),
        ("NHS_NUMBER", "NHS «943-476-5910» with a wrong check digit"),
        ("NHS_NUMBER", "«9434765919» alone"),
        ("NHS_NUMBER", "CHI «0101501234»"),
        ("HOSPITAL_NUMBER", "MRN «4417283»"),
        ("HOSPITAL_NUMBER", "Hosp no: «RQ123456»"),
        ("HOSPITAL_NUMBER", "K number «K512345»"),
        ("ACCESSION_NUMBER", "Accession No: «RQX1234567»"),
        ("ACCESSION_NUMBER", "Lab no «H,21.004512.K»"),
        ("GMC_NUMBER", "GMC «6123456»"),
        ("HCPC_NUMBER", "HCPC no «PH104233»"),
        ("GP_IDENTIFIER", "Practice code «L83012»"),
        ("TELEPHONE", "tel «01632 960 123»"),
        ("TELEPHONE", "mob «+44 (0)7700 900123»"),
        ("EXTENSION", "bleep «2214»"),
        ("EXTENSION", "ext. «51234»"),
        ("EMAIL", "write to «first.last@trust.nhs.uk» please"),
        ("POSTCODE", "at «LS1 4AB» today"),
        ("POSTCODE", "her postcode is «ls14ab» now"),
    ],
)
def test_numbers_and_addresses_of_machines(found, label, marked):
    check(found, marked)
    assert label == found(marked.replace("«", "").replace("»", ""))[0][0]


@pytest.mark.parametrize(
    "text",
    [
        "platelets 250000, 500000 units of penicillin",
        "trial NCT01234567, SNOMED 38341003, lot 8834521",
        "heart rate 112, 1250 ml in, 2000 ml out",
        "weight 3420 g, platelet count 184000",
        "ring 111 or 999 if worse",
        "at L1 2nd toe and S1 3hr post op",
    ],
)
def test_counts_codes_and_batches_are_no_numbers_of_people(found, text):
    assert [] == found(text)


@pytest.mark.parametrize(
    ("label", "marked"),
    [
        ("ADDRESS_LINE", "lives at «14 Saltmarsh Lane, Exeter»"),
        ("ADDRESS_LINE", "lives in «Swansea» alone"),
        ("ADDRESS_LINE", "bungalow on «oak street»"),
        ("HOSPITAL_NAME", "transferred to «Great Yeldham Community Hospital» overnight"),
        ("HOSPITAL_NAME", "seen at «Addenbrooke's» before"),
        ("HOSPITAL_NAME", "from «Northern Fells NHS Foundation Trust»"),
        ("HOSPITAL_NAME", "taken to «derriford hosptial» by ambulance"),
        ("GP_IDENTIFIER", "bloods at «Hollybush Surgery» next week"),
        ("GP_IDENTIFIER", "registered with «The Lakes Medical Practice»"),
    ],
)
def test_places_where_somebody_lives_or_is_treated(found, label, marked):
    check(found, marked)
    assert label == found(marked.replace("«", "").replace("»", ""))[0][0]


@pytest.mark.parametrize(
    "text",
    [
        "Manchester triage category 3, Bristol stool type 4.",
        "Oxford scale 4/5, Nottingham prognostic index.",
        "the local hospital and the district general hospital",
        "Bypass surgery, day surgery and general practice.",
        "Edinburgh postnatal depression scale 11",
        "the surgery went well in the medical centre",
    ],
)
def test_scales_named_after_towns_and_unnamed_institutions_stay(found, text):
    assert [] == found(text)


@pytest.mark.parametrize(
    "marked",
    [
        "Typed by «KJ»",
        "d/w «AB», will review",
        "«QX» to ring the family",
        "Plan as above.\n«WJ»",
        "Present: «Ada Obi», «FN», «TR»",
        "Dr «Mei Wong» saw her. Bloods sent. «MW»",
    ],
)
def test_initials_by_where_they_stand(found, marked):
    check(found, marked)


@pytest.mark.parametrize(
    "text",
    [
        "CT and CXR done.",
        "PE excluded. MI ruled out.",
        "IV and PO meds, BP and HR stable.",
        "ENT, GP and OT to see",
    ],
)
def test_abbreviations_of_medicine_are_no_initials(found, text):
    assert [] == found(text)


@pytest.mark.parametrize(
    "marked",
    [
        "Mrs «Katherine Ashdown» came. «Kathy» is better, says «ashdown».",
        "Mr «Will Hardcastle». «Hardcaslte» will return.",
        "«ALDOUS, Ben» rang. «Aldous» was told; «Benjamin» agreed.",
    ],
)
def test_a_name_found_once_is_found_in_other_case_shortened_and_misspelt(found, marked):
    check(found, marked)
