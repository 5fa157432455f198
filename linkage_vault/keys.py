"""Key material of the vault: one JSON file outside every database, read once at the start.

The file (mode 0600, owned by the service's user) holds

    {"format": 1,
     "kek":       {"current": 1, "keys": {"1": BASE64}},  wraps data keys of links and pool slots
     "index":     {"current": 1, "keys": {"1": BASE64}},  root of the blind-index keys
     "trail":     {"current": 1, "keys": {"1": BASE64}},  wraps the data keys of trail entries
     "tree_head": BASE64}                                 seed of the Ed25519 key that signs heads

Every key is 32 octets from the operating system's generator.  Blind-index keys are derived from
their root by HKDF-SHA-256 (RFC 5869), one label a kind, so that an index of a person can never be
compared with an index of an EHR.  What this module does *not* do: it does not defend against a
reader of the process's memory, and it does not fetch keys from a key service.
"""

import base64
import itertools
import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NoReturn, get_args

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE = 32  # octets: AES-256, HMAC-SHA-256 and the Ed25519 seed all take this size
FORMAT = 1
IndexKind = Literal["person", "ehr", "slot", "screen"]


class BadKeys(ValueError):
    """The key file cannot be used; the message says why and never shows a key."""


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
class KeyRing:
    """Everything the vault can do with keys: seal links, seal the trail, index, sign heads."""

    links: Keks
    trail: Keks
    index: Mapping[IndexKind, Secret]
    index_version: int
    tree_head: Ed25519PrivateKey = field(repr=False)

    @property
    def tree_head_public(self) -> Ed25519PublicKey:
        """The key that anybody may have: it checks signed tree heads."""
        return self.tree_head.public_key()


def public_octets(key: Ed25519PublicKey) -> bytes:
    """The 32 octets of an Ed25519 public key (RFC 8032), as printed and handed to witnesses."""
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def public_key_of(text: str) -> Ed25519PublicKey:
    """The public key that 64 hexadecimal digits write.  Raises BadKeys."""
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError:
        raise BadKeys("A tree head's public key is written as 64 hexadecimal digits.") from None


def create_key_file(path: Path) -> None:
    """Writes a new key file with fresh keys, mode 0600; an existing file is never overwritten.

    Raises `FileExistsError` when there is one already, and `OSError` when it cannot be written.
    """
    document = {
        "format": FORMAT,
        "kek": {"current": 1, "keys": {"1": _fresh()}},
        "index": {"current": 1, "keys": {"1": _fresh()}},
        "trail": {"current": 1, "keys": {"1": _fresh()}},
        "tree_head": _fresh(),
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def load_key_file(path: Path) -> KeyRing:
    """Reads the key file and refuses an unsafe one, before any request can be served.

    Raises `BadKeys` when the file is missing, not a plain file, not the running user's, readable by
    group or others, of another shape, or holds a key that is short, weak or used twice.
    """
    document = _read(path)
    if set(document) != {"format", "kek", "index", "trail", "tree_head"}:
        raise BadKeys(f"The key file {path} does not hold exactly the five expected entries.")
    if document["format"] != FORMAT:
        raise BadKeys(f"The key file {path} is not of format {FORMAT}.")
    kek, kek_current = _versions("kek", document["kek"])
    index, index_current = _versions("index", document["index"])
    trail, trail_current = _versions("trail", document["trail"])
    head = _secret("tree_head", document["tree_head"])
    _refuse_repeats([*kek.values(), *index.values(), *trail.values(), head])
    return KeyRing(
        links=_keks(kek, kek_current),
        trail=_keks(trail, trail_current),
        index=derive_index_keys(index[index_current], index_current),
        index_version=index_current,
        tree_head=Ed25519PrivateKey.from_private_bytes(head.reveal()),
    )


def derive_index_keys(root: Secret, version: int) -> Mapping[IndexKind, Secret]:
    """One blind-index key a kind, by HKDF-SHA-256 with the kind and version in the label."""
    kinds: tuple[IndexKind, ...] = get_args(IndexKind)
    return MappingProxyType({kind: _derive(root, f"{kind}/{version}") for kind in kinds})


def _derive(root: Secret, label: str) -> Secret:
    hkdf = HKDF(hashes.SHA256(), KEY_SIZE, salt=None, info=b"moiety/vault/index/" + label.encode())
    return Secret(hkdf.derive(root.reveal()))


def _fresh() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_SIZE)).decode("ascii")


def _keks(secret_by_version: Mapping[int, Secret], current: int) -> Keks:
    by_version = {version: Kek(version, secret) for version, secret in secret_by_version.items()}
    return Keks(by_version[current], MappingProxyType(by_version))


def _read(path: Path) -> dict[str, Any]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise BadKeys(f"The vault's key file {path} cannot be opened: {error.strerror}.") from None
    try:
        _refuse_exposed(path, os.fstat(descriptor))
        content = os.read(descriptor, 1 << 20)
    finally:
        os.close(descriptor)
    try:
        document = json.loads(content)
    except ValueError:
        raise BadKeys(f"The key file {path} is not JSON.") from None
    if not isinstance(document, dict):
        raise BadKeys(f"The key file {path} does not hold a JSON object.")
    return document


def _refuse_exposed(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise BadKeys(f"The vault's key file {path} is not a plain file.")
    if status.st_mode & 0o077:
        raise BadKeys(f"The key file {path} is open to group or others; set its mode to 0600.")
    if status.st_uid != os.geteuid():
        raise BadKeys(f"The key file {path} belongs to another user than the vault runs as.")


def _versions(name: str, entry: Any) -> tuple[dict[int, Secret], int]:
    if not isinstance(entry, dict) or set(entry) != {"current", "keys"}:
        raise BadKeys(f"The entry {name} of the key file needs 'current' and 'keys' and no more.")
    keys, current = entry["keys"], entry["current"]
    if not isinstance(keys, dict) or str(current) not in keys or isinstance(current, bool):
        raise BadKeys(f"The entry {name} of the key file names no current key.")
    if not all(version.isdecimal() and 0 < int(version) < 1 << 31 for version in keys):
        raise BadKeys(f"The entry {name} of the key file has a version that is no number.")
    return {int(version): _secret(name, text) for version, text in keys.items()}, int(current)


def _secret(name: str, text: Any) -> Secret:
    try:
        return Secret(base64.b64decode(text, validate=True))
    except (TypeError, ValueError) as error:
        reason = str(error) if isinstance(error, BadKeys) else "it is not base64."
        raise BadKeys(f"A key of the entry {name} is refused: {reason}") from None


def _refuse_weak(octets: bytes) -> None:
    if len(octets) != KEY_SIZE:
        raise BadKeys(f"a key has {KEY_SIZE} octets, this one has {len(octets)}.")
    steps = {(after - before) % 256 for before, after in itertools.pairwise(octets)}
    # A random key fails one of these once in more than 10^13: they catch zeros, counters, words.
    if len(set(octets)) < 16 or len(steps) < 8 or all(32 <= octet < 127 for octet in octets):
        raise BadKeys("it is a default, a pattern or typed text, not a random key.")


def _refuse_repeats(keys: list[Secret]) -> None:
    if len({key.reveal() for key in keys}) != len(keys):
        raise BadKeys("The key file uses one key for two jobs; every key must be its own.")
