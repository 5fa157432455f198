"""Names that stand surname first: `SIDHU, Gurpreet`, `Tolhurst, G 123456`, `SELASSIE Haile`."""

from moiety.deid.text import vocabulary
from moiety.deid.text.joining import Marks
from moiety.deid.text.naming import closes, never, opens
from moiety.deid.text.roles import NEVER
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
from moiety.deid.text.words import LOWER, NUMBER, TITLE, UPPER, Words


def turned(marks: Marks) -> None:
    """`SURNAME, Forename`, and `SURNAME Forename` in lists."""
    words = marks.words
    for i in range(len(words.low) - 1):
        if not (marks.free[i] and marks.free[i + 1]) or len(words.low[i]) < 2:
            continue
        gap = words.gaps[i]
        if gap in (", ", ",", " ", " (") and _word_in_list(words, i):
            marks.mark(i, 0.7, "surname in a list")
            marks.mark(i + 1, 0.7, "surname in a list")
        if gap in (" / ", " | ", "/") and i + 2 < len(words.low) and words.shapes[i + 2] == NUMBER:
            if opens(words, i) and _could_be(words, i) and _could_be(words, i + 1):
                marks.mark(i, 0.7, "surname / forename / number")
                marks.mark(i + 1, 0.7, "surname / forename / number")
        elif gap in (", ", ",") and len(words.low[i + 1]) == 1:
            if _initial_behind(words, i):
                marks.mark(i, 0.75, "surname, initial")
                marks.mark(i + 1, 0.75, "surname, initial")
        elif gap == " " and len(words.low[i + 1]) == 1 and _letter_behind(words, i):
            marks.mark(i, 0.7, "forename and letter")
            marks.mark(i + 1, 0.7, "forename and letter")
        elif gap in (", ", ",", " , ", ",  "):
            if _is_turned(words, i):
                marks.mark(i, 0.82, "surname, forename")
                marks.mark(i + 1, 0.82, "surname, forename")
        elif gap == " " and words.case != TITLE and _headed(words, i):
            marks.mark(i, 0.75, "surname and forename before a number")
            marks.mark(i + 1, 0.75, "surname and forename before a number")
        elif gap == " " and words.case == TITLE and words.shapes[i] == UPPER:
            second = words.flags[i + 1]
            if words.shapes[i + 1] == TITLE and second & FORENAME and not second & CLINICAL:
                if words.flags[i] & SURNAME and len(words.low[i]) > 2:
                    marks.mark(i, 0.8, "SURNAME Forename")
                    marks.mark(i + 1, 0.8, "SURNAME Forename")


_NUMBERS_BEHIND = frozenset({"dob", "nhs", "mrn", "hosp", "chi", "rec", "d"})
_FEWEST_DIGITS = 6


def _headed(words: Words, i: int) -> bool:
    """`PRICE AL DOB 4/5/71`: two words at the head of a line, the second a forename, then a number."""
    first, second, after = words.flags[i], words.flags[i + 1], i + 2
    if after >= len(words.low) or not second & FORENAME or first & (CLINICAL | PLACE):
        return False
    if (first and not first & SURNAME) or never(words, i) or not opens(words, i):
        return False
    number = words.shapes[after] == NUMBER and len(words.low[after]) >= _FEWEST_DIGITS
    return number or words.low[after] in _NUMBERS_BEHIND


def _initial_behind(words: Words, i: int) -> bool:
    """`Tolhurst, G 123456`: a surname at the head of an entry, and an initial before a number or an end."""
    known, after = words.flags[i], i + 2
    if words.shapes[i] not in ((TITLE, UPPER) if words.case == TITLE else (LOWER, UPPER)):
        return False
    if known & (WORD | PLACE | EPONYM) or not (opens(words, i) or known & SURNAME):
        return False
    if not known and (words.case != TITLE and vocabulary.near_word(words.low[i])):
        return False
    if not words.low[i + 1].isalpha() or len(words.low[i]) < 3:
        return False
    numbered = after < len(words.low) and words.shapes[after] == NUMBER
    if words.low[i + 1] == "i" and words.gaps[i + 1] == " " and not numbered:
        return False  # "Dear Dr Patel, I saw": who writes
    return closes(words, i + 1) or numbered


def _word_in_list(words: Words, i: int) -> bool:
    """`Wood, A. / Wood, E.`, `5 grey, d -`, `Hill D | 77`, `insulin Brown (Avril)`: a surname that is
    another word too, with the initial or forename that lists give.
    """
    known, second, gap = words.flags[i], words.flags[i + 1], words.gaps[i]
    if not known & SURNAME or known & CLINICAL or len(words.low[i]) < 3 or words.low[i] in _NO_LIST:
        return False
    shapes = words.shapes[i], words.shapes[i + 1]
    if NUMBER in shapes or (words.case == TITLE and LOWER in shapes):
        return False
    if gap == " (":
        forename = second & FORENAME and not second & CLINICAL
        return bool(forename) and words.case == TITLE and words.gaps[i + 1][:1] == ")"
    if len(words.low[i + 1]) > 1 or not words.low[i + 1].isalpha() or words.low[i + 1] == "x":
        return False
    after = words.gaps[i + 1]
    numbered = i + 2 < len(words.low) and words.shapes[i + 2] == NUMBER
    stops = closes(words, i + 1) or after[:2] in (" |", " /", " -") or (numbered and after == " ")
    headed = opens(words, i) or (
        words.shapes[i - 1] == NUMBER and (opens(words, i - 1) or gap != " ")
    )
    return stops and (headed or (gap != " " and after[:1] == "." and words.case == TITLE))


_NO_LIST = vocabulary.group("turning_no_list")


def _could_be(words: Words, i: int) -> bool:
    """A listed name, or a word of three letters and more that nothing is known of."""
    known, shape = words.flags[i], words.shapes[i]
    if shape == NUMBER or never(words, i) or (words.case == TITLE and shape == LOWER):
        return False
    return bool(known & NAME) or (not known and len(words.low[i]) > 2)


def _heads_entry(words: Words, i: int) -> bool:
    """`Graves, Houri (Dr)`, `18.4.2024 May, Bingwen`: a surname that is another word too, at the head
    of an entry, before a forename at its end.
    """
    first, second = words.flags[i], words.flags[i + 1]
    headed = opens(words, i) or words.shapes[i - 1] == NUMBER
    if not first & (SURNAME | EPONYM) or not headed or len(words.low[i]) < 3:
        return False
    if words.case == TITLE and LOWER in (words.shapes[i], words.shapes[i + 1]):
        return False
    forename = bool(second & FORENAME) and words.low[i + 1] not in NEVER
    unknown = words.case == TITLE and not second and not vocabulary.near_word(words.low[i + 1])
    return (forename or (unknown and len(words.low[i + 1]) > 2)) and closes(words, i + 1)


def _is_turned(words: Words, i: int) -> bool:
    first, second = words.flags[i], words.flags[i + 1]
    if NUMBER in (words.shapes[i], words.shapes[i + 1]) or _names_post(words, i):
        return False
    if _heads_entry(words, i):
        return True
    if never(words, i) or (never(words, i + 1) and not second & FORENAME):
        return False
    own = bool(first & SURNAME) and not first & (WORD | PLACE)
    if words.case != TITLE:
        if not second and own:
            return len(words.low[i + 1]) > 2 and not vocabulary.near_word(words.low[i + 1])
        own = own or (not first and opens(words, i) and not vocabulary.near_word(words.low[i]))
        return own and bool(second & FORENAME) and not (second & WORD and words.case == LOWER)
    if words.shapes[i] == LOWER or words.shapes[i + 1] == LOWER:
        return False
    if second & FORENAME:
        if first & SURNAME:
            return words.shapes[i] == UPPER or not (first & WORD and second & WORD)
        return not first & PLACE and not vocabulary.listed(words.low[i]) and len(words.low[i]) > 2
    if second & (WORD | PLACE | EPONYM) or len(words.low[i + 1]) < 3:
        return False
    return (own and not opens(words, i + 1) and not first & EPONYM) or (
        words.shapes[i] == UPPER and words.shapes[i + 1] == TITLE
        and len(words.low[i]) > 3 and not first & (WORD | EPONYM)
    )  # fmt: skip


_LONGEST_POST = 4


def _names_post(words: Words, i: int) -> bool:
    """`Dr Ghosh, ED`, `Finn Gallagher, ACCS`: a department or a grade behind a name that has small letters."""
    capitals = words.case == TITLE and words.shapes[i] != UPPER and words.shapes[i + 1] == UPPER
    second, word = words.flags[i + 1], words.low[i + 1]
    if not 1 < len(word) <= _LONGEST_POST:
        return False
    if not second & ABBREVIATION:
        return False
    return not second & (NAME if not capitals else SURNAME)


def _letter_behind(words: Words, i: int) -> bool:
    """`Jo T |`, `Lewis P. (8)`, `sue h on phones`: a forename and a surname's first letter."""
    known, letter, gap = words.flags[i], words.low[i + 1], words.gaps[i + 1]
    if not known & NAME or known & WORD or not letter.isalpha() or letter in _NO_LETTERS:
        return False
    if known & EPONYM and letter == "i":
        return False  # `Mason I`: a grade
    if (words.shapes[i] == LOWER) != (words.shapes[i + 1] == LOWER):
        return False
    closes = not gap or gap[0] in ".,;:)|/\n" or gap[:2] in ("  ", " (", " |", " -", " –")
    if not known & FORENAME:  # `callaghan m 23m`: in a list, before a number or a stop
        numbered = i + 2 < len(words.low) and words.shapes[i + 2] == NUMBER
        listed = words.case != TITLE or words.shapes[i] == UPPER
        return listed and not known & (EPONYM | PLACE) and (closes or (numbered and gap == " "))
    return closes or (not known & EPONYM and letter not in "ai")


_NO_LETTERS = frozenset("x")
