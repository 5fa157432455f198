"""Paths in a template lead to the columns that rows fill."""

import re

import pytest

from moiety.openehr.locate import locate
from moiety.openehr.template import Step
from tests.unit.openehr import documents

TEMPLATES = {name: documents.template(name) for name in documents.DOCUMENTS}
SEGMENT = re.compile(r"(\w+)(?:\[([^,\]]+)(?:, '(.*)')?\])?")


def steps(path):
    return tuple(Step(*SEGMENT.fullmatch(part).groups()) for part in path.split("/") if part)


def find(name, path, *, start="COMPOSITION"):
    template = TEMPLATES[name]
    node = next(n for n in template.nodes if n.rm_type == start)
    return locate(template, node, steps(path))


def told(found):
    """The node ids of each way's chain, and its columns as path and kind."""
    return [
        (
            [node.node_id.split(".")[-2] if node.is_root else node.node_id for node in way.chain],
            [(column.path, column.kind) for column in way.columns],
        )
        for way in found
    ]


EVENTS = "content[openEHR-EHR-OBSERVATION.moiety_blood_pressure.v1]/data[at0001]/events[at0002]"


def test_a_path_passes_the_groups_on_its_way():
    """From the composition through entry and event to the column of the event's row."""
    found = find("vital_signs", f"{EVENTS}/data[at0003]/items[at0004]/value/magnitude")
    column = ("data[at0003]/items[at0004]/value/magnitude", "real")
    assert [(["moiety_blood_pressure", "at0002"], [column])] == told(found)


def test_times_have_a_text_and_an_instant():
    """The end of a path to a time is two columns."""
    (way,) = find("vital_signs", "context/start_time/value")
    assert ["text", "instant"] == [column.kind for column in way.columns]
    assert () == way.chain


def test_a_path_without_predicates_goes_every_way():
    """content/name/value is the name of any entry."""
    assert 5 == len(find("vital_signs", "content/name/value"))


def test_alternatives_have_a_column_a_kind():
    """A result may be a quantity or a count: magnitude has two columns."""
    path = "items[at0002]/value/magnitude"
    (way,) = find("laboratory_result", path, start="CLUSTER")
    assert {("value/magnitude", "real"), ("value/magnitude", "integer")} == set(told([way])[0][1])
    assert ["at0002"] == told([way])[0][0]


@pytest.mark.parametrize(
    "path",
    [
        "content[openEHR-EHR-OBSERVATION.other.v1]/name/value",
        f"{EVENTS}/data[at0003]/items[at0099]/value/value",
        f"{EVENTS}/data[at0003]/items[at0004]/value/value",
        "content[openEHR-EHR-OBSERVATION.moiety_pulse.v1]/protocol/items/value/value",
        "content[openEHR-EHR-SECTION.moiety_letter_part.v1, 'Prospects']/name/value",
    ],
)
def test_a_path_that_the_template_has_no_place_for_is_empty(path):
    """No document without residue has anything there."""
    assert () == find("vital_signs", path)


@pytest.mark.parametrize(
    "path",
    [
        "links/target/value",
        "context/participations/performer/name",
        "context/location",
        "feeder_audit/originating_system_audit/system_id",
        "content/other_participations/function/value",
        f"{EVENTS}/data[at0003]/items[at0004]/value",
        f"{EVENTS}/data[at0003]/items[at0004]/value/normal_range/lower/magnitude",
        f"{EVENTS}/data[at0003]/name/value",
        "composer",
    ],
)
def test_what_rows_do_not_hold_is_left_to_the_documents(path):
    """Links, participations, whole objects: no column answers."""
    assert find("vital_signs", path) is None


def test_a_name_predicate_picks_the_sibling():
    """Where the template fixes names, the predicate decides without a row."""
    path = "content[openEHR-EHR-SECTION.moiety_letter_part.v1, 'Plan']/items/name/value"
    found = find("discharge_letter", path)
    assert {"Plan"} == {way.chain[0].name for way in found}
    assert all(way.names == () for way in found)


def test_a_name_predicate_elsewhere_asks_a_column():
    """Where names are free, the predicate becomes a comparison with the name's column."""
    (way,) = find("vital_signs", f"{EVENTS.removesuffix(']')}, 'At rest']/time/value")
    ((entered, column, name),) = way.names
    assert (2, "name/value", "At rest") == (entered, column.path, name)


def test_constants_of_the_template_need_no_column():
    """archetype_node_id and the template's id are known beforehand."""
    (way,) = find("vital_signs", "archetype_details/template_id/value")
    assert "moiety_vital_signs.v1" == way.constant
    (way,) = find("vital_signs", f"{EVENTS}/archetype_node_id")
    assert "at0002" == way.constant


def test_a_path_to_a_node_tells_how_to_see_that_it_is_there():
    """A single element has no row; its name's column is filled iff it exists."""
    (way,) = find("vital_signs", f"{EVENTS}/data[at0003]/items[at0005]")
    assert ((), "data[at0003]/items[at0005]/name/value") == (way.columns, way.presence.path)
    (way,) = find("vital_signs", EVENTS)
    assert way.presence is None


def test_groups_are_what_may_repeat():
    """Composition, roots, sections, entries, events, activities and repeating nodes have rows."""
    keys = TEMPLATES["problem_diagnosis"].groups
    archetype = "openEHR-EHR-EVALUATION.moiety_problem_diagnosis.v1"
    assert [
        "openEHR-EHR-COMPOSITION.moiety_problem_list.v1",
        archetype,
        f"{archetype}/data[at0001]/items[at0009]",
    ] == list(keys)
    letter = TEMPLATES["discharge_letter"]
    shared = [n for n in letter.nodes if n.node_id == "openEHR-EHR-SECTION.moiety_letter_part.v1"]
    assert 2 == len(shared)
    assert 1 == len({node.group for node in shared})
