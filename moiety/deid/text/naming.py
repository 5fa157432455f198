"""Whether one word can begin a name, go on with it, or stand beside it.

Each word is judged by what it is (a name, a word, both, unknown), how it is written, and what
stands beside it.  `Dr Parkinson` is a person and `Parkinson's disease` is none; `Grace` behind
`daughter` is a name and `grace under pressure` is none.
"""

import re

from moiety.deid.text import vocabulary
from moiety.deid.text.landscape import STREETS
from moiety.deid.text.roles import KIN, NEVER, ROLES, TERM_HEADS, TITLES
from moiety.deid.text.terms import dosed, is_ethnic, is_term, numbered
from moiety.deid.text.vocabulary import (
    CLINICAL,
    EPONYM,
    FORENAME,
    GUESSED,
    NAME,
    ORDINARY,
    PLACE,
    SURNAME,
    WORD,
)
from moiety.deid.text.words import INITIAL, LOWER, NUMBER, TITLE, UPPER, Words

_CLOSED = vocabulary.group("people_closed") | {"will", "may"}
_PRONOUNS = frozenset({"he", "she", "the", "they", "and", "if", "it", "we", "no", "on", "in"})
_MONTHS_DAYS = vocabulary.group("naming_times")
CAPITAL_NAMES = vocabulary.group("people_capital_names")
_VERBS = vocabulary.group("people_verbs")
_NO_SURNAME = vocabulary.group("people_no_surname")
JOINED_WORDS = vocabulary.group("naming_joined_words")
MEDICINE = tuple(vocabulary.group("people_endings_of_medicine"))
_EVERYDAY = vocabulary.words_of("everyday")


_SCANNED = frozenset(
    {"contrast", "scan", "imaging", "angiogram", "venogram", "brain", "spine", "head", "pelvis"}
)


def first_after_title(words: Words, i: int) -> bool:
    """Whether word `i` begins a name behind a title or heading, where a name must follow."""
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if len(word) == 1:
        return initial_of_name(words, i) or _titled_initial(words, i)
    if shape == NUMBER or (word in TITLES and not known & NAME):
        return False
    if words.case != TITLE and word in _SCANNED and i and words.low[i - 1] == "mr":
        return False
    if words.case == TITLE:
        if shape == LOWER:
            strange = not known and len(word) > 3 and not vocabulary.near_word(word)
            return (bool(known & NAME) and not known & WORD) or strange
        if shape == UPPER and len(word) <= 4 and known & CLINICAL and not known & NAME:
            return False
        if never(words, i):
            return bool(known & SURNAME) and word not in _CLOSED
        return not ((word in ROLES or word in KIN) and not known & NAME)
    if never(words, i):
        if word in CAPITAL_NAMES and words.case == UPPER and unknown_behind(words, i):
            return True  # `ENDOSCOPIST: WILL VERRALL`
        return bool(known & SURNAME) and (word not in _CLOSED or _followed(words, i))
    if known & NAME:
        return True
    plain = words.case == UPPER and bool(known & WORD) and vocabulary.listed(word)
    return word not in ROLES and word not in KIN and not plain


_WHO = frozenset(
    {"would", "had", "thinks", "feels", "or", "will", "and", "says", "is", "has",
     "was", "at", "who", "said", "from", "explained", "agreed"}
)  # fmt: skip


def _followed(words: Words, i: int) -> bool:
    """`dr may is away` and `mr will, 67`: what follows makes a surname of a verb."""
    if words.low[i] not in ("may", "will"):
        return False
    return closes(words, i) or (i + 1 < len(words.low) and words.low[i + 1] in _WHO)


def first_after_cue(words: Words, i: int, *, kin: bool = False, weak: bool = False) -> bool:
    """Whether word `i` begins a name where one is likely: behind kin, a role or a verb.

    `kin`: doubtful names such as `Rose` count in any case; `weak`: eponyms do not count.
    """
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if len(word) == 1:
        return initial_of_name(words, i)
    if shape == NUMBER or never(words, i) or is_term(words, i) or is_ethnic(words, i):
        return False
    if len(word) <= _SHORT and numbered(words, i):
        return False  # `from Th 3`
    if word in KIN or (word in ROLES and not known & NAME):
        return False
    if weak and known & EPONYM and not known & FORENAME and not named_behind(words, i):
        return False
    if words.case == TITLE:
        return _capital_after_cue(words, i, weak=weak)
    if known & NAME:
        if known & PLACE and not known & FORENAME:
            return False
        if not known & (ORDINARY | CLINICAL | EPONYM):
            return True
        if named_behind(words, i):
            return True
        if kin:
            return bool(known & FORENAME) and word not in _CLOSED
        return (
            bool(known & (FORENAME if known & WORD else NAME))
            and word not in _VERBS
            and not (known & ORDINARY)
        )
    return (
        not known
        and len(word) > 1
        and word not in _EVERYDAY
        and (kin or not vocabulary.near_word(word) or unknown_behind(words, i))
        and not (weak and word.endswith(MEDICINE))
    )


_SHORT = 3


def _capital_after_cue(words: Words, i: int, *, weak: bool) -> bool:
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if shape == LOWER:
        return bool(known & NAME) and not known & (WORD | EPONYM | PLACE)
    if shape == UPPER and len(word) <= 3 + weak:
        return bool(known & NAME) and not known & CLINICAL and len(word) > 2
    if known & FORENAME and shape == TITLE and len(word) <= _SHORT and word not in ROLES:
        return True  # `Bo`, not `BO`
    if known & NAME:
        return (
            not known & CLINICAL
            and word not in ROLES
            and not (known & PLACE and not known & FORENAME)
        )
    unknown = not known or may_be_name(words, i)
    return unknown and word not in ROLES and not dosed(words, i)


_NEVER_NAMES = re.compile(
    r"(?:olog(?:y|ist|ical)|ician|ist|tions?|sions?|ments?|ness|ity|ities|ical|ically|ing|ed|isms?|ship|ables?|ible|ous|ive|ful|less"
    r"|therapy|ectomy|otomy|oscopy|itis|osis|aemia|pathy|graphy|gram|graph|statin|sartan|olol|pril|azole|cillin|mycin|ward|wise)$"
)


_NAMES_TOO = ("oma", "uria", "emia", "vir", "ium")
"""Endings of medicine that names have as well; a new drug is likelier than a name in `-pine`."""


def may_be_name(words: Words, i: int) -> bool:
    """A capital on a word of which only the ending says that it is none: `Ijeoma`, `Terrence`."""
    known = words.flags[i]
    if known & CLINICAL and not words.low[i].endswith(_NAMES_TOO):
        return False
    return (
        bool(known & GUESSED)
        and words.case == TITLE
        and words.shapes[i] == TITLE
        and _NEVER_NAMES.search(words.low[i]) is None
    )


def goes_on(words: Words, i: int, *, sure: bool) -> bool:
    """Whether word `i` goes on with a name that the word before it belongs to."""
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if len(word) == 1:
        if word in ("d", "b") and i and words.gaps[i - 1][-1:] == "(":
            return False  # `wife Jean (d. 2009)`
        written = shape == INITIAL or words.gaps[i][:1] == "." or (i and closes(words, i))
        return word.isalpha() and bool(written) and word != "i"
    if odd_surname(words, i):
        return True
    if shape == NUMBER or word in TITLES or ((word in KIN or word in ROLES) and not known & NAME):
        return False
    if never(words, i) and not (i and words.gaps[i - 1] == "-" and known & NAME):
        return surname_of(words, i) and (word == "ward" or (shape == TITLE and closes(words, i)))
    return (_goes_on_capital if words.case == TITLE else _goes_on_any)(words, i, sure=sure)


def _goes_on_capital(words: Words, i: int, *, sure: bool) -> bool:
    """Whether word `i` does in a text whose capitals tell."""
    word, known, shape = words.low[i], words.flags[i], words.shapes[i]
    if shape == LOWER:
        return False
    if shape == UPPER and words.shapes[i - 1] == TITLE and len(word) <= 4 and not known & NAME:
        return False
    if known & NAME:
        return not (known & WORD and (word in ROLES or word in KIN)) and not (
            word in STREETS and known & ORDINARY and not known & SURNAME
        )
    hyphen = i > 0 and words.gaps[i - 1] == "-"
    if hyphen or (not known & (WORD | PLACE) and word not in ROLES):
        return True
    titled = sure and _initial_before(words, i) and words.gaps[i - 1][:1] == "." and shape == TITLE
    if may_be_name(words, i) or (titled and word not in ROLES):
        return True
    if sure and known & PLACE and not known & WORD:
        return True
    return word not in ROLES and bool(words.flags[i - 1] & FORENAME) and closes(words, i)


def _initial_before(words: Words, i: int) -> bool:
    return i > 0 and len(words.low[i - 1]) == 1


def _goes_on_any(words: Words, i: int, *, sure: bool) -> bool:
    """Whether word `i` does where capitals tell nothing."""
    word, known, initial = words.low[i], words.flags[i], _initial_before(words, i)
    if i and words.gaps[i - 1] == "-":
        return (not known & CLINICAL and word not in JOINED_WORDS) or bool(known & NAME)
    if known & NAME:
        if known & (CLINICAL | ORDINARY):
            if (initial and words.gaps[i - 1][:1] == ".") or surname_of(words, i):
                return True
            return (
                bool(known & SURNAME)
                and word not in _NO_SURNAME
                and (closes(words, i) or (sure and initial))
            )
        return True
    if (
        sure
        and i
        and words.flags[i - 1] & FORENAME
        and words.gaps[i - 1] == " "
        and closes(words, i)
    ):
        return not known & (CLINICAL | PLACE) and word not in _NO_SURNAME and len(word) > 3
    return not known & (WORD | PLACE) and len(word) > 1


def closes(words: Words, i: int) -> bool:
    """Whether a comma, a bracket or the line's end follows: what it is belongs to the name."""
    gap = words.gaps[i]
    if not gap or gap.lstrip(" ")[:1] in ("", ",", "(", "\n", ")", ";", "|") or "   " in gap:
        return True
    return gap in (" - ", " – ", ".") or gap[:2] in (". ", ".\n")


def odd_surname(words: Words, i: int) -> bool:
    """`Stavros Nurse`, `Susan Pain`: a word with a capital behind a forename that is no word."""
    if i == 0 or words.case != TITLE or words.shapes[i] != TITLE or words.gaps[i - 1] != " ":
        return False
    before, word = words.flags[i - 1], words.low[i]
    if not before & FORENAME or before & (WORD | EPONYM | PLACE) or words.shapes[i - 1] != TITLE:
        return False
    if word in TERM_HEADS or word in _CLOSED or word in _MONTHS_DAYS:
        return False
    return (word not in ROLES or word in ("doctor", "nurse")) and (
        closes(words, i) or words.gaps[i][:1] in (".", "'")
    )


def surname_of(words: Words, i: int) -> bool:
    """A surname that is also a word, behind a forename that is none: `liam ward`, `eve grant`."""
    before = words.flags[i - 1] if i else 0
    if not words.flags[i] & SURNAME or words.low[i] in _NO_SURNAME:
        return False
    if not before & FORENAME and not (
        not before and i and (closes(words, i) or words.gaps[i] == " / ")
    ):
        return False
    if before & WORD and words.low[i - 1] in _VERBS:
        return False
    return not (numbered(words, i) and words.low[i] == "ward")


def initial_of_name(words: Words, i: int) -> bool:
    """`A Baker`, `J. R. Smith`: an initial before a surname."""
    if i and words.gaps[i - 1][-1:] in ("/", "&"):
        return False
    j, last = i, len(words.low)
    while j < last and len(words.low[j]) == 1 and words.low[j].isalpha() and j - i < 4:
        if words.gaps[j] not in (". ", " ", ".", "-", "  ", ".  "):
            return False
        j += 1
    if j >= last or words.shapes[j] == NUMBER:
        return False
    known, dotted = words.flags[j], words.gaps[j - 1][:1] == "."
    capital = words.case == TITLE and words.shapes[j] == TITLE and words.low[j] not in _PRONOUNS
    if words.low[j] in NEVER and not (
        dotted and known & SURNAME and (capital or words.low[j] not in _CLOSED)
    ):
        return False
    if words.case == TITLE:
        if words.shapes[i] != INITIAL or words.shapes[j] not in (TITLE, UPPER):
            return False
        if words.low[j] in ROLES and not (dotted and known & SURNAME):
            return False
        return bool(known & NAME) or not known & WORD or (dotted and may_be_name(words, j))
    if not known and len(words.low[j]) > 2:
        return dotted or words.case == UPPER or not vocabulary.near_word(words.low[j])
    return bool(known & NAME) and (dotted or words.low[i] not in "aios")


def _titled_initial(words: Words, i: int) -> bool:
    """`mr a jeong`, `MRS J TRICE`, `Miss T. Beer`: an initial behind a title, before any word."""
    j = i + 1
    if j >= len(words.low) or words.gaps[i] not in (" ", ". ", "."):
        return False
    if words.case == TITLE:  # `Miss T. Beer`
        capitals = words.shapes[i] == INITIAL and words.shapes[j] == TITLE
        return capitals and words.gaps[i] != " " and words.low[j] not in ROLES | NEVER
    known, word = words.flags[j], words.low[j]
    if not words.low[i].isalpha():
        return False
    if i and words.low[i - 1] in ("mrs", "miss") and words.gaps[i] == " " and words.low[i] != "i":
        return True  # `mrs t bed 5`
    if words.shapes[j] == NUMBER or len(word) < 2:
        return False
    return (not known & (WORD | NAME) and word not in ROLES) or bool(
        known & NAME and (not known & ORDINARY or closes(words, j))
    )


_AUXILIARY = frozenset({"will", "may", "can"})
_BARE_VERBS = frozenset(
    {
        "be",
        "have",
        "need",
        "require",
        "continue",
        "benefit",
        "not",
        "then",
        "also",
        "remain",
        "become",
    }
)


def never(words: Words, i: int) -> bool:
    """Whether a word is no name; `Will`, `May` and `June` may be one where they have a capital."""
    word = words.low[i]
    if word not in NEVER:
        return False
    if word in _AUXILIARY and i + 1 < len(words.low) and words.low[i + 1] in _BARE_VERBS:
        return True  # `Patient Will be seen`
    return not (
        word in CAPITAL_NAMES
        and words.case == TITLE
        and words.shapes[i] in (TITLE, UPPER)
        and (not opens(words, i) or named_behind(words, i) or _stranger_behind(words, i))
    )


def _stranger_behind(words: Words, i: int) -> bool:
    """`Will Verrall`: a word with a capital that nothing is known of."""
    return unknown_behind(words, i) and words.shapes[i + 1] == TITLE


def named_behind(words: Words, i: int) -> bool:
    """Whether a surname that is no word follows."""
    if i + 1 >= len(words.low) or words.gaps[i] not in (" ", "-"):
        return False
    after = words.flags[i + 1]
    if words.case == TITLE and words.shapes[i + 1] == LOWER:
        return False
    return bool(after & NAME) and not after & WORD


def unknown_behind(words: Words, i: int) -> bool:
    """Whether a word that nothing is known of follows, and is no slip of a known one."""
    j = i + 1
    return (
        j < len(words.low) and words.gaps[i] in (" ", "-", "  ") and not words.flags[j]
        and len(words.low[j]) > 2 and words.shapes[j] != NUMBER
        and not vocabulary.near_word(words.low[j])
    )  # fmt: skip


def opens(words: Words, i: int) -> bool:
    """Whether word `i` opens a sentence, a line or a cell, where a capital tells nothing."""
    return i == 0 or any(c in words.gaps[i - 1] for c in "\n.:?!|*>;\t")


def capital(words: Words, i: int) -> bool:
    """Whether a word has a capital, where capitals tell something."""
    return words.case != TITLE or words.shapes[i] in (TITLE, UPPER, INITIAL)
