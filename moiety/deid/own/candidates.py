"""What in a text might identify its subject: spans with the normal forms that each may be.

Asked about are words that could be a name, numbers, dates, postcodes, streets, e-mail addresses and
initials.  A word written small is asked about exactly as it stands; one with a capital, or in a
text that is all capitals or all small, also with one slip of the pen.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from moiety.deid.own import forms
from moiety.deid.own.plain import WORDS

MOST = 20_000  # forms a document
_WORD = re.compile(r"[^\W\d_]+(?:['’‘ʼ`´][^\W\d_]+)*")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_POSTCODE = re.compile(r"(?<!\w)([A-Za-z]{1,2}\d[A-Za-z\d]?)[ \-]{0,3}(\d[A-Za-z]{2})(?!\w)")
_NUMBER = re.compile(r"(?<!\w)[+(]?\d(?:[\d \-().+/\u00a0\u2009]{0,40}\d)?(?!\w)")
_GROUP = re.compile(r"\d+")
_MIXED = re.compile(r"(?<!\w)(?=[^\W_]{0,12}[A-Za-z])(?=[^\W_]{0,12}\d)[A-Za-z\d]{4,16}(?!\w)")
_INITIALS = re.compile(r"(?<!\w)(?:[A-Z]\.\s?){2,4}(?!\w)|(?<=\()[A-Z]{2,3}(?=\))")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_PARTED = re.compile(r"(?<!\d)(\d{1,4})[ ./\\-]{1,2}(\d{1,2})[ ./\\-]{1,2}(\d{1,4})(?!\d)")
_COMPACT = re.compile(r"(?<!\d)(?:\d{8}|\d{6})(?!\d)")
_YEAR = r"(\d{4}|\d{2})(?!\d)"
_DAY_FIRST = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th)?[ \-./]{{0,2}}(?:of )?{_MONTH}[ ,.\-/']{{0,3}}{_YEAR}",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    rf"(?<![A-Za-z]){_MONTH}[ .\-]{{0,2}}(\d{{1,2}})(?:st|nd|rd|th)?[ ,.\-/']{{1,3}}{_YEAR}",
    re.IGNORECASE,
)
_MOST_GROUPS = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span of a text (code points) and the forms that it may be."""

    start: int
    end: int
    forms: tuple[str, ...]


def find(text: str) -> list[Candidate]:
    """Every candidate of a text; spans may lie in one another."""
    if not any(sign.isalnum() for sign in text):
        return []
    return [*_words(text), *_numbers(text), *_dates(text), *_others(text), *_streets(text)]


def _words(text: str) -> Iterator[Candidate]:
    cased = text != text.upper() and text != text.lower()
    for match in _WORD.finditer(text):
        if asked := _word(match[0], cased=cased):
            yield Candidate(match.start(), match.end(), asked)


@lru_cache(maxsize=50_000)  # the words of letters come again and again
def _word(written: str, *, cased: bool) -> tuple[str, ...]:
    word = forms.fold(written)
    is_small = cased and not written[0].isupper()
    if len(word) < 2 or (is_small and (len(word) < 3 or word in WORDS)):
        return ()
    if is_small:
        return (f"n:{word}",)
    asked = (f"n:{word}", f"c:{word}")
    return asked if word in WORDS else (*asked, *forms.written_slips(word))


def _numbers(text: str) -> Iterator[Candidate]:
    """Every run of up to six neighbouring groups of digits that has five digits or more."""
    for match in _NUMBER.finditer(text):
        groups = list(_GROUP.finditer(match[0]))
        for first in range(len(groups)):
            digits = ""
            for group in groups[first : first + _MOST_GROUPS]:
                digits += group[0]
                if len(digits) > 15:
                    break
                if len(digits) >= 5:
                    start = match.start() + groups[first].start()
                    yield Candidate(start, match.start() + group.end(), _number(digits))


def _number(digits: str) -> tuple[str, ...]:
    asked = [f"#:{digits}"]
    if digits.startswith("00"):
        asked.append(f"#:{digits[2:]}")
    if digits.startswith("440"):
        asked.append(f"#:44{digits[3:]}")
    if digits.startswith("00440"):
        asked.append(f"#:44{digits[5:]}")
    return tuple(asked)


def _dates(text: str) -> Iterator[Candidate]:
    for match in _PARTED.finditer(text):
        one, two, three = match.groups()
        if len(one) > 2:
            readings = [(one, two, three)] if len(one) == 4 else []
        else:
            readings = [(three, two, one), (three, one, two)]
        yield from _dated(match, readings)
    for match in _COMPACT.finditer(text):
        yield from _dated(match, _compact(match[0]))
    for match in _DAY_FIRST.finditer(text):
        yield from _dated(match, [(match[3], _month(match[2]), match[1])])
    for match in _MONTH_FIRST.finditer(text):
        yield from _dated(match, [(match[3], _month(match[1]), match[2])])


def _dated(match: "re.Match[str]", readings: list[tuple[str, str, str]]) -> Iterator[Candidate]:
    found = [
        form
        for year, month, number in readings
        for full in _years(year)
        if (form := forms.day(full, int(month), int(number)))
    ]
    if found:
        yield Candidate(match.start(), match.end(), tuple(dict.fromkeys(found)))


def _compact(digits: str) -> list[tuple[str, str, str]]:
    """The readings of a date without separators."""
    first, second, rest = digits[:2], digits[2:4], digits[4:]
    if len(digits) == 6:
        return [(rest, second, first), (first, second, rest), (rest, first, second)]
    return [(digits[:4], digits[4:6], digits[6:]), (rest, second, first), (rest, first, second)]


def _years(text: str) -> tuple[int, ...]:
    if len(text) == 4:
        return (int(text),)
    return (1900 + int(text), 2000 + int(text)) if len(text) == 2 else ()


def _month(text: str) -> str:
    return str(_MONTHS.index(text[:3].lower()) + 1)


def _others(text: str) -> Iterator[Candidate]:
    for match in _EMAIL.finditer(text):
        yield Candidate(match.start(), match.end(), (f"m:{match[0].lower()}",))
    for match in _POSTCODE.finditer(text):
        yield Candidate(match.start(), match.end(), ("p:" + (match[1] + match[2]).upper(),))
    for match in _MIXED.finditer(text):
        yield Candidate(match.start(), match.end(), (f"i:{match[0].upper()}",))
    for match in _INITIALS.finditer(text):
        letters = "".join(sign for sign in match[0] if sign.isalpha()).lower()
        end = match.start() + len(match[0].rstrip())
        yield Candidate(match.start(), end, (f"s:{letters}",))


_PIECE = re.compile(r"[^\W_]+(?:['’‘][^\W_]+)*")


def _streets(text: str) -> Iterator[Candidate]:
    """Two to five neighbouring words that end in a kind of street or begin with a number."""
    pieces = list(_PIECE.finditer(text))
    folded = [forms.fold(piece[0]) for piece in pieces]
    for last, word in enumerate(folded):
        if word in forms.STREETS or word in forms.STREETS.values():
            for first in range(max(0, last - 4), last):
                gap = text[pieces[first].start() : pieces[last].end()]
                if "\n\n" not in gap:
                    yield Candidate(
                        pieces[first].start(), pieces[last].end(),
                        (f"a:{forms.street(folded[first : last + 1])}",),
                    )  # fmt: skip
