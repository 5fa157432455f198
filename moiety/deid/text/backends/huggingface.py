"""Token-classification models in the form of Hugging Face's transformers (Apache-2.0)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moiety.deid.text.backends import chunking
from moiety.deid.text.backends.libraries import label_map, library, loaded
from moiety.deid.text.backends.onnx import LABELS
from moiety.deid.text.backends.protocol import relabelled
from moiety.deid.text.context import Context
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span


@dataclass(frozen=True, slots=True)
class HuggingFace:
    """A pipeline and what its labels are called here."""

    pipeline: Any
    labels: Mapping[str, str]
    threshold: float
    name: str = "huggingface"
    demanded: frozenset[str] = frozenset({Label.NAME})

    def detect(self, text: str, context: Context | None = None) -> list[Span]:
        """What the model finds in every piece."""
        del context
        return chunking.detect(text, self._piece)

    def _piece(self, text: str) -> list[Span]:
        spans = (
            relabelled(
                e["start"], e["end"], e["entity_group"], float(e["score"]), self.labels, self.name
            )
            for e in self.pipeline(text)
            if e["score"] >= self.threshold
        )
        return [span for span in spans if span]


def opened(
    *, model: str, threshold: float = 0.3, labels: Mapping[str, str] | None = None
) -> HuggingFace:
    """Raises BackendMissing where transformers or the model's folder is not there."""
    transformers = library("transformers", "huggingface")

    def load() -> Any:
        local = {"local_files_only": True}
        tokenizer = transformers.AutoTokenizer.from_pretrained(model, **local)
        network = transformers.AutoModelForTokenClassification.from_pretrained(model, **local)
        return transformers.pipeline(
            "token-classification", model=network, tokenizer=tokenizer,
            aggregation_strategy="max",
        )  # fmt: skip

    return HuggingFace(loaded("huggingface", "model", load), label_map(labels, LABELS), threshold)
