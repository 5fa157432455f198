"""Identifiers in parts."""

import pytest

from moiety.openehr.ids import ArchetypeName, find_archetype_name


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "openEHR-EHR-OBSERVATION.blood_pressure.v2",
            ("openEHR", "EHR", "OBSERVATION", "blood_pressure", "2"),
        ),
        (
            "openEHR-EHR-CLUSTER.device-cuff.v0.0.1-alpha",
            ("openEHR", "EHR", "CLUSTER", "device-cuff", "0.0.1-alpha"),
        ),
        (
            "org.example::openEHR-DEMOGRAPHIC-PERSON.person.v1.2.3",
            ("openEHR", "DEMOGRAPHIC", "PERSON", "person", "1.2.3"),
        ),
    ],
)
def test_an_archetype_id_has_parts(text, parts):
    """BASE 1.2.0, ARCHETYPE_ID: publisher, model, class, concept, version."""
    assert ArchetypeName(*parts) == find_archetype_name(text)


@pytest.mark.parametrize("text", ["at0001", "", "openEHR-EHR-OBSERVATION", "a b-c-d.e.v1", "x.v1"])
def test_what_is_no_archetype_id_is_none(text):
    """An at-code, or any other text, is no archetype id."""
    assert find_archetype_name(text) is None
