"""ADL 2 operational templates: what is read of a whole one, and what each broken one is told."""

from pathlib import Path

import pytest

from moiety.openehr.adl2 import Adl2Error, parse_operational_template
from moiety.openehr.adl2.atoms import Atom, Range
from moiety.openehr.adl2.constraints import (
    Cardinality,
    GroupConstraint,
    ObjectConstraint,
    Primitive,
    ProxyConstraint,
    SlotConstraint,
)
from moiety.openehr.template import Term

WHOLE = (Path(__file__).parent / "blood_pressure.adls").read_text()

SMALL = """operational_template (adl_version=2.4.0; rm_release=1.1.0)
    openEHR-EHR-COMPOSITION.t_note.v1.0.0

specialize
    openEHR-EHR-COMPOSITION.note.v1

language
    original_language = <[ISO_639-1::en]>

description
    lifecycle_state = <"unmanaged">

definition
    COMPOSITION[id1] matches {*}

terminology
    term_definitions = <
        ["en"] = <
            ["id1"] = <text = <"Note"> description = <"A note.">>
        >
    >
"""


def items(template):
    """The members of the one tree of the whole template."""
    content = next(each for each in template.definition.attributes if each.name == "content")
    data = next(each for each in content.members[0].attributes if each.name == "data")
    point = data.members[0].attributes[0].members[0]
    return point.attributes[0].members[0].attributes[0].members


def values(template, node_id):
    element = next(each for each in items(template) if getattr(each, "node_id", "") == node_id)
    return element.attributes[0].members


def test_a_template_is_listed_by_these():
    """Ids, version, concept, languages and class come from the text."""
    template = parse_operational_template(WHOLE)
    assert "org.example::openEHR-EHR-COMPOSITION.t_blood_pressure.v1.2.0" == template.template_id
    assert template.template_id == template.archetype_id
    assert ("org.example", "1.2.0") == (template.namespace, template.version)
    assert ("Blood pressure", "en") == (template.concept, template.language)
    assert (("en", "de"), "COMPOSITION") == (template.languages, template.rm_type)
    assert Term("Blutdruck", "Eine Messung.") == template.terms["de"]["id1"]
    assert {"adl_version", "rm_release", "generated", "build_uid"} == set(template.meta_data)
    assert WHOLE == template.text


def test_a_template_of_an_archetype_names_it():
    """Where the text says what it specialises, that is the archetype."""
    template = parse_operational_template(SMALL)
    assert "openEHR-EHR-COMPOSITION.t_note.v1.0.0" == template.template_id
    assert "openEHR-EHR-COMPOSITION.note.v1" == template.archetype_id
    assert "" == template.namespace


def test_data_sections_become_plain_python():
    """Texts with escapes, lists that go on, URIs, codes, keys; comments only outside of texts."""
    template = parse_operational_template(WHOLE)
    description = template.description
    assert "Example -- not a comment" == description["custodian_organisation"]
    assert Atom("uri", "https://example.org/models#t") == description["resource_package_uri"]
    english = description["details"]["en"]
    assert Atom("code", "ISO_639-1::en") == english["language"]
    assert 'To record a "blood pressure" with a back\\slash.' == english["purpose"]
    assert ["blood pressure", "vital sign"] == english["keywords"]
    assert ["openEHR-EHR-OBSERVATION.blood_pressure.v2.0.1"] == list(template.components)
    assert {"note": "Nothing."} == template.annotations["documentation"]["en"]["/content[id4]"]
    assert template.rules.endswith("terminology_is_no_section: $a > 0.0")


def test_objects_and_attributes_of_the_definition():
    """Codes, archetypes, occurrences, existence, cardinality, tuples, paths as names."""
    definition = parse_operational_template(WHOLE).definition
    context = next(each for each in definition.attributes if each.name == "context")
    assert (0, 1) == context.existence
    participations = context.members[0].attributes[1]
    assert Cardinality((0, None), ordered=False, unique=True) == participations.cardinality
    assert () == participations.members
    entry = definition.attributes[2].members[0]
    assert "openEHR-EHR-OBSERVATION.blood_pressure.v2.0.1" == entry.archetype_id
    assert ("id4", (1, 1)) == (entry.node_id, entry.occurrences)
    assert "/data[id5]/events[id6]/time" == entry.attributes[0].name


def test_tuples_hold_values_that_vary_together():
    """Units with their magnitudes; ordinals with their symbols, bound to another terminology."""
    template = parse_operational_template(WHOLE)
    quantity = values(template, "id8")[0].tuples[0]
    assert ("units", "magnitude", "precision") == quantity.names
    assert Primitive("real", (Range(0.0, 1000.0, upper_included=False),)) == quantity.rows[0][1]
    ordinal = next(each for each in values(template, "id10") if each.rm_type == "DV_ORDINAL")
    assert Primitive("code", ("at21@snomed_ct",)) == ordinal.tuples[0].rows[1][1]


@pytest.mark.parametrize(
    ("rm_type", "index", "expected"),
    [
        ("DV_DURATION", 0, Primitive("duration", pattern="PWD", items=(
            Range(Atom("duration", "P0W"), Atom("duration", "P50W")),))),
        ("DV_DURATION", 1, Primitive("duration", (
            Atom("duration", "PT1m"),
            Range(Atom("duration", "PT0m"), Atom("duration", "PT1m30s"))))),
        ("DV_BOOLEAN", 0, Primitive("boolean", (True, False), assumed=False)),
        ("DV_COUNT", 0, Primitive("integer", (5, Range(10, 100), 150), assumed=12)),
        ("DV_DATE", 0, Primitive("date", pattern="1995-??-XX")),
        ("DV_TIME", 0, Primitive(
            "time", (Range(Atom("time", "09:30:00"), None),), assumed=Atom("time", "09:30:00"))),
        ("DV_PROPORTION", 0, Primitive("real", (Range(95.0, 105.0),))),
    ],
)  # fmt: skip
def test_primitive_constraints(rm_type, index, expected):
    """Values, intervals, patterns and assumed values of every primitive type."""
    template = parse_operational_template(WHOLE)
    found = [each for each in values(template, "id10") if each.rm_type == rm_type][index]
    assert (expected,) == found.attributes[0].members


def test_terminology_constraints_and_regular_expressions():
    """Soft value sets with an assumed code; patterns with slashes and a text assumed."""
    coded, text = values(parse_operational_template(WHOLE), "id9")
    expected = Primitive("code", ("ac1",), assumed="at11", strength="preferred")
    assert (expected,) == coded.attributes[0].members
    assert (Primitive("string", pattern=r"[a-z]{1,9}\/x|y", assumed="abc"),) == (
        text.attributes[0].members
    )


def test_slots_groups_proxies_and_defaults():
    """Every other sort of member, primitives in their long form among them."""
    found = {type(each): each for each in items(parse_operational_template(WHOLE))}
    slots = [each for each in items(parse_operational_template(WHOLE)) if hasattr(each, "closed")]
    assert [False, True] == [slot.closed for slot in slots]
    assert r"CLUSTER\.level\.v1.*/}" in slots[0].includes[0]
    assert ("archetype_id/value matches {/.*/}",) == slots[0].excludes
    group = found[GroupConstraint]
    assert ((0, None), "after id8") == (group.occurrences, group.members[1].order)
    assert "/data[id5]/events[id6]/data[id7]/items[id8]" == found[ProxyConstraint].path
    assert SlotConstraint in found
    last = found[ObjectConstraint]
    assert {"value": 4} == last.default
    plain = [member.value for member in last.attributes[0].members]
    assert [Primitive("string", ("x", "y")), Primitive("string", pattern="a+")] == plain[:2]


def test_bytes_with_a_byte_order_mark_are_read():
    """What an editor of Windows writes is the same template."""
    body = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()
    assert "Note" == parse_operational_template(body).concept


@pytest.mark.parametrize(
    ("before", "after", "line", "construct"),
    [
        ("operational_template", "archetype", 1, "archetype"),
        ("operational_template", "template", 1, "template"),
        ("operational_template", "<template>", 1, "artefact"),
        ("adl_version=2.4.0; ", "", 1, "adl_version"),
        ("adl_version=2.4.0", "adl_version=1.4", 1, "adl_version"),
        ("adl_version=2.4.0", "adl_version=new", 1, "adl_version"),
        ("rm_release=1.1.0", "adl_version=2.4.0", 1, "adl_version"),
        ("rm_release=1.1.0", "uid=12", 1, "uid"),
        ("rm_release=1.1.0)", "rm_release=1.1.0", 2, "meta-data"),
        ("COMPOSITION.t_note.v1.0.0", "COMPOSITION", 2, "id"),
        ("t_note.v1.0.0", "t_note.v1", 2, "version"),
        ("t_note.v1.0.0", "t_note.v1.0.0-new", 2, "version"),
        ("language\n", "tongue\n", 7, "section"),
        ("[ISO_639-1::en]", "", 8, "original_language"),
        ("original_language = <[", "original_language = [", 8, "original_language"),
        ('lifecycle_state = <"unmanaged">', "a = <1> a = <2>", 11, "a"),
        ('lifecycle_state = <"unmanaged">', 'a = <"b", 2>', 11, "a"),
        ('lifecycle_state = <"unmanaged">', "a = <|5..1|>", 11, "interval"),
        ('lifecycle_state = <"unmanaged">', "a = <@>", 11, "a"),
        ('lifecycle_state = <"unmanaged">', 'a = <["b"] = <1> ["b"] = <2>>', 11, "key"),
        ('lifecycle_state = <"unmanaged">', f"a = <{'9' * 50}>", 11, "number"),
        ('lifecycle_state = <"unmanaged">', "a = <1e999>", 11, "number"),
        ('lifecycle_state = <"unmanaged">', 'a = <"b>', 18, "a"),
        ("description\n", "", 12, "description"),
        ("COMPOSITION[id1]", "SECTION[id1]", 14, "SECTION"),
        ("COMPOSITION[id1]", "COMPOSITION[id2]", 14, "definition"),
        ("COMPOSITION[id1]", "COMPOSITION", 14, "definition"),
        ("COMPOSITION[id1]", "COMPOSITION[x]", 14, "node"),
        ("matches {*}", "matches {*", 16, "COMPOSITION"),
        ("matches {*}", "matches {a matches {1} a matches {2}}", 14, "a"),
        ("matches {*}", "matches {a matches {}}", 14, "a"),
        ("matches {*}", "matches {a matches {A occurrences matches {2..1}}}", 14, "occurrences"),
        ("matches {*}", "matches {a matches {A[id2] occurrences {1}}}", 14, "occurrences"),
        ("matches {*}", 'matches {a matches {1; "b"}}', 14, "assumed value"),
        ("matches {*}", 'matches {a matches {1, "b"}}', 14, "list"),
        ("matches {*}", "matches {a matches {required 5}}", 14, "a"),
        ("matches {*}", "matches {[a, b] matches {[{1}]}}", 14, "tuple"),
        ("matches {*}", "matches {a cardinality matches {1; sorted} matches {*}}", 14, "a"),
        ("matches {*}", "matches {a matches {use_node A[id2] b}}", 14, "use_node"),
        ('["en"] = <', '["de"] = <', 17, "term_definitions"),
        ('["id1"] = <', '["id2"] = <', 17, "term_definitions"),
        ('text = <"Note">', "", 17, "term_definitions"),
        ("term_definitions = <", "terms = <", 17, "term_definitions"),
        ("        >\n    >\n", "        >\n    >\n    >\n", 22, "section"),
        ("        >\n    >\n", "        >\n    >\n\nlanguage\n    a = <1>\n", 23, "language"),
        ('"Note"', '"\0"', 19, "text"),
    ],
)  # fmt: skip
def test_a_broken_template_is_refused_by_place_and_construct(before, after, line, construct):
    """One change to a good template, one message: the line, the construct, the reason."""
    assert before in SMALL
    with pytest.raises(Adl2Error) as caught:
        parse_operational_template(SMALL.replace(before, after, 1))
    assert (line, construct) == (caught.value.line, caught.value.construct), str(caught.value)
    assert str(caught.value).startswith(f"line {line}, column ")


def test_a_missing_section_is_named():
    """The section that is not there, and the one that stands where it should be."""
    begin, end = SMALL.index("description"), SMALL.index("definition\n")
    with pytest.raises(Adl2Error, match="description: is missing before definition"):
        parse_operational_template(SMALL[:begin] + SMALL[end:])
    with pytest.raises(Adl2Error, match="terminology: is missing before the end"):
        parse_operational_template(SMALL[: SMALL.index("terminology\n")])


def test_no_value_of_the_text_is_in_a_message():
    """A message tells place and construct, and quotes nothing of what people wrote."""
    with pytest.raises(Adl2Error) as caught:
        parse_operational_template(SMALL.replace('<"Note">', '<"Jane Doe" 5>'))
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize(
    "nested",
    [
        "definition\n    COMPOSITION[id1] matches {" + "a matches {A[id2] matches {" * 10_000,
        "description\n" + "a = <" * 10_000,
        "definition\n    COMPOSITION[id1] matches {a matches {" + "group matches {" * 10_000,
    ],
)
def test_ten_thousand_levels_are_refused(nested):
    """Nesting is counted, and ends with a message."""
    word = nested.partition("\n")[0]
    with pytest.raises(Adl2Error, match="nested more than 100 levels deep"):
        parse_operational_template(SMALL[: SMALL.index(f"{word}\n")] + nested)


def test_what_is_not_utf_8_or_too_long_is_refused():
    """Bytes that are no text, halves of pairs, and texts beyond all measure."""
    with pytest.raises(Adl2Error, match="line 2, column 1: text: is no UTF-8"):
        parse_operational_template(b"operational_template\n\xff")
    with pytest.raises(Adl2Error, match="half of a surrogate pair"):
        parse_operational_template(SMALL.replace("Note", "\ud800"))
    with pytest.raises(Adl2Error, match="is longer than"):
        parse_operational_template(" " * (16 * 1024 * 1024 + 1))
