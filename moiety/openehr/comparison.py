"""Two versions of a template: what has changed, and whether documents of the old stay valid
(AOM 1.4, § "Constraint model": a document stays valid where constraints only widen).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

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
from moiety.openehr.template import Template, TemplateNode

Kind: TypeAlias = Literal["removed", "added", "occurrences", "constraint", "archetype", "language"]


@dataclass(frozen=True, slots=True)
class Difference:
    """`path` leads to the node, `detail` tells old and new in words of the template.

    `breaking`: a document that the old template admits may be refused by the new one, or
    means something else there.
    """

    path: str
    kind: Kind
    detail: str
    breaking: bool


def differences(old: Template, new: Template) -> list[Difference]:
    """What differs between two templates of one id; none is breaking if `new` may replace `old`."""
    found: list[Difference] = []
    if old.archetype_id != new.archetype_id:
        detail = f"{old.archetype_id} → {new.archetype_id}"
        found.append(Difference("/", "archetype", detail, breaking=True))
    if old.language != new.language:
        detail = f"{old.language} → {new.language}"
        found.append(Difference("/", "language", detail, breaking=False))
    before, after = _by_place(old), _by_place(new)
    for place, node in before.items():
        found += _compare(place, node, after.get(place))
    for place, node in after.items():
        if place not in before and _place_above(node, new) in before:
            found.append(_added(node, new))
    return found


_Place: TypeAlias = tuple[str, str, int]


def _by_place(template: Template) -> dict[_Place, TemplateNode]:
    """Nodes by path and class; alternatives of one class are told apart by their order."""
    found: dict[_Place, TemplateNode] = {}
    for node in template.nodes:
        count = 0
        while (node.path, node.rm_type, count) in found:
            count += 1
        found[node.path, node.rm_type, count] = node
    return found


def _place_above(node: TemplateNode, template: Template) -> _Place:
    above = template.nodes[max(node.parent, 0)]
    return above.path, above.rm_type, 0


def _added(node: TemplateNode, template: Template) -> Difference:
    """New nodes ask something of old documents if they must be there, or narrow the open."""
    attributes = template.nodes[node.parent].attributes
    holder = next((each for each in attributes if node.number in each.children), None)
    several = holder is not None and holder.multiple
    breaking = node.minimum > 0 or not several
    detail = f"{node.rm_type} {_occurrences(node)}"
    return Difference(node.path or "/", "added", detail, breaking)


def _compare(place: _Place, old: TemplateNode, new: TemplateNode | None) -> Iterator[Difference]:
    path = place[0] or "/"
    if new is None:
        yield Difference(path, "removed", old.rm_type, breaking=old.maximum != 0)
        return
    if (old.minimum, old.maximum) != (new.minimum, new.maximum):
        narrower = new.minimum > old.minimum or _less(new.maximum, old.maximum)
        detail = f"{_occurrences(old)} → {_occurrences(new)}"
        yield Difference(path, "occurrences", detail, breaking=narrower)
    if old.constraint != new.constraint:
        breaking = not _admits(new.constraint, old.constraint)
        detail = "narrower" if breaking else "wider"
        yield Difference(path, "constraint", detail, breaking=breaking)


def _occurrences(node: TemplateNode) -> str:
    return f"{node.minimum}..{'*' if node.maximum is None else node.maximum}"


def _less(one: float | None, other: float | None) -> bool:
    """Whether a greatest number is below another; None is no limit."""
    return one is not None and (other is None or one < other)


def _admits(new: Constraint | None, old: Constraint | None) -> bool:
    """Whether all that the old constraint admits, the new one admits, as far as can be told."""
    if new is None or new == old:
        return True
    match old, new:
        case CodePhraseConstraint(), CodePhraseConstraint():
            same = old.terminology == new.terminology and old.reference == new.reference
            return same and _wider(new.codes, old.codes)
        case StringConstraint(), StringConstraint():
            same = old.pattern == new.pattern and new.open >= old.open
            return new.open or (same and _wider(new.values, old.values))
        case OrdinalConstraint(), OrdinalConstraint():
            return _wider(new.items, old.items)
        case QuantityConstraint(), QuantityConstraint():
            return _admits_quantity(new, old)
        case _:
            return _wider_range(new, old)


def _wider(new: tuple[object, ...], old: tuple[object, ...]) -> bool:
    return not new or (bool(old) and set(old) <= set(new))


def _admits_quantity(new: QuantityConstraint, old: QuantityConstraint) -> bool:
    if not new.items:
        return True
    known = {item.units: item for item in new.items}
    return bool(old.items) and all(
        item.units in known
        and _covers(known[item.units].magnitude, item.magnitude)
        and _covers(known[item.units].precision, item.precision)
        for item in old.items
    )


def _covers(new: Interval | None, old: Interval | None) -> bool:
    """Whether an interval holds all of another; None holds everything."""
    if new is None:
        return True
    if old is None:
        return new.lower is None and new.upper is None
    return _covers_lower(new, old) and _covers_upper(new, old)


def _covers_lower(new: Interval, old: Interval) -> bool:
    if new.lower is None or old.lower is None:
        return new.lower is None
    closed = new.lower_included or not old.lower_included
    return new.lower < old.lower or (new.lower == old.lower and closed)


def _covers_upper(new: Interval, old: Interval) -> bool:
    if new.upper is None or old.upper is None:
        return new.upper is None
    closed = new.upper_included or not old.upper_included
    return new.upper > old.upper or (new.upper == old.upper and closed)


def _wider_range(new: Constraint, old: Constraint | None) -> bool:
    """Constraints that differ in their range alone, the new one wider."""
    ranged = (NumberConstraint, TemporalConstraint, DurationConstraint)
    if not isinstance(new, ranged) or not isinstance(old, ranged):
        return False
    return replace(new, range=old.range) == old and _covers(new.range, old.range)
