"""What belongs to an address already found, before and behind it.

`Top Left, 14 Dumbarton Road`, `No 7, Almond Court`, `Craiglea, Auchterhouse`, `Paisley Road West`,
`Wemyss Bay`: the number of the house or the floor before, the house's own name before its village,
the second half of a village's name behind.
"""

import re
from collections.abc import Iterable, Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.landscape import HOUSES, LANDSCAPE, STREETS
from moiety.deid.text.roles import KIN, NEVER, ROLES, TITLES
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import (
    ABBREVIATION,
    CLINICAL,
    EPONYM,
    NAME,
    ORDINARY,
    PLACE,
    SURNAME,
    WORD,
)
from moiety.deid.text.words import TITLE, Words

_BEFORE = re.compile(
    r"(?<![\w/.])(?:(?:c/o|no\.?|number|"
    r"(?:top|ground|first|second|third|1st|2nd|3rd|upper|lower|main|middle|basement|attic|garden)"
    r"(?: floor)? (?:left|right|flat|door)|(?:ground|first|second|third|top|1st|2nd|3rd|upper) floor|basement|bsmt|"
    r"(?:flat |flt )?[0-9gb]/[0-9]{1,2}|(?:flat|room|unit|block|plot|pitch|lot|caravan) (?:[a-z]?\d{1,4}[a-z]?|[a-z])|"
    r"the (?:bungalow|annexe?|lodge|granny flat)(?: (?:opposite|behind|at|next to))?),? ){1,3}$",
    re.IGNORECASE,
)
_COMPASS = re.compile(
    r" (?:north|south|east|west|(?:industrial |trading )?estate|business park)(?![a-z])(?=[ ]?(?:[,.;)\n|]|$))",
    re.IGNORECASE,
)
_TAILS = vocabulary.group("widening_tails")
_TAIL = re.compile(r" ([a-z]+)(?=[ ]?([,.;)\n|'-]|$)?)(?![a-z])", re.IGNORECASE)
_HOUSE = re.compile(
    r"(?:^|[ \t(,:;.|-])((?:(?:the |\d{1,4}[a-z]? )?[^\W\d_][\w'-]+(?: [^\W\d_][\w'-]+){0,2})), ?$",
    re.IGNORECASE,
)
_HOUSE_IN_CAPITALS = re.compile(
    r"(?:^|[\s(,:;.|/-])((?:[Tt]he |\d{1,4}[a-z]? )?[^\W\d_a-z][\w'-]+(?: (?:of|on|the|y|yr|a'|o'|th'|in|and|[^\W\d_a-z][\w'-]*)){0,4}), ?$"
)
_BEHIND_HOUSES = frozenset(
    {"town", "village", "town with hyphens", "place of a house", "street", "address", "before a postcode",
     "house with a name"}
)  # fmt: skip
_NO_HOUSE = vocabulary.group("widening_no_houses")
_REACH, _HOUSE_REACH = 44, 48
_SMALL = frozenset({"the", "old", "of", "y", "yr", "on", "and", "new", "house"})


def find(words: Words, lines: Iterable[Span]) -> Iterator[Span]:
    """Each line that something before or behind makes longer, as long as that makes it."""
    text = words.text
    for line in lines:
        start, end = line.start, line.end
        if line.why in _BEHIND_HOUSES:
            start = _house_before(words, start)
        start = _number_before(text, start)
        if text[start - 1 : start] == " " and (
            match := _BEFORE.search(text, max(0, start - _REACH), start)
        ):
            start = match.start()
        if match := _COMPASS.match(text, end):
            if text[start : start + 1].islower() or match[0][1].isupper():
                end = match.end()
        elif tail := _tail(words, start, end):
            end = tail
        if (start, end) != (line.start, line.end):
            yield Span(
                start, end, line.label, max(0.88, line.score), "address and what belongs to it"
            )


_HALF = re.compile(
    r"(?:(?<![\w/])\d{1,3}/|(?<![a-z])(?:flat|unit|plot|room|suite|pitch|block|no\.?|number) )$",
    re.IGNORECASE,
)
_THE = re.compile(r"(?<![\w])the $", re.IGNORECASE)


def _number_before(text: str, start: int) -> int:
    """Where the number begins that a line starts in the midst of: `12/4 Leith Walk`, `Unit 4, …`."""
    if text[start : start + 1].isdigit() and (
        match := _HALF.search(text, max(0, start - 12), start)
    ):
        return match.start()
    return start


def merged(lines: Iterable[Span]) -> list[Span]:
    """The lines, those that overlap as one."""
    out: list[Span] = []
    for line in sorted(lines, key=lambda s: (s.start, -s.end)):
        last = out[-1] if out else None
        if last is None or line.start >= last.end:
            out.append(line)
        elif line.end > last.end or line.score > last.score:
            why = last.why if last.score >= line.score else line.why
            score, end = max(last.score, line.score), max(last.end, line.end)
            out[-1] = Span(last.start, end, last.label, score, why)
    return out


def _tail(words: Words, start: int, end: int) -> int:
    """Where `Bay` of `Wemyss Bay` ends; 0 where no such word follows."""
    match = _TAIL.match(words.text, end)
    if match is None or match[1].lower() not in _TAILS:
        return 0
    capital = words.case == TITLE and words.text[start].isupper() and match[1][0].isupper()
    return match.end() if capital or (words.case != TITLE and match[2] is not None) else 0


def _house_before(words: Words, start: int) -> int:
    """Where the part before a village begins, if it can be a house: `Ardnamona, Castlederg`."""
    text = words.text
    pattern = _HOUSE_IN_CAPITALS if words.case == TITLE else _HOUSE
    match = pattern.search(text, max(0, start - _HOUSE_REACH), start)
    if match is None or (words.case == TITLE and not match[1][0].isupper()):
        return start
    parts = match[1].replace("-", " ").split(" ")
    if words.case == TITLE and any(p[0].islower() and p.lower() not in _SMALL for p in parts):
        return start
    known = [(p.lower(), vocabulary.flags(p.lower())) for p in parts if not p[0].isdigit()]
    if words.case == TITLE and len(known) > 1 and _the_house(known):
        return match.start(1)
    if not known or not all(_of_house(word, flags) for word, flags in known):
        return start
    own = [f for w, f in known if w not in _SMALL]
    named = bool(own) and all(f & NAME and not f & PLACE for f in own)
    alike = any(w in HOUSES | STREETS or w in LANDSCAPE for w, _ in known)
    strange = any(not f or f & SURNAME for f in own)
    sure = words.case == TITLE or alike
    return match.start(1) if sure and (alike or (strange and not named)) else start


def _the_house(known: list[tuple[str, int]]) -> bool:
    """`The Paddocks`, `Toll Cottage`: behind `The` and before `Cottage` any words with capitals do."""
    return (known[0][0] == "the" or known[-1][0] in HOUSES) and not any(
        word in _NO_HOUSE or word in KIN or word in ROLES or word in TITLES or flags & CLINICAL
        for word, flags in (known[1:] if known[0][0] == "the" else known)
    )


def _of_house(word: str, flags: int) -> bool:
    if word in _SMALL or word in HOUSES or word in LANDSCAPE or word in STREETS:
        return True
    if word in NEVER or word in KIN or word in ROLES or word in TITLES:
        return False
    if flags & PLACE:
        return False
    return not flags & (WORD | EPONYM | ABBREVIATION) or bool(flags & NAME and not flags & CLINICAL)


def tailed(words: Words, cues: frozenset[str]) -> Iterator[tuple[int, int]]:
    """First and last word of places that end in `Bay`, `Bridge` or `Magna` and stand in no list."""
    capitals = words.case == TITLE
    for i, word in enumerate(words.low):
        if word not in _TAILS or not i or words.gaps[i - 1] != " ":
            continue
        before, known = words.low[i - 1], words.flags[i - 1]
        if before in NEVER or before in KIN or before in ROLES or known & (CLINICAL | EPONYM):
            continue
        cued = i > 1 and words.low[i - 2] in cues and words.gaps[i - 2] == " "
        if capitals:
            if words.shapes[i] != TITLE or words.shapes[i - 1] != TITLE:
                continue
            good = cued or (not known & (ORDINARY | NAME) and words.gaps[i][:1] in ",.\n")
        else:
            good = cued and words.gaps[i][:1] in ",.;)\n" and not known & ORDINARY
        if good and (not known & ORDINARY or before in LANDSCAPE):
            yield i - 1, i
