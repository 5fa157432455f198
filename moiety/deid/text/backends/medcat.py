"""MedCAT's de-identification models (AnonCAT), which a site trains itself.

https://github.com/CogStack/cogstack-nlp (Apache-2.0 from version 2).  Its labels are the names of
the model's concepts; the default map has those of the usual training sets.
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
    "name": "NAME",
    "patient": "NAME",
    "doctor": "NAME",
    "initials": "INITIALS",
    "address": "ADDRESS_LINE",
    "address line": "ADDRESS_LINE",
    "location": "ADDRESS_LINE",
    "postcode": "POSTCODE",
    "date of birth": "DATE_OF_BIRTH",
    "dob": "DATE_OF_BIRTH",
    "date": "DATE",
    "phone": "TELEPHONE",
    "telephone number": "TELEPHONE",
    "email": "EMAIL",
    "nhs number": "NHS_NUMBER",
    "hospital number": "HOSPITAL_NUMBER",
    "hospital name": "HOSPITAL_NAME",
    "hospital": "HOSPITAL_NAME",
    "gmc number": "GMC_NUMBER",
    "hcpc number": "HCPC_NUMBER",
    "accession number": "ACCESSION_NUMBER",
    "extension number": "EXTENSION",
    "gp no": "GP_IDENTIFIER",
}


@dataclass(frozen=True, slots=True)
class Medcat:
    """A model pack and what its concepts are called here."""

    pack: Any
    labels: Mapping[str, str]
    name: str = "medcat"
    demanded: frozenset[str] = frozenset({Label.NAME})

    def detect(self, text: str, context: Context | None = None) -> list[Span]:
        """What the model finds in every piece."""
        del context
        return chunking.detect(text, self._piece)

    def _piece(self, text: str) -> list[Span]:
        if not text.strip():  # MedCAT's answer to no words has another form
            return []
        found = self.pack.get_entities(text)["entities"].values()
        spans = (
            relabelled(
                e["start"], e["end"], _kind(e), float(e.get("acc", 0.9)), self.labels, self.name
            )
            for e in found
        )
        return [span for span in spans if span]


def _kind(entity: Mapping[str, Any]) -> str:
    return str(entity.get("pretty_name") or entity.get("cui"))


def opened(*, model: str, labels: Mapping[str, str] | None = None) -> Medcat:
    """Raises BackendMissing where MedCAT or the model pack is not there."""
    cat = library("medcat.cat", "medcat")
    pack = loaded("medcat", "model pack", lambda: cat.CAT.load_model_pack(model))
    return Medcat(pack, label_map(labels, LABELS))
