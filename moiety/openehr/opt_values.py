"""Leaves of an operational template: domain types, primitives, intervals, slot assertions (AM 1.4,
Archetype.xsd and OpenehrProfile.xsd). Each raises TemplateError for what the schema does not have.
"""

import re
from collections.abc import Callable
from typing import Literal

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
    Slot,
    StateConstraint,
    StringConstraint,
    TemporalConstraint,
)
from moiety.openehr.opt_xml import Place
from moiety.openehr.patterns import Pattern, PatternError
from moiety.openehr.times import (
    date_seconds,
    date_time_seconds,
    duration_seconds,
    time_seconds,
)

_INTERVAL = "lower_included upper_included lower_unbounded upper_unbounded lower upper"


def read_interval(place: Place, number: Callable[[str], float] = float) -> Interval:
    """An IntervalOf…; a bound that is neither given nor unbounded is a fault."""
    place.check(optional=_INTERVAL)

    def bound(side: str) -> float | None:
        found = place.find(side)
        if place.flag(f"{side}_unbounded", default=found is None):
            return None
        try:
            return number(place.value(side))
        except ValueError:
            raise place.refuse(side, "is no bound of this type") from None

    found = Interval(
        lower=bound("lower"),
        upper=bound("upper"),
        lower_included=place.flag("lower_included", default=True),
        upper_included=place.flag("upper_included", default=True),
    )
    if found.lower is not None and found.upper is not None and found.lower > found.upper:
        raise place.refuse("upper", "lies below lower")
    return found


def read_multiplicity(place: Place) -> tuple[int, int | None]:
    """An IntervalOfInteger as least and greatest number, None for no limit."""
    found = read_interval(place, int)
    least = int(found.lower or 0) + (0 if found.lower_included or found.lower is None else 1)
    if found.upper is None:
        return least, None
    return least, int(found.upper) - (0 if found.upper_included else 1)


def compile_pattern(place: Place, text: str) -> Pattern:
    """A regular expression. Raises TemplateError for one that is too long or not supported."""
    if len(text) > 1 and text[0] in "/^" and text[-1] == text[0]:
        text = text[1:-1]
    try:
        return Pattern(text)
    except PatternError as error:
        raise place.refuse("pattern", f"is no regular expression: {error}") from None


# --- domain types (OpenehrProfile.xsd)

_OBJECT = "rm_type_name occurrences"
_OBJECT_OPTIONAL = "node_id assumed_value"


def _terminology(place: Place) -> str | None:
    found = place.find("terminology_id")
    return place.id_value("terminology_id") if found is not None and found.children else None


def code_phrase(place: Place) -> Constraint:
    """C_CODE_PHRASE, or C_CODE_REFERENCE to a value set elsewhere."""
    place.check(
        one=_OBJECT,
        optional=f"{_OBJECT_OPTIONAL} terminology_id referenceSetUri",
        many="code_list",
    )
    terminology = _terminology(place)
    uri = place.find("referenceSetUri")
    return CodePhraseConstraint(
        terminology=terminology,
        codes=tuple(dict.fromkeys(code.text for code in place.many("code_list") if code.text)),
        reference=place.value("referenceSetUri") if uri is not None else None,
    )


def constraint_ref(place: Place) -> Constraint:
    """CONSTRAINT_REF: an ac-code, whose codes are held elsewhere."""
    place.check(one=f"{_OBJECT} reference", optional="node_id")
    return CodePhraseConstraint(None, (), place.value("reference"))


def quantity(place: Place) -> Constraint:
    """C_DV_QUANTITY: property, and ranges by units."""
    place.check(one=_OBJECT, optional=f"{_OBJECT_OPTIONAL} property", many="list")
    dimension = place.find("property")
    items = []
    for item in place.many("list"):
        item.check(one="units", optional="magnitude precision units_system units_display_name")
        magnitude, precision = item.find("magnitude"), item.find("precision")
        items.append(
            QuantityItem(
                units=item.one("units").text,
                magnitude=read_interval(magnitude) if magnitude else None,
                precision=read_interval(precision) if precision else None,
            )
        )
    return QuantityConstraint(
        property_code=dimension.value("code_string") if dimension else None,
        items=tuple(items),
    )


def ordinal(place: Place) -> Constraint:
    """C_DV_ORDINAL: values with their symbols."""
    place.check(one=_OBJECT, optional=_OBJECT_OPTIONAL, many="list")
    items = []
    for item in place.many("list"):
        item.check(one="value symbol")
        symbol = item.one("symbol")
        symbol.check(one="defining_code", optional="value")
        code = symbol.one("defining_code")
        code.check(one="terminology_id code_string")
        label = symbol.find("value")
        try:
            value = float(item.value("value"))
        except ValueError:
            raise item.refuse("value", "is no number") from None
        items.append(
            OrdinalItem(
                value=value,
                terminology=code.id_value("terminology_id"),
                code=code.value("code_string"),
                label=(label.text or None) if label else None,
                free=label is not None and not label.text,
            )
        )
    return OrdinalConstraint(tuple(items))


def state(place: Place) -> Constraint:
    """C_DV_STATE: the names of the states of a machine."""
    place.check(one=f"{_OBJECT} value", optional=_OBJECT_OPTIONAL)
    machine = place.one("value")
    machine.check(many="states")
    for found in machine.many("states"):
        found.check(one="name", many="transitions")
    return StateConstraint(frozenset(found.value("name") for found in machine.many("states")))


DOMAIN_TYPES: dict[str, Callable[[Place], Constraint]] = {
    "C_CODE_PHRASE": code_phrase,
    "C_CODE_REFERENCE": code_phrase,
    "CONSTRAINT_REF": constraint_ref,
    "C_DV_QUANTITY": quantity,
    "C_DV_ORDINAL": ordinal,
    "C_DV_SCALE": ordinal,
    "C_DV_STATE": state,
}

# --- primitives of Archetype.xsd

_VALIDITY = {"1001": True, "1002": None, "1003": False}
"""VALIDITY_KIND: a part is mandatory, optional or disallowed."""


def primitive(place: Place) -> Constraint:
    """The constraint of a C_PRIMITIVE_OBJECT's item."""
    kind = place.type
    if kind == "C_BOOLEAN":
        place.check(one="true_valid false_valid", optional="assumed_value")
        return BooleanConstraint(place.flag("true_valid"), place.flag("false_valid"))
    if kind == "C_STRING":
        return _string(place)
    if kind in {"C_INTEGER", "C_REAL"}:
        return _number(place, "integer" if kind == "C_INTEGER" else "real")
    if kind == "C_DURATION":
        place.check(optional="pattern range assumed_value")
        return DurationConstraint(_pattern(place), _range(place, duration_seconds))
    if kind == "C_DATE":
        return _temporal(place, "date", date_seconds)
    if kind == "C_TIME":
        return _temporal(place, "time", time_seconds)
    if kind == "C_DATE_TIME":
        return _temporal(place, "date_time", date_time_seconds)
    raise place.refuse(kind or "item", "is no primitive constraint that we know")


def _string(place: Place) -> Constraint:
    place.check(optional="pattern list_open assumed_value", many="list")
    pattern = place.find("pattern")
    return StringConstraint(
        pattern=compile_pattern(place, pattern.text) if pattern and pattern.text else None,
        values=tuple(dict.fromkeys(item.element.text or "" for item in place.many("list"))),
        open=place.flag("list_open", default=False),
    )


def _number(place: Place, kind: Literal["integer", "real"]) -> Constraint:
    place.check(optional="range assumed_value", many="list")
    try:
        values = frozenset(float(item.text) for item in place.many("list"))
    except ValueError:
        raise place.refuse("list", "holds what is no number") from None
    return NumberConstraint(kind, values, _range(place, float))


def _temporal(
    place: Place,
    kind: Literal["date", "time", "date_time"],
    seconds: Callable[[str], float],
) -> Constraint:
    place.check(optional="pattern timezone_validity range assumed_value")
    validity = place.find("timezone_validity")
    if validity and validity.text not in _VALIDITY:
        raise place.refuse("timezone_validity", "is no VALIDITY_KIND")
    return TemporalConstraint(
        kind=kind,
        pattern=_pattern(place),
        zone=_VALIDITY[validity.text] if validity else None,
        range=_range(place, seconds),
    )


def _pattern(place: Place) -> str | None:
    found = place.find("pattern")
    return found.text or None if found else None


def _range(place: Place, number: Callable[[str], float]) -> Interval | None:
    found = place.find("range")
    return read_interval(found, number) if found else None


# --- slots

_MATCHES = "2007"
_ID_PATHS = frozenset({"archetype_id/value", "archetype_id"})


def slot(place: Place) -> Slot:
    """ARCHETYPE_SLOT: what its assertions let in and keep out."""
    place.check(one=_OBJECT, optional="node_id", many="includes excludes")
    return Slot(
        includes=tuple(_assertion(found) for found in place.many("includes")),
        excludes=tuple(_assertion(found) for found in place.many("excludes")),
    )


def _assertion(place: Place) -> Pattern:
    """An assertion `archetype_id/value matches {/pattern/}`; others are not supported."""
    place.check(one="expression", optional="tag string_expression", many="variables")
    expression = place.one("expression")
    if expression.type != "EXPR_BINARY_OPERATOR":
        raise expression.refuse(expression.type or "expression", "is not supported in a slot")
    expression.check(
        one="operator left_operand right_operand", optional="type precedence_overridden"
    )
    if expression.value("operator") != _MATCHES:
        raise expression.refuse("operator", "only `matches` is supported in a slot")
    left, right = expression.one("left_operand"), expression.one("right_operand")
    if left.value("item") not in _ID_PATHS:
        raise left.refuse("item", "only archetype_id/value can be matched in a slot")
    item = right.one("item")
    if item.type != "C_STRING":
        raise item.refuse(item.type or "item", "only a C_STRING can be matched in a slot")
    item.check(optional="pattern list_open assumed_value", many="list")
    if item.find("pattern"):
        return compile_pattern(item, item.value("pattern"))
    listed = "|".join(re.escape(found.text) for found in item.many("list"))
    return compile_pattern(item, listed)
