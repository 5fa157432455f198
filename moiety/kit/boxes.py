"""Sealed boxes: what anybody with a public key may put in, and only its owner takes out.

    +------------------+-------+------------+-----+
    | ephemeral X25519 | nonce | ciphertext | tag |
    |        32        |  12   |    size    | 16  |
    +------------------+-------+------------+-----+

    key = HKDF-SHA-256(X25519(ephemeral, owner), salt = both public keys, info = label)

One agreement serves a batch of boxes, each with a nonce of its own.  What is bound (the place where
the box will lie) is authenticated and not in the box.  The plaintext is padded with its length in
front to a multiple of `size`.  Source: RFC 7748 (X25519), RFC 5869 (HKDF), NIST SP 800-38D (GCM).
"""

import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_SIZE = 32
_NONCE_SIZE = 12
_LENGTH_SIZE = 4


class NotOpened(Exception):
    """A box that was changed, moved, or made for somebody else."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes for one owner and label, made under one agreement."""

    opening: bytes
    key: AESGCM

    def seal(self, plaintext: bytes, bound: bytes, *, size: int) -> bytes:
        """A box of `plaintext`, whose length shows only as a multiple of `size` octets."""
        padded = len(plaintext).to_bytes(_LENGTH_SIZE, "big") + plaintext
        padded = padded.ljust(-(-len(padded) // size) * size, b"\0")
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return self.opening + nonce + self.key.encrypt(nonce, padded, bound)


class BoxKey:
    """The owner's private key.  Raises ValueError for other than 32 octets."""

    def __init__(self, octets: bytes) -> None:
        self._key = X25519PrivateKey.from_private_bytes(octets)

    def __repr__(self) -> str:
        """No key."""
        return "<box key>"

    @property
    def public(self) -> bytes:
        """The 32 octets that anybody may have."""
        return self._key.public_key().public_bytes_raw()

    def open_box(self, box: bytes, bound: bytes, *, label: bytes) -> bytes:
        """What was put into a box for this owner.  Raises NotOpened."""
        opening, nonce = box[:_KEY_SIZE], box[_KEY_SIZE : _KEY_SIZE + _NONCE_SIZE]
        try:
            shared = self._key.exchange(X25519PublicKey.from_public_bytes(opening))
            key = _agreed(shared, opening, self.public, label)
            padded = key.decrypt(nonce, box[_KEY_SIZE + _NONCE_SIZE :], bound)
        except (InvalidTag, ValueError):
            raise NotOpened("a box does not open with this key in this place") from None
        end = _LENGTH_SIZE + int.from_bytes(padded[:_LENGTH_SIZE], "big")
        return padded[_LENGTH_SIZE:end]


def new_key() -> bytes:
    """32 octets for a fresh private key."""
    return X25519PrivateKey.generate().private_bytes_raw()


def boxes_for(owner: bytes, *, label: bytes) -> Boxes:
    """Boxes for the owner of a public key, 32 octets.  Raises ValueError."""
    ephemeral = X25519PrivateKey.generate()
    opening = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(owner))
    return Boxes(opening, _agreed(shared, opening, owner, label))


def _agreed(shared: bytes, opening: bytes, owner: bytes, label: bytes) -> AESGCM:
    hkdf = HKDF(hashes.SHA256(), _KEY_SIZE, salt=opening + owner, info=label)
    return AESGCM(hkdf.derive(shared))
