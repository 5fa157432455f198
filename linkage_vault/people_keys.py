"""Keys for what the vault knows of its people: one JSON file of its own, beside the link keys.

The file (mode 0600, owned by the service's user) holds

    {"format": 1,
     "seal":   {"current": 1, "keys": {"1": BASE64}},          seals factors, requests, reasons
     "marks":  BASE64,                                         root of the keys that blind subjects
     "tokens": {"KID": {"seed": BASE64, "from": ISO TIME}}}    Ed25519 keys that sign user tokens

A mark stands for a person or record in one place only (one carer's list, one day's count, one
grant): marks of two places are never equal, so a dump shows how many and not whom.  A signing key
is published as soon as it stands in the file and signs from its time on, so that every service has
fetched it by then; the file is read again when it changes, and no restart is needed.
"""

import base64
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from linkage_vault.keys import KEY_SIZE, BadKeys, Kek, Secret
from linkage_vault.macs import Mac
from linkage_vault.seal import encode_lengths
from moiety.kit.private_files import Exposed, read_private, write_private

FORMAT = 1
AHEAD = timedelta(minutes=2)
"""How long a new signing key is published before it signs: longer than any service keeps a set."""


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """An Ed25519 seed under the name that tokens carry, and when it begins to sign."""

    kid: str
    seed: Secret
    begins: datetime


@dataclass(frozen=True, slots=True, eq=False)
class PeopleKeys:
    """Everything that the vault does with keys for its people."""

    sealing: Kek
    opening: Mapping[int, Kek]
    marks: Secret
    signing: tuple[SigningKey, ...] = field(repr=False)

    def mark(self, place: str, *parts: bytes) -> bytes:
        """16 octets that stand for `parts` in one `place`: HMAC-SHA-256, cut."""
        message = encode_lengths(b"moiety/vault/mark/1", place.encode(), *parts)
        return hmac.digest(self.marks.reveal(), message, "sha256")[:16]  # lint: door-to-keys: HMAC

    def mark_of(self, place: str, owner: str, subject: UUID) -> bytes:
        """The mark of a person or record for one owner (a user, a grant) in one place."""
        return self.marks_of(place, owner, [subject])[0]

    def marks_of(self, place: str, owner: str, subjects: Iterable[UUID]) -> list[bytes]:
        """The marks of many, in their order."""
        return self._marks(subjects, place.encode(), owner.encode())

    def plain_marks(self, place: str, subjects: Iterable[UUID]) -> list[bytes]:
        """`mark` of many ids, in their order."""
        return self._marks(subjects, place.encode())

    def _marks(self, subjects: Iterable[UUID], *before: bytes) -> list[bytes]:
        """All is encoded once but the ids, which come last."""
        start = encode_lengths(b"moiety/vault/mark/1", *before, bytes(16))[:-16]
        mac = Mac(self.marks.reveal())  # lint: door-to-keys: HMAC
        return [mac(start + one.bytes)[:16] for one in subjects]

    def handle(self, subject: UUID) -> str:
        """What a person or record is called where its id is not shown: the same every time."""
        return f"h-{self.mark('handle', subject.bytes)[:5].hex()}"

    def bind(self, *parts: bytes) -> bytes:
        """32 octets that stand for `parts` in this order, for binding one thing to another."""
        message = encode_lengths(b"moiety/vault/binding/1", *parts)
        return hmac.digest(self.marks.reveal(), message, "sha256")  # lint: door-to-keys: HMAC

    def signs_now(self) -> SigningKey:
        """The newest key whose time has come, or the oldest where none has."""
        now = datetime.now(UTC)
        begun = [key for key in self.signing if key.begins <= now]
        return max(begun, key=_begins) if begun else min(self.signing, key=_begins)


def people_key_path(key_file: Path) -> Path:
    """Where the keys for people stand when no setting says: beside the link keys, as `.people`."""
    if key_file.suffix == ".keys":
        return key_file.with_suffix(".people")
    return key_file.with_name(f"{key_file.name}.people")


def create_people_key_file(path: Path, organisation: str) -> None:
    """Write a new file with fresh keys; an existing one is never overwritten (FileExistsError)."""
    document = {
        "format": FORMAT,
        "seal": {"current": 1, "keys": {"1": _fresh()}},
        "marks": _fresh(),
        "tokens": {_kid(organisation): _signing(datetime.now(UTC))},
    }
    write_private(path, json.dumps(document, indent=1), replace=False)


def add_signing_key(path: Path, organisation: str) -> tuple[str, list[str]]:
    """Put a new signing key beside the newest one there; older ones go.

    Returns the new key's name and those that went.  Tokens of the key that stays live at most ten
    minutes; run it again no sooner than that.  Raises BadKeys.
    """
    document = _document(path)
    newest = max(document["tokens"], key=lambda kid: document["tokens"][kid]["from"])
    gone = sorted(set(document["tokens"]) - {newest})
    new = _kid(organisation)
    document["tokens"] = {
        newest: document["tokens"][newest],
        new: _signing(datetime.now(UTC) + AHEAD),
    }
    write_private(path, json.dumps(document, indent=1), replace=True)
    load_people_keys(path)
    return new, gone


def load_people_keys(path: Path) -> PeopleKeys:
    """Read the file and refuse an unsafe one.  Raises BadKeys with a sentence."""
    document = _document(path)
    try:
        seal = {int(number): _secret(text) for number, text in document["seal"]["keys"].items()}
        current = int(document["seal"]["current"])
        marks = _secret(document["marks"])
        signing = tuple(
            SigningKey(kid, _secret(one["seed"]), datetime.fromisoformat(one["from"]))
            for kid, one in document["tokens"].items()
        )
        keks = MappingProxyType({number: Kek(number, secret) for number, secret in seal.items()})
        keys = PeopleKeys(keks[current], keks, marks, signing)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadKeys(f"The file {path} does not hold the keys for people as expected.") from None
    _refuse_repeats([*seal.values(), marks, *(key.seed for key in signing)])
    if not signing:
        raise BadKeys(f"The file {path} holds no key that signs tokens.")
    return keys


class PeopleKeyFile:
    """The keys of one file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys = load_people_keys(path)
        self._seen = _stamp(path)

    def current(self) -> PeopleKeys:
        """The keys as the file has them now; those read last where it can't be read."""
        stamp = _stamp(self._path)
        if stamp is not None and stamp != self._seen:
            try:
                self._keys, self._seen = load_people_keys(self._path), stamp
            except BadKeys:
                return self._keys
        return self._keys


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_private(path))
    except Exposed as error:
        raise BadKeys(f"The vault's keys for people: {error}") from None
    except ValueError:
        raise BadKeys(f"The file {path} is not JSON.") from None
    if not isinstance(document, dict) or set(document) != {"format", "seal", "marks", "tokens"}:
        raise BadKeys(f"The file {path} does not hold exactly the four expected entries.")
    if document["format"] != FORMAT:
        raise BadKeys(f"The file {path} is not of format {FORMAT}.")
    return document


def _kid(organisation: str) -> str:
    """A key is named after its organisation: no other's token may be signed with it."""
    return f"{organisation}.{secrets.token_hex(4)}"


def _signing(begins: datetime) -> dict[str, str]:
    return {"seed": _fresh(), "from": begins.isoformat(timespec="seconds")}


def _begins(key: SigningKey) -> datetime:
    return key.begins


def _fresh() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_SIZE)).decode("ascii")


def _secret(text: str) -> Secret:
    return Secret(base64.b64decode(text, validate=True))


def _refuse_repeats(keys: list[Secret]) -> None:
    if len({key.reveal() for key in keys}) != len(keys):  # lint: door-to-keys: compared, not shown
        raise BadKeys("The keys for people use one key for two jobs; every key must be its own.")
