"""HMAC-SHA-256 (RFC 2104) under one key for many short messages.

What the key contributes is prepared once.  `hmac.digest` looks the algorithm up at each call, which
of a short message is most of its time.
"""

from hashlib import sha256

_BLOCK = 64
_INNER = bytes(octet ^ 0x36 for octet in range(256))
_OUTER = bytes(octet ^ 0x5C for octet in range(256))


class Mac:
    """The function of one key."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        self._inner, self._outer = block.translate(_INNER), block.translate(_OUTER)

    def __repr__(self) -> str:
        """No key."""
        return "<mac>"

    def __call__(self, message: bytes) -> bytes:
        """32 octets."""
        return sha256(self._outer + sha256(self._inner + message).digest()).digest()
