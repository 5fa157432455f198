"""A path below a template node → the columns that hold what it leads to.

What rows tell is told without a document: a path that the template has no place for is empty
on every document whose residue is 0. What rows do not tell (links, participations, intervals,
whole objects) is answered by None: only the documents know.
"""

from functools import cache

from moiety.openehr import rm
from moiety.openehr.groups import column
from moiety.openehr.leaves import NAMED_TYPES, VALUES, Column, node_leaves
from moiety.openehr.rm_types import attribute_classes, conforming, is_locatable
from moiety.openehr.template import Located, Step, Template, TemplateNode

_Chain = tuple[TemplateNode, ...]
_Names = tuple[tuple[int, Column, str], ...]


def locate(
    template: Template, node: TemplateNode, path: tuple[Step, ...]
) -> tuple[Located, ...] | None:
    """Every way that `path` can go from `node`; None where rows cannot answer.

    An empty answer says that no document without residue has anything there. Columns of a
    Located with an empty chain belong to the row of `node`, or of its nearest group node.
    """
    try:
        return tuple(_walk(template, node, path, (), ()))
    except _OnlyDocumentsKnow:
        return None


class _OnlyDocumentsKnow(Exception):
    pass


def _walk(
    template: Template, node: TemplateNode, path: tuple[Step, ...], chain: _Chain, names: _Names
) -> list[Located]:
    ended = _end(template, node, path, chain, names)
    if ended is not None:
        return ended
    step, rest = path[0], path[1:]
    children = _children(template, node, step.attribute)
    found: list[Located] = []
    for child in children:
        if step.node_id is not None and step.node_id != child.node_id:
            continue
        if step.name is not None and child.name is not None and child.name != step.name:
            continue
        below = (*chain, child) if child.group is not None else chain
        asked = names
        if step.name is not None and child.name is None:
            asked = (*names, (len(below), _name_column(child), step.name))
        found += _walk(template, child, rest, below, asked)
    return found


def _end(
    template: Template, node: TemplateNode, path: tuple[Step, ...], chain: _Chain, names: _Names
) -> list[Located] | None:
    """What a path that ends at this node, or at a leaf of it, leads to; None: go on."""
    rest = "/".join(step.attribute for step in path)
    constant = _constant(template, node, rest)
    columns: tuple[Column, ...] = ()
    if rest and constant is None:
        if rest not in _leaf_paths(node.rm_type, grouped=node.group is not None):
            return None
        if any(step.node_id or step.name for step in path):
            raise _OnlyDocumentsKnow
        columns = _columns_at(template, node, rest)
        if not columns:
            return []
    return [Located(chain, node, columns, constant, _presence(node), names)]


def _constant(template: Template, node: TemplateNode, rest: str) -> str | None:
    if rest == "archetype_node_id" and is_locatable(node.rm_type):
        return node.node_id
    if rest == "archetype_details/archetype_id/value" and node.is_root:
        return node.archetype_id
    if rest == "archetype_details/template_id/value" and node.number == 0:
        return template.template_id
    return None


@cache
def _leaf_paths(rm_type: str, *, grouped: bool) -> frozenset[str]:
    """The paths that have columns on some node of this class, whatever its template says."""
    paths = {path for path, _ in node_leaves(rm_type, grouped=grouped)}
    if rm_type == "ELEMENT":
        paths |= {f"value/{path}" for leaves in VALUES.values() for path, _ in leaves}
    return frozenset(paths)


def _columns_at(template: Template, node: TemplateNode, rest: str) -> tuple[Column, ...]:
    whole = f"{node.group_path}/{rest}" if node.group_path else rest
    owner = node
    while owner.group is None:
        owner = template.nodes[owner.parent]
    group = template.groups.get(owner.group)
    return tuple(found for found in group.columns if found.path == whole) if group else ()


def _children(template: Template, node: TemplateNode, name: str) -> list[TemplateNode]:
    """The template nodes at an attribute that a path may enter."""
    for attribute in node.attributes:
        if attribute.name == name:
            children = [template.nodes[number] for number in attribute.children]
            if not children or not all(_is_structure(child.rm_type) for child in children):
                raise _OnlyDocumentsKnow
            return [child for child in children if not child.is_slot and child.maximum != 0]
    classes = {found for owner in conforming(node.rm_type) for found in _at(owner, name)}
    if classes and all(issubclass(found, rm.Locatable) for found in classes):
        return []  # archetyped content that the template does not mention: residue tells it
    raise _OnlyDocumentsKnow


def _at(rm_class: type[rm.Any], name: str) -> tuple[type[rm.Any], ...]:
    return attribute_classes(rm_class, name) if name in rm_class.__struct_fields__ else ()


def _is_structure(rm_type: str) -> bool:
    return is_locatable(rm_type) or rm_type in {"EVENT_CONTEXT", "ISM_TRANSITION"}


def _name_column(node: TemplateNode) -> Column:
    if node.group is None and node.rm_type not in NAMED_TYPES:
        raise _OnlyDocumentsKnow
    return column(node.group_path, "name/value", "text")


def _presence(node: TemplateNode) -> Column | None:
    if node.group is None and node.rm_type in NAMED_TYPES:
        return column(node.group_path, "name/value", "text")
    return None
