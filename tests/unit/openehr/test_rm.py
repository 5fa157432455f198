"""The structs against the specification's own formal model (BMM), where it is at hand."""

import re
from functools import cache
from pathlib import Path

import pytest

from moiety.openehr import rm
from moiety.openehr.rm_types import ABSTRACT, attribute_classes, conforming

BMM = Path(__file__).parents[3].parent / "shared/data/spec/its-bmm/components"
FILES = [
    *(BMM / "RM/Release-1.1.0").glob("openehr_rm_*_110.bmm"),
    BMM / "BASE/Release-1.2.0/openehr_base_base_types_120.bmm",
]
OMITTED = {  # in the formal model, not in canonical JSON or not stored
    ("EVENT", "offset"),
    ("DV_PROPORTION", "is_integral"),
    ("ORIGINAL_VERSION", "data"),
}
ADDED = {  # narrowed in the formal model by functions or generics
    ("DV_INTERVAL", name)
    for name in (
        "lower",
        "upper",
        "lower_included",
        "upper_included",
        "lower_unbounded",
        "upper_unbounded",
    )
}


@cache
def formal_model():
    """Class → {ancestors, properties: name → mandatory}, read line by line."""
    found = {}
    for path in FILES:
        name = member = None
        for line in path.read_text().splitlines():
            if opened := re.match(r' ?\t\["([A-Z][A-Z_0-9]+)(?:<.*>)?"\] = (?:\(.*\) )?<', line):
                name = opened[1]
                found.setdefault(name, {"ancestors": [], "properties": {}})
                member = None
            elif name and (of := re.match(r'\t\t\t\["(\w+)<.*P_BMM_GENERIC_TYPE', line)):
                found[name]["ancestors"] = [of[1]]
            elif name and line.strip(" ").startswith("\t\tancestors"):
                found[name]["ancestors"] = re.findall(r'"([^"]+)"', line)
            elif name and (opened := re.match(r'\t\t\t\["(\w+)"\] = \(P_BMM', line)):
                member = opened[1]
                found[name]["properties"].setdefault(member, False)
            elif name and member and "is_computed = <True>" in line:
                del found[name]["properties"][member]
            elif name and member and "is_mandatory = <True>" in line:
                found[name]["properties"][member] = True
    return found


def inherited(model, name):
    """All properties of a class, its ancestors' first."""
    if name not in model:
        return {}
    gathered = {}
    for ancestor in model[name]["ancestors"]:
        gathered |= inherited(model, ancestor.partition("<")[0])
    return gathered | model[name]["properties"]


@pytest.mark.skipif(not BMM.is_dir(), reason="../shared/data is not at hand: the BMM files")
@pytest.mark.parametrize("name", sorted(rm.CLASSES))
def test_a_class_has_the_attributes_of_the_specification(name):
    """Attributes and mandatory ones are those of the formal model, inherited ones included."""
    model = formal_model()
    if name not in model:
        assert name.startswith("VERSIONED_")
        return
    wanted = {
        key: must for key, must in inherited(model, name).items() if (name, key) not in OMITTED
    }
    if name.endswith("_EVENT"):
        wanted.pop("offset", None)
    rm_class = rm.CLASSES[name]
    extra = {key for owner, key in ADDED if owner == name}
    if name == "ORIGINAL_VERSION":
        extra = {"data"}
    assert set(wanted) | extra == set(rm_class.__struct_fields__)
    mandatory = {key for key, must in wanted.items() if must}
    if "namespace" in wanted:  # optional in the formal model, 1..1 in the specification's text
        mandatory.add("namespace")
    assert mandatory == set(rm.required_of(rm_class)) - extra


def test_names_follow_the_specification():
    """DvEhrUri is DV_EHR_URI."""
    assert "DV_EHR_URI" == rm.rm_name("DvEhrUri")
    assert "DV_EHR_URI" == rm.type_name(rm.DvEhrUri(value="ehr:x"))
    assert rm.ObjectVersionId is rm.CLASSES["OBJECT_VERSION_ID"]


def test_abstract_classes_admit_their_descendants():
    """What conforms to an abstract class is what the specification derives from it."""
    assert {rm.PointEvent, rm.IntervalEvent} == conforming("EVENT")
    assert {rm.Cluster, rm.Element} == conforming("ITEM")
    assert {rm.DvText, rm.DvCodedText} == conforming("DV_TEXT")
    assert rm.DvInterval in conforming("DV_INTERVAL<DV_COUNT>")
    assert all(conforming(name) for name in ABSTRACT)


def test_attributes_know_their_classes():
    """A list's items and an option's parts are found through the annotations."""
    assert (rm.PointEvent, rm.IntervalEvent) == attribute_classes(rm.History, "events")
    assert () == attribute_classes(rm.DvQuantity, "magnitude")
