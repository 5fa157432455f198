"""Findings: one fault at a time in a valid document, told by path and rule, all in one walk."""

import pytest

from moiety.openehr.canonical import decode_composition
from moiety.openehr.validate import compile_template
from tests.unit.openehr import documents
from tests.unit.openehr.documents import body, coded, element, quantity, simple, text

COMPILED = {name: compile_template(documents.template(name)) for name in documents.DOCUMENTS}


def check(name, tree):
    return COMPILED[name].check(decode_composition(body(tree)), 7)


@pytest.mark.parametrize("name", documents.DOCUMENTS)
def test_a_valid_document_has_no_findings(name):
    """What follows its template is let through without finding, remark or residue."""
    checked = check(name, documents.DOCUMENTS[name]())
    assert ([], [], 0) == (checked.findings, checked.remarks, checked.residue)


def at(tree, path):
    """The object at a path of keys and indexes: content.0.data."""
    for step in path.split("."):
        tree = tree[int(step)] if step.isdigit() else tree[step]
    return tree


BP = "content.0.data.events.0"
ITEMS = f"{BP}.data.items"
BP_PATH = (
    "/content[openEHR-EHR-OBSERVATION.moiety_blood_pressure.v1]/data[at0001]/events[at0002][1]"
)
EVENT = "/data[at0001]/events[at0002]"
ALERTNESS = f"/content[openEHR-EHR-OBSERVATION.moiety_alertness.v1]{EVENT}"
SATURATION = f"/content[openEHR-EHR-OBSERVATION.moiety_oxygen_saturation.v1]{EVENT}"
ITEM_PATH = f"{BP_PATH}/data[at0003]/items"

FAULTS = {
    "a number above the template's range": (
        lambda t: at(t, f"{ITEMS}.0.value").update(magnitude=1001),
        [(f"{ITEM_PATH}[at0004]/value/magnitude", "range")],
    ),
    "other units": (
        lambda t: at(t, f"{ITEMS}.0.value").update(units="kPa"),
        [(f"{ITEM_PATH}[at0004]/value/units", "units")],
    ),
    "too many digits": (
        lambda t: at(t, f"{ITEMS}.0.value").update(precision=2),
        [(f"{ITEM_PATH}[at0004]/value/precision", "precision")],
    ),
    "a data type that the template does not name": (
        lambda t: at(t, f"{ITEMS}.0").update(value=text("120")),
        [(f"{ITEM_PATH}[at0004]/value", "type")],
    ),
    "a mandatory element that is missing": (
        lambda t: at(t, ITEMS).pop(1),
        [(f"{BP_PATH}/data[at0003]/items", "occurrences")],
    ),
    "an element twice": (
        lambda t: at(t, ITEMS).append(element("at0005", "Diastolic", quantity(80, "mm[Hg]"))),
        [(f"{BP_PATH}/data[at0003]/items", "occurrences")],
    ),
    "a node id that is not in the template": (
        lambda t: at(t, f"{ITEMS}.1").update(archetype_node_id="at0099"),
        [
            (f"{ITEM_PATH}[at0099]", "template"),
            (f"{BP_PATH}/data[at0003]/items", "occurrences"),
        ],
    ),
    "an archetype that is not in the template": (
        lambda t: at(t, "content.1").update(archetype_node_id="openEHR-EHR-OBSERVATION.other.v1"),
        [("/content[openEHR-EHR-OBSERVATION.other.v1]", "template")],
    ),
    "a code that is not listed": (
        lambda t: at(t, f"{BP}.state.items.0").update(value=coded("Hanging", "at0099")),
        [(f"{BP_PATH}/state[at0020]/items[at0021]/value/defining_code/code_string", "code")],
    ),
    "a code of another terminology": (
        lambda t: at(t, f"{BP}.state.items.0").update(value=coded("Sitting", "at0023", "other")),
        [(f"{BP_PATH}/state[at0020]/items[at0021]/value/defining_code/terminology_id", "code")],
    ),
    "an ordinal with another's code": (
        lambda t: at(t, "content.4.data.events.0.data.items.0.value").update(value=1),
        [
            (
                f"{ALERTNESS}/data[at0003]/items[at0004]/value",
                "value",
            )
        ],
    ),
    "a proportion that breaks its kind": (
        lambda t: at(t, "content.3.data.events.0.data.items.0.value").update(denominator=50),
        [
            (
                f"{SATURATION}/data[at0003]/items[at0004]/value/denominator",
                "invariant",
            )
        ],
    ),
    "an integer out of range": (
        lambda t: at(t, "context.other_context.items.1.value").update(magnitude=21),
        [("/context/other_context[at0001]/items[at0003]/value/magnitude", "range")],
    ),
    "a mandatory attribute of the model": (
        lambda t: t.pop("composer"),
        [("/composer", "required")],
    ),
    "a mandatory attribute far below": (
        lambda t: at(t, f"{BP}").pop("time"),
        [(f"{BP_PATH}/time", "required")],
    ),
    "no content where the template demands some": (
        lambda t: t.update(content=[]),
        [("/content", "invariant")],
    ),
    "an element without value or reason": (
        lambda t: at(t, f"{ITEMS}.0").pop("value"),
        [(f"{ITEM_PATH}[at0004]/value", "invariant")],
    ),
    "a setting that the openEHR terminology does not have": (
        lambda t: at(t, "context").update(setting=coded("a tree", "999", "openehr")),
        [("/context/setting", "invariant")],
    ),
    "a class that may not stand there": (
        lambda t: at(t, BP).update(_type="INTERVAL_EVENT"),
        [(f"{BP_PATH}/width", "required"), (f"{BP_PATH}/math_function", "required")],
    ),
}


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case.replace(" ", "_"))
def test_a_fault_is_told_by_place_and_rule(case):
    """Each fault gives these findings and no other."""
    change, expected = FAULTS[case]
    tree = documents.vital_signs()
    change(tree)
    found = check("vital_signs", tree).findings
    assert expected == [(finding.path, finding.rule) for finding in found]
    assert not any(finding.structural for finding in found)


def test_all_findings_come_in_one_pass():
    """Two faults in two entries are told together."""
    tree = documents.vital_signs()
    at(tree, f"{ITEMS}.0.value").update(units="kPa")
    at(tree, "content.1.data.events.0.data.items.0.value").update(magnitude=500)
    assert ["units", "range"] == [found.rule for found in check("vital_signs", tree).findings]


def test_no_finding_repeats_a_value_of_the_record():
    """Neither path nor message holds what stood in the document."""
    tree = documents.vital_signs()
    secret = "Tuppence Beresford"
    at(tree, f"{ITEMS}.0").update(archetype_node_id=secret)
    at(tree, f"{BP}.state.items.0").update(value=coded(secret, secret))
    at(tree, f"{ITEMS}.1.value").update(units=secret)
    at(tree, BP)["time"]["value"] = secret
    told = check("vital_signs", tree).findings
    assert 4 < len(told)
    assert not [finding for finding in told if secret in repr(finding)]


def test_a_time_that_is_none_is_a_fault_of_structure():
    """A text that no parser of times takes makes the document malformed, not merely invalid."""
    tree = documents.vital_signs()
    at(tree, BP)["time"]["value"] = "2022-01-00T10:00:00"
    (finding,) = check("vital_signs", tree).findings
    assert ("value", True) == (finding.rule, finding.structural)


def test_the_root_must_be_of_the_template():
    """A composition of another archetype does not pass."""
    tree = documents.vital_signs()
    tree["archetype_node_id"] = "openEHR-EHR-COMPOSITION.moiety_problem_list.v1"
    assert ["/archetype_node_id"] == [f.path for f in check("vital_signs", tree).findings]


def test_a_null_flavour_stands_for_a_mandatory_value():
    """An element that says why it is empty needs no value."""
    tree = documents.vital_signs()
    systolic = at(tree, f"{ITEMS}.0")
    del systolic["value"]
    systolic["null_flavour"] = coded("unknown", "253", "openehr")
    assert [] == check("vital_signs", tree).findings


def test_a_slot_takes_what_it_names_and_nothing_else():
    """An open slot's content is admitted by its archetype id, and counts as residue."""
    tree = documents.vital_signs()
    device = documents.archetyped(
        "CLUSTER",
        "Device",
        "openEHR-EHR-CLUSTER.moiety_device-cuff.v2",
        items=[element("at0001", "Name", text("A cuff"))],
    )
    at(tree, "content.0.protocol.items").append(device)
    checked = check("vital_signs", tree)
    assert ([], 1) == (checked.findings, checked.residue)
    device["archetype_node_id"] = "openEHR-EHR-CLUSTER.moiety_person.v1"
    assert ["slot"] == [finding.rule for finding in check("vital_signs", tree).findings]


def test_content_that_the_template_does_not_mention_is_residue():
    """A pulse may have a protocol, of which the template says nothing: no row tells of it."""
    tree = documents.vital_signs()
    at(tree, "content.1")["protocol"] = documents.tree("at0090", element("at0091", "x", text("y")))
    checked = check("vital_signs", tree)
    assert ([], 2) == (checked.findings, checked.residue)


def test_alternatives_take_what_fits_any_of_them():
    """A coded text that is not on the list still is a text, where a text is an alternative."""
    tree = documents.vital_signs()
    at(tree, "content.0.protocol.items.0").update(value=coded("Neonatal", "x1", "LOINC"))
    assert [] == check("vital_signs", tree).findings


def test_siblings_of_one_archetype_are_told_apart_by_name():
    """A section whose name is none of the template's is a fault of its name."""
    tree = documents.discharge_letter()
    at(tree, "content.2.name").update(value="Prospects")
    found = [(finding.path, finding.rule) for finding in check("discharge_letter", tree).findings]
    section = "/content[openEHR-EHR-SECTION.moiety_letter_part.v1][2]"
    assert (f"{section}/name/value", "value") in found


def test_a_transition_must_lead_to_its_state():
    """The instruction state machine: cancel does not complete."""
    tree = documents.discharge_letter()
    at(tree, "content.1.items.1.ism_transition")["transition"] = coded("cancel", "166", "openehr")
    assert ["invariant"] == [found.rule for found in check("discharge_letter", tree).findings]


def test_a_careflow_step_belongs_to_its_state():
    """The alternatives of a transition are pairs: "Planned" does not go with completed."""
    tree = documents.discharge_letter()
    at(tree, "content.1.items.1.ism_transition")["careflow_step"] = coded("Planned", "at0010")
    assert ["code"] == [found.rule for found in check("discharge_letter", tree).findings]


@pytest.mark.parametrize(
    ("value", "rules", "remarks"),
    [
        ("2019", [], []),
        ("2019-04", [], []),
        ("2019-04-05", [], []),
        ("201904", [], []),
        ("2019-13", ["value"], []),
        ("April", ["value"], []),
    ],
)
def test_partial_dates_follow_their_pattern(value, rules, remarks):
    """yyyy-??-?? takes a year alone; no text that is no date passes."""
    tree = documents.problem_diagnosis()
    at(tree, "content.0.data.items.1").update(value=simple("DV_DATE", value))
    checked = check("problem_diagnosis", tree)
    assert rules == [finding.rule for finding in checked.findings]
    assert remarks == [finding.rule for finding in checked.remarks]


def test_a_partial_date_where_the_whole_is_demanded_is_a_fault():
    """yyyy-mm-dd does not take a month."""
    tree = documents.problem_diagnosis()
    resolved = element("at0008", "Resolved", simple("DV_DATE", "2020-01"))
    at(tree, "content.0.data.items").append(resolved)
    assert ["pattern"] == [found.rule for found in check("problem_diagnosis", tree).findings]


def test_a_duration_in_other_units_is_remarked_only():
    """Repositories in use accept weeks where years and months are asked for; so do we."""
    tree = documents.problem_diagnosis()
    at(tree, "content.0.data.items.2").update(value=simple("DV_DURATION", "P3W"))
    checked = check("problem_diagnosis", tree)
    assert ([], ["pattern"]) == (checked.findings, [found.rule for found in checked.remarks])


def test_more_repetitions_than_allowed_are_counted():
    """A cluster that may stand three times does not stand four times."""
    tree = documents.problem_diagnosis()
    items = at(tree, "content.0.data.items")
    items += [items[-1], items[-1]]
    (finding,) = check("problem_diagnosis", tree).findings
    assert ("occurrences", "CLUSTER[at0009] 0..3", "4 nodes") == (
        finding.rule,
        finding.expected,
        finding.found,
    )
