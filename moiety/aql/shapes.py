"""FROM against one template: which nodes each class can be, decided without any data.

A class of FROM has candidates: template nodes of its type, archetype and code. Candidates without
a partner for every CONTAINS around them fall away. What remains is split into shapes: in a shape,
each class has nodes of one place in one group.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from moiety.aql import ast
from moiety.aql.classes import concrete
from moiety.aql.needs import takes_former
from moiety.aql.predicates import asks_archetype, asks_code, code, is_node
from moiety.aql.spots import Spot, Untold, allowed, is_row, place
from moiety.openehr.leaves import Residue
from moiety.openehr.template import Template, TemplateNode

MAXIMUM_SHAPES = 64

_HIDDEN = frozenset(
    {"EVENT_CONTEXT", "INSTRUCTION_DETAILS", "ISM_TRANSITION"}
    | {"FEEDER_AUDIT", "FEEDER_AUDIT_DETAILS"}
)
"""Classes whose objects rows do not count."""

_DETAILS = concrete("ITEM") | concrete("DATA_STRUCTURE")
"""Classes of objects that also stand in feeder audits and parties."""


@dataclass(frozen=True, slots=True)
class Member:
    """A class of FROM; `inside` is the place of the class that contains it, -1 for none."""

    item: ast.Class | ast.Version
    inside: int

    @property
    def name(self) -> str:
        return (self.item.variable or "").lower()


def members(source: ast.Source, inside: int = -1) -> list[Member]:
    """The classes of FROM, containers first. Raises Untold for OR and NOT, and for versions that
    are not the latest.
    """
    found: list[Member] = []
    _collect(source, inside, found)
    return found


def _collect(source: ast.Source, inside: int, found: list[Member]) -> None:
    match source:
        case ast.Class() | ast.Version():
            found.append(_member(source, inside))
        case ast.Contains(parent=parent, negated=False):
            found.append(_member(parent, inside))
            _collect(source.child, len(found) - 1, found)
        case ast.Both():
            for operand in source.operands:
                _collect(operand, inside, found)
        case _:
            raise Untold("OR or NOT in FROM")


def _member(item: ast.Class | ast.Version, inside: int) -> Member:
    if isinstance(item, ast.Version) and takes_former(item):
        raise Untold("versions before the latest")
    return Member(item, inside)


def possible(template: Template) -> Iterator[TemplateNode]:
    """Nodes that a composition may hold, and none below a prohibited one."""
    banned = -1
    for node in template.nodes:
        if node.number > banned and allowed(node):
            yield node
        elif node.number > banned:
            banned = node.last


def residue_of(chain: Sequence[Member], *, deep: bool) -> int:
    """The residue bits that concern a query; `deep`: one of its paths leaves the composition's
    own attributes. A bit counts unless it is known not to.
    """
    wanted = {name for member in chain for name in concrete(member.item.rm_type)}
    if not deep and wanted <= {"EHR", "COMPOSITION", *concrete("VERSION")}:
        return 0
    mask = 0
    for bit in Residue:
        if bit is not Residue.FEEDER_AUDIT or wanted & _DETAILS:
            mask |= bit
    return mask


Candidates = dict[int, list[int]]
"""Place of a class in the chain → numbers of template nodes."""


def candidates(template: Template, chain: Sequence[Member]) -> Candidates:
    """The nodes that each class but EHR can be; all empty where one has none."""
    found = {
        place: [node.number for node in possible(template) if _is(node, member.item)]
        for place, member in enumerate(chain)
        if member.item.rm_type != "EHR"
    }
    return pruned(template, chain, found)


def _is(node: TemplateNode, item: ast.Class | ast.Version) -> bool:
    if isinstance(item, ast.Version):  # of the composition as a whole
        return node.number == 0
    wanted, real = concrete(item.rm_type), concrete(node.rm_type)
    if wanted & _HIDDEN:
        raise Untold("a class without rows")
    if not node.node_id or not wanted & real:
        return False
    if isinstance(item.predicate, ast.Node) and not is_node(code(item.predicate), node.node_id):
        return False
    if not real <= wanted and node.rm_type != "EVENT":
        raise Untold("a node that may be of several classes")
    return True


def pruned(template: Template, chain: Sequence[Member], found: Candidates) -> Candidates:
    """Candidates with a partner for every CONTAINS, from the leaves up and down again."""
    edges = [(member.inside, place) for place, member in enumerate(chain) if member.inside in found]
    for outer, inner in [*reversed(edges), *edges]:
        pairs = valid_pairs(template, chain, found, inner)
        found = {
            **found,
            outer: [x for x in found[outer] if any(pair[0] == x for pair in pairs)],
            inner: [y for y in found[inner] if any(pair[1] == y for pair in pairs)],
        }
    return found if all(found.values()) else {place: [] for place in found}


def valid_pairs(
    template: Template, chain: Sequence[Member], found: Candidates, inner: int
) -> list[tuple[int, int]]:
    """Container and contained, for the class at `inner` and the class around it."""
    member = chain[inner]
    around = chain[member.inside].item
    local = asks_code(member.item) and asks_archetype(around)
    # A version lies around its composition, and has the same node here.
    first = 0 if isinstance(around, ast.Version) else 1
    return [
        (x, y)
        for x in found[member.inside]
        for y in found[inner]
        if x + first <= y <= template.nodes[x].last and (not local or _root(template, y) == x)
    ]


def _root(template: Template, number: int) -> int:
    node = template.nodes[number]
    while not node.is_root and node.parent >= 0:
        node = template.nodes[node.parent]
    return node.number


def shapes(template: Template, chain: Sequence[Member], found: Candidates) -> Iterator[Candidates]:
    """Ways to give each class nodes of one place. Raises Untold where there are too many."""
    parts: list[list[list[int]]] = []
    for numbers in found.values():
        places: dict[tuple[tuple[str, str], bool, str], list[int]] = {}
        for n in numbers:
            key = (place(template, Spot((n,))), is_row(template, n), template.nodes[n].rm_type)
            places.setdefault(key, []).append(n)
        parts.append(list(places.values()))
    count = 1
    for part in parts:
        count *= len(part)
    if count > MAXIMUM_SHAPES:
        raise Untold("too many places for its classes")
    for choice in product(*parts):
        shape = pruned(template, chain, dict(zip(found, choice, strict=True)))
        if all(shape.values()):
            yield shape
