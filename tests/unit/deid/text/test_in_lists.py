"""What lists, margins and the ends of texts give: names that are words, single letters, numbers again.

Each line is of the project's own; what stands between « and » is found, and nothing else is.
"""

import re

import pytest

from moiety.deid.text import Options, detect

NAMES = [
    "Ward nine: «Marsh, B». / «Marsh, T». share a room",
    "4 | «Heath K» | 81 | day two of her hip",
    "insulin given, «Winter» («Beryl») wants it later",
    "Surname      «FIELD»            Sex  male",
    "PC 3307 «Banks» took the details down",
]
LETTERS = [
    "Happy to see him again if the pain is back. «K»",
    "The nurses know and so does his wife.\n> «T»\n> Sent from my phone",
    "The plan was made on the round, «KD-W» and the ward agree to it",
]
NUMBERS = [
    "bleep «1377» / Surg Reg «1379» / porters busy",
    "Ring ext «6614» (or «6615» at lunch)",
    "The sister answers (bp «764») at night",
    "site office x«26118» from nine",
]
ORGANISATIONS = [
    "Transferred from «St Wilfred's Hosp», on oxygen",
    "bed found at «brackendale cottage hosp» for Friday",
    "NIGHT BOOK OF «QUEEN'S COTTAGE HOSP» AND ITS BEDS",
    "«Westbourne Women's & Children's» has the notes",
    "«Queen Mary Eye Pavilion», second floor",
    "A letter to «Meddygfa Bryn-yr-haul» went today",
    "Sent by «Tarvin Hub Practice» on paper",
    "gp: «the larksfield»",
    "She was in «the Western» since the fall",
]
PLACES = [
    "post to «6 Grey Otters Walk, Maldon» please",
    "home is «4 fisher cotages, abbotsbury»",
]
NOTHING = [
    "Bay A | Ward B | Hall C | Vitamin D | Type B",
    "The pain was graded B. It had been grade A before",
    "CT-A done, MR-A booked, PR-B seen on the strip",
    "bp 120, then bp 345/2 by mistake",
    "paracetamol 32 x 500 taken, batch X018822 recalled",
    "It is a 10 minute walk, mostly uphill",
    "gp: informed today",
    "registered with diabetes care",
    "MUM TOLD TO RING BACK",
]


@pytest.mark.parametrize("line", [*NAMES, *LETTERS, *NUMBERS, *ORGANISATIONS, *PLACES, *NOTHING])
def test_what_is_marked_is_found_and_nothing_else(line):
    """By the rules alone, which say why."""
    text = line.replace("«", "").replace("»", "")
    spans = detect(text, options=Options(model=False))
    assert re.findall("«(.+?)»", line) == [text[span.start : span.end] for span in spans]


def test_a_telephone_in_capitals_leaves_the_words_before_it():
    """In a text of capitals a word before digits in groups is no code of a register."""
    text = "SON RORY TOLD 07700 900 441, PAGER 4410 RINGS OUT"
    found = [text[span.start : span.end] for span in detect(text, options=Options(model=False))]
    assert "07700 900 441" in found
    assert not {"TOLD", "PAGER"} & set(found)
