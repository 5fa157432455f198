"""Codes against the openEHR terminology's own file, where it is at hand."""

from pathlib import Path

import pytest
from lxml import etree

from moiety.openehr.terminology import GROUPS, STATE_AFTER

FILE = (
    Path(__file__).parents[3].parent
    / "shared/data/spec/term/computable/XML/en/openehr_terminology.xml"
)


@pytest.mark.skipif(not FILE.exists(), reason="../shared/data is not at hand: the terminology")
@pytest.mark.parametrize("name", sorted(GROUPS))
def test_a_group_has_the_codes_of_the_terminology(name):
    """No code more, none less."""
    (group,) = etree.parse(FILE).getroot().findall(f"group[@name='{name}']")
    assert {concept.get("id") for concept in group.findall("concept")} == GROUPS[name]


def test_every_transition_leads_to_a_state():
    """The instruction state machine covers all transitions and reaches all states."""
    assert GROUPS["instruction transitions"] == set(STATE_AFTER)
    assert GROUPS["instruction states"] == set(STATE_AFTER.values())
