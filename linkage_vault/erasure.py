"""Erasure: a link cut, or made unreadable in every copy of the vault that there is.

`cut` removes the link from this database; backups still hold it until they go.  `shred` first
destroys the link's secret in the shred store: from then on no copy of the vault opens the link, and
once the last backup of the shred store that held the secret is gone (seven days at most), nothing
does.  A signed tombstone stays, and a certificate says the day.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from linkage_vault import decisions, fences, link_rows, link_seals, link_tasks, trail
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.key_ring import KeyRing
from linkage_vault.link_rows import LinkRow, Pair
from linkage_vault.link_tasks import Erasure
from linkage_vault.purposes import PurposeOfUse
from linkage_vault.seal import encode_lengths
from linkage_vault.shred_store import ShredStore
from linkage_vault.tables import tombstone
from linkage_vault.vault import Vault
from moiety.kit.errors import Conflict, NotFound

Mode = Literal["cut", "shred"]
_PURPOSE = PurposeOfUse.RECORDMGT


@dataclass(frozen=True, slots=True)
class Certificate:
    """What who asked for an erasure is given: a statement (JSON) and its Ed25519 signature.

    `salt`: with it, and the EHR's id, the statement's `subject` can be shown to be of that EHR.
    """

    statement: bytes
    signature: bytes
    salt: bytes


def ask_erasure(
    vault: Vault, requester: Requester, ehr_id: UUID, *, mode: Mode, reason: str
) -> UUID:
    """Asks for an erasure; the task that a second person consents to.

    Raises NotFound without a link, and Conflict for a shred that nothing could be destroyed for.
    """
    ask = Ask(Action.ERASE, ehr_id, _PURPOSE, reason)
    decisions.demand(vault, requester, ask)
    decisions.write_down(vault, requester, ask, outcome="allowed")
    with vault.engine.begin() as connection:
        fences.enter(connection, vault.keys)
        row, _ = _open_one(connection, vault.keys, ehr_id)
        if mode == "shred":
            _handles(vault.keys, row)
        task = Erasure(**link_tasks.begun(requester, reason), ehr_id=ehr_id, mode=mode)
        return link_tasks.add(connection, vault.keys, task)


def consent_to_erasure(vault: Vault, requester: Requester, task_id: UUID) -> Certificate:
    """Erases what a task names, with the consent of another person than who asked.

    The order: consent committed to the trail; secret destroyed, committed; link removed and
    tombstone written, in one transaction.  After a crash between them the link is unreadable and
    the task still there: consenting again ends it.
    """
    with vault.engine.connect() as connection:
        request = link_tasks.read(connection, vault.keys, task_id)
    subject = request.ehr_id if isinstance(request, Erasure) else None
    ask = Ask(Action.CONSENT_TO_ERASURE, subject, _PURPOSE)
    decisions.demand(vault, requester, ask)
    if not isinstance(request, Erasure):
        raise NotFound
    link_tasks.demand_other(vault, requester, ask, request)
    decisions.write_down(vault, requester, ask, outcome="allowed")
    return _erase(vault, task_id, request)


def is_genuine(certificate: Certificate, key: Ed25519PublicKey) -> bool:
    """Whether the vault with this public key made the certificate."""
    try:
        key.verify(certificate.signature, _signed(certificate.statement))
    except InvalidSignature:
        return False
    return True


def is_about(certificate: Certificate, ehr_id: UUID) -> bool:
    """Whether a certificate is of this EHR."""
    said = msgspec.json.decode(certificate.statement)["subject"]
    return bool(said == _commitment(certificate.salt, ehr_id))


def _erase(vault: Vault, task_id: UUID, request: Erasure) -> Certificate:
    keys = vault.keys
    with vault.engine.begin() as connection:
        task = link_tasks.take(connection, keys, task_id, Erasure)
        rows = link_rows.find(connection, keys, "ehr", [task.ehr_id]).get(task.ehr_id, [])
        if not rows:
            raise NotFound
        pairs = [pair for pair in link_rows.open_rows(keys, rows) if pair is not None]
        if request.mode == "shred" and pairs:
            for row in rows:
                _store(keys).destroy(_handles(keys, row))
        link_rows.remove(connection, [row.link_id for row in rows])
        if request.mode == "shred" and pairs:
            trail.shred(connection, keys, [pairs[0].person_id, pairs[0].ehr_id])
        return _bury(connection, keys, task)


def _bury(connection: sa.Connection, keys: KeyRing, task: Erasure) -> Certificate:
    """Writes the tombstone, which names neither day nor EHR, and makes the certificate."""
    tombstone_id, now = uuid4(), datetime.now(UTC)
    said = {"format": "moiety-tombstone/1", "id": str(tombstone_id), "mode": task.mode}
    month = now.date().replace(day=1)
    kept = _encode({**said, "month": month.isoformat()[:7]})
    connection.execute(
        tombstone.insert().values(
            tombstone_id=tombstone_id,
            month=month,
            statement=kept,
            signature=keys.tree_head.sign(_signed(kept)),
        )
    )
    salt = secrets.token_bytes(16)
    told = {
        **said,
        "format": "moiety-erasure-certificate/1",
        "subject": _commitment(salt, task.ehr_id),
        "erased": now.date().isoformat(),
        "unreadable_from": _last_day(keys, task, now),
    }
    statement = _encode(told)
    return Certificate(statement, keys.tree_head.sign(_signed(statement)), salt)


def _last_day(keys: KeyRing, task: Erasure, now: datetime) -> str | None:
    """The day from which no backup opens the link; of a cut link nothing can be said."""
    if task.mode == "cut":
        return None
    return (now + _store(keys).retention).date().isoformat()


def _handles(keys: KeyRing, row: LinkRow) -> list[bytes]:
    _store(keys)
    handles = link_seals.handles_of(keys, [(row.place, row)])
    if not handles:
        raise Conflict(
            "This link was made without the shred store: `moiety keys rotate kek` seals it anew."
        )
    return handles


def _store(keys: KeyRing) -> ShredStore:
    if keys.shreds is None:
        raise Conflict("This vault has no shred store, so it can cut links and not shred them.")
    return keys.shreds


def _open_one(connection: sa.Connection, keys: KeyRing, ehr_id: UUID) -> tuple[LinkRow, Pair]:
    rows = link_rows.find(connection, keys, "ehr", [ehr_id]).get(ehr_id, [])
    for row, pair in zip(rows, link_rows.open_rows(keys, rows), strict=True):
        if pair is not None:
            return row, pair
    raise NotFound


def _commitment(salt: bytes, ehr_id: UUID) -> str:
    octets = encode_lengths(b"moiety/vault/erased/1", salt, ehr_id.bytes)
    return base64.b64encode(hashlib.sha256(octets).digest()).decode()


def _encode(statement: Mapping[str, object]) -> bytes:
    return msgspec.json.encode(statement, order="sorted")


def _signed(statement: bytes) -> bytes:
    return encode_lengths(b"moiety/vault/erasure/1", statement)
