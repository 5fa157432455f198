"""Token-classification models as ONNX: a folder with model.onnx, tokenizer.json and config.json.

Runs on ONNX Runtime (MIT) with Hugging Face's tokenizers (Apache-2.0), without torch.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moiety.deid.text.backends.classifying import LABELS, Classifier, kinds_of, most_tokens
from moiety.deid.text.backends.libraries import label_map, library, loaded


@dataclass(frozen=True, slots=True)
class Session:
    """A model and its tokenizer."""

    session: Any
    tokenizer: Any
    numpy: Any

    def encode(self, text: str) -> Any:
        """The tokens of a text, whole."""
        return self.tokenizer.encode(text)

    def offsets(self, encoded: Any) -> Sequence[tuple[int, int]]:
        """Where each token stands."""
        offsets: Sequence[tuple[int, int]] = encoded.offsets
        return offsets

    def probabilities(self, encoded: Any) -> Iterable[Sequence[float]]:
        """For each token the probability of each kind."""
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
        rows: Iterable[Sequence[float]] = (powers / powers.sum(axis=-1, keepdims=True)).tolist()
        return rows


def opened(
    *, model: str, threshold: float = 0.3, labels: Mapping[str, str] | None = None
) -> Classifier:
    """Raises BackendMissing where a library, or one of the three files, is not there."""
    runtime = library("onnxruntime", "onnx")
    tokenizers = library("tokenizers", "onnx")
    numpy = library("numpy", "onnx")
    folder = Path(model)

    def load() -> Classifier:
        config = json.loads((folder / "config.json").read_text())
        if not (folder / "model.onnx").is_file() or not (folder / "tokenizer.json").is_file():
            raise FileNotFoundError(model)
        session = runtime.InferenceSession(
            str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return Classifier(
            Session(session, tokenizer, numpy), kinds_of(config["id2label"]), most_tokens(folder),
            label_map(labels, LABELS), threshold, "onnx",
        )  # fmt: skip

    made: Classifier = loaded("onnx", "model folder", load)
    return made
