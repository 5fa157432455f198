"""The commit log's other half: attempts to write that were refused.

What was accepted is logged by the statement that writes it.  Both keep who, by which door, what
kind, with what outcome and which kinds of identifiers were found, and nothing of the content.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from moiety.kit.commits import Commit, Row, Step

NOBODY = UUID(int=0)
"""Stands for the EHR where the attempt names none that could be."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An attempt that changed nothing.  `outcome` is the error's code."""

    ehr_id: UUID
    key_id: str
    door: str
    kind: str
    outcome: str
    findings: Sequence[str]


def logging(refusal: Refusal) -> Commit:
    """The commit of its line in the log."""
    line = {
        "ehr_id": refusal.ehr_id,
        "attempt_id": uuid4(),
        "time_tried": datetime.now(UTC),
        "key_id": refusal.key_id,
        "door": refusal.door,
        "kind": refusal.kind,
        "outcome": refusal.outcome,
        "findings": list(refusal.findings),
    }
    landed = Step(_LANDED, {name: line[name] for name in ("ehr_id", "attempt_id")})
    return Commit(refusal.ehr_id, (Step(_LINE, line),), _accept, landed, None)


def found_kinds(findings: Iterable[object]) -> list[str]:
    """The kinds of identifiers that an error's findings name."""
    return sorted(
        {
            str(one.get("found", "SUBJECT_IDENTITY"))
            for one in findings
            if isinstance(one, dict)
            and one.get("rule") in {"identifier screen", "subject identity"}
        }
    )


def _accept(_rows: Sequence[Row]) -> None:
    """There is nothing that could be refused about a refusal."""


_LINE = (
    "INSERT INTO commit_log"
    " (ehr_id, attempt_id, time_tried, key_id, door, kind, outcome, findings)"
    " VALUES (%(ehr_id)s, %(attempt_id)s, %(time_tried)s, %(key_id)s, %(door)s, %(kind)s,"
    " %(outcome)s, %(findings)s::text[]) RETURNING 1"
)
_LANDED = "SELECT 1 FROM commit_log WHERE ehr_id = %(ehr_id)s AND attempt_id = %(attempt_id)s"
