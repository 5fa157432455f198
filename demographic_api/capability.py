"""What this server can do, as FHIR R4 CapabilityStatement."""

from typing import Any

from demographic_api import nhs_number
from demographic_api.outcomes import MEDIA_TYPE
from moiety import __version__


def statement() -> dict[str, Any]:
    """The CapabilityStatement of this instance's kind (https://hl7.org/fhir/R4/http.html)."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11",
        "kind": "capability",
        "software": {"name": "Moiety", "version": __version__},
        "implementation": {"description": "Moiety demographic service"},
        "fhirVersion": "4.0.1",
        "format": [MEDIA_TYPE, "application/json"],
        "rest": [{"mode": "server", "resource": [_patient()]}],
    }


def _patient() -> dict[str, Any]:
    interactions = ("create", "read", "vread", "update", "search-type")
    return {
        "type": "Patient",
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": False,
        "searchParam": [
            _parameter("identifier", "token", f"NHS numbers in the system {nhs_number.SYSTEM}"),
            _parameter("name", "string", "the beginning of any part of a name; with birthdate"),
            _parameter("family", "string", "the beginning of a family name; with birthdate"),
            _parameter("given", "string", "the beginning of a given name; with birthdate"),
            _parameter("birthdate", "date", "a year, a month or a day; with a name"),
        ],
    }


def _parameter(name: str, kind: str, documentation: str) -> dict[str, str]:
    return {"name": name, "type": kind, "documentation": documentation}
