"""One EHR as an EXTRACT, both ways (RM 1.1.0, EHR Extract IM).

An extract tells versions by object; what a contribution said of itself is not in it, so it comes
back as the first of its versions says.  An imported version goes out as its original.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa

from clinical_api import documents, tables
from clinical_api.bulk import exporting
from clinical_api.bulk.exporting import Stored
from clinical_api.bulk.lines import wrong
from clinical_api.bulk.saying import moment
from clinical_api.formats import Format, decode
from clinical_api.histories import CLASSES
from moiety.change_control import records
from moiety.change_control.records import Beside
from moiety.change_control.versions import Version
from moiety.kit.errors import NotFound
from moiety.openehr import rm
from moiety.openehr.canonical import decode as decode_json
from moiety.openehr.canonical import encode

_VERSIONED: dict[str, type[rm.XVersionedObject]] = {
    "EHR_STATUS": rm.XVersionedEhrStatus,
    "COMPOSITION": rm.XVersionedComposition,
    "FOLDER": rm.XVersionedFolder,
}
_NODE = "openEHR-EHR-EXTRACT"


def extract(snapshots: sa.Engine, ehr_id: UUID, system_id: str) -> rm.Extract:
    """The whole of an EHR.  Raises NotFound."""
    exporting.demand(snapshots, ehr_id)
    found: dict[UUID, tuple[str, list[rm.OriginalVersion]]] = {}
    by_number: dict[tuple[UUID, int], rm.OriginalVersion] = {}
    with snapshots.connect() as connection:
        for one in exporting.contributions_of(exporting.driver_of(connection), ehr_id):
            for stored in one.versions:
                kept = found.setdefault(stored.object_id, (stored.kind, []))
                made = _original(stored, system_id, one.contribution_id)
                kept[1].append(made)
                by_number[stored.object_id, stored.version] = made
            for _, object_id, number, _, packed in one.attestations:
                attested = by_number[object_id, number]
                given = decode_json(documents.unpack(packed), rm.Attestation)
                attested.attestations = [*(attested.attestations or ()), given]
    items: list[rm.ExtractItem] = [
        _item(ehr_id, object_id, kind, versions) for object_id, (kind, versions) in found.items()
    ]
    if not items:
        raise NotFound("There is no EHR of this id.")
    chapter = rm.ExtractEntityChapter(
        archetype_node_id=f"{_NODE}_ENTITY_CHAPTER.record.v1",
        name=rm.DvText(value="record"),
        extract_id_key=str(ehr_id),
        items=items,
    )
    return rm.Extract(
        uid=rm.HierObjectId(value=str(uuid4())),
        archetype_node_id=f"{_NODE}.record.v1",
        name=rm.DvText(value="record"),
        time_created=records.date_time(datetime.now(UTC)),
        system_id=rm.HierObjectId(value=system_id),
        sequence_nr=1,
        chapters=[chapter],
    )


def lines_of(body: bytes, form: Format) -> list[bytes]:
    """An extract as the lines of a bulk file.  Raises Malformed with the place."""
    sent = decode(body, rm.Extract, form)
    lines: list[bytes] = []
    for number, chapter in enumerate(sent.chapters or ()):
        path = f"/chapters[{number}]"
        if not isinstance(chapter, rm.ExtractEntityChapter) or chapter.extract_id_key is None:
            raise wrong(path, "type", "EXTRACT_ENTITY_CHAPTER with the EHR's id as its key")
        versions = list(_versions(chapter.items or (), path))
        lines += _lines(chapter.extract_id_key, versions, sent)
    if not lines:
        raise wrong("/chapters", "existence", "1..*, with versions")
    return lines


def _lines(
    ehr_id: str, versions: Iterable[rm.OriginalVersion], sent: rm.Extract
) -> Iterable[bytes]:
    """One line a contribution, in the order of their times and numbers."""
    contributions: dict[str, list[rm.OriginalVersion]] = {}
    for version in sorted(versions, key=_place):
        reference = version.contribution.id if version.contribution else None
        uid = (reference.value if reference else None) or str(uuid4())
        contributions.setdefault(uid, []).append(version)
    system = sent.system_id.value if sent.system_id else None
    opening: dict[str, Any] = {"ehr": {"system_id": system}}
    for uid, some in contributions.items():
        first = some[0].commit_audit
        shown: dict[str, Any] = {
            "uid": {"value": uid},
            "versions": [msgspec.Raw(encode(one)) for one in some],
        }
        if first is not None:
            shown["audit"] = msgspec.Raw(encode(first))
        yield msgspec.json.encode({"ehr_id": ehr_id, **opening, "contribution": shown})
        opening = {}


def _place(version: rm.OriginalVersion) -> tuple[bool, datetime, int]:
    """By time and number; an EHR begins with its status, whatever the clocks said."""
    audit = version.commit_audit
    said = audit.time_committed.value if audit and audit.time_committed else None
    time = moment(said, "/commit_audit/time_committed/value") if said else datetime.now(UTC)
    number = (version.uid.value if version.uid else None) or "::0"
    last = number.rpartition("::")[2]
    begins = isinstance(version.data, rm.EhrStatus) and last == "1"
    return (not begins, time, int(last) if last.isdigit() else 0)


def _versions(items: Iterable[Any], path: str) -> Iterable[rm.OriginalVersion]:
    for number, item in enumerate(items):
        place = f"{path}/items[{number}]"
        if isinstance(item, rm.ExtractFolder):
            yield from _versions(item.items or (), place)
        elif isinstance(item, rm.OpenehrContentItem) and item.item is not None:
            yield from item.item.versions or ()
        else:
            raise wrong(place, "type", "OPENEHR_CONTENT_ITEM")


def _item(
    ehr_id: UUID, object_id: UUID, kind: str, versions: list[rm.OriginalVersion]
) -> rm.OpenehrContentItem:
    audit = versions[0].commit_audit
    held = _VERSIONED[kind](
        uid=rm.HierObjectId(value=str(object_id)),
        owner_id=records.reference(str(ehr_id), "EHR", rm.HierObjectId),
        time_created=audit.time_committed if audit else None,
        total_version_count=len(versions),
        extract_version_count=len(versions),
        versions=versions,
    )
    return rm.OpenehrContentItem(
        archetype_node_id=f"{_NODE}_CONTENT_ITEM.version.v1",
        name=rm.DvText(value=kind),
        is_primary=True,
        item=held,
    )


def _original(stored: Stored, system_id: str, contribution_id: UUID) -> rm.OriginalVersion:
    data = None
    if stored.document is not None:
        head = tables.KINDS[stored.kind].head.name
        data = decode_json(documents.unpack(stored.document), CLASSES[head])
    version = Version(
        stored.object_id, stored.version, contribution_id, stored.change, stored.lifecycle,
        stored.time, stored.audit,
    )  # fmt: skip
    beside = Beside(
        signature=stored.detail.get("signature"),
        other_inputs=stored.detail.get("other_inputs", ()),
        original=stored.detail.get("original"),
    )
    made = records.version_of(version, data, system_id=system_id, beside=beside)
    if isinstance(made, rm.ImportedVersion) and made.item is not None:
        return made.item
    assert isinstance(made, rm.OriginalVersion)  # noqa: S101  told to the type checker
    return made
