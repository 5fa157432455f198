"""What speaks for and against each word, once rules, model and document have all been heard.

A row of figures for every word that is open: what the model says of it and of its neighbours, how
sure the rules are, what stands between, how the same word fares elsewhere in the text, and what the
lists know.  `judging` weighs the rows, and learns from such rows how.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from moiety.deid.text.learned.features import cue
from moiety.deid.text.learned.model import Said
from moiety.deid.text.learned.reading import is_hopeless, numbered
from moiety.deid.text.naming import may_be_name
from moiety.deid.text.spans import Span
from moiety.deid.text.terms import is_term
from moiety.deid.text.vocabulary import NAME, ORDINARY, WORD
from moiety.deid.text.words import NUMBER, Words

SURE = 0.85
"""From this score on what a rule found stands."""
_FURTHEST, _WORTH = 7.0, -4.0
"""Log-odds beyond which nothing is told apart, and below which no word is looked at again."""
_LEAST = 1e-4
_LONGEST, _INITIALS = 12, 4
_GAPS = ("\n", ",", "-/", ".", ":", "()", "")
_FLAGS = 8
_FAR = 30
_NOTHING = (-1,) * _FLAGS

Row = tuple[float, ...]


@dataclass(slots=True)
class _Heard:
    """What is known of each word of a text, side by side.

    `labels`: the number of the label that a rule gave it, 0 for none; `scores`: how sure that was;
    `sizes`: words of that finding; `odds`: the model's log-odds that it identifies; `kinds`: as what.
    """

    labels: list[int]
    scores: list[float]
    sizes: list[int]
    odds: list[float]
    kinds: list[int]


def rows(said: Said, spans: Sequence[Span]) -> list[tuple[int, int, Row]]:
    """Of each open word its index, the number of the label it would have, and its row."""
    words = said.words
    heard = _heard(said, spans)
    still = [i for i in range(len(words.low)) if _is_open(heard, i)]
    lines = _lines(words)
    fares = _fares(words, heard, {words.low[i] for i in still})
    share = sum(map(bool, heard.labels)) / max(1, len(words.low))
    return [
        (
            i,
            heard.labels[i] or heard.kinds[i],
            (*_row(words, i, heard, fares[words.low[i]], share), *_stands(words, i, lines)),
        )
        for i in still
    ]


def _lines(words: Words) -> list[tuple[int, int]]:
    """Of each word the first and the last word of its line."""
    out: list[tuple[int, int]] = []
    first = 0
    for i, gap in enumerate(words.gaps):
        if "\n" in gap or i + 1 == len(words.gaps):
            out += [(first, i)] * (i + 1 - first)
            first = i + 1
    return out


def _stands(words: Words, i: int, lines: Sequence[tuple[int, int]]) -> Row:
    """Where a word stands in its line and in the text, and what the lists say of the words around it."""
    first, last = lines[i]
    return (
        min(i - first, _FAR), min(last - i, _FAR), i / len(words.low),
        *_bits(words, i - 1), *_bits(words, i + 1), *_bits(words, i - 2), *_bits(words, i + 2),
    )  # fmt: skip


def _bits(words: Words, i: int) -> Row:
    if not 0 <= i < len(words.flags):
        return _NOTHING
    known = words.flags[i]
    return (
        known & 1, known & 2, known & 4, known & 8, known & 16, known & 32, known & 64, known & 128,
    )  # fmt: skip


def _is_open(heard: _Heard, i: int) -> bool:
    if heard.labels[i]:
        return heard.scores[i] < SURE
    return heard.odds[i] > _WORTH


def _heard(said: Said, spans: Sequence[Span]) -> _Heard:
    words = said.words
    count = len(words.low)
    heard = _Heard([0] * count, [0.0] * count, [0] * count, [-_FURTHEST] * count, [0] * count)
    for span in sorted(spans, key=lambda one: one.score):
        first, last, label = numbered(said, span)
        for i in range(first, last):
            heard.labels[i], heard.scores[i] = label, span.score
            heard.sizes[i] = last - first
    before, known = 0, [*heard.labels, 0]
    for i, label in enumerate(heard.labels):
        likeliest = 0
        if label and heard.scores[i] >= SURE:
            heard.odds[i], heard.kinds[i] = _FURTHEST, label
        elif label or _is_worth_asking(words, i, known):
            kind, probability, likeliest = said.probability(i, before, known[i + 1])
            heard.odds[i], heard.kinds[i] = _odds(probability), kind
        before = label or likeliest
    return heard


def _is_worth_asking(words: Words, i: int, known: Sequence[int]) -> bool:
    """Whether the model is asked of a word: not of most words, but of letters that may be initials
    as well as an abbreviation, and of any word beside a finding, which may go on.
    """
    if not is_hopeless(words, i) or known[i + 1] or (i and known[i - 1]):
        return True
    return len(words.low[i]) <= _INITIALS and not words.flags[i] & ORDINARY


def _odds(probability: float) -> float:
    odds = math.log((probability + _LEAST) / (1 - probability + _LEAST))
    return max(-_FURTHEST, min(_FURTHEST, odds))


def _fares(words: Words, heard: _Heard, asked: set[str]) -> dict[str, tuple[int, int, Row, Row]]:
    """How some words fare in the whole text: how often each stands, how often in a finding, and of
    scores and of odds the two highest, so that one occurrence can be left out.
    """
    found: dict[str, list[int]] = {}
    for i, word in enumerate(words.low):
        if word in asked:
            found.setdefault(word, []).append(i)
    return {
        word: (
            len(at),
            sum(1 for i in at if heard.labels[i]),
            tuple(sorted((heard.scores[i] for i in at), reverse=True)[:2]),
            tuple(sorted((heard.odds[i] for i in at), reverse=True)[:2]),
        )
        for word, at in found.items()
    }


def _best_but(own: float, highest: Row, least: float) -> float:
    """The highest of the others."""
    if len(highest) < 2:
        return least
    return highest[1] if own == highest[0] else highest[0]


def _row(
    words: Words, i: int, heard: _Heard, fares: tuple[int, int, Row, Row], share: float
) -> Row:
    word, flags = words.low[i], words.flags[i]
    kind = heard.labels[i] or heard.kinds[i]
    count, found, scores, odds = fares
    return (
        heard.odds[i], heard.scores[i], heard.sizes[i], kind, heard.labels[i],
        *_neighbour(words, i - 1, heard, kind), *_neighbour(words, i + 1, heard, kind),
        *_further(heard, i - 2), *_further(heard, i + 2), *_further(heard, i - 3), *_further(heard, i + 3),
        _gap(words.gaps[i - 1] if i else "\n"), _gap(words.gaps[i] if i + 1 < len(words.low) else "\n"),
        count - 1, found - bool(heard.labels[i]),
        _best_but(heard.scores[i], scores, -1.0), _best_but(heard.odds[i], odds, -_FURTHEST),
        share, min(len(word), _LONGEST),
        sum(map(str.isdigit, word)) if words.shapes[i] == NUMBER else -1,
        words.shapes[i], words.case, *(flags >> bit & 1 for bit in range(_FLAGS)),
        may_be_name(words, i), is_term(words, i),
    )  # fmt: skip


def _neighbour(words: Words, i: int, heard: _Heard, kind: int) -> Row:
    """Of the word beside: the model's odds, the rules' score, whether it is of the same kind, its
    shape, what the lists say, and what class of cue it is.
    """
    if not 0 <= i < len(words.low):
        return (-_FURTHEST, 0.0, 0.0, -1.0, -1.0, -1.0, -1.0)
    same = (heard.labels[i] or (heard.kinds[i] if heard.odds[i] > 0 else 0)) == kind
    known = words.flags[i]
    return (
        heard.odds[i], heard.scores[i], same, words.shapes[i],
        bool(known & NAME), bool(known & WORD), cue(words.low[i]),
    )  # fmt: skip


def _further(heard: _Heard, i: int) -> Row:
    """Of a word further off: the model's odds, and the rules' score."""
    if not 0 <= i < len(heard.odds):
        return (-_FURTHEST, 0.0)
    return (heard.odds[i], heard.scores[i])


def _gap(gap: str) -> float:
    """What stands between two words, as a number: 0 for a space alone."""
    if gap == " ":
        return 0.0
    return next(n for n, signs in enumerate(_GAPS, 1) if not signs or any(s in gap for s in signs))
