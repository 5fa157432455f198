"""What stands beside a name and belongs to it: the other name, an initial, a particle."""

from dataclasses import dataclass

from moiety.deid.text import vocabulary
from moiety.deid.text.landscape import STREETS
from moiety.deid.text.naming import (
    JOINED_WORDS,
    closes,
    may_be_name,
    named_behind,
    never,
    odd_surname,
    opens,
    surname_of,
)
from moiety.deid.text.roles import KIN, ROLES, TITLES
from moiety.deid.text.terms import is_term, looks_wrong, numbered
from moiety.deid.text.vocabulary import (
    ABBREVIATION,
    CLINICAL,
    EPONYM,
    FORENAME,
    NAME,
    PLACE,
    SURNAME,
    WORD,
)
from moiety.deid.text.words import INITIAL, LOWER, NUMBER, TITLE, UPPER, Words

SURE, LIKELY, LISTED, UNKNOWN = 0.95, 0.85, 0.8, 0.45
"""How sure a rule is: title or heading; kin, role or verb; a listed name alone; no known word."""

PARTICLES = vocabulary.group("people_particles")
_SAINTS = frozenset({"st", "san", "santa", "saint"})


_SURE_PARTICLES = vocabulary.group("joining_sure_particles")


@dataclass(slots=True)
class Marks:
    """What each word counts as: how sure it is part of a name, and by which rule."""

    words: Words
    free: list[bool]
    score: list[float]
    why: list[str]

    def mark(self, i: int, score: float, why: str) -> None:
        if score > self.score[i]:
            self.score[i], self.why[i] = score, why


def beside(marks: Marks) -> None:
    """Words that join a name already found: initials, second surnames, particles."""
    words, size, score = marks.words, len(marks.words.low), marks.score
    if not any(score):
        return
    for step, order in ((1, range(1, size)), (-1, range(size - 2, -1, -1))):
        for i in order:
            j = i - step
            if not score[j] or score[i] or not marks.free[i]:
                continue
            gap = words.gaps[j] if step == 1 else words.gaps[i]
            if gap in ("-", " ", ". ", ".") and _joins(words, i, j, gap):
                marks.mark(i, min(marks.score[j], 0.8), "beside a name")
    for i in range(size - 2, -1, -1):
        if words.low[i] in _SURE_PARTICLES and marks.free[i] and not marks.score[i]:
            if marks.score[i + 1] and words.gaps[i] in (" ", "-"):
                marks.mark(i, 0.8, "particle")
    for i in range(size - 1) if words.case == TITLE else ():
        if words.low[i] in PARTICLES - _SAINTS and marks.free[i] and not marks.score[i]:
            if words.shapes[i] == words.shapes[i + 1] == TITLE and words.gaps[i] == " ":
                if marks.score[i + 1]:
                    marks.mark(i, min(marks.score[i + 1], 0.8), "particle")
    for i in range(1, size - 1):
        if words.low[i] in PARTICLES and marks.free[i] and not marks.score[i]:
            if marks.score[i - 1] and marks.score[i + 1] and words.gaps[i - 1] == " ":
                marks.mark(i, 0.8, "particle")


def _joins(words: Words, i: int, j: int, gap: str) -> bool:
    """Whether word `i` belongs to the name that its neighbour `j` is part of."""
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if len(word) == 1:
        if i and words.gaps[i - 1][-1:] in ("/", "&"):
            return False
        alone = word == "a" and gap == " " and opens(words, i) and j > i
        alone = alone and words.gaps[j][:1] not in ("\n", "", "(")
        return shape == INITIAL and word != "i" and (j > i or gap == " ") and not alone
    if gap[0] == "." and len(words.low[min(i, j)]) > 1:
        return False
    if never(words, i) and j < i and words.case == TITLE and shape == TITLE:
        return surname_of(words, i) and closes(words, i)  # `Mounira May | Coordinator`
    if (
        never(words, i)
        or shape == NUMBER
        or word in TITLES
        or (gap[0] == "." and len(words.low[min(i, j)]) > 1)
    ):
        return False
    if gap == "-":
        capital = j < i and words.case == TITLE and shape == TITLE and not known & CLINICAL
        return bool(known & NAME) or not known & WORD or capital or _second_half(words, i, j)
    if (
        word in ROLES
        or word in KIN
        or (word in STREETS and not known & SURNAME)
        or is_term(words, i)
    ):
        return False
    return _joins_capital(words, i, j) if words.case == TITLE else _joins_any(words, i, j)


def _second_half(words: Words, i: int, j: int) -> bool:
    """`o'shaughnessy-quick`: a word as the second half of a surname, where capitals tell nothing."""
    known = words.flags[i]
    return (
        j < i and words.case != TITLE and not known & CLINICAL and not words.flags[j] & (WORD | EPONYM)
        and words.low[i] not in JOINED_WORDS
    )  # fmt: skip


def _joins_capital(words: Words, i: int, j: int) -> bool:
    word, known, shape, beside = words.low[i], words.flags[i], words.shapes[i], words.flags[j]
    if shape == TITLE and j == i - 1 > 0 and len(words.low[j]) == 1 and words.gaps[j] == ". ":
        before = words.flags[j - 1]  # `Jane Q. Public`
        if before & FORENAME and not before & WORD and words.gaps[j - 1] == " ":
            return word not in ROLES and not known & CLINICAL
    if shape == UPPER and j < i and beside & FORENAME and words.shapes[j] == TITLE:
        numbered = i + 1 < len(words.low) and words.shapes[i + 1] == NUMBER
        if (
            numbered
            and len(word) > 4
            and word not in ROLES
            and not known & (CLINICAL | ABBREVIATION)
        ):
            return True  # `Reginald CUTTING 11/11/33`
    if shape == LOWER or (
        shape == UPPER and words.shapes[j] != UPPER and len(word) <= 4 and not known & NAME
    ):
        return False
    if j < i and known & SURNAME and not known & CLINICAL and not beside and closes(words, i):
        return word not in ROLES  # `Mounira May |`, `Lesia Baker,`
    if known & NAME:
        if known & WORD and opens(words, i) and not (j > i and named_behind(words, i)):
            return False
        return not known & CLINICAL and bool(
            beside & FORENAME if j < i else known & FORENAME or beside & FORENAME
        )
    if j < i and odd_surname(words, i):
        return True
    if may_be_name(words, i) and not beside & (WORD | PLACE | EPONYM):
        return bool(beside & FORENAME) or j > i
    if known:
        place = known & (PLACE | EPONYM) and not known & WORD
        return bool(j < i and place and (beside & FORENAME or not beside) and not beside & WORD)
    if looks_wrong(words, i):
        return False
    return not opens(words, i) or (j > i and bool(beside & SURNAME))


def _joins_any(words: Words, i: int, j: int) -> bool:
    word, known, beside = words.low[i], words.flags[i], words.flags[j]
    if known & NAME and not known & (WORD | EPONYM):
        return True
    if known == EPONYM and j < i and not beside & (WORD | PLACE) and closes(words, i):
        return True
    if j < i and surname_of(words, i) and not beside & WORD:
        return True
    surname = (beside & SURNAME and not beside & WORD) or not beside
    if j > i and known & FORENAME and surname and not numbered(words, i):
        return words.case == UPPER or word not in ("will", "may", "can", "mark", "hope")
    return (
        not known
        and len(word) > 3
        and j < i
        and bool(beside & FORENAME)
        and not vocabulary.near_word(word)
    )
