"""Letters that sign: before a grade, in pairs `ABC/de`, in rows `TK / HB`, or with `O'` and `Mc` in them.

Where a grade follows, or who dictated stands with who typed, even letters that mean something
else (NB, MS, AF) are a person's.
"""

import re
from collections.abc import Iterable, Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import ABBREVIATION, CLINICAL, ORDINARY
from moiety.deid.text.words import LOWER, TITLE, Words

_GRADES = vocabulary.group("signing_grades")
_GRADE = "|".join(sorted(_GRADES, key=len, reverse=True))
_GRADE_WORDS = frozenset(part for grade in _GRADES for part in grade.split("/"))
_FIELD = (
    "(?:stroke|med|medical|surg|surgical|ortho|paeds?|gen|resp|renal|pall(?:iative)?(?: care)?|onc|oncology|"
    "diabetes|heart failure|hf|stoma|pain|acute|comm|community|site|liaison|psych|obs|cardiology|cardiac|gastro|"
    "neuro|vascular|urology|haem|dental|ward|night|charge|specialist)"
)
_BEFORE_GRADE = re.compile(
    rf"(?:^|[\n.!?)/]|  |\d[.,]?|\d ?(?:hrs?|h)[.,]?)[ \t]{{0,3}}((?:[a-z]\.? ?){{1,3}}[a-z]\.?),? {{0,2}}[(/-]? ?"
    rf"(?:{_FIELD} )?(?:stdt |student |snr |senior |bank |staff |locum )?(?:{_GRADE})\)?(?=[ \t]*(?:\n|$|[.;/])|  | (?:checked|wit))",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"(?<![\w/'])([A-Z][A-Z']{1,4})/([a-z]{2,3})(?=[ \t.]*(?:\n|$)|/[A-Za-z]{0,3}\d|  |\. )"
)
_PAIR_FIRST = re.compile(r"(?:^|\n)[ \t]*([A-Z][A-Z']{1,4})/([a-z]{2,3})(?= )")
_PAIR_LAST = re.compile(
    r"(?:[.!?)] {1,2}|\d )([A-Za-z]{2,3})/([A-Za-z]{2,3})(?=[ \t.]*(?:\n|$)|\. )"
)
_WRITING = frozenset({"typed", "dictated", "transcribed"})
_TYPIST = re.compile(
    r"(?<![A-Za-z])(?:typed|dictated|transcribed)(?: by)?:? ([a-z]{2,3})(?=[ \t]*(?:\n|$|[,.;])|  )",
    re.IGNORECASE,
)
_TYPED = re.compile(r"(?<![A-Za-z'])([A-Za-z']{2,30}) ?/ ?([a-z]{2,3})(?=[ \t]*(?:\n|$))")
_PAIR_ALONE = re.compile(
    r"(?:^|\n)[ \t]*([a-z][a-z']{1,3})/([a-z]{2,3})(?:/([a-z]{2,3}))?(?=[ \t]*(?:\n|$))",
    re.IGNORECASE,
)
_WOVEN = re.compile(
    r"(?<![\w'])(?:[A-Z]{0,3}(?:Mc|Mac)[A-Z]{1,2}|[A-Z]{1,3}O'[A-Z]|[A-Z]{1,2}(?:de|van|v|al|Fitz)[A-Z])(?![\w'])"
)
_SPEAKER = re.compile(
    rf"(?:^|\n|  |[.;] )(?:\d{{1,2}} [A-Za-z]{{3,9}} )?[0-2]?\d[:.][0-5]\d,? ([A-Za-z]{{2,3}}|[A-Za-z] [A-Za-z]-[A-Za-z])"
    rf"( \((?:{_GRADE})\))?(?= ?: ?[A-Za-z])",
    re.IGNORECASE,
)
_ROW = frozenset(
    left + sign + right for sign in "/,&+;" for left in ("", " ") for right in ("", " ")
)
_ROW_END = re.compile(
    r" ?(?:/|,|&|\+|;|\n|$|\)|\.(?: |\n|$)|\d|  | and | ?(?:GMC|NMC|HCPC))", re.IGNORECASE
)
_REGISTERED = re.compile(r" {1,2}(?:GMC|NMC|HCPC)", re.IGNORECASE)
_DOTTED_LOW = re.compile(r"(?<![\w.])(?:[a-z]\.){2,3}(?=[ \t]*(?:\n|$|,|\)))")
_BY_DOT = vocabulary.group("initials_not_dotted") | vocabulary.group("signing_not_dotted")


def find(words: Words, signed: Iterable[Span], last: frozenset[str]) -> Iterator[Span]:
    """What signs; `signed` are initials already found, `last` the last words of the text's names."""
    text = words.text
    for start, end in _lines_with_grade(words):
        for match in _BEFORE_GRADE.finditer(text, start, end):
            if _may_sign(match[1], words.case):
                yield _initials(match, 1, "letters before a grade")
    paired = words.paired
    for match in (*_PAIR.finditer(text), *_PAIR_FIRST.finditer(text)) if paired else ():
        if not (_means(match[1]) and _means(match[2])):
            yield from (_initials(match, n, "who dictated, who typed") for n in (1, 2))
    for match in _PAIR_ALONE.finditer(text) if paired else ():
        if not any(_means(part) for part in match.groups() if part):
            parts = range(1, 4 if match[3] else 3)
            yield from (_initials(match, n, "letters on a line of their own") for n in parts)
    for match in _WOVEN.finditer(text) if words.case == TITLE else ():
        yield _initials(match, 0, "letters with Mc or O'")
    for match in _SPEAKER.finditer(text) if ":" in text else ():
        known = vocabulary.flags(match[1].lower()) & (CLINICAL | ORDINARY | ABBREVIATION)
        if match[2] or not (known or _means(match[1])):
            yield _initials(match, 1, "whoever speaks, behind a time")
    for match in _DOTTED_LOW.finditer(text) if words.case == LOWER else ():
        if match[0].replace(".", "") not in _BY_DOT:
            yield _initials(match, 0, "dotted letters")
    for match in _PAIR_LAST.finditer(text) if paired else ():
        both = match[1] + match[2]
        if (words.case != TITLE or both.isupper()) and not (_means(match[1]) and _means(match[2])):
            yield from (_initials(match, n, "letters at the end") for n in (1, 2))
    for match in _TYPIST.finditer(text) if words.has(_WRITING) else ():
        if not _means(match[1]):
            yield _initials(match, 1, "who typed")
    yield from _rows(words, signed, last)
    for match in _TYPED.finditer(text) if paired and words.case == TITLE else ():
        if match[1].lower() in last and not _means(match[2]):
            yield _initials(match, 2, "who typed, behind a name")


def _lines_with_grade(words: Words) -> Iterator[tuple[int, int]]:
    """Lines that have a grade in them, each with the line breaks around it."""
    done = 0
    for start in [words.starts[i] for i in words.each(_GRADE_WORDS)]:
        if start >= done:
            end = words.text.find("\n", start) + 1
            done = end or len(words.text)
            yield max(0, words.text.rfind("\n", 0, start)), done


def _initials(match: re.Match[str], group: int, why: str) -> Span:
    return Span(*match.span(group), Label.INITIALS, 0.7, why)


def _means(part: str) -> bool:
    low = part.lower().replace("'", "")
    return bool(vocabulary.flags(low) & (CLINICAL | ORDINARY)) or low in _NO_INITIALS


def _may_sign(letters: str, case: int) -> bool:
    """Two to four letters, in capitals where capitals tell something, and no grade themselves."""
    bare = re.sub(r"[. ]", "", letters).lower()
    if not 2 <= len(bare) <= 4 or bare in _GRADES or bare in _NEVER_SIGN:
        return False
    if " " in letters.strip() and "." not in letters:
        return False
    if case == TITLE:
        return letters.isupper()
    return not vocabulary.flags(bare) & ORDINARY


_NO_INITIALS = vocabulary.group("initials_roles")
_NEVER_SIGN = vocabulary.group("signing_never")


def _rows(words: Words, signed: Iterable[Span], last: frozenset[str]) -> Iterator[Span]:
    """Letters in a row with letters found, or behind a name and a stroke: `Oyelaran / TK / HB`."""
    ends = {span.end for span in signed}
    starts = {span.start for span in signed}
    for i, word in enumerate(words.low[:-1]):
        j = i + 1
        gap = words.gaps[i]
        if gap not in _ROW:
            continue
        named = word in last and "/" in gap
        if (words.ends[i] in ends or named) and _in_row(words, j, stroke="/" in gap):
            ends.add(words.ends[j])
            yield Span(words.starts[j], words.ends[j], Label.INITIALS, 0.66, "letters in a row")
        elif words.starts[j] in starts and _in_row(words, i, stroke="/" in gap, first=True):
            yield Span(words.starts[i], words.ends[i], Label.INITIALS, 0.66, "letters in a row")


def _in_row(words: Words, i: int, *, stroke: bool, first: bool = False) -> bool:
    word = words.low[i]
    registered = _REGISTERED.match(words.text, words.ends[i]) is not None
    if not 2 <= len(word) <= 3 or not word.isalpha() or (word in _NO_INITIALS and not registered):
        return False
    if words.case == TITLE and not words.text[words.starts[i] : words.ends[i]].isupper():
        return False
    if words.flags[i] & ORDINARY or (words.flags[i] & CLINICAL and not stroke):
        return False
    return first or _ROW_END.match(words.text, words.ends[i]) is not None
