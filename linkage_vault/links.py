"""Links between persons and EHRs: made from the pool, and resolved in two directions.

Each function decides, writes the decision down, and only then opens a seal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa

from linkage_vault import care, decisions, pool
from linkage_vault.blind_index import blind_index
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.keys import IndexKind, KeyRing
from linkage_vault.purposes import LegalBasis, PurposeOfUse
from linkage_vault.seal import Place, open_sealed, seal
from linkage_vault.tables import link
from linkage_vault.trail import current_month
from linkage_vault.vault import Vault
from moiety.kit.errors import Unavailable

LINK_SIZE = 256  # octets inside the seal
_DECOY = UUID(int=0)


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a link holds inside its seal."""

    person_id: UUID
    ehr_id: UUID


@dataclass(frozen=True, slots=True)
class Opened:
    """The EHR of a person, and whether it was given to the person just now."""

    ehr_id: UUID
    is_new: bool


def open_record(vault: Vault, requester: Requester, person_id: UUID) -> Opened:
    """Gives a person an EHR from the pool, or says which one the person has already.

    Raises Forbidden (written down) and Unavailable: no EHR is left in the pool, or no trail.
    """
    ask = Ask(Action.LINK, person_id, PurposeOfUse.PATADMIN)
    decisions.demand(vault, requester, ask)
    decisions.write_down(vault, requester, ask, outcome="allowed")
    with vault.engine.begin() as connection:
        return _find_or_make(connection, vault.keys, person_id)


def resolve_person(
    vault: Vault, requester: Requester, person_id: UUID, *, purpose: PurposeOfUse
) -> UUID:
    """The EHR of a person; steps and errors as in `resolve`."""
    return resolve(vault, requester, Ask(Action.RESOLVE_PERSON, person_id, purpose)).ehr_id


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


def resolve(vault: Vault, requester: Requester, ask: Ask) -> Pair:
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
    kind: IndexKind = "person" if ask.action is Action.RESOLVE_PERSON else "ehr"
    subject = _subject_of(ask)
    with vault.engine.connect() as connection:
        row = _find(connection, vault.keys, kind, subject)  # (3)
    outcome = verdict.outcome if not verdict.allowed else "allowed" if row else "unknown"
    decisions.write_down(vault, requester, ask, outcome=outcome, verdict=verdict)  # (4)
    if row is None or not verdict.allowed:
        _open_decoy(vault.keys)
        raise verdict.error()
    pair = _open(vault.keys, row)  # (5)
    if subject != (pair.person_id if kind == "person" else pair.ehr_id):  # (6)
        raise RuntimeError("a link was found under an index that is not its own")
    care.note(vault, requester, verdict, pair.person_id, pair.ehr_id)
    return pair


def find_pair(
    connection: sa.Connection, keys: KeyRing, kind: IndexKind, value: UUID
) -> Pair | None:
    """The pair of a person's or an EHR's id, for the vault's own use: no decision is made here."""
    row = _find(connection, keys, kind, value)
    return _open(keys, row) if row else None


def find_pairs(
    connection: sa.Connection, keys: KeyRing, kind: IndexKind, values: Sequence[UUID]
) -> dict[UUID, Pair]:
    """The pairs of many ids, in one query; ids without a link are absent."""
    column = link.c.person_index if kind == "person" else link.c.ehr_index
    wanted = {blind_index(keys, kind, value): value for value in values}
    rows = connection.execute(sa.select(link).where(column.in_(list(wanted))))
    return {wanted[getattr(row, column.key)]: _open(keys, row) for row in rows}


def _find_or_make(connection: sa.Connection, keys: KeyRing, person_id: UUID) -> Opened:
    index = blind_index(keys, "person", person_id)
    # Two registrars at once: the second waits here and then finds the link of the first.
    lock = int.from_bytes(index[:8], "big", signed=True)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
    row = _find(connection, keys, "person", person_id)
    if row is not None:
        return Opened(_open(keys, row).ehr_id, is_new=False)
    ehr_id = pool.take(connection, keys)
    if ehr_id is None:
        raise Unavailable("No EHR is left in the pool; it is being filled.")
    _insert(connection, keys, Pair(person_id, ehr_id))
    return Opened(ehr_id, is_new=True)


def _insert(connection: sa.Connection, keys: KeyRing, pair: Pair) -> None:
    link_id, version = uuid4(), 1
    place = _place(link_id, version)
    connection.execute(
        link.insert().values(
            link_id=link_id,
            version=version,
            index_version=keys.index_version,
            person_index=blind_index(keys, "person", pair.person_id),
            ehr_index=blind_index(keys, "ehr", pair.ehr_id),
            month=current_month(),
            sealed=seal(keys.links.current, msgspec.json.encode(pair), place, size=LINK_SIZE),
        )
    )


def _find(
    connection: sa.Connection, keys: KeyRing, kind: IndexKind, value: UUID
) -> sa.Row[tuple[object, ...]] | None:
    column = link.c.person_index if kind == "person" else link.c.ehr_index
    query = sa.select(link).where(column == blind_index(keys, kind, value))
    return connection.execute(query).one_or_none()


def _open(keys: KeyRing, row: sa.Row[tuple[object, ...]]) -> Pair:
    place = _place(row.link_id, row.version)
    plaintext = open_sealed(keys.links.by_version, row.sealed, place)
    return msgspec.json.decode(plaintext, type=Pair)


def _open_decoy(keys: KeyRing) -> None:
    open_sealed(keys.links.by_version, _decoy(keys), _place(_DECOY, 1))


@cache
def _decoy(keys: KeyRing) -> bytes:
    """A sealed pair of nobody, as long as any other."""
    pair = Pair(_DECOY, _DECOY)
    return seal(keys.links.current, msgspec.json.encode(pair), _place(_DECOY, 1), size=LINK_SIZE)


def _subject_of(ask: Ask) -> UUID:
    if ask.subject is None:
        raise ValueError("a resolve names the id that it asks with")
    return ask.subject


def _place(link_id: UUID, version: int) -> Place:
    return Place("link", str(link_id), "sealed", version)
