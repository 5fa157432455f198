"""Words that announce what follows, and the places where a pattern may begin.

A pattern that is tried at every character costs as much as the text is long.  What identifies by
its digits begins at a run of them or at a word that announces it: it is tried there alone.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import NamedTuple

from moiety.deid.text.labels import Label
from moiety.deid.text.words import NUMBER, Words

_DIGITAL = re.compile(r"(?<!\w)(?:([A-Za-z]{1,10})[\s./,:-]{1,3})?(?:(\d\d?(?!\d))|(\d)|(\w*?\d))")
_TOKEN = re.compile(r"[^\s,;:()|=<>~#]+")
_APART = frozenset(",;:()|=<>~#")
_LETTERS = re.compile(r"[^\W\d_]*")
_REACH = 28
_SHORT, _LONG, _SPELT = 2, 3, 4


class Places(NamedTuple):
    """Where in a text something may begin, in order.

    runs    letters and digits with a digit among them
    leads   those, and words that stand right before one: `AB 123456`
    short   runs that begin with a digit or two, and no third: days, months
    long    runs that begin with three digits and more
    spelt   leads that begin with a letter
    words   each word by itself; one that ends in digits by its letters: `MRN123456`
    """

    runs: list[int]
    leads: list[int]
    short: list[int]
    long: list[int]
    spelt: list[int]
    words: dict[str, list[int]]

    def of(self, some: Iterable[str]) -> list[int]:
        """Where any of some words stands."""
        known = self.words
        return sorted(place for word in known.keys() & some for place in known[word])


def places(words: Words) -> Places:
    """The places of a text."""
    out = Places([], [], [], [], [], _beginnings(words))
    kinds = {_SHORT: out.short, _LONG: out.long, _SPELT: out.spelt}
    for match in _DIGITAL.finditer(words.text):
        kind = match.lastindex or _LONG
        lead, run = match.start(1), match.start(kind)
        if lead >= 0:
            out.leads.append(lead)
            out.spelt.append(lead)
        out.leads.append(run)
        out.runs.append(run)
        kinds[kind].append(run)
    return out


def opened(text: str, places: Iterable[int], marks: str) -> Iterator[int]:
    """The places, each with the one before it where one of `marks` stands there: `(0`, `+44`."""
    for place in places:
        if place and text[place - 1] in marks:
            yield place - 1
        elif text[place - 2 : place] == "+ ":
            yield place - 2
        yield place


def at(pattern: re.Pattern[str], text: str, places: Iterable[int]) -> list[re.Match[str]]:
    """What a pattern matches at ordered places, none overlapping."""
    found = [*filter(None, map(pattern.match, repeat(text), places))]
    if len(found) < 2:
        return found
    done, apart = -1, []
    for one in found:
        if one.start() >= done:
            done = one.end()
            apart.append(one)
    return apart


class Announced(NamedTuple):
    """What follows certain words: group 1 of `pattern`, which begins with one of them."""

    firsts: frozenset[str]
    pattern: re.Pattern[str]
    label: Label


def announced(label: Label, heads: str, rest: str) -> Announced:
    """What `rest`, an expression with one group, finds behind one of `heads`.

    In a head `_` is a space or nothing, `.` a full stop or nothing: `case_note`, `g.m.c`.
    """
    phrases = sorted(heads.split(), key=len, reverse=True)
    source = "|".join(re.escape(one).replace("_", " ?").replace(r"\.", r"\.?") for one in phrases)
    firsts = frozenset(first for one in phrases for first in _firsts(one))
    return Announced(firsts, re.compile(rf"(?:{source}){rest}", re.IGNORECASE), label)


def _firsts(head: str) -> Iterator[str]:
    """The words that a head may begin with: `med_rec` as one word or as two."""
    whole = _LETTERS.match(re.sub(r"[_.]", "", head))
    part = _LETTERS.match(head)
    yield from {match[0] for match in (whole, part) if match}


class Cues:
    """Announcements by the words that they begin with."""

    def __init__(self, rules: Iterable[Announced]) -> None:
        self._rules: dict[str, list[Announced]] = {}
        for rule in rules:
            for first in rule.firsts:
                self._rules.setdefault(first, []).append(rule)

    def find(self, text: str, places: Places) -> Iterator[tuple[Label, re.Match[str]]]:
        """Every announced stretch; some may overlap."""
        for word in [word for word in places.words if word in self._rules]:
            for rule in self._rules[word]:
                for match in at(rule.pattern, text, places.words[word]):
                    yield rule.label, match


def _beginnings(words: Words) -> dict[str, list[int]]:
    out: dict[str, list[int]] = {}
    for word, start, shape in zip(words.low, words.starts, words.shapes, strict=True):
        key = word if shape != NUMBER else _letters(word)
        if key:
            out.setdefault(key, []).append(start)
    return out


def _letters(word: str) -> str:
    match = _LETTERS.match(word)
    return match[0] if match else ""


def before(text: str, place: int, marks: str = " .:#=<>~|()-") -> list[str]:
    """The last words of the line before a place in lower case; `marks` may stand between."""
    head = text[max(0, place - _REACH) : place]
    line = head.rfind("\n")
    if line >= 0:
        head = head[line + 1 :]
    head = head.rstrip(marks).lower()
    return [] if head[-1:] in _APART else _TOKEN.findall(head)[-3:]


def ends_with(last: list[str], phrases: frozenset[str]) -> bool:
    """Whether the last word, or the last two joined by `_`, are one of `phrases`."""
    return bool(last) and (last[-1] in phrases or "_".join(last[-2:]) in phrases)
