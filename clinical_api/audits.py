"""Who changes what, as it is recorded: AUDIT_DETAILS, and the line of the commit log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clinical_api.own_words import Sealed
from clinical_api.screen import Found
from moiety.change_control.codes import ChangeType, Lifecycle


@dataclass(frozen=True, slots=True)
class Audit:
    """One change, as its caller accounts for it.

    `details` is AUDIT_DETAILS in canonical JSON without change type and time: system, committer,
    description.  `key_id` is the key that was used and `door` the route, for the commit log.
    `change` and `lifecycle` are what the caller asked for, if anything; `found` is what the screen
    recorded of what the caller said.  `said` is what `details` was before its subject's own words
    were taken out of it, and `sealed` holds these.
    """

    details: Mapping[str, Any] = field(repr=False)
    key_id: str
    door: str
    change: ChangeType | None = None
    lifecycle: Lifecycle | None = None
    found: tuple[Found, ...] = ()
    said: Mapping[str, Any] | None = field(default=None, repr=False)
    sealed: Sealed | None = None


def of_key(key_id: str, system_id: str, door: str = "") -> Audit:
    """The audit of a change that says nothing of its committer: key or user stands for one."""
    name = key_id if key_id.startswith("user-") else f"API key {key_id}"
    committer = {"_type": "PARTY_IDENTIFIED", "name": name}
    return Audit({"system_id": system_id, "committer": committer}, key_id, door)
