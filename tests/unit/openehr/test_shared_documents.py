"""Templates and documents of other projects, where they are at hand (../shared/data)."""

import json
import re
from pathlib import Path

import pytest

from moiety.openehr.canonical import decode_composition, encode
from moiety.openehr.errors import RmError, TemplateError
from moiety.openehr.opt import parse_opt
from moiety.openehr.validate import compile_template

SHARED = Path(__file__).parents[3].parent / "shared/data/openehr"
pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/data is not at hand: other projects' documents"
)

OPTS = [*SHARED.glob("opt/*.opt"), *SHARED.glob("aql/opts/**/*.opt")]
BASES = {  # starting points of the mutation cases: not all valid as they are
    "Test_dv_interval_dv_count_lower_upper_constraint.v0__.json",
    "Test_dv_proportion_open_constraint.v0__.json",
}
UNKNOWN_KEY = "all_types_systematic_tests_feeder_audit.json"
DOCUMENTS = [
    path
    for path in [
        *SHARED.glob("compositions/canonical_json/*.json"),
        *SHARED.glob("aql/compositions/**/*.json"),
    ]
    if path.name not in BASES | {UNKNOWN_KEY}
]


def name_of(path):
    return path.name


@pytest.fixture(scope="module")
def templates():
    parsed = (parse_opt(path.read_bytes()) for path in OPTS)
    return {template.template_id: compile_template(template) for template in parsed}


@pytest.mark.parametrize("path", OPTS, ids=name_of)
def test_every_valid_template_is_read(path):
    """A template that other repositories take becomes nodes in pre-order."""
    template = parse_opt(path.read_bytes())
    assert list(range(len(template.nodes))) == [node.number for node in template.nodes]
    assert "COMPOSITION" == template.nodes[0].rm_type


@pytest.mark.parametrize("path", sorted(SHARED.glob("invalid/opt/*")), ids=name_of)
def test_every_broken_template_is_refused(path):
    """A template with an alien, doubled, missing or empty element is refused by name."""
    with pytest.raises(TemplateError) as caught:
        parse_opt(path.read_bytes())
    assert caught.value.construct


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_valid_documents_have_no_findings(path, templates):
    """A document that other repositories accept has no findings, and survives a round trip."""
    composition = decode_composition(path.read_bytes())
    template_id = composition.archetype_details.template_id.value
    checked = templates[template_id].check(composition, 1)
    assert [] == checked.findings
    assert composition == decode_composition(encode(composition))


def test_a_misplaced_key_is_refused_with_its_path():
    """A feeder audit's attribute outside of the feeder audit is no part of the model."""
    body = (SHARED / "aql/compositions/external" / UNKNOWN_KEY).read_bytes()
    with pytest.raises(RmError, match="the key feeder_system_audit has no place") as caught:
        decode_composition(body)
    assert "/content[2]/items[0]/items[0]/items[0]" == caught.value.path


# --- documents made invalid in one place, with the answer of another repository


def cases():
    path = SHARED / "invalid/validation_cases.json"
    return json.loads(path.read_text()) if path.exists() else []


def mutated(case):
    path = SHARED / "compositions/canonical_json" / case["composition"]
    document = json.loads(path.read_text())
    said = [part.strip() for part in case["call"].split("|")[1:] if "xpected" not in part]
    values = [value_of(part.partition("=")[2] or part) for part in said]
    for place, value in zip(case["json_paths"], spread(values, case["json_paths"]), strict=True):
        put(document, place, value)
    return document


def spread(values, places):
    """The call names a value once for each attribute; several events take the same."""
    attributes = [re.sub(r"events\[\d\]", "", place) for place in places]
    kinds = list(dict.fromkeys(attributes))
    return [values[kinds.index(attribute)] for attribute in attributes]


def value_of(text):
    """An argument of the call: ${NULL}, ${TRUE}, ${10}, or the text itself."""
    inner = re.fullmatch(r"\$\{(.*)\}", text)
    if inner is None:
        return text
    return (
        {"NULL": None, "FALSE": False, "TRUE": True}[inner[1]]
        if inner[1].isalpha()
        else int(inner[1])
    )


def put(document, place, value):
    here = document
    steps = [int(s) if s.isdigit() else s for s in re.findall(r"[^.\[\]]+", place)]
    for step in steps[:-1]:
        here = here[step]
    here[steps[-1]] = value


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["case"][-60:])
def test_mutations_are_answered_as_elsewhere(case, templates):
    """201 where the mutated document is valid, 422 (no structural finding) where it is not."""
    composition = decode_composition(json.dumps(mutated(case)).encode())
    template_id = composition.archetype_details.template_id.value
    findings = templates[template_id].check(composition, 1).findings
    assert (case["expected_status"] == 422) == bool(findings)
    assert not any(finding.structural for finding in findings)
