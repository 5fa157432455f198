"""The reference model's own rules, where no template speaks."""

import pytest

from moiety.openehr import rm
from moiety.openehr.canonical import decode, decode_composition
from moiety.openehr.validate import compile_template, validate_model
from tests.unit.openehr import documents
from tests.unit.openehr.documents import body, coded, simple, text


def broken(thing):
    return [(finding.path, finding.rule) for finding in validate_model(thing)]


def status(**changes):
    tree = documents.locatable(
        "EHR_STATUS",
        "Status",
        "openEHR-EHR-EHR_STATUS.generic.v1",
        subject={"_type": "PARTY_SELF"},
        is_queryable=True,
        is_modifiable=True,
    )
    return decode(
        body({k: v for k, v in {**tree, **changes}.items() if v is not None}), rm.EhrStatus
    )


def test_a_status_needs_its_subject_and_flags():
    """EHR_STATUS: subject, is_queryable and is_modifiable are mandatory."""
    assert [] == broken(status())
    missing = broken(status(subject=None, is_queryable=None))
    assert [("/subject", "required"), ("/is_queryable", "required")] == missing


def test_references_say_where_they_lead():
    """A reference needs id, namespace and type, and none of them empty."""
    ref = {
        "_type": "PARTY_REF",
        "namespace": "",
        "type": "PERSON",
        "id": {"_type": "HIER_OBJECT_ID"},
    }
    found = broken(status(subject={"_type": "PARTY_SELF", "external_ref": ref}))
    assert {
        ("/subject/external_ref/id/value", "required"),
        ("/subject/external_ref/namespace", "invariant"),
    } == set(found)


VALUES = {
    "a proportion by nought": (
        {"_type": "DV_PROPORTION", "numerator": 1, "denominator": 0, "type": 0},
        ["Valid_denominator"],
    ),
    "a percentage of fifty": (
        {"_type": "DV_PROPORTION", "numerator": 1, "denominator": 50, "type": 2},
        ["Percent_validity"],
    ),
    "a unitary proportion of two": (
        {"_type": "DV_PROPORTION", "numerator": 1, "denominator": 2, "type": 1},
        ["Unitary_validity"],
    ),
    "a fraction of a fraction": (
        {"_type": "DV_PROPORTION", "numerator": 1.5, "denominator": 2, "type": 3},
        ["Fraction_validity"],
    ),
    "an unknown kind of proportion": (
        {"_type": "DV_PROPORTION", "numerator": 1, "denominator": 2, "type": 898},
        ["Type_validity"],
    ),
    "an interval upside down": (
        {
            "_type": "DV_INTERVAL",
            "lower": {"_type": "DV_COUNT", "magnitude": 3},
            "upper": {"_type": "DV_COUNT", "magnitude": 2},
            "lower_unbounded": False,
            "upper_unbounded": False,
        },
        ["Limits_consistent"],
    ),
    "an interval of dates upside down": (
        {
            "_type": "DV_INTERVAL",
            "lower": simple("DV_DATE", "2024-02-01"),
            "upper": simple("DV_DATE", "2024-01"),
            "lower_unbounded": False,
            "upper_unbounded": False,
        },
        ["Limits_consistent"],
    ),
    "an interval of two classes": (
        {
            "_type": "DV_INTERVAL",
            "lower": {"_type": "DV_COUNT", "magnitude": 1},
            "upper": simple("DV_DATE", "2024-01"),
            "lower_unbounded": False,
            "upper_unbounded": False,
        },
        ["Limits_comparable"],
    ),
    "an unbounded bound": (
        {
            "_type": "DV_INTERVAL",
            "lower": {"_type": "DV_COUNT", "magnitude": 1},
            "lower_unbounded": True,
            "upper_unbounded": True,
        },
        ["Lower_unbounded_valid"],
    ),
    "an odd status of a magnitude": (
        {"_type": "DV_COUNT", "magnitude": 1, "magnitude_status": "!"},
        ["Magnitude_status_valid"],
    ),
    "an empty code": (coded("x", ""), ["Code_string_valid"]),
    "an odd mapping": (
        {
            **text("x"),
            "mappings": [
                {"_type": "TERM_MAPPING", "match": "!", "target": documents.phrase("a", "b")}
            ],
        },
        ["Match_valid"],
    ),
}


@pytest.mark.parametrize("case", VALUES, ids=lambda case: case.replace(" ", "_"))
def test_invariants_are_named_as_in_the_specification(case):
    """A value that breaks an invariant gives that invariant and nothing else."""
    value, rules = VALUES[case]
    element = decode(body(documents.element("at0001", "x", value)), rm.Element)
    found = validate_model(element)
    assert rules == [finding.expected.rpartition(" ")[2] for finding in found]
    assert {"invariant"} == {finding.rule for finding in found}


def test_rules_that_no_repository_holds_to_are_remarks():
    """Media that are nowhere, links that are no EHR URI: told to the strict, never refused."""
    tree = documents.problem_diagnosis()
    tree["links"] = [
        {
            "_type": "LINK",
            "meaning": text("x"),
            "type": text("y"),
            "target": simple("DV_EHR_URI", "http://x"),
        }
    ]
    compiled = compile_template(documents.template("problem_diagnosis"))
    checked = compiled.check(decode_composition(body(tree)), 1)
    assert [] == checked.findings
    assert ["DV_EHR_URI: Scheme_valid"] == [remark.expected for remark in checked.remarks]


def test_archetyped_content_of_a_feeder_audit_is_residue():
    """Where an audit holds structure of its own, rows do not tell of it."""
    tree = documents.problem_diagnosis()
    tree["feeder_audit"] = {
        "_type": "FEEDER_AUDIT",
        "originating_system_audit": {
            "_type": "FEEDER_AUDIT_DETAILS",
            "system_id": "elsewhere",
            "other_details": documents.tree("at0001", documents.element("at0002", "x", text("y"))),
        },
    }
    compiled = compile_template(documents.template("problem_diagnosis"))
    checked = compiled.check(decode_composition(body(tree)), 1)
    assert [] == checked.findings
    assert 4 == checked.residue & 4


def test_nesting_without_end_is_a_finding():
    """A document that decodes but is too deep to walk is told so, and nothing breaks."""
    folder = {"_type": "FOLDER", "name": text("x"), "archetype_node_id": "at0001"}
    deep = dict(folder)
    for _ in range(320):
        deep = {**folder, "folders": [deep]}
    found = validate_model(decode(body(deep), rm.Folder))
    assert [] == found or [True] == [finding.structural for finding in found]


def test_a_document_of_faults_alone_is_told_its_first_faults():
    """Findings end at a number, so that a hostile document costs little."""
    tree = documents.problem_diagnosis()
    stray = documents.element("at0099", "x", text("y"))
    tree["content"][0]["data"]["items"] += [stray] * 2000
    compiled = compile_template(documents.template("problem_diagnosis"))
    assert 500 == len(compiled.check(decode_composition(body(tree)), 1).findings)
