"""What to look for: labels, formats and lists of the site, thresholds."""

import re
from dataclasses import dataclass, field

from moiety.deid.text.labels import ALL

LONGEST_PATTERN = 300
"""Characters of a site's pattern: nobody needs more to say how a number looks."""

_NESTED = re.compile(r"[+*}]\)?[+*{]|\([^()]*[+*][^()]*\)[+*{]")


class BadOption(ValueError):
    """An option that can't be obeyed; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a number of this site looks: a regular expression, or a shape such as `AA999999`."""

    label: str
    pattern: str

    @classmethod
    def of_shape(cls, label: str, shape: str) -> "Format":
        """`A` stands for a letter, `9` for a digit; everything else for itself."""
        kinds = {"A": "[A-Za-z]", "9": r"\d"}
        return cls(label, "".join(kinds.get(c) or re.escape(c) for c in shape))

    def compiled(self) -> re.Pattern[str]:
        """The pattern between word boundaries.

        Raises BadOption where it can't be compiled, matches nothing but emptiness, is too long, or
        repeats a repetition (such a pattern may run for ever).
        """
        if len(self.pattern) > LONGEST_PATTERN:
            raise BadOption(
                f"The format for {self.label} is longer than {LONGEST_PATTERN} characters"
            )
        if _NESTED.search(self.pattern):
            raise BadOption(f"The format for {self.label} repeats a repetition: write it flat")
        try:
            pattern = re.compile(rf"(?<!\w)(?:{self.pattern})(?!\w)", re.IGNORECASE)
        except re.error as error:
            raise BadOption(
                f"The format for {self.label} is no regular expression: {error.msg}"
            ) from None
        if pattern.search(""):
            raise BadOption(f"The format for {self.label} matches the empty text")
        return pattern


@dataclass(frozen=True, slots=True)
class Options:
    """How texts are read.  Immutable and hashable: what follows from it is worked out once.

    labels     what is looked for; the sixteen, and any label that `formats` or `lists` add
    formats    hospital, accession and other numbers as this site writes them
    lists      (label, phrases) found in any case: local hospitals, practices, streets, staff
    keep       words that are never redacted as names: a local device, a trial, a ward
    model      whether the learned model looks too: more found, at two thirds of the speed
    threshold  least probability at which model and trees add a word: lower finds more
    weights    a model that the site trained, as `Model.packed` writes it; none: the package's
    """

    labels: frozenset[str] = ALL
    formats: tuple[Format, ...] = ()
    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()
    keep: frozenset[str] = frozenset()
    model: bool = True
    threshold: float = 0.16
    weights: bytes = field(default=b"", repr=False)


DEFAULT = Options()
