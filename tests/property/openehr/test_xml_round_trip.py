"""Canonical XML holds what canonical JSON holds: generated trees, and other projects' documents."""

import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from moiety.openehr import rm
from moiety.openehr.canonical import decode, decode_composition, encode
from moiety.openehr.errors import RmError
from moiety.openehr.xml import NAMESPACE, decode_xml, encode_xml
from tests.unit.openehr import documents
from tests.unit.openehr.trees import objects

SHARED = Path(__file__).parents[3].parent / "shared/data"
SCHEMAS = SHARED / "spec/its-xml/components"
OPENEHR = SHARED / "openehr"
SAMPLES = [
    *OPENEHR.glob("compositions/canonical_json/*.json"),
    *OPENEHR.glob("aql/compositions/**/*.json"),
]
NO_DOCUMENT = {"all_types_systematic_tests_feeder_audit.json"}  # a key in the wrong place
INVALID = {"Test_dv_proportion_open_constraint.v0__.json"}  # a start for mutations
PATTERN = re.compile(r"<xs:pattern\b.*?(?:/>|</xs:pattern>)", re.DOTALL)
XML_TEXT = st.text(
    st.characters(
        exclude_characters="".join(map(chr, (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF))),
        exclude_categories=("Cs",),
    ),
    max_size=8,
)


@pytest.mark.parametrize("name", sorted(rm.CLASSES))
def test_every_class_survives_xml(name):
    """JSON → object → XML → object → JSON is the identity, for generated trees of each class."""
    rm_class = rm.CLASSES[name]

    @settings(max_examples=8, deadline=None)
    @given(objects(rm_class, depth=2, text=XML_TEXT, least=1))
    def holds(thing):
        body = encode(thing)
        there = encode_xml(decode(body, rm_class))
        back = decode_xml(there, rm_class)
        assert thing == back
        assert body == encode(back)

    holds()


@pytest.mark.skipif(not SAMPLES, reason="../shared/data is not at hand: other projects' documents")
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_documents_survive_xml(path):
    """Documents of other repositories pass from JSON to XML and back unchanged."""
    if path.name in NO_DOCUMENT:
        pytest.skip("no composition: refused in another test")
    composition = decode_composition(path.read_bytes())
    assert composition == decode_xml(encode_xml(composition), rm.Composition)


@pytest.mark.parametrize(
    "path", sorted(OPENEHR.glob("compositions/canonical_xml/*")), ids=lambda path: path.name
)
def test_foreign_xml_is_read(path):
    """XML that other systems wrote is read; it passes to JSON and back, and to our XML."""
    composition = decode_xml(path.read_bytes(), rm.Composition)
    assert composition == decode_composition(encode(composition))
    assert composition == decode_xml(encode_xml(composition), rm.Composition)


@pytest.mark.parametrize("name", ["consult_record__", "family_history__", "family_history.v2__"])
def test_the_same_document_in_both_formats_is_one_object(name):
    """JSON and XML of one composition, as other systems wrote them, are equal objects."""
    folder = OPENEHR / "compositions"
    if not folder.is_dir():
        pytest.skip("../shared/data is not at hand: other projects' documents")
    as_json = (folder / f"canonical_json/{name}.json").read_bytes()
    as_xml = (folder / f"canonical_xml/{name}.xml").read_bytes()
    assert decode_composition(as_json) == decode_xml(as_xml, rm.Composition)


# --- against the schemas


@cache
def schema(folder):
    """The schema of RM 1.1.0 without its patterns: the library knows fewer classes than they."""
    for path in SCHEMAS.rglob("*.xsd"):
        copy = folder / path.relative_to(SCHEMAS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(PATTERN.sub("", path.read_text()))
    return etree.XMLSchema(etree.parse(folder / "RM/Release-1.1.0/documents/Composition.xsd"))


@pytest.fixture(scope="module")
def schema_folder(tmp_path_factory):
    if not SCHEMAS.is_dir():
        pytest.skip("../shared/data is not at hand: the XML schemas")
    return tmp_path_factory.mktemp("schemas")


def faults(composition, folder):
    body = encode_xml(composition, namespace="http://schemas.openehr.org/v2")
    checker = schema(folder)
    checker.validate(etree.fromstring(body))
    return [error.message for error in checker.error_log]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_our_xml_of_their_documents_fits_the_schema(path, schema_folder):
    """What we write of other systems' documents is valid by the schema of RM 1.1.0."""
    if path.name in NO_DOCUMENT | INVALID:
        pytest.skip("no valid composition")
    assert [] == faults(decode_composition(path.read_bytes()), schema_folder)


@pytest.mark.parametrize("name", documents.DOCUMENTS)
def test_our_xml_of_our_documents_fits_the_schema(name, schema_folder):
    """What we write of the demo's documents is valid by the schema of RM 1.1.0."""
    composition = decode_composition(documents.body(documents.DOCUMENTS[name]()))
    assert [] == faults(composition, schema_folder)


# --- what is refused


def xml(inner, rest=""):
    return f'<composition xmlns="{NAMESPACE}"{rest}>{inner}</composition>'.encode()


BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    b"<composition><name><value>&b;</value></name></composition>"
)
REFUSED = {
    "entities": (BOMB, "", "DOCTYPE|malformed"),
    "an external entity": (
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
        "",
        "DOCTYPE|malformed",
    ),
    "no XML": (b"no XML", "", "malformed XML at line 1"),
    "nothing": (b"", "", "malformed"),
    "depth": (b"<x>" * 300 + b"</x>" * 300, "", "malformed"),
    "an alien element": (xml("<secret>1</secret>"), "", "no place in COMPOSITION"),
    "an alien namespace": (xml('<name xmlns="urn:x"><value>a</value></name>'), "", "no place"),
    "a doubled element": (
        xml("<name><value>a</value></name><name><value>a</value></name>"),
        "/name",
        "once only",
    ),
    "an alien attribute": (xml("", ' secret="1"'), "", "an attribute has no place"),
    "loose text": (xml("secret"), "", "text stands where only elements may"),
    "elements in a text": (xml("<name><value><b/></value></name>"), "/name/value", "elements"),
    "an unknown class": (
        xml(
            '<name xsi:type="SECRET"/>',
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
        ),
        "/name",
        "names no class",
    ),
    "a class that is not told": (xml("<composer/>"), "/composer", "xsi:type is missing"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_bad_xml_is_refused_with_its_path(case):
    """Broken, hostile and alien XML is refused with the path, and without its text."""
    body, path, reason = REFUSED[case]
    with pytest.raises(RmError, match=reason) as caught:
        decode_xml(body, rm.Composition)
    assert path == caught.value.path
    assert "secret" not in str(caught.value).lower()


@pytest.mark.parametrize(
    ("rm_class", "inner", "reason"),
    [
        (rm.DvCount, "<magnitude>1.5</magnitude>", "whole number"),
        (rm.DvCount, "<magnitude>99999999999999999999</magnitude>", "whole number"),
        (rm.DvQuantity, "<magnitude>INF</magnitude>", "expected a number"),
        (rm.DvQuantity, "<magnitude>1e999</magnitude>", "expected a number"),
        (rm.DvBoolean, "<value>yes</value>", "true or false"),
    ],
)
def test_texts_that_are_no_values_are_refused(rm_class, inner, reason):
    """A number is a number of its range, a boolean one of four words."""
    with pytest.raises(RmError, match=reason):
        decode_xml(f"<value>{inner}</value>".encode(), rm_class)


def test_what_xml_cannot_hold_is_refused_with_its_path():
    """A control character is legal in JSON and not in XML."""
    text = rm.DvText(value="\x07")
    composition = rm.Composition(content=[rm.Section(name=text)])
    with pytest.raises(RmError, match="what XML cannot") as caught:
        encode_xml(composition)
    assert "/content[0]/name/value" == caught.value.path


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_an_object_or_an_error(body):
    """No input makes the reader fail in another way than its own."""
    for rm_class in (rm.Composition, rm.DvText):
        try:
            decode_xml(body, rm_class)
        except RmError:
            continue
