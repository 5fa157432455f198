"""Token-classification models in the form of Hugging Face's transformers (Apache-2.0), on torch.

The pipeline of the library would cut long texts without a word; so the model is asked itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moiety.deid.text.backends.classifying import LABELS, Classifier, kinds_of, most_tokens
from moiety.deid.text.backends.libraries import label_map, library, loaded


@dataclass(frozen=True, slots=True)
class Torch:
    """A model and its tokenizer."""

    model: Any
    tokenizer: Any
    torch: Any

    def encode(self, text: str) -> Any:
        """The tokens of a text, whole."""
        return self.tokenizer(
            text, return_offsets_mapping=True, return_tensors="pt", truncation=False, verbose=False
        )

    def offsets(self, encoded: Any) -> Sequence[tuple[int, int]]:
        """Where each token stands."""
        return [(start, end) for start, end in encoded["offset_mapping"][0].tolist()]

    def probabilities(self, encoded: Any) -> Iterable[Sequence[float]]:
        """For each token the probability of each kind."""
        feed = {key: value for key, value in encoded.items() if key != "offset_mapping"}
        with self.torch.no_grad():
            logits = self.model(**feed).logits[0]
        rows: Iterable[Sequence[float]] = logits.float().softmax(-1).tolist()
        return rows


def opened(
    *, model: str, threshold: float = 0.3, labels: Mapping[str, str] | None = None
) -> Classifier:
    """Raises BackendMissing where transformers or the model's folder is not there."""
    transformers = library("transformers", "huggingface")
    torch = library("torch", "huggingface")

    def load() -> Classifier:
        local = {"local_files_only": True}
        tokenizer = transformers.AutoTokenizer.from_pretrained(model, use_fast=True, **local)
        if not tokenizer.is_fast:
            raise ValueError("a tokenizer that does not tell where its tokens stand")
        network = transformers.AutoModelForTokenClassification.from_pretrained(model, **local)
        network.eval()
        return Classifier(
            Torch(network, tokenizer, torch), kinds_of(network.config.id2label),
            most_tokens(Path(model)), label_map(labels, LABELS), threshold, "huggingface",
        )  # fmt: skip

    made: Classifier = loaded("huggingface", "model", load)
    return made
