"""Versions as they are read back: latest, by number, as of a time, one after another.

A version stands in the head table or in the history; whoever asks need not know which.  Questions
go to `Reads`, one statement each, so every answer is of one moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from moiety.change_control.codes import ChangeType, Lifecycle
from moiety.change_control.tables import Versioned
from moiety.kit.reads import Reads

_COLUMNS = (
    "object_id", "version", "contribution_id", "change_type", "lifecycle_state", "time_committed",
    "audit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Version:
    """One version.  `document` is as stored, None for a deletion (or where it was not asked for).

    `audit` is AUDIT_DETAILS less what has columns: system, committer, description.
    """

    object_id: UUID
    version: int
    contribution_id: UUID
    change: ChangeType
    lifecycle: Lifecycle
    time_committed: datetime
    audit: Mapping[str, Any] = field(repr=False)
    document: bytes | None = field(default=None, repr=False)

    def uid(self, system_id: str) -> str:
        """OBJECT_VERSION_ID."""
        return f"{self.object_id}::{system_id}::{self.version}"


async def latest(
    reads: Reads, kind: Versioned, owner: UUID, object_id: UUID | None = None
) -> Version | None:
    """The newest version, which may be a deletion; of any object of the owner without an id."""
    return await _one(reads, kind, owner, object_id)


async def numbered(
    reads: Reads, kind: Versioned, owner: UUID, object_id: UUID, version: int
) -> Version | None:
    """The version of a number."""
    rows = await reads.ask(
        _statement(kind, " AND object_id = $2 AND version = $3"), (owner, object_id, version)
    )
    return _version(rows[0]) if rows else None


async def at_time(
    reads: Reads, kind: Versioned, owner: UUID, moment: datetime, object_id: UUID | None = None
) -> Version | None:
    """The version that was the latest at `moment`; None before the first."""
    return await _one(reads, kind, owner, object_id, moment)


async def history(reads: Reads, kind: Versioned, owner: UUID, object_id: UUID) -> list[Version]:
    """Every version of an object, the oldest first, without documents."""
    rows = await reads.ask(_history(kind), (owner, object_id))
    return [_version((*row, None)) for row in rows]


async def _one(
    reads: Reads,
    kind: Versioned,
    owner: UUID,
    object_id: UUID | None,
    moment: datetime | None = None,
) -> Version | None:
    parameters: list[Any] = [owner]
    condition = ""
    if object_id is not None:
        parameters.append(object_id)
        condition += f" AND object_id = ${len(parameters)}"
    if moment is not None:
        parameters.append(moment)
        condition += f" AND time_committed <= ${len(parameters)}"
    rows = await reads.ask(_statement(kind, condition), parameters)
    return _version(rows[0]) if rows else None


def _version(row: tuple[Any, ...]) -> Version:
    object_id, version, contribution_id, change, lifecycle, time, audit, document = row
    return Version(
        object_id, version, contribution_id, ChangeType(change), Lifecycle(lifecycle), time, audit,
        document,
    )  # fmt: skip


@cache
def _statement(kind: Versioned, condition: str) -> bytes:
    """The newest version under a condition; each table gives its own newest first."""
    order = " ORDER BY time_committed DESC, version DESC LIMIT 1"
    columns = ", ".join((*_COLUMNS, "document"))
    parts = [
        f"(SELECT {columns} FROM {table.name} WHERE {_owner(kind)} = $1{condition}{order})"
        for table in (kind.head, kind.history)
    ]
    return (" UNION ALL ".join(parts) + order).encode()


@cache
def _history(kind: Versioned) -> bytes:
    columns = ", ".join(_COLUMNS)
    parts = [
        f"SELECT {columns} FROM {table.name} WHERE {_owner(kind)} = $1 AND object_id = $2"
        for table in (kind.head, kind.history)
    ]
    return (" UNION ALL ".join(parts) + " ORDER BY version").encode()


def _owner(kind: Versioned) -> str:
    key: sa.Column[Any] = next(iter(kind.head.primary_key.columns))
    return key.name
