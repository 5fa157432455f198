"""What a deployment decides about crossings: one value, made of the settings at the start."""

from dataclasses import dataclass
from datetime import timedelta

from linkage_vault.targets import Target


@dataclass(frozen=True, slots=True)
class Limit:
    """How much one user or program may ask: a minute's requests, a day's ids and distinct ones."""

    minute: int
    day: int
    subjects: int


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits, switches and times of the decisions."""

    user: Limit = Limit(minute=3000, day=50_000, subjects=2000)
    program: Limit = Limit(minute=60_000, day=1_000_000, subjects=100_000)
    bulk: int = 1  # more ids than this in one request are bulk
    # Whether a clinician's first resolve for care records the care, or must find it recorded.
    care: str = "record"
    personal_keys: str = "accept"  # a user's own API key in place of a token, or "refuse"
    approver_other_line: bool = False  # an approver has another line manager than who asks
    approval_life: timedelta = timedelta(hours=24)
    break_glass_life: timedelta = timedelta(minutes=60)
    review_within: timedelta = timedelta(days=7)
    alert_targets: tuple[Target, ...] = ()  # who is told of alerts besides the log and the table
    opt_out_days: int = 7  # how old the national list of opt-outs may be
