"""ELEMENTs that are plainly content: checked and written in one look.

Most nodes of a document are elements with a plain name, a plain value and nothing else. For those
the look says all that the whole check would say, nothing, and writes what it would write; for any
other the whole check decides (RM 1.1.0, data_structures, ELEMENT; DV_TEXT and the other values of
data_types).
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from moiety.openehr import rm
from moiety.openehr.emission import Emit
from moiety.openehr.findings import Row, Trail, Walk
from moiety.openehr.groups import column
from moiety.openehr.plain_content import NO_TEXT_BESIDE, PlainValue, all_but, text_beside
from moiety.openehr.template import TemplateNode

NodeCheck: TypeAlias = Callable[[Any, Row, Trail, Walk], None]
_beside, _NOTHING_BESIDE = all_but(rm.Element, "name", "archetype_node_id", "value")


def quick_element(
    node: TemplateNode,
    plain: Mapping[type[rm.Any], PlainValue],
    emitters: Mapping[type[rm.Any], Emit],
    whole: NodeCheck,
) -> NodeCheck:
    """The look at an element, then `whole` where it says nothing. `whole` itself where a template
    speaks of more than the value.

    `plain` and `emitters` are those of its value; a row that was half written is written again.
    """
    looks: dict[type[Any], tuple[PlainValue, Emit]] = {
        found: (look, emitters[found]) for found, look in plain.items() if found in emitters
    }
    if not looks or node.constraint or any(each.name != "value" for each in node.attributes):
        return whole
    name_column = column(node.group_path, "name/value", "text").name

    def check(thing: Any, row: Row, trail: Trail, walk: Walk) -> None:
        if thing.__class__ is rm.Element and _beside(thing) == _NOTHING_BESIDE:
            name, value = thing.name, thing.value
            look = looks.get(value.__class__)
            if (
                look is not None
                and name.__class__ is rm.DvText
                and name.value is not None
                and text_beside(name) == NO_TEXT_BESIDE
                and look[0](value, walk)
            ):
                row[name_column] = name.value
                look[1](value, row, walk)
                return
        whole(thing, row, trail, walk)

    return check
