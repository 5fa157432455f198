"""Deletion for good: what the law or an administrator wants gone, with every trace of its content.

The application's own role can only add to histories, so each deletion is one call of a function
that runs as the migrator, in one transaction.  A line in the commit log says who deleted what kind.
"""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from moiety.kit.credentials import Caller
from moiety.kit.errors import NotFound, Unprocessable

_AT_ONCE = 100


def delete_ehr(connection: sa.Connection, ehr_id: UUID, caller: Caller, *, door: str) -> None:
    """Delete an EHR and everything of it.  Raises NotFound."""
    if not _delete_ehrs(connection, [ehr_id], caller, door):
        raise NotFound("There is no EHR of this id.")


def delete_ehrs(
    engine: sa.Engine, ehr_ids: Sequence[UUID] | None, caller: Caller, *, door: str
) -> int:
    """Delete the EHRs of some ids, or every one: how many went.

    Each hundred is a transaction of its own.  Raises NotFound, having deleted nothing, where one of
    the ids has no EHR.
    """
    with engine.connect() as connection:
        there = set(connection.scalars(sa.text("SELECT ehr_id FROM ehr")))
    wanted = sorted(there if ehr_ids is None else set(ehr_ids))
    if not there.issuperset(wanted):
        raise NotFound("There is no EHR of one of these ids.")
    gone = 0
    for first in range(0, len(wanted), _AT_ONCE):
        with engine.begin() as connection:
            gone += _delete_ehrs(connection, wanted[first : first + _AT_ONCE], caller, door)
    return gone


def delete_versioned(
    connection: sa.Connection,
    kind: str,
    ehr_id: UUID,
    object_id: UUID,
    *,
    caller: Caller,
    door: str,
) -> None:
    """Delete all versions of a composition or a folder.  Raises NotFound."""
    gone = connection.scalar(
        sa.text("SELECT removal.versioned(:kind, :ehr_id, :object_id, :key_id, :door)"),
        {
            "kind": kind, "ehr_id": ehr_id, "object_id": object_id, "key_id": caller.key_id,
            "door": door,
        },
    )  # fmt: skip
    if not gone:
        raise NotFound(f"There is no {kind} of this id in this EHR.")


def delete_directory(
    connection: sa.Connection,
    ehr_id: UUID,
    object_id: UUID | None,
    *,
    caller: Caller,
    door: str,
) -> None:
    """Delete an EHR's directory, deleted ones too; of one id, or all.  Raises NotFound."""
    found = connection.scalars(
        sa.text(
            "SELECT object_id FROM folder WHERE ehr_id = :ehr_id"
            " UNION SELECT object_id FROM folder_history WHERE ehr_id = :ehr_id"
        ),
        {"ehr_id": ehr_id},
    )
    wanted = [one for one in found if object_id in (None, one)]
    if not wanted:
        raise NotFound("There is no directory of this id in this EHR.")
    for one in wanted:
        delete_versioned(connection, "folder", ehr_id, one, caller=caller, door=door)


def delete_template(connection: sa.Connection, template_id: str) -> int:
    """Delete a template that nothing was written with: how many revisions it had.

    Raises NotFound; and Unprocessable for one that is used, if only by what is deleted logically.
    """
    gone = int(connection.scalar(sa.text("SELECT removal.template(:id)"), {"id": template_id}) or 0)
    if gone < 0:
        raise Unprocessable(
            f"Cannot delete template {template_id} since it is used by at least one composition"
        )
    if not gone:
        raise NotFound(f"Operational template with template ID '{template_id}' does not exist")
    return gone


def delete_unused_templates(connection: sa.Connection) -> int:
    """Delete every template that nothing was written with: how many went.

    Raises Unprocessable where one is used; then none goes.
    """
    ids = list(connection.scalars(sa.text("SELECT template_id FROM template ORDER BY template_id")))
    for template_id in ids:
        delete_template(connection, template_id)
    return len(ids)


def delete_query(connection: sa.Connection, name: str, version: tuple[int, int, int]) -> None:
    """Delete one version of a stored query.  Raises NotFound."""
    gone = connection.scalar(
        sa.text("SELECT removal.stored_query(:name, :major, :minor, :patch)"),
        {"name": name, **dict(zip(("major", "minor", "patch"), version, strict=True))},
    )
    if not gone:
        raise NotFound("There is no stored query of this name and version.")


def _delete_ehrs(
    connection: sa.Connection, ehr_ids: Sequence[UUID], caller: Caller, door: str
) -> int:
    gone = connection.scalar(
        sa.text("SELECT removal.ehrs(:ehr_ids, :key_id, :door)"),
        {"ehr_ids": list(ehr_ids), "key_id": caller.key_id, "door": door},
    )
    return int(gone or 0)
