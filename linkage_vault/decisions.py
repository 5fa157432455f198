"""Who may do what, for which purpose: one table, and what is not in it is refused.

Every refusal is committed to the trail before it is answered; every answered action is too, by the
work function that answers it.  Not decided here yet: grants, second approvals and care
relationships; break-the-glass (BTG) is refused until there is a review for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from linkage_vault import trail
from linkage_vault.purposes import PurposeOfUse as P
from linkage_vault.trail import Entry
from linkage_vault.users import Role
from linkage_vault.vault import Vault
from moiety.kit.errors import Forbidden, Unprocessable


class Action(StrEnum):
    """What can be asked of the vault; each has its own permission."""

    LINK = "link"
    RESOLVE_PERSON = "resolve_person"
    RESOLVE_EHR = "resolve_ehr"
    READ_TRAIL = "read_trail"
    READ_HEAD = "read_head"
    READ_POOL = "read_pool"


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks: the key that authenticated, and the person behind it with name and roles."""

    key_id: str
    user_id: UUID | None
    name: str | None
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: the action, the id it is about, and why."""

    action: Action
    subject: UUID | None = None
    purpose: P | None = None
    reason: str | None = None


_CARE = frozenset({P.TREAT, P.ETREAT, P.ERTREAT, P.COC, P.CAREMGT})
_DESK = frozenset({P.HOPERAT, P.PATADMIN, P.RECORDMGT, P.PATRQT})
_REIDENTIFY = frozenset(
    {P.TREAT, P.ETREAT, P.PATSFTY, P.PATRQT, P.PUBHLTH, P.HLEGAL, P.HCOMPL, P.DISASTER, P.THREAT}
)
_NO_PURPOSE: frozenset[P | None] = frozenset({None})

RULES: Mapping[Action, Mapping[Role, frozenset[P] | frozenset[P | None]]] = MappingProxyType(
    {
        Action.LINK: {Role.REGISTRAR: frozenset({P.PATADMIN})},
        Action.RESOLVE_PERSON: {
            Role.CLINICIAN: _CARE | {P.HOPERAT},
            Role.REGISTRAR: _DESK | {P.TREAT},
        },
        Action.RESOLVE_EHR: {Role.LINKAGE_OFFICER: _REIDENTIFY},
        Action.READ_TRAIL: {Role.AUDITOR: _NO_PURPOSE, Role.LINKAGE_OFFICER: _NO_PURPOSE},
        Action.READ_HEAD: dict.fromkeys(
            (Role.AUDITOR, Role.LINKAGE_OFFICER, Role.OPERATOR), _NO_PURPOSE
        ),
        Action.READ_POOL: {Role.OPERATOR: _NO_PURPOSE},
    }
)


def is_allowed(roles: frozenset[Role], ask: Ask) -> bool:
    """Whether one of the roles may do this for the stated purpose."""
    rules = RULES[ask.action]
    return any(ask.purpose in rules[role] for role in roles if role in rules)


def demand(vault: Vault, requester: Requester, ask: Ask) -> None:
    """Returns if the requester may; otherwise writes the refusal down and raises Forbidden."""
    if is_allowed(requester.roles, ask):
        return
    write_down(vault, requester, ask, outcome="refused")
    raise Forbidden("Your roles do not allow this for the stated purpose; the attempt is recorded.")


def write_down(vault: Vault, requester: Requester, ask: Ask, *, outcome: str) -> None:
    """Commits a decision to the trail.  Raises Unavailable when that fails."""
    entry = Entry(
        at=datetime.now(UTC),
        action=ask.action,
        outcome=outcome,
        user_id=requester.user_id,
        user_name=requester.name,
        key_id=requester.key_id,
        purpose_of_use=ask.purpose,
        reason=ask.reason,
        subject=ask.subject,
    )
    trail.record(vault, entry)


def read_purpose(code: str) -> P:
    """The purpose of an HL7 code.  Raises Unprocessable."""
    try:
        return P(code)
    except ValueError:
        findings = [{"path": "$.purpose_of_use", "rule": "HL7 PurposeOfUse"}]
        raise Unprocessable("This is no HL7 purpose of use.", findings=findings) from None
