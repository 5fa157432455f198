"""What belongs to medicine, equipment or an office, however much it looks like a person's: names inside
terms, letters beside a word that explains them, numbers of things; and what must be found beside them.

Each line is of the project's own; what stands between « and » is found, and nothing else is.
"""

import pytest

from moiety.deid.text import Label, Options, Span, detect
from moiety.deid.text.sparing import is_never_taken
from moiety.deid.text.words import split

TERMS = [
    "calcified circle of Willis, sphincter of Oddi divided",
    "pouch of Douglas clear, foramen of Winslow patent",
    "anti-Kell and anti-Lewis found, no others",
    "uses a Sara Stedy and an Otto Bock joint",
    "he passed the Sally-Anne test in spring",
    "valve area: trivial MR. TR 2.1, no AS",
    "cyst 19 mm on the lt ovary, rt ovary normal",
]
CODES = [
    "cost centre 310542 charged, invoice no 20418",
    "PL 00427/0218 on the box, batch FT4417",
    "service desk ref 330912, taxi ref 774018",
    "morphology M8140/3 and T-28000 M-81403",
    "asset tag A-33190 on the Masimo, tray no DM3318",
    "NatPSA/2023/044/NHSPS read",
    "levodopa 125 0700 and 1300, strict",
]
NO_DATES = [
    "pain VAS 4-7/10 at best",
    "wet voice on 3/5 trials of water",
    "phq 12/27 and gad 11/21, moca 08/30",
    "flow 20-11 ml/s, then she may come in",
    "lens SA60AT +21.5D, refraction -2.25/-0.75x175",
    "holds LPA for finance, not H&W. Otherwise well",
    "CT reviewed, bm checked, ecg done",
]
FOUND = [
    "Mammogram «11/22» was clear",
    "smear «03/23», no reply since",
    "recall 3/12 - «August» is full",
    "donation «G1017 24 883102 4», given slowly",
    "sent from «Queen Adelaide's» with a letter",
    "the stroke team at «DCN Edinburgh» advised",
    "NSTEMI 2018 («BRI»), CABG since",
    "NHS number «971 640 2283» on the form",
    "TELEPHONE CONSULTATION    «29-11-2023» 12:14",
    "chest film of «08/05/2024» 1126, no change",
    "Unit  T «01323 960 290»   F «01323 960 291»",
    "sent by «Radstock Surgery»\nGroup and save taken",
    "referred by Dr «Hosking», MAU; seen later",
    "Bed 9 «Reginald CUTTING» «11/11/33» for review",
    "Assessor «Sally-Anne Hocking» RN",
    "referral «RTG-MR-771402» L spine",
    "mrs «shirley blenkin»\n«7 sextant way, hessle», «hu13 0qf»\n",
    "home «9 upper shore, tarbert», «ha31 4zz»",
    "dr «a j moncrieff»\n«newbyres medical group»",
    "yours truly\n«e j braithwaite»  dietitian",
    "discharged from «St Dick's» (no letter) on Monday",
    "stable so far.\n«SA»: says the voices are louder",
    "appointment confirmed «RW».\nNo change.",
    "CT «15/01»: a nodule of 34 mm",
    "night handover «2/2»->«3/2», quiet",
    "blood pressure at GP «1/8» 138/70",
    "inj «2/9» slip on wet floor",
    "care to start «20-11».\nAll well",
    "three falls since «May»; none before",
    "glue ear again, as in «march». no tubes",
    "if nothing is heard by «1/12» you will be discharged",
    "Mirena due «04/25», at the practice",
    "settled. «TM» clerked, bloods taken",
    "from day staff s/n «PD».\nSettled",
    "born 2021 at «St Michael's» without a scan",
    "Heading\n«Cambridge University Hospitals» / «Addenbrooke's»\nclinic",
    "plan made.\n\n«A Rossiter», HCPC «OT58117»",
]


@pytest.mark.parametrize("text", [*TERMS, *CODES, *NO_DATES])
def test_a_term_a_code_and_a_score_stay(text):
    spans = detect(text, options=Options(model=False))
    assert [text[span.start : span.end] for span in spans] == []


@pytest.mark.parametrize("marked", FOUND)
def test_what_identifies_beside_them_is_found_whole(marked):
    text = marked.replace("«", "").replace("»", "")
    want = [part.split("»")[0] for part in marked.split("«")[1:]]
    spans = detect(text, options=Options(model=False))
    assert [text[span.start : span.end] for span in spans] == want


@pytest.mark.parametrize(
    ("text", "there", "label", "why", "goes"),
    [
        ("JC virus index low", "JC", Label.INITIALS, "learned", True),
        ("seen with JC today", "JC", Label.INITIALS, "learned", False),
        ("known Hb SS, well", "SS", Label.INITIALS, "judged", True),
        ("DH: ramipril", "DH", Label.INITIALS, "learned", True),
        ("DH agrees: ramipril", "DH", Label.INITIALS, "learned", False),
        ("islets of Langerhans few", "Langerhans", Label.NAME, "judged", True),
        ("Mr Langerhans rang", "Langerhans", Label.NAME, "judged", False),
        ("in the angle of Louis", "Louis", Label.NAME, "after a verb", True),
        ("in the house of Louis", "Louis", Label.NAME, "after a verb", False),
        ("had Ramsay Hunt twice", "Ramsay Hunt", Label.ADDRESS_LINE, "street", True),
        ("aggregate 15x12x4mm", "15x12x4mm", Label.ADDRESS_LINE, "learned", True),
        ("lying 132/70 and well", "132/70", Label.HOSPITAL_NUMBER, "judged", True),
        ("niece Sinead Magill is here", "Magill", Label.NAME, "judged", False),
        ("the Chvostek was negative", "Chvostek", Label.NAME, "judged", True),
        ("notes 932/70 and well", "932/70", Label.HOSPITAL_NUMBER, "judged", False),
    ],
)
def test_what_a_word_beside_explains_is_not_taken_on_a_guess(text, there, label, why, goes):
    start = text.index(there)
    span = Span(start, start + len(there), label, 0.4, why)
    assert is_never_taken(split(text), span) is goes
