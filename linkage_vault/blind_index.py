"""Blind indexes: how a link is found by an id that the database does not hold.

HMAC-SHA-256 under a key of its own for each kind, so that the index of a person is never equal to
that of an EHR, nor a pool slot's to the link that it became.  Used on unique random ids only:
equality of indexes of names or dates would tell how common they are.
"""

import hmac
from collections.abc import Callable, Iterable
from functools import lru_cache
from uuid import UUID

from linkage_vault.key_ring import IndexKind, KeyRing, Secret
from linkage_vault.macs import Mac


def blind_index(keys: KeyRing, kind: IndexKind, value: UUID) -> bytes:
    """32 octets that stand for `value` in look-ups of one kind.

    The input is normalised by its type: however a UUID was written, its 16 octets are indexed.
    """
    return hmac.digest(keys.index[kind].reveal(), value.bytes, "sha256")


def index_of(keys: KeyRing, kind: IndexKind) -> Mac:
    """`blind_index` of one kind for many values, given as their 16 octets."""
    return Mac(keys.index[kind].reveal())


def blind_indexes(keys: KeyRing, kind: IndexKind, value: UUID) -> list[bytes]:
    """The indexes of `value` under every version of the key, oldest first.

    While a rotation goes on a row has one or the other: a look-up asks for both.
    """
    by_version = sorted(keys.indexes.items())
    return [hmac.digest(key[kind].reveal(), value.bytes, "sha256") for _, key in by_version]


def values_by_index(keys: KeyRing, kind: IndexKind, values: Iterable[UUID]) -> dict[bytes, UUID]:
    """Values by their indexes under every version of the key."""
    every = list(values)
    macs = [Mac(version[kind].reveal()) for _, version in sorted(keys.indexes.items())]
    return {mac(value.bytes): value for mac in macs for value in every}


def heap_of(key: Secret, value: UUID, *, heaps: int) -> int:
    """Which of a few heaps a value lies in, under a key: many values share one.

    A search looks through one heap; a dump does not tell how often one value stands there.
    `heaps` is at most 256.
    """
    return heaping(key, heaps=heaps)(value.bytes)


def heaping(key: Secret, *, heaps: int) -> Callable[[bytes], int]:
    """`heap_of` for many values, given as their 16 octets."""
    mac = _heap_mac(key)
    return lambda octets: mac(octets)[0] % heaps


@lru_cache(maxsize=64)
def _heap_mac(key: Secret) -> Mac:
    return Mac(hmac.digest(key.reveal(), b"moiety/vault/heap/1", "sha256"))
