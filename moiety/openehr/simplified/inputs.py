"""Inputs of a web template's nodes: which fields a value has, and what may stand in them
(web template 2.3, as Simplified Formats shows it).
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from moiety.openehr.constraints import (
    CodePhraseConstraint,
    Constraint,
    DurationConstraint,
    Interval,
    NumberConstraint,
    OrdinalConstraint,
    QuantityConstraint,
    StringConstraint,
    TemporalConstraint,
)
from moiety.openehr.rubrics import rubric
from moiety.openehr.template import Template, TemplateNode, Term

Json: TypeAlias = dict[str, Any]

PARTY: list[Json] = [
    {"suffix": suffix, "type": "TEXT"} for suffix in ("id", "id_scheme", "id_namespace", "name")
]
PROPORTIONS = ("ratio", "unitary", "percent", "fraction", "integer_fraction")
"""PROPORTION_KIND by number."""

_PLAIN: dict[str, list[Json]] = {
    "DV_BOOLEAN": [{"type": "BOOLEAN"}],
    "DV_URI": [{"type": "TEXT"}],
    "DV_EHR_URI": [{"type": "TEXT"}],
    "DV_MULTIMEDIA": [{"type": "TEXT"}],
    "STRING": [{"type": "TEXT"}],
    "PARTY_PROXY": PARTY,
    "DV_PARSABLE": [{"suffix": "value", "type": "TEXT"}, {"suffix": "formalism", "type": "TEXT"}],
    "DV_STATE": [{"suffix": "code", "type": "TEXT"}, {"suffix": "value", "type": "TEXT"}],
    "DV_IDENTIFIER": [
        {"suffix": suffix, "type": "TEXT"} for suffix in ("id", "type", "issuer", "assigner")
    ],
}
_DURATION = {"year": "Y", "month": "M", "day": "D", "week": "W"}
_CLOCK = {"hour": "H", "minute": "M", "second": "S"}


def inputs_of(rm_type: str, value: TemplateNode | None, template: Template) -> list[Json] | None:
    """The inputs of a data type, narrowed by the template's node of it; None for no inputs."""
    constraints = list(_constraints(value, template)) if value is not None else []
    make = _MAKERS.get(rm_type)
    if make is not None:
        return make(constraints, template, value)
    return _PLAIN.get(rm_type)


def _constraints(value: TemplateNode, template: Template) -> Iterable[tuple[str, Constraint]]:
    """(attribute, constraint) of a data value's node and those below it."""
    for number in range(value.number, value.last + 1):
        node = template.nodes[number]
        if node.constraint is not None:
            yield node.attribute, node.constraint


_Found: TypeAlias = list[tuple[str, Constraint]]


def term_of(template: Template, archetype_id: str, terminology: str, code: str) -> Term | None:
    """The term of a code as the template has it, of its own archetype or bound from elsewhere."""
    if terminology == "openehr":
        text = rubric(code)
        return Term(text, "") if text else None
    terms = template.terms.get(archetype_id, {})
    return (
        (terms.get(code) if terminology == "local" else None)
        or terms.get(f"{terminology}::{code}")
        or template.terms.get(template.archetype_id, {}).get(f"{terminology}::{code}")
    )


def coded_item(template: Template, archetype_id: str, terminology: str, code: str) -> Json:
    """One code of a list as web templates show it: value, label, descriptions."""
    term = term_of(template, archetype_id, terminology, code)
    item: Json = {"value": code, "label": term.text if term else code}
    if term is not None:
        item["localizedLabels"] = {template.language: term.text}
        if terminology != "openehr":
            item["localizedDescriptions"] = {template.language: term.description}
    return item


def _coded_text(found: _Found, template: Template, value: TemplateNode | None) -> list[Json]:
    for _, constraint in found:
        if not isinstance(constraint, CodePhraseConstraint) or value is None:
            continue
        terminology = constraint.terminology or "local"
        if constraint.codes:
            items = [
                coded_item(template, value.archetype_id, terminology, code)
                for code in constraint.codes
            ]
            whole = {"suffix": "code", "type": "CODED_TEXT", "list": items}
            return [whole | {"terminology": terminology}]
        held = constraint.reference or constraint.terminology
        if held:
            named = {"type": "TEXT", "terminology": held.removeprefix("terminology:")}
            return [{"suffix": "code"} | named, {"suffix": "value"} | named]
    return [{"suffix": "code", "type": "TEXT"}, {"suffix": "value", "type": "TEXT"}]


def _text(found: _Found, _: Template, __: TemplateNode | None) -> list[Json]:
    for attribute, constraint in found:
        if attribute == "value" and isinstance(constraint, StringConstraint):
            if constraint.pattern is not None:
                pattern = constraint.pattern.pattern
                return [{"type": "TEXT", "validation": {"pattern": pattern}}]
            if constraint.values:
                items = [{"value": text, "label": text} for text in constraint.values]
                return [{"type": "TEXT", "list": items, "listOpen": constraint.open}]
    return [{"type": "TEXT"}]


def _range(interval: Interval | None, *, whole: bool = False) -> Json:
    """Bounds with their operators."""
    if interval is None:
        return {}
    found: Json = {}
    if interval.lower is not None:
        found["minOp"] = ">=" if interval.lower_included else ">"
        found["min"] = int(interval.lower) if whole else interval.lower
    if interval.upper is not None:
        found["maxOp"] = "<=" if interval.upper_included else "<"
        found["max"] = int(interval.upper) if whole else interval.upper
    return found


def _validated(**parts: Json) -> Json:
    known = {name: part for name, part in parts.items() if part}
    return {"validation": known} if known else {}


def _quantity(found: _Found, _: Template, __: TemplateNode | None) -> list[Json]:
    magnitude: Json = {"suffix": "magnitude", "type": "DECIMAL"}
    units: Json = {"suffix": "unit", "type": "TEXT"}
    constraint = next((c for _, c in found if isinstance(c, QuantityConstraint)), None)
    if constraint is None or not constraint.items:
        return [magnitude, units]
    checks = [
        _validated(range=_range(each.magnitude), precision=_range(each.precision, whole=True))
        for each in constraint.items
    ]
    items = [
        {"value": each.units, "label": each.units} | check
        for each, check in zip(constraint.items, checks, strict=True)
    ]
    if len(checks) == 1:
        magnitude |= checks[0]
    return [magnitude, {"suffix": "unit", "type": "CODED_TEXT", "list": items}]


def _count(found: _Found, _: Template, __: TemplateNode | None) -> list[Json]:
    bounds = next((c.range for _, c in found if isinstance(c, NumberConstraint)), None)
    return [{"type": "INTEGER"} | _validated(range=_range(bounds, whole=True))]


def _ordinal(found: _Found, template: Template, value: TemplateNode | None) -> list[Json]:
    constraint = next((c for _, c in found if isinstance(c, OrdinalConstraint)), None)
    if constraint is None or value is None or not constraint.items:
        return [{"type": "CODED_TEXT"}]
    items = [
        coded_item(template, value.archetype_id, each.terminology, each.code)
        | {"ordinal": int(each.value) if each.value.is_integer() else each.value}
        for each in constraint.items
    ]
    return [{"type": "CODED_TEXT", "list": items}]


def _proportion(found: _Found, _: Template, __: TemplateNode | None) -> list[Json]:
    bounds = {name: c.range for name, c in found if isinstance(c, NumberConstraint)}
    return [
        {"suffix": name, "type": "DECIMAL"} | _validated(range=_range(bounds.get(name)))
        for name in ("numerator", "denominator")
    ]


def proportion_types(value: TemplateNode | None, template: Template) -> list[str]:
    """The kinds of proportion that the template allows."""
    for name, constraint in _constraints(value, template) if value is not None else ():
        if name == "type" and isinstance(constraint, NumberConstraint):
            kinds = range(len(PROPORTIONS))
            allowed = [kind for kind in kinds if not constraint.values or kind in constraint.values]
            bounds = constraint.range
            return [PROPORTIONS[kind] for kind in allowed if bounds is None or bounds.holds(kind)]
    return list(PROPORTIONS)


def _duration(found: _Found, _: Template, __: TemplateNode | None) -> list[Json]:
    pattern = next((c.pattern for _, c in found if isinstance(c, DurationConstraint)), None)
    days, _mark, clock = (pattern or "PYMDWTHMS").removeprefix("P").partition("T")
    allowed = [name for name, letter in _DURATION.items() if letter in days]
    allowed += [name for name, letter in _CLOCK.items() if letter in clock]
    check = {"validation": {"range": {"min": 0, "minOp": ">="}}}
    return [{"suffix": name, "type": "INTEGER"} | check for name in allowed]


def _temporal(kind: str) -> "_Maker":
    def make(found: _Found, _: Template, __: TemplateNode | None) -> list[Json]:
        pattern = next((c.pattern for _, c in found if isinstance(c, TemporalConstraint)), None)
        return [{"type": kind} | ({"validation": {"pattern": pattern}} if pattern else {})]

    return make


_Maker: TypeAlias = Callable[[_Found, Template, TemplateNode | None], list[Json]]
_MAKERS: dict[str, _Maker] = {
    "DV_CODED_TEXT": _coded_text,
    "DV_TEXT": _text,
    "DV_QUANTITY": _quantity,
    "DV_COUNT": _count,
    "DV_ORDINAL": _ordinal,
    "DV_SCALE": _ordinal,
    "DV_PROPORTION": _proportion,
    "DV_DURATION": _duration,
    "DV_DATE": _temporal("DATE"),
    "DV_TIME": _temporal("TIME"),
    "DV_DATE_TIME": _temporal("DATETIME"),
}
