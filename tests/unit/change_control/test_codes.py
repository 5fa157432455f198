"""Change types and lifecycle states against the openEHR terminology."""

from moiety.change_control.codes import ChangeType, Lifecycle, find_change, find_lifecycle
from moiety.openehr.rubrics import RUBRICS
from moiety.openehr.terminology import GROUPS


def test_the_codes_are_those_of_the_terminology():
    """Every code of both groups, with its rubric, and no other."""
    for kind, group in (
        (ChangeType, "audit change type"),
        (Lifecycle, "version lifecycle state"),
    ):
        assert RUBRICS[group] == {str(int(one)): one.rubric for one in kind}
        assert GROUPS[group] == {str(int(one)) for one in kind}


def test_a_term_is_found_by_its_code_or_its_rubric():
    """Both are in use in commit headers; anything else is none."""
    assert ChangeType.FORMAT_CONVERSION is find_change("format conversion") is find_change("817")
    assert Lifecycle.ABANDONED is find_lifecycle("abandoned") is find_lifecycle("801")
    assert find_change("Creation") is None
    assert find_lifecycle("") is None


def test_the_coded_text_of_a_term_names_the_terminology():
    """DV_CODED_TEXT in the model's own classes."""
    text = ChangeType.CREATION.coded
    assert ("creation", "249", "openehr") == (
        text.value,
        text.defining_code.code_string,
        text.defining_code.terminology_id.value,
    )
