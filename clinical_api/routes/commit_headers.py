"""openehr-version and openehr-audit-details: what a client says of its own commit.

Both names are also known as openEHR-VERSION and openEHR-AUDIT_DETAILS; both may be repeated; an
attribute stands in the value (`change_type.code_string="251"`) or ends the name
(`openEHR-VERSION.lifecycle_state: complete`).  What is said goes before what the server would say
(openEHR REST API, overview, HTTP headers).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
from anyio.to_thread import run_sync
from fastapi import Request

from clinical_api import audits, own_words
from clinical_api.audits import Audit
from clinical_api.deps import Organisation
from clinical_api.screen import screen
from clinical_api.settings import Settings
from moiety.change_control.codes import (
    SUCCEEDING,
    ChangeType,
    Lifecycle,
    find_change,
    find_lifecycle,
)
from moiety.kit.credentials import Caller
from moiety.kit.errors import Malformed
from moiety.openehr import rm
from moiety.openehr.canonical import convert
from moiety.openehr.errors import RmError

_NAMES = {
    "openehr-version": "version",
    "openehr-audit-details": "audit",
    "openehr-audit_details": "audit",
}
_PAIR = re.compile(r'\s*([a-z_.]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",;]*))\s*(?:[,;]|$)')
_LIFECYCLES = frozenset(Lifecycle) - {Lifecycle.DELETED}
_COMMITTER = frozenset(
    {"committer.name", "committer.external_ref.id", "committer.external_ref.id.value",
     "committer.external_ref.namespace", "committer.external_ref.type"}
)  # fmt: skip


def audit_of(request: Request, caller: Caller, settings: Settings, operation: ChangeType) -> Audit:
    """The audit of a commit by the key that was used and the headers that were sent.

    Raises Malformed for a header that says nothing known, or what the operation cannot be, and
    Unprocessable for an identifier that may not be stored.
    """
    template = getattr(request.scope.get("route"), "path", "")
    default = audits.of_key(caller.key_id, settings.system_id, f"{request.method} {template}")
    said = list(_said(request.headers.items()))
    if not said:
        return default
    details = dict(default.details)
    change = lifecycle = None
    committer: dict[str, str] = {}
    for attribute, text in said:
        match attribute:
            case "version.lifecycle_state" | "version.lifecycle_state.code_string":
                lifecycle = _lifecycle(text, operation)
            case "audit.change_type" | "audit.change_type.code_string" | "audit.change_type.value":
                change = _change(text, operation)
            case "audit.description" | "audit.description.value":
                details["description"] = {"_type": "DV_TEXT", "value": text}
            case _ if attribute.removeprefix("audit.") in _COMMITTER:
                committer[attribute.removeprefix("audit.committer.")] = text
            case _:
                raise _unknown(attribute)
    if committer:
        details["committer"] = _party(committer)
    _check(details)
    found = tuple(screen(msgspec.json.encode(details), settings))
    return Audit(details, default.key_id, default.door, change, lifecycle, found)


async def audit_for(
    request: Request, caller: Caller, here: Organisation, ehr_id: UUID, operation: ChangeType
) -> Audit:
    """As `audit_of`, and without the subject's own words in what the headers say."""
    audit = audit_of(request, caller, here.settings, operation)
    if here.own_words is None or not any(_said(request.headers.items())):
        return audit
    details, found, sealed = await run_sync(
        own_words.masked, here.own_words, ehr_id, audit.details, dict[str, Any]
    )
    found = (*audit.found, *found)
    return replace(audit, details=details, found=found, said=audit.details, sealed=sealed)


def _said(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(`version.…` or `audit.…`, text) of every commit header."""
    for name, value in headers:
        if not name.startswith("openehr-"):
            continue
        known, _, attribute = name.partition(".")
        kind = _NAMES.get(known)
        if kind is None:
            continue
        if attribute and "=" not in value:
            yield f"{kind}.{attribute}", value.strip().strip('"')
            continue
        prefix = f"{kind}.{attribute}." if attribute else f"{kind}."
        for path, text in _pairs(value, known):
            yield prefix + path, text


def _pairs(value: str, header: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(value):
        found = _PAIR.match(value, place)
        if found is None or found.end() == place:
            raise Malformed(f'The header {header} is a list of attribute="text".')
        text = re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3].strip()
        yield found[1], text
        place = found.end()


def _change(text: str, operation: ChangeType) -> ChangeType:
    change = find_change(text)
    fits = SUCCEEDING if operation is ChangeType.MODIFICATION else {operation}
    if change is None or change not in fits:
        allowed = ", ".join(sorted(one.rubric for one in fits))
        raise Malformed(f"The change type of this operation is one of: {allowed}.")
    return change


def _lifecycle(text: str, operation: ChangeType) -> Lifecycle | None:
    state = find_lifecycle(text)
    fits = {Lifecycle.DELETED} if operation is ChangeType.DELETED else _LIFECYCLES
    if state is None or state not in fits:
        allowed = ", ".join(sorted(one.rubric for one in fits))
        raise Malformed(f"The lifecycle state of this operation is one of: {allowed}.")
    return state


def _party(said: Mapping[str, str]) -> dict[str, Any]:
    party: dict[str, Any] = {"_type": "PARTY_IDENTIFIED"}
    if "name" in said:
        party["name"] = said["name"]
    reference = said.get("external_ref.id") or said.get("external_ref.id.value")
    if reference:
        party["external_ref"] = {
            "_type": "PARTY_REF",
            "namespace": said.get("external_ref.namespace", "demographic"),
            "type": said.get("external_ref.type", "PERSON"),
            "id": {"_type": "HIER_OBJECT_ID", "value": reference},
        }
    return party


def _check(details: Mapping[str, Any]) -> None:
    try:
        convert(dict(details), rm.AuditDetails)
    except RmError as error:
        raise Malformed(f"The audit details are not well-formed at {error.path}.") from None


def _unknown(attribute: str) -> Malformed:
    header, _, _ = attribute.partition(".")
    return Malformed(
        f"A commit header (openehr-{'version' if header == 'version' else 'audit-details'}) names"
        " an attribute that it does not have."
    )
