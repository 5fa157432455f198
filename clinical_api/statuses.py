"""EHR_STATUS: what an EHR says of itself and of its subject.

The subject is a PARTY_SELF, which may carry a random UUID in the one namespace that the deployment
declares, and nothing else; a deployment may take any id for a pseudonym instead.  What the latest
status says of the whole EHR (modifiable, queryable, subject) also stands in columns of the EHR.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec

from clinical_api import formats, tables, versions
from clinical_api.audits import Audit
from clinical_api.formats import Format
from clinical_api.own_words import OwnWords, Sealed, screened
from clinical_api.screen import Found, is_random_uuid, screen
from clinical_api.settings import Settings
from clinical_api.versions import Act, Before, Change, Written
from moiety.change_control import statements
from moiety.change_control.codes import ChangeType
from moiety.change_control.statements import Children
from moiety.kit.commits import Commit, Step
from moiety.kit.errors import Malformed, Unprocessable, VersionConflict
from moiety.openehr import rm
from moiety.openehr.canonical import encode
from moiety.openehr.validate import validate_model

STATUS_ARCHETYPE = "openEHR-EHR-EHR_STATUS.generic.v1"
_REFERENCE = "/subject/external_ref"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A valid status and what its EHR's columns say of it."""

    status: rm.EhrStatus
    subject: tuple[str | None, UUID | None, str | None]
    found: tuple[Found, ...]
    sealed: Sealed | None = None

    def columns(self) -> dict[str, Any]:
        """What the latest status sets in its EHR: the `follows` of STATUS_OWNER."""
        namespace, known, opaque = self.subject
        return {
            "modifiable": self.status.is_modifiable is True,
            "queryable": self.status.is_queryable is True,
            "subject_namespace": namespace,
            "subject_id": known,
            "opaque_subject": opaque,
        }


def default() -> rm.EhrStatus:
    """The status of an EHR that was opened without one."""
    return rm.EhrStatus(
        archetype_node_id=STATUS_ARCHETYPE,
        name=rm.DvText(value="EHR Status"),
        subject=rm.PartySelf(),
        is_queryable=True,
        is_modifiable=True,
    )


def read(body: bytes, form: Format, *, bare_subject: bool) -> rm.EhrStatus:
    """A status as it was sent.  Raises Malformed.

    JSON names its class.  `bare_subject`: the subject may be an empty object, that is PARTY_SELF.
    """
    status = formats.decode(body, rm.EhrStatus, form)
    if form is Format.JSON:
        tree = msgspec.json.decode(body)
        if tree.get("_type") is None:
            raise _incomplete("/_type")
        if not bare_subject and tree.get("subject") == {}:
            raise _incomplete("/subject")
    return status


def prepare(status: rm.EhrStatus, settings: Settings) -> Prepared:
    """Check and screen a status.  Raises Malformed or Unprocessable."""
    subject = _subject(status, settings)
    versions.refuse("EHR_STATUS", validate_model(status))
    return Prepared(status, subject, tuple(screen(encode(status), settings)))


def screen_own(own: OwnWords | None, ehr_id: UUID, prepared: Prepared) -> Prepared:
    """The status without its subject's own words, as the policy says.  Raises Unavailable."""
    status, found, sealed = screened(
        own, ehr_id, prepared.status, rm.EhrStatus, lambda one: not validate_model(one)
    )
    return replace(prepared, status=status, found=(*prepared.found, *found), sealed=sealed)


def update(
    ehr_id: UUID, before: Before, prepared: Prepared, settings: Settings, *, audit: Audit
) -> Commit:
    """The commit of the status after `before`.  It raises VersionConflict if another was faster."""
    act = Act(ehr_id)
    return versions.commit(act, succession(act, before, prepared, settings, audit=audit), audit)


def succession(
    act: Act, before: Before, prepared: Prepared, settings: Settings, *, audit: Audit
) -> Change:
    """The status after `before`, as a change of `act`."""
    versions.demand_own_uid(
        prepared.status.uid, before.object_id, before.version, settings.system_id
    )
    written, parameters, children = first_or_next(
        act, before, prepared, settings,
        change=ChangeType.MODIFICATION, audit=audit,
    )  # fmt: skip
    statement = statements.update(
        tables.ehr_status, tables.STATUS_OWNER, children, (), alone=act.alone
    )
    step = Step(statement, parameters | {"expected": before.version})
    return Change(step, written, VersionConflict)


def first_or_next(
    act: Act,
    before: Before,
    prepared: Prepared,
    settings: Settings,
    *,
    change: ChangeType,
    audit: Audit,
) -> tuple[Written, dict[str, Any], tuple[Children, ...]]:
    """As versions.untyped, with what the status says of its EHR among the parameters."""
    written, parameters, children = versions.untyped(
        act, prepared.status, before, prepared.found, settings, change=change, audit=audit,
        sealed=prepared.sealed,
    )  # fmt: skip
    return written, parameters | prepared.columns(), children


def _subject(
    status: rm.EhrStatus, settings: Settings
) -> tuple[str | None, UUID | None, str | None]:
    """Namespace and id of the subject: the id as a UUID, or as text where it is none."""
    reference = status.subject.external_ref if status.subject else None
    if reference is None:
        return None, None, None
    text = reference.id.value if reference.id else None
    if not text:
        raise _incomplete(f"{_REFERENCE}/id/value")
    if not reference.namespace:
        raise _incomplete(f"{_REFERENCE}/namespace")
    if settings.subject_ids == "random":
        _demand_random(reference.namespace, text, settings)
    return reference.namespace, *subject_key(text)


def subject_key(text: str) -> tuple[UUID | None, str | None]:
    """A subject's id as the columns hold it: a UUID as it is written, or else a text."""
    try:
        known = UUID(text)
    except ValueError:
        return None, text
    return (known, None) if str(known) == text else (None, text)


def _demand_random(namespace: str, text: str, settings: Settings) -> None:
    if namespace != settings.subject_namespace:
        raise _not_allowed(f"{_REFERENCE}/namespace", "the namespace that this deployment declares")
    if not is_random_uuid(text):
        raise _not_allowed(f"{_REFERENCE}/id/value", "a random UUID (version 4)")


def _incomplete(path: str) -> Malformed:
    return Malformed(
        "The EHR_STATUS is not complete: see `validationErrors`.",
        findings=[{"path": path, "rule": "existence", "expected": "1..1"}],
    )


def _not_allowed(path: str, expected: str) -> Unprocessable:
    return Unprocessable(
        "The subject of a record may not be identified here.",
        findings=[{"path": path, "rule": "subject identity", "expected": expected}],
    )
