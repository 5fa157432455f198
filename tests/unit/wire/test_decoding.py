"""Messages: strict, and silent about what was sent."""

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moiety.kit.errors import Malformed
from moiety.wire.decoding import decode
from moiety.wire.vault import ResolveEhr

GOOD = {
    "ehr_id": "5f2c9a34-7d0e-4b52-9f0a-1c2d3e4f5a6b",
    "purpose_of_use": "PATSFTY",
    "reason": "Recalled implant, batch of May",
}


def _refusal(body):
    with pytest.raises(Malformed) as caught:
        decode(body, ResolveEhr)
    return caught.value


def test_a_message_is_decoded():
    """The control: what is right passes."""
    assert GOOD["reason"] == decode(json.dumps(GOOD).encode(), ResolveEhr).reason


@pytest.mark.parametrize(
    ("change", "path", "rule"),
    [
        ({"ehr_id": "Fletcher"}, "$.ehr_id", "value"),
        ({"ehr_id": 9990000042}, "$.ehr_id", "type"),
        ({"ehr_id": None}, "$.ehr_id", "type"),
        ({"reason": "Fletcher"}, "$.reason", "value"),
        ({"reason": "Fletcher\nFletcher"}, "$.reason", "value"),
        ({"reason": "Fletcher Fletcher\n"}, "$.reason", "value"),
        ({"Fletcher": 1}, "$", "unknown"),
        ({"reason": ...}, "$.reason", "required"),
    ],
)
def test_a_fault_is_told_by_path_and_rule(change, path, rule):
    """Neither a value nor the name of an unknown key is in the answer."""
    message = {key: value for key, value in (GOOD | change).items() if value is not ...}
    error = _refusal(json.dumps(message).encode())
    assert [{"path": path, "rule": rule}] == error.findings
    assert "Fletcher" not in f"{error.message}{error.findings}"


def test_a_repeated_key_is_refused():
    """Which of the two was meant is not for us to guess."""
    body = json.dumps(GOOD)[:-1] + ', "reason": "Another reason altogether"}'
    assert "twice" in _refusal(body.encode()).message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"reason": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":"\xed\xa0\x80"}',
    ],
    ids=["empty", "cut", "word", "NaN", "octets", "deep", "surrogate"],
)
def test_what_is_not_json_is_refused(body):
    """A plain 400, whatever the decoder underneath raises."""
    assert isinstance(_refusal(body), Malformed)


@given(st.binary(max_size=200))
def test_any_octets_are_refused_or_decoded(body):
    """No octets raise anything but Malformed."""
    with contextlib.suppress(Malformed):
        decode(body, ResolveEhr)


def test_a_known_name_of_an_unknown_element_is_told():
    """With a vocabulary, the path says which element is not supported."""

    class Small(msgspec.Struct, forbid_unknown_fields=True):
        known: int = 0

    with pytest.raises(Malformed) as caught:
        decode(b'{"photo": 1}', Small, root="Patient", vocabulary=frozenset({"photo"}))
    assert [{"path": "Patient.photo", "rule": "unknown"}] == caught.value.findings
