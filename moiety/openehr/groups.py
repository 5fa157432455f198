"""Template → groups: the tables of typed rows that it needs, and their columns."""

from moiety.openehr import rm
from moiety.openehr.leaves import (
    VALUES,
    Column,
    Group,
    Kind,
    column_name,
    node_leaves,
    table_name,
)
from moiety.openehr.rm_types import conforming
from moiety.openehr.template import TemplateNode


def groups_of(nodes: tuple[TemplateNode, ...]) -> dict[str, Group]:
    """The groups of a template by key; columns in the order in which nodes name them."""
    found: dict[str, dict[Column, None]] = {}
    classes: dict[str, str] = {}
    owner = [""] * len(nodes)
    banned = -1  # last node below the prohibited one at hand
    for node in nodes:
        if node.number <= banned:
            continue
        if node.maximum == 0:
            banned = node.last
            continue
        key = node.group or owner[node.parent]
        owner[node.number] = key
        classes.setdefault(key, node.rm_type)
        found.setdefault(key, {}).update(dict.fromkeys(columns_of(node, nodes)))
    return {
        key: Group(key, classes[key], table_name(key), tuple(columns))
        for key, columns in found.items()
    }


def columns_of(node: TemplateNode, nodes: tuple[TemplateNode, ...]) -> list[Column]:
    """The columns that a node itself brings to its nearest group."""
    leaves = list(node_leaves(node.rm_type, grouped=node.group is not None))
    if node.rm_type == "ELEMENT":
        for name in value_types(node, nodes):
            leaves += [(f"value/{path}", kind) for path, kind in VALUES.get(name, ())]
    return [column(node.group_path, path, kind) for path, kind in dict.fromkeys(leaves)]


def column(prefix: str, path: str, kind: Kind) -> Column:
    """A column at a path: its name follows from path and kind."""
    whole = f"{prefix}/{path}" if prefix else path
    return Column(whole, kind, column_name(whole, kind))


def value_types(element: TemplateNode, nodes: tuple[TemplateNode, ...]) -> list[str]:
    """The data types that an ELEMENT may hold, by the template, in a stable order."""
    declared = [
        nodes[child].rm_type
        for attribute in element.attributes
        if attribute.name == "value"
        for child in attribute.children
    ]
    allowed = [conforming(rm_type) for rm_type in declared or ["DATA_VALUE"]]
    names = (name for name, found in rm.CLASSES.items() if any(found in these for these in allowed))
    return list(names)
