"""The standard folder tree of an organisation: every new EHR's directory begins with it.

An EHR gets it in the transaction that opens it.  EHRs are opened ahead of time, into a pool, so a
change of the template reaches those that still wait there, where nobody has seen them yet; EHRs in
use keep what they have.
"""

import secrets
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from clinical_api import documents, folders, formats, tables, versions
from clinical_api.folders import Prepared
from clinical_api.formats import Format
from clinical_api.settings import Settings
from moiety.change_control.codes import ChangeType, Lifecycle
from moiety.kit.errors import Malformed, NotFound
from moiety.kit.reads import Reads
from moiety.openehr import rm
from moiety.openehr.canonical import decode, encode

_NAME = "standard"


def read(body: bytes, form: Format, settings: Settings) -> rm.Folder:
    """A tree as it was sent, without ids.  Raises Malformed, Unprocessable."""
    folder = formats.decode(body, rm.Folder, form)
    for path, one in _all(folder, ""):
        one.uid = None
        if one.items:
            raise Malformed(
                "A folder template holds folders alone.",
                findings=[{"path": f"{path}/items", "rule": "folder template", "expected": "none"}],
            )
    folders.prepare(folder, settings)
    return folder


async def find(reads: Reads, settings: Settings) -> Prepared | None:
    """The tree for an EHR that is about to be opened, if there is one."""
    rows = await reads.ask(b"SELECT folder FROM folder_template WHERE name = $1", (_NAME,))
    if not rows:
        return None
    return folders.prepare(decode(documents.unpack(rows[0][0]), rm.Folder), settings)


def get(connection: sa.Connection) -> rm.Folder:
    """The tree.  Raises NotFound."""
    table = tables.folder_template
    packed = connection.scalar(sa.select(table.c.folder).where(table.c.name == _NAME))
    if packed is None:
        raise NotFound("There is no folder template.")
    return decode(documents.unpack(packed), rm.Folder)


def put(connection: sa.Connection, folder: rm.Folder, settings: Settings) -> int:
    """Set the tree, for EHRs opened from now on and for those in the pool: how many those are."""
    row = insert(tables.folder_template).values(name=_NAME, folder=documents.pack(encode(folder)))
    connection.execute(
        row.on_conflict_do_update(index_elements=["name"], set_={"folder": row.excluded.folder})
    )
    waiting = _clear_pool(connection)
    rows = [_directory(opened, folder, settings) for opened in waiting]
    if rows:
        connection.execute(tables.folder.head.insert(), rows)
    return len(rows)


def delete(connection: sa.Connection) -> None:
    """No tree any more, for new EHRs and those in the pool.  Raises NotFound."""
    table = tables.folder_template
    if not connection.execute(table.delete().where(table.c.name == _NAME)).rowcount:
        raise NotFound("There is no folder template.")
    _clear_pool(connection)


def _clear_pool(connection: sa.Connection) -> list[Any]:
    """The openings of the EHRs in the pool, which have no directory now."""
    ehr, status, folder = tables.ehr, tables.ehr_status.head, tables.folder.head
    # One that is being shown at this moment is left as it is: it is in use.
    waiting = list(
        connection.scalars(
            sa.select(ehr.c.ehr_id).where(ehr.c.pooled).with_for_update(skip_locked=True)
        )
    )
    connection.execute(folder.delete().where(folder.c.ehr_id.in_(waiting)))
    columns = (status.c.ehr_id, status.c.contribution_id, status.c.time_committed, status.c.audit)
    return list(connection.execute(sa.select(*columns).where(status.c.ehr_id.in_(waiting))))


def _directory(opened: Any, folder: rm.Folder, settings: Settings) -> dict[str, Any]:
    """A row of the directory, as if it had come with the opening."""
    ehr_id, contribution_id, time, audit = opened
    object_id: UUID = uuid4()
    folder.uid = rm.ObjectVersionId(value=versions.version_uid(object_id, settings, 1))
    return {
        "ehr_id": ehr_id, "object_id": object_id, "version": 1, "row_key": secrets.randbits(63),
        "contribution_id": contribution_id, "change_type": int(ChangeType.CREATION),
        "lifecycle_state": int(Lifecycle.COMPLETE), "time_committed": time, "audit": audit,
        "document": documents.pack(encode(folder)),
    }  # fmt: skip


def _all(folder: rm.Folder, path: str) -> Iterator[tuple[str, rm.Folder]]:
    yield path, folder
    for number, child in enumerate(folder.folders or ()):
        yield from _all(child, f"{path}/folders[{number}]")
