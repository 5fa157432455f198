"""What an operational template may demand of one value: the leaves of the archetype model.

Each class is one constraint of AOM 1.4 (§ "Constraint model", "Primitive package") and of the
openEHR profile (C_CODE_PHRASE, C_DV_QUANTITY, C_DV_ORDINAL, C_DV_STATE), as plain facts.
Bounds that are dates, times or durations are held as magnitudes (see moiety.openehr.times).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from moiety.openehr.patterns import Pattern

ValueSet: TypeAlias = Callable[[str, str, str], bool | None]
"""Whether (value set, terminology, code) belong together; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of numbers; None is unbounded (BASE, INTERVAL<T>)."""

    lower: float | None
    upper: float | None
    lower_included: bool = True
    upper_included: bool = True

    def holds(self, number: float) -> bool:
        if self.lower is not None and (
            number < self.lower or (number == self.lower and not self.lower_included)
        ):
            return False
        return self.upper is None or not (
            number > self.upper or (number == self.upper and not self.upper_included)
        )

    def __str__(self) -> str:
        lower = "*" if self.lower is None else f"{self.lower:g}"
        upper = "*" if self.upper is None else f"{self.upper:g}"
        return f"{lower}..{upper}"


@dataclass(frozen=True, slots=True)
class Slot:
    """ARCHETYPE_SLOT: the archetypes that may stand here; no include means any."""

    includes: tuple[Pattern, ...]
    excludes: tuple[Pattern, ...]

    def admits(self, archetype_id: str) -> bool:
        """Whether the archetype may stand here (AOM 1.4, ARCHETYPE_SLOT).

        Includes that name something decide alone; an include of anything only recommends, and
        leaves what no exclude names.
        """
        naming = [pattern for pattern in self.includes if pattern.pattern != ".*"]
        if naming:
            return any(pattern.fullmatch(archetype_id) for pattern in naming)
        return not any(pattern.fullmatch(archetype_id) for pattern in self.excludes)


@dataclass(frozen=True, slots=True)
class CodePhraseConstraint:
    """C_CODE_PHRASE, C_CODE_REFERENCE and CONSTRAINT_REF.

    `codes` empty: every code of the terminology. `reference` names a value set held elsewhere
    (a reference set URI or an ac-code); the codes are then not known here, but `member`
    may ask somebody who knows.
    """

    terminology: str | None
    codes: tuple[str, ...]
    reference: str | None = None
    member: ValueSet | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class QuantityItem:
    units: str
    magnitude: Interval | None
    precision: Interval | None


@dataclass(frozen=True, slots=True)
class QuantityConstraint:
    """C_DV_QUANTITY; `items` empty: any units. `property_code` is a code of terminology openehr."""

    property_code: str | None
    items: tuple[QuantityItem, ...]


@dataclass(frozen=True, slots=True)
class OrdinalItem:
    """`label`: what the symbol is called, by the constraint or else by the archetype's terms.
    `free`: the constraint has an empty text for it, and so leaves the text to the document.
    """

    value: float
    terminology: str
    code: str
    label: str | None
    free: bool = False


@dataclass(frozen=True, slots=True)
class OrdinalConstraint:
    """C_DV_ORDINAL; `items` empty: any ordinal."""

    items: tuple[OrdinalItem, ...]


@dataclass(frozen=True, slots=True)
class StateConstraint:
    """C_DV_STATE: the names of the states of the machine."""

    states: frozenset[str]


@dataclass(frozen=True, slots=True)
class BooleanConstraint:
    true_valid: bool
    false_valid: bool


@dataclass(frozen=True, slots=True)
class StringConstraint:
    pattern: Pattern | None
    values: tuple[str, ...]
    open: bool


@dataclass(frozen=True, slots=True)
class NumberConstraint:
    """C_INTEGER and C_REAL."""

    kind: Literal["integer", "real"]
    values: frozenset[float]
    range: Interval | None


@dataclass(frozen=True, slots=True)
class TemporalConstraint:
    """C_DATE, C_TIME, C_DATE_TIME: a pattern such as "yyyy-mm-??" and a range of magnitudes.

    `zone` is the timezone validity: True demanded, False disallowed, None either.
    """

    kind: Literal["date", "time", "date_time"]
    pattern: str | None
    zone: bool | None
    range: Interval | None


@dataclass(frozen=True, slots=True)
class DurationConstraint:
    """C_DURATION: the letters allowed ("PYMD", None: all) and a range in seconds."""

    pattern: str | None
    range: Interval | None


Constraint: TypeAlias = (
    Slot
    | CodePhraseConstraint
    | QuantityConstraint
    | OrdinalConstraint
    | StateConstraint
    | BooleanConstraint
    | StringConstraint
    | NumberConstraint
    | TemporalConstraint
    | DurationConstraint
)
