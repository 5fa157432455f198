"""Keys of projects: random, in versions, each sealed for its row; destroyed when the row goes.

A new version makes new pseudonyms; the ones before lead back while their version is kept.  When
every version is gone, nobody goes either way.  What destroying does *not* reach: a backup of this
database that is older, for as long as it is kept together with the key-encryption key.
"""

import secrets
from uuid import UUID

import sqlalchemy as sa

from linkage_vault.keys import KEY_SIZE, KeyRing
from linkage_vault.project_tables import project_key
from linkage_vault.seal import Place, open_sealed, seal

SIZE = 64  # octets inside the seal


def create(connection: sa.Connection, keys: KeyRing, project_id: UUID) -> int:
    """The version of the newest key of a project, which is made where there is none."""
    return newest(connection, project_id) or rotate(connection, keys, project_id)


def rotate(connection: sa.Connection, keys: KeyRing, project_id: UUID) -> int:
    """Makes a new key and returns its version; a service takes it up at its next refresh."""
    lock = int.from_bytes(project_id.bytes[:8], "big", signed=True)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
    version = (newest(connection, project_id) or 0) + 1
    sealed = seal(
        keys.links.current, secrets.token_bytes(KEY_SIZE), _place(project_id, version), size=SIZE
    )
    row = {"project_id": project_id, "version": version, "sealed": sealed}
    connection.execute(project_key.insert().values(row))
    return version


def rewrap(connection: sa.Connection, keys: KeyRing, *, most: int = 1000) -> int:
    """Seals up to `most` keys anew that an older key-encryption key sealed; how many there were.

    Call it until it returns 0.
    """
    current = keys.links.current.version.to_bytes(4, "big")
    stale = sa.func.substring(project_key.c.sealed, 2, 4) != current
    query = sa.select(project_key).where(stale).limit(most).with_for_update()
    rows = connection.execute(query).all()
    for row in rows:
        place = _place(row.project_id, row.version)
        octets = open_sealed(keys.links.by_version, row.sealed, place)
        sealed = seal(keys.links.current, octets, place, size=SIZE)
        this = (project_key.c.project_id == row.project_id) & (project_key.c.version == row.version)
        connection.execute(project_key.update().where(this).values(sealed=sealed))
    return len(rows)


def destroy(connection: sa.Connection, project_id: UUID) -> int:
    """Removes every version; how many there were."""
    gone = project_key.delete().where(project_key.c.project_id == project_id)
    return connection.execute(gone).rowcount


def versions(connection: sa.Connection, project_id: UUID) -> list[int]:
    """The versions that were not destroyed, ascending."""
    column = project_key.c.version
    query = sa.select(column).where(project_key.c.project_id == project_id).order_by(column)
    return list(connection.scalars(query))


def newest(connection: sa.Connection, project_id: UUID) -> int | None:
    """The version that makes pseudonyms, or None."""
    query = sa.select(sa.func.max(project_key.c.version))
    found: int | None = connection.scalar(query.where(project_key.c.project_id == project_id))
    return found


def open_key(
    connection: sa.Connection, keys: KeyRing, project_id: UUID, version: int
) -> bytes | None:
    """32 octets, or None when there is no such key any more.  Raises Tampered."""
    this = (project_key.c.project_id == project_id) & (project_key.c.version == version)
    sealed = connection.scalar(sa.select(project_key.c.sealed).where(this))
    if sealed is None:
        return None
    return open_sealed(keys.links.by_version, sealed, _place(project_id, version))


def _place(project_id: UUID, version: int) -> Place:
    return Place("project_key", str(project_id), "sealed", version)
