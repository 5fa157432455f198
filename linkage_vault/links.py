"""Links between persons and EHRs: made from the pool, and resolved in two directions.

Each function decides, writes the decision down, and only then opens a seal.  A person who was
merged into another is that other one here; an EHR leads to the person who lives.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from linkage_vault import care, decisions, fences, link_rows, merges, pool
from linkage_vault.blind_index import blind_indexes
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.key_ring import KeyRing
from linkage_vault.link_rows import LinkRow, Pair
from linkage_vault.purposes import LegalBasis, PurposeOfUse
from linkage_vault.vault import Vault, reading
from moiety.kit.errors import Conflict, Unavailable

__all__ = ["Pair"]


@dataclass(frozen=True, slots=True)
class Opened:
    """The EHR of a person, and whether it was given to the person just now."""

    ehr_id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class Records:
    """The EHR that stands for a person, and others of the same person.

    `others` are by policy, or of persons who were merged into this one and wait to be looked at.
    """

    person_id: UUID
    ehr_id: UUID
    others: tuple[UUID, ...] = ()


def open_record(
    vault: Vault, requester: Requester, person_id: UUID, *, is_further: bool = False
) -> Opened:
    """Gives a person an EHR from the pool, or says which one the person has already.

    `is_further`: one more than the person has, where the policy lets a person have several.
    Raises Forbidden (written down), Conflict for a closed link or one too many, and Unavailable:
    no EHR is left in the pool, or no trail.
    """
    ask = Ask(Action.LINK, person_id, PurposeOfUse.PATADMIN)
    verdict = decisions.demand(vault, requester, ask)
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=verdict)
    with vault.engine.begin() as connection:
        if is_further:
            return _make_further(connection, vault, person_id)
        return _find_or_make(connection, vault.keys, [person_id])[person_id]


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
    with vault.engine.begin() as connection:
        found = _find_or_make(connection, vault.keys, person_ids)
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
    """The pair that an id belongs to.  In this order:

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
    verdict = decisions.weigh(vault, requester, [ask])  # (2)
    subject = _subject_of(ask)
    found = _look(vault, ask.action, [subject])  # (3)
    outcome = verdict.outcome if not verdict.allowed else "allowed" if found else "unknown"
    decisions.write_down(vault, requester, ask, outcome=outcome, verdict=verdict)  # (4)
    if not found or not verdict.allowed:
        link_rows.open_decoy(vault.keys)
        raise verdict.error()
    records = _reveal(vault, ask.action, found).get(subject)  # (5, 6)
    if records is None:  # its secret was destroyed: a copy from before an erasure
        raise verdict.error()
    care.note(vault, requester, verdict, records.person_id, records.ehr_id)
    return records


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

    One decision for all, an entry in the trail for each, all committed before the first seal.
    """
    action = Action.RESOLVE_PERSON
    asks = [Ask(action, one, purpose, reason, basis, approval_id) for one in person_ids]
    verdict = decisions.demand_all(vault, requester, asks)
    found = _look(vault, Action.RESOLVE_PERSON, person_ids)
    outcomes = ["allowed" if person_id in found else "unknown" for person_id in person_ids]
    decisions.write_down_all(vault, requester, asks, outcomes, verdict=verdict)
    revealed = _reveal(vault, action, found)
    return [revealed.get(person_id) for person_id in person_ids]


def find_pair(connection: sa.Connection, keys: KeyRing, kind: str, value: UUID) -> Pair | None:
    """The pair of a person's or an EHR's id, for the vault's own use: no decision is made here."""
    return find_pairs(connection, keys, kind, [value]).get(value)


def find_pairs(
    connection: sa.Connection, keys: KeyRing, kind: str, values: Collection[UUID]
) -> dict[UUID, Pair]:
    """The pairs of many ids, by id, with the person who lives; ids without a link are missing."""
    if kind == "person":
        found = _look_for_persons(connection, keys, values)
        revealed = _reveal_persons(keys, found)
    else:
        rows = {value: rows[0] for value, rows in _find_ehrs(connection, keys, values).items()}
        revealed = _reveal_ehrs(connection, keys, rows)
    return {value: Pair(one.person_id, one.ehr_id) for value, one in revealed.items()}


def find_restricted(
    connection: sa.Connection, keys: KeyRing, ehr_ids: Collection[UUID]
) -> set[UUID]:
    """Which of some EHRs may have no secondary use, since their persons restricted it."""
    found = link_rows.find(connection, keys, "ehr", ehr_ids)
    return {ehr_id for ehr_id, rows in found.items() if any(row.is_restricted for row in rows)}


# --- looking -------------------------------------------------------------------------------------

_Found = Mapping[UUID, Sequence[tuple[UUID, LinkRow]]]
"""By the id that was asked for: rows, the first one first, with the id that each must hold."""


def _look(vault: Vault, action: Action, subjects: Collection[UUID]) -> _Found:
    with reading(vault.engine).connect() as connection:
        if action is Action.RESOLVE_PERSON:
            return _look_for_persons(connection, vault.keys, subjects)
        found = _find_ehrs(connection, vault.keys, subjects)
        return {ehr_id: [(ehr_id, row) for row in rows] for ehr_id, rows in found.items()}


def _look_for_persons(
    connection: sa.Connection, keys: KeyRing, person_ids: Collection[UUID]
) -> _Found:
    living, families = _families(connection, keys, person_ids)
    everybody = {person for family in families.values() for person in family}
    rows = link_rows.find(connection, keys, "person", everybody)
    found: dict[UUID, list[tuple[UUID, LinkRow]]] = {}
    for person_id, survivor in living.items():
        open_rows = [
            (member, row)
            for member in families[survivor]
            for row in rows.get(member, ())
            if not row.is_closed
        ]
        if open_rows:
            found[person_id] = open_rows
    return found


def _families(
    connection: sa.Connection, keys: KeyRing, person_ids: Collection[UUID]
) -> tuple[dict[UUID, UUID], dict[UUID, list[UUID]]]:
    """In whom each person lives on, and of those each with everybody who lives on in it."""
    if not merges.are_any(connection):
        alone = {person: person for person in person_ids}
        return alone, {person: [person] for person in alone}
    living = merges.living(connection, keys, person_ids)
    return living, {
        person: [person, *sorted(merges.absorbed(connection, keys, person))]
        for person in set(living.values())
    }


def _find_ehrs(
    connection: sa.Connection, keys: KeyRing, ehr_ids: Collection[UUID]
) -> dict[UUID, list[LinkRow]]:
    return link_rows.find(connection, keys, "ehr", ehr_ids)


def _reveal(vault: Vault, action: Action, found: _Found) -> dict[UUID, Records]:
    if action is Action.RESOLVE_PERSON:
        return _reveal_persons(vault.keys, found)
    rows = {ehr_id: rows[0][1] for ehr_id, rows in found.items()}
    with vault.engine.connect() as connection:
        return _reveal_ehrs(connection, vault.keys, rows)


def _reveal_persons(keys: KeyRing, found: _Found) -> dict[UUID, Records]:
    flat = [(asked, member, row) for asked, rows in found.items() for member, row in rows]
    pairs = link_rows.open_rows(keys, [row for _, _, row in flat])
    ehrs: dict[UUID, list[UUID]] = {}
    for (asked, member, _), pair in zip(flat, pairs, strict=True):
        if pair is None:
            continue
        _demand_same(member, pair.person_id)
        ehrs.setdefault(asked, []).append(pair.ehr_id)
    return {asked: Records(asked, own[0], tuple(own[1:])) for asked, own in ehrs.items()}


def _reveal_ehrs(
    connection: sa.Connection, keys: KeyRing, rows: Mapping[UUID, LinkRow]
) -> dict[UUID, Records]:
    opened = link_rows.open_rows(keys, list(rows.values()))
    pairs = {asked: pair for asked, pair in zip(rows, opened, strict=True) if pair is not None}
    for asked, pair in pairs.items():
        _demand_same(asked, pair.ehr_id)
    living = merges.living(connection, keys, {pair.person_id for pair in pairs.values()})
    return {asked: Records(living[pair.person_id], asked) for asked, pair in pairs.items()}


def _demand_same(asked: UUID, held: UUID) -> None:
    if asked != held:
        raise RuntimeError("a link was found under an index that is not its own")


def _subject_of(ask: Ask) -> UUID:
    if ask.subject is None:
        raise ValueError("a resolve names the id that it asks with")
    return ask.subject


# --- making --------------------------------------------------------------------------------------


def _find_or_make(
    connection: sa.Connection, keys: KeyRing, person_ids: Sequence[UUID]
) -> dict[UUID, Opened]:
    """Two registrars at once: the second waits at the fence, then finds the link of the first."""
    fences.enter(connection, keys, [blind_indexes(keys, "person", one)[0] for one in person_ids])
    living, _ = _families(connection, keys, person_ids)
    if any(survivor != person for person, survivor in living.items()):
        survivors = set(living.values())
        fences.enter(connection, keys, [blind_indexes(keys, "person", one)[0] for one in survivors])
    found = _look_for_persons(connection, keys, set(living.values()))
    known = _reveal_persons(keys, found)
    missing = [one for one in dict.fromkeys(living.values()) if one not in known]
    _demand_not_closed(connection, keys, missing)
    made = dict(zip(missing, _make(connection, keys, missing), strict=True))
    return {
        person: Opened(made[survivor], is_new=True)
        if survivor in made
        else Opened(known[survivor].ehr_id, is_new=False)
        for person, survivor in living.items()
    }


def _make_further(connection: sa.Connection, vault: Vault, person_id: UUID) -> Opened:
    keys = vault.keys
    fences.enter(connection, keys, [blind_indexes(keys, "person", person_id)[0]])
    survivor = merges.living(connection, keys, [person_id])[person_id]
    rows = link_rows.find(connection, keys, "person", [survivor]).get(survivor, [])
    if len(rows) >= vault.ehrs_per_person:
        raise Conflict("The policy lets this person have no further EHR.")
    return Opened(_make(connection, keys, [survivor], is_further=bool(rows))[0], is_new=True)


def _demand_not_closed(
    connection: sa.Connection, keys: KeyRing, person_ids: Collection[UUID]
) -> None:
    if person_ids and link_rows.find(connection, keys, "person", person_ids):
        raise Conflict("The link of this person is closed; an officer can open it again.")


def _make(
    connection: sa.Connection,
    keys: KeyRing,
    person_ids: Sequence[UUID],
    *,
    is_further: bool = False,
) -> list[UUID]:
    if not person_ids:
        return []
    ehr_ids = pool.take(connection, keys, len(person_ids))
    if len(ehr_ids) < len(person_ids):
        raise Unavailable("No EHR is left in the pool; it is being filled.")
    pairs = [Pair(*each) for each in zip(person_ids, ehr_ids, strict=True)]
    link_rows.add(connection, keys, pairs, is_further=is_further)
    return ehr_ids
