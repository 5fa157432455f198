"""Models that give each token its kind, whatever runs them: from probabilities to whole words.

A token is marked when everything but `O` together is likelier than the threshold, which finds more
than taking the likeliest kind; a word of which a piece is marked is marked whole.  A piece of text
that has more tokens than the model reads is halved until it fits: nothing is cut off unsaid.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from moiety.deid.text.backends import chunking
from moiety.deid.text.backends.protocol import relabelled
from moiety.deid.text.context import Context
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span

LABELS = {
    **{str(label): str(label) for label in Label},
    "PER": "NAME", "PERSON": "NAME", "PATIENT": "NAME", "DOCTOR": "NAME", "STAFF": "NAME",
    "LOC": "ADDRESS_LINE", "LOCATION": "ADDRESS_LINE", "STREET": "ADDRESS_LINE",
    "CITY": "ADDRESS_LINE", "ZIP": "POSTCODE", "HOSPITAL": "HOSPITAL_NAME", "HOSP": "HOSPITAL_NAME",
    "PATORG": "HOSPITAL_NAME", "ORG": "HOSPITAL_NAME", "PHONE": "TELEPHONE",
    "MEDICALRECORD": "HOSPITAL_NUMBER", "IDNUM": "HOSPITAL_NUMBER", "ID": "HOSPITAL_NUMBER",
}  # fmt: skip
_OUTSIDE = "O"
_WORD = re.compile(r"\w+")
_PLACE_IN_SPAN = re.compile(r"[BILUES]-")
"""The prefixes of BIO, BILOU and BIOES: they tell where in a span a token stands."""


class Network(Protocol):
    """What runs a model: tokens of a text, and their probabilities."""

    def encode(self, text: str) -> Any:
        """The tokens of a text, whole."""
        ...

    def offsets(self, encoded: Any) -> Sequence[tuple[int, int]]:
        """Where each token stands; nowhere for those that the model adds."""
        ...

    def probabilities(self, encoded: Any) -> Iterable[Sequence[float]]:
        """For each token the probability of each kind."""
        ...


@dataclass(frozen=True, slots=True)
class Classifier:
    """A network, its kinds without their place in a span, and what they are called here."""

    network: Network
    kinds: tuple[str, ...]
    most_tokens: int
    labels: Mapping[str, str]
    threshold: float
    name: str
    demanded: frozenset[str] = frozenset({Label.NAME})

    def detect(self, text: str, context: Context | None = None) -> list[Span]:
        """What the model finds in every piece."""
        del context
        return chunking.detect(text, self._piece)

    def _piece(self, text: str) -> list[Span]:
        encoded = self.network.encode(text)
        offsets = self.network.offsets(encoded)
        if len(offsets) > self.most_tokens:
            return chunking.halved(text, self._piece, self.name)
        words = [match.span() for match in _WORD.finditer(text)]
        spans = []
        rows = self.network.probabilities(encoded)
        for (start, end), row in zip(offsets, rows, strict=True):
            shares = self._shares(row)
            score = 1 - shares.pop(_OUTSIDE)
            if start < end and shares and score >= self.threshold:
                kind = max(shares, key=shares.__getitem__)
                low, high = _whole(words, start, end)
                spans.append(relabelled(low, high, kind, score, self.labels, self.name))
        return [span for span in spans if span]

    def _shares(self, row: Sequence[float]) -> dict[str, float]:
        """The probability of each kind, wherever in a span."""
        shares = {_OUTSIDE: 0.0}
        for kind, part in zip(self.kinds, row, strict=True):
            shares[kind] = shares.get(kind, 0.0) + float(part)
        return shares


def kinds_of(names: Mapping[Any, str]) -> tuple[str, ...]:
    """The kinds of a model's `id2label` in order, without prefixes where all of them have one."""
    ordered = [name for _, name in sorted((int(i), name) for i, name in names.items())]
    if all(_PLACE_IN_SPAN.match(name) for name in ordered if name != _OUTSIDE):
        ordered = [name if name == _OUTSIDE else name[2:] for name in ordered]
    return tuple(ordered)


def most_tokens(folder: Path) -> int:
    """How many tokens the model in a folder reads.

    Of the positions that it has some models keep two for themselves, as RoBERTa does.
    """
    positions = json.loads((folder / "config.json").read_text())
    told = folder / "tokenizer_config.json"
    longest = json.loads(told.read_text()).get("model_max_length") if told.is_file() else None
    own = int(positions.get("max_position_embeddings", 512)) - 2
    return max(1, min(own, int(longest or own)))


def _whole(words: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """A stretch, widened to the words that it touches."""
    touched = [(a, b) for a, b in words if a < end and start < b]
    return min([start, *(a for a, _ in touched)]), max([end, *(b for _, b in touched)])
