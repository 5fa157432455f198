"""Names that are spelled letter by letter: `that is s e f t o n`, `S-E-F-T-O-N`."""

import re
from collections.abc import Iterator

from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.vocabulary import NAME
from moiety.deid.text.words import Words

_SPELT = re.compile(
    r"(?<![\w'-])[^\W\d_](?:(?: [^\W\d_]){3,14}|(?:-[^\W\d_]){3,14}|(?:, [^\W\d_]){3,14})(?![\w'-])"
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_FEWEST = 4


def find(words: Words) -> Iterator[Span]:
    """Four letters and more by themselves, but for the alphabet and for abbreviations: `S B A R`."""
    if list(map(len, words.low)).count(1) < _FEWEST:
        return
    for match in _SPELT.finditer(words.text):
        word = "".join(filter(str.isalpha, match[0])).lower()
        known = vocabulary.flags(word)
        if word not in _LETTERS and (known & NAME or not known):
            yield Span(*match.span(), Label.NAME, 0.75, "name spelled out")
