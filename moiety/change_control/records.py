"""What change control keeps, as the model's own classes (RM 1.1.0, common.change_control)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from moiety.change_control.codes import ChangeType
from moiety.change_control.versions import Version
from moiety.openehr import rm
from moiety.openehr.canonical import convert

LOCAL = "local"
"""The namespace of references to what this repository itself holds."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What few versions have beside their columns: see the table `version_detail`."""

    signature: str | None = None
    other_inputs: Sequence[str] = ()
    original: Mapping[str, Any] | None = None
    attestations: Sequence[rm.Attestation] = field(default=(), repr=False)


NOTHING_BESIDE = Beside()


def reference(uid: str, kind: str, id_class: type[rm.UidBasedId]) -> rm.ObjectRef:
    """OBJECT_REF to something in this repository."""
    return rm.ObjectRef(id=id_class(value=uid), namespace=LOCAL, type=kind)


def date_time(moment: datetime) -> rm.DvDateTime:
    """DV_DATE_TIME with microseconds and zone."""
    return rm.DvDateTime(value=moment.isoformat(timespec="microseconds"))


def audit_details(
    audit: Mapping[str, Any], change: ChangeType, moment: datetime
) -> rm.AuditDetails:
    """AUDIT_DETAILS of what is kept as columns and of the rest."""
    details = convert(_thawed(audit), rm.AuditDetails)
    details.change_type = change.coded
    details.time_committed = date_time(moment)
    return details


def version_of(
    version: Version, data: rm.Versioned | None, *, system_id: str, beside: Beside = NOTHING_BESIDE
) -> rm.OriginalVersion | rm.ImportedVersion:
    """ORIGINAL_VERSION, or IMPORTED_VERSION of what another system committed first.

    An imported version is addressed here by this system's id; its item keeps the id, audit and
    contribution that it came with.
    """
    contribution = reference(str(version.contribution_id), "CONTRIBUTION", rm.HierObjectId)
    audit = audit_details(version.audit, version.change, version.time_committed)
    if beside.original is not None:
        item = convert(_thawed(beside.original), rm.OriginalVersion)
        item.data = data
        return rm.ImportedVersion(contribution=contribution, commit_audit=audit, item=item)
    before = rm.ObjectVersionId(value=f"{version.object_id}::{system_id}::{version.version - 1}")
    others = [rm.ObjectVersionId(value=uid) for uid in beside.other_inputs]
    return rm.OriginalVersion(
        contribution=contribution,
        signature=beside.signature,
        commit_audit=audit,
        uid=rm.ObjectVersionId(value=version.uid(system_id)),
        preceding_version_uid=before if version.version > 1 else None,
        other_input_version_uids=others or None,
        attestations=list(beside.attestations) or None,
        lifecycle_state=version.lifecycle.coded,
        data=data,
    )


def revision_history(
    versions: Iterable[Version],
    *,
    system_id: str,
    attestations: Mapping[int, Sequence[rm.Attestation]],
) -> rm.RevisionHistory:
    """REVISION_HISTORY, the oldest first; `attestations` by version number."""
    items = [
        rm.RevisionHistoryItem(
            version_id=rm.ObjectVersionId(value=version.uid(system_id)),
            audits=[
                audit_details(version.audit, version.change, version.time_committed),
                *attestations.get(version.version, ()),
            ],
        )
        for version in versions
    ]
    return rm.RevisionHistory(items=items)


def versioned_object(
    kind: type[rm.VersionedObject], object_id: UUID, owner: UUID, created: datetime
) -> rm.VersionedObject:
    """VERSIONED_OBJECT of an EHR, of the class `kind`."""
    return kind(
        uid=rm.HierObjectId(value=str(object_id)),
        owner_id=reference(str(owner), "EHR", rm.HierObjectId),
        time_created=date_time(created),
    )


def contribution(
    contribution_id: UUID, audit: rm.AuditDetails, versions: Iterable[tuple[str, str]]
) -> rm.Contribution:
    """CONTRIBUTION; `versions` are (version uid, class of the content)."""
    return rm.Contribution(
        uid=rm.HierObjectId(value=str(contribution_id)),
        audit=audit,
        versions=[reference(uid, kind, rm.ObjectVersionId) for uid, kind in versions],
    )


def _thawed(tree: Any) -> Any:
    """A copy that may be changed: `convert` completes classes in place."""
    if isinstance(tree, Mapping):
        return {name: _thawed(branch) for name, branch in tree.items()}
    if isinstance(tree, list):
        return [_thawed(item) for item in tree]
    return tree
