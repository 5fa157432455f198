"""What orders writers, merges and rotations of the vault among one another.

A writer holds the fence shared while its transaction lasts; a rotation, or a merge, holds it alone
for a moment.  After a rotation has raised a version in `key_fence`, no transaction is left that
could write with an older key, and none can begin: so the old key may go once its last row has.
"""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault.key_ring import KeyRing
from linkage_vault.tables import key_fence
from moiety.kit.engines import Source, rows_of
from moiety.kit.errors import Unavailable
from moiety.kit.singles import Asked

_FENCE = 0x6D6F_6965_0001
_BUCKETS = 0x6D6F_6965_0100  # 256 locks from here, by the first octet of an index
# The fence first, then the persons in their order: from left to right, row by row.
_BUCKET_LOCKS = (
    f"SELECT pg_advisory_xact_lock_shared({_FENCE}),"
    " pg_advisory_xact_lock(unnest(%(buckets)b::bigint[]))"
)
_SHARED = f"SELECT pg_advisory_xact_lock_shared({_FENCE})"
_VERSIONS = "SELECT purpose, version FROM key_fence"
_ALONE = sa.select(sa.func.pg_advisory_xact_lock(_FENCE))


def enter(source: Source, keys: KeyRing, indexes: Collection[bytes] = ()) -> None:
    """Lets a writer in, alone with the persons of `indexes`, when it has the newest keys.

    `indexes` are of the oldest version in the ring, so that two processes name a person alike.
    Raises Unavailable when the key file here is older than the rotation.
    """
    *_, wanted = [rows_of(source, *one) for one in entering(indexes)]
    demand_new_enough(keys, wanted)


def entering(indexes: Collection[bytes] = ()) -> list[Asked]:
    """The statements of `enter`; what the last one answers is for `demand_new_enough`."""
    if not indexes:
        return [(_SHARED, {}), (_VERSIONS, {})]
    buckets = sorted({_BUCKETS + index[0] for index in indexes})
    return [(_BUCKET_LOCKS, {"buckets": buckets}), (_VERSIONS, {})]


def demand_new_enough(keys: KeyRing, versions: Sequence[tuple[Any, ...]]) -> None:
    """Raises Unavailable as `enter` does."""
    wanted = dict(versions)
    if not _is_new_enough(keys, wanted) and not (keys.refresh() and _is_new_enough(keys, wanted)):
        raise Unavailable("The key file here is older than the last rotation: nothing is written.")


def enter_alone(connection: sa.Connection) -> None:
    """Lets a merge in: no link is made meanwhile, and no other merge."""
    connection.execute(_ALONE)


def raise_to(connection: sa.Connection, purpose: str, version: int) -> None:
    """From the commit of this transaction on, nothing is written with an older version."""
    connection.execute(_ALONE)
    row = insert(key_fence).values(purpose=purpose, version=version)
    connection.execute(
        row.on_conflict_do_update(
            index_elements=[key_fence.c.purpose],
            set_={"version": sa.func.greatest(key_fence.c.version, version)},
        )
    )


def _is_new_enough(keys: KeyRing, wanted: dict[str, int]) -> bool:
    return keys.index_version >= wanted.get("index", 0) and (
        keys.provider.known() >= wanted.get("kek", 0)
    )
