"""The web tree of a template: its nodes as the simplified formats see them.

Levels without clinical meaning (trees, lists, histories, single events) are left out, an
ELEMENT with one data type is its value, and every node has an id made from its name
(Simplified Formats, "Field Identifiers" and "Level Removal").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from moiety.openehr import rm
from moiety.openehr.rm_types import conforming, is_locatable, plain
from moiety.openehr.template import Template, TemplateNode

_REMOVED = frozenset(
    {"ITEM_TREE", "ITEM_LIST", "ITEM_SINGLE", "ITEM_TABLE", "ITEM_STRUCTURE", "HISTORY"}
)
_EVENTS = frozenset({"EVENT", "POINT_EVENT", "INTERVAL_EVENT"})

_ENTRY = (("subject", "PARTY_PROXY"), ("language", "CODE_PHRASE"), ("encoding", "CODE_PHRASE"))
ATTRIBUTES: dict[str, tuple[tuple[str, str], ...]] = {
    "COMPOSITION": (
        ("category", "DV_CODED_TEXT"),
        ("composer", "PARTY_PROXY"),
        ("language", "CODE_PHRASE"),
        ("territory", "CODE_PHRASE"),
    ),
    "EVENT_CONTEXT": (("start_time", "DV_DATE_TIME"), ("setting", "DV_CODED_TEXT")),
    "OBSERVATION": _ENTRY,
    "EVALUATION": _ENTRY,
    "INSTRUCTION": (("narrative", "DV_TEXT"), *_ENTRY),
    "ACTION": (("time", "DV_DATE_TIME"), ("ism_transition", "ISM_TRANSITION"), *_ENTRY),
    "ADMIN_ENTRY": _ENTRY,
    "ACTIVITY": (("timing", "DV_PARSABLE"), ("action_archetype_id", "STRING")),
    "EVENT": (("time", "DV_DATE_TIME"),),
    "POINT_EVENT": (("time", "DV_DATE_TIME"),),
    "INTERVAL_EVENT": (
        ("time", "DV_DATE_TIME"),
        ("width", "DV_DURATION"),
        ("math_function", "DV_CODED_TEXT"),
    ),
}
"""Class → attributes of the model that are fields of their own, whatever the template says."""


@dataclass(slots=True)
class WebNode:
    """A node of the web tree.

    `chain` leads from the object of the parent to this one's: template nodes of levels left
    out, then `node` itself. `attribute` is set for attributes of the model; their chain ends
    at the object that has them. `values`: an ELEMENT's data types as the template has them.
    `choice`: the element stays a level of its own, its values are children by type.
    """

    id: str
    name: str
    rm_type: str
    chain: tuple[TemplateNode, ...]
    node: TemplateNode | None
    attribute: str
    minimum: int
    maximum: int | None
    aql_path: str
    values: tuple[TemplateNode, ...] = ()
    choice: bool = False
    children: "list[WebNode]" = field(default_factory=list)


def web_tree(template: Template) -> WebNode:
    """The web tree of a template, from its composition down."""
    root = template.nodes[0]
    return _content(template, root, (root,), "")


def _content(
    template: Template, node: TemplateNode, chain: tuple[TemplateNode, ...], path: str
) -> WebNode:
    name = name_of(template, node)
    found = WebNode(
        id=make_id(name),
        name=name,
        rm_type=node.rm_type,
        chain=chain,
        node=node,
        attribute="",
        minimum=node.minimum,
        maximum=node.maximum,
        aql_path=path,
    )
    if node.rm_type == "ELEMENT":
        found.values = tuple(_values(template, node))
        found.choice = len(found.values) != 1 or plain(found.values[0].rm_type) not in rm.CLASSES
        return found
    if node.rm_type == "EVENT_CONTEXT":
        found.id = found.name = "context"
    found.children = list(_below(template, node, (), path))
    if node.rm_type == "COMPOSITION" and all(each.id != "context" for each in found.children):
        found.children.insert(0, _bare_context(path))
    _make_unique(found.children)
    return found


def _bare_context(path: str) -> WebNode:
    """The context of a composition, where the template says nothing of it."""
    here = f"{path}/context"
    found = WebNode("context", "context", "EVENT_CONTEXT", (), None, "context", 0, 1, here)
    found.children = list(_attributes("EVENT_CONTEXT", (), here))
    return found


def _values(template: Template, element: TemplateNode) -> Iterator[TemplateNode]:
    for attribute in element.attributes:
        if attribute.name == "value":
            yield from (template.nodes[number] for number in attribute.children)


def _below(
    template: Template, node: TemplateNode, above: tuple[TemplateNode, ...], path: str
) -> Iterator[WebNode]:
    """The web nodes under a template node, whose object is reached through `above`."""
    for attribute in node.attributes:
        if attribute.maximum == 0:
            continue
        children = [template.nodes[number] for number in attribute.children]
        for child in children:
            if child.is_slot or child.maximum == 0:
                continue
            chain, here = (*above, child), path + segment(child)
            if child.rm_type in _REMOVED or _is_single_event(child, children):
                yield from _below(template, child, chain, here)
            elif is_locatable(child.rm_type) or child.rm_type == "EVENT_CONTEXT":
                yield _content(template, child, chain, here)
    yield from _attributes(node.rm_type, above, path)


def _attributes(rm_type: str, above: tuple[TemplateNode, ...], path: str) -> Iterator[WebNode]:
    for name, of_type in ATTRIBUTES.get(rm_type, ()):
        mandatory = name not in {"timing", "action_archetype_id"}
        yield WebNode(
            id=name,
            name=name,
            rm_type=of_type,
            chain=above,
            node=None,
            attribute=name,
            minimum=int(mandatory),
            maximum=1,
            aql_path=f"{path}/{name}",
        )


def _is_single_event(node: TemplateNode, siblings: list[TemplateNode]) -> bool:
    if node.rm_type not in _EVENTS or node.maximum != 1:
        return False
    return sum(each.maximum != 0 and not each.is_slot for each in siblings) == 1


def segment(node: TemplateNode) -> str:
    """A template node in an AQL path, with its name where the template fixes one."""
    if not node.node_id:
        return f"/{node.attribute}"
    named = ""
    if node.name is not None:
        quoted = node.name.replace("\\", "\\\\").replace("'", "\\'")
        named = f" and name/value='{quoted}'"
    return f"/{node.attribute}[{node.node_id}{named}]"


# --- names and ids


def code_of(template: Template, node: TemplateNode) -> str:
    """The code of a node in its archetype's terms; that of an archetype root is its concept's."""
    if not node.is_root:
        return node.node_id
    concepts = [code for code in template.terms.get(node.node_id, {}) if _CONCEPT.fullmatch(code)]
    return max(concepts, key=len, default="")


_CONCEPT = re.compile(r"(?:at0000(?:\.[0-9]+)*|id1(?:\.[0-9]+)*)")


def name_of(template: Template, node: TemplateNode) -> str:
    """What a node is called: by the template, else by its archetype, else by its class."""
    if node.name is not None:
        return node.name
    term = template.terms.get(node.archetype_id, {}).get(code_of(template, node))
    return (term.text if term else "") or node.rm_type


def make_id(name: str) -> str:
    """An id out of a name (Simplified Formats, "Node ID Generation Rules")."""
    kept = "".join(c if c.isalpha() or c in "0123456789_.-" else "_" for c in name)
    found = re.sub("_+", "_", kept).lower().strip("_") or "id"
    return f"a{found}" if found[0].isdigit() else found


def _make_unique(siblings: list[WebNode]) -> None:
    """Number the ids of siblings that share one: text, text2, text3."""
    taken: set[str] = set()
    for each in siblings:
        wanted, count = each.id, 1
        while each.id in taken:
            count += 1
            each.id = f"{wanted}{count}"
        taken.add(each.id)


def choice_id(rm_type: str) -> str:
    """The id of one data type under an ELEMENT that may hold several: quantity_value."""
    inner = rm_type.replace("DV_", "").replace("<", "_of_").replace(">", "").lower()
    return f"{inner}_value"


_OPEN = sorted(rm.type_name(found()) for found in conforming("DATA_VALUE")) + [
    f"DV_INTERVAL<{name}>"
    for name in (
        "DV_QUANTITY",
        "DV_COUNT",
        "DV_DATE_TIME",
        "DV_DATE",
        "DV_TIME",
        "DV_DURATION",
        "DV_ORDINAL",
        "DV_SCALE",
        "DV_PROPORTION",
    )
]


def value_classes(node: WebNode) -> list[str]:
    """The data types of an ELEMENT, in the order of the template; every type if it says none."""
    if not node.values:
        return _OPEN
    names: dict[str, None] = {}
    for value in node.values:
        if plain(value.rm_type) in rm.CLASSES:
            names[value.rm_type] = None
        else:
            names.update(
                dict.fromkeys(sorted(rm.type_name(c()) for c in conforming(value.rm_type)))
            )
    return list(names)
