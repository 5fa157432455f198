"""Key material of the vault: one JSON file outside every database.

The file (mode 0600, owned by the service's user) holds

    {"format": 1,
     "kek":       {"current": 1, "keys": {"1": BASE64}},  wraps data keys of links and pool slots
     "index":     {"current": 1, "keys": {"1": BASE64}},  root of the blind-index keys, and after
                                                          a rotation "screen": that key, kept
     "trail":     {"current": 1, "keys": {"1": BASE64}},  wraps the data keys of trail entries
     "tree_head": BASE64}                                 seed of the Ed25519 key that signs heads

or, in format 2, the same under a passphrase (`passphrases`).  A rotation replaces the file whole:
written beside it, flushed to disk and renamed, so that a crash leaves the old one or the new one.
"""

import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from linkage_vault import passphrases
from linkage_vault.key_ring import (
    KEY_SIZE,
    BadKeys,
    IndexKind,
    Kek,
    Keks,
    KeyRing,
    Material,
    Secret,
    derive_index_keys,
    refuse_repeats,
)
from moiety.kit.private_files import Exposed, read_private, write_private

__all__ = ["KEY_SIZE", "BadKeys", "IndexKind", "Kek", "Keks", "KeyRing", "Secret"]

FORMAT = 1
_ENTRIES = frozenset({"format", "kek", "index", "trail", "tree_head"})
_Document = dict[str, Any]
Versioned = Literal["kek", "index"]


def public_octets(key: Ed25519PublicKey) -> bytes:
    """The 32 octets of an Ed25519 public key (RFC 8032), as printed and handed to witnesses."""
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def public_key_of(text: str) -> Ed25519PublicKey:
    """The public key that 64 hexadecimal digits write.  Raises BadKeys."""
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError:
        raise BadKeys("A tree head's public key is written as 64 hexadecimal digits.") from None


def create_key_file(path: Path, passphrase: str | None = None) -> None:
    """Writes a new key file with fresh keys, mode 0600; an existing file is never overwritten.

    Raises `FileExistsError` when there is one already, `OSError` when it cannot be written, and
    BadKeys for a short passphrase.
    """
    document = {
        "format": FORMAT,
        "kek": {"current": 1, "keys": {"1": _fresh()}},
        "index": {"current": 1, "keys": {"1": _fresh()}},
        "trail": {"current": 1, "keys": {"1": _fresh()}},
        "tree_head": _fresh(),
    }
    write_private(path, _encode(document, passphrase), replace=False)


def load_key_file(path: Path, passphrase: str | None = None) -> KeyRing:
    """Reads the key file and refuses an unsafe one, before any request can be served.

    Raises `BadKeys` when the file is missing, not a plain file, not the running user's, readable by
    group or others, of another shape, holds a key that is short, weak or used twice, or does not
    open under the passphrase.
    """
    seen = _mark(path)
    material = _material(path, _open(path, passphrase))

    def reread() -> Material | None:
        nonlocal seen
        mark = _mark(path)
        if mark == seen:
            return None
        try:
            found = _material(path, _open(path, passphrase))
        except BadKeys:
            if _mark(path) == mark:
                raise
            return reread()  # it was replaced while it was read
        seen = mark
        return found

    return KeyRing(material, reread)


def add_version(path: Path, name: Versioned, passphrase: str | None = None) -> int:
    """Adds a fresh key as the current version of an entry and returns its number.

    A version that a rotation added before, and did not finish with, is taken up again: while older
    versions are there, nothing is added.  Raises BadKeys and OSError.
    """
    found = 0

    def change(document: _Document) -> None:
        nonlocal found
        entry = document[name]
        if len(entry["keys"]) == 1:
            if name == "index":
                entry.setdefault("screen", _screen_key(entry))
            entry["current"] = 1 + int(entry["current"])
            entry["keys"][str(entry["current"])] = _fresh()
        found = int(entry["current"])

    _rewrite(path, passphrase, change)
    return found


def drop_versions(path: Path, name: Versioned, *, below: int, passphrase: str | None) -> list[int]:
    """Destroys every version below one: after this the file holds them no more.

    The file is replaced by a new one; the old one's blocks are overwritten before they are freed,
    which a file system that copies on write, or a flash disk, may not honour.
    """
    gone: list[int] = []

    def change(document: _Document) -> None:
        keys = document[name]["keys"]
        gone.extend(sorted(int(version) for version in keys if int(version) < below))
        for version in gone:
            del keys[str(version)]

    _rewrite(path, passphrase, change)
    return gone


def _rewrite(path: Path, passphrase: str | None, change: Callable[[_Document], None]) -> None:
    document = _open(path, passphrase)
    _material(path, document)
    change(document)
    _material(path, document)
    with path.open("r+b") as old:
        write_private(path, _encode(document, passphrase), replace=True)
        # The old file has no name any more; its octets go too.
        old.write(secrets.token_bytes(os.fstat(old.fileno()).st_size))
        old.flush()
        os.fsync(old.fileno())
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _encode(document: Mapping[str, object], passphrase: str | None) -> str:
    text = json.dumps(document, indent=1)
    if passphrase is None:
        return text
    return json.dumps(passphrases.protect(text.encode(), passphrase), indent=1)


def _material(path: Path, document: _Document) -> Material:
    if set(document) != _ENTRIES:
        raise BadKeys(f"The key file {path} does not hold exactly the five expected entries.")
    if document["format"] != FORMAT:
        raise BadKeys(f"The key file {path} is not of format {FORMAT}.")
    kek, kek_current = _versions("kek", document["kek"])
    index, index_current = _versions("index", _without_screen(document["index"]))
    trail, trail_current = _versions("trail", document["trail"])
    head = _secret("tree_head", document["tree_head"])
    refuse_repeats([*kek.values(), *index.values(), *trail.values(), head])
    return Material(
        links=_keks(kek, kek_current),
        trail=_keks(trail, trail_current),
        index=_index_keys(index, document["index"]),
        index_version=index_current,
        tree_head=Ed25519PrivateKey.from_private_bytes(head.reveal()),
    )


def _index_keys(
    roots: Mapping[int, Secret], entry: _Document
) -> Mapping[int, Mapping[IndexKind, Secret]]:
    """The keys of each version; that of the screen outlives the version that it came from."""
    found = {version: derive_index_keys(root, version) for version, root in roots.items()}
    if "screen" in entry:
        kept = _secret("index", entry["screen"])
        found = {version: {**keys, "screen": kept} for version, keys in found.items()}
    return MappingProxyType(found)


def _without_screen(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {name: one for name, one in entry.items() if name != "screen"}


def _screen_key(entry: _Document) -> str:
    """The screen's index key, which a rotation keeps: its rows hold no id to index them anew by."""
    version = int(entry["current"])
    root = _secret("index", entry["keys"][str(version)])
    return base64.b64encode(derive_index_keys(root, version)["screen"].reveal()).decode("ascii")


def _fresh() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_SIZE)).decode("ascii")


def _keks(secret_by_version: Mapping[int, Secret], current: int) -> Keks:
    by_version = {version: Kek(version, secret) for version, secret in secret_by_version.items()}
    return Keks(by_version[current], MappingProxyType(by_version))


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _open(path: Path, passphrase: str | None) -> _Document:
    """The document of a key file, taken out of its passphrase's seal if it has one."""
    document = _parse(path, _read(path))
    if document.get("format") != passphrases.FORMAT or "sealed" not in document:
        return document
    if passphrase is None:
        raise BadKeys(f"The key file {path} is under a passphrase, and none was given.")
    return _parse(path, passphrases.unprotect(document, passphrase))


def _read(path: Path) -> bytes:
    try:
        return read_private(path)
    except Exposed as error:
        raise BadKeys(f"The vault's keys: {error}") from None


def _parse(path: Path, content: bytes) -> _Document:
    try:
        document = json.loads(content)
    except ValueError:
        raise BadKeys(f"The key file {path} is not JSON.") from None
    if not isinstance(document, dict):
        raise BadKeys(f"The key file {path} does not hold a JSON object.")
    return document


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
