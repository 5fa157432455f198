"""Find persons by identifier, or by name and birth date (FHIR R4 search on `Patient`).

A search names an identifier, or a name of two letters or more together with a birth date: listing
everybody, a street or a surname is not offered, nor a next page.  Too many matches end with a
warning that asks for a narrower search.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from demographic_api import nhs_number, words
from demographic_api.persons import Version, expand
from demographic_api.tables import identifier, person, person_name
from moiety.kit.errors import Malformed

DEFAULT_COUNT = 20
LARGEST_COUNT = 50
SHORTEST_NAME = 2
_NAMES = ("family", "given", "name")
_SUPPORTED = ("identifier", *_NAMES, "birthdate", "_count", "_format")
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a person must match, all of it: (system or None, value), (kind, beginning), date."""

    identifiers: tuple[tuple[str | None, str], ...]
    names: tuple[tuple[str, str], ...]
    birth_date: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Found:
    """The first persons that match, and whether there are more."""

    persons: tuple[Version, ...]
    has_more: bool


def parse(parameters: Sequence[tuple[str, str]]) -> Criteria:
    """Search parameters as Criteria.  Raises Malformed: unknown, repeated wrongly, or too few."""
    for name, value in parameters:
        if name not in _SUPPORTED:
            raise Malformed(f"A search parameter is not supported. Known: {', '.join(_SUPPORTED)}.")
        if "," in value or "\x00" in value or not value.strip():
            raise _malformed(name, "one value, not a list and not empty")
    criteria = Criteria(
        identifiers=tuple(_identifier(v) for n, v in parameters if n == "identifier"),
        names=tuple((n, _name(n, v)) for n, v in parameters if n in _NAMES),
        birth_date=_birth_date([v for n, v in parameters if n == "birthdate"]),
        count=_count([v for n, v in parameters if n == "_count"]),
    )
    if not criteria.identifiers and not (criteria.names and criteria.birth_date):
        raise Malformed("A search needs an identifier, or a name and a birthdate.")
    return criteria


def search(connection: sa.Connection, criteria: Criteria) -> Found:
    """The persons that match, in no order that tells when they were registered."""
    query = (
        sa.select(person.c.person_id, person.c.version, person.c.document)
        .where(*_conditions(criteria))
        .order_by(person.c.person_id)
        .limit(criteria.count + 1)
    )
    rows = connection.execute(query).all()
    persons = tuple(Version(row.person_id, row.version, expand(row.document)) for row in rows)
    return Found(persons[: criteria.count], has_more=len(rows) > criteria.count)


def _conditions(criteria: Criteria) -> Iterator[sa.ColumnElement[bool]]:
    for system, value in criteria.identifiers:
        matches = [identifier.c.value == value]
        if system is not None:
            matches.append(identifier.c.system == system)
        yield person.c.person_id.in_(sa.select(identifier.c.person_id).where(*matches))
    for kind, beginning in criteria.names:
        matches = [person_name.c.word.startswith(beginning, autoescape=True)]
        if kind != "name":
            matches.append(person_name.c.kind == kind)
        yield person.c.person_id.in_(sa.select(person_name.c.person_id).where(*matches))
    if criteria.birth_date is not None:
        yield person.c.birth_date.startswith(criteria.birth_date, autoescape=True)


def _identifier(text: str) -> tuple[str | None, str]:
    system, bar, value = text.rpartition("|")
    if not value or (bar and not system):
        raise _malformed("identifier", "system|value or value")
    if bar and system != nhs_number.SYSTEM:
        return system, value
    return system or None, nhs_number.normalise(value) or value


def _name(parameter: str, text: str) -> str:
    beginning = words.normalise(text)
    if len(beginning) < SHORTEST_NAME:
        raise _malformed(parameter, f"at least {SHORTEST_NAME} letters")
    return beginning


def _birth_date(values: Sequence[str]) -> str | None:
    """The date, or the year or month that holds it; FHIR's prefix `eq` changes nothing."""
    if not values:
        return None
    text = values[0].removeprefix("eq")
    if len(values) > 1 or not _DATE.fullmatch(text):
        raise _malformed("birthdate", "one date: YYYY, YYYY-MM or YYYY-MM-DD")
    return text


def _count(values: Sequence[str]) -> int:
    if not values:
        return DEFAULT_COUNT
    if len(values) > 1 or not re.fullmatch(r"[1-9][0-9]{0,3}", values[0]):
        raise _malformed("_count", "one number from 1")
    return min(int(values[0]), LARGEST_COUNT)


def _malformed(parameter: str, rule: str) -> Malformed:
    message = f"The search parameter {parameter} is not of the expected form."
    return Malformed(message, findings=[{"path": parameter, "rule": rule}])
