"""HMAC-SHA-256 (RFC 2104) under one key for many short messages.

What the key contributes is prepared once and copied for each message: `hmac.digest` looks the
algorithm up at each call, which of a short message is most of its time.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC


class Mac:
    """The function of one key."""

    __slots__ = ("_prepared",)

    def __init__(self, key: bytes) -> None:
        self._prepared = HMAC(key, SHA256())

    def __repr__(self) -> str:
        """No key."""
        return "<mac>"

    def __call__(self, message: bytes) -> bytes:
        """32 octets."""
        mac = self._prepared.copy()
        mac.update(message)
        return mac.finalize()
