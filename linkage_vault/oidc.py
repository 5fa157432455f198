"""An outside OpenID Connect provider in place of passwords here.

The program that people sign in through runs the authorisation code flow with the provider and
brings the ID token; the vault checks it with the provider's own keys, finds the account by one
claim, and opens a session as after a sign-in of its own.  Issuer, audience, times, nonce and
signature are checked (OpenID Connect Core 1.0, 3.1.3.7); each ID token opens one session.
"""

import hashlib
import threading
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from linkage_vault.people_tables import app_user
from moiety.kit.errors import Unauthenticated, Unavailable
from moiety.kit.trust import authorities
from moiety.kit.user_tokens import peek

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "Ed25519")
_KEPT = 300.0
_AGAIN = 2.0
_SKEW = 30
_LONGEST = 20_000
_REFUSED = "The provider's token does not sign in here."


class Provider:
    """One provider: its issuer, our client id there, and the claim that names a person."""

    def __init__(self, issuer: str, client: str, claim: str) -> None:
        self.issuer = issuer
        self.client = client
        self.claim = claim
        self._keys: KeySet | None = None
        self._tried = self._fetched = float("-inf")
        self._lock = threading.Lock()

    def name_of(self, text: str, *, nonce: str | None) -> tuple[str, float]:
        """How the provider knows the person of an ID token, and when the token ends.

        Raises Unauthenticated, always the same, and Unavailable without the provider's keys.
        """
        if len(text) > _LONGEST:
            raise Unauthenticated(_REFUSED)
        kid = peek(text, 0).get("kid")
        try:
            claims = jwt.decode(text, self._key_set(kid), algorithms=ALGORITHMS).claims
            return self._checked(claims, nonce), float(claims["exp"])
        except (JoseError, KeyError, TypeError, ValueError):
            raise Unauthenticated(_REFUSED) from None

    def _checked(self, claims: Mapping[str, Any], nonce: str | None) -> str:
        now = time.time()
        audience = claims["aud"]
        named = [audience] if isinstance(audience, str) else list(audience)
        if (
            claims["iss"] != self.issuer
            or self.client not in named
            or (len(named) > 1 and claims.get("azp") != self.client)
            or claims.get("azp", self.client) != self.client
            or claims["exp"] <= now
            or claims["iat"] > now + _SKEW
            or claims.get("nbf", now) > now + _SKEW
            or claims.get("nonce") != nonce
        ):
            raise ValueError
        name = claims[self.claim]
        if not isinstance(name, str) or not name:
            raise ValueError
        return name

    def _key_set(self, kid: object) -> KeySet:
        with self._lock:
            known = self._keys is not None and any(key.kid == kid for key in self._keys)
            now = time.monotonic()
            if (not known or now - self._fetched > _KEPT) and now - self._tried >= _AGAIN:
                self._fetch()
            if self._keys is None or now - self._fetched > _KEPT:
                raise Unavailable("The OpenID provider's keys can't be had.")
            return self._keys

    def _fetch(self) -> None:
        self._tried = time.monotonic()
        try:
            with httpx.Client(timeout=5, trust_env=False, verify=authorities()) as client:
                where = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
                found = client.get(where).raise_for_status().json()
                if found["issuer"] != self.issuer:
                    return
                keys = client.get(found["jwks_uri"]).raise_for_status().json()
            self._keys = KeySet.import_key_set(keys)
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError):
            return
        self._fetched = self._tried


def account_of(connection: sa.Connection, name: str) -> UUID:
    """The active account of somebody whom the provider knows by `name`.  Raises Unauthenticated."""
    query = sa.select(app_user.c.user_id).where(app_user.c.outside_id == name, app_user.c.active)
    user_id: UUID | None = connection.scalar(query)
    if user_id is None:
        raise Unauthenticated(_REFUSED)
    return user_id


def use_of(text: str) -> str:
    """What one ID token is remembered by, so that it opens one session."""
    return hashlib.sha256(text.encode()).hexdigest()
