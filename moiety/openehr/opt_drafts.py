"""A template while it is read: nested drafts, before numbers and paths are given (AM 1.4,
Template.xsd: C_OBJECT and C_ATTRIBUTE).
"""

from dataclasses import dataclass, field

from moiety.openehr.constraints import Constraint, Interval
from moiety.openehr.template import Term


@dataclass(slots=True)
class DraftAttribute:
    name: str
    minimum: int
    maximum: int | None
    multiple: bool
    cardinality: Interval | None
    ordered: bool
    unique: bool
    children: list["Draft"]


@dataclass(slots=True)
class Draft:
    """C_OBJECT. `target` is the path of an ARCHETYPE_INTERNAL_REF until it is resolved."""

    rm_type: str
    node_id: str
    minimum: int
    maximum: int | None
    is_root: bool = False
    is_slot: bool = False
    attributes: list[DraftAttribute] = field(default_factory=list)
    constraint: Constraint | None = None
    target: str | None = None
    names: frozenset[str] = frozenset()
    terms: dict[str, dict[str, Term]] = field(default_factory=dict)
    bindings: dict[str, dict[str, tuple[tuple[str, str], ...]]] = field(default_factory=dict)
