"""The reference model's own rules over any object: mandatory attributes, invariants, texts of dates
and times (RM 1.1.0, "Invariants" of each class). Compiled once for a class, into closures that cost
little where all is well.
"""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, TypeAlias

from moiety.openehr import rm
from moiety.openehr.findings import Finding, Trail, Walk, too_deep
from moiety.openehr.invariants import INVARIANTS, TOLERATED
from moiety.openehr.leaves import Residue
from moiety.openehr.plain_content import PLAIN, plain_node
from moiety.openehr.rm_types import attribute_classes

Check: TypeAlias = Callable[[Any, Trail, Walk], None]

_TEMPORAL = (rm.DvDate, rm.DvTime, rm.DvDateTime, rm.DvDuration)


def validate_model(thing: rm.Any) -> list[Finding]:
    """The findings of the reference model alone, where no template speaks (EHR_STATUS, FOLDER)."""
    walk = Walk()
    try:
        check_model(thing, (None, "", thing), walk)
    except RecursionError:
        return [too_deep()]
    return walk.findings


def check_model(thing: rm.Any, trail: Trail, walk: Walk) -> None:
    """Note what an object, and all below it, breaks of the reference model."""
    model_check(type(thing))(thing, trail, walk)


@cache
def model_check(rm_class: type[rm.Any], handled: frozenset[str] = frozenset()) -> Check:
    """The check of a class; attributes in `handled` are somebody else's. What is plainly content
    goes by without it.
    """
    check = _whole_check(rm_class, handled)
    plain = plain_node(rm_class, handled) if handled else PLAIN.get(rm_class)
    if plain is None:
        return check
    is_plain = plain

    def check_unless_plain(thing: Any, trail: Trail, walk: Walk) -> None:
        if not is_plain(thing):
            check(thing, trail, walk)

    return check_unless_plain


def _whole_check(rm_class: type[rm.Any], handled: frozenset[str]) -> Check:
    required = tuple(name for name in rm.required_of(rm_class) if name not in handled)
    deep = tuple(
        name
        for name in rm_class.__struct_fields__
        if name not in handled and attribute_classes(rm_class, name)
    )
    optional = tuple(name for name in deep if name not in required)
    certain = tuple(name for name in deep if name in required)
    demanded, possible = _getter(required), _getter(optional)
    nothing = _nothing(optional)
    own = _own_rules(rm_class)
    enter = None if "archetype_node_id" in handled else _entering(rm_class)

    def check(thing: Any, trail: Trail, walk: Walk) -> None:
        if enter is not None:
            enter(walk)
        found = demanded(thing)
        if found is None or (found.__class__ is tuple and None in found):
            _note_missing(thing, required, trail, walk)
        for name in certain:
            below = getattr(thing, name)
            if below is not None:
                _descend(below, name, trail, walk)
        if possible(thing) != nothing:
            for name in optional:
                below = getattr(thing, name)
                if below is not None:
                    _descend(below, name, trail, walk)
        if own is not None:
            own(thing, trail, walk)

    return check


def _getter(names: tuple[str, ...]) -> Callable[[Any], Any]:
    """Reads attributes: a tuple of several, the value of one, and () of none."""
    return attrgetter(*names) if names else lambda _: ()


def _nothing(names: tuple[str, ...]) -> object:
    """What the getter of these names reads where all are absent."""
    return None if len(names) == 1 else (None,) * len(names)


def _descend(below: Any, name: str, trail: Trail, walk: Walk) -> None:
    if type(below) is list:
        for item in below:
            model_check(item.__class__)(item, (trail, name, item), walk)
    else:
        model_check(below.__class__)(below, (trail, name, below), walk)


def _note_missing(thing: Any, required: tuple[str, ...], trail: Trail, walk: Walk) -> None:
    for name in required:
        if getattr(thing, name) is None:
            expected = f"{rm.type_name(thing)}.{name} is mandatory"
            walk.add(trail, name, "required", expected=expected, found="missing")


def _entering(rm_class: type[rm.Any]) -> Callable[[Walk], None] | None:
    """Archetyped nodes met here are in no row: they count as residue."""
    if not issubclass(rm_class, rm.Locatable):
        return None

    def enter(walk: Walk) -> None:
        walk.residue |= walk.outside

    return enter


def _own_rules(rm_class: type[rm.Any]) -> Check | None:
    if issubclass(rm_class, _TEMPORAL):
        return _check_moment
    if rm_class is rm.FeederAuditDetails:
        return _check_feeder
    if rm_class is rm.DvInterval:
        return _check_interval
    broken = INVARIANTS.get(rm_class)
    if broken is None:
        return None
    find_broken = broken

    def check(thing: Any, trail: Trail, walk: Walk) -> None:
        for name, rule in find_broken(thing):
            expected, remark = f"{rm.type_name(thing)}: {rule}", rule in TOLERATED
            walk.add(trail, name, "invariant", expected=expected, found="broken", remark=remark)

    return check


def _check_moment(thing: Any, trail: Trail, walk: Walk) -> None:
    if thing.value is not None and walk.seconds(thing) is None:
        expected = f"a text of ISO 8601 for {rm.type_name(thing)}"
        walk.add(trail, "value", "value", expected=expected, found="text", structural=True)


def _check_interval(thing: rm.DvInterval, trail: Trail, walk: Walk) -> None:
    for name, rule in INVARIANTS[rm.DvInterval](thing):
        walk.add(trail, name, "invariant", expected=f"DV_INTERVAL: {rule}", found="broken")
    lower, upper = thing.lower, thing.upper
    if isinstance(lower, _TEMPORAL) and isinstance(upper, _TEMPORAL):
        first, last = walk.seconds(lower), walk.seconds(upper)
        if first is not None and last is not None and first > last:
            expected = "DV_INTERVAL: Limits_consistent"
            walk.add(trail, "upper", "invariant", expected=expected, found="broken")


def _check_feeder(thing: rm.FeederAuditDetails, _: Trail, walk: Walk) -> None:
    if thing.other_details is not None:
        walk.residue |= Residue.FEEDER_AUDIT
