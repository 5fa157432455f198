"""Paths through a template: where each step leads, and what rows tell there.

A spot is a set of template nodes that one step of a path can meet, all of them in one place of
one group, and the attributes below that the template does not number. What rows do not tell is
`Untold`: the documents of that template answer then.
"""

from dataclasses import dataclass

from moiety.aql import ast
from moiety.aql.predicates import is_node
from moiety.openehr.leaves import Column
from moiety.openehr.template import Template, TemplateNode

_STRUCTURES = frozenset({"EVENT_CONTEXT", "ISM_TRANSITION", "INSTRUCTION_DETAILS"})
CONTAINERS = frozenset(
    {
        "activities",
        "content",
        "data",
        "description",
        "events",
        "item",
        "items",
        "other_context",
        "protocol",
        "rows",
        "state",
        "summary",
    }
)
"""Attributes that hold archetyped nodes. Content where the template mentions none is residue."""


class Untold(Exception):
    """Rows do not tell this; the message is a reason without any value of the query."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Template nodes by number, in order, and the attributes below them."""

    nodes: tuple[int, ...]
    tail: tuple[str, ...] = ()


def owner(template: Template, number: int) -> TemplateNode:
    """The nearest node with rows of its own, the node itself where it has."""
    node = template.nodes[number]
    while node.group is None:
        node = template.nodes[node.parent]
    return node


def place(template: Template, spot: Spot) -> tuple[str, str]:
    """The group and the path inside its row. Raises Untold where the nodes have several."""
    found = {
        (
            owner(template, n).group or "",
            template.nodes[n].group_path if not is_row(template, n) else "",
        )
        for n in spot.nodes
    }
    if len(found) != 1:
        raise Untold("a step leads to several places")
    group, path = found.pop()
    return group, "/".join(filter(None, (path, *spot.tail)))


def is_row(template: Template, number: int) -> bool:
    """Whether a node has rows of its own."""
    return template.nodes[number].group is not None


def columns(template: Template, spot: Spot, below: str = "") -> tuple[Column, ...]:
    """The columns at a spot, or at a path below it."""
    group, path = place(template, spot)
    whole = "/".join(filter(None, (path, below)))
    return tuple(c for c in template.groups[group].columns if c.path == whole)


def under(template: Template, spot: Spot) -> tuple[Column, ...]:
    """All columns below a spot, in the row that tells it."""
    group, path = place(template, spot)
    return tuple(c for c in template.groups[group].columns if c.path.startswith(path + "/"))


def step_into(template: Template, spot: Spot, step: ast.Step) -> Spot | None:
    """Where a step leads; None where the template allows nothing there (residue apart)."""
    if spot.tail:
        if step.predicate is not None:
            raise Untold("a predicate inside a value")
        return Spot(spot.nodes, (*spot.tail, step.attribute))
    found: list[int] = []
    plain: list[int] = []
    for number in spot.nodes:
        children = _children(template, number, step.attribute)
        if children is None or any(not _is_node(template.nodes[child]) for child in children):
            plain.append(number)
        else:
            found += [child for child in children if _asked(template.nodes[child], step)]
    if plain and step.attribute not in CONTAINERS:
        if found or step.predicate is not None:
            raise Untold("a step that leads to a node or to a value")
        return Spot(spot.nodes, (step.attribute,))
    return Spot(tuple(found)) if found else None


def _children(template: Template, number: int, attribute: str) -> list[int] | None:
    """Nodes allowed under an attribute; None where the template does not mention it."""
    for found in template.nodes[number].attributes:
        if found.name == attribute:
            return [n for n in found.children if allowed(template.nodes[n])]
    return None


def allowed(node: TemplateNode) -> bool:
    """Whether a composition may hold the node at all and rows tell of it."""
    return node.maximum != 0 and not node.is_slot


def _is_node(node: TemplateNode) -> bool:
    return bool(node.node_id) or node.rm_type in _STRUCTURES


def _asked(node: TemplateNode, step: ast.Step) -> bool:
    match step.predicate:
        case None:
            return True
        case ast.Node(code=ast.NodeCode(code=code), name=None | ast.Literal()):
            return is_node(code, node.node_id)
        case _:
            raise Untold("a predicate that is no node code and name")


def asked_name(step: ast.Step) -> str | None:
    """The name that a step's predicate asks for."""
    name = step.predicate.name if isinstance(step.predicate, ast.Node) else None
    return str(name.value) if isinstance(name, ast.Literal) else None
