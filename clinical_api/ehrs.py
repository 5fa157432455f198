"""Open and read EHRs.

An EHR says nothing of its subject beyond what its EHR_STATUS may carry: see statuses.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from clinical_api import folders, statuses, tables, versions
from clinical_api.audits import Audit
from clinical_api.screen import is_random_uuid
from clinical_api.settings import Settings
from clinical_api.statuses import Prepared
from clinical_api.versions import Act, Before
from moiety.change_control import records, statements
from moiety.change_control.codes import ChangeType
from moiety.kit.commits import Commit, Row, Step
from moiety.kit.errors import Conflict, Malformed, NotFound
from moiety.kit.reads import Reads
from moiety.openehr import rm


@dataclass(frozen=True, slots=True)
class Ehr:
    """An EHR: by reference what it holds, as the REST API shows it."""

    ehr_id: UUID
    system_id: str
    time_created: datetime
    status_uid: str
    directory_uid: str | None = None

    def record(self) -> rm.Ehr:
        """EHR of the reference model."""
        directory = None
        if self.directory_uid:
            directory = records.reference(self.directory_uid, "FOLDER", rm.ObjectVersionId)
        return rm.Ehr(
            system_id=rm.HierObjectId(value=self.system_id),
            ehr_id=rm.HierObjectId(value=str(self.ehr_id)),
            ehr_status=records.reference(self.status_uid, "EHR_STATUS", rm.ObjectVersionId),
            directory=directory,
            time_created=records.date_time(self.time_created),
        )


def opening(
    ehr_id: UUID,
    prepared: Prepared,
    settings: Settings,
    *,
    audit: Audit,
    directory: folders.Prepared | None = None,
) -> Commit:
    """The commit that opens an EHR with its first status, and with a directory where one is given.

    Its result is an Ehr.

    It raises Conflict for an id or a subject that has an EHR already.
    """
    act = Act(ehr_id)
    written, parameters, children = statuses.first_or_next(
        act, Before(uuid4(), 0), prepared, settings, change=ChangeType.CREATION, audit=audit
    )
    parameters |= {
        "system_id": settings.system_id,
        "time_created": act.time,
        "pooled": settings.new_ehrs == "pooled",
    }
    step = Step(statements.begin(tables.ehr_status, tables.ehr, children), parameters)

    def judge(rows: Sequence[Row]) -> None:
        if not (rows[0] or (0,))[0]:
            raise Conflict("An EHR with this id or subject exists already.")

    if directory is None:
        ehr = Ehr(ehr_id, settings.system_id, act.time, written.uid)
        return Commit(ehr_id, (step,), judge, versions.landed(act), ehr)
    # Not alone: it is of the contribution that opens the EHR, and shows nobody's EHR to anybody.
    beside = folders.creation(replace(act, alone=False), directory, settings, audit=audit)
    ehr = Ehr(ehr_id, settings.system_id, act.time, written.uid, beside.written.uid)
    return Commit(ehr_id, (step, beside.step), judge, versions.landed(act), ehr)


def check_chosen_id(text: str, settings: Settings) -> UUID:
    """An EHR id that the caller made.

    Raises Malformed unless it is a random UUID; or any UUID, where ids of subjects are opaque too.
    """
    if settings.subject_ids == "opaque":
        try:
            return UUID(text)
        except ValueError:
            raise Malformed("An EHR id is a UUID.") from None
    if not is_random_uuid(text):
        raise Malformed("An EHR id is a random UUID (version 4): any other might say whose it is.")
    return UUID(text)


async def get_ehr(reads: Reads, ehr_id: UUID) -> Ehr:
    """The EHR.  Raises NotFound."""
    rows = await reads.ask(_EHR + b"e.ehr_id = $1", (ehr_id,))
    if not rows:
        raise NotFound("There is no EHR of this id.")
    return _ehr(rows[0])


async def find_by_subject(reads: Reads, subject_id: str, namespace: str) -> Ehr:
    """The EHR whose latest status bears this subject.  Raises NotFound."""
    known, opaque = statuses.subject_key(subject_id)
    column = b"subject_id" if known else b"opaque_subject"
    rows = await reads.ask(
        _EHR + b"e.subject_namespace = $1 AND e." + column + b" = $2",
        (namespace, known or opaque),
    )
    if not rows:
        raise NotFound("There is no EHR of this subject.")
    return _ehr(rows[0])


async def demand_ehr(reads: Reads, ehr_id: UUID) -> None:
    """Raise NotFound without the EHR."""
    if not await reads.ask(b"SELECT 1 FROM ehr WHERE ehr_id = $1", (ehr_id,)):
        raise NotFound("There is no EHR of this id.")


_EHR = (
    b"SELECT e.ehr_id, e.system_id, e.time_created, s.object_id, s.version, f.object_id, f.version"
    b" FROM ehr e JOIN ehr_status s USING (ehr_id) LEFT JOIN folder f USING (ehr_id) WHERE "
)


def _ehr(row: tuple[object, ...]) -> Ehr:
    ehr_id, system_id, created, status_id, status_version, folder_id, folder_version = row
    assert isinstance(ehr_id, UUID)  # noqa: S101  what the column holds, told to the type checker
    assert isinstance(created, datetime)  # noqa: S101  as above
    directory = f"{folder_id}::{system_id}::{folder_version}" if folder_id else None
    status = f"{status_id}::{system_id}::{status_version}"
    return Ehr(ehr_id, str(system_id), created, status, directory)
