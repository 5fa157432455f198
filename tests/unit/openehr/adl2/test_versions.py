"""Versions of ADL 2 templates: their order, and which one an id means."""

import pytest

from moiety.openehr.adl2 import find_version, parse_version, sort_by_version

VITAL = "openEHR-EHR-COMPOSITION.t_vital_signs"
OTHER = "org.example::openEHR-EHR-COMPOSITION.t_vital_signs"
ORDER = [
    "0.9.9",
    "1.0.0-alpha",
    "1.0.0-alpha.2",
    "1.0.0-alpha.10",
    "1.0.0-beta.1",
    "1.0.0-rc",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.2",
    "1.0.10",
    "1.2.0",
    "10.0.0",
]
STORED = [f"{VITAL}.v{version}" for version in ORDER] + [f"{OTHER}.v3.0.0"]


def test_versions_are_in_the_order_of_semantic_versioning():
    """Numbers count as numbers; alpha, beta and candidates stand before the release."""
    assert ORDER == sorted(set(ORDER), key=parse_version)
    assert ORDER == [str(parse_version(text)) for text in ORDER]


@pytest.mark.parametrize(
    "text", ["1", "1.0", "1.0.0.0", "v1.0.0", "1.0.0-new", "", "1.0.-1", "1.0.٣"]
)
def test_what_is_no_version_is_refused(text):
    """Three numbers, perhaps a stage, in digits of ASCII."""
    with pytest.raises(ValueError, match="not a version"):
        parse_version(text)


def test_a_list_is_by_name_then_by_version():
    """The namespace belongs to the name."""
    assert STORED == sort_by_version(sorted(STORED))


@pytest.mark.parametrize(
    ("template_id", "version", "expected"),
    [
        (f"{VITAL}.v1.0.2", None, f"{VITAL}.v1.0.2"),
        (VITAL, None, f"{VITAL}.v10.0.0"),
        (f"{VITAL}.v1", None, f"{VITAL}.v1.2.0"),
        (f"{VITAL}.v1.0", None, f"{VITAL}.v1.0.10"),
        (VITAL, "*", f"{VITAL}.v10.0.0"),
        (VITAL, "1", f"{VITAL}.v1.2.0"),
        (VITAL, "1.0", f"{VITAL}.v1.0.10"),
        (VITAL, "1.0.*", f"{VITAL}.v1.0.10"),
        (VITAL, "1.*", f"{VITAL}.v1.2.0"),
        (VITAL, "1.0.0-rc", f"{VITAL}.v1.0.0-rc"),
        (f"{VITAL}.v1.0.0", "1.0.2", f"{VITAL}.v1.0.2"),
        (f"{OTHER}.v3", None, f"{OTHER}.v3.0.0"),
        (f"{VITAL}.v1.0.3", None, None),
        (VITAL, "2", None),
        (f"{VITAL}.v9x", None, None),
        ("openEHR-EHR-COMPOSITION.other", "*", None),
    ],
)
def test_an_id_and_a_version_mean_one_template(template_id, version, expected):
    """Whole ids are exact; what is left open means the highest that fits."""
    assert expected == find_version(STORED, template_id, version)


@pytest.mark.parametrize("version", ["latest", "1.0.0.0", "", "*.1", "1..2"])
def test_a_version_of_another_form_is_refused(version):
    """A caller that asks for nonsense is told so, not given nothing."""
    with pytest.raises(ValueError, match="not a version"):
        find_version(STORED, VITAL, version)
