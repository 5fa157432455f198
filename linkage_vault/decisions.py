"""Who may do what, for which purpose: what no policy permits is refused.

A decision is made of what is asked (`Ask`), who asks (`Requester`) and what stands for them at this
moment (`standing.py`); the rules are files (`policies/`).  Every refusal is committed to the trail
before it is answered; every answered action is too, by the work function that answers it.

    verdict = weigh(…)       a crossing: counted, decided, and what it needs is used up
    weigh_all(…)             cases of different people that came at once
    weigh_beside(…)          the same, with other statements in the same round trip
    demand(…)                the same, and a refusal is written down and raised
    write_down(…)            commits the decision to the trail
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from linkage_vault import alerts, policy, standing, suspensions, trail
from linkage_vault.asks import CROSSINGS, Action, Ask, Case
from linkage_vault.policy import Facts
from linkage_vault.purposes import LegalBasis
from linkage_vault.purposes import PurposeOfUse as P
from linkage_vault.requesters import Requester
from linkage_vault.standing import Question, Standing
from linkage_vault.trail import Entry
from linkage_vault.vault import Vault
from moiety.kit.errors import Forbidden, ServiceError, TooMany, Unprocessable
from moiety.kit.pipelines import Rows
from moiety.kit.singles import Asked

__all__ = [
    "CROSSINGS", "Action", "Ask", "Case", "Requester", "Verdict", "demand", "demand_all", "weigh",
    "weigh_all", "weigh_beside", "write_down", "write_down_each",
]  # fmt: skip

REFUSED = "There is no answer to this for you and this purpose; the attempt is recorded."


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision, and what it rests on.  `outcome` is the word of a refusal in the trail."""

    allowed: bool
    outcome: str = "refused"
    kind: str | None = None
    grant_id: UUID | None = None
    approval_id: UUID | None = None
    request_hash: bytes | None = None
    count: int | None = None
    # In care: the mark of the record that the person is known by, empty where it is not known yet.
    care_record: bytes | None = None

    def error(self) -> ServiceError:
        """What a refusal is answered with."""
        if self.outcome == "limited":
            wait = {"minute": "60"}.get(self.kind or "", "3600")
            return TooMany(headers={"Retry-After": wait})
        return Forbidden(REFUSED)


def demand(vault: Vault, requester: Requester, ask: Ask) -> Verdict:
    """Returns if the requester may; otherwise writes the refusal down and raises.

    Raises Forbidden, and TooMany over a limit.
    """
    return demand_all(vault, requester, [ask])


def demand_all(
    vault: Vault, requester: Requester, asks: Sequence[Ask], *, behind: Sequence[UUID] = ()
) -> Verdict:
    """The same for many subjects of one action, purpose and approval: one decision for them all.

    `behind`: ids that stand behind the subjects, among which a canary may be.
    A refusal of many is one entry with their count.
    """
    verdict = weigh(vault, requester, asks, behind=behind)
    if not verdict.allowed:
        refused = asks[0] if len(asks) == 1 else asks[0]._replace(subject=None)
        write_down(vault, requester, refused, outcome=verdict.outcome, verdict=verdict)
        raise verdict.error()
    return verdict


def weigh(
    vault: Vault, requester: Requester, asks: Sequence[Ask], *, behind: Sequence[UUID] = ()
) -> Verdict:
    """Decides without writing down: a refusal is the caller's to commit and answer.

    For crossings it counts the call, and uses up the grant or approval that an allowed one rests
    on.
    """
    return weigh_all(vault, [Case(requester, asks, behind)])[0]


def weigh_all(vault: Vault, cases: Sequence[Case]) -> list[Verdict]:
    """As `weigh`, for cases of different people that came at once."""
    return weigh_beside(vault, cases, [])[0]


def weigh_beside(
    vault: Vault, cases: Sequence[Case], beside: Sequence[Asked]
) -> tuple[list[Verdict], list[Rows]]:
    """As `weigh_all`, with the answers to statements that are asked in the same round trip."""
    counted = [number for number, case in enumerate(cases) if _is_counted(case)]
    questions = [_question(cases[number]) for number in counted]
    looked, answers = standing.look_beside(vault, questions, beside)
    found = dict(zip(counted, zip(questions, looked, strict=True), strict=True))
    verdicts = [_weigh(vault, case, found.get(number)) for number, case in enumerate(cases)]
    return verdicts, answers


def _weigh(vault: Vault, case: Case, counted: tuple[Question, Standing] | None) -> Verdict:
    requester, ask = case.requester, case.asks[0]
    verdict = Verdict(allowed=False, count=len(case.asks) if len(case.asks) > 1 else None)
    if not _is_within(requester, ask):
        return verdict
    facts = _facts(requester, ask, bulk=len(case.asks) > vault.rules.bulk)
    if counted is None:
        return replace(verdict, allowed=_permits(requester, ask, facts))
    question, found = counted
    if found.canary:
        return _caught(vault, requester, verdict)
    if over := _over(vault, question, found):
        _tell_once(vault, requester, over)
        return replace(verdict, outcome="limited", kind=over)
    return _decide(vault, requester, case.asks, facts, found, verdict)


def is_allowed(requester: Requester, ask: Ask, facts: Facts) -> bool:
    """Whether the policy permits an action, with these facts and no others."""
    return _permits(requester, ask, facts)


def write_down(
    vault: Vault, requester: Requester, ask: Ask, *, outcome: str, verdict: Verdict | None = None
) -> None:
    """Commits a decision to the trail.  Raises Unavailable when that fails."""
    trail.record(vault, _entry(datetime.now(UTC), requester, ask, outcome, verdict))


def write_down_all(
    vault: Vault,
    requester: Requester,
    asks: Sequence[Ask],
    outcomes: Sequence[str],
    *,
    verdict: Verdict | None = None,
) -> None:
    """Commits one decision about many subjects; the asks differ in those alone.

    Raises Unavailable when that fails.
    """
    if not asks:
        return
    told = [(outcome, ask.subject) for ask, outcome in zip(asks, outcomes, strict=True)]
    entry = _entry(datetime.now(UTC), requester, asks[0], outcomes[0], verdict)
    trail.record_alike(vault, entry, told)


def write_down_each(
    vault: Vault, decided: Sequence[tuple[Requester, Ask, str, Verdict | None]]
) -> None:
    """Commits decisions of different people together: who, what, the outcome and what it rests on.

    Raises Unavailable when that fails.
    """
    at = datetime.now(UTC)
    trail.record_all(vault, [_entry(at, *one) for one in decided])


def read_purpose(code: str) -> P:
    """The purpose of an HL7 code.  Raises Unprocessable."""
    try:
        return P(code)
    except ValueError:
        findings = [{"path": "$.purpose_of_use", "rule": "HL7 PurposeOfUse"}]
        raise Unprocessable("This is no HL7 purpose of use.", findings=findings) from None


def read_basis(code: str | None) -> LegalBasis | None:
    """The legal basis of its word.  Raises Unprocessable."""
    try:
        return None if code is None else LegalBasis(code)
    except ValueError:
        findings = [{"path": "$.legal_basis", "rule": "legal basis"}]
        known = ", ".join(LegalBasis)
        raise Unprocessable(f"A legal basis is one of {known}.", findings=findings) from None


def request_hash(vault: Vault, user_id: UUID, asks: Sequence[Ask], until: datetime) -> bytes:
    """32 octets that bind an approval to the exact request: who, what, why, of whom, until when.

    Keyed: a plain hash of ids could be found out by whoever holds lists of them.
    """
    ask = asks[0]
    words = (
        ask.action.value,
        ask.purpose.value if ask.purpose else "",
        ask.basis.value if ask.basis else "",
        ask.reason or "",
        str(ask.project_id or ""),
        until.astimezone(UTC).isoformat(timespec="seconds"),
    )
    subjects = sorted({one.subject.bytes for one in asks if one.subject is not None})
    return vault.people_keys.bind(user_id.bytes, *(word.encode() for word in words), *subjects)


def _decide(
    vault: Vault,
    requester: Requester,
    asks: Sequence[Ask],
    facts: Facts,
    found: Standing,
    verdict: Verdict,
) -> Verdict:
    """The least that is enough: nothing, care, an approval, a grant, broken glass, new care."""
    ask = asks[0]
    in_care = found.care is not None
    facts = replace(facts, care=in_care)
    if _permits(requester, ask, facts):
        kind = "care" if in_care else None
        return replace(verdict, allowed=True, kind=kind, care_record=found.care)
    if found.approval_until is not None and _permits(requester, ask, replace(facts, approved=True)):
        return _by_approval(vault, requester, asks, found.approval_until, verdict)
    if found.grant_id is not None and _permits(requester, ask, replace(facts, grant=True)):
        subjects = [one.subject for one in asks if one.subject is not None]
        if standing.use_grant(vault, found.grant_id, subjects):
            return replace(verdict, allowed=True, kind="grant", grant_id=found.grant_id)
    if found.break_glass_id is not None and _permits(requester, ask, replace(facts, broken=True)):
        return replace(verdict, allowed=True, kind="break_glass")
    first_use = vault.rules.care == "record" and not facts.bulk
    if first_use and ask.action is Action.RESOLVE_PERSON:
        allowed = _permits(requester, ask, replace(facts, care=True))
        if allowed:
            return replace(verdict, allowed=True, kind="care_recorded", care_record=b"")
    return verdict


def _by_approval(
    vault: Vault, requester: Requester, asks: Sequence[Ask], until: datetime, verdict: Verdict
) -> Verdict:
    """Allowed if the approval is of exactly this request and nobody has used it."""
    approval_id, user_id = asks[0].approval_id, requester.user_id
    if approval_id is None or user_id is None:
        return verdict
    asked = request_hash(vault, user_id, asks, until)
    if not standing.use_approval(vault, approval_id, user_id, asked):
        return verdict
    return replace(
        verdict, allowed=True, kind="approved", approval_id=approval_id, request_hash=asked
    )


def _caught(vault: Vault, requester: Requester, verdict: Verdict) -> Verdict:
    """Somebody asked about a person who does not exist: end the credentials, and say so."""
    suspensions.suspend(vault, requester, reason="canary")
    alerts.sound(vault, "canary", _who(requester))
    return replace(verdict, outcome="canary")


def _over(vault: Vault, question: Question, found: Standing) -> str | None:
    limits = {"key": vault.rules.program, "user": vault.rules.user}
    for principal in question.principals:
        if over := found.over(principal, limits[principal.partition(":")[0]]):
            return over
    return None


def _tell_once(vault: Vault, requester: Requester, over: str) -> None:
    """An alert for the first call over a limit that day, and not for each."""
    told = (requester.key_id, requester.user_id, over, datetime.now(UTC).date())
    if told not in vault.told:
        vault.told.add(told)
        alerts.sound(vault, "limit", {"limit": over, **_who(requester)})


def _who(requester: Requester) -> dict[str, str]:
    user = {} if requester.user_id is None else {"user_id": str(requester.user_id)}
    return {"key_id": requester.key_id, **user}


def _facts(requester: Requester, ask: Ask, *, bulk: bool) -> Facts:
    return Facts(
        purpose=ask.purpose.value if ask.purpose else "",
        basis=ask.basis.value if ask.basis else "",
        person=requester.user_id is not None,
        bulk=bulk,
        project=ask.project_id is not None,
    )


def _permits(requester: Requester, ask: Ask, facts: Facts) -> bool:
    roles = frozenset(role.value for role in requester.roles)
    return policy.permits(roles, ask.action.value, facts)


def _is_within(requester: Requester, ask: Ask) -> bool:
    """Whether a token of one narrow call, if it is one, is for this action."""
    return requester.actions is None or ask.action in requester.actions


def _is_counted(case: Case) -> bool:
    ask = case.asks[0]
    return ask.action in CROSSINGS and _is_within(case.requester, ask)


def _question(case: Case) -> Question:
    requester, ask = case.requester, case.asks[0]
    return Question(
        user_id=requester.user_id,
        key_id=requester.service or requester.key_id,
        action=ask.action.value,
        purpose=ask.purpose.value if ask.purpose else "",
        subjects=[one.subject for one in case.asks if one.subject is not None],
        project_id=ask.project_id,
        approval_id=ask.approval_id,
        behind=case.behind,
    )


def _entry(
    at: datetime, requester: Requester, ask: Ask, outcome: str, verdict: Verdict | None
) -> Entry:
    made = verdict or Verdict(allowed=True)
    return Entry(
        at=at,
        action=ask.action,
        outcome=outcome,
        user_id=requester.user_id,
        user_name=requester.name,
        key_id=requester.key_id,
        purpose_of_use=ask.purpose,
        reason=ask.reason,
        subject=ask.subject,
        role="+".join(sorted(requester.roles)) or None,
        legal_basis=ask.basis,
        grant_id=made.grant_id,
        approval_id=made.approval_id,
        project_id=ask.project_id,
        service=requester.service,
        request_hash=made.request_hash,
        kind=made.kind,
        count=made.count,
    )
