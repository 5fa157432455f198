"""Centres, units and departments of a place: `Severn HPB Centre`, `Ribbleton DSU`, `Otterbridge Clinic`."""

import re
from collections.abc import Iterator

from moiety.deid.text.labels import Label
from moiety.deid.text.roles import NEVER, TITLES
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL, FORENAME, ORDINARY, PLACE, WORD
from moiety.deid.text.words import LOWER, NUMBER, TITLE, UPPER, Words

_HEADS = frozenset({"unit", "centre", "center", "ctr", "pavilion"})
_SITES = frozenset({"village", "park", "campus", "hub"})
_OF_HEALTH = frozenset({"health", "healthcare", "medical", "wellbeing", "care"})
UNITS = frozenset(
    {"maternity", "birth", "birthing", "cancer", "burns", "hospice", "eye", "injuries", "heart", "dialysis", "stroke", "renal",
     "cardiothoracic", "trauma", "orthopaedic", "neurosciences", "neurological", "oncology", "kidney", "rehabilitation", "rehab",
     "treatment", "spinal", "diagnostic", "cardiac", "baby", "injury", "neuroscience", "genetics", "chest", "breast", "liver",
     "fertility", "respiratory", "haemodialysis", "radiotherapy", "hpb", "imaging", "scanning", "endoscopy", "sleep",
     "vascular", "urology", "dermatology", "infusion", "vaccination", "rheumatology", "arthritis", "diabetes", "wound",
     "surgical", "elective", "ambulatory", "outpatient", "memory", "neonatal", "simulation", "pet", "mri", "sight",
     "hearing", "pain", "gastroenterology", "neuro", "orthotic", "prosthetic", "limb", "transplant", "surgery"}
)  # fmt: skip
UNIT_HEADS = _HEADS | _SITES
BEFORE_TOWNS = frozenset(
    {
        "bishop",
        "north",
        "south",
        "east",
        "west",
        "mid",
        "great",
        "st",
        "new",
        "royal",
        "kings",
        "milton",
    }
)
_STOPS = re.compile(r"[ ]?(?:[.,;:)\n|/]|\Z)|  | (?:on|for|with|at|and|in|by|to|from|re|was|is)\b")


def is_unit(what: str, word: str) -> bool:
    """Whether two words name a kind of unit: `imaging centre`, `health village`."""
    return (word in _HEADS and what in UNITS) or (word in _SITES and what in _OF_HEALTH)


def find(words: Words) -> Iterator[Span]:
    """Units by their letters and departments, behind the name of a place."""
    for i in words.each(_LETTERED):
        if span := _lettered(words, i):
            yield span
    for i in words.each(_DEPARTMENTS) if words.case == TITLE else ():
        if span := _of_place(words, i):
            yield span


_LETTERED = frozenset(
    {
        "dsu",
        "miu",
        "utc",
        "cdc",
        "mlu",
        "cmht",
        "camhs",
        "camh",
        "mhu",
        "scbu",
        "nicu",
        "dpu",
        "dtc",
        "istc",
        "wic",
        "crht",
    }
)
"""Units by their letters, which are of a place where its name stands before them."""


def _lettered(words: Words, i: int) -> Span | None:
    """`Ribbleside DSU`, `north tolworth cmht`: a place or a word that nobody knows, and a unit's letters."""
    if not i or words.gaps[i - 1] != " " or (words.case == TITLE and words.shapes[i] != UPPER):
        return None
    first = i - 1
    known, word = words.flags[first], words.low[first]
    strange = not known and len(word) > _SHORT and words.shapes[first] != NUMBER
    if word in NEVER or not (strange or (known & PLACE and not known & WORD)):
        return None
    if words.case == TITLE and words.shapes[first] != TITLE:
        return None
    if first and words.low[first - 1] in BEFORE_TOWNS and words.gaps[first - 1] == " ":
        first -= words.case != TITLE or words.shapes[first - 1] == TITLE
    return Span(words.starts[first], words.ends[i], Label.HOSPITAL_NAME, 0.6, "unit of a place")


_SHORT = 4


_DEPARTMENTS = frozenset(
    {"clinic", "clinics", "pathology", "genetics", "laboratory", "laboratories", "orthopaedics", "maternity", "radiology",
     "opd", "outpatients", "imaging", "cardiology", "oncology", "urology", "dermatology", "theatres"}
)  # fmt: skip
_OF_WHAT = frozenset(
    {"skin", "eye", "hand", "pain", "foot", "knee", "hip", "breast", "heart", "fertility", "sleep", "chest", "fracture",
     "regional", "community", "central", "day", "women's", "children's", "surgical", "medical", "dental"}
)  # fmt: skip
_WAYS = frozenset(
    {
        "lane",
        "road",
        "rd",
        "street",
        "st",
        "square",
        "sq",
        "hill",
        "park",
        "green",
        "way",
        "row",
        "valley",
        "vale",
    }
)


def _of_place(words: Words, i: int) -> Span | None:
    """`Otterbridge Clinic`, `Parr Lane Skin Clinic`, `Ouse Valley Pathology`: a place and what is there."""
    if words.shapes[i] == LOWER:
        return None
    first = i
    while (
        first
        and words.gaps[first - 1] == " "
        and words.low[first - 1] in _OF_WHAT
        and words.shapes[first - 1] == TITLE
    ):
        first -= 1
    way = first > 1 and words.low[first - 1] in _WAYS and words.gaps[first - 2] == " "
    first -= 1 + way
    if (
        first < 0
        or words.gaps[first] != " "
        or words.shapes[first] != TITLE
        or not _STOPS.match(words.text, words.ends[i])
    ):
        return None
    known, word = words.flags[first], words.low[first]
    if _of_person(words, first):
        return Span(
            words.starts[first - 1],
            words.ends[i],
            Label.HOSPITAL_NAME,
            0.86,
            "department called after somebody",
        )
    strange = not known and len(word) > _SHORTEST_PLACE
    if (
        word in NEVER
        or known & CLINICAL
        or not (way or strange or (known & PLACE and not known & ORDINARY))
    ):
        return None
    if first and words.gaps[first - 1] in (" ", ". ") and words.shapes[first - 1] in (TITLE, UPPER):
        return None  # `Dr Otterbridge Clinic`
    return Span(
        words.starts[first],
        words.ends[i],
        Label.HOSPITAL_NAME,
        0.86 if way else 0.58,
        "department of a place",
    )


def _of_person(words: Words, i: int) -> bool:
    """`Anne Rowling Clinic`: a forename and a surname, and no title before."""
    if not i or words.gaps[i - 1] != " " or words.shapes[i - 1] != TITLE or words.flags[i] & WORD:
        return False
    titled = i > 1 and words.low[i - 2] in TITLES and words.gaps[i - 2] in (" ", ". ")
    return bool(words.flags[i - 1] & FORENAME) and not titled


_SHORTEST_PLACE = 5
