"""The shred store: a secret for each link in a database of its own, with short backups.

The key of a link is made of its data key and this secret.  Who destroys the secret makes the link
unreadable in every copy of the vault, the oldest backup too, as soon as the last backup of this
small database that held the secret is gone: they are kept seven days at most.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.exc import SQLAlchemyError

from moiety.kit.arrays import Octets, Uuids
from moiety.kit.database import NAMING
from moiety.kit.errors import Unavailable
from moiety.kit.singles import Singles

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

_INSERT = (
    "INSERT INTO shred_secret (handle, secret) SELECT * FROM"
    " unnest(%(handles)b::uuid[], %(secrets)b::bytea[])"
)
_FIND = "SELECT uuid_send(handle), secret FROM shred_secret WHERE handle = ANY(%(handles)b::uuid[])"


class ShredStore:
    """The secrets of one organisation's links.  Every method raises Unavailable when it is away.

    A handle is the 16 octets of a random id.
    """

    def __init__(self, engine: sa.Engine, *, retention: timedelta = LONGEST_RETENTION) -> None:
        self._engine = engine
        self._singles = Singles(engine)
        self.retention = retention

    def new(self, handles: Sequence[bytes]) -> list[bytes]:
        """A fresh secret for each handle, committed."""
        made = [secrets.token_bytes(SECRET_SIZE) for _ in handles]
        self._run(_INSERT, {"handles": Uuids(handles), "secrets": Octets(made)})
        return made

    def find(self, handles: Collection[bytes]) -> dict[bytes, bytes]:
        """The secrets that are there; a destroyed one is missing."""
        return dict(self._run(_FIND, {"handles": Uuids(handles)}))

    def close(self) -> None:
        """Gives back every connection."""
        self._engine.dispose()

    def destroy(self, handles: Collection[bytes]) -> int:
        """Removes secrets for good, committed; how many were there."""
        gone = shred_secret.delete().where(
            shred_secret.c.handle.in_([UUID(bytes=one) for one in handles])
        )
        try:
            with self._engine.begin() as connection:
                return connection.execute(gone).rowcount
        except SQLAlchemyError:
            raise _away() from None

    def _run(self, statement: str, given: Mapping[str, object]) -> list[tuple[Any, ...]]:
        try:
            return self._singles.all(statement, given)
        except (psycopg.Error, Unavailable):
            raise _away() from None


def _away() -> Unavailable:
    return Unavailable("The shred store is away, so no link can be made or opened.")
