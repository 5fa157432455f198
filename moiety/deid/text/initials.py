"""Initials that stand for a person: never by their form alone, always by where they stand.

A sign-off, a reference, what follows `d/w` or `seen by`, a list of those present, or letters that
are the initials of somebody named in the text.  `PE`, `CT` and `RN` are no initials.
"""

import re
from collections.abc import Iterable, Iterator

from moiety.deid.text import closing, doing, grading, lettered, signing, vocabulary
from moiety.deid.text.cues import before, ends_with
from moiety.deid.text.labels import Label
from moiety.deid.text.roles import KIN, NEVER, ROLES, TITLES
from moiety.deid.text.spans import Span
from moiety.deid.text.terms import numbered
from moiety.deid.text.vocabulary import ABBREVIATION, CLINICAL, EPONYM, ORDINARY
from moiety.deid.text.words import LOWER, NUMBER, TITLE, UPPER, Words

_ROLES = vocabulary.group("initials_roles")
_STAFF = vocabulary.group("initials_staff")
_BY = vocabulary.group("initials_by")
_MEASURES = vocabulary.group("closing_no_ends")
_SURE_BY = vocabulary.group("initials_sure_by")
_SIGNED = vocabulary.group("initials_signed")
_TASK = re.compile(
    r" (?:to|will) (?:ring|phone|call|chase|contact|review|see|speak|book|arrange|refer|email|write|"
    r"discuss|follow|check|update|inform|tell|ask|prescribe|send|organise|r/v|rv|liaise|d/w|fax|"
    r"request|complete|do|take|visit|text|copy|action|circulate|feed|attend|meet|confirm|draft|"
    r"provide|share|escalate|bring|lead|explore|consider|continue|monitor|notify|obtain|forward|"
    r"ensure|support|assess|submit|upload|scan|type|sign|order|cancel|rebook|reply|look)\b",
    re.IGNORECASE,
)
_END_OF_LINE = re.compile(
    r"(?:[ ,(/-]{1,3}(?:DN|RN|SN|HV|OT|PT|SLT|CPN|HCA|RGN|RMN|MMT|MW|SpR|SHO|F[Y12]\d?|ST\d|CT\d|CNS|TVN|GP|dn|rn|sn|hv|ot|cpn|hca)\)?)?[ \t.]{0,3}(?:\n|$)",
    re.IGNORECASE,
)
_LINE_OF_INITIALS = re.compile(r"(?:^|\n|[.!?)] {1,3}|  +|/ ?|[-–] ?|\d\d[:.]?\d\d )$")


def find(
    words: Words, taken: bytearray, known: frozenset[str], surnames: frozenset[str] = frozenset()
) -> Iterator[Span]:
    """Every set of initials; `known` are those of the names found in the text, whose last words
    are `surnames`.
    """
    found = [
        *lettered.find(words),
        *_by_place(words, taken, known),
        *signing.find(words, taken),
        *doing.find(words, taken),
        *closing.find(words, taken),
    ]
    found += grading.find(words, list(found), surnames)
    found = [span for span in found if not _is_rate(words.text, span)]
    yield from found
    yield from signing.again(words, found, taken)


def _by_place(words: Words, taken: bytearray, known: frozenset[str]) -> Iterator[Span]:
    for i, word in enumerate(words.low):
        if not 2 <= len(word) <= 4 or taken[words.starts[i]] or not word.isalpha():
            continue
        if _plain_word(words, i):
            continue
        if words.case == LOWER and words.shapes[i] == LOWER:
            if _TASK.match(words.text, words.ends[i]) and word not in _SUBJECTS and len(word) < 4:
                yield Span(
                    words.starts[i], words.ends[i], Label.INITIALS, 0.65, "initials with a task"
                )
                continue
            if words.flags[i] & ORDINARY or word in _ROLES:
                continue
        elif words.shapes[i] != UPPER:
            if not (
                words.shapes[i] == LOWER and word in known and len(word) < 4 and not words.flags[i]
            ):
                continue
        if score := _score(words, i, known):
            yield Span(words.starts[i], words.ends[i], Label.INITIALS, score, "initials")


_COUNTED = re.compile(r"\d[a-z]{0,6}/\Z", re.IGNORECASE)


def _is_rate(text: str, span: Span) -> bool:
    """`10u/wk`, `3/hr`: how much in which time."""
    measure = text[span.start : span.end].lower() in _MEASURES
    return measure and bool(_COUNTED.search(text, max(0, span.start - 8), span.start))


def _plain_word(words: Words, i: int) -> bool:
    """Words that are kin, a title, a role or grammar: `MET BY WIFE`, `d/w NOK`, `seen by DS Baker`."""
    word = words.low[i]
    if word in KIN or (word in TITLES and words.gaps[i] == " "):
        return True
    if words.case == TITLE:
        return False
    if len(word) == 2:
        return word in NEVER and words.gaps[i] == " "
    long = len(word) == 4 and bool(words.flags[i] & (ORDINARY | CLINICAL | EPONYM))
    return long or word in NEVER or word in ROLES


def _score(words: Words, i: int, known: frozenset[str]) -> float:
    """How sure it is that word `i` stands for a person: by who announces it, else by its place."""
    word, text, start = words.low[i], words.text, words.starts[i]
    if len(word) < 4 and _numbered_entry(words, i):
        return 0.7
    stands_out = word in _LITTLE and words.case == TITLE and words.shapes[i] == UPPER
    last_words = before(text, start, " .:=-([")
    if word in _ROLES and not stands_out:
        return _score_of_role(words, i, known, last_words)
    plain = stands_out or not words.flags[i] & (CLINICAL | ORDINARY)
    if not plain and _in_row_of_tests(words, i):
        return 0.0
    if ends_with(last_words, _SURE_BY) and _ends_here(words, i):
        test = len(word) > 2 and words.low[i - 1] in _OF_TESTS and not plain  # `born by SVD`
        return 0.8 if plain or (words.case != LOWER and not test) else 0.0
    if plain and ends_with(last_words, _BY) and _ends_here(words, i):
        return 0.75
    if numbered(words, i) or text[start - 1 : start] == "(":
        return 0.0
    return _score_of_place(words, i, known, plain=plain)


def _in_row_of_tests(words: Words, i: int) -> bool:
    """`to be checked: INR, APTT`: a test with another behind it."""
    if words.gaps[i] not in (", ", " and ", " & ", "/") or i + 1 >= len(words.low):
        return False
    return bool(words.flags[i + 1] & CLINICAL) and words.shapes[i + 1] == UPPER


def _score_of_role(words: Words, i: int, known: frozenset[str], last_words: list[str]) -> float:
    """Letters that name a role too, such as `SR` and `OT`, are initials where somebody signs."""
    word, text, start = words.low[i], words.text, words.starts[i]
    upper = words.shapes[i] == UPPER
    signed = upper and ends_with(before(text, start, " .:=-"), _SIGNED)
    if words.case == TITLE and upper and word not in _STAFF:
        signed = signed or (ends_with(last_words, _SURE_BY) and _ends_here(words, i))
    return 0.75 if signed or (word in known and _signs_off(text, start, words.ends[i])) else 0.0


def _score_of_place(words: Words, i: int, known: frozenset[str], *, plain: bool) -> float:
    """Letters that nobody announces: where in a line they stand, and what follows."""
    word, text, start, end = words.low[i], words.text, words.starts[i], words.ends[i]
    short, named = len(word) < 4, word in known
    upper = words.shapes[i] == UPPER
    last = _END_OF_LINE.match(text, end) is not None
    opens = start == 0 or _LINE_OF_INITIALS.search(text, max(0, start - 6), start) is not None
    if last and opens and short and (plain or named):
        return 0.75
    if score := _closes_entry(words, i, last=last):
        return score
    if named and (plain or (opens and last)):
        return 0.7
    if short and (_TASK.match(text, end) or (opens and _NUMBERED.match(text, end))):
        return 0.7
    if plain and (_after_date(text, start) or _between_names(words, i)):
        return 0.68
    if (plain or named or (opens and upper)) and _REGISTERED.match(text, end):
        return 0.75
    if named and opens and text[end : end + 2] == "  ":
        return 0.7
    if _in_list(words, i):
        return 0.65
    return 0.7 if plain and last and _before_registration(text, start) else 0.0


def _closes_entry(words: Words, i: int, *, last: bool) -> float:
    """`… settled. AB` behind a sentence, at the end of an entry or before the next sentence."""
    word, text, start, end = words.low[i], words.text, words.starts[i], words.ends[i]
    if text[start - 2 : start] != ". ":
        return 0.0
    short, late = len(word) < 4, start - text.rfind("\n", 0, start) > _ENTRY
    if words.case == TITLE:
        ends = late and text[end : end + 1] in ("", "\n")
        return 0.65 if last and short and ends and words.shapes[i] == UPPER else 0.0
    if word in _LITTLE_END:
        return 0.0
    if last and len(word) == 2 and late:
        return 0.6
    return 0.6 if short and not words.flags[i] and text[end : end + 2] == ". " else 0.0


_ENTRY = 30
_OF_TESTS = frozenset({"check", "by", "with", "seen"})
_LITTLE = vocabulary.group("initials_little_words")
_LITTLE_END = vocabulary.group("initials_no_ends")
_SUBJECTS = vocabulary.group("initials_subjects")
_DATED = re.compile(r"(?:\d{2,4}|[A-Za-z]{3}|\d[:.]?\d\d(?:hrs|h)?) {1,3}(?:- )?$")
_NUMBERED = re.compile(r" ?[/|] ?[A-Za-z]{0,4}\d")
_REGISTERED = re.compile(
    r"[ ,-]{1,4}(?:[A-Z]\.[A-Z]\. |HCPC|GMC|NMC|hcpc|gmc|nmc|bleep|Bleep|ext)\b"
)


def _after_date(text: str, start: int) -> bool:
    """At the head of an entry: `16/11/26 RP / …`."""
    line = text.rfind("\n", 0, start) + 1
    head = text[line:start]
    return (
        5 < len(head) < 26
        and head[0].isdigit()
        and _DATED.search(head) is not None
        and (
            text[start : start + 8].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")[:2]
            in (" /", " -", ": ", " :", "\n", "")
        )
    )


def _between_names(words: Words, i: int) -> bool:
    """After a name and a comma, before the next heading: `Asst: G. Pool, CRC   Anaes:`."""
    if i < 2 or words.gaps[i - 1] not in (", ", ",", " & ", " and "):
        return False
    line = words.text.rfind("\n", 0, words.starts[i]) + 1
    head = words.text[line : words.starts[i]].lower()
    return any(
        cue in head
        for cue in (
            "asst",
            "assist",
            "surgeon",
            "anaes",
            "scrub",
            "present",
            "with ",
            "seen by",
            "staff",
            "team",
        )
    )


_LABELS = vocabulary.group("initials_labels")


def _numbered_entry(words: Words, i: int) -> bool:
    """`16/11/26 RP / 464300A`: capitals between a date and a long number."""
    if words.low[i] in _LABELS or words.shapes[i] != UPPER or words.gaps[i] != " / ":
        return False
    return (
        i + 1 < len(words.low)
        and sum(c.isdigit() for c in words.low[i + 1]) > 3
        and (i > 0 and words.shapes[i - 1] == NUMBER)
    )


def _signs_off(text: str, start: int, end: int) -> bool:
    """Whether letters stand alone at the end of a line, behind a sentence or at its head."""
    opens = start == 0 or _LINE_OF_INITIALS.search(text, max(0, start - 6), start) is not None
    return opens and _END_OF_LINE.match(text, end) is not None


def _ends_here(words: Words, i: int) -> bool:
    """`seen by AB` and `seen by AB (SpR)`, but not `seen by ENT team`."""
    after = words.low[i + 1] if i + 1 < len(words.low) else ""
    grade = words.gaps[i][:1] == ")" and words.gaps[i - 1] == " "
    if after == "on":
        after = words.low[i + 2] if i + 2 < len(words.low) else ""
        return not grade and after not in ("call", "take")
    return not grade and not (words.gaps[i] == " " and after in _TEAMS)


_TEAMS = vocabulary.group("initials_teams")


def _in_list(words: Words, i: int) -> bool:
    """Between other initials or names of those present: `Present: NCR, SBR, A Nair`."""
    line = words.text.rfind("\n", 0, words.starts[i]) + 1
    head = words.text[line : words.starts[i]].lower()
    return any(
        cue in head
        for cue in (
            "present:",
            "attendees:",
            "apologies:",
            "in attendance:",
            "present -",
            "core:",
            "chair:",
            "staff:",
            "team:",
        )
    )


def _before_registration(text: str, start: int) -> bool:
    return text[max(0, start - 3) : start].strip(" ") in ("-", "/", ",") and start > 0


def of_names(names: Iterable[str]) -> frozenset[str]:
    """The initials that the names give, first to last and first with last."""
    out: set[str] = set()
    for name in names:
        parts = [p for p in re.split(r"[ ,.\-']+", name.lower()) if p]
        if len(parts) < 2 or len(parts) > 5:
            continue
        letters = [p[0] for p in parts]
        turned = letters[1:] + letters[:1]
        for some in (letters, turned):
            out.add("".join(some))
            out.add(some[0] + some[-1])
    return frozenset(o for o in out if len(o) > 1)


_MEANS = CLINICAL | ORDINARY | ABBREVIATION
_IN_BRACKETS = re.compile(r" ?\(([^\W\d_]{2,4})\)")


def behind_names(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """`Dr Okonjo (KO)`: letters in brackets behind a name that end with its last word's."""
    for span in spans:
        if span.label != Label.NAME:
            continue
        match = _IN_BRACKETS.match(text, span.end)
        if match is None or match[1][0].isupper() != match[1].isupper():
            continue
        letters, last = match[1].lower(), text[span.start : span.end].rsplit(maxsplit=1)[-1].lower()
        known = match[1].islower() and vocabulary.flags(letters) & _MEANS
        if letters[-1] == last[0] and letters not in _ROLES and not known:
            yield Span(*match.span(1), Label.INITIALS, 0.86, "letters behind the name they are of")
