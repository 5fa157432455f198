"""Tokens of people: short, signed by the vault, for one service each.

A user token is a JWT (RFC 7519, type `at+jwt` of RFC 9068) signed with Ed25519 (RFC 8037, under the
algorithm name of RFC 9864).  It names one audience, lives ten minutes at most, and says who (an id
that only this audience knows the person by), in which organisation, with which roles, and through
which program.  A service checks it with the vault's key set, which it keeps for a minute; without a
key set that is younger, nothing is believed.
"""

import asyncio
import base64
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from moiety.kit.credentials import ORGANISATION, Caller
from moiety.kit.errors import Unauthenticated, Unavailable
from moiety.kit.trust import authorities

ALGORITHM = "Ed25519"
TYPE = "at+jwt"
LONGEST_LIFE = 600
"""Seconds."""
KEPT = 60.0
"""Seconds that a key set is believed: the end of a stolen key reaches a service within them."""
_AGAIN = 2.0
_SKEW = 5
_TOKEN = re.compile(r"[A-Za-z0-9_-]{2,2000}\.[A-Za-z0-9_-]{2,6000}\.[A-Za-z0-9_-]{2,200}")

SCOPES: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "clinical": {
            "clinician": frozenset(
                {"ehr:read", "ehr:write", "composition:read", "composition:write",
                 "definition:read", "query:read"}
            ),
            "researcher": frozenset({"query:read", "definition:read"}),
            "operator": frozenset({"statistics:read", "event:read"}),
        },
        "demographic": {
            "registrar": frozenset({"person:read", "person:write"}),
            "clinician": frozenset({"person:read"}),
            "linkage_officer": frozenset({"person:read"}),
        },
        # At the vault each role is held against the policy; the scope only lets it ask.
        "vault": {
            role: frozenset({"vault:use"})
            for role in ("registrar", "clinician", "researcher", "linkage_officer", "approver",
                         "auditor", "operator", "administrator")
        },
    }
)  # fmt: skip
"""What a role may do at each service: the one place that says so."""

Keys = Callable[[str], Awaitable[KeySet]]
"""The key set that may hold the key of this name.  Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class UserTokens:
    """How one service checks the tokens that name it."""

    audience: str
    keys: Keys

    async def verify(self, text: str) -> Caller:
        """The person behind a token.  Raises Unauthenticated, always the same, and Unavailable."""
        if not _TOKEN.fullmatch(text):
            raise _refusal()
        kid = str(peek(text, 0).get("kid", ""))
        keys = await self.keys(kid)
        try:
            token = jwt.decode(text, keys, algorithms=[ALGORITHM])
            return _caller(token.header, token.claims, self.audience)
        except (JoseError, KeyError, TypeError, ValueError):
            raise _refusal() from None


class FetchedKeys:
    """The vault's key set, fetched when it is needed and kept for a minute.

    A name that the kept set does not have is asked for again, but not more often than every two
    seconds.  Where the vault does not answer, the set that is kept serves until its minute is over.
    """

    def __init__(self, url: str, *, kept: float = KEPT) -> None:
        self._url = url
        self._kept = kept
        self._keys: KeySet | None = None
        self._fetched = self._tried = float("-inf")
        self._lock = asyncio.Lock()

    async def __call__(self, kid: str) -> KeySet:
        """The set.  Raises Unavailable without one."""
        if not self._is_good(kid):
            async with self._lock:
                if not self._is_good(kid) and time.monotonic() - self._tried >= _AGAIN:
                    await self._fetch()
        if self._keys is None or time.monotonic() - self._fetched > self._kept:
            raise Unavailable("The vault's keys can't be had, so no user token can be checked.")
        return self._keys

    def _is_good(self, kid: str) -> bool:
        fresh = time.monotonic() - self._fetched <= self._kept
        return fresh and self._keys is not None and any(key.kid == kid for key in self._keys)

    async def _fetch(self) -> None:
        self._tried = time.monotonic()
        try:
            async with httpx.AsyncClient(
                timeout=5, trust_env=False, verify=authorities()
            ) as client:
                answer = (await client.get(self._url)).raise_for_status()
            self._keys = KeySet.import_key_set(answer.json())
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError):
            return
        self._fetched = self._tried


def by_url(url: str, audience: str) -> UserTokens | None:
    """Checking by the key set at `url`, if there is one."""
    return UserTokens(audience, FetchedKeys(url)) if url else None


def is_token(text: str) -> bool:
    """Whether a credential has the form of a token rather than of an API key."""
    return not text.startswith("mty_") and _TOKEN.fullmatch(text) is not None


def organisation_of(text: str) -> str:
    """The organisation that a token names, before anything of it is believed.

    Good for choosing a connection pool, as an API key's is.  Raises Unauthenticated.
    """
    organisation = peek(text, 1).get("org")
    if not isinstance(organisation, str) or not ORGANISATION.fullmatch(organisation):
        raise _refusal()
    return organisation


def peek(text: str, part: int) -> dict[str, Any]:
    """The header (0) or claims (1) of a token, unchecked.  Raises Unauthenticated."""
    try:
        encoded = text.split(".")[part]
        found = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, IndexError, RecursionError):
        raise _refusal() from None
    if not isinstance(found, dict):
        raise _refusal()
    return found


def scopes_of(service: str, roles: frozenset[str]) -> frozenset[str]:
    """What somebody with these roles may do at a service."""
    by_role = SCOPES[service]
    return frozenset().union(*(by_role.get(role, frozenset()) for role in roles))


def _caller(header: Mapping[str, Any], claims: Mapping[str, Any], audience: str) -> Caller:
    """What the claims say, each held against what it must be.  Raises ValueError and its like."""
    now = time.time()
    organisation, kid = claims["org"], header["kid"]
    life = claims["exp"] - claims["iat"]
    if (
        header.get("typ") != TYPE
        or claims["aud"] != audience
        or claims["iss"] != issuer(organisation)
        or kid.partition(".")[0] != organisation
        or not ORGANISATION.fullmatch(organisation)
        or not 0 < life <= LONGEST_LIFE
        or claims["exp"] <= now
        or claims["iat"] > now + _SKEW
    ):
        raise ValueError
    roles = frozenset(str(role) for role in claims["roles"])
    actions = claims.get("scope")
    return Caller(
        organisation=organisation,
        key_id=f"user-{UUID(claims['sub'])}",
        scopes=scopes_of(audience, roles),
        user_id=UUID(claims["sub"]),
        roles=roles,
        token_id=str(UUID(claims["jti"])),
        session_id=UUID(claims["sid"]),
        program=str(claims["azp"]),
        actions=None if actions is None else frozenset(str(actions).split()),
    )


def issuer(organisation: str) -> str:
    """Who issues the tokens of an organisation."""
    return f"urn:moiety:vault:{organisation}"


def _refusal() -> Unauthenticated:
    return Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
