"""What a registrar's program asks of demographic_api (FHIR R4 `Patient`).

Searches travel as `POST …/_search`: a search value in a URL would end up in access logs.
A refusal arrives as an OperationOutcome and is raised as the ServiceError of its status.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from moiety.wire.exchange import call

BASE = "/fhir/R4"
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class VersionedPatient:
    """A Patient resource with the `ETag` to send as `If-Match` with a change of it."""

    person_id: UUID
    etag: str
    resource: Resource


def create_patient(client: httpx.Client, resource: Mapping[str, Any]) -> VersionedPatient:
    """Registers a person.  Raises Conflict when the NHS number is registered already."""
    return _versioned(call(client, "POST", f"{BASE}/Patient", json=resource))


def read_patient(client: httpx.Client, person_id: UUID) -> VersionedPatient:
    """The current version of a person.  Raises NotFound."""
    return _versioned(call(client, "GET", f"{BASE}/Patient/{person_id}"))


def update_patient(
    client: httpx.Client, person_id: UUID, resource: Mapping[str, Any], *, etag: str
) -> VersionedPatient:
    """Replaces the version that `etag` names.  Raises VersionConflict with the latest `ETag`."""
    headers = {"If-Match": etag}
    path = f"{BASE}/Patient/{person_id}"
    return _versioned(call(client, "PUT", path, json=resource, headers=headers))


def merge_patients(client: httpx.Client, merged: UUID, survivor: UUID) -> VersionedPatient:
    """Lets a person live on in another.  Raises Conflict when either was merged already."""
    return _versioned(call(client, "POST", f"{_of(merged)}/$merge", json=_target(survivor)))


def unmerge_patients(client: httpx.Client, merged: UUID, survivor: UUID) -> VersionedPatient:
    """Takes a merge back.  Raises NotFound without one."""
    return _versioned(call(client, "POST", f"{_of(merged)}/$unmerge", json=_target(survivor)))


def search_patients(client: httpx.Client, **parameters: str) -> list[Resource]:
    """The patients that match FHIR search parameters (`identifier`, `family`, `birthdate` …)."""
    bundle = call(client, "POST", f"{BASE}/Patient/_search", form=parameters).json()
    resources = (entry["resource"] for entry in bundle.get("entry", ()))
    return [resource for resource in resources if resource["resourceType"] == "Patient"]


def _of(person_id: UUID) -> str:
    return f"{BASE}/Patient/{person_id}"


def _target(person_id: UUID) -> Resource:
    reference = {"reference": f"Patient/{person_id}"}
    parameter = {"name": "target-patient", "valueReference": reference}
    return {"resourceType": "Parameters", "parameter": [parameter]}


def _versioned(answer: httpx.Response) -> VersionedPatient:
    resource = answer.json()
    return VersionedPatient(UUID(resource["id"]), answer.headers["ETag"], resource)
