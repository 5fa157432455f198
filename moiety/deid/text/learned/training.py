"""Texts with spans → weights: softmax regression over hashed features, averaged over steps.

The same examples in the same order give the same weights on every machine: nothing is random but
the order, which the seed settles.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from moiety.deid.text.learned.features import BUCKETS, number, own, placed
from moiety.deid.text.learned.model import LABELS, Model
from moiety.deid.text.normalising import normalise
from moiety.deid.text.spans import Span
from moiety.deid.text.words import Words, split

_own = lru_cache(maxsize=60_000)(own)

RATE, FADING = 0.25, 0.85
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
    weights = [w * model.scale for w in model.weights] if model else [0.0] * (BUCKETS * size)
    read = [_read(example) for example in examples]
    rate = RATE
    for _ in range(rounds):
        pick.shuffle(read)
        for words, labels in read:
            _learn(weights, words, labels, _hidden(words, pick), rate)
        rate *= FADING
    about: dict[str, object] = {"examples": len(examples), "rounds": rounds, "seed": seed}
    return Model.of(LABELS, weights, about)


def _read(example: Example) -> tuple[Words, list[int]]:
    """The words of an example, each with the number of its label."""
    way = normalise(example.text)
    words = split(way.text)
    numbers = {label: n for n, label in enumerate(LABELS)}
    labels = []
    for start, end in zip(words.starts, words.ends, strict=True):
        a, b = way.source(start, end)
        found = next((s.label for s in example.spans if s.start < b and a < s.end), LABELS[0])
        labels.append(numbers.get(found, 0))
    return words, labels


def _hidden(words: Words, pick: random.Random) -> list[int]:
    """The flags of the words, some forgotten: for one word the same in the whole text."""
    forgotten = {word for word in sorted(set(words.low)) if pick.random() < FORGOTTEN}
    return [0 if w in forgotten else f for w, f in zip(words.low, words.flags, strict=True)]


def _learn(
    weights: list[float], words: Words, labels: list[int], flags: list[int], rate: float
) -> None:
    size, before = len(LABELS), 0
    for i, label in enumerate(labels):
        features = [
            *_own(words.low[i], words.shapes[i], flags[i], words.case),
            *placed(words, i, flags),
        ]
        features.append(number(f"y{before}|{words.gaps[i - 1][:2] if i else ''}"))
        scores = [0.0] * size
        for feature in features:
            at = feature * size
            for k in range(size):
                scores[k] += weights[at + k]
        top = max(scores)
        parts = [math.exp(s - top) for s in scores]
        total = sum(parts)
        before = label
        if parts[label] / total > 0.995:
            continue
        step = rate / math.sqrt(len(features))
        for k in range(size):
            change = step * ((1.0 if k == label else 0.0) - parts[k] / total)
            if abs(change) > 1e-4:
                for feature in features:
                    weights[feature * size + k] += change
