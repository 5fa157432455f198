"""What stands where the model has no place for it can be taken out, and is told."""

import json
import random
from datetime import UTC, datetime

import pytest

from moiety.commands.demo import records
from moiety.openehr import rm
from moiety.openehr.canonical import decode, decode_composition, encode
from moiety.openehr.errors import RmError
from moiety.openehr.misplaced import decode_leniently


def tree():
    """A valid composition as plain JSON."""
    return records.vital_signs(random.Random(1), datetime(2026, 1, 1, tzinfo=UTC))


def test_an_attribute_of_another_class_is_taken_out_and_told():
    """The object is that of the document without it."""
    wrong = tree()
    wrong["content"][0]["feeder_system_audit"] = {"_type": "FEEDER_AUDIT_DETAILS"}
    wrong["items"] = [{"_type": "ELEMENT"}]
    found, dropped = decode_leniently(json.dumps(wrong).encode(), rm.Composition)
    right = decode_composition(json.dumps(tree()).encode())
    assert encode(right) == encode(found)
    assert ["/items", "/content[0]/feeder_system_audit"] == dropped


@pytest.mark.parametrize("key", ["feeder_sytem_audit", "Items", "foo", ""])
def test_a_key_that_no_class_has_is_still_refused(key):
    """A slip of the pen is no attribute of another class."""
    wrong = tree()
    wrong["content"][0][key] = 1
    with pytest.raises(RmError) as error:
        decode_leniently(json.dumps(wrong).encode(), rm.Composition)
    assert "/content[0]" == error.value.path


def test_a_doubled_key_is_still_refused():
    """Which of the two was meant nobody knows."""
    body = json.dumps(tree())[:-1] + ', "category": null}'
    with pytest.raises(RmError, match="stands twice"):
        decode_leniently(body.encode(), rm.Composition)


def test_a_document_without_fault_loses_nothing():
    """The lenient reading of a good document is the strict one."""
    body = json.dumps(tree()).encode()
    found, dropped = decode_leniently(body, rm.Composition)
    assert (encode(decode(body, rm.Composition)), []) == (encode(found), dropped)
