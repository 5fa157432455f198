"""A text and its spans → the text without them, and where in it their stand-ins are."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from moiety.deid.text.labels import Label
from moiety.deid.text.replacement import ages, keyed, written_dates
from moiety.deid.text.replacement.policy import BirthDates, Dates, Policy, Style
from moiety.deid.text.replacement.surrogates import Namer
from moiety.deid.text.spans import Span, resolve

_AGE = "AGE"


@dataclass(frozen=True, slots=True)
class Replaced:
    """The new text; `placed` are the stand-ins in it, in order."""

    text: str
    placed: tuple[Span, ...]


def replace(
    text: str,
    spans: Sequence[Span],
    policy: Policy,
    *,
    subject: str = "",
    days: int | None = None,
) -> Replaced:
    """Write the text with every span replaced as the policy says.

    `subject` is whose text it is, as a pseudonym: the shift of dates follows from it.  `days` is a
    shift that was decided elsewhere, for the structured data of the same extract.
    """
    writer = _Writer(text, policy, _days(policy, subject, days), _year(text, spans))
    namer = Namer(policy.key)
    for span in spans:
        if span.label == Label.NAME:
            namer.learn(text[span.start : span.end])
    pieces: list[str] = []
    placed: list[Span] = []
    end = length = 0
    for span in resolve([*spans, *_ages(text, spans, policy)]):
        new = writer.stand_in(span, namer)
        kept = _kept_before(text[end : span.start], pieces, removed=not new)
        pieces += [kept, new]
        start = length + len(kept)
        length = start + len(new)
        if new:
            placed.append(Span(start, length, span.label, span.score, span.why))
        end = span.end
    return Replaced("".join([*pieces, text[end:]]), tuple(placed))


@dataclass(frozen=True, slots=True)
class _Writer:
    """What one document's stand-ins depend on."""

    text: str
    policy: Policy
    days: int
    year: int

    def stand_in(self, span: Span, namer: Namer) -> str:
        was, policy = self.text[span.start : span.end], self.policy
        if span.label == _AGE:
            return ages.pooled(policy.greatest_age or 0)
        if span.label == Label.DATE_OF_BIRTH and policy.birth_dates is not BirthDates.REPLACE:
            return self._birth(was) or _tag(span)
        if span.label == Label.DATE and policy.dates is Dates.SHIFT:
            return written_dates.moved(was, self.days, year=self.year) or _tag(span)
        if policy.style is Style.TAGS:
            return _tag(span)
        if policy.style is Style.REMOVE:
            return ""
        if span.label in {Label.DATE, Label.DATE_OF_BIRTH}:
            return _tag(span)
        return namer.stand_in(span.label, was)

    def _birth(self, was: str) -> str | None:
        if self.policy.birth_dates is BirthDates.SHIFT:
            return written_dates.moved(was, self.days, year=self.year)
        born = written_dates.year_of(was)
        if born is None:
            return None
        greatest = self.policy.greatest_age
        if greatest is not None and self.year - born > greatest:
            return f"[{_AGE} {ages.pooled(greatest)}]"
        return str(born)


def _tag(span: Span) -> str:
    return f"[{span.label}]"


def _days(policy: Policy, subject: str, days: int | None) -> int:
    if days is not None or Dates.SHIFT not in (policy.dates, policy.birth_dates):
        return days or 0
    return keyed.days(policy.key, subject, policy.most_days, whole_weeks=policy.whole_weeks)


def _year(text: str, spans: Iterable[Span]) -> int:
    """The latest year that a date of the document names: that in which it was written."""
    years = (
        written_dates.year_of(text[span.start : span.end])
        for span in spans
        if span.label == Label.DATE
    )
    return max((year for year in years if year), default=2023)


def _ages(text: str, spans: Sequence[Span], policy: Policy) -> list[Span]:
    if policy.greatest_age is None:
        return []
    taken = bytearray(len(text))
    for span in spans:
        taken[span.start : span.end] = b"\1" * (span.end - span.start)
    return [
        Span(start, end, _AGE, 1.0, "age over the greatest shown")
        for start, end in ages.over(text, policy.greatest_age)
        if not any(taken[start:end])
    ]


def _kept_before(kept: str, pieces: list[str], *, removed: bool) -> str:
    """What stands between two spans; where one is removed, one of two spaces goes with it."""
    if not removed or not re.search(r"(?:^|\s)$", kept):
        return kept
    return kept[:-1] if kept.endswith(" ") and (pieces or len(kept) > 1) else kept
