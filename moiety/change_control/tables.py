"""The tables of versioned objects.

Every primary key starts with the owner (the EHR), so that the tables can be distributed by it.
All ids are random; `row_key` is random bits too: a sequence would tell the order of events.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB


@dataclass(frozen=True)
class Versioned:
    """The tables of one kind of versioned object, of its contributions, and of attempts."""

    head: sa.Table
    history: sa.Table
    contribution: sa.Table
    log: sa.Table


def contributions(metadata: sa.MetaData, *, owner: str) -> sa.Table:
    """CONTRIBUTION: the set of versions committed at once, with its audit."""
    return sa.Table(
        "contribution",
        metadata,
        sa.Column(owner, sa.Uuid, primary_key=True),
        sa.Column("contribution_id", sa.Uuid, primary_key=True),
        sa.Column("time_committed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("change_type", sa.SmallInteger, nullable=False),
        sa.Column("audit", JSONB, nullable=False),
    )


def attempts(metadata: sa.MetaData, *, owner: str) -> sa.Table:
    """The commit log: every attempt to write, accepted or refused, without what was written.

    `attempt_id` is the contribution's id where one came of it; `outcome` is "accepted" or the code
    of the error; `findings` are kinds of identifiers, never their words.
    """
    return sa.Table(
        "commit_log",
        metadata,
        sa.Column(owner, sa.Uuid, primary_key=True),
        sa.Column("attempt_id", sa.Uuid, primary_key=True),
        sa.Column("time_tried", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("door", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("findings", ARRAY(sa.Text), nullable=False),
    )


def details(metadata: sa.MetaData, *, owner: str) -> sa.Table:
    """What few versions have: a signature, other inputs, and the original of an imported one."""
    return sa.Table(
        "version_detail",
        metadata,
        sa.Column(owner, sa.Uuid, primary_key=True),
        sa.Column("object_id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("contribution_id", sa.Uuid, nullable=False),
        sa.Column("detail", JSONB, nullable=False),
    )


def attestations(metadata: sa.MetaData, *, owner: str) -> sa.Table:
    """ATTESTATION of a version: with its commit, or by a later contribution of its own."""
    table = sa.Table(
        "attestation",
        metadata,
        sa.Column(owner, sa.Uuid, primary_key=True),
        sa.Column("attestation_id", sa.Uuid, primary_key=True),
        sa.Column("object_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("contribution_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("time_committed", sa.DateTime(timezone=True), nullable=False),
        # zstd canonical JSON, like documents
        sa.Column("attestation", BYTEA, nullable=False),
    )
    sa.Index(None, table.c[owner], table.c.object_id)
    sa.Index(None, table.c[owner], table.c.contribution_id)
    return table


def versioned(
    metadata: sa.MetaData,
    kind: str,
    contribution: sa.Table,
    log: sa.Table,
    *,
    owner: str,
    more: tuple[str, ...],
) -> Versioned:
    """Head and history of `kind`.  `more` names the columns in `_MORE` that this kind also has."""
    head = sa.Table(kind, metadata, *_columns(owner, ("object_id",), more))
    sa.Index(None, head.c.object_id, unique=True)
    sa.Index(None, head.c[owner], head.c.contribution_id)
    history = sa.Table(
        f"{kind}_history", metadata, *_columns(owner, ("object_id", "version"), more)
    )
    sa.Index(None, history.c.object_id)
    sa.Index(None, history.c[owner], history.c.contribution_id)
    return Versioned(head, history, contribution, log)


def _columns(owner: str, keys: tuple[str, ...], more: tuple[str, ...]) -> list[sa.Column[Any]]:
    def plain(name: str, kind: type[sa.types.TypeEngine[Any]]) -> sa.Column[Any]:
        return sa.Column(name, kind, primary_key=name in keys, nullable=False)

    columns = [
        sa.Column(owner, sa.Uuid, primary_key=True),
        plain("object_id", sa.Uuid),
        plain("version", sa.Integer),
        plain("row_key", sa.BigInteger),
        plain("contribution_id", sa.Uuid),
        plain("change_type", sa.SmallInteger),
        plain("lifecycle_state", sa.SmallInteger),
        sa.Column("time_committed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("audit", JSONB, nullable=False),
        # zstd canonical JSON; null where the version records a deletion
        sa.Column("document", BYTEA),
    ]
    return [*columns, *(sa.Column(name, _MORE[name], nullable=False) for name in more)]


_MORE: Mapping[str, sa.types.TypeEngine[Any]] = {
    "template_key": sa.Integer(),
    "rows_version": sa.SmallInteger(),
    "residue": sa.Integer(),
    "groups": ARRAY(sa.Text()),
}
"""Columns of kinds whose content has typed rows: template, version of the rows, what they miss,
and the leaf tables in which they stand."""
