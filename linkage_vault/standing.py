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
from moiety.kit.arrays import Numbers, Octets
from moiety.kit.pipelines import Rows
from moiety.kit.singles import Asked

_LOOK = """
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
given AS MATERIALIZED (
  SELECT mark, number FROM unnest(%(marks)b::bytea[], %(mark_of)b::int[]) AS g(mark, number)
),
fresh AS (
  INSERT INTO usage_subject (mark, day) SELECT mark, %(day)s::date FROM given ORDER BY mark
  ON CONFLICT DO NOTHING RETURNING mark
),
fresh_of AS (SELECT number, count(*) AS subjects FROM fresh JOIN given USING (mark) GROUP BY 1),
counted AS (
  INSERT INTO usage AS u (principal, day, minute, minute_calls, calls, subjects)
  SELECT principal, %(day)s::date, %(minute)s::int, count(*), sum(calls),
    coalesce(sum(f.subjects), 0)
  FROM unnest(%(principals)b::text[], %(principal_of)b::int[], %(calls)b::int[])
    AS asking(principal, number, calls) LEFT JOIN fresh_of f USING (number)
  GROUP BY principal ORDER BY principal
  ON CONFLICT (principal, day) DO UPDATE SET
    minute_calls = excluded.minute_calls
      + CASE WHEN u.minute = excluded.minute THEN u.minute_calls ELSE 0 END,
    minute = excluded.minute,
    calls = u.calls + excluded.calls,
    subjects = u.subjects + excluded.subjects
  RETURNING principal, minute_calls, calls, subjects
)
SELECT
  (SELECT subjects FROM fresh_of f WHERE f.number = q.number),
  CASE q.number WHEN 0 THEN (SELECT
    jsonb_object_agg(principal, jsonb_build_array(minute_calls, calls, subjects)) FROM counted) END,
  q.number IN (SELECT c.number FROM canary
    JOIN unnest(%(canaries)b::bytea[], %(canary_of)b::int[]) AS c(mark, number) USING (mark)),
  (SELECT coalesce(record_mark, '') FROM care WHERE user_id = q.user_id
    AND (mark = q.care OR record_mark = q.care_record)
    AND (until IS NULL OR until >= (now() AT TIME ZONE 'UTC')::date) LIMIT 1),
  (SELECT grant_id FROM access_grant g WHERE g.user_id = q.user_id AND g.action = q.action
    AND g.purpose = q.purpose AND NOT revoked AND uses_left > 0
    AND (g.project_id IS NULL OR g.project_id = q.project_id)
    AND now() >= not_before AND now() < not_after
    ORDER BY not_after, grant_id LIMIT 1),
  (SELECT break_glass_id FROM break_glass b WHERE b.user_id = q.user_id AND b.mark = q.broken
    AND now() < until LIMIT 1),
  (SELECT until FROM approval a WHERE a.approval_id = q.approval_id AND a.user_id = q.user_id
    AND state = 'approved' AND now() < until)
FROM quick, unnest(%(number)b::int[], %(user_id)b::uuid[], %(action)b::text[], %(purpose)b::text[],
  %(project_id)b::uuid[], %(approval_id)b::uuid[], %(care)b::bytea[], %(care_record)b::bytea[],
  %(broken)b::bytea[])
  AS q(number, user_id, action, purpose, project_id, approval_id, care, care_record, broken)
ORDER BY q.number
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


def look_beside(
    vault: Vault, questions: Sequence[Question], beside: Sequence[Asked]
) -> tuple[list[Standing], list[Rows]]:
    """Count calls that came at once, as if one after another, and find what stands for each.

    And the answers to statements that are asked in the same round trip.  Committed when this
    returns.
    """
    asked = [_asking(vault, questions)] if questions else []
    answers = vault.singles.each([*asked, *beside]) if asked or beside else []
    return (_told(questions, answers.pop(0)) if questions else []), answers


def _asking(vault: Vault, questions: Sequence[Question]) -> Asked:
    keys, now = vault.people_keys, datetime.now(UTC)
    given = {
        "day": now.date(),
        "minute": now.hour * 60 + now.minute,
        **_marked("marks", "mark_of", _new_marks(keys, questions, now)),
        **_columns(("principals", "principal_of", "calls"), _calls(questions)),
        **_marked("canaries", "canary_of", _canaries(keys, questions)),
        **_columns(_ASKED, [_asked(keys, *one) for one in enumerate(questions)]),
    }
    return _LOOK, given


def _told(questions: Sequence[Question], rows: Rows) -> list[Standing]:
    left: dict[str, list[int]] = rows[0][1]  # after the last of them; taken back from the end
    found = []
    for question, row in zip(reversed(questions), reversed(rows), strict=True):
        fresh, _, *stands = row
        found.append(Standing({one: _three(left[one]) for one in question.principals}, *stands))
        for one in question.principals:
            minute, calls, subjects = left[one]
            left[one] = [minute - 1, calls - len(question.subjects), subjects - (fresh or 0)]
    return found[::-1]


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


_ASKED = (
    "number", "user_id", "action", "purpose", "project_id", "approval_id",
    "care", "care_record", "broken",
)  # fmt: skip


def _asked(keys: PeopleKeys, number: int, question: Question) -> tuple[object, ...]:
    """A question as a row of the statement; what stands is about one subject."""
    user_id = question.user_id
    marks: tuple[bytes | None, ...] = (None, None, None)
    if len(question.subjects) == 1:
        one = question.subjects[0]
        marks = (
            care_mark(keys, user_id, one),
            care_record_mark(keys, user_id, one),
            broken_mark(keys, user_id, one),
        )
    return (
        number, user_id, question.action, question.purpose, question.project_id,
        question.approval_id, *marks,
    )  # fmt: skip


def _calls(questions: Sequence[Question]) -> list[tuple[str, int, int]]:
    return [
        (principal, number, len(question.subjects))
        for number, question in enumerate(questions)
        for principal in question.principals
    ]


def _canaries(keys: PeopleKeys, questions: Sequence[Question]) -> list[tuple[bytes, int]]:
    asked = [
        (one, number)
        for number, question in enumerate(questions)
        for one in (*question.subjects, *question.behind)
    ]
    marks = keys.plain_marks("canary", [one for one, _ in asked])
    return [(mark, number) for mark, (_, number) in zip(marks, asked, strict=True)]


def _new_marks(
    keys: PeopleKeys, questions: Sequence[Question], now: datetime
) -> list[tuple[bytes, int]]:
    """A mark for each distinct subject of the user (of the program, without one), of this day, with
    the first question that it stands in.

    So a program's count of subjects is the sum of its users': whom two of them ask about counts
    twice there.
    """
    place, first = f"usage/{now.date()}", dict[bytes, int]()
    for number, question in enumerate(questions):
        for mark in keys.marks_of(place, question.principals[-1], set(question.subjects)):
            first.setdefault(mark, number)
    return list(first.items())


def _marked(marks: str, numbers: str, rows: Sequence[tuple[bytes, int]]) -> dict[str, object]:
    """Marks, each with the number of its question, as two arrays that the statement unnests."""
    return {
        marks: Octets([mark for mark, _ in rows]),
        numbers: Numbers([number for _, number in rows]),
    }


def _columns(names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> dict[str, list[object]]:
    """Rows as the arrays that the statement unnests."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return {name: list(column) for name, column in zip(names, columns, strict=True)}


def _three(numbers: Sequence[int]) -> tuple[int, int, int]:
    minute, calls, subjects = numbers
    return minute, calls, subjects


def _run(vault: Vault, statement: str, given: Mapping[str, Any]) -> Any:
    return vault.singles.one(statement, given)
