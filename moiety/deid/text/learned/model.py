"""Weights of features, their file, and what they say of a text.

For each word the model gives the probability of each label, given the label of the word before, and
of the word after where rules have found that.

A feature's weights, a byte for each label, stand side by side in one whole number, in lanes of two
bytes: the weights of a word's features are summed for all labels at once, and exactly.
"""

import json
import math
import struct
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources

from moiety.deid.text.labels import Label
from moiety.deid.text.learned.features import BUCKETS, Placed, number, own
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
_LANE, _ZERO = 16, 1 << 15
"""Bits of one sum, and what is added to it so that it is never below zero: it is that of at most 90
bytes, of the parts of a word of 32 letters and of its place.
"""
_CACHED, _LONGEST_CACHED = 60_000, 64
"""Entries, and letters of one: what a process keeps is bounded, whatever it reads."""


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
    _own: dict[tuple[str, int, int, int], int] = field(default_factory=dict, repr=False)
    _placed: dict[str, int] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, labels: tuple[str, ...], weights: Sequence[float], about: dict[str, object]
    ) -> "Model":
        """From weights as they were learned."""
        scale = (max(map(abs, weights), default=0.0) or 1.0) / _HIGHEST
        return cls(labels, array("b", (round(w / scale) for w in weights)), scale, about)

    def packed(self) -> bytes:
        """The file: a line of JSON, then one byte a weight, compressed."""
        head = {"format": _FORMAT, "labels": self.labels, "buckets": BUCKETS, "scale": self.scale}
        line = json.dumps({**head, **self.about}, sort_keys=True).encode()
        return line + b"\n" + zlib.compress(self.weights.tobytes(), 9)

    @classmethod
    def unpacked(cls, content: bytes) -> "Model":
        """From a file.  Raises BadModel where it is none, or of another version."""
        line, _, body = content.partition(b"\n")
        try:
            head = json.loads(line)
            labels, scale = tuple(head["labels"]), float(head["scale"])
            weights = array("b", zlib.decompress(body))
        except (ValueError, KeyError, TypeError, zlib.error):
            raise BadModel("The file is no model: its head or its weights can't be read") from None
        if head.get("format") != _FORMAT or len(weights) != BUCKETS * len(labels):
            raise BadModel("The model is of another version: train it again")
        return cls(labels, weights, scale, head)

    def on(self, words: Words) -> "Said":
        """What it says of one text."""
        return Said(self, words)

    def of_word(self, word: str, shape: int, flags: int, case: int) -> int:
        """The sums that a word has wherever it stands; kept for the next time."""
        key = (word, shape, flags, case)
        sums = self._own.get(key)
        if sums is None:
            if len(self._own) > _CACHED:
                self._own.clear()
            sums = sum(map(self._row, own(*key)))
            if len(word) <= _LONGEST_CACHED:
                self._own[key] = sums
        return sums

    def of_place(self, features: Iterable[str]) -> int:
        """The sums of some features; kept one by one for the next time."""
        known, read = self._placed.get, self._read
        total = 0
        for feature in features:
            row = known(feature)
            total += read(feature) if row is None else row
        return total

    def _read(self, feature: str) -> int:
        if len(self._placed) > _CACHED:
            self._placed.clear()
        row = self._row(number(feature))
        if len(feature) <= _LONGEST_CACHED:
            self._placed[feature] = row
        return row

    def _row(self, feature: int) -> int:
        """The weights of one feature, a lane for each label."""
        size, row = len(self.labels), 0
        for weight in reversed(self.weights[feature * size : feature * size + size]):
            row = (row << _LANE) + weight
        return row


class Said:
    """What a model says of the words of one text; what their places give is summed only once."""

    __slots__ = ("_bytes", "_certain", "_lanes", "_placed", "_sums", "_zero", "model", "words")

    def __init__(self, model: Model, words: Words) -> None:
        self.model, self.words = model, words
        self._placed = Placed(words, words.flags)
        self._sums: dict[int, int] = {}
        count = len(model.labels)
        self._zero = sum(_ZERO << n * _LANE for n in range(count))
        self._lanes, self._bytes = struct.Struct(f"<{count}H").unpack, count * _LANE // 8
        self._certain = _CERTAIN / model.scale

    def probability(self, i: int, before: int, after: int) -> tuple[int, float, int]:
        """Word `i` between words of some labels: its likeliest label but O, the probability that
        it is not O, and its label.
        """
        total = self._sum(i) + self.model.of_place(self._placed.between(i, before, after))
        sums = self._lanes(total.to_bytes(self._bytes, "little"))
        other = max(sums[1:])
        if sums[0] - other > self._certain:
            return 1, 0.0, 0
        scale, top = self.model.scale, max(sums[0], other)
        parts = [math.exp((one - top) * scale) for one in sums]
        return sums.index(other, 1), 1 - parts[0] / sum(parts), sums.index(top)

    def _sum(self, i: int) -> int:
        """The sums of word `i` whatever its neighbours are."""
        found = self._sums.get(i)
        if found is None:
            words, model = self.words, self.model
            found = self._zero + model.of_word(
                words.low[i], words.shapes[i], words.flags[i], words.case
            )
            found = self._sums[i] = found + model.of_place(self._placed.apart(i))
        return found


@lru_cache(maxsize=4)
def opened(weights: bytes) -> Model:
    """A model of a site; the package's where there are no weights.  Raises BadModel."""
    return Model.unpacked(weights) if weights else shipped()


@cache
def shipped() -> Model:
    """The model of the package."""
    return Model.unpacked((resources.files("moiety.deid.text") / "data/model.bin").read_bytes())
