"""Operational templates in a few words: elements of OPT 1.4 from Python calls, for tests."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

NAMESPACE = "http://schemas.openehr.org/v1"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


def element(name, *children, xsi_type=None, **attributes):
    made = etree.Element(f"{{{NAMESPACE}}}{name}", nsmap={None: NAMESPACE, "xsi": XSI})
    if xsi_type:
        made.set(f"{{{XSI}}}type", xsi_type)
    for key, value in attributes.items():
        made.set(key, value)
    for child in children:
        if isinstance(child, str):
            made.text = child
        elif child is not None:
            made.append(child if child.getparent() is None else deepcopy(child))
    return made


def interval(name, lower=None, upper=None, *, lower_included=True, upper_included=True):
    def flag(value):
        return "true" if value else "false"

    return element(
        name,
        element("lower_included", flag(lower_included)) if lower is not None else None,
        element("upper_included", flag(upper_included)) if upper is not None else None,
        element("lower_unbounded", flag(lower is None)),
        element("upper_unbounded", flag(upper is None)),
        element("lower", str(lower)) if lower is not None else None,
        element("upper", str(upper)) if upper is not None else None,
    )


def _object(xsi_type, rm_type, node_id, occurrences, *children):
    return element(
        "children",
        element("rm_type_name", rm_type),
        interval("occurrences", *occurrences),
        element("node_id", node_id),
        *children,
        xsi_type=xsi_type,
    )


def node(rm_type, node_id="", *attributes, occurs=(1, 1)):
    """C_COMPLEX_OBJECT."""
    return _object("C_COMPLEX_OBJECT", rm_type, node_id, occurs, *attributes)


def root(rm_type, archetype_id, *attributes, occurs=(1, 1), terms=None):
    """C_ARCHETYPE_ROOT; `terms`: code → text, or (text, description)."""
    return _object(
        "C_ARCHETYPE_ROOT",
        rm_type,
        "at0000",
        occurs,
        *attributes,
        element("archetype_id", element("value", archetype_id)),
        *_terms(terms or {}),
    )


def _terms(terms):
    for code, said in terms.items():
        text, description = said if isinstance(said, tuple) else (said, said)
        yield element(
            "term_definitions",
            element("items", description, id="description"),
            element("items", text, id="text"),
            code=code,
        )


def one(name, *children, existence=(1, 1)):
    """C_SINGLE_ATTRIBUTE."""
    return element(
        "attributes",
        element("rm_attribute_name", name),
        interval("existence", *existence),
        *children,
        xsi_type="C_SINGLE_ATTRIBUTE",
    )


def many(name, *children, existence=(0, 1), cardinality=(0, None), ordered=False):
    """C_MULTIPLE_ATTRIBUTE."""
    return element(
        "attributes",
        element("rm_attribute_name", name),
        interval("existence", *existence),
        *children,
        element(
            "cardinality",
            element("is_ordered", "true" if ordered else "false"),
            element("is_unique", "false"),
            interval("interval", *cardinality),
        ),
        xsi_type="C_MULTIPLE_ATTRIBUTE",
    )


def leaf(node_id, *values, occurs=(0, 1)):
    """An ELEMENT whose value is one of `values` (none: any data value)."""
    attributes = [one("value", *values, existence=(0, 1))] if values else []
    return node("ELEMENT", node_id, *attributes, occurs=occurs)


def text():
    return node("DV_TEXT")


def plain(rm_type):
    return node(rm_type)


def codes(terminology, *code_list):
    """CODE_PHRASE of a terminology, restricted to the codes if any are given."""
    return _object(
        "C_CODE_PHRASE",
        "CODE_PHRASE",
        "",
        (1, 1),
        element("terminology_id", element("value", terminology)),
        *(element("code_list", code) for code in code_list),
    )


def coded(terminology, *code_list):
    return node("DV_CODED_TEXT", "", one("defining_code", codes(terminology, *code_list)))


def quantity(*items, dimension=None):
    """`items`: (units, (lower, upper) or None, (lower, upper) digits or None)."""
    return _object(
        "C_DV_QUANTITY",
        "DV_QUANTITY",
        "",
        (1, 1),
        element(
            "property",
            element("terminology_id", element("value", "openehr")),
            element("code_string", dimension),
        )
        if dimension
        else None,
        *(
            element(
                "list",
                interval("magnitude", *magnitude) if magnitude else None,
                interval("precision", *precision) if precision else None,
                element("units", units),
            )
            for units, magnitude, precision in items
        ),
    )


def ordinal(*items):
    """`items`: (value, code, label)."""
    return _object(
        "C_DV_ORDINAL",
        "DV_ORDINAL",
        "",
        (1, 1),
        *(
            element(
                "list",
                element("value", str(value)),
                element(
                    "symbol",
                    element("value", label),
                    element(
                        "defining_code",
                        element("terminology_id", element("value", "local")),
                        element("code_string", code),
                    ),
                ),
            )
            for value, code, label in items
        ),
    )


def primitive(rm_type, item_type, *children):
    return _object(
        "C_PRIMITIVE_OBJECT", rm_type, "", (1, 1), element("item", *children, xsi_type=item_type)
    )


def pattern(rm_type, item_type, shape):
    return primitive(rm_type, item_type, element("pattern", shape))


def strings(*values):
    return primitive("STRING", "C_STRING", *(element("list", value) for value in values))


def named(*values):
    """The attribute `name`, fixed to one of the texts."""
    return one("name", node("DV_TEXT", "", one("value", strings(*values))))


def moment(rm_type, shape):
    """DV_DATE, DV_TIME, DV_DATE_TIME or DV_DURATION with a pattern."""
    plain_type = rm_type.removeprefix("DV_")
    return node(rm_type, "", one("value", pattern(plain_type, f"C_{plain_type}", shape)))


def count(lower, upper):
    bounds = primitive("INTEGER", "C_INTEGER", interval("range", lower, upper))
    return node("DV_COUNT", "", one("magnitude", bounds))


def slot(rm_type, node_id, *includes, occurs=(0, None)):
    """ARCHETYPE_SLOT that takes the archetypes whose ids match."""
    return _object(
        "ARCHETYPE_SLOT",
        rm_type,
        node_id,
        occurs,
        *(
            element(
                "includes",
                element(
                    "expression",
                    element("type", "Boolean"),
                    element("operator", "2007"),
                    element("precedence_overridden", "false"),
                    element(
                        "left_operand",
                        element("type", "String"),
                        element("item", "archetype_id/value"),
                        element("reference_type", "attribute"),
                        xsi_type="EXPR_LEAF",
                    ),
                    element(
                        "right_operand",
                        element("type", "C_STRING"),
                        element("item", element("pattern", include), xsi_type="C_STRING"),
                        element("reference_type", "constraint"),
                        xsi_type="EXPR_LEAF",
                    ),
                    xsi_type="EXPR_BINARY_OPERATOR",
                ),
            )
            for include in includes
        ),
    )


def template(template_id, archetype_id, *attributes, category="433", concept=None, terms=None):
    """A whole OPT of a COMPOSITION, as bytes."""
    category_attribute = one("category", coded("openehr", category))
    definition = root("COMPOSITION", archetype_id, category_attribute, *attributes, terms=terms)
    definition.tag = f"{{{NAMESPACE}}}definition"
    definition.attrib.clear()
    whole = element(
        "template",
        element(
            "language",
            element("terminology_id", element("value", "ISO_639-1")),
            element("code_string", "en"),
        ),
        element("template_id", element("value", template_id)),
        element("concept", concept or template_id),
        definition,
    )
    etree.indent(whole)
    return etree.tostring(whole, xml_declaration=True, encoding="utf-8")
