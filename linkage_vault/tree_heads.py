"""Signed tree heads: the vault's word for how long the trail is and what is in it.

A head says "the first `size` entries have this Merkle root", signed by Ed25519 (RFC 8032) over a
length-prefixed statement.  It carries no time: an exact one would join this database to the others.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from linkage_vault.seal import encode_lengths


@dataclass(frozen=True, slots=True)
class TreeHead:
    """Size of the tree in leaves, its root (32 octets) and the signature (64 octets) over both."""

    size: int
    root: bytes
    signature: bytes


def sign_head(key: Ed25519PrivateKey, size: int, root: bytes) -> TreeHead:
    """The head of a tree, signed."""
    return TreeHead(size, root, key.sign(_statement(size, root)))


def is_genuine(head: TreeHead, key: Ed25519PublicKey) -> bool:
    """Whether the holder of the private key signed this head."""
    try:
        key.verify(head.signature, _statement(head.size, head.root))
    except InvalidSignature:
        return False
    return True


def _statement(size: int, root: bytes) -> bytes:
    return encode_lengths(b"moiety/vault/tree-head/1", size.to_bytes(8, "big"), root)
