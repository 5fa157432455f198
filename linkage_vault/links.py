"""Links between persons and EHRs: made from the pool, and resolved in two directions.

Each function decides, writes the decision down, and only then opens a seal.  What is asked at once
(`open_each`, `resolve_each`) is decided, written down and opened together, each with an answer of
its own; one alone is such a list of one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from linkage_vault import care, decisions, fences, link_pairs, link_rows, merges, pool
from linkage_vault.blind_index import blind_indexes
from linkage_vault.decisions import Action, Ask, Case, Requester, Verdict
from linkage_vault.key_ring import KeyRing
from linkage_vault.link_pairs import Asked, Found, Records, find_pairs
from linkage_vault.link_rows import Pair
from linkage_vault.purposes import LegalBasis, PurposeOfUse
from linkage_vault.seal import Tampered
from linkage_vault.vault import Vault
from moiety.kit.errors import Conflict, ServiceError, Unavailable
from moiety.kit.singles import Transaction

_T = TypeVar("_T")
_SIDES: dict[Action, link_pairs.Side] = {Action.RESOLVE_PERSON: "person", Action.RESOLVE_EHR: "ehr"}


@dataclass(frozen=True, slots=True)
class Opened:
    """The EHR of a person, and whether it was given to the person just now."""

    ehr_id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """Who wants a record opened for whom; `is_further`: one more than the person has."""

    requester: Requester
    person_id: UUID
    is_further: bool = False


def open_record(
    vault: Vault, requester: Requester, person_id: UUID, *, is_further: bool = False
) -> Opened:
    """Gives a person an EHR from the pool, or says which one the person has already.

    `is_further`: one more than the person has, where the policy lets a person have several.
    Raises Forbidden (written down), Conflict for a closed link or one too many, and Unavailable:
    no EHR is left in the pool, or no trail.
    """
    return _only(open_each(vault, [Opening(requester, person_id, is_further)]))


def open_each(vault: Vault, openings: Sequence[Opening]) -> list[Opened | Exception]:
    """As `open_record` for some that came at once: for each its answer or its error."""
    purpose = PurposeOfUse.PATADMIN
    asks = [Ask(Action.LINK, one.person_id, purpose) for one in openings]
    cases = [Case(one.requester, [ask]) for one, ask in zip(openings, asks, strict=True)]
    verdicts = decisions.weigh_all(vault, cases)
    outcomes = ["allowed" if verdict.allowed else verdict.outcome for verdict in verdicts]
    _write_down(vault, cases, outcomes, verdicts)
    plain = [
        number
        for number, (one, verdict) in enumerate(zip(openings, verdicts, strict=True))
        if verdict.allowed and not one.is_further
    ]
    made = dict(zip(plain, _open_plain(vault, [openings[n].person_id for n in plain]), strict=True))
    for number, (one, verdict) in enumerate(zip(openings, verdicts, strict=True)):
        if not verdict.allowed:
            made[number] = verdict.error()
        elif one.is_further:
            made[number] = _open_further(vault, one.person_id)
    return [made[number] for number in range(len(openings))]


def open_records(
    vault: Vault,
    requester: Requester,
    person_ids: Sequence[UUID],
    *,
    approval_id: UUID | None = None,
    reason: str | None = None,
    basis: LegalBasis | None = None,
) -> list[Opened]:
    """As `open_record` for many persons, in their order; all or none."""
    purpose = PurposeOfUse.PATADMIN
    asks = [Ask(Action.LINK, one, purpose, reason, basis, approval_id) for one in person_ids]
    verdict = decisions.demand_all(vault, requester, asks)
    decisions.write_down_all(vault, requester, asks, ["allowed"] * len(asks), verdict=verdict)
    with vault.singles.transaction() as transaction:
        found = _find_or_make(transaction, vault.keys, person_ids)
    return [found[person_id] for person_id in person_ids]


def resolve_person(
    vault: Vault, requester: Requester, person_id: UUID, *, purpose: PurposeOfUse
) -> Records:
    """The EHR of a person; steps and errors as in `resolve`."""
    return resolve(vault, requester, Ask(Action.RESOLVE_PERSON, person_id, purpose))


def resolve_ehr(
    vault: Vault,
    requester: Requester,
    ehr_id: UUID,
    *,
    purpose: PurposeOfUse,
    reason: str,
    basis: LegalBasis | None = None,
    approval_id: UUID | None = None,
) -> UUID:
    """The person of an EHR; steps and errors as in `resolve`."""
    ask = Ask(Action.RESOLVE_EHR, ehr_id, purpose, reason, basis, approval_id)
    return resolve(vault, requester, ask).person_id


def resolve(vault: Vault, requester: Requester, ask: Ask) -> Records:
    """The pair that an id belongs to; steps as in `resolve_each`.  Raises Forbidden and TooMany."""
    return _only(resolve_each(vault, [Case(requester, [ask])]))


def resolve_each(vault: Vault, cases: Sequence[Case]) -> list[Records | Exception]:
    """The pairs of ids that were asked with at once, each with one ask.  In this order:

    0. The caller is known: the route's key was checked, and the person behind it has roles.
    1. The purpose is one of HL7's: the route read it.
    2. It is decided: counted against the limits, held against the policy with what stands for the
       requester (care, approval, grant, broken glass), and what it rests on is used up.
    3. The link is looked for by blind index; its seal stays closed.
    4. The decision is committed to the trail; if that fails, 503 and nothing is revealed.
    5. The seal is opened in its place; if it does not open, Tampered: an alarm, not an answer.
    6. The pair is checked to hold the id that was asked with.

    Refused, unknown and erased have one answer, Forbidden, after the same work: steps 3 and 4 are
    done for each, and where step 5 has nothing to open or may not, a decoy is opened.
    """
    asked = [_asked(case.asks[0]) for case in cases]
    looking = link_pairs.Looking(vault.keys, asked)
    verdicts, answers = decisions.weigh_beside(vault, cases, looking.asked)  # (2)
    found = looking.found(answers, vault.singles)  # (3)
    outcomes = [
        verdict.outcome if not verdict.allowed else "allowed" if one in found else "unknown"
        for one, verdict in zip(asked, verdicts, strict=True)
    ]
    _write_down(vault, cases, outcomes, verdicts)  # (4)
    opening = [one if outcome == "allowed" else None for one, outcome in
               zip(asked, outcomes, strict=True)]  # fmt: skip
    opened = _reveal_each(vault, found, opening)  # (5, 6)
    return [
        _answer(vault, case, verdict, one)
        for case, verdict, one in zip(cases, verdicts, opened, strict=True)
    ]


def resolve_persons(
    vault: Vault,
    requester: Requester,
    person_ids: Sequence[UUID],
    *,
    purpose: PurposeOfUse,
    approval_id: UUID | None = None,
    reason: str | None = None,
    basis: LegalBasis | None = None,
) -> list[Records | None]:
    """The EHRs of many persons, in their order; None where there is none.

    One decision for all, an entry in the trail for each outcome, committed before the first seal.
    """
    action = Action.RESOLVE_PERSON
    asks = [Ask(action, one, purpose, reason, basis, approval_id) for one in person_ids]
    verdict = decisions.demand_all(vault, requester, asks)
    asked = [_asked(ask) for ask in asks]
    found = link_pairs.look(vault.singles, vault.keys, asked)
    outcomes = ["allowed" if one in found else "unknown" for one in asked]
    decisions.write_down_all(vault, requester, asks, outcomes, verdict=verdict)
    revealed = link_pairs.open_found(vault.singles, vault.keys, found)
    return [revealed.get(one) for one in asked]


# --- resolving -----------------------------------------------------------------------------------


def _reveal_each(
    vault: Vault, found: Found, opening: Sequence[Asked | None]
) -> list[Records | Exception | None]:
    """What each opens, None for a decoy; where one row was tampered with, each by itself."""
    rows = {one: found[one] for one in opening if one is not None}
    try:
        decoys = opening.count(None)
        opened = link_pairs.open_found(vault.singles, vault.keys, rows, decoys=decoys)
    except Tampered as error:
        if len(opening) == 1:
            return [error]
        return [_reveal_each(vault, found, [one])[0] for one in opening]
    return [None if one is None else opened.get(one) for one in opening]


def _answer(
    vault: Vault, case: Case, verdict: Verdict, opened: Records | Exception | None
) -> Records | Exception:
    """What is told: of a destroyed secret, a copy from before an erasure, as of a refusal."""
    if opened is None:
        return verdict.error()
    if isinstance(opened, Records):
        care.note(vault, case.requester, verdict, opened.person_id, opened.ehr_id)
    return opened


def _asked(ask: Ask) -> Asked:
    if ask.subject is None:
        raise ValueError("a resolve names the id that it asks with")
    return _SIDES[ask.action], ask.subject


def _write_down(
    vault: Vault, cases: Sequence[Case], outcomes: Sequence[str], verdicts: Sequence[Verdict]
) -> None:
    decided = zip(cases, outcomes, verdicts, strict=True)
    decisions.write_down_each(
        vault,
        [(case.requester, case.asks[0], outcome, verdict) for case, outcome, verdict in decided],
    )


def _only(answers: Sequence[_T | Exception]) -> _T:
    (answer,) = answers
    if isinstance(answer, Exception):
        raise answer
    return answer


# --- making --------------------------------------------------------------------------------------


def _open_plain(vault: Vault, person_ids: Sequence[UUID]) -> list[Opened | Exception]:
    """The first or only EHRs of some persons in one transaction; where that fails, each by itself.

    Of a person who is named twice, the first one asked is the one who opened.
    """
    if not person_ids:
        return []
    try:
        with vault.singles.transaction() as transaction:
            found = _find_or_make(transaction, vault.keys, person_ids)
    except ServiceError as error:
        if len(person_ids) == 1:
            return [error]
        return [_open_plain(vault, [one])[0] for one in person_ids]
    told = set[UUID]()
    opened: list[Opened | Exception] = []
    for person_id in person_ids:
        ehr_id, is_new = found[person_id].ehr_id, found[person_id].is_new
        opened.append(Opened(ehr_id, is_new=is_new and ehr_id not in told))
        told.add(ehr_id)
    return opened


def _open_further(vault: Vault, person_id: UUID) -> Opened | ServiceError:
    try:
        with vault.singles.transaction() as transaction:
            return _make_further(transaction, vault, person_id)
    except ServiceError as error:
        return error


def _find_or_make(
    transaction: Transaction, keys: KeyRing, person_ids: Sequence[UUID]
) -> dict[UUID, Opened]:
    """Two registrars at once: the second waits at the fence, then finds the link of the first.

    One round trip lets in and looks, one takes from the pool, one adds and commits.
    """
    finding = link_rows.Finding(keys, "person", set(person_ids))
    entering = fences.entering(_fence_indexes(keys, person_ids))
    *_, versions, any_merged, answered = transaction.each(
        [*entering, (merges.ANY, {}), finding.asked]
    )
    fences.demand_new_enough(keys, versions)
    rows = finding.found(answered, transaction)
    living = {person: person for person in person_ids}
    if any_merged[0][0]:
        living = merges.living(transaction, keys, person_ids)
        survivors = set(living.values())
        if survivors != set(person_ids):
            fences.enter(transaction, keys, _fence_indexes(keys, survivors))
            rows = link_rows.find(transaction, keys, "person", survivors)
    known = _known(transaction, keys, living, rows, is_any_merged=any_merged[0][0])
    missing = [one for one in dict.fromkeys(living.values()) if one not in known]
    if any(one in rows for one in missing):
        raise Conflict("The link of this person is closed; an officer can open it again.")
    made = dict(zip(missing, _make(transaction, keys, missing), strict=True))
    return {
        person: Opened(made[survivor], is_new=True)
        if survivor in made
        else Opened(known[survivor], is_new=False)
        for person, survivor in living.items()
    }


def _known(
    transaction: Transaction,
    keys: KeyRing,
    living: Mapping[UUID, UUID],
    rows: Mapping[UUID, Sequence[link_rows.LinkRow]],
    *,
    is_any_merged: bool,
) -> dict[UUID, UUID]:
    """The EHRs of persons who live, where they have an open link or one of their family has."""
    if not rows and not is_any_merged:
        return {}
    pairs = find_pairs(transaction, keys, "person", set(living.values()))
    return {person: pair.ehr_id for person, pair in pairs.items()}


def _make_further(transaction: Transaction, vault: Vault, person_id: UUID) -> Opened:
    keys = vault.keys
    fences.enter(transaction, keys, _fence_indexes(keys, [person_id]))
    survivor = merges.living(transaction, keys, [person_id])[person_id]
    rows = link_rows.find(transaction, keys, "person", [survivor]).get(survivor, [])
    if len(rows) >= vault.ehrs_per_person:
        raise Conflict("The policy lets this person have no further EHR.")
    made = _make(transaction, keys, [survivor], is_further=bool(rows))
    return Opened(made[0], is_new=True)


def _make(
    transaction: Transaction,
    keys: KeyRing,
    person_ids: Sequence[UUID],
    *,
    is_further: bool = False,
) -> list[UUID]:
    """Links to EHRs from the pool; committed when this returns."""
    if not person_ids:
        return []
    ehr_ids = pool.take(transaction, keys, len(person_ids))
    if len(ehr_ids) < len(person_ids):
        raise Unavailable("No EHR is left in the pool; it is being filled.")
    pairs = [Pair(*each) for each in zip(person_ids, ehr_ids, strict=True)]
    transaction.each([link_rows.adding(keys, pairs, is_further=is_further)], is_last=True)
    return ehr_ids


def _fence_indexes(keys: KeyRing, person_ids: Collection[UUID]) -> list[bytes]:
    return [blind_indexes(keys, "person", one)[0] for one in person_ids]
