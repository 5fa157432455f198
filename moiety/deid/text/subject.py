"""The subject's own identifiers, where the caller knows them or their fingerprints."""

import re
from collections.abc import Iterable, Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.context import Context
from moiety.deid.text.known import Fingerprints, canonical, matches
from moiety.deid.text.labels import Label
from moiety.deid.text.landscape import STREETS
from moiety.deid.text.normalising import Normalised
from moiety.deid.text.spans import Span

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def find(way: Normalised, context: "Context") -> Iterator[Span]:
    """The subject's own identifiers in a normalised text; offsets of the given text."""
    own = context.fingerprints
    if context.known:
        yield from _spans(way, Fingerprints.of(_PLAIN_KEY, variants(context.known)), "known")
    if own:
        yield from _spans(way, own, "known by fingerprint")


_PLAIN_KEY = b"compared at once and never kept"


def _spans(way: Normalised, own: Fingerprints, why: str) -> Iterator[Span]:
    for start, end in matches(way.text, own):
        yield Span(*way.source(start, end), _label(way.text[start:end]), 0.99, why)


def _label(text: str) -> Label:
    """What a known identifier looks like; its holder knows better, the text does not say."""
    digits = sum(c.isdigit() for c in text)
    if not digits:
        return Label.NAME
    if digits == len(canonical(text)):
        return Label.NHS_NUMBER if digits == 10 and text[0] != "0" else Label.HOSPITAL_NUMBER
    return Label.ADDRESS_LINE


def variants(identifiers: Iterable[str]) -> Iterator[str]:
    """Each identifier, and the parts of it that identify alone: long words, not `the` or `road`."""
    for text in identifiers:
        yield text
        for word in _WORD.findall(text):
            if len(word) > 3 and not vocabulary.flags(word.lower()) & vocabulary.WORD:
                if word.lower() not in STREETS and not word.isdigit():
                    yield word
