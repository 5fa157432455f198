"""Which words may belong to the name of a hospital or practice, and which are its own."""

from moiety.deid.text import vocabulary
from moiety.deid.text.landscape import CONNECTORS, HOUSES, LANDSCAPE, STREETS
from moiety.deid.text.listed_hospitals import CUES
from moiety.deid.text.roles import NEVER, ROLES
from moiety.deid.text.vocabulary import CLINICAL, NAME, PLACE, WORD
from moiety.deid.text.words import LOWER, NUMBER, TITLE, UPPER, Words

GENERIC = vocabulary.group("organisations_generic")
NO_PART = vocabulary.group("organisations_never")
PARTS = vocabulary.group("organisations_parts")
MOST_WORDS = 7
"""How many words a name has at most."""

CALLED_AFTER = frozenset({"mohs"})
"""Operations called after somebody: `Mohs surgery` is no practice."""
OPERATIONS = frozenset(
    [
        "plastic",
        "general",
        "day",
        "elective",
        "emergency",
        "major",
        "minor",
        "vascular",
        "open",
        "keyhole",
        "private",
        "cosmetic",
        "oral",
        "dental",
        "weight",
        "best",
        "good",
        "clinical",
        "nursing",
        "community",
        "primary",
    ]
)


def is_capital(words: Words, i: int) -> bool:
    """A word with a capital that is no title, cue or heading: `Corn Exchange`, `Two Rivers`."""
    low = words.low[i]
    return (
        words.case == TITLE and words.shapes[i] == TITLE
        and low not in NO_PART and low not in NEVER and low not in CUES and low not in ROLES
    )  # fmt: skip


def is_own(words: Words, i: int) -> bool:
    """A word that tells one practice from another: a name, a place, a piece of landscape."""
    word, known = words.low[i], words.flags[i]
    if word in GENERIC or word in CONNECTORS or word in CALLED_AFTER:
        return False
    if word in LANDSCAPE or word in HOUSES or word in ("road", "street", "lane", "avenue", "hill"):
        return True
    if bool(known & (NAME | PLACE)) or not known & WORD:
        return True
    if word.rstrip("s") in LANDSCAPE:
        return True
    capital = words.case == TITLE and words.shapes[i] == TITLE and not known & CLINICAL
    return capital and word not in OPERATIONS and words.low[i + 1 : i + 2] != ["surgery"]


def joined(gap: str) -> bool:
    """Whether what stands between two words leaves them in one name."""
    return gap in (" ", "-", ". ", " & ", "&", "'s ", "' ")


def belongs(words: Words, i: int) -> bool:
    """Whether a word can be part of an organisation's name."""
    word, known = words.low[i], words.flags[i]
    if words.shapes[i] == NUMBER:
        return False
    if word in NO_PART or (
        word in NEVER and word not in CONNECTORS and word not in PARTS and word not in LANDSCAPE
    ):
        return False
    if words.case == TITLE:
        if words.shapes[i] == LOWER:
            return (
                word in ("of", "and", "for", "upon", "the")
                and i > 0
                and words.shapes[i - 1] in (TITLE, UPPER)
            )
        if known & WORD and not (
            known & (NAME | PLACE)
            or word in LANDSCAPE
            or word in PARTS
            or word in CONNECTORS
            or word in STREETS
            or not vocabulary.listed(word)
        ):
            return False
        return word not in CUES
    if word in ("of", "and", "for", "upon"):
        return i > 0 and (
            words.low[i - 1] in LANDSCAPE
            or bool(words.flags[i - 1] & (PLACE | NAME))
            or words.low[i - 1] in PARTS
        )
    return (
        word in LANDSCAPE
        or word in STREETS
        or word in HOUSES
        or word in PARTS
        or bool(known & (PLACE | NAME))
        or not known
        or (word == "the" and words.case == UPPER and words.low[i + 1] in LANDSCAPE)
    )
