"""A key-encryption key in the key file: AES-256-GCM in this process.

    wrapped = nonce (12, random) || AES-256-GCM(KEK, nonce, content, associated data)

The associated data is the parcel's place and the version of the KEK.  Random nonces bound how often
one key may wrap (NIST SP 800-38D: 2^32); `key_uses` counts and refuses before that.
"""

import secrets
from collections.abc import Callable, Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from linkage_vault.kek import NotUnwrapped, Parcel, Wrapped
from linkage_vault.key_ring import Kek, KeyRing
from linkage_vault.seal import NONCE_SIZE, encode_lengths
from moiety.kit.errors import Unavailable


class FileKek:
    """The `kek` entry of a key file.  `rotate` and `destroy` are for who may write that file."""

    def __init__(
        self,
        keys: KeyRing,
        *,
        add: Callable[[], int] | None = None,
        drop: Callable[[int], object] | None = None,
    ) -> None:
        self._keys = keys
        self._add = add
        self._drop = drop

    def check(self) -> None:
        """Nothing: the key file was looked at when it was read."""

    def current(self) -> int:
        """The version that wraps."""
        return self._keys.links.current.version

    def known(self) -> int:
        """The same: the file is here."""
        return self.current()

    def wrap(self, parcels: Sequence[Parcel]) -> list[Wrapped]:
        """Parcels wrapped under the current version, in their order.

        Raises Unavailable when that version was used as often as it may be.
        """
        kek = self._keys.links.current
        if self._keys.uses is not None:
            self._keys.uses.take("kek", kek.version, len(parcels))
        cipher = AESGCM(kek.secret.reveal())
        return [_wrap(cipher, kek.version, parcel) for parcel in parcels]

    def unwrap(self, wrapped: Sequence[Wrapped], places: Sequence[bytes]) -> list[bytes]:
        """The contents, in their order.  Raises NotUnwrapped when one of them does not open."""
        ciphers = {version: AESGCM(self._of(version).secret.reveal())
                   for version in {one.version for one in wrapped}}  # fmt: skip
        try:
            return [
                ciphers[one.version].decrypt(
                    one.octets[:NONCE_SIZE], one.octets[NONCE_SIZE:], _bound(place, one.version)
                )
                for one, place in zip(wrapped, places, strict=True)
            ]
        except (InvalidTag, ValueError):
            raise NotUnwrapped from None

    def rotate(self) -> int:
        """Makes a new current version in the key file; its number."""
        if self._add is None:
            raise Unavailable("A service does not write its key file; `moiety keys rotate` does.")
        version = self._add()
        self._keys.refresh()
        return version

    def destroy(self, *, below: int) -> None:
        """Destroys every version below one in the key file."""
        if self._drop is None:
            raise Unavailable("A service does not write its key file; `moiety keys rotate` does.")
        self._drop(below)
        self._keys.refresh()

    def _of(self, version: int) -> Kek:
        found = self._keys.links.by_version.get(version)
        if found is None and self._keys.refresh():
            found = self._keys.links.by_version.get(version)
        if found is None:
            raise NotUnwrapped
        return found


def _wrap(cipher: AESGCM, version: int, parcel: Parcel) -> Wrapped:
    nonce = secrets.token_bytes(NONCE_SIZE)
    return Wrapped(
        version, nonce + cipher.encrypt(nonce, parcel.content, _bound(parcel.place, version))
    )


def _bound(place: bytes, version: int) -> bytes:
    before, after = _around(version)
    return before + len(place).to_bytes(8, "little") + place + after


@lru_cache(maxsize=64)
def _around(version: int) -> tuple[bytes, bytes]:
    """What stands before and after the place, of `encode_lengths` of label, place and version."""
    label = encode_lengths(b"moiety/vault/kek/2", b"", version.to_bytes(4, "big"))
    return label[:-20], label[-12:]
