"""The shred store: a secret for each link in a database of its own, with short backups.

The key of a link is made of its data key and this secret.  Who destroys the secret makes the link
unreadable in every copy of the vault, the oldest backup too, as soon as the last backup of this
small database that held the secret is gone: they are kept seven days at most.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.exc import SQLAlchemyError

from moiety.kit.database import NAMING
from moiety.kit.errors import Unavailable

SECRET_SIZE = 32  # octets
LONGEST_RETENTION = timedelta(days=7)

metadata = sa.MetaData(naming_convention=NAMING)

# The handle stands in no other database in clear: it lies wrapped beside the link's data key.
shred_secret = sa.Table(
    "shred_secret",
    metadata,
    sa.Column("handle", sa.Uuid, primary_key=True),
    sa.Column("secret", BYTEA, nullable=False),
)

_INSERT = shred_secret.insert().from_select(
    ["handle", "secret"],
    sa.select(
        sa.func.unnest(sa.bindparam("handles", type_=ARRAY(sa.Uuid()))),
        sa.func.unnest(sa.bindparam("secrets", type_=ARRAY(BYTEA()))),
    ),
)


class ShredStore:
    """The secrets of one organisation's links.  Every method raises Unavailable when it is away."""

    def __init__(self, engine: sa.Engine, *, retention: timedelta = LONGEST_RETENTION) -> None:
        self._engine = engine
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.retention = retention

    def new(self, handles: Sequence[UUID]) -> list[bytes]:
        """A fresh secret for each handle, committed."""
        made = [secrets.token_bytes(SECRET_SIZE) for _ in handles]
        try:
            with self._reading.connect() as connection:  # one statement, committed by itself
                connection.execute(_INSERT, {"handles": list(handles), "secrets": made})
        except SQLAlchemyError:
            raise _away() from None
        return made

    def find(self, handles: Collection[UUID]) -> dict[UUID, bytes]:
        """The secrets that are there; a destroyed one is missing."""
        query = sa.select(shred_secret).where(
            shred_secret.c.handle == sa.any_(sa.bindparam("handles", type_=ARRAY(sa.Uuid())))
        )
        try:
            with self._reading.connect() as connection:
                rows = connection.execute(query, {"handles": list(handles)})
                return {row.handle: bytes(row.secret) for row in rows}
        except SQLAlchemyError:
            raise _away() from None

    def close(self) -> None:
        """Gives back every connection."""
        self._engine.dispose()

    def destroy(self, handles: Collection[UUID]) -> int:
        """Removes secrets for good, committed; how many were there."""
        gone = shred_secret.delete().where(shred_secret.c.handle.in_(list(handles)))
        try:
            with self._engine.begin() as connection:
                return connection.execute(gone).rowcount
        except SQLAlchemyError:
            raise _away() from None


def _away() -> Unavailable:
    return Unavailable("The shred store is away, so no link can be made or opened.")
