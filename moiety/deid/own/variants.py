"""What is known of a person, as the normal forms by which a text may give the person away.

Names with one slip of the pen and nicknames, initials, the birth date, numbers with any spacing,
telephone numbers at home and from abroad, e-mail, postcode, streets and the words of an address.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from moiety.deid.own import forms
from moiety.deid.own.plain import WORDS
from moiety.deid.text import vocabulary

MOST = 512  # forms a person; the first are the surest
_WORD = re.compile(r"[^\W\d_]+(?:['’‘ʼ`´][^\W\d_]+)*")
_PIECE = re.compile(r"[^\W_]+(?:['’‘][^\W_]+)*")
_NOT_DIGITS = re.compile(r"\D+")
_TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "dame", "rev", "jr", "sr"}
)


@dataclass(frozen=True, slots=True)
class Name:
    """The parts of one name of a person, as they are written."""

    given: tuple[str, ...] = ()
    family: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything by which one person is known; `birth_date` as ISO 8601, a day."""

    names: tuple[Name, ...] = ()
    birth_date: str | None = None
    numbers: tuple[str, ...] = ()
    telephones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    postcodes: tuple[str, ...] = ()


def forms_of(subject: Subject) -> list[str]:
    """The forms of a subject, the surest first, at most 512, each once."""
    found: dict[str, None] = {}
    for form in _all(subject):
        found[form] = None
        if len(found) == MOST:
            break
    return list(found)


def _all(subject: Subject) -> Iterator[str]:
    words = [_words_of(name) for name in subject.names]
    for name in words:
        yield from (f"n:{word}" for part in name for word in part)
    for number in subject.numbers:
        yield from _number(number)
    yield from _birth_date(subject.birth_date)
    for telephone in subject.telephones:
        yield from forms.number_forms(_NOT_DIGITS.sub("", telephone))
    yield from (f"m:{one.lower()}" for one in subject.emails)
    yield from (f"p:{re.sub(r'[^A-Za-z0-9]', '', one).upper()}" for one in subject.postcodes)
    for line in subject.lines:
        yield from _line(line)
    for name in words:
        yield from _initials(name)
        yield from (f"n:{other}" for word in name[0] for other in _called(word))
    for word in (word for place in subject.places for word in _folded(place)):
        if len(word) > 3 and word not in WORDS:
            yield f"c:{word}"
    for name in words:
        for word in (word for part in name for word in part):
            yield from forms.name_forms(word)


def _words_of(name: Name) -> tuple[list[str], list[str]]:
    """Given and family names as folded words; of a text alone, the last word is the family's."""
    given = [word for part in name.given for word in _folded(part)]
    family = [word for part in name.family for word in _folded(part)]
    known = {*given, *family}
    rest = [word for word in _folded(name.text) if word not in known and word not in _TITLES]
    if not family and rest:
        family.append(rest.pop())
    return [word for word in [*given, *rest] if len(word) > 1], [w for w in family if len(w) > 1]


def _called(given: str) -> list[str]:
    """What else a bearer of a given name is called: by its short forms, and by those of the names
    that it is itself a short form of.
    """
    listed = vocabulary.nicknames()
    near = listed.get(given, frozenset())
    return sorted(near.union(*(listed.get(other, ()) for other in near)) - {given})


def _folded(text: str) -> list[str]:
    return [forms.fold(match[0]) for match in _WORD.finditer(text)]


def _number(number: str) -> Iterator[str]:
    plain = re.sub(r"[^A-Za-z0-9]", "", number).upper()
    digits = _NOT_DIGITS.sub("", number)
    if plain == digits:
        yield f"#:{digits}"
    elif len(plain) >= 4:
        yield f"i:{plain}"
        if len(digits) >= 5:
            yield f"#:{digits}"


def _birth_date(birth_date: str | None) -> Iterator[str]:
    if birth_date is not None and len(birth_date) == len("2000-01-01"):
        yield f"d:{birth_date}"


def _line(line: str) -> Iterator[str]:
    """A line of an address: whole, without its number, and its own words."""
    pieces = [forms.fold(match[0]) for match in _PIECE.finditer(line)]
    for first in range(max(1, len(pieces) - 1)):
        if len(pieces) - first >= 2:
            yield f"a:{forms.street(pieces[first:])}"
    for word in pieces:
        if len(word) > 3 and word.isalpha() and word not in WORDS and word not in forms.STREETS:
            yield f"c:{word}"


def _initials(name: tuple[list[str], list[str]]) -> Iterator[str]:
    given, family = name
    if not given or not family:
        return
    last = family[-1][0]
    yield f"s:{given[0][0]}{last}"
    whole = "".join(word[0] for word in given) + last
    if len(whole) <= 4:
        yield f"s:{whole}"
    for first, second in product(given, family):
        if len(first) > 1:
            yield f"s:{first[0]}{second[0]}"
