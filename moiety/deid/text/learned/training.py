"""Texts with spans → weights: softmax regression over hashed features, averaged over the last round
(Polyak & Juditsky 1992, doi:10.1137/0330046): the last steps alone would tell how the examples lay.

The same examples in the same order give the same weights on every machine: nothing is random but
the order, which the seed settles.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from moiety.deid.text.learned.features import BUCKETS, Placed, number, own
from moiety.deid.text.learned.model import LABELS, LIKE, Model
from moiety.deid.text.normalising import normalise
from moiety.deid.text.spans import Span
from moiety.deid.text.words import Words, split

_own = lru_cache(maxsize=60_000)(own)

RATE, FADING, SNAPSHOTS = 0.25, 0.85, 50
"""The first step's size, what of it is left a round later, and how often weights are averaged."""
Seen = tuple[list[int], list[int], list[int]]
"""What the lists say of each word; of the word before each its label, and the labels that are known
before the model reads."""
SEEN, KNOWN = 0.9, 0.75
"""Share of the identifying words that the model is taken to have seen, and rules to have found."""
_LEARNED, _LEAST = 0.995, 1e-4
"""A word that is so likely right teaches nothing more, nor does so small a change."""
FORGOTTEN = 0.25
"""Share of the words whose flags are hidden, so that letters and neighbours have to tell."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text and the spans that identify somebody in it."""

    text: str
    spans: tuple[Span, ...]


def train(
    examples: Sequence[Example], *, seed: int = 1, rounds: int = 3, model: Model | None = None
) -> Model:
    """Learns from examples; from `model` on where one is given, else from nothing."""
    pick = random.Random(seed)  # noqa: S311 - order and hiding, nothing secret
    size = len(LABELS)
    flat = [w * model.scale for w in model.weights] if model else [0.0] * (BUCKETS * size)
    weights = [flat[at : at + size] for at in range(0, len(flat), size)]
    read = [_read(example) for example in examples]
    rate, sums, taken = RATE, [[0.0] * size for _ in range(BUCKETS)], 0
    every = max(1, len(read) // SNAPSHOTS)
    for turn in range(rounds):
        pick.shuffle(read)
        for count, (words, labels) in enumerate(read, 1):
            seen = (
                _hidden(words, pick),
                [0, *_some(labels, SEEN, pick)],
                _some(labels, KNOWN, pick),
            )
            _learn(weights, words, labels, seen, rate)
            if turn + 1 == rounds and count % every == 0:
                sums = [
                    [s + w for s, w in zip(*rows, strict=True)]
                    for rows in zip(sums, weights, strict=True)
                ]
                taken += 1
        rate *= FADING
    about: dict[str, object] = {"examples": len(examples), "rounds": rounds, "seed": seed}
    rows, parts = (sums, taken) if taken else (weights, 1)
    return Model.of(LABELS, [weight / parts for row in rows for weight in row], about)


def _read(example: Example) -> tuple[Words, list[int]]:
    """The words of an example, each with the number of its label."""
    way = normalise(example.text)
    words = split(way.text)
    numbers = {label: n for n, label in enumerate(LABELS)}
    labels = []
    for start, end in zip(words.starts, words.ends, strict=True):
        a, b = way.source(start, end)
        found = next((s.label for s in example.spans if s.start < b and a < s.end), LABELS[0])
        labels.append(numbers.get(LIKE.get(found, found), 0))
    return words, labels


def _hidden(words: Words, pick: random.Random) -> list[int]:
    """The flags of the words, some forgotten: for one word the same in the whole text."""
    forgotten = {word for word in sorted(set(words.low)) if pick.random() < FORGOTTEN}
    return [0 if w in forgotten else f for w, f in zip(words.low, words.flags, strict=True)]


def _some(labels: list[int], share: float, pick: random.Random) -> list[int]:
    """A share of the labels, 0 for the others and behind the last word."""
    return [*(label if pick.random() < share else 0 for label in labels), 0]


def _learn(
    weights: list[list[float]], words: Words, labels: list[int], seen: Seen, rate: float
) -> None:
    flags, earlier, later = seen
    placed = Placed(words, flags)
    for i, label in enumerate(labels):
        features = [
            *_own(words.low[i], words.shapes[i], flags[i], words.case),
            *map(number, placed.apart(i)),
            *map(number, placed.between(i, earlier[i], later[i + 1])),
        ]
        rows = [weights[feature] for feature in features]
        scores = [sum(column) for column in zip(*rows, strict=True)]
        top = max(scores)
        parts = [math.exp(s - top) for s in scores]
        total = sum(parts)
        if parts[label] / total > _LEARNED:
            continue
        step = rate / math.sqrt(len(features))
        for k, part in enumerate(parts):
            change = step * ((1.0 if k == label else 0.0) - part / total)
            if abs(change) > _LEAST:
                for row in rows:
                    row[k] += change
