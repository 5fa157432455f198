"""The quick HMAC is HMAC."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from linkage_vault.macs import Mac


@given(st.binary(max_size=80), st.binary(max_size=200))
def test_it_is_hmac_sha256(key, message):
    """As the standard library's, whatever key and message; a key is kept for many messages."""
    mac = Mac(key)
    assert hmac.digest(key, message, "sha256") == mac(message)
    assert hmac.digest(key, b"", "sha256") == mac(b"")


def test_no_repr_shows_the_key():
    """A secret in a log is lost."""
    assert "<mac>" == repr(Mac(b"k" * 32))
