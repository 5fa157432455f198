"""Practices named behind their cue: `GP (Priory Fields)`, `Dr Bhatt's surgery`."""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import HOUSES, LANDSCAPE
from moiety.deid.text.roles import NEVER, ROLES
from moiety.deid.text.spans import Span
from moiety.deid.text.words import LOWER, TITLE, Words, split

_NEVER = vocabulary.group("organisations_never")
_DOCTORS = re.compile(
    r"(?<!\w)(drs?\.? [a-z][\w'-]+(?:'s?)? (?:surgery|practice))(?!\w)", re.IGNORECASE
)
_AT_PRACTICE = re.compile(
    r"(?<!\w)(?:gp(?: surgery| practice)?|surgery|reg(?:istered|'d|d)? (?:at|with))(?: is| are)?(?: \(|: ?| - | at | @ ?| )"
    r"([a-z'-]{3,}(?: [a-z'-]{3,}){1,2}?)(?=[).,;\n]|  | (?:re|informed|aware|to|rang|called|phoned|for|contacted|has|have|who|on)\b|$)",
    re.IGNORECASE,
)


_SAINT = re.compile(
    r"(?<!\w)(?:at|to|from|under|@) (st\.? [a-z]{3,}(?:'s?|s')?)(?=[.,;)\n]|$| (?:for|on|with|and|in|by|hosp))",
    re.IGNORECASE,
)


def saints(words: Words) -> Iterator[Span]:
    """`clinic at St Richard's.`: a hospital that is called after a saint, the word left out."""
    for match in _SAINT.finditer(words.text):
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
    for match in (*_DOCTORS.finditer(words.text), *_AT_PRACTICE.finditer(words.text)):
        if _practice_words(match[1], words.case):
            yield Span(*match.span(1), Label.GP_IDENTIFIER, 0.6, "practice after its cue")
