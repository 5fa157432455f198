"""Texts → outcomes: what a worker does, with a deadline for each document.

Documents of one record are read twice: first each alone, then again with the names that were found
in the others.
"""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from moiety.commands.deid.items import Document, Outcome
from moiety.deid.text import Context, Span
from moiety.deid.text.backends.ensemble import Ensemble
from moiety.deid.text.backends.protocol import BackendFailed
from moiety.deid.text.deidentifying import finish
from moiety.deid.text.replacement.policy import Policy

CHARACTERS_A_SECOND = 5000
"""What a detector should read at least; a document longer than this gets more time."""

_MOST_NAMES = 500


class TooLate(BaseException):
    """The deadline passed.  No Exception: a detector that catches those must not catch this."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What every document of a run is read with."""

    detector: Ensemble
    policy: Policy | None
    deadline: float

    def read(self, record: Sequence[Document]) -> list[Outcome]:
        """The outcomes of one record's documents, in order."""
        found = [self._detected(document, ()) for document in record]
        if len(record) > 1 and (names := _names(record, found)):
            found = [
                spans if isinstance(spans, str) else self._detected(document, names)
                for document, spans in zip(record, found, strict=True)
            ]
        return [
            Outcome(failed=spans) if isinstance(spans, str) else self._finished(document, spans)
            for document, spans in zip(record, found, strict=True)
        ]

    def _detected(self, document: Document, names: tuple[str, ...]) -> list[Span] | str:
        if document.whole:
            length = len(document.text)
            return [Span(0, length, document.whole, 1.0, "the record says so")] if length else []
        context = Context(
            document.field, document.path, document.known, document.fingerprints, names
        )
        try:
            with _deadline(allowed(self.deadline, document)):
                return self.detector.detect(document.text, context)
        except TooLate:
            return "took_too_long"
        except BackendFailed:
            return "backend_failed"

    def _finished(self, document: Document, spans: list[Span]) -> Outcome:
        if self.policy is None:
            return Outcome(document.text, _told(spans))
        try:
            with _deadline(allowed(self.deadline, document)):
                new = finish(
                    document.text, spans, self.detector, self.policy,
                    subject=document.subject or document.own, days=document.days,
                )  # fmt: skip
        except TooLate:
            return Outcome(failed="took_too_long")
        except BackendFailed:
            return Outcome(failed="backend_failed")
        return Outcome(new.text, _told(new.placed), _told(new.left))


def allowed(deadline: float, document: Document) -> float:
    """Seconds for one document."""
    return deadline + len(document.text) / CHARACTERS_A_SECOND


def _names(record: Sequence[Document], found: Sequence[list[Span] | str]) -> tuple[str, ...]:
    """The names that were found anywhere in the record, each once."""
    names = {
        document.text[span.start : span.end]: None
        for document, spans in zip(record, found, strict=True)
        if not isinstance(spans, str)
        for span in spans
        if span.label == "NAME"
    }
    return tuple(names)[:_MOST_NAMES]


def _told(spans: Sequence[Span]) -> tuple[tuple[int, int, str, float, str], ...]:
    return tuple((s.start, s.end, str(s.label), s.score, s.why) for s in spans)


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raise TooLate inside after so many seconds of the main thread."""
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise TooLate
