"""How often a key has encrypted, and when it may no more.

Random nonces of AES-GCM may collide after 2^32 uses of one key (NIST SP 800-38D).  A process
reserves uses in blocks, committed before the first of a block, so that no restart forgets any; what
of a block was not used is lost, never counted twice.
"""

import threading

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from linkage_vault.tables import key_use
from moiety.kit.errors import Unavailable

LIMIT = 1 << 31
ALARM = 0.8  # of the limit
_LARGEST_BLOCK = 10_000


class Uses:
    """The counters of one organisation.  `limit`: uses of one version of a key."""

    def __init__(self, engine: sa.Engine, *, limit: int = LIMIT) -> None:
        self._engine = engine
        self._limit = limit
        self._block = max(1, min(_LARGEST_BLOCK, limit // 100))
        self._left: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def take(self, purpose: str, version: int, count: int) -> None:
        """Counts uses before they happen.  Raises Unavailable when the key has no more."""
        with self._lock:
            left = self._left.get((purpose, version), 0)
            if left < count:
                left += self._reserve(purpose, version, max(count - left, self._block))
            self._left[purpose, version] = left - count

    def _reserve(self, purpose: str, version: int, count: int) -> int:
        row = {"purpose": purpose, "version": version, "reserved": count}
        statement = insert(key_use).values(row)
        added = statement.on_conflict_do_update(
            index_elements=[key_use.c.purpose, key_use.c.version],
            set_={"reserved": key_use.c.reserved + count},
            where=key_use.c.reserved + count <= self._limit,
        ).returning(key_use.c.reserved)
        try:
            with self._engine.begin() as connection:
                reserved = connection.scalar(added) if count <= self._limit else None
        except SQLAlchemyError:
            raise Unavailable("Uses of a key can't be counted, so it is not used.") from None
        log = structlog.get_logger()
        if reserved is None:
            log.error("key used up", count=self._limit)
            raise Unavailable("A key was used as often as it may be: `moiety keys rotate kek`.")
        if reserved >= ALARM * self._limit:
            log.warning("key nearly used up", count=reserved)
        return count
