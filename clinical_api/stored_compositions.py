"""Read compositions as they are kept: heads, versions, as of a time, with their sealed words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from clinical_api import documents, formats
from clinical_api.compositions import Head
from clinical_api.formats import Format
from clinical_api.registry import Known
from moiety.kit.errors import NotFound
from moiety.kit.reads import Reads
from moiety.openehr import rm
from moiety.openehr.canonical import decode_composition
from moiety.openehr.simplified.forms import encode_flat, encode_structured


@dataclass(frozen=True, slots=True)
class Stored:
    """A version as it is kept; its document is None where it records a deletion."""

    uid: str
    object_id: UUID
    template_key: int
    time_committed: datetime
    document: bytes | None = field(repr=False)


async def get_head(reads: Reads, ehr_id: UUID, object_id: UUID) -> Head:
    """The latest version that stands.  Raises NotFound, also after a deletion."""
    rows = await reads.ask(_HEAD, (ehr_id, object_id))
    if not rows:
        raise NotFound("There is no composition of this id in this EHR.")
    version, template_key, groups = rows[0]
    return Head(object_id, version, template_key, tuple(groups))


async def was_deleted(reads: Reads, ehr_id: UUID, object_id: UUID) -> bool:
    """Whether the object is known and its latest version records a deletion."""
    return bool(await reads.ask(_LATEST_GONE, (ehr_id, object_id)))


async def read(
    reads: Reads, ehr_id: UUID, object_id: UUID, *, version: int | None, system_id: str
) -> Stored:
    """One version, the latest without `version`.  Raises NotFound."""
    key = (ehr_id, object_id)
    if version is None:
        rows = await reads.ask(_LATEST, key) or await reads.ask(_LATEST_GONE, key)
    else:
        key_and_version = (*key, version)
        rows = await reads.ask(_NAMED, key_and_version) or await reads.ask(
            _NAMED_OLD, key_and_version
        )
    return _stored(rows, object_id, system_id)


async def read_at(
    reads: Reads, ehr_id: UUID, object_id: UUID, *, at: datetime, system_id: str
) -> Stored:
    """The version that was the latest at a time.  Raises NotFound, also before the first."""
    rows = await reads.ask(_AT_TIME, (ehr_id, object_id, at))
    return _stored(rows, object_id, system_id)


def encode_as(form: Format, document: bytes, template: Callable[[], Known | None]) -> bytes:
    """A stored document in a format; `template` is asked for the simplified ones alone.

    Raises NotAcceptable for what XML cannot hold.
    """
    if form is Format.JSON:
        return document
    if form is Format.XML:
        return formats.recode(document, rm.Composition, form)
    known = template()
    if known is None:
        raise NotFound("The template of this composition is not known here any more.")
    encoder = encode_flat if form is Format.FLAT else encode_structured
    return encoder(decode_composition(document), known.forms)


def _stored(rows: Sequence[Sequence[Any]], object_id: UUID, system_id: str) -> Stored:
    if not rows:
        raise NotFound("There is no composition of this id in this EHR.")
    number, packed, template_key, time = rows[0]
    document = None if packed is None else documents.unpack(packed)
    return Stored(f"{object_id}::{system_id}::{number}", object_id, template_key, time, document)


_OF = b" WHERE ehr_id = $1 AND object_id = $2"
_WHAT = b"SELECT version, document, template_key, time_committed FROM composition"
_HEAD = b"SELECT version, template_key, groups FROM composition" + _OF
_LATEST = _WHAT + _OF
_LATEST_GONE = _WHAT + b"_history" + _OF + b" ORDER BY version DESC LIMIT 1"
_NAMED = _LATEST + b" AND version = $3"
_NAMED_OLD = _WHAT + b"_history" + _OF + b" AND version = $3"
_AT_TIME = (
    _LATEST + b" AND time_committed <= $3 UNION ALL " + _WHAT + b"_history" + _OF
    + b" AND time_committed <= $3 ORDER BY version DESC LIMIT 1"
)  # fmt: skip
