"""What follows from a project's key and an identifier, and from nothing else.

HMAC-SHA-256 (RFC 2104): without the key nobody can tell which stand-in belongs to which name, and
with another project's key every stand-in is another.
"""

import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

from moiety.deid.pseudonyms import shift_days

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


def number(key: bytes, purpose: str, thing: str, below: int, at: int = 0) -> int:
    """A number from 0 to below − 1; `at` gives more of them for the same thing."""
    message = f"{purpose}\0{thing}\0{at}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hmac.digest(key, message, hashlib.sha256)[:8], "big") % below


def choice(key: bytes, purpose: str, thing: str, among: Sequence[str], at: int = 0) -> str:
    """One of these."""
    return among[number(key, purpose, thing, len(among), at)]


def digits(key: bytes, purpose: str, thing: str, count: int) -> str:
    """So many digits."""
    return "".join(str(number(key, purpose, thing, 10, at)) for at in range(count))


def letter(key: bytes, purpose: str, thing: str, at: int = 0) -> str:
    """A capital that nobody takes for a digit."""
    return choice(key, purpose, thing, _LETTERS, at)


def days(key: bytes, subject: str, most: int, *, whole_weeks: bool = False) -> int:
    """The subject's shift in this project: at least a day (or a week) away, either way.

    A subject that is a UUID moves as the structured data of the same extract does, where `key` is
    the project's seed of shifts (moiety.deid.pseudonyms.shift_days) and weeks need not stay whole.
    """
    try:
        ehr_id = UUID(subject)
    except ValueError:
        ehr_id = None
    if ehr_id is not None and not whole_weeks:
        return shift_days(key, ehr_id, most=most)
    step = 7 if whole_weeks else 1
    steps = most // step
    drawn = number(key, "days", subject, 2 * steps)
    return (drawn - steps if drawn < steps else drawn - steps + 1) * step
