"""Keys that the database gives away are refused: one that lies in it, or is also an API key.

The comparison with API keys is one of hashes; none of them is known here.
"""

import base64
import hashlib
from collections.abc import Iterator

import sqlalchemy as sa

from linkage_vault.key_ring import BadKeys, KeyRing
from linkage_vault.people_tables import api_key

_MOST = 1000  # rows of a table that are looked through: settings and notes, not every link
_COLUMNS = sa.text(
    "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c"
    " WHERE c.table_schema = 'public' AND c.data_type IN ('bytea', 'text')"
)


def refuse_exposed(connection: sa.Connection, keys: KeyRing) -> None:
    """Raises BadKeys when a key lies in the database or is an API key's secret."""
    for name, octets in keys.reveal_all():
        if _is_api_key(connection, octets):
            raise BadKeys(f"A key of the entry {name} is also an API key: make another.")
        if place := _find(connection, octets):
            raise BadKeys(f"A key of the entry {name} lies in the database, in {place}.")


def _is_api_key(connection: sa.Connection, octets: bytes) -> bool:
    """An API key's secret is 32 octets in base64 for URLs, with - for _."""
    digests = [hashlib.sha256(form.encode()).digest() for form in _texts(octets)]
    query = sa.select(api_key.c.key_id).where(api_key.c.secret_hash.in_(digests)).limit(1)
    return connection.scalar(query) is not None


def _find(connection: sa.Connection, octets: bytes) -> str | None:
    for table, column, kind in connection.execute(_COLUMNS).all():
        few = sa.select(sa.column(column)).select_from(sa.table(table)).limit(_MOST).subquery()
        cell = few.c[column]
        forms = [octets] if kind == "bytea" else [*_texts(octets), octets.hex()]
        holds = sa.or_(*(sa.func.position(sa.literal(form).op("IN")(cell)) > 0 for form in forms))
        if connection.scalar(sa.select(sa.literal(1)).select_from(few).where(holds).limit(1)):
            return f"{table}.{column}"
    return None


def _texts(octets: bytes) -> Iterator[str]:
    plain = base64.b64encode(octets).decode()
    yield plain
    yield base64.urlsafe_b64encode(octets).decode().rstrip("=").replace("_", "-")
