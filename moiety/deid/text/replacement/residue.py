"""A second look over a text that was de-identified: what is left that should hold it back.

Held back are texts in which a detector is sure of a finding outside the stand-ins, in which an
unexplained run of six digits or more is left, or a title before a capital.  Registered trials,
terms of terminologies, lots and batches explain a run.  Nothing is mended
here: a document with a residue needs a person, and perhaps a new rule.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from moiety.deid.text.spans import Span, resolve

LONGEST_RUN = 5
"""Digits in a row that may stay: counts and doses are shorter than identifiers."""

_RUN = re.compile(rf"(?<![\d.,])[0-9](?:[0-9]|[ -](?=[0-9])){{{LONGEST_RUN},}}(?![.,]?[0-9])")
_EXPLAINED = re.compile(
    r"(?:\b(?:NCT|ISRCTN|SNOMED(?:[ -]?CT)?|EudraCT|PMID|LOINC|OPCS|dm\+d|IRAS|lot|batch)"
    r"(?:\s*(?:no|number|id|code))?\.?\s*[:#]?\s*)$",
    re.IGNORECASE,
)
_EXPLAINED_WITHIN = 24
_TITLED = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sister|Rev)\.?[ \t]+(?=[A-Z][a-z])[A-Z]\w+"
)


def residue(
    text: str, placed: Sequence[Span], detected: Iterable[Span], *, sure: float
) -> list[Span]:
    """What is left, in order: `detected` are the detector's findings in the new text."""
    covered = bytearray(len(text))
    for span in placed:
        covered[span.start : span.end] = b"\1" * (span.end - span.start)
    left = [span for span in detected if span.score >= sure]
    left += _patterns(text)
    return resolve(span for span in left if _bare(text, span, covered))


def _patterns(text: str) -> Iterator[Span]:
    for match in _RUN.finditer(text):
        before = text[max(0, match.start() - _EXPLAINED_WITHIN) : match.start()]
        if sum(c.isdigit() for c in match[0]) > LONGEST_RUN and not _EXPLAINED.search(before):
            yield Span(match.start(), match.end(), "NUMBER", 1.0, "a long run of digits")
    for match in _TITLED.finditer(text):
        yield Span(match.start(), match.end(), "NAME", 1.0, "a title before a capital")


def _bare(text: str, span: Span, covered: bytearray) -> bool:
    """Whether a finding has a letter or digit that no stand-in covers, and touches none.

    A finding that reaches over a stand-in's edge is the detector's reading of the stand-in.
    """
    inside = covered[span.start : span.end]
    return not any(inside) and any(c.isalnum() for c in text[span.start : span.end])
