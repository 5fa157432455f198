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


def search_patients(client: httpx.Client, **parameters: str) -> list[Resource]:
    """The patients that match FHIR search parameters (`identifier`, `family`, `birthdate` …)."""
    bundle = call(client, "POST", f"{BASE}/Patient/_search", form=parameters).json()
    resources = (entry["resource"] for entry in bundle.get("entry", ()))
    return [resource for resource in resources if resource["resourceType"] == "Patient"]


def _versioned(answer: httpx.Response) -> VersionedPatient:
    resource = answer.json()
    return VersionedPatient(UUID(resource["id"]), answer.headers["ETag"], resource)
