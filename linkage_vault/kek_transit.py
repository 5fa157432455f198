"""A key-encryption key in OpenBao or HashiCorp Vault: the transit secrets engine, through hvac.

The key never comes here.  Every wrapping and unwrapping is a call, many parcels in one, and the
service keeps its own log of them.  The key must be of type aes256-gcm96, since its wrappings are
bound to their places by associated data; HashiCorp Vault 1.12 was seen to ignore that in batches,
so a digest of the place is wrapped too, and compared here.
API: https://openbao.org/api-docs/secret/transit/
"""

import base64
import hashlib
import hmac
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from linkage_vault.kek import NotUnwrapped, Parcel, Wrapped
from linkage_vault.key_ring import BadKeys, KeyRing
from moiety.kit.errors import Unavailable

MOST = 1_000  # parcels in one call
KIND = "aes256-gcm96"
_DIGEST_SIZE = 16


class TransitKek:
    """One named key of a transit engine.

    Wrappings are counted as for a key of our own.  A token that may only encrypt and decrypt is
    enough for a service; rotating needs `keys/<name>/rotate`, `/config` and `/trim`.
    """

    def __init__(self, client: Any, name: str, *, mount: str, keys: KeyRing) -> None:
        self._client = client
        self._name = name
        self._mount = mount
        self._keys = keys
        self._current = 0

    def current(self) -> int:
        """The version that wraps, as the key service says now."""
        self._current = int(self._read()["latest_version"])
        return self._current

    def known(self) -> int:
        """No bound: the service itself always wraps under its newest version."""
        return sys.maxsize

    def wrap(self, parcels: Sequence[Parcel]) -> list[Wrapped]:
        """Parcels wrapped under the newest version, in their order."""
        if self._keys.uses is not None:
            self._keys.uses.take("kek", self._current or self.current(), len(parcels))
        items = [
            {
                "plaintext": _text(one.content + _digest(one.place)),
                "associated_data": _text(one.place),
            }
            for one in parcels
        ]
        found = self._batch("encrypt_data", items, plaintext=None)
        wrapped = [_parse(one["ciphertext"]) for one in found]
        self._current = max((one.version for one in wrapped), default=self._current)
        return wrapped

    def unwrap(self, wrapped: Sequence[Wrapped], places: Sequence[bytes]) -> list[bytes]:
        """The contents, in their order.  Raises NotUnwrapped when one of them does not open."""
        items = [
            {"ciphertext": f"vault:v{one.version}:{_text(one.octets)}",
             "associated_data": _text(place)}
            for one, place in zip(wrapped, places, strict=True)
        ]  # fmt: skip
        found = self._batch("decrypt_data", items, ciphertext=None)
        opened = [base64.b64decode(one["plaintext"]) for one in found]
        for octets, place in zip(opened, places, strict=True):
            if not hmac.compare_digest(octets[-_DIGEST_SIZE:], _digest(place)):
                raise NotUnwrapped
        return [octets[:-_DIGEST_SIZE] for octets in opened]

    def rotate(self) -> int:
        """Makes a new version, unless older ones than the newest may still unwrap; its number."""
        key = self._read()
        if len(key["keys"]) == 1:
            self._call("rotate_key", name=self._name)
        return self.current()

    def destroy(self, *, below: int) -> None:
        """Lets no older version unwrap or wrap, and trims them: they can't be had back."""
        # hvac's own check refuses equal versions, which the API asks for here.
        config = {"min_decryption_version": below, "min_encryption_version": below}
        with _told_plainly():
            self._client.adapter.post(f"/v1/{self._mount}/keys/{self._name}/config", json=config)
        self._call("trim_key", name=self._name, min_version=below)

    def check(self) -> None:
        """Raises BadKeys for a key of another type, or one that can be taken out."""
        key = self._read()
        if key["type"] != KIND:
            raise BadKeys(f"The transit key {self._name} is not of type {KIND}.")
        if key.get("exportable") or key.get("allow_plaintext_backup"):
            raise BadKeys(f"The transit key {self._name} can be exported: make another.")

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = self._call("read_key", name=self._name)["data"]
        return found

    def _batch(
        self, method: str, items: list[dict[str, str]], **more: None
    ) -> list[dict[str, str]]:
        results: list[dict[str, str]] = []
        for start in range(0, len(items), MOST):
            part = items[start : start + MOST]
            answer = self._call(method, name=self._name, batch_input=part, **more)
            found = answer["data"]["batch_results"]
            if len(found) != len(part) or any(one.get("error") for one in found):
                raise NotUnwrapped
            results += found
        return results

    def _call(self, method: str, **arguments: Any) -> Any:
        transit = self._client.secrets.transit
        with _told_plainly():
            return getattr(transit, method)(mount_point=self._mount, **arguments)


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Errors of hvac and of the network as ours; a message never holds what was sent."""
    from hvac.exceptions import InvalidRequest, VaultError  # noqa: PLC0415  an extra that few install
    from requests import RequestException  # noqa: PLC0415  hvac's own

    try:
        yield
    except InvalidRequest:
        raise NotUnwrapped from None
    except (VaultError, RequestException) as error:
        raise Unavailable(
            f"The key service does not answer ({type(error).__name__}), so nothing is opened."
        ) from None


def connect(url: str, token: str, name: str, *, mount: str, keys: KeyRing) -> TransitKek:
    """The key `name` of the engine at `mount` of a server.  Raises BadKeys without hvac."""
    try:
        import hvac  # noqa: PLC0415  an extra that few install
    except ImportError:
        raise BadKeys(
            "Keys are in a key service, but hvac is not installed: pip install 'moiety[openbao]'."
        ) from None
    return TransitKek(hvac.Client(url=url, token=token, timeout=10), name, mount=mount, keys=keys)


def _parse(ciphertext: str) -> Wrapped:
    _, version, text = ciphertext.split(":", 2)
    return Wrapped(int(version.removeprefix("v")), base64.b64decode(text, validate=True))


def _digest(place: bytes) -> bytes:
    return hashlib.sha256(b"moiety/vault/transit/1" + place).digest()[:_DIGEST_SIZE]


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
