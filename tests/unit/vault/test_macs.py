"""The quick HMAC is HMAC."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage_vault.macs import Mac, mac_once


@given(st.binary(max_size=80), st.binary(max_size=200))
def test_it_is_hmac_sha256(key, message):
    """As the standard library's, whatever key and message; a key is kept for many messages."""
    mac = Mac(key)
    assert hmac.digest(key, message, "sha256") == mac(message)
    assert hmac.digest(key, b"", "sha256") == mac(b"")


@given(st.binary(max_size=64), st.binary(max_size=200))
def test_under_a_key_for_one_message_it_is_the_same(key, message):
    """Up to a block of key; a longer one is refused and never cut."""
    assert hmac.digest(key, message, "sha256") == mac_once(key, message)
    with pytest.raises(ValueError, match="longer key"):
        mac_once(key.ljust(65, b"x"), message)


def test_a_key_of_just_one_block_is_taken():
    """64 octets are not hashed first."""
    assert hmac.digest(b"k" * 64, b"one", "sha256") == mac_once(b"k" * 64, b"one")


def test_no_repr_shows_the_key():
    """A secret in a log is lost."""
    assert "<mac>" == repr(Mac(b"k" * 32))
