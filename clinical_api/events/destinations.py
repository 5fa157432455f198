"""Where a webhook may point, how a message is signed, and how it is sent.

Signatures follow the Standard Webhooks specification (symmetric, v1): HMAC-SHA-256 over
"id.timestamp.body".  A secret is not stored: it is derived from a key that only this service's
machine holds and the webhook's random id, so a stolen database can forge no message.

A service that fetches URLs for others can be turned against its own network.  So the name is
resolved here, every address it has must be allowed, and the connection goes to the address that was
looked at; redirects are not followed, and of an answer only the status is kept.
"""

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

import httpx

from moiety import __version__
from moiety.kit.errors import Conflict, Malformed
from moiety.kit.trust import authorities

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PORTS = {"https": 443, "http": 80}
_LONGEST_URL = 2000
_LONGEST_ANSWER = 64 * 1024
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sending.  `word` is a status, or the kind of failure."""

    delivered: bool
    word: str
    gone: bool = False


class Refused(Exception):
    """The address is none that a webhook may point to."""


def secret(key: str | None, organisation: str, webhook_id: UUID, generation: int) -> bytes:
    """The signing secret of a webhook.  Raises Conflict where this service has no key for it."""
    if key is None:
        raise Conflict(
            "This service has no key to sign webhooks with: set MOIETY_CLINICAL_WEBHOOK_KEY_FILE."
        )
    about = f"moiety webhook secret\0{organisation}\0{webhook_id}\0{generation}"
    return hmac.digest(key.encode(), about.encode(), hashlib.sha256)


def shown(signing: bytes) -> str:
    """A secret as it is shown once."""
    return "whsec_" + base64.b64encode(signing).decode()


def headers(secrets: Sequence[bytes], event_id: UUID, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers; one signature for each secret in force."""
    stamp = str(int(now.timestamp()))
    signed = f"{event_id}.{stamp}.".encode() + body
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(
            "v1," + base64.b64encode(hmac.digest(one, signed, hashlib.sha256)).decode()
            for one in secrets
        ),
    }


def check(url: str, targets: str) -> httpx.URL:
    """A URL that may be registered.  Raises Malformed with what it must be.

    `targets`: public, private (also networks that are not public, and plain HTTP to this machine
    itself), any (also plain HTTP).  Names are resolved when something is sent, each time.
    """
    wrong = Malformed(
        "A webhook needs an absolute URL.",
        findings=[{"path": "/url", "rule": "format", "expected": "https://host/path"}],
    )
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise wrong from None
    if len(url) > _LONGEST_URL or not found.host or found.scheme not in _PORTS:
        raise wrong
    if found.userinfo or found.fragment:
        raise _not_allowed("neither a user nor a fragment")
    literal = _literal(found.host)
    if found.scheme == "http" and targets != "any":
        is_here = found.host == "localhost" or (literal is not None and literal.is_loopback)
        if targets == "public" or not is_here:
            raise _not_allowed("https")
    if literal is not None and not _allowed(literal, targets):
        raise _not_allowed("an address that this service may call")
    return found


async def send(
    client: httpx.AsyncClient, url: str, body: bytes, extra: dict[str, str], targets: str
) -> Outcome:
    """Send one message; whatever happens is an Outcome."""
    try:
        place = check(url, targets)
        host = await _resolved(place, targets)
        request = client.build_request(
            "POST",
            place.copy_with(host=host),
            content=body,
            headers={
                "Host": place.netloc.decode("ascii"),
                "Content-Type": "application/json",
                "User-Agent": f"moiety/{__version__}",
                **extra,
            },
            extensions={"sni_hostname": place.host},
        )
        answer = await client.send(request, stream=True)
        try:
            await _skim(answer)
        finally:
            await answer.aclose()
    except (Refused, Malformed):
        return Outcome(delivered=False, word="address not allowed")
    except (httpx.HTTPError, OSError, UnicodeError) as error:
        return Outcome(delivered=False, word=type(error).__name__)
    gone = answer.status_code == HTTPStatus.GONE
    return Outcome(answer.is_success, str(answer.status_code), gone=gone)


def client() -> httpx.AsyncClient:
    """What sends: no redirects, no proxy of the environment, ten seconds."""
    return httpx.AsyncClient(
        trust_env=False, follow_redirects=False, timeout=10, verify=authorities(),
        limits=httpx.Limits(max_connections=64, keepalive_expiry=15),
    )  # fmt: skip


async def _skim(answer: httpx.Response) -> None:
    """A short body is read, so that the connection can be used again; a long one is cut."""
    taken = 0
    async for some in answer.aiter_raw():
        taken += len(some)
        if taken > _LONGEST_ANSWER:
            return


async def _resolved(url: httpx.URL, targets: str) -> str:
    """An address of the host.  Raises Refused unless all its addresses are allowed."""
    port = url.port or _PORTS[url.scheme]
    found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not addresses or not all(_allowed(one, targets) for one in addresses):
        raise Refused
    return str(addresses[0])


def _allowed(address: Address, targets: str) -> bool:
    inner = _inner(address)
    if inner.is_multicast or inner.is_unspecified:
        return False
    if targets == "any":
        return True
    if targets == "private":
        return inner.is_loopback or (not inner.is_link_local and not inner.is_reserved)
    return inner.is_global


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _not_allowed(expected: str) -> Malformed:
    return Malformed(
        "A webhook may not point there.",
        findings=[{"path": "/url", "rule": "webhook target", "expected": expected}],
    )
