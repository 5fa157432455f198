"""What stands for a requester at this moment, asked and counted in one statement.

One round trip: it counts the call against the limits of the user and of the program, and looks for
care, grants, an approval, broken glass and canaries.  Counters need not be on the disk before the
statement returns: the entry of the trail, which comes after it in the same log, takes them along.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from linkage_vault.people_keys import PeopleKeys
from linkage_vault.rules import Limit
from linkage_vault.vault import Vault

_LOOK = """
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
fresh AS (
  INSERT INTO usage_subject (mark, day)
  SELECT mark, %(day)s::date FROM unnest(%(marks)s::bytea[]) AS given(mark) ORDER BY mark
  ON CONFLICT DO NOTHING RETURNING mark
),
counted AS (
  INSERT INTO usage AS u (principal, day, minute, minute_calls, calls, subjects)
  SELECT principal, %(day)s::date, %(minute)s::int, 1, %(count)s::int,
    (SELECT count(*) FROM fresh)
  FROM unnest(%(principals)s::text[]) AS given(principal) ORDER BY principal
  ON CONFLICT (principal, day) DO UPDATE SET
    minute_calls = CASE WHEN u.minute = excluded.minute THEN u.minute_calls + 1 ELSE 1 END,
    minute = excluded.minute,
    calls = u.calls + excluded.calls,
    subjects = u.subjects + excluded.subjects
  RETURNING principal, minute_calls, calls, subjects
)
SELECT
  (SELECT array_agg(ARRAY[minute_calls, calls, subjects] ORDER BY principal) FROM counted),
  EXISTS (SELECT FROM canary WHERE mark = ANY(%(canaries)s::bytea[])),
  (SELECT coalesce(record_mark, '') FROM care WHERE user_id = %(user_id)s
    AND (mark = %(care)s OR record_mark = %(care_record)s)
    AND (until IS NULL OR until >= (now() AT TIME ZONE 'UTC')::date) LIMIT 1),
  (SELECT grant_id FROM access_grant WHERE user_id = %(user_id)s AND action = %(action)s
    AND purpose = %(purpose)s AND NOT revoked AND uses_left > 0
    AND (project_id IS NULL OR project_id = %(project_id)s)
    AND now() >= not_before AND now() < not_after
    ORDER BY not_after, grant_id LIMIT 1),
  (SELECT break_glass_id FROM break_glass WHERE user_id = %(user_id)s AND mark = %(broken)s
    AND now() < until LIMIT 1),
  (SELECT until FROM approval WHERE approval_id = %(approval_id)s AND user_id = %(user_id)s
    AND state = 'approved' AND now() < until)
FROM quick
"""

_USE_GRANT = """
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
fresh AS (
  INSERT INTO grant_subject (grant_id, mark)
  SELECT %(grant_id)s, mark FROM unnest(%(marks)s::bytea[]) AS given(mark), quick ORDER BY mark
  ON CONFLICT DO NOTHING RETURNING 1
)
UPDATE access_grant SET uses_left = uses_left - 1,
  subjects_left = subjects_left - (SELECT count(*) FROM fresh)
WHERE grant_id = %(grant_id)s AND NOT revoked AND uses_left > 0
  AND now() >= not_before AND now() < not_after
RETURNING grant_id
"""

# The approver is looked at again at the moment of use: still active, still an approver, and still
# another human than who asks.
_USE_APPROVAL = """
UPDATE approval a SET state = 'used'
FROM app_user approver, app_user asking
WHERE a.approval_id = %(approval_id)s AND a.user_id = %(user_id)s AND a.state = 'approved'
  AND a.request_hash = %(request_hash)s AND now() < a.until
  AND approver.user_id = a.decided_by AND approver.active AND 'approver' = ANY(approver.roles)
  AND asking.user_id = a.user_id AND asking.active AND approver.staff_id <> asking.staff_id
RETURNING a.approval_id
"""


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for: who asks what about whom."""

    user_id: UUID | None
    key_id: str
    action: str
    purpose: str
    subjects: Sequence[UUID]
    project_id: UUID | None = None
    approval_id: UUID | None = None
    behind: Sequence[UUID] = ()  # what pseudonyms among the subjects stand for

    @property
    def principals(self) -> list[str]:
        """Whose usage it is: the program's, and that of the person behind it."""
        people = [] if self.user_id is None else [f"user:{self.user_id}"]
        return [f"key:{self.key_id}", *people]


@dataclass(frozen=True, slots=True)
class Standing:
    """What was found; ids are of what may be used up by `use_grant` and `use_approval`."""

    used: Mapping[str, tuple[int, int, int]]
    canary: bool
    care: bytes | None  # the mark of the record that the person is known by, or empty
    grant_id: UUID | None
    break_glass_id: UUID | None
    approval_until: datetime | None

    def over(self, principal: str, limit: Limit) -> str | None:
        """Which of a principal's limits this call is over: minute, day or subjects."""
        minute, day, subjects = self.used[principal]
        if minute > limit.minute:
            return "minute"
        if day > limit.day:
            return "day"
        return "subjects" if subjects > limit.subjects else None


def look(vault: Vault, question: Question) -> Standing:
    """Count a call and find what stands for it; committed when this returns."""
    keys, now = vault.people_keys, datetime.now(UTC)
    one = question.subjects[0] if len(question.subjects) == 1 else None
    row = _run(
        vault,
        _LOOK,
        {
            "day": now.date(),
            "minute": now.hour * 60 + now.minute,
            "count": len(question.subjects),
            "marks": _marks_of_the_day(keys, question, now),
            "principals": question.principals,
            "canaries": [canary_mark(keys, one) for one in (*question.subjects, *question.behind)],
            "user_id": question.user_id,
            "care": one and care_mark(keys, question.user_id, one),
            "care_record": one and care_record_mark(keys, question.user_id, one),
            "broken": one and broken_mark(keys, question.user_id, one),
            "action": question.action,
            "purpose": question.purpose,
            "project_id": question.project_id,
            "approval_id": question.approval_id,
        },
    )
    counts, canary, care, grant_id, broken, until = row
    used = {name: tuple(one) for name, one in zip(sorted(question.principals), counts, strict=True)}
    return Standing(used, canary, care, grant_id, broken, until)


def use_grant(vault: Vault, grant_id: UUID, subjects: Sequence[UUID]) -> bool:
    """Take one use of a grant, and its persons; False when it does not reach."""
    keys = vault.people_keys
    marks = sorted({keys.mark_of("grant", str(grant_id), subject) for subject in subjects})
    try:
        return _run(vault, _USE_GRANT, {"grant_id": grant_id, "marks": marks}) is not None
    except psycopg.errors.CheckViolation:
        return False


def use_approval(vault: Vault, approval_id: UUID, user_id: UUID, request_hash: bytes) -> bool:
    """Take the one use of an approval of exactly this request; False when it is not there."""
    given = {"approval_id": approval_id, "user_id": user_id, "request_hash": request_hash}
    return _run(vault, _USE_APPROVAL, given) is not None


def canary_mark(keys: PeopleKeys, subject: UUID) -> bytes:
    """What a canary person or record is known by."""
    return keys.mark("canary", subject.bytes)


def care_mark(keys: PeopleKeys, user_id: UUID | None, person_id: UUID) -> bytes:
    """What a person is known by among those whom one user cares for."""
    return keys.mark_of("care/person", str(user_id), person_id)


def care_record_mark(keys: PeopleKeys, user_id: UUID | None, ehr_id: UUID) -> bytes:
    """What that person's record is known by there."""
    return keys.mark_of("care/record", str(user_id), ehr_id)


def broken_mark(keys: PeopleKeys, user_id: UUID | None, person_id: UUID) -> bytes:
    """What a person is known by for whom one user broke the glass."""
    return keys.mark_of("break_glass", str(user_id), person_id)


def _marks_of_the_day(keys: PeopleKeys, question: Question, now: datetime) -> list[bytes]:
    """A mark for each distinct subject of the user (of the program, without one), of this day.

    So a program's count of subjects is the sum of its users': whom two of them ask about counts
    twice there.
    """
    place, owner = f"usage/{now.date()}", question.principals[-1]
    return [keys.mark_of(place, owner, subject) for subject in set(question.subjects)]


def _run(vault: Vault, statement: str, given: Mapping[str, Any]) -> Any:
    return vault.singles.one(statement, given)
