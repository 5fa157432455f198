"""What a site adds: formats of its numbers, lists of its hospitals, practices, streets, staff."""

import re
from collections.abc import Iterator
from functools import lru_cache

from moiety.deid.text.options import Options
from moiety.deid.text.spans import Span

_WORD = re.compile(r"[^\W_]+")


def find(text: str, options: Options) -> Iterator[Span]:
    """What matches the site's formats and lists in a normalised text."""
    if options.formats:
        for label, pattern in _formats(options):
            for match in pattern.finditer(text):
                yield Span(*match.span(), label, 0.98, "format of the site")
    if options.lists:
        yield from _listed(text, options)


@lru_cache(maxsize=32)
def _formats(options: Options) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((one.label, one.compiled()) for one in options.formats)


@lru_cache(maxsize=32)
def _phrases(options: Options) -> tuple[dict[tuple[str, ...], str], int]:
    phrases = {
        tuple(_WORD.findall(phrase.lower())): label
        for label, phrases in options.lists
        for phrase in phrases
    }
    phrases.pop((), None)
    return phrases, max(map(len, phrases), default=0)


def _listed(text: str, options: Options) -> Iterator[Span]:
    """Phrases of the site's lists, whatever stands between their words; the longest first."""
    phrases, longest = _phrases(options)
    words = list(_WORD.finditer(text))
    low = [word[0].lower() for word in words]
    i = 0
    while i < len(words):
        for n in range(min(longest, len(words) - i), 0, -1):
            if label := phrases.get(tuple(low[i : i + n])):
                yield Span(
                    words[i].start(), words[i + n - 1].end(), label, 0.97, "list of the site"
                )
                i += n - 1
                break
        i += 1
