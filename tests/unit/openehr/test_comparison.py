"""What changes between two versions of a template, and whether old documents stay valid."""

from dataclasses import replace

import pytest

from moiety.openehr.comparison import differences
from moiety.openehr.constraints import (
    CodePhraseConstraint,
    Interval,
    NumberConstraint,
    QuantityConstraint,
    QuantityItem,
    StringConstraint,
)
from moiety.openehr.opt import parse_opt
from tests.unit.openehr import documents


@pytest.fixture(scope="module")
def template():
    return documents.template("vital_signs")


def changed(template, number, **changes):
    nodes = list(template.nodes)
    nodes[number] = replace(nodes[number], **changes)
    return replace(template, nodes=tuple(nodes))


def element(template):
    return next(node for node in template.nodes if node.rm_type == "ELEMENT" and node.minimum == 0)


def test_a_template_does_not_differ_from_itself():
    """Read twice, it is the same."""
    body = (documents.TEMPLATES / "vital_signs.opt").read_bytes()
    assert [] == differences(parse_opt(body), parse_opt(body))


@pytest.mark.parametrize(("minimum", "maximum", "breaking"), [(0, None, False), (1, 1, True)])
def test_narrower_occurrences_break(template, minimum, maximum, breaking):
    """More freedom harms nobody; a node that must now be there does."""
    node = element(template)
    new = changed(template, node.number, minimum=minimum, maximum=maximum)
    (found,) = differences(template, new)
    assert ("occurrences", breaking) == (found.kind, found.breaking)
    assert node.path == found.path


PAIRS = [
    (CodePhraseConstraint("local", ("a",)), CodePhraseConstraint("local", ("a", "b")), False),
    (CodePhraseConstraint("local", ("a", "b")), CodePhraseConstraint("local", ("a",)), True),
    (CodePhraseConstraint("local", ()), CodePhraseConstraint("local", ("a",)), True),
    (StringConstraint(None, ("a",), open=False), StringConstraint(None, (), open=True), False),
    (
        NumberConstraint("integer", frozenset(), Interval(1, 5)),
        NumberConstraint("integer", frozenset(), Interval(0, 5)),
        False,
    ),
    (
        NumberConstraint("integer", frozenset(), Interval(1, None)),
        NumberConstraint("integer", frozenset(), Interval(1, 5)),
        True,
    ),
    (
        QuantityConstraint(None, (QuantityItem("mg", Interval(0, 5), None),)),
        QuantityConstraint(None, (QuantityItem("mg", None, None), QuantityItem("g", None, None))),
        False,
    ),
    (
        QuantityConstraint(None, (QuantityItem("mg", None, None),)),
        QuantityConstraint(None, (QuantityItem("g", None, None),)),
        True,
    ),
]


@pytest.mark.parametrize(("old", "new", "breaking"), PAIRS)
def test_narrower_constraints_break(template, old, new, breaking):
    """A constraint that admits all that the old one admitted breaks nothing."""
    node = template.nodes[-1]
    before = changed(template, node.number, constraint=old)
    (found,) = differences(before, changed(template, node.number, constraint=new))
    assert ("constraint", breaking) == (found.kind, found.breaking)


def test_a_node_less_breaks():
    """Where a node has gone, documents that hold it are refused; coming back, it is optional."""
    old = documents.template("laboratory_result")
    gone = next(node for node in old.nodes if node.rm_type == "ELEMENT" and node.minimum == 0)
    kept = tuple(
        replace(node, path=f"{node.path}/gone") if gone.number <= node.number <= gone.last else node
        for node in old.nodes
    )
    found = differences(old, replace(old, nodes=kept))
    assert ("removed", True) in {(each.kind, each.breaking) for each in found}
