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

_WHOLE = 3
_TRIES = 5
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
    connection: sa.Connection,
    name: str,
    version: str | None,
    q: str,
    *,
    saved: datetime | None = None,
) -> StoredQuery:
    """Keep a query, in a version of its own or in the next one.

    Without a version it is the next major one, with a part of one the next that begins so: the
    first of a name is 1.0.0, and 1.2 means 1.2.0 or the patch after the latest.  Raises Malformed
    for a name, version or AQL that is none, Conflict for a version that is there.
    """
    if _NAME.fullmatch(name) is None or name.lower() == "aql":
        raise Malformed(
            "A query is named [namespace::]name, of letters, digits, _ . and -, and never aql."
        )
    parts = _parts(version)
    try:
        parse(q)
    except AqlError as error:
        raise malformed(error) from None
    for _ in range(1 if len(parts) == _WHOLE else _TRIES):
        stored = StoredQuery(name, _next(connection, name, parts), saved or datetime.now(UTC), q)
        values = (name, *stored.version, stored.saved, q)
        row = dict(zip(_COLUMNS, values, strict=True))
        added = connection.execute(
            insert(tables.stored_query)
            .values(row)
            .on_conflict_do_nothing()
            .returning(sa.literal(1))
        )
        if added.first() is not None:
            return stored
    raise Conflict("There is a query of this name and version already; it stays as it is.")


def _next(connection: sa.Connection, name: str, parts: list[int]) -> Version:
    """A whole version as it is, else the one after the latest that begins with `parts`."""
    if len(parts) == _WHOLE:
        return parts[0], parts[1], parts[2]
    latest = _latest(connection, name, parts)
    if latest is None:
        major, minor, patch = *parts, *((1, 0, 0)[len(parts) :])
        return major, minor, patch
    number = (*parts, latest.version[len(parts)] + 1, 0, 0)
    return number[0], number[1], number[2]


def get(connection: sa.Connection, name: str, version: str | None = None) -> StoredQuery:
    """The latest version that begins as `version` does.  Raises NotFound, and Malformed."""
    found = _latest(connection, name, _parts(version))
    if found is None:
        raise NotFound("There is no stored query of this name and version.")
    return found


def _latest(connection: sa.Connection, name: str, parts: list[int]) -> StoredQuery | None:
    s = tables.stored_query
    wanted = [s.c.name == name]
    for column, number in zip((s.c.major, s.c.minor, s.c.patch), parts, strict=False):
        wanted.append(column == number)
    newest = sa.select(*(s.c[c] for c in _COLUMNS)).where(*wanted)
    row = connection.execute(
        newest.order_by(s.c.major.desc(), s.c.minor.desc(), s.c.patch.desc()).limit(1)
    ).first()
    return None if row is None else _query(row)


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
    if len(parts) != _WHOLE:
        raise Malformed("A version is named whole here: major.minor.patch.")
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
