"""An operational template (OPT 1.4; AOM 1.4) as a flat tree: every constraint a node, numbered in
pre-order.

Node a contains node b iff a.number < b.number <= a.last. Nodes with `group` have rows of
their own; every other archetyped node is told by columns in its nearest group's row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from moiety.openehr.constraints import Constraint, Interval
from moiety.openehr.leaves import Group


@dataclass(frozen=True, slots=True)
class Attribute:
    """C_ATTRIBUTE: `children` are numbers of nodes; `cardinality` only where several may stand."""

    name: str
    minimum: int
    maximum: int | None
    multiple: bool
    cardinality: Interval | None
    ordered: bool
    unique: bool
    children: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TemplateNode:
    """C_OBJECT of any kind, data values and primitives included.

    `node_id` is what `archetype_node_id` holds in data: the archetype id at an archetype
    root, else the at-code ("" for values). `archetype_id` is that of the nearest root.
    `name` is set when the template fixes exactly one name. `path` starts at the composition.
    `group` is the group key when the node has rows of its own; `group_path` leads from the
    nearest group node here ("" at a group node). `maximum` None is unbounded.
    """

    number: int
    parent: int
    last: int
    attribute: str
    rm_type: str
    node_id: str
    archetype_id: str
    is_root: bool
    is_slot: bool
    name: str | None
    minimum: int
    maximum: int | None
    path: str
    group: str | None
    group_path: str
    attributes: tuple[Attribute, ...]
    constraint: Constraint | None


@dataclass(frozen=True, slots=True)
class Term:
    text: str
    description: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """An operational template (OPT 1.4). `terms`: archetype id → code → text and description;
    `bindings`: archetype id → code → (terminology, code there) pairs; `annotations`: path → key →
    text, the path opening with the archetype id in brackets.
    """

    template_id: str
    uid: str | None
    concept: str
    archetype_id: str
    language: str
    nodes: tuple[TemplateNode, ...]
    groups: Mapping[str, Group]
    terms: Mapping[str, Mapping[str, Term]]
    annotations: Mapping[str, Mapping[str, str]]
    bindings: Mapping[str, Mapping[str, tuple[tuple[str, str], ...]]] = field(default_factory=dict)
