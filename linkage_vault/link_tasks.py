"""What waits for a second person: two EHRs of one person, the move of an EHR, an erasure.

A task holds the exact request inside its seal, with who asked and when; who consents, consents to
that and to nothing else, and once: a task that was done is gone.  It expires after a day, except
the one that two EHRs of a person leave behind.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa

from linkage_vault import decisions, link_seals, second_person
from linkage_vault.decisions import Ask, Requester
from linkage_vault.key_ring import KeyRing
from linkage_vault.seal import Place, Tampered
from linkage_vault.tables import link_task
from linkage_vault.trail import current_month
from linkage_vault.vault import Vault
from moiety.kit.errors import Forbidden, NotFound

LIFE = timedelta(hours=24)
_SIZE = 1024  # octets inside the seal
_MOST = 1000
T = TypeVar("T", bound="Request")


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every task says: who asked (nobody, where a service told), when, and why."""

    requested_by: UUID | None
    staff_id: str | None
    requested_at: datetime
    reason: str


class EhrMerge(Request, frozen=True, tag="ehr_merge"):
    """Two persons became one, and each has EHRs: somebody has to look at them together."""

    survivor: UUID
    merged: UUID
    ehr_ids: tuple[UUID, ...]


class Move(Request, frozen=True, tag="move"):
    """An EHR that was given to the wrong person."""

    ehr_id: UUID
    from_person: UUID
    to_person: UUID


class Erasure(Request, frozen=True, tag="erasure"):
    """A link that shall be cut, or made unreadable in every copy."""

    ehr_id: UUID
    mode: Literal["cut", "shred"]


AnyRequest = EhrMerge | Move | Erasure


def add(connection: sa.Connection, keys: KeyRing, request: AnyRequest) -> UUID:
    """Puts a task down; its random id."""
    task_id = uuid4()
    value = msgspec.json.encode(request)
    sealed = link_seals.seal_all(keys, [(place_of(task_id), value)], size=_SIZE)[0]
    connection.execute(
        link_task.insert().values(
            task_id=task_id,
            kind=_kind(request),
            month=current_month(),
            kek_version=sealed.kek_version,
            wrapped=sealed.wrapped,
            sealed=sealed.sealed,
        )
    )
    return task_id


def pending(connection: sa.Connection, keys: KeyRing) -> list[tuple[UUID, AnyRequest]]:
    """The tasks that wait, those of two EHRs and those that did not expire."""
    rows = connection.execute(sa.select(link_task).limit(_MOST)).all()
    now = _now(connection)
    return [(task_id, one) for task_id, one in _open(keys, rows) if not _is_expired(one, now)]


def take(connection: sa.Connection, keys: KeyRing, task_id: UUID, kind: type[T]) -> T:
    """Removes a task and returns what it asks for.

    Raises NotFound when there is none of this kind, it expired, or somebody took it already.
    """
    gone = link_task.delete().where(link_task.c.task_id == task_id).returning(link_task)
    rows = connection.execute(gone).all()
    for _, request in _open(keys, rows):
        if isinstance(request, kind) and not _is_expired(request, _now(connection)):
            return request
    raise NotFound


def read(connection: sa.Connection, keys: KeyRing, task_id: UUID) -> AnyRequest | None:
    """What a task asks for, without taking it."""
    rows = connection.execute(sa.select(link_task).where(link_task.c.task_id == task_id)).all()
    return next((request for _, request in _open(keys, rows)), None)


def drop_ehr_merges(connection: sa.Connection, keys: KeyRing, merged: UUID) -> int:
    """Removes the tasks that the merge of a person left; how many."""
    query = sa.select(link_task).where(link_task.c.kind == "ehr_merge")
    rows = connection.execute(query).all()
    ids = [
        task_id
        for task_id, request in _open(keys, rows)
        if isinstance(request, EhrMerge) and request.merged == merged
    ]
    gone = link_task.delete().where(link_task.c.task_id.in_(ids))
    return connection.execute(gone).rowcount


def demand_other(vault: Vault, requester: Requester, ask: Ask, request: Request) -> None:
    """Raises Forbidden, written down, unless a second person consents."""
    with vault.engine.connect() as connection:
        is_second = second_person.is_second(
            connection, requester, request.requested_by,
            other_line=vault.rules.approver_other_line,
        )  # fmt: skip
    if not is_second:
        decisions.write_down(vault, requester, ask, outcome="refused")
        raise Forbidden("A second person has to consent, not the one who asked.")


def begun(requester: Requester, reason: str) -> dict[str, Any]:
    """The fields of a request that every task has.  Raises Forbidden for a program."""
    if requester.user_id is None:
        raise Forbidden("A person asks for this, not a program.")
    return {
        "requested_by": requester.user_id,
        "staff_id": requester.staff_id,
        "requested_at": datetime.now(UTC),
        "reason": reason,
    }


def begun_by_service(reason: str) -> dict[str, Any]:
    """The same fields of a task that no person asked for."""
    now = datetime.now(UTC)
    return {"requested_by": None, "staff_id": None, "requested_at": now, "reason": reason}


def place_of(task_id: UUID) -> Place:
    """Where a task is sealed."""
    return Place("link_task", str(task_id), "sealed", 1)


def _open(keys: KeyRing, rows: Sequence[Any]) -> list[tuple[UUID, AnyRequest]]:
    values = link_seals.open_all(keys, [(place_of(row.task_id), row) for row in rows])
    if None in values:
        raise Tampered("a task has lost its key")
    return [
        (row.task_id, msgspec.json.decode(value, type=AnyRequest))
        for row, value in zip(rows, values, strict=True)
        if value is not None
    ]


def _is_expired(request: Request, now: datetime) -> bool:
    return not isinstance(request, EhrMerge) and request.requested_at + LIFE < now


def _now(connection: sa.Connection) -> datetime:
    """The database's clock, by which everything ends."""
    now: datetime = connection.execute(sa.select(sa.func.now())).scalar_one()
    return now


def _kind(request: AnyRequest) -> str:
    return str(msgspec.to_builtins(request)["type"])
