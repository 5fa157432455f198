"""What can be asked of the vault, each with a permission of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from linkage_vault.purposes import LegalBasis, PurposeOfUse
from linkage_vault.requesters import Requester


class Action(StrEnum):
    """One word an action."""

    LINK = "link"
    RESOLVE_PERSON = "resolve_person"
    RESOLVE_EHR = "resolve_ehr"
    EHR_TO_PSEUDONYM = "ehr_to_pseudonym"
    PSEUDONYM_TO_EHR = "pseudonym_to_ehr"
    LIST = "list"
    READ_TRAIL = "read_trail"
    READ_HEAD = "read_head"
    UNSEAL = "unseal"
    SCREEN = "screen"
    READ_POOL = "read_pool"
    MERGE = "merge"
    UNMERGE = "unmerge"
    CLOSE = "close"
    RESTRICT = "restrict"
    MOVE = "move"
    CONSENT_TO_MOVE = "consent_to_move"
    ADOPT = "adopt"
    ERASE = "erase"
    CONSENT_TO_ERASURE = "consent_to_erasure"
    READ_TASKS = "read_tasks"
    SETTLE_TASK = "settle_task"
    MANAGE_USERS = "manage_users"
    RECORD_CARE = "record_care"
    GIVE_GRANT = "give_grant"
    REVOKE_GRANT = "revoke_grant"
    READ_GRANTS = "read_grants"
    REQUEST = "request"
    APPROVE = "approve"
    READ_REQUESTS = "read_requests"
    BREAK_GLASS = "break_glass"
    REVIEW_BREAK_GLASS = "review_break_glass"
    READ_ALERTS = "read_alerts"
    MANAGE_CANARIES = "manage_canaries"
    PROPOSE_PROJECT = "propose_project"
    REVIEW_PROJECT = "review_project"
    RUN_PROJECT = "run_project"
    CLOSE_PROJECT = "close_project"
    DESTROY_PROJECT_KEY = "destroy_project_key"
    READ_PROJECTS = "read_projects"
    USE_PROJECT = "use_project"
    RECORD_OBJECTION = "record_objection"
    LOAD_OPT_OUTS = "load_opt_outs"
    CLEAN_COHORT = "clean_cohort"
    READ_ACCESS = "read_access"
    GATHER_SUBJECT_ACCESS = "gather_subject_access"


CROSSINGS = frozenset(
    {
        Action.LINK,
        Action.RESOLVE_PERSON,
        Action.RESOLVE_EHR,
        Action.EHR_TO_PSEUDONYM,
        Action.PSEUDONYM_TO_EHR,
        Action.LIST,
        Action.UNSEAL,
        Action.GATHER_SUBJECT_ACCESS,
    }
)
"""Actions that lead from one id to another or to a person's words.

These are counted, and looked at for what stands.
"""


class Ask(NamedTuple):
    """One question: the action, the id it is about, and why."""

    action: Action
    subject: UUID | None = None
    purpose: PurposeOfUse | None = None
    reason: str | None = None
    basis: LegalBasis | None = None
    approval_id: UUID | None = None
    project_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What is decided at once: who asks, and what; the asks differ in their subjects alone.

    `behind`: ids that stand behind the subjects, among which a canary may be.
    """

    requester: Requester
    asks: Sequence[Ask]
    behind: Sequence[UUID] = ()
