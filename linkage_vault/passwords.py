"""Passwords of people: argon2id, and the same time for whoever does not exist."""

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 200
_HASHER = PasswordHasher()  # argon2id with the library's defaults, those of RFC 9106 for servers
# Each check takes 64 MiB and two threads' worth of processor: so many at a time, the rest waits.
_TURNS = threading.BoundedSemaphore(2)


def make_hash(password: str) -> str:
    """What is stored of a password.  Raises ValueError for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"a password has {SHORTEST} to {LONGEST} characters")
    with _TURNS:
        return _HASHER.hash(password)


def fits(stored: str | None, password: str) -> bool:
    """Whether a password is the stored one; without a stored one the same work, and False."""
    with _TURNS:
        try:
            same = _HASHER.verify(stored or _nobody(), password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return same and stored is not None


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")
