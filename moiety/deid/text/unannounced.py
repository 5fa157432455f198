"""Names that nothing announces: listed ones, and unknown words with capitals."""

from moiety.deid.text import vocabulary
from moiety.deid.text.joining import LISTED, UNKNOWN, Marks
from moiety.deid.text.naming import (
    capital,
    never,
    opens,
)
from moiety.deid.text.roles import (
    AFTER,
    ROLES,
    TITLES,
)
from moiety.deid.text.terms import is_ethnic, is_term, looks_wrong, nearly_name
from moiety.deid.text.vocabulary import (
    CLINICAL,
    EPONYM,
    FORENAME,
    NAME,
    ORDINARY,
    PLACE,
    SURNAME,
    WORD,
)
from moiety.deid.text.words import LOWER, NUMBER, TITLE, UPPER, Words

_FEW = 20
_HAD = vocabulary.group("people_had")
_EVERYDAY = vocabulary.words_of("everyday")


def listed(marks: Marks) -> None:
    """Words of the lists that mean nothing else, and unknown words with a capital."""
    words = marks.words
    for i, known in enumerate(words.flags):
        word, shape = words.low[i], words.shapes[i]
        if marks.score[i] or not marks.free[i] or shape == NUMBER or len(word) < 2:
            continue
        if word in TITLES or never(words, i):
            continue
        if known & NAME and not known & (WORD | EPONYM):
            if _alone(words, i) and not is_term(words, i):
                marks.mark(i, LISTED, "listed name")
        elif known & FORENAME and known & EPONYM and not known & (WORD | SURNAME | PLACE):
            if words.case == TITLE and shape == TITLE and not _termed(words, i):
                marks.mark(i, 0.7, "forename")
        elif known & FORENAME and len(word) <= 3 and _short_forename(words, i):
            marks.mark(i, 0.6, "short forename")
        elif known & NAME:
            if words.case == TITLE and shape != LOWER and _pair(words, i) and not is_term(words, i):
                if not is_ethnic(words, i):
                    marks.mark(i, 0.7, "forename and surname")
        elif known or is_term(words, i):
            continue
        elif _aged(words, i):
            marks.mark(i, 0.6, "unknown word before an age")
        elif _two_unknown(words, i):
            marks.mark(i, 0.6, "two unknown words with capitals")
            marks.mark(i + 1, 0.6, "two unknown words with capitals")
        elif words.case == TITLE and shape == TITLE and len(word) > 2 and word not in ROLES:
            if not opens(words, i) and not looks_wrong(words, i):
                score = 0.7 if vocabulary.near_name(word) else UNKNOWN
                marks.mark(i, score, "unknown word with a capital")
            elif (
                opens(words, i)
                and nearly_name(word)
                and capital(words, i + 1 if i + 1 < len(words.low) else i)
            ):
                marks.mark(i, UNKNOWN, "nearly a listed name")
        elif words.case != TITLE and len(word) > 4 and nearly_name(word):
            marks.mark(i, UNKNOWN, "nearly a listed name")
        elif words.case != TITLE and _stranger(words, i):
            marks.mark(i, UNKNOWN, "unknown word where capitals tell nothing")


def _short_forename(words: Words, i: int) -> bool:
    """`Bo reports`, `with Al`: two or three letters with one capital, which abbreviations have not."""
    if words.case != TITLE or words.shapes[i] != TITLE or words.flags[i] & ORDINARY:
        return False
    after = words.low[i + 1] if i + 1 < len(words.low) else ""
    return not opens(words, i) or (after in AFTER and words.gaps[i] == " ")


def _aged(words: Words, i: int) -> bool:
    """`Drumgoole, 23, kettle scald`: a word at the head of an entry, with an age behind."""
    if words.gaps[i] != ", " or not opens(words, i) or i + 1 >= len(words.low):
        return False
    word, age, gap = words.low[i], words.low[i + 1], words.gaps[i + 1]
    if not age[:2].isdigit() or len(age) > 4 or not (gap[:1] in (",", " ") or age[2:]):
        return False
    return len(word) > 3 and word not in ROLES and (
        words.shapes[i] == TITLE if words.case == TITLE else not vocabulary.near_word(word)
    )  # fmt: skip


def _stranger(words: Words, i: int) -> bool:
    """A word of four letters and more that is no slip of a known one and no drug with its dose."""
    word = words.low[i]
    if len(words.low) < _FEW:  # of so few words the case tells nothing of the hand
        return False
    if len(word) < 4 or word in ROLES or word in _EVERYDAY or word.removesuffix("s") in _EVERYDAY:
        return False
    return word.isalpha() and not looks_wrong(words, i)


def _termed(words: Words, i: int) -> bool:
    """Whether a forename that is an eponym too stands in a term: `Ann Arbor`, `Frank haematuria`."""
    after = words.flags[i + 1] if i + 1 < len(words.low) else 0
    return is_term(words, i) or bool(after & (EPONYM | CLINICAL))


def _two_unknown(words: Words, i: int) -> bool:
    """`Polyxeni McClafferty RN`: two words that nothing is known of, side by side."""
    if i + 1 >= len(words.low) or words.gaps[i] not in (" ", ", ", "-", ",", "  "):
        return False
    shape, other, known = words.shapes[i + 1], words.low[i + 1], words.flags[i + 1]
    if shape == NUMBER or min(len(words.low[i]), len(other)) < 2:
        return False
    good = not known or (known & NAME and not known & (WORD | EPONYM | PLACE))
    good = good or (known == EPONYM and words.gaps[i + 1][:1] in (",", "\n", "."))
    if words.case != TITLE:
        near = vocabulary.near_word(words.low[i]) and vocabulary.near_word(other)
        return bool(good) and words.gaps[i] in (" ", "-") and not near and len(words.low[i]) > 2
    if (
        words.shapes[i] not in (TITLE, UPPER)
        or shape not in (TITLE, UPPER)
        or len(words.low[i]) < 3
    ):
        return False
    if UPPER in (words.shapes[i], shape) and min(len(words.low[i]), len(other)) < 4:
        return False
    return bool(good) and not (looks_wrong(words, i) and looks_wrong(words, i + 1))


def _alone(words: Words, i: int) -> bool:
    """Whether a listed name that is no word may stand alone."""
    word, shape, known = words.low[i], words.shapes[i], words.flags[i]
    if known & PLACE and not known & FORENAME:
        return False
    if words.case == TITLE and shape == LOWER:
        return len(word) > 3
    shortest = 4 if shape == UPPER and words.case == TITLE else 3
    return len(word) >= shortest or _pair(words, i)


def _pair(words: Words, i: int) -> bool:
    """Whether a listed name stands beside: `Hope Long` is a person, `Long` alone is none."""
    if i and words.gaps[i - 1] in (" ", "-") and words.shapes[i - 1] != LOWER:
        before = words.flags[i - 1]
        if before & FORENAME and words.flags[i] & SURNAME and not before & CLINICAL:
            if not (before & WORD and opens(words, i - 1)) or _ends(words, i):
                return True
    if words.flags[i] & FORENAME and i + 1 < len(words.low) and words.gaps[i] == " ":
        after = words.flags[i + 1]
        if words.shapes[i + 1] != LOWER and after & SURNAME and words.low[i] not in ROLES:
            return not after & (WORD | EPONYM) or _ends(words, i + 1)
    return False


def _ends(words: Words, i: int) -> bool:
    """Whether nothing of the sentence follows: the line's end, a comma, a bracket, a grade."""
    gap = words.gaps[i].lstrip(" ")
    after = words.low[i + 1] if i + 1 < len(words.low) else ""
    return (gap[:1] in ("", ",", "(", "\n") and not (not gap and words.gaps[i])) or after in _HAD
