"""A key file under a passphrase: scrypt (RFC 7914) and AES-256-GCM, as JSON.

    {"format": 2, "kdf": "scrypt", "n": 131072, "r": 8, "p": 1,
     "salt": BASE64, "nonce": BASE64, "sealed": BASE64}

The cost parameters are authenticated and bounded: a file cannot ask for more than 1 GiB of memory
nor for so little that guessing is cheap.  What is inside is the key file of format 1.
"""

import base64
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from linkage_vault.key_ring import KEY_SIZE, BadKeys

FORMAT = 2
SHORTEST = 16  # characters of a passphrase: four random words and more
_COST, _BLOCK, _LANES = 1 << 17, 8, 1  # 128 MiB and about half a second
_COSTS = frozenset(1 << exponent for exponent in range(15, 21))


def protect(document: bytes, passphrase: str) -> dict[str, object]:
    """The JSON object that holds `document` under a passphrase.  Raises BadKeys for a short one."""
    _refuse_short(passphrase)
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    key = Scrypt(salt, KEY_SIZE, _COST, _BLOCK, _LANES).derive(passphrase.encode())
    sealed = AESGCM(key).encrypt(nonce, document, _bound(_COST, _BLOCK, _LANES))
    return {
        "format": FORMAT, "kdf": "scrypt", "n": _COST, "r": _BLOCK, "p": _LANES,
        "salt": _text(salt), "nonce": _text(nonce), "sealed": _text(sealed),
    }  # fmt: skip


def unprotect(outer: dict[str, Any], passphrase: str) -> bytes:
    """The document inside.  Raises BadKeys for a wrong passphrase or a changed file."""
    _refuse_short(passphrase)
    try:
        cost, block, lanes = outer["n"], outer["r"], outer["p"]
        if cost not in _COSTS or block != _BLOCK or lanes != _LANES or outer["kdf"] != "scrypt":
            raise BadKeys("The key file asks for costs of scrypt that are out of bounds.")
        salt, nonce, sealed = (_octets(outer[name]) for name in ("salt", "nonce", "sealed"))
        key = Scrypt(salt, KEY_SIZE, cost, block, lanes).derive(passphrase.encode())
        return AESGCM(key).decrypt(nonce, sealed, _bound(cost, block, lanes))
    except (KeyError, TypeError, InvalidTag):
        raise BadKeys(
            "The key file does not open: a wrong passphrase, or it was changed."
        ) from None


def _refuse_short(passphrase: str) -> None:
    if len(passphrase) < SHORTEST:
        raise BadKeys(f"The passphrase of the key file has fewer than {SHORTEST} characters.")


def _bound(cost: int, block: int, lanes: int) -> bytes:
    return f"moiety/vault/key-file/{FORMAT}/scrypt/{cost}/{block}/{lanes}".encode()


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise BadKeys("The key file does not open: it is not base64.") from None
