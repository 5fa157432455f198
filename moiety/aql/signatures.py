"""What a plan can know of a value without knowing the value.

Two values of one signature meet the same comparisons in a plan: they have one type, and texts are
times of the same kinds and ids of the same form. So a plan that was made for one of them answers
for the other.
"""

import math
import re
from typing import Any, Final

from moiety.aql.values import CALENDAR, DURATION, TIME, moment

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
_TIMES: Final = ((CALENDAR, "calendar"), (TIME, "time"), (DURATION, "duration"))
_FIRST: Final = frozenset("0123456789P-")
LARGEST: Final = 2**63


class Unfit(ValueError):
    """A value that no comparison takes."""


def signature(value: Any) -> str:
    """The signature of a value. Raises Unfit for what is no text, number, truth value or null
    that the database can hold.
    """
    kind = type(value)
    if kind is str:
        return _of_text(value)
    if kind is bool or value is None:
        return "boolean" if kind is bool else "null"
    if kind is int and -LARGEST < value < LARGEST:
        return "integer"
    if kind is float and math.isfinite(value):
        return "real"
    raise Unfit


def _of_text(text: str) -> str:
    if _UNFIT.search(text):
        raise Unfit
    if len(text) >= 36 and is_uuid(text[:36]):
        return "id" if len(text) == 36 else "uid" if text[36:38] == "::" else "text"
    if text[:1] not in _FIRST:
        return "text"
    return " ".join(name for rank, name in _TIMES if moment(text, rank)) or "text"


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID in the one form in which ids are written."""
    return _UUID.fullmatch(text) is not None


def is_storable(text: str) -> bool:
    """Whether PostgreSQL and JSON can hold the text."""
    return _UNFIT.search(text) is None
