"""One composition in four formats is one object: generated from templates, and from elsewhere."""

import contextlib
import json
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moiety.openehr import rm
from moiety.openehr.canonical import decode_composition, encode
from moiety.openehr.errors import RmError
from moiety.openehr.opt import parse_opt
from moiety.openehr.simplified.example import example
from moiety.openehr.simplified.forms import (
    decode_simplified,
    encode_flat,
    encode_structured,
    prepare,
)
from moiety.openehr.validate import compile_template
from moiety.openehr.xml import decode_xml, encode_xml
from tests.unit.openehr.documents import TEMPLATES
from tests.unit.openehr.trees import objects

OPENEHR = Path(__file__).parents[3].parent / "shared/data/openehr"
NOW = "2024-05-17T08:30:00Z"
OPTS = [
    *TEMPLATES.glob("*.opt"),
    *OPENEHR.glob("opt/*.opt"),
    *OPENEHR.glob("aql/opts/**/*.opt"),
]
NO_DOCUMENT = {"all_types_systematic_tests_feeder_audit.json"}  # a key in the wrong place
SAMPLES = [
    path
    for path in [
        *OPENEHR.glob("compositions/canonical_json/*.json"),
        *OPENEHR.glob("aql/compositions/**/*.json"),
    ]
    if path.name not in NO_DOCUMENT
]
SIMPLIFIED = [
    *OPENEHR.glob("compositions/flat/*.json"),
    *OPENEHR.glob("compositions/structured/*.json"),
]


def name_of(path):
    return f"{path.parent.name}-{path.name}"


@cache
def forms_by_id():
    found = (prepare(parse_opt(path.read_bytes())) for path in OPTS)
    return {forms.template.template_id: forms for forms in found}


def forms_of(path):
    """The template of a simplified document: its ids begin with the name of the composition."""
    root = next(key for key in json.loads(path.read_bytes()) if not key.startswith("ctx"))
    root = root.partition("/")[0]
    fitting = [forms for forms in forms_by_id().values() if forms.web.id == root]
    stem = re.split(r"\.en|\.v[0-9]|_[0-9]|__", path.name)[0]
    named = [forms for forms in fitting if forms.template.template_id.startswith(stem)]
    return (named or fitting)[0]


@pytest.mark.parametrize("everything", [True, False], ids=["maximal", "minimal"])
@pytest.mark.parametrize("path", OPTS, ids=name_of)
def test_an_example_is_valid_and_one_object_in_four_formats(path, everything):
    """A made-up composition is content by its template; each format gives it back alike."""
    template = parse_opt(path.read_bytes())
    forms = prepare(template)
    made = example(template, everything=everything)
    assert [] == compile_template(template).check(made, 1).findings
    assert made == decode_composition(encode(made))
    assert made == decode_xml(encode_xml(made), rm.Composition)
    assert made == decode_simplified(encode_flat(made, forms), forms, now=NOW)
    assert made == decode_simplified(encode_structured(made, forms), forms, now=NOW)


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_documents_survive_flat_and_structured(path):
    """Documents of other repositories pass through both simplified formats unchanged."""
    composition = decode_composition(path.read_bytes())
    forms = forms_by_id()[composition.archetype_details.template_id.value]
    assert composition == decode_simplified(encode_flat(composition, forms), forms, now=NOW)
    assert composition == decode_simplified(encode_structured(composition, forms), forms, now=NOW)


@pytest.mark.parametrize("path", SIMPLIFIED, ids=name_of)
def test_foreign_simplified_documents_are_valid_and_survive(path):
    """FLAT and STRUCTURED that other systems made are read, valid, and come back alike."""
    forms = forms_of(path)
    composition = decode_simplified(path.read_bytes(), forms, now=NOW)
    assert [] == compile_template(forms.template).check(composition, 1).findings
    flat = encode_flat(composition, forms)
    assert composition == decode_simplified(flat, forms, now=NOW)
    assert flat == encode_flat(decode_simplified(flat, forms, now=NOW), forms)


ALIASES = {"terminology_id": "terminology"}


@pytest.mark.parametrize(
    "path", sorted(OPENEHR.glob("compositions/flat/*.json")), ids=lambda path: path.name
)
def test_flat_fields_come_back_as_they_were(path):
    """Each field of a foreign FLAT document stands in ours, but for defaults told openly."""
    forms = forms_of(path)
    body = path.read_bytes()
    ours = json.loads(encode_flat(decode_simplified(body, forms, now=NOW), forms))
    theirs = {key: v for key, v in json.loads(body).items() if not key.startswith("ctx")}
    found = {plain(key): value for key, value in ours.items()}
    told = {key: value for key, value in theirs.items() if not is_default(key, value)}
    lost = {
        key
        for key, value in told.items()
        if found.get(plain(key), found.get(f"{plain(key)}|id")) != value
    }
    assert set() == lost


def plain(key):
    """A key without first indexes, aliases and suffixes that may be left out."""
    key = re.sub(r":0(?=[/|]|$)", "", key)
    for alias, name in ALIASES.items():
        key = key.replace(f"|{alias}", f"|{name}")
    return key.removesuffix("|value") if "/timing" in key else key


def is_default(key, value):
    flag = key.endswith(("_included", "_unbounded"))
    return (flag and value == key.endswith("_included")) or key.endswith(
        ("ordinal|terminology_id", "proportion_any")
    )


@pytest.mark.parametrize("folder", ["flat", "structured"])
def test_the_same_document_in_all_formats_is_one_object(folder):
    """What another system wrote of one composition in two formats are equal objects."""
    name = "consult_record__"
    path = OPENEHR / "compositions" / folder / f"{name}.json"
    if not path.exists():
        pytest.skip("../shared/data is not at hand: other projects' documents")
    canonical = (OPENEHR / f"compositions/canonical_json/{name}.json").read_bytes()
    composition = decode_simplified(path.read_bytes(), forms_of(path), now=NOW)
    assert decode_composition(canonical) == composition


# --- values of every type, and hostile input


OPEN = "GECCO_Serologischer Befund"  # its results may be of any data type


@pytest.mark.parametrize(
    "name", sorted(n for n, c in rm.CLASSES.items() if issubclass(c, rm.DataValue))
)
def test_every_data_type_survives_flat(name):
    """Generated values of each data type, in an element of any type, come back alike."""
    if OPEN not in forms_by_id():
        pytest.skip("../shared/data is not at hand: a template with an open element")
    forms = forms_by_id()[OPEN]

    @settings(max_examples=25, deadline=None)
    @given(objects(rm.CLASSES[name], depth=2, least=1))
    def holds(value):
        made = example(forms.template)
        analyte = made.content[0].data.events[0].data.items[1].items[0]
        open_element = next(each for each in analyte.items if each.archetype_node_id == "at0028")
        open_element.value = value
        assert made == decode_simplified(encode_flat(made, forms), forms, now=NOW)

    holds()


KEY = st.from_regex(r"(vital_signs|ctx)(/[a-z_]{1,9}(:[0-9]{1,3})?){0,4}(\|[a-z_]{1,9})?")
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@settings(deadline=None, max_examples=200)
@given(
    st.binary(max_size=100)
    | st.dictionaries(KEY | st.text(max_size=9), SCALAR | st.lists(SCALAR), max_size=6).map(
        lambda tree: json.dumps(tree).encode()
    )
)
def test_any_bytes_give_a_composition_or_an_error(body):
    """No input makes the reader fail in another way than its own."""
    forms = prepare(parse_opt((TEMPLATES / "vital_signs.opt").read_bytes()))
    with contextlib.suppress(RmError):
        decode_simplified(body, forms, now=NOW)


def test_another_order_than_the_templates_survives():
    """Siblings that follow one another unlike the template come back as they stood."""
    template = parse_opt((TEMPLATES / "vital_signs.opt").read_bytes())
    forms = prepare(template)
    made = example(template)
    made.content.reverse()
    flat = encode_flat(made, forms)
    assert made == decode_simplified(flat, forms, now=NOW)
    assert not [key for key in json.loads(flat) if key.endswith("|raw")]


JSON = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["_type", "value", "name"]), inner, max_size=2)
    ),
    max_leaves=4,
)
CLASS = st.sampled_from(sorted(rm.CLASSES)).map(lambda name: {"_type": name})


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_any_change_of_a_document_gives_a_composition_or_an_error(data):
    """Values of other kinds, raw JSON of any class, other suffixes: nothing fails otherwise."""
    template = parse_opt((TEMPLATES / "vital_signs.opt").read_bytes())
    forms = prepare(template)
    document = json.loads(encode_flat(example(template), forms))
    for _ in range(data.draw(st.integers(1, 3))):
        key = data.draw(st.sampled_from(sorted(document)))
        value = document.pop(key)
        new = data.draw(st.sampled_from([key, f"{key.partition('|')[0]}|raw", f"{key}/_uid"]))
        document[new] = data.draw(JSON | CLASS | st.just(value))
    with contextlib.suppress(RmError):
        composition = decode_simplified(json.dumps(document).encode(), forms, now=NOW)
        compile_template(template).check(composition, 1)
