"""Initials by what they close, however they are typed: `… rv 3/52. jl`, `closed lf 12/3`, `bt/cm`.

Who writes in haste signs in small letters in a text that has capitals elsewhere.  Such letters are
looked at where nothing but a signature stands: at the end of a text, behind a word of writing or
doing, behind a date that ends a sentence, in a pair behind one, or before what people alone do.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.roles import KIN, NEVER, ROLES, TITLES
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import ABBREVIATION, CLINICAL, EPONYM, ORDINARY
from moiety.deid.text.words import INITIAL, LOWER, NUMBER, TITLE, Words

_CUES = vocabulary.group("closing_cues")
_DEEDS = vocabulary.group("closing_deeds")
_NO_ENDS = vocabulary.group("closing_no_ends")
_NEVER = (
    vocabulary.group("initials_roles")
    | vocabulary.group("initials_staff")
    | vocabulary.group("initials_labels")
    | vocabulary.group("initials_subjects")
    | vocabulary.group("initials_closing")
    | _NO_ENDS | NEVER | KIN | ROLES | TITLES
)  # fmt: skip
_SIGNATURE = re.compile(
    r"(?:,? (?:x{1,3}|[st]t?\d|[fc][yt]?\d|ext ?\d+|x ?\d+|bleep ?\d+|#? ?\d+))?[ .)x]{0,3}\Z"
)
_STOP = re.compile(r"(?:[.!?)\]\"'…] {1,2}|\n[ \t]*|[.!?]\n)\Z")
_DAY = re.compile(r"(?<![\d/.])\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})? \Z")
_SIGNED_ON = re.compile(r" \d{1,2}[/.]\d{1,2}([/.](?:20)?\d\d)?(?=[ .]{0,2}(?:\n|\Z))")
_BEFORE_PAIR = re.compile(r"(?:[.!?,;:] |\n|\| )\Z")
_PAIR = re.compile(r"(?<![\w/&'-])([a-z]{2,3})/([a-z]{2,3})(?= ?(?:\Z|[\n.;?]))", re.IGNORECASE)
_ONE_LETTER = re.compile(
    r"(?:[.!?)][ \n]{1,4}|\n>?[ \t]{0,4})([A-Z])(?=\.?(?: x{1,3})?(?:\s*\Z|\s*\n(?:> ?)?(?:Sent from|From:|-{3,}|_{3,}|On .{6,60} wrote:|>)))"
)
_DOUBLE = re.compile(
    r"(?<![\w/.-])(?:([A-Z]{2})-[A-Z]|[A-Z]-([A-Z]{2})|[A-Z]{2}-([A-Z]{2}))(?![\w-])"
)
_NO_DOUBLE = frozenset(
    {"ct", "mr", "iv", "pt", "co", "po", "ng", "pr", "us", "xr", "na", "al", "il", "ph", "rh"}
)
_STOPS = frozenset(".;,)|/\n")
_CUE_GAPS = frozenset({" ", ": ", " - ", ". ", " | "})
_SHORTEST, _LONGEST, _REACH = 2, 3, 14
_ENTRY = 30
"""Letters that a text has at least before it is signed."""


def find(words: Words, taken: bytearray) -> Iterator[Span]:
    """Every set of initials in one of these places."""
    text, last = words.text, len(words.low) - 1
    for i, word in enumerate(words.low):
        if not _SHORTEST <= len(word) <= _LONGEST or not word.isalpha() or word in _NEVER:
            continue
        start, end = words.starts[i], words.ends[i]
        if taken[start] or words.flags[i] & EPONYM:
            continue
        if i + 3 > last and _closes_text(words, i):
            why, score = "initials that close a text", 0.68
        elif words.flags[i] & (CLINICAL | ORDINARY):
            continue
        elif i and words.low[i - 1] in _CUES and _after_cue(words, i):
            why, score = "initials behind a word of writing", 0.66
        elif _signed_on(words, i):
            why, score = "initials before the last date", 0.66
        elif not words.flags[i] and _after_day(words, i):
            why, score = "initials behind a date", 0.66
        elif i < last and words.low[i + 1] in _DEEDS and _acts(words, i):
            why, score = "initials of whoever acts", 0.66
        else:
            continue
        yield Span(start, end, Label.INITIALS, score, why)
    for match in _PAIR.finditer(text) if words.paired else ():
        yield from _pair(words, match, taken)
    if words.case == TITLE:
        yield from _capitals(words, taken)


def _closes_text(words: Words, i: int) -> bool:
    """`… letter to follow. jl`: the last letters of a text, behind a sentence."""
    text, start = words.text, words.starts[i]
    if start < _ENTRY or not _SIGNATURE.match(text, words.ends[i]):
        return False
    behind = _STOP.search(text, max(0, start - _REACH), start) is not None
    if words.shapes[i] == LOWER and words.case != LOWER:
        return behind  # small letters among capitals: no word of the text would stand so
    return behind and not words.flags[i] & (ORDINARY | CLINICAL)


def _after_cue(words: Words, i: int) -> bool:
    """`typed bn from …`, `reply gsb 11/3`; a known abbreviation only where nothing goes on."""
    if words.gaps[i - 1] not in _CUE_GAPS:
        return False
    stops = _stops(words, i) or words.shapes[i + 1] == NUMBER
    return stops or (not words.flags[i] and words.gaps[i] == " " and words.low[i + 1] == "from")


def _after_day(words: Words, i: int) -> bool:
    """`told not to drive 16/5 pmq.`"""
    start = words.starts[i]
    return _stops(words, i) and _DAY.search(words.text, max(0, start - _REACH), start) is not None


def _signed_on(words: Words, i: int) -> bool:
    """`… dressing intact. dk 1/8/24`: before a date that ends a line, behind a sentence or with a year."""
    match = _SIGNED_ON.match(words.text, words.ends[i])
    if match is None:
        return False
    start = words.starts[i]
    behind = _STOP.search(words.text, max(0, start - _REACH), start) is not None
    opens = words.text[start - 1 : start] in ("", "\n")
    return not opens and (behind or (match[1] is not None and not words.flags[i]))


def _acts(words: Words, i: int) -> bool:
    """`jl rang mum`: at the head of a sentence or line, before what people do."""
    start = words.starts[i]
    opens = start == 0 or _STOP.search(words.text, max(0, start - _REACH), start) is not None
    return opens and words.gaps[i] == " "


def _stops(words: Words, i: int) -> bool:
    gap = words.gaps[i].lstrip(" ")
    return i + 1 == len(words.low) or gap[:1] in _STOPS


def _capitals(words: Words, taken: bytearray) -> Iterator[Span]:
    """`I can drive. W` at the end of a text, and those of a double surname, `TA-B`, `A-MB`."""
    text, capital = words.text, INITIAL in words.shapes
    for match in _ONE_LETTER.finditer(text, _ENTRY) if capital else ():
        if not taken[match.start(1)]:
            yield Span(*match.span(1), Label.INITIALS, 0.6, "a letter that closes a text")
    for match in _DOUBLE.finditer(text) if "-" in words.gaps else ():
        longer = next(part for part in match.groups() if part).lower()
        if not vocabulary.flags(longer) & CLINICAL and longer not in _NO_DOUBLE:
            yield Span(*match.span(), Label.INITIALS, 0.6, "initials of a double surname")


def _pair(words: Words, match: re.Match[str], taken: bytearray) -> Iterator[Span]:
    """`. bt/cm`: two sets of initials behind a sentence, where nothing goes on."""
    if words.case == TITLE and match[0].isupper():
        return  # as capitals they are looked at elsewhere
    if not _BEFORE_PAIR.search(words.text, max(0, match.start() - 3), match.start()):
        return
    sides = [match[1].lower(), match[2].lower()]
    known = [vocabulary.flags(side) & (ORDINARY | CLINICAL | ABBREVIATION) for side in sides]
    if any(side in _NEVER for side in sides) or all(known) or any(k & ORDINARY for k in known):
        return
    for group in (1, 2):
        if not taken[match.start(group)]:
            yield Span(*match.span(group), Label.INITIALS, 0.66, "two sets of initials")
