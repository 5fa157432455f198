"""Time-based one-time passwords: RFC 6238 over RFC 4226, SHA-1, 30 seconds, six digits.

SHA-1 and six digits are what authenticator applications take; HMAC does not rest on what is broken
of SHA-1.
"""

import base64
import hmac
import secrets
from urllib.parse import quote

PERIOD = 30
DIGITS = 6
_DRIFT = (0, -1, 1)


def new_secret() -> bytes:
    """160 random bits, as RFC 4226 recommends."""
    return secrets.token_bytes(20)


def code(secret: bytes, step: int, *, digits: int = DIGITS, digest: str = "sha1") -> str:
    """The code of a time step (RFC 4226, 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), digest)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: bytes, given: str, *, now: float, after: int) -> int | None:
    """The time step whose code was given, this one or its neighbours, if it comes after `after`.

    A code is good once: whoever accepts one keeps its step and passes it here.
    """
    found = None
    for drift in _DRIFT:
        step = int(now // PERIOD) + drift
        same = hmac.compare_digest(code(secret, step).encode(), given.encode())
        if same and step > after:
            found = step
    return found


def uri(secret: bytes, *, account: str, issuer: str) -> str:
    """What an authenticator application reads from a QR code."""
    text = base64.b32encode(secret).decode().rstrip("=")
    label = f"{quote(issuer)}:{quote(account)}"
    return f"otpauth://totp/{label}?secret={text}&issuer={quote(issuer)}"
