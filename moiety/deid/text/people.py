"""Who is named in a text: by title, kin, role, heading, sign-off, or by the name itself."""

from moiety.deid.text import vocabulary
from moiety.deid.text.joining import LIKELY, PARTICLES, SURE, Marks, beside
from moiety.deid.text.labels import Label
from moiety.deid.text.naming import (
    CAPITAL_NAMES,
    capital,
    first_after_cue,
    first_after_title,
    goes_on,
    initial_of_name,
    never,
)
from moiety.deid.text.roles import (
    AFTER,
    BEFORE,
    KIN,
    ROLES,
    SURE_BEFORE,
    TITLES,
    TITLES_TOO,
    WEAK,
)
from moiety.deid.text.spans import Span
from moiety.deid.text.terms import looks_wrong
from moiety.deid.text.turning import turned
from moiety.deid.text.unannounced import listed
from moiety.deid.text.vocabulary import (
    ABBREVIATION,
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

_CELLS = vocabulary.group("people_cells")
_DOUBTFUL_TITLES = vocabulary.group("people_doubtful_titles")
_HAD = vocabulary.group("people_had")
_CAN = vocabulary.group("people_can")
_DO = vocabulary.group("people_do")
_COLUMNS = frozenset({"surname", "forename", "forenames"})
_CONSTABLES = frozenset({"pc", "wpc", "dc", "ps", "pcso", "sgt", "ds"})
_MOST = 5
_KIN_GAPS = frozenset({" ", ", ", ": ", " (", " - ", "/", "; ", "'s ", ":", "  ", ' "', ', "'})
_BEFORE_GAPS = frozenset(
    {" ", ": ", ":", "  ", " - ", ", ", ",\n", ",\n\n", "\n", "\n\n", ",\n\n\n", " / ", ' "', " (",
     " '", ', "', ' ("', ". "}
)  # fmt: skip
_TITLE_GAPS = frozenset({" ", ". ", ".", "  ", ".  ", "/", " & ", "\n", " and "})
_IN_NAME = frozenset({" ", "-", ". ", ".", "  ", "- ", " -", "' ", ' "', '" ', " (", ") "})


def find(words: Words, taken: bytearray) -> list[Span]:
    """Every name that rules find in the words that nothing else has taken."""
    size = len(words.low)
    marks = Marks(words, [not taken[s] for s in words.starts], [0.0] * size, [""] * size)
    for rule in (_after_cues, _initialled, _before_cues, turned, listed, beside):
        rule(marks)
    return _spans(marks)


def _after_cues(marks: Marks) -> None:
    """Names behind a title, a heading, kin, a role, a verb."""
    words, last = marks.words, len(marks.words.low) - 1
    for i in words.each(_ANY_CUE):
        word, gap = words.low[i], words.gaps[i]
        if i == last:
            break
        if not marks.free[i] or len(gap) > 5:
            if (word in _CELLS and ":" in gap and "\n" not in gap.split(":")[0]) or (
                word in _COLUMNS and not gap.strip(" \t") and words.low[i + 1] not in _CELLS
            ):
                _take(marks, i + 1, SURE, "after a heading", sure=words.case != LOWER)
            continue
        if word in TITLES:
            if _is_no_title(words, i):
                continue
            if word in _CONSTABLES and words.shapes[i + 1] == NUMBER and i + 2 < len(words.low):
                _take(marks, i + 2, SURE, "after a title", sure=True)
            elif gap in _TITLE_GAPS and (word not in _DOUBTFUL_TITLES or capital(words, i + 1)):
                _take(marks, i + 1, SURE, "after a title", sure=True)
            continue
        if word in _CELLS and gap.lstrip(" \t")[:1] in (":", "-", "=", "|") and gap[0] != "-":
            _take(marks, i + 1, SURE, "after a heading", sure=words.case != LOWER)
        elif word in TITLES_TOO and gap == " " and capital(words, i + 1):
            _take(marks, i + 1, LIKELY, "after a title", sure=False)
        if word in _CAN and _asked(marks, i):
            marks.mark(i + 1, 0.7, "who is asked")
        if (word in KIN or _in_law(words, i)) and gap in _KIN_GAPS:
            kin = gap in (" ", ": ", " (") or (
                gap == ", " and words.gaps[i + 1][:1] in (",", ")", ".")
            )
            _take(marks, i + 1, LIKELY, "after kin", sure=False, kin=kin)
            _take_word(marks, i + 1)
        elif word in ROLES and gap in _KIN_GAPS:
            _take(marks, i + 1, LIKELY, "after a role", sure=False)
        elif word == "w" and (gap == "/ " or (i and words.gaps[i - 1] == "/" and gap == " ")):
            _take(marks, i + 1, LIKELY, "after with", sure=False, kin=True)
        elif (
            word in BEFORE
            and gap in _BEFORE_GAPS
            and not (gap == ". " and word not in ("re", "cc"))
        ):
            sure = word in SURE_BEFORE and (words.case == TITLE or word in ("dear", "hi"))
            sure = sure and not (words.flags[i + 1] & EPONYM and words.gaps[i + 1][:1] == "'")
            sure = sure and not (words.flags[i + 1] & (PLACE | EPONYM) and word in ("d/w", "dw"))
            _take(marks, i + 1, LIKELY, "after a verb", sure=sure, weak=word in WEAK)


_SIDES = frozenset({"lt", "rt"})


def _is_no_title(words: Words, i: int) -> bool:
    """`mild MR. TR 2.7`: letters of medicine; `lt cyst`: left."""
    word, after = words.low[i], words.flags[i + 1]
    if word in _SIDES:
        return bool(after & WORD) and not after & NAME
    if word not in _LETTERS or words.gaps[i][:1] != ".":
        return False
    shape = words.shapes[i + 1]
    letters = bool(after & ABBREVIATION) and not after & NAME
    return letters and (words.case != TITLE or (words.shapes[i] == UPPER and shape == UPPER))


_LETTERS = frozenset({"mr", "ms", "fr", "ds", "dc", "pc"})
_ANY_CUE = _CELLS | _COLUMNS | TITLES | TITLES_TOO | _CAN | KIN | ROLES | BEFORE | {"law", "w"}


def _asked(marks: Marks, i: int) -> bool:
    """`Can Kazimiera ring`: a word between what asks and what is asked."""
    words, j = marks.words, i + 1
    if j + 1 >= len(words.low) or words.low[j + 1] not in _DO or not marks.free[j]:
        return False
    known, word = words.flags[j], words.low[j]
    if (
        words.gaps[i] != " "
        or words.gaps[j] != " "
        or never(words, j)
        or word in ROLES
        or word in KIN
    ):
        return False
    if words.case == TITLE:
        return words.shapes[j] == TITLE and not known & (CLINICAL | PLACE)
    strange = not known and len(word) > 3 and not vocabulary.near_word(word)
    return bool(known & NAME and not known & WORD) or strange


def _in_law(words: Words, i: int) -> bool:
    """`brother-in-law`: three words to the one that splits a text."""
    return words.low[i] == "law" and i > 1 and words.low[i - 1] == "in" and words.gaps[i - 1] == "-"


def _take_word(marks: Marks, i: int) -> None:
    """`his father Will.`, `sister, Hope,`: a word behind kin that ends there, in capitals or none."""
    words = marks.words
    if (
        marks.free[i]
        and not marks.score[i]
        and words.case != TITLE
        and words.gaps[i][:1] in (",", ".", ")")
    ):
        if words.flags[i] & FORENAME and words.low[i] in CAPITAL_NAMES:
            marks.mark(i, 0.7, "after kin")


def _take(
    marks: Marks, first: int, score: float, why: str, *,
    sure: bool, kin: bool = False, weak: bool = False,
) -> None:  # fmt: skip
    """Marks the name that begins at word `first`, if one does."""
    words, last = marks.words, len(marks.words.low)
    i = first
    while i < last and i - first < _MOST and marks.free[i]:
        if i == first:
            good = (
                first_after_title(words, i)
                if sure
                else first_after_cue(words, i, kin=kin, weak=weak)
            )
        else:
            good = goes_on(words, i, sure=sure) or _first_half(words, i)
        if not good and not (
            words.low[i] in PARTICLES and i + 1 < last and words.gaps[i] in (" ", "'", "-")
            and marks.free[i + 1] and not words.flags[i + 1] & WORD and goes_on(words, i + 1, sure=sure)
            and (i > first or words.case == TITLE)
        ):  # fmt: skip
            break
        marks.mark(i, score, why)
        if "." in words.gaps[i] and len(words.low[i]) > 1:
            break
        if words.gaps[i] not in _IN_NAME and not _comma_turn(words, i, i - first + 1):
            break
        i += 1


def _first_half(words: Words, i: int) -> bool:
    """`Quant-Hurst`: any word with a capital that a hyphen joins to another, inside a name."""
    both = words.gaps[i] == "-" and i + 1 < len(words.low)
    return both and words.case == TITLE and words.shapes[i] == words.shapes[i + 1] == TITLE


def _comma_turn(words: Words, i: int, taken: int) -> bool:
    """`SMITH, John`: a comma inside a name."""
    if words.gaps[i] not in (", ", ",") or taken > 2 or i + 1 >= len(words.low):
        return False
    after = words.flags[i + 1]
    if never(words, i + 1) or words.shapes[i + 1] == NUMBER:
        return False
    if words.case == TITLE:
        capital = words.shapes[i + 1] in (TITLE, UPPER)
        return capital and words.shapes[i] == UPPER and not (after & WORD and not after & NAME)
    return bool(after & FORENAME) and not after & ORDINARY


def _initialled(marks: Marks) -> None:
    """`A. Field` is a person wherever it stands."""
    words = marks.words
    for i, word in enumerate(words.low):
        if len(word) == 1 and marks.free[i] and not marks.score[i] and words.gaps[i] in (". ", "."):
            before = words.gaps[i - 1] if i else ""
            if before in (".", ". ") and len(words.low[i - 1]) > 1 and words.case != TITLE:
                continue
            if initial_of_name(words, i):
                _take(marks, i, LIKELY, "initial and surname", sure=False)
        elif _bare_initial(words, i) and marks.free[i] and marks.free[i + 1]:
            _take(marks, i, 0.7, "initial and surname", sure=False)


def _bare_initial(words: Words, i: int) -> bool:
    """`wrong J Smith`: a letter and a surname that is nothing else, both with capitals."""
    if len(words.low[i]) > 1 or words.gaps[i] != " " or i + 1 >= len(words.low):
        return False
    known = words.flags[i + 1]
    capitals = words.shapes[i] == INITIAL and words.shapes[i + 1] == TITLE
    surname = known & SURNAME and not known & (WORD | PLACE)
    return capitals and bool(surname) and words.low[i] not in "aix"


def _before_cues(marks: Marks) -> None:
    """A name before what only a person has or does: `Sharp, bleep 6564`, `Jas settled`."""
    words = marks.words
    for i in words.each(_ANY_BEHIND):
        if not i:
            continue
        j, gap = i - 1, words.gaps[i - 1]
        if _kin_behind(marks, j):
            continue
        has = words.low[i] in _HAD and gap in (" ", ", ", " (", " - ", "  ", ",", "   ")
        does = words.low[i] in AFTER and gap == " " and words.shapes[i] == LOWER
        does = does and not (words.low[i] == "to" and words.low[j] in ("hope", "grant", "mark"))
        if not (has or does) or not marks.free[j] or marks.score[j]:
            continue
        known, shape = words.flags[j], words.shapes[j]
        if shape == NUMBER or len(words.low[j]) < 3 or words.low[j] in ROLES or never(words, j):
            continue
        if words.case != TITLE:
            if has and known & NAME and not known & (WORD | EPONYM):
                marks.mark(j, LIKELY, "before grade or number")
            continue
        if shape == TITLE or (shape == UPPER and known & NAME):
            if (known & NAME and not known & WORD) or (
                has and known & NAME and not known & CLINICAL
            ):
                if not (known & (PLACE | EPONYM) and does):
                    marks.mark(j, LIKELY, "before grade, number or verb")
            elif does and known & FORENAME and words.low[j] not in ("will", "may"):
                marks.mark(j, 0.7, "before a verb")
            elif not known and not looks_wrong(words, j) and (does or len(words.low[j]) > 3):
                marks.mark(j, 0.6, "unknown word before a verb")


_ANY_BEHIND = _HAD | AFTER | KIN


def _kin_behind(marks: Marks, j: int) -> bool:
    """`Aisha's mother`, `Aisha (mother)`: whether kin stands so behind a word."""
    words, gap = marks.words, marks.words.gaps[j]
    if (
        gap == "'s "
        and words.low[j + 1] in KIN
        and marks.free[j]
        and (not never(words, j) or (words.shapes[j] == TITLE and words.flags[j] & SURNAME))
    ):
        if (
            words.flags[j] & NAME
            if words.case != TITLE
            else words.shapes[j] != LOWER and words.low[j] not in KIN
        ):
            marks.mark(j, LIKELY, "whose kin is named")
        return True
    if (
        gap == " ("
        and words.low[j + 1] in KIN
        and marks.free[j]
        and (not never(words, j) or (words.low[j] in CAPITAL_NAMES and words.case != TITLE))
    ):
        if (
            words.flags[j] & FORENAME
            or not words.flags[j]
            or (words.case == TITLE and words.shapes[j] == TITLE and not words.flags[j] & WORD)
        ):
            marks.mark(j, LIKELY, "kin in brackets behind")
        return True
    return False


def _spans(marks: Marks) -> list[Span]:
    """Marked words side by side become one span."""
    words, score = marks.words, marks.score
    out: list[Span] = []
    i, last = 0, len(score)
    while i < last:
        if not score[i]:
            i += 1
            continue
        j = i
        while j + 1 < last and score[j + 1] and _one_name(words.gaps[j], words.low[j]):
            j += 1
        best = max(range(i, j + 1), key=lambda k: score[k])
        out.append(Span(words.starts[i], words.ends[j], Label.NAME, score[best], marks.why[best]))
        i = j + 1
    return out


def _one_name(gap: str, word: str) -> bool:
    if "." in gap and len(word) > 1:
        return False
    return len(gap) < 4 and all(c in " -.,'\"" for c in gap)
