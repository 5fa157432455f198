"""What a line says around its content: audits, codes, times, attestations, what few have."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from clinical_api import documents, versions
from clinical_api.bulk.lines import VersionLine, wrong
from clinical_api.formats import decode
from clinical_api.screen import Found, screen
from clinical_api.settings import Settings
from moiety.change_control.codes import ChangeType, Lifecycle, find_change, find_lifecycle
from moiety.kit.errors import ServiceError
from moiety.openehr import rm
from moiety.openehr.canonical import encode
from moiety.openehr.terminology import openehr_code
from moiety.openehr.validate import validate_model


@dataclass(slots=True)
class Said:
    """AUDIT_DETAILS as it is stored, its codes and time."""

    details: Mapping[str, Any]
    change: ChangeType
    time: datetime
    found: tuple[Found, ...] = ()


@contextmanager
def below(path: str) -> Iterator[None]:
    """Errors raised inside name their place below `path`."""
    try:
        yield
    except ServiceError as error:
        findings = error.findings or [{"rule": error.code}]
        error.findings = [{**one, "path": f"{path}{one.get('path', '')}"} for one in findings]
        raise


def said_by(text: msgspec.Raw, default: Said, settings: Settings) -> Said:
    """An audit as sent, completed, checked and screened.  Raises Malformed, Unprocessable."""
    sent = decode(bytes(text), rm.AuditDetails)
    change = find_change(_term(sent.change_type)) if sent.change_type else default.change
    if change is None:
        raise wrong("/change_type", "code", "a code of the openEHR audit change types")
    time = default.time
    if sent.time_committed is not None:
        time = moment(sent.time_committed.value, "/time_committed/value")
    details: dict[str, Any] = {"system_id": sent.system_id or settings.system_id}
    for name in ("committer", "description"):
        given = getattr(sent, name)
        if given is not None:
            versions.refuse("AUDIT_DETAILS", validate_model(given))
            details[name] = msgspec.json.decode(encode(given))
    if "committer" not in details:
        details["committer"] = default.details["committer"]
    found = tuple(screen(msgspec.json.encode(details), settings))
    return Said(details, change, time, found)


def moment(text: str | None, path: str) -> datetime:
    """A time in extended ISO 8601; UTC where it names no zone.  Raises Malformed."""
    try:
        time = datetime.fromisoformat(text or "")
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong(path, "format", "a time: 2026-01-31T10:00:00Z") from None


def lifecycle(text: msgspec.Raw) -> Lifecycle | None:
    """A lifecycle state, if one is said.  Raises Malformed."""
    if not text:
        return None
    with below("/lifecycle_state"):
        found = find_lifecycle(_term(decode(bytes(text), rm.DvCodedText)))
        if found is None:
            raise wrong("", "code", "a code of the version lifecycle states")
    return found


def attestation(text: bytes, settings: Settings) -> bytes:
    """An attestation as it is stored.  Raises Malformed, Unprocessable."""
    sent = decode(text, rm.Attestation)
    versions.refuse("ATTESTATION", validate_model(sent))
    written = encode(sent)
    screen(written, settings)
    return documents.pack(written)


def detail_of(sent: VersionLine, *, imported: bool) -> dict[str, Any]:
    """What `version_detail` keeps, if anything: for an imported version, all that it came with."""
    detail: dict[str, Any] = {}
    if sent.signature is not None:
        detail["signature"] = sent.signature
    if sent.other_input_version_uids:
        detail["other_inputs"] = [uid.value for uid in sent.other_input_version_uids]
    if not imported:
        return detail
    kept: dict[str, Any] = {"_type": "ORIGINAL_VERSION", "signature": sent.signature}
    for name in ("contribution", "commit_audit", "preceding_version_uid", "lifecycle_state"):
        raw = getattr(sent, name)
        kept[name] = msgspec.json.decode(raw) if raw else None
    if sent.uid is not None:
        kept["uid"] = {"_type": "OBJECT_VERSION_ID", "value": sent.uid.value}
    if sent.other_input_version_uids:
        kept["other_input_version_uids"] = [
            {"_type": "OBJECT_VERSION_ID", "value": uid.value}
            for uid in sent.other_input_version_uids
        ]
    text = msgspec.json.encode({name: value for name, value in kept.items() if value is not None})
    with below("/item"):
        original = decode(text, rm.OriginalVersion)
    return {"original": msgspec.json.decode(encode(original))}


def _term(text: rm.DvCodedText | None) -> str:
    return openehr_code(text) or (text.value if text else None) or ""
