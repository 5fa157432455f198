"""GLiNER: any label, told in words.  https://github.com/urchade/GLiNER (Apache-2.0).

The model reads so many words, and so many of its tokens, and leaves the rest without a word; so it
gets short pieces, and those that have more are halved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moiety.deid.text.backends import chunking
from moiety.deid.text.backends.libraries import label_map, library, loaded
from moiety.deid.text.backends.protocol import relabelled
from moiety.deid.text.context import Context
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span

LABELS = {
    "person": "NAME",
    "address": "ADDRESS_LINE",
    "postcode": "POSTCODE",
    "hospital": "HOSPITAL_NAME",
    "general practice": "GP_IDENTIFIER",
    "date": "DATE",
    "date of birth": "DATE_OF_BIRTH",
    "phone number": "TELEPHONE",
    "email": "EMAIL",
    "medical record number": "HOSPITAL_NUMBER",
    "NHS number": "NHS_NUMBER",
}
_SIZE, _OVERLAP = 600, 150


@dataclass(frozen=True, slots=True)
class Gliner:
    """A model, the words it is asked for, and what they are called here."""

    model: Any
    asked: tuple[str, ...]
    labels: Mapping[str, str]
    threshold: float
    name: str = "gliner"
    demanded: frozenset[str] = frozenset({Label.NAME})

    def detect(self, text: str, context: Context | None = None) -> list[Span]:
        """What the model finds in every piece."""
        del context
        return chunking.detect(text, self._piece, _SIZE, _OVERLAP)

    def _piece(self, text: str) -> list[Span]:
        if self._cut(text):
            return chunking.halved(text, self._piece, self.name)
        found = self.model.predict_entities(text, list(self.asked), threshold=self.threshold)
        spans = (
            relabelled(e["start"], e["end"], e["label"], e["score"], self.labels, self.name)
            for e in found
        )
        return [span for span in spans if span]

    def _cut(self, text: str) -> bool:
        """Whether the model would read the beginning of a text alone."""
        reader = self.model.data_processor
        words = [word for word, *_ in reader.words_splitter(text)]
        if len(words) > self.model.config.max_len:
            return True
        given, _ = reader.prepare_inputs([words], list(self.asked))
        tokens = reader.transformer_tokenizer(given, is_split_into_words=True, verbose=False)
        return bool(len(tokens["input_ids"][0]) > reader.transformer_tokenizer.model_max_length)


def opened(
    *, model: str, threshold: float = 0.3, labels: Mapping[str, str] | None = None
) -> Gliner:
    """Raises BackendMissing where GLiNER or the model's folder is not there."""
    gliner = library("gliner", "gliner")
    made = loaded(
        "gliner", "model", lambda: gliner.GLiNER.from_pretrained(model, local_files_only=True)
    )
    return Gliner(made, tuple(labels or LABELS), label_map(labels, LABELS), threshold)
