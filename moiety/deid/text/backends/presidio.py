"""Microsoft Presidio's analyser, with a spaCy model that is installed.

https://microsoft.github.io/presidio/ (MIT).  Its NRP (nationality, religion, politics) is left out:
ethnicity is no identifier here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moiety.deid.text.backends.libraries import label_map, library, loaded
from moiety.deid.text.backends.protocol import relabelled
from moiety.deid.text.context import Context
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span

LABELS = {
    "PERSON": "NAME",
    "LOCATION": "ADDRESS_LINE",
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "TELEPHONE",
    "UK_NHS": "NHS_NUMBER",
    "UK_NINO": "NHS_NUMBER",
    "UK_POSTCODE": "POSTCODE",
    "DATE_TIME": "DATE",
}


@dataclass(frozen=True, slots=True)
class Presidio:
    """An analyser and how its kinds are called here."""

    analyser: Any
    labels: Mapping[str, str]
    threshold: float
    name: str = "presidio"
    demanded: frozenset[str] = frozenset({Label.NAME, Label.EMAIL})

    def detect(self, text: str, context: Context | None = None) -> list[Span]:
        """What the analyser finds in the text, whole: spaCy reads any length."""
        del context
        found = self.analyser.analyze(text=text, language="en", score_threshold=self.threshold)
        spans = (
            relabelled(r.start, r.end, r.entity_type, r.score, self.labels, self.name)
            for r in found
        )
        return [span for span in spans if span]


def opened(
    *,
    spacy_model: str = "en_core_web_md",
    threshold: float = 0.35,
    labels: Mapping[str, str] | None = None,
) -> Presidio:
    """Raises BackendMissing where Presidio or the spaCy model is not installed."""
    analyser = library("presidio_analyzer", "presidio")
    nlp = library("presidio_analyzer.nlp_engine", "presidio")
    spacy = library("spacy", "presidio")
    if not spacy.util.is_package(spacy_model):
        # Presidio would try to download it, and end the process where it can't.
        loaded("presidio", "spaCy model", lambda: spacy.load(spacy_model))
    engine = loaded(
        "presidio",
        "spaCy model",
        lambda: nlp.NlpEngineProvider(
            nlp_configuration={
                "nlp_engine_name": "spacy",
                "models": [{"lang_code": "en", "model_name": spacy_model}],
            }
        ).create_engine(),
    )
    stay_home()
    made = analyser.AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    return Presidio(made, label_map(labels, LABELS), threshold)


def stay_home() -> None:
    """Have the check of e-mail addresses use the list of domains that its package brings.

    By itself it asks a server on the internet for a newer one, with the first address it meets.
    """
    domains = library("tldextract", "presidio")
    domains.extract = domains.TLDExtract(suffix_list_urls=())
