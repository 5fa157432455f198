"""What a detector is, and how one fails."""

from collections.abc import Mapping
from typing import Protocol

from moiety.deid.text.context import Context
from moiety.deid.text.spans import Span


class Backend(Protocol):
    """Anything that finds identifiers in a text.

    `name` stands in the `why` of its spans.  `demanded` are the labels of the canary that it must
    find to be trusted; a detector that cannot find any is none.
    """

    @property
    def name(self) -> str:
        """What a configuration calls it."""
        ...

    @property
    def demanded(self) -> frozenset[str]:
        """The labels that it must find in the canary."""
        ...

    def detect(self, text: str, context: Context | None = None) -> list[Span]:
        """Every identifier, with offsets in `text` that count code points.  May raise anything."""
        ...


class BackendMissing(RuntimeError):
    """The library or model of a detector is not there; the message says how to get it."""


class BackendFailed(RuntimeError):
    """A detector did not answer: what it was to read must be withheld.

    The message names the detector and the class of its error, never its words: they may quote the
    text.
    """

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(f"The detector {name} failed: {kind}")
        self.name, self.kind = name, kind


class CanaryDied(RuntimeError):
    """A detector left the canary unfound: it runs, and finds nothing.  Nothing was read."""


def relabelled(
    start: int, end: int, kind: str, score: float, labels: Mapping[str, str], name: str
) -> Span | None:
    """A span under our label, or None where the map leaves its kind out.

    The map's keys are the other detector's kinds in any case, without `B-` and `I-`.
    """
    plain = kind.casefold().removeprefix("b-").removeprefix("i-")
    label = labels.get(plain)
    return Span(start, end, label, score, f"{name}: {plain}") if label and end > start else None
