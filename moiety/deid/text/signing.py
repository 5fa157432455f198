"""Initials that close an entry, open one, or stand beside a grade or another's.

`No pain overnight. NB`, `Reviewed 14/2 - KP/RT`, `LM (reg): continue`.  Most pairs of letters mean
something in medicine too, so that here the place decides and a short list of what closes a line
as well (`PRN`, `NAD`) speaks against it.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import ABBREVIATION, CLINICAL, ORDINARY
from moiety.deid.text.words import LOWER, TITLE, UPPER, Words

_CLOSING = vocabulary.group("initials_closing")
_ROLES = vocabulary.group("initials_roles")
_STAFF = vocabulary.group("initials_staff")
_GRADE = (
    r"(?:minutes|minute taker|chair|scribe|notes|reg|registrar|spr|sho|f[y]?[12]|st[1-8]|ct[1-3]|rn|rgn|rmn|sn|"
    r"hv|cpn|physio|ot|slt|hca|mw|cmw|band [2-8]|consultant|cons|student|pharmacist|midwife|doctor|sec|"
    r"nurse|cns|tvn|dn|ssn|snr|bleep|anp|acp|enp|dietitian|dsn|amhp)(?![a-z])"
)
_BEFORE = re.compile(r"(?:[.!?;)\]\"'] {1,3}|\n[ \t*•-]{0,4}|^[ \t]*|   *|[-–—] ?|[\d%)] {1,3})$")
_SENTENCE = re.compile(r"(?:[.!?] {1,3}|[-–—] ?)$")
_AFTER_CUE = re.compile(
    r"(?:[.!?] {1,3}|(?<![a-z])(?:r/v|rv|by|seen|\d\d[:.]?\d\d|wr) )$", re.IGNORECASE
)
_COMMA = re.compile(r"[,/] ?$")
_END = re.compile(rf"(?: ?[,(/-]? ?{_GRADE}\)?)?[ \t.)\]]{{0,4}}(?:\n|$)", re.IGNORECASE)
_DATED = re.compile(r" {1,2}\d{1,2}(?:st|nd|rd|th|[/.-]| [a-z]{3})", re.IGNORECASE)
_GRADED = re.compile(rf"(?: ?\(|, ?| - ?| ?/ ?| ){_GRADE}", re.IGNORECASE)
_ROMAN = re.compile(r"x{0,2}(?:i{1,3}|iv|vi{0,3}|ix)", re.IGNORECASE)
_PAIR = re.compile(r"(?<![\w/&'-])([^\W\d_]{2,3})/([^\W\d_]{2,3})(?![\w/&'-])")
_PAIR_CUE = re.compile(
    r"(?:by|given|with|from|checked|check|seen|signed|visit|crew|rv|r/v|date|team|\d|[:.!)-])[ :,]{0,3}$|(?:^|\n|  )[ \t]*$",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"^(?:subject|re|fw|fwd)[ ]?:[^\n]{2,120}", re.IGNORECASE | re.MULTILINE)
_SUBJECTS = frozenset({"subject", "re", "fw", "fwd"})
_BETWEEN = re.compile(r"(?<=[:–-] )([^\W\d_]{2,3})(?= [–-] |[ \t]*$|,|;| \()")
_CELL = re.compile(r"(?<=[|;\t])[ ]{0,3}([^\W\d_]{2,3})[ ]{0,3}(?=[|;\t\n]|$)")
_SHORTEST, _LONGEST, _REACH = 2, 3, 12


def find(words: Words, taken: bytearray) -> Iterator[Span]:
    """Every set of initials that closes or opens an entry, in pairs and in cells of a table."""
    text = words.text
    for i, word in enumerate(words.low):
        start, end = words.starts[i], words.ends[i]
        if not _SHORTEST <= len(word) <= _LONGEST or taken[start] or not word.isalpha():
            continue
        if _written(words, i) and _placed(words, i):
            yield Span(start, end, Label.INITIALS, 0.68, "initials that close or open an entry")
    for line in _SUBJECT.finditer(text) if words.has(_SUBJECTS) else ():
        for match in _BETWEEN.finditer(line[0]):
            known = vocabulary.flags(match[1].lower()) & (CLINICAL | ABBREVIATION | ORDINARY)
            if (
                not known
                and match[1].lower() not in _ROLES
                and (match[1].isupper() or words.case == LOWER)
            ):
                start = line.start() + match.start(1)
                yield Span(
                    start, start + len(match[1]), Label.INITIALS, 0.66, "initials in a subject line"
                )
    for match in _PAIR.finditer(text) if words.paired else ():
        yield from _pair(words, match, taken)
    celled = "|" in text or ";" in text or "\t" in text
    for match in _CELL.finditer(text) if celled else ():
        known = vocabulary.flags(match[1].lower())
        capital = words.case == LOWER or match[1].isupper()
        if capital and not known and match[1].lower() not in _ROLES and not taken[match.start(1)]:
            yield Span(*match.span(1), Label.INITIALS, 0.6, "initials in a cell")


def again(words: Words, found: list[Span], taken: bytearray) -> Iterator[Span]:
    """The same letters elsewhere in the text, where they mean nothing else."""
    letters = {words.text[s.start : s.end].lower() for s in found if s.score > _SURE_ENOUGH}
    for i, word in enumerate(words.low):
        if (
            word in letters and len(word) <= _LONGEST and word not in _ROLES
            and (not words.flags[i] or (words.case == TITLE and _line_ends(words, i)))
            and not taken[words.starts[i]] and (words.case == LOWER or words.shapes[i] == UPPER)
        ):  # fmt: skip
            yield Span(
                words.starts[i], words.ends[i], Label.INITIALS, 0.6, "initials found elsewhere"
            )
    starts = {s.start for s in found if s.score > _SURE_ENOUGH}
    if words.case != TITLE:  # where capitals tell nothing, a rule for names took some
        starts |= {
            words.starts[i] for i, word in enumerate(words.low)
            if _SHORTEST <= len(word) <= _LONGEST and not words.flags[i]
            and taken[words.starts[i]] and word.isalpha()
        }  # fmt: skip
    yield from _chained(words, starts, taken)


def _line_ends(words: Words, i: int) -> bool:
    """Whether nothing but a stop stands between word `i` and the end of its line."""
    return not words.gaps[i].split("\n")[0].strip(" .") and (
        "\n" in words.gaps[i] or i + 1 == len(words.low)
    )


def _chained(words: Words, starts: set[int], taken: bytearray) -> Iterator[Span]:
    """`core: BK, IC & ZM`: what a comma, a stroke or `and` joins to initials, either way."""
    for step, order in ((1, range(len(words.low) - 1)), (-1, range(len(words.low) - 1, 0, -1))):
        known = set(starts)
        for i in order:
            j = i + step
            if words.starts[i] not in known:
                continue
            if words.low[j] in ("and", "to") and 0 <= j + step < len(words.low):
                j += step  # `AF and HD`: the word between joins as a stroke does
                joined = words.gaps[min(i, j)] == words.gaps[max(i, j) - 1] == " "
            else:
                joined = words.gaps[min(i, j)] in _JOINTS
            if not joined:
                continue
            if taken[words.starts[j]] or words.starts[j] in starts or not _could_join(words, j):
                continue
            known.add(words.starts[j])
            yield Span(words.starts[j], words.ends[j], Label.INITIALS, 0.6, "beside other initials")


_JOINTS = frozenset({", ", "/", " / ", " & ", "&", " + ", "; "})


def _could_join(words: Words, j: int) -> bool:
    word = words.low[j]
    if not _SHORTEST <= len(word) <= _LONGEST or not word.isalpha() or word in _STAFF:
        return False
    if words.case == TITLE:
        return words.shapes[j] == UPPER and word not in _CLOSING
    if words.flags[j] & ORDINARY or (word in _CLOSING and words.flags[j] & CLINICAL):
        return False
    stops = words.gaps[j].lstrip(" ")[:1] in (",", ".", ";", "\n", ")", "/", "&")
    return not words.flags[j] & CLINICAL or (stops and len(word) == _SHORTEST)


_SURE_ENOUGH = 0.64


def _written(words: Words, i: int) -> bool:
    """Capitals where capitals tell something; elsewhere letters that are no word."""
    if words.low[i] in _CLOSING:
        return False
    if words.case == TITLE:
        return words.shapes[i] == UPPER and words.low[i] not in _STAFF
    return not words.flags[i] & ORDINARY and words.low[i] not in _STAFF


def _placed(words: Words, i: int) -> bool:
    text, start, end = words.text, words.starts[i], words.ends[i]
    floor = max(0, start - _REACH)
    strange = not words.flags[i] & (CLINICAL | ABBREVIATION | ORDINARY)
    closes = _END.match(text, end) is not None
    if closes and _SENTENCE.search(text, floor, start) and start > text.rfind("\n", 0, start) + 8:
        return True
    if (
        closes
        and strange
        and (_BEFORE.search(text, floor, start) or _COMMA.search(text, floor, start))
    ):
        return True
    if not _GRADED.match(text, end):
        return False
    if _AFTER_CUE.search(text, floor, start):
        return True
    return strange and bool(_BEFORE.search(text, floor, start) or _COMMA.search(text, floor, start))


def _pair(words: Words, match: re.Match[str], taken: bytearray) -> Iterator[Span]:
    """`given by PK/EK`: two sets of initials, of which one at least means nothing else."""
    sides = [match[1], match[2]]
    if words.case != LOWER and not all(side.isupper() for side in sides):
        return
    if all(_ROMAN.fullmatch(side) for side in sides):
        return  # `segments VI/VII`
    known = [vocabulary.flags(side.lower()) for side in sides]
    if any(flag & ORDINARY and words.case != TITLE for flag in known):
        return
    strange = sum(not flag & (CLINICAL | ABBREVIATION | ORDINARY) for flag in known)
    cued = _PAIR_CUE.search(words.text, max(0, match.start() - _REACH), match.start())
    closes = _END.match(words.text, match.end())
    roles = sum(side.lower() in _STAFF for side in sides)
    roles += match[0].lower() in ("ro/la", "ct/gc", "gc/ct")  # antibodies, swabs
    closes = closes or _DATED.match(words.text, match.end())
    if roles or not (
        strange > 1 or (strange and (cued or closes)) or (cued and closes and words.case != LOWER)
    ):
        return
    for group in (1, 2):
        if not taken[match.start(group)]:
            yield Span(*match.span(group), Label.INITIALS, 0.66, "two sets of initials")
