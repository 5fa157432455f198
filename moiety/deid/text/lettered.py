"""Initials that their own form tells, or the one word before them: `J.K.`, `Baby J`, `Mr K`,
`initials D-N`, `our ref: ABC/de`.
"""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import CLINICAL
from moiety.deid.text.words import INITIAL, Words

_DOTTED = re.compile(
    r"(?<![\w.])(?:[A-Z]\. ?){2,4}(?![\w])|(?<![\w.])[A-Z]\.[A-Z](?:\.[A-Z])?(?![\w.])"
)
_INITIALLED = frozenset({"initial", "initials", "initialled", "signed", "sgd", "sig"})
_SAID_INITIALS = re.compile(
    r"(?<![a-z])(?:initials?|initialled|signed|sgd|sig)(?: by)?[ :.]{1,3}"
    r"([a-z]\.[a-z](?:\.[a-z])?\.?|(?-i:[A-Z]-[A-Z]{1,2}|[A-Z] [A-Z]-[A-Z]))(?=[ ]?(?:[,;)/\n]|\.(?!\w)|\Z| [-/]))",
    re.IGNORECASE,
)
_NOT_DOTTED = vocabulary.group("initials_not_dotted")
_REFERENCE = re.compile(
    r"(?<![a-z])(?:our|your|my)?[ ]?ref(?:erence)?[ .:]{1,3}((?:[A-Za-z]{1,5}[/ .:-]{1,2}){1,4}[A-Za-z]{0,5})(?=[\d\n(]|  |$)",
    re.IGNORECASE,
)
_REFERENCES = frozenset({"ref", "reference"})


def find(words: Words) -> Iterator[Span]:
    """Every such set of initials."""
    text = words.text
    if INITIAL in words.shapes:
        yield from _dotted(text)
    if "baby" in words.once:
        yield from _of_babies(text)
    if words.has(_HONORIFICS):
        yield from _titled(words)
    if words.has(_INITIALLED):
        for match in _SAID_INITIALS.finditer(text):
            yield Span(*match.span(1), Label.INITIALS, 0.75, "letters behind initials")
    if words.has(_REFERENCES):
        yield from _references(text)


_OF_BABY = re.compile(r"(?<!\w)[Bb]aby ([A-Z])(?![\w.'’&/+-])")


def _of_babies(text: str) -> Iterator[Span]:
    """`Baby J`: a child that has no name yet."""
    for match in _OF_BABY.finditer(text):
        yield Span(*match.span(1), Label.INITIALS, 0.65, "initial of a baby")


_HONORIFICS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "professor",
        "sister",
        "matron",
        "nurse",
        "master",
        "rev",
        "father",
        "sir",
        "dame",
    ]
)
_TITLED = re.compile(
    r"(?<![\w&/])(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sister|Matron|Nurse|Master|Rev|Father|Sir|Dame)\.?"
    r" (?:([B-HJ-Z])(?![\w&/+-]|\.? ?[A-Z]|'[a-rt-z]| ?\d)|([AI])(?=[.]?(?:[,;:)?!\n]|\Z)|'s ))"
    r"|(?<![\w&/])(?:mr|mrs|ms|miss|mx|dr|prof) (?:([b-hj-zB-HJ-Z])(?![\w&/+.'-]| ?\d)|([ai])(?=[,;:)?!\n]|\Z))"
    r"|(?<![\w&/])(?:MR|MRS|MS|MISS|MX|DR|PROF) ([B-HJ-Z])(?=[,;:)?!\n.]| (?:IS|HAS|SAYS|SAID|WILL|WANTS|WAS|TO|AND|ASKED|RANG|AWARE|HAPPY)\b|\Z)"
)


def _titled(words: Words) -> Iterator[Span]:
    """`Mr K`, `Sister P`, `dr v says`: of a surname only its letter."""
    for word, start in zip(words.low, words.starts, strict=True):
        if word not in _HONORIFICS or not (match := _TITLED.match(words.text, start)):
            continue
        yield Span(*match.span(match.lastindex or 0), Label.INITIALS, 0.86, "letter after a title")


def _dotted(text: str) -> Iterator[Span]:
    for match in _DOTTED.finditer(text):
        letters = re.sub(r"[^a-z]", "", match[0].lower())
        if _NAMED_BEFORE.search(text, max(0, match.start() - 12), match.start()):
            pass
        elif letters in _NOT_DOTTED or (vocabulary.flags(letters) & CLINICAL and len(letters) > 2):
            continue
        stretch = match[0].rstrip()
        yield Span(
            match.start(), match.start() + len(stretch), Label.INITIALS, 0.6, "dotted initials"
        )


_NAMED_BEFORE = re.compile(r"(?:\bby |& |\band |\bwith |   )$")


def _references(text: str) -> Iterator[Span]:
    """`Our ref: ABC/de/12345`: the letters are whoever dictated and whoever typed."""
    for match in _REFERENCE.finditer(text):
        for part in re.finditer(r"[A-Za-z]{2,4}", match[1]):
            if part[0].lower() not in ("nhs", "gp", "mrn", "no", "hosp", "unit", "nos", "hn"):
                start = match.start(1) + part.start()
                yield Span(start, start + len(part[0]), Label.INITIALS, 0.7, "reference")
