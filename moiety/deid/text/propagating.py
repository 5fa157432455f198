"""A name found once is a name wherever it stands: in other case, shortened, misspelt, alone."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from moiety.deid.text import vocabulary
from moiety.deid.text.joining import PARTICLES
from moiety.deid.text.labels import Label
from moiety.deid.text.roles import NEVER, TERM_HEADS, TITLES
from moiety.deid.text.spans import Span
from moiety.deid.text.terms import is_compound
from moiety.deid.text.vocabulary import CLINICAL, EPONYM, FORENAME, NAME, ORDINARY, PLACE
from moiety.deid.text.words import LOWER, NUMBER, TITLE, Words

_PART = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_SHORTEST, _SLIP_FROM = 3, 5


@dataclass(frozen=True, slots=True)
class Names:
    """What names found give to look for: their parts, and what differs from these by one slip."""

    sure: frozenset[str]
    doubtful: frozenset[str]
    slips: frozenset[str]


def names_of(found: Iterable[str]) -> Names:
    """From names as they stand in a text.  Ordinary words are doubtful: `Will`, `May`, `Ward`."""
    parts = {part.lower() for name in found for part in _PART.findall(name)}
    parts = {
        p
        for p in parts
        if p not in PARTICLES and p not in TITLES and (p not in NEVER or vocabulary.flags(p) & NAME)
    }
    parts = {part for part in parts if len(part) >= _SHORTEST}
    short = {nick for part in parts for nick in vocabulary.nicknames().get(part, ())}
    every = parts | {n for n in short if len(n) >= _SHORTEST}
    sure = frozenset(
        p for p in every if not vocabulary.flags(p) & (ORDINARY | CLINICAL | EPONYM | PLACE)
    )
    slips = frozenset(
        part[:i] + part[i + 1 :]
        for part in sure & parts
        if len(part) >= _SLIP_FROM
        for i in range(len(part))
    )
    return Names(sure, frozenset(every - sure), slips)


def find(words: Words, taken: bytearray, names: Names) -> Iterator[Span]:
    """Every word that is one of these names and that nothing has taken."""
    if not names.sure and not names.doubtful:
        return
    for i, word in enumerate(words.low):
        if (
            len(word) < _SHORTEST
            or taken[words.starts[i]]
            or words.shapes[i] == NUMBER
            or word in NEVER
        ):
            continue
        if word in names.sure:
            if not _term(words, i):
                yield _span(words, i, 0.75, "name found elsewhere")
        elif word in names.doubtful:
            if _as_name(words, i):
                yield _span(words, i, 0.7, "name found elsewhere")
        elif len(word) >= _SLIP_FROM and not words.flags[i] & ~NAME and _slip(word, names):
            yield _span(words, i, 0.6, "slip of a name found elsewhere")


def _span(words: Words, i: int, score: float, why: str) -> Span:
    return Span(words.starts[i], words.ends[i], Label.NAME, score, why)


def _slip(word: str, names: Names) -> bool:
    """Whether one letter is missing, added, changed or swapped in a name."""
    if word in names.slips:
        return True
    return any(
        (short := word[:i] + word[i + 1 :]) in names.sure or short in names.slips
        for i in range(len(word))
    )


def _term(words: Words, i: int) -> bool:
    """A term of medicine of that name: `Wilson's disease` beside a Mr Wilson."""
    if not words.flags[i] & EPONYM:
        return False
    return i + 1 < len(words.low) and (words.low[i + 1] in TERM_HEADS or is_compound(words, i))


def _as_name(words: Words, i: int) -> bool:
    """Whether a word that has another meaning is meant as a name here."""
    if words.flags[i] & EPONYM and (_term(words, i) or words.gaps[i][:1] == "'"):
        return False
    if words.case != TITLE:
        return bool(words.flags[i] & EPONYM) and not words.flags[i] & (ORDINARY | CLINICAL)
    if words.shapes[i] == LOWER:
        return False
    if i == 0 or any(c in words.gaps[i - 1] for c in "\n.:?!|;"):
        after = words.low[i + 1] if i + 1 < len(words.low) else ""
        named = bool(words.flags[i] & FORENAME) or not vocabulary.listed(words.low[i])
        return named and after in _DOES
    return True


_DOES = vocabulary.group("propagating_does")
