"""Constraints of single values: those of AOM 2 → those that examples and checks know (AOM 1.4).

What the older model has no word for is left out: the value is then free.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from moiety.openehr.adl2.atoms import Atom, Range, Scalar
from moiety.openehr.adl2.constraints import Primitive, TupleConstraint
from moiety.openehr.constraints import (
    BooleanConstraint,
    CodePhraseConstraint,
    Constraint,
    DurationConstraint,
    Interval,
    NumberConstraint,
    OrdinalConstraint,
    OrdinalItem,
    QuantityConstraint,
    QuantityItem,
    StringConstraint,
    TemporalConstraint,
)
from moiety.openehr.patterns import Pattern, PatternError
from moiety.openehr.times import date_seconds, date_time_seconds, duration_seconds, time_seconds

ValueSets = Mapping[str, tuple[str, ...]]
"""The ac-codes of an archetype → the at-codes that belong to each."""
_LETTERS = frozenset("ymdhst-:?x")


def constraint_of(said: Primitive, value_sets: ValueSets) -> tuple[str, Constraint] | None:
    """Class of the reference model and constraint of a primitive; None where it is free."""
    match said.kind:
        case "code":
            found: Constraint | None = _code(said, value_sets)
            return None if found is None else ("CODE_PHRASE", found)
        case "string":
            return "STRING", _string(said)
        case "boolean":
            return "BOOLEAN", BooleanConstraint(True in said.items, False in said.items)
        case "integer":
            return "INTEGER", _number(said, "integer")
        case "real":
            return "REAL", _number(said, "real")
        case "date":
            return "DATE", _temporal(said, "date", date_seconds)
        case "time":
            return "TIME", _temporal(said, "time", time_seconds)
        case "date_time":
            return "DATE_TIME", _temporal(said, "date_time", date_time_seconds)
        case "duration":
            return "DURATION", DurationConstraint(said.pattern, _range(said, duration_seconds))
    return None


def quantity_of(rows: Iterable[Mapping[str, Primitive]]) -> QuantityConstraint | None:
    """C_DV_QUANTITY of the values that may stand together; None where no units are said."""
    items = []
    for row in rows:
        units = row.get("units")
        for one in units.items if units else ():
            if isinstance(one, str):
                bounds = (_bounds(row.get(name)) for name in ("magnitude", "precision"))
                items.append(QuantityItem(one, *bounds))
    return QuantityConstraint(None, tuple(items)) if items else None


def ordinal_of(
    rows: Iterable[Mapping[str, Primitive]], value_sets: ValueSets
) -> OrdinalConstraint | None:
    """C_DV_ORDINAL of values and symbols; None where either is free."""
    items = []
    for row in rows:
        value, symbol = row.get("value"), row.get("symbol")
        coded = _code(symbol, value_sets) if symbol else None
        number = value.items[0] if value and value.items else None
        if coded is None or not coded.codes or not isinstance(number, int | float):
            return None
        terminology = coded.terminology or "local"
        items.append(OrdinalItem(float(number), terminology, coded.codes[0], None))
    return OrdinalConstraint(tuple(items)) if items else None


def rows_of(said: TupleConstraint) -> list[dict[str, Primitive]]:
    """The ways in which the attributes of a tuple may vary together."""
    return [dict(zip(said.names, row, strict=False)) for row in said.rows]


# --- parts


def _code(said: Primitive, value_sets: ValueSets) -> CodePhraseConstraint | None:
    """Codes of the archetype itself, of a value set of it, or of a terminology."""
    codes: dict[str, None] = {}
    terminology = "local"
    for one in said.items:
        if isinstance(one, Atom) and one.kind == "code":
            terminology, _, rest = one.text.partition("::")
            codes[rest.partition("|")[0]] = None
        elif isinstance(one, str):
            code = one.partition("@")[0]
            codes.update(dict.fromkeys(value_sets.get(code, ()) if code[:2] == "ac" else (code,)))
    return CodePhraseConstraint(terminology, tuple(codes)) if codes else None


def _string(said: Primitive) -> StringConstraint:
    pattern = None
    if said.pattern is not None:
        try:
            pattern = Pattern(said.pattern)
        except PatternError:
            return StringConstraint(None, (), open=True)
    values = tuple(one for one in said.items if isinstance(one, str))
    return StringConstraint(pattern, values, open=not values)


def _number(said: Primitive, kind: Literal["integer", "real"]) -> NumberConstraint:
    """Its values, or else its first interval."""
    values = frozenset(
        float(one) for one in said.items if isinstance(one, int | float) and one is not True
    )
    return NumberConstraint(kind, values, None if values else _bounds(said))


def _temporal(
    said: Primitive, kind: Literal["date", "time", "date_time"], number: Callable[[str], float]
) -> TemporalConstraint:
    pattern = said.pattern.lower() if said.pattern else None
    if pattern is not None and not _LETTERS.issuperset(pattern):
        pattern = None  # figures or a zone in a pattern
    return TemporalConstraint(kind, pattern, None, _range(said, number))


def _bounds(said: Primitive | None) -> Interval | None:
    """The interval of numbers, or that of the first of them."""
    first = said.items[0] if said is not None and said.items else None
    if isinstance(first, int | float):
        return Interval(float(first), float(first))
    if isinstance(first, Range) and first.tolerance is None:
        lower, upper = (_figure(one) for one in (first.lower, first.upper))
        return Interval(lower, upper, first.lower_included, first.upper_included)
    return None


def _figure(bound: Scalar | None) -> float | None:
    return float(bound) if isinstance(bound, int | float) else None


def _range(said: Primitive, number: Callable[[str], float]) -> Interval | None:
    """The interval of times or durations, as magnitudes; of a single value, that value."""
    first = said.items[0] if said.items else None
    bounds = first if isinstance(first, Range) else Range(first, first)
    if first is None or bounds.tolerance is not None:
        return None
    try:
        lower, upper = (
            number(one.text) if isinstance(one, Atom) else None
            for one in (bounds.lower, bounds.upper)
        )
    except ValueError:
        return None
    return Interval(lower, upper, bounds.lower_included, bounds.upper_included)
