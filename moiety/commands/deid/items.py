"""One unit of input, the texts in it, and what became of each."""

from dataclasses import dataclass, field
from typing import Any

from moiety.deid.text import Fingerprints


@dataclass(frozen=True, slots=True)
class Document:
    """A text on its way to a worker, with what is known of it.

    `whole` is the label of a text that is an identifier by what the record says it is.  `own`
    stands for a subject that is not known: such documents share no shift of dates.
    """

    text: str
    field: str | None = None
    path: str | None = None
    known: tuple[str, ...] = ()
    subject: str = ""
    days: int | None = None
    whole: str = ""
    own: str = ""
    fingerprints: Fingerprints | None = None


KnownOf = tuple[tuple[str, ...], Fingerprints | None]
"""What is surely known of one subject: phrases, and fingerprints."""


def nothing_known(subject: str) -> KnownOf:
    """Of nobody."""
    del subject
    return (), None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker answers for one document.

    `spans` are (start, end, label, score, why) in `text`: the input's, or the replaced one's.
    `failed` is the code of why there is no answer.  `left` is what the second look found.
    """

    text: str = ""
    spans: tuple[tuple[int, int, str, float, str], ...] = ()
    left: tuple[tuple[int, int, str, float, str], ...] = ()
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A line, a row or a composition.

    `end` is where the input goes on after it, in octets.  `problem` is the code of why it can't be
    read: such an item has no documents.  `payload` is what its form needs to write it again.
    """

    number: int
    end: int
    id: Any = None
    documents: tuple[Document, ...] = ()
    problem: str = ""
    payload: Any = None

    @property
    def subject(self) -> str:
        """Whose it is, where the input says so."""
        return self.documents[0].subject if self.documents else ""


@dataclass(frozen=True, slots=True)
class Withheld:
    """Something that is not in the output: where, which, why.  Never what it said."""

    number: int
    id: Any
    reason: str
    left: tuple[dict[str, Any], ...] = ()


@dataclass(slots=True)
class Rendered:
    """What an item adds to the output, and what of it was withheld."""

    line: bytes = b""
    withheld: list[Withheld] = field(default_factory=list)


REASONS = {
    "not_json": "the line is not JSON",
    "not_utf8": "the line is not UTF-8",
    "not_an_object": "the line is no JSON object",
    "no_id": "the line has no id",
    "no_text": "the line has no text, or one that is no string",
    "bad_field": "a field that the command reads has another type than it should",
    "too_long": "the line is longer than --longest",
    "not_a_row": "the row has more or fewer cells than the head",
    "not_a_composition": "it is no composition in canonical JSON",
    "invalid_after": "the composition would not be valid afterwards",
    "took_too_long": "reading it took longer than --deadline allows",
    "worker_died": "the process that read it died",
    "backend_failed": "a detector failed on it",
    "residue": "the second look found something in the result",
}
"""Why something is withheld; the codes stand in the file of what was withheld."""
