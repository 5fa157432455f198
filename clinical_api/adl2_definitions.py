"""Operational templates in ADL 2: kept as they were uploaded, found by id and version.

Compositions are written with templates in ADL 1.4 alone; these are kept for the tools that read
them (openEHR REST API, Definition API, ADL2).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from clinical_api import documents, tables
from moiety.kit.errors import Conflict, Malformed, NotFound, NotSupported
from moiety.openehr import rm
from moiety.openehr.adl2 import (
    Adl2Error,
    Adl2Template,
    find_version,
    parse_operational_template,
    parse_version,
    sort_by_version,
    template_of,
)
from moiety.openehr.errors import TemplateError
from moiety.openehr.simplified.example import example


@dataclass(frozen=True, slots=True)
class Definition:
    """What a list of templates says of each."""

    template_id: str
    version: str
    concept: str
    archetype_id: str
    created_timestamp: str


def add(
    connection: sa.Connection, text: bytes, version: str | None, *, made: datetime | None = None
) -> Adl2Template:
    """Store a template; `version`, if it is given, is the one that it must be of.

    Raises Malformed with line and column, and Conflict for an id that exists in this version.
    """
    template = _read(text)
    if version is not None and _demand_version(version) != template.version:
        raise Malformed("The template is of another version than the parameter `version` says.")
    row = insert(tables.template_adl2).values(
        template_id=template.template_id,
        concept=template.concept,
        archetype_id=template.archetype_id,
        time_created=made or datetime.now(UTC),
        operational_template=documents.pack(text),
    )
    added = connection.execute(row.on_conflict_do_nothing().returning(sa.literal(1)))
    if added.first() is None:
        raise Conflict(
            "Operational template with this template ID already exists: " + template.template_id
        )
    return template


def all_of(connection: sa.Connection) -> list[Definition]:
    """Every template, by name and version."""
    t = tables.template_adl2
    columns = (t.c.template_id, t.c.concept, t.c.archetype_id, t.c.time_created)
    found = {row[0]: row for row in connection.execute(sa.select(*columns))}
    return [
        Definition(i, i.rpartition(".v")[2], found[i][1], found[i][2], found[i][3].isoformat())
        for i in sort_by_version(found)
    ]


def get(
    connection: sa.Connection, template_id: str, version: str | None = None
) -> tuple[str, bytes]:
    """Whole id and text: of the very id, or the latest that an id or a part of a version means.

    Raises NotFound, and Malformed for a version that is none.
    """
    t = tables.template_adl2
    known = connection.scalars(sa.select(t.c.template_id)).all()
    try:
        wanted = find_version(known, template_id, version)
    except ValueError as error:
        raise Malformed(f"The version is {error}.") from None
    if wanted is None:
        raise NotFound("There is no ADL 2 template of this id and version.")
    packed = connection.scalar(sa.select(t.c.operational_template).where(t.c.template_id == wanted))
    return wanted, documents.unpack(packed or b"")


def example_of(connection: sa.Connection, template_id: str, *, everything: bool) -> rm.Composition:
    """A made-up composition of a template; `everything` False leaves out the optional.

    Raises NotFound, and NotSupported for a template of another class than COMPOSITION.
    """
    _, text = get(connection, template_id)
    try:
        return example(template_of(_read(text)), everything=everything)
    except TemplateError:
        raise NotSupported("Examples are made of templates of a COMPOSITION alone.") from None


def _read(text: bytes) -> Adl2Template:
    try:
        return parse_operational_template(text.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Malformed("A template in ADL 2 is UTF-8 text.") from None
    except Adl2Error as error:
        place = {"path": error.place, "rule": error.construct, "expected": error.reason}
        raise Malformed(
            "The text is no operational template in ADL 2: see `validationErrors`.",
            findings=[place],
        ) from None


def _demand_version(version: str) -> str:
    try:
        return str(parse_version(version))
    except ValueError as error:
        raise Malformed(f"The version is {error}.") from None
