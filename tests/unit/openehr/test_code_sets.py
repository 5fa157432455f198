"""Code sets of other bodies, value sets held elsewhere, members that are alike."""

from dataclasses import replace

import pytest

from moiety.openehr.canonical import decode_composition
from moiety.openehr.code_sets import CODE_SETS, is_known
from moiety.openehr.constraints import CodePhraseConstraint
from moiety.openehr.validate import compile_template
from tests.unit.openehr import documents


@pytest.mark.parametrize(
    ("terminology", "code", "expected"),
    [
        ("ISO_639-1", "en", True),
        ("ISO_639-1", "en-NZ", True),
        ("ISO_639-1", "zz", False),
        ("ISO_3166-1", "DE", True),
        ("ISO_3166-1", "XX", False),
        ("IANA_media-types", "image/png", True),
        ("IANA_media-types", "application/x-new", True),
        ("IANA_media-types", "picture", False),
        ("IANA_character-sets", "UTF-8", True),
        ("openehr_normal_statuses", "HHH", True),
        ("openehr_normal_statuses", "X", False),
        ("SNOMED-CT", "anything", True),
    ],
)
def test_codes_are_known_or_not(terminology, code, expected):
    """Sets that are listed decide, whatever the case; others are not ours to judge."""
    assert expected == is_known(terminology, code)


def test_the_sets_are_whole():
    """As many codes as the sources have; each two-letter or as the body writes it."""
    assert 249 <= len(CODE_SETS["ISO_3166-1"]) <= 251
    assert all(len(code) == 2 for code in CODE_SETS["ISO_3166-1"])
    assert len(CODE_SETS["ISO_639-1"]) > 180


def check(tree, **options):
    compiled = compile_template(documents.template("problem_diagnosis"), **options)
    return compiled.check(decode_composition(documents.body(tree)), 1)


def test_a_language_that_is_none_is_a_finding():
    """A code that ISO 639-1 does not have is told, without the code."""
    tree = documents.problem_diagnosis()
    tree["territory"]["code_string"] = "XX"
    (finding,) = check(tree).findings
    assert ("/territory/code_string", "CODE_PHRASE: Code_in_set") == (
        finding.path,
        finding.expected,
    )


def test_value_sets_are_asked_for():
    """Whoever knows the value set decides; who does not know lets pass."""
    template = documents.template("problem_diagnosis")
    codes = [n for n in template.nodes if isinstance(n.constraint, CodePhraseConstraint)]
    nodes = list(template.nodes)
    for node in codes:
        nodes[node.number] = replace(node, constraint=CodePhraseConstraint(None, (), "urn:set"))
    changed = replace(template, nodes=tuple(nodes))
    composition = decode_composition(documents.body(documents.problem_diagnosis()))
    asked = []

    def answering(answer):
        def member(reference, terminology, code):
            asked.append((reference, terminology, code))
            return answer

        return compile_template(changed, member=member).check(composition, 1).findings

    assert [] == answering(None)
    assert [] == answering(True)
    refused = answering(False)
    assert asked
    assert {"a code of urn:set"} == {finding.expected for finding in refused}
    assert {"urn:set"} == {reference for reference, _, _ in asked}


def test_members_that_are_alike_are_refused_where_the_template_wants_a_set():
    """is_unique: no two equal objects under one attribute."""
    template = documents.template("problem_diagnosis")
    nodes = [
        replace(
            node,
            attributes=tuple(
                replace(each, unique=True, cardinality=None) for each in node.attributes
            ),
            maximum=None if node.parent >= 0 else node.maximum,
        )
        for node in template.nodes
    ]
    tree = documents.problem_diagnosis()
    tree["content"].append(tree["content"][0])
    composition = decode_composition(documents.body(tree))
    findings = (
        compile_template(replace(template, nodes=tuple(nodes))).check(composition, 1).findings
    )
    assert "no two alike" in {finding.expected for finding in findings}
