"""The quick looks: where one calls an object plainly content, the whole check finds nothing."""

from functools import cache
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moiety.openehr import model_checks, rm
from moiety.openehr.findings import Walk
from moiety.openehr.node_checks import compile_node
from moiety.openehr.opt import parse_opt
from moiety.openehr.plain_content import PLAIN, plain_node, plain_value
from moiety.openehr.rm_types import attribute_classes, is_many
from tests.unit.openehr import opt_builder as opt

TEXTS = ["", "x", "local", "LOINC", "ISO_639-1", "en", "at0001", "at0009", "kg", "mm[Hg]", "433"]
MOMENTS = ["2024-05-17T08:30:00Z", "2024-05", "2024-05-17T08", "2024-13-17T08:30:00Z"]
CODE = rm.CodePhrase(rm.TerminologyId("local"), "at0001")
NAME = rm.DvText("Name")
DETAILS = rm.Archetyped(rm.ArchetypeId("openEHR-EHR-CLUSTER.a.v1"), rm_version="1.1.0")


def samples():
    """A plain object of each class that has a quick look, and what others check of it."""
    nothing = frozenset()
    yield NAME, nothing
    yield CODE, nothing
    yield rm.DvCodedText("Code", defining_code=CODE), nothing
    yield rm.DvQuantity(magnitude=1.0, units="kg", precision=0), nothing
    yield DETAILS, nothing
    yield rm.PartySelf(), nothing
    value = rm.DvBoolean(value=True)
    element = rm.Element(name=NAME, archetype_node_id="at0001", value=value)
    yield element, frozenset({"archetype_node_id", "value"})
    cluster = rm.Cluster(name=NAME, archetype_node_id="a", archetype_details=DETAILS, items=[])
    yield cluster, frozenset({"archetype_node_id", "items"})
    tree = rm.ItemTree(name=NAME, archetype_node_id="at0001")
    yield tree, frozenset({"archetype_node_id", "items"})


def others(rm_class, name):
    """Values that an attribute may take: none, plain ones, objects empty and filled."""
    classes = attribute_classes(rm_class, name)
    found = [*TEXTS, *MOMENTS, 0, 1, -1, -2, 7.5, True]
    if classes:
        filled = [rm.DvText("x"), rm.DvCodedText("x"), rm.DvCodedText("x", defining_code=CODE)]
        filled += [rm.TerminologyId(text) for text in ("", "LOINC", "local", "ISO_639-1")]
        filled += [rm.CodePhrase(rm.TerminologyId("local"), code) for code in ("at0009", "")]
        filled += [
            rm.CodePhrase(rm.TerminologyId("LOINC"), "1-8"),
            CODE,
            DETAILS,
            rm.ArchetypeId(""),
        ]
        found = [each for each in filled if isinstance(each, classes)] + [one() for one in classes]
    hint = get_type_hints(rm_class)[name]
    plain = [each for each in found if classes or isinstance(each, get_args(hint))]
    many = classes and is_many(rm_class, name)
    return st.sampled_from([None, *([[each] for each in plain] if many else plain)])


def changed(sample, handled, data):
    """The sample with some attributes replaced."""
    found = type(sample)(**{name: getattr(sample, name) for name in sample.__struct_fields__})
    for _ in range(data.draw(st.integers(1, 2))):
        name = data.draw(st.sampled_from(sorted({*sample.__struct_fields__} - handled)))
        setattr(found, name, data.draw(others(type(sample), name)))
    return found


@pytest.mark.parametrize(
    ("sample", "handled"), list(samples()), ids=lambda part: type(part).__name__
)
@given(data=st.data())
def test_what_is_plain_has_no_findings_by_the_model(sample, handled, data):
    """Any one attribute changed: either the look says no, or there is nothing to find."""
    plain = plain_node(type(sample), handled) if handled else PLAIN[type(sample)]
    assert plain(sample)
    thing = changed(sample, handled, data)
    if plain(thing):
        walk = Walk()
        model_checks._whole_check(type(sample), handled)(thing, (None, "", thing), walk)
        assert ([], [], 0) == (walk.findings, walk.remarks, walk.residue)


VALUES = {
    "text": opt.node("DV_TEXT"),
    "coded": opt.node("DV_CODED_TEXT"),
    "listed": opt.coded("local", "at0001", "at0002"),
    "of a terminology": opt.coded("LOINC"),
    "of a code set": opt.coded("ISO_639-1"),
    "quantity": opt.quantity(("kg", (0, 5), (0, 1)), ("mm[Hg]", None, None)),
    "any quantity": opt.node("DV_QUANTITY"),
    "moment": opt.moment("DV_DATE_TIME", "yyyy-mm-ddTHH:MM:SS"),
    "any moment": opt.node("DV_DATE_TIME"),
}
PLAIN_VALUES = {
    "DV_TEXT": rm.DvText("x"),
    "DV_CODED_TEXT": rm.DvCodedText("x", defining_code=CODE),
    "DV_QUANTITY": rm.DvQuantity(magnitude=1.0, units="kg"),
    "DV_DATE_TIME": rm.DvDateTime(value="2024-05-17T08:30:00Z"),
}


@cache
def value_node(kind):
    """The template's node for a value of this kind, and all nodes."""
    tree = opt.node("ITEM_TREE", "at0001", opt.many("items", opt.leaf("at0002", VALUES[kind])))
    entry = opt.root("EVALUATION", "openEHR-EHR-EVALUATION.t.v1", opt.one("data", tree))
    whole = opt.template("t", "openEHR-EHR-COMPOSITION.t.v1", opt.many("content", entry))
    nodes = parse_opt(whole).nodes
    element = next(node for node in nodes if node.rm_type == "ELEMENT")
    return nodes[element.attributes[0].children[0]], nodes


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_what_is_plain_has_no_findings_by_the_template(kind, data):
    """Values of every kind that a template has a quick look for, any attributes changed."""
    node, nodes = value_node(kind)
    plain, check = plain_value(node, nodes), compile_node(node, nodes)
    value = changed(PLAIN_VALUES[node.rm_type], frozenset(), data)
    code = getattr(value, "defining_code", None)
    if code is not None and data.draw(st.booleans()):
        value.defining_code = changed(code, frozenset(), data)
    walk = Walk()
    if plain is not None and plain(value, walk):
        check(value, {}, (None, "", value), walk)
        assert ([], [], 0) == (walk.findings, walk.remarks, walk.residue)


def test_the_quick_looks_are_used():
    """Values with a list of codes, units, or a pattern each have one; code sets have none."""
    used = {kind for kind in VALUES if plain_value(*value_node(kind)) is not None}
    assert VALUES.keys() - {"of a code set"} == used


@cache
def element_node(kind):
    """The template's node for an element with a value of this kind, and all nodes."""
    _, nodes = value_node(kind)
    return next(node for node in nodes if node.rm_type == "ELEMENT"), nodes


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_a_quick_element_is_written_as_by_the_whole_check(kind, data):
    """Elements with any attributes changed: the same row, findings and residue, look or no look."""
    node, nodes = element_node(kind)
    value = PLAIN_VALUES[value_node(kind)[0].rm_type]
    if data.draw(st.booleans()):
        value = changed(value, frozenset(), data)
    element = rm.Element(name=NAME, archetype_node_id="at0002", value=value)
    if data.draw(st.booleans()):
        element = changed(element, frozenset({"archetype_node_id"}), data)
    trail, told = (None, "", element), []
    for check in (compile_node(node, nodes), compile_node(node, nodes, quick=False)):
        walk, row = Walk(), {}
        check(element, row, trail, walk)
        told.append((row, walk.findings, walk.remarks, walk.residue))
    assert told[0] == told[1]
