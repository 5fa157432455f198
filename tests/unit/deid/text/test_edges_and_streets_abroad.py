"""What belongs to a finding on either side, streets of other countries, addresses said aloud, and
what is never taken.

Each line is of the project's own; what stands between « and » is found, and nothing else is.
"""

import pytest

from moiety.deid.text import Label, Options, Span, detect
from moiety.deid.text.edges import edged
from moiety.deid.text.sparing import is_never_taken
from moiety.deid.text.words import split

ABROAD = [
    "mother lives «27 rue des Tilleuls, 69004 Lyon», visits in summer",
    "parcel from «ul. Wierzbowa 8/3», not opened",
    "his aunt («Birkenstraße 41, 20099 Hamburg») rang",
    "born at «Calle Olmos 19», raised by nuns",
    "keeps a room in «Lindengracht 77», third floor",
    "stays at «Rua das Amoras 5», back in spring",
]
NOT_ABROAD = [
    "feed given via NG 30 ml, then via peg 60",
    "drops out of plaza 4 lift, c/o pain 3 days",
    "via stoma 3 days ago; rue the day 2 nurses left",
    "al 30 and os 3 on the chart",
]
SAID = [
    "her address is «wren dot tallis at heronmail dot co dot uk», all lower case",
    "write to «p.oduya (at) nhs (dot) net» please",
    "«b underscore finch at larkpost dot com», he says",
]
NOT_SAID = ["the plot at baseline, size 2 mm at com port 3"]
EDGES = [
    "thanks, «i. featherstone» for the list",
    "home visit to «Pitch 9, Withy Lane site». All well",
    "Miss «Featherstone»\n«Room 14, Larch Hall»\n«33 Whitebeam Road\nReading»",
    "ring «020 7946 0113 ext 208», any time",
    "sleeps in «Flat B (over chip shop)», no lift",
    "the address is «flat 3 above the bakery», no bell",
    "they met at «the Jessamine Wing, Trafford Cross Hospital», twice",
]
NICKNAMES = [
    "«Margaret Featherstone» («Maisie») came alone",
    "he gives his name as «Spider», nothing else",
    "likes to be called «Buddy», not sir",
]
NO_NICKNAMES = ["a condition known as stable angina", "the tumour is known as benign, (Cardiology)"]
DATES = [
    "DOB «??/08/1958», parents unknown",
    "one brother (d.o.b. «6/82»), well",
    "Lung meeting «8.10»\nfour cases",
    "seen «3.2.24», better by «24.11», worse since",
    "«8/7» am full wash\n«8/7» pm rested\n«8/7» nocte slept",
    "test negative, next call «11.12», 09:00",
]
NO_DATES = [
    "seen last year. BMI 24.11 and lactate 2.12",
    "increased by 6.12 units, ratio 1.10",
    "cell B2-14, block 3/12 weeks old",
]
POSTCODES = [
    "moved to «Wetherby, LS22»\n",
    "the code is «T S 1 5 9 A H», he says",
    "service family, «BFPO 57», overseas",
    "the Irish code «C15 X2K4» was wrong",
]
NO_POSTCODES = ["vitamin, B12, folate", "fracture, L12. seen, T12"]
NUMBERS = [
    "Participant «07-0033» consented",
    "renal no. «UVR 2218», on the list",
    "initials above, notes «qa 61.20.44», pulled today",
    "seen in clinic, notes «12.03.24», by post",
    "Mil «94731 2207»",
    "outside slides («CQ:23:S9921») awaited",
]
TRIMMED = [
    "Resident: «Winnie Oldroyd» Rm 22",
    "side room 5 Mr «Oduya» C diff, no visitors",
    "seen «6/5» in clinic, no visitors",
    "thanks doctor «boateng» full stop thank you",
    "yours sincerely dr «gareth swift», senior partner",
    "Re: Mr «Jory Trevaskis», d.o.b. «9.7.61»",
    "BED 4 MRS «T» BED 5 «DORIS»",
    "«Jane Q. Public» was seen",
    "she met Mr «Wolff», who has Wolff-Parkinson-White",
    "PT: «YUSUF WARSAME»  M  «01/01/1988»",
]
NOT_TRIMMED = [
    "acuity 6/18 right and 6/5 left, unaided",
    "HC 35.5 (25th). Safe sleep advice",
    "lesions in segments VI/VII, up to 19 mm",
    "Fit note given. Given Med 3. Home.",
    "Dear Colleague, Dear Sir",
    "she wondered about Wolff-Parkinson-White.",
    "i drove to the house, nobody was in. we sat in the hall.",
    "text your answer to number to hand before noon",
    "serial numbers 23114450 and asset 0038112",
]
PRACTICES = [
    "asked «Highfield Health» for the letter",
    "registered at «Beacon Primary Care»",
    "GP is at «Arch Healthcare», seen monthly",
]
NO_PRACTICES = [
    "Public Health advised, Occupational Health will ring",
    "Initial health assessment; Bone Health clinic, Pelvic Health physio",
]


def found(text):
    return [
        (span.start, span.end)
        for span in detect(text, options=Options(model=False))
        if text[span.start : span.end].strip()
    ]


@pytest.mark.parametrize(
    "marked",
    [*ABROAD, *SAID, *EDGES, *NICKNAMES, *DATES, *NUMBERS, *POSTCODES, *TRIMMED, *PRACTICES],
)
def test_whole_and_nothing_beside(marked):
    text = marked.replace("«", "").replace("»", "")
    want = [part.split("»")[0] for part in marked.split("«")[1:]]
    got = [text[a:b] for a, b in found(text)]
    assert got == want


@pytest.mark.parametrize(
    "text",
    [*NOT_ABROAD, *NOT_SAID, *NO_NICKNAMES, *NO_DATES, *NO_POSTCODES, *NOT_TRIMMED, *NO_PRACTICES],
)
def test_what_only_looks_like_them_stays(text):
    assert [text[a:b] for a, b in found(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "He is Ashkenazi, speaks Sorani and some English.",
        "Language: Tigrinya. Interpreter for Kurdish booked.",
        "72M, Somali; wife F70, Sylheti speaker.",
        "Seen with husband (M) and staff (F).",
        "white british, f71, polish-speaking, muslim",
    ],
)
@pytest.mark.parametrize("model", [True, False])
def test_age_sex_people_language_and_faith_are_never_taken(text, model):
    assert detect(text, options=Options(model=model)) == []


@pytest.mark.parametrize(
    ("found_there", "label", "why", "goes"),
    [
        ("Huntington's disease", Label.ADDRESS_LINE, "judged", True),
        ("Hickman line", Label.NAME, "learned", True),
        ("261/327/226", Label.TELEPHONE, "learned", True),
        ("Hickman line", Label.NAME, "after a title", False),
        ("Tolhurst", Label.NAME, "judged", False),
    ],
)
def test_terms_and_readings_are_not_taken_on_a_guess(found_there, label, why, goes):
    text = f"seen today, {found_there} noted"
    start = text.index(found_there)
    span = Span(start, start + len(found_there), label, 0.4, why)
    assert is_never_taken(split(text), span) is goes


def test_letters_between_the_name_of_a_number_and_its_digits_belong_to_it():
    for text, want in (
        ("notes qa 61.20.44 pulled", "qa 61.20.44"),
        ("HOSP NO: ZY 118 204", "ZY 118 204"),
        ("the number is 61.20.44", "61.20.44"),
        ("unit no nhs 61.20.44", "61.20.44"),
    ):
        start = next(n for n, letter in enumerate(text) if letter.isdigit())
        span = Span(start, start + len(want.lstrip("qaZY ")), Label.HOSPITAL_NUMBER, 0.6, "test")
        kept = edged(split(text), span)
        assert text[kept.start : kept.end] == want


def test_a_surname_has_its_particle_and_its_initials():
    for text, at, want in (
        ("11:45 VAN DER HOEK, A M54", "DER HOEK", "VAN DER HOEK, A"),
        ("Signed P M Tolhurst    1st", "Tolhurst", "P M Tolhurst"),
        ("seen by Mrs Tolhurst, A 30 year old", "Tolhurst", "Tolhurst"),
        ("no vitamin, Tolhurst said", "Tolhurst", "Tolhurst"),
    ):
        start = text.index(at)
        span = edged(split(text), Span(start, start + len(at), Label.NAME, 0.5, "test"))
        assert text[span.start : span.end] == want


def test_a_people_that_is_somebodys_name_is_taken():
    for text, name in (("Mr English rang.", "English"), ("seen by Dr Somali", "Somali")):
        spans = detect(text, options=Options(model=False))
        assert [text[s.start : s.end] for s in spans] == [name]
