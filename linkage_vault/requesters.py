"""Who asks: the credential that authenticated, and the person behind it, as of this moment."""

from dataclasses import dataclass
from uuid import UUID

from linkage_vault.users import Role


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks: the key that authenticated, and the person behind it with name and roles.

    `service` is the program through which a person asks, by its key's id; `actions` are all that a
    token of one narrow call allows (None: whatever the roles do).
    """

    key_id: str
    user_id: UUID | None
    name: str | None
    roles: frozenset[Role]
    service: str | None = None
    staff_id: str | None = None
    actions: frozenset[str] | None = None
