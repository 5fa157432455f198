"""Drafts → nodes: numbers in pre-order, paths (BASE, Architecture Overview, § "Paths and
Locators"), and which nodes have rows of their own.
"""

from collections import Counter
from dataclasses import dataclass, replace

from moiety.openehr.errors import TemplateError
from moiety.openehr.leaves import GROUP_TYPES
from moiety.openehr.opt_drafts import Draft, DraftAttribute
from moiety.openehr.rm_types import is_locatable
from moiety.openehr.template import Attribute, TemplateNode

LIMIT_NODES = 100_000


@dataclass(frozen=True, slots=True)
class _Where:
    """What a node takes from above: its parent, and the paths that lead to it."""

    parent: int
    attribute: str
    archetype_id: str
    path: str
    inner_path: str  # from the archetype root
    group_path: str  # from the nearest group node


def number(root: Draft) -> tuple[TemplateNode, ...]:
    """The nodes of a template in pre-order; node 0 is the composition."""
    nodes: list[TemplateNode] = []
    _visit(root, _Where(-1, "", root.node_id, "", "", ""), nodes, grouped=True)
    return tuple(nodes)


def _visit(draft: Draft, where: _Where, nodes: list[TemplateNode], *, grouped: bool) -> int:
    """Append the node of a draft and all below it; the answer is the node's number."""
    mine = len(nodes)
    if mine >= LIMIT_NODES:
        raise TemplateError("template/definition", "children", f"more than {LIMIT_NODES} nodes")
    archetype_id = draft.node_id if draft.is_root else where.archetype_id
    inner_path = "" if draft.is_root else where.inner_path
    group_path = "" if grouped else where.group_path
    node = TemplateNode(
        number=mine,
        parent=where.parent,
        last=mine,
        attribute=where.attribute,
        rm_type=draft.rm_type,
        node_id=draft.node_id,
        archetype_id=archetype_id,
        is_root=draft.is_root,
        is_slot=draft.is_slot,
        name=next(iter(draft.names)) if len(draft.names) == 1 else None,
        minimum=draft.minimum,
        maximum=draft.maximum,
        path=where.path,
        group=archetype_id + inner_path if grouped else None,
        group_path=group_path,
        attributes=(),
        constraint=draft.constraint,
    )
    nodes.append(node)
    here = replace(where, parent=mine, archetype_id=archetype_id, inner_path=inner_path)
    attributes = tuple(
        _attribute(found, replace(here, group_path=group_path), nodes) for found in draft.attributes
    )
    nodes[mine] = replace(node, attributes=attributes, last=len(nodes) - 1)
    return mine


def _attribute(attribute: DraftAttribute, here: _Where, nodes: list[TemplateNode]) -> Attribute:
    shared = Counter(child.node_id for child in attribute.children if child.node_id)
    children = []
    for child in attribute.children:
        rival = shared[child.node_id] > 1
        segment = attribute.name + (f"[{child.node_id}]" if child.node_id else "")
        below = replace(
            here,
            attribute=attribute.name,
            path=f"{here.path}/{_named(attribute.name, child) if rival else segment}",
            inner_path=f"{here.inner_path}/{segment}",
            group_path=f"{here.group_path}/{segment}".lstrip("/"),
        )
        grouped = _has_rows(child, attribute, rival=rival)
        children.append(_visit(child, below, nodes, grouped=grouped))
    return Attribute(
        name=attribute.name,
        minimum=attribute.minimum,
        maximum=attribute.maximum,
        multiple=attribute.multiple,
        cardinality=attribute.cardinality,
        ordered=attribute.ordered,
        unique=attribute.unique,
        children=tuple(children),
    )


def _named(attribute: str, child: Draft) -> str:
    """A segment that tells siblings with one node id apart by name."""
    if len(child.names) != 1:
        return f"{attribute}[{child.node_id}]"
    name = next(iter(child.names)).replace("'", "\\'")
    return f"{attribute}[{child.node_id}, '{name}']"


def _has_rows(child: Draft, attribute: DraftAttribute, *, rival: bool) -> bool:
    if child.is_slot or not is_locatable(child.rm_type):
        return False
    if child.is_root or child.rm_type in GROUP_TYPES:
        return True
    return attribute.multiple and (rival or child.maximum is None or child.maximum > 1)
