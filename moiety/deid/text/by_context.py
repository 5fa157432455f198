"""Hospitals and practices of which no word says what they are: `at St Ann's`, `Dr Nair of The Galleries`."""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.roles import NEVER, ROLES
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL
from moiety.deid.text.words import TITLE, Words

_SAINTS = frozenset({"st", "saint"})
_OF_SAINT = re.compile(
    r"(?<![\w'])St\.? [A-Z][a-z]{2,11}(?:'s|s')(?!\w)(?! \w+(?:'s|s')|[ -](?:[A-Z]|"
    r"(?:church|school|primary|academy|college|parish|nursery|hall|house|street|st|road|rd|lane|close|court|way|square"
    r"|ambulance|care|day|wort|valve|prosthesis|device|ring|dance|fire|score|questionnaire|resp|hospice)))"
)
_SAINT = re.compile(
    r"(?:(?<![a-z])(?:at|to|from|in|into|under|via|attended|admissions?:?|hospitals?:) |[;,:] ?)((?:st|saint)\.? [a-z]{3,12}'?s)(?=[ ]?(?:[.,;:)\n]|$|on |for |in |by |and |with |a&e|ed ))",
    re.IGNORECASE,
)
_CROWNS = frozenset({"queen", "king", "princess", "prince", "lady", "duke", "duchess"})
_OF_CROWN = re.compile(
    r"(?<![\w'])(?:Queen|King|Princess|Prince|Lady|Duke of|Duchess of) [A-Z][a-z]{2,11}(?:'s?)?"
    r"(?=[ ]?(?:[.,;:)\n/]|\Z)| (?:for|on|with|and|in|by|from|re|was|is|ward|ED|A&E|ICU|theatre|MDT|clinic))"
)
_OF_CROWN_ANY = re.compile(
    r"(?<![\w'])(?:queen|king|princess|prince|lady) [a-z]{3,12}'s(?=[ ]?(?:[.,;:)\n/]|\Z)| (?:for|on|with|and|in|by|from|re|was|is|ed|a&e|icu|mdt)\b)",
    re.IGNORECASE,
)
_OF_DOCTOR = re.compile(
    r"(?:\b(?:[Rr]egistered (?:at|with)|GDP:? [A-Z][\w'-]+,? (?:at|of)|GP:? (?:at|is at)|[Ss]urgery:|[Pp]ractice:)"
    r"|\bDrs?\.? (?:[A-Z]\.? ?){0,2}(?:[A-Z][\w'-]+ ){0,2}[A-Z][\w'-]+,? (?:of|at)"
    r"|\bDrs?\.? (?:[A-Z]\.? ?){0,2}(?:[A-Z][\w'-]+ ){0,2}[A-Z][\w'-]+,(?= (?:The |Meddygfa |Canolfan |Llys |(?:[A-Z][\w'-]+ ){1,2}(?:House|Lodge|Court|Gate|Health|Healthcare|Surgery)\b)))"
    r" ((?:The )?[A-Z][\w'-]+(?: (?:(?:on|of|in|by) (?:the )?)?[A-Z][\w'-]+){0,4})"
)
_OF_DOCTOR_ANY = re.compile(
    r"(?<![a-z])(?:registered (?:at|with)|gdp:? [^\W\d_][\w'-]+,? (?:at|of)|cc:? dr\.? [^\W\d_][\w'-]+,(?= the )) ([^\W\d_][\w'-]+(?: [^\W\d_][\w'-]+){0,3})(?=[.,;\n)]|$)",
    re.IGNORECASE,
)


def find(words: Words) -> Iterator[Span]:
    """Both kinds; some may overlap what other rules find."""
    if words.has(_SAINTS):
        yield from _saints(words)
    if words.has(_CROWNS):
        yield from _royal(words)
    yield from _of_doctors(words)


def _saints(words: Words) -> Iterator[Span]:
    """`at St Ann's`: a hospital more often than a church or a school."""
    for match in _SAINT.finditer(words.text):
        yield Span(*match.span(1), Label.HOSPITAL_NAME, 0.6, "called after a saint")
    for match in _OF_SAINT.finditer(words.text) if words.case == TITLE else ():
        yield Span(*match.span(), Label.HOSPITAL_NAME, 0.5, "of a saint, and of nothing else")


def _royal(words: Words) -> Iterator[Span]:
    """`MDT at Queen Anne's;`: called after a queen, and the hospital is not said."""
    for match in (_OF_CROWN if words.case == TITLE else _OF_CROWN_ANY).finditer(words.text):
        yield Span(*match.span(), Label.HOSPITAL_NAME, 0.5, "called after a queen or her like")


def _of_doctors(words: Words) -> Iterator[Span]:
    """`Dr Nair of The Galleries`, `registered with Smiles on the Quay`."""
    pattern = _OF_DOCTOR if words.case == TITLE else _OF_DOCTOR_ANY
    for match in pattern.finditer(words.text):
        parts = match[1].lower().split()
        first = parts[1] if parts[0] == "the" and len(parts) > 1 else parts[0]
        if (
            first in NEVER
            or first in ROLES
            or vocabulary.flags(first) & CLINICAL
            or first in _NO_PRACTICE
        ):
            continue
        yield Span(*match.span(1), Label.GP_IDENTIFIER, 0.6, "practice of a doctor")


_NO_PRACTICE = frozenset(
    {"local", "same", "new", "gp", "our", "your", "end", "time", "request", "a", "an", "no"}
)
