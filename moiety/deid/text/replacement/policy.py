"""How identifiers are replaced."""

from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """What stands where an identifier stood."""

    TAGS = "tags"
    """The kind in brackets, `[NAME]`: for audit, and where every reader should see the gaps."""
    SURROGATES = "surrogates"
    """An invented one of the same kind: what was overlooked hides among the stand-ins."""
    REMOVE = "remove"
    """Nothing."""


class Dates(StrEnum):
    """What becomes of a date that is no birth date."""

    SHIFT = "shift"
    """Moved by the subject's secret number of days, written as it was written."""
    REPLACE = "replace"
    """Replaced as the style says; a surrogate of a date is a tag."""


class BirthDates(StrEnum):
    """What becomes of a birth date."""

    YEAR = "year"
    """Its year; a tag for those over the greatest age that is shown."""
    SHIFT = "shift"
    """Moved as the other dates are, so that ages in days stay right."""
    REPLACE = "replace"
    """Replaced as the style says; a surrogate of a birth date is a tag."""


class BadPolicy(ValueError):
    """A policy that can't be obeyed; the message says why."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Tags unless told otherwise.

    `key` is the secret of one project: surrogates and shifts follow from it, so that two projects
    share none.  `most_days` bounds the shift on either side; `whole_weeks` keeps weekdays.  Ages
    over `greatest_age` are pooled (None: left as they are).  `second_look` says whether the result
    is looked over again, and `sure` how sure a finding must be to hold a document back.
    """

    style: Style = Style.TAGS
    dates: Dates = Dates.REPLACE
    birth_dates: BirthDates = BirthDates.REPLACE
    key: bytes = b""
    most_days: int = 182
    whole_weeks: bool = False
    greatest_age: int | None = 89
    second_look: bool = True
    sure: float = 0.8

    def __post_init__(self) -> None:
        """Raise BadPolicy where a key is needed and absent or short, or a bound makes no sense."""
        keyed = self.style is Style.SURROGATES or Dates.SHIFT in (self.dates, self.birth_dates)
        if keyed and len(self.key) < 16:
            raise BadPolicy("Surrogates and shifted dates need a key of at least 16 bytes")
        if self.most_days < (7 if self.whole_weeks else 1):
            raise BadPolicy("A shift needs at least one day, or seven where weeks stay whole")
