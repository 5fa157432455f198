"""Practices: behind their cue, `GP (Priory Fields)`, `Dr Bhatt's surgery`, or by the word that ends
their name, `Priory Fields Medical Centre`.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.belonging import (
    GENERIC,
    MOST_WORDS,
    NO_PART,
    OPERATIONS,
    belongs,
    is_capital,
    is_own,
    joined,
)
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import CONNECTORS, HOUSES, LANDSCAPE
from moiety.deid.text.listed_hospitals import CUES
from moiety.deid.text.roles import NEVER, ROLES
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL, NAME, PLACE
from moiety.deid.text.words import LOWER, NUMBER, TITLE, Words, split

_NEVER = vocabulary.group("organisations_never")
_DOCTORS = re.compile(
    r"(?<!\w)(drs?\.? [a-z][\w'-]+(?:'s?)? (?:surgery|practice))(?!\w)", re.IGNORECASE
)
_DRS = frozenset({"dr", "drs"})
_AT_PRACTICE = re.compile(
    r"(?<!\w)(?:gp(?: surgery| practice)?|surgery|reg(?:istered|'d|d)? (?:at|with))(?: is| are)?(?: \(|: ?| - | at | @ ?| )"
    r"([a-z'-]{3,}(?: [a-z'-]{3,}){1,2}?)(?=[).,;\n]|  | (?:re|informed|aware|to|rang|called|phoned|for|contacted|has|have|who|on)\b|$)",
    re.IGNORECASE,
)
PRACTICE_CUES = frozenset({"gp", "surgery", "practice", "reg", "regd", "reg'd", "registered"})
_MEDDYGFA = frozenset({"meddygfa", "feddygfa"})
_WELSH = re.compile(
    r"(?<![\w'-])(?:[Yy] )?[MF]eddygfa(?:[ -](?:[A-ZÂÊÎÔÛŴŶ][\w'-]+|yr?|ar|a))+"
    r"|(?<![\w'-])(?:y )?[mf]eddygfa(?:[ -][^\W\d_]+){1,3}(?=[ ]?(?:[.,;:)(\n]|\Z| \d))"
    r"|(?<![\w'-])(?:Y )?[MF]EDDYGFA(?:[ -][^\W\d_]+){1,3}"
)
_SAINT = re.compile(
    r"(?<!\w)(?:at|to|from|under|@) (st\.? [a-z]{3,}(?:'s?|s')?)(?=[.,;)\n]|$| \(|  | (?:for|on|with|and|in|by|hosp))",
    re.IGNORECASE,
)


_OF_SAINT = re.compile(
    r"(?<!\w)(?:at|from|under|@) (st\.? [a-z]{3,}(?:['’]s|s['’]))(?![\w'’])(?! (?:road|rd|street|church|school|primary|c of e|rc"
    r"|parish|college|academy|nursery|square|avenue|close|lane|house|court|day|bay|wort))",
    re.IGNORECASE,
)


def saints(words: Words) -> Iterator[Span]:
    """`clinic at St Richard's.`: a hospital that is called after a saint, the word left out."""
    if "st" not in words.once:
        return
    for match in (*_SAINT.finditer(words.text), *_OF_SAINT.finditer(words.text)):
        if words.case != TITLE or match[1][:2] == "St":
            yield Span(*match.span(1), Label.HOSPITAL_NAME, 0.55, "saint behind a cue")


def _practice_words(phrase: str, case: int) -> bool:
    """Whether a phrase behind `GP` is a practice's name: words of landscape, or a doctor's surgery."""
    inner = split(phrase)
    if inner.low[0] in ("dr", "drs"):
        return True
    if any(word in _NEVER or word in NEVER or word in ROLES for word in inner.low):
        return False
    return (case != TITLE or LOWER not in inner.shapes) and inner.low[-1] in LANDSCAPE | HOUSES


def named_practices(words: Words) -> Iterator[Span]:
    """Every practice that stands behind `GP`, or is called after its doctor."""
    for match in _WELSH.finditer(words.text) if words.has(_MEDDYGFA) else ():
        yield Span(*match.span(), Label.GP_IDENTIFIER, 0.85, "practice in Welsh")
    if not words.has(PRACTICE_CUES):
        return
    called = [*_DOCTORS.finditer(words.text)] if words.has(_DRS) else []
    for match in (*called, *_AT_PRACTICE.finditer(words.text)):
        if _practice_words(match[1], words.case):
            yield Span(*match.span(1), Label.GP_IDENTIFIER, 0.6, "practice after its cue")


PRACTICE_ENDS = frozenset(
    {
        "surgery",
        "practice",
        "practise",
        "centre",
        "center",
        "partnership",
        "group",
        "clinic",
        "surgeries",
        "partners",
        "medics",
    }
)
_BEFORE_CENTRE = frozenset(
    {"medical", "health", "healthcare", "primary", "care", "surgery", "family", "walk-in"}
)


def practice(words: Words, end: int) -> Span | None:
    """A practice that ends with this word: it needs a word of its own before."""
    word, low = words.low[end], words.low
    head = _practice_head(low, end)
    if head is None or any("\n" in gap for gap in words.gaps[head:end]):
        return None
    if words.case == TITLE and words.shapes[end] == LOWER and word not in ("surgery", "practice"):
        return None
    first, own = head, False
    while first > 0 and end - first < MOST_WORDS and joined(words.gaps[first - 1]):
        i = first - 1
        if words.flags[i] & CLINICAL and not words.flags[i] & (NAME | PLACE):
            break
        if not belongs(words, i) and not is_capital(words, i):
            break
        own = own or is_own(words, i)
        first = i
    if (
        own
        and first > 1
        and low[first - 1] == "and"
        and words.gaps[first - 1] == words.gaps[first - 2] == " "
    ):
        plain = words.case != TITLE or words.shapes[first - 2] == TITLE
        if plain and is_own(words, first - 2):
            first -= 2  # `Billinghay and Ruskington`
    while first < head and low[first] in CONNECTORS and low[first] != "the":
        first += 1
    if not own and words.case != TITLE and (whole := _whole_part(words, head)) is not None:
        return Span(words.starts[whole], words.ends[end], Label.GP_IDENTIFIER, 0.6, "practice")
    if not own or first >= head:
        return None
    if words.case == TITLE and words.shapes[end] == LOWER and not is_own(words, head - 1):
        return None
    return Span(words.starts[first], words.ends[end], Label.GP_IDENTIFIER, 0.86, "practice")


def _practice_head(low: list[str], end: int) -> int | None:
    """Where the words of the kind begin: `medical` of `medical centre`; None where it is no kind."""
    word = low[end]
    head = end
    if word in ("centre", "center", "group", "partnership", "clinic"):
        if end == 0 or (
            low[end - 1] not in _BEFORE_CENTRE
            and not (word == "partnership" and low[end - 1] == "gp")
        ):
            return None
        head = end - 1
        if word == "clinic" and low[head] not in ("medical", "health"):
            return None
    elif (
        word == "practice"
        and end
        and low[end - 1]
        in (
            "medical",
            "group",
            "family",
            "health",
            "doctors",
            "gp",
            "surgery",
            "general",
            "road",
            "street",
            "hub",
        )
    ):
        head = end if low[end - 1] in ("road", "street") else end - 1
    return head


_LONGEST = 3


def _whole_part(words: Words, head: int) -> int | None:
    """Where `corn exchange medical centre` begins: words between a comma or a cue and the head."""
    if words.low[head] in ("practice", "practise", "partners", "clinic", "medics"):
        return None
    first = head
    while first > 0 and head - first < _LONGEST and words.gaps[first - 1] == " ":
        word = words.low[first - 1]
        if word in CUES or word in ("gp", "practice"):
            break
        if word in NO_PART or word in NEVER or words.shapes[first - 1] == NUMBER:
            return None
        if words.flags[first - 1] & CLINICAL or word in GENERIC or word in OPERATIONS:
            return None
        first -= 1
    begins = first == 0 or words.gaps[first - 1] != " " or words.low[first - 1] in CUES | {"gp"}
    return first if begins and first < head else None
