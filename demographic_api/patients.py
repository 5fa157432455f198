"""Checks of a Patient that its types cannot state, and its one stored form.

A finding names the FHIR expression and the rule, never the value.
"""

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from demographic_api import nhs_number
from demographic_api.fhir import HumanName, Identifier, Patient, given
from moiety.kit.errors import Unprocessable

Finding = dict[str, str]
EARLIEST_YEAR = 1870  # nobody living was born before


def check(patient: Patient) -> Patient:
    """The Patient as it is stored: NHS numbers as ten digits, without `id` and version.

    Raises Unprocessable with every finding.
    """
    findings = [*_names(patient), *_identifiers(patient), *_dates(patient), *_links(patient)]
    if findings:
        raise Unprocessable("The Patient breaks a rule.", findings=findings)
    identifiers = [_normalised(identifier) for identifier in given(patient.identifier)]
    meta = patient.meta
    if not isinstance(meta, UnsetType):
        meta = UNSET if meta.profile is UNSET else msgspec.structs.replace(meta, versionId=UNSET)
    return msgspec.structs.replace(patient, id=UNSET, meta=meta, identifier=identifiers or UNSET)


def is_current(identifier: Identifier) -> bool:
    """Whether an identifier still stands for the person: superseded ones are kept as `old`."""
    return identifier.use != "old"


def _names(patient: Patient) -> Iterator[Finding]:
    if patient.name is UNSET:
        yield _finding("Patient.name", "required")
    for number, name in enumerate(given(patient.name)):
        if name.text is UNSET and name.family is UNSET and name.given is UNSET:
            yield _finding(f"Patient.name[{number}]", "family, given or text is required")


def _identifiers(patient: Patient) -> Iterator[Finding]:
    current = 0
    for number, identifier in enumerate(given(patient.identifier)):
        if identifier.system != nhs_number.SYSTEM:
            continue
        current += is_current(identifier)
        if nhs_number.normalise(identifier.value) is None:
            yield _finding(f"Patient.identifier[{number}].value", "NHS number, Modulus 11")
    if current > 1:
        yield _finding("Patient.identifier", "at most one NHS number that is not old")


def _dates(patient: Patient) -> Iterator[Finding]:
    for element in ("birthDate", "deceasedDateTime"):
        value = getattr(patient, element)
        if value is not UNSET and not _is_past(value):
            yield _finding(f"Patient.{element}", "a date that exists and has passed")
    if patient.deceasedBoolean is not UNSET and patient.deceasedDateTime is not UNSET:
        yield _finding("Patient.deceased", "one form only")


def _links(patient: Patient) -> Iterator[Finding]:
    if patient.link is not UNSET:
        yield _finding("Patient.link", "written by $merge alone")


def _is_past(text: str) -> bool:
    parts = [int(part) for part in text.split("-")]
    if parts[0] < EARLIEST_YEAR or (len(parts) == 3 and parts[2] > _last_day(*parts[:2])):
        return False
    today = datetime.now(UTC).date().isoformat()
    return text <= today[: len(text)]


def _last_day(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _normalised(identifier: Identifier) -> Identifier:
    if identifier.system != nhs_number.SYSTEM:
        return identifier
    value = nhs_number.normalise(identifier.value)
    return msgspec.structs.replace(identifier, value=value)


def _finding(path: str, rule: str) -> Finding:
    return {"path": path, "rule": rule}


def name_parts(name: HumanName) -> Iterator[tuple[str, Any]]:
    """The parts of a name that a search compares, with their kind."""
    for kind in ("family", "text"):
        if (value := getattr(name, kind)) is not UNSET:
            yield kind, value
    for kind in ("given", "prefix", "suffix"):
        for value in given(getattr(name, kind)):
            yield kind, value
