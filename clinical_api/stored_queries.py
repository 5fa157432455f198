"""Stored queries: AQL under a qualified name, in versions that are never changed.

A name is `[{namespace}::]{query-name}`; a version is major.minor.patch, and a part of one, or none,
means the latest that begins so (openEHR REST API, Query API, "Qualified query name").
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from clinical_api import tables
from clinical_api.queries import malformed
from moiety.aql import AqlError
from moiety.aql.parser import parse
from moiety.kit.errors import Conflict, Malformed, NotFound

FIRST = (1, 0, 0)
_NAME = re.compile(r"(?:[a-zA-Z0-9_.-]{1,200}::)?[a-zA-Z0-9_.-]{1,200}")
_VERSION = re.compile(r"(\d{1,6})(?:\.(\d{1,6})(?:\.(\d{1,6}))?)?")
_COLUMNS = ("name", "major", "minor", "patch", "time_saved", "q")

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """One version of a query."""

    name: str
    version: Version
    saved: datetime
    q: str

    @property
    def number(self) -> str:
        """The version as it is written."""
        return ".".join(map(str, self.version))

    def record(self) -> dict[str, str]:
        """STORED_QUERY of the openEHR REST API."""
        return {
            "name": self.name,
            "type": "AQL",
            "version": self.number,
            "saved": self.saved.isoformat(),
            "q": self.q,
        }


def store(
    connection: sa.Connection, name: str, version: Version, q: str, *, saved: datetime | None = None
) -> StoredQuery:
    """Keep a query.  Raises Malformed for a name or AQL that is none, Conflict for a version."""
    if _NAME.fullmatch(name) is None or name.lower() == "aql":
        raise Malformed(
            "A query is named [namespace::]name, of letters, digits, _ . and -, and never aql."
        )
    try:
        parse(q)
    except AqlError as error:
        raise malformed(error) from None
    saved = saved or datetime.now(UTC)
    row = dict(zip(_COLUMNS, (name, *version, saved, q), strict=True))
    added = connection.execute(
        insert(tables.stored_query).values(row).on_conflict_do_nothing().returning(sa.literal(1))
    )
    if added.first() is None:
        raise Conflict("There is a query of this name and version already; it stays as it is.")
    return StoredQuery(name, version, saved, q)


def get(connection: sa.Connection, name: str, version: str | None = None) -> StoredQuery:
    """The latest version that begins as `version` does.  Raises NotFound, and Malformed."""
    s = tables.stored_query
    wanted = [s.c.name == name]
    for column, number in zip((s.c.major, s.c.minor, s.c.patch), _parts(version), strict=False):
        wanted.append(column == number)
    newest = sa.select(*(s.c[c] for c in _COLUMNS)).where(*wanted)
    row = connection.execute(
        newest.order_by(s.c.major.desc(), s.c.minor.desc(), s.c.patch.desc()).limit(1)
    ).first()
    if row is None:
        raise NotFound("There is no stored query of this name and version.")
    return _query(row)


def all_of(connection: sa.Connection, pattern: str = "") -> list[StoredQuery]:
    """Every version of every query whose name begins with `pattern`, or all."""
    s = tables.stored_query
    rows = connection.execute(
        sa.select(*(s.c[c] for c in _COLUMNS))
        .where(s.c.name.startswith(pattern, autoescape=True))
        .order_by(s.c.name, s.c.major, s.c.minor, s.c.patch)
    )
    return [_query(row) for row in rows]


def whole_version(text: str) -> Version:
    """major.minor.patch.  Raises Malformed."""
    parts = _parts(text)
    if len(parts) != len(FIRST):
        raise Malformed("A query is stored in a whole version: major.minor.patch.")
    return parts[0], parts[1], parts[2]


def _parts(text: str | None) -> list[int]:
    if text is None:
        return []
    found = _VERSION.fullmatch(text)
    if found is None:
        raise Malformed("A version is major.minor.patch, or the beginning of one.")
    return [int(part) for part in found.groups() if part is not None]


def _query(row: sa.Row[Any]) -> StoredQuery:
    found = row._asdict()
    version = (found["major"], found["minor"], found["patch"])
    return StoredQuery(found["name"], version, found["time_saved"], found["q"])
