"""Hospitals and practices as they are called in haste, and birth dates said in words.

Each line is of the project's own; what stands between « and » is found, and nothing else is.
"""

import pytest

from moiety.deid.text import Options, detect

FOUND = [
    "Transferred from «Wishaw Gen» on oxygen.",
    "seen at «Harrogate Eye» last week",
    "Ticket printed at «Newcastle Dental», for removal of 48.",
    "Adm via «Barnsley Inf», settled.",
    "Born at «the Heath», now well.",
    "Back from «the Alex» to the ward",
    "Registered with «Fell View Med Ctr»",
    "GP: «The Three Elms Partnership»",
    "«NHS Tayside» runs it",
    "born on «the third of June 1951»",
    "dob «second of the ninth sixty four»",
    "apwyntiad «4 Mawrth 2024»",
    "seen «3 Meán Fómhair 2023»",
    "ext «4 4 1 7»",
    "hospital no «one two zero four four one»",
    "clips out «12/9»",
    "Listed at «Ribbleton DSU», then «Ambleton CMHT»",
    "refer «Severn HPB Centre», scan done at «Solway Imaging Centre», then home",
    "14 beds at «St Hild's»: none free",
    "The meeting is at «Queen Anne's»; bring notes",
    "Copies: «Langside Health Centre Practice 3»; file",
    "a bed in «axe valley community hospital». more soon",
    "seen at «newbattle health village» today",
    "refill from «saltmarsh family practise», quick",
    "told «ambleham and torrington surgery». fine",
    "Therapy at «Otterbridge Clinic», results from «Ouse Valley Pathology», film at «Tarn Lane Skin Clinic».",
    "Notes from «Mullagh Regional» are lost",
    "Scan at «Anne Rowling Clinic», then «Eastborough Eye Hospital at St Hild's»",
    "bloods at «Church Ambley docs» or at «Tarnton MG», please",
    "under «fenland and wolds mental health nhs foundation trust» now",
]
LEFT = [
    "GP to chase bloods",
    "General malaise for a week",
    "Memorial bench visit",
    "NHS England guidance",
    "The eye was red, dental pain",
    "pain score 7/10, 3/7 of abx",
    "took a second of each, third one refused",
    "no one to help at home, two of them away",
    "Morphine 5 MG. Given 5 MG at night",
    "The local DSU is closed, no CMHT input",
    "Day Surgery Unit, Pain Clinic, Sleep Centre",
    "Diabetes Clinic in turn, then Fracture Clinic. Cellular Pathology",
]


@pytest.mark.parametrize("line", FOUND + LEFT)
def test_what_is_found_and_what_stays(line):
    text = line.replace("«", "").replace("»", "")
    wanted = [part.partition("»")[0] for part in line.split("«")[1:]]
    spans = detect(text, options=Options(model=False))
    assert wanted == [text[one.start : one.end] for one in spans]
