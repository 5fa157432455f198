"""Constraints of one value (AOM 1.4, "Primitive package") as tests: compiled once, each answers
None or what is wrong.

A test takes a value (a plain one, or a data value struct) and returns None where it fits,
else a Fault: the place below the value, the rule, what the template expects, the kind found.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from moiety.openehr import rm
from moiety.openehr.constraints import (
    BooleanConstraint,
    CodePhraseConstraint,
    Constraint,
    DurationConstraint,
    Interval,
    NumberConstraint,
    OrdinalConstraint,
    QuantityConstraint,
    StateConstraint,
    StringConstraint,
    TemporalConstraint,
)
from moiety.openehr.times import (
    date_seconds,
    date_time_seconds,
    duration_seconds,
    time_seconds,
)


class Fault(NamedTuple):
    """`remark`: deployed repositories accept it, and so do we, with a remark."""

    below: str
    rule: str
    expected: str
    found: str
    remark: bool = False


LABEL = "label"
"""The rule of faults that count only where document and template are of one language."""

Test: TypeAlias = Callable[[Any], Fault | None]


def compile_constraint(constraint: Constraint) -> Test:
    """The test of a leaf constraint (every one but a slot's)."""
    match constraint:
        case CodePhraseConstraint():
            return _code_phrase(constraint)
        case QuantityConstraint():
            return _quantity(constraint)
        case OrdinalConstraint():
            return _ordinal(constraint)
        case StateConstraint():
            return _state(constraint)
        case BooleanConstraint():
            return _boolean(constraint)
        case StringConstraint():
            return _string(constraint)
        case NumberConstraint():
            return _number(constraint)
        case TemporalConstraint():
            return _temporal(constraint)
        case DurationConstraint():
            return _duration(constraint)
        case _:
            raise TypeError(type(constraint).__name__)


def _listed(values: Any) -> str:
    """Some values of the template, for a message."""
    names = sorted(str(value) for value in values)
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")


# --- domain types


def _terminology_name(identifier: rm.TerminologyId | None) -> str | None:
    """The name of a TERMINOLOGY_ID without its version: "ICD10(1998)" → "ICD10"."""
    if identifier is None or identifier.value is None:
        return None
    return identifier.value.partition("(")[0]


def _code_phrase(constraint: CodePhraseConstraint) -> Test:
    terminology, codes = constraint.terminology, frozenset(constraint.codes)
    if constraint.reference is not None:
        return _value_set(constraint, constraint.reference)
    plain_name = terminology.partition("(")[0] if terminology else None
    among = f"{terminology or 'any terminology'}: {_listed(codes)}"
    wrong_terminology = Fault("terminology_id", "code", f"terminology {terminology}", "another")
    wrong_code = Fault("code_string", "code", among, "a code that is not listed")

    def test(phrase: rm.CodePhrase) -> Fault | None:
        if plain_name is not None and _terminology_name(phrase.terminology_id) != plain_name:
            return wrong_terminology
        if codes and phrase.code_string not in codes:
            return wrong_code
        return None

    return test


def _value_set(constraint: CodePhraseConstraint, reference: str) -> Test:
    """The value set is held elsewhere: who was given to compile_template is asked."""
    member = constraint.member
    if member is None:
        return lambda _: None
    foreign = Fault("code_string", "code", f"a code of {reference}", "another code")

    def test(phrase: rm.CodePhrase) -> Fault | None:
        terminology = phrase.terminology_id.value if phrase.terminology_id is not None else None
        known = member(reference, terminology or "", phrase.code_string or "")
        return foreign if known is False else None

    return test


def _quantity(constraint: QuantityConstraint) -> Test:
    items = {item.units: item for item in constraint.items}
    wrong_units = Fault("units", "units", _listed(items), "other units")

    def test(quantity: rm.DvQuantity) -> Fault | None:
        if not items or quantity.units is None:
            return None
        item = items.get(quantity.units)
        if item is None:
            return wrong_units
        amount, digits = quantity.magnitude, quantity.precision
        if _outside(item.magnitude, amount):
            return Fault("magnitude", "range", f"{item.magnitude} {item.units}", "a number outside")
        if _outside(item.precision, digits):
            return Fault("precision", "precision", f"{item.precision}", "a number outside")
        return None

    return test


def _outside(bounds: Interval | None, number: float | None) -> bool:
    return bounds is not None and number is not None and not bounds.holds(number)


def _ordinal(constraint: OrdinalConstraint) -> Test:
    items = {(item.value, item.terminology, item.code): item for item in constraint.items}
    expected = _listed(f"{value:g} {terminology}::{code}" for value, terminology, code in items)
    wrong = Fault("", "value", expected, "another ordinal")
    wrong_label = Fault("symbol/value", LABEL, "the term of the symbol's code", "another text")
    free_label = wrong_label._replace(remark=True)

    def test(ordinal: rm.DvOrdinal | rm.DvScale) -> Fault | None:
        if not items or ordinal.value is None or ordinal.symbol is None:
            return None
        code = ordinal.symbol.defining_code
        if code is None:
            return None
        found = (ordinal.value, _terminology_name(code.terminology_id), code.code_string)
        if found not in items:
            return wrong
        item = items[found]
        if item.label in {None, ordinal.symbol.value}:
            return None
        return free_label if item.free else wrong_label

    return test


def _state(constraint: StateConstraint) -> Test:
    wrong = Fault("value", "value", _listed(constraint.states), "another state")

    def test(state: rm.DvState) -> Fault | None:
        if state.value is None or state.value.value in constraint.states:
            return None
        return wrong

    return test


# --- primitives


def _boolean(constraint: BooleanConstraint) -> Test:
    allowed = {True: constraint.true_valid, False: constraint.false_valid}
    expected = _listed(value for value, valid in allowed.items() if valid).lower()
    wrong = Fault("", "value", expected, "the other")
    return lambda value: None if allowed.get(value, False) else wrong


def _string(constraint: StringConstraint) -> Test:
    pattern, values = constraint.pattern, frozenset(constraint.values)
    unlisted = Fault("", "value", _listed(values), "another text")
    if pattern is None:
        if constraint.open or not values:
            return lambda _: None
        return lambda text: None if text in values else unlisted
    unlike = Fault("", "pattern", f"a text like /{pattern.pattern}/", "another text")

    def test(text: str) -> Fault | None:
        return None if text in values or pattern.fullmatch(text) else unlike

    return test


def _number(constraint: NumberConstraint) -> Test:
    values, bounds = constraint.values, constraint.range
    unlisted = Fault("", "value", _listed(f"{value:g}" for value in values), "another number")
    outside = Fault("", "range", str(bounds), "a number outside")

    def test(number: float) -> Fault | None:
        if bounds is not None and not bounds.holds(number):
            return outside
        return unlisted if values and number not in values else None

    return test


_SECONDS: dict[str, Callable[[str], float]] = {
    "date": date_seconds,
    "time": time_seconds,
    "date_time": date_time_seconds,
}


def _temporal(constraint: TemporalConstraint) -> Test:
    pattern, zone = constraint.pattern, constraint.zone
    least, most = _part_counts(pattern) if pattern else (0, 9)
    in_range = _range_test(constraint.range, _SECONDS[constraint.kind])
    unlike = Fault("", "pattern", f"a text like {pattern}", "other parts")
    finer = unlike._replace(remark=True)
    wrong_zone = Fault("", "pattern", "a time zone" if zone else "no time zone", "the other")

    def test(text: str) -> Fault | None:
        parts = _parts(text, constraint.kind)
        if parts < least:
            return unlike
        if zone is not None and zone != _has_zone(text, constraint.kind):
            return wrong_zone
        return in_range(text) or (finer if parts > most else None)

    return test


def _part_counts(pattern: str) -> tuple[int, int]:
    """Least and greatest number of parts: "yyyy-??-XX" demands 1, allows 2."""
    parts = re.split(r"[-:T]", re.split(r"[Z±+]", pattern)[0])
    demanded = [i + 1 for i, part in enumerate(parts) if part[:1] not in {"?", "X", "x"}]
    refused = [i for i, part in enumerate(parts) if part[:1] in {"X", "x"}]
    return (demanded[-1] if demanded else 0), (refused[0] if refused else len(parts))


def _parts(text: str, kind: str) -> int:
    """How many parts a date, time or date-time tells: 2024-05 two, 2024-05-01T10 four."""
    if len(text) >= 19 and text[10] == "T" and text[16] == ":":
        return 6
    day, _, time = text.partition("T") if kind != "time" else ("", "", text)
    digits = len(day.replace("-", ""))
    clock = re.split(r"[.,Z+-]", time)[0].replace(":", "") if time else ""
    return (digits // 2 - 1 if digits >= 4 else 0) + len(clock) // 2


def _has_zone(text: str, kind: str) -> bool:
    time = text if kind == "time" else text.partition("T")[2]
    return any(mark in time for mark in "Z+-")


_LETTERS = re.compile(r"[0-9.,]+([YMWDHS])")


def _duration(constraint: DurationConstraint) -> Test:
    in_range = _range_test(constraint.range, duration_seconds)
    if constraint.pattern is None:
        return in_range
    days, _, clock = constraint.pattern.upper().removeprefix("P").partition("T")
    unlike = Fault(
        "", "pattern", f"a duration like {constraint.pattern}", "other parts", remark=True
    )

    def test(text: str) -> Fault | None:
        of_days, _, of_clock = text.lstrip("-").removeprefix("P").partition("T")
        fits = set(_LETTERS.findall(of_days)) <= set(days)
        fits = fits and set(_LETTERS.findall(of_clock)) <= set(clock)
        return in_range(text) or (None if fits else unlike)

    return test


def _range_test(bounds: Interval | None, seconds: Callable[[str], float]) -> Test:
    if bounds is None:
        return lambda _: None
    outside = Fault("", "range", f"{bounds} seconds", "a value outside")

    def test(text: str) -> Fault | None:
        try:
            return None if bounds.holds(seconds(text)) else outside
        except ValueError:
            return None  # the text itself is a finding of the model

    return test
