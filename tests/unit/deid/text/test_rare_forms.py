"""Dates, numbers and letters in forms that few write, and what only looks like them.

Each line is of the project's own; what stands between « and » is found, and nothing else is.
"""

import re

import pytest

from moiety.deid.text import Options, detect

DATES = [
    "last seen in «spring 2019», well since",
    "stable since «03/2015», no flare",
    "wound checked «7:2:25», again at 11:42:25",
    "next visit «18/xi», then weekly",
    "wedi ei weld «14 Tach», pwysau yn dda",
    "reviewed «2 Chwe 2025»",
    "it was «the 9th of the 11th 38» she says",
    "fell on «the 5th of the 3rd»",
    "the dressing goes on until «the 24th», so no bath",
    "nobody can come «the 19th»",
    "clinic moved, children's room «27th».",
    "back in clinic on «the last Thursday of June», fasting",
    "«nos Wener 14/11» and «Iau 3 Hyd», then home",
    "seen «Shrove Tues», well until «Lady Day»",
    "cast off «wed pm 6/11», stitches «19-vi»",
    "closed «Whit Mon» and «Tu 6 Oct»",
    "moved «xmas day», away for «the second night of Pesach», back «Whit weekend»",
    "film «last Hallowe'en» was clear",
    "booked «mon 16» 11am, then home",
    "gaps on «24/7» and «25/7», booked for «14/7» at 10:00",
]
PLACES = ["the house is «14 juniper gdns», two steps", "HOME VISIT TO «31 JUNIPER GDNS», TWO STEPS"]
HOUSES = [
    "seen in «HMP Thorncombe», then released",
    "she rents «the flat above The Robin Hood» now",
    "moved to «Quebec Barracks» last week",
    "sleeps at «St Jude's Night Shelter»",
    "Lives at: «14 Marigold Court» (sheltered), one step",
    "She lives near «Wells, The Old Tannery», up two steps",
    "seen at home. «the bakehouse, oddington»\nheel no better",
    "The address is «The Engine House, Botallack».",
    "the visit is at «the old smithy». she rings first",
]
NUMBERS = [
    "still waiting for pharmacy «6604», then home",
    "the rota coordinator «81226», she knows",
    "sample gone (spec «haem 5.118.204»), result tonight",
    "crossmatch «kl 25/00318», two units",
    "ganglioside antibodies «neu 23-10442» awaited",
]
INSIDE = [
    "queries to audit, «3-1192», or coding xt «4 0 9»",
    "«Elsie» in stores x «2 1 7», internal *«63»",
    "I was put through to «4405», then cut off",
    "the porters say ask for «5512», nobody came",
]
HOSPITALS = [
    "under «Fenwick Women's». Next in clinic",
    "transfer from «Fenwick Chest Unit» today",
]
LETTERS = [
    "mother and Baby «R» are both well",
    "for Dr «Okonjo» («KO»), Mrs «Hall» («RH») agreed",
    "seen with Mr «K» today, Sister «P» agreed",
    "task for dr «P», mrs «b» wants a call",
    "ask Miss «F», then Mrs «O»'s neighbour",
    "This is the plan for Baby «T», who has no name yet",
]
PRACTICES = [
    "GP at «Abbey Surgery», as before",
    "a call from «Dr Fell & Ptnrs» at noon",
    "Scan outsourced to «Ashdown General Hospital NHS FT» last week",
]
NOTHING = [
    "ended at 9:05:30, started 10:12:25",
    "grade 2/iv murmur, power 4/v, class 3/iv",
    "between the 25th, 50th and 75th centile",
    "on the 19th floor, in the 21st century, at the 30th week",
    "the 5th nerve, the 2nd toe, the 9th rib",
    "pharmacy 1430, reception 0915, micro 2024",
    "The Old Age team has seen her",
    "they make bread at the bakery, not here",
    "covid 24-7 was negative, BS 7 and falling",
    "baby A&E visit, Baby G-tube",
    "the last weekend of term, the second week in bed",
    "iron 2 3 4 and x 2 3 4 mg, 1-1500 ml a day",
    "a flat over the weekend, room above average",
    "Sepsis (GP) and the ward (RN)",
    "Mohs surgery to the nose, urine PCR 22, BP 134/78",
    "SNOMED T-02630 M-87433, drinks 10u/wk",
    "Dr A&E, Ms 4, dr b12, MR K+ 4.1, MS T2",
    "women's health, children's services and the men's group",
    "put to bed at 2100, ask for 2020 notes",
]


@pytest.mark.parametrize(
    "line",
    [*DATES, *PLACES, *HOUSES, *NUMBERS, *LETTERS, *PRACTICES, *INSIDE, *HOSPITALS, *NOTHING],
)
def test_what_is_marked_is_found_and_nothing_else(line):
    """By the rules alone, which say why."""
    text = line.replace("«", "").replace("»", "")
    spans = detect(text, options=Options(model=False))
    assert re.findall("«(.+?)»", line) == [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize("text", ["on {0}/{0} today", "on the {0}th of May", "at {0}:{0}:{0}"])
def test_a_number_of_any_length_is_read(text):
    """Python refuses to turn more than 4,300 digits into a number."""
    assert isinstance(detect(text.format("1" * 5000)), list)
