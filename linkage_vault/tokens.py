"""Issuing user tokens, and the key set that every service checks them with."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from linkage_vault.people_keys import PeopleKeys, SigningKey
from moiety.kit.user_tokens import ALGORITHM, TYPE, issuer

VAULT = "vault"
AUDIENCES = frozenset({"clinical", "demographic", VAULT, "imaging"})
LIFE = 600  # seconds
NARROW_LIFE = 60


@dataclass(frozen=True, slots=True)
class Holder:
    """For whom a token is: the person, the roles, the session and the program in between."""

    organisation: str
    user_id: UUID
    roles: frozenset[str]
    session_id: UUID
    program: str


def issue(
    keys: PeopleKeys, holder: Holder, audience: str, *, actions: frozenset[str] | None = None
) -> tuple[str, int]:
    """A token for one audience, and its life in seconds; a narrow one allows `actions` alone.

    At the vault the subject is the user's id; every other audience knows the person by an id that
    stands nowhere else.
    """
    now, key = int(time.time()), keys.signs_now()
    life = LIFE if actions is None else NARROW_LIFE
    claims: dict[str, Any] = {
        "iss": issuer(holder.organisation),
        "sub": str(subject_for(keys, audience, holder.user_id)),
        "aud": audience,
        "iat": now,
        "exp": now + life,
        "jti": str(uuid4()),
        "org": holder.organisation,
        "roles": sorted(holder.roles),
        "sid": str(holder.session_id),
        "azp": holder.program,
    }
    if actions is not None:
        claims["scope"] = " ".join(sorted(actions))
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}
    return jwt.encode(header, claims, _private(key), algorithms=[ALGORITHM]), life


def subject_for(keys: PeopleKeys, audience: str, user_id: UUID) -> UUID:
    """The id that an audience knows a user by."""
    if audience == VAULT:
        return user_id
    octets = bytearray(keys.mark("subject", audience.encode(), user_id.bytes))
    octets[6], octets[8] = octets[6] & 0x0F | 0x40, octets[8] & 0x3F | 0x80
    return UUID(bytes=bytes(octets))


def key_set(all_keys: Iterable[PeopleKeys]) -> KeySet:
    """The public halves of every signing key, of every organisation that is served here."""
    return KeySet([_public(key) for keys in all_keys for key in keys.signing])


@lru_cache(maxsize=64)
def _private(key: SigningKey) -> OKPKey:
    private = Ed25519PrivateKey.from_private_bytes(key.seed.reveal())  # lint: door-to-keys: signs
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return OKPKey.import_key(pem, {"kid": key.kid, "use": "sig"})


@lru_cache(maxsize=64)
def _public(key: SigningKey) -> OKPKey:
    return OKPKey.import_key(_private(key).as_dict(private=False))
