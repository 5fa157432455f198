"""Operational templates: every construct of the schema is read, or refused by name and place."""

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moiety.openehr.canonical import decode_composition
from moiety.openehr.constraints import (
    BooleanConstraint,
    CodePhraseConstraint,
    DurationConstraint,
    Interval,
    NumberConstraint,
    OrdinalConstraint,
    QuantityConstraint,
    Slot,
    StateConstraint,
    StringConstraint,
    TemporalConstraint,
)
from moiety.openehr.errors import TemplateError
from moiety.openehr.opt import parse_opt
from moiety.openehr.validate import compile_template
from tests.unit.openehr import documents
from tests.unit.openehr import opt_builder as opt

COMPOSITION = "openEHR-EHR-COMPOSITION.test.v1"
EVALUATION = "openEHR-EHR-EVALUATION.test.v1"


def build(*items, terms=None, **options):
    """A template of one evaluation with these items in its tree."""
    tree = opt.node("ITEM_TREE", "at0001", opt.many("items", *items))
    entry = opt.root("EVALUATION", EVALUATION, opt.one("data", tree), occurs=(0, 1), terms=terms)
    return opt.template("test.v1", COMPOSITION, opt.many("content", entry), **options)


def document(*items):
    entry = documents.entry("EVALUATION", "Test", EVALUATION, data=documents.tree("at0001", *items))
    return decode_composition(documents.body(documents.composition("test.v1", "test", entry)))


def rules(xml, *items):
    """The rules that a document with these items breaks."""
    checked = compile_template(parse_opt(xml)).check(document(*items), 1)
    return [finding.rule for finding in checked.findings]


def constraint(*values):
    """The one leaf constraint of an element with these values."""
    template = parse_opt(build(opt.leaf("at0002", *values)))
    return [node.constraint for node in template.nodes if node.constraint is not None][1:]


def bounds(name, lower, upper, **included):
    return opt.interval(name, lower, upper, **included)


# --- what is read


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            opt.quantity(("mm", (0, 9.5), (0, 2)), ("cm", None, None), dimension="122"),
            QuantityConstraint("122", "mm cm"),
        ),
        (opt.coded("local", "at0003"), CodePhraseConstraint("local", ("at0003",))),
        (opt.count(1, 5), NumberConstraint("integer", frozenset(), Interval(1, 5))),
        (
            opt.moment("DV_DATE", "yyyy-mm-??"),
            TemporalConstraint("date", "yyyy-mm-??", None, None),
        ),
        (opt.moment("DV_DURATION", "PD"), DurationConstraint("PD", None)),
        (
            opt.node(
                "DV_BOOLEAN",
                "",
                opt.one(
                    "value",
                    opt.primitive(
                        "BOOLEAN",
                        "C_BOOLEAN",
                        opt.element("true_valid", "true"),
                        opt.element("false_valid", "false"),
                    ),
                ),
            ),
            BooleanConstraint(true_valid=True, false_valid=False),
        ),
        (
            opt.node("DV_TEXT", "", opt.one("value", opt.strings("a", "b"))),
            StringConstraint(None, ("a", "b"), open=False),
        ),
        (
            opt.node(
                "DV_TIME",
                "",
                opt.one(
                    "value",
                    opt.primitive(
                        "TIME",
                        "C_TIME",
                        opt.element("timezone_validity", "1001"),
                        bounds("range", "08:00", "20:00"),
                    ),
                ),
            ),
            TemporalConstraint("time", None, zone=True, range=Interval(28_800, 72_000)),
        ),
    ],
)
def test_leaf_constraints_are_read(value, expected):
    """Each constraint of the schema becomes its class, bounds and all."""
    (found,) = constraint(value)
    if isinstance(found, QuantityConstraint):
        assert expected.property_code == found.property_code
        assert expected.items.split() == [item.units for item in found.items]
        assert (Interval(0, 9.5), Interval(0, 2)) == (
            found.items[0].magnitude,
            found.items[0].precision,
        )
    else:
        assert expected == found


def test_ordinals_take_their_labels_from_the_terms():
    """A symbol without a text of its own is labelled by the archetype's term."""
    level = opt.ordinal((1, "at0010", ""), (2, "at0011", "Own"))
    template = parse_opt(build(opt.leaf("at0002", level), terms={"at0010": "Low"}))
    (found,) = [n.constraint for n in template.nodes if isinstance(n.constraint, OrdinalConstraint)]
    assert ["Low", "Own"] == [item.label for item in found.items]


def test_states_and_value_sets_elsewhere_are_read():
    """C_DV_STATE, C_CODE_REFERENCE and CONSTRAINT_REF."""
    state = opt._object(
        "C_DV_STATE",
        "DV_STATE",
        "",
        (1, 1),
        opt.element(
            "value",
            opt.element("states", opt.element("name", "open"), xsi_type="TERMINAL_STATE"),
        ),
    )
    (found,) = constraint(state)
    assert StateConstraint(frozenset({"open"})) == found
    reference = opt._object(
        "CONSTRAINT_REF", "CODE_PHRASE", "", (1, 1), opt.element("reference", "ac0001")
    )
    (found,) = constraint(opt.node("DV_CODED_TEXT", "", opt.one("defining_code", reference)))
    assert "ac0001" == found.reference


def test_a_slot_reads_its_assertions():
    """A slot admits what an include matches, whole."""
    template = parse_opt(build(opt.slot("CLUSTER", "at0002", r"openEHR-EHR-CLUSTER\.a(-\w+)*\.v1")))
    (found,) = [n.constraint for n in template.nodes if isinstance(n.constraint, Slot)]
    assert found.admits("openEHR-EHR-CLUSTER.a-b.v1")
    assert not found.admits("openEHR-EHR-CLUSTER.a-b.v10")


def test_an_internal_reference_repeats_its_target():
    """ARCHETYPE_INTERNAL_REF: the same constraints in another place of the archetype."""
    reference = opt._object(
        "ARCHETYPE_INTERNAL_REF",
        "ELEMENT",
        "at0009",
        (0, 1),
        opt.element("target_path", "/data[at0001]/items[at0002]"),
    )
    xml = build(opt.leaf("at0002", opt.count(1, 5)), reference)
    eight = {"_type": "DV_COUNT", "magnitude": 8}
    assert ["range"] == rules(xml, documents.element("at0009", "Again", eight))


def test_an_offset_is_checked_against_the_origin():
    """EVENT.offset is a function of time and origin: archetypes constrain it all the same."""
    duration = opt.primitive("DURATION", "C_DURATION", bounds("range", "PT5M", "PT5M"))
    event = opt.node(
        "POINT_EVENT",
        "at0002",
        opt.one("offset", opt.node("DV_DURATION", "", opt.one("value", duration))),
        opt.one("data", opt.node("ITEM_TREE", "at0003")),
    )
    history = opt.node("HISTORY", "at0001", opt.many("events", event))
    archetype = "openEHR-EHR-OBSERVATION.test.v1"
    xml = opt.template(
        "test.v1",
        COMPOSITION,
        opt.many("content", opt.root("OBSERVATION", archetype, opt.one("data", history))),
    )
    compiled = compile_template(parse_opt(xml))
    for minutes, expected in ((35, []), (36, ["range"])):
        point = documents.point(time=f"2024-05-17T08:{minutes}:00+01:00")
        entry = documents.observation("Test", "test", point)
        sent = documents.body(documents.composition("test.v1", "test", entry))
        found = compiled.check(decode_composition(sent), 1).findings
        assert expected == [finding.rule for finding in found]


@pytest.mark.parametrize(
    ("value", "broken"),
    [("2024-05-17T08:00:00Z", []), ("2024-05-17T08:00:00", ["pattern"])],
)
def test_a_time_zone_may_be_demanded(value, broken):
    """timezone_validity 1001 is mandatory."""
    item = opt.primitive("DATE_TIME", "C_DATE_TIME", opt.element("timezone_validity", "1001"))
    xml = build(opt.leaf("at0002", opt.node("DV_DATE_TIME", "", opt.one("value", item))))
    assert broken == rules(
        xml, documents.element("at0002", "x", documents.simple("DV_DATE_TIME", value))
    )


def test_intervals_hold_values_of_their_parameter():
    """DV_INTERVAL<DV_COUNT> does not hold quantities."""
    xml = build(opt.leaf("at0002", opt.node("DV_INTERVAL<DV_COUNT>")))
    interval = {
        "_type": "DV_INTERVAL",
        "lower": documents.quantity(1, "mm"),
        "lower_unbounded": False,
        "upper_unbounded": True,
    }
    assert ["type"] == rules(xml, documents.element("at0002", "x", interval))


def test_a_prohibited_node_may_not_stand():
    """Occurrences 0..0 take a node out of the template."""
    xml = build(opt.leaf("at0002", opt.text(), occurs=(0, 0)))
    assert ["occurrences"] == rules(xml, documents.element("at0002", "x", documents.text("y")))


def test_names_of_siblings_become_part_of_their_paths():
    """Nodes of one id are told apart by name, in the path as in the data."""
    items = [
        opt.node("ELEMENT", "at0002", opt.named(name), opt.one("value", value), occurs=(0, 1))
        for name, value in (("Left", opt.count(0, 5)), ("Right", opt.count(0, 9)))
    ]
    xml = build(*items)
    paths = [node.path for node in parse_opt(xml).nodes if node.rm_type == "ELEMENT"]
    assert ["items[at0002, 'Left']", "items[at0002, 'Right']"] == [p.split("/")[-1] for p in paths]
    seven = {"_type": "DV_COUNT", "magnitude": 7}
    assert [] == rules(xml, documents.element("at0002", "Right", seven))
    assert ["range"] == rules(xml, documents.element("at0002", "Left", seven))


def test_nodes_are_numbered_in_pre_order():
    """A node contains another iff its number is lower and its last at least the other's."""
    for name in documents.DOCUMENTS:
        nodes = documents.template(name).nodes
        for node in nodes[1:]:
            above, parents = node.parent, set()
            while above >= 0:
                parents.add(above)
                above = nodes[above].parent
            containing = {n.number for n in nodes if n.number < node.number <= n.last}
            assert parents == containing


def test_groups_are_what_may_repeat():
    """Composition, roots, sections, entries, events, activities and repeating nodes have rows."""
    archetype = "openEHR-EHR-EVALUATION.moiety_problem_diagnosis.v1"
    assert [
        "openEHR-EHR-COMPOSITION.moiety_problem_list.v1",
        archetype,
        f"{archetype}/data[at0001]/items[at0009]",
    ] == list(documents.template("problem_diagnosis").groups)


def test_nodes_of_one_archetype_share_a_group():
    """Two sections of one archetype are two nodes with rows in one table."""
    nodes = documents.template("discharge_letter").nodes
    shared = [n for n in nodes if n.node_id == "openEHR-EHR-SECTION.moiety_letter_part.v1"]
    assert 2 == len(shared)
    assert 1 == len({node.group for node in shared})


# --- what is refused


def replaced(old, new, count=1):
    """The template of vital signs with a piece of its text changed."""
    xml = (documents.TEMPLATES / "vital_signs.opt").read_text()
    assert old in xml
    return xml.replace(old, new, count).encode()


@pytest.mark.parametrize(
    ("xml", "construct", "place"),
    [
        (b"", "template", "file"),
        (b"   \n", "template", "file"),
        (b"<template", "XML", "file"),
        (b"no XML", "XML", "file"),
        (b"<template/>", "template", "file"),
        (b'<archetype xmlns="http://schemas.openehr.org/v1"/>', "archetype", "file"),
        (b'<template xmlns="http://schemas.openehr.org/v1"/>', "language", "template"),
        (replaced("<concept>Vital signs</concept>", ""), "concept", "template"),
        (replaced("<concept>Vital signs</concept>", "<concept/>"), "concept", "template"),
        (replaced("<concept>", "<concept>x</concept><concept>"), "concept", "template"),
        (replaced("<concept>", "<bullfrog/><concept>"), "bullfrog", "template"),
        (replaced("<value>moiety_vital_signs.v1</value>", ""), "value", "template/template_id"),
        (
            replaced("<value>moiety_vital_signs.v1</value>", "<value/>"),
            "value",
            "template/template_id",
        ),
        (replaced("C_DV_ORDINAL", "C_DV_MOOD"), "C_DV_MOOD", None),
        (replaced("C_SINGLE_ATTRIBUTE", "C_ODD_ATTRIBUTE"), "C_ODD_ATTRIBUTE", None),
        (replaced("C_INTEGER", "C_NUMBER"), "C_NUMBER", None),
        (replaced(">HISTORY<", ">STORY<"), "STORY", None),
        (replaced(">COMPOSITION<", ">OBSERVATION<"), "category", None),
        (replaced(">events<", ">happenings<"), "happenings", None),
        (replaced(">2007<", ">2012<"), "operator", None),
        (replaced("<upper>1000</upper>", "<upper>many</upper>"), "upper", None),
        (replaced("<upper>1000</upper>", "<upper>-3</upper>"), "upper", None),
        (replaced("<lower_unbounded>false", "<lower_unbounded>no"), "lower_unbounded", None),
        (replaced(r"(-[a-z]+)*\.v[0-9]+", "("), "pattern", None),
        (replaced("<rm_attribute_name>category", "<rm_attribute_name>content"), "content", None),
    ],
)
def test_broken_templates_are_refused_by_name_and_place(xml, construct, place):
    """The error names the element or type at fault, and the way to it."""
    with pytest.raises(TemplateError) as caught:
        parse_opt(xml)
    assert construct == caught.value.construct
    assert place in {None, caught.value.place}


def test_the_place_leads_to_the_fault():
    """A fault far below is told with the attributes on the way."""
    with pytest.raises(TemplateError) as caught:
        parse_opt(replaced("C_DV_ORDINAL", "C_DV_MOOD"))
    assert caught.value.place.startswith("template/definition/attributes[content]/")
    assert caught.value.place.endswith("/attributes[value]/DV_ORDINAL")


def test_entities_and_document_types_have_no_place():
    """A billion laughs, an outside entity: refused, nothing read, nothing expanded."""
    for declared in (
        '<!DOCTYPE t [<!ENTITY a "x">]>',
        '<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE t SYSTEM "http://127.0.0.1/x.dtd">',
    ):
        xml = replaced("<template ", f"{declared}<template ")
        with pytest.raises(TemplateError):
            parse_opt(xml)


def test_deep_nesting_is_refused():
    """A template nested a thousand deep is no template."""
    node = opt.node("CLUSTER", "at0002")
    for _ in range(300):
        node = opt.node("CLUSTER", "at0002", opt.many("items", node))
    xml = build(node)
    with pytest.raises(TemplateError):
        parse_opt(xml)


def test_a_reference_to_itself_is_refused():
    """An internal reference that contains itself would never end."""
    reference = opt._object(
        "ARCHETYPE_INTERNAL_REF",
        "ITEM_TREE",
        "",
        (0, 1),
        opt.element("target_path", "/data[at0001]"),
    )
    with pytest.raises(TemplateError):
        parse_opt(build(opt.node("CLUSTER", "at0002", opt.many("items", reference))))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_bytes_crash_the_parser(data):
    """A template with pieces cut out or changed is read or refused, nothing else."""
    xml = bytearray((documents.TEMPLATES / "problem_diagnosis.opt").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(xml) - 1))
        if data.draw(st.booleans()):
            del xml[place : place + data.draw(st.integers(1, 200))]
        else:
            xml[place : place + 1] = data.draw(
                st.sampled_from((b"<", b">", b"x", b"&a;", b"\xff", b""))
            )
    with suppress(TemplateError):
        compile_template(parse_opt(bytes(xml)))


def test_a_recommended_slot_takes_what_no_exclude_names():
    """An include of anything leaves what the excludes do not name."""
    slot = Slot((re.compile(".*"),), (re.compile("openEHR-EHR-CLUSTER.bad.v1"),))
    assert slot.admits("openEHR-EHR-CLUSTER.good.v1")
    assert not slot.admits("openEHR-EHR-CLUSTER.bad.v1")


def test_siblings_named_by_code_are_told_apart_in_any_language():
    """A document in another language has other texts for the names, and the same codes."""
    terms = {"at0005": "Weight", "at0006": "Remark"}
    values = {"at0005": opt.node("DV_COUNT"), "at0006": opt.node("DV_TEXT")}
    rivals = [
        opt.node(
            "ELEMENT",
            "at0002",
            opt.one("name", opt.coded("local", code)),
            opt.one("value", value),
            occurs=(0, 1),
        )
        for code, value in values.items()
    ]
    weight = documents.element("at0002", "", {"_type": "DV_COUNT", "magnitude": 70})
    remark = documents.element("at0002", "", documents.text("nüchtern"))
    weight["name"], remark["name"] = (
        documents.coded("Gewicht", "at0005"),
        documents.coded("Bemerkung", "at0006"),
    )
    assert [] == rules(build(*rivals, terms=terms), remark, weight)
    assert ["occurrences"] == rules(build(*rivals, terms=terms), weight, weight)


@pytest.mark.parametrize(
    ("label", "findings", "remarks"),
    [("low", ["label"], []), ("", [], ["label"]), (None, ["label"], [])],
)
def test_the_text_of_an_ordinal_is_bound_unless_left_empty(label, findings, remarks):
    """By the constraint, or by the term of its code; an empty text leaves it to the document."""
    ordinal = opt.ordinal((1, "at0010", label or ""))
    if label is None:
        symbol = next(ordinal.iter("{*}symbol"))
        symbol.remove(symbol[0])
    xml = build(opt.leaf("at0002", ordinal), terms={"at0010": "low"})
    value = {"_type": "DV_ORDINAL", "value": 1, "symbol": documents.coded("lowish", "at0010")}
    checked = compile_template(parse_opt(xml)).check(
        document(documents.element("at0002", "x", value)), 1
    )
    assert findings == [finding.rule for finding in checked.findings]
    assert remarks == [remark.rule for remark in checked.remarks]
