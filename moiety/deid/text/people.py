"""Who is named in a text: by title, kin, role, heading, sign-off, or by the name itself.

Each word is judged by what it is (a name, a word, both, unknown), how it is written, and what
stands beside it.  `Dr Parkinson` is a person and `Parkinson's disease` is none; `Grace` behind
`daughter` is a name and `grace under pressure` is none.
"""

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import STREETS
from moiety.deid.text.roles import (
    BEFORE,
    KIN,
    NEVER,
    ROLES,
    SURE_BEFORE,
    TERM_HEADS,
    TITLES,
    TITLES_TOO,
)
from moiety.deid.text.spans import Span
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
from moiety.deid.text.words import INITIAL, LOWER, NUMBER, TITLE, UPPER, Words

PARTICLES = vocabulary.group("people_particles")
_CELLS = vocabulary.group("people_cells")
_MOST = 5
SURE, LIKELY, LISTED, UNKNOWN = 0.95, 0.85, 0.8, 0.45
"""How sure a rule is: title or heading; kin, role or verb; a listed name alone; no known word."""


def find(words: Words, taken: bytearray) -> list[Span]:
    """Every name that rules find in the words that nothing else has taken."""
    marks = [0.0] * len(words.low)
    whys = [""] * len(words.low)
    free = [not taken[start] for start in words.starts]
    _after_cues(words, free, marks, whys)
    _initialled(words, free, marks, whys)
    _before_cues(words, free, marks, whys)
    _listed(words, free, marks, whys)
    _turned(words, free, marks, whys)
    _beside(words, free, marks, whys)
    return _spans(words, marks, whys)


def _mark(marks: list[float], whys: list[str], i: int, score: float, why: str) -> None:
    if score > marks[i]:
        marks[i], whys[i] = score, why


# --- after a cue --------------------------------------------------------------------------------


def _after_cues(words: Words, free: list[bool], marks: list[float], whys: list[str]) -> None:
    for i, word in enumerate(words.low):
        if not free[i]:
            continue
        gap = words.gaps[i]
        if word in TITLES:
            if _near(gap) and (word not in _DOUBTFUL_TITLES or _capital(words, i + 1)):
                _take(words, free, marks, whys, i + 1, SURE, "after a title", sure=True)
            continue
        if word in _CELLS and gap.lstrip(" \t")[:1] in (":", "-", "=", "|") and "\n" not in gap[:2]:
            _take(
                words, free, marks, whys, i + 1, SURE, "after a heading", sure=words.case != LOWER
            )
        elif word in TITLES_TOO and _near(gap) and _capital(words, i + 1):
            _take(words, free, marks, whys, i + 1, LIKELY, "after a title", sure=False)
        if word in KIN and gap in _KIN_GAPS:
            _take(words, free, marks, whys, i + 1, LIKELY, "after kin", sure=False)
        elif word in ROLES and gap in _ROLE_GAPS:
            _take(words, free, marks, whys, i + 1, LIKELY, "after a role", sure=False)
        elif word in BEFORE and gap in _BEFORE_GAPS:
            sure = word in SURE_BEFORE and (words.case == TITLE or word in ("dear", "hi"))
            _take(words, free, marks, whys, i + 1, LIKELY, "after a verb", sure=sure)


_DOUBTFUL_TITLES = vocabulary.group("people_doubtful_titles")
_KIN_GAPS = frozenset({" ", ", ", ": ", " (", " - ", "/", "; ", "'s ", ":", "  "})
_ROLE_GAPS = frozenset({" ", ", ", ": ", " (", " - ", ":", "  ", "/"})
_BEFORE_GAPS = frozenset(
    {" ", ": ", ":", "  ", " - ", ", ", ",\n", ",\n\n", "\n", "\n\n", ",\n\n\n", " / "}
)


def _near(gap: str) -> bool:
    return gap in (" ", ". ", ".", "  ", ".  ", "/", " & ", "\n")


def _capital(words: Words, i: int) -> bool:
    if i >= len(words.low):
        return False
    return words.case != TITLE or words.shapes[i] in (TITLE, UPPER, INITIAL)


def _take(
    words: Words, free: list[bool], marks: list[float], whys: list[str],
    first: int, score: float, why: str, *, sure: bool,
) -> None:  # fmt: skip
    """Marks the name that begins at word `first`, if one does."""
    last = len(words.low)
    i = first
    if i < last and sure and words.low[i] in TITLES:
        return
    taken = 0
    while i < last and taken < _MOST and free[i]:
        if not (_first(words, i, sure=sure) if taken == 0 else _next(words, i, sure=sure)):
            if not (words.low[i] in PARTICLES and i + 1 < last and words.gaps[i] in (" ", "'", "-")
                    and free[i + 1] and _next(words, i + 1, sure=sure)):  # fmt: skip
                break
        _mark(marks, whys, i, score, why)
        taken += 1
        if words.gaps[i] not in _IN_NAME and not _comma_turn(words, i, taken):
            break
        i += 1


_IN_NAME = frozenset({" ", "-", ". ", ".", "  ", "- ", " -", "' "})


def _comma_turn(words: Words, i: int, taken: int) -> bool:
    """`SMITH, John`: a comma inside a name."""
    if words.gaps[i] not in (", ", ",") or taken > 2 or i + 1 >= len(words.low):
        return False
    after = words.flags[i + 1]
    if words.low[i + 1] in NEVER or words.shapes[i + 1] == NUMBER:
        return False
    if words.case == TITLE:
        return (
            words.shapes[i + 1] in (TITLE, UPPER) and words.shapes[i] == UPPER and not after & WORD
        )
    return bool(after & FORENAME) and not after & ORDINARY


def _first(words: Words, i: int, *, sure: bool) -> bool:
    """Whether word `i` may begin a name behind a cue."""
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if shape == INITIAL or len(word) == 1:
        return _initial_of_name(words, i)
    if shape == NUMBER or _never(words, i) or (word in TITLES and not known & NAME):
        return False
    if sure:
        if words.case == TITLE:
            if shape == LOWER:
                return bool(known & NAME) and not known & WORD
            if shape == UPPER and len(word) <= 4 and known & CLINICAL and not known & NAME:
                return False
            return not (word in ROLES and not known & NAME)
        return word not in ROLES and not (known & WORD and not known & NAME and word in KIN)
    if _is_term(words, i):
        return False
    if words.case == TITLE:
        if shape == LOWER:
            return bool(known & NAME) and not known & (WORD | EPONYM | PLACE)
        if shape == UPPER and len(word) <= 3:
            return bool(known & NAME) and not known & CLINICAL and len(word) > 2
        if known & NAME:
            return (
                not known & CLINICAL
                and (word not in ROLES)
                and not (known & PLACE and not known & FORENAME)
            )
        return not known and not _looks_wrong(words, i)
    if known & NAME:
        if known & PLACE and not known & FORENAME:
            return False
        if known & (ORDINARY | CLINICAL | EPONYM):
            return (
                bool(known & FORENAME)
                and word not in _VERBS
                and (
                    i + 1 < len(words.low)
                    and words.flags[i + 1] & SURNAME != 0
                    and words.gaps[i] == " "
                )
            ) or (bool(known & FORENAME) and word not in _VERBS and not known & ORDINARY)
        return True
    return (
        not known
        and len(word) > 2
        and vocabulary.near_name(word)
        and not vocabulary.near_word(word)
    )


_VERBS = vocabulary.group("people_verbs")


def _initial_of_name(words: Words, i: int) -> bool:
    """`A Baker`, `J. R. Smith`: an initial before a surname."""
    if i and words.gaps[i - 1][-1:] in ("/", "&"):
        return False
    j = i
    while j < len(words.low) and len(words.low[j]) == 1 and words.low[j].isalpha() and j - i < 4:
        if words.gaps[j] not in (". ", " ", ".", "-", "  "):
            return False
        j += 1
    if j >= len(words.low) or _never(words, j) or words.shapes[j] == NUMBER:
        return False
    known, dotted = words.flags[j], words.gaps[j - 1][:1] == "."
    if words.case == TITLE:
        if (
            words.shapes[i] != INITIAL
            or words.shapes[j] not in (TITLE, UPPER)
            or words.low[j] in ROLES
        ):
            return False
        return bool(known & NAME) or not known & WORD
    return bool(known & NAME) and (dotted or not known & (WORD | EPONYM))


def _never(words: Words, i: int) -> bool:
    """Whether a word is no name; `Will`, `May` and `June` may be one where they have a capital."""
    word = words.low[i]
    if word not in NEVER:
        return False
    return not (
        word in _CAPITAL_NAMES and words.case == TITLE and words.shapes[i] == TITLE
        and (not _opens(words, i) or _named_beside(words, i))
    )  # fmt: skip


_CAPITAL_NAMES = vocabulary.group("people_capital_names")


def _named_beside(words: Words, i: int) -> bool:
    """Whether a surname follows `Will`, or a kind of person owns or does what follows."""
    if i + 1 >= len(words.low):
        return False
    after = words.flags[i + 1]
    return words.gaps[i] == " " and words.shapes[i + 1] in (TITLE, UPPER) and bool(after & SURNAME)


def _next(words: Words, i: int, *, sure: bool) -> bool:
    """Whether word `i` may go on with a name that has begun."""
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if len(word) == 1:
        return word.isalpha() and (shape == INITIAL or words.gaps[i] == ".") and word != "i"
    if shape == NUMBER or _never(words, i) or word in TITLES:
        return False
    hyphen = words.gaps[i - 1] == "-" if i else False
    if words.case == TITLE:
        if shape == LOWER:
            return False
        if shape == UPPER and words.shapes[i - 1] != UPPER and len(word) <= 4 and not known & NAME:
            return False
        if known & NAME:
            return not (known & WORD and (word in ROLES or word in KIN)) and not (
                word in STREETS and known & ORDINARY and not known & SURNAME
            )
        return (
            hyphen
            or (not known & (WORD | PLACE) and word not in ROLES)
            or (sure and known & PLACE != 0 and not known & WORD)
        )
    if hyphen:
        return not known & CLINICAL or bool(known & NAME)
    if known & NAME:
        if known & (CLINICAL | ORDINARY):
            return _surname_of(words, i)
        return True
    return (
        not known
        and len(word) > 2
        and not vocabulary.near_word(word)
        and (sure or vocabulary.near_name(word))
    )


_NO_SURNAME = vocabulary.group("people_no_surname")


def _surname_of(words: Words, i: int) -> bool:
    """A surname that is also a word, behind a forename that is none: `liam ward`, `eve grant`."""
    before = words.flags[i - 1] if i else 0
    if not words.flags[i] & SURNAME or words.low[i] in _NO_SURNAME or not before & FORENAME:
        return False
    if before & WORD and words.low[i - 1] in _VERBS:
        return False
    numbered = i + 1 < len(words.low) and words.shapes[i + 1] == NUMBER and words.gaps[i] == " "
    return not (numbered and words.low[i] == "ward")


def _initialled(words: Words, free: list[bool], marks: list[float], whys: list[str]) -> None:
    """`A. Field` is a person wherever it stands."""
    for i, word in enumerate(words.low):
        if len(word) == 1 and free[i] and words.gaps[i] in (". ", ".") and not marks[i]:
            if (
                i
                and words.gaps[i - 1] in (".", ". ")
                and len(words.low[i - 1]) > 1
                and words.case != TITLE
            ):
                continue
            if _initial_of_name(words, i):
                _take(words, free, marks, whys, i, LIKELY, "initial and surname", sure=False)


def _before_cues(words: Words, free: list[bool], marks: list[float], whys: list[str]) -> None:
    """A name before what only a person has: `Sharp, bleep 6564`, `Black (SpR)`, `Bone GMC`."""
    for i in range(1, len(words.low)):
        if words.low[i] not in _HAD or words.gaps[i - 1] not in (
            " ",
            ", ",
            " (",
            " - ",
            "  ",
            ",",
            "   ",
        ):
            continue
        j = i - 1
        known, shape = words.flags[j], words.shapes[j]
        if not free[j] or marks[j] or shape == NUMBER or words.low[j] in ROLES or _never(words, j):
            continue
        if (
            known & NAME
            and not known & CLINICAL
            and (words.case != TITLE or shape in (TITLE, UPPER))
        ):
            if words.case == TITLE or not known & WORD:
                _mark(marks, whys, j, LIKELY, "before bleep, grade or number")


_HAD = vocabulary.group("people_had")


# --- names by themselves ------------------------------------------------------------------------


def _listed(words: Words, free: list[bool], marks: list[float], whys: list[str]) -> None:
    """Words of the lists that mean nothing else, and unknown words with a capital."""
    for i, known in enumerate(words.flags):
        if marks[i] or not free[i] or words.shapes[i] == NUMBER or len(words.low[i]) < 2:
            continue
        word, shape = words.low[i], words.shapes[i]
        if _never(words, i):
            continue
        if known & NAME and not known & (WORD | EPONYM):
            if known & PLACE and not known & FORENAME:
                continue
            if len(word) < 3 + (shape == UPPER and words.case == TITLE) and not _pair(words, i):
                continue
            if shape == LOWER and words.case == TITLE and len(word) < 4:
                continue
            if not _is_term(words, i):
                _mark(marks, whys, i, LISTED, "listed name")
        elif known & NAME:
            if (
                words.case == TITLE
                and shape != LOWER
                and _pair(words, i)
                and not _is_term(words, i)
            ):
                _mark(marks, whys, i, 0.7, "forename and surname")
        elif not known and words.case == TITLE and shape == TITLE and len(word) > 2:
            if not _opens(words, i) and not _is_term(words, i) and not _looks_wrong(words, i):
                score = 0.7 if vocabulary.near_name(word) else UNKNOWN
                _mark(marks, whys, i, score, "unknown word with a capital")
        elif not known and words.case != TITLE and len(word) > 4:
            if (
                vocabulary.near_name(word)
                and not vocabulary.near_word(word)
                and not _is_term(words, i)
            ):
                _mark(marks, whys, i, UNKNOWN, "nearly a listed name")


def _pair(words: Words, i: int) -> bool:
    """Whether a listed name stands beside: `Hope Long` is a person, `Long` alone is none."""
    if i and words.gaps[i - 1] in (" ", "-") and words.shapes[i - 1] != LOWER:
        before = words.flags[i - 1]
        if before & FORENAME and words.flags[i] & SURNAME and not before & CLINICAL:
            if not (before & WORD and _opens(words, i - 1)):
                return True
    if i + 1 < len(words.low) and words.gaps[i] in (" ", "-") and words.shapes[i + 1] != LOWER:
        after = words.flags[i + 1]
        if words.flags[i] & FORENAME and after & SURNAME and not after & (WORD | EPONYM):
            return True
    return False


def _opens(words: Words, i: int) -> bool:
    """Whether word `i` opens a sentence, a line or a cell, where a capital tells nothing."""
    if i == 0:
        return True
    gap = words.gaps[i - 1]
    return any(c in gap for c in "\n.:?!|•*>;\t")


def _looks_wrong(words: Words, i: int) -> bool:
    """Whether an unknown word is more likely a drug, a heading or a slip of the pen."""
    if i + 1 < len(words.low) and words.shapes[i + 1] == NUMBER and words.gaps[i] == " ":
        after = words.low[i + 1]
        if any(after.endswith(u) for u in ("mg", "mcg", "g", "ml", "%")) or (
            i + 2 < len(words.low)
            and words.low[i + 2] in ("mg", "mcg", "g", "ml", "units", "od", "bd")
        ):
            return True
    return bool(vocabulary.near_word(words.low[i]) and not vocabulary.near_name(words.low[i]))


def _is_term(words: Words, i: int) -> bool:
    """Whether the word belongs to a term of medicine: an eponym with its disease, sign or device."""
    known, gap = words.flags[i], words.gaps[i]
    possessive = gap[:1] == "'"
    for ahead in (1, 2):
        j = i + ahead
        if j >= len(words.low) or any(c in words.gaps[j - 1] for c in "\n.,;:|("):
            break
        if words.low[j] in TERM_HEADS and (
            known & EPONYM or not known & NAME or possessive or ahead == 1
        ):
            return not (words.low[j] in _PERSON_HEADS and not known & EPONYM)
        if words.gaps[j - 1] != "-" and not words.flags[j] & EPONYM:
            break
    if known & EPONYM and possessive:
        after = words.low[i + 1] if i + 1 < len(words.low) else ""
        return after not in KIN and after not in _OWNED
    return bool(i and words.gaps[i - 1] == "-" and words.flags[i - 1] & EPONYM and known & EPONYM)


_OWNED = vocabulary.group("people_owned")
_PERSON_HEADS = vocabulary.group("people_person_heads")


# --- beside a name ------------------------------------------------------------------------------


def _turned(words: Words, free: list[bool], marks: list[float], whys: list[str]) -> None:
    """`SURNAME, Forename`, and `Surname Forename` in lists."""
    for i in range(len(words.low) - 1):
        if words.gaps[i] not in (", ", ",", " , ", ",  ") or not (free[i] and free[i + 1]):
            continue
        first, second = words.flags[i], words.flags[i + 1]
        if _never(words, i) or _never(words, i + 1) or (second & EPONYM and not second & FORENAME):
            continue
        if len(words.low[i]) < 2 or words.shapes[i] == NUMBER or not second & FORENAME:
            if not (words.shapes[i] == UPPER and words.case == TITLE and words.shapes[i + 1] == TITLE
                    and len(words.low[i]) > 3 and not first & WORD and not second & WORD
                    and not second & PLACE):  # fmt: skip
                continue
        if words.case == TITLE:
            if words.shapes[i] == LOWER or words.shapes[i + 1] == LOWER:
                continue
            good = (first & SURNAME) or not first & WORD
            loose = first & WORD and words.shapes[i] != UPPER
            if good and not (loose and second & WORD):
                _both(marks, whys, i, 0.82)
        elif first & SURNAME and not first & (WORD | PLACE) and not second & WORD:
            _both(marks, whys, i, 0.8)


def _both(marks: list[float], whys: list[str], i: int, score: float) -> None:
    _mark(marks, whys, i, score, "surname, forename")
    _mark(marks, whys, i + 1, score, "surname, forename")


def _beside(words: Words, free: list[bool], marks: list[float], whys: list[str]) -> None:
    """Words that join a name already found: initials, second surnames, particles."""
    for step in (1, -1):
        order = range(len(words.low)) if step == 1 else range(len(words.low) - 1, -1, -1)
        for i in order:
            j = i - step
            if marks[i] or not free[i] or not 0 <= j < len(words.low) or marks[j] < UNKNOWN:
                continue
            gap = words.gaps[j] if step == 1 else words.gaps[i]
            if gap in ("-", " ", ". ", ".") and _joins(words, i, j, gap):
                _mark(marks, whys, i, min(marks[j], 0.8), "beside a name")
    _between(words, free, marks, whys)


def _joins(words: Words, i: int, j: int, gap: str) -> bool:
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if len(word) == 1:
        if i and words.gaps[i - 1][-1:] in ("/", "&"):
            return False
        return (
            shape == INITIAL
            and word != "i"
            and (j > i or gap == " ")
            and not (word == "a" and gap == " " and _opens(words, i) and j > i)
        )
    if (
        _never(words, i)
        or shape == NUMBER
        or word in TITLES
        or (gap[:1] == "." and j < i and len(words.low[j]) > 1)
    ):
        return False
    if gap.startswith(".") and len(words.low[j]) > 1:
        return False
    if gap == "-":
        return (
            bool(known & NAME)
            or (words.case == TITLE and shape != LOWER and not known & WORD)
            or not known
        )
    if words.case == TITLE:
        if shape == LOWER or (shape == UPPER and words.shapes[j] != UPPER and len(word) <= 4):
            return False
        if known & NAME:
            alone = words.flags[j]
            if known & WORD and _opens(words, i):
                return False
            if word in STREETS or word in ROLES or word in KIN:
                return False
            return not known & CLINICAL and bool(
                alone & FORENAME if j < i else known & FORENAME or alone & FORENAME
            )
        return not known and not _opens(words, i) and not _looks_wrong(words, i)
    if known & NAME and not known & (WORD | EPONYM):
        return True
    if j < i and _surname_of(words, i) and not words.flags[j] & WORD:
        return True
    return (
        not known
        and len(word) > 3
        and j < i
        and bool(words.flags[j] & FORENAME)
        and not vocabulary.near_word(word)
    )


def _between(words: Words, free: list[bool], marks: list[float], whys: list[str]) -> None:
    for i in range(1, len(words.low) - 1):
        if marks[i] or not free[i] or words.low[i] not in PARTICLES:
            continue
        if (
            marks[i - 1]
            and marks[i + 1]
            and words.gaps[i - 1] == " "
            and words.gaps[i] in (" ", "'", "-")
        ):
            _mark(marks, whys, i, 0.8, "particle")


def _spans(words: Words, marks: list[float], whys: list[str]) -> list[Span]:
    """Marked words side by side become one span."""
    out: list[Span] = []
    i, last = 0, len(marks)
    while i < last:
        if not marks[i]:
            i += 1
            continue
        j = i
        while j + 1 < last and marks[j + 1] and _one_name(words, j):
            j += 1
        best = max(range(i, j + 1), key=lambda k: marks[k])
        out.append(Span(words.starts[i], words.ends[j], Label.NAME, marks[best], whys[best]))
        i = j + 1
    return out


def _one_name(words: Words, j: int) -> bool:
    gap = words.gaps[j]
    return "\n" not in gap and len(gap) < 4 and all(c in " -.,'" for c in gap)
