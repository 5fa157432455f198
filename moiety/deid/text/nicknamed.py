"""What people are called beside their names: `Delroy "Biscuit" Ashmeade`, `Margaret Ward (Peg)`,
`likes to be called Buddy`, `gives name as Spider`, `Spider (real name …)`.

Such names belong to no list and often are words.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.roles import KIN, NEVER, ROLES, TITLES
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import FORENAME, PLACE, SURNAME
from moiety.deid.text.words import TITLE, Words

_NICKNAME = r"[\"“‘'](?P<nick>[^\W\d_][\w' -]{1,18}?)[\"”’']"
_BEHIND = re.compile(rf" {_NICKNAME}(?= |[.,;:)|]|\n|\Z)")
_BEFORE = re.compile(rf"(?<!\w){_NICKNAME} \Z")
_BRACKETED = re.compile(r" \((?P<nick>[^\W\d_][^\W\d_'-]{2,13})\)")
_SURNAME = re.compile(r" ([^\W\d_][\w'-]{2,20})")
_REACH, _MOST_WORDS = 24, 3
_BESIDE, _TOLD = "nickname beside a name", "what somebody is called"
WHY = frozenset({_BESIDE, _TOLD})
_NO_NICKNAME = vocabulary.group("rounding_no_nicknames")
_CALLED = re.compile(
    r"(?<![\w-])(?:likes? to be (?:called|known as)|prefers? to be (?:called|known as)|goes by(?: the name(?: of)?)?"
    r"|a\.?k\.?a\.?|answers to|calls (?:him|her|them)self|known (?:to (?:us|staff|all|everyone|friends|family) )?as"
    r"|g[ai]ves? (?:(?:his|her|their) )?name as|nick-?named?|street name|preferred name|real name)(?: is)?:? "
    r"[\"“‘']?(?P<nick>[^\W\d_][^\W\d_'-]{2,13})(?=[\"”’'.,;:)\n]|\Z| (?:and|but|on|at|by|to|in|is|was|from|since)\b)",
    re.IGNORECASE,
)
_OTHERWISE = re.compile(
    r"(?<![\w-])(?P<nick>[^\W\d_][^\W\d_'-]{2,13}) \((?:real|full|proper|legal|given|birth) name\b",
    re.IGNORECASE,
)
_CUES = frozenset(
    {"called", "known", "goes", "aka", "k", "answers", "calls", "name", "nickname", "nicknamed"}
)
_NO_CALLED = frozenset(
    {
        "the", "this", "that", "stable", "such", "being", "having", "not", "high", "low", "new", "self", "soon", "all",
        "unknown", "withheld", "carrier", "diabetic", "dead", "well", "per", "diabetes", "hypertension", "epilepsy",
    }
)  # fmt: skip


def beside(words: Words, span: Span) -> Iterator[Span]:
    """What stands in quotation marks or brackets beside a name, and the surname behind it."""
    text = words.text
    for match in (
        _BEHIND.match(text, span.end),
        _BEFORE.search(text, max(0, span.start - _REACH), span.start),
    ):
        if match is None or match["nick"].lower() in _NO_NICKNAME:
            continue
        capital = words.case != TITLE or match["nick"][0].isupper()
        if capital and match["nick"].count(" ") < _MOST_WORDS:
            yield _nick(match, min(span.score, 0.7), _BESIDE)
            after = _SURNAME.match(text, match.end())
            if after and vocabulary.flags(after[1].lower()) & SURNAME:
                yield Span(*after.span(1), Label.NAME, min(span.score, 0.7), "behind a nickname")
    match = _BRACKETED.match(text, span.end)
    if match and _bracketed(words, match["nick"]):
        yield _nick(match, min(span.score, 0.7), _BESIDE)


def told(words: Words) -> Iterator[Span]:
    """What a text says that somebody is called."""
    found = [*_CALLED.finditer(words.text)] if words.has(_CUES) else []
    found += _OTHERWISE.finditer(words.text) if "name" in words.once else ()
    for match in found:
        nick = match["nick"]
        if words.case == TITLE and not nick[:1].isupper():
            continue
        low = nick.lower()
        if low not in _NO_CALLED and not (low in NEVER and words.case != TITLE):
            yield _nick(match, 0.7, _TOLD)


def _nick(match: re.Match[str], score: float, why: str) -> Span:
    return Span(*match.span("nick"), Label.NAME, score, why)


def _bracketed(words: Words, nick: str) -> bool:
    """Whether a word in brackets behind a name is another name of its bearer: not `(Cardiology)`."""
    low = nick.lower()
    if low in ROLES or low in KIN or low in TITLES or low in NEVER or low in _NO_NICKNAME:
        return False
    if words.case == TITLE and not (nick[0].isupper() and nick[1:].islower()):
        return False
    known = vocabulary.flags(low)
    return (bool(known & FORENAME) and not known & PLACE) or not known
