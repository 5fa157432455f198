"""A contribution as it is sent, and what each of its versions is meant to do.

The REST API's own relaxed classes (UPDATE_VERSION, UPDATE_AUDIT, UPDATE_ATTESTATION) are read as
the model's; ids, times and systems of the commit are ours to set, so they may be absent.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from clinical_api import formats
from clinical_api.formats import Format, malformed
from clinical_api.settings import Settings
from moiety.change_control.codes import (
    SUCCEEDING,
    ChangeType,
    Lifecycle,
    find_change,
    find_lifecycle,
)
from moiety.kit.errors import Malformed
from moiety.openehr import rm
from moiety.openehr.canonical import convert, read_closely
from moiety.openehr.errors import RmError
from moiety.openehr.misplaced import take_out
from moiety.openehr.terminology import openehr_code

Content = rm.Composition | rm.EhrStatus | rm.Folder
_UID = re.compile(r"([0-9a-fA-F-]{36})::([^:\s]+)::([1-9]\d{0,8})")
_RELAXED = {
    "CONTRIBUTION": "X_CONTRIBUTION",
    "CONTRIBUTION_CREATE_DTO": "X_CONTRIBUTION",
    "UPDATE_VERSION": "ORIGINAL_VERSION",
    "UPDATE_AUDIT": "AUDIT_DETAILS",
    "UPDATE_ATTESTATION": "ATTESTATION",
}


@dataclass(frozen=True, slots=True)
class Intent:
    """What one version of a contribution is meant to do.

    `follows` is the (object id, number) of the version before, or of the one that is attested; the
    number is None for an imported version, which follows whatever is here.
    """

    change: ChangeType
    lifecycle: Lifecycle | None
    audit: rm.AuditDetails
    data: Content | None = field(repr=False)
    follows: tuple[UUID, int | None] | None
    system: str | None
    attestations: tuple[rm.Attestation, ...] = ()
    signature: str | None = None
    other_inputs: tuple[str, ...] = ()
    original: rm.OriginalVersion | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """A contribution as it was sent."""

    contribution_id: UUID | None
    change: ChangeType
    audit: rm.AuditDetails
    intents: tuple[Intent, ...]


def read(body: bytes, form: Format, settings: Settings) -> Sent:
    """The contribution of a body.  Raises Malformed with the path of what is wrong."""
    lenient = settings.misplaced == "drop"
    sent = _decode_xml(body) if form is Format.XML else _decode(body, lenient=lenient)
    if not sent.versions:
        raise _wrong("/versions", "existence", "1..*", "Versions must not be empty.")
    if sent.audit is None:
        raise _wrong("/audit", "existence", "1..1")
    intents = tuple(_intent(version, n) for n, version in enumerate(sent.versions))
    _demand_once(intents)
    return Sent(_given_id(sent.uid), _change(sent.audit, "/audit"), sent.audit, intents)


def _decode(body: bytes, *, lenient: bool) -> rm.XContribution:
    try:
        tree = read_closely(body)
        if not isinstance(tree, dict):
            raise RmError("", "expected an object")  # noqa: TRY301  told like any other fault
        plain = _plain_contribution(tree)
        if lenient:
            formats.note_dropped(take_out(plain, rm.XContribution))
        return convert(plain, rm.XContribution)
    except RmError as error:
        raise malformed("CONTRIBUTION", error) from None


def _decode_xml(body: bytes) -> rm.XContribution:
    """The root's class in the model is another one than that of what is sent."""
    body = re.sub(
        rb'(xsi:type\s*=\s*["\'])(?:\w+:)?CONTRIBUTION(["\'])',
        rb"\1X_CONTRIBUTION\2",
        body,
        count=1,
    )
    return formats.decode(body, rm.XContribution, Format.XML)


# --- the relaxed classes -------------------------------------------------------------------------


def _plain_contribution(tree: dict[str, Any]) -> dict[str, Any]:
    _rename(tree, "X_CONTRIBUTION")
    if isinstance(tree.get("audit"), dict):
        _plain_audit(tree["audit"])
    for version in _dicts(tree.get("versions")):
        _rename(version, "ORIGINAL_VERSION")
        version.pop("branch", None)
        for holder in (version, version.get("item")):
            if isinstance(holder, dict):
                _plain_version(holder)
    return tree


def _plain_version(version: dict[str, Any]) -> None:
    _plain_code(version.get("lifecycle_state"))
    for audit in _dicts([version.get("commit_audit"), *_dicts(version.get("attestations"))]):
        _plain_audit(audit)


def _plain_audit(audit: dict[str, Any]) -> None:
    _rename(audit, "AUDIT_DETAILS" if "is_pending" not in audit else "ATTESTATION")
    _plain_code(audit.get("change_type"))
    for name in ("description", "reason"):
        if isinstance(audit.get(name), str):
            audit[name] = {"_type": "DV_TEXT", "value": audit[name]}


def _plain_code(coded: Any) -> None:
    """TERMINOLOGY_CODE: a coded text whose terminology is a plain text."""
    if not isinstance(coded, dict):
        return
    coded["_type"] = "DV_CODED_TEXT"
    code = coded.get("defining_code")
    if isinstance(code, dict) and isinstance(code.get("terminology_id"), str):
        code["terminology_id"] = {"_type": "TERMINOLOGY_ID", "value": code["terminology_id"]}


def _rename(tree: dict[str, Any], default: str) -> None:
    name = tree.get("_type")
    if name is None:
        tree["_type"] = default
    elif isinstance(name, str):
        tree["_type"] = _RELAXED.get(name, name)


def _dicts(branch: Any) -> list[dict[str, Any]]:
    return [item for item in branch if isinstance(item, dict)] if isinstance(branch, list) else []


# --- what is meant -------------------------------------------------------------------------------


def _intent(version: rm.OriginalVersion | rm.ImportedVersion, number: int) -> Intent:
    path = f"/versions[{number}]"
    if version.commit_audit is None:
        raise _wrong(f"{path}/commit_audit", "existence", "1..1")
    change = _change(version.commit_audit, f"{path}/commit_audit")
    if isinstance(version, rm.ImportedVersion):
        intent = _imported(version, change, path)
    else:
        intent = _original(version, change, path)
    _check(intent, path)
    return intent


def _original(version: rm.OriginalVersion, change: ChangeType, path: str) -> Intent:
    before = version.preceding_version_uid
    follows = _follows(before.value, path) if before else (None, None)
    deleted = change in {ChangeType.DELETED, ChangeType.ATTESTATION}
    return Intent(
        change=change,
        lifecycle=_lifecycle(version.lifecycle_state, path),
        audit=version.commit_audit or rm.AuditDetails(),
        data=None if deleted else _content(version.data, path),
        follows=follows[0],
        system=follows[1],
        attestations=tuple(version.attestations or ()),
        signature=version.signature,
        other_inputs=tuple(str(uid.value) for uid in version.other_input_version_uids or ()),
    )


def _imported(version: rm.ImportedVersion, change: ChangeType, path: str) -> Intent:
    item = version.item
    if item is None or item.uid is None:
        raise _wrong(f"{path}/item/uid", "existence", "1..1")
    (object_id, _), _ = _follows(item.uid.value, f"{path}/item")
    data = _content(item.data, f"{path}/item")
    data.uid = rm.HierObjectId(value=str(object_id))
    kept = rm.OriginalVersion(
        contribution=item.contribution, signature=item.signature, commit_audit=item.commit_audit,
        uid=item.uid, preceding_version_uid=item.preceding_version_uid,
        other_input_version_uids=item.other_input_version_uids,
        lifecycle_state=item.lifecycle_state,
    )  # fmt: skip
    return Intent(
        change=change,
        lifecycle=_lifecycle(item.lifecycle_state, f"{path}/item"),
        audit=version.commit_audit or rm.AuditDetails(),
        data=data,
        follows=None if change is ChangeType.CREATION else (object_id, None),
        system=None,
        attestations=tuple(item.attestations or ()),
        signature=version.signature,
        original=kept,
    )


def _check(intent: Intent, path: str) -> None:
    """What a change of this type must have and may not have."""
    change, has_before = intent.change, intent.follows is not None
    before = f"{path}/preceding_version_uid"
    if change is ChangeType.CREATION and has_before:
        raise _wrong(before, "change type", "absent for a creation")
    if change is not ChangeType.CREATION and not has_before:
        raise _wrong(before, "change type", f"present for the change type {change.rubric}")
    if change is ChangeType.ATTESTATION and not intent.attestations:
        raise _wrong(f"{path}/attestations", "change type", "1..* for an attestation")
    only_changed = {*SUCCEEDING, ChangeType.ATTESTATION}
    if isinstance(intent.data, rm.EhrStatus) and change not in only_changed:
        raise _wrong(
            f"{path}/commit_audit/change_type", "change type",
            "modification: an EHR's status comes and goes with the EHR",
        )  # fmt: skip
    if (intent.lifecycle is Lifecycle.DELETED) and intent.data is not None:
        raise _wrong(f"{path}/lifecycle_state", "lifecycle state", "deleted only without content")


def _content(data: Any, path: str) -> Content:
    if isinstance(data, rm.Composition | rm.EhrStatus | rm.Folder):
        return data
    raise _wrong(f"{path}/data", "type", "COMPOSITION, EHR_STATUS or FOLDER")


def _change(audit: rm.AuditDetails, path: str) -> ChangeType:
    found = find_change(_term(audit.change_type))
    if found is None:
        raise _wrong(f"{path}/change_type", "code", "a code of the openEHR audit change types")
    return found


def _lifecycle(state: rm.DvCodedText | None, path: str) -> Lifecycle | None:
    if state is None:
        return None
    found = find_lifecycle(_term(state))
    if found is None:
        raise _wrong(f"{path}/lifecycle_state", "code", "a code of the version lifecycle states")
    return found


def _term(text: rm.DvCodedText | None) -> str:
    return openehr_code(text) or (text.value if text else None) or ""


def _follows(uid: str | None, path: str) -> tuple[tuple[UUID, int], str]:
    """(object id, number) and system of a version uid."""
    found = _UID.fullmatch(uid or "")
    if found is None:
        raise _wrong(f"{path}/preceding_version_uid", "format", "object::system::version")
    try:
        return (UUID(found[1]), int(found[3])), found[2]
    except ValueError:
        raise _wrong(f"{path}/preceding_version_uid", "format", "a UUID first") from None


def _given_id(uid: rm.HierObjectId | None) -> UUID | None:
    if uid is None:
        return None
    try:
        return UUID(str(uid.value))
    except ValueError:
        raise _wrong("/uid/value", "format", "a UUID") from None


def _demand_once(intents: Iterable[Intent]) -> None:
    seen: set[UUID] = set()
    for number, intent in enumerate(intents):
        if intent.follows is None or intent.change is ChangeType.ATTESTATION:
            continue
        if intent.follows[0] in seen:
            raise _wrong(f"/versions[{number}]", "change type", "one change of an object")
        seen.add(intent.follows[0])


def _wrong(path: str, rule: str, expected: str, message: str | None = None) -> Malformed:
    return Malformed(
        message or "The CONTRIBUTION is not well-formed: see `validationErrors`.",
        findings=[{"path": path, "rule": rule, "expected": expected}],
    )
