"""The web template of an operational template: JSON that forms are built from (version
2.3; ITS-REST, Definition API, media type application/openehr.wt+json).
"""

from typing import Any

from moiety.openehr.rm_types import parameter, plain
from moiety.openehr.simplified.inputs import Json, inputs_of, proportion_types
from moiety.openehr.simplified.tree import (
    ATTRIBUTES,
    WebNode,
    choice_id,
    code_of,
    value_classes,
    web_tree,
)
from moiety.openehr.template import Template, TemplateNode

VERSION = "2.3"

_ANY_VALUE = (
    "DV_TEXT",
    "DV_CODED_TEXT",
    "DV_MULTIMEDIA",
    "DV_PARSABLE",
    "DV_STATE",
    "DV_BOOLEAN",
    "DV_IDENTIFIER",
    "DV_URI",
    "DV_EHR_URI",
    "DV_DURATION",
    "DV_QUANTITY",
    "DV_COUNT",
    "DV_PROPORTION",
    "DV_DATE_TIME",
    "DV_TIME",
    "DV_ORDINAL",
    "DV_DATE",
)
"""What a form offers for an ELEMENT whose type the template leaves open."""


def web_template(template: Template) -> Json:
    """The web template (`openehr.wt+json`, version 2.3), ready for a JSON encoder."""
    return {
        "templateId": template.template_id,
        "version": VERSION,
        "defaultLanguage": template.language,
        "languages": [template.language],
        "tree": _render(web_tree(template), template),
    }


def _render(web: WebNode, template: Template) -> Json:
    if web.attribute:
        return _attribute(web, template)
    node = web.node
    if node is None:
        raise TypeError("a web node is content or attribute")
    described = _described(web, node, template)
    if node.rm_type == "ELEMENT" and not web.choice:
        return described | _value(web.values[0], web, template)
    found = described | {"rmType": web.rm_type}
    if web.aql_path:
        found["aqlPath"] = web.aql_path
    children = _choices(web, template) if web.choice else _children(web, template)
    return found | ({"children": children} if children else {})


def _described(web: WebNode, node: TemplateNode, template: Template) -> Json:
    found: Json = {"id": web.id, "name": web.name, "localizedName": web.name}
    if node.node_id:
        found["nodeId"] = node.node_id
        found["localizedNames"] = {template.language: web.name}
    term = template.terms.get(node.archetype_id, {}).get(code_of(template, node))
    if term is not None and node.node_id:
        found["localizedDescriptions"] = {template.language: term.description}
    found |= _bounds(web)
    notes = {"comment": term.comment} if term is not None and term.comment else {}
    place = f"[{template.archetype_id}]{_plain_path(node, template)}"
    said = template.annotations.get(place, {})
    notes |= {key: text for key, text in said.items() if key.isidentifier()}
    if notes:
        found["annotations"] = notes
    bound = template.bindings.get(node.archetype_id, {}).get(code_of(template, node), ())
    if bound:
        found["termBindings"] = {
            name: {"value": code, "terminologyId": name} for name, code in bound
        }
    return found


def _plain_path(node: TemplateNode, template: Template) -> str:
    """The path of a node without names, as annotations tell it."""
    steps: list[str] = []
    while node.parent >= 0:
        predicate = f"[{node.node_id}]" if node.node_id else ""
        steps.append(f"/{node.attribute}{predicate}")
        node = template.nodes[node.parent]
    return "".join(reversed(steps))


def _bounds(web: WebNode) -> Json:
    return {"min": web.minimum, "max": -1 if web.maximum is None else web.maximum}


def _children(web: WebNode, template: Template) -> list[Json]:
    return [_render(child, template) for child in web.children]


# --- values


def _value(value: TemplateNode, web: WebNode, template: Template) -> Json:
    """What an ELEMENT of one data type adds of its value."""
    return _typed(value.rm_type, value, f"{web.aql_path}/value", template)


def _typed(rm_type: str, value: TemplateNode | None, path: str, template: Template) -> Json:
    found: Json = {"rmType": rm_type, "aqlPath": path}
    if plain(rm_type) == "DV_INTERVAL":
        return found | {"children": _limits(rm_type, value, path, template)}
    inputs = inputs_of(rm_type, value, template)
    if inputs is not None:
        found["inputs"] = inputs
    if rm_type == "DV_PROPORTION":
        found["proportionTypes"] = proportion_types(value, template)
    return found


def _limits(rm_type: str, value: TemplateNode | None, path: str, template: Template) -> list[Json]:
    """The bounds of an interval, as nodes of their own."""
    inner = parameter(rm_type) or "DV_QUANTITY"
    found = []
    for side in ("lower", "upper"):
        node = _child(value, side, template)
        of_type = node.rm_type if node is not None else inner
        described = {"id": side, "name": side, "localizedName": side, "min": 0, "max": 1}
        found.append(described | _typed(of_type, node, f"{path}/{side}", template))
    return found


def _child(node: TemplateNode | None, attribute: str, template: Template) -> TemplateNode | None:
    for each in node.attributes if node is not None else ():
        if each.name == attribute and each.children:
            return template.nodes[each.children[0]]
    return None


def _choices(web: WebNode, template: Template) -> list[Json]:
    """An ELEMENT of several data types: one child a type."""
    by_type = {value.rm_type: value for value in web.values}
    shared: Json = {"name": web.name, "localizedName": web.name, "min": 0, "max": 1}
    own = _described(web, web.node, template) if web.node is not None else {}
    shared |= {key: own[key] for key in ("localizedNames", "localizedDescriptions") if key in own}
    return [
        {"id": choice_id(rm_type)}
        | shared
        | _typed(rm_type, by_type.get(rm_type), f"{web.aql_path}/value", template)
        | {"inContext": True}
        for rm_type in (value_classes(web) if web.values else _ANY_VALUE)
    ]


# --- attributes of the model


def _attribute(web: WebNode, template: Template) -> Json:
    owner = web.chain[-1] if web.chain else None
    found: Json = {"id": web.id, "name": web.name} | _bounds(web)
    found |= {"rmType": web.rm_type, "aqlPath": web.aql_path}
    if web.rm_type == "EVENT_CONTEXT":
        return found | {"children": _children(web, template)}
    node = _constraint_of(web, owner, template)
    if web.attribute == "ism_transition":
        return found | {"children": _transition(node, web.aql_path, template), "inContext": True}
    inputs = inputs_of(web.rm_type, node, template)
    if inputs is not None:
        found["inputs"] = inputs
    if web.attribute == "category":
        found["localizedName"] = web.name
    return found | {"inContext": True}


def _constraint_of(
    web: WebNode, owner: TemplateNode | None, template: Template
) -> TemplateNode | None:
    """What the template itself says of an attribute: looked up by the owner's path."""
    owners = [owner] if owner is not None else []
    if not owners:
        path = web.aql_path.removesuffix(f"/{web.attribute}")
        owners = [node for node in template.nodes if _same_place(node, path, web.attribute)]
    return next(
        (found for each in owners if (found := _child(each, web.attribute, template))), None
    )


def _same_place(node: TemplateNode, path: str, attribute: str) -> bool:
    return node.path == path and any(
        name == attribute for name, _ in ATTRIBUTES.get(node.rm_type, ())
    )


def _transition(node: TemplateNode | None, path: str, template: Template) -> list[Json]:
    found = []
    for name in ("current_state", "transition", "careflow_step"):
        described: dict[str, Any] = {"id": name, "name": name, "localizedName": name}
        described |= {"min": int(name == "current_state"), "max": 1}
        value = _child(node, name, template)
        typed = _typed("DV_CODED_TEXT", value, f"{path}/{name}", template)
        found.append(described | typed | {"inContext": True})
    return found
