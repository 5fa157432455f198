"""Who acts in the demo, and what a step that does not come true is."""

from dataclasses import dataclass, field
from uuid import UUID

import httpx


@dataclass
class Cast:
    """Who acts, each with a key of the service that it talks to; and what they have made."""

    app: httpx.Client
    researcher: httpx.Client
    registrar: httpx.Client
    registrar_at_vault: httpx.Client
    clinician: httpx.Client
    clinician_at_vault: httpx.Client
    officer: httpx.Client
    approver: httpx.Client
    officer_at_persons: httpx.Client
    auditor: httpx.Client
    researcher_at_vault: httpx.Client
    links: dict[UUID, UUID] = field(default_factory=dict)
    """person_id → ehr_id, as the registrar learned them; nobody else has this table."""


class Untrue(Exception):
    """A step of the story did not come true."""


def demand(true: bool, otherwise: str) -> None:
    """Go on only if something is true.  Raises Untrue."""
    if not true:
        raise Untrue(otherwise)
