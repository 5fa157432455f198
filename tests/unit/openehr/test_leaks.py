"""Where a template lets identity in: each kind of place, what closes it, and what is left out."""

from pathlib import Path

import pytest

from moiety.openehr.leaks import find_leaks
from moiety.openehr.leaks_told import ADVICE
from moiety.openehr.opt import parse_opt
from tests.unit.openehr import opt_builder as opt
from tests.unit.openehr.documents import TEMPLATES

SHARED = Path(__file__).parents[3].parent / "shared/data/openehr"
ENTRY = "openEHR-EHR-EVALUATION.test.v1"
HERE = f"/content[{ENTRY}]/data[at0001]"


def template(*items, terms=None, entry=()):
    """One evaluation with these items in its tree, and these attributes of its own."""
    tree = opt.node("ITEM_TREE", "at0001", opt.many("items", *items))
    words = {"at0000": "Test", "at0001": "Tree", "at0002": "Note", **(terms or {})}
    made = opt.root("EVALUATION", ENTRY, opt.one("data", tree), *entry, terms=words)
    return parse_opt(opt.template("t", "openEHR-EHR-COMPOSITION.t.v1", opt.many("content", made)))


def element(*values, node_id="at0002", occurs=(0, 1)):
    return opt.node("ELEMENT", node_id, opt.one("value", *values), occurs=occurs)


def told(found, origin="template"):
    return [(leak.kind, leak.path, leak.risk) for leak in found if leak.origin == origin]


@pytest.mark.parametrize(
    ("rm_type", "kind", "risk"),
    [
        ("DV_TEXT", "free_text", "likely"),
        ("DV_PARAGRAPH", "free_text", "likely"),
        ("DV_IDENTIFIER", "identifier", "likely"),
        ("DV_MULTIMEDIA", "attachment", "likely"),
        ("DV_PARSABLE", "parsable", "possible"),
        ("DV_URI", "uri", "possible"),
        ("DV_EHR_URI", "uri", "possible"),
        ("DATA_VALUE", "any_value", "possible"),
    ],
)
def test_a_data_type_that_holds_identity_is_told_with_its_path(rm_type, kind, risk):
    """The place of a value is told once, by an AQL path and the name of its element."""
    found = find_leaks(template(element(opt.node(rm_type))))
    assert [(kind, f"{HERE}/items[at0002]/value", risk)] == told(found)
    leak = next(leak for leak in found if leak.origin == "template")
    assert ("Note", rm_type, ADVICE[kind]) == (leak.name, leak.rm_type, leak.advice)


@pytest.mark.parametrize("rm_type", ["DV_CODED_TEXT", "DV_QUANTITY", "DV_DATE", "DV_BOOLEAN"])
def test_other_data_types_are_no_leak(rm_type):
    """Codes, quantities, dates and booleans say nothing of who."""
    assert [] == told(find_leaks(template(element(opt.node(rm_type)))))


def test_a_closed_list_of_texts_is_no_leak():
    """A text that takes only what the template lists is as good as a code."""
    closed = opt.node("DV_TEXT", "", opt.one("value", opt.strings("yes", "no")))
    assert [] == told(find_leaks(template(element(closed))))


def test_an_element_of_any_type_is_told():
    """Where the template leaves the value open, so do we: with the path of the value."""
    bare = opt.node("ELEMENT", "at0002", occurs=(0, 1))
    found = told(find_leaks(template(bare)))
    assert [("any_value", f"{HERE}/items[at0002]/value", "possible")] == found


def test_what_is_prohibited_is_left_out():
    """Nodes with occurrences 0..0 cannot be filled, nor what stands below them."""
    assert [] == told(find_leaks(template(element(opt.node("DV_TEXT"), occurs=(0, 0)))))


def test_an_open_slot_is_told_and_one_for_persons_is_likely():
    """A slot lets archetypes in that the template does not know."""
    open_slot = opt.slot("CLUSTER", "at0002", ".*")
    persons = opt.slot("CLUSTER", "at0002", r"openEHR-EHR-CLUSTER\.person_name\.v[01]")
    assert [("slot", f"{HERE}/items[at0002]", "possible")] == told(find_leaks(template(open_slot)))
    assert [("slot", f"{HERE}/items[at0002]", "likely")] == told(find_leaks(template(persons)))


@pytest.mark.parametrize("rubric", ["Date of birth", "Next-of-kin", "Postcode / area", "Vorname"])
def test_a_name_that_asks_for_identity_is_told(rubric):
    """A date is no leak; a date that is called date of birth is."""
    found = find_leaks(template(element(opt.node("DV_DATE")), terms={"at0002": rubric}))
    assert [("named", f"{HERE}/items[at0002]", "likely")] == told(found)


@pytest.mark.parametrize("rubric", ["Test name", "Renamed", "Photosensitivity", "Addressed"])
def test_a_name_that_only_sounds_like_it_is_not(rubric):
    """Whole words count: photosensitivity is no photograph."""
    found = find_leaks(template(element(opt.node("DV_DATE")), terms={"at0002": rubric}))
    assert [] == told(found)


def test_the_models_own_places_are_told_apart():
    """Composer, subject, participations, feeder audit: given by the model, so only possible."""
    found = told(find_leaks(template(element(opt.node("DV_DATE")))), origin="model")
    for path in ("/composer", "/context/participations", f"/content[{ENTRY}]/subject"):
        assert ("party", path, "possible") in found
    assert ("feeder_audit", f"/content[{ENTRY}]/feeder_audit", "possible") in found


def test_a_template_that_closes_the_subject_is_believed():
    """A subject that may only be PARTY_SELF names nobody; one that may be anybody does."""
    path = f"/content[{ENTRY}]/subject"
    value = element(opt.node("DV_DATE"))
    closed = find_leaks(template(value, entry=[opt.one("subject", opt.node("PARTY_SELF"))]))
    wide = find_leaks(template(value, entry=[opt.one("subject", opt.node("PARTY_RELATED"))]))
    assert path not in {leak.path for leak in closed}
    assert [("party", path, "likely")] == told(wide)


@pytest.mark.parametrize(
    "path",
    [*TEMPLATES.glob("*.opt"), *SHARED.glob("opt/*.opt"), *SHARED.glob("aql/opts/**/*.opt")],
    ids=lambda path: path.name,
)
def test_every_leak_of_a_real_template_is_told_once_and_whole(path):
    """No place twice, each with a path, a kind that has advice, and a name."""
    found = find_leaks(parse_opt(path.read_bytes()))
    assert len(found) == len({(leak.path, leak.kind) for leak in found})
    assert all(leak.path.startswith("/") and leak.name and leak.kind in ADVICE for leak in found)
