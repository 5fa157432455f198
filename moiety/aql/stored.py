"""What is stored → records, as the evaluator takes them.

A statement gives rows of documents (`Row`); `records` makes EHRs of them, each with the contents
that are to be looked at together.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from moiety.aql.bindings import Record
from moiety.aql.needs import Needs
from moiety.aql.shown import stamp

ALWAYS: Final = ("ehr_id", "system_id", "time_created", "object_id", "version", "document")
"""Columns of every document; the others come where a query asks for what they tell."""
AUDITED: Final = ("contribution_id", "change_type", "lifecycle_state", "time_committed", "audit")
"""Columns of a version that tell of its commit."""

TYPES: Final[Mapping[str, sa.types.TypeEngine[Any]]] = {
    "object_id": sa.Uuid(),
    "version": sa.Integer(),
    "document": BYTEA(),
    "status": BYTEA(),
    "contribution_id": sa.Uuid(),
    "change_type": sa.SmallInteger(),
    "lifecycle_state": sa.SmallInteger(),
    "time_committed": sa.DateTime(timezone=True),
    "audit": JSONB(),
    "detail": JSONB(),
    "attestations": ARRAY(BYTEA()),
}
"""The types of columns that may be null."""


class Row(NamedTuple):
    """A document as it is stored: a content, or an EHR alone (no `object_id`).

    `status`: the document of the EHR's status. `former`: it is not the latest version. What
    follows is told only where the query names versions; `document` is null there for a deletion.
    """

    ehr_id: Any
    system_id: str
    time_created: Any
    object_id: Any = None
    version: int | None = None
    document: bytes | None = None
    status: bytes | None = None
    former: bool = False
    contribution_id: Any = None
    change_type: int | None = None
    lifecycle_state: int | None = None
    time_committed: Any = None
    audit: Any = None
    detail: Any = None
    attestations: Any = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How documents are read. `unpack`: a stored document → its canonical JSON with the uid of
    its version. `version`: a row and its content → the canonical JSON of its VERSION, as objects.
    `check`: asked now and then while documents are evaluated; what it raises ends that.
    """

    unpack: Callable[[bytes], bytes]
    version: Callable[[Row, Any], dict[str, Any]]
    check: Callable[[], object] = bool


Decode = Callable[[bytes], Any]
_EHRS_KNOWN: Final = 10_000


def records(
    found: Iterable[Any], needs: Needs, reading: Reading, decode: Decode
) -> Iterator[Record]:
    """Records of rows; where whole EHRs are needed, the rows of one follow one another."""
    known: dict[Any, dict[str, Any]] = {}
    rows = (Row(*row) for row in found)
    if not needs.whole:
        for row in rows:
            contents = _contents([row], needs, reading, decode)
            yield Record(_ehr(row, known, reading), contents, frozenset({0} if row.former else ()))
        return
    for _, group in groupby(rows, key=lambda row: row.ehr_id):
        members = list(group)
        kept = [row for row in members if row.object_id is not None]
        former = frozenset(n for n, row in enumerate(kept) if row.former)
        contents = _contents(kept, needs, reading, decode)
        yield Record(_ehr(members[0], known, reading), contents, former)


def _contents(
    rows: Iterable[Row], needs: Needs, reading: Reading, decode: Decode
) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        if row.object_id is None:
            continue
        content: Any = None if row.document is None else decode(reading.unpack(row.document))
        found.append(reading.version(row, content) if needs.wrapped else content)
    return found


def _ehr(row: Row, known: dict[Any, dict[str, Any]], reading: Reading) -> dict[str, Any]:
    """The EHR of a row, made once for all of its rows."""
    if row.ehr_id not in known:
        if len(known) >= _EHRS_KNOWN:
            known.clear()
        known[row.ehr_id] = ehr = {
            "_type": "EHR",
            "system_id": {"_type": "HIER_OBJECT_ID", "value": row.system_id},
            "ehr_id": {"_type": "HIER_OBJECT_ID", "value": str(row.ehr_id)},
            "time_created": {"_type": "DV_DATE_TIME", "value": stamp(row.time_created)},
        }
        if row.status is not None:
            ehr["ehr_status"] = msgspec.json.decode(reading.unpack(row.status))
    return known[row.ehr_id]
