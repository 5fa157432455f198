"""Keys in memory: secrets that nothing shows, versions of a key, and the ring of all of them.

Every key is 32 octets from the operating system's generator.  Blind-index keys are derived from
their root by HKDF-SHA-256 (RFC 5869), one label a kind and version, so that an index of a person
can never be compared with an index of an EHR.  What this module does *not* do: it does not defend
against a reader of the process's memory.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NoReturn, get_args

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from linkage_vault.kek import KekProvider
from linkage_vault.key_uses import Uses
from linkage_vault.shred_store import ShredStore

KEY_SIZE = 32  # octets: AES-256, HMAC-SHA-256 and the Ed25519 seed all take this size
IndexKind = Literal["person", "ehr", "slot", "screen"]


class BadKeys(ValueError):
    """The keys cannot be used; the message says why and never shows one."""


@dataclass(frozen=True, slots=True, eq=False)
class Secret:
    """32 octets of key material that no `repr`, log line, comparison or pickle shows.

    `reveal` is the only way out: one search for its name finds every use.
    Raises `BadKeys` for a short, long, constant or typed-in key.
    """

    _octets: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _refuse_weak(self._octets)

    def __repr__(self) -> str:
        return "<secret>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled")

    def reveal(self) -> bytes:
        """The key itself, for a cryptographic primitive and nothing else."""
        return self._octets


@dataclass(frozen=True, slots=True, eq=False)
class Kek:
    """A key-encryption key and the version that envelopes name it by."""

    version: int
    secret: Secret


@dataclass(frozen=True, slots=True, eq=False)
class Keks:
    """All versions of one key-encryption key; `current` seals, every version opens."""

    current: Kek
    by_version: Mapping[int, Kek]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What one reading of the key file gave.

    `index`: the keys of each version of the blind indexes, `index_version` the one that new rows
    get.  While two versions are there, look-ups ask for both.
    """

    links: Keks
    trail: Keks
    index: Mapping[int, Mapping[IndexKind, Secret]]
    index_version: int
    tree_head: Ed25519PrivateKey = field(repr=False)


class KeyRing:
    """Everything the vault can do with keys: seal links, seal the trail, index, sign heads.

    `refresh` takes up what a rotation wrote into the key file since; what is read from the ring
    is always of its newest reading.
    """

    def __init__(
        self, material: Material, reread: Callable[[], Material | None] = lambda: None
    ) -> None:
        self._material = material
        self._reread = reread
        # Set once, by the application, before the first request.
        self._provider: KekProvider | None = None
        self.shreds: ShredStore | None = None
        self.uses: Uses | None = None
        # A sealed value of nobody, made when it is first needed (`link_rows`).
        self.decoy: Any = None

    def reveal_all(self) -> list[tuple[str, bytes]]:
        """Every key with the name of its entry, to be compared with what others hold."""
        found = self._material
        named = [
            ("kek", [kek.secret for kek in found.links.by_version.values()]),
            ("trail", [kek.secret for kek in found.trail.by_version.values()]),
            ("index", [key for keys in found.index.values() for key in keys.values()]),
        ]
        return [(name, key.reveal()) for name, keys in named for key in keys]

    def refresh(self) -> bool:
        """Reads the key file again if it was changed; whether it was.  Raises BadKeys."""
        material = self._reread()
        if material is None:
            return False
        self._material = material
        return True

    @property
    def provider(self) -> KekProvider:
        """Who wraps and unwraps data keys."""
        if self._provider is None:
            raise RuntimeError("a key ring without a KekProvider")
        return self._provider

    def use(self, provider: KekProvider) -> None:
        """Names who wraps and unwraps data keys, before the first request."""
        self._provider = provider

    @property
    def links(self) -> Keks:
        """The key-encryption keys of the file, which a KekProvider may use or not."""
        return self._material.links

    @property
    def trail(self) -> Keks:
        """The keys that wrap the data keys of trail entries."""
        return self._material.trail

    @property
    def index(self) -> Mapping[IndexKind, Secret]:
        """The current blind-index keys."""
        return self._material.index[self._material.index_version]

    @property
    def index_version(self) -> int:
        """The version of the blind indexes that new rows get."""
        return self._material.index_version

    @property
    def indexes(self) -> Mapping[int, Mapping[IndexKind, Secret]]:
        """The blind-index keys of every version that rows may have."""
        return self._material.index

    @property
    def tree_head(self) -> Ed25519PrivateKey:
        """The key that signs heads, tombstones and certificates."""
        return self._material.tree_head

    @property
    def tree_head_public(self) -> Ed25519PublicKey:
        """The key that anybody may have: it checks signed tree heads."""
        return self.tree_head.public_key()


def derive_index_keys(root: Secret, version: int) -> Mapping[IndexKind, Secret]:
    """One blind-index key a kind, by HKDF-SHA-256 with the kind and version in the label."""
    kinds: tuple[IndexKind, ...] = get_args(IndexKind)
    return MappingProxyType({kind: _derive(root, f"{kind}/{version}") for kind in kinds})


def refuse_repeats(keys: list[Secret]) -> None:
    """Raises BadKeys when one key stands for two jobs or versions."""
    if len({key.reveal() for key in keys}) != len(keys):
        raise BadKeys("The key file uses one key for two jobs; every key must be its own.")


def _derive(root: Secret, label: str) -> Secret:
    hkdf = HKDF(hashes.SHA256(), KEY_SIZE, salt=None, info=b"moiety/vault/index/" + label.encode())
    return Secret(hkdf.derive(root.reveal()))


def _refuse_weak(octets: bytes) -> None:
    if len(octets) != KEY_SIZE:
        raise BadKeys(f"a key has {KEY_SIZE} octets, this one has {len(octets)}.")
    steps = {(after - before) % 256 for before, after in itertools.pairwise(octets)}
    # A random key fails one of these once in more than 10^13: they catch zeros, counters, words.
    if len(set(octets)) < 16 or len(steps) < 8 or all(32 <= octet < 127 for octet in octets):
        raise BadKeys("it is a default, a pattern or typed text, not a random key.")
