"""Several detectors on one text: what any of them finds, or what enough of them find."""

from dataclasses import dataclass

from moiety.deid.text.backends import canary
from moiety.deid.text.backends.protocol import Backend, BackendFailed
from moiety.deid.text.context import Context
from moiety.deid.text.spans import Span, resolve, worded


@dataclass(frozen=True, slots=True)
class Ensemble:
    """`votes` detectors must agree on a character for it to be an identifier; 1 is the union.

    `labels` are those that are looked for; None: whatever a detector finds.
    """

    backends: tuple[Backend, ...]
    votes: int = 1
    labels: frozenset[str] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where more votes are asked than there are detectors."""
        if not 1 <= self.votes <= len(self.backends):
            raise ValueError("There are fewer detectors than votes are asked for")

    def check(self) -> None:
        """Try every detector on the canary.  Raises CanaryDied."""
        for backend in self.backends:
            canary.check(backend)

    def detect(self, text: str, context: Context | None = None) -> list[Span]:
        """The spans that stand.  Raises BackendFailed where a detector does, whatever the others
        found: a text that one of them did not read has not been read.
        """
        found = [
            [span for span in _asked(backend, text, context) if self._wanted(span)]
            for backend in self.backends
        ]
        every = [span for spans in found for span in spans]
        if self.votes == 1:
            return worded(text, resolve(every))
        votes = bytearray(len(text))
        for spans in found:
            for start, end in _covered(spans):
                for at in range(start, end):
                    votes[at] += 1
        elected = (part for span in every for part in _elected(span, votes, self.votes))
        return worded(text, resolve(elected))

    def _wanted(self, span: Span) -> bool:
        return self.labels is None or span.label in self.labels


def _asked(backend: Backend, text: str, context: Context | None) -> list[Span]:
    try:
        spans = backend.detect(text, context)
    except BackendFailed:
        raise
    except Exception as error:  # noqa: BLE001 - other people's code may raise anything
        raise BackendFailed(backend.name, type(error).__name__) from None
    if any(not 0 <= span.start < span.end <= len(text) for span in spans):
        raise BackendFailed(backend.name, "a span outside the text")
    return spans


def _covered(spans: list[Span]) -> list[tuple[int, int]]:
    """The stretches that one detector's spans cover, each character once."""
    return [(span.start, span.end) for span in resolve(spans)]


def _elected(span: Span, votes: bytearray, needed: int) -> list[Span]:
    """The stretches of a span that enough detectors cover."""
    parts: list[Span] = []
    start = None
    for at in range(span.start, span.end + 1):
        stands = at < span.end and votes[at] >= needed
        if stands and start is None:
            start = at
        elif not stands and start is not None:
            parts.append(Span(start, at, span.label, span.score, span.why))
            start = None
    return parts
