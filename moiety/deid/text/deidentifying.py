"""A text → the text without identifiers, looked over again before it is handed out."""

from dataclasses import dataclass

from moiety.deid.text.backends.built_in import BuiltIn
from moiety.deid.text.backends.ensemble import Ensemble
from moiety.deid.text.context import Context
from moiety.deid.text.options import DEFAULT, Options
from moiety.deid.text.replacement.policy import Policy
from moiety.deid.text.replacement.replacing import replace
from moiety.deid.text.replacement.residue import residue
from moiety.deid.text.spans import Span

TAGS = Policy()
"""Typed tags and nothing else, which need no key."""


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A text after replacement.

    `spans` are what was found, with offsets in the input; `placed` are the stand-ins, with offsets
    in `text`; `left` is what the second look found in `text`.
    """

    text: str
    spans: tuple[Span, ...]
    placed: tuple[Span, ...]
    left: tuple[Span, ...]

    @property
    def held_back(self) -> bool:
        """Whether a person has to look before the text may be released."""
        return bool(self.left)


def deidentify(
    text: str,
    *,
    options: Options = DEFAULT,
    policy: Policy = TAGS,
    context: Context | None = None,
    subject: str = "",
    days: int | None = None,
) -> Deidentified:
    """Find and replace every identifier of a text with the built-in detector.

    `subject` is a pseudonym of whose text it is (dates shift by it); `days` a shift decided
    elsewhere.  Look at `held_back` before you hand the text on.
    """
    detector = Ensemble((BuiltIn(options),))
    spans = detector.detect(text, context)
    return finish(text, spans, detector, policy, subject=subject, days=days)


def finish(
    text: str,
    spans: list[Span],
    detector: Ensemble,
    policy: Policy,
    *,
    subject: str = "",
    days: int | None = None,
) -> Deidentified:
    """Replace spans that were found already, and look over the result with the same detector.

    Raises BackendFailed where the detector fails on the result.
    """
    new = replace(text, spans, policy, subject=subject, days=days)
    left: list[Span] = []
    if policy.second_look:
        left = residue(new.text, new.placed, detector.detect(new.text), sure=policy.sure)
    return Deidentified(new.text, tuple(spans), new.placed, tuple(left))
