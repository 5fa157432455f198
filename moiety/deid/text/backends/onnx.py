"""Token-classification models as ONNX: a folder with model.onnx, tokenizer.json and config.json.

Runs on ONNX Runtime (MIT) with Hugging Face's tokenizers (Apache-2.0), without torch.  A token is
marked when everything but `O` together is likelier than the threshold, which finds more than taking
the likeliest label; a word of which a piece is marked is marked whole.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moiety.deid.text.backends import chunking
from moiety.deid.text.backends.libraries import label_map, library, loaded
from moiety.deid.text.backends.protocol import BackendFailed, relabelled
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


@dataclass(frozen=True, slots=True)
class Onnx:
    """A session, its tokenizer, and what its labels are called, here and there."""

    session: Any
    tokenizer: Any
    numpy: Any
    kinds: tuple[str, ...]
    most_tokens: int
    labels: Mapping[str, str]
    threshold: float
    name: str = "onnx"
    demanded: frozenset[str] = frozenset({Label.NAME})

    def detect(self, text: str, context: Context | None = None) -> list[Span]:
        """What the model finds in every piece."""
        del context
        return chunking.detect(text, self._piece)

    def _piece(self, text: str) -> list[Span]:
        encoded = self.tokenizer.encode(text)
        if len(encoded.ids) > self.most_tokens:
            if len(text) < 4:
                raise BackendFailed(self.name, "a word of more tokens than the model reads")
            half = len(text) // 2
            return chunking.detect(text, self._piece, half + 1, half // 2)
        words = [match.span() for match in _WORD.finditer(text)]
        spans = []
        for (start, end), shares in zip(encoded.offsets, self._shares(encoded), strict=True):
            if start < end and 1 - shares[_OUTSIDE] >= self.threshold:
                kind = max((k for k in shares if k != _OUTSIDE), key=shares.__getitem__)
                low, high = _whole(words, start, end)
                score = 1 - shares[_OUTSIDE]
                spans.append(relabelled(low, high, kind, score, self.labels, self.name))
        return [span for span in spans if span]

    def _shares(self, encoded: Any) -> list[dict[str, float]]:
        """For each token the probability of each kind, with B- and I- put together."""
        np = self.numpy
        given = {
            "input_ids": encoded.ids,
            "attention_mask": encoded.attention_mask,
            "token_type_ids": encoded.type_ids,
        }
        wanted = {i.name for i in self.session.get_inputs()}
        feed = {k: np.array([v], dtype=np.int64) for k, v in given.items() if k in wanted}
        (logits, *_) = self.session.run(None, feed)
        powers = np.exp(logits[0] - logits[0].max(axis=-1, keepdims=True))
        rows = powers / powers.sum(axis=-1, keepdims=True)
        shares = []
        for row in rows:
            share: dict[str, float] = {_OUTSIDE: 0.0}
            for kind, part in zip(self.kinds, row, strict=True):
                share[kind] = share.get(kind, 0.0) + float(part)
            shares.append(share)
        return shares


def opened(*, model: str, threshold: float = 0.3, labels: Mapping[str, str] | None = None) -> Onnx:
    """Raises BackendMissing where a library, or one of the three files, is not there."""
    runtime = library("onnxruntime", "onnx")
    tokenizers = library("tokenizers", "onnx")
    numpy = library("numpy", "onnx")
    folder = Path(model)

    def load() -> Onnx:
        config = json.loads((folder / "config.json").read_text())
        kinds = tuple(
            name.removeprefix("B-").removeprefix("I-")
            for _, name in sorted((int(i), n) for i, n in config["id2label"].items())
        )
        if not (folder / "model.onnx").is_file() or not (folder / "tokenizer.json").is_file():
            raise FileNotFoundError(model)
        session = runtime.InferenceSession(
            str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        most = int(config.get("max_position_embeddings", 512))
        return Onnx(session, tokenizer, numpy, kinds, most, label_map(labels, LABELS), threshold)

    made: Onnx = loaded("onnx", "model folder", load)
    return made


def _whole(words: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """A stretch, widened to the words that it touches."""
    touched = [(a, b) for a, b in words if a < end and start < b]
    return min([start, *(a for a, _ in touched)]), max([end, *(b for _, b in touched)])
