"""What is plainly content: predicates for the objects that documents are full of.

A predicate that answers true says that the whole check of the object, and of all below it, would
note nothing and write no residue; false says nothing, and the whole check decides. They are an
order of magnitude cheaper, and most of a document never needs more.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeAlias

from moiety.openehr import rm
from moiety.openehr.code_sets import CODE_SETS, is_known
from moiety.openehr.constraints import CodePhraseConstraint, QuantityConstraint, TemporalConstraint
from moiety.openehr.findings import Walk
from moiety.openehr.rm_types import attribute_classes
from moiety.openehr.template import TemplateNode
from moiety.openehr.value_checks import Test, compile_constraint

Plain: TypeAlias = Callable[[Any], object]
PlainValue: TypeAlias = Callable[[Any, Walk], object]


def all_but(rm_class: type[rm.Any], *taken: str) -> tuple[Callable[[Any], Any], tuple[None, ...]]:
    """Reads every attribute but those taken, and what it reads where all are absent."""
    names = [name for name in rm_class.__struct_fields__ if name not in taken]
    return attrgetter(*names), (None,) * len(names)


text_beside, NO_TEXT_BESIDE = all_but(rm.DvText, "value", "formatting")
_quantity_beside, _NO_QUANTITY_BESIDE = all_but(
    rm.DvQuantity, "magnitude", "units", "precision", "units_system", "units_display_name"
)
_moment_beside, _NO_MOMENT_BESIDE = all_but(rm.DvDateTime, "value")


# --- by the model alone


def _text(text: rm.DvText) -> bool:
    return text.value is not None and text_beside(text) == NO_TEXT_BESIDE


def _code(code: rm.CodePhrase) -> object:
    terminology = code.terminology_id
    if not code.code_string or terminology is None or not terminology.value:
        return False
    return terminology.value not in CODE_SETS or is_known(terminology.value, code.code_string)


def _coded_text(text: rm.DvCodedText) -> object:
    return _text(text) and text.defining_code is not None and _code(text.defining_code)


def _quantity(quantity: rm.DvQuantity) -> bool:
    if quantity.magnitude is None or quantity.units is None:
        return False
    digits = quantity.precision
    return (digits is None or digits >= -1) and _quantity_beside(quantity) == _NO_QUANTITY_BESIDE


def _archetyped(details: rm.Archetyped) -> object:
    archetype_id, template_id = details.archetype_id, details.template_id
    return (
        details.rm_version is not None
        and archetype_id is not None
        and archetype_id.value
        and (template_id is None or template_id.value)
    )


def _self(party: rm.PartySelf) -> bool:
    return party.external_ref is None


PLAIN: dict[type[rm.Any], Plain] = {
    rm.DvText: _text,
    rm.DvCodedText: _coded_text,
    rm.CodePhrase: _code,
    rm.DvQuantity: _quantity,
    rm.Archetyped: _archetyped,
    rm.PartySelf: _self,
}
"""Class → whether an object of it is plainly content, by the model alone."""


def plain_node(rm_class: type[rm.Any], handled: frozenset[str]) -> Plain | None:
    """For an archetyped node whose attributes in `handled` somebody else looks at: whether the
    rest is a plain name, plain archetype details, and nothing more. None where no such look helps.
    """
    certain = {
        name
        for name in rm.required_of(rm_class)
        if name not in handled and attribute_classes(rm_class, name)
    }
    known = issubclass(rm_class, rm.Locatable) and "archetype_node_id" in handled
    if not known or certain != {"name"} or set(rm.required_of(rm_class)) - handled != {"name"}:
        return None
    beside, nothing = all_but(rm_class, "name", "archetype_details", *handled)
    is_element = issubclass(rm_class, rm.Element)

    def plain(node: Any) -> object:
        name, details = node.name, node.archetype_details
        return (
            name.__class__ is rm.DvText
            and _text(name)
            and beside(node) == nothing
            and (details is None or _archetyped(details))
            and (not is_element or node.value is not None)
        )

    return plain


# --- by a template's node


def plain_value(node: TemplateNode, nodes: tuple[TemplateNode, ...]) -> PlainValue | None:
    """Whether a data value is plainly content by a template's node and the model; None where no
    such look helps. The value is of the node's very class.
    """
    if node.rm_type == "DV_TEXT" and not node.attributes:
        return lambda text, _: _text(text)
    if node.rm_type == "DV_CODED_TEXT":
        return _plain_coded(node, nodes)
    if node.rm_type == "DV_QUANTITY" and not node.attributes:
        return _plain_quantity(node)
    if node.rm_type == "DV_DATE_TIME":
        return _plain_moment(node, nodes)
    return None


def _only_child(
    node: TemplateNode, nodes: tuple[TemplateNode, ...], name: str
) -> TemplateNode | None:
    """What a template says of one attribute, if it says it in one way and nothing else."""
    if len(node.attributes) != 1 or node.constraint is not None:
        return None
    attribute = node.attributes[0]
    if attribute.name != name or len(attribute.children) != 1 or attribute.maximum == 0:
        return None
    child = nodes[attribute.children[0]]
    return None if child.attributes else child


def _plain_coded(node: TemplateNode, nodes: tuple[TemplateNode, ...]) -> PlainValue | None:
    if not node.attributes and node.constraint is None:
        return lambda text, _: _coded_text(text)
    child = _only_child(node, nodes, "defining_code")
    if child is None or not isinstance(child.constraint, CodePhraseConstraint):
        return None
    constraint = child.constraint
    if constraint.reference is not None or constraint.terminology is None:
        return None
    terminology = constraint.terminology
    codes = frozenset(constraint.codes)
    if "(" in terminology or terminology in CODE_SETS:
        return None

    def plain(text: rm.DvCodedText, _: Walk) -> object:
        code = text.defining_code
        return (
            code is not None
            and code.terminology_id is not None
            and code.terminology_id.value == terminology
            and (code.code_string in codes if codes else code.code_string)
            and _text(text)
        )

    return plain


def _plain_quantity(node: TemplateNode) -> PlainValue | None:
    if node.constraint is None:
        return lambda quantity, _: _quantity(quantity)
    if not isinstance(node.constraint, QuantityConstraint):
        return None
    test = compile_constraint(node.constraint)
    return lambda quantity, _: _quantity(quantity) and test(quantity) is None


def _plain_moment(node: TemplateNode, nodes: tuple[TemplateNode, ...]) -> PlainValue | None:
    test: Test | None = None
    if node.attributes:
        child = _only_child(node, nodes, "value")
        if child is None or not isinstance(child.constraint, TemporalConstraint):
            return None
        test = compile_constraint(child.constraint)
    elif node.constraint is not None:
        return None

    def plain(moment: rm.DvDateTime, walk: Walk) -> bool:
        return (
            walk.seconds(moment) is not None
            and _moment_beside(moment) == _NO_MOMENT_BESIDE
            and (test is None or test(moment.value) is None)
        )

    return plain
