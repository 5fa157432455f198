"""Weights of features, their file, and what they say of a text.

For each word the model gives the probability of each label, given the label of the word before, and
of the word after where rules have found that.
It is read from left to right; pure Python, a millisecond for a page of a thousand characters.
"""

import json
import math
import zlib
from array import array
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from moiety.deid.text.labels import Label
from moiety.deid.text.learned.features import BUCKETS, around, number, own
from moiety.deid.text.words import Words

OTHER = "O"
LABELS = (
    OTHER, Label.NAME.value, Label.INITIALS.value, Label.ADDRESS_LINE.value,
    Label.HOSPITAL_NAME.value, Label.GP_IDENTIFIER.value, Label.DATE.value,
    Label.HOSPITAL_NUMBER.value, Label.ACCESSION_NUMBER.value, Label.TELEPHONE.value,
    Label.EXTENSION.value,
)  # fmt: skip
LIKE: dict[str, str] = {
    Label.DATE_OF_BIRTH: Label.DATE, Label.NHS_NUMBER: Label.HOSPITAL_NUMBER,
    Label.GMC_NUMBER: Label.HOSPITAL_NUMBER, Label.HCPC_NUMBER: Label.HOSPITAL_NUMBER,
    Label.POSTCODE: Label.ADDRESS_LINE, Label.EMAIL: Label.NAME,
}  # fmt: skip
"""Labels that rules find well enough: to the model they are like others."""
_FORMAT = 2
_HIGHEST = 127
_CERTAIN = 12.0
"""By so much O must be likelier than any other for the rest to be nothing: below 1 in 30,000."""
_CACHED, _LONGEST_CACHED = 60_000, 64
"""Entries, and letters of one: what a process keeps is bounded, whatever it reads."""

Row = tuple[float, ...]


class BadModel(ValueError):
    """A file that is no model of this version."""


@dataclass(slots=True)
class Model:
    """Weights by feature and label, in one flat array, as they are in the file: times `scale`.

    `about` says how they were made.
    """

    labels: tuple[str, ...]
    weights: array  # type: ignore[type-arg]
    scale: float
    about: dict[str, object]
    _sums: dict[tuple[str, int, int, int], list[float]]
    _rows: dict[str, Row]

    @classmethod
    def of(cls, labels: tuple[str, ...], weights: list[float], about: dict[str, object]) -> "Model":
        """From weights as they were learned."""
        return cls(labels, array("f", weights), 1.0, about, {}, {})

    def packed(self) -> bytes:
        """The file: a line of JSON, then one byte a weight, compressed."""
        highest = max((abs(w) for w in self.weights), default=0.0) or 1.0
        scale = highest / _HIGHEST
        head = {"format": _FORMAT, "labels": self.labels, "buckets": BUCKETS}
        head["scale"] = scale * self.scale
        body = array("b", (round(w / scale) for w in self.weights)).tobytes()
        line = json.dumps({**head, **self.about}, sort_keys=True).encode()
        return line + b"\n" + zlib.compress(body, 9)

    @classmethod
    def unpacked(cls, content: bytes) -> "Model":
        """From a file.  Raises BadModel where it is none, or of another version."""
        line, _, body = content.partition(b"\n")
        try:
            head = json.loads(line)
            labels, scale = tuple(head["labels"]), float(head["scale"])
            small = array("b", zlib.decompress(body))
        except (ValueError, KeyError, TypeError, zlib.error):
            raise BadModel("The file is no model: its head or its weights can't be read") from None
        if head.get("format") != _FORMAT or len(small) != BUCKETS * len(labels):
            raise BadModel("The model is of another version: train it again")
        return cls(labels, small, scale, head, {}, {})

    def probability(
        self, words: Words, i: int, flags: list[int], labels: tuple[int, int]
    ) -> tuple[int, float, int]:
        """Word `i` between words of some labels: its likeliest label but O, the probability that
        it is not O, and its label.
        """
        scores = self.scores(words, i, flags, labels)
        top, other = max(scores), max(scores[1:])
        if top - other > _CERTAIN:
            return 1, 0.0, 0
        parts = [math.exp(s - top) for s in scores]
        return scores.index(other, 1), 1 - parts[0] / sum(parts), scores.index(top)

    def scores(
        self, words: Words, i: int, flags: list[int], labels: tuple[int, int]
    ) -> list[float]:
        """The sum of the weights of word `i` for each label."""
        key = (words.low[i], words.shapes[i], flags[i], words.case)
        sums = self._sums.get(key)
        if sums is None:
            if len(self._sums) > _CACHED:
                self._sums.clear()
            sums = self._sum(own(*key), [0.0] * len(self.labels))
            if len(key[0]) <= _LONGEST_CACHED:
                self._sums[key] = sums
        known, row = self._rows.get, self._row
        rows = [known(name) or row(name) for name in around(words, i, flags, labels)]
        return [*map(sum, zip(sums, *rows, strict=True))]

    def _row(self, feature: str) -> Row:
        """The weights of one feature, for each label; kept for the next time."""
        if len(self._rows) > _CACHED:
            self._rows.clear()
        at = number(feature) * len(self.labels)
        row = tuple(w * self.scale for w in self.weights[at : at + len(self.labels)])
        if len(feature) <= _LONGEST_CACHED:
            self._rows[feature] = row
        return row

    def _sum(self, features: tuple[int, ...], sums: list[float]) -> list[float]:
        size, weights = len(self.labels), self.weights
        for feature in features:
            row = weights[feature * size : feature * size + size]
            sums = [a + b for a, b in zip(sums, row, strict=True)]
        return [total * self.scale for total in sums]


@lru_cache(maxsize=4)
def opened(weights: bytes) -> Model:
    """A model of a site; the package's where there are no weights.  Raises BadModel."""
    return Model.unpacked(weights) if weights else shipped()


@cache
def shipped() -> Model:
    """The model of the package."""
    return Model.unpacked((resources.files("moiety.deid.text") / "data/model.bin").read_bytes())
