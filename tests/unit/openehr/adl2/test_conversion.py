"""ADL 2 templates as those of the older model: what examples of them are made of."""

import json
from pathlib import Path

import pytest

from moiety.openehr.adl2 import parse_operational_template, template_of
from moiety.openehr.adl2.atoms import Atom, Range
from moiety.openehr.adl2.constraints import Primitive
from moiety.openehr.adl2.values import constraint_of
from moiety.openehr.canonical import decode_composition, encode
from moiety.openehr.constraints import (
    BooleanConstraint,
    CodePhraseConstraint,
    DurationConstraint,
    Interval,
    NumberConstraint,
    TemporalConstraint,
)
from moiety.openehr.errors import TemplateError
from moiety.openehr.simplified.example import example
from moiety.openehr.validate import compile_template

TEXT = (Path(__file__).parent / "blood_pressure.adls").read_text()


@pytest.mark.parametrize("everything", [True, False])
def test_an_example_is_valid_by_the_template_that_it_was_made_of(everything):
    """No finding, by a check that another part of the code makes."""
    template = template_of(parse_operational_template(TEXT))
    made = encode(example(template, everything=everything))
    assert [] == compile_template(template).check(decode_composition(made), 1).findings


def test_the_check_finds_what_breaks_the_template():
    """The control: units and a code that the text does not list."""
    template = template_of(parse_operational_template(TEXT))
    tree = json.loads(encode(example(template)))
    items = tree["content"][0]["data"]["events"][0]["data"]["items"]
    items[0]["value"]["units"] = "stone"
    items[1]["value"]["defining_code"]["code_string"] = "at99"
    found = compile_template(template).check(decode_composition(json.dumps(tree).encode()), 1)
    assert {"units"} <= {one.rule for one in found.findings}


def test_nodes_keep_their_codes_and_names():
    """Codes are those of ADL 2, terms those of the original language; values have no code."""
    template = template_of(parse_operational_template(TEXT))
    ids = {node.node_id for node in template.nodes}
    assert {"id5", "id6", "id7", "id8", "id15"} <= ids
    assert "openEHR-EHR-OBSERVATION.blood_pressure.v2.0.1" in ids
    assert not {"id92", "id93", "id2"} & ids
    assert "Blood pressure" == template.terms[template.archetype_id]["id1"].text
    slots = [node for node in template.nodes if node.is_slot]
    assert {"id11", "id12"} == {node.node_id for node in slots}


CODED = Atom("code", "openehr::433|event|")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Primitive("code", (CODED,)), CodePhraseConstraint("openehr", ("433",))),
        (Primitive("code", ("ac1",)), CodePhraseConstraint("local", ("at10", "at11"))),
        (Primitive("code", ("at5@snomed_ct",)), CodePhraseConstraint("local", ("at5",))),
        (Primitive("boolean", (True,)), BooleanConstraint(true_valid=True, false_valid=False)),
        (Primitive("integer", (5, 7)), NumberConstraint("integer", frozenset({5.0, 7.0}), None)),
        (Primitive("real", (Range(0.0, None),)),
         NumberConstraint("real", frozenset(), Interval(0.0, None))),
        (Primitive("date", pattern="YYYY-??-XX"),
         TemporalConstraint("date", "yyyy-??-xx", None, None)),
        (Primitive("date", pattern="1995-??-XX"), TemporalConstraint("date", None, None, None)),
        (Primitive("duration", (Range(Atom("duration", "PT0M"), Atom("duration", "PT1M")),), "PTM"),
         DurationConstraint("PTM", Interval(0.0, 60.0))),
    ],
)  # fmt: skip
def test_constraints_of_values_are_taken_over(said, expected):
    """Each kind as the older model writes it."""
    found = constraint_of(said, {"ac1": ("at10", "at11")})
    assert found is not None
    assert expected == found[1]


@pytest.mark.parametrize(
    "said", [Primitive("code", ("ac9",)), Primitive("uri", (Atom("uri", "http://x"),))]
)
def test_what_the_older_model_has_no_word_for_is_free(said):
    """An unknown value set, a URI."""
    assert constraint_of(said, {}) is None


def test_a_template_of_another_class_is_refused():
    """Examples are compositions."""
    text = TEXT.replace("EHR-COMPOSITION", "EHR-CLUSTER").replace(
        "COMPOSITION[id1]", "CLUSTER[id1]"
    )
    with pytest.raises(TemplateError, match="COMPOSITION"):
        template_of(parse_operational_template(text))
