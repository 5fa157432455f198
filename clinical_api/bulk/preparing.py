"""A line, checked by what is known, made ready to be written.

History comes with its own ids, audits and times, and keeps them.  A version of another system is
imported: it gets a place here, and keeps what it came with beside (RM, IMPORTED_VERSION).  Whatever
its origin, it passes the same validation and the same screen as a commit of today.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from clinical_api import compositions, documents, ehrs, folders, registry, statuses, versions
from clinical_api.audits import Audit
from clinical_api.bulk.lines import (
    ContributionLine,
    Line,
    VersionLine,
    tagged,
    uuid_of,
    wrong,
)
from clinical_api.bulk.looking import Known, Latest
from clinical_api.bulk.saying import (
    Said,
    attestation,
    below,
    detail_of,
    lifecycle,
    moment,
    said_by,
)
from clinical_api.formats import decode
from clinical_api.own_words import later
from clinical_api.screen import Found
from clinical_api.settings import Settings
from clinical_api.value_sets import ValueSets, settled_here
from moiety.change_control.codes import ChangeType, Lifecycle
from moiety.kit.errors import Conflict, NotFound
from moiety.openehr import rm
from moiety.openehr.canonical import encode
from moiety.openehr.leaves import ROWS_VERSION
from moiety.openehr.validate import TableRows

Find = Callable[[str], registry.Known | None]
_UID = re.compile(r"([0-9a-fA-F-]{36})::([^:\s]+)::([1-9]\d{0,8})")


@dataclass(slots=True)
class Scene:
    """What all lines of one import are prepared with.  `clock` never stands still."""

    find: Find
    settings: Settings
    audit: Audit
    value_sets: ValueSets | None = None
    latest: datetime = field(default_factory=lambda: datetime.now(UTC))

    def clock(self) -> datetime:
        """A time of today for what brings none: each later than the one before."""
        self.latest = max(datetime.now(UTC), self.latest + timedelta(microseconds=1))
        return self.latest


@dataclass(slots=True)
class Ready:
    """A version ready to be written.  `columns`: those of its head or history."""

    kind: str
    columns: dict[str, Any]
    rows: Sequence[TableRows] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    found: Sequence[Found] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    follows: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Whole:
    """A line ready to be written."""

    owner: UUID
    contribution: dict[str, Any]
    findings: set[str]
    versions: list[Ready] = field(default_factory=list)
    attestations: list[dict[str, Any]] = field(default_factory=list)
    opening: dict[str, Any] | None = None


def prepare(line: Line, known: Known, scene: Scene) -> Whole | None:
    """A line that brings something new, else None.

    Raises a ServiceError with the place in the line: Malformed, Unprocessable, NotFound, Conflict.
    """
    owner = uuid_of(line.ehr_id, "/ehr_id")
    new = owner not in known.ehrs
    if new and line.ehr is None:
        raise NotFound("There is no EHR of this id, and the line does not bring it.")
    if new:
        with below("/ehr_id"):
            ehrs.check_chosen_id(str(line.ehr_id), scene.settings)
    sent = line.contribution
    if sent is None and not new:
        return None
    contribution_id = uuid4()
    if sent is not None and sent.uid is not None:
        contribution_id = uuid_of(sent.uid.value, "/contribution/uid/value")
    if (owner, contribution_id) in known.contributions:
        return None
    if not new and (sent is None or sent.uid is None) and not known.ehrs[owner]:
        raise Conflict("The EHR's status does not allow modification.")
    return _Preparing(line, known, scene, owner, contribution_id).whole(new=new)


def apply(whole: Whole, known: Known) -> list[tuple[UUID, Latest]]:
    """Know from now on what the line brings; the heads that stand and have to make way."""
    owner, moved = whole.owner, []
    known.contributions.add((owner, whole.contribution["contribution_id"]))
    known.ehrs.setdefault(owner, True)
    for ready in whole.versions:
        object_id, deleted = ready.columns["object_id"], ready.columns["document"] is None
        before = known.objects.get(object_id)
        if before is not None and before.stands and not before.deleted:
            moved.append((object_id, before))
        number = ready.columns["version"]
        template_key = ready.columns.get("template_key", 0)
        known.objects[object_id] = Latest(
            owner, ready.kind, number, deleted, template_key=template_key, stands=False
        )
        if ready.follows is not None:
            known.statuses[owner] = object_id
            known.ehrs[owner] = bool(ready.follows["modifiable"])
            known.subjects.add(_subject(ready.follows))
        if ready.kind == "FOLDER":
            known.folders.pop(owner, None)
            if not deleted:
                known.folders[owner] = object_id
    return moved


def subjects_of(whole: Whole) -> set[tuple[str, str]]:
    """The (namespace, id) that a new EHR's status names."""
    if whole.opening is None:
        return set()
    named = {_subject(one.follows) for one in whole.versions if one.follows is not None}
    return {one for one in named if one[0]}


def _subject(follows: Mapping[str, Any]) -> tuple[str, str]:
    subject = follows["subject_id"] or follows["opaque_subject"] or ""
    return (follows["subject_namespace"] or "", str(subject))


# --- one line ------------------------------------------------------------------------------------


class _Preparing:
    """One line on its way."""

    def __init__(
        self, line: Line, known: Known, scene: Scene, owner: UUID, contribution_id: UUID
    ) -> None:
        self.line, self.known, self.scene, self.owner = line, known, scene, owner
        self.contribution_id = contribution_id
        self.now = scene.clock()

    def whole(self, *, new: bool) -> Whole:
        sent = self.line.contribution or ContributionLine(versions=[])
        own = Said(self.scene.audit.details, ChangeType.CREATION, self.now)
        if sent.audit and not _foreign(sent, self.scene.settings):
            with below("/contribution/audit"):
                own = said_by(sent.audit, own, self.scene.settings)
        whole = Whole(
            self.owner,
            {
                "ehr_id": self.owner, "contribution_id": self.contribution_id,
                "time_committed": own.time, "change_type": int(own.change), "audit": own.details,
            },
            {one.finding.kind for one in own.found},
        )  # fmt: skip
        for number, version in enumerate(sent.versions):
            with below(f"/contribution/versions[{number}]"):
                self._take(version, own, whole)
        if new:
            self._open(whole, own)
        self._check(whole)
        return whole

    def _open(self, whole: Whole, own: Said) -> None:
        line = self.line.ehr
        created = own.time
        if line is not None and line.time_created is not None:
            created = moment(line.time_created, "/ehr/time_created")
        if not any(one.kind == "EHR_STATUS" for one in whole.versions):
            prepared = statuses.prepare(statuses.default(), self.scene.settings)
            said = Said(self.scene.audit.details, ChangeType.CREATION, own.time)
            status = self._status(prepared, uuid4(), 1, said, None)
            whole.versions.insert(0, status)
        whole.opening = {
            "ehr_id": self.owner,
            "system_id": (line and line.system_id) or self.scene.settings.system_id,
            "time_created": created,
            "pooled": False,
        }

    def _check(self, whole: Whole) -> None:
        """What holds of the whole: an object once, one status, one directory."""
        ids = [one.columns["object_id"] for one in whole.versions]
        if len(set(ids)) != len(ids):
            raise wrong("/contribution/versions", "change type", "one change of an object")
        for one in whole.versions:
            object_id = one.columns["object_id"]
            own = self.known.statuses.get(self.owner, object_id)
            if one.kind == "EHR_STATUS" and own != object_id:
                raise Conflict("The EHR has a status already, of another uid.")
            standing = one.kind == "FOLDER" and one.columns["document"] is not None
            if standing and self.known.folders.get(self.owner, object_id) != object_id:
                raise Conflict("The EHR has a directory already, of another uid.")
        if sum(one.kind == "EHR_STATUS" for one in whole.versions) > 1:
            raise Conflict("An EHR has one status.")

    def _take(self, sent: VersionLine, own: Said, whole: Whole) -> None:
        item = sent.item if sent.kind == "IMPORTED_VERSION" else None
        if sent.kind == "IMPORTED_VERSION" and item is None:
            raise wrong("/item", "existence", "1..1")
        content = item or sent
        object_id, system, number = self._identity(content)
        foreign = item is not None or system not in (None, self.scene.settings.system_id)
        said = own
        if sent.commit_audit:
            with below("/commit_audit"):
                default = Said(own.details, own.change, own.time)
                said = said_by(sent.commit_audit, default, self.scene.settings)
        if foreign and item is None:  # imported now: the audit of today, the change as it was
            said = Said(self.scene.audit.details, said.change, self.now)
        latest = self.known.objects.get(object_id)
        if latest is not None and latest.owner != self.owner:
            raise Conflict("Another EHR holds an object of this uid.")
        if said.change is ChangeType.ATTESTATION and not content.data:
            self._attest(content, object_id, number, said, whole)
            return
        if latest is not None and number is None and said.change is ChangeType.CREATION:
            raise Conflict("An object of this uid exists already.")
        place = 1 if latest is None else latest.version + 1
        wanted = sent.number if foreign else number
        if wanted is not None and wanted != place:
            raise wrong("/uid/value", "order of versions", f"version {place}")
        ready = self._ready(content, object_id, place, said, latest)
        ready.detail = detail_of(content, imported=foreign)
        whole.versions.append(ready)
        whole.findings |= {one.finding.kind for one in (*ready.found, *said.found)}
        self._attestations(content, object_id, place, said, whole)

    def _identity(self, sent: VersionLine) -> tuple[UUID, str | None, int | None]:
        """Object id, system and number of a version; a new object where nothing names one."""
        text = sent.uid.value if sent.uid else None
        if text is None:
            given = tagged(sent.data).uid if sent.data else None
            if given is None:
                return uuid4(), None, None
            return uuid_of(given.value.partition("::")[0], "/data/uid/value"), None, None
        found = _UID.fullmatch(text)
        if found is None:
            raise wrong("/uid/value", "format", "object::system::version")
        return uuid_of(found[1], "/uid/value"), found[2], int(found[3])

    def _attest(
        self, sent: VersionLine, object_id: UUID, number: int | None, said: Said, whole: Whole
    ) -> None:
        """No new version: attestations of one that is here."""
        latest = self.known.objects.get(object_id)
        if latest is None or number is None or number > latest.version:
            raise NotFound("There is no version of this id to attest.")
        if not sent.attestations:
            raise wrong("/attestations", "existence", "1..*")
        self._attestations(sent, object_id, number, said, whole)

    def _attestations(
        self, sent: VersionLine, object_id: UUID, number: int, said: Said, whole: Whole
    ) -> None:
        for place, raw in enumerate(sent.attestations):
            with below(f"/attestations[{place}]"):
                packed = attestation(bytes(raw), self.scene.settings)
            whole.attestations.append(
                {
                    "ehr_id": self.owner, "attestation_id": uuid4(), "object_id": object_id,
                    "version": number, "contribution_id": self.contribution_id, "number": place,
                    "time_committed": said.time, "attestation": packed,
                }
            )  # fmt: skip

    def _ready(
        self, sent: VersionLine, object_id: UUID, number: int, said: Said, latest: Latest | None
    ) -> Ready:
        state = lifecycle(sent.lifecycle_state)
        if not sent.data:
            if latest is None or latest.deleted or latest.kind == "EHR_STATUS":
                raise wrong("/data", "existence", "1..1: there is nothing that could be deleted")
            columns = self._columns(object_id, number, said, Lifecycle.DELETED, None)
            if latest.kind == "COMPOSITION":
                columns |= _rows_of(latest.template_key, 0, [])
            return Ready(latest.kind, columns)
        with below("/data"):
            ready = self._content(bytes(sent.data), object_id, number, said, state, latest)
        # Whole records come faster than the vault could be asked: it is asked afterwards.
        return replace(ready, found=(*ready.found, *later(self.scene.settings)))

    def _content(
        self, text: bytes, object_id: UUID, number: int, said: Said, state: Lifecycle | None,
        latest: Latest | None,
    ) -> Ready:  # fmt: skip
        kind = tagged(text).kind
        if latest is not None and latest.kind != kind:
            raise wrong("/_type", "type", latest.kind)
        settings = self.scene.settings
        match kind:
            case "COMPOSITION":
                composition = decode(text, rm.Composition)
                made = settled_here(
                    self.scene.value_sets,
                    lambda: compositions.prepare_decoded(composition, settings, self.scene.find),
                )
                return self._composition(made, object_id, number, said, state)
            case "EHR_STATUS":
                prepared = statuses.prepare(decode(text, rm.EhrStatus), settings)
                return self._status(prepared, object_id, number, said, state)
            case "FOLDER":
                folder = folders.prepare(decode(text, rm.Folder), settings)
                packed = self._packed(folder.folder, object_id, number)
                columns = self._columns(object_id, number, said, state, packed)
                return Ready("FOLDER", columns, found=folder.found)
        raise wrong("/_type", "type", "COMPOSITION, EHR_STATUS or FOLDER")

    def _composition(
        self, made: compositions.Prepared, object_id: UUID, number: int, said: Said,
        state: Lifecycle | None,
    ) -> Ready:  # fmt: skip
        packed = self._packed(made.composition, object_id, number)
        columns = self._columns(object_id, number, said, state, packed)
        groups = [rows.table for rows in made.checked.rows]
        columns |= _rows_of(made.known.template_key, int(made.checked.residue), groups)
        return Ready("COMPOSITION", columns, made.checked.rows, made.known.kinds, made.found)

    def _status(
        self, prepared: statuses.Prepared, object_id: UUID, number: int, said: Said,
        state: Lifecycle | None,
    ) -> Ready:  # fmt: skip
        packed = self._packed(prepared.status, object_id, number)
        columns = self._columns(object_id, number, said, state, packed)
        return Ready("EHR_STATUS", columns, found=prepared.found, follows=prepared.columns())

    def _packed(
        self, thing: rm.Composition | rm.EhrStatus | rm.Folder, object_id: UUID, number: int
    ) -> bytes:
        uid = versions.version_uid(object_id, self.scene.settings, number)
        thing.uid = rm.ObjectVersionId(value=uid)
        return documents.pack(encode(thing))

    def _columns(
        self, object_id: UUID, number: int, said: Said, state: Lifecycle | None,
        document: bytes | None,
    ) -> dict[str, Any]:  # fmt: skip
        return {
            "ehr_id": self.owner,
            "object_id": object_id,
            "version": number,
            "row_key": secrets.randbits(63),
            "contribution_id": self.contribution_id,
            "change_type": int(said.change),
            "lifecycle_state": int(state or Lifecycle.COMPLETE),
            "time_committed": said.time,
            "audit": said.details,
            "document": document,
        }


def _rows_of(template_key: int, residue: int, groups: list[str]) -> dict[str, Any]:
    return {
        "template_key": template_key, "rows_version": ROWS_VERSION, "residue": residue,
        "groups": groups,
    }  # fmt: skip


def _foreign(sent: ContributionLine, settings: Settings) -> bool:
    """Whether a contribution was another system's: then its import is a commit of today."""
    for version in sent.versions:
        found = _UID.fullmatch(version.uid.value) if version.uid else None
        if found is not None and found[2] != settings.system_id:
            return True
    return False
