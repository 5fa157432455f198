"""What the definition of an ADL 2 template is made of (AOM 2, § "Constraint Model Package").

A definition is an ObjectConstraint; below it stand attributes, and in them members of five sorts.
Occurrences, existence and cardinality are (least, most), most None where there is no end, and
None where the text does not say.
"""

from dataclasses import dataclass
from typing import TypeAlias

from moiety.openehr.adl2.atoms import Range, Scalar
from moiety.openehr.adl2.odin import Odin

Multiplicity: TypeAlias = tuple[int, int | None]


@dataclass(frozen=True, slots=True)
class Primitive:
    """C_PRIMITIVE_OBJECT. `kind`: what its literals are (string, integer, date, code, …).

    `items`: the values and intervals allowed, all where empty. `pattern`: a regular expression, or
    a pattern of dates, times, durations. `strength`: how binding a terminology constraint is.
    """

    kind: str
    items: tuple[Scalar | Range, ...] = ()
    pattern: str | None = None
    assumed: Scalar | None = None
    strength: str = "required"


@dataclass(frozen=True, slots=True)
class Cardinality:
    members: Multiplicity
    ordered: bool = True
    unique: bool = False


@dataclass(frozen=True, slots=True)
class ObjectConstraint:
    """C_COMPLEX_OBJECT, C_ARCHETYPE_ROOT (`archetype_id` told) or a primitive object in its long
    form (`value` told). `order`: the sibling before or after which a source template puts it.
    """

    rm_type: str
    node_id: str
    archetype_id: str = ""
    occurrences: Multiplicity | None = None
    attributes: "tuple[AttributeConstraint, ...]" = ()
    tuples: "tuple[TupleConstraint, ...]" = ()
    value: Primitive | None = None
    default: "Odin | None" = None
    order: str = ""


@dataclass(frozen=True, slots=True)
class SlotConstraint:
    """ARCHETYPE_SLOT: `includes` and `excludes` are assertions as written."""

    rm_type: str
    node_id: str
    occurrences: Multiplicity | None = None
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    closed: bool = False


@dataclass(frozen=True, slots=True)
class ProxyConstraint:
    """C_COMPLEX_OBJECT_PROXY (use_node): as what stands at `path`."""

    rm_type: str
    node_id: str
    path: str
    occurrences: Multiplicity | None = None


@dataclass(frozen=True, slots=True)
class GroupConstraint:
    """Members of a container that are counted together (ADL 2, § "Group Constraints")."""

    members: "tuple[Member, ...]"
    cardinality: Cardinality | None = None
    occurrences: Multiplicity | None = None


Member: TypeAlias = (
    ObjectConstraint | SlotConstraint | ProxyConstraint | GroupConstraint | Primitive
)


@dataclass(frozen=True, slots=True)
class AttributeConstraint:
    """C_ATTRIBUTE. `name` may be a path; no members: anything may stand there."""

    name: str
    existence: Multiplicity | None = None
    cardinality: Cardinality | None = None
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class TupleConstraint:
    """C_ATTRIBUTE_TUPLE: attributes whose values vary together; each row a way they may."""

    names: tuple[str, ...]
    rows: tuple[tuple[Primitive, ...], ...]
