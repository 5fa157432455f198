"""What the model takes back: findings of rules that only guess, where it sees nobody."""

from collections.abc import Sequence

from moiety.deid.text.labels import Label
from moiety.deid.text.learned.model import Said
from moiety.deid.text.learned.reading import labelled
from moiety.deid.text.spans import Span

_PEOPLE = frozenset({Label.NAME, Label.INITIALS})
_GUESSED, _GIVEN = 0.7, 0.9
"""Scores of rules: below the first an unknown word, from the second on a title or a heading."""
_HARDLY, _NEVER = 0.05, 0.02
"""What a guess, and what a better finding, must at least have of the model."""


def believed(said: Said, spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """The findings that the model does not doubt; `others`: what else stands in the text.

    It doubts names and initials alone: a number, a date or a place is what its form says.
    """
    known = [*labelled(said, [*others, *spans]), 0]
    return [
        span
        for span in spans
        if span.label not in _PEOPLE
        or span.score >= _GIVEN
        or _likelihood(said, span, known) >= _least(span)
    ]


def _least(span: Span) -> float:
    return _HARDLY if span.score < _GUESSED else _NEVER


def _likelihood(said: Said, span: Span, known: Sequence[int]) -> float:
    """The probability that any word of a finding identifies, by all but the finding itself."""
    within, likeliest = said.words.within(span.start, span.end), 0.0
    for i in within:
        before = known[i - 1] if i == within.start and i else 0
        after = known[i + 1] if i + 1 == within.stop else 0
        likeliest = max(likeliest, said.probability(i, before, after)[1])
    return likeliest if within else 1.0
