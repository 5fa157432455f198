"""Initials of whoever did it: `triaged KP`, `given AD chk FH`, `Reported MO, authorised BN 22 Feb`.

Behind a word that says what somebody did, or beside a name, letters are a person's where nothing
goes on behind them.  In a text with capitals two letters that mean nothing else are somebody's
wherever they stand.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.framing import framed
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import ABBREVIATION, CLINICAL, NAME, ORDINARY
from moiety.deid.text.words import LOWER, NUMBER, TITLE, UPPER, Words

_SURE = vocabulary.group("doing_sure")
_LIKELY = vocabulary.group("doing_likely")
_DOUBTFUL = frozenset({"reported", "reviewed", "seen", "consent", "handover"})
_HANDED = frozenset(
    {"passed", "handed", "given", "escalated", "allocated", "assigned", "sent", "over"}
)
_PERSONAL = frozenset({"by", "typed", "dict", "dictated", "signed"})
_GOES_ON = vocabulary.group("doing_goes_on")
_NEVER = (
    vocabulary.group("initials_roles")
    | vocabulary.group("initials_staff")
    | vocabulary.group("initials_labels")
    | vocabulary.group("initials_subjects")
    | {"odp", "bed", "ext", "tc", "px"}
)
_CLOSES = vocabulary.group("initials_closing")
_NEVER_ALONE = _NEVER | vocabulary.group("doing_never")
_LITTLE = vocabulary.group("initials_little_words")
_PAIRED = frozenset({"w", "chk", "chkd", "checked", "witness", "wit", "witnessed"})
_CUE_GAPS = frozenset({" ", ": ", ":", " - ", ". ", "-", " (", ", ", ":  ", "  "})
_BESIDE_GAPS = frozenset({" + ", "+", "/", " / ", " & ", "&"})
_CLOSING = frozenset(".,;)/\n|&+?!(-–]")
_SHORTEST, _LONGEST = 2, 3


def find(words: Words, taken: bytearray) -> Iterator[Span]:
    """Every set of initials behind such a word, beside a name, or of letters without a meaning."""
    capitals = words.case == TITLE
    for i, word in enumerate(words.low):
        if not _SHORTEST <= len(word) <= _LONGEST or taken[words.starts[i]] or not word.isalpha():
            continue
        if capitals and words.shapes[i] != UPPER:
            continue
        known = words.flags[i] & (CLINICAL | ABBREVIATION | ORDINARY)
        if framed(words, i):
            yield Span(words.starts[i], words.ends[i], Label.INITIALS, 0.66, "where persons stand")
        elif words.low[i + 1 : i + 3] in _AWAY and word not in _NEVER and not known & ORDINARY:
            yield Span(words.starts[i], words.ends[i], Label.INITIALS, 0.66, "who is away")
        elif word not in _NEVER and _acted(words, i):
            yield Span(words.starts[i], words.ends[i], Label.INITIALS, 0.66, "who acted")
        elif _told(words, i, known):
            yield Span(words.starts[i], words.ends[i], Label.INITIALS, 0.66, "who was told")
        elif i and (score := _behind(words, i, known) or _beside(words, i, known, taken)):
            yield Span(words.starts[i], words.ends[i], Label.INITIALS, score, "who did it")
        elif words.flags[i] & ~NAME or word in _NEVER_ALONE:
            continue
        elif _alone(words, i) if capitals else not words.flags[i] and _last(words, i):
            yield Span(words.starts[i], words.ends[i], Label.INITIALS, 0.645, "letters alone")


def _behind(words: Words, i: int, known: int) -> float:
    """How sure the word before makes initials of word `i`."""
    cue, gap, word = words.low[i - 1], words.gaps[i - 1], words.low[i]
    if gap == " " and cue in _STAFF and word not in _NEVER:
        good = not known or (words.case == TITLE and len(word) == _SHORTEST)
        return 0.66 if good and _stops(words, i) else 0.0
    if gap == " " and word not in _NEVER and _at_a_time(words, i - 1):
        good = not known or (words.case == TITLE and _ends(words, i))
        return 0.66 if good and (_stops(words, i) or words.gaps[i] == ": ") else 0.0
    if words.case != TITLE and word in _CLOSES and len(word) > _SHORTEST:
        return 0.0
    if gap not in _CUE_GAPS or (gap in (". ", ", ") and cue not in ("dict", "apols")):
        return 0.0
    done = not known and cue[-2:] == "ed" and bool(words.flags[i - 1] & ORDINARY)
    if not (done or cue in _SURE or cue in _LIKELY) or not _stops(words, i):
        return 0.0
    stands_out = word in _LITTLE and words.case == TITLE
    paired = _paired(words, i)
    if word in _NEVER and not stands_out:
        return 0.66 if paired and words.case == TITLE and cue in _SURE else 0.0
    if not known or stands_out:
        return 0.7
    if paired:
        return (
            0.66 if cue in _SURE or (words.low[i + 1] in _PAIRED and not known & ORDINARY) else 0.0
        )
    if cue == "to" and i > 1 and words.low[i - 2] in _HANDED and words.case != LOWER:
        return 0.66
    if cue == "handover" and words.low[i + 1 : i + 2] == ["to"]:
        return 0.66
    if cue not in _SURE or cue in _DOUBTFUL or (words.case == LOWER and known & ORDINARY):
        return 0.0
    return 0.66 if len(word) == _SHORTEST or cue in _PERSONAL else 0.0


_ACTED = frozenset(
    {
        "clerked",
        "rang",
        "phoned",
        "emailed",
        "texted",
        "agrees",
        "agreed",
        "apologised",
        "clerking",
        "chasing",
    }
)
_HELD = (["on", "bleep"], ["on", "ext"], ["on", "pager"], ["on", "extension"])


def _acted(words: Words, i: int) -> bool:
    """`TM clerked`, `contacted ML on bleep 3640`, `S/N PD.`: what only a person does or has, whatever
    the letters mean in medicine.
    """
    if words.case == LOWER and words.flags[i] & ORDINARY:
        return False
    if words.gaps[i] == " ":
        heads = i == 0 or words.gaps[i - 1] in _HEADS_SENTENCE or "\n" in words.gaps[i - 1]
        if heads and words.low[i + 1] in _ACTED:
            return True
        if words.low[i + 1 : i + 3] in _HELD and words.shapes[i + 3 : i + 4] == [NUMBER]:
            return True
    nurse = i > 1 and words.low[i - 2 : i] == ["s", "n"] and words.gaps[i - 2] == "/"
    return nurse and words.gaps[i - 1] == " " and _stops(words, i)


_HEADS_SENTENCE = frozenset({". ", "; ", " - ", ", ", "  "})
_AWAY = (
    ["on", "leave"],
    ["on", "call"],
    ["is", "off"],
    ["off", "sick"],
    ["is", "away"],
    ["is", "on"],
)
_TIME = re.compile(r"[0-2]\d[0-5]\d(?:hrs|h)?$")
_STAFF = vocabulary.group("doing_staff")


def _at_a_time(words: Words, i: int) -> bool:
    """Whether word `i` ends a time: `12:20`, `0420`."""
    if words.shapes[i] != NUMBER:
        return False
    if i and words.gaps[i - 1] in (":", ".") and len(words.low[i]) == 2:
        return words.shapes[i - 1] == NUMBER
    return _TIME.match(words.low[i]) is not None


def _told(words: Words, i: int, known: int) -> bool:
    """`JK informed.`, `NT aware`: letters at the head of a sentence that somebody was told."""
    if words.gaps[i] != " " or i + 1 >= len(words.low) or words.low[i + 1] not in _TOLD:
        return False
    opens = words.case == TITLE or not i or any(c in words.gaps[i - 1] for c in ".\n;-")
    if not opens or words.low[i] in _NEVER or len(words.low[i]) > _SHORTEST + (not known):
        return False
    return not known or words.case == TITLE


_TOLD = frozenset(
    {"informed", "aware", "notified", "updated", "contacted", "bleeped", "agrees", "happy"}
)


def _last(words: Words, i: int) -> bool:
    """Whether nothing of the line follows two letters that mean nothing."""
    gap = words.gaps[i]
    line = "\n" in gap or i + 1 == len(words.low)
    return len(words.low[i]) == _SHORTEST and line and not gap.split("\n")[0].strip(" .)")


def _ends(words: Words, i: int) -> bool:
    """Whether a stop or the end of the line follows."""
    gap = words.gaps[i]
    stops = not gap or gap.lstrip(" ")[:1] in (".", "\n")
    return stops and len(words.low[i]) == _SHORTEST


def _paired(words: Words, i: int) -> bool:
    """Whether a date or another such word follows: `reported PE, authorised BN`."""
    after = words.low[i + 1] if i + 1 < len(words.low) else ""
    if not after:
        return False
    return words.shapes[i + 1] == NUMBER or (
        words.gaps[i] in (", ", " ", "; ") and after in _SURE | _PAIRED
    )


def _stops(words: Words, i: int) -> bool:
    """Whether the letters are all that stands behind the word, not `seen by ENT team`."""
    gap = words.gaps[i]
    if not gap or gap[:2] == "  " or gap.lstrip(" ")[:1] in _CLOSING or i + 1 >= len(words.low):
        return True
    after = words.low[i + 1]
    return gap == " " and (words.shapes[i + 1] == NUMBER or after in _GOES_ON or after in _SURE)


def _beside(words: Words, i: int, known: int, taken: bytearray) -> float:
    """`Ouyang + EV`, `Acquaye/IN`: letters that a sign joins to a name."""
    if words.gaps[i - 1] not in _BESIDE_GAPS or not taken[words.starts[i - 1]]:
        return 0.0
    if words.shapes[i - 1] == NUMBER or len(words.low[i - 1]) < _SHORTEST or not _stops(words, i):
        return 0.0
    word = words.low[i]
    if word in _NEVER and not (word in _LITTLE and words.case == TITLE):
        return 0.0
    return 0.66 if not known or words.case == TITLE else 0.0


def _dated(words: Words, i: int) -> bool:
    """Whether the line so far is a date: `14/3/22 KW wound clean`."""
    line = words.text.rfind("\n", 0, words.starts[i]) + 1
    return _DATE.fullmatch(words.text, line, words.ends[i]) is not None


_DATE = re.compile(r"\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?")


def _alone(words: Words, i: int) -> bool:
    """Letters that mean nothing else, where neither number nor heading nor hyphen makes a code of them."""
    before = words.gaps[i - 1] if i else "\n"
    gap, last = words.gaps[i], i + 1 >= len(words.low)
    if before[-1:] in ("-", "/", "&") or (before[-1:] == "(" and gap != ", "):
        return False
    if gap[:1] in ("-", ":", "&", "/", "'", "%", "="):
        return False
    if not last and gap in (" ", "") and words.shapes[i + 1] in (NUMBER, UPPER):
        return "\n" in before and words.gaps[i + 1] in ("/", ".")  # `KW 14/3/22` at a line's head
    if i and before == " " and words.shapes[i - 1] in (NUMBER, UPPER):
        return _dated(words, i - 1)
    if len(words.low[i]) == _SHORTEST:
        return True
    return _stops(words, i) and before.strip(" ")[-1:] in (".", ",", "\n", ";", "|", "–")
